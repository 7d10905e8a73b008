// SPDX-License-Identifier: BSD-3-Clause
#include "moho/dispersion/sensitivity.hpp"
#include "moho/core/error.hpp"
#include "moho/dispersion/eigenfunctions.hpp"
#include "sensitivity_kernel.hpp"
#include <algorithm>
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
                 SensitivityOptions const& options)
      : _batch(batch), _points(points), _options(options) {
    lay_out();
  }

  Sensitivities run();

private:
  ModelBatch const& _batch;
  std::vector<RootPoint> const& _points;
  SensitivityOptions const& _options;
  Sensitivities _answer;
  std::vector<double> _residual, _sharpness; ///< (points)
  std::vector<EllipticityTrust> _trust;      ///< (points)

  void lay_out();
  std::string problem_of(RootPoint const& point) const;
  template <class V>
  void evaluate(std::vector<std::size_t> const& which, Asked asked);
  template <class V>
  std::size_t fill(std::vector<std::size_t> const& which, std::size_t begin,
                   SensitivityBatch<typename Scalar<V>::Lane>& slice) const;
  template <class S>
  void store(std::vector<std::size_t> const& which, std::size_t begin,
             SensitivityBatch<S> const& slice);
  double doubt(std::size_t i) const {
    return (_residual[i] + double_noise) * _sharpness[i] * _sharpness[i];
  }
  bool rayleigh(std::size_t i) const { return _points[i].wave == Wave::rayleigh; }
  void reject(std::size_t i, std::string reason);
  void match_from_both_sides(std::size_t i);
};

std::string Differentiator::problem_of(RootPoint const& point) const {
  auto const i = static_cast<std::size_t>(point.case_index);
  if (point.case_index < 0 || i >= _batch.size())
    return "case " + std::to_string(point.case_index) + " is not in the batch of " +
           std::to_string(_batch.size()) + " (no such model) give 0 .. size-1";
  std::string const error = problem_with(_batch.model(i));
  if (!error.empty()) return error;
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

/// Offsets, and NaN everywhere.
void Differentiator::lay_out() {
  _answer.offset.assign(1, 0);
  _answer.reason.resize(_points.size());
  for (std::size_t i = 0; i < _points.size(); ++i) {
    _answer.reason[i] = problem_of(_points[i]);
    auto const c = static_cast<std::size_t>(_points[i].case_index);
    bool const known = _points[i].case_index >= 0 && c < _batch.size();
    _answer.offset.push_back(_answer.offset.back() +
                             static_cast<std::int64_t>(known ? _batch.model(c).layers() : 0));
  }
  auto const rows = static_cast<std::size_t>(_answer.offset.back());
  auto const clear = [&](Gradient& g) {
    for (auto* v : {&g.thickness, &g.vp, &g.vs, &g.rho}) v->assign(rows, NAN);
  };
  clear(_answer.dphase);
  if (_options.group) clear(_answer.dgroup);
  if (_options.ellipticity) clear(_answer.dellipticity);
  for (auto* v : {&_answer.group, &_answer.ellipticity}) v->assign(_points.size(), NAN);
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
  const std::size_t limit = host_memory ? concurrency << 21 : std::size_t(1) << 29;
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
      append_layers(model, units, slice.layers);
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
  slice.out.assign(slice.in.size(), {});
  slice.gradient.resize(static_cast<std::size_t>(slice.asked.columns() * slice.rows));
  return at;
}

/// Copies what a slice was asked for into the answer.
template <class S>
void Differentiator::store(std::vector<std::size_t> const& which, std::size_t begin,
                           SensitivityBatch<S> const& slice) {
  auto const copy = [&](Quantity q, std::size_t i, std::int64_t from, Gradient& to) {
    std::vector<double>* const column[] = {&to.thickness, &to.vp, &to.vs, &to.rho};
    auto const n = _answer.offset[i + 1] - _answer.offset[i];
    for (int p = 0; p < 4; ++p)
      std::copy_n(slice.gradient.begin() + (slice.asked.column(q) + p) * slice.rows + from, n,
                  column[p]->begin() + _answer.offset[i]);
  };
  for (std::size_t j = 0; j < slice.in.size(); ++j) {
    const std::size_t i = which[begin + j];
    std::int64_t const from = slice.in[j].first_row;
    PointOut const& out = slice.out[j];
    if (slice.asked.phase) {
      _residual[i] = out.residual;
      _sharpness[i] = out.sharpness;
      _answer.group[i] = out.group;
      copy(of_phase, i, from, _answer.dphase);
    }
    if (slice.asked.group) copy(of_group, i, from, _answer.dgroup);
    if (!slice.asked.ellipticity) continue;
    if (rayleigh(i)) {
      _answer.ellipticity[i] = out.ellipticity;
      _trust[i] = {out.leverage, out.mismatch};
      copy(of_ellipticity, i, from, _answer.dellipticity);
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

Sensitivities Differentiator::run() {
  std::vector<std::size_t> fast, slow, deep;
  for (std::size_t i = 0; i < _points.size(); ++i)
    if (_answer.reason[i].empty()) (_points[i].extended ? slow : fast).push_back(i);
  auto const sort = [&](std::vector<std::size_t>& which) {
    auto const key = [&](std::size_t i) {
      return std::make_pair(_points[i].case_index, _points[i].wave);
    };
    std::stable_sort(which.begin(), which.end(),
                     [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
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
  return std::move(_answer);
}

} // namespace
} // namespace detail

Sensitivities sensitivities(ModelBatch const& batch, std::vector<RootPoint> const& points,
                            SensitivityOptions const& options) {
  return detail::Differentiator(batch, points, options).run();
}

} // namespace moho::dispersion
