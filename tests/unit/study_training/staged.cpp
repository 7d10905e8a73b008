// SPDX-License-Identifier: BSD-3-Clause
// Training beside a device: rows, weights, losses and gradients take the way they take where the
// host does not reach the memory of kernels, and no bit changes.
#include "moho/core/host_copy.hpp"
#include "support/errors.hpp"
#include "training_support.hpp"
#include <numeric>

using namespace moho;
using namespace moho::study;
using namespace moho::study::test;

namespace {

struct Found {
  std::vector<double> losses;
  std::vector<double> gradients;
};

/// Losses and gradients of three batches. `at_most`: items at a time.
template <class T>
Found evaluated(Reduction reduction, Staging of_items, Staging of_sums, std::int64_t at_most = 3) {
  Sample<T> const sample;
  BatchLoss<T> loss(
      sample.data,
      [&](nn::Value theta, std::vector<nn::Value> const& in) {
        return nn::sum(nn::square(sample.model.apply(theta, in[0]) - in[1]));
      },
      sample.model.layout().size(), at_most, of_items);
  ParallelLoss<T> sum(parallel::Comm(), reduction, loss, of_sums);
  auto const theta = to_device("theta", sample.first());
  DeviceArray<T> const gradient("gradient", theta.extent(0));
  Found found;
  for (std::int64_t first : {0, 16, 8}) {
    std::vector<std::int64_t> batch(24);
    std::iota(batch.begin(), batch.end(), first);
    loss.set_batch(batch);
    found.losses.push_back(sum.evaluate(theta, gradient));
    for (T const g : to_host(gradient)) found.gradients.push_back(g);
  }
  return found;
}

template <class T>
void same_bits(Reduction reduction) {
  Found const in_place = evaluated<T>(reduction, Staging::where_needed, Staging::where_needed);
  Found const apart = evaluated<T>(reduction, Staging::always, Staging::always);
  EXPECT_EQ(in_place.losses, apart.losses);
  EXPECT_EQ(in_place.gradients, apart.gradients);
  EXPECT_TRUE(moho::test::all_ranks_agree(apart.gradients));
  // batches differ, and so do sums in another order
  EXPECT_NE(apart.losses[0], apart.losses[1]);
  EXPECT_NE(evaluated<T>(reduction, Staging::always, Staging::always, 2).gradients,
            apart.gradients);
}

TEST(StagedTraining, HasTheSameBits) {
  for (char const* const way : {"staged", "direct"}) {
    setenv("MOHO_DEVICE_MPI", way, 1);
    for (Reduction const reduction : {Reduction::deterministic, Reduction::fast}) {
      same_bits<float>(reduction);
      same_bits<double>(reduction);
    }
    unsetenv("MOHO_DEVICE_MPI");
  }
}

TEST(StagedTraining, AnUnknownWayToMpiIsTold) {
  setenv("MOHO_DEVICE_MPI", "somehow", 1);
  EXPECT_TRUE(moho::test::names(moho::test::error_of([] {
                                  evaluated<double>(Reduction::deterministic, Staging::always,
                                                    Staging::always);
                                }),
                                {"MOHO_DEVICE_MPI", "'somehow'"}));
  unsetenv("MOHO_DEVICE_MPI");
}

} // namespace
