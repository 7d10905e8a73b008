// SPDX-License-Identifier: BSD-3-Clause
// Two-sided matching with orthonormal bases (Conte 1966; Ascher, Mattheij & Russell 1995,
// sec. 4.3): the solutions that decay below go up, those that meet the surface condition go down,
// both as subspaces, re-orthonormalised at every step, so that no solution is lost beside a growing
// one. At an interface the mode is the common vector of the two; its coefficients then follow by
// back-substitution, which damps errors on either side.
#include "moho/dispersion/eigenfunctions.hpp"
#include "moho/dispersion/functions.hpp"
#include "scaled_model.hpp"
#include <algorithm>
#include <cmath>

namespace moho::dispersion {
namespace detail {
namespace {

/// Rows x columns, small and dense, column by column.
template <int rows, int columns>
struct Matrix {
  std::array<double, rows * columns> v{};
  double& operator()(int i, int j) { return v[static_cast<std::size_t>(j * rows + i)]; }
  double operator()(int i, int j) const { return v[static_cast<std::size_t>(j * rows + i)]; }
};

template <int n, int m, int k>
Matrix<n, k> operator*(Matrix<n, m> const& a, Matrix<m, k> const& b) {
  Matrix<n, k> c;
  for (int j = 0; j < k; ++j)
    for (int l = 0; l < m; ++l)
      for (int i = 0; i < n; ++i) c(i, j) += a(i, l) * b(l, j);
  return c;
}

template <int n, int m>
double dot(Matrix<n, m> const& a, int i, Matrix<n, m> const& b, int j) {
  double sum = 0;
  for (int l = 0; l < n; ++l) sum += a(l, i) * b(l, j);
  return sum;
}

/// e^A by Taylor's series, scaling and squaring; |A| < 1 needs no squaring.
template <int n>
Matrix<n, n> exponential(Matrix<n, n> a) {
  double norm = 0;
  for (double x : a.v) norm = std::max(norm, std::fabs(x));
  int const squarings = std::max(0, std::ilogb(norm * n) + 1);
  for (double& x : a.v) x = std::ldexp(x, -squarings);
  Matrix<n, n> sum, term; // e^A - 1: squaring it loses nothing of a small A
  for (int i = 0; i < n; ++i) term(i, i) = 1;
  for (int k = 1; k < 20; ++k) {
    term = term * a;
    double largest = 0;
    for (std::size_t i = 0; i < sum.v.size(); ++i) {
      term.v[i] /= k;
      sum.v[i] += term.v[i];
      largest = std::max(largest, std::fabs(term.v[i]));
    }
    if (largest < std::ldexp(norm, -squarings) * 1e-20) break; // of the first term
  }
  for (int k = 0; k < squarings; ++k) {
    Matrix<n, n> const square = sum * sum;
    for (std::size_t i = 0; i < sum.v.size(); ++i) sum.v[i] = 2 * sum.v[i] + square.v[i];
  }
  for (int i = 0; i < n; ++i) sum(i, i) += 1;
  return sum;
}

/// q <- orthonormal basis of its columns (at most two); returns R with old q = q R. Gram-Schmidt,
/// twice.
template <int n, int m>
Matrix<m, m> orthonormalise(Matrix<n, m>& q) {
  Matrix<m, m> r;
  for (int j = 0; j < m; ++j) {
    for (int pass = 0; pass < 2; ++pass)
      for (int i = 0; i < j; ++i) {
        double const along = dot(q, i, q, j);
        r(i, j) += along;
        for (int l = 0; l < n; ++l) q(l, j) -= along * q(l, i);
      }
    double const length = std::sqrt(dot(q, j, q, j));
    r(j, j) = length;
    for (int l = 0; l < n; ++l) q(l, j) /= length;
  }
  return r;
}

/// Solves R y = b, R upper triangular.
template <int m>
Matrix<m, 1> solve_triangular(Matrix<m, m> const& r, Matrix<m, 1> b) {
  for (int i = m - 1; i >= 0; --i) {
    for (int j = i + 1; j < m; ++j) b(i, 0) -= r(i, j) * b(j, 0);
    b(i, 0) /= r(i, i);
  }
  return b;
}

/// A depth where the two sides are known: an interface or a point within a layer.
template <int d>
struct Level {
  int layer;                     ///< among the solids
  double x;                      ///< k times the distance to the next level
  bool top;                      ///< of its layer
  double stress;                 ///< unit of traction over k
  Matrix<2 * d, d> above, below; ///< orthonormal: meets the surface condition, decays below
  Matrix<d, d> down, up;         ///< e^(Ax) above = above' down; e^(-Ax) below' = below up
};

/// Common vector of two subspaces: coefficients in `above`, and the sine of their angle.
template <int d>
struct Match {
  Matrix<d, 1> coefficients;
  double mismatch;
};

template <int d>
Match<d> match(Matrix<2 * d, d> const& above, Matrix<2 * d, d> const& below) {
  Matrix<2 * d, d> rest = above; // the part of each basis vector that is not in `below`
  for (int pass = 0; pass < 2; ++pass)
    for (int j = 0; j < d; ++j)
      for (int i = 0; i < d; ++i) {
        double const along = dot(below, i, rest, j);
        for (int l = 0; l < 2 * d; ++l) rest(l, j) -= along * below(l, i);
      }
  Matrix<d, d> turn;
  for (int i = 0; i < d; ++i) turn(i, i) = 1;
  if constexpr (d == 2) { // one-sided Jacobi rotation makes the columns orthogonal
    for (int pass = 0; pass < 3; ++pass) {
      double const angle = 0.5 * std::atan2(2 * dot(rest, 0, rest, 1),
                                            dot(rest, 0, rest, 0) - dot(rest, 1, rest, 1));
      Matrix<2, 2> rotation;
      rotation(0, 0) = rotation(1, 1) = std::cos(angle);
      rotation(1, 0) = std::sin(angle);
      rotation(0, 1) = -rotation(1, 0);
      rest = rest * rotation;
      turn = turn * rotation;
    }
  }
  Match<d> found{{}, HUGE_VAL};
  for (int j = 0; j < d; ++j) {
    double const length = std::sqrt(dot(rest, j, rest, j));
    if (!(length < found.mismatch)) continue;
    found.mismatch = length;
    for (int i = 0; i < d; ++i) found.coefficients(i, 0) = turn(i, j);
  }
  return found;
}

/// Motion-stress equations of the two waves, y' = A y in z' = k z (downward), the traction in units
/// of `stress`, and what holds at the two ends.
struct RayleighEquations {
  static constexpr int d = 2;
  static Matrix<4, 4> matrix(SolidLayer<double> const& l, double c2, double stress) {
    double const R = c2 * l.rho / stress, Z = l.zeta / stress - R;
    Matrix<4, 4> a;
    a(0, 1) = 1, a(0, 2) = l.a * stress;
    a(1, 0) = -l.e, a(1, 3) = l.b * stress;
    a(2, 0) = Z, a(2, 3) = l.e;
    a(3, 1) = -R, a(3, 2) = -1;
    return a;
  }
  static Matrix<4, 2> below(SolidLayer<double> const& l, double c2, double stress) {
    double const r = std::sqrt(1 - c2 * l.inv_vp2), s = std::sqrt(1 - c2 * l.inv_vs2);
    double const mu = l.mu / stress, t = mu * (1 + s * s);
    Matrix<4, 2> y; // P: gradient of e^(-rz), SV: curl; their tractions by Hooke's law
    y(0, 0) = 1, y(1, 0) = r, y(2, 0) = -2 * mu * r, y(3, 0) = -t;
    y(0, 1) = s, y(1, 1) = 1, y(2, 1) = -t, y(3, 1) = -2 * mu * s;
    if (c2 * l.inv_vs2 < 0.5) // nearly parallel: the difference over c2, without cancellation
      for (int i = 0; i < 4; ++i)
        y(i, 1) = difference(c2, r, s, l, mu)[static_cast<std::size_t>(i)];
    return y;
  }
  /// (SV - P)/c^2, from 1 - s = c^2/vs^2/(1 + s), 2 r - 1 - s^2 = (1 - s^2) - 2 (1 - r) and
  /// 1 + s^2 - 2 s = (1 - s)^2.
  static std::array<double, 4> difference(double c2, double r, double s,
                                          SolidLayer<double> const& l, double mu) {
    double const p = l.inv_vp2 / (1 + r), q = l.inv_vs2 / (1 + s);
    return {-q, p, mu * (l.inv_vs2 - 2 * p), mu * c2 * q * q};
  }
  static Matrix<4, 2> above(double u, double P, double stress) {
    Matrix<4, 2> y;
    y(0, 0) = 1;
    y(1, 1) = u;
    y(3, 1) = P / stress;
    return y;
  }
};
struct LoveEquations {
  static constexpr int d = 1;
  static Matrix<2, 2> matrix(SolidLayer<double> const& l, double c2, double stress) {
    Matrix<2, 2> a;
    a(0, 1) = stress * l.a;
    a(1, 0) = l.mu * (1 - c2 * l.inv_vs2) / stress;
    return a;
  }
  static Matrix<2, 1> below(SolidLayer<double> const& l, double c2, double stress) {
    Matrix<2, 1> y;
    y(0, 0) = 1;
    y(1, 0) = -l.mu * std::sqrt(1 - c2 * l.inv_vs2) / stress;
    return y;
  }
  static Matrix<2, 1> above(double, double, double) {
    Matrix<2, 1> y;
    y(0, 0) = 1;
    return y;
  }
};

/// The fluids of a model at one root: u_z and P = tzz/k at the top of each and at the sea floor.
struct Fluids {
  std::vector<double> u, P, exponent; ///< times 2^exponent
  Fluids(LayerView<double> const& model, double c2, double k) {
    double u0 = 1, P0 = 0, power = 0;
    for (int i = 0; i <= model.fluids; ++i) {
      u.push_back(u0);
      P.push_back(P0);
      exponent.push_back(power);
      if (i == model.fluids) break;
      FluidLayer<double> const& l = model.fluid[i];
      double const R = c2 * l.rho, n2 = c2 * l.inv_vp2 - 1, x = k * l.thickness;
      Hyperbolic<double> const h = hyperbolic(x, -n2);
      double const below = u0 * h.cosine + P0 * n2 / R * h.sine;
      P0 = P0 * h.cosine - R * h.sine * u0;
      double e;
      double const unit = moho::detail::inverse_power_of_two(
          std::max(std::max(std::fabs(below), std::fabs(P0)), 1e-290), e);
      u0 = below * unit;
      P0 *= unit;
      // hyperbolic is scaled by `factor`, which the amplitudes must get back
      power += e - std::log2(std::max(h.factor, 1e-300));
    }
  }
};

template <class Equations>
class Matcher {
public:
  static constexpr int d = Equations::d;
  using Vector = Matrix<2 * d, 1>;

