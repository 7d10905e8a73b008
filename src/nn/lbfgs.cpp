// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/lbfgs.hpp"
#include "flat_loop.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace moho::nn {
namespace {

constexpr double sufficient_decrease = 1e-4, sufficient_curvature = 0.9;
constexpr int most_trials = 25;
constexpr double least_curvature = 1e-10; ///< of a pair that is kept

template <class T>
struct Move { // out = start + t direction
  static constexpr char const* label = "moho::nn::Lbfgs::move";
  T const* start;
  T const* direction;
  T* out;
  T t;
  KOKKOS_FUNCTION void operator()(std::size_t first, std::size_t end) const {
    T const* __restrict__ const x = start;
    T const* __restrict__ const d = direction;
    T* __restrict__ const o = out;
    T const step = t;
    for (std::size_t i = first; i < end; ++i) o[i] = x[i] + step * d[i];
  }
};

template <class T>
struct Times { // out = factor in
  static constexpr char const* label = "moho::nn::Lbfgs::scale";
  T const* in;
  T* out;
  T factor;
  KOKKOS_FUNCTION void operator()(std::size_t first, std::size_t end) const {
    T const* __restrict__ const x = in;
    T* __restrict__ const o = out;
    T const f = factor;
    for (std::size_t i = first; i < end; ++i) o[i] = f * x[i];
  }
};

template <class T>
struct TimesInPlace {
  static constexpr char const* label = "moho::nn::Lbfgs::scale";
  T* values;
  T factor;
  KOKKOS_FUNCTION void operator()(std::size_t first, std::size_t end) const {
    T* __restrict__ const v = values;
    T const f = factor;
    for (std::size_t i = first; i < end; ++i) v[i] *= f;
  }
};

template <class T>
struct NewPair { // y = gradient - previous, s = t direction
  static constexpr char const* label = "moho::nn::Lbfgs::pair";
  T const *gradient, *previous, *direction;
  T *y, *s;
  T t;
  KOKKOS_FUNCTION void operator()(std::size_t first, std::size_t end) const {
    T const* __restrict__ const g = gradient;
    T const* __restrict__ const p = previous;
    T const* __restrict__ const d = direction;
    T* __restrict__ const yy = y;
    T* __restrict__ const ss = s;
    T const step = t;
    for (std::size_t i = first; i < end; ++i) {
      yy[i] = g[i] - p[i];
      ss[i] = step * d[i];
    }
  }
};

/// out += (sign a r - b r) x with numbers that lie on the device: a step of the two loops.
template <class T>
struct Correct {
  static constexpr char const* label = "moho::nn::Lbfgs::direction";
  double const *a, *b, *inverse; ///< `b` may be null
  T const* x;
  T* out;
  KOKKOS_FUNCTION void operator()(std::size_t first, std::size_t end) const {
    double const r = *inverse;
    T const c = static_cast<T>(b ? *a * r - *b * r : -(*a * r));
    T const* __restrict__ const in = x;
    T* __restrict__ const o = out;
    for (std::size_t i = first; i < end; ++i) o[i] += c * in[i];
  }
};

struct SetNumber {
  static constexpr char const* label = "moho::nn::Lbfgs::inverse";
  double* to;
  double value;
  KOKKOS_FUNCTION void operator()(std::size_t) const { *to = value; }
};

template <class T>
using Matrix = Kokkos::View<T**, Kokkos::LayoutRight, MemorySpace>;
template <class T>
using ConstArray = Kokkos::View<T const*, MemorySpace>;

/// A row as a flat array that does not own its memory.
template <class T>
ConstArray<T> row(Matrix<T> const& matrix, std::size_t r) {
  return ConstArray<T>(matrix.data() + r * matrix.extent(1), matrix.extent(1));
}

template <class T>
void copy_row(ExecutionSpace const& space, T const* from, T* to, std::size_t n) {
  flat_loop(space, n, Times<T>{from, to, T(1)});
}

} // namespace

