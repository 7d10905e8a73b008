// SPDX-License-Identifier: BSD-3-Clause
// Comparisons that return a report, so that a test and its negative test call the same function.
#pragma once
#include "moho/dispersion/sensitivity.hpp"
#include "property/random_models.hpp"
#include <array>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

namespace moho::verification {

using dispersion::Curves;
using dispersion::ModelBatch;
using dispersion::SolveOptions;
using dispersion::Wave;
using testing::Model;

/// One compared number that deserves to be named.
struct Deviation {
  double error = 0;
  std::string where;
};

/// What a comparison found. Nothing compared is a failure, too.
class Report {
public:
  std::int64_t compared = 0, failures = 0;
  std::vector<double> phase_errors, group_errors; ///< relative, every compared point
  Deviation worst_phase, worst_group;
  std::vector<Deviation> failed; ///< the worst of them (at most `kept`), not sorted

  bool passed() const { return compared > 0 && failures == 0; }
  void fail(double error, std::string where);
  /// Counts one fact; `where` is only called when it does not hold.
  template <class Where>
  void expect(bool holds, Where&& where) {
    ++compared;
    if (!holds) fail(1.0, where());
  }
  /// Counts one number; a NaN fails.
  template <class Where>
  void close(double expected, double found, double limit, Where&& where) {
    ++compared;
    double const error = relative(expected, found);
    if (!(error <= limit)) fail(error, where() + values(expected, found, error));
  }
  void merge(Report const& other);

  static double relative(double expected, double found);
  static std::string values(double expected, double found, double error);

private:
  static constexpr std::size_t kept = 4096;
};

/// Prints counts, the largest errors and the ten worst failures.
std::ostream& operator<<(std::ostream& out, Report const& report);

/// Largest error that a share `quantile` of the points does not exceed.
double quantile_of(std::vector<double> errors, double quantile);

struct Limits {
  double phase = 1e-9, group = 1e-8;
};

/// Trapped modes of one wave; NaN where absent.
struct ReferenceMode {
  Wave wave;
  int mode;
  std::vector<double> phase, group; ///< (periods)
  std::vector<double> ellipticity;  ///< (periods) Rayleigh; NaN where not known
};

/// Known derivatives of one root.
struct ReferenceKernel {
  Wave wave;
  int mode;
  double period, phase;
  dispersion::Gradient dphase; ///< (layers) each; vp empty for Love
  std::vector<double> dU_dvs;  ///< (layers) or empty
};

/// A case with its known answer.
struct ReferenceCase {
  std::string file, name;
  Model model;
  std::vector<double> periods;
  std::array<std::vector<int>, 2> mode_count; ///< by wave; empty: not known
  std::vector<ReferenceMode> modes;
  std::vector<std::vector<dispersion::Root>> roots; ///< by period: all Rayleigh roots; or empty
  std::vector<ReferenceKernel> kernels;
};

/// "file name wave mode period" of a point.
std::string place(std::string const& file, std::string const& name, Wave wave, int mode,
                  double period);

ModelBatch batch_of(std::vector<ReferenceCase> const& cases);
ModelBatch batch_of(std::vector<testing::Sample> const& samples);

/// Mode counts equal, phases and groups within the limits, nulls null, nothing at or above vs of
/// the half-space, folded periods flagged with all their roots, nothing else flagged multivalued.
Report compare_reference(std::vector<ReferenceCase> const& cases, Curves const& found,
                         Limits const& limits = {});

/// Two answers to the same questions: counts and absences equal, roots within the limits.
Report compare_answers(Curves const& expected, Curves const& found, Limits const& limits);

/// Every returned root of a batch: the count is n just below it and n + 1 just above it, and it
/// lies below vs of the half-space; each root of a folded period changes the count as it says.
Report certify(ModelBatch const& batch, Curves const& found);

/// Case `from` of `expected` and case `to` of `found` are equal bit for bit, flags included.
Report compare_bits(ModelBatch const& expected_batch, Curves const& expected, std::int64_t from,
                    ModelBatch const& found_batch, Curves const& found, std::int64_t to);

} // namespace moho::verification