  Matcher(LayerView<double> const& model, double c, double k)
      : _model(model), _c2(c * c), _k(k), _fluids(model, c * c, k) {
    lay_out();
    go_down();
    go_up();
  }

  /// Matches, then looks whether the mode is larger elsewhere and matches there.
  void run() {
    std::size_t at = 0;
    std::vector<Match<d>> all;
    for (Level<d> const& l : _levels) all.push_back(match<d>(l.above, l.below));
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].mismatch < all[at].mismatch) at = i;
    reconstruct(at, all[at]);
    std::size_t largest = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (amplitude(i) > amplitude(largest)) largest = i;
    if (all[largest].mismatch < 1e-11 + 4 * all[at].mismatch) {
      at = largest;
      reconstruct(at, all[at]);
    }
    _at = at;
    _mismatch = all[at].mismatch;
  }

  /// Displacement and traction at level i.
  Vector state(std::size_t i) const {
    Vector y = _state[i];
    for (int l = d; l < 2 * d; ++l) y(l, 0) *= _levels[i].stress * _k;
    return y;
  }
  double amplitude(std::size_t i) const {
    double sum = 0;
    for (int l = 0; l < d; ++l) sum += _state[i](l, 0) * _state[i](l, 0);
    return std::sqrt(sum);
  }
  std::vector<Level<d>> const& levels() const { return _levels; }
  Fluids const& fluids() const { return _fluids; }
  std::size_t matched_at() const { return _at; }
  double mismatch() const { return _mismatch; }

private:
  LayerView<double> _model;
  double _c2, _k;
  Fluids _fluids;
  std::vector<Level<d>> _levels;
  std::vector<Vector> _state;
  std::size_t _at = 0;
  double _mismatch = 0;

