// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/boundary_value.hpp"
#include "moho/core/error.hpp"
#include "moho/study/names.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <numbers>
#include <utility>

namespace moho::study {
namespace {

using Real = long double;
constexpr Real pi = std::numbers::pi_v<Real>;

/// Closer to a zero of sin(w / sqrt(k)) the solution has lost five digits, and means nothing.
constexpr Real least_resonance_sine = 1e-4L;
constexpr std::size_t gauss_points = 16;

/// G(x, s) = e^(-rate (b-a)) sum_r low_r(a) high_r(b) with the rate of the side that s is on.
struct Kernel {
  enum class Shape { poisson, simply_supported, clamped, exponential, wave } shape;
  Real k;               ///< of the highest derivative
  Real rate = 0;        ///< exponential: low = 1 - e^(-rate y), high = (1 - e^(-rate (1-y))) / ..
  Real left = 0;        ///< decay with x - s where s < x
  Real right = 0;       ///< decay with s - x where s > x
  Real denominator = 1; ///< of `high`
};

struct Factors {
  std::array<Real, 2> low{}, high{};
};

/// `rest` = 1 - y, given because the difference loses digits near 1.
Factors factors(Kernel const& kernel, Real y, Real rest) {
  switch (kernel.shape) {
  case Kernel::Shape::poisson: // a (1-b) / k
    return {{y, 0}, {rest / kernel.k, 0}};
  case Kernel::Shape::simply_supported: { // a (1-b) (1 - a^2 - (1-b)^2) / (6k)
    Real const scale = rest / (6 * kernel.k);
    return {{y * (1 - y) * (1 + y), y}, {scale, -scale * rest * rest}};
  }
  case Kernel::Shape::clamped: { // a^2 (1-b)^2 (3b - a - 2ab) / (6k)
    Real const scale = rest * rest / (6 * kernel.k);
    return {{y * y, y * y * y}, {3 * scale * y, -scale * (1 + 2 * y)}};
  }
  case Kernel::Shape::exponential:
    return {{-std::expm1(-kernel.rate * y), 0},
            {-std::expm1(-kernel.rate * rest) / kernel.denominator, 0}};
  case Kernel::Shape::wave: // sin(ma) sin(m(1-b)) / (k m sin m)
    return {{std::sin(kernel.rate * y), 0}, {std::sin(kernel.rate * rest) / kernel.denominator, 0}};
  }
  return {};
}

/// sinh(ma) sinh(m(1-b)) / (k m sinh m) with e^(m(a-b)) taken out.
Kernel reaction_kernel(BoundaryValue const& equation) {
  Real const k = equation.k, m = std::sqrt(equation.c / k);
  if (m == 0) return {Kernel::Shape::poisson, k};
  return {Kernel::Shape::exponential, k, 2 * m, m, m, 2 * k * m * -std::expm1(-2 * m)};
}

/// (e^(pa) - 1) (1 - e^(p(b-1))) / (beta e^(ps) (1 - e^(-p))), p = beta / eps: no decay downstream.
/// A negative beta is the mirror image, which swaps the sides.
Kernel advection_kernel(BoundaryValue const& equation) {
  Real const beta = std::abs(Real{equation.beta}), p = beta / equation.eps;
  if (p == 0) return {Kernel::Shape::poisson, equation.eps};
  Kernel kernel{Kernel::Shape::exponential, equation.eps, p, 0, p, beta * -std::expm1(-p)};
  if (equation.beta < 0) std::swap(kernel.left, kernel.right);
  return kernel;
}

Kernel helmholtz_kernel(BoundaryValue const& equation) {
  Real const k = equation.k, m = std::abs(Real{equation.w}) / std::sqrt(k);
  if (m == 0) return {Kernel::Shape::poisson, k};
  return {Kernel::Shape::wave, k, m, 0, 0, k * m * std::sin(m)};
}

Kernel kernel_of(BoundaryValue const& equation) {
  switch (equation.kind) {
  case Operator1d::poisson:
    return {Kernel::Shape::poisson, equation.k};
  case Operator1d::biharmonic_simply_supported:
    return {Kernel::Shape::simply_supported, equation.k};
  case Operator1d::biharmonic_clamped:
    return {Kernel::Shape::clamped, equation.k};
  case Operator1d::advection_diffusion:
    return advection_kernel(equation);
  case Operator1d::reaction_diffusion:
    return reaction_kernel(equation);
  case Operator1d::helmholtz:
    return helmholtz_kernel(equation);
  }
  throw std::logic_error("defect in moho: no such operator");
}

/// Gauss-Legendre rule on [0, 1]: places ascending, places[q] + places[n-1-q] = 1.
void gauss_rule(std::array<Real, gauss_points>& place, std::array<Real, gauss_points>& weight) {
  constexpr auto n = static_cast<int>(gauss_points);
  for (int q = 0; q < n / 2; ++q) {
    Real x = std::cos(pi * (q + 0.75L) / (n + 0.5L)), slope = 0;
    for (int step = 0; step < 100; ++step) {
      Real before = 1, value = x; // Legendre polynomials of degree i-1, i
      for (int i = 2; i <= n; ++i)
        before = std::exchange(value, ((2 * i - 1) * x * value - (i - 1) * before) / i);
      slope = n * (x * value - before) / (x * x - 1);
      Real const change = value / slope;
      x -= change;
      if (std::abs(change) < 1e-19L) break;
    }
    auto const low = static_cast<std::size_t>(q), high = gauss_points - 1 - low;
    place[low] = (1 - x) / 2;
    place[high] = (1 + x) / 2;
    weight[low] = weight[high] = 1 / ((1 - x * x) * slope * slope);
  }
}

/// Ends of the panels of an element, as shares of it, up to its middle; the other half mirrors
/// them. Panels that double away from the ends resolve a decay of any rate; waves need equal ones.
std::vector<Real> half_panels(Kernel const& kernel, Real h) {
  Real const size = kernel.rate * h;
  if (size <= 2) return {0};
  std::vector<Real> ends{0};
  if (kernel.shape == Kernel::Shape::wave) {
    auto const panels = static_cast<std::size_t>(std::ceil(size / 4));
    for (std::size_t i = 1; i <= panels; ++i)
      ends.push_back(static_cast<Real>(i) / static_cast<Real>(2 * panels));
    return ends;
  }
  for (Real end = 1 / size; end < 0.5L; end *= 2) ends.push_back(end);
  ends.push_back(0.5L);
  return ends;
}

/// sin(pi index i / n), exactly zero where it is.
Real sine_at_node(std::size_t index, std::size_t i, std::size_t n) {
  const std::size_t step = index * i % (2 * n);
  if (step % n == 0) return 0;
  return std::sin(pi * static_cast<Real>(step) / static_cast<Real>(n));
}

Real cosine_at_node(std::size_t index, std::size_t i, std::size_t n) {
  const std::size_t step = index * i % (2 * n);
  if (2 * step == n || 2 * step == 3 * n) return 0;
  return std::cos(pi * static_cast<Real>(step) / static_cast<Real>(n));
}

} // namespace

char const* name(Operator1d operator_) {
  static std::array<char const*, 6> const names{"poisson",
                                                "biharmonic-simply-supported",
                                                "biharmonic-clamped",
                                                "advection-diffusion",
                                                "reaction-diffusion",
                                                "helmholtz"};
  return names[static_cast<std::size_t>(operator_)];
}

std::vector<std::string> const& operator_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (int i = 0; i < 6; ++i) all.emplace_back(name(static_cast<Operator1d>(i)));
    return all;
  }();
  return names;
}

