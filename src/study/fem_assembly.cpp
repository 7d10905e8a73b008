// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/fem_assembly.hpp"
#include "moho/parallel/memory.hpp"
#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace moho::study {
namespace {

using HostReals = Kokkos::View<double*, Kokkos::HostSpace>;

// Global scalar rows of each cell's local matrix: (cells, nodes * components).
std::vector<std::int32_t> rows_of_cells(fem::Part const& part, int components) {
  fem::Space const& space = part.space;
  if (space.global_nodes * components > std::numeric_limits<std::int32_t>::max())
    throw Error("the matrix has " + std::to_string(space.global_nodes * components) +
                " rows (PETSc counts in 32 bits here) use --reduce scatter or a coarser mesh");
  std::vector<std::int32_t> rows;
  rows.reserve(space.cell_nodes.size() * static_cast<std::size_t>(components));
  for (const std::int32_t node : space.cell_nodes)
    for (int i = 0; i < components; ++i)
      rows.push_back(
          static_cast<std::int32_t>(space.row[static_cast<std::size_t>(node)] * components + i));
  return rows;
}

// What both of PETSc's policies need: local matrices where it takes them, a matrix, its values out.
class PetscAssembly : public fem::Assembly {
public:
  PetscAssembly(parallel::Comm const& comm, fem::Part const& part, fem::Topology const& topology,
                parallel::MatrixMemory memory = parallel::MatrixMemory::host)
      : _topology(topology), _matrix(comm, csr_blocks(topology.pattern()), memory),
        _width(static_cast<std::size_t>(topology.element().nodes() * topology.components())),
        _rows(rows_of_cells(part, topology.components())) {}

  void assemble(fem::Form const& form, fem::Reals values, bool add) override {
    fill(form);
    const std::vector<double> found = _matrix.values();
    auto const host = Kokkos::create_mirror_view(values);
    if (add) Kokkos::deep_copy(host, values);
    for (std::size_t i = 0; i < found.size(); ++i) host(i) = add ? host(i) + found[i] : found[i];
    Kokkos::deep_copy(values, host);
  }

protected:
  virtual void fill(fem::Form const& form) = 0;

  // Local matrices of the cells [first, last), until the next call: in the matrix' memory.
  std::span<double const> local(fem::Form const& form, std::int32_t first, std::int32_t last) {
    const std::size_t size = static_cast<std::size_t>(last - first) * _width * _width;
    bool const on_host = _matrix.memory() == parallel::MatrixMemory::host;
    if (_local.extent(0) < size) {
      _local = fem::Reals("moho::study::PetscAssembly::local", size);
      if (on_host) _host = Kokkos::create_mirror_view(_local);
    }
    fem::local_matrices(_topology, form, first, last, _local);
    if (on_host)
      Kokkos::deep_copy(_host, _local);
    else
      Kokkos::fence(); // PETSc has a stream of its own
    return {on_host ? _host.data() : _local.data(), size};
  }

  fem::Topology const& _topology;
  parallel::PetscMatrix _matrix;
  std::size_t _width;
  std::vector<std::int32_t> _rows;

private:
  fem::Reals _local;
  fem::Reals::HostMirror _host;
};

class CooAssembly final : public PetscAssembly {
public:
  CooAssembly(parallel::Comm const& comm, fem::Part const& part, fem::Topology const& topology)
      : PetscAssembly(comm, part, topology, parallel::coo_memory()), _sink(sink(part)) {}

protected:
  void fill(fem::Form const& form) override { _sink.set(local(form, 0, _topology.cells())); }

private:
  parallel::CooSink sink(fem::Part const& part) {
    const std::int64_t first = part.space.first_row * _topology.components();
    const std::int64_t last = first + std::int64_t{part.space.owned} * _topology.components();
    std::vector<std::int32_t> i, j;
    i.reserve(_rows.size() * _width);
    j.reserve(_rows.size() * _width);
    for (std::size_t cell = 0; cell < _rows.size(); cell += _width)
      for (std::size_t a = 0; a < _width; ++a) {
        const std::int32_t row = _rows[cell + a];
        i.insert(i.end(), _width, row >= first && row < last ? row : -1);
        j.insert(j.end(), _rows.begin() + static_cast<std::ptrdiff_t>(cell),
                 _rows.begin() + static_cast<std::ptrdiff_t>(cell + _width));
      }
    return {_matrix, i, j};
  }

