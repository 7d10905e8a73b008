// SPDX-License-Identifier: BSD-3-Clause
// How arrays of a device reach MPI: decided once, the same on every rank.
#include "moho/parallel/device_mpi.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <cstdlib>
#include <gtest/gtest.h>
#include <string>

using namespace moho;
using namespace moho::parallel;
using moho::test::error_of;
using moho::test::names;

namespace {

constexpr char const* variable = "MOHO_DEVICE_MPI";

/// The answer where this rank's variable has that value.
std::string answer(char const* value, Staging staging = Staging::always) {
  setenv(variable, value, 1);
  std::string const how = name(device_mpi(Comm(), staging));
  unsetenv(variable);
  return how;
}

TEST(DeviceMpi, IsWhatTheVariableSays) {
  EXPECT_EQ(answer("direct"), "direct");
  EXPECT_EQ(answer("staged"), "staged");
  EXPECT_EQ(answer("auto"), answer(""));
  EXPECT_TRUE(test::all_ranks_agree(answer("auto")));
}

TEST(DeviceMpi, IsDirectOnlyWhereEveryRankIs) {
  Comm const comm;
  if (comm.size() == 1) return;
  EXPECT_EQ(answer(comm.rank() == comm.size() - 1 ? "staged" : "direct"), "staged");
}

TEST(DeviceMpi, IsNoQuestionWhereTheHostReachesAllMemory) {
  if (!host_reaches_memory) return;
  EXPECT_EQ(answer("direct", Staging::where_needed), "host");
}

TEST(DeviceMpi, AnotherValueIsToldOnAllRanks) {
  Comm const comm;
  std::string const message =
      error_of([&] { answer(comm.rank() == comm.size() - 1 ? "gpu" : "auto"); });
  unsetenv(variable);
  EXPECT_TRUE(names(message, {variable, "'gpu'", "direct", "staged", "auto"}));
}

} // namespace
