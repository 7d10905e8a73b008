// SPDX-License-Identifier: BSD-3-Clause
// Root search of one wave of one model: all (period, mode) points, in lanes.
//
// A task is one (period, mode). Lanes take tasks, and one evaluation of the secular function with
// its count serves all lanes; a lane that is done takes the next task, so no lane waits for the
// slowest. Periods are worked in levels, coarse to fine; from the second level on a task starts
// from an interpolation between its neighbours in period (their slopes are exact, because the group
// velocity is). The count alone decides what a root is: mode n has N(lo) = n and N(hi) = n + 1.
#pragma once
#include "moho/dispersion/love.hpp"
#include "moho/dispersion/solve.hpp"

namespace moho::dispersion::detail {

/// Settings of a precision: width of the certified bracket and the largest accepted noise of a
/// root, both relative to c.
template <class L>
struct Precision;
template <>
struct Precision<double> {
  static constexpr double bracket = 2e-10, noise = 2e-13;
};
template <>
struct Precision<DoubleDouble> {
  static constexpr double bracket = 2e-13, noise = 2e-14;
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
  double e_lo, e_hi; ///< f_lo and f_hi are to be multiplied by 2^e_lo and 2^e_hi
  int n_lo, n_hi;
};

/// f 2^exponent, kept finite.
KOKKOS_INLINE_FUNCTION double rescale(double f, double exponent) {
  return f * std::ldexp(1.0, static_cast<int>(exponent < -900  ? -900
                                              : exponent > 900 ? 900
                                                               : exponent));
}
KOKKOS_INLINE_FUNCTION DoubleDouble rescale(DoubleDouble f, double exponent) {
  return {rescale(f.hi, exponent), rescale(f.lo, exponent)};
}

/// What one search reads and writes; `points` are the model's periods, sorted ascending.
/// Arrays over (mode, point) have the mode slowest.
template <class L>
struct SearchData {
  int points, modes;
  L const* omega;      ///< (points) angular frequency
  L c_min, c_max;      ///< c_min: start of the search, may be lowered; c_max: vs_halfspace (1-1e-7)
  Bracket<L>* bracket; ///< (modes x points) scratch
  unsigned char* wanted;    ///< (modes x points) points to solve; cleared where done
  double* phase;            ///< (modes x points) in: a guess or NaN; out: the root or NaN
  double* group;            ///< (modes x points)
  Status* status;           ///< (modes x points) ok, absent or failed
  int* count;               ///< (points) trapped modes, counted at c_max; -1: in doubt
  unsigned char* fold;      ///< (points) set where counts at two velocities contradict monotony
  std::int64_t evaluations; ///< lane evaluations spent
};

/// One lane: its task and where its search stands.
template <class L>
struct LaneState {
  int point, mode; ///< mode < 0: idle
  bool polishing;  ///< isolated: a and b enclose exactly this mode
  int evaluations;
  L x;                   ///< velocity to evaluate next
  L guess, step;         ///< step = 0: no guess
  L a, b, c, fa, fb, fc; ///< Chandrupatla: b and a enclose the root, c is the point before
  double exponent;       ///< of fa, fb and fc
};

template <class T, class S>
class Search {
public:
  using L = typename Scalar<T>::Lane;
  static constexpr int lanes = Scalar<T>::lanes;

  KOKKOS_FUNCTION Search(LayerView<S> const& model, Wave wave, SearchData<L>& data)
      : _model(model), _wave(wave), _d(data) {}

  KOKKOS_FUNCTION void run() {
    count_trapped();
    int stride = 1;
    while (stride * 2 < _d.points && (_d.points / (stride * 2) + 1) * _d.modes >= lanes)
      stride *= 2;
    solve_level(stride, 0);
    for (; stride > 1; stride /= 2) solve_level(stride, stride / 2);
  }

private:
  LayerView<S> _model;
  Wave _wave;
  SearchData<L>& _d;
  LaneState<L> _lane[Scalar<T>::lanes];

  KOKKOS_FUNCTION int at(int mode, int point) const { return mode * _d.points + point; }

  /// Secular value and count at one velocity per lane.
  KOKKOS_FUNCTION Evaluation<T> evaluate(T c, T omega) const {
    const T k = omega / c;
    return _wave == Wave::love ? love(_model, c, k) : rayleigh<true>(_model, c, k);
  }