  parallel::CooSink _sink;
};

class InsertAssembly final : public PetscAssembly {
public:
  using PetscAssembly::PetscAssembly;

protected:
  void fill(fem::Form const& form) override {
    // Local matrices of some cells at a time: all of them need not fit the memory.
    constexpr std::size_t most_bytes = std::size_t{64} << 20;
    auto const step = static_cast<std::int32_t>(
        std::max<std::size_t>(1, most_bytes / (_width * _width * sizeof(double))));
    for (std::int32_t first = 0; first < _topology.cells(); first += step) {
      const std::int32_t last = std::min(first + step, _topology.cells());
      auto const rows = std::span(_rows).subspan(static_cast<std::size_t>(first) * _width,
                                                 static_cast<std::size_t>(last - first) * _width);
      parallel::insert_values(_matrix, rows, static_cast<int>(_width), local(form, first, last),
                              first == 0);
    }
  }
};

/// About what the tables of a policy take on this rank.
std::int64_t bytes_of_tables(fem::Topology const& topology, fem::Reduce reduce) {
  std::int64_t const nodes = topology.element().nodes(), size = topology.components(),
                     pairs = topology.cells() * nodes * nodes,
                     entries = static_cast<std::int64_t>(topology.pattern().nonzeros());
  if (reduce == fem::Reduce::coo) return pairs * size * size * 40; // value, row, column, order
  if (reduce == fem::Reduce::insert) return entries * 12;
  if (reduce == fem::Reduce::two_pass) return pairs * (size * size * 8 + 4);
  return pairs * 4;
}

} // namespace

parallel::CsrBlocks csr_blocks(fem::Pattern const& pattern) {
  parallel::CsrBlocks blocks;
  blocks.global_rows = pattern.global_rows;
  blocks.diagonal_ptr = pattern.diagonal_ptr;
  blocks.diagonal_column = pattern.diagonal_column;
  blocks.off_ptr = pattern.off_ptr;
  blocks.off_column = pattern.off_column;
  blocks.block_size = pattern.components;
  return blocks;
}

fem::Reals make_values(parallel::Comm const& comm, fem::Topology const& topology, bool with_petsc) {
  auto const entries = static_cast<std::int64_t>(topology.pattern().nonzeros());
  auto const each = sizeof(double) + (with_petsc ? sizeof(std::int32_t) : 0);
  parallel::require_memory(comm, entries * static_cast<std::int64_t>(each),
                           "a matrix of " + std::to_string(comm.sum(entries)) + " entries");
  return fem::make_values(topology);
}

std::unique_ptr<fem::Assembly> make_assembly(parallel::Comm const& comm, fem::Part const& part,
                                             fem::Topology const& topology, fem::Form const& form,
                                             fem::Reduce reduce, int threads) {
  parallel::require_memory(comm, bytes_of_tables(topology, reduce),
                           std::string("assembly by ") + fem::name(reduce));
  if (reduce == fem::Reduce::coo) return std::make_unique<CooAssembly>(comm, part, topology);
  if (reduce == fem::Reduce::insert) return std::make_unique<InsertAssembly>(comm, part, topology);
  return fem::make_assembly(topology, form, reduce, threads);
}

bool same_on_any_ranks(fem::Reduce reduce) {
  return reduce != fem::Reduce::atomic && reduce != fem::Reduce::coo;
}

} // namespace moho::study
