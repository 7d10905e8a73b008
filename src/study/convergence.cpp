// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/convergence.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <compare>
#include <fmt/format.h>
#include <limits>
#include <numbers>
#include <numeric>
#include <optional>
#include <vector>

namespace moho::study {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// Change of the local rate over a range (over a doubling of x, where the range is shorter) up to
/// which it counts as a straight line: this, or `drift_share` of the rate, the larger.
constexpr double drift = 0.1, drift_share = 0.04;
/// A quadratic or cubic term beyond so many of its standard errors is a bend, else maybe scatter.
constexpr double term_limit = 3;
/// Confidence with which the point at an end of a range must disagree with the line to leave it.
constexpr double end_confidence = 0.995;
/// Errors below this may be round-off (of a quantity of order 1): the floor is looked for there.
constexpr double round_off = 1e-9;
/// Errors that change by a smaller share over the whole range are constant.
constexpr double least_fall = 1e-3;
/// Errors that fall by less than this factor from one point to the next stall.
constexpr double stall = 1.5;
/// A point is free of round-off when it is so many times larger: its rate is off by 0.07 or less.
constexpr double clear_of_round_off = 20;

// ---- Student's t ---------------------------------------------------------------------------

/// P(|t| <= value) for n >= 1 degrees of freedom: Abramowitz & Stegun 26.7.3, 26.7.4.
double student_probability(double value, std::size_t n) {
  double const theta = std::atan(value / std::sqrt(static_cast<double>(n)));
  double const c = std::cos(theta), s = std::sin(theta);
  bool const odd = n % 2 == 1;
  double term = odd ? c : 1, sum = n == 1 ? 0 : term;
  for (std::size_t k = odd ? 3 : 2; k + 2 <= n; k += 2) {
    term *= c * c * static_cast<double>(k - 1) / static_cast<double>(k);
    sum += term;
  }
  return odd ? 2 / std::numbers::pi * (theta + s * sum) : s * sum;
}

/// t with P(|t| <= t) = confidence; infinite without a degree of freedom.
double student_quantile(double confidence, std::size_t n) {
  if (n == 0) return infinite;
  double low = 0, high = 1;
  while (student_probability(high, n) < confidence && high < 1e12) high *= 2;
  while (high - low > 1e-12 * high) {
    double const middle = (low + high) / 2;
    (student_probability(middle, n) < confidence ? low : high) = middle;
  }
  return high;
}

// ---- observations --------------------------------------------------------------------------

/// One distinct abscissa: s = ln x, negative under refinement down, so that s grows with
/// refinement.
struct Point {
  double x = 0, s = 0;
  double mean = 0;       ///< of ln(error) over the replicates
  std::vector<double> y; ///< ln(error) of each replicate
  bool usable = true;
  double weight() const { return static_cast<double>(y.size()); }
};

struct Series {
  std::vector<Point> points; ///< the finest last
  std::size_t zero = 0, not_finite = 0, on_floor = 0;
};

Series sorted(std::span<double const> x, std::span<double const> error, FitOptions const& options) {
  if (x.size() != error.size())
    throw Error(fmt::format("{} abscissas and {} errors (each point needs both) give as many of "
                            "each",
                            x.size(), error.size()));
  for (double value : x)
    if (!(value > 0) || !std::isfinite(value))
      throw Error(
          fmt::format("{} as abscissa of a convergence (its logarithm is taken) use an axis "
                      "of positive numbers",
                      value));
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  bool const up = options.refine == Refine::up;
  // The errors too are put in order: sums must not depend on the order in which points are given.
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (x[a] != x[b]) return up ? x[a] < x[b] : x[a] > x[b];
    return std::strong_order(error[a], error[b]) < 0;
  });
  Series series;
  for (std::size_t i : order) {
    if (series.points.empty() || series.points.back().x != x[i]) {
      series.points.emplace_back();
      series.points.back().x = x[i];
      series.points.back().s = up ? std::log(x[i]) : -std::log(x[i]);
    }
    Point& point = series.points.back();
    if (!std::isfinite(error[i]))
      ++series.not_finite;
    else if (error[i] == 0)
      ++series.zero;
    else if (error[i] <= options.floor || error[i] < 0)
      ++series.on_floor;
    else {
      point.y.push_back(std::log(error[i]));
      continue;
    }
    point.usable = false;
  }
  for (Point& point : series.points)
    if (point.usable)
      point.mean = std::accumulate(point.y.begin(), point.y.end(), 0.0) / point.weight();
  return series;
}

