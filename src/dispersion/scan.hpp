// SPDX-License-Identifier: BSD-3-Clause
// Scans of single periods for branches that fold back (negative group velocity): at fixed frequency
// the mode count is then not monotone in c, and one (mode, period) has several roots.
#pragma once
#include "search_batch.hpp"

namespace moho::dispersion::detail {

/// The secular function and the modes counted at a velocity.
struct ScanSample {
  double c, f, exponent; ///< scaled units; f is to be multiplied by 2^exponent
  int count;
};

/// All Rayleigh roots of one period, and whether their counts go up by one each.
struct PeriodScan {
  std::vector<Root> roots; ///< ascending; km/s
  bool multivalued = false;
  std::int64_t evaluations = 0;
};

/// The scan of one period of a model: velocities from the lowest to vs_halfspace (1 - 1e-7), and
/// closer ones where the secular function nearly touches zero. It says where the function is wanted
/// next, so that many scans are evaluated together.
class FoldScan {
public:
  /// Keeps a view of the model. `grid` points at first.
  FoldScan(LayeredModel const& model, double period, int grid);

  std::vector<ScanSample>& wanted() { return _wanted; } ///< their c; empty: it has ended
  double angular_frequency() const { return _omega.hi; }
  /// Takes the wanted samples, which have been evaluated, and says what it wants next.
  void take();
  /// Isolates every change of the count in extended precision, if the count falls anywhere.
  PeriodScan finish();

private:
  LayeredModel _model;
  Units _units;
  double _period;
  DoubleDouble _omega;
  std::vector<ScanSample> _samples, _wanted; ///< _samples ascend
  int _passes = 0;
  LayerStore<DoubleDouble> _fine; ///< for the roots of a fold; empty until there is one
  PeriodScan _scan;

  void want(double c) { _wanted.push_back({c, 0, 0, 0}); }
  void look_closer(bool changes_too);
  int count_at(double c);
  void isolate(double lo, int n_lo, double hi, int n_hi);
  void polish(double c, int count_above);
};

/// A period to be scanned.
struct ScanTask {
  LayeredModel model;
  int slot; ///< of the model, in the batch that prepared it
  double period;
};

/// Samples of one period that are evaluated together, a lane each.
struct ScanPack {
  int slot, first, count;
  double omega;
};

/// Scans periods of models that were prepared, some thousands at a time on a device.
class FoldScanner {
public:
  explicit FoldScanner(SearchBatch<double> const& batch) : _batch(batch) {}
  std::vector<PeriodScan> scan(std::vector<ScanTask> const& tasks, int grid);

private:
  SearchBatch<double> const& _batch;
  std::vector<ScanPack> _packs;
  std::vector<ScanSample> _samples;
  Room<ScanPack> _pack;
  Room<ScanSample> _sample;

  void evaluate();
};

} // namespace moho::dispersion::detail
