// SPDX-License-Identifier: BSD-3-Clause
// Losses that are sums over items, spread over logical shards: what data-parallel training
// evaluates. T is float or double.
#pragma once
#include "moho/core/staged.hpp"
#include "moho/nn/program.hpp"
#include "moho/parallel/shard_sum.hpp"
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

namespace moho::study {

/// deterministic: eight logical shards, summed by a fixed tree: the same bits on 1 to 8 ranks.
/// fast: a shard per rank, sums over the ranks while gradients are still computed.
enum class Reduction { deterministic, fast };

inline constexpr int logical_shards = 8;

template <class T>
using DeviceArray = Kokkos::View<T*, MemorySpace>;

/// A loss of flat parameters as the sum of what its shards contribute.
template <class T>
class ShardedLoss {
public:
  /// Tells that entries [offset, offset + count) of the gradient have their final values.
  using Ready = std::function<void(std::int64_t offset, std::int64_t count)>;

  virtual ~ShardedLoss() = default;
  virtual std::int64_t parameters() const = 0;
  /// Cuts the items into this many shards, the same on every rank.
  virtual void share(int shards) = 0;
  /// The contribution of a shard and its gradient (parameters()), which is overwritten.
  virtual double evaluate(int shard, DeviceArray<T> const& theta, DeviceArray<T> const& gradient,
                          Ready const& ready) = 0;
  /// Throws what went wrong on this rank in an evaluation whose result was NaN.
  virtual void rethrow() {}
};

/// Loss and gradient over all ranks.
template <class T>
class ParallelLoss {
public:
  /// Throws moho::Error for more ranks than logical shards in deterministic mode. Collective.
  ParallelLoss(parallel::Comm const& comm, Reduction reduction, ShardedLoss<T>& loss,
               Staging staging = Staging::where_needed);

  /// The same on every rank. Collective. What one rank could not evaluate (an item that cannot be
  /// read) is thrown on all.
  double evaluate(DeviceArray<T> const& theta, DeviceArray<T> const& gradient);

  /// Seconds since the start in which this rank waited for others, and in all evaluations.
  double exposed() const { return _exposed; }
  double total() const { return _total; }

private:
  double deterministic(DeviceArray<T> const& theta, DeviceArray<T> const& gradient);
  double fast(DeviceArray<T> const& theta, DeviceArray<T> const& gradient);

  parallel::Comm _comm;
  Reduction _reduction;
  ShardedLoss<T>& _loss;
  std::unique_ptr<parallel::ShardSum<T, parallel::OnDevice>> _sum;
  std::unique_ptr<parallel::ShardSum<double>> _losses;
  Staged<T> _gradient; ///< what is summed while it is computed
  double _exposed = 0, _total = 0;
};

/// Training items: rows of one or more arrays (inputs, targets).
template <class T>
class ItemSource {
public:
  virtual ~ItemSource() = default;
  virtual std::int64_t count() const = 0;
  virtual std::vector<std::int64_t> widths() const = 0; ///< of a row of each array
  /// Rows `items` of array i to out[i], one behind the other. Not collective.
  virtual void fetch(std::span<const std::int64_t> items, std::span<T* const> out) const = 0;
};

/// Items in memory.
template <class T>
class MemoryItems : public ItemSource<T> {
public:
  /// arrays[i] is (count, widths[i]).
  MemoryItems(std::vector<std::vector<T>> arrays, std::vector<std::int64_t> widths);
  std::int64_t count() const override { return _count; }
  std::vector<std::int64_t> widths() const override { return _widths; }
  void fetch(std::span<const std::int64_t> items, std::span<T* const> out) const override;

private:
  std::vector<std::vector<T>> _arrays;
  std::vector<std::int64_t> _widths;
  std::int64_t _count;
};

/// Writes the sum over items of their losses on a tape: theta (parameters), arrays (n, width).
using ItemLoss = std::function<nn::Value(nn::Value theta, std::vector<nn::Value> const& arrays)>;

/// The mean loss of a batch of items. Its programs work on a few items at a time, so that what they
/// need stays in the caches.
template <class T>
class BatchLoss : public ShardedLoss<T> {
public:
  /// `chunk`: most items at a time.
  BatchLoss(ItemSource<T> const& source, ItemLoss loss, std::int64_t parameters, std::int64_t chunk,
            Staging staging = Staging::where_needed);
  std::int64_t parameters() const override { return _parameters; }
  /// The items of the next evaluations; their number is the same on every rank.
  void set_batch(std::span<const std::int64_t> items) { _batch.assign(items.begin(), items.end()); }
  /// Throws moho::Error for a batch smaller than the number of shards.
  void share(int shards) override;
  double evaluate(int shard, DeviceArray<T> const& theta, DeviceArray<T> const& gradient,
                  typename ShardedLoss<T>::Ready const& ready) override;
  void rethrow() override;
  double flops() const { return _flops; } ///< of matrix products, of all evaluations on this rank

private:
  struct Chunk {
    nn::Tape tape;
    nn::Value theta;
    std::unique_ptr<nn::Program<T>> program; ///< loss, gradient
    std::vector<typename nn::Program<T>::Piece> pieces;
    std::vector<Staged<T>> arrays; ///< rows of items
    Staged<T> weight, loss;
  };
  Chunk& chunk_of(std::int64_t items);
  void fill(Chunk& chunk, std::span<const std::int64_t> items, ExecutionSpace const& space);

  ItemSource<T> const& _source;
  ItemLoss _loss;
  std::int64_t _parameters, _chunk;
  Staging _staging;
  int _shards = 1;
  std::vector<std::int64_t> _batch;
  std::map<std::int64_t, Chunk> _chunks;
  DeviceArray<T> _more;
  std::exception_ptr _failure;
  double _flops = 0;
};

} // namespace moho::study
