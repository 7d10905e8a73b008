// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/runner.hpp"
#include "moho/core/statistics.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/measure.hpp"
#include "moho/study/progress.hpp"
#include "moho/study/provenance.hpp"
#include "moho/study/stop.hpp"
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace moho::study {
namespace {

using parallel::Comm;
using parallel::run_collectively;

/// A signal ended the case: it leaves no record.
struct Stopped {};

void stop_if_asked(Comm const& comm) {
  if (stop_signal(comm) != 0) throw Stopped{};
}

/// Time since the start of a watch, the same on every rank.
double elapsed(Stopwatch const& watch, Comm const& comm) {
  return comm.max(watch.seconds());
}

/// Takes times of one region on every rank; samples are those of the slowest rank.
class RegionTimer {
public:
  explicit RegionTimer(Comm const& comm) : _comm(comm) {}

  /// Times `body` after a barrier. A body that throws on one rank throws on all.
  void time(std::function<void()> const& body) {
    double mine = 0;
    _comm.barrier();
    run_collectively(_comm, [&] {
      const Stopwatch watch;
      body();
      mine = watch.seconds();
    });
    _fastest.push_back(_comm.min(mine));
    _slowest.push_back(_comm.max(mine));
  }

  Timing timing(std::int64_t warmup) const {
    return {_slowest, median(_fastest), median(_slowest), warmup};
  }

private:
  Comm _comm;
  std::vector<double> _fastest, _slowest;
};

/// Checks of a problem depend on its parameters alone, so each distinct problem is verified once.
class Verifier {
public:
  explicit Verifier(Comm const& comm) : _comm(comm) {}

  std::vector<Check> const& checks(Choice const& choice, Problem const& problem) {
    const std::string key = choice.name + to_json(choice.parameters);
    auto found = _checks.find(key);
    if (found == _checks.end()) {
      std::vector<Check> checks;
      run_collectively(_comm, [&] { checks = problem.verify(_comm); });
      found = _checks.emplace(key, std::move(checks)).first;
    }
    return found->second;
  }

private:
  Comm _comm;
  std::map<std::string, std::vector<Check>> _checks;
};

/// Calls `apply` as the case asks for: warm-up, then repeats and a least time (of the clock on the
/// wall, so that very short calls end as well).
Timing timed_apply(Method& method, Batch const& inputs, Batch& answers, Measure const& measure,
                   Comm const& comm) {
  constexpr std::int64_t most_repeats = 1000; // of those that min_time asks for
  for (std::int64_t i = 0; i < measure.warmup; ++i) {
    stop_if_asked(comm);
    run_collectively(comm, [&] { method.apply(inputs, answers); });
  }
  RegionTimer timer(comm);
  const Stopwatch watch;
  for (std::int64_t i = 0;; ++i) {
    bool const enough = i >= most_repeats || elapsed(watch, comm) >= measure.min_time;
    if (i >= measure.repeats && enough) return timer.timing(measure.warmup);
    stop_if_asked(comm);
    timer.time([&] { method.apply(inputs, answers); });
  }
}

/// The machine's rates before and after the timed calls; keeps its arrays from case to case.
class Machine {
public:
  explicit Machine(Comm const& comm) : _comm(comm) {}

  Rates rates() {
    Rates rates;
    run_collectively(_comm, [&] {
      if (!_probe) _probe.emplace(_comm, MeasureOptions{});
      rates = _probe->measure();
    });
    return rates;
  }

private:
  Comm _comm;
  std::optional<RateProbe> _probe;
};

/// Timed calls between two measurements of the machine. A rate that drifted meanwhile is not
/// quoted: something else used the machine.
void timed_against_machine(Record& record, Machine& machine, std::function<Timing()> const& timed) {
  auto const steady = [](double before, double after) {
    return drift(before, after) <= most_drift ? std::min(before, after)
                                              : std::numeric_limits<double>::quiet_NaN();
  };
  const Rates before = machine.rates();
  record.timings["apply"] = timed();
  const Rates after = machine.rates();
  record.ceilings = {steady(before.triad, after.triad), steady(before.gemm, after.gemm)};
}

std::vector<Counter> counters_of(Preparation const& preparation, Cost const& cost,
                                 Assessment const& assessment) {
  std::vector<Counter> all = preparation.counters;
  all.insert(all.end(), cost.counters.begin(), cost.counters.end());
  all.insert(all.end(), assessment.counters.begin(), assessment.counters.end());
  if (cost.flops) all.push_back({"flops", *cost.flops, true});
  if (cost.bytes) all.push_back({"bytes", *cost.bytes, true});
  if (cost.messages) all.push_back({"messages", *cost.messages});
  return all;
}

/// What all cases of a run share.
struct Shared {
  Comm comm;
  Verifier verifier{comm};
  Machine machine{comm};
};

/// What the problem of a case may know of the run.
Environment environment_of(Case const& item, RunOptions const& options) {
  Environment environment = options.environment;
  environment.ranks = static_cast<int>(item.ranks.value_or(0));
  return environment;
}

/// One case from the draw to the judged record, which is complete on the root. Each step is guarded
/// by itself, so that a rank that fails alone leaves no other waiting in the next one.
Record run_case(Case const& item, RunOptions const& options, Shared& shared) {
  Comm const& comm = shared.comm;
  Record record;
  record.item = item;
  std::unique_ptr<Problem> problem;
  std::unique_ptr<Method> method;
  Batch inputs, answers;
  run_collectively(comm, [&] {
    problem = options.make_problem(item.problem, environment_of(item, options));
    method = options.make_method(item.method);
    inputs = problem->draw(problem->asked(), 0, problem->count(problem->asked()));
  });
  stop_if_asked(comm);
  record.checks = shared.verifier.checks(item.problem, *problem);

  Preparation preparation;
  RegionTimer prepare(comm);
  prepare.time([&] { preparation = method->prepare(*problem, comm); });
  record.timings["prepare"] = prepare.timing(0);
  auto const timed = [&] { return timed_apply(*method, inputs, answers, item.measure, comm); };
  if (item.measure.ceilings)
    timed_against_machine(record, shared.machine, timed);
  else
    record.timings["apply"] = timed();
  stop_if_asked(comm);

  Batch truth;
  run_collectively(comm, [&] { truth = problem->truth(inputs, comm); });
  run_collectively(comm, [&] {
    if (!comm.root()) return;
    Assessment assessment = problem->assess(inputs, truth, answers);
    record.counters = counters_of(preparation, method->cost(), assessment);
    record.metrics = std::move(assessment.metrics);
    record.data = std::move(preparation.data);
    std::move(assessment.data.begin(), assessment.data.end(), std::back_inserter(record.data));
    judge(record);
  });
  return record;
}

/// The same, but a failure is a record as well.
Record attempt(Case const& item, RunOptions const& options, Shared& shared) {
  try {
    return run_case(item, options, shared);
  } catch (Error const& error) {
    Record record;
    record.item = item;
    record.error = error.what();
    return record;
  }
}

/// Makes every problem and method once, so that what the user got wrong is told before any work.
void refuse_unusable(std::vector<Case> const& cases, RunOptions const& options, Comm const& comm) {
  run_collectively(comm, [&] {
    std::set<std::string> seen;
    for (Case const& item : cases) {
      if (seen.insert(item.problem.name + to_json(item.problem.parameters)).second)
        options.make_problem(item.problem, environment_of(item, options));
      if (seen.insert(item.method.name + to_json(item.method.parameters)).second)
        options.make_method(item.method);
    }
  });
}

/// Decides which cases need no work; the folder may be on a file system only the root sees well.
std::vector<CaseReport> plan(std::vector<Case> const& cases, std::string const& folder, bool force,
                             Comm const& comm) {
  std::vector<CaseReport> reports;
  std::string done;
  for (Case const& item : cases) {
    CaseReport report{item.id, folder + "/" + item.id, Action::remaining, {}};
    if (comm.root()) report.outcome = read_outcome(report.folder, item.id);
    done += report.outcome.done && !force ? '1' : '0';
    reports.push_back(std::move(report));
  }
  done = comm.broadcast(done);
  for (std::size_t i = 0; i < reports.size(); ++i)
    if (done[i] == '1') reports[i].action = Action::skipped;
  return reports;
}

/// Every rank learns how a case ended, so that all leave with the same exit code.
void share_outcomes(std::vector<CaseReport>& reports, Comm const& comm) {
  std::string statuses;
  for (CaseReport const& report : reports)
    statuses += static_cast<char>('0' + static_cast<int>(report.outcome.status));
  statuses = comm.broadcast(statuses);
  for (std::size_t i = 0; i < reports.size(); ++i)
    reports[i].outcome.status = static_cast<CaseStatus>(statuses[i] - '0');
}

void write_study(Study const& study, std::string const& folder) {
  make_folder(folder);
  const std::string path = folder + "/study.toml", text = resolved(study);
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored) && read_file(path) == text) return;
  write_atomically(path, text);
}

