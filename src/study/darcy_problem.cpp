// SPDX-License-Identifier: BSD-3-Clause
// `darcy`: lognormal coefficients to solutions.
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/darcy.hpp"
#include "moho/study/function_batch.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace moho::study {
namespace {

constexpr double pi = std::numbers::pi;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Gaussian fields on m x m squares: sum_ij sigma sqrt(w_ij) xi_ij c_i(x) c_j(y), the cosines
/// orthonormal at the centres, w falling as exp(-(pi length)^2 (i^2 + j^2) / 2), of mean 1.
class GaussianSquares {
public:
  GaussianSquares(int m, double sigma, double length)
      : _m(static_cast<std::size_t>(m)), _sigma(sigma) {
    for (std::size_t i = 0; i < _m; ++i)
      for (std::size_t k = 0; k < _m; ++k)
        _cosine.push_back(
            std::sqrt((i == 0 ? 1.0 : 2.0) / m) *
            std::cos(static_cast<double>(i) * pi * (static_cast<double>(k) + 0.5) / m));
    double sum = 0;
    for (std::size_t i = 0; i < _m; ++i)
      for (std::size_t j = 0; j < _m; ++j) {
        auto const square = static_cast<double>(i * i + j * j);
        _weight.push_back(std::exp(-std::pow(pi * length, 2) * square / 2));
        sum += _weight.back();
      }
    for (double& w : _weight) w *= m * m / sum;
  }

  std::vector<double> draw(Philox const& random, std::uint64_t item) const {
    std::vector<double> rows(_m * _m), field(_m * _m);
    for (std::size_t i = 0; i < _m; ++i)
      for (std::size_t j = 0; j < _m; ++j) {
        double const amplitude = _sigma * std::sqrt(_weight[i * _m + j]) *
                                 random.normal(item, static_cast<std::uint32_t>(i * _m + j));
        for (std::size_t x = 0; x < _m; ++x) rows[j * _m + x] += amplitude * _cosine[i * _m + x];
      }
    for (std::size_t j = 0; j < _m; ++j)
      for (std::size_t y = 0; y < _m; ++y)
        for (std::size_t x = 0; x < _m; ++x)
          field[y * _m + x] += rows[j * _m + x] * _cosine[j * _m + y];
    return field;
  }

  /// Of the mean square of a field: relative deviation of that over `items` of them.
  double deviation(double items) const {
    double sum = 0;
    for (double const w : _weight) sum += w * w;
    return std::sqrt(2 * sum / items) / static_cast<double>(_m * _m);
  }

private:
  std::size_t _m;
  double _sigma;
  std::vector<double> _cosine; ///< (mode, square)
  std::vector<double> _weight; ///< (mode x, mode y)
};

std::vector<double> exponentials(std::vector<double> values) {
  for (double& value : values) value = std::exp(value);
  return values;
}

double largest_difference(std::vector<double> const& a, std::vector<double> const& b) {
  double worst = 0, most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::fmax(worst, std::abs(a[i] - b[i]));
    most = std::fmax(most, std::abs(b[i]));
  }
  return worst / most;
}

std::vector<double> times(std::vector<double> values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

/// Far from symmetric in x and y, as a drawn one need not be: k grows from 1 to 3 along x.
std::vector<double> slanted(int m) {
  std::vector<double> field;
  for (int y = 0; y < m; ++y)
    for (int x = 0; x < m; ++x) field.push_back(1 + 2.0 * x / std::max(1, m - 1));
  return field;
}

std::vector<double> transposed(std::vector<double> const& field, int m) {
  std::vector<double> result;
  for (int x = 0; x < m; ++x)
    for (int y = 0; y < m; ++y) result.push_back(field[static_cast<std::size_t>(y * m + x)]);
  return result;
}

/// u of k = 1 at (x, y): (x - x^2) / 2 less what a series of cosh takes off, to 1e-15 at points
/// 1/32 away from the sides or further.
double unit_solution(double x, double y) {
  double u = x * (1 - x) / 2;
  for (int n = 1; n < 400; n += 2) {
    double const w = n * pi, // cosh(w (y - 1/2)) / cosh(w / 2)
        ratio = (std::exp(w * (y - 1)) + std::exp(-w * y)) / (1 + std::exp(-w));
    u -= 4 / (w * w * w) * std::sin(w * x) * ratio;
  }
  return u;
}

class Darcy : public Problem, public DarcyProblem {
public:
  Darcy(Parameters const& p)
      : _m(static_cast<int>(p.integer("squares"))), _sigma(p.real("sigma")),
        _fields(_m, _sigma, p.real("length")), _n(static_cast<int>(p.integer("truth_n"))),
        _test(static_cast<std::size_t>(p.integer("test"))),
        _train(static_cast<std::size_t>(p.integer("train"))),
        _seed(static_cast<std::uint64_t>(p.integer("seed"))) {
    if (_n % (2 * _m) != 0)
      throw Error("problem.truth_n = " + std::to_string(_n) +
                  " (the truth is compared with half "
                  "as many intervals, and both resolve the squares) make it a multiple of " +
                  std::to_string(2 * _m));
  }

  int squares() const override { return _m; }
  std::size_t count(Split split) const override { return split == Split::train ? _train : _test; }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    std::vector<double> input;
    for (std::uint64_t i = first; i < first + n; ++i) {
      const std::vector<double> field = _fields.draw({_seed, static_cast<std::uint32_t>(split)}, i);
      input.insert(input.end(), field.begin(), field.end());
    }
    Batch batch(n);
    batch.set(input_array, "", input, {n, width()});
    return batch;
  }

  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    Solved const solved = solve(exponentials(inputs.reals(input_array)), comm);
    Batch truth(inputs.count());
    truth.set("uncertainty", "", solved.uncertainty);
    if (comm.root()) truth.set(output_array, "", solved.values, {inputs.count(), width()});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const& comm) const override;
  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override;