  SolidLayer<double> const& layer(std::size_t i) const { return _model.solid[_levels[i].layer]; }

  /// Cuts layers so that a solution turns or grows little from level to level.
  void lay_out() {
    for (int i = 0; i < _model.solids; ++i) {
      SolidLayer<double> const& l = _model.solid[i];
      double const s2 = 1 - _c2 * l.inv_vs2, nu = std::max(1.0, std::sqrt(std::fabs(s2)));
      double x = _k * l.thickness;
      // A solution that falls below e^-400 within a layer is zero beyond; no need to follow it.
      if (s2 > 0) x = std::min(x, 400 / std::sqrt(s2));
      int const parts = i + 1 < _model.solids ? 1 + static_cast<int>(x * nu) : 1;
      for (int j = 0; j < parts; ++j)
        _levels.push_back({i, x / parts, j == 0, l.mu * nu, {}, {}, {}, {}});
    }
  }

  /// Propagator from level i to the next (sign 1) or back (-1).
  Matrix<2 * d, 2 * d> step(std::size_t i, double sign) const {
    Matrix<2 * d, 2 * d> a = Equations::matrix(layer(i), _c2, _levels[i].stress);
    for (double& x : a.v) x *= sign * _levels[i].x;
    return exponential(a);
  }

  static void change_unit(Matrix<2 * d, d>& y, double by) {
    for (int j = 0; j < d; ++j)
      for (int i = d; i < 2 * d; ++i) y(i, j) *= by;
  }

