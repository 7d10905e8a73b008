// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_batch.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/rounds.hpp"
#include <algorithm>
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
using dispersion::ModelBatch;
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
  using Clock = std::chrono::steady_clock;
  auto const rank = static_cast<std::size_t>(comm.rank());
  Curves all;
  if (comm.root()) all = room_for(batch, options);
  parallel::RoundSchedule schedule(predicted_costs(batch, options),
                                   static_cast<std::size_t>(comm.size()));
  while (!schedule.done()) {
    const std::vector<std::size_t> offsets = schedule.next();
    std::string answer;
    double seconds = 0;
    parallel::run_collectively(comm, [&] {
      if (offsets[rank] == offsets[rank + 1]) return;
      const ModelBatch part = part_of(batch, offsets[rank], offsets[rank + 1]);
      const auto start = Clock::now();
      const Curves curves = solver(part, options);
      seconds = std::chrono::duration<double>(Clock::now() - start).count();
      require_complete(curves, part, options);
      answer = packed(curves, offsets[rank]);
    });
    schedule.report(comm.all_gather(seconds));
    const std::vector<std::string> answers = comm.gather(answer);
    parallel::run_collectively(comm, [&] {
      for (std::string const& one : answers)
        if (!one.empty()) merge(one, batch, all);
      if (comm.root() && progress) progress(offsets.back(), batch.size());
    });
  }
  return all;
}

} // namespace moho::study
