// SPDX-License-Identifier: BSD-3-Clause
// Datasets as files: what is written is read, in the layout of PDEBench.
#include "moho/study/dataset.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include "support.hpp"
#include <cmath>
#include <cstdio>

namespace moho::study::test {
namespace {

using parallel::Comm;
using parallel::h5::File;

DatasetRequest request(std::string const& name, Settings const& settings, Split split,
                       std::size_t n, Precision precision) {
  DatasetRequest wanted;
  wanted.split = split;
  wanted.count = n;
  wanted.precision = precision;
  wanted.problem = name;
  wanted.parameters = with(find_problem(name).parameters, settings);
  wanted.block = 5;
  return wanted;
}

std::unique_ptr<Problem> dataset(std::string const& path, Settings const& settings = {}) {
  return problem("dataset", with(settings, "file", path));
}

/// All inputs or outputs of a file, whatever split they are in.
std::vector<double> all(Problem const& data, bool output) {
  std::vector<double> values;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    const std::vector<double> some = output
                                         ? answers(data, split, 0, data.count(split), Comm::self())
                                         : inputs(data, split, 0, data.count(split));
    values.insert(values.end(), some.begin(), some.end());
  }
  return values;
}

struct Kind {
  std::string name;
  Settings settings;
};

std::vector<Kind> kinds() {
  return {{"burgers-1d", small_burgers()}, {"darcy-operator", small_darcy()}};
}

TEST(Dataset, ReadsWhatWasWrittenBitForBit) {
  const Comm world;
  const Folder folder;
  for (auto const& [name, settings] : kinds()) {
    auto const source = problem(name, settings);
    const std::string path = folder / (name + ".h5");
    const std::string digest = write_dataset(
        path, *source, request(name, settings, Split::train, 12, Precision::float64), world);
    EXPECT_TRUE(moho::test::all_ranks_agree(digest));
    EXPECT_EQ(digest, dataset_sha256(path));
    auto const data = dataset(path);
    EXPECT_EQ(data->count(Split::train), 9u);
    EXPECT_EQ(data->count(Split::validation), 1u);
    EXPECT_EQ(data->count(Split::test), 2u);
    EXPECT_EQ(all(*data, false), inputs(*source, Split::train, 0, 12)) << name;
    EXPECT_EQ(all(*data, true), answers(*source, Split::train, 0, 12, Comm::self())) << name;
    const Grid grid = capability<Gridded>(*source)->grid(),
               read = capability<Gridded>(*data)->grid();
    EXPECT_EQ(grid.points, read.points);
    EXPECT_EQ(grid.periodic, read.periodic);
    EXPECT_EQ(grid.ends_included, read.ends_included);
    EXPECT_NEAR(grid.upper[0], read.upper[0], 1e-15);
  }
}

TEST(Dataset, FourBytesAreRoundedOnce) {
  const Comm world;
  const Folder folder;
  auto const source = problem("burgers-1d", small_burgers());
  const std::string path = folder / "narrow.h5";
  write_dataset(path, *source,
                request("burgers-1d", small_burgers(), Split::train, 12, Precision::float32),
                world);
  const std::vector<double> exact = inputs(*source, Split::train, 0, 12),
                            read = all(*dataset(path), false);
  for (std::size_t i = 0; i < exact.size(); ++i)
    EXPECT_EQ(read[i], static_cast<double>(static_cast<float>(exact[i])));
}

TEST(Dataset, TheSameBytesOnAnyNumberOfRanksAndInAnyBlocks) {
  const Comm world;
  const Folder folder;
  for (auto const& [name, settings] : kinds()) {
    auto const source = problem(name, settings);
    DatasetRequest wanted = request(name, settings, Split::train, 7, Precision::float32);
    wanted.first = 3;
    const std::string shared = folder / (name + ".h5"), alone = folder / (name + "-alone.h5");
    const std::string digest = write_dataset(shared, *source, wanted, world);
    wanted.block = 1;
    if (world.root()) {
      EXPECT_EQ(write_dataset(alone, *source, wanted, Comm::self()), digest);
      EXPECT_EQ(read_file(shared), read_file(alone));
      wanted.first = 4;
      EXPECT_NE(write_dataset(alone, *source, wanted, Comm::self()), digest);
    }
  }
}

TEST(Dataset, LayoutAndAttributesAreThoseOfTheHeader) {
  const Comm world;
  const Folder folder;
  for (auto const& [name, settings] : kinds()) {
    bool const line = name == "burgers-1d";
    const std::string path = folder / (name + ".h5");
    const std::string digest =
        write_dataset(path, *problem(name, settings),
                      request(name, settings, Split::validation, 4, Precision::float32), world);
    const File file = File::open(path);
    using Shape = parallel::h5::Shape;
    EXPECT_EQ(file.shape("/tensor"), line ? (Shape{4, 2, 16}) : (Shape{4, 1, 6, 6}));
    EXPECT_EQ(file.has("/nu"), !line);
    if (!line) {
      EXPECT_EQ(file.shape("/nu"), (Shape{4, 6, 6}));
    }
    EXPECT_EQ(file.has("/y-coordinate"), !line);
    EXPECT_EQ(file.has("/t-coordinate"), line);
    EXPECT_EQ(file.read_doubles("/x-coordinate").size(), line ? 16u : 6u);
    EXPECT_EQ(file.string_attribute("/", "format"), "moho.dataset/1");
    EXPECT_EQ(file.string_attribute("/", "problem"), name);
    EXPECT_EQ(file.string_attribute("/", "parameters"),
              to_json(with(find_problem(name).parameters, settings)));
    EXPECT_EQ(file.string_attribute("/", "split"), "validation");
    EXPECT_EQ(file.string_attribute("/", "boundary"), line ? "periodic" : "walls");
    EXPECT_EQ(file.string_attribute("/", "sha256"), digest);
  }
}

/// A file as PDEBench has them: 5 times, one more in `t-coordinate`, cells' centres, 4 bytes, no
/// attributes. Values tell their place: 100 item + 10 time + point / 10.
std::string write_like_pdebench(Folder const& folder) {
  constexpr std::size_t items = 10, times = 5, points = 8;
  const std::string path = folder / "pdebench.h5";
  if (Comm().root()) {
    std::vector<float> tensor, x, t;
    for (std::size_t i = 0; i < items; ++i)
      for (std::size_t k = 0; k < times; ++k)
        for (std::size_t j = 0; j < points; ++j)
          tensor.push_back(100.F * static_cast<float>(i) + 10.F * static_cast<float>(k) +
                           static_cast<float>(j) / 8.F);
    for (std::size_t j = 0; j < points; ++j) x.push_back((static_cast<float>(j) + 0.5F) / 8.F);
    for (std::size_t k = 0; k <= times; ++k) t.push_back(static_cast<float>(k) / 5.F);
    File file = File::create(path);
    file.write("/tensor", std::span<float const>(tensor), {items, times, points});
    file.write("/x-coordinate", std::span<float const>(x));
    file.write("/t-coordinate", std::span<float const>(t));
    file.close();
  }
  Comm().barrier();
  return path;
}

TEST(Dataset, ReadsPdebenchAsItIs) {
  const Folder folder;
  const std::string path = write_like_pdebench(folder);
  auto const data = dataset(path, {{"subsample", std::int64_t{2}}, {"test", std::int64_t{1}}});
  EXPECT_EQ(data->count(Split::train), 8u);
  EXPECT_EQ(data->count(Split::validation), 1u);
  EXPECT_EQ(data->count(Split::test), 1u);
  EXPECT_EQ(inputs(*data, Split::train, 3, 2),
            (std::vector<double>{300, 300.25, 300.5, 300.75, 400, 400.25, 400.5, 400.75}));
  EXPECT_EQ(answers(*data, Split::test, 0, 1, Comm::self()),
            (std::vector<double>{940, 940.25, 940.5, 940.75}));
  const Grid grid = capability<Gridded>(*data)->grid();
  EXPECT_TRUE(grid.periodic);
  EXPECT_EQ(grid.coordinates(0), (std::vector<double>{0.0625, 0.3125, 0.5625, 0.8125}));
  auto const other = dataset(path, {{"input_time", std::int64_t{1}},
                                    {"output_time", std::int64_t{-2}},
                                    {"boundary", std::string("walls")},
                                    {"subsample", std::int64_t{3}}});
  EXPECT_EQ(inputs(*other, Split::train, 0, 1), (std::vector<double>{10, 10.375, 10.75}));
  EXPECT_EQ(answers(*other, Split::train, 0, 1, Comm::self()),
            (std::vector<double>{30, 30.375, 30.75}));
  const Grid walls = capability<Gridded>(*other)->grid();
  EXPECT_FALSE(walls.periodic);
  EXPECT_EQ(walls.upper[0], 0.8125);
}

TEST(Dataset, ItemsDrawnApartAreThoseDrawnTogether) {
  const Folder folder;
  auto const data = dataset(write_like_pdebench(folder));
  const std::vector<double> together = inputs(*data, Split::train, 0, 8);
  for (std::size_t i = 0; i < 8; ++i) {
    auto const at = together.begin() + static_cast<std::ptrdiff_t>(8 * i);
    EXPECT_EQ(inputs(*data, Split::train, i, 1), std::vector<double>(at, at + 8));
  }
}

TEST(Dataset, TruthIsOnTheRootOfAll) {
  const Comm world;
  const Folder folder;
  auto const data = dataset(write_like_pdebench(folder));
  const Batch truth = data->truth(data->draw(Split::train, 0, 8), world);
  EXPECT_EQ(truth.has(output_array), world.root());
  EXPECT_TRUE(std::isnan(truth.reals("uncertainty").at(0)));
}

TEST(Dataset, ChecksPassAndNoticeAnotherContent) {
  const Comm world;
  const Folder folder;
  const std::string path = folder / "checked.h5";
  write_dataset(path, *problem("burgers-1d", small_burgers()),
                request("burgers-1d", small_burgers(), Split::train, 12, Precision::float64),
                world);
  auto const passes = [&] {
    bool all = true;
    for (Check const& check : dataset(path, {{"check_content", true}})->verify(world))
      all = all && check.pass();
    return all;
  };
  EXPECT_TRUE(passes());
  world.barrier();
  if (world
          .root()) { // one bit of one value: the last byte of the content is among the coordinates'
    std::string bytes = read_file(path);
    double const value = inputs(*problem("burgers-1d", small_burgers()), Split::train, 3, 1)[2];
    const std::string image(reinterpret_cast<char const*>(&value), sizeof value);
    const std::size_t at = bytes.find(image);
    EXPECT_NE(at, std::string::npos);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_atomically(path, bytes);
  }
  world.barrier();
  EXPECT_FALSE(passes());
}

// The reference file is what its attributes say, up to the rounding of another machine.
TEST(Dataset, TheReferenceFileIsItsProblem) {
  auto const data = problem("dataset", {{"check_content", true}});
  auto const source =
      problem("burgers-1d", {{"s", std::int64_t{32}}, {"train", std::int64_t{120}}});
  const std::vector<double> read = all(*data, true),
                            made = answers(*source, Split::train, 0, 120, Comm::self());
  EXPECT_EQ(read.size(), made.size());
  for (std::size_t i = 0; i < std::min(read.size(), made.size()); ++i)
    EXPECT_NEAR(read[i], made[i], 1e-7);
  for (Check const& check : data->verify(Comm())) EXPECT_TRUE(check.pass()) << check.name;
}

} // namespace
} // namespace moho::study::test
