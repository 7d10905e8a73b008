// SPDX-License-Identifier: BSD-3-Clause
#include "moho/dispersion/flattening.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace moho::dispersion {

using Part = FlatModel::Part;

namespace {

constexpr std::array<double, 2> density_exponent{2.275, 5};   ///< by Wave
constexpr std::array<double, 2> wavenumber_shift{0.25, 2.25}; ///< (l + 1/2)^2 - (k_f a)^2, by Wave
/// Parts of one model; more would be a slip of units.
constexpr double most_parts = 100000;

/// The nearest power of 2^(1/4).
double rounded(double x) {
  return x > 0 ? std::exp2(std::round(4 * std::log2(x)) / 4) : 0;
}

/// Cuts the layer from z_f = top to top + thickness. Parts have the thickness asked for below a
/// depth of radius / 80, above it less in proportion to depth (what short waves see must be cut
/// finer), but no less than 1/100 of it.
///
/// Constants in parts of thickness h in place of m(z) shift a root, to first order, by the integral
/// of -m' g' h^2 / 12 where they are the means of m (g: how the root feels m): in each part of even
/// h by -m' h^2 / 12 times the difference of g between its ends, and by m'' g h^2 / 12 inside.
/// Values that are taken a little off the middle take away the first (only the steps of h^2 count,
/// so the outermost parts and the seams), values of m (1 - (m''/m) h^2 / 24) at the middle the
/// second, see Stretch. What is left is of third order.
std::vector<Part> cut(double top, double thickness, FlattenOptions const& options) {
  top = rounded(top);
  thickness = rounded(thickness);
  std::vector<double> h;
  for (double z = 0; z < thickness; z += h.back()) {
    double const want = options.thickest * std::clamp((top + z) / (options.radius / 80), 0.01, 1.0);
    double const left = thickness - z;
    h.push_back(left < 1.5 * want ? left : want);
    if (h.back() == left) break;
  }
  std::vector<Part> parts;
  const std::size_t n = h.size();
  double z = 0;
  for (std::size_t i = 0; i < n; ++i) {
    auto const step = [&](std::size_t seam) { // of h^2 / 12 at the top of part `seam`
      double const above = seam > 0 ? h[seam - 1] : 0, below = seam < n ? h[seam] : 0;
      double const whole = (above * above - below * below) / 12;
      return seam > 0 && seam < n ? whole / 2 : whole; // a seam's two parts share it
    };
    double const shift = (step(i) + step(i + 1)) / h[i];
    parts.push_back({h[i] / thickness, (z + 0.5 * h[i] + shift) / thickness});
    z += h[i];
  }
  return parts;
}

/// sinh(x) / x and its logarithmic derivative; |x| << 1 here or below about 1.
double mean_of_exp(double x) {
  return std::abs(x) < 1e-4 ? 1 + x * x / 6 : std::sinh(x) / x;
}
double slope_of_mean(double x) {
  return std::abs(x) < 1e-3 ? x / 3 * (1 - x * x / 15) : 1 / std::tanh(x) - 1 / x;
}

/// What a part of thickness h makes of velocities and density. Moduli go with exp(-(p - 2) z_f /
/// a), density with exp(-p z_f / a); each is divided by the mean over the part of its exponential,
/// which is the second of the corrections above.
struct Stretch {
  double velocity, density;           ///< factors
  double velocity_by_h, density_by_h; ///< derivatives of their logarithms
  Stretch(Wave wave, double depth, double h, double a) {
    double const p = density_exponent[static_cast<std::size_t>(wave)], of_modulus = p - 2;
    double const m = of_modulus * h / (2 * a), d = p * h / (2 * a);
    velocity = std::exp(depth / a) * std::sqrt(mean_of_exp(d) / mean_of_exp(m));
    density = std::exp(-p * depth / a) / mean_of_exp(d);
    density_by_h = -slope_of_mean(d) * p / (2 * a);
    velocity_by_h = -0.5 * (slope_of_mean(m) * of_modulus / (2 * a) + density_by_h);
  }
};

/// q (c_f / (omega a))^2.
double curvature(double phase, Wave wave, double period, double radius) {
  double const ratio = phase * period / (2 * std::numbers::pi * radius);
  return wavenumber_shift[static_cast<std::size_t>(wave)] * ratio * ratio;
}

/// Depth below the surface of the sphere of the top of each row.
std::vector<double> tops_of(LayeredModel const& model) {
  std::vector<double> top(model.layers());
  for (std::size_t i = 1; i < top.size(); ++i) top[i] = top[i - 1] + model.thickness[i - 1];
  return top;
}

/// Derivatives of one quantity with respect to the parts of one flat model.
struct FlatGradient {
  std::span<double const> thickness, vp, vs, rho;
};

FlatGradient part_of(Gradient const& all, std::size_t first, std::size_t n) {
  auto const cut = [&](std::vector<double> const& from) {
    return std::span<double const>(from).subspan(first, n);
  };
  return {cut(all.thickness), cut(all.vp), cut(all.vs), cut(all.rho)};
}

/// Writes the derivatives of one quantity with respect to the rows of the sphere at `to`.
void fold(FlatGradient const& flat, FlatModel const& parts, LayeredModel const& sphere, Wave wave,
          double radius, Gradient& into, std::size_t to) {
  const std::size_t n = sphere.layers();
  double const exponent = density_exponent[static_cast<std::size_t>(wave)];
  std::vector<double> by_top(n, 0.0); // derivative with respect to z_f of each row's top
  for (std::size_t f = 0; f < parts.row.size(); ++f) {
    const std::size_t row = parts.row[f];
    into.vp[to + row] += flat.vp[f] * parts.vp[f] / sphere.vp[row];
    if (sphere.vs[row] > 0) into.vs[to + row] += flat.vs[f] * parts.vs[f] / sphere.vs[row];
    into.rho[to + row] += flat.rho[f] * parts.rho[f] / sphere.rho[row];
    double const by_velocity = flat.vp[f] * parts.vp[f] + flat.vs[f] * parts.vs[f],
                 by_density = flat.rho[f] * parts.rho[f];
    double const by_depth = (by_velocity - exponent * by_density) / radius;
    if (row + 1 == n) {
      by_top[row] += by_depth;
      continue;
    }
    auto const& [share, sample] = parts.part[f];
    const Stretch by(wave, 0, parts.thickness[f], radius);
    double const by_thickness =
        (flat.thickness[f] + by_velocity * by.velocity_by_h + by_density * by.density_by_h) * share;
    by_top[row] += by_depth * (1 - sample) - by_thickness;
    by_top[row + 1] += by_depth * sample + by_thickness;
  }
  // A thicker row lowers every interface under it: dz_f = a dz / r.
  const std::vector<double> top = tops_of(sphere);
  double lowered = 0;
  for (std::size_t row = n - 1; row-- > 0;) {
    lowered += by_top[row + 1] * radius / (radius - top[row + 1]);
    into.thickness[to + row] = lowered;
  }
}

Gradient room_for(std::size_t rows) {
  const std::vector<double> zeros(rows, 0.0);
  return {zeros, zeros, zeros, zeros};
}

template <class Body>
void for_each(Gradient& gradient, std::size_t first, std::size_t last, Body const& body) {
  for (auto column : {&Gradient::thickness, &Gradient::vp, &Gradient::vs, &Gradient::rho})
    for (std::size_t i = first; i < last; ++i) body(column, i, (gradient.*column)[i]);
}

} // namespace