char const* describe(LbfgsStop stop) {
  switch (stop) {
  case LbfgsStop::iterations:
    return "all iterations were done";
  case LbfgsStop::evaluations:
    return "all evaluations were used up";
  case LbfgsStop::gradient:
    return "the gradient is within its tolerance";
  case LbfgsStop::step:
    return "the parameters changed by less than the tolerance";
  case LbfgsStop::loss:
    return "the loss changed by less than the tolerance";
  case LbfgsStop::not_descent:
    return "the direction no longer leads down";
  case LbfgsStop::line_search:
    return "the line search found nothing better";
  case LbfgsStop::not_finite:
    return "the loss or its gradient is not finite";
  }
  return "";
}

double cubic_minimum(double x1, double f1, double g1, double x2, double f2, double g2, double low,
                     double high) {
  double const d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2), square = d1 * d1 - g1 * g2;
  if (square >= 0) { // false for a NaN
    double const d2 = std::sqrt(square);
    double const at = x1 <= x2 ? x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
                               : x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2));
    if (std::isfinite(at)) return std::min(std::max(at, low), high);
  }
  return (low + high) / 2;
}

/// One call of `step`.
template <class T>
struct Lbfgs<T>::Line {
  FlatArray<T> const& parameters;
  Objective const& evaluate;
  Point start; ///< t = 0; its gradient is _previous_gradient
  double first_trial;
  double loss; ///< out
  int trials;  ///< out
  double direction_largest;
};

template <class T>
Lbfgs<T>::Lbfgs(std::size_t parameters, LbfgsOptions const& options)
    : _size(parameters), _options(options), _sums(parameters) {
  if (options.history < 1 || options.max_iterations < 1)
    throw Error("L-BFGS cannot run (history is " + std::to_string(options.history) +
                ", max_iterations is " + std::to_string(options.max_iterations) +
                ") give at least 1 of each");
  if (_options.max_evaluations == 0) _options.max_evaluations = options.max_iterations * 5 / 4;
  const std::size_t history = static_cast<std::size_t>(options.history);
  _y = Matrix<T>("moho::nn::Lbfgs::y", history, parameters);
  _s = Matrix<T>("moho::nn::Lbfgs::s", history, parameters);
  _inverse = Kokkos::View<double*, MemorySpace>("moho::nn::Lbfgs::inverse", history);
  _dots = Kokkos::View<double*, MemorySpace>("moho::nn::Lbfgs::dots", history + 1);
  _inverse_host.resize(history);
  _start = FlatArray<T>("moho::nn::Lbfgs::start", parameters);
  _direction = FlatArray<T>("moho::nn::Lbfgs::direction", parameters);
  _gradient = FlatArray<T>("moho::nn::Lbfgs::gradient", parameters);
  _previous_gradient = FlatArray<T>("moho::nn::Lbfgs::previous_gradient", parameters);
  _bracket = Matrix<T>("moho::nn::Lbfgs::bracket", 2, parameters);
}

template <class T>
void Lbfgs<T>::reset() {
  _iterations = 0;
  _pairs = _oldest = 0;
  _scale = 1;
}

template <class T>
std::size_t Lbfgs<T>::slot(std::size_t age) const {
  return (_oldest + age) % _y.extent(0);
}

/// Takes the last change of parameters and gradient into the history, if it has enough curvature.
template <class T>
void Lbfgs<T>::remember(ExecutionSpace const& space) {
  // Whether the oldest pair gives way is known only when the new one is; _bracket is idle here.
  T *const y = _bracket.data(), *const s = y + _size;
  flat_loop(space, _size,
            NewPair<T>{_gradient.data(), _previous_gradient.data(), _direction.data(), y, s,
                       static_cast<T>(_length)});
  double const curvature = _sums.dot<T>(space, row(_bracket, 0), row(_bracket, 1));
  if (!(curvature > least_curvature)) return;
  const std::size_t capacity = _y.extent(0);
  if (_pairs == capacity) {
    _oldest = (_oldest + 1) % capacity;
    --_pairs;
  }
  const std::size_t r = slot(_pairs++);
  copy_row(space, y, _y.data() + r * _size, _size);
  copy_row(space, s, _s.data() + r * _size, _size);
  _inverse_host[r] = 1 / curvature;
  index_loop(space, 1, SetNumber{_inverse.data() + r, _inverse_host[r]});
  _scale = curvature / _sums.dot<T>(space, row(_bracket, 0), row(_bracket, 0));
}