  /// Counts at c_max, which also bound every search from above.
  KOKKOS_FUNCTION void count_trapped() {
    for (int first = 0; first < _d.points; first += lanes) {
      T c{_d.c_max}, omega{_d.omega[first]};
      for (int i = 0; i < lanes && first + i < _d.points; ++i)
        set_lane(omega, i, _d.omega[first + i]);
      Evaluation<T> const e = evaluate(c, omega);
      for (int i = 0; i < lanes && first + i < _d.points; ++i) {
        int const point = first + i, n = static_cast<int>(to_double(lane(e.count, i)));
        ++_d.evaluations;
        _d.count[point] = to_double(lane(e.doubt, i)) > 0 ? -1 : n;
        for (int mode = 0; mode < _d.modes; ++mode)
          _d.bracket[at(mode, point)] = {
              _d.c_min, _d.c_max, L(0.0), lane(e.secular, i), 0, to_double(lane(e.exponent, i)),
              -1,       n};
      }
    }
  }

  /// Solves the points first, first + stride, ...; where first is 0, the last point too.
  KOKKOS_FUNCTION void solve_level(int stride, int first) {
    int const last = _d.points - 1, per_mode = (last - first) / stride + 1;
    bool const append_last = first == 0 && last % stride != 0;
    int const points = (first > last ? 0 : per_mode) + (append_last ? 1 : 0);
    int next = 0;
    int const tasks = points * _d.modes;
    auto const point_of = [&](int task) {
      const int i = task % points;
      return append_last && i == points - 1 ? last : first + i * stride;
    };
    for (int i = 0; i < lanes; ++i) _lane[i].mode = -1;
    for (;;) {
      bool busy = false;
      for (int i = 0; i < lanes; ++i) {
        while (_lane[i].mode < 0 && next < tasks) {
          start(_lane[i], next / points, point_of(next), first == 0 ? 0 : stride / 2);
          ++next;
        }
        busy = busy || _lane[i].mode >= 0;
      }
      if (!busy) break;
      advance();
    }
    finish_level(stride, first, append_last);
  }

  /// Takes a task unless there is nothing to do for it; `reach` is the distance to its neighbours.
  KOKKOS_FUNCTION void start(LaneState<L>& s, int mode, int point, int reach) {
    int const i = at(mode, point);
    if (!_d.wanted[i]) return;
    _d.status[i] = Status::absent;
    if (_d.bracket[i].n_hi <= mode) {
      _d.phase[i] = NAN;
      _d.wanted[i] = 0;
      return;
    }
    s.point = point;
    s.mode = mode;
    s.polishing = false;
    s.evaluations = 0;
    s.step = L(0.0);
    predict(s, reach);
    next_isolating(s);
  }

  /// Start value: the caller's guess, else cubic Hermite interpolation in log period between the
  /// neighbours of a coarser level, with dc/dlnT = c (c/U - 1); the step is what the bracket opens
  /// by.
  KOKKOS_FUNCTION void predict(LaneState<L>& s, int reach) const {
    int const i = at(s.mode, s.point);
    if (_d.phase[i] > 0) {
      s.guess = L(_d.phase[i]);
      s.step = s.guess * 1e-9;
      return;
    }
    if (reach == 0) return;
    int const left = s.point - reach;
    int const right = s.point + reach < _d.points ? s.point + reach : _d.points - 1;
    int const l = at(s.mode, left), r = at(s.mode, right);
    bool const has_left = _d.phase[l] > 0 && _d.group[l] != 0;
    bool const has_right = right != s.point && _d.phase[r] > 0 && _d.group[r] != 0;
    auto const log_period = [&](int p) { return -std::log(to_double(_d.omega[p])); };
    auto const slope = [&](int j) { return _d.phase[j] * (_d.phase[j] / _d.group[j] - 1); };
    double const u = log_period(s.point);
    if (has_left && has_right) {
      double const u0 = log_period(left), h = log_period(right) - u0;
      if (!(h > 0)) return;
      double const t = (u - u0) / h, c0 = _d.phase[l], c1 = _d.phase[r];
      double const linear = c0 + t * (c1 - c0);
      double const bow =
          t * (1 - t) * ((1 - t) * (h * slope(l) - (c1 - c0)) - t * (h * slope(r) - (c1 - c0)));
      s.guess = L(linear + bow);
      s.step = L(0.03 * std::fabs(bow) + 3e-8 * linear);
    } else if (has_left || has_right) {
      int const j = has_left ? l : r;
      double const change = slope(j) * (u - log_period(has_left ? left : right));
      s.guess = L(_d.phase[j] + change);
      s.step = L(0.1 * std::fabs(change) + 1e-4 * _d.phase[j]);
    }
  }