Operator1d operator_named(std::string const& name) {
  std::vector<std::string> const& names = operator_names();
  auto const found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw Error("unknown operator '" + name + "' (" + suggestion(name, names) + ")");
  return static_cast<Operator1d>(found - names.begin());
}

void require_solvable(BoundaryValue const& equation) {
  bool const advection = equation.kind == Operator1d::advection_diffusion;
  double const leading = advection ? equation.eps : equation.k;
  constexpr double least = 1e-100; // squares of solutions must not overflow
  if (!(leading >= least && std::isfinite(leading))) {
    char value[40];
    std::snprintf(value, sizeof value, "%.17g", leading);
    throw Error(std::string("problem.") + (advection ? "eps" : "k") + " = " + value +
                " is not positive or below 1e-100 (it multiplies the highest derivative) choose a "
                "larger one");
  }
  if (equation.kind == Operator1d::reaction_diffusion && !(equation.c >= 0))
    throw Error("problem.c must not be negative (a negative one is a Helmholtz operator) "
                "choose operator helmholtz with w^2 = -c");
  if (equation.kind != Operator1d::helmholtz || equation.w == 0) return;
  Real const m = std::abs(Real{equation.w}) / std::sqrt(Real{equation.k});
  if (m < 1 || std::abs(std::sin(m)) >= least_resonance_sine) return; // w = 0 is Poisson
  char text[200];
  std::snprintf(
      text, sizeof text,
      "problem.w = %.17g is at a resonance, to 4 digits (w = n pi sqrt(k) with n = %.0Lf, where no "
      "unique solution exists) choose another w",
      equation.w, std::round(m / pi));
  throw Error(text);
}

