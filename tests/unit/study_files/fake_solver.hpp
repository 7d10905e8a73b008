// SPDX-License-Identifier: BSD-3-Clause
// A solver that answers at once, with values that depend on everything they may depend on.
#pragma once
#include "moho/dispersion/sensitivity.hpp"
#include "moho/dispersion/solve.hpp"
#include <cmath>
#include <limits>

namespace moho::test {

/// Phase and group are functions of the model, the wave, the mode and the period; mode 2 is absent;
/// period 7 fails in mode 0, period 8 is multivalued.
inline dispersion::Curves fake_solve(dispersion::ModelBatch const& batch,
                                     dispersion::SolveOptions const& options) {
  using dispersion::Status;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  dispersion::Curves out;
  out.modes = options.modes;
  out.points = batch.points();
  out.error.resize(batch.size());
  out.work.resize(batch.size());
  out.flops.resize(batch.size());
  auto const modes = static_cast<std::size_t>(options.modes);
  for (std::size_t w = 0; w < 2; ++w)
    if (options.waves[w]) {
      out.wave[w].mode_count.assign(out.points, -1);
      out.wave[w].phase.assign(modes * out.points, nan);
      out.wave[w].group.assign(modes * out.points, nan);
      if (w == 0) out.wave[w].ellipticity.assign(modes * out.points, nan);
      out.wave[w].status.assign(modes * out.points, Status::failed);
    }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto const model = batch.model(i);
    auto const index = static_cast<std::int64_t>(i);
    out.error[i] = dispersion::problem_with(model);
    if (!out.error[i].empty()) continue;
    out.work[i] = static_cast<std::int64_t>(model.layers() * batch.periods(i).size());
    out.flops[i] = 3 * out.work[i];
    for (std::size_t w = 0; w < 2; ++w)
      for (std::size_t p = 0; options.waves[w] && p < batch.periods(i).size(); ++p) {
        double const period = batch.periods(i)[p];
        auto const point = static_cast<std::size_t>(batch.period_offset()[i]) + p;
        auto& of = out.wave[w];
        of.mode_count[point] = 2;
        for (std::size_t m = 0; m < modes; ++m) {
          const std::size_t at = m * out.points + point;
          of.status[at] = m < 2 ? Status::ok : Status::absent;
          if (m >= 2) continue;
          of.phase[at] = model.vs.back() * std::sin(1 + 0.1 * static_cast<double>(w + m) / period);
          of.group[at] = of.phase[at] / 3;
          if (w == 0) of.ellipticity[at] = -of.phase[at] / 5;
        }
        auto const add = [&](int mode, Status kind, std::vector<dispersion::Root> roots) {
          out.flags.push_back({index, static_cast<dispersion::Wave>(w),
                               static_cast<std::int64_t>(p), mode, kind, "made up",
                               std::move(roots)});
        };
        if (period == 8) add(-1, Status::multivalued, {{1.5, 0.5, 0.7, 1}, {2.5, -0.25, nan, 2}});
        if (period == 7) {
          of.status[point] = Status::failed;
          of.phase[point] = of.group[point] = nan;
          add(0, Status::failed, {});
        }
      }
  }
  return out;
}

/// Derivatives that depend on everything they may depend on; periods above 100 s have none.
inline dispersion::Sensitivities
fake_sensitivities(dispersion::ModelBatch const& batch,
                   std::vector<dispersion::RootPoint> const& points,
                   dispersion::SensitivityOptions const& options = {}) {
  dispersion::Sensitivities out;
  out.offset = {0};
  for (auto const& point : points) {
    auto const model = batch.model(static_cast<std::size_t>(point.case_index));
    bool const known = point.period <= 100;
    double const value = point.phase + 0.1 * static_cast<double>(point.wave) + 1 / point.period;
    out.group.push_back(known ? 0.9 * value : std::nan(""));
    out.ellipticity.push_back(point.wave == dispersion::Wave::love ? 0 : 0.3 * value);
    double scale = 1;
    out.reason.emplace_back(known ? "" : "made up");
    for (auto gradient : {&dispersion::Sensitivities::dphase, &dispersion::Sensitivities::dgroup,
                          &dispersion::Sensitivities::dellipticity}) {
      if (gradient == &dispersion::Sensitivities::dgroup && !options.group) continue;
      if (gradient == &dispersion::Sensitivities::dellipticity && !options.ellipticity) continue;
      for (auto column : {&dispersion::Gradient::thickness, &dispersion::Gradient::vp,
                          &dispersion::Gradient::vs, &dispersion::Gradient::rho}) {
        scale += 0.1;
        for (double const vs : model.vs)
          (out.*gradient.*column).push_back(known ? scale * value * vs : std::nan(""));
      }
    }
    out.offset.push_back(out.offset.back() + static_cast<std::int64_t>(model.layers()));
  }
  return out;
}

} // namespace moho::test