  void go_down() {
    Matrix<2 * d, d> y =
        Equations::above(_fluids.u.back(), _fluids.P.back(), _levels.front().stress);
    Matrix<2 * d, 2 * d> propagator;
    orthonormalise(y);
    for (std::size_t i = 0; i < _levels.size(); ++i) {
      Level<d>& l = _levels[i];
      l.above = y;
      if (i + 1 == _levels.size()) break;
      if (l.top) propagator = step(i, 1.0); // the parts of a layer are equal
      y = propagator * y;
      change_unit(y, l.stress / _levels[i + 1].stress);
      l.down = orthonormalise(y);
    }
  }

  void go_up() {
    Level<d>& last = _levels.back();
    Matrix<2 * d, d> y = Equations::below(layer(_levels.size() - 1), _c2, last.stress);
    Matrix<2 * d, 2 * d> propagator;
    orthonormalise(y);
    last.below = y;
    for (std::size_t i = _levels.size() - 1; i-- > 0;) {
      Level<d>& l = _levels[i];
      change_unit(y, _levels[i + 1].stress / l.stress);
      if (_levels[i + 1].top) propagator = step(i, -1.0);
      y = propagator * y;
      l.up = orthonormalise(y);
      l.below = y;
    }
  }

  /// States at all levels from the common vector at one.
  void reconstruct(std::size_t at, Match<d> const& match) {
    _state.assign(_levels.size(), {});
    Matrix<d, 1> b = match.coefficients, a;
    Vector const y = _levels[at].above * b;
    for (int i = 0; i < d; ++i) {
      double sum = 0;
      for (int l = 0; l < 2 * d; ++l) sum += _levels[at].below(l, i) * y(l, 0);
      a(i, 0) = sum;
    }
    _state[at] = y;
    for (std::size_t i = at; i-- > 0;) {
      b = solve_triangular(_levels[i].down, b);
      _state[i] = _levels[i].above * b;
    }
    for (std::size_t i = at + 1; i < _levels.size(); ++i) {
      a = solve_triangular(_levels[i - 1].up, a);
      _state[i] = _levels[i].below * a;
    }
  }
};

/// Everything scaled by the largest displacement, which gets the sign +.
template <class Equations>
Eigenfunction assemble(LayeredModel const& model, LayerView<double> const& scaled, double c,
                       double k, Units const& units) {
  constexpr bool rayleigh = Equations::d == 2;
  Matcher<Equations> m(scaled, c, k);
  m.run();
  const std::size_t n = model.layers(), fluids = static_cast<std::size_t>(scaled.fluids);
  Eigenfunction f;
  f.depth.assign(n, 0.0);
  for (auto* v : {&f.ux, &f.uz, &f.tzx, &f.tzz}) v->assign(n, 0.0);
  for (std::size_t i = 1; i < n; ++i) f.depth[i] = f.depth[i - 1] + model.thickness[i - 1];
  double largest = 0;
  for (std::size_t i = 0; i < m.levels().size(); ++i) {
    largest = std::max(largest, m.amplitude(i));
    if (!m.levels()[i].top) continue;
    const std::size_t row = fluids + static_cast<std::size_t>(m.levels()[i].layer);
    auto const y = m.state(i);
    f.ux[row] = y(0, 0);
    (rayleigh ? f.uz : f.tzx)[row] = y(1, 0);
    if constexpr (rayleigh) {
      f.tzx[row] = y(2, 0);
      f.tzz[row] = y(3, 0);
    }
  }
  f.surface_amplitude = m.amplitude(0);
  if constexpr (rayleigh) {
    f.ellipticity = -f.ux[fluids] / f.uz[fluids];
    Fluids const& w = m.fluids();
    // u_z, or P where u_z nearly vanishes, is continuous at the sea floor
    double const u = w.u[fluids], P = w.P[fluids];
    double const at_floor =
        std::fabs(u) > std::fabs(P) ? f.uz[fluids] / u : f.tzz[fluids] / (k * P);
    for (std::size_t i = 0; i < fluids; ++i) {
      double const by = at_floor * std::exp2(w.exponent[i] - w.exponent[fluids]);
      f.uz[i] = w.u[i] * by;
      f.tzz[i] = w.P[i] * by * k;
      f.ux[i] = w.P[i] * by / (c * c * scaled.fluid[i].rho);
      largest = std::max(largest, std::hypot(f.ux[i], f.uz[i]));
    }
  }
  f.surface_amplitude /= largest;
  f.match_layer = static_cast<int>(fluids) + m.levels()[m.matched_at()].layer;
  f.mismatch = m.mismatch();
  auto const peak = m.state(m.matched_at());
  double sign = 0;
  for (int l = 0; l < Equations::d; ++l)
    if (std::fabs(peak(l, 0)) > std::fabs(sign)) sign = peak(l, 0);
  double const by = std::copysign(1 / largest, sign);
  // tractions: density velocity^2 per length
  double const unit = units.density * units.velocity * units.velocity / units.length;
  for (std::size_t i = 0; i < n; ++i) {
    f.ux[i] *= by, f.uz[i] *= by;
    f.tzx[i] *= by * unit, f.tzz[i] *= by * unit;
  }
  return f;
}

} // namespace
} // namespace detail

Eigenfunction eigenfunction(LayeredModel const& model, double period, Wave wave, double phase) {
  const detail::Units units(model);
  const detail::LayerStore<double> store(model, units);
  double const c = phase / units.velocity;
  double const k = detail::angular_frequency<double>(period, units) / c;
  return wave == Wave::love
             ? detail::assemble<detail::LoveEquations>(model, store.view(), c, k, units)
             : detail::assemble<detail::RayleighEquations>(model, store.view(), c, k, units);
}

} // namespace moho::dispersion
