// SPDX-License-Identifier: BSD-3-Clause
// HDF5 through the MPI driver: blocks of all ranks in one file, the same bytes on any rank count.
#include "moho/parallel/communicator.hpp"
#include "moho/parallel/hdf5.hpp"
#include "support/mpi_support.hpp"
#include <filesystem>
#include <fstream>
#include <unistd.h>

using moho::parallel::Comm;
using namespace moho::test;
namespace fs = std::filesystem;
namespace h5 = moho::parallel::h5;

namespace {

std::size_t const rows = 11, columns = 3;

// The same path on all ranks.
std::string shared_path(std::string const& name) {
  auto const mine =
      fs::temp_directory_path() / ("moho_mpi_" + std::to_string(getpid()) + "_" + name);
  return Comm().broadcast(mine.string());
}

std::string bytes_of(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void remove_on_root(std::string const& path) {
  Comm().barrier();
  if (world_rank() == 0) fs::remove(path);
}

std::size_t first_row(Comm const& comm) {
  return rows * static_cast<std::size_t>(comm.rank()) / static_cast<std::size_t>(comm.size());
}
std::size_t last_row(Comm const& comm) {
  return rows * static_cast<std::size_t>(comm.rank() + 1) / static_cast<std::size_t>(comm.size());
}

void write_all(std::string const& path, Comm const& comm) {
  std::vector<double> x;
  std::vector<std::int64_t> i;
  for (std::size_t row = first_row(comm); row < last_row(comm); ++row) {
    for (std::size_t c = 0; c < columns; ++c)
      x.push_back(static_cast<double>(row) + 0.1 * static_cast<double>(c));
    i.push_back(static_cast<std::int64_t>(row * row));
  }
  auto file = h5::File::create(path, comm);
  file.write_rows("/block/x", x, {rows, columns}, first_row(comm));
  file.write_rows("/block/i", i, {rows}, first_row(comm));
  file.write("/same", std::vector<double>{1, 2, 3});
  file.write_strings("/name", std::vector<std::string>{"a", "bc"});
  file.set_attribute("/block/x", "units", "km/s");
  file.close();
}

} // namespace

TEST(parallel_hdf5, blocks_make_one_dataset) {
  auto const path = shared_path("blocks.h5");
  write_all(path, Comm());
  auto const file = h5::File::open(path, Comm());
  auto const x = file.read_doubles("/block/x");
  auto const i = file.read_ints("/block/i");
  EXPECT_EQ(file.shape("/block/x"), (h5::Shape{rows, columns}));
  for (std::size_t k = 0; k < x.size(); ++k) {
    EXPECT_EQ(x[k], static_cast<double>(k / columns) + 0.1 * static_cast<double>(k % columns));
  }
  for (std::size_t k = 0; k < i.size(); ++k) EXPECT_EQ(i[k], static_cast<std::int64_t>(k * k));
  EXPECT_EQ(file.read_strings("/name"), (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(file.string_attribute("/block/x", "units"), "km/s");
  remove_on_root(path);
}

TEST(parallel_hdf5, same_bytes_on_any_rank_count) {
  auto const together = shared_path("together.h5"), alone = shared_path("alone.h5");
  write_all(together, Comm());
  if (world_rank() == 0) {
    write_all(alone, Comm::self());
    EXPECT_EQ(bytes_of(together), bytes_of(alone));
    EXPECT_GT(bytes_of(alone).size(), rows * columns * sizeof(double));
  }
  remove_on_root(together);
  remove_on_root(alone);
}

TEST(parallel_hdf5, a_rank_may_have_no_rows) {
  auto const path = shared_path("none.h5");
  Comm const comm;
  std::vector<double> const mine(comm.rank() == comm.size() - 1 ? 4 : 0, 2.5);
  auto file = h5::File::create(path, comm);
  file.write_rows("/x", mine, {4}, 0);
  file.write_rows("/empty", std::vector<double>{}, {0, 2}, 0);
  file.close();
  EXPECT_EQ(h5::File::open(path).read_doubles("/x"), std::vector<double>(4, 2.5));
  remove_on_root(path);
}

TEST(parallel_hdf5, an_error_reaches_every_rank) {
  auto const path = shared_path("no/such/folder.h5");
  try {
    h5::File::create(path, Comm());
    ADD_FAILURE() << "created in a folder that does not exist";
  } catch (moho::Error const& error) {
    EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
  }
}

TEST(parallel_hdf5, bad_rows_on_one_rank_are_an_error_on_all) {
  auto const path = shared_path("one.h5");
  Comm const comm;
  auto file = h5::File::create(path, comm);
  std::size_t const first = comm.rank() == comm.size() - 1 ? 9 : 0;
  EXPECT_THROW(file.write_rows("/x", std::vector<double>{1}, {8}, first), moho::Error);
  std::vector<double> const values(comm.rank() == comm.size() - 1 ? 3 : 4, 1.0);
  EXPECT_THROW(file.write("/y", values, {4}), moho::Error);
  file.write("/z", std::vector<double>{1}); // and the file is still usable
  file.close();
  remove_on_root(path);
}

TEST(parallel_hdf5, rows_past_the_shape_are_refused) {
  auto const path = shared_path("past.h5");
  auto file = h5::File::create(path, Comm());
  EXPECT_THROW(file.write_rows("/x", std::vector<double>{1, 2}, {3}, 2), moho::Error);
  EXPECT_THROW(file.write_rows("/x", std::vector<double>{1, 2, 3}, {3, 2}, 0), moho::Error);
  file.close();
  remove_on_root(path);
}
