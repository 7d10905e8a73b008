// SPDX-License-Identifier: BSD-3-Clause
// Checks of derivatives written on a tape, against differences and against each other.
#pragma once
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/ops.hpp"
#include "moho/nn/program.hpp"
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <vector>

namespace moho::nn::test {

using Numbers = std::vector<double>;

/// n numbers on [low, high), the same for a seed.
inline Numbers random_numbers(std::int64_t n, std::uint64_t seed, double low = -1,
                              double high = 1) {
  Numbers values;
  for (std::int64_t i = 0; i < n; ++i)
    values.push_back(low +
                     (high - low) * Philox{seed, 77}.uniform(static_cast<std::uint64_t>(i), 0));
  return values;
}

/// The results for these values of the inputs, in double.
inline std::vector<Numbers> evaluate(std::vector<Value> const& results,
                                     std::vector<Value> const& inputs,
                                     std::vector<Numbers> const& values,
                                     ProgramOptions const& options = {}) {
  Program<double> program(results, options);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    copy_to_device(std::span<double const>(values[i]), program.input(inputs[i]));
  program.run(ExecutionSpace());
  std::vector<Numbers> answers;
  for (std::size_t i = 0; i < results.size(); ++i) answers.push_back(to_host(program.result(i)));
  return answers;
}

inline double inner(Numbers const& a, Numbers const& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
inline double largest(Numbers const& a) {
  double most = 0;
  for (double const x : a) most = std::max(most, std::fabs(x));
  return most;
}
/// Largest difference over the largest of b.
inline double relative_difference(Numbers const& a, Numbers const& b) {
  if (a.size() != b.size()) return INFINITY;
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    double const difference = std::fabs(a[i] - b[i]);
    if (!(difference <= most)) most = difference;
  }
  return most == 0 ? 0 : most / largest(b);
}

/// What the derivatives of y(x) are worth.
struct Quality {
  double difference = 0; ///< J v against central differences, relative
  double adjoint = 0;    ///< (w, J v) against (J^T w, v)
  double symmetry = 0;   ///< (u, H v) against (v, H u), H the Hessian of (w, y)
  double second = 0;     ///< H v against central differences of J^T w
};

/// y of one or more inputs, whose values are `at`.
inline Quality derivative_quality(std::function<Value(std::vector<Value> const&)> const& function,
                                  std::vector<Shape> const& shapes, std::vector<Numbers> const& at,
                                  std::uint64_t seed, double step = 1e-5) {
  Tape tape;
  std::vector<Value> xs, us, vs;
  std::vector<Numbers> u_values, v_values;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    xs.push_back(tape.input("x" + std::to_string(i), shapes[i]));
    us.push_back(tape.input("u" + std::to_string(i), shapes[i]));
    vs.push_back(tape.input("v" + std::to_string(i), shapes[i]));
    u_values.push_back(random_numbers(shapes[i].size(), seed + 2 * i + 1));
    v_values.push_back(random_numbers(shapes[i].size(), seed + 2 * i + 2));
  }
  Value const y = function(xs);
  Value const w = tape.input("w", y.shape());
  Numbers const w_values = random_numbers(y.shape().size(), seed + 99);
  std::vector<Value> const pulled = vjp({y}, {w}, xs);
  Value pushed = jvp(y, xs[0], vs[0]);
  for (std::size_t i = 1; i < xs.size(); ++i) pushed = pushed + jvp(y, xs[i], vs[i]);
  Value along = dot(pulled[0], vs[0]), across = dot(pulled[0], us[0]);
  for (std::size_t i = 1; i < xs.size(); ++i) {
    along = along + dot(pulled[i], vs[i]);
    across = across + dot(pulled[i], us[i]);
  }
  std::vector<Value> const hv = grad(along, xs), hu = grad(across, xs);

  std::vector<Value> inputs = xs;
  for (auto const* more : {&us, &vs}) inputs.insert(inputs.end(), more->begin(), more->end());
  inputs.push_back(w);
  auto const with = [&](double shift) {
    std::vector<Numbers> values = at;
    for (std::size_t i = 0; i < at.size(); ++i)
      for (std::size_t j = 0; j < at[i].size(); ++j) values[i][j] += shift * v_values[i][j];
    for (auto const* more : {&u_values, &v_values})
      values.insert(values.end(), more->begin(), more->end());
    values.push_back(w_values);
    return values;
  };
  std::vector<Value> results{y, pushed};
  for (auto const* more : {&pulled, &hv, &hu})
    results.insert(results.end(), more->begin(), more->end());
  std::size_t const n = xs.size();
  auto const here = evaluate(results, inputs, with(0)), up = evaluate(results, inputs, with(step)),
             down = evaluate(results, inputs, with(-step));
  auto const differences = [&](std::size_t k) {
    Numbers d = up[k];
    for (std::size_t j = 0; j < d.size(); ++j) d[j] = (d[j] - down[k][j]) / (2 * step);
    return d;
  };
  auto const scale = [](double a, double b) { return std::max({std::fabs(a), std::fabs(b), 1.0}); };
  Quality quality;
  quality.difference = relative_difference(differences(0), here[1]);
  if (largest(here[1]) < 1e-12) quality.difference = largest(differences(0));
  double pull_v = 0, u_hv = 0, v_hu = 0;
  for (std::size_t i = 0; i < n; ++i) {
    pull_v += inner(here[2 + i], v_values[i]);
    u_hv += inner(here[2 + n + i], u_values[i]);
    v_hu += inner(here[2 + 2 * n + i], v_values[i]);
    Numbers const& second = here[2 + n + i];
    double const error = largest(second) < 1e-9 ? largest(differences(2 + i))
                                                : relative_difference(differences(2 + i), second);
    quality.second = std::max(quality.second, error);
  }
  double const push_w = inner(here[1], w_values);
  quality.adjoint = std::fabs(pull_v - push_w) / scale(pull_v, push_w);
  quality.symmetry = std::fabs(u_hv - v_hu) / scale(u_hv, v_hu);
  return quality;
}

inline void expect_good(Quality const& quality, char const* what) {
  EXPECT_LE(quality.difference, 1e-7) << what;
  EXPECT_LE(quality.second, 1e-7) << what;
  EXPECT_LE(quality.adjoint, 1e-12) << what;
  EXPECT_LE(quality.symmetry, 1e-12) << what;
}

} // namespace moho::nn::test
