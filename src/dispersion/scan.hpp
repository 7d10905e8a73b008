// SPDX-License-Identifier: BSD-3-Clause
// Scans of single periods for branches that fold back (negative group velocity): at fixed frequency
// the mode count is then not monotone in c, and one (mode, period) has several roots.
#pragma once
#include "kernel.hpp"

namespace moho::dispersion::detail {

/// Whether a model may have folds: its stiffest solid against its softest. An empirical bound: a
/// search that climbed towards folds (tests/property draws from it) found none below a contrast of
/// rigidity of 12, whatever the densities, the ratios vp/vs and the thicknesses; half of that is
/// the limit.
bool fold_prone(LayeredModel const& model);

/// All Rayleigh roots of one period, and whether their counts go up by one each.
struct PeriodScan {
  std::vector<Root> roots; ///< ascending; km/s
  bool multivalued = false;
  std::int64_t evaluations = 0;
};

/// Scans periods of one model.
class FoldScanner {
public:
  /// Keeps a view of the model.
  explicit FoldScanner(LayeredModel const& model);

  /// Scans c from the lowest velocity to vs_halfspace (1 - 1e-7) on `grid` points, looks closer
  /// where the secular function nearly touches zero, and isolates every change of the count in
  /// extended precision.
  PeriodScan scan(double period, int grid);

private:
  struct Sample {
    double c, f, exponent;
    int count;
  };

  LayeredModel _model;
  Units _units;
  LayerStore<double> _coarse;
  LayerStore<DoubleDouble> _fine; ///< for the roots of a fold; empty until there is one
  double _lowest, _highest;       ///< velocities
  // of the period being scanned
  double _period = 0;
  DoubleDouble _omega;
  PeriodScan _scan;

  std::vector<Sample> evaluate(std::vector<double> const& c);
  bool look_closer(std::vector<Sample>& samples, bool changes_too);
  static double height(Sample const& s);
  LayerView<DoubleDouble> fine();
  int count_at(double c);
  void isolate(double lo, int n_lo, double hi, int n_hi);
  void polish(double c, int count_above);
};

} // namespace moho::dispersion::detail
