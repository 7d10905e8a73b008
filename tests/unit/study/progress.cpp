// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/progress.hpp"
#include <gtest/gtest.h>

namespace moho::study {
namespace {

TEST(Progress, TellsRateAndTimeLeft) {
  Progress progress("solve", "models", 100, false);
  EXPECT_EQ(progress.line(0), "solve: 0/100 models");
  progress.advance(25);
  EXPECT_EQ(progress.line(10), "solve: 25/100 models, 2.5/s, 30 s left");
  progress.note("case-1");
  EXPECT_EQ(progress.line(1000), "solve: 25/100 models, 0.025/s, 50 min 00 s left, case-1");
  EXPECT_EQ(progress.line(10000), "solve: 25/100 models, 0.0025/s, 8 h 20 min left, case-1");
}

TEST(Progress, UnknownTotalGivesNoTimeLeft) {
  Progress progress("read", "lines", 0, false);
  progress.advance(10);
  EXPECT_EQ(progress.line(5), "read: 10 lines, 2/s");
}

TEST(Progress, TheEndHasNothingLeft) {
  Progress progress("run", "cases", 2, false);
  progress.advance(2);
  EXPECT_EQ(progress.line(4), "run: 2/2 cases, 0.5/s");
}

TEST(Progress, IsSilentWithoutATerminal) {
  testing::internal::CaptureStderr(); // a file: no terminal
  {
    Progress progress("run", "cases", 2);
    progress.advance();
    progress.note("x");
    progress.clear();
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

} // namespace
} // namespace moho::study