private:
  /// On the root.
  struct Solved {
    std::vector<double> values, uncertainty; ///< (items, m x m), (items)
    double imbalance = 0, disturbed = 0;     ///< the largest; the last one of fields off by 1e-6
  };
  Discretization mesh(int n) const {
    Discretization how;
    how.degree = 2;
    how.n = n;
    return how;
  }
  std::size_t width() const { return static_cast<std::size_t>(_m * _m); }

  /// One after the other, each rank its share.
  Solved solve(std::vector<double> const& k, parallel::Comm const& comm) const;
  void append_symmetry_checks(parallel::Comm const& comm, std::vector<Check>& checks) const;

  int _m;
  double _sigma;
  GaussianSquares _fields;
  int _n;
  std::size_t _test, _train;
  std::uint64_t _seed;
};

Darcy::Solved Darcy::solve(std::vector<double> const& k, parallel::Comm const& comm) const {
  const std::size_t items = k.size() / width();
  auto const rank = static_cast<std::size_t>(comm.rank()),
             ranks = static_cast<std::size_t>(comm.size());
  std::vector<double> mine; // per item: values, uncertainty, two imbalances
  if (rank < items) {
    const parallel::Comm self = parallel::Comm::self();
    DarcyModel fine(self, _m, mesh(_n)), coarse(self, _m, mesh(_n / 2));
    for (std::size_t i = rank; i < items; i += ranks) {
      auto const own = std::span<double const>(k).subspan(i * width(), width());
      fem::Reals u;
      auto const answer = [&](DarcyModel& model) {
        model.assemble(model.by_cell(own), 1, 0);
        model.solve(u);
        return model.at_centres(u);
      };
      const std::vector<double> near = answer(coarse), values = answer(fine);
      double off = 0, norm = 0;
      for (std::size_t j = 0; j < values.size(); ++j) {
        off += std::pow(values[j] - near[j], 2);
        norm += values[j] * values[j];
      }
      fine.assemble(fine.by_cell(own), 1, 0);
      double const balance = fine.imbalance(u);
      Kokkos::deep_copy(Kokkos::subview(u, u.extent(0) / 2), 1e-6);
      mine.insert(mine.end(), values.begin(), values.end());
      mine.insert(mine.end(), {std::sqrt(off / norm), balance, fine.imbalance(u)});
    }
  }
  const std::vector<double> all = comm.gather(std::span<double const>(mine));
  Solved solved;
  if (!comm.root()) return solved;
  solved.values.resize(items * width());
  solved.uncertainty.resize(items);
  auto at = all.begin();
  for (std::size_t first = 0; first < ranks; ++first)
    for (std::size_t i = first; i < items; i += ranks) {
      std::copy_n(at, width(), solved.values.begin() + static_cast<std::ptrdiff_t>(i * width()));
      at += static_cast<std::ptrdiff_t>(width());
      solved.uncertainty[i] = *at++;
      solved.imbalance = std::fmax(solved.imbalance, *at++);
      solved.disturbed = std::fmax(solved.disturbed, *at++);
    }
  return solved;
}