/// The two loops over the history; their numbers stay on the device.
template <class T>
void Lbfgs<T>::find_direction(ExecutionSpace const& space) {
  T* const d = _direction.data();
  flat_loop(space, _size, Times<T>{_gradient.data(), d, T(-1)});
  double* const dots = _dots.data();
  for (std::size_t age = _pairs; age-- > 0;) {
    const std::size_t r = slot(age);
    _sums.dot_to<T>(space, row(_s, r), _direction, dots + r);
    flat_loop(space, _size,
              Correct<T>{dots + r, nullptr, _inverse.data() + r, _y.data() + r * _size, d});
  }
  flat_loop(space, _size, TimesInPlace<T>{d, static_cast<T>(_scale)});
  double* const last = dots + _y.extent(0);
  for (std::size_t age = 0; age < _pairs; ++age) {
    const std::size_t r = slot(age);
    _sums.dot_to<T>(space, row(_y, r), _direction, last);
    flat_loop(space, _size,
              Correct<T>{dots + r, last, _inverse.data() + r, _s.data() + r * _size, d});
  }
}

/// Loss and slope at start + t direction; infinite loss where one of them is not finite. Leaves the
/// gradient in _gradient.
template <class T>
auto Lbfgs<T>::trial(ExecutionSpace const& space, Line& line, double t) -> Point {
  flat_loop(space, _size,
            Move<T>{_start.data(), _direction.data(), line.parameters.data(), static_cast<T>(t)});
  space.fence();
  Point point{t, line.evaluate(line.parameters, _gradient), 0, 0};
  point.slope = _sums.dot<T>(space, _gradient, _direction);
  if (!std::isfinite(point.loss) || !std::isfinite(point.slope)) {
    point.loss = std::numeric_limits<double>::infinity();
    point.slope = std::numeric_limits<double>::quiet_NaN();
  }
  ++line.trials;
  return point;
}

/// Steps out until an interval holds a point that meets the conditions. True if the last trial does
/// itself; it is ends[0] then.
template <class T>
bool Lbfgs<T>::bracket(ExecutionSpace const& space, Line& line, Point (&ends)[2]) {
  Point const& start = line.start;
  Point previous = start;
  copy_row(space, _previous_gradient.data(), _bracket.data(), _size);
  Point current = trial(space, line, line.first_trial);
  auto const close = [&] {
    previous.buffer = 0;
    current.buffer = 1;
    copy_row(space, _gradient.data(), _bracket.data() + _size, _size);
    ends[0] = previous;
    ends[1] = current;
  };
  for (int searched = 0; searched < most_trials; ++searched) {
    bool const too_high = current.loss > start.loss + sufficient_decrease * current.t * start.slope;
    if (too_high || (searched > 1 && current.loss >= previous.loss)) {
      close();
      return false;
    }
    if (std::abs(current.slope) <= -sufficient_curvature * start.slope) {
      ends[0] = ends[1] = current;
      return true;
    }
    if (current.slope >= 0) {
      close();
      return false;
    }
    double const next =
        cubic_minimum(previous.t, previous.loss, previous.slope, current.t, current.loss,
                      current.slope, current.t + 0.01 * (current.t - previous.t), current.t * 10);
    previous = current;
    copy_row(space, _gradient.data(), _bracket.data(), _size);
    current = trial(space, line, next);
  }
  previous = start;
  copy_row(space, _previous_gradient.data(), _bracket.data(), _size);
  close();
  return false;
}

namespace {

/// A trial between the ends; not too close to one of them twice in a row.
template <class Point>
double inside(Point const (&ends)[2], bool& close_before) {
  double const low = std::min(ends[0].t, ends[1].t), high = std::max(ends[0].t, ends[1].t);
  double const t = cubic_minimum(ends[0].t, ends[0].loss, ends[0].slope, ends[1].t, ends[1].loss,
                                 ends[1].slope, low, high);
  double const margin = 0.1 * (high - low);
  bool const close = std::min(high - t, t - low) < margin;
  bool const move = close && (close_before || t >= high || t <= low);
  close_before = close && !move;
  if (!move) return t;
  return std::abs(t - high) < std::abs(t - low) ? high - margin : low + margin;
}

} // namespace

