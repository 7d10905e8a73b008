// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/function_methods.hpp"
#include <algorithm>

namespace moho::study {
namespace {

/// Weights of the centred difference on nodes -m .. m, unit spacing (Fornberg, 1988).
std::vector<double> centred_weights(std::size_t derivative, std::size_t m) {
  const std::size_t points = 2 * m + 1;
  // In order of distance from the centre: the recursion stays accurate.
  std::vector<long double> x{0};
  for (std::size_t i = 1; i <= m; ++i) {
    x.push_back(-static_cast<long double>(i));
    x.push_back(static_cast<long double>(i));
  }
  std::vector<std::vector<long double>> c(points, std::vector<long double>(derivative + 1, 0));
  c[0][0] = 1;
  long double before = 1;
  for (std::size_t n = 1; n < points; ++n) {
    long double now = 1;
    const std::size_t top = std::min(n, derivative);
    for (std::size_t v = 0; v < n; ++v) {
      long double const gap = x[n] - x[v];
      now *= gap;
      if (v + 1 == n) {
        for (std::size_t k = top; k > 0; --k)
          c[n][k] = before *
                    (static_cast<long double>(k) * c[n - 1][k - 1] - x[n - 1] * c[n - 1][k]) / now;
        c[n][0] = -before * x[n - 1] * c[n - 1][0] / now;
      }
      for (std::size_t k = top; k > 0; --k)
        c[v][k] = (x[n] * c[v][k] - static_cast<long double>(k) * c[v][k - 1]) / gap;
      c[v][0] = x[n] * c[v][0] / gap;
    }
    before = now;
  }
  std::vector<double> weights(points);
  weights[m] = static_cast<double>(c[0][derivative]);
  for (std::size_t i = 1; i <= m; ++i)
    weights[m - i] = weights[m + i] = static_cast<double>(c[2 * i][derivative]);
  return weights;
}

class FdFit : public Method {
public:
  explicit FdFit(Parameters const& parameters)
      : _order(static_cast<std::size_t>(parameters.integer("order"))) {
    if (_order % 2 != 0)
      throw Error("fd-fit: order = " + std::to_string(_order) +
                  " is odd (a centred stencil has an even order) set it to 2, 4, 6, ...");
  }

  Preparation prepare(Problem const&, parallel::Comm const& comm) override {
    _root = comm.root();
    return {{{"parameters", 1}}, {}, {}};
  }

  void apply(Batch const& in, Batch& out) override {
    if (!_root) return;
    const std::vector<double> source = in.reals(source_array), solution = in.reals(solution_array);
    const std::size_t nodes = in.at(solution_array).shape.at(1);
    auto const derivative = static_cast<std::size_t>(in.integers(derivative_array).at(0));
    MOHO_REQUIRE(nodes >= 2 && (derivative == 2 || derivative == 4));
    const std::size_t half = (derivative + _order) / 2 - 1;
    if (nodes < 2 * half + 1)
      throw Error("fd-fit: the stencil of order " + std::to_string(_order) + " for derivative " +
                  std::to_string(derivative) + " needs " + std::to_string(2 * half) +
                  " intervals (there are " + std::to_string(nodes - 1) +
                  ") use a finer grid or a lower order");
    std::vector<double> weights = centred_weights(derivative, half);
    double power = 1; // h^-derivative
    for (std::size_t i = 0; i < derivative; ++i) power *= static_cast<double>(nodes - 1);
    double product = 0, square = 0;
    for (std::size_t item = 0; item < in.count(); ++item)
      for (std::size_t i = half; i + half < nodes; ++i) {
        double difference = 0;
        for (std::size_t k = 0; k <= 2 * half; ++k)
          difference += weights[k] * solution[item * nodes + i + k - half];
        difference *= power;
        product += source[item * nodes + i] * difference;
        square += difference * difference;
      }
    double const sign = derivative == 2 ? -1 : 1; // -w u'' = f, w u'''' = f
    out = Batch(1);
    out.set(coefficient_array, "", std::vector<double>{sign * product / square});
    _flops = static_cast<std::int64_t>(in.count() * (nodes - 2 * half) * (4 * half + 7));
  }

  Cost cost() const override { return {_flops, {}, 0, {}}; }

private:
  std::size_t _order;
  bool _root = false;
  std::int64_t _flops = 0;
};

} // namespace

std::vector<ParameterSpec> fd_fit_parameters() {
  return {{"order", std::int64_t{2}, "of accuracy of the centred difference: 2, 4, 6, ...", 2, 40}};
}

std::unique_ptr<Method> make_fd_fit(Parameters const& parameters) {
  return std::make_unique<FdFit>(parameters);
}

} // namespace moho::study
