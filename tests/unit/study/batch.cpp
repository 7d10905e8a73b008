// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/batch.hpp"
#include <gtest/gtest.h>

namespace moho::study {
namespace {

const std::vector<double> values{1, 2, 3, 4, 5, 6};
const std::vector<std::int64_t> offsets{0, 2, 6};

TEST(Batch, KeepsNamedArraysWithShapeAndUnits) {
  Batch batch(2);
  batch.set("phase", "km/s", values, {2, 3});
  batch.set("offset", "", offsets);
  EXPECT_EQ(batch.count(), 2u);
  EXPECT_EQ(batch.reals("phase"), values);
  EXPECT_EQ(batch.integers("offset"), offsets);
  EXPECT_EQ(batch.at("phase").units, "km/s");
  EXPECT_EQ(batch.at("phase").shape, (std::vector<std::size_t>{2, 3}));
  EXPECT_EQ(batch.at("offset").shape, std::vector<std::size_t>{3});
  EXPECT_EQ(batch.arrays().size(), 2u);
  EXPECT_TRUE(batch.has("phase"));
  EXPECT_FALSE(batch.has("group"));
}

TEST(Batch, SetReplaces) {
  Batch batch(1);
  batch.set("x", "", values);
  batch.set("x", "s", offsets);
  EXPECT_EQ(batch.arrays().size(), 1u);
  EXPECT_EQ(batch.integers("x"), offsets);
}

TEST(Batch, TakesAnEmptyArray) {
  Batch batch(0);
  batch.set("x", "", std::vector<double>{});
  EXPECT_TRUE(batch.reals("x").empty());
}

TEST(Batch, MisuseIsADefectThatNamesTheArrays) {
  Batch batch(1);
  batch.set("phase", "", values);
  try {
    batch.reals("group");
    FAIL();
  } catch (std::logic_error const& error) {
    EXPECT_NE(std::string(error.what()).find("'group' in a batch that has phase"),
              std::string::npos);
  }
  EXPECT_THROW(batch.integers("phase"), std::logic_error);
  EXPECT_THROW(batch.set("x", "", values, {2, 2}), std::logic_error);
}

} // namespace
} // namespace moho::study
