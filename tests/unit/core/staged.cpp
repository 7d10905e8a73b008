// SPDX-License-Identifier: BSD-3-Clause
// Arrays that the host fills and reads: in place, and beside an array it does not reach.
#include "moho/core/staged.hpp"
#include "moho/core/host_copy.hpp"
#include <gtest/gtest.h>
#include <numeric>

namespace moho {
namespace {

using Array = Staged<float>::Array;

std::vector<float> numbers() {
  std::vector<float> values(7);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

std::vector<float> held(Staged<float> const& staged) {
  return {staged.host().begin(), staged.host().end()};
}

TEST(Staged, IsTheArrayWhereTheHostReachesIt) {
  Array const array("array", 7);
  Staged<float> const staged(array);
  EXPECT_EQ(staged.apart(), !host_reaches_memory);
  EXPECT_EQ(staged.host().data() == array.data(), host_reaches_memory);
}

class StagedBothWays : public testing::TestWithParam<Staging> {};

TEST_P(StagedBothWays, CarriesValuesToTheDeviceAndBack) {
  const ExecutionSpace space;
  std::vector<float> const values = numbers();
  Array const array = to_device("array", std::vector<float>(7, -1));
  Staged<float> const staged(array, GetParam());
  std::copy(values.begin(), values.end(), staged.host().begin());
  staged.to_device(space);
  space.fence();
  EXPECT_EQ(to_host(array), values);
  copy_to_device(std::span<float const>(std::vector<float>(7, 5)), array);
  staged.to_host(space);
  EXPECT_EQ(held(staged), std::vector<float>(7, 5));
}

TEST_P(StagedBothWays, BindsAnotherArray) {
  const ExecutionSpace space;
  Staged<float> staged(GetParam());
  for (std::size_t const size : {3, 3, 5}) {
    Array const array = to_device("array", std::vector<float>(size, static_cast<float>(size)));
    staged.bind(array);
    staged.to_host(space);
    EXPECT_EQ(held(staged), std::vector<float>(size, static_cast<float>(size)));
  }
}

INSTANTIATE_TEST_SUITE_P(Staged, StagedBothWays,
                         testing::Values(Staging::where_needed, Staging::always));

// Without a copy nothing arrives: so a test that stages always sees what a device would miss.
TEST(Staged, ApartIsApart) {
  const ExecutionSpace space;
  std::vector<float> const values = numbers(), before(7, -1);
  Array const array = to_device("array", before);
  Staged<float> const staged(array, Staging::always);
  std::copy(values.begin(), values.end(), staged.host().begin());
  EXPECT_EQ(to_host(array), before);
  staged.to_device(space, 2, 3); // a part
  space.fence();
  EXPECT_EQ(to_host(array), (std::vector<float>{-1, -1, 3, 4, 5, -1, -1}));
  copy_to_device(std::span<float const>(before), array);
  EXPECT_EQ(held(staged), values);
  staged.to_host(space, 6, 1);
  EXPECT_EQ(held(staged), (std::vector<float>{1, 2, 3, 4, 5, 6, -1}));
  EXPECT_THROW(staged.to_device(space, 5, 3), std::logic_error);
}

} // namespace
} // namespace moho
