// SPDX-License-Identifier: BSD-3-Clause
// What write_xdmf refuses, and that it leaves nothing behind. test_xdmf.py reads what it writes.
#include "moho/parallel/xdmf.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>

namespace moho::test {
namespace {

using parallel::Comm;
using parallel::XdmfField;
using parallel::XdmfMesh;

struct Folder {
  explicit Folder(Comm const& comm) {
    namespace fs = std::filesystem;
    path = comm.broadcast(
        (fs::temp_directory_path() / ("moho-xdmf-" + std::to_string(::getpid()))).string());
    if (comm.root()) fs::create_directories(path);
    comm.barrier();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (auto const& entry : std::filesystem::directory_iterator(path))
      out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string path;
};

TEST(Xdmf, RefusesAndLeavesNothing) {
  Comm const comm;
  Folder const folder(comm);
  const std::vector<double> points{0, 0, 1, 0, 0, 1}, values{1, 2, 3};
  auto const r = 3 * static_cast<std::int64_t>(comm.rank());
  const std::vector<std::int64_t> cells{r, r + 1, r + 2};
  const XdmfMesh mesh{"triangle", 1, 2, points, cells};
  const XdmfField good{"u", 1, false, values};
  auto const verdict = [&](std::string const& name, XdmfMesh const& what,
                           std::vector<std::vector<XdmfField>> const& fields,
                           std::vector<double> const& times = {}) {
    std::string const message =
        error_of([&] { write_xdmf(comm, folder.path + "/" + name, what, fields, times); });
    EXPECT_TRUE(all_ranks_agree(message));
    return message;
  };
  auto const says = [](std::string const& message, char const* part) {
    return message.find(part) != std::string::npos;
  };
  EXPECT_TRUE(says(verdict("u.vtk", mesh, {{good}}), "end it in .xdmf"));
  EXPECT_TRUE(says(verdict("no/such/u.xdmf", mesh, {{good}}), "u.tmp"));
  EXPECT_TRUE(says(verdict("u.xdmf", {"prism", 1, 3, points, cells}, {{good}}), "prism"));
  EXPECT_TRUE(says(verdict("u.xdmf", mesh, {{good, good}}), "two fields 'u'"));
  EXPECT_TRUE(says(verdict("u.xdmf", mesh, {{{"a/b", 1, false, values}}}), "'a/b'"));
  EXPECT_TRUE(says(verdict("u.xdmf", mesh, {{{"u", 4, false, values}}}), "4 components"));
  EXPECT_TRUE(says(verdict("u.xdmf", mesh, {{good}, {good}}), "without times"));
  EXPECT_TRUE(says(verdict("u.xdmf", mesh, {{good}}, {0.0, 1.0}), "2 times for 1 steps"));
  // Wrong on the last rank alone: all must notice.
  const XdmfField shorter{"u", 1, false,
                          std::span(values).first(comm.rank() + 1 == comm.size() ? 2 : 3)};
  EXPECT_TRUE(says(verdict("u.xdmf", mesh, {{shorter}}), "2 values for 3 rows"));
  // A folder stands where the text should go: the data must not stay alone.
  if (comm.root()) std::filesystem::create_directories(folder.path + "/taken.xdmf/x");
  comm.barrier();
  EXPECT_TRUE(says(verdict("taken.xdmf", mesh, {{good}}), "taken.xdmf"));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"taken.xdmf"});
  comm.barrier();
  EXPECT_EQ(verdict("u.xdmf", mesh, {{good}}), "");
  EXPECT_EQ(verdict("u.xdmf", mesh, {}), ""); // a mesh alone, over the old pair
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"taken.xdmf", "u.h5", "u.xdmf"}));
  comm.barrier();
  if (comm.root()) std::filesystem::remove_all(folder.path);
}

} // namespace
} // namespace moho::test
