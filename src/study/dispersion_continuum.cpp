// SPDX-License-Identifier: BSD-3-Clause
#include "dispersion_continuum.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace moho::study::detail {
namespace {

using dispersion::Wave;

/// Tractions over displacements, symmetric; of Love waves `xx` alone.
struct Impedance {
  double xx = 0, xz = 0, zz = 0;

  double determinant(Wave wave) const { return wave == Wave::love ? xx : xx * zz - xz * xz; }
  Impedance plus(double factor, Impedance const& d) const {
    return {xx + factor * d.xx, xz + factor * d.xz, zz + factor * d.zz};
  }
};

struct Moduli {
  double lambda, mu, rho;
};

Moduli moduli(Medium const& m) {
  double const mu = m.rho * m.vs * m.vs;
  return {m.rho * m.vp * m.vp - 2 * mu, mu, m.rho};
}

/// With displacements u = (r1, r2) and tractions t = (r3, r4) of Aki & Richards:
/// u' = A u + B t, t' = C u - A't, so S' = C - A'S - SA - SBS. Love: s' = k^2 mu - w^2 rho -
/// s^2/mu.
Impedance slope(Wave wave, Moduli const& m, double k, double w, Impedance const& s) {
  double const w2rho = w * w * m.rho;
  if (wave == Wave::love) return {k * k * m.mu - w2rho - s.xx * s.xx / m.mu, 0, 0};
  double const p = m.lambda + 2 * m.mu, a = k * m.lambda / p;
  // A = (0, k; -a, 0); (A'S + SA) is symmetric.
  double const zeta = 4 * m.mu * (m.lambda + m.mu) / p;
  return {k * k * zeta - w2rho + 2 * a * s.xz - s.xx * s.xx / m.mu - s.xz * s.xz / p,
          a * s.zz - k * s.xx - s.xx * s.xz / m.mu - s.xz * s.zz / p,
          -w2rho - 2 * k * s.xz - s.xz * s.xz / m.mu - s.zz * s.zz / p};
}

/// Of the waves that decay with depth: S = T U^-1, the columns of U and T those of P and S waves.
Impedance half_space(Wave wave, Medium const& medium, double k, double w) {
  const Moduli m = moduli(medium);
  double const b = std::sqrt(k * k - w * w / (medium.vs * medium.vs));
  if (wave == Wave::love) return {-m.mu * b, 0, 0};
  double const a = std::sqrt(k * k - w * w / (medium.vp * medium.vp));
  // U = (k, b; a, k), T = -mu (2 k a, b^2 + k^2; b^2 + k^2, 2 k b).
  double const f = -m.mu / (k * k - a * b), g = b * b + k * k;
  return {f * a * (2 * k * k - g), f * k * (g - 2 * a * b), f * b * (2 * k * k - g)};
}

/// The profile at the ends and middles of all steps, from the surface down.
std::vector<Moduli> tabulated(Profile profile, std::size_t steps) {
  std::vector<Moduli> table;
  for (std::size_t i = 0; i <= 2 * steps; ++i)
    table.push_back(moduli(medium(profile, continuum_depth * static_cast<double>(i) /
                                               static_cast<double>(2 * steps))));
  return table;
}

double surface_determinant(std::vector<Moduli> const& table, Profile profile, Wave wave,
                           double period, double c) {
  double const w = 2 * std::numbers::pi / period, k = w / c;
  const std::size_t steps = table.size() / 2;
  double const h = -continuum_depth / static_cast<double>(steps); // upward
  Impedance s = half_space(wave, medium(profile, continuum_depth), k, w);
  for (std::size_t i = 2 * steps; i > 0; i -= 2) {
    const Impedance d1 = slope(wave, table[i], k, w, s);
    const Impedance d2 = slope(wave, table[i - 1], k, w, s.plus(h / 2, d1));
    const Impedance d3 = slope(wave, table[i - 1], k, w, s.plus(h / 2, d2));
    const Impedance d4 = slope(wave, table[i - 2], k, w, s.plus(h, d3));
    s = s.plus(h / 6, d1).plus(h / 3, d2).plus(h / 3, d3).plus(h / 6, d4);
  }
  return s.determinant(wave);
}

} // namespace

Medium medium(Profile profile, double z) {
  double const vs =
      profile == Profile::linear ? 2.5 + 0.021 * z : 2.5 + 2.2 * (1 - std::exp(-z / 35));
  double const vp = 1.75 * vs;
  return {vp, vs, 1.74 * std::pow(vp, 0.25)};
}

dispersion::OwnedModel layered(Profile profile, std::size_t layers, Sampling sampling) {
  dispersion::OwnedModel model;
  double const h = continuum_depth / static_cast<double>(layers);
  double const offset = sampling == Sampling::midpoint ? 0.5 : 0;
  for (std::size_t i = 0; i < layers; ++i) {
    const Medium m = medium(profile, (static_cast<double>(i) + offset) * h);
    model.push_back(h, m.vp, m.vs, m.rho);
  }
  const Medium below = medium(profile, continuum_depth);
  model.push_back(0, below.vp, below.vs, below.rho);
  return model;
}

double continuum_phase(Profile profile, Wave wave, double period, double guess, std::size_t steps) {
  const std::vector<Moduli> table = tabulated(profile, steps);
  double low = guess * (1 - 1e-3);
  double high = std::min(guess * (1 + 1e-3), medium(profile, continuum_depth).vs * (1 - 1e-9));
  auto const sign = [&](double c) {
    double const value = surface_determinant(table, profile, wave, period, c);
    return value > 0 ? 1 : value < 0 ? -1 : 0;
  };
  int const at_low = sign(low);
  if (at_low * sign(high) >= 0) return std::numeric_limits<double>::quiet_NaN();
  for (double middle = low + (high - low) / 2; middle > low && middle < high;
       middle = low + (high - low) / 2)
    (sign(middle) == at_low ? low : high) = middle;
  return low;
}

} // namespace moho::study::detail
