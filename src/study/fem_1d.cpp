// SPDX-License-Identifier: BSD-3-Clause
#include "function_training.hpp"
#include "moho/core/error.hpp"
#include "moho/study/boundary_value.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/function_methods.hpp"
#include "moho/study/measure.hpp"
#include <array>
#include <limits>
#include <optional>

namespace moho::study {
namespace {

/// Degrees of freedom of node i: the value and, for Hermite elements, h times the slope.
struct Numbering {
  std::size_t per_node = 1;
  std::vector<std::ptrdiff_t> unknown; ///< of each degree of freedom; -1: fixed at zero
  std::size_t count = 0;
};

bool biharmonic(Operator1d kind) {
  return kind == Operator1d::biharmonic_simply_supported || kind == Operator1d::biharmonic_clamped;
}

Numbering numbering(Operator1d kind, std::size_t intervals) {
  Numbering result;
  result.per_node = biharmonic(kind) ? 2 : 1;
  for (std::size_t node = 0; node <= intervals; ++node)
    for (std::size_t k = 0; k < result.per_node; ++k) {
      bool const end = node == 0 || node == intervals;
      bool const fixed = end && (k == 0 || kind == Operator1d::biharmonic_clamped);
      result.unknown.push_back(fixed ? -1 : static_cast<std::ptrdiff_t>(result.count++));
    }
  return result;
}

/// The element's matrix and load in 2 or 4 degrees of freedom. `load` times the two nodal values of
/// f is the integral of the linear f times each shape function.
struct Element {
  std::array<std::array<double, 4>, 4> matrix{};
  std::array<std::array<double, 2>, 4> load{};
};

/// Cubic Hermite shape functions, slopes in units of 1/h: k u''''.
Element hermite_element(double k, double h) {
  constexpr double m[4][4] = {{12, 6, -12, 6}, {6, 4, -6, 2}, {-12, -6, 12, -6}, {6, 2, -6, 4}};
  constexpr double f[4][2] = {{21, 9}, {3, 2}, {9, 21}, {-2, -3}};
  Element element;
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) element.matrix[i][j] = k * m[i][j] / (h * h * h);
    for (std::size_t j = 0; j < 2; ++j) element.load[i][j] = h * f[i][j] / 60;
  }
  return element;
}

/// Linear shape functions: -a u'' + b u' + c u.
Element linear_element(double a, double b, double c, double h) {
  Element element;
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 2; ++j) {
      double const mass = i == j ? h / 3 : h / 6;
      element.matrix[i][j] = (i == j ? a : -a) / h + (j == 0 ? -b : b) / 2 + c * mass;
      element.load[i][j] = mass;
    }
  return element;
}

Element element_of(BoundaryValue const& equation, double h) {
  switch (equation.kind) {
  case Operator1d::poisson:
    return linear_element(equation.k, 0, 0, h);
  case Operator1d::advection_diffusion:
    return linear_element(equation.eps, equation.beta, 0, h);
  case Operator1d::reaction_diffusion:
    return linear_element(equation.k, 0, equation.c, h);
  case Operator1d::helmholtz:
    return linear_element(equation.k, 0, -equation.w * equation.w, h);
  case Operator1d::biharmonic_simply_supported:
  case Operator1d::biharmonic_clamped:
    break;
  }
  return hermite_element(equation.k, h);
}

class Fem1d : public Method {
public:
  void accept(Problem const& problem) const override {
    if (capability<BoundaryValueProblem>(problem) == nullptr)
      throw Error("fem-1d needs the equation that it solves (this problem does not tell any) use a "
                  "problem with a boundary-value problem on [0, 1], such as operator-1d");
  }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    accept(problem);
    auto const* boundary_value = capability<BoundaryValueProblem>(problem);
    _root = comm.root();
    _intervals = boundary_value->intervals();
    const BoundaryValue equation = boundary_value->equation();
    _element = element_of(equation, 1 / static_cast<double>(_intervals));
    _numbering = numbering(equation.kind, _intervals);
    double const condition = assemble(equation);
    return {{{"unknowns", static_cast<std::int64_t>(_numbering.count)}},
            {},
            {{"condition", condition}}};
  }

  void apply(Batch const& in, Batch& out) override {
    if (!_root) return; // a band of a few diagonals
    const BlasThreads one_thread(1);
    const Matrix sources = asked_inputs(in, _intervals + 1, "fem-1d");
    Matrix answers(sources.rows, sources.columns);
    std::vector<double> values(_numbering.count);
    for (std::size_t item = 0; item < sources.columns; ++item) {
      load(sources, item, values);
      if (!values.empty()) _matrix->solve(values.data());
      for (std::size_t node = 0; node <= _intervals; ++node) {
        auto const unknown = _numbering.unknown[node * _numbering.per_node];
        if (unknown >= 0) answers(node, item) = values[static_cast<std::size_t>(unknown)];
      }
    }
    out = function_answers(answers, "");
    const std::size_t per_node = _numbering.per_node, band = 2 * per_node - 1;
    const std::size_t of_item = 8 * per_node * _intervals + 2 * (3 * band + 1) * _numbering.count;
    _flops = static_cast<std::int64_t>(sources.columns * of_item);
  }

  Cost cost() const override { return {_flops, {}, 0, {}}; }

private:
  /// Returns the condition of the factored matrix.
  double assemble(BoundaryValue const& equation) {
    const std::size_t local = 2 * _numbering.per_node;
    _matrix.emplace(_numbering.count, local - 1);
    for (std::size_t e = 0; e < _intervals; ++e) {
      auto const* const unknown = _numbering.unknown.data() + e * _numbering.per_node;
      for (std::size_t i = 0; i < local; ++i)
        for (std::size_t j = 0; j < local; ++j)
          if (unknown[i] >= 0 && unknown[j] >= 0)
            _matrix->add(static_cast<std::size_t>(unknown[i]), static_cast<std::size_t>(unknown[j]),
                         _element.matrix[i][j]);
    }
    double const condition = _numbering.count > 0 ? _matrix->factor() : 1;
    if (!(condition * std::numeric_limits<double>::epsilon() < 1))
      throw Error(std::string("fem-1d: the discrete operator of ") + name(equation.kind) +
                  " is singular to working precision on " + std::to_string(_intervals) +
                  " intervals (a resonance, or too fine a grid) change N or the coefficients");
    return condition;
  }

  void load(Matrix const& sources, std::size_t item, std::vector<double>& values) const {
    const std::size_t local = 2 * _numbering.per_node;
    std::fill(values.begin(), values.end(), 0.0);
    for (std::size_t e = 0; e < _intervals; ++e) {
      auto const* const unknown = _numbering.unknown.data() + e * _numbering.per_node;
      for (std::size_t i = 0; i < local; ++i)
        if (unknown[i] >= 0)
          values[static_cast<std::size_t>(unknown[i])] +=
              _element.load[i][0] * sources(e, item) + _element.load[i][1] * sources(e + 1, item);
    }
  }

  bool _root = false;
  std::size_t _intervals = 0;
  Element _element;
  Numbering _numbering;
  std::optional<BandMatrix> _matrix;
  std::int64_t _flops = 0;
};

} // namespace

std::vector<ParameterSpec> fem_1d_parameters() {
  return {};
}

std::vector<std::string> const& fem_1d_metrics() {
  static const std::vector<std::string> names{"condition"};
  return names;
}

std::unique_ptr<Method> make_fem_1d(Parameters const&) {
  return std::make_unique<Fem1d>();
}

} // namespace moho::study
