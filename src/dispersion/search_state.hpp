// SPDX-License-Identifier: BSD-3-Clause
// What a root search reads, writes and remembers.
#pragma once
#include "moho/dispersion/ellipticity.hpp"
#include "moho/dispersion/love.hpp"
#include "moho/dispersion/solve.hpp"

namespace moho::dispersion::detail {

/// Settings of a precision, all relative to c.
template <class L>
struct Precision;
template <>
struct Precision<double> {
  static constexpr double near = 1e-7;    ///< how near an end of the bracket must be to the root
  static constexpr double least = 3e-9;   ///< no nearer: the count there must be beyond doubt
  static constexpr double curved = 1e-12; ///< product of the distances of the two ends: what a
                                          ///< chord's root may be off by, times the curvature
  static constexpr double strict = 4e-10; ///< width of the bracket where a first try was too noisy
  static constexpr double noise = 2e-13;  ///< the largest accepted noise of a root
  static constexpr double slopes = 3e-12; ///< derivatives are taken no farther from the root
  static constexpr double last_digit = 1e-16;
};
template <>
struct Precision<DoubleDouble> {
  static constexpr double near = 1e-8, least = 3e-10, curved = 1e-14, strict = 4e-13;
  static constexpr double noise = 2e-14, slopes = 1e-20, last_digit = 1e-29;
};

KOKKOS_INLINE_FUNCTION double to_double(double x) {
  return x;
}
KOKKOS_INLINE_FUNCTION double to_double(DoubleDouble x) {
  return x.hi;
}

/// What is known of mode n at a period: the count and the secular value at the nearest velocities
/// below (N <= n) and above (N > n). A count of -1 marks an end that was not evaluated.
template <class L>
struct Bracket {
  L lo, hi, f_lo, f_hi;
  L x;               ///< once certified: the estimate of the root; once accepted: the root
  double e_lo, e_hi; ///< f_lo and f_hi are to be multiplied by 2^e_lo and 2^e_hi
  int n_lo, n_hi;
};

/// 2^exponent, kept finite and normal.
KOKKOS_INLINE_FUNCTION double power_of_two(double exponent) {
  int const e = static_cast<int>(exponent < -900 ? -900 : exponent > 900 ? 900 : exponent);
  return moho::detail::from_bits(static_cast<std::uint64_t>(e + 1023) << 52);
}
/// f 2^exponent.
KOKKOS_INLINE_FUNCTION double rescale(double f, double exponent) {
  return f * power_of_two(exponent);
}
KOKKOS_INLINE_FUNCTION DoubleDouble rescale(DoubleDouble f, double exponent) {
  double const scale = power_of_two(exponent);
  return {f.hi * scale, f.lo * scale};
}

/// State of a point in `SearchData::wanted`; odd ones are not settled.
enum Wanted : unsigned char {
  done = 0,
  open = 1,
  retry = 2,   ///< came out too noisy from a wide bracket: once more, strictly
  polished = 3 ///< its derivatives are evaluated once more, at the root
};

/// What one search reads and writes; `points` are the model's periods, sorted ascending.
/// Arrays over (mode, point) have the mode slowest.
template <class L>
struct SearchData {
  int points, modes;
  bool group;               ///< group velocity and ellipticity of every point
  double close;             ///< a certified bracket narrower than this times c is the answer, and
                            ///< no slopes are taken; 0: full accuracy
  L const* omega;           ///< (points) angular frequency
  double const* log_period; ///< (points)
  L c_min, c_max;      ///< c_min: start of the search, may be lowered; c_max: vs_halfspace (1-1e-7)
  Bracket<L>* bracket; ///< (modes x points) scratch
  unsigned char* wanted;    ///< (modes x points) Wanted; in: points to solve
  double* slope;            ///< (modes x points) log2 |dF/dc| at fixed frequency, NaN where unknown
  double* phase;            ///< (modes x points) in: a guess or NaN; out: the root or NaN
  double* group_velocity;   ///< (modes x points)
  double* ellipticity;      ///< (modes x points) Rayleigh
  Status* status;           ///< (modes x points) ok, channel, absent or failed
  int* count;               ///< (points) trapped modes, counted at c_max; -1: in doubt
  unsigned char* fold;      ///< (points) set where counts at two velocities contradict monotony
  std::int64_t evaluations; ///< lane evaluations spent
};

/// One lane: its task and where its search stands.
template <class L>
struct LaneState {
  enum Stage { idle, isolating, polishing, confirming };
  Stage stage;
  int point, mode, evaluations;
  bool needed;           ///< its slope serves other points, or is asked for
  bool strict;           ///< a second try, with a narrow bracket
  L x, f;                ///< velocity to evaluate next, or evaluated last, with its secular value
  int n;                 ///< count at the velocity evaluated last
  L guess, step;         ///< step = 0: no guess
  double slope, trust;   ///< expected log2 |dF/dc|, NaN: unknown; its relative error
  L a, b, c, fa, fb, fc; ///< Chandrupatla: b and a enclose the root, c is the point before
  double e_x, exponent;  ///< of f; of fa, fb and fc
};

/// The order of work: periods in levels, coarse to fine, all modes of a level one after another.
/// The first level, which cannot interpolate, is the smallest that has `least` tasks; all tasks are
/// one level where there are not more.
class Schedule {
public:
  KOKKOS_FUNCTION Schedule(int points, int modes, int least) : _points(points), _modes(modes) {
    while (_stride * 2 < points && (points / (_stride * 2) + 1) * modes >= least) _stride *= 2;
    begin_level(0);
  }
  KOKKOS_FUNCTION bool at_end() const { return _mode == _modes; }
  KOKKOS_FUNCTION int mode() const { return _mode; }
  KOKKOS_FUNCTION int point() const { return _point; }
  /// Distance to the neighbours of a coarser level; 0 in the first level.
  KOKKOS_FUNCTION int reach() const { return _first; }
  /// Whether a later level starts from this one's results.
  KOKKOS_FUNCTION bool feeds_others() const { return _first == 0 ? _stride > 1 : _stride > 2; }

  KOKKOS_FUNCTION void advance() {
    if (_first == 0 && _point < _points - 1 && _point + _stride >= _points)
      _point = _points - 1; // the first level takes the last point too
    else
      _point += _stride;
    if (_point < _points) return;
    _point = _first;
    if (++_mode < _modes) return;
    if (_first != 0) _stride /= 2;
    if (_stride > 1) begin_level(_stride / 2);
  }

private:
  int _points, _modes, _stride = 1, _first = 0, _mode = 0, _point = 0;

  KOKKOS_FUNCTION void begin_level(int first) {
    _first = _point = first;
    _mode = first < _points ? 0 : _modes;
  }
};

} // namespace moho::dispersion::detail
