// SPDX-License-Identifier: BSD-3-Clause
#include "moho/dispersion/sensitivity.hpp"
#include "moho/core/error.hpp"
#include "moho/dispersion/eigenfunctions.hpp"
#include "sensitivity_kernel.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace moho::dispersion {
namespace detail {
namespace {

/// Relative distance to the root beyond which double has lost too many digits for a gradient, and
/// beyond which there is no root.
constexpr double noise_limit = 1e-12, root_limit = 1e-8;
/// Derivatives of the group velocity feel the error of c times the square of the sharpness, which
/// is large where modes nearly meet or a branch turns. The largest error accepted.
constexpr double doubt_limit = 1e-9;
constexpr double double_noise = 1e-16, extended_noise = 1e-29;

/// A request being answered.
class Differentiator {
public:
  Differentiator(ModelBatch const& batch, std::vector<RootPoint> const& points,
                 SensitivityOptions const& options, Sensitivities& answer)
      : _batch(batch), _points(points), _options(options), _answer(answer) {
    lay_out();
  }

  void run();

private:
  ModelBatch const& _batch;
  std::vector<RootPoint> const& _points;
  SensitivityOptions const& _options;
  Sensitivities& _answer;
  std::vector<double> _residual, _sharpness; ///< (points)
  std::vector<EllipticityTrust> _trust;      ///< (points)

