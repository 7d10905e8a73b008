// SPDX-License-Identifier: BSD-3-Clause
// The interpreter of an expression on a device: a thread per entry. Every instruction's result goes
// through an array of registers, so that no two instructions are contracted into one.
#pragma once
#include "host.hpp"
#include "pointwise_apply.hpp"
#include <algorithm>

namespace moho::nn::detail {

/// An expression as a thread reads it, in device memory.
template <class T>
struct DeviceCode {
  struct One {
    Code code;
    std::uint8_t a, b, c;
    T value;
  };
  int rank, loads, stores, instructions;
  std::int64_t extents[max_rank];
  std::int64_t load_strides[max_loads][max_rank], store_strides[max_stores][max_rank];
  std::uint8_t stored[max_stores];
  One code[max_instructions + max_stores]; ///< with a copy for each load that is stored
};

template <class T>
using DeviceCodeView = Kokkos::View<DeviceCode<T>, MemorySpace>;

template <class T>
DeviceCodeView<T> device_code(Expression const& e, Grid const& grid) {
  DeviceCodeView<T> view(Kokkos::view_alloc("moho::nn::pointwise", Kokkos::WithoutInitializing));
  auto const mirror = Kokkos::create_mirror_view(view);
  DeviceCode<T>& to = mirror();
  to.rank = grid.rank;
  to.loads = static_cast<int>(e.loads.size());
  to.stores = static_cast<int>(e.stores.size());
  to.instructions = static_cast<int>(e.instructions.size());
  std::copy(grid.extents.begin(), grid.extents.end(), to.extents);
  for (std::size_t l = 0; l < grid.loads.size(); ++l)
    std::copy(grid.loads[l].begin(), grid.loads[l].end(), to.load_strides[l]);
  for (std::size_t j = 0; j < grid.stores.size(); ++j) {
    std::copy(grid.stores[j].begin(), grid.stores[j].end(), to.store_strides[j]);
    to.stored[j] = static_cast<std::uint8_t>(e.stores[j].reg);
  }
  for (std::size_t i = 0; i < e.instructions.size(); ++i) {
    Instruction const& one = e.instructions[i];
    int const n = operands(one.op);
    to.code[i] = {code_of(one), static_cast<std::uint8_t>(one.a),
                  static_cast<std::uint8_t>(n > 1 ? one.b : one.a),
                  static_cast<std::uint8_t>(n > 2 ? one.c : one.a), static_cast<T>(one.value)};
  }
  Kokkos::deep_copy(view, mirror);
  return view;
}

template <class T>
struct DeviceRun {
  DeviceCodeView<T> code;
  T const* in[max_loads];
  T* out[max_stores];

  KOKKOS_FUNCTION void operator()(std::int64_t entry) const {
    DeviceCode<T> const& e = code();
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
      reg[e.loads + i] = apply<T>(one.code, reg[one.a], reg[one.b], reg[one.c], one.value);
    }
    for (int j = 0; j < e.stores; ++j) {
      std::int64_t at = 0;
      for (int d = 0; d < e.rank; ++d) at += index[d] * e.store_strides[j][d];
      out[j][at] = reg[e.stored[j]];
    }
  }
};

template <class T>
void run_on_device(ExecutionSpace const& space, Plan const& plan, DeviceCodeView<T> const& code,
                   T const* const* in, T* const* out) {
  DeviceRun<T> work{code, {}, {}};
  std::copy_n(in, plan.loads.size(), work.in);
  std::copy_n(out, plan.stores.size(), work.out);
  using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;
  Kokkos::parallel_for("moho::nn::pointwise", sent_with_launch(Range(space, 0, plan.grid.size())),
                       work);
}

} // namespace moho::nn::detail
