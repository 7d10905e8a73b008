// SPDX-License-Identifier: BSD-3-Clause
// Dispersion curves of layered models: phase and group velocity of every trapped mode asked for,
// each root certified by the Wittrick-Williams mode count (Wittrick & Williams, 1971).
#pragma once
#include "moho/dispersion/model.hpp"
#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace moho::dispersion {

enum class Wave : std::int8_t { rayleigh = 0, love = 1 };
inline constexpr std::array<Wave, 2> all_waves{Wave::rayleigh, Wave::love};
char const* name(Wave wave); ///< "rayleigh", "love"

/// State of one (wave, mode, period) point; the numbers stand in files.
enum class Status : std::int8_t {
  ok = 0,          ///< certified in double precision
  absent = 1,      ///< the mode is not trapped at this period (no root below vs of the half-space)
  failed = 2,      ///< not certified; value is not given; a flag tells the reason
  multivalued = 3, ///< a branch folds here; the flag lists all roots of the period
  channel = 4,     ///< ok; a buried channel holds the mode: ellipticity by two-sided matching
  extended = 5     ///< certified in extended precision
};
char const* name(Status status); ///< "ok", "absent", ...

/// How folds of Rayleigh branches are looked for, in models whose contrast of rigidity allows them.
enum class FoldSearch : std::int8_t {
  scan,  ///< all velocities of every period: finds folds of modes that were not asked for, too
  slopes ///< the modes asked for: periods are scanned where the exact slopes of the curve leave
         ///< room for a fold (search_batch.hpp tells when); for many periods of many models
};

struct SolveOptions {
  int modes = 1; ///< modes 0 .. modes-1 of each wave
  std::array<bool, 2> waves{true, true};
  bool group = true; ///< group velocity and ellipticity too; else NaN
  FoldSearch folds = FoldSearch::scan;
  bool extended_only = false; ///< every root in extended precision: slow, the truth for tests
  /// Largest error of a phase velocity relative to it, 0 .. 0.1: a search ends as soon as counts on
  /// both sides certify the root within this. Below 1e-7, and wherever slopes are taken (`group`
  /// asked, Rayleigh waves of a model that may fold), roots have full accuracy (1e-12) all the
  /// same.
  double tolerance = 0;
};

/// One root of a multivalued point. Velocities in km/s.
struct Root {
  double phase, group, ellipticity;
  int count_above; ///< modes counted just above the root
};

struct Flag {
  std::int64_t case_index;
  Wave wave;
  std::int64_t period_index; ///< within the case
  int mode;                  ///< -1 for multivalued (it concerns the whole period)
  Status kind;
  std::string reason;
  std::vector<Root> roots; ///< multivalued: all roots below vs_halfspace (1 - 1e-7), ascending
};

/// Floating-point operations of one solid layer in one evaluation with its count, by Wave:
/// additions, multiplications, divisions and square roots, those inside exp and sincos included,
/// near the fundamental mode of a gradient; tests/unit/dispersion/operations_test.cpp counts them.
inline constexpr std::array<std::int64_t, 2> flops_per_layer{208, 58};

/// Answers to a ModelBatch. `point` = period_offset[case] + period index. Absent or failed: NaN.
struct Curves {
  struct OfWave {
    std::vector<std::int32_t> mode_count; ///< (points) trapped modes below vs_halfspace (1 - 1e-7)
    std::vector<double> phase, group;     ///< (modes x points), mode slowest; km/s
    std::vector<double> ellipticity;      ///< (modes x points) Rayleigh: ux/uz at the top of the
                                          ///< solid, positive where retrograde; empty for Love
    std::vector<Status> status;           ///< (modes x points)
  };
  int modes = 0;
  std::size_t points = 0;
  std::array<OfWave, 2> wave;      ///< indexed by Wave; empty vectors for a wave not asked for
  std::vector<std::string> error;  ///< (cases) "" or what is wrong with the case
  std::vector<std::int64_t> work;  ///< (cases) layer evaluations spent; the same on every run
  std::vector<std::int64_t> flops; ///< (cases) operations of those in double precision
  std::vector<Flag> flags;         ///< ordered by case, wave, period, mode
};

/// Solves every case of a batch; throws Error where `options.tolerance` is out of range. The answer
/// to a case depends on that case alone: it is the same, bit for bit, in any batch, in any order
/// and on any number of threads. An unsound case gets `error`, status failed, NaN and mode_count
/// -1; the others are solved.
Curves solve(ModelBatch const& batch, SolveOptions const& options);

/// Number of modes with phase velocity below c at fixed period, counted at fixed wavenumber in
/// extended precision (Wittrick & Williams 1971). c must be below vs of the half-space; the model
/// and the period must be sound. Not monotone in c where a branch folds.
int mode_count(LayeredModel const& model, double period, double c, Wave wave);

} // namespace moho::dispersion
