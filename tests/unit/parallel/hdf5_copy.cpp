// SPDX-License-Identifier: BSD-3-Clause
// Numbers without axes, groups, and what is copied from file to file.
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace fs = std::filesystem;
namespace h5 = moho::parallel::h5;

namespace {

class Hdf5Copy : public testing::Test {
protected:
  Hdf5Copy() : _folder(fs::temp_directory_path() / ("moho_hdf5_copy_" + std::to_string(getpid()))) {
    fs::create_directories(_folder);
    auto file = h5::File::create(path("a.h5"));
    file.write_number("/loss", 0.1);
    file.write_number("/deep/count", std::int64_t{7});
    file.write("/deep/values", std::vector<float>{1, 2, 3, 4, 5, 6}, {2, 3});
    file.write_strings("/deep/names", std::vector<std::string>{"a", "hélice"});
    file.create_group("/empty/group");
    file.set_attribute("/", "model", "MLP");
    file.set_attribute("/", "layers", 3);
    file.set_attribute("/deep/values", "unit", "m");
    file.set_attribute("/empty", "rate", 0.25);
    file.close();
  }
  ~Hdf5Copy() override { fs::remove_all(_folder); }
  std::string path(std::string const& name) const { return (_folder / name).string(); }
  fs::path _folder;
};

} // namespace

TEST_F(Hdf5Copy, tells_kinds_shapes_and_groups) {
  auto const file = h5::File::open(path("a.h5"));
  EXPECT_EQ(file.kind("/loss"), h5::Kind::real);
  EXPECT_EQ(file.kind("/deep/count"), h5::Kind::integer);
  EXPECT_EQ(file.kind("/deep/names"), h5::Kind::text);
  EXPECT_TRUE(file.shape("/loss").empty());
  EXPECT_EQ(file.read_doubles("/loss"), std::vector<double>{0.1});
  EXPECT_EQ(file.read_ints("/deep/count"), std::vector<std::int64_t>{7});
  EXPECT_TRUE(file.has_group("/empty/group"));
  EXPECT_TRUE(file.list("/empty/group").empty());
  EXPECT_FALSE(file.has_group("/loss"));
  EXPECT_FALSE(file.has_group("/none"));
  EXPECT_THROW(file.kind("/none"), moho::Error);
  EXPECT_THROW(file.kind("/deep"), moho::Error);
}

TEST_F(Hdf5Copy, reads_numbers_of_either_class) {
  auto const file = h5::File::open(path("a.h5"));
  EXPECT_EQ(file.number_attribute("/", "layers"), 3);
  EXPECT_EQ(file.number_attribute("/empty", "rate"), 0.25);
  EXPECT_EQ(file.ints_attribute("/", "layers"), std::vector<std::int64_t>{3});
  EXPECT_THROW(file.number_attribute("/", "model"), moho::Error);
  EXPECT_THROW(file.ints_attribute("/empty", "rate"), moho::Error);
  EXPECT_THROW(file.number_attribute("/", "none"), moho::Error);
}

TEST_F(Hdf5Copy, copies_datasets_and_attributes) {
  auto const from = h5::File::open(path("a.h5"));
  auto to = h5::File::create(path("b.h5"));
  to.copy(from, "/deep/values");
  to.copy(from, "/loss");
  to.create_group("/empty");
  to.create_group("/empty"); // there already
  to.copy_attributes(from, "/");
  to.copy_attributes(from, "/empty");
  EXPECT_THROW(to.copy(from, "/none"), moho::Error);
  EXPECT_THROW(to.copy(from, "/loss"), moho::Error); // it exists
  EXPECT_THROW(to.copy_attributes(from, "/deep/names"), moho::Error);
  to.close();

  auto const copied = h5::File::open(path("b.h5"));
  EXPECT_EQ(copied.shape("/deep/values"), (h5::Shape{2, 3}));
  EXPECT_EQ(copied.read_doubles("/deep/values"), (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(copied.string_attribute("/deep/values", "unit"), "m");
  EXPECT_EQ(copied.string_attribute("/", "model"), "MLP");
  EXPECT_EQ(copied.int_attribute("/", "layers"), 3);
  EXPECT_EQ(copied.double_attribute("/empty", "rate"), 0.25);
  EXPECT_EQ(copied.list("/"), (std::vector<std::string>{"deep", "empty", "loss"}));
}