std::string problem_with_flattening(LayeredModel const& model, FlattenOptions const& options) {
  if (!(std::isfinite(options.radius) && options.radius > 0))
    return "the radius of the sphere is " + std::to_string(options.radius) +
           " km (it must be finite and > 0) correct it";
  if (!(options.thickest > 0))
    return "the thickest part is " + std::to_string(options.thickest) +
           " km (it must be > 0) correct it";
  double depth = 0, parts = 0;
  for (double const thickness : model.thickness) {
    depth += thickness;
    parts += 1 + thickness / options.thickest;
  }
  if (!(depth < options.radius))
    return "the half-space begins at " + std::to_string(depth) +
           " km (below the centre of a sphere of radius " + std::to_string(options.radius) +
           " km) correct the thicknesses, which are in km";
  if (parts > most_parts)
    return "the layers would be cut into more than " +
           std::to_string(static_cast<std::int64_t>(most_parts)) + " parts (of at most " +
           std::to_string(options.thickest) + " km) allow thicker parts";
  return "";
}

FlatModel flatten(LayeredModel const& model, Wave wave, FlattenOptions const& options) {
  if (const std::string wrong = problem_with_flattening(model, options); !wrong.empty())
    throw Error(wrong);
  double const a = options.radius;
  FlatModel flat;
  auto const append = [&](std::size_t row, double thickness, double depth) {
    const Stretch by(wave, depth, thickness, a);
    flat.thickness.push_back(thickness);
    flat.vp.push_back(model.vp[row] * by.velocity);
    flat.vs.push_back(model.vs[row] * by.velocity);
    flat.rho.push_back(model.rho[row] * by.density);
    flat.row.push_back(row);
  };
  const std::vector<double> top = tops_of(model);
  for (std::size_t row = 0; row < model.layers(); ++row) {
    double const begin = -a * std::log1p(-top[row] / a);
    if (row + 1 == model.layers()) {
      append(row, 0, begin);
      break;
    }
    // log1p of the layer's own share: thin layers of a large sphere keep all their digits.
    double const thickness = -a * std::log1p(-model.thickness[row] / (a - top[row]));
    for (Part const& part : cut(begin, thickness, options)) {
      append(row, part.share * thickness, begin + part.sample * thickness);
      flat.part.push_back(part);
    }
  }
  return flat;
}

