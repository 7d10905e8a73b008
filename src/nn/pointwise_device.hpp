// SPDX-License-Identifier: BSD-3-Clause
// The interpreter of an expression on a device: a thread has a few entries, far apart, so that
// neighbouring threads read neighbouring entries. Every instruction's results go through an array
// of registers, so that no two instructions are contracted into one.
#pragma once
#include "divider.hpp"
#include "host.hpp"
#include "pointwise_apply.hpp"
#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace moho::nn::detail {

/// An instruction as a device reads it: out = op(a, b, c) of registers.
template <class T>
struct DeviceInstruction {
  Code code;
  std::uint8_t a, b, c, out;
  T value;
};

/// Instructions with few registers: one is given to another value when its own is no longer needed.
template <class T>
struct DeviceCode {
  std::vector<DeviceInstruction<T>> instructions;
  std::vector<std::uint8_t> stored; ///< registers
  int registers = 0;
};

template <class T>
DeviceCode<T> device_code(Expression const& e) {
  std::size_t const loads = e.loads.size(), values = loads + e.instructions.size();
  std::vector<std::size_t> last(values, 0); // instruction that needs it, counted from 1
  for (std::size_t i = 0; i < e.instructions.size(); ++i) {
    Instruction const& one = e.instructions[i];
    int const of[] = {one.a, one.b, one.c};
    for (int k = 0; k < operands(one.op); ++k) last[static_cast<std::size_t>(of[k])] = i + 1;
  }
  for (auto const& store : e.stores) last[static_cast<std::size_t>(store.reg)] = values + 1;
  DeviceCode<T> code;
  code.registers = static_cast<int>(loads); // all loads come first
  std::vector<std::uint8_t> place(values), free;
  for (std::size_t l = 0; l < loads; ++l) place[l] = static_cast<std::uint8_t>(l);
  for (std::size_t i = 0; i < e.instructions.size(); ++i) {
    Instruction const& one = e.instructions[i];
    int const n = operands(one.op);
    auto const at = [&](int k, int reg) {
      return place[static_cast<std::size_t>(k < n ? reg : one.a)];
    };
    DeviceInstruction<T> to{
        code_of(one), at(0, one.a), at(1, one.b), at(2, one.c), 0, static_cast<T>(one.value)};
    for (std::size_t v = 0; v < loads + i; ++v)
      if (last[v] == i + 1) free.push_back(place[v]);
    if (free.empty()) free.push_back(static_cast<std::uint8_t>(code.registers++));
    to.out = place[loads + i] = free.back();
    free.pop_back();
    code.instructions.push_back(to);
  }
  for (auto const& store : e.stores)
    code.stored.push_back(place[static_cast<std::size_t>(store.reg)]);
  return code;
}

// ---- expressions as most are
// ----------------------------------------------------------------------

/// A kernel that travels whole with its launch: up to `entries` entries per thread, 32-bit offsets.
template <class T>
struct SmallRun {
  static constexpr int entries = 4, most_loads = 16, most_stores = 8, most_instructions = 40,
                       most_registers = 24;
  static constexpr std::uint32_t enough_threads = 1
                                                  << 18; ///< that have an entry, before any has two

  int rank = 0, loads = 0, stores = 0, instructions = 0;
  std::uint32_t size = 0, threads = 0;
  Divider extents[max_rank];
  std::int32_t load_strides[most_loads][max_rank] = {}, store_strides[most_stores][max_rank] = {};
  std::uint8_t stored[most_stores] = {};
  DeviceInstruction<T> code[most_instructions] = {};
  T const* in[most_loads] = {};
  T* out[most_stores] = {};

  /// Positions of a thread's entries along the last two axes; all axes before them are one.
  struct Positions {
    std::uint32_t outer[entries], row[entries], column[entries];
  };
  KOKKOS_FORCEINLINE_FUNCTION void offsets(Positions const& p, std::int32_t const* strides,
                                           std::int32_t* at) const {
    for (int k = 0; k < entries; ++k)
      at[k] = static_cast<std::int32_t>(p.column[k]) * strides[rank - 1];
    if (rank > 1)
      for (int k = 0; k < entries; ++k)
        at[k] += static_cast<std::int32_t>(p.row[k]) * strides[rank - 2];
    if (rank == 3)
      for (int k = 0; k < entries; ++k) at[k] += static_cast<std::int32_t>(p.outer[k]) * strides[0];
    if (rank > 3)
      for (int k = 0; k < entries; ++k) {
        std::uint32_t outer = p.outer[k];
        for (int d = rank - 3; d >= 0; --d) {
          std::uint32_t index;
          extents[d].divide(outer, outer, index);
          at[k] += static_cast<std::int32_t>(index) * strides[d];
        }
      }
  }

