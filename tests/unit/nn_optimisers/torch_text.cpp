// SPDX-License-Identifier: BSD-3-Clause
#include "torch_text.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

namespace moho::nn {

std::vector<std::vector<double>> const& TorchText::all(std::string const& word) const {
  auto const found = lines.find(word);
  if (found == lines.end()) throw Error("no line '" + word + "' (reference data) regenerate it");
  return found->second;
}

TorchText read_torch_text(std::string const& name) {
  char const* const root = std::getenv("MOHO_SOURCE_DIR");
  std::string const path = std::string(root ? root : MOHO_TEST_SOURCE_DIR) +
                           "/reference/physics/nn/optimisers/" + name + ".txt";
  std::ifstream in(path);
  if (!in) throw Error("cannot read " + path + " (reference data) run the test from a checkout");
  TorchText out;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream rest(line);
    std::string word, text;
    rest >> word;
    std::vector<double> values;
    while (rest >> text) {
      char* end = nullptr;
      values.push_back(std::strtod(text.c_str(), &end));
      if (*end) out.words[word] = text;
    }
    out.lines[word].push_back(values);
  }
  return out;
}

double relative_difference(std::vector<double> const& a, std::vector<double> const& b) {
  double largest = 0, scale = 0;
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i]))
      return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return scale > 0 ? largest / scale : largest;
}

} // namespace moho::nn
