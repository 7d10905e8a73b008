// SPDX-License-Identifier: BSD-3-Clause
// Any error on any rank: all ranks leave together, with the same message and exit code.
#include "moho/parallel/communicator.hpp"
#include "support/mpi_support.hpp"
#include <new>
#include <stdexcept>

using moho::Error;
using moho::ExitCode;
using moho::parallel::Comm;
using moho::parallel::run_collectively;
using namespace moho::test;

namespace {

struct Outcome {
  std::string message; ///< empty: no error
  ExitCode code = ExitCode::ok;
};

template <class Body>
Outcome outcome(Body const& body) {
  try {
    run_collectively(Comm(), body);
    return {};
  } catch (Error const& error) {
    return {error.what(), error.code()};
  }
}

} // namespace

TEST(run_collectively, no_error) {
  int calls = 0;
  EXPECT_EQ(outcome([&] { ++calls; }).message, "");
  EXPECT_EQ(calls, 1);
}

TEST(run_collectively, an_error_on_one_rank_is_the_same_on_all) {
  for (int bad = 0; bad < world_size(); ++bad) {
    auto const got = outcome([&] {
      if (world_rank() == bad)
        throw Error("bad record 7 on rank " + std::to_string(bad), ExitCode::invalid);
    });
    EXPECT_EQ(got.message, "bad record 7 on rank " + std::to_string(bad));
    EXPECT_EQ(got.code, ExitCode::invalid);
  }
}

TEST(run_collectively, the_lowest_failing_rank_speaks) {
  int const lowest = world_size() / 2;
  auto const got = outcome([&] {
    if (world_rank() >= lowest) throw Error("rank " + std::to_string(world_rank()));
  });
  EXPECT_EQ(got.message, "rank " + std::to_string(lowest));
  EXPECT_EQ(got.code, ExitCode::usage);
}

TEST(run_collectively, other_exceptions_are_crashes) {
  int const last = world_size() - 1;
  auto const standard = outcome([&] {
    if (world_rank() == last) throw std::logic_error("a defect");
  });
  EXPECT_EQ(standard.message, "a defect");
  EXPECT_EQ(standard.code, ExitCode::crashed);
  auto const memory = outcome([&] {
    if (world_rank() == last) throw std::bad_alloc();
  });
  EXPECT_NE(memory.message.find("out of memory"), std::string::npos);
  EXPECT_EQ(memory.code, ExitCode::crashed);
  auto const unknown = outcome([&] {
    if (world_rank() == last) throw 7;
  });
  EXPECT_EQ(unknown.message, "unknown exception");
  EXPECT_EQ(unknown.code, ExitCode::crashed);
}

TEST(run_collectively, an_empty_message_is_still_an_error) {
  EXPECT_THROW(run_collectively(Comm(), [] { throw Error(""); }), Error);
}

TEST(run_collectively, ranks_can_go_on_after_an_error) {
  outcome([] {
    if (world_rank() == 0) throw Error("once");
  });
  EXPECT_EQ(Comm().sum(std::int64_t{1}), world_size());
}

TEST(Comm, an_mpi_error_names_the_call) {
  MPI_Comm raw = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_SELF, &raw);
  MPI_Comm_set_errhandler(raw, MPI_ERRORS_RETURN);
  try {
    Comm(raw).broadcast(std::string("text"), 5);
    ADD_FAILURE() << "rank 5 of 1 was accepted as root";
  } catch (moho::parallel::MpiError const& error) {
    EXPECT_NE(std::string(error.what()).find("MPI_Ibcast failed ("), std::string::npos)
        << error.what();
    EXPECT_EQ(error.code(), ExitCode::crashed);
  }
  MPI_Comm_free(&raw);
}