void Darcy::append_symmetry_checks(parallel::Comm const& comm, std::vector<Check>& checks) const {
  const std::vector<double> k = exponentials(_fields.draw({_seed, 35}, 0));
  std::vector<double> all(width(), 1.0); // k = 1, k, 2 k, a slanted one and its mirror image
  for (auto const& field : {k, times(k, 2), slanted(_m), transposed(slanted(_m), _m)})
    all.insert(all.end(), field.begin(), field.end());
  const Solved solved = solve(all, comm);
  auto const item = [&](std::size_t i) {
    auto const at = solved.values.begin() + static_cast<std::ptrdiff_t>(i * width());
    return std::vector<double>(at, at + static_cast<std::ptrdiff_t>(width()));
  };
  double const coarse = std::max(1e-3, 0.3 / std::pow(_n, 3)); // quadratic elements on n intervals
  std::vector<double> numbers(8);
  if (comm.root()) {
    std::vector<double> unit;
    const std::vector<double> centres = square_centres(_m);
    for (std::size_t i = 0; i < width(); ++i)
      unit.push_back(unit_solution(centres[2 * i], centres[2 * i + 1]));
    numbers = {largest_difference(item(0), unit),
               largest_difference(times(item(0), 1 + 10 * coarse), unit),
               largest_difference(times(item(2), 2), item(1)),
               largest_difference(times(item(2), 2 + 1e-9), item(1)),
               solved.imbalance,
               solved.disturbed,
               largest_difference(transposed(item(4), _m), item(3)),
               largest_difference(item(4), item(3))};
  }
  numbers = comm.broadcast(std::span<double const>(numbers));
  const std::vector<Check> claims{
      {"constant_coefficient", numbers[0], Relation::at_most, coarse, "k = 1 against its series"},
      {"scaling", numbers[2], Relation::at_most, 1e-10,
       "twice the coefficient halves u, but for the rounding of the solver"},
      {"flux_balance", numbers[4], Relation::at_most, 1e-10,
       "what flows out is what is put in, of the truth"},
      {"transposed", numbers[6], Relation::at_most, 1e-10, "x and y may be swapped"}};
  char const* const how[] = {"ten times the limit more", "1e-9 more", "a value off by 1e-6",
                             "the answer is not swapped back"};
  // One square has nothing to swap.
  for (std::size_t i = 0; i < claims.size() - (_m == 1 ? 1 : 0); ++i) {
    checks.push_back(claims[i]);
    checks.push_back(control_of(claims[i], numbers[2 * i + 1], how[i]));
  }
}

std::vector<Check> Darcy::verify(parallel::Comm const& comm) const {
  constexpr std::size_t drawn = 400;
  double square = 0;
  for (std::uint64_t i = 0; i < drawn; ++i)
    for (double const z : _fields.draw({_seed, 36}, i)) square += z * z;
  double const ratio =
      square / (_sigma * _sigma * static_cast<double>(drawn) * static_cast<double>(width()));
  const Check variance{"log_variance", std::abs(ratio - 1), Relation::at_most,
                       6 * _fields.deviation(static_cast<double>(drawn)),
                       "of log k, relative, against six deviations of its estimate"};
  std::vector<Check> checks{variance,
                            control_of(variance, std::abs(4 * ratio - 1), "log k twice as much")};
  append_symmetry_checks(comm, checks);
  return checks;
}

Assessment Darcy::assess(Batch const& inputs, Batch const& truth, Batch const& answers) const {
  Assessment found = assess_function(truth, answers);
  double worst = nan;
  if (answers.has(imbalance_array)) {
    worst = 0;
    for (double const one : answers.reals(imbalance_array))
      worst = std::isnan(one) ? HUGE_VAL : std::fmax(worst, one);
  }
  found.metrics.push_back({"flux_balance", worst});
  found.data.push_back(
      {"field/log_coefficient", "", inputs.reals(input_array), inputs.at(input_array).shape});
  found.data.push_back(
      {"field/value", "", answers.reals(output_array), answers.at(output_array).shape});
  found.data.push_back(
      {"field/truth", "", truth.reals(output_array), truth.at(output_array).shape});
  return found;
}

} // namespace

std::vector<ParameterSpec> darcy_parameters() {
  return {{"squares", std::int64_t{8}, "along a side; k is constant in each", 1, 256},
          {"sigma", 1.0, "standard deviation of log k", 1e-6, 10},
          {"length", 0.1, "correlation length of log k, of the side; 0: independent", 0, 100},
          {"truth_n", std::int64_t{32}, "intervals along a side for the truth, degree 2", 2, 4096},
          {"test", std::int64_t{64}, "coefficients asked about", 1, 1e9},
          {"train", std::int64_t{256}, "coefficients to train on", 1, 1e9},
          {"seed", std::int64_t{1}, "seed of the coefficients", 0}};
}

std::vector<std::string> const& darcy_metrics() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = function_metrics();
    all.emplace_back("flux_balance");
    return all;
  }();
  return names;
}

std::unique_ptr<Problem> make_darcy(Parameters const& parameters, Environment const&) {
  return std::make_unique<Darcy>(parameters);
}

} // namespace moho::study