  KOKKOS_FUNCTION void advance() {
    int any_busy = 0;
    while (_lane[any_busy].mode < 0) ++any_busy;
    T c{_lane[any_busy].x}, omega{_d.omega[_lane[any_busy].point]};
    for (int i = 0; i < lanes; ++i)
      if (_lane[i].mode >= 0) {
        set_lane(c, i, _lane[i].x);
        set_lane(omega, i, _d.omega[_lane[i].point]);
      }
    Evaluation<T> const e = evaluate(c, omega);
    for (int i = 0; i < lanes; ++i) {
      LaneState<L>& s = _lane[i];
      if (s.mode < 0) continue;
      int const n = static_cast<int>(to_double(lane(e.count, i)));
      ++_d.evaluations;
      ++s.evaluations;
      if (to_double(lane(e.doubt, i)) > 0) { // no certificate from a count that may be wrong
        give_up(s);
        continue;
      }
      const L f = lane(e.secular, i);
      double const exponent = to_double(lane(e.exponent, i));
      record(s.point, s.x, f, exponent, n);
      if (s.polishing)
        polish(s, rescale(f, exponent - s.exponent), n);
      else
        next_isolating(s);
    }
  }

  /// Enters an evaluation into the brackets of all modes of its period.
  KOKKOS_FUNCTION void record(int point, L x, L f, double exponent, int n) {
    for (int mode = 0; mode < _d.modes; ++mode) {
      Bracket<L>& b = _d.bracket[at(mode, point)];
      if (n <= mode) {
        if (x > b.lo && b.hi > x) {
          b.lo = x;
          b.f_lo = f;
          b.e_lo = exponent;
          b.n_lo = n;
        } else if (x > b.hi && b.n_hi > mode) {
          _d.fold[point] = 1;
        }
      } else {
        if (x < b.hi && x > b.lo) {
          b.hi = x;
          b.f_hi = f;
          b.e_hi = exponent;
          b.n_hi = n;
        } else if (x < b.lo && b.n_lo >= 0) {
          _d.fold[point] = 1;
        }
      }
    }
  }

  /// Next velocity of a task whose root is not isolated yet, or the start of polishing.
  KOKKOS_FUNCTION void next_isolating(LaneState<L>& s) {
    Bracket<L>& b = _d.bracket[at(s.mode, s.point)];
    if (b.n_lo == s.mode && b.n_hi == s.mode + 1) {
      start_polish(s, b);
      return;
    }
    bool const narrow = b.n_lo >= 0 && b.hi - b.lo < b.hi * 1e-14;
    if (narrow || s.evaluations > 200) { // two roots that this precision cannot separate
      give_up(s);
      return;
    }
    if (b.n_lo < 0 && b.hi < b.lo * 1.02) b.lo = b.lo * 0.5; // the search began too high
    if (s.step > L(0.0)) {
      L x = s.guess;
      if (s.evaluations > 0) {
        x = b.n_hi == s.mode + 1 && b.hi < s.guess + s.step * 64.0 ? s.guess - s.step
                                                                   : s.guess + s.step;
        if (b.n_lo == s.mode && b.lo >= s.guess) x = b.lo + s.step;
        if (b.n_hi == s.mode + 1 && s.guess >= b.hi) x = b.hi - s.step;
        s.step = s.evaluations < 5 ? s.step * 8.0 : L(0.0);
      }
      if (x > b.lo && b.hi > x) {
        s.x = x;
        return;
      }
      s.step = L(0.0);
    }
    s.x = (b.lo + b.hi) * 0.5;
  }

  KOKKOS_FUNCTION void start_polish(LaneState<L>& s, Bracket<L> const& b) {
    s.polishing = true;
    s.exponent = b.e_hi;
    s.a = s.c = b.lo;
    s.fa = s.fc = rescale(b.f_lo, b.e_lo - b.e_hi);
    s.b = b.hi;
    s.fb = b.f_hi;
    const L width = s.b - s.a;
    bool const straight = width < b.hi * 0.02;
    choose(s, straight ? s.fa / (s.fa - s.fb) : L(0.5));
  }

  /// Sets x = a + t (b - a), kept a bracket width away from both ends, or ends the task.
  KOKKOS_FUNCTION void choose(LaneState<L>& s, L t) {
    const L width = abs(s.b - s.a), tolerance = max(s.a, s.b) * Precision<L>::bracket;
    if (width < tolerance * 2.0) {
      store(s);
      return;
    }
    const L least = tolerance / width;
    if (!(t > least)) t = least;
    if (!(L(1.0) - least > t)) t = L(1.0) - least;
    s.x = s.a + (s.b - s.a) * t;
  }

