// SPDX-License-Identifier: BSD-3-Clause
// A signal in the middle of training. In a program of its own: what was asked once stays asked.
#include "moho/study/stop.hpp"
#include "training_support.hpp"
#include <csignal>

using namespace moho;
using namespace moho::study;
using namespace moho::study::test;

namespace {

TEST(TrainingSignal, LeavesACheckpoint) {
  catch_stop_signals();
  std::string const path = scratch("signal");
  TrainingOptions options = options_of();
  options.epochs = 1000000;
  options.validate_every = 1;
  // sent by the validation of an epoch; the loop asks for it within half a second
  std::int64_t calls = 0;
  Validation<double> const interrupt = [&](DeviceArray<double> const&) {
    if (++calls == 3) std::raise(SIGUSR1);
    return 1.0;
  };
  EXPECT_THROW(trained<double>(options, {path}, parallel::Comm(), interrupt), Stopped);
  EXPECT_TRUE(std::filesystem::exists(path));
  parallel::Comm().barrier();
  if (parallel::Comm().root()) std::filesystem::remove(path);
}

} // namespace
