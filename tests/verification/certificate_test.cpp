// SPDX-License-Identifier: BSD-3-Clause
// The mode count certifies every returned root (acceptance check 10), on every reference case.
#include "verification/reference_data.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <stdexcept>

namespace moho::verification {
namespace {

using dispersion::Status;

struct Solved {
  ModelBatch batch;
  Curves curves;
};

Solved const& solved(std::string const& file) {
  static std::map<std::string, Solved> known;
  auto entry = known.find(file);
  if (entry == known.end()) {
    SolveOptions options;
    options.modes = 5;
    ModelBatch const batch =
        file == "hard" ? batch_of(testing::hard_samples()) : batch_of(reference_cases(file));
    entry = known.emplace(file, Solved{batch, dispersion::solve(batch, options)}).first;
  }
  return entry->second;
}

std::vector<std::string> sets() {
  std::vector<std::string> out = reference_files();
  out.push_back("hard");
  return out;
}

class Certificates : public ::testing::TestWithParam<std::string> {};

TEST_P(Certificates, hold_for_every_root) {
  Report const report = certify(solved(GetParam()).batch, solved(GetParam()).curves);
  EXPECT_TRUE(report.passed()) << report;
}

INSTANTIATE_TEST_SUITE_P(All, Certificates, ::testing::ValuesIn(sets()),
                         [](auto const& info) { return info.param; });

bool certified(std::string const& file, void (*spoil)(Curves&)) {
  Curves answer = solved(file).curves;
  spoil(answer);
  return certify(solved(file).batch, answer).passed();
}

dispersion::Flag& fold(Curves& answer) {
  for (dispersion::Flag& flag : answer.flags)
    if (flag.kind == Status::multivalued) return flag;
  throw std::runtime_error("the answer has no multivalued flag to spoil");
}

TEST(CertificatesReject, a_root_that_is_off) {
  EXPECT_FALSE(certified("ref_c_earth", [](Curves& a) { a.wave[0].phase[0] *= 1 + 2e-9; }));
  EXPECT_FALSE(certified("ref_c_earth", [](Curves& a) { a.wave[1].phase[0] *= 1 - 2e-9; }));
}

TEST(CertificatesReject, a_jump_to_the_next_mode) {
  EXPECT_FALSE(
      certified("ref_c_earth", [](Curves& a) { a.wave[0].phase[0] = a.wave[0].phase[a.points]; }));
}

TEST(CertificatesReject, a_wrong_total) {
  EXPECT_FALSE(certified("ref_c_earth", [](Curves& a) { --a.wave[1].mode_count[0]; }));
}

TEST(CertificatesReject, a_root_at_the_half_space) {
  EXPECT_FALSE(certified("ref_a_simple", [](Curves& a) { a.wave[0].phase[0] = 3.5; }));
}

TEST(CertificatesReject, a_fold_without_its_backward_root) {
  EXPECT_FALSE(certified("ref_fold", [](Curves& a) {
    auto& roots = fold(a).roots;
    roots.erase(roots.begin() + 1, roots.begin() + 3);
  }));
  EXPECT_FALSE(certified("ref_fold", [](Curves& a) { fold(a).roots[1].group *= -1; }));
}

} // namespace
} // namespace moho::verification
