// SPDX-License-Identifier: BSD-3-Clause
// Objectives of the L-BFGS tests, with their gradients written out.
#pragma once
#include "moho/nn/lbfgs.hpp"
#include "torch_text.hpp"
#include <cmath>
#include <functional>
#include <vector>

namespace moho::nn {

/// Loss of x, and its gradient.
using HostObjective = std::function<double(std::vector<double> const& x, std::vector<double>& g)>;

inline HostObjective rosenbrock() {
  return [](std::vector<double> const& x, std::vector<double>& g) {
    double first = 0, second = 0;
    g.assign(x.size(), 0);
    for (std::size_t i = 0; i + 1 < x.size(); ++i) {
      double const a = 1 - x[i], b = x[i + 1] - x[i] * x[i];
      first += a * a;
      second += b * b;
      g[i] += -2 * a - 400 * b * x[i];
      g[i + 1] += 200 * b;
    }
    return first + 100 * second;
  };
}

/// Half the sum of squares of A x - b.
inline HostObjective least_squares(std::vector<double> const& a, std::vector<double> const& b) {
  return [=](std::vector<double> const& x, std::vector<double>& g) {
    const std::size_t n = x.size();
    g.assign(n, 0);
    double loss = 0;
    for (std::size_t r = 0; r < b.size(); ++r) {
      double residual = -b[r];
      for (std::size_t i = 0; i < n; ++i) residual += a[r * n + i] * x[i];
      loss += residual * residual;
      for (std::size_t i = 0; i < n; ++i) g[i] += residual * a[r * n + i];
    }
    return loss / 2;
  };
}

/// Mean of ln(1 + exp(-y F x)) + 1e-3 |x|^2.
inline HostObjective logistic(std::vector<double> const& features, std::vector<double> const& y) {
  return [=](std::vector<double> const& x, std::vector<double>& g) {
    const std::size_t n = x.size();
    g.assign(n, 0);
    double loss = 0, square = 0;
    for (std::size_t r = 0; r < y.size(); ++r) {
      double z = 0;
      for (std::size_t i = 0; i < n; ++i) z += features[r * n + i] * x[i];
      double const m = -y[r] * z;
      loss += m > 0 ? m + std::log1p(std::exp(-m)) : std::log1p(std::exp(m));
      double const slope = -y[r] / (1 + std::exp(-m)) / static_cast<double>(y.size());
      for (std::size_t i = 0; i < n; ++i) g[i] += slope * features[r * n + i];
    }
    for (std::size_t i = 0; i < n; ++i) {
      square += x[i] * x[i];
      g[i] += 2e-3 * x[i];
    }
    return loss / static_cast<double>(y.size()) + 1e-3 * square;
  };
}

template <class T>
typename Lbfgs<T>::Objective on_device(HostObjective const& objective) {
  return [objective](FlatArray<T> const& x, FlatArray<T> const& gradient) {
    std::vector<double> g;
    double const loss = objective(plain(x), g);
    std::vector<T> const converted(g.begin(), g.end());
    copy_to_device(std::span<T const>(converted), gradient);
    return loss;
  };
}

inline HostObjective recorded_objective(TorchText const& text) {
  std::string const& problem = text.words.at("problem");
  if (problem == "rosenbrock") return rosenbrock();
  auto const make = problem == "logistic" ? logistic : least_squares;
  return make(text.first("matrix"), text.first("right"));
}

inline LbfgsOptions recorded_options(TorchText const& text) {
  auto const integer = [&](char const* word) { return static_cast<int>(text.number(word)); };
  return {text.number("lr"),
          integer("max_iter"),
          integer("max_eval"),
          text.number("tolerance_grad"),
          text.number("tolerance_change"),
          integer("history_size")};
}

} // namespace moho::nn
