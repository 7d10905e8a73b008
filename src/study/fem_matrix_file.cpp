// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/fem_matrix_file.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/sha256.hpp"
#include <algorithm>
#include <bit>
#include <filesystem>
#include <numeric>
#include <span>
#include <utility>

namespace moho::study {
namespace {

// This rank's rows, one after the other.
struct Rows {
  std::vector<std::int64_t> id, count, col;
  std::vector<double> val;
};

using HostReals = Kokkos::View<double const*, Kokkos::HostSpace>;

// Global columns in id numbering of the entries outside of the diagonal block.
std::vector<std::int64_t> off_columns(fem::Space const& space, fem::Pattern const& pattern) {
  int const components = pattern.components;
  std::vector<std::int64_t> out;
  out.reserve(pattern.off_column.size());
  auto const ghosts = std::span(space.row).subspan(static_cast<std::size_t>(space.owned));
  for (const std::int64_t column : pattern.off_column) {
    auto const found = std::lower_bound(ghosts.begin(), ghosts.end(), column / components);
    MOHO_REQUIRE(found != ghosts.end() && *found == column / components);
    auto const node = static_cast<std::size_t>(space.owned + (found - ghosts.begin()));
    out.push_back(space.id[node] * components + column % components);
  }
  return out;
}

Rows own_rows(fem::Part const& part, fem::Pattern const& pattern, HostReals const& values) {
  fem::Space const& space = part.space;
  int const components = pattern.components;
  const std::vector<std::int64_t> off = off_columns(space, pattern);
  const std::size_t off_values = pattern.diagonal_nonzeros();
  Rows out;
  out.col.reserve(pattern.nonzeros());
  out.val.reserve(pattern.nonzeros());
  std::vector<std::pair<std::int64_t, double>> row;
  for (std::size_t r = 0; r < pattern.rows(); ++r) {
    row.clear();
    for (auto k = static_cast<std::size_t>(pattern.diagonal_ptr[r]);
         k < static_cast<std::size_t>(pattern.diagonal_ptr[r + 1]); ++k) {
      const std::int32_t column = pattern.diagonal_column[k];
      row.emplace_back(space.id[static_cast<std::size_t>(column / components)] * components +
                           column % components,
                       values(k));
    }
    if (!off.empty())
      for (auto k = static_cast<std::size_t>(pattern.off_ptr[r]);
           k < static_cast<std::size_t>(pattern.off_ptr[r + 1]); ++k)
        row.emplace_back(off[k], values(off_values + k));
    auto const by_column = [](auto const& a, auto const& b) { return a.first < b.first; };
    if (!std::is_sorted(row.begin(), row.end(), by_column))
      std::sort(row.begin(), row.end(), by_column);
    auto const local = static_cast<std::int64_t>(r);
    out.id.push_back(space.id[static_cast<std::size_t>(local / components)] * components +
                     local % components);
    out.count.push_back(static_cast<std::int64_t>(row.size()));
    for (auto const& [column, value] : row) {
      out.col.push_back(column);
      out.val.push_back(value);
    }
  }
  return out;
}

// The finaliser of splitmix64 (Steele, Lea & Flood, OOPSLA 2014): all bits of x matter to each.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

template <class T>
void gather_in_place(parallel::Comm const& comm, std::vector<T>& values) {
  if (comm.size() > 1) values = comm.gather(std::span<T const>(values));
}

// Rows in any order, put in that of their ids.
WholeMatrix in_order(Rows rows) {
  WholeMatrix out;
  out.row_ptr.assign(rows.id.size() + 1, 0);
  for (std::size_t r = 0; r < rows.id.size(); ++r)
    out.row_ptr[static_cast<std::size_t>(rows.id[r]) + 1] = rows.count[r];
  std::partial_sum(out.row_ptr.begin(), out.row_ptr.end(), out.row_ptr.begin());
  if (std::is_sorted(rows.id.begin(), rows.id.end())) {
    out.col = std::move(rows.col);
    out.val = std::move(rows.val);
    return out;
  }
  out.col.resize(rows.col.size());
  out.val.resize(rows.val.size());
  std::ptrdiff_t from = 0;
  for (std::size_t r = 0; r < rows.id.size(); ++r) {
    const std::ptrdiff_t to = out.row_ptr[static_cast<std::size_t>(rows.id[r])];
    std::copy_n(rows.col.begin() + from, rows.count[r], out.col.begin() + to);
    std::copy_n(rows.val.begin() + from, rows.count[r], out.val.begin() + to);
    from += rows.count[r];
  }
  return out;
}

} // namespace

WholeMatrix gather_matrix(parallel::Comm const& comm, fem::Part const& part,
                          fem::Topology const& topology, fem::ConstReals values) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  Rows rows = own_rows(part, topology.pattern(), host);
  gather_in_place(comm, rows.id);
  gather_in_place(comm, rows.count);
  gather_in_place(comm, rows.col);
  gather_in_place(comm, rows.val);
  return comm.root() ? in_order(std::move(rows)) : WholeMatrix{};
}

std::int64_t checksum(parallel::Comm const& comm, fem::Part const& part,
                      fem::Topology const& topology, fem::ConstReals values) {
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), values);
  const Rows rows = own_rows(part, topology.pattern(), host);
  constexpr std::uint64_t mask = (std::uint64_t{1} << 52) - 1;
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (std::size_t r = 0; r < rows.id.size(); ++r)
    for (std::int64_t k = 0; k < rows.count[r]; ++k, ++at)
      sum += mixed(mixed(mixed(static_cast<std::uint64_t>(rows.id[r])) ^
                         static_cast<std::uint64_t>(rows.col[at])) ^
                   std::bit_cast<std::uint64_t>(rows.val[at]));
  // 52 bits of each rank, so that the sum over ranks does not overflow.
  const std::int64_t total = comm.sum(static_cast<std::int64_t>(sum & mask));
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(total) & mask);
}

std::string sha256(WholeMatrix const& matrix) {
  Sha256 digest;
  digest.update(matrix.row_ptr);
  digest.update(matrix.col);
  digest.update(matrix.val);
  return digest.hex();
}

void write_matrix(std::string const& path, WholeMatrix const& matrix, std::string const& sha256,
                  AssemblyTimes const& times) {
  const std::string temporary = temporary_name(path);
  try {
    auto file = parallel::h5::File::create(temporary);
    file.write("/row_ptr", std::span<const std::int64_t>(matrix.row_ptr));
    file.write("/col", std::span<const std::int64_t>(matrix.col));
    file.write("/val", std::span<double const>(matrix.val));
    file.set_attribute("/", "format", "moho.matrix/1");
    file.set_attribute("/", "sha256", sha256);
    file.set_attribute("/", "time_setup", times.set_up);
    file.set_attribute("/", "time_first", times.first);
    file.set_attribute("/", "time_reassembly", times.reassembly);
    for (char const* time : {"time_setup", "time_first", "time_reassembly"})
      file.set_attribute("/", std::string(time) + "_unit", "s");
    file.close();
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
  atomic_replace(temporary, path);
}

} // namespace moho::study
