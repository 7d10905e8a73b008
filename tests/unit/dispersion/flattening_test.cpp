// SPDX-License-Identifier: BSD-3-Clause
// Earth flattening against closed forms of spheres: toroidal modes of a homogeneous and of a
// two-layer sphere, spheroidal modes of a homogeneous one (no gravity), all at real angular order.
#include "moho/core/error.hpp"
#include "moho/dispersion/flattening.hpp"
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <numbers>

namespace moho::dispersion {
namespace {

constexpr double earth = 6371;
constexpr double pi = std::numbers::pi;

/// Rows of (thickness, vp, vs, rho).
struct Model {
  std::vector<double> thickness, vp, vs, rho;
  explicit Model(std::vector<std::array<double, 4>> const& rows) {
    for (auto const& [h, a, b, r] : rows) {
      thickness.push_back(h);
      vp.push_back(a);
      vs.push_back(b);
      rho.push_back(r);
    }
  }
  LayeredModel view() const { return {thickness, vp, vs, rho}; }
};

/// A homogeneous ball; the layer is so deep that no wave here feels its bottom.
const Model homogeneous({{2500, 6.5, 3.7, 3}, {0, 6.5, 3.7, 3}});

double bisected(std::function<double(double)> const& f, double low, double high) {
  bool const rising = f(high) > 0;
  EXPECT_NE(f(low) > 0, rising) << "no root between " << low << " and " << high;
  for (int i = 0; i < 80; ++i) {
    double const middle = 0.5 * (low + high);
    ((f(middle) > 0) == rising ? high : low) = middle;
  }
  return 0.5 * (low + high);
}

/// Spherical Bessel functions of real order l and what is left of them after a common factor, which
/// no root depends on: j_l(x) ~ J_{l+1/2}(x) / sqrt(x).
struct Bessel {
  double value, slope; ///< of f_l(x) and df_l/dx
};
Bessel bessel_j(double l, double x) {
  double const j = std::cyl_bessel_j(l + 0.5, x), next = std::cyl_bessel_j(l + 1.5, x);
  double const scale = 1 / std::sqrt(x);
  return {scale * j, scale * (l / x * j - next)};
}
Bessel bessel_y(double l, double x) {
  double const y = std::cyl_neumann(l + 0.5, x), next = std::cyl_neumann(l + 1.5, x);
  double const scale = 1 / std::sqrt(x);
  return {scale * y, scale * (l / x * y - next)};
}

/// Toroidal modes of a homogeneous ball (Lamb 1882): traction mu (W' - W/r) = 0 at r = a with
/// W = j_l(omega r / beta).
double toroidal_traction(double l, double omega, double beta, double a) {
  double const x = omega * a / beta;
  const Bessel w = bessel_j(l, x);
  return x * w.slope - w.value;
}

/// The same of a ball of radius b under a shell: W and the traction are continuous at b.
struct TwoLayers {
  double b, beta_in, rho_in, beta_out, rho_out;
};
double toroidal_traction(double l, double omega, TwoLayers const& m, double a) {
  double const mu_in = m.rho_in * m.beta_in * m.beta_in,
               mu_out = m.rho_out * m.beta_out * m.beta_out;
  auto const traction = [](Bessel w, double x) { return x * w.slope - w.value; }; // times r / mu
  double const xi = omega * m.b / m.beta_in, xo = omega * m.b / m.beta_out,
               xs = omega * a / m.beta_out;
  const Bessel in = bessel_j(l, xi), j = bessel_j(l, xo), y = bessel_y(l, xo);
  double const ti = mu_in * traction(in, xi), tj = mu_out * traction(j, xo),
               ty = mu_out * traction(y, xo);
  // Cramer's rule for W = A j + B y outside.
  double const A = in.value * ty - y.value * ti, B = j.value * ti - in.value * tj;
  return A * traction(bessel_j(l, xs), xs) + B * traction(bessel_y(l, xs), xs);
}

/// Spheroidal modes of a homogeneous ball without gravity (Lamb 1882; Takeuchi & Saito 1972, for
/// u = grad phi + curl curl (r psi)): both tractions vanish at r = a.
double spheroidal_traction(double l, double omega, double alpha, double beta, double a) {
  double const h = omega / alpha, k = omega / beta, n = l * (l + 1);
  double const mu = beta * beta, lambda = alpha * alpha - 2 * mu;
  struct Column {
    double normal, shear;
  };
  auto const potential = [&](double wavenumber) { // f, f', f'' with respect to r
    const Bessel f = bessel_j(l, wavenumber * a);
    double const slope = wavenumber * f.slope;
    return std::array{f.value, slope,
                      -2 / a * slope - (wavenumber * wavenumber - n / (a * a)) * f.value};
  };
  auto const [p, dp, ddp] = potential(h);
  auto const [s, ds, dds] = potential(k);
  // phi: U = f', V = f / r. psi: U = n f / r, V = f / r + f'. Shear: V' - V / r + U / r.
  const Column phi{-lambda * h * h * p + 2 * mu * ddp, 2 * (dp / a - p / (a * a))};
  const Column psi{2 * mu * n * (ds / a - s / (a * a)), dds + (n - 2) * s / (a * a)};
  return phi.normal * psi.shear - phi.shear * psi.normal;
}

/// The first root in l + 1/2 = nu below `most`, walking down: the fundamental mode.
double fundamental(std::function<double(double)> const& f, double most, double least) {
  double const step = (most - least) / 4000;
  double last = f(most);
  for (double nu = most - step; nu > least; nu -= step) {
    double const here = f(nu);
    if ((here > 0) != (last > 0)) return bisected(f, nu, nu + step);
    last = here;
  }
  ADD_FAILURE() << "no root";
  return NAN;
}

/// Phase and group velocity at the surface from the characteristic function F(l, omega): c = omega
/// a / (l + 1/2), U = a domega / dl.
Velocities closed_form(std::function<double(double, double)> const& f, double period,
                       double slowest, double fastest, double a = earth) {
  double const omega = 2 * pi / period;
  auto const order = [&](double w) {
    return fundamental([&](double nu) { return f(nu - 0.5, w); }, w * a / slowest, w * a / fastest);
  };
  double const d = 1e-4 * omega;
  return {omega * a / order(omega), 2 * d * a / (order(omega + d) - order(omega - d))};
}

Velocities flattened(Model const& model, FlatModel const& flat, Wave wave, double period,
                     double radius = earth) {
  ModelBatch batch;
  batch.append(flat.model(), std::vector<double>{period});
  SolveOptions options;
  options.waves = {wave == Wave::rayleigh, wave == Wave::love};
  const Curves curves = solve(batch, options);
  EXPECT_EQ(curves.error.at(0), "") << model.vs.size();
  auto const& of = curves.wave[static_cast<std::size_t>(wave)];
  return on_sphere({of.phase.at(0), of.group.at(0)}, wave, period, radius);
}

Velocities flattened(Model const& model, Wave wave, double period, double thickest,
                     double radius = earth) {
  return flattened(model, flatten(model.view(), wave, {radius, thickest}), wave, period, radius);
}

double relative(double a, double b) {
  return std::abs(a / b - 1);
}

struct Errors {
  double phase, group;
};

/// Errors of flattening against a closed form.
Errors errors_of(Model const& model, Wave wave, double period, double thickest, Velocities truth) {
  const Velocities v = flattened(model, wave, period, thickest);
  return {relative(v.phase, truth.phase), relative(v.group, truth.group)};
}

Velocities love_of_homogeneous(double period) {
  return closed_form([](double l, double w) { return toroidal_traction(l, w, 3.7, earth); }, period,
                     3.695, 4.6);
}

Velocities rayleigh_of_homogeneous(double period) {
  return closed_form([](double l, double w) { return spheroidal_traction(l, w, 6.5, 3.7, earth); },
                     period, 3.2, 4.2);
}

TEST(Flattening, LoveMeetsAHomogeneousSphere) {
  for (double const period : {15.0, 40.0, 100.0}) {
    const Velocities truth = love_of_homogeneous(period);
    EXPECT_GT(truth.phase, 3.7); // a flat model has no Love wave here: the sphere makes it
    const std::array<std::pair<double, double>, 3> limits{{{20, 2e-7}, {10, 3e-8}, {5, 8e-9}}};
    for (auto const& [thickest, limit] : limits) {
      const Errors error = errors_of(homogeneous, Wave::love, period, thickest, truth);
      EXPECT_LT(error.phase, limit) << period << " s, " << thickest << " km";
      EXPECT_LT(error.group, 3 * limit) << period << " s, " << thickest << " km";
    }
  }
}

TEST(Flattening, LoveConvergesToATwoLayerSphereWithTheCubeOfTheThickness) {
  const TwoLayers sphere{earth - 40, 4.5, 3.3, 3.6, 2.8};
  const Model model({{40, 6.3, 3.6, 2.8}, {2500, 8.1, 4.5, 3.3}, {0, 8.1, 4.5, 3.3}});
  for (double const period : {15.0, 40.0, 100.0}) {
    const Velocities truth =
        closed_form([&](double l, double w) { return toroidal_traction(l, w, sphere, earth); },
                    period, 3.61, 5.5);
    const Errors coarse = errors_of(model, Wave::love, period, 20, truth),
                 middle = errors_of(model, Wave::love, period, 10, truth),
                 fine = errors_of(model, Wave::love, period, 2.5, truth);
    EXPECT_GT(coarse.phase / fine.phase, 8 * 8 * 8) << period; // three halvings
    EXPECT_LT(coarse.phase, 1e-5) << period;
    EXPECT_LT(middle.phase, 4e-7) << period;
    EXPECT_LT(middle.group, 8e-7) << period;
    EXPECT_LT(fine.group, 3e-8) << period;
  }
}

TEST(Flattening, TheChecksOfLoveRejectAWrongTransform) {
  double const period = 60;
  const Velocities truth = love_of_homogeneous(period);
  // The density of Rayleigh waves, (r / a)^2.275, in place of (r / a)^5.
  const FlatModel wrong = flatten(homogeneous.view(), Wave::rayleigh, {earth, 5});
  EXPECT_GT(relative(flattened(homogeneous, wrong, Wave::love, period).phase, truth.phase), 5e-4);
  // Wavenumbers that are not converted back.
  const FlatModel flat = flatten(homogeneous.view(), Wave::love, {earth, 5});
  EXPECT_GT(relative(flattened(homogeneous, flat, Wave::love, period, 1e12).phase, truth.phase),
            1e-5);
  // Another radius.
  const Velocities other = flattened(homogeneous, Wave::love, period, 5, earth + 1);
  EXPECT_GT(relative(other.phase, truth.phase), 1e-6);
}

// Nothing makes P-SV flattening exact. This pins how good it is: of the effect of the sphere it
// takes away 97 % and more.
TEST(Flattening, RayleighIsApproximateAsTheHeaderSays) {
  const std::pair<double, double> known[] = {
      {20, 0.9e-4}, {60, 2.5e-4}, {150, 6e-4}, {300, 1.05e-3}};
  for (auto const& [period, limit] : known) {
    const Velocities truth = rayleigh_of_homogeneous(period);
    const Errors error = errors_of(homogeneous, Wave::rayleigh, period, 10, truth),
                 finer = errors_of(homogeneous, Wave::rayleigh, period, 5, truth);
    EXPECT_LT(error.phase, limit) << period;
    EXPECT_GT(error.phase, 0.5 * limit) << period << ": better than the header says";
    EXPECT_NEAR(finer.phase, error.phase, 0.05 * limit); // it is not the cutting
    EXPECT_LT(error.group, 0.4 * limit) << period;
    const Velocities flat = flattened(homogeneous, Wave::rayleigh, period, 1e9, 1e12);
    EXPECT_LT(error.phase, 0.03 * relative(flat.phase, truth.phase)) << period;
    const FlatModel wrong = flatten(homogeneous.view(), Wave::love, {earth, 10});
    EXPECT_GT(relative(flattened(homogeneous, wrong, Wave::rayleigh, period).phase, truth.phase),
              3 * limit);
  }
}

TEST(Flattening, ALargeSphereIsFlat) {
  const Model model({{2, 1.5, 0, 1}, {35, 6.3, 3.6, 2.8}, {0, 8.1, 4.6, 3.3}});
  for (const Wave wave : all_waves) {
    const FlatModel same{model.thickness, model.vp, model.vs, model.rho, {0, 1, 2}, {}};
    const Velocities expected = flattened(model, same, wave, 20, 1e300);
    const Velocities large = flattened(model, wave, 20, 1e9, 1e12);
    EXPECT_LT(relative(large.phase, expected.phase), 1e-9);
    EXPECT_LT(relative(large.group, expected.group), 1e-8);
    EXPECT_GT(relative(flattened(model, wave, 20, 1e9, earth).phase, expected.phase), 1e-4);
  }
}

TEST(Flattening, PartsFillTheLayersAndKeepTheRatioOfVelocities) {
  const Model model({{3, 1.5, 0, 1}, {35, 6.3, 3.6, 2.8}, {0.5, 7, 4, 3}, {0, 8.1, 4.6, 3.3}});
  for (const Wave wave : all_waves) {
    const FlatModel flat = flatten(model.view(), wave, {earth, 10});
    EXPECT_TRUE(std::is_sorted(flat.row.begin(), flat.row.end()));
    EXPECT_EQ(flat.row.back(), 3u);
    EXPECT_GT(std::count(flat.row.begin(), flat.row.end(), 1u), 4);
    EXPECT_EQ(problem_with(flat.model()), "");
    double depth = 0;
    for (double const h : flat.thickness) depth += h;
    EXPECT_NEAR(depth, earth * std::log(earth / (earth - 38.5)), 1e-10);
    EXPECT_NEAR(flat.vs.back(), 4.6 * earth / (earth - 38.5), 1e-12);
    for (std::size_t f = 0; f < flat.row.size(); ++f)
      EXPECT_NEAR(flat.vs[f] / flat.vp[f], model.vs[flat.row[f]] / model.vp[flat.row[f]], 1e-14);
  }
}

TEST(Flattening, RefusesWhatIsNoSphere) {
  const Model deep({{7000, 6, 3, 2}, {0, 6, 3, 2}}), sound({{35, 6, 3, 2}, {0, 6, 3, 2}});
  EXPECT_EQ(problem_with_flattening(sound.view(), {}), "");
  EXPECT_NE(problem_with_flattening(deep.view(), {}).find("below the centre"), std::string::npos);
  for (FlattenOptions const& options :
       {FlattenOptions{0, 10}, FlattenOptions{-1, 10}, FlattenOptions{NAN, 10},
        FlattenOptions{earth, 0}, FlattenOptions{earth, NAN}, FlattenOptions{earth, 1e-9}}) {
    EXPECT_NE(problem_with_flattening(sound.view(), options), "");
    EXPECT_THROW(flatten(sound.view(), Wave::love, options), Error);
  }
}

/// A smooth function of a flat model and its derivatives; `seed` picks which.
double made_up(FlatModel const& flat, double seed, Gradient* gradient = nullptr) {
  double value = 0;
  for (std::size_t f = 0; f < flat.row.size(); ++f) {
    double const t = seed + static_cast<double>(f);
    double const h = flat.thickness[f], vp = flat.vp[f], vs = flat.vs[f], rho = flat.rho[f];
    value += std::sin(t) * std::sqrt(1 + h) + std::cos(t) * std::log(vp) +
             std::sin(2 * t) * vs * vs + std::cos(3 * t) * rho * vs;
    if (!gradient) continue;
    gradient->thickness.push_back(std::sin(t) * 0.5 / std::sqrt(1 + h));
    gradient->vp.push_back(std::cos(t) / vp);
    gradient->vs.push_back(2 * std::sin(2 * t) * vs + std::cos(3 * t) * rho);
    gradient->rho.push_back(std::cos(3 * t) * vs);
  }
  return value;
}

/// c, U and E of a sphere under the made-up physics.
std::array<double, 3> made_up_sphere(Model const& model, Wave wave, double period,
                                     FlattenOptions const& options) {
  const FlatModel flat = flatten(model.view(), wave, options);
  const Velocities v =
      on_sphere({40 + made_up(flat, 1), 30 + made_up(flat, 2)}, wave, period, options.radius);
  return {v.phase, v.group, made_up(flat, 3)};
}

TEST(Flattening, DerivativesFollowTheChainRule) {
  Model model({{3, 6, 3.4, 2.6}, {35, 6.3, 3.6, 2.8}, {58, 7, 4, 3}, {0, 8.1, 4.6, 3.3}});
  const FlattenOptions options{300, 10}; // a small sphere: every term counts
  double const period = 9;
  for (const Wave wave : all_waves) {
    ModelBatch batch;
    batch.append(model.view(), std::vector<double>{period});
    const FlatModel flat = flatten(model.view(), wave, options);
    Sensitivities found;
    found.offset = {0, static_cast<std::int64_t>(flat.row.size())};
    double const phase = 40 + made_up(flat, 1, &found.dphase);
    found.group = {30 + made_up(flat, 2, &found.dgroup)};
    found.ellipticity = {made_up(flat, 3, &found.dellipticity)};
    found.reason = {""};
    const Sensitivities sphere = to_sphere(found, {{0, wave, period, phase}}, batch, options);
    ASSERT_EQ(sphere.offset, (std::vector<std::int64_t>{0, 4}));
    EXPECT_EQ(sphere.group.at(0), made_up_sphere(model, wave, period, options)[1]);
    auto const differs = [&](std::vector<double> Model::*column,
                             std::vector<double> Gradient::*of) {
      for (std::size_t row = 0; row < 4; ++row) {
        double& value = (model.*column)[row];
        double const kept = value, d = 1e-4 * kept;
        if (kept == 0) continue;
        auto const at = [&](double x) {
          value = x;
          return made_up_sphere(model, wave, period, options);
        };
        auto const up = at(kept + d), down = at(kept - d);
        value = kept;
        const std::array<double, 3> got{(sphere.dphase.*of)[row], (sphere.dgroup.*of)[row],
                                        (sphere.dellipticity.*of)[row]};
        for (std::size_t q = 0; q < 3; ++q) {
          double const expected = (up[q] - down[q]) / (2 * d);
          EXPECT_NEAR(got[q], expected, 1e-7 * (1 + std::abs(expected))) << row << " " << q;
        }
      }
    };
    differs(&Model::thickness, &Gradient::thickness);
    differs(&Model::vp, &Gradient::vp);
    differs(&Model::vs, &Gradient::vs);
    differs(&Model::rho, &Gradient::rho);
    EXPECT_EQ(sphere.dphase.thickness[3], 0);
  }
}

} // namespace
} // namespace moho::dispersion