/// Narrows the interval. The better end is ends[0] in the end, with its gradient in _gradient.
template <class T>
void Lbfgs<T>::zoom(ExecutionSpace const& space, Line& line, Point (&ends)[2]) {
  Point const& start = line.start;
  int low = ends[0].loss <= ends[1].loss ? 0 : 1;
  bool close_before = false;
  auto const store = [&](int end, Point point) {
    point.buffer = ends[end].buffer;
    ends[end] = point;
    copy_row(space, _gradient.data(),
             _bracket.data() + static_cast<std::size_t>(point.buffer) * _size, _size);
  };
  while (line.trials <= most_trials) { // the first trial does not count, as in torch
    if (std::abs(ends[1].t - ends[0].t) * line.direction_largest < _options.change_tolerance) break;
    Point const current = trial(space, line, inside(ends, close_before));
    if (current.loss > start.loss + sufficient_decrease * current.t * start.slope ||
        current.loss >= ends[low].loss) {
      store(1 - low, current);
      low = ends[0].loss <= ends[1].loss ? 0 : 1;
      continue;
    }
    bool const done = std::abs(current.slope) <= -sufficient_curvature * start.slope;
    // The old better end becomes the other one, in the place of its own.
    if (!done && current.slope * (ends[1 - low].t - ends[low].t) >= 0)
      std::swap(ends[low], ends[1 - low]);
    store(low, current);
    if (done) break;
  }
  copy_row(space, _bracket.data() + static_cast<std::size_t>(ends[low].buffer) * _size,
           _gradient.data(), _size);
  std::swap(ends[0], ends[low]);
}

/// Moves the parameters along the direction; false if they stay. Loss and gradient are those of
/// where they end.
template <class T>
bool Lbfgs<T>::search(ExecutionSpace const& space, Line& line) {
  Point ends[2];
  line.trials = 0;
  line.direction_largest = _sums.absolute_largest<T>(space, _direction);
  copy_row(space, line.parameters.data(), _start.data(), _size);
  if (!bracket(space, line, ends)) zoom(space, line, ends);
  line.loss = ends[0].loss;
  _length = ends[0].t;
  flat_loop(
      space, _size,
      Move<T>{_start.data(), _direction.data(), line.parameters.data(), static_cast<T>(_length)});
  return _length != 0;
}

template <class T>
LbfgsReport Lbfgs<T>::iterate(ExecutionSpace const& space, Line& line, LbfgsReport report) {
  auto const stop = [&](LbfgsStop why) {
    report.stop = why;
    return report;
  };
  for (;;) {
    ++report.iterations;
    if (++_iterations == 1) {
      _pairs = _oldest = 0;
      _scale = 1;
    } else {
      remember(space);
    }
    find_direction(space);
    copy_row(space, _gradient.data(), _previous_gradient.data(), _size);
    _previous_loss = report.loss;
    _length = _options.rate;
    if (_iterations == 1) _length *= std::min(1.0, 1 / _sums.absolute_sum<T>(space, _gradient));
    double const slope = _sums.dot<T>(space, _gradient, _direction);
    if (!(slope <= -_options.change_tolerance)) return stop(LbfgsStop::not_descent);

    line.start = {0, report.loss, slope, 0};
    line.first_trial = _length;
    bool const moved = search(space, line);
    report.loss = line.loss;
    report.evaluations += line.trials;
    _evaluations += line.trials;
    report.gradient_largest = _sums.absolute_largest<T>(space, _gradient);

    if (!moved) return stop(LbfgsStop::line_search);
    if (report.iterations == _options.max_iterations) return stop(LbfgsStop::iterations);
    if (report.evaluations >= _options.max_evaluations) return stop(LbfgsStop::evaluations);
    if (report.gradient_largest <= _options.gradient_tolerance) return stop(LbfgsStop::gradient);
    if (std::abs(_length) * line.direction_largest <= _options.change_tolerance)
      return stop(LbfgsStop::step);
    if (std::abs(report.loss - _previous_loss) < _options.change_tolerance)
      return stop(LbfgsStop::loss);
  }
}

