// SPDX-License-Identifier: BSD-3-Clause
// What a problem drew and knew while a method was prepared, kept for the next method: the truth of
// a training set may take longer than the training.
#pragma once
#include "moho/study/problem.hpp"
#include <cstddef>
#include <vector>

namespace moho::study {

/// Bytes that all problems of a run may still keep on a rank; the same on every rank.
struct KeptBudget {
  std::size_t left = std::size_t{1} << 30;
};

/// Stands in for a problem. What is drawn together from the first item of a split to its last is
/// kept with its truth, while the budget lasts; blocks and a rank's own draws are not. It also
/// takes the time of all draws and truths.
class KeptData : public StandIn {
public:
  /// `comm`: the one that methods are prepared on. Problem and budget must outlive this.
  KeptData(Problem const& problem, parallel::Comm const& comm, KeptBudget& budget)
      : StandIn(problem), _comm(comm), _budget(budget) {}
  KeptData(KeptData const&) = delete;
  KeptData& operator=(KeptData const&) = delete;
  ~KeptData() override;

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override;
  Batch draw_together(Split split, std::uint64_t first, std::size_t n,
                      parallel::Comm const& comm) const override;
  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override;

  /// Seconds of this rank in draws and truths since this was last asked.
  double take_seconds() const;

private:
  struct Kept {
    Split split;
    Batch inputs, truth; ///< as this rank has them
    bool known;          ///< the truth is there
  };

  bool is_ours(parallel::Comm const& comm) const { return comm.raw() == _comm.raw(); }
  /// The item of `_kept` whose inputs these are, on every rank; nullptr if there is none.
  Kept* kept_of(Batch const& inputs) const;
  /// Takes the batch's bytes from the budget; false on every rank if it does not suffice on one.
  bool affords(Batch const& batch) const;

  parallel::Comm _comm;
  KeptBudget& _budget;
  mutable std::vector<Kept> _kept;
  mutable std::size_t _bytes = 0; ///< taken from the budget
  mutable double _seconds = 0;
};

} // namespace moho::study
