// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/sharded_loss.hpp"
#include "moho/core/error.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/ops.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

namespace moho::study {
namespace {

/// Entries of a gradient that are summed over the ranks at a time: 1 to 4 MiB.
constexpr std::int64_t piece_entries = 1 << 19;

template <class T>
void add_to(DeviceArray<T> const& to, DeviceArray<T> const& from, std::int64_t offset,
            std::int64_t count) {
  Kokkos::parallel_for(
      "moho::study::add", Kokkos::RangePolicy<ExecutionSpace>(offset, offset + count),
      KOKKOS_LAMBDA(std::int64_t i) { to(i) += from(i); });
}

} // namespace

template <class T>
ParallelLoss<T>::ParallelLoss(parallel::Comm const& comm, Reduction reduction, ShardedLoss<T>& loss,
                              Staging staging)
    : _comm(comm), _reduction(reduction), _loss(loss), _gradient(staging) {
  auto const size = static_cast<std::size_t>(loss.parameters());
  if (reduction == Reduction::deterministic) {
    _sum = std::make_unique<parallel::ShardSum<T, parallel::OnDevice>>(
        comm, logical_shards, size, parallel::device_mpi(comm, staging));
    _losses = std::make_unique<parallel::ShardSum<double>>(comm, logical_shards, 1);
  }
}

template <class T>
double ParallelLoss<T>::evaluate(DeviceArray<T> const& theta, DeviceArray<T> const& gradient) {
  const Stopwatch watch;
  double const loss = _reduction == Reduction::deterministic ? deterministic(theta, gradient)
                                                             : fast(theta, gradient);
  _total += watch.seconds();
  if (!std::isfinite(loss)) parallel::run_collectively(_comm, [&] { _loss.rethrow(); });
  return loss;
}

template <class T>
double ParallelLoss<T>::deterministic(DeviceArray<T> const& theta, DeviceArray<T> const& gradient) {
  _loss.share(logical_shards);
  _sum->start();
  _losses->start();
  for (int shard = _sum->owned().first; shard < _sum->owned().last; ++shard) {
    _losses->next()(0) = _loss.evaluate(shard, theta, _sum->next(), {});
    _losses->commit();
    _sum->commit();
  }
  const Stopwatch watch;
  double loss = 0;
  _losses->finish(parallel::ShardSum<double>::Array(&loss, 1));
  _sum->finish(gradient);
  _exposed += watch.seconds();
  return loss;
}

template <class T>
double ParallelLoss<T>::fast(DeviceArray<T> const& theta, DeviceArray<T> const& gradient) {
  _loss.share(_comm.size());
  parallel::RunningSums sums(_comm);
  if (_comm.size() == 1) return _loss.evaluate(0, theta, gradient, {});
  const ExecutionSpace space;
  _gradient.bind(gradient);
  double const mine =
      _loss.evaluate(_comm.rank(), theta, gradient, [&](std::int64_t offset, std::int64_t count) {
        auto const first = static_cast<std::size_t>(offset), n = static_cast<std::size_t>(count);
        _gradient.to_host(space, first, n);
        sums.poke();
        sums.start(_gradient.host().subspan(first, n));
      });
  _exposed += sums.wait();
  _gradient.to_device(space);
  return _comm.sum(mine);
}

template class ParallelLoss<float>;
template class ParallelLoss<double>;

template <class T>
MemoryItems<T>::MemoryItems(std::vector<std::vector<T>> arrays, std::vector<std::int64_t> widths)
    : _arrays(std::move(arrays)), _widths(std::move(widths)),
      _count(static_cast<std::int64_t>(_arrays.at(0).size()) / _widths.at(0)) {
  for (std::size_t i = 0; i < _arrays.size(); ++i)
    MOHO_REQUIRE(static_cast<std::int64_t>(_arrays[i].size()) == _count * _widths[i]);
}

template <class T>
void MemoryItems<T>::fetch(std::span<const std::int64_t> items, std::span<T* const> out) const {
  for (std::size_t i = 0; i < _arrays.size(); ++i) {
    T* to = out[i];
    for (std::int64_t const item : items)
      to = std::copy_n(_arrays[i].data() + item * _widths[i], _widths[i], to);
  }
}

template class MemoryItems<float>;
template class MemoryItems<double>;

template <class T>
BatchLoss<T>::BatchLoss(ItemSource<T> const& source, ItemLoss loss, std::int64_t parameters,
                        std::int64_t chunk, Staging staging)
    : _source(source), _loss(std::move(loss)), _parameters(parameters), _chunk(chunk),
      _staging(staging) {
  MOHO_REQUIRE(chunk > 0);
}

template <class T>
void BatchLoss<T>::share(int shards) {
  if (static_cast<int>(_batch.size()) < shards)
    throw Error("a batch of " + std::to_string(_batch.size()) + " items (it is shared among " +
                std::to_string(shards) + " shards); use a larger one");
  _shards = shards;
}

template <class T>
typename BatchLoss<T>::Chunk& BatchLoss<T>::chunk_of(std::int64_t items) {
  Chunk& chunk = _chunks[items];
  if (chunk.program) return chunk;
  chunk.theta = chunk.tape.input("theta", {_parameters});
  nn::Value const weight = chunk.tape.input("weight", {});
  std::vector<nn::Value> arrays;
  for (std::int64_t const width : _source.widths())
    arrays.push_back(chunk.tape.input("array" + std::to_string(arrays.size()), {items, width}));
  nn::Value const loss = weight * _loss(chunk.theta, arrays);
  chunk.program = std::make_unique<nn::Program<T>>(std::vector{loss, nn::grad(loss, chunk.theta)});
  chunk.pieces = chunk.program->pieces(1, piece_entries);
  for (nn::Value const array : arrays)
    chunk.arrays.emplace_back(chunk.program->input(array), _staging);
  chunk.weight = Staged<T>(chunk.program->input(weight), _staging);
  chunk.loss = Staged<T>(chunk.program->result(0), _staging);
  if (_more.extent(0) == 0)
    _more =
        DeviceArray<T>("moho::study::gradient of a chunk", static_cast<std::size_t>(_parameters));
  return chunk;
}

/// What cannot be read becomes NaN, so that this rank takes part in the sums; see `rethrow`.
template <class T>
void BatchLoss<T>::fill(Chunk& chunk, std::span<const std::int64_t> items,
                        ExecutionSpace const& space) {
  std::vector<T*> rows;
  for (Staged<T> const& array : chunk.arrays) rows.push_back(array.host().data());
  try {
    _source.fetch(items, rows);
  } catch (...) {
    _failure = std::current_exception();
    for (Staged<T> const& array : chunk.arrays)
      std::ranges::fill(array.host(), std::numeric_limits<T>::quiet_NaN());
  }
  chunk.weight.host()[0] = static_cast<T>(1.0 / static_cast<double>(_batch.size()));
  for (Staged<T> const& array : chunk.arrays) array.to_device(space);
  chunk.weight.to_device(space);
}

template <class T>
void BatchLoss<T>::rethrow() {
  if (_failure) std::rethrow_exception(std::exchange(_failure, nullptr));
}

template <class T>
double BatchLoss<T>::evaluate(int shard, DeviceArray<T> const& theta,
                              DeviceArray<T> const& gradient,
                              typename ShardedLoss<T>::Ready const& ready) {
  auto const batch = static_cast<std::int64_t>(_batch.size());
  std::int64_t const first = batch * shard / _shards, last = batch * (shard + 1) / _shards;
  std::int64_t const chunks = (last - first + _chunk - 1) / _chunk;
  const ExecutionSpace space;
  double loss = 0;
  for (std::int64_t c = 0; c < chunks; ++c) {
    std::int64_t const begin = first + (last - first) * c / chunks,
                       end = first + (last - first) * (c + 1) / chunks;
    Chunk& chunk = chunk_of(end - begin);
    nn::Program<T>& program = *chunk.program;
    fill(chunk,
         std::span(_batch).subspan(static_cast<std::size_t>(begin),
                                   static_cast<std::size_t>(end - begin)),
         space);
    program.bind(chunk.theta, theta);
    DeviceArray<T> const& to = c == 0 ? gradient : _more;
    program.bind_result(1, to);
    std::size_t step = 0;
    for (auto const& piece : chunk.pieces) {
      program.run(space, step, piece.step);
      step = piece.step;
      if (c > 0) add_to<T>(gradient, _more, piece.offset, piece.count);
      if (ready && c + 1 == chunks) ready(piece.offset, piece.count);
    }
    program.run(space, step, program.steps());
    chunk.loss.to_host(space); // the next rows may be written then
    loss += static_cast<double>(chunk.loss.host()[0]);
    _flops += program.flops();
  }
  return loss;
}

template class BatchLoss<float>;
template class BatchLoss<double>;

} // namespace moho::study