  KOKKOS_FUNCTION void operator()(std::uint32_t thread) const {
    alignas(16) T reg[most_registers][entries];
    std::uint32_t entry[entries];
    Positions p;
    for (int k = 0; k < entries; ++k) {
      entry[k] = thread + static_cast<std::uint32_t>(k) * threads;
      // no branch, so that all loads are under way together
      p.column[k] = entry[k] < size ? entry[k] : thread;
      p.row[k] = p.outer[k] = 0;
    }
    if (rank > 1)
      for (int k = 0; k < entries; ++k)
        extents[rank - 1].divide(p.column[k], p.row[k], p.column[k]);
    if (rank > 2)
      for (int k = 0; k < entries; ++k) extents[rank - 2].divide(p.row[k], p.outer[k], p.row[k]);
    for (int l = 0; l < loads; ++l) {
      std::int32_t at[entries];
      T loaded[entries];
      offsets(p, load_strides[l], at);
      for (int k = 0; k < entries; ++k) loaded[k] = in[l][at[k]];
      for (int k = 0; k < entries; ++k) reg[l][k] = loaded[k];
    }
    for (int i = 0; i < instructions; ++i)
      apply<entries>(code[i].code, reg[code[i].a], reg[code[i].b], reg[code[i].c], code[i].value,
                     reg[code[i].out]);
    for (int j = 0; j < stores; ++j) {
      std::int32_t at[entries];
      offsets(p, store_strides[j], at);
      for (int k = 0; k < entries; ++k)
        if (entry[k] < size) out[j][at[k]] = reg[stored[j]][k];
    }
  }
};

/// The kernel without its pointers; none if the expression is too large.
template <class T>
std::optional<SmallRun<T>> small_run(DeviceCode<T> const& code, Grid const& grid) {
  using Run = SmallRun<T>;
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (grid.loads.size() > Run::most_loads || grid.stores.size() > Run::most_stores ||
      code.instructions.size() > Run::most_instructions || code.registers > Run::most_registers)
    return std::nullopt;
  // an entry's number may exceed the size by as much as the threads'
  if (grid.size() > most / 2) return std::nullopt;
  Run run;
  auto const put = [&](Strides const& strides, std::int32_t* to) {
    std::int64_t reach = 0;
    for (std::size_t d = 0; d < static_cast<std::size_t>(grid.rank); ++d) {
      reach += (grid.extents[d] - 1) * strides[d];
      to[d] = static_cast<std::int32_t>(std::min(strides[d], most));
    }
    return reach <= most;
  };
  for (std::size_t l = 0; l < grid.loads.size(); ++l)
    if (!put(grid.loads[l], run.load_strides[l])) return std::nullopt;
  for (std::size_t j = 0; j < grid.stores.size(); ++j)
    if (!put(grid.stores[j], run.store_strides[j])) return std::nullopt;
  run.rank = grid.rank;
  run.loads = static_cast<int>(grid.loads.size());
  run.stores = static_cast<int>(grid.stores.size());
  run.instructions = static_cast<int>(code.instructions.size());
  run.size = static_cast<std::uint32_t>(grid.size());
  run.threads = std::min(
      run.size, std::max((run.size + Run::entries - 1) / Run::entries, Run::enough_threads));
  for (int d = 0; d < grid.rank; ++d)
    run.extents[d] = Divider(static_cast<std::uint32_t>(grid.extents[static_cast<std::size_t>(d)]));
  std::copy(code.stored.begin(), code.stored.end(), run.stored);
  std::copy(code.instructions.begin(), code.instructions.end(), run.code);
  return run;
}

// ---- any expression
// -------------------------------------------------------------------------------