long double greens_function(BoundaryValue const& equation, long double x, long double s) {
  const Kernel kernel = kernel_of(equation);
  Real const a = std::min(x, s), b = std::max(x, s);
  const Factors at_a = factors(kernel, a, 1 - a), at_b = factors(kernel, b, 1 - b);
  Real const decay = std::exp(-(s < x ? kernel.left : kernel.right) * (b - a));
  return decay * (at_a.low[0] * at_b.high[0] + at_a.low[1] * at_b.high[1]);
}

NodeSolutions::NodeSolutions(BoundaryValue const& equation, std::size_t intervals)
    : _intervals(intervals) {
  MOHO_REQUIRE(intervals >= 2);
  require_solvable(equation);
  const Kernel kernel = kernel_of(equation);
  std::array<Real, gauss_points> place{}, weight{};
  gauss_rule(place, weight);
  Real const n = static_cast<Real>(intervals), h = 1 / n;
  std::vector<Real> ends = half_panels(kernel, h);
  for (std::size_t i = ends.back() == 0.5L ? ends.size() - 1 : ends.size(); i-- > 0;)
    ends.push_back(1 - ends[i]);
  for (std::size_t panel = 0; panel + 1 < ends.size(); ++panel)
    for (std::size_t q = 0; q < gauss_points; ++q) {
      Real const width = ends[panel + 1] - ends[panel];
      _place.push_back(ends[panel] + width * place[q]);
      _weight.push_back(width * weight[q] * h);
    }
  const std::size_t points = _place.size();
  for (std::size_t i = 0; i < intervals; ++i)
    for (std::size_t q = 0; q < points; ++q) {
      // The rule is symmetric: the mirrored place is the distance from the right end, without loss.
      Real const from_left = _place[q], from_right = _place[points - 1 - q];
      const Factors at = factors(kernel, (static_cast<Real>(i) + from_left) / n,
                                 (static_cast<Real>(intervals - 1 - i) + from_right) / n);
      Real const left = _weight[q] * std::exp(-kernel.left * h * from_right);
      Real const right = _weight[q] * std::exp(-kernel.right * h * from_left);
      _left.push_back({left * at.low[0], left * at.low[1]});
      _right.push_back({right * at.high[0], right * at.high[1]});
    }
  for (std::size_t i = 0; i <= intervals; ++i) {
    const Factors at =
        factors(kernel, static_cast<Real>(i) / n, static_cast<Real>(intervals - i) / n);
    _low.push_back(at.low);
    _high.push_back(at.high);
  }
  _left_decay = std::exp(-kernel.left * h);
  _right_decay = std::exp(-kernel.right * h);
}