  /// One step of Chandrupatla's method (1997), with the count as the judge of sides.
  KOKKOS_FUNCTION void polish(LaneState<L>& s, L f, int n) {
    if (s.evaluations > 200) {
      give_up(s);
      return;
    }
    bool const a_is_low = s.b > s.a, x_is_low = n <= s.mode;
    if (x_is_low == a_is_low) {
      s.c = s.a;
      s.fc = s.fa;
    } else {
      s.c = s.b;
      s.fc = s.fb;
      s.b = s.a;
      s.fb = s.fa;
    }
    s.a = s.x;
    s.fa = f;
    const L xi = (s.a - s.b) / (s.c - s.b), phi = (s.fa - s.fb) / (s.fc - s.fb);
    L t(0.5);
    if (xi > phi * phi && L(1.0) - xi > (L(1.0) - phi) * (L(1.0) - phi))
      t = s.fa / (s.fb - s.fa) * (s.fc / (s.fb - s.fc)) +
          (s.c - s.a) / (s.b - s.a) * (s.fa / (s.fc - s.fa)) * (s.fb / (s.fc - s.fb));
    choose(s, t);
  }

  KOKKOS_FUNCTION void store(LaneState<L>& s) {
    Bracket<L>& b = _d.bracket[at(s.mode, s.point)];
    bool const a_is_low = s.b > s.a;
    b = {a_is_low ? s.a : s.b,
         a_is_low ? s.b : s.a,
         a_is_low ? s.fa : s.fb,
         a_is_low ? s.fb : s.fa,
         s.exponent,
         s.exponent,
         s.mode,
         s.mode + 1};
    s.mode = -1;
  }

  KOKKOS_FUNCTION void give_up(LaneState<L>& s) {
    fail(at(s.mode, s.point));
    s.mode = -1;
  }

  KOKKOS_FUNCTION void fail(int i) {
    _d.status[i] = Status::failed;
    _d.phase[i] = _d.group[i] = NAN;
    _d.wanted[i] = 0;
  }

  /// Roots and group velocities of a level from one evaluation with exact derivatives.
  KOKKOS_FUNCTION void finish_level(int stride, int first, bool append_last) {
    int waiting[Scalar<T>::lanes], n = 0;
    for (int mode = 0; mode < _d.modes; ++mode)
      for (int p = first; p < _d.points; p += stride) {
        n = queue(at(mode, p), waiting, n);
        if (append_last && p + stride >= _d.points) n = queue(at(mode, _d.points - 1), waiting, n);
      }
    if (n > 0) finish(waiting, n);
  }

  KOKKOS_FUNCTION int queue(int i, int* waiting, int n) {
    if (!_d.wanted[i]) return n;
    waiting[n++] = i;
    if (n < lanes) return n;
    finish(waiting, n);
    return 0;
  }

  KOKKOS_FUNCTION void finish(int const* waiting, int n) {
    T c, omega;
    for (int i = 0; i < lanes; ++i) {
      int const j = waiting[i < n ? i : 0];
      Bracket<L> const& b = _d.bracket[j];
      const L t = b.f_lo / (b.f_lo - b.f_hi);
      bool const inside = t >= L(0.0) && L(1.0) >= t; // an end may be the root to the last bit
      set_lane(c, i, b.lo + (b.hi - b.lo) * (inside ? t : L(0.5)));
      set_lane(omega, i, _d.omega[j % _d.points]);
    }
    const T k = omega / c;
    Dual<T> const dc{c, T(1.0), T(0.0)}, dk{k, T(0.0), T(1.0)};
    auto const e = _wave == Wave::love ? love(_model, dc, dk) : rayleigh<false>(_model, dc, dk);
    for (int i = 0; i < n; ++i) {
      _d.evaluations += 3;
      double const exponent = to_double(lane(e.exponent, i)) - _d.bracket[waiting[i]].e_hi;
      accept(waiting[i], lane(c, i), lane(k, i), rescale(lane(e.secular.v, i), exponent),
             rescale(lane(e.secular.d0, i), exponent), rescale(lane(e.secular.d1, i), exponent));
    }
  }

  /// Newton's step from x, accepted if the secular values at the two ends of the certified bracket
  /// and at x, with the exact slope, agree to within the noise that this precision may have.
  KOKKOS_FUNCTION void accept(int i, L x, L k, L f, L f_c, L f_k) {
    Bracket<L> const& b = _d.bracket[i];
    const L slope = f_c - k / x * f_k; // at fixed frequency
    const L root = x - f / slope, group = x - k * f_k / f_c;
    const L across = (b.f_hi - b.f_lo) / slope - (b.hi - b.lo);
    const L beside = (f - b.f_lo) / slope - (x - b.lo);
    const L noise = abs(across) + abs(beside);
    const L slack = root * Precision<L>::noise;
    _d.wanted[i] = 0;
    if (noise < slack && root > b.lo - slack && b.hi + slack > root && abs(group) < L(1e6)) {
      _d.phase[i] = to_double(root);
      _d.group[i] = to_double(group);
      _d.status[i] = Status::ok;
    } else {
      fail(i);
    }
  }
};

} // namespace moho::dispersion::detail
