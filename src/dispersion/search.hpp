// SPDX-License-Identifier: BSD-3-Clause
// Root search of one wave of one model: all (period, mode) points, in lanes.
//
// A task is one (period, mode). Lanes take tasks, and one evaluation of the secular function with
// its count serves all lanes; a lane that is done takes the next task, so no lane waits for the
// slowest. Periods are worked in levels, coarse to fine; from the second level on a task starts
// from an interpolation between its neighbours in period (their slopes are exact, because the group
// velocity is), and its first step uses the interpolated slope of the secular function. The count
// alone decides what a root is: mode n has N(lo) = n and N(hi) = n + 1.
#pragma once
#include "search_state.hpp"

namespace moho::dispersion::detail {

template <class T, class S>
class Search {
public:
  using L = typename Scalar<T>::Lane;
  using Lane = LaneState<L>;
  static constexpr int lanes = Scalar<T>::lanes;

  KOKKOS_FUNCTION Search(LayerView<S> const& model, Wave wave, SearchData<L>& data)
      : _model(model), _wave(wave), _d(data) {}

  KOKKOS_FUNCTION void run() {
    count_trapped();
    for (Lane& s : _lane) s.stage = Lane::idle;
    Schedule levels(_d.points, _d.modes, lanes);
    work(levels, open);
    Schedule again(_d.points, _d.modes, _d.points * _d.modes); // one level
    work(again, retry);
  }

private:
  LayerView<S> _model;
  Wave _wave;
  SearchData<L>& _d;
  Lane _lane[Scalar<T>::lanes];
  int _waiting[Scalar<T>::lanes], _waiting_count = 0; ///< certified brackets, to be finished

  KOKKOS_FUNCTION int at(int mode, int point) const { return mode * _d.points + point; }
  /// Whether there is a tolerance. Nobody asks for derivatives then; interpolation makes do with
  /// differences.
  KOKKOS_FUNCTION bool rough() const { return _d.close > 0; }
  KOKKOS_FUNCTION bool within(L a, L b) const { return max(a, b) * _d.close > abs(b - a); }

  /// Works off all points in a state of `wanted`.
  KOKKOS_FUNCTION void work(Schedule& next, Wanted state) {
    for (;;) {
      int const busy = fill_lanes(next, state);
      if (busy > 0 && (busy > lanes / 2 || _waiting_count == 0))
        advance();
      else if (_waiting_count > 0)
        finish();
      else
        return;
    }
  }

  /// Gives tasks to idle lanes as far as their neighbours are done; the number of busy lanes.
  KOKKOS_FUNCTION int fill_lanes(Schedule& next, Wanted state) {
    int busy = 0;
    for (Lane& s : _lane) {
      while (s.stage == Lane::idle && !next.at_end()) {
        int const mode = next.mode(), point = next.point();
        if (_d.wanted[at(mode, point)] == state) {
          if (!ready(mode, point, next.reach())) break;
          start(s, mode, point, next, state == retry);
        }
        next.advance();
      }
      busy += s.stage != Lane::idle;
    }
    return busy;
  }