using Range = std::span<Point const>;

// ---- fits ----------------------------------------------------------------------------------

/// y = mean + slope (s - centre) by least squares over all replicates.
struct Line {
  std::size_t n = 0;
  double centre = 0, mean = 0, slope = 0;
  double spread = 0;   ///< sum of (s - centre)^2
  double residual = 0; ///< sum of squares
  double at(double s) const { return mean + slope * (s - centre); }
  double variance() const { return n > 2 ? residual / static_cast<double>(n - 2) : infinite; }
};

Line fit_line(Range range) {
  Line line;
  for (Point const& point : range) {
    line.n += point.y.size();
    line.centre += point.weight() * point.s;
    line.mean += point.weight() * point.mean;
  }
  line.centre /= static_cast<double>(line.n);
  line.mean /= static_cast<double>(line.n);
  double product = 0;
  for (Point const& point : range) {
    double const weight = point.weight(), ds = point.s - line.centre;
    line.spread += weight * ds * ds;
    product += weight * ds * (point.mean - line.mean);
  }
  line.slope = product / line.spread;
  for (Point const& point : range)
    for (double y : point.y) line.residual += (y - line.at(point.s)) * (y - line.at(point.s));
  return line;
}

/// The term of a degree in the expansion in polynomials that are orthogonal over the replicates.
struct Term {
  double coefficient = 0; ///< of the monic polynomial
  double error = 0;       ///< its standard error; infinite without a degree of freedom
  bool significant() const { return !(std::abs(coefficient) <= term_limit * error); }
};

/// Terms of degree 2 .. last + 1 of ln(error), by the recurrence of Forsythe (1957).
std::vector<Term> fit_terms(Range range, Line const& line, std::size_t last) {
  std::size_t const m = range.size();
  std::vector<double> before(m, 1), now(m), rest(m);
  double residual = line.residual, before_norm = static_cast<double>(line.n), norm = line.spread;
  for (std::size_t i = 0; i < m; ++i) {
    now[i] = range[i].s - line.centre;
    rest[i] = range[i].mean - line.at(range[i].s);
  }
  std::vector<Term> terms;
  for (std::size_t degree = 2; degree <= last; ++degree) {
    double shift = 0, next_norm = 0, product = 0;
    for (std::size_t i = 0; i < m; ++i)
      shift += range[i].weight() * (range[i].s - line.centre) * now[i] * now[i] / norm;
    for (std::size_t i = 0; i < m; ++i) {
      double const next =
          (range[i].s - line.centre - shift) * now[i] - norm / before_norm * before[i];
      before[i] = now[i];
      now[i] = next;
      next_norm += range[i].weight() * next * next;
      product += range[i].weight() * next * rest[i];
    }
    before_norm = norm;
    norm = next_norm;
    Term term{product / norm, infinite};
    for (std::size_t i = 0; i < m; ++i) rest[i] -= term.coefficient * now[i];
    residual = std::max(0.0, residual - product * term.coefficient);
    if (line.n > degree + 1)
      term.error = std::sqrt(residual / static_cast<double>(line.n - degree - 1) / norm);
    terms.push_back(term);
  }
  return terms;
}

/// Does the last (or first) point lie on the line through the others, their scatter considered?
bool end_agrees(Range range, bool last) {
  Range const others = last ? range.first(range.size() - 1) : range.last(range.size() - 1);
  Point const& end = last ? range.back() : range.front();
  Line const line = fit_line(others);
  if (line.n <= 2) return true;
  double const ds = end.s - line.centre;
  double const share = 1 / end.weight() + 1 / static_cast<double>(line.n) + ds * ds / line.spread;
  return std::abs(end.mean - line.at(end.s)) <=
         student_quantile(end_confidence, line.n - 2) * std::sqrt(line.variance() * share);
}