std::vector<double> NodeSolutions::source(BasisFunction function) const {
  std::vector<double> values(_intervals + 1);
  for (std::size_t i = 0; i <= _intervals; ++i) {
    Real value = 0;
    switch (function.kind) {
    case BasisFunction::Kind::power:
      value = std::pow(static_cast<Real>(i) / static_cast<Real>(_intervals),
                       static_cast<Real>(function.index));
      break;
    case BasisFunction::Kind::sine:
      value = sine_at_node(function.index, i, _intervals);
      break;
    case BasisFunction::Kind::cosine:
      value = cosine_at_node(function.index, i, _intervals);
      break;
    case BasisFunction::Kind::hat:
      value = i == function.index ? 1 : 0;
      break;
    }
    values[i] = static_cast<double>(value);
  }
  return values;
}

/// f at the quadrature points of an element; empty where it is zero.
std::vector<long double> NodeSolutions::integrands(BasisFunction function,
                                                   std::size_t element) const {
  using Kind = BasisFunction::Kind;
  const std::size_t points = _place.size();
  bool const rising = element + 1 == function.index, falling = element == function.index;
  if (function.kind == Kind::hat && !rising && !falling) return {};
  std::vector<Real> values(points);
  for (std::size_t q = 0; q < points; ++q) {
    Real const s = (static_cast<Real>(element) + _place[q]) / static_cast<Real>(_intervals);
    Real const index = static_cast<Real>(function.index);
    switch (function.kind) {
    case Kind::power:
      values[q] = std::pow(s, index);
      break;
    case Kind::sine:
      values[q] = std::sin(index * pi * s);
      break;
    case Kind::cosine:
      values[q] = std::cos(index * pi * s);
      break;
    case Kind::hat:
      values[q] = rising ? _place[q] : _place[points - 1 - q];
      break;
    }
  }
  return values;
}

std::vector<double> NodeSolutions::integrate(BasisFunction function) const {
  const std::size_t points = _place.size();
  // Integrals over s < x_i and over s > x_i.
  std::vector<Terms> before(_intervals + 1), after(_intervals + 1);
  for (std::size_t i = 0; i < _intervals; ++i) {
    const std::vector<Real> f = integrands(function, i);
    Terms left{}, right{};
    for (std::size_t q = 0; q < f.size(); ++q)
      for (std::size_t r = 0; r < 2; ++r) {
        left[r] += _left[i * points + q][r] * f[q];
        right[r] += _right[i * points + q][r] * f[q];
      }
    for (std::size_t r = 0; r < 2; ++r) before[i + 1][r] = before[i][r] * _left_decay + left[r];
    after[i] = right;
  }
  for (std::size_t i = _intervals; i-- > 0;)
    for (std::size_t r = 0; r < 2; ++r) after[i][r] += after[i + 1][r] * _right_decay;
  std::vector<double> u(_intervals + 1);
  for (std::size_t i = 1; i < _intervals; ++i) // the ends are zero, by the boundary conditions
    u[i] = static_cast<double>(_high[i][0] * before[i][0] + _high[i][1] * before[i][1] +
                               _low[i][0] * after[i][0] + _low[i][1] * after[i][1]);
  return u;
}

std::vector<double> const& NodeSolutions::solution(BasisFunction function) const {
  auto const found = _known.find(function);
  if (found != _known.end()) return found->second;
  return _known.emplace(function, integrate(function)).first->second;
}

std::shared_ptr<NodeSolutions const> node_solutions(BoundaryValue const& equation,
                                                    std::size_t intervals) {
  struct Entry {
    BoundaryValue equation;
    std::size_t intervals;
    std::shared_ptr<NodeSolutions const> table;
  };
  static std::deque<Entry> recent; // a cross-validation asks for one table again and again
  constexpr std::size_t most = 8;
  for (Entry const& entry : recent)
    if (entry.equation == equation && entry.intervals == intervals) return entry.table;
  recent.push_front({equation, intervals, std::make_shared<NodeSolutions>(equation, intervals)});
  if (recent.size() > most) recent.pop_back();
  return recent.front().table;
}

} // namespace moho::study
