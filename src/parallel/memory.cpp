// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/memory.hpp"
#include "moho/core/error.hpp"
#include "mpi_check.hpp"
#include <algorithm>
#include <cstdio>
#include <fstream>

namespace moho::parallel {
using detail::mpi_check;
namespace {

constexpr std::int64_t little = std::int64_t{64} << 20; // no question worth a message

/// The number that follows a word in a file; "": the first thing there. A limit "max" is none.
std::optional<std::int64_t> number_after(std::string const& word,
                                         std::filesystem::path const& path) {
  std::ifstream in(path);
  std::int64_t value = 0;
  for (std::string each; !word.empty() && in >> each && each != word;) {
  }
  return in >> value ? std::optional(value) : std::nullopt;
}

std::string gibibytes(std::int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", static_cast<double>(bytes) / (1 << 30));
  return text;
}

/// Sum over the ranks of this rank's node. Collective.
std::int64_t sum_on_node(Comm const& comm, std::int64_t value) {
  MPI_Comm node = MPI_COMM_NULL;
  mpi_check(MPI_Comm_split_type(comm.raw(), MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node),
            "MPI_Comm_split_type");
  std::int64_t const sum = Comm(node).sum(value);
  mpi_check(MPI_Comm_free(&node), "MPI_Comm_free");
  return sum;
}

} // namespace

std::optional<std::int64_t> available_memory(std::filesystem::path const& root) {
  auto room = number_after("MemAvailable:", root / "proc/meminfo");
  if (room) *room <<= 10; // kB
  auto const group = root / "sys/fs/cgroup";
  auto const most = number_after("", group / "memory.max"),
             used = number_after("", group / "memory.current");
  if (!most || !used) return room;
  auto const cached = number_after("inactive_file", group / "memory.stat").value_or(0);
  auto const left = *most - *used + cached; // the kernel drops files that it keeps
  return room ? std::min(*room, left) : left;
}

void require_memory(Comm const& comm, std::int64_t bytes, std::string const& what,
                    std::filesystem::path const& root) {
  if (comm.max(bytes) < little) return;
  std::int64_t const needed = sum_on_node(comm, bytes);
  auto const room = available_memory(root);
  run_collectively(comm, [&] {
    if (room && needed > *room)
      throw Error(what + " needs " + gibibytes(needed) + " of memory on a node (" +
                  gibibytes(*room) +
                  " are available there) make it smaller, or spread it over more nodes");
  });
}

} // namespace moho::parallel