/// Do the points bend both ways? Those of a smooth curve bend one way.
bool bends_both_ways(Range range) {
  bool up = false, down = false;
  for (std::size_t i = 1; i + 1 < range.size(); ++i) {
    double const before = (range[i].mean - range[i - 1].mean) / (range[i].s - range[i - 1].s);
    double const after = (range[i + 1].mean - range[i].mean) / (range[i + 1].s - range[i].s);
    if (after > before) up = true;
    if (after < before) down = true;
  }
  return up && down;
}

/// Is a power law compatible with these points? Either the local rate hardly changes from end to
/// end and no point is off the line by more than such a change explains. Or what is off may be
/// scatter: neither a quadratic nor a cubic term is significant, single points bend both ways, and
/// neither end leaves the line of the others.
bool straight(Range range) {
  if (range.size() < 3) return true;
  Line const line = fit_line(range);
  auto const terms = fit_terms(range, line, range.size() < 6 ? 2 : 3);
  double const width = range.back().s - range.front().s;
  double const change = std::abs(2 * terms[0].coefficient) * std::max(width, std::numbers::ln2);
  double const allowed = std::max(drift, drift_share * std::abs(line.slope));
  double off = 0;
  for (Point const& point : range) off = std::max(off, std::abs(point.mean - line.at(point.s)));
  bool const steady = change <= allowed;
  // A parabola whose slope changes by `allowed` leaves its line by allowed width / 12 at the ends.
  if (steady && off <= allowed * width / 8) return true;
  bool const replicated = line.n >= range.size() + 3;
  if (line.n <= 3 || (!replicated && !bends_both_ways(range))) return false;
  if (!steady && terms[0].significant()) return false;
  if (terms.size() > 1 && terms[1].significant()) return false;
  return end_agrees(range, false) && end_agrees(range, true);
}

// ---- ranges --------------------------------------------------------------------------------

/// The longest straight range that ends with the last point; empty if there is none.
Range longest_straight(Range range, std::size_t least) {
  for (std::size_t n = range.size(); n >= least && n > 0; --n)
    if (straight(range.last(n))) return range.last(n);
  return {};
}

/// Without the tail on which errors stall at a level that round-off can explain, and without the
/// points before it that feel it. All of the range if there is no such tail.
Range above_round_off(Range range) {
  double least = infinite;
  for (Point const& point : range) {
    if (point.mean < std::log(round_off) && point.mean > least - std::log(stall)) {
      // Round-off may grow with refinement: between here and the best point before.
      double const level = (point.mean + least) / 2 + std::log(clear_of_round_off);
      std::size_t n = 0;
      while (n < range.size() && range[n].mean > level) ++n;
      return range.first(n);
    }
    least = std::min(least, point.mean);
  }
  return range;
}

struct Interval {
  Range range;
  Line line;
  double half = infinite;
};

Interval interval(Range range, double confidence) {
  Interval result{range, fit_line(range), infinite};
  if (result.line.n > 2)
    result.half = student_quantile(confidence, result.line.n - 2) *
                  std::sqrt(result.line.variance() / result.line.spread);
  return result;
}

// ---- words ---------------------------------------------------------------------------------

std::string too_few(Series const& series, Range usable, std::size_t least) {
  if (series.zero > 0 && series.not_finite + series.on_floor == 0 && usable.empty())
    return "errors of zero: the answers are exact, there is no error that could fall";
  std::string why;
  auto const add = [&](std::size_t count, std::string const& what) {
    if (count > 0) why += fmt::format("{}{} {}", why.empty() ? "" : ", ", count, what);
  };
  add(series.zero, "zero");
  add(series.not_finite, "not finite");
  add(series.on_floor, "on the floor");
  return fmt::format("{} usable points next to each other at the fine end where {} are needed{}",
                     usable.size(), least, why.empty() ? "" : " (errors " + why + ")");
}

std::string not_straight(Range range) {
  auto const local = [&](std::size_t i) {
    return (range[i - 1].mean - range[i].mean) / (range[i].s - range[i - 1].s);
  };
  double const last = local(range.size() - 1), before = local(range.size() - 2);
  std::string meaning = "no power law holds at the fine end";
  if (last <= 0)
    meaning = "errors stop falling at the fine end";
  else if (last > before)
    meaning = "errors fall faster and faster: no power law, or not yet";
  return fmt::format("{}: the local rate goes from {:.3g} to {:.3g} over the last points", meaning,
                     before, last);
}

