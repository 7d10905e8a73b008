// SPDX-License-Identifier: BSD-3-Clause
// Files and requests that cannot serve: the message names file and dataset, on all ranks.
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/dataset.hpp"
#include "support.hpp"
#include <cmath>
#include <limits>

namespace moho::study::test {
namespace {

using parallel::Comm;
using parallel::h5::File;
using parallel::h5::Shape;

/// A sound file of 10 items on 4 x 4 or 8 points, which a test spoils.
struct Parts {
  bool plane = false;
  Shape nu{10, 4, 4}, tensor{10, 2, 8}, x{8}, y{4};
  double step = 1, last = 7; ///< of the coordinates
  double value = 0.5;        ///< one of item 9's outputs
  bool integers = false;
  std::string missing{};
};

Parts plane() {
  Parts parts;
  parts.plane = true;
  parts.tensor = {10, 1, 4, 4};
  parts.x = {4};
  parts.last = 3;
  return parts;
}

std::string write(Folder const& folder, Parts const& parts) {
  const std::string path = folder / "spoilt.h5";
  const Comm world;
  world.barrier();
  if (world.root()) {
    File file = File::create(path);
    auto const put = [&](std::string const& name, Shape const& shape, double last) {
      if (name == parts.missing) return;
      std::size_t n = 1;
      for (const std::size_t along : shape) n *= along;
      std::vector<double> values;
      for (std::size_t i = 0; i < n; ++i)
        values.push_back(parts.step * static_cast<double>(i) + (name == "/tensor" ? 0.25 : 0));
      values.back() = last;
      file.write(name, std::span<double const>(values), shape);
    };
    if (parts.plane) {
      put("/nu", parts.nu, 0.5);
      put("/y-coordinate", parts.y, 3);
    }
    if (parts.integers)
      file.write("/tensor", std::span<const std::int64_t>(std::vector<std::int64_t>(160, 1)),
                 parts.tensor);
    else
      put("/tensor", parts.tensor, parts.value);
    put("/x-coordinate", parts.x, parts.last);
    file.close();
  }
  world.barrier();
  return path;
}

std::string refusal(std::string const& path, Settings const& settings = {}) {
  return error_of([&] { problem("dataset", with(settings, "file", path)); });
}

TEST(DatasetErrors, SoundFilesAreNotRefused) {
  const Folder folder;
  EXPECT_EQ(refusal(write(folder, {})), "");
  EXPECT_EQ(refusal(write(folder, plane())), "");
}

TEST(DatasetErrors, FilesThatAreNone) {
  const Comm world;
  const Folder folder;
  EXPECT_TRUE(names(refusal(folder / "nowhere.h5"), {"nowhere.h5"}));
  EXPECT_TRUE(names(refusal(""), {"problem.file"}));
  const std::string path = write(folder, {});
  if (world.root()) {
    const std::string bytes = read_file(path);
    write_atomically(path, bytes.substr(0, bytes.size() - 1500));
    write_atomically(folder / "text.h5", "not an HDF5 file");
  }
  world.barrier();
  const std::string truncated = refusal(path);
  EXPECT_TRUE(names(truncated, {path, "truncated", "copied to its end"}));
  EXPECT_TRUE(moho::test::all_ranks_agree(truncated));
  EXPECT_TRUE(names(refusal(folder / "text.h5"), {"text.h5", "HDF5 file"}));
}

TEST(DatasetErrors, DatasetsThatAreMissingOrOfAnotherKind) {
  const Folder folder;
  for (std::string const name : {"/tensor", "/x-coordinate"}) {
    Parts parts;
    parts.missing = name;
    const std::string path = write(folder, parts);
    EXPECT_TRUE(names(refusal(path), {"no dataset", name.substr(1), path}));
  }
  Parts parts = plane();
  parts.missing = "/y-coordinate";
  EXPECT_TRUE(names(refusal(write(folder, parts)), {"no dataset", "y-coordinate"}));
  parts = {};
  parts.integers = true;
  EXPECT_TRUE(names(refusal(write(folder, parts)), {"'tensor'", "floating-point"}));
}

TEST(DatasetErrors, ShapesThatDoNotFit) {
  const Folder folder;
  auto const refused = [&](std::function<void(Parts&)> const& spoil, bool of_plane,
                           std::vector<std::string> const& parts) {
    Parts file = of_plane ? plane() : Parts{};
    spoil(file);
    EXPECT_TRUE(names(refusal(write(folder, file)), parts));
  };
  refused([](Parts& p) { p.tensor = {10, 16}; }, false, {"'tensor'", "(10, 16)", "samples"});
  refused([](Parts& p) { p.tensor = {10, 2, 2, 4}; }, false, {"'tensor'", "(10, 2, 2, 4)"});
  refused([](Parts& p) { p.x = {7}; }, false, {"'x-coordinate'", "(7)", "8 points"});
  refused([](Parts& p) { p.x = {8, 1}; }, false, {"'x-coordinate'", "(8, 1)"});
  refused([](Parts& p) { p.nu = {9, 4, 4}; }, true, {"'tensor'", "nu has (9, 4, 4)"});
  refused([](Parts& p) { p.nu = {10, 16}; }, true, {"'nu'", "(10, 16)"});
  refused([](Parts& p) { p.tensor = {10, 2, 4, 4}; }, true, {"'tensor'", "(10, 2, 4, 4)"});
  refused([](Parts& p) { p.last = 7.5; }, false, {"'x-coordinate'", "not equidistant"});
  refused([](Parts& p) { p.step = -1; }, false, {"'x-coordinate'", "not equidistant"});
}

TEST(DatasetErrors, AskedForMoreThanThereIs) {
  const Folder folder;
  const std::string path = write(folder, {});
  EXPECT_TRUE(names(refusal(path, {{"train", std::int64_t{9}}}),
                    {path, "10 samples", "8 of them", "problem.train = 9", "train_share"}));
  EXPECT_EQ(refusal(path, {{"train", std::int64_t{8}}}), "");
  EXPECT_TRUE(names(refusal(path, {{"test", std::int64_t{2}}}), {"problem.test = 2"}));
  EXPECT_TRUE(names(refusal(path, {{"train_share", 0.01}}), {"none of them for training"}));
  EXPECT_TRUE(names(refusal(path, {{"train_share", 0.95}}), {"more than 1"}));
  EXPECT_TRUE(names(refusal(path, {{"output_time", std::int64_t{2}}}),
                    {"'tensor'", "2 times", "problem.output_time = 2"}));
  EXPECT_TRUE(
      names(refusal(path, {{"subsample", std::int64_t{3}}}), {"problem.subsample = 3", "divide"}));
  EXPECT_TRUE(names(refusal(path, {{"subsample", std::int64_t{8}}}), {"problem.subsample = 8"}));
}

TEST(DatasetErrors, ValuesThatAreNotFinite) {
  const Comm world;
  const Folder folder;
  Parts parts;
  parts.value = std::numeric_limits<double>::quiet_NaN();
  const std::string path = write(folder, parts);
  auto const data = problem("dataset", {{"file", path}, {"validation_share", 0.0}});
  EXPECT_EQ(error_of([&] { data->draw(Split::test, 0, 2); }), ""); // its inputs are sound
  EXPECT_EQ(error_of([&] { data->truth(data->draw(Split::train, 0, 8), world); }), "");
  const std::string message = error_of([&] { data->truth(data->draw(Split::test, 0, 2), world); });
  EXPECT_TRUE(names(message, {"'tensor'", path, "nan in sample 9"}));
  EXPECT_TRUE(moho::test::all_ranks_agree(message));
  auto const other = problem("dataset", {{"file", path}, {"input_time", std::int64_t{-1}}});
  EXPECT_TRUE(names(error_of([&] { other->draw(Split::test, 0, 1); }), {"nan in sample 9"}));
}

TEST(DatasetErrors, ContentThatCannotBeChecked) {
  const Comm world;
  const Folder folder;
  auto const data = problem("dataset", {{"file", write(folder, {})}, {"check_content", true}});
  EXPECT_TRUE(names(error_of([&] { data->verify(world); }), {"sha256", "check_content"}));
}

TEST(DatasetErrors, RequestsThatCannotBeWritten) {
  const Comm world;
  const Folder folder;
  auto const source = problem("burgers-1d", small_burgers());
  auto const refused = [&](Problem const& problem, DatasetRequest const& wanted,
                           std::string const& path) {
    const std::string message = error_of([&] { write_dataset(path, problem, wanted, world); });
    EXPECT_TRUE(moho::test::all_ranks_agree(message));
    return message;
  };
  DatasetRequest wanted;
  wanted.problem = "burgers-1d";
  wanted.count = 13;
  EXPECT_TRUE(names(refused(*source, wanted, folder / "a.h5"), {"13 items", "train has 12"}));
  wanted.count = 2;
  EXPECT_TRUE(names(refused(*problem("dispersion-family"), wanted, folder / "a.h5"),
                    {"no grid", "burgers-1d"}));
  EXPECT_TRUE(names(refused(*source, wanted, folder / "no/such/folder.h5"), {"no/such"}));
  EXPECT_FALSE(std::filesystem::exists(folder / "a.h5"));
}

/// Answers that are not known, or too large for 4 bytes.
class Unknown : public Problem, public Gridded {
public:
  explicit Unknown(double value) : _value(value) {}
  std::size_t count(Split) const override { return 3; }
  Grid grid() const override { return {{2}, false, {0}, {1}, true, 1, 1}; }
  Batch draw(Split, std::uint64_t, std::size_t n) const override {
    Batch batch(n);
    batch.set(input_array, "", std::vector<double>(2 * n, 1.0), {n, 2});
    return batch;
  }
  Batch truth(Batch const& in, Comm const& comm) const override {
    Batch truth(in.count());
    std::vector<double> values(2 * in.count(), 1.0);
    values[3] = _value;
    if (comm.root()) truth.set(output_array, "", values, {in.count(), 2});
    return truth;
  }
  std::vector<Check> verify(Comm const&) const override { return {}; }
  Assessment assess(Batch const&, Batch const&, Batch const&) const override { return {}; }

private:
  double _value;
};

TEST(DatasetErrors, AnswersThatCannotBeStored) {
  const Comm world;
  const Folder folder;
  DatasetRequest wanted;
  auto const refusal_of = [&](double value) {
    return error_of([&] { write_dataset(folder / "u.h5", Unknown(value), wanted, world); });
  };
  EXPECT_TRUE(names(refusal_of(std::numeric_limits<double>::quiet_NaN()),
                    {"item 1", "among its answers", "not known"}));
  EXPECT_TRUE(names(refusal_of(1e39), {"item 1", "too large for 4 bytes"}));
  EXPECT_FALSE(std::filesystem::exists(folder / "u.h5"));
  wanted.precision = Precision::float64;
  EXPECT_EQ(refusal_of(1e39), "");
}

} // namespace
} // namespace moho::study::test
