// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/hdf5.hpp"
#include "moho/core/error.hpp"
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <sys/resource.h>
#include <unistd.h>

namespace fs = std::filesystem;
namespace h5 = moho::parallel::h5;

namespace {

// A folder of its own per test, removed afterwards.
class Hdf5 : public testing::Test {
protected:
  Hdf5() {
    auto const* test = testing::UnitTest::GetInstance()->current_test_info();
    _folder = fs::temp_directory_path() /
              ("moho_hdf5_" + std::to_string(getpid()) + "_" + std::string(test->name()));
    fs::create_directories(_folder);
  }
  ~Hdf5() override { fs::remove_all(_folder); }
  std::string path(std::string const& name = "a.h5") const { return (_folder / name).string(); }
  fs::path _folder;
};

// The message of the moho::Error that `body` throws; must hold each of `parts`.
template <class Body>
void expect_error(Body const& body, std::vector<std::string> const& parts) {
  try {
    body();
    ADD_FAILURE() << "no error; wanted one with '" << parts[0] << "'";
  } catch (moho::Error const& error) {
    for (auto const& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
          << "'" << part << "' is not in: " << error.what();
    }
    EXPECT_EQ(error.code(), moho::ExitCode::usage);
  }
}

std::string bytes_of(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_F(Hdf5, writes_single_precision_and_chunks) {
  std::vector<float> const x{0.1f, -1, 2, 3, 4, 5, 6, 7, 8, 9, 10, std::nanf("")};
  std::vector<double> const y(x.begin(), x.end());
  auto const write = [&](std::string const& to) {
    auto file = h5::File::create(to);
    file.write("/a/x", x, {3, 2, 2}, {1, 2, 2});
    file.write("/a/y", y, {3, 4}, {3, 2});
    file.close();
  };
  write(path());
  write(path("b.h5"));
  EXPECT_EQ(bytes_of(path()), bytes_of(path("b.h5")));
  auto const file = h5::File::open(path());
  EXPECT_EQ(file.shape("/a/x"), (h5::Shape{3, 2, 2}));
  for (auto const* name : {"/a/x", "/a/y"}) {
    auto const back = file.read_doubles(name);
    ASSERT_EQ(back.size(), y.size());
    EXPECT_EQ(std::memcmp(back.data(), y.data(), (y.size() - 1) * sizeof(double)), 0) << name;
    EXPECT_TRUE(std::isnan(back.back()));
  }
}

TEST_F(Hdf5, refuses_chunks_that_do_not_divide_the_shape) {
  std::vector<double> const x(12);
  auto file = h5::File::create(path());
  for (h5::Shape const& chunk : {h5::Shape{2, 4}, h5::Shape{3}, h5::Shape{0, 4}, h5::Shape{3, 5}})
    expect_error([&] { file.write("/x", x, {3, 4}, chunk); }, {"'/x'", "do not divide", "3 x 4"});
  file.write("/x", x, {3, 4}, {3, 4});
  expect_error(
      [&] {
        file.write("/none", std::vector<double>{}, {0, 4}, {1, 4});
      },
      {"do not divide"});
}

TEST_F(Hdf5, reads_back_what_it_wrote) {
  double const tiny = std::numeric_limits<double>::denorm_min();
  std::vector<double> const x{0.1, -0.0, tiny, std::nan(""), HUGE_VAL, 1e308};
  std::vector<std::int64_t> const i{std::numeric_limits<std::int64_t>::min(), 0,
                                    std::numeric_limits<std::int64_t>::max()};
  std::vector<std::string> const names{"", "one", "\xc3\xa9", std::string(10000, 'x')};
  {
    auto file = h5::File::create(path());
    file.write("/a/b/c/x", x, {3, 2});
    file.write("/a/i", i);
    file.write("/a/i32", std::vector<std::int32_t>{-5, 5});
    file.write("/a/i8", std::vector<std::int8_t>{-128, 127});
    file.write_strings("/names", names);
    file.set_attribute("/a/b/c/x", "units", "km/s");
    file.set_attribute("/a", "empty", "");
    file.set_attribute("/", "version", std::int64_t{1} << 50);
    file.set_attribute("/", "scale", 0.1);
    file.close();
  }
  auto const file = h5::File::open(path());
  auto const back = file.read_doubles("/a/b/c/x");
  ASSERT_EQ(back.size(), x.size());
  EXPECT_EQ(std::memcmp(back.data(), x.data(), x.size() * sizeof(double)), 0);
  EXPECT_EQ(file.shape("/a/b/c/x"), (h5::Shape{3, 2}));
  EXPECT_EQ(file.read_ints("/a/i"), i);
  EXPECT_EQ(file.read_ints("/a/i32"), (std::vector<std::int64_t>{-5, 5}));
  EXPECT_EQ(file.read_ints("/a/i8"), (std::vector<std::int64_t>{-128, 127}));
  EXPECT_EQ(file.read_strings("/names"), names);
  EXPECT_EQ(file.string_attribute("/a/b/c/x", "units"), "km/s");
  EXPECT_EQ(file.string_attribute("/a", "empty"), "");
  EXPECT_EQ(file.int_attribute("/", "version"), std::int64_t{1} << 50);
  EXPECT_EQ(file.double_attribute("/", "scale"), 0.1);
  EXPECT_EQ(file.list("/a"), (std::vector<std::string>{"b", "i", "i32", "i8"}));
}

TEST_F(Hdf5, has_looks_without_error) {
  auto file = h5::File::create(path());
  file.write("/a/x", std::vector<double>{1});
  file.set_attribute("/a/x", "units", "km");
  EXPECT_TRUE(file.has("/"));
  EXPECT_TRUE(file.has("/a"));
  EXPECT_TRUE(file.has("/a/x"));
  EXPECT_FALSE(file.has("/b"));
  EXPECT_FALSE(file.has("/b/c/d"));
  EXPECT_FALSE(file.has("/a/x/y"));
  EXPECT_TRUE(file.has_attribute("/a/x", "units"));
  EXPECT_FALSE(file.has_attribute("/a/x", "unit"));
  EXPECT_FALSE(file.has_attribute("/b/c", "units"));
}

TEST_F(Hdf5, empty_arrays) {
  auto file = h5::File::create(path());
  file.write("/x", std::vector<double>{});
  file.write("/y", std::vector<double>{}, {0, 4});
  file.write_strings("/names", std::vector<std::string>{});
  file.close();
  auto const back = h5::File::open(path());
  EXPECT_TRUE(back.read_doubles("/x").empty());
  EXPECT_EQ(back.shape("/y"), (h5::Shape{0, 4}));
  EXPECT_TRUE(back.read_strings("/names").empty());
}

TEST_F(Hdf5, same_values_same_bytes) {
  auto const write = [&](std::string const& name, double last) {
    auto file = h5::File::create(path(name));
    file.write("/curve/phase", std::vector<double>{1, 2, last});
    file.write_strings("/case/name", std::vector<std::string>{"a", "bb"});
    file.set_attribute("/", "format", "moho.dispersion/1");
    file.close();
    return bytes_of(path(name));
  };
  auto const first = write("first.h5", 3.0);
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(first, write("second.h5", 3.0));
  EXPECT_NE(first, write("third.h5", 3.5)); // negative
}

TEST_F(Hdf5, create_replaces) {
  h5::File::create(path()).write("/old", std::vector<double>{1});
  h5::File::create(path()).write("/new", std::vector<double>{1});
  auto const file = h5::File::open(path());
  EXPECT_FALSE(file.has("/old"));
  EXPECT_TRUE(file.has("/new"));
}

TEST_F(Hdf5, a_file_can_move) {
  auto first = h5::File::create(path());
  auto second = std::move(first);
  second.write("/x", std::vector<double>{1});
  second.close();
  second = h5::File::open(path());
  EXPECT_EQ(second.read_doubles("/x"), std::vector<double>{1});
}

TEST_F(Hdf5, errors_name_the_file) {
  expect_error([&] { h5::File::open(path("absent.h5")); },
               {"cannot open '" + path("absent.h5") + "'", "No such file", "; check"});
  std::ofstream(path("text.h5")) << "not HDF5";
  expect_error([&] { h5::File::open(path("text.h5")); }, {path("text.h5"), "signature"});
  expect_error([&] { h5::File::create(path("no/folder.h5")); },
               {"cannot create '" + path("no/folder.h5") + "'", "folder exists"});
  expect_error([&] { h5::File::create(_folder.string()); }, {_folder.string()});
}

TEST_F(Hdf5, errors_name_the_dataset) {
  auto file = h5::File::create(path());
  file.write("/a/x", std::vector<double>{1, 2});
  file.write("/a/i", std::vector<std::int64_t>{1});
  file.write_strings("/a/s", std::vector<std::string>{"s"});
  expect_error([&] { file.read_doubles("/a/y"); },
               {"'/a/y' of '" + path() + "'", "not in the file"});
  expect_error([&] { file.read_doubles("/no/y"); }, {"'/no/y'"});
  expect_error([&] { file.read_doubles("/a"); }, {"'/a'", "is a group"});
  expect_error([&] { file.read_doubles("/a/i"); }, {"'/a/i'", "integers", "floating-point"});
  expect_error([&] { file.read_ints("/a/x"); }, {"'/a/x'", "wanted integers"});
  expect_error([&] { file.read_strings("/a/x"); }, {"'/a/x'", "wanted strings"});
  expect_error([&] { file.read_doubles("/a/s"); }, {"'/a/s'", "holds strings"});
  expect_error([&] { file.write("/a/x", std::vector<double>{1}); }, {"'/a/x'", "exists already"});
  expect_error([&] { file.write("/a/x/y", std::vector<double>{1}); }, {"'/a/x/y'"});
  expect_error(
      [&] {
        file.write("/z", std::vector<double>{1, 2}, {3});
      },
      {"'/z'", "2 values for the shape 3"});
  for (std::string const bad : {"", "/", "x", "/x/", "/a//x"}) {
    expect_error([&] { file.write(bad, std::vector<double>{1}); }, {"not an absolute path"});
  }
  expect_error([&] { file.write_strings("/n", std::vector<std::string>{std::string("a\0b", 3)}); },
               {"'/n'", "NUL"});
  expect_error([&] { file.write_rows("/r", std::vector<double>{1}, {1}, 0); },
               {"'/r'", "communicator"});
  expect_error([&] { file.set_attribute("/none", "u", 1); }, {"'/none'"});
  expect_error([&] { file.string_attribute("/a/x", "units"); }, {"'units'", "'/a/x'", path()});
  file.set_attribute("/a/x", "units", "km");
  expect_error([&] { file.double_attribute("/a/x", "units"); }, {"'/a/x'", "strings"});
  expect_error([&] { file.list("/a/x"); }, {"'/a/x'", "dataset"});
}

TEST_F(Hdf5, a_file_opened_for_reading_stays_as_it_is) {
  h5::File::create(path()).write("/x", std::vector<double>{1});
  auto file = h5::File::open(path());
  expect_error([&] { file.write("/y", std::vector<double>{1}); }, {"'/y'", path()});
  expect_error([&] { file.set_attribute("/x", "u", 1); }, {"'/x'", path()});
}

TEST_F(Hdf5, truncated_file) {
  h5::File::create(path()).write("/x", std::vector<double>(10000, 1.0));
  fs::resize_file(path(), 1000);
  expect_error([&] { h5::File::open(path()).read_doubles("/x"); }, {path()});
}

// A full disk, by a limit on the size of files, in a process of its own. It ends as usual: HDF5
// must not have kept what could not be written.
TEST_F(Hdf5, full_disk_is_an_error) {
  auto const attempt = [&] {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit const limit{100000, 100000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      auto file = h5::File::create(path());
      file.write("/x", std::vector<double>(100000, 1.0));
      file.close();
      _exit(0);
    } catch (moho::Error const& error) {
      std::string const message = error.what();
      std::exit(message.find(path()) != std::string::npos ? 17 : 18);
    }
  };
  EXPECT_EXIT(attempt(), testing::ExitedWithCode(17), "");
}