  /// Whether what `predict` reads is there.
  KOKKOS_FUNCTION bool ready(int mode, int point, int reach) const {
    int const right = point + reach < _d.points ? point + reach : _d.points - 1;
    return reach == 0 ||
           (settled(mode, point - reach) && (right == point || settled(mode, right)) &&
            !(rough() && !outer_ready(mode, point - 3 * reach, right + 2 * reach)));
  }
  KOKKOS_FUNCTION bool settled(int mode, int point) const {
    return (_d.wanted[at(mode, point)] & open) == 0;
  }
  MOHO_OUTLINE_FUNCTION bool outer_ready(int mode, int left, int right) const {
    return (left < 0 || settled(mode, left)) && (right >= _d.points || settled(mode, right));
  }

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
        for (int mode = 0; mode < _d.modes; ++mode) {
          Bracket<L>& b = _d.bracket[at(mode, point)];
          b.lo = _d.c_min;
          b.hi = _d.c_max;
          b.f_lo = L(0.0);
          b.f_hi = lane(e.secular, i);
          b.e_lo = 0;
          b.e_hi = to_double(lane(e.exponent, i));
          b.n_lo = -1;
          b.n_hi = n;
        }
      }
    }
  }

  /// Takes a task unless there is nothing to do for it.
  KOKKOS_FUNCTION void start(Lane& s, int mode, int point, Schedule const& level, bool strict) {
    int const i = at(mode, point);
    _d.status[i] = Status::absent;
    if (_d.bracket[i].n_hi <= mode) {
      _d.phase[i] = NAN;
      _d.wanted[i] = done;
      return;
    }
    s.point = point;
    s.mode = mode;
    s.stage = Lane::isolating;
    s.strict = strict;
    s.needed = strict || _d.group || (level.feeds_others() && !rough());
    s.evaluations = 0;
    s.step = L(0.0);
    s.slope = NAN;
    if (!strict) predict(s, level.reach());
    next_isolating(s);
  }

  /// Start value: the caller's guess, else cubic Hermite interpolation in log period between the
  /// neighbours of a coarser level, with dc/dlnT = c (c/U - 1); the step is what the bracket opens
  /// by.
  KOKKOS_FUNCTION void predict(Lane& s, int reach) const {
    int const i = at(s.mode, s.point);
    if (_d.phase[i] > 0) {
      s.guess = L(_d.phase[i]);
      s.step = s.guess * Precision<double>::least;
      return;
    }
    if (reach == 0) return;
    int const left = s.point - reach;
    int const right = s.point + reach < _d.points ? s.point + reach : _d.points - 1;
    int const l = at(s.mode, left), r = at(s.mode, right);
    auto const has = [&](int j) { // NaN is not > 0
      return _d.phase[j] > 0 && (rough() || std::fabs(_d.group_velocity[j]) > 0);
    };
    auto const slope = [&](int j) {
      return _d.phase[j] * (_d.phase[j] / _d.group_velocity[j] - 1);
    };
    bool const has_left = has(l), has_right = right != s.point && has(r);
    double const u = _d.log_period[s.point];
    if (has_left && has_right) {
      double const u0 = _d.log_period[left], h = _d.log_period[right] - u0;
      if (!(h > 0)) return;
      double const t = (u - u0) / h, c0 = _d.phase[l], c1 = _d.phase[r];
      double const linear = c0 + t * (c1 - c0);
      double const slope_l = rough() ? tangent(s.mode, left - 2 * reach, left, right) : slope(l);
      double const slope_r = rough() ? tangent(s.mode, left, right, right + 2 * reach) : slope(r);
      double const bow =
          t * (1 - t) * ((1 - t) * (h * slope_l - (c1 - c0)) - t * (h * slope_r - (c1 - c0)));
      s.guess = L(linear + bow);
      s.step = L(0.03 * std::fabs(bow) + 3e-8 * linear);
      // the logarithm of the scaled secular function goes with the layers' widths in wavelengths
      double const w0 = to_double(_d.omega[left]), w1 = to_double(_d.omega[right]);
      double const v = (to_double(_d.omega[s.point]) - w0) / (w1 - w0);
      s.slope = _d.slope[l] + v * (_d.slope[r] - _d.slope[l]);
      s.trust = h * h;
    } else if (has_left || has_right) {
      int const j = has_left ? l : r;
      double const steep = !rough()   ? slope(j)
                           : has_left ? tangent(s.mode, left - 2 * reach, left, -1)
                                      : tangent(s.mode, -1, right, right + 2 * reach);
      double const change = steep * (u - _d.log_period[has_left ? left : right]);
      s.guess = L(_d.phase[j] + change);
      s.step = L(0.1 * std::fabs(change) + 1e-4 * _d.phase[j]);
    }
  }

  /// dc/dlnT at a point without a group velocity: of the parabola through it and the points before
  /// and after, those that there are.
  MOHO_OUTLINE_FUNCTION double tangent(int mode, int before, int point, int after) const {
    double const c = _d.phase[at(mode, point)];
    double sum = 0, weight = 0;
    for (int other : {before, after}) {
      if (other < 0 || other >= _d.points || !(_d.phase[at(mode, other)] > 0)) continue;
      double const h = std::fabs(_d.log_period[other] - _d.log_period[point]);
      sum += (_d.phase[at(mode, other)] - c) / (_d.log_period[other] - _d.log_period[point]) / h;
      weight += 1 / h;
    }
    return weight > 0 ? sum / weight : 0;
  }

  KOKKOS_FUNCTION void advance() {
    int any_busy = 0;
    while (_lane[any_busy].stage == Lane::idle) ++any_busy;
    T c{_lane[any_busy].x}, omega{_d.omega[_lane[any_busy].point]};
    for (int i = 0; i < lanes; ++i)
      if (_lane[i].stage != Lane::idle) {
        set_lane(c, i, _lane[i].x);
        set_lane(omega, i, _d.omega[_lane[i].point]);
      }
    Evaluation<T> const e = evaluate(c, omega);
    for (int i = 0; i < lanes; ++i) {
      Lane& s = _lane[i];
      if (s.stage == Lane::idle) continue;
      s.n = static_cast<int>(to_double(lane(e.count, i)));
      s.f = lane(e.secular, i);
      s.e_x = to_double(lane(e.exponent, i));
      ++_d.evaluations;
      ++s.evaluations;
      if (s.stage == Lane::confirming) {
        confirm(s);
        continue;
      }
      if (to_double(lane(e.doubt, i)) > 0) { // no certificate from a count that may be wrong
        fail(at(s.mode, s.point));
        s.stage = Lane::idle;
        continue;
      }
      record(s.point, s.x, s.f, s.e_x, s.n);
      if (s.stage == Lane::polishing)
        polish(s, rescale(s.f, s.e_x - s.exponent));
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
  KOKKOS_FUNCTION void next_isolating(Lane& s) {
    Bracket<L>& b = _d.bracket[at(s.mode, s.point)];
    bool const certified = b.n_lo == s.mode && b.n_hi == s.mode + 1;
    if (certified && (b.hi - b.lo < b.hi * 0.02 || !(s.step > L(0.0)) || within(b.lo, b.hi))) {
      start_polish(s, b);
      return;
    }
    bool const stuck = b.n_lo >= 0 && b.hi - b.lo < b.hi * 1e-14;
    if (stuck || s.evaluations > 200) { // two roots that this precision cannot separate
      fail(at(s.mode, s.point));
      s.stage = Lane::idle;
      return;
    }
    if (b.n_lo < 0 && b.hi < b.lo * 1.02) b.lo = b.lo * 0.5; // the search began too high
    if (s.step > L(0.0)) {
      const L x = aim(s);
      if (x > b.lo && b.hi > x) {
        s.x = x;
        return;
      }
      s.step = L(0.0);
      if (certified) {
        start_polish(s, b);
        return;
      }
    }
    s.x = (b.lo + b.hi) * 0.5;
  }

  /// The guess; then a step of Newton's with the expected slope and a little more, to the other
  /// side of the root; then ever longer steps.
  KOKKOS_FUNCTION L aim(Lane& s) {
    if (s.evaluations == 0) return s.guess;
    L ahead = s.step;
    if (s.evaluations == 1 && s.slope == s.slope) {
      const L distance = abs(s.f) * std::exp2(s.e_x - s.slope);
      if (s.step * 300.0 > distance) {
        s.step = max(distance * s.trust, s.guess * Precision<L>::least);
        ahead = distance + s.step;
      }
    }
    if (rough() && s.evaluations == 1) { // nearly to where the bracket would be too wide
      ahead = max(ahead, s.guess * (0.7 * _d.close));
      s.step = max(s.step, ahead);
    }
    s.step = s.evaluations < 6 ? s.step * 8.0 : L(0.0);
    return s.n <= s.mode ? s.x + ahead : s.x - ahead;
  }

  KOKKOS_FUNCTION void start_polish(Lane& s, Bracket<L> const& b) {
    s.stage = Lane::polishing;
    s.exponent = b.e_hi;
    s.a = s.c = b.lo;
    s.fa = s.fc = rescale(b.f_lo, b.e_lo - b.e_hi);
    s.b = b.hi;
    s.fb = b.f_hi;
    bool const straight = s.b - s.a < b.hi * 0.02;
    choose(s, straight ? s.fa / (s.fa - s.fb) : L(0.5), straight);
  }

  /// The estimate of the root is a + t (b - a). Done where an end of the bracket is near enough to
  /// it; else the next velocity is a little beside it, on the side of the farther end.
  KOKKOS_FUNCTION void choose(Lane& s, L t, bool interpolated) {
    const L width = abs(s.b - s.a), c = max(s.a, s.b), least = c * Precision<L>::least;
    if (!(t > L(0.0) && L(1.0) > t)) {
      t = L(0.5);
      interpolated = false;
    }
    bool const a_is_near = L(0.5) > t;
    const L distance = (a_is_near ? t : L(1.0) - t) * width;
    bool const to_tolerance = rough() && !s.strict;
    if (to_tolerance && within(s.a, s.b)) {
      settle(s, s.a + (s.b - s.a) * t);
      return;
    }
    if (s.strict ? width < c * Precision<L>::strict
                 : interpolated && distance < c * (s.needed ? 1.0 : 0.2) * Precision<L>::near &&
                       distance * width < c * c * Precision<L>::curved && !to_tolerance) {
      store(s, s.a + (s.b - s.a) * t);
      return;
    }
    if (interpolated) {
      L beside = s.strict ? c * (Precision<L>::strict * 0.25) : least;
      if (to_tolerance) beside = c * (0.4 * _d.close);
      const L shift = beside / width;
      t = a_is_near ? t + shift : t - shift;
      if (!(L(1.0) - shift > t)) t = L(1.0) - shift;
      if (!(t > shift)) t = shift;
      if (shift > L(0.5)) t = L(0.5);
    }
    s.x = s.a + (s.b - s.a) * t;
  }

  /// One step of Chandrupatla's method (1997), with the count as the judge of sides.
  KOKKOS_FUNCTION void polish(Lane& s, L f) {
    if (s.evaluations > 200) {
      fail(at(s.mode, s.point));
      s.stage = Lane::idle;
      return;
    }
    bool const a_is_low = s.b > s.a, x_is_low = s.n <= s.mode;
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
    bool const smooth = xi > phi * phi && L(1.0) - xi > (L(1.0) - phi) * (L(1.0) - phi);
    if (smooth)
      t = s.fa / (s.fb - s.fa) * (s.fc / (s.fb - s.fc)) +
          (s.c - s.a) / (s.b - s.a) * (s.fa / (s.fc - s.fa)) * (s.fb / (s.fc - s.fb));
    choose(s, t, smooth);
  }

  /// The answer from a certified bracket within the tolerance: the estimate x.
  MOHO_OUTLINE_FUNCTION void settle(Lane& s, L x) {
    int const i = at(s.mode, s.point);
    _d.phase[i] = to_double(x);
    _d.slope[i] = std::log2(std::fabs(to_double((s.fb - s.fa) / (s.b - s.a)))) + s.exponent;
    _d.status[i] = Status::ok;
    _d.wanted[i] = done;
    s.stage = Lane::idle;
  }

  /// Keeps the certified bracket and its estimate x of the root, to be confirmed by one more
  /// evaluation: of the derivatives too where they are needed.
  KOKKOS_FUNCTION void store(Lane& s, L x) {
    int const i = at(s.mode, s.point);
    bool const a_is_low = s.b > s.a;
    _d.bracket[i] = {a_is_low ? s.a : s.b,
                     a_is_low ? s.b : s.a,
                     a_is_low ? s.fa : s.fb,
                     a_is_low ? s.fb : s.fa,
                     x,
                     s.exponent,
                     s.exponent,
                     s.mode,
                     s.mode + 1};
    if (s.needed) {
      s.stage = Lane::idle;
      queue(i);
      finish_full();
    } else {
      s.stage = Lane::confirming;
      s.x = x;
    }
  }

  KOKKOS_FUNCTION void fail(int i) {
    _d.status[i] = Status::failed;
    _d.phase[i] = _d.group_velocity[i] = _d.ellipticity[i] = _d.slope[i] = NAN;
    _d.wanted[i] = done;
  }

  /// Noise of a root in units of c: how far the secular value at the nearer end of the bracket is
  /// from the parabola through the farther end and (x, f) with this slope. Negative where no end is
  /// near.
  KOKKOS_FUNCTION L noise_at(Bracket<L> const& b, L x, L f, L slope) const {
    const L d_lo = b.lo - x, d_hi = b.hi - x;
    bool const lo_is_near = abs(d_hi) > abs(d_lo);
    const L near = lo_is_near ? d_lo : d_hi, far = lo_is_near ? d_hi : d_lo;
    const L f_near = lo_is_near ? b.f_lo : b.f_hi, f_far = lo_is_near ? b.f_hi : b.f_lo;
    if (!(abs(near) < x * (2 * Precision<L>::near))) return L(-1.0);
    const L bend = (f_far - f) / slope - far, ratio = near / far;
    return abs((f_near - f) / slope - near - bend * ratio * ratio);
  }

  /// Phase velocity alone, from the bracket and the value at the estimate x: the slope is that of
  /// the chord to the farther end; how far the two chords differ bounds noise and curvature.
  KOKKOS_FUNCTION void confirm(Lane& s) {
    int const i = at(s.mode, s.point);
    Bracket<L> const& b = _d.bracket[i];
    const L f = rescale(s.f, s.e_x - b.e_hi), to_lo = s.x - b.lo, to_hi = b.hi - s.x;
    const L slope_lo = (f - b.f_lo) / to_lo, slope_hi = (b.f_hi - f) / to_hi;
    bool const lo_is_near = to_hi > to_lo;
    const L slope = lo_is_near ? slope_hi : slope_lo, near = lo_is_near ? to_lo : to_hi;
    const L noise = abs((slope_lo - slope_hi) / slope) * near;
    const L root = s.x - f / slope, slack = root * Precision<L>::noise;
    s.stage = Lane::idle;
    if (noise < slack && abs(root - s.x) < root * 1e-12 && root > b.lo - slack &&
        b.hi + slack > root) {
      _d.phase[i] = to_double(root);
      _d.status[i] = Status::ok;
      _d.wanted[i] = done;
    } else {
      queue(i);
      finish_full();
    }
  }

  /// Has a point wait for its derivatives. There is room: whoever may fill the last place empties
  /// the queue.
  KOKKOS_FUNCTION void queue(int i) { _waiting[_waiting_count++] = i; }
  /// A loop, since `finish` may have points wait once more: a device cannot tell how much stack a
  /// recursion needs.
  KOKKOS_FUNCTION void finish_full() {
    while (_waiting_count == lanes) finish();
  }

  /// Roots and group velocities of the waiting points from one evaluation with exact derivatives.
  MOHO_OUTLINE_FUNCTION void finish() {
    T c, omega;
    int const count = _waiting_count;
    int waiting[lanes];
    for (int i = 0; i < lanes; ++i) {
      int const j = waiting[i] = _waiting[i < count ? i : 0];
      set_lane(c, i, _d.bracket[j].x);
      set_lane(omega, i, _d.omega[j % _d.points]);
    }
    const T k = omega / c;
    Dual<T> const dc{c, T(1.0), T(0.0)}, dk{k, T(0.0), T(1.0)};
    auto const e = _wave == Wave::love ? love(_model, dc, dk) : rayleigh<false>(_model, dc, dk);
    _waiting_count = 0;
    for (int i = 0; i < count; ++i) {
      _d.evaluations += 3;
      int const j = waiting[i];
      double const exponent = to_double(lane(e.exponent, i)) - _d.bracket[j].e_hi;
      bool const sound = accept(j, lane(c, i), lane(k, i), rescale(lane(e.secular.v, i), exponent),
                                rescale(lane(e.secular.d0, i), exponent),
                                rescale(lane(e.secular.d1, i), exponent));
      if (sound && _d.group && _wave == Wave::rayleigh) {
        auto const at_lane = [&](Dual<T> const& v) {
          return Dual<L>{lane(v.v, i), lane(v.d0, i), lane(v.d1, i)};
        };
        Minors<Dual<T>> const& top = e.top;
        set_ellipticity(j, lane(c, i), lane(k, i),
                        {at_lane(top.m12), at_lane(top.m13), at_lane(top.m14), at_lane(top.m23),
                         at_lane(top.m34)},
                        lane(e.u.v, i), lane(e.P.v, i));
      }
    }
  }

  /// Newton's step from x, accepted if the secular values at the near ends of the certified bracket
  /// and at x, with the exact slope, agree to within the noise that this precision may have.
  KOKKOS_FUNCTION bool accept(int i, L x, L k, L f, L f_c, L f_k) {
    Bracket<L> const& b = _d.bracket[i];
    const L slope = f_c - k / x * f_k; // at fixed frequency
    const L root = x - f / slope, group = x - k * f_k / f_c;
    const L noise = noise_at(b, x, f, slope);
    const L slack = root * Precision<L>::noise;
    bool const sound = noise >= L(0.0) && noise < slack && root > b.lo - slack &&
                       b.hi + slack > root && abs(root - x) < root * 2e-8 && abs(group) < L(1e6);
    if (!sound) {
      bool const again = b.hi - b.lo > x * (4 * Precision<L>::strict) && _d.wanted[i] != retry;
      fail(i);
      if (again) _d.wanted[i] = retry;
      return false;
    }
    if (abs(root - x) > root * Precision<L>::slopes && _d.wanted[i] != polished) {
      _d.bracket[i].x = root;
      _d.wanted[i] = polished;
      queue(i);
      return false;
    }
    _d.bracket[i].x = root;
    _d.phase[i] = to_double(root);
    _d.group_velocity[i] = to_double(group);
    _d.slope[i] = std::log2(std::fabs(to_double(slope))) + b.e_hi;
    _d.status[i] = Status::ok;
    _d.wanted[i] = done;
    if (!(group > L(0.0))) _d.fold[i % _d.points] = 1;
    return true;
  }

  /// From the minors at x, brought to the root along fixed frequency; marked where it is not to be
  /// trusted. The distance from x to the root explains a mismatch of that times the leverage.
  KOKKOS_FUNCTION void set_ellipticity(int i, L x, L k, Minors<Dual<L>> const& top, L u, L P) {
    Dual<L> const E = surface_ellipticity(top);
    double const slope = to_double(E.d0 - k / x * E.d1), phase = _d.phase[i];
    double const beside = to_double(_d.bracket[i].x - x);
    Minors<L> const m{top.m12.v, top.m13.v, top.m14.v, top.m23.v, top.m34.v};
    double const leverage = std::fabs(slope) * phase, size = std::fabs(to_double(E.v));
    double const explained = 2 * std::fabs(slope * beside) / (size > 0 ? size : 1);
    double const mismatch = to_double(surface_mismatch(m, u, P));
    _d.ellipticity[i] = to_double(E.v) + slope * beside;
    EllipticityTrust const trust{leverage, mismatch > explained ? mismatch - explained : 0};
    if (!trustworthy(trust, _d.ellipticity[i], Precision<L>::last_digit))
      _d.status[i] = Status::channel;
  }
};

} // namespace moho::dispersion::detail
