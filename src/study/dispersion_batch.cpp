// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_batch.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/rounds.hpp"
#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>

namespace moho::study {
namespace {

using dispersion::Curves;
using dispersion::Flag;
using dispersion::Gradient;
using dispersion::ModelBatch;
using dispersion::RootPoint;
using dispersion::Sensitivities;
using dispersion::SolveOptions;

/// Values end to end in native byte order, to travel between ranks of one run.
class Packer {
public:
  template <class T>
  void put(T const& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    _bytes.append(reinterpret_cast<char const*>(&value), sizeof value);
  }
  template <class T>
  void put_all(std::span<const T> values) {
    static_assert(std::is_trivially_copyable_v<T>);
    put(values.size());
    if (!values.empty())
      _bytes.append(reinterpret_cast<char const*>(values.data()), values.size_bytes());
  }
  template <class T>
  void put_all(std::vector<T> const& values) {
    put_all(std::span<const T>(values));
  }
  void put_text(std::string const& text) { put_all(std::span<char const>(text)); }
  std::string take() { return std::move(_bytes); }

private:
  std::string _bytes;
};

class Unpacker {
public:
  explicit Unpacker(std::string_view bytes) : _left(bytes) {}
  template <class T>
  T get() {
    T value;
    copy(&value, sizeof value);
    return value;
  }
  template <class T>
  std::vector<T> get_all() {
    std::vector<T> values(get<std::size_t>());
    copy(values.data(), values.size() * sizeof(T));
    return values;
  }
  std::string get_text() {
    std::string text(get<std::size_t>(), '\0');
    copy(text.data(), text.size());
    return text;
  }
  bool done() const { return _left.empty(); }

private:
  void copy(void* to, std::size_t n) {
    MOHO_REQUIRE(n <= _left.size());
    if (n > 0) std::memcpy(to, _left.data(), n);
    _left.remove_prefix(n);
  }
  std::string_view _left;
};

/// Breaks loudly when a solver hands back arrays that do not fit the part it was given.
void require_complete(Curves const& curves, ModelBatch const& part, SolveOptions const& options) {
  const std::size_t values = static_cast<std::size_t>(options.modes) * part.points();
  MOHO_REQUIRE(curves.points == part.points() && curves.modes == options.modes);
  MOHO_REQUIRE(curves.error.size() == part.size() && curves.work.size() == part.size() &&
               curves.flops.size() == part.size());
  for (std::size_t w = 0; w < 2; ++w) {
    auto const& of = curves.wave[w];
    MOHO_REQUIRE(of.mode_count.size() == (options.waves[w] ? part.points() : 0));
    MOHO_REQUIRE(of.phase.size() == (options.waves[w] ? values : 0));
    MOHO_REQUIRE(of.group.size() == of.phase.size() && of.status.size() == of.phase.size());
    MOHO_REQUIRE(of.ellipticity.empty() || of.ellipticity.size() == of.phase.size());
  }
}

std::string packed(Curves const& curves, std::size_t first) {
  Packer out;
  out.put(first);
  out.put(curves.error.size());
  out.put(curves.points);
  for (auto const& of : curves.wave) {
    out.put_all(of.mode_count);
    out.put_all(of.phase);
    out.put_all(of.group);
    out.put_all(of.ellipticity);
    out.put_all(of.status);
  }
  for (std::string const& error : curves.error) out.put_text(error);
  out.put_all(curves.work);
  out.put_all(curves.flops);
  out.put(curves.flags.size());
  for (Flag const& flag : curves.flags) {
    out.put(flag.case_index);
    out.put(flag.wave);
    out.put(flag.period_index);
    out.put(flag.mode);
    out.put(flag.kind);
    out.put_text(flag.reason);
    out.put_all(flag.roots);
  }
  return out.take();
}

/// Curves of the whole batch, with room for every answer.
Curves room_for(ModelBatch const& batch, SolveOptions const& options) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const std::size_t values = static_cast<std::size_t>(options.modes) * batch.points();
  Curves all;
  all.modes = options.modes;
  all.points = batch.points();
  all.error.resize(batch.size());
  all.work.resize(batch.size());
  all.flops.resize(batch.size());
  for (std::size_t w = 0; w < 2; ++w) {
    if (!options.waves[w]) continue;
    all.wave[w].mode_count.assign(batch.points(), -1);
    all.wave[w].phase.assign(values, nan);
    all.wave[w].group.assign(values, nan);
    if (w == static_cast<std::size_t>(dispersion::Wave::rayleigh))
      all.wave[w].ellipticity.assign(values, nan);
    all.wave[w].status.assign(values, dispersion::Status::failed);
  }
  return all;
}

template <class T>
void place(std::vector<T> const& part, std::size_t part_points, std::vector<T>& all,
           std::size_t all_points, std::size_t point) {
  for (std::size_t from = 0, to = point; from < part.size(); from += part_points, to += all_points)
    std::copy_n(part.begin() + static_cast<std::ptrdiff_t>(from), part_points,
                all.begin() + static_cast<std::ptrdiff_t>(to));
}

constexpr std::array gradients{&Sensitivities::dphase, &Sensitivities::dgroup,
                               &Sensitivities::dellipticity};
constexpr std::array columns{&Gradient::thickness, &Gradient::vp, &Gradient::vs, &Gradient::rho};

void require_complete(Sensitivities const& part, ModelBatch const& batch,
                      std::span<const RootPoint> points,
                      dispersion::SensitivityOptions const& options) {
  MOHO_REQUIRE(part.offset.size() == points.size() + 1 && part.offset.front() == 0);
  MOHO_REQUIRE(part.group.size() == points.size() && part.ellipticity.size() == points.size() &&
               part.reason.size() == points.size());
  for (std::size_t i = 0; i < points.size(); ++i)
    MOHO_REQUIRE(static_cast<std::size_t>(part.offset[i + 1] - part.offset[i]) ==
                 batch.model(static_cast<std::size_t>(points[i].case_index)).layers());
  auto const rows = static_cast<std::size_t>(part.offset.back());
  const std::array<bool, 3> asked{true, options.group, options.ellipticity};
  for (std::size_t g = 0; g < gradients.size(); ++g)
    for (auto column : columns)
      MOHO_REQUIRE((part.*gradients[g].*column).size() == (asked[g] ? rows : 0));
}

std::string packed(Sensitivities const& part) {
  Packer out;
  out.put_all(part.offset);
  out.put_all(part.group);
  out.put_all(part.ellipticity);
  for (auto gradient : gradients)
    for (auto column : columns) out.put_all(part.*gradient.*column);
  for (std::string const& reason : part.reason) out.put_text(reason);
  return out.take();
}

template <class T>
void append(std::vector<T>& to, std::vector<T> const& from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// Appends the answers of one part to those of the points before it.
void append(std::string_view bytes, Sensitivities& all) {
  Unpacker in(bytes);
  auto const offset = in.get_all<std::int64_t>();
  const std::int64_t first = all.offset.back();
  for (std::size_t i = 1; i < offset.size(); ++i) all.offset.push_back(first + offset[i]);
  append(all.group, in.get_all<double>());
  append(all.ellipticity, in.get_all<double>());
  for (auto gradient : gradients)
    for (auto column : columns) append(all.*gradient.*column, in.get_all<double>());
  for (std::size_t i = 1; i < offset.size(); ++i) all.reason.push_back(in.get_text());
  MOHO_REQUIRE(in.done());
}

/// Puts the answers of one part into their place among those of the batch.
void merge(std::string_view bytes, ModelBatch const& batch, Curves& all) {
  Unpacker in(bytes);
  auto const first = in.get<std::size_t>();
  auto const cases = in.get<std::size_t>();
  auto const points = in.get<std::size_t>();
  auto const point = static_cast<std::size_t>(batch.period_offset()[first]);
  MOHO_REQUIRE(first + cases <= batch.size() && point + points <= all.points);
  for (auto& of : all.wave) {
    place(in.get_all<std::int32_t>(), points, of.mode_count, all.points, point);
    place(in.get_all<double>(), points, of.phase, all.points, point);
    place(in.get_all<double>(), points, of.group, all.points, point);
    place(in.get_all<double>(), points, of.ellipticity, all.points, point);
    place(in.get_all<dispersion::Status>(), points, of.status, all.points, point);
  }
  for (std::size_t i = 0; i < cases; ++i) all.error[first + i] = in.get_text();
  for (auto* account : {&all.work, &all.flops}) {
    auto const part = in.get_all<std::int64_t>();
    std::copy(part.begin(), part.end(), account->begin() + static_cast<std::ptrdiff_t>(first));
  }
  for (auto left = in.get<std::size_t>(); left > 0; --left) {
    Flag flag;
    flag.case_index = in.get<std::int64_t>() + static_cast<std::int64_t>(first);
    flag.wave = in.get<dispersion::Wave>();
    flag.period_index = in.get<std::int64_t>();
    flag.mode = in.get<int>();
    flag.kind = in.get<dispersion::Status>();
    flag.reason = in.get_text();
    flag.roots = in.get_all<dispersion::Root>();
    all.flags.push_back(std::move(flag));
  }
  MOHO_REQUIRE(in.done());
}

/// Shares items among the ranks in rounds of blocks. `work(first, last)` answers a block as bytes;
/// the root takes the answers in the order of the items. If a rank throws, every rank throws that.
template <class Work, class Take>
void share(parallel::Comm const& comm, std::vector<double> const& costs, Work const& work,
           Take const& take, SolveProgress const& progress = {}) {
  using Clock = std::chrono::steady_clock;
  auto const rank = static_cast<std::size_t>(comm.rank());
  parallel::RoundSchedule schedule(costs, static_cast<std::size_t>(comm.size()));
  while (!schedule.done()) {
    const std::vector<std::size_t> offsets = schedule.next();
    std::string answer;
    double seconds = 0;
    parallel::run_collectively(comm, [&] {
      if (offsets[rank] == offsets[rank + 1]) return;
      const auto start = Clock::now();
      answer = work(offsets[rank], offsets[rank + 1]);
      seconds = std::chrono::duration<double>(Clock::now() - start).count();
    });
    schedule.report(comm.all_gather(seconds));
    const std::vector<std::string> answers = comm.gather(answer);
    parallel::run_collectively(comm, [&] {
      for (std::string const& one : answers)
        if (!one.empty()) take(one);
      if (comm.root() && progress) progress(offsets.back(), costs.size());
    });
  }
}

} // namespace

std::vector<double> predicted_costs(ModelBatch const& batch, SolveOptions const& options) {
  double const waves = (options.waves[0] ? 1.0 : 0.0) + (options.waves[1] ? 1.0 : 0.0);
  std::vector<double> costs(batch.size());
  for (std::size_t i = 0; i < costs.size(); ++i)
    costs[i] =
        std::max(1.0, static_cast<double>(batch.model(i).layers()) *
                          static_cast<double>(batch.periods(i).size()) * options.modes * waves);
  return costs;
}

ModelBatch broadcast_batch(parallel::Comm const& comm, ModelBatch const& batch) {
  if (comm.size() == 1) return batch;
  Packer out;
  if (comm.root()) {
    out.put(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const dispersion::LayeredModel model = batch.model(i);
      for (auto column : {model.thickness, model.vp, model.vs, model.rho, batch.periods(i)})
        out.put_all(column);
    }
  }
  const std::string bytes = comm.broadcast(out.take());
  if (comm.root()) return batch;
  Unpacker in(bytes);
  ModelBatch copy;
  for (auto left = in.get<std::size_t>(); left > 0; --left) {
    auto const thickness = in.get_all<double>(), vp = in.get_all<double>(),
               vs = in.get_all<double>(), rho = in.get_all<double>(),
               periods = in.get_all<double>();
    copy.append({thickness, vp, vs, rho}, periods);
  }
  return copy;
}

ModelBatch part_of(ModelBatch const& batch, std::size_t first, std::size_t last) {
  ModelBatch part;
  for (std::size_t i = first; i < last; ++i) part.append(batch.model(i), batch.periods(i));
  return part;
}

Curves solve_distributed(parallel::Comm const& comm, ModelBatch const& batch,
                         SolveOptions const& options, SolveProgress const& progress,
                         BatchSolver const& solver) {
  Curves all;
  if (comm.root()) all = room_for(batch, options);
  auto const work = [&](std::size_t first, std::size_t last) {
    const ModelBatch part = part_of(batch, first, last);
    const Curves curves = solver(part, options);
    require_complete(curves, part, options);
    return packed(curves, first);
  };
  auto const take = [&](std::string const& answer) { merge(answer, batch, all); };
  share(comm, predicted_costs(batch, options), work, take, progress);
  return all;
}

Sensitivities sensitivities_distributed(parallel::Comm const& comm, ModelBatch const& batch,
                                        std::vector<RootPoint> points,
                                        dispersion::SensitivityOptions const& options,
                                        PointSolver const& solver) {
  if (comm.size() > 1) {
    Packer out;
    if (comm.root()) out.put_all(points);
    const std::string bytes = comm.broadcast(out.take());
    if (!comm.root()) points = Unpacker(bytes).get_all<RootPoint>();
  }
  std::vector<double> costs;
  for (RootPoint const& point : points)
    costs.push_back(
        static_cast<double>(batch.model(static_cast<std::size_t>(point.case_index)).layers()));
  Sensitivities all;
  if (comm.root()) all.offset.push_back(0);
  auto const work = [&](std::size_t first, std::size_t last) {
    const std::vector<RootPoint> part(points.begin() + static_cast<std::ptrdiff_t>(first),
                                      points.begin() + static_cast<std::ptrdiff_t>(last));
    const Sensitivities answer = solver(batch, part, options);
    require_complete(answer, batch, part, options);
    return packed(answer);
  };
  share(comm, costs, work, [&](std::string const& answer) { append(answer, all); });
  return all;
}

} // namespace moho::study