  void lay_out();
  std::vector<std::string> problems_of_models() const;
  std::string problem_of(RootPoint const& point, std::vector<std::string> const& of_models) const;
  template <class V>
  void evaluate(std::vector<std::size_t> const& which, Asked asked);
  template <class V>
  std::size_t fill(std::vector<std::size_t> const& which, std::size_t begin,
                   SensitivityBatch<typename Scalar<V>::Lane>& slice) const;
  template <class S>
  void place(std::vector<std::size_t> const& which, std::size_t begin, SensitivityBatch<S>& slice);
  template <class S>
  void store(std::vector<std::size_t> const& which, std::size_t begin,
             SensitivityBatch<S> const& slice);
  void copy(std::size_t i, std::int64_t from, Asked const& asked);
  std::array<std::vector<double>*, 12> columns(Asked const& asked);
  std::vector<double> _aside[12]; ///< gradients of points that do not lie side by side
  bool _direct = false;           ///< gradients are written where they belong
  double doubt(std::size_t i) const {
    return (_residual[i] + double_noise) * _sharpness[i] * _sharpness[i];
  }
  bool rayleigh(std::size_t i) const { return _points[i].wave == Wave::rayleigh; }
  void reject(std::size_t i, std::string reason);
  void match_from_both_sides(std::size_t i);
};

/// What is wrong with the models that are asked about.
std::vector<std::string> Differentiator::problems_of_models() const {
  std::vector<std::string> problems(_batch.size());
  std::vector<bool> seen(_batch.size(), false);
  for (RootPoint const& point : _points) {
    auto const i = static_cast<std::size_t>(point.case_index);
    if (point.case_index < 0 || i >= _batch.size() || seen[i]) continue;
    problems[i] = problem_with(_batch.model(i));
    seen[i] = true;
  }
  return problems;
}

std::string Differentiator::problem_of(RootPoint const& point,
                                       std::vector<std::string> const& of_models) const {
  auto const i = static_cast<std::size_t>(point.case_index);
  if (point.case_index < 0 || i >= _batch.size())
    return "case " + std::to_string(point.case_index) + " is not in the batch of " +
           std::to_string(_batch.size()) + " (no such model) give 0 .. size-1";
  if (!of_models[i].empty()) return of_models[i];
  if (!std::isfinite(point.period) || !(point.period > 0))
    return "period is " + std::to_string(point.period) +
           " (it must be finite and > 0 s) give the period of the root";
  double const top = _batch.model(i).vs.back();
  if (!(point.phase > 0 && point.phase < top))
    return "phase is " + std::to_string(point.phase) +
           " (not a trapped mode: vs of the half-space is " + std::to_string(top) +
           " km/s) give a root that the solver returned";
  return "";
}

/// Offsets, and NaN where nothing can be answered; the rest is written later.
void Differentiator::lay_out() {
  _answer.offset.assign(1, 0);
  _answer.reason.resize(_points.size());
  const std::vector<std::string> problems = problems_of_models();
  for (std::size_t i = 0; i < _points.size(); ++i) {
    _answer.reason[i] = problem_of(_points[i], problems);
    auto const c = static_cast<std::size_t>(_points[i].case_index);
    bool const known = _points[i].case_index >= 0 && c < _batch.size();
    _answer.offset.push_back(_answer.offset.back() +
                             static_cast<std::int64_t>(known ? _batch.model(c).layers() : 0));
  }
  auto const rows = static_cast<std::size_t>(_answer.offset.back());
  auto const size = [](Gradient& g, std::size_t n) {
    for (auto* v : {&g.thickness, &g.vp, &g.vs, &g.rho}) v->resize(n);
  };
  size(_answer.dphase, rows);
  size(_answer.dgroup, _options.group ? rows : 0);
  size(_answer.dellipticity, _options.ellipticity ? rows : 0);
  for (auto* v : {&_answer.group, &_answer.ellipticity}) v->assign(_points.size(), NAN);
  for (std::size_t i = 0; i < _points.size(); ++i)
    if (!_answer.reason[i].empty()) reject(i, std::move(_answer.reason[i]));
  _residual.assign(_points.size(), NAN);
  _sharpness.assign(_points.size(), 0.0);
  _trust.assign(_points.size(), {0.0, 0.0});
}

/// Fills the slice with packs from `begin` on; returns where it ended. `which` is sorted by case
/// and wave. On a host a slice is small (2 MB per thread), so that its memory is soon used again.
template <class V>
std::size_t Differentiator::fill(std::vector<std::size_t> const& which, std::size_t begin,
                                 SensitivityBatch<typename Scalar<V>::Lane>& slice) const {
  using S = typename Scalar<V>::Lane;
  const std::size_t concurrency = static_cast<std::size_t>(ExecutionSpace().concurrency());
  const std::size_t limit = host_memory ? concurrency << 21 : std::size_t(1) << 32;
  slice.clear();
  std::size_t at = begin;
  PackItem item{};
  for (std::int64_t last_case = -1; at < which.size() && slice.scratch < limit;) {
    RootPoint const& head = _points[which[at]];
    const LayeredModel model = _batch.model(static_cast<std::size_t>(head.case_index));
    const Units units(model);
    if (head.case_index != last_case) {
      last_case = head.case_index;
      item.first_fluid = static_cast<int>(slice.layers.fluid.size());
      item.first_solid = static_cast<int>(slice.layers.solid.size());
      item.first_row_scale = static_cast<int>(slice.scale.size());
      slice.layers.append(model, units);
      for (std::size_t i = 0; i < model.layers(); ++i)
        slice.scale.push_back(
            {1 / model.vp[i], model.vs[i] > 0 ? 1 / model.vs[i] : 0.0, 1 / model.rho[i]});
      item.fluids = static_cast<int>(slice.layers.fluid.size()) - item.first_fluid;
      item.solids = static_cast<int>(slice.layers.solid.size()) - item.first_solid;
    }
    item.wave = head.wave;
    item.first_point = static_cast<int>(slice.in.size());
    item.scratch = static_cast<std::int64_t>(slice.scratch);
    auto const joins = [&](std::size_t i) {
      return _points[i].case_index == head.case_index && _points[i].wave == head.wave;
    };
    for (item.points = 0; item.points < Scalar<V>::lanes && at < which.size() && joins(which[at]);
         ++item.points, ++at) {
      slice.in.push_back({S(_points[which[at]].phase / units.velocity),
                          angular_frequency<S>(_points[which[at]].period, units), slice.rows,
                          units.velocity, units.length});
      slice.rows += static_cast<std::int64_t>(model.layers());
    }
    slice.item.push_back(item);
    slice.scratch += PackKernel<V>::bytes(item.fluids, item.solids, slice.asked.group);
  }
  slice.out.resize(slice.in.size());
  return at;
}

/// The answer's columns of what is asked, as the kernel orders them.
std::array<std::vector<double>*, 12> Differentiator::columns(Asked const& asked) {
  std::array<std::vector<double>*, 12> all{};
  auto const enter = [&](Quantity q, Gradient& g) {
    auto at = static_cast<std::size_t>(asked.column(q));
    for (auto* v : {&g.thickness, &g.vp, &g.vs, &g.rho}) all[at++] = v;
  };
  if (asked.phase) enter(of_phase, _answer.dphase);
  if (asked.group) enter(of_group, _answer.dgroup);
  if (asked.ellipticity) enter(of_ellipticity, _answer.dellipticity);
  return all;
}

/// Tells a slice where its gradients go: where they belong if its points lie side by side, else
/// aside.
template <class S>
void Differentiator::place(std::vector<std::size_t> const& which, std::size_t begin,
                           SensitivityBatch<S>& slice) {
  const std::size_t first = which[begin], count = slice.in.size();
  _direct = true;
  for (std::size_t j = 0; j < count && _direct; ++j) _direct = which[begin + j] == first + j;
  auto const to = columns(slice.asked);
  for (int c = 0; c < slice.asked.columns(); ++c) {
    auto const at = static_cast<std::size_t>(c);
    if (!_direct) _aside[at].resize(static_cast<std::size_t>(slice.rows));
    slice.gradient.column[at] =
        _direct ? to[at]->data() + _answer.offset[first] : _aside[at].data();
  }
}

/// The gradients of a point to where they belong.
void Differentiator::copy(std::size_t i, std::int64_t from, Asked const& asked) {
  auto const to = columns(asked);
  auto const n = _answer.offset[i + 1] - _answer.offset[i];
  for (int c = 0; c < asked.columns(); ++c) {
    auto const at = static_cast<std::size_t>(c);
    std::copy_n(_aside[at].begin() + from, n, to[at]->begin() + _answer.offset[i]);
  }
}

/// Takes what a slice was asked for into the answer.
template <class S>
void Differentiator::store(std::vector<std::size_t> const& which, std::size_t begin,
                           SensitivityBatch<S> const& slice) {
  for (std::size_t j = 0; j < slice.in.size(); ++j) {
    const std::size_t i = which[begin + j];
    PointOut const& out = slice.out[j];
    if (!_direct) copy(i, slice.in[j].first_row, slice.asked);
    if (slice.asked.phase) {
      _residual[i] = out.residual;
      _sharpness[i] = out.sharpness;
      _answer.group[i] = out.group;
    }
    if (!slice.asked.ellipticity) continue;
    if (rayleigh(i)) {
      _answer.ellipticity[i] = out.ellipticity;
      _trust[i] = {out.leverage, out.mismatch};
    } else {
      Gradient& g = _answer.dellipticity;
      for (auto* v : {&g.thickness, &g.vp, &g.vs, &g.rho})
        std::fill(v->begin() + _answer.offset[i], v->begin() + _answer.offset[i + 1], 0.0);
    }
  }
}

template <class V>
void Differentiator::evaluate(std::vector<std::size_t> const& which, Asked asked) {
  using S = typename Scalar<V>::Lane;
  SensitivityBatch<S> slice;
  slice.polish = std::is_same_v<S, DoubleDouble>;
  slice.asked = asked;
  for (std::size_t begin = 0, end = 0; begin < which.size(); begin = end) {
    end = fill<V>(which, begin, slice);
    place(which, begin, slice);
    run_sensitivities<V>(slice);
    store(which, begin, slice);
  }
}

void Differentiator::reject(std::size_t i, std::string reason) {
  _answer.reason[i] = std::move(reason);
  _answer.group[i] = _answer.ellipticity[i] = NAN;
  for (Gradient* g : {&_answer.dphase, &_answer.dgroup, &_answer.dellipticity})
    for (auto* v : {&g->thickness, &g->vp, &g->vs, &g->rho})
      if (!v->empty())
        std::fill(v->begin() + _answer.offset[i], v->begin() + _answer.offset[i + 1], NAN);
}

/// A mode too deep even for extended precision: its ellipticity from the matched eigenfunction.
void Differentiator::match_from_both_sides(std::size_t i) {
  RootPoint const& p = _points[i];
  _answer.ellipticity[i] =
      eigenfunction(_batch.model(static_cast<std::size_t>(p.case_index)), p.period, p.wave, p.phase)
          .ellipticity;
  Gradient& g = _answer.dellipticity;
  for (auto* v : {&g.thickness, &g.vp, &g.vs, &g.rho})
    std::fill(v->begin() + _answer.offset[i], v->begin() + _answer.offset[i + 1], NAN);
  _answer.reason[i] = "no derivatives of the ellipticity (a buried channel holds the mode, the "
                      "surface hardly moves) use those of the velocities";
}

void Differentiator::run() {
  std::vector<std::size_t> fast, slow, deep;
  for (std::size_t i = 0; i < _points.size(); ++i)
    if (_answer.reason[i].empty()) (_points[i].extended ? slow : fast).push_back(i);
  auto const sort = [&](std::vector<std::size_t>& which) {
    auto const key = [&](std::size_t i) {
      return std::make_pair(_points[i].case_index, _points[i].wave);
    };
    auto const before = [&](std::size_t a, std::size_t b) { return key(a) < key(b); };
    if (!std::is_sorted(which.begin(), which.end(), before))
      std::stable_sort(which.begin(), which.end(), before);
  };
  const Asked all{true, _options.group, _options.ellipticity};
  sort(fast);
  evaluate<HostPack>(fast, all);
  for (std::size_t i : fast)
    if (!(_residual[i] <= noise_limit && doubt(i) < doubt_limit))
      slow.push_back(i);
    else if (!trustworthy(_trust[i], _answer.ellipticity[i], double_noise))
      deep.push_back(i);
  sort(slow);
  sort(deep);
  evaluate<DoubleDouble>(slow, all);
  evaluate<DoubleDouble>(deep, {false, false, _options.ellipticity});
  for (std::size_t i : slow)
    if (!(_residual[i] <= root_limit))
      reject(i, "phase is " + std::to_string(_points[i].phase) +
                    " km/s (not a root at this period) give a root that the solver returned");
    else
      deep.push_back(i);
  for (std::size_t i : deep)
    if (!trustworthy(_trust[i], _answer.ellipticity[i], extended_noise)) match_from_both_sides(i);
}

} // namespace
} // namespace detail

void differentiate(ModelBatch const& batch, std::vector<RootPoint> const& points,
                   SensitivityOptions const& options, Sensitivities& answer) {
  detail::Differentiator(batch, points, options, answer).run();
}

Sensitivities sensitivities(ModelBatch const& batch, std::vector<RootPoint> const& points,
                            SensitivityOptions const& options) {
  Sensitivities answer;
  differentiate(batch, points, options, answer);
  return answer;
}

} // namespace moho::dispersion
