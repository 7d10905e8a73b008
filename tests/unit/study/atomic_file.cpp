// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/atomic_file.hpp"
#include "support/errors.hpp"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>
#include <vector>

namespace moho::study {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::names;

/// An empty folder that goes away.
class AtomicFile : public testing::Test {
protected:
  AtomicFile()
      : _folder(fs::temp_directory_path() / ("moho_atomic_" + std::to_string(::getpid()))) {
    fs::remove_all(_folder);
    fs::create_directories(_folder);
  }
  ~AtomicFile() override { fs::remove_all(_folder); }
  std::string in_folder(char const* name) const { return (_folder / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(_folder), fs::directory_iterator{}));
  }
  fs::path _folder;
};

TEST_F(AtomicFile, WritesAndReplacesWithoutLeftovers) {
  const std::string path = in_folder("a.json");
  write_atomically(path, "one");
  EXPECT_EQ(read_file(path), "one");
  const std::string binary("two\0three\n", 10);
  write_atomically(path, binary);
  EXPECT_EQ(read_file(path), binary);
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, ALargeTextIsWrittenWhole) {
  const std::string text(10'000'019, 'x');
  write_atomically(in_folder("big"), text);
  EXPECT_EQ(read_file(in_folder("big")), text);
}

TEST_F(AtomicFile, TemporaryNameIsHiddenBesideTheTargetAndKeepsItsEnding) {
  const fs::path name = temporary_name(in_folder("data.h5"));
  EXPECT_EQ(name.parent_path(), _folder);
  EXPECT_EQ(name.extension(), ".h5");
  EXPECT_EQ(name.filename().string()[0], '.');
  EXPECT_EQ(fs::path(temporary_name("plain")).parent_path(), fs::path());
}

TEST_F(AtomicFile, ErrorsNameThePathAndLeaveNothing) {
  EXPECT_TRUE(
      names(error_of([&] { write_atomically(in_folder("no/such/a"), "x"); }), {"no/such/a"}));
  fs::create_directories(_folder / "folder");
  EXPECT_TRUE(names(error_of([&] { write_atomically(in_folder("folder"), "x"); }), {"folder"}));
  EXPECT_TRUE(names(error_of([&] { write_atomically("/proc/version", "x"); }), {"/proc/version"}));
  EXPECT_TRUE(names(error_of([&] { read_file(in_folder("none")); }), {"none"}));
  EXPECT_TRUE(names(error_of([&] { read_file(in_folder("folder")); }), {"folder"}));
  EXPECT_TRUE(names(error_of([&] { make_folder("/proc/version/x"); }), {"/proc/version/x"}));
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, AFullDiskLeavesTheOldFile) { // /dev/full is always full
  if (!fs::exists("/dev/full")) GTEST_FAIL() << "no /dev/full here";
  const std::string path = in_folder("a");
  write_atomically(path, "old");
  fs::create_symlink("/dev/full", temporary_name(path));
  EXPECT_TRUE(names(error_of([&] { write_atomically(path, "new"); }), {"No space left"}));
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, ReplaceMovesAFinishedFile) {
  const std::string temporary = temporary_name(in_folder("data.h5"));
  std::ofstream(temporary) << "data";
  atomic_replace(temporary, in_folder("data.h5"));
  EXPECT_EQ(read_file(in_folder("data.h5")), "data");
  EXPECT_EQ(files(), 1u);
  std::ofstream(temporary) << "data";
  fs::create_directories(_folder / "taken" / "full");
  EXPECT_TRUE(names(error_of([&] { atomic_replace(temporary, in_folder("taken")); }), {"taken"}));
  EXPECT_FALSE(fs::exists(temporary));
}

} // namespace
} // namespace moho::study