ModelBatch flatten(ModelBatch const& batch, Wave wave, FlattenOptions const& options) {
  ModelBatch flat;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const LayeredModel model = batch.model(i);
    if (problem_with(model).empty() && problem_with_flattening(model, options).empty())
      flat.append(flatten(model, wave, options).model(), batch.periods(i));
    else
      flat.append(model, batch.periods(i));
  }
  return flat;
}

Velocities on_sphere(Velocities flat, Wave wave, double period, double radius) {
  double const f = std::sqrt(1 + curvature(flat.phase, wave, period, radius));
  return {flat.phase / f, flat.group * f};
}

void to_sphere(Curves& curves, ModelBatch const& batch, FlattenOptions const& options) {
  auto const convert = [&](double& phase, double& group, Wave wave, double period) {
    const Velocities v = on_sphere({phase, group}, wave, period, options.radius);
    phase = v.phase;
    group = v.group;
  };
  for (const Wave wave : all_waves) {
    Curves::OfWave& of = curves.wave[static_cast<std::size_t>(wave)];
    for (std::size_t at = 0; at < of.phase.size(); at += curves.points)
      for (std::size_t i = 0, p = 0; i < batch.size(); ++i)
        for (double const period : batch.periods(i)) {
          convert(of.phase[at + p], of.group[at + p], wave, period);
          ++p;
        }
  }
  for (Flag& flag : curves.flags)
    for (Root& root : flag.roots)
      convert(root.phase, root.group, flag.wave,
              batch.periods(static_cast<std::size_t>(
                  flag.case_index))[static_cast<std::size_t>(flag.period_index)]);
}

Sensitivities to_sphere(Sensitivities const& flat, std::vector<RootPoint> const& points,
                        ModelBatch const& batch, FlattenOptions const& options) {
  Sensitivities out;
  out.group = flat.group;
  out.ellipticity = flat.ellipticity;
  out.reason = flat.reason;
  out.offset.push_back(0);
  for (RootPoint const& point : points)
    out.offset.push_back(out.offset.back() +
                         static_cast<std::int64_t>(
                             batch.model(static_cast<std::size_t>(point.case_index)).layers()));
  auto const rows = static_cast<std::size_t>(out.offset.back());
  std::array<std::pair<Gradient const*, Gradient*>, 3> const quantities{
      {{&flat.dphase, &out.dphase},
       {&flat.dgroup, &out.dgroup},
       {&flat.dellipticity, &out.dellipticity}}};
  for (auto const& [from, to] : quantities)
    if (!from->vs.empty() || rows == 0) *to = room_for(rows);
  for (std::size_t p = 0; p < points.size(); ++p) {
    RootPoint const& point = points[p];
    const LayeredModel sphere = batch.model(static_cast<std::size_t>(point.case_index));
    const FlatModel parts = flatten(sphere, point.wave, options);
    auto const first = static_cast<std::size_t>(out.offset[p]),
               last = static_cast<std::size_t>(out.offset[p + 1]);
    for (auto const& [from, to] : quantities)
      if (!to->vs.empty())
        fold(part_of(*from, static_cast<std::size_t>(flat.offset[p]), parts.row.size()), parts,
             sphere, point.wave, options.radius, *to, first);
    // c = c_f / f, U = U_f f with f^2 = 1 + x, x ~ c_f^2.
    double const x = curvature(point.phase, point.wave, point.period, options.radius);
    double const f = std::sqrt(1 + x);
    if (!out.dgroup.vs.empty())
      for_each(out.dgroup, first, last, [&](auto column, std::size_t i, double& value) {
        value = value * f + flat.group[p] * x / (point.phase * f) * (out.dphase.*column)[i];
      });
    for_each(out.dphase, first, last,
             [&](auto, std::size_t, double& value) { value /= f * f * f; });
    out.group[p] = flat.group[p] * f;
  }
  return out;
}

} // namespace moho::dispersion
