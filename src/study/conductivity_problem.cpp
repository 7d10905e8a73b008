// SPDX-License-Identifier: BSD-3-Clause
// `conductivity`: which coefficient belongs to a solution?
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/conductivity.hpp"
#include "taylor.hpp"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace moho::study {
namespace {

class ConductivityField : public Problem, public ConductivityProblem {
public:
  ConductivityField(ConductivityGrid const& grid, double contrast, double waves, int refine)
      : _grid(grid), _contrast(contrast), _waves(waves), _refine(refine) {}

  ConductivityGrid const& grid() const override { return _grid; }
  std::size_t count(Split split) const override { return split == Split::test ? 1 : 0; }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    MOHO_REQUIRE(first + n <= count(split));
    Batch batch(n);
    batch.set("point", "", points(_grid), {_grid.nodes(), 2});
    batch.set("solution", "", n == 0 ? std::vector<double>{} : solution(), {n, _grid.nodes()});
    return batch;
  }

  Batch truth(Batch const& inputs, parallel::Comm const&) const override {
    Batch truth(inputs.count());
    truth.set("conductivity", "", field(_grid), {inputs.count(), _grid.nodes()});
    truth.set("uncertainty", "", std::vector<double>{0.0});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const& comm) const override;
  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override;

private:
  static std::vector<double> points(ConductivityGrid const& grid) {
    std::vector<double> points;
    for (int j = 0; j <= grid.n; ++j)
      for (int i = 0; i <= grid.n; ++i) {
        points.push_back(static_cast<double>(i) / grid.n);
        points.push_back(static_cast<double>(j) / grid.n);
      }
    return points;
  }
  std::vector<double> field(ConductivityGrid const& grid) const {
    const std::vector<double> at = points(grid);
    std::vector<double> k(grid.nodes());
    for (std::size_t i = 0; i < k.size(); ++i)
      k[i] = 1 + _contrast * std::sin(_waves * std::numbers::pi * at[2 * i]) *
                     std::cos(_waves * std::numbers::pi * at[2 * i + 1]);
    return k;
  }
  /// On a grid `refine` times as fine, at the nodes of ours.
  std::vector<double> solution() const {
    const ConductivityGrid fine{_grid.n * _refine};
    ConductivityModel model(parallel::Comm::self(), fine);
    const std::vector<double> all = model.solve(field(fine));
    std::vector<double> values;
    for (int j = 0; j <= _grid.n; ++j)
      for (int i = 0; i <= _grid.n; ++i)
        values.push_back(all[static_cast<std::size_t>(j * _refine * (fine.n + 1) + i * _refine)]);
    return values;
  }

  ConductivityGrid _grid;
  double _contrast, _waves;
  int _refine;
};

std::vector<Check> ConductivityField::verify(parallel::Comm const& comm) const {
  ConductivityModel model(comm, _grid);
  const std::size_t n = _grid.nodes();
  const std::vector<double> data = model.solve(field(_grid));
  std::vector<double> theta(n), direction(n);
  for (std::size_t i = 0; i < n; ++i) {
    theta[i] = 0.8 * Philox{13, 1}.uniform(i, 0) - 0.4;
    direction[i] = Philox{13, 2}.uniform(i, 0); // of one sign, as for compliance
  }
  auto const misfit = [&](std::span<double const> at) {
    return model.misfit(conductivity_of(at), data);
  };
  double const value = misfit(theta);
  const std::vector<double> k = conductivity_of(theta), slopes = model.gradient(),
                            u = model.solve(k);
  // K u = F and K lambda = M (u - d): the sum of k dJ/dk is -lambda.K u = -u.M (u - d).
  std::vector<double> difference = u, sum = u;
  for (std::size_t i = 0; i < n; ++i) {
    difference[i] -= data[i];
    sum[i] += difference[i];
  }
  double const product = // u.M (u - d), by polarisation
      model.half_square(sum) - model.half_square(u) - model.half_square(difference);
  auto const off = [&](double scale) { return std::abs(scale * dot(slopes, k) / product + 1); };
  const std::vector<double> one = model.solve(std::vector<double>(n, 1)),
                            two = model.solve(std::vector<double>(n, 2));
  auto const scaling = [&](double factor) {
    double worst = 0;
    for (std::size_t i = 0; i < n; ++i) worst = std::max(worst, std::abs(one[i] - factor * two[i]));
    return worst / *std::max_element(one.begin(), one.end());
  };
  std::vector<Check> checks{
      {"constant_scaling", scaling(2), Relation::at_most, 1e-11,
       "twice the conductivity halves the solution"},
      {"adjoint_identity", off(1), Relation::at_most, 1e-9, "k.dJ/dk = -u.M(u - d)"}};
  checks.push_back(control_of(checks[0], scaling(2 + 1e-9), "1e-9 more"));
  checks.push_back(control_of(checks[1], off(1 + 1e-7), "1e-7 more"));
  for (Check& check :
       derivative_checks(misfit, theta, direction, value, slopes_by_theta(theta, slopes), 0.02))
    checks.push_back(std::move(check));
  return checks;
}

