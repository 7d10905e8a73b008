// SPDX-License-Identifier: BSD-3-Clause
// `fd-fit` against the expected bias of arXiv 2506.15199, theorem 3.1.
#include "fake_spaces.hpp"
#include "moho/core/error.hpp"
#include <fstream>
#include <nlohmann/json.hpp>

namespace moho::study::test {
namespace {

using parallel::Comm;

Batch asked(Space1d const& space, std::int64_t derivative) {
  const std::size_t nodes = space.inputs.at(0).size(), n = space.inputs.size();
  std::vector<double> f, u;
  for (std::size_t m = 0; m < n; ++m) {
    f.insert(f.end(), space.inputs[m].begin(), space.inputs[m].end());
    u.insert(u.end(), space.outputs[m].begin(), space.outputs[m].end());
  }
  Batch batch(n);
  batch.set(source_array, "", f, {n, nodes});
  batch.set(solution_array, "", u, {n, nodes});
  batch.set(derivative_array, "", std::vector<std::int64_t>{derivative});
  return batch;
}

double fitted(std::int64_t order, Batch const& in) {
  auto const fit = method("fd-fit", {{"order", order}});
  fit->prepare(Fake(poisson_space("sin", 1, 8)), Comm::self());
  Batch out;
  fit->apply(in, out);
  EXPECT_GT(fit->cost().flops.value_or(0), 0);
  return out.reals(coefficient_array).at(0);
}

/// k u'''' = x^m / p(m) scaled: the powers x^(m+4) have the fourth derivatives of the powers x^m.
Space1d quartic(int p, int intervals, double k) {
  Space1d space;
  for (int m = 0; m <= p; ++m) {
    std::vector<double> f, u;
    double const factor = (m + 1.0) * (m + 2) * (m + 3) * (m + 4);
    for (int i = 0; i <= intervals; ++i) {
      double const x = static_cast<double>(i) / intervals;
      f.push_back(std::pow(x, m));
      u.push_back(std::pow(x, m + 4) / (factor * k));
    }
    space.inputs.push_back(f);
    space.outputs.push_back(u);
  }
  return space;
}

// Acceptance A1: the whole table, (w - k)/k for q = 2, 4, 6 over all families and grids.
TEST(FdFit, EqualsTheTable) {
  std::ifstream file(data_file({}, "sciml/crossval1d.json"));
  const nlohmann::json table = nlohmann::json::parse(file).at("fd_parameter").at("table");
  int entries = 0;
  for (auto const& [key, rows] : table.items()) {
    const std::size_t bar = key.find('_'), digit = key.find_first_of("0123456789", bar);
    if (digit == std::string::npos) continue; // finite elements: covered with their problem
    const std::string family = key.substr(bar + 1, digit - bar - 1);
    if (family != "poly" && family != "sin" && family != "cos") continue;
    std::int64_t const order = std::stoi(key.substr(1, bar - 1));
    int const p = std::stoi(key.substr(digit));
    for (auto const& row : rows) {
      int const n = row.at(0);
      double const expected = row.at(1),
                   found = fitted(order, asked(poisson_space(family, p, n), 2)) - 1;
      EXPECT_NEAR(found, expected, std::max(1e-8 * std::abs(expected), 1e-11)) << key << ' ' << n;
      ++entries;
    }
  }
  EXPECT_GE(entries, 200);
}

TEST(FdFit, IsExactBelowItsOrderAndNotAbove) {
  for (std::int64_t const q : {2, 4, 6, 8}) {
    auto const error = [q](int p, int n) {
      return std::abs(fitted(q, asked(poisson_space("poly", p, n), 2)) - 1);
    };
    for (int p = 0; p < q; ++p) EXPECT_LT(error(p, 32), 1e-12) << q << ' ' << p;
    EXPECT_GT(error(static_cast<int>(q), 8), 1e-12) << q;
    if (q > 4) continue; // round-off hides the slope
    EXPECT_NEAR(std::log2(error(static_cast<int>(q), 32) / error(static_cast<int>(q), 64)),
                static_cast<double>(q), 0.15);
  }
}

TEST(FdFit, FourthDerivatives) {
  for (std::int64_t const q : {2, 4, 6}) {
    double const k = 2.5;
    auto const error = [&](int p, int n) {
      return std::abs(fitted(q, asked(quartic(p, n, k), 4)) / k - 1);
    };
    for (int p = 0; p < q; ++p) EXPECT_LT(error(p, 16), 1e-10) << q << ' ' << p;
    EXPECT_GT(error(static_cast<int>(q), 10), 1e-9) << q;
  }
  EXPECT_NEAR(fitted(2, asked(quartic(1, 16, -1), 4)), -1, 1e-10); // the sign is kept
}

TEST(FdFit, RefusesOddOrdersAndCoarseGrids) {
  EXPECT_TRUE(names(error_of([] { method("fd-fit", {{"order", std::int64_t{3}}}); }), {"is odd"}));
  const Batch coarse = asked(poisson_space("sin", 1, 5), 2);
  EXPECT_TRUE(names(error_of([&] { fitted(6, coarse); }), {"needs 6 intervals (there are 5)"}));
  const Batch enough = asked(poisson_space("sin", 1, 6), 2);
  EXPECT_NEAR(fitted(6, enough), 1, 1e-3);
}

} // namespace
} // namespace moho::study::test
