// SPDX-License-Identifier: BSD-3-Clause
// Eigenfunctions against closed forms, boundary and continuity conditions and the one-sided
// ellipticity.
#include "moho/dispersion/eigenfunctions.hpp"
#include "moho/dispersion/sensitivity.hpp"
#include <algorithm>
#include <cmath>
#include <complex>
#include <gtest/gtest.h>

using namespace moho::dispersion;

namespace {

struct Rows {
  std::vector<double> h, vp, vs, rho;
  LayeredModel view() const { return {h, vp, vs, rho}; }
};

double root(Rows const& m, double period, Wave wave, std::size_t mode = 0) {
  ModelBatch b;
  b.append(m.view(), std::vector<double>{period});
  SolveOptions options;
  options.modes = static_cast<int>(mode) + 1;
  return solve(b, options).wave[static_cast<std::size_t>(wave)].phase[mode];
}

Rows const crust{{3, 12, 20, 0}, {3.5, 5.8, 6.5, 8.1}, {1.8, 3.3, 3.7, 4.6}, {2.2, 2.6, 2.9, 3.3}};
Rows const sea{{2, 3, 20, 0}, {1.5, 4.5, 6.5, 8.1}, {0, 2.5, 3.7, 4.6}, {1.03, 2.4, 2.9, 3.3}};
/// Two slow layers far below; nothing of their modes reaches the surface.
Rows const channel{
    {60, 10, 40, 0}, {6.2, 4.0, 6.4, 8.1}, {3.6, 2.0, 3.7, 4.6}, {2.8, 2.4, 2.8, 3.3}};

TEST(Eigenfunction, of_two_layer_love_waves_is_a_cosine) {
  Rows const m{{35, 0}, {6.3, 8.1}, {3.6, 4.6}, {2.8, 3.3}};
  for (std::size_t mode : {0u, 1u, 2u}) {
    double const T = 4.0, c = root(m, T, Wave::love, mode), k = 2 * M_PI / T / c;
    Eigenfunction const f = eigenfunction(m.view(), T, Wave::love, c);
    double const phase = k * 35 * std::sqrt(c * c / (3.6 * 3.6) - 1);
    EXPECT_NEAR(f.ux[1] / f.ux[0], std::cos(phase), 1e-10) << mode;
    double const decay = k * std::sqrt(1 - c * c / (4.6 * 4.6));
    EXPECT_NEAR(f.tzx[1], -3.3 * 4.6 * 4.6 * decay * f.ux[1], 1e-9) << mode;
    EXPECT_NEAR(f.tzx[0], 0, 1e-9);
    EXPECT_LT(f.mismatch, 1e-10);
    EXPECT_NEAR(f.surface_amplitude, 1, 1e-12);
    EXPECT_NEAR(std::fabs(f.ux[0]), 1, 1e-12);
    EXPECT_EQ(f.depth, (std::vector<double>{0, 35}));
  }
}

TEST(Eigenfunction, of_rayleigh_waves_leaves_the_surface_free) {
  for (std::size_t mode : {0u, 1u, 2u}) {
    double const T = 3.0, c = root(crust, T, Wave::rayleigh, mode);
    Eigenfunction const f = eigenfunction(crust.view(), T, Wave::rayleigh, c);
    EXPECT_NEAR(f.tzx[0], 0, 1e-9);
    EXPECT_NEAR(f.tzz[0], 0, 1e-9);
    EXPECT_LT(f.mismatch, 1e-11);
    double largest = 0;
    for (std::size_t i = 0; i < 4; ++i) largest = std::max(largest, std::hypot(f.ux[i], f.uz[i]));
    EXPECT_LE(largest, 1 + 1e-12);
    EXPECT_NEAR(f.surface_amplitude, std::hypot(f.ux[0], f.uz[0]), 1e-12);
    EXPECT_NEAR(f.ellipticity, -f.ux[0] / f.uz[0], 1e-12);
    ModelBatch b;
    b.append(crust.view(), std::vector<double>{T});
    Sensitivities const s = sensitivities(b, {{0, Wave::rayleigh, T, c}});
    EXPECT_NEAR(f.ellipticity, s.ellipticity[0], 1e-11 * std::max(1.0, std::fabs(f.ellipticity)));
  }
}

/// The half-space decays: its traction belongs to its displacement.
TEST(Eigenfunction, decays_into_the_half_space) {
  double const T = 3.0, c = root(crust, T, Wave::rayleigh), k = 2 * M_PI / T / c;
  Eigenfunction const f = eigenfunction(crust.view(), T, Wave::rayleigh, c);
  double const r = std::sqrt(1 - c * c / (8.1 * 8.1)), s = std::sqrt(1 - c * c / (4.6 * 4.6));
  // u = A (1, r) + B (s, 1)
  double const B = (f.uz[3] - r * f.ux[3]) / (1 - r * s), A = f.ux[3] - s * B;
  double const mu = 3.3 * 4.6 * 4.6;
  EXPECT_NEAR(f.tzx[3], -k * mu * (2 * r * A + (1 + s * s) * B), 1e-9);
  EXPECT_NEAR(f.tzz[3], -k * mu * ((1 + s * s) * A + 2 * s * B), 1e-9);
}

TEST(Eigenfunction, is_continuous_at_the_sea_floor) {
  for (double T : {0.8, 4.0, 12.0}) {
    double const c = root(sea, T, Wave::rayleigh), w = 2 * M_PI / T, k = w / c;
    Eigenfunction const f = eigenfunction(sea.view(), T, Wave::rayleigh, c);
    EXPECT_EQ(f.tzz[0], 0) << "free surface";
    EXPECT_EQ(f.ux[0], 0) << "no pressure, no horizontal motion";
    EXPECT_NEAR(f.tzx[1], 0, 1e-9) << "no shear at the sea floor";
    // the pressure wave in the water: tzz = i P, P'' = (k^2 - w^2/vp^2) P, P' = -rho w^2 u_z
    double const q = std::sqrt(std::complex<double>(k * k - w * w / 2.25)).real();
    double const n = std::sqrt(std::complex<double>(w * w / 2.25 - k * k)).real();
    double const ratio = q > 0 ? std::tanh(2 * q) / q : std::tan(2 * n) / n;
    EXPECT_NEAR(f.tzz[1], -1.03 * w * w * ratio * f.uz[1], 1e-8 * std::max(1.0, w * w)) << T;
    double const surface = q > 0 ? std::cosh(2 * q) : std::cos(2 * n);
    EXPECT_NEAR(f.uz[0] * surface, f.uz[1], 1e-10) << T;
    EXPECT_NEAR(f.ellipticity, -f.ux[1] / f.uz[1], 1e-10);
  }
}

TEST(Eigenfunction, of_a_buried_channel_is_matched_there) {
  for (Wave wave : all_waves) {
    double const T = 2.0, c = root(channel, T, wave);
    ASSERT_LT(c, 2.6) << "a mode of the channel";
    Eigenfunction const f = eigenfunction(channel.view(), T, wave, c);
    EXPECT_EQ(f.match_layer, 1);
    EXPECT_LT(f.mismatch, 1e-10);
    EXPECT_LT(f.surface_amplitude, 1e-20);
    EXPECT_GT(f.surface_amplitude, 0);
    double const decay = 2 * M_PI / T / c * std::sqrt(1 - c * c / (3.6 * 3.6)) * 60;
    EXPECT_NEAR(std::log(f.surface_amplitude), -decay, 4) << name(wave);
    double const k = 2 * M_PI / T / c;
    EXPECT_LT(std::fabs(f.tzx[0]), 1e-8 * k * f.surface_amplitude * 2.8 * 13);
  }
}

/// Shallow enough for one side in extended precision.
TEST(Eigenfunction, of_a_channel_has_the_one_sided_ellipticity_of_extended_precision) {
  Rows m = channel;
  m.h[0] = 8;
  double const T = 2.0, c = root(m, T, Wave::rayleigh);
  ModelBatch b;
  b.append(m.view(), std::vector<double>{T});
  Sensitivities const s = sensitivities(b, {{0, Wave::rayleigh, T, c, true}});
  ASSERT_EQ(s.reason[0], "");
  Eigenfunction const f = eigenfunction(m.view(), T, Wave::rayleigh, c);
  EXPECT_LT(f.surface_amplitude, 1e-3);
  EXPECT_NEAR(f.ellipticity, s.ellipticity[0], 1e-10);
}

TEST(EigenfunctionNegative, off_the_root_the_two_sides_do_not_match) {
  double const T = 3.0, c = root(crust, T, Wave::rayleigh);
  EXPECT_GT(eigenfunction(crust.view(), T, Wave::rayleigh, c * (1 + 1e-6)).mismatch, 1e-9);
  EXPECT_GT(
      eigenfunction(crust.view(), T, Wave::love, root(crust, T, Wave::love) * (1 + 1e-6)).mismatch,
      1e-9);
}

} // namespace