std::vector<std::string> for_other_sizes(std::vector<Case> const& cases, int ranks) {
  std::vector<std::string> ids;
  for (Case const& item : cases)
    if (item.ranks && *item.ranks != ranks) ids.push_back(item.id);
  return ids;
}

/// Runs what is left, in order, until the end, a signal or the time limit.
class Sweep {
public:
  Sweep(Study const& study, RunOptions const& options, Comm const& comm)
      : _study(study), _options(options), _comm(comm), _shared{comm},
        _provenance(provenance_json(comm, options.command)) {}

  /// False when the case was not finished: the run is over.
  bool run(Case const& item, CaseReport& report) {
    double const begin = elapsed(_watch, _comm);
    if (begin + _longest > _options.max_time || _options.max_time <= 0) return false;
    Record record;
    try {
      stop_if_asked(_comm);
      record = attempt(item, _options, _shared);
    } catch (Stopped const&) {
      return false;
    }
    record.study = _study.name;
    record.provenance = _provenance;
    record.peak_memory = _comm.max(peak_memory());
    run_collectively(_comm, [&] {
      if (!_comm.root()) return;
      write_record(record, report.folder);
      report.outcome = read_outcome(report.folder, item.id);
    });
    report.action = Action::ran;
    _longest = std::max(_longest, elapsed(_watch, _comm) - begin);
    return true;
  }

private:
  Study const& _study;
  RunOptions const& _options;
  Comm _comm;
  Shared _shared;
  std::string _provenance;
  Stopwatch _watch;
  double _longest = 0;
};

} // namespace

