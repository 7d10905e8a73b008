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

} // namespace

ShardRange owned_shards(int shards, int rank, int ranks) {
  return {shards * rank / ranks, shards * (rank + 1) / ranks};
}

template <class T>
ShardSum<T>::ShardSum(Comm const& comm, int shards, std::size_t size)
    : _comm(comm), _shards(shards), _size(size),
      _owned(owned_shards(shards, comm.rank(), comm.size())) {
  MOHO_REQUIRE(shards > 0 && (shards & (shards - 1)) == 0);
  if (comm.size() > shards)
    throw Error("training on " + std::to_string(comm.size()) + " ranks (its batches have " +
                std::to_string(shards) + " shards, so that sums do not depend on the number of " +
                "ranks); use at most " + std::to_string(shards) + " or the fast mode");
  start();
}

template <class T>
void ShardSum<T>::start() {
  _parts.clear();
  _next = _owned.first;
}

template <class T>
int ShardSum<T>::free_buffer() const {
  for (std::size_t i = 0; i < _buffers.size(); ++i)
    if (std::none_of(_parts.begin(), _parts.end(),
                     [&](Part const& part) { return part.buffer == static_cast<int>(i); }))
      return static_cast<int>(i);
  return -1;
}

template <class T>
std::span<T> ShardSum<T>::next() {
  MOHO_REQUIRE(_next < _owned.last);
  int buffer = free_buffer();
  if (buffer < 0) {
    buffer = static_cast<int>(_buffers.size());
    _buffers.emplace_back(_size);
  }
  return _buffers[static_cast<std::size_t>(buffer)];
}

template <class T>
void ShardSum<T>::add(Part& left, Part const& right) {
  T* const to = _buffers[static_cast<std::size_t>(left.buffer)].data();
  T const* const from = _buffers[static_cast<std::size_t>(right.buffer)].data();
  for (std::size_t i = 0; i < _size; ++i) to[i] = to[i] + from[i];
  left.last = right.last;
}

template <class T>
void ShardSum<T>::commit() {
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
template <class T>
typename ShardSum<T>::Part ShardSum<T>::combine(int first, int last) {
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
  int const count = static_cast<int>(_size);
  if (me == right_rank)
    detail::mpi_check(MPI_Send(_buffers[static_cast<std::size_t>(right.buffer)].data(), count,
                               type_of<T>(), left_rank, tag, _comm.raw()),
                      "MPI_Send");
  if (me != left_rank) return {first, last, -1};
  int buffer = free_buffer();
  if (buffer < 0) {
    buffer = static_cast<int>(_buffers.size());
    _buffers.emplace_back(_size);
  }
  detail::mpi_check(MPI_Recv(_buffers[static_cast<std::size_t>(buffer)].data(), count, type_of<T>(),
                             right_rank, tag, _comm.raw(), MPI_STATUS_IGNORE),
                    "MPI_Recv");
  add(left, {middle, last, buffer});
  std::find_if(_parts.begin(), _parts.end(), [&](Part const& one) {
    return one.buffer == left.buffer;
  })->last = last;
  return left;
}

template <class T>
void ShardSum<T>::finish(std::span<T> result) {
  MOHO_REQUIRE(_next == _owned.last && result.size() == _size);
  Part const all = combine(0, _shards);
  if (_comm.root()) {
    auto const& total = _buffers[static_cast<std::size_t>(all.buffer)];
    std::copy(total.begin(), total.end(), result.begin());
  }
  if (_comm.size() > 1)
    detail::mpi_check(
        MPI_Bcast(result.data(), static_cast<int>(_size), type_of<T>(), 0, _comm.raw()),
        "MPI_Bcast");
  start();
}

template class ShardSum<float>;
template class ShardSum<double>;

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
