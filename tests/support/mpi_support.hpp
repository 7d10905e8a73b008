// SPDX-License-Identifier: BSD-3-Clause
// Helpers for tests under MPI. Use EXPECT, not ASSERT: a rank that leaves early hangs the others.
#pragma once
#include <cstring>
#include <gtest/gtest.h>
#include <mpi.h>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace moho::test {

inline int world_rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

inline int world_size() {
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

/// Collective: success, on every rank, if `bytes` is the same on all ranks.
inline testing::AssertionResult all_ranks_agree_on_bytes(std::span<std::byte const> bytes) {
  unsigned long long length = bytes.size();
  MPI_Bcast(&length, 1, MPI_UNSIGNED_LONG_LONG, 0, MPI_COMM_WORLD);
  std::vector<std::byte> root(length);
  if (world_rank() == 0 && length > 0) std::memcpy(root.data(), bytes.data(), length);
  MPI_Bcast(root.data(), static_cast<int>(length), MPI_BYTE, 0, MPI_COMM_WORLD);
  bool const same = bytes.size() == length &&
                    (length == 0 || std::memcmp(root.data(), bytes.data(), length) == 0);
  int first = same ? world_size() : world_rank();
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  if (first == world_size()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "rank " << first << " differs from rank 0";
}

/// Collective: success, on every rank, if `value` (a number, a string or a container of numbers) is
/// the same on all ranks, bit for bit.
template <class T>
testing::AssertionResult all_ranks_agree(T const& value) {
  if constexpr (std::is_trivially_copyable_v<T>) {
    return all_ranks_agree_on_bytes(std::as_bytes(std::span<T const>(&value, 1)));
  } else {
    return all_ranks_agree_on_bytes(std::as_bytes(std::span(value.data(), value.size())));
  }
}

/// Collective: success, on every rank, if `condition` holds on all ranks.
inline testing::AssertionResult holds_on_all_ranks(bool condition) {
  int first = condition ? world_size() : world_rank();
  MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
  if (first == world_size()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "does not hold on rank " << first;
}

} // namespace moho::test
