// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/shard_sum.hpp"
#include "mpi_check.hpp"
#include <algorithm>

namespace moho::parallel {
namespace {

constexpr int tag = 4711;

template <class T>
MPI_Datatype type_of();
template <>
MPI_Datatype type_of<float>() {
  return MPI_FLOAT;
}
template <>
MPI_Datatype type_of<double>() {
  return MPI_DOUBLE;
}

int owner_of(int shard, int shards, int ranks) {
  for (int rank = 0; rank < ranks; ++rank)
    if (shard < owned_shards(shards, rank, ranks).last) return rank;
  return ranks - 1;
}

template <class T>
void add_to(OnHost, T* to, T const* from, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to[i] = to[i] + from[i];
}
template <class T>
void add_to(OnDevice, T* to, T const* from, std::size_t size) {
  Kokkos::parallel_for(
      "moho::parallel::ShardSum::add", Kokkos::RangePolicy<ExecutionSpace>(0, size),
      KOKKOS_LAMBDA(std::size_t i) { to[i] = to[i] + from[i]; });
}

} // namespace

ShardRange owned_shards(int shards, int rank, int ranks) {
  return {shards * rank / ranks, shards * (rank + 1) / ranks};
}

template <class T, class Place>
ShardSum<T, Place>::ShardSum(Comm const& comm, int shards, std::size_t size, DeviceMpi mpi)
    : _comm(comm), _shards(shards), _size(size), _mpi(mpi),
      _owned(owned_shards(shards, comm.rank(), comm.size())) {
  MOHO_REQUIRE(shards > 0 && (shards & (shards - 1)) == 0);
  if (comm.size() > shards)
    throw Error("training on " + std::to_string(comm.size()) + " ranks (its batches have " +
                std::to_string(shards) + " shards, so that sums do not depend on the number of " +
                "ranks); use at most " + std::to_string(shards) + " or the fast mode");
  start();
}

template <class T, class Place>
void ShardSum<T, Place>::start() {
  _parts.clear();
  _next = _owned.first;
}

template <class T, class Place>
int ShardSum<T, Place>::free_buffer() const {
  for (std::size_t i = 0; i < _buffers.size(); ++i)
    if (std::none_of(_parts.begin(), _parts.end(),
                     [&](Part const& part) { return part.buffer == static_cast<int>(i); }))
      return static_cast<int>(i);
  return -1;
}

/// A free buffer, made where there is none.
template <class T, class Place>
int ShardSum<T, Place>::room() {
  int const buffer = free_buffer();
  if (buffer >= 0) return buffer;
  _buffers.emplace_back("moho::parallel::ShardSum", _size);
  return static_cast<int>(_buffers.size()) - 1;
}

template <class T, class Place>
typename ShardSum<T, Place>::Array ShardSum<T, Place>::next() {
  MOHO_REQUIRE(_next < _owned.last);
  return _buffers[static_cast<std::size_t>(room())];
}

template <class T, class Place>
void ShardSum<T, Place>::add(Part& left, Part const& right) {
  add_to(Place{}, _buffers[static_cast<std::size_t>(left.buffer)].data(),
         _buffers[static_cast<std::size_t>(right.buffer)].data(), _size);
  left.last = right.last;
}

template <class T, class Place>
void ShardSum<T, Place>::commit() {
  _parts.push_back({_next, _next + 1, free_buffer()});
  ++_next;
  // siblings of the tree become their parent
  while (_parts.size() > 1) {
    Part &left = _parts[_parts.size() - 2], &right = _parts.back();
    int const width = right.last - right.first;
    if (left.last - left.first != width || left.first % (2 * width) != 0) break;
    add(left, right);
    _parts.pop_back();
  }
}

/// The sum over a node of the tree; it lies on the rank that owns the node's first shard.
template <class T, class Place>
typename ShardSum<T, Place>::Part ShardSum<T, Place>::combine(int first, int last) {
  int const ranks = _comm.size(), me = _comm.rank();
  int const left_rank = owner_of(first, _shards, ranks),
            last_rank = owner_of(last - 1, _shards, ranks);
  if (me < left_rank || me > last_rank) return {first, last, -1};
  if (left_rank == last_rank) {
    auto const part = std::find_if(_parts.begin(), _parts.end(), [&](Part const& one) {
      return one.first == first && one.last == last;
    });
    MOHO_REQUIRE(part != _parts.end());
    return *part;
  }
  int const middle = (first + last) / 2, right_rank = owner_of(middle, _shards, ranks);
  Part left = combine(first, middle);
  Part right = combine(middle, last);
  if (left_rank == right_rank) {
    if (me != left_rank) return {first, last, -1};
    add(left, right);
    auto const is = [](int buffer) {
      return [buffer](Part const& one) { return one.buffer == buffer; };
    };
    _parts.erase(std::remove_if(_parts.begin(), _parts.end(), is(right.buffer)), _parts.end());
    std::find_if(_parts.begin(), _parts.end(), is(left.buffer))->last = last;
    return left;
  }
  if (me == right_rank) send(_buffers[static_cast<std::size_t>(right.buffer)], left_rank);
  if (me != left_rank) return {first, last, -1};
  int const buffer = room();
  receive(_buffers[static_cast<std::size_t>(buffer)], right_rank);
  add(left, {middle, last, buffer});
  std::find_if(_parts.begin(), _parts.end(), [&](Part const& one) {
    return one.buffer == left.buffer;
  })->last = last;
  return left;
}

template <class T, class Place>
void ShardSum<T, Place>::finish(Array const& result) {
  MOHO_REQUIRE(_next == _owned.last && result.extent(0) == _size);
  Part const all = combine(0, _shards);
  if (_comm.root()) Kokkos::deep_copy(result, _buffers[static_cast<std::size_t>(all.buffer)]);
  if (_comm.size() > 1) broadcast(result);
  start();
}

// --- what goes through MPI: the array itself, or a copy on the host ------------------------------

/// Memory of the host where MPI finds and leaves values.
template <class T, class Place>
T* ShardSum<T, Place>::stage() {
  if (_staging.extent(0) != _size)
    _staging = Kokkos::View<T*, StagingSpace>("moho::parallel::ShardSum::staging", _size);
  return _staging.data();
}

template <class T, class Place>
void ShardSum<T, Place>::send(Array const& values, int to) {
  bool const staged = _mpi == DeviceMpi::staged;
  T* const from = staged ? stage() : values.data();
  if (staged) Kokkos::deep_copy(_staging, values);
  Kokkos::fence();
  detail::mpi_check(MPI_Send(from, static_cast<int>(_size), type_of<T>(), to, tag, _comm.raw()),
                    "MPI_Send");
}

template <class T, class Place>
void ShardSum<T, Place>::receive(Array const& values, int from) {
  bool const staged = _mpi == DeviceMpi::staged;
  Kokkos::fence(); // kernels may still read what is overwritten
  detail::mpi_check(MPI_Recv(staged ? stage() : values.data(), static_cast<int>(_size),
                             type_of<T>(), from, tag, _comm.raw(), MPI_STATUS_IGNORE),
                    "MPI_Recv");
  if (staged) Kokkos::deep_copy(values, _staging);
}

template <class T, class Place>
void ShardSum<T, Place>::broadcast(Array const& values) {
  bool const staged = _mpi == DeviceMpi::staged;
  T* const buffer = staged ? stage() : values.data();
  if (staged && _comm.root()) Kokkos::deep_copy(_staging, values);
  Kokkos::fence();
  detail::mpi_check(MPI_Bcast(buffer, static_cast<int>(_size), type_of<T>(), 0, _comm.raw()),
                    "MPI_Bcast");
  if (staged && !_comm.root()) Kokkos::deep_copy(values, _staging);
}

template class ShardSum<float, OnHost>;
template class ShardSum<double, OnHost>;
template class ShardSum<float, OnDevice>;
template class ShardSum<double, OnDevice>;

RunningSums::~RunningSums() {
  if (!_requests.empty())
    MPI_Waitall(static_cast<int>(_requests.size()), _requests.data(), MPI_STATUSES_IGNORE);
}

namespace {

template <class T>
MPI_Request started(std::span<T> values, Comm const& comm) {
  MPI_Request request = MPI_REQUEST_NULL;
  detail::mpi_check(MPI_Iallreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()),
                                   type_of<T>(), MPI_SUM, comm.raw(), &request),
                    "MPI_Iallreduce");
  return request;
}

} // namespace

void RunningSums::start(std::span<float> values) {
  _requests.push_back(started(values, _comm));
}
void RunningSums::start(std::span<double> values) {
  _requests.push_back(started(values, _comm));
}

void RunningSums::poke() {
  if (_requests.empty()) return;
  int done = 0;
  detail::mpi_check(
      MPI_Testall(static_cast<int>(_requests.size()), _requests.data(), &done, MPI_STATUSES_IGNORE),
      "MPI_Testall");
  if (done) _requests.clear();
}

double RunningSums::wait() {
  if (_requests.empty()) return 0;
  double const begin = MPI_Wtime();
  detail::mpi_check(
      MPI_Waitall(static_cast<int>(_requests.size()), _requests.data(), MPI_STATUSES_IGNORE),
      "MPI_Waitall");
  _requests.clear();
  return MPI_Wtime() - begin;
}

} // namespace moho::parallel