/// What LargeRun reads from device memory.
template <class T>
struct LargeCode {
  int rank, loads, stores, instructions;
  std::int64_t extents[max_rank];
  std::int64_t load_strides[max_loads][max_rank], store_strides[max_stores][max_rank];
  std::uint8_t stored[max_stores];
  DeviceInstruction<T> code[max_instructions + max_stores]; ///< with a copy for each stored load
};

/// An entry per thread.
template <class T>
struct LargeRun {
  Kokkos::View<LargeCode<T>, MemorySpace> code;
  T const* in[max_loads];
  T* out[max_stores];

  KOKKOS_FUNCTION void operator()(std::int64_t entry) const {
    LargeCode<T> const& e = code();
    std::int64_t index[max_rank];
    for (int d = e.rank - 1; d >= 0; --d) {
      std::int64_t const next = entry / e.extents[d];
      index[d] = entry - next * e.extents[d];
      entry = next;
    }
    T reg[max_loads + max_instructions + max_stores];
    for (int l = 0; l < e.loads; ++l) {
      std::int64_t at = 0;
      for (int d = 0; d < e.rank; ++d) at += index[d] * e.load_strides[l][d];
      reg[l] = in[l][at];
    }
    for (int i = 0; i < e.instructions; ++i) {
      auto const one = e.code[i];
      apply<1>(one.code, reg + one.a, reg + one.b, reg + one.c, one.value, reg + one.out);
    }
    for (int j = 0; j < e.stores; ++j) {
      std::int64_t at = 0;
      for (int d = 0; d < e.rank; ++d) at += index[d] * e.store_strides[j][d];
      out[j][at] = reg[e.stored[j]];
    }
  }
};

template <class T>
Kokkos::View<LargeCode<T>, MemorySpace> large_code(DeviceCode<T> const& code, Grid const& grid) {
  Kokkos::View<LargeCode<T>, MemorySpace> view(
      Kokkos::view_alloc("moho::nn::pointwise", Kokkos::WithoutInitializing));
  auto const mirror = Kokkos::create_mirror_view(view);
  LargeCode<T>& to = mirror();
  to.rank = grid.rank;
  to.loads = static_cast<int>(grid.loads.size());
  to.stores = static_cast<int>(grid.stores.size());
  to.instructions = static_cast<int>(code.instructions.size());
  std::copy(grid.extents.begin(), grid.extents.end(), to.extents);
  for (std::size_t l = 0; l < grid.loads.size(); ++l)
    std::copy(grid.loads[l].begin(), grid.loads[l].end(), to.load_strides[l]);
  for (std::size_t j = 0; j < grid.stores.size(); ++j)
    std::copy(grid.stores[j].begin(), grid.stores[j].end(), to.store_strides[j]);
  std::copy(code.stored.begin(), code.stored.end(), to.stored);
  std::copy(code.instructions.begin(), code.instructions.end(), to.code);
  Kokkos::deep_copy(view, mirror);
  return view;
}

// ---- either
// ---------------------------------------------------------------------------------------

template <class T>
class DeviceExpression {
public:
  DeviceExpression(Expression const& simplified, Grid const& grid) : _entries(grid.size()) {
    DeviceCode<T> const code = device_code<T>(simplified);
    _small = small_run(code, grid);
    if (!_small) _large = large_code(code, grid);
    _loads = grid.loads.size();
    _stores = grid.stores.size();
  }

  void run(ExecutionSpace const& space, T const* const* in, T* const* out) const {
    if (_small)
      launch<std::uint32_t>(space, *_small, _small->threads, in, out);
    else
      launch<std::int64_t>(space, LargeRun<T>{_large, {}, {}}, _entries, in, out);
  }

private:
  std::int64_t _entries;
  std::size_t _loads, _stores;
  std::optional<SmallRun<T>> _small;
  Kokkos::View<LargeCode<T>, MemorySpace> _large;

  template <class Index, class Run>
  void launch(ExecutionSpace const& space, Run run, Index threads, T const* const* in,
              T* const* out) const {
    std::copy_n(in, _loads, run.in);
    std::copy_n(out, _stores, run.out);
    using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<Index>>;
    static const std::string label = "moho::nn::pointwise"; // made anew it would be an allocation
    Kokkos::parallel_for(label, sent_with_launch(Range(space, 0, threads)), run);
  }
};

} // namespace moho::nn::detail
