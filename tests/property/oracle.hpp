// SPDX-License-Identifier: BSD-3-Clause
// An independent secular function, slow and plain, to judge the solver by: none of its formulas is
// shared with it. The displacement-stress system y' = A y (Aki & Richards 2002, eq. 7.28) is
// carried upward from the half-space. A^2 has the two eigenvalues k^2 - w^2/vp^2 and k^2 -
// w^2/vs^2, which never coincide, so that exp(-A h) is a cubic in A without a special case. The
// pair of solutions is orthonormalised after each step (R has a positive diagonal: no sign is
// lost), so nothing overflows.
#pragma once
#include "moho/dispersion/model.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace moho::testing {

template <class Real>
struct Oracle {
  using Vector =
      std::array<Real, 4>; ///< u_x, u_z, t_xz, t_zz; stresses in units of a modulus times k
  using Matrix = std::array<Vector, 4>;

  /// Sign changes in c are the Rayleigh roots; any positive scale. Lengths in units of 1/k.
  static Real rayleigh(dispersion::LayeredModel const& m, Real period, Real c) {
    using std::sqrt;
    std::size_t const n = m.layers() - 1;
    Real const k = Real(2) * pi() / (period * c),
               unit = Real(m.rho[n]) * Real(m.vs[n]) * Real(m.vs[n]);
    Real const r = sqrt(Real(1) - square(c / Real(m.vp[n]))), s2 = square(c / Real(m.vs[n]));
    Real const s = sqrt(Real(1) - s2), t = Real(2) - s2;
    Vector a{Real(1), r, -Real(2) * r, -t}, b{s, Real(1), -t, -Real(2) * s};
    orthonormalise(a, b);
    std::size_t i = n;
    for (; i > 0 && m.vs[i - 1] > 0; --i) climb(m, i - 1, c, k, unit, a, b);
    auto const [lift, pressure] = fluid_on_top(m, i, c, k, unit);
    Real const qa = a[1] * pressure - a[3] * lift, qb = b[1] * pressure - b[3] * lift;
    return a[2] * qb - b[2] * qa;
  }

  /// Sign changes in c are the Love roots.
  static Real love(dispersion::LayeredModel const& m, Real period, Real c) {
    using std::sqrt;
    std::size_t const n = m.layers() - 1;
    Real const k = Real(2) * pi() / (period * c), unit = modulus(m, n);
    Real u = 1, t = -sqrt(Real(1) - square(c / Real(m.vs[n])));
    for (std::size_t i = n; i > 0 && m.vs[i - 1] > 0; --i) {
      Real const g = modulus(m, i - 1) / unit, b = Real(1) - square(c / Real(m.vs[i - 1]));
      for (auto [h, steps] = pieces(m, i - 1, k); steps > 0; --steps) {
        auto const [cosine, sine] = pair(b, -h);
        Real const u_new = cosine * u + sine * t / g, t_new = g * b * sine * u + cosine * t;
        Real const size = sqrt(u_new * u_new + t_new * t_new);
        u = u_new / size;
        t = t_new / size;
      }
    }
    return t;
  }

private:
  static Real pi() { return Real(3.14159265358979323846L); }
  static Real square(Real x) { return x * x; }
  static Real modulus(dispersion::LayeredModel const& m, std::size_t i) {
    return Real(m.rho[i]) * Real(m.vs[i]) * Real(m.vs[i]);
  }

  /// The layer's k h in equal pieces of at most 4, against growth within a step.
  static std::pair<Real, int> pieces(dispersion::LayeredModel const& m, std::size_t i, Real k) {
    Real const kh = k * Real(m.thickness[i]);
    int const steps = std::max(1, int(kh / Real(4)) + 1);
    return {kh / Real(steps), steps};
  }

