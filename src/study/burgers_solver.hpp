// SPDX-License-Identifier: BSD-3-Clause
// Burgers' equation on the circle of length 1, by a pseudo-spectral method; and its closed form.
#pragma once
#include "burgers_solver_fft.hpp"
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace moho::study {

/// How time is stepped. The first-order one is there to be told apart from the other.
enum class TimeScheme { etdrk4, exponential_euler };

/// Whether modes that have faded to rounding are left out of the product (`as_needed`).
enum class Resolution { as_needed, constant };

/// u_t + (u^2 / 2)_x = nu u_xx. Modes |k| < n / 3 take part in the product, which is free of
/// aliasing then (the 2/3 rule); the others diffuse. Diffusion is exact; the product is stepped by
/// the fourth-order exponential Runge-Kutta scheme of Cox & Matthews (2002), its coefficients by
/// contour integrals (Kassam & Trefethen, 2005).
///
/// Viscosity soon flattens rough states. As needed, the product is taken on n / 2, n / 4, .. points
/// while the modes lost there are below 1e-16 of the largest, and on twice as many again before
/// they count: the same answer to about 1e-13, many times faster.
class BurgersSolver {
public:
  BurgersSolver(std::size_t points, double nu, double time, std::size_t steps,
                TimeScheme scheme = TimeScheme::etdrk4,
                Resolution resolution = Resolution::as_needed);

  /// u(i / points) at `time` from that at 0. Throws moho::Error where it overflows.
  std::vector<double> operator()(std::span<double const> start);
  std::size_t points() const { return _points; }

private:
  /// A grid that products are taken on; the first is that of the answer.
  struct Level {
    std::size_t active; ///< modes in the product
    std::unique_ptr<RealTransform> transform;
  };
  std::size_t modes() const { return _levels[_level].active; }
  void product(std::vector<double> const& state, std::vector<double>& result);
  void step_etdrk4();
  void step_euler();
  void choose_level();

  std::size_t _points, _steps;
  TimeScheme _scheme;
  std::vector<Level> _levels;
  std::size_t _level = 0;
  std::vector<double> _whole, _half;     ///< exp(L h), exp(L h / 2), (active, 2) like all below
  std::vector<double> _q, _f1, _f2, _f3; ///< f1: of Euler's step phi_1
  std::vector<double> _rest;             ///< exp(L time) of the other modes
  std::vector<double> _v, _a, _nv, _na, _nb, _nc; ///< modes: of u = sum v_k exp(2 pi i k x)
};

/// The solution from Hopf's and Cole's substitution u = -2 nu phi_x / phi, phi_t = nu phi_xx, in
/// modes of phi: exact in time, and in space as far as phi is resolved on the points of `start`.
/// Digits are lost where phi spans many orders: `exponent` is the logarithm of that span.
struct ColeHopf {
  std::vector<double> values;
  double exponent = 0;
};
ColeHopf cole_hopf(std::span<double const> start, double nu, double time);

/// u(i / points) at `time` from mean + amplitude sin(2 pi x) at 0: a series of modified Bessel
/// functions (Benton & Platzman, 1972), to rounding where amplitude / (4 pi nu) is below about 20.
std::vector<double> cole_hopf_sine(std::size_t points, double mean, double amplitude, double nu,
                                   double time);

} // namespace moho::study