/// Why the best straight range gives no rate; "" if it gives one.
std::string objection(Interval const& fit, double widest) {
  double const rate = -fit.line.slope;
  double const fall = std::abs(rate) * (fit.range.back().s - fit.range.front().s);
  if (fall < least_fall)
    return fmt::format("errors do not fall: from end to end they change by {:.1g} of their size",
                       fall);
  if (fit.half == infinite)
    return fmt::format("{} points leave no degree of freedom for an interval", fit.line.n);
  if (!(rate - fit.half > 0)) {
    if (rate + fit.half < 0)
      return fmt::format("errors grow under refinement: rate {:.3g} +- {:.2g}", rate, fit.half);
    return fmt::format("errors do not fall with certainty: rate {:.3g} +- {:.2g} may be zero", rate,
                       fit.half);
  }
  if (!(fit.half <= widest))
    return fmt::format("too few or too scattered points: rate {:.3g} +- {:.2g}, +- {:.2g} is the "
                       "widest allowed",
                       rate, fit.half, widest);
  return "";
}

RateFit none(std::string reason) {
  return {false, std::move(reason), unknown, unknown, unknown, unknown, unknown, unknown, 0};
}

/// The fit of a range's longest straight part, or the reason why it gives no rate.
struct Attempt {
  std::optional<Interval> fit;
  std::string reason;
};

Attempt attempt(Range range, std::size_t least, FitOptions const& options) {
  Range const line = longest_straight(range, least);
  if (line.empty()) return {std::nullopt, not_straight(range)};
  Interval const fit = interval(line, options.confidence);
  std::string const reason = objection(fit, options.widest);
  if (!reason.empty()) return {std::nullopt, reason};
  return {fit, ""};
}

/// Round-off may end a range: as a floor; or as the last points, which leave the line either way.
Attempt best_attempt(Range range, std::size_t least, FitOptions const& options) {
  Attempt best = attempt(range, least, options);
  Range const clear = above_round_off(range);
  if (clear.size() < least) {
    if (!best.fit)
      best.reason = fmt::format("round-off from {:.4g} on: only {} points are clear of it, {} are "
                                "needed",
                                range[clear.size()].x, clear.size(), least);
    return best;
  }
  if (clear.size() < range.size()) {
    // A floor shows as scatter as well: it is the better reading where it explains much of it.
    Attempt const without = attempt(clear, least, options);
    if (!best.fit || (without.fit && without.fit->half < best.fit->half / 2)) best = without;
  }
  for (std::size_t n = clear.size() - 1;
       !best.fit && n >= least && clear[n].mean < std::log(round_off); --n)
    if (Attempt const shorter = attempt(clear.first(n), least, options); shorter.fit)
      best = shorter;
  return best;
}

} // namespace

RateFit fit_rate(std::span<double const> x, std::span<double const> error,
                 FitOptions const& options) {
  Series const series = sorted(x, error, options);
  if (series.points.size() < 2)
    throw Error(
        fmt::format("{} distinct abscissa of a convergence (a rate needs at least two) give "
                    "the axis more values",
                    series.points.size()));
  std::size_t const least = std::max<std::size_t>(options.least_points, 2);
  auto const& points = series.points;
  auto const usable = [](Point const& point) { return point.usable; };
  auto const end = std::find_if(points.rbegin(), points.rend(), usable);
  auto const begin = std::find_if_not(end, points.rend(), usable);
  Range const range(begin.base(), end.base());
  if (range.size() < least) return none(too_few(series, range, least));

  const Attempt best = best_attempt(range, least, options);
  if (!best.fit) return none(best.reason);
  Interval const& fit = *best.fit;
  double const rate = -fit.line.slope;
  auto const [from, to] = std::minmax(fit.range.front().x, fit.range.back().x);
  return {true,
          "",
          rate,
          rate - fit.half,
          rate + fit.half,
          std::exp(fit.line.at(0)),
          from,
          to,
          fit.range.size()};
}

} // namespace moho::study