  /// cosh(sqrt(a) h), sinh(sqrt(a) h)/sqrt(a), also for a <= 0.
  static std::pair<Real, Real> pair(Real a, Real h) {
    using std::cos;
    using std::cosh;
    using std::sin;
    using std::sinh;
    using std::sqrt;
    if (a > Real(0)) return {cosh(sqrt(a) * h), sinh(sqrt(a) * h) / sqrt(a)};
    if (a < Real(0)) return {cos(sqrt(-a) * h), sin(sqrt(-a) * h) / sqrt(-a)};
    return {Real(1), h};
  }

  static Matrix product(Matrix const& x, Matrix const& y) {
    Matrix out{};
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j)
        for (int l = 0; l < 4; ++l) out[i][j] += x[i][l] * y[l][j];
    return out;
  }

  static void climb(dispersion::LayeredModel const& m, std::size_t i, Real c, Real k, Real unit,
                    Vector& a, Vector& b) {
    Real const mu = modulus(m, i) / unit, ww = Real(m.rho[i]) * c * c / unit;
    Real const lm = Real(m.rho[i]) * Real(m.vp[i]) * Real(m.vp[i]) / unit, la = lm - Real(2) * mu;
    Real const zeta = Real(4) * mu * (la + mu) / lm;
    Real const p = Real(1) - square(c / Real(m.vp[i])), q = Real(1) - square(c / Real(m.vs[i]));
    Matrix const one{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}}};
    Matrix const A{
        {{0, 1, 1 / mu, 0}, {-la / lm, 0, 0, 1 / lm}, {zeta - ww, 0, 0, la / lm}, {0, -ww, -1, 0}}};
    Matrix const A2 = product(A, A);
    auto const [h, steps] = pieces(m, i, k);
    auto const [cp, sp] = pair(p, -h);
    auto const [cq, sq] = pair(q, -h);
    Matrix even, odd, step;
    for (int x = 0; x < 4; ++x)
      for (int y = 0; y < 4; ++y) {
        even[x][y] = (cp * (A2[x][y] - q * one[x][y]) - cq * (A2[x][y] - p * one[x][y])) / (p - q);
        odd[x][y] = (sp * (A2[x][y] - q * one[x][y]) - sq * (A2[x][y] - p * one[x][y])) / (p - q);
      }
    step = product(A, odd);
    for (int x = 0; x < 4; ++x)
      for (int y = 0; y < 4; ++y) step[x][y] += even[x][y];
    for (int s = 0; s < steps; ++s) {
      a = times(step, a);
      b = times(step, b);
      orthonormalise(a, b);
    }
  }

  static Vector times(Matrix const& x, Vector const& v) {
    Vector out{};
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j) out[i] += x[i][j] * v[j];
    return out;
  }

  static Real dot(Vector const& x, Vector const& y) {
    return x[0] * y[0] + x[1] * y[1] + x[2] * y[2] + x[3] * y[3];
  }

  static void orthonormalise(Vector& a, Vector& b) {
    using std::sqrt;
    Real const size = sqrt(dot(a, a));
    for (Real& x : a) x /= size;
    for (int pass = 0; pass < 2; ++pass) {
      Real const along = dot(a, b);
      for (int i = 0; i < 4; ++i) b[i] -= along * a[i];
    }
    Real const rest = sqrt(dot(b, b));
    for (Real& x : b) x /= rest;
  }

  /// u_z and t_zz at the bottom of the `count` fluid layers under a free surface.
  static std::pair<Real, Real> fluid_on_top(dispersion::LayeredModel const& m, std::size_t count,
                                            Real c, Real k, Real unit) {
    using std::sqrt;
    Real lift = 1, stress = 0;
    for (std::size_t i = 0; i < count; ++i) {
      Real const a = Real(1) - square(c / Real(m.vp[i])), ww = Real(m.rho[i]) * c * c / unit;
      for (auto [h, steps] = pieces(m, i, k); steps > 0; --steps) {
        auto const [cosine, sine] = pair(a, h);
        Real const up = cosine * lift - a / ww * sine * stress;
        Real const force = -ww * sine * lift + cosine * stress;
        Real const size = sqrt(up * up + force * force);
        lift = up / size;
        stress = force / size;
      }
    }
    return {lift, stress};
  }
};

} // namespace moho::testing