Assessment ConductivityField::assess(Batch const& inputs, Batch const& truth,
                                     Batch const& answers) const {
  const std::vector<double> data = inputs.reals("solution"), k = answers.reals("conductivity"),
                            right = truth.reals("conductivity");
  MOHO_REQUIRE(k.size() == _grid.nodes());
  ConductivityModel model(parallel::Comm::self(), _grid);
  const std::vector<double> ones(k.size(), 1);
  double const misfit = model.misfit(k, data), start = model.misfit(ones, data);
  std::vector<double> error = k;
  double worst = 0, mean = 0, area = 0;
  for (std::size_t i = 0; i < k.size(); ++i) {
    error[i] -= right[i];
    worst = std::max(worst, std::abs(error[i]));
  }
  // The integral of f is 1.M f, by polarisation of half the square.
  std::vector<double> raised = right;
  for (double& value : raised) value += 1;
  area = 2 * model.half_square(ones);
  mean = (model.half_square(raised) - model.half_square(right) - model.half_square(ones)) / area;
  std::vector<double> from_mean = right;
  for (double& value : from_mean) value -= mean;
  double const size = model.half_square(right), off = model.half_square(error);
  Assessment found;
  found.metrics = {{"misfit", misfit},
                   {"misfit_fall", start / misfit},
                   {"misfit_rel", std::sqrt(misfit / model.half_square(data))},
                   {"k_rel_l2", std::sqrt(off / size)},
                   {"k_linf", worst},
                   {"k_of_constant", std::sqrt(off / model.half_square(from_mean))}};
  found.counters = {{"nodes", static_cast<std::int64_t>(k.size())},
                    {"unknowns", model.space().unknowns()}};
  const std::size_t side = static_cast<std::size_t>(_grid.n) + 1;
  const std::vector<std::size_t> shape{side, side};
  found.data = {{"field/conductivity", "", k, shape},
                {"field/truth", "", right, shape},
                {"field/solution", "", model.solve(k), shape},
                {"field/data", "", data, shape}};
  if (answers.has("history"))
    found.data.push_back({"history/misfit", "", answers.reals("history")});
  return found;
}

} // namespace

std::vector<ParameterSpec> conductivity_parameters() {
  return {
      {"n", std::int64_t{25}, "triangles are cut from n x n squares", 2, 2000},
      {"contrast", 0.6, "k = 1 + contrast sin(waves pi x) cos(waves pi y)", -0.99, 0.99},
      {"waves", 2.0, "half waves along a side", 0, 100},
      {"refine", std::int64_t{1},
       "the data are computed on a grid so many times as fine; 1: with the model that is fitted", 1,
       16}};
}

std::vector<std::string> const& conductivity_metrics() {
  static const std::vector<std::string> names{"misfit",   "misfit_fall", "misfit_rel",
                                              "k_rel_l2", "k_linf",      "k_of_constant"};
  return names;
}

std::unique_ptr<Problem> make_conductivity(Parameters const& parameters, Environment const&) {
  return std::make_unique<ConductivityField>(
      ConductivityGrid{static_cast<int>(parameters.integer("n"))}, parameters.real("contrast"),
      parameters.real("waves"), static_cast<int>(parameters.integer("refine")));
}

} // namespace moho::study