template <class T>
LbfgsReport Lbfgs<T>::step(ExecutionSpace const& space, FlatArray<T> const& parameters,
                           Objective const& evaluate) {
  MOHO_REQUIRE(parameters.extent(0) == _size);
  LbfgsReport report;
  report.first_loss = report.loss = evaluate(parameters, _gradient);
  report.evaluations = 1;
  ++_evaluations;
  report.gradient_largest = _sums.absolute_largest<T>(space, _gradient);
  if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_largest)) {
    report.stop = LbfgsStop::not_finite;
    return report;
  }
  if (report.gradient_largest <= _options.gradient_tolerance) {
    report.stop = LbfgsStop::gradient;
    return report;
  }
  Line line{parameters, evaluate, {}, 0, report.loss, 0, 0};
  report = iterate(space, line, report);
  space.fence();
  return report;
}

template <class T>
OptimiserState<T> Lbfgs<T>::state() const {
  auto const rows = [&](Matrix<T> const& matrix) { // oldest first
    std::vector<T> out;
    out.reserve(_pairs * _size);
    for (std::size_t age = 0; age < _pairs; ++age) {
      std::vector<T> const values = to_host(row(matrix, slot(age)));
      out.insert(out.end(), values.begin(), values.end());
    }
    return out;
  };
  std::vector<double> inverse;
  for (std::size_t age = 0; age < _pairs; ++age) inverse.push_back(_inverse_host[slot(age)]);
  return {"lbfgs",
          {{"rate", _options.rate},
           {"max_iterations", _options.max_iterations},
           {"max_evaluations", _options.max_evaluations},
           {"gradient_tolerance", _options.gradient_tolerance},
           {"change_tolerance", _options.change_tolerance},
           {"history", _options.history}},
          {{"parameters", static_cast<std::int64_t>(_size)},
           {"iterations", _iterations},
           {"evaluations", _evaluations},
           {"pairs", static_cast<std::int64_t>(_pairs)}},
          {{"inverse", inverse},
           {"scale", {_scale}},
           {"length", {_length}},
           {"previous_loss", {_previous_loss}}},
          {{"y", rows(_y)},
           {"s", rows(_s)},
           {"direction", to_host(_direction)},
           {"previous_gradient", to_host(_previous_gradient)}}};
}

template <class T>
void Lbfgs<T>::restore(OptimiserState<T> const& state) {
  OptimiserState<T> expected = this->state();
  // The number of pairs is the state's own; everything else must fit.
  auto const counted = state.counters.find("pairs");
  std::int64_t const pairs = counted == state.counters.end() ? 0 : counted->second;
  if (pairs < 0 || pairs > _options.history)
    throw Error("cannot restore the optimiser (the state has " + std::to_string(pairs) +
                " pairs, the history " + std::to_string(_options.history) +
                ") give the state that an L-BFGS of the same history has left");
  const std::size_t count = static_cast<std::size_t>(pairs);
  expected.arrays["y"].resize(count * _size);
  expected.arrays["s"].resize(count * _size);
  require_restorable(state, expected);
  auto const length = [&](char const* name, std::size_t n) {
    if (state.numbers.at(name).size() != n)
      throw Error("cannot restore the optimiser (there are " +
                  std::to_string(state.numbers.at(name).size()) + " numbers '" + name + "', not " +
                  std::to_string(n) + ") the checkpoint is damaged, take an older one");
  };
  length("inverse", count);
  for (char const* name : {"scale", "length", "previous_loss"}) length(name, 1);

  _pairs = count;
  _oldest = 0;
  _iterations = state.counters.at("iterations");
  _evaluations = state.counters.at("evaluations");
  _scale = state.numbers.at("scale")[0];
  _length = state.numbers.at("length")[0];
  _previous_loss = state.numbers.at("previous_loss")[0];
  std::vector<double> const& inverse = state.numbers.at("inverse");
  std::copy(inverse.begin(), inverse.end(), _inverse_host.begin());
  copy_to_device(std::span<double const>(_inverse_host), _inverse);
  auto const fill = [&](Matrix<T> const& matrix, std::vector<T> const& values) {
    copy_to_device(std::span<T const>(values), FlatArray<T>(matrix.data(), values.size()));
  };
  fill(_y, state.arrays.at("y"));
  fill(_s, state.arrays.at("s"));
  copy_to_device(std::span<T const>(state.arrays.at("direction")), _direction);
  copy_to_device(std::span<T const>(state.arrays.at("previous_gradient")), _previous_gradient);
}

template class Lbfgs<float>;
template class Lbfgs<double>;

} // namespace moho::nn
