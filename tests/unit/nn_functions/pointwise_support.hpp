// SPDX-License-Identifier: BSD-3-Clause
// Expressions on arrays in plain memory, run by the kernel and by plain loops.
#pragma once
#include "moho/core/host_copy.hpp"
#include "moho/nn/pointwise.hpp"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <vector>

namespace moho::nn::test {

using Strides = std::vector<std::int64_t>;

/// An array of an expression: where it begins in `memory`, with gaps around and inside.
template <class T>
struct Array {
  std::vector<T> memory;
  std::int64_t begin = 0;
};

/// Calls body(linear index, index) for every entry of a shape.
template <class Body>
void for_entries(Shape const& shape, Body const& body) {
  Strides index(static_cast<std::size_t>(shape.rank()), 0);
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    body(i, index);
    for (int d = shape.rank() - 1; d >= 0; --d) {
      if (++index[static_cast<std::size_t>(d)] < shape[d]) break;
      index[static_cast<std::size_t>(d)] = 0;
    }
  }
}
inline std::int64_t offset(Strides const& strides, Strides const& index) {
  std::int64_t at = 0;
  for (std::size_t d = 0; d < index.size(); ++d) at += strides[d] * index[d];
  return at;
}
/// Entries from the first to the last that strides >= 0 reach.
inline std::int64_t span(Shape const& shape, Strides const& strides) {
  std::int64_t n = 1;
  for (int d = 0; d < shape.rank(); ++d) n += strides[static_cast<std::size_t>(d)] * (shape[d] - 1);
  return n;
}

/// Runs the kernel on copies in device memory. `shared[j]`: the load whose memory store j writes
/// to, or -1. Returns the memory of the outputs.
template <class T>
std::vector<std::vector<T>> run(Expression const& e, std::vector<Array<T>> const& loads,
                                std::vector<Array<T>> const& stores,
                                std::vector<int> const& shared = {}) {
  PointwiseKernel<T> const kernel(e);
  std::vector<Kokkos::View<T*, MemorySpace>> in_memory, out_memory;
  std::vector<T const*> in;
  std::vector<T*> out;
  for (auto const& load : loads) {
    in_memory.push_back(to_device("in", load.memory));
    in.push_back(in_memory.back().data() + load.begin);
  }
  for (std::size_t j = 0; j < stores.size(); ++j) {
    bool const own = shared.empty() || shared[j] < 0;
    out_memory.push_back(own ? to_device("out", stores[j].memory)
                             : in_memory[static_cast<std::size_t>(shared[j])]);
    out.push_back(own ? out_memory.back().data() + stores[j].begin
                      : const_cast<T*>(in[static_cast<std::size_t>(shared[j])]));
  }
  kernel.run(ExecutionSpace(), in.data(), out.data());
  Kokkos::fence();
  std::vector<std::vector<T>> result;
  for (auto const& memory : out_memory) result.push_back(to_host(memory));
  return result;
}

/// One instruction as a kernel of its own on contiguous arrays.
template <class T>
std::vector<T> run_one(Instruction one, std::vector<std::vector<T>> const& operand) {
  auto const n = static_cast<std::int64_t>(operand[0].size());
  Expression e{Shape{n}, {}, {}, {}};
  std::vector<Array<T>> loads;
  for (auto const& values : operand) {
    e.loads.push_back({1});
    loads.push_back({values, 0});
  }
  one.a = 0;
  one.b = operand.size() > 1 ? 1 : 0;
  one.c = operand.size() > 2 ? 2 : 0;
  e.instructions = {one};
  e.stores = {{static_cast<int>(operand.size()), {1}}};
  return run<T>(e, loads, {{std::vector<T>(operand[0].size()), 0}})[0];
}

/// Contiguous values of a load.
template <class T>
std::vector<T> gathered(Shape const& shape, Strides const& strides, Array<T> const& array) {
  std::vector<T> values(static_cast<std::size_t>(shape.size()));
  for_entries(shape, [&](std::int64_t i, Strides const& index) {
    values[static_cast<std::size_t>(i)] =
        array.memory[static_cast<std::size_t>(array.begin + offset(strides, index))];
  });
  return values;
}

/// All registers, each instruction run on its own.
template <class T>
std::vector<std::vector<T>> registers(Expression const& e, std::vector<Array<T>> const& loads) {
  std::vector<std::vector<T>> reg;
  for (std::size_t l = 0; l < loads.size(); ++l)
    reg.push_back(gathered(e.shape, e.loads[l], loads[l]));
  for (Instruction const& one : e.instructions) {
    std::vector<std::vector<T>> operand;
    int const of[] = {one.a, one.b, one.c};
    for (int k = 0; k < operands(one.op); ++k)
      operand.push_back(reg[static_cast<std::size_t>(of[k])]);
    reg.push_back(run_one(one, operand));
  }
  return reg;
}

/// Entries whose bits differ; also those that should not have been written to.
template <class T>
std::int64_t different(Expression const& e, std::vector<Array<T>> const& loads,
                       std::vector<Array<T>> const& stores, std::vector<int> const& shared,
                       std::vector<std::vector<T>> const& found) {
  auto const reg = registers(e, loads);
  std::int64_t wrong = 0;
  for (std::size_t j = 0; j < e.stores.size(); ++j) {
    bool const own = shared.empty() || shared[j] < 0;
    Array<T> expected = own ? stores[j] : loads[static_cast<std::size_t>(shared[j])];
    auto const& values = reg[static_cast<std::size_t>(e.stores[j].reg)];
    for_entries(e.shape, [&](std::int64_t i, Strides const& index) {
      expected
          .memory[static_cast<std::size_t>(expected.begin + offset(e.stores[j].strides, index))] =
          values[static_cast<std::size_t>(i)];
    });
    for (std::size_t i = 0; i < expected.memory.size(); ++i)
      wrong += std::memcmp(&expected.memory[i], &found[j][i], sizeof(T)) != 0;
  }
  return wrong;
}

template <class T>
std::vector<T> random_values(std::int64_t n, std::mt19937_64& random, double low = -2,
                             double high = 2) {
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> values(static_cast<std::size_t>(n));
  for (T& v : values) v = static_cast<T>(uniform(random));
  return values;
}

} // namespace moho::nn::test