std::unique_ptr<Problem> registered_problem(Choice const& choice, Environment const& environment) {
  return find_problem(choice.name).make(choice.parameters, environment);
}

std::unique_ptr<Method> registered_method(Choice const& choice) {
  return find_method(choice.name).make(choice.parameters);
}

char const* name(Action action) {
  switch (action) {
  case Action::ran:
    return "ran";
  case Action::skipped:
    return "skipped";
  case Action::remaining:
    return "remaining";
  }
  return "?";
}

std::size_t RunReport::count(Action action) const {
  return static_cast<std::size_t>(
      std::count_if(cases.begin(), cases.end(),
                    [action](CaseReport const& report) { return report.action == action; }));
}

ExitCode RunReport::exit_code() const {
  ExitCode code = ExitCode::ok;
  for (CaseReport const& report : cases) {
    if (report.action == Action::remaining) continue;
    if (report.outcome.status == CaseStatus::failed) return ExitCode::crashed;
    if (report.outcome.status == CaseStatus::invalid) code = ExitCode::invalid;
  }
  return code;
}

RunReport run_study(Study const& study, RunOptions const& options, Comm const& comm,
                    std::function<void(CaseReport const&)> const& told) {
  const std::vector<Case> all = expand(study);
  const std::vector<Case> cases = select(all, options.selector, comm.size());
  refuse_unusable(cases, options, comm);
  RunReport report{study.name, options.out + "/" + study.name, {}, {}, 0, false};
  report.other_sizes = for_other_sizes(all, comm.size());
  report.cases = plan(cases, report.folder, options.force, comm);
  if (!options.dry_run) {
    run_collectively(comm, [&] {
      if (comm.root()) write_study(study, report.folder);
    });
    catch_stop_signals();
    Sweep sweep(study, options, comm);
    std::optional<Progress> progress;
    if (comm.root())
      progress.emplace(study.name, "cases",
                       static_cast<std::int64_t>(report.count(Action::remaining)));
    for (std::size_t i = 0; i < cases.size(); ++i) {
      if (report.cases[i].action == Action::skipped) {
        if (told && comm.root()) told(report.cases[i]);
        continue;
      }
      if (progress) progress->note(cases[i].id);
      if (!sweep.run(cases[i], report.cases[i])) break;
      if (progress) progress->advance();
      if (progress) progress->clear();
      if (told && comm.root()) told(report.cases[i]);
    }
    report.signal = stop_signal(comm);
    report.out_of_time = report.signal == 0 && report.count(Action::remaining) > 0;
  }
  share_outcomes(report.cases, comm);
  return report;
}

} // namespace moho::study
