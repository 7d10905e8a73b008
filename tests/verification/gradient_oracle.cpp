// SPDX-License-Identifier: BSD-3-Clause
#include "verification/gradient_oracle.hpp"
#include "moho/dispersion/ellipticity.hpp"
#include "moho/dispersion/love.hpp"
#include <algorithm>
#include <cmath>

namespace moho::verification {
namespace {

using dispersion::FluidLayer;
using dispersion::LayeredModel;
using dispersion::LayerView;
using dispersion::SolidLayer;
using Extended = DoubleDouble;

/// A model in extended precision, in the caller's units.
struct ExtendedModel {
  std::vector<Extended> column[4]; ///< by Parameter
  explicit ExtendedModel(LayeredModel const& m) {
    std::span<double const> const from[] = {m.thickness, m.vp, m.vs, m.rho};
    for (int p = 0; p < 4; ++p) column[p].assign(from[p].begin(), from[p].end());
  }
};

struct ExtendedRoot {
  Extended phase, group, ellipticity;
};

Extended ellipticity_of(LayerView<Extended> const& model, Extended c, Extended k) {
  const Extended c2 = c * c, inv_c2 = Extended(1.0) / c2;
  auto m = dispersion::half_space_minors(model.solid[model.solids - 1], c2);
  for (int i = model.solids - 2; i >= 0; --i) {
    dispersion::LayerAtVelocity<Extended, Extended> const at(model.solid[i], c2, inv_c2);
    Extended spread, exponent(0.0);
    m = dispersion::propagate(
        at,
        dispersion::psv_functions(k * model.solid[i].thickness, at.r2, at.s2, at.gap, at.inv_gap),
        m, spread);
    dispersion::normalise(m, exponent);
  }
  return dispersion::surface_ellipticity(m);
}

ExtendedRoot solve_from(ExtendedModel const& model, Wave wave, double period, Extended c) {
  std::vector<FluidLayer<Extended>> fluid;
  std::vector<SolidLayer<Extended>> solid;
  auto const& [h, vp, vs, rho] = model.column;
  for (std::size_t i = 0; i < h.size(); ++i)
    if (vs[i].hi > 0)
      solid.push_back(dispersion::make_solid(h[i], vp[i], vs[i], rho[i]));
    else
      fluid.push_back(dispersion::make_fluid(h[i], vp[i], rho[i]));
  LayerView<Extended> const view{fluid.data(), solid.data(), static_cast<int>(fluid.size()),
                                 static_cast<int>(solid.size())};
  const Extended two_pi(0x1.921fb54442d18p+2, 0x1.1a62633145c07p-52), zero(0.0), one(1.0);
  const Extended omega = two_pi / Extended(period);
  Extended k, group;
  for (int step = 0; step < 6; ++step) {
    using D = Dual<Extended>;
    k = omega / c;
    const D dc{c, one, zero}, dk{k, zero, one};
    const D f = wave == Wave::love ? dispersion::love(view, dc, dk).secular
                                   : dispersion::rayleigh<false>(view, dc, dk).secular;
    group = c - k * f.d1 / f.d0;
    const Extended change = f.v / (f.d0 - k / c * f.d1);
    c = c - change;
    if (std::fabs(change.hi) < 1e-24 * c.hi) break;
  }
  return {c, group, wave == Wave::love ? zero : ellipticity_of(view, c, omega / c)};
}

/// Central difference with a relative step.
RootSlopes central(ExtendedModel model, Wave wave, double period, Extended phase, int column,
                   std::size_t layer, double step, RootSlopes const* coarser) {
  Extended& p = model.column[column][layer];
  const Extended at = p, change = at * Extended(step), inverse = Extended(0.5) / change;
  p = at + change;
  const ExtendedRoot above = solve_from(model, wave, period, phase);
  p = at - change;
  const ExtendedRoot below = solve_from(model, wave, period, phase);
  RootSlopes d{((above.phase - below.phase) * inverse).hi,
               ((above.group - below.group) * inverse).hi,
               ((above.ellipticity - below.ellipticity) * inverse).hi};
  if (!coarser) return d;
  auto const extrapolate = [](double fine, double coarse) { return fine + (fine - coarse) / 3; };
  return {extrapolate(d.phase, coarser->phase), extrapolate(d.group, coarser->group),
          extrapolate(d.ellipticity, coarser->ellipticity)};
}

} // namespace

char const* name(Parameter parameter) {
  static char const* const names[] = {"thickness", "vp", "vs", "rho"};
  return names[static_cast<int>(parameter)];
}

std::vector<double> const& column(dispersion::Gradient const& g, Parameter parameter) {
  std::vector<double> const* const all[] = {&g.thickness, &g.vp, &g.vs, &g.rho};
  return *all[static_cast<int>(parameter)];
}
std::vector<double>& column(dispersion::Gradient& g, Parameter parameter) {
  std::vector<double>* const all[] = {&g.thickness, &g.vp, &g.vs, &g.rho};
  return *all[static_cast<int>(parameter)];
}

RootSlopes differences(LayeredModel const& model, Wave wave, double period, double phase,
                       Parameter parameter, std::size_t layer) {
  const ExtendedModel extended(model);
  int const which = static_cast<int>(parameter);
  if (!(extended.column[which][layer].hi > 0)) return {0, 0, 0}; // half-space, fluid
  const Extended root = solve_from(extended, wave, period, Extended(phase)).phase;
  double const step = 2e-7;
  RootSlopes const coarse = central(extended, wave, period, root, which, layer, step, nullptr);
  return central(extended, wave, period, root, which, layer, step / 2, &coarse);
}

GradientErrors against_differences(ModelBatch const& batch, RootPoint const& point,
                                   Sensitivities const& found, std::size_t index) {
  const LayeredModel model = batch.model(static_cast<std::size_t>(point.case_index));
  const std::span<double const> values[] = {model.thickness, model.vp, model.vs, model.rho};
  auto const first = static_cast<std::size_t>(found.offset[index]);
  double const c = point.phase, e = std::max(1.0, std::fabs(found.ellipticity[index]));
  GradientErrors worst;
  auto const grow = [](double& most, double x) {
    most = std::isnan(x) || !(std::fabs(x) <= most) ? std::fabs(x) : most;
  };
  for (Parameter p : all_parameters) {
    if (point.wave == Wave::love && p == Parameter::vp) continue;
    GradientErrors error, size{1e-3 * c, 1e-3 * c, 1e-3 * e}; // by relative changes of p
    for (std::size_t i = 0; i < model.layers(); ++i) {
      double const v = values[static_cast<int>(p)][i];
      RootSlopes const d = differences(model, point.wave, point.period, point.phase, p, i);
      grow(size.phase, d.phase * v), grow(size.group, d.group * v);
      grow(size.ellipticity, d.ellipticity * v);
      grow(error.phase, (column(found.dphase, p)[first + i] - d.phase) * v);
      if (!found.dgroup.vs.empty())
        grow(error.group, (column(found.dgroup, p)[first + i] - d.group) * v);
      if (!found.dellipticity.vs.empty() && found.reason[index].empty())
        grow(error.ellipticity, (column(found.dellipticity, p)[first + i] - d.ellipticity) * v);
    }
    grow(worst.phase, error.phase / size.phase);
    grow(worst.group, error.group / size.group);
    grow(worst.ellipticity, error.ellipticity / size.ellipticity);
  }
  return worst;
}

std::vector<RootPoint> roots_of(ModelBatch const& batch, Curves const& curves, std::size_t most) {
  std::vector<RootPoint> all;
  for (Wave wave : dispersion::all_waves) {
    Curves::OfWave const& of = curves.wave[static_cast<std::size_t>(wave)];
    for (std::size_t i = 0; i < batch.size(); ++i)
      for (std::size_t p = 0; p < batch.periods(i).size(); ++p)
        for (int mode = 0; mode < curves.modes && !of.phase.empty(); ++mode) {
          const std::size_t at = static_cast<std::size_t>(mode) * curves.points +
                                 static_cast<std::size_t>(batch.period_offset()[i]) + p;
          if (std::isnan(of.phase[at])) continue;
          all.push_back({static_cast<std::int64_t>(i), wave, batch.periods(i)[p], of.phase[at],
                         of.status[at] == dispersion::Status::extended});
        }
  }
  if (all.size() <= most) return all;
  std::vector<RootPoint> some;
  for (std::size_t j = 0; j < most; ++j) some.push_back(all[j * all.size() / most]);
  return some;
}

} // namespace moho::verification
