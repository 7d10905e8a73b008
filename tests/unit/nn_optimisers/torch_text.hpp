// SPDX-License-Identifier: BSD-3-Clause
// Recorded trajectories of torch (reference/physics/nn/optimisers) and small flat arrays.
#pragma once
#include "moho/core/host_copy.hpp"
#include "moho/nn/optimiser.hpp"
#include <map>
#include <string>
#include <vector>

namespace moho::nn {

/// A file of lines `word value..`: all lines of a word, in their order.
struct TorchText {
  std::map<std::string, std::vector<std::vector<double>>> lines;
  std::map<std::string, std::string> words; ///< of lines whose value is not a number

  std::vector<std::vector<double>> const& all(std::string const& word) const;
  std::vector<double> const& first(std::string const& word) const { return all(word)[0]; }
  double number(std::string const& word) const { return first(word)[0]; }
};
TorchText read_torch_text(std::string const& name);

/// Largest difference, relative to the largest entry of `b`; infinite where one is not finite.
double relative_difference(std::vector<double> const& a, std::vector<double> const& b);

template <class T>
FlatArray<T> flat(std::vector<double> const& values) {
  return to_device("test", std::vector<T>(values.begin(), values.end()));
}
template <class T>
std::vector<double> plain(FlatArray<T> const& values) {
  std::vector<T> const copy = to_host(values);
  return {copy.begin(), copy.end()};
}

} // namespace moho::nn
