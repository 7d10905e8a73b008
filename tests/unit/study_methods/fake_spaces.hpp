// SPDX-License-Identifier: BSD-3-Clause
// Function maps with a known truth: inputs B c, outputs C c, c ~ N(0, I).
#pragma once
#include "moho/core/philox.hpp"
#include "moho/study/function_batch.hpp"
#include "support/by_name.hpp"
#include "support/errors.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <numbers>

namespace moho::study::test {

using moho::test::error_of;
using moho::test::method;
using moho::test::names;

/// values[j]: nodal values of the j-th function.
using Columns = std::vector<std::vector<double>>;

struct Space1d {
  Columns inputs, outputs;
};

/// -u'' = f, u = 0 at both ends, exact: "poly3" (powers 0 .. 3), "sin3", "cos3" (arXiv 2506.15199).
inline Space1d poisson_space(std::string const& family, int p, int intervals) {
  constexpr double pi = std::numbers::pi;
  Space1d space;
  for (int m = family == "poly" ? 0 : 1; m <= p; ++m) {
    std::vector<double> f, u;
    for (int i = 0; i <= intervals; ++i) {
      double const x = static_cast<double>(i) / intervals, w = m * pi;
      if (family == "poly") {
        f.push_back(std::pow(x, m));
        u.push_back((x - std::pow(x, m + 2)) / ((m + 1) * (m + 2)));
      } else if (family == "sin") {
        f.push_back(std::sin(w * x));
        u.push_back(i == 0 || i == intervals ? 0 : std::sin(w * x) / (w * w));
      } else {
        f.push_back(std::cos(w * x));
        u.push_back((std::cos(w * x) - 1 + x * (m % 2 == 0 ? 0 : 2)) / (w * w));
      }
    }
    space.inputs.push_back(f);
    space.outputs.push_back(u);
  }
  return space;
}

struct FakeOptions {
  bool sampled = true;
  std::size_t train = 2000, test = 50;
  double noise = 0;             ///< of training targets
  std::vector<double> offset{}; ///< added to every output
  std::size_t unknown = 0;      ///< so many first items have a NaN target
};

class Fake : public Problem {
public:
  explicit Fake(Space1d space, FakeOptions options = {})
      : _space(std::move(space)), _options(std::move(options)) {}

  bool sampled() const override { return _options.sampled; }
  std::size_t count(Split split) const override {
    if (!_options.sampled) return _space.inputs.size();
    return split == Split::train ? _options.train : _options.test;
  }
  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    const std::size_t r = _space.inputs.size(), width = _space.inputs.at(0).size();
    std::vector<double> inputs(n * width), coefficients(n * r), noise(n);
    const Philox random{7, static_cast<std::uint32_t>(split)};
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t m = 0; m < r; ++m) {
        double const c = _options.sampled ? random.normal(first + i, static_cast<std::uint32_t>(m))
                                          : (first + i == m ? 1.0 : 0.0);
        coefficients[i * r + m] = c;
        for (std::size_t k = 0; k < width; ++k) inputs[i * width + k] += c * _space.inputs[m][k];
        noise[i] = split == Split::train ? _options.noise : 0;
      }
    Batch batch(n);
    batch.set(input_array, "", inputs, {n, width});
    batch.set("coefficients", "", coefficients, {n, r});
    batch.set("noise", "", noise);
    return batch;
  }
  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    Batch truth(inputs.count());
    if (!comm.root()) return truth; // complete on the root: nobody else may look
    const std::size_t n = inputs.count(), r = _space.inputs.size(),
                      width = _space.outputs.at(0).size();
    const std::vector<double> c = inputs.reals("coefficients"), noise = inputs.reals("noise");
    const Philox random{8, 0};
    std::vector<double> values(n * width);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < width; ++k) {
        double& value = values[i * width + k];
        for (std::size_t m = 0; m < r; ++m) value += c[i * r + m] * _space.outputs[m][k];
        if (!_options.offset.empty()) value += _options.offset[k];
        value += noise[i] * random.normal(i, static_cast<std::uint32_t>(k));
        if (i < _options.unknown) value = std::nan("");
      }
    truth.set(output_array, "m", values, {n, width});
    return truth;
  }
  std::vector<Check> verify(parallel::Comm const&) const override { return {}; }
  Assessment assess(Batch const&, Batch const&, Batch const&) const override { return {}; }

private:
  Space1d _space;
  FakeOptions _options;
};

inline double metric(Preparation const& preparation, std::string const& name) {
  for (Metric const& metric : preparation.metrics)
    if (metric.name == name) return metric.value;
  ADD_FAILURE() << "no metric " << name;
  return std::nan("");
}

inline std::int64_t counter(Preparation const& preparation, std::string const& name) {
  for (Counter const& counter : preparation.counters)
    if (counter.name == name) return counter.value;
  ADD_FAILURE() << "no counter " << name;
  return -1;
}

inline std::vector<double> answers(Method& method, Batch const& inputs) {
  Batch out;
  method.apply(inputs, out);
  return out.count() == 0 ? std::vector<double>{} : out.reals(output_array);
}

inline Batch inputs_of(std::vector<double> const& values, std::size_t width) {
  Batch batch(values.size() / width);
  batch.set(input_array, "", values, {values.size() / width, width});
  return batch;
}

/// W, column by column: the answers to unit inputs.
inline std::vector<double> weights(Method& method, std::size_t width) {
  std::vector<double> unit(width * width, 0.0);
  for (std::size_t i = 0; i < width; ++i) unit[i * width + i] = 1;
  return answers(method, inputs_of(unit, width));
}

/// sum|u - uhat|^2 / sum|u|^2 on the test items, of the expectation for a basis. Root alone.
inline double relative_error(Method& method, Problem const& problem) {
  const Batch inputs = problem.draw(Split::test, 0, problem.count(Split::test));
  const std::vector<double> truth =
      problem.truth(inputs, parallel::Comm::self()).reals(output_array);
  const std::vector<double> found = answers(method, inputs);
  EXPECT_EQ(truth.size(), found.size());
  double error = 0, size = 0;
  for (std::size_t i = 0; i < truth.size() && i < found.size(); ++i) {
    error += (truth[i] - found[i]) * (truth[i] - found[i]);
    size += truth[i] * truth[i];
  }
  return error / size;
}

inline double relative_difference(std::vector<double> const& a, std::vector<double> const& b) {
  EXPECT_EQ(a.size(), b.size());
  double error = 0, size = 0;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i) {
    error += (a[i] - b[i]) * (a[i] - b[i]);
    size += b[i] * b[i];
  }
  return std::sqrt(error / size);
}

} // namespace moho::study::test
