// SPDX-License-Identifier: BSD-3-Clause
// What CONTRIBUTING.md shows is what is built here, and it learns.
#include "moho/core/error.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/function_batch.hpp"
#include "sine_network.hpp"
#include "support/by_name.hpp"
#include "support/mpi_support.hpp"
#include <cstdlib>
#include <gtest/gtest.h>

using namespace moho;
using namespace moho::study;

namespace {

TEST(ExampleNetwork, LearnsLikeAnyOther) {
  auto const asked = test::problem(
      "operator-1d", {{"draws", std::string("samples")}, {"train", std::int64_t{32}}});
  MethodEntry const entry = network_method(sine_network);
  auto const method = entry.make(
      test::with(entry.parameters,
                 {{"epochs", std::int64_t{60}}, {"batch", std::int64_t{8}}, {"rate", 1e-2}}));
  method->accept(*asked);
  Preparation const report = method->prepare(*asked, parallel::Comm());
  for (Metric const& metric : report.metrics)
    if (metric.name == "train_loss") {
      EXPECT_LT(metric.value, 0.5);
    }
}

/// The part of the header that CONTRIBUTING.md has to show.
std::string shown(std::string const& header) {
  std::size_t const begin = header.find("class SineNetwork"), end = header.find("\n} // namespace");
  return header.substr(begin, end - begin);
}

TEST(ExampleNetwork, StandsInContributing) {
  char const* const root = std::getenv("MOHO_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  std::string const code =
      shown(read_file(std::string(root) + "/tests/unit/study_training/sine_network.hpp"));
  std::string const guide = read_file(std::string(root) + "/CONTRIBUTING.md");
  EXPECT_NE(guide.find(code), std::string::npos) << "CONTRIBUTING.md has to show\n" << code;
  EXPECT_EQ(guide.find(code + "x"), std::string::npos);
}

} // namespace
