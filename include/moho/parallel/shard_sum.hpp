// SPDX-License-Identifier: BSD-3-Clause
// Sums of arrays over the ranks for data-parallel training: with the same bits on any number of
// ranks, or as fast as MPI does it.
#pragma once
#include "moho/parallel/device_mpi.hpp"
#include <cstddef>
#include <span>
#include <vector>

namespace moho::parallel {

/// Which of `shards` logical shards a rank owns: [first, last), neighbouring, sizes alike.
struct ShardRange {
  int first = 0, last = 0;
};
ShardRange owned_shards(int shards, int rank, int ranks);

/// Where the arrays of a sum lie: in plain memory, or where kernels work.
struct OnHost {
  using Space = Kokkos::HostSpace;
};
struct OnDevice {
  using Space = MemorySpace;
};

/// The sum of one array per shard, by a fixed binary tree over the shards: (0+1)+(2+3), ..; the
/// left operand is the one of lower index. So the bits do not depend on the number of ranks, which
/// is at most the number of shards, a power of two. T: float or double; Place: OnHost or OnDevice.
template <class T, class Place = OnHost>
class ShardSum {
public:
  using Array = Kokkos::View<T*, typename Place::Space>;

  /// `mpi`: how the arrays reach MPI. Throws moho::Error when there are more ranks than shards.
  ShardSum(Comm const& comm, int shards, std::size_t size, DeviceMpi mpi = DeviceMpi::host);

  ShardRange owned() const { return _owned; }
  /// Forgets what was added; the next shard is the first that this rank owns.
  void start();
  /// Room (size) for the array of the next owned shard; filled by the caller, whose kernels of the
  /// default instance of ExecutionSpace may still run, before `commit`.
  Array next();
  void commit();
  /// After all owned shards: every rank gets the sum. Collective.
  void finish(Array const& result);

private:
  /// A sum over shards [first, last), in buffer `buffer`.
  struct Part {
    int first, last, buffer;
  };
  Part combine(int first, int last);
  void add(Part& left, Part const& right);
  int free_buffer() const;
  int room();
  void send(Array const& values, int to);
  void receive(Array const& values, int from);
  void broadcast(Array const& values);
  T* stage();

  Comm _comm;
  int _shards;
  std::size_t _size;
  DeviceMpi _mpi;
  ShardRange _owned;
  int _next = 0;
  std::vector<Array> _buffers;
  std::vector<Part> _parts;                ///< ascending, each as large as the tree allows
  Kokkos::View<T*, StagingSpace> _staging; ///< of what MPI is not given itself
};

/// In-place sums over the ranks that go on while the caller works. The order of summation is MPI's.
/// Values lie on the host: Open MPI takes arrays of a device in blocking collectives alone
/// (https://www.open-mpi.org/faq/?category=runcuda).
class RunningSums {
public:
  explicit RunningSums(Comm const& comm) : _comm(comm) {}
  ~RunningSums();
  RunningSums(RunningSums const&) = delete;
  RunningSums& operator=(RunningSums const&) = delete;

  /// Begins to sum; all ranks start the same sums in the same order. `values` stay untouched until
  /// `wait`.
  void start(std::span<float> values);
  void start(std::span<double> values);
  /// Lets MPI make progress.
  void poke();
  /// Waits for all; returns the seconds it waited.
  double wait();

private:
  Comm _comm;
  std::vector<MPI_Request> _requests;
};

} // namespace moho::parallel
