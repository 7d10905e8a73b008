// SPDX-License-Identifier: BSD-3-Clause
// An evolution as a problem of task "field".
#pragma once
#include "moho/study/evolution.hpp"
#include <utility>

namespace moho::study {

/// Items: points of the domain at the times of the evolution in turn.
class EvolvingField : public Problem, public EvolutionProblem {
public:
  static constexpr double truth_uncertainty = 1e-14; ///< relative, of the closed forms

  /// `points`: of the test split, ten times as many to train.
  EvolvingField(Evolution evolution, std::size_t points, std::uint64_t seed)
      : _evolution(std::move(evolution)), _points(points), _seed(seed) {}

  Evolution const& evolution() const override { return _evolution; }
  std::size_t count(Split split) const override;
  Batch draw(Split split, std::uint64_t first, std::size_t n) const override;
  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override;
  std::vector<Check> verify(parallel::Comm const& comm) const override;
  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override;

private:
  Evolution _evolution;
  std::size_t _points;
  std::uint64_t _seed;
};

} // namespace moho::study
