// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/runner.hpp"
#include "case_steps.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/parallel/farm.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/progress.hpp"
#include "moho/study/provenance.hpp"
#include "moho/study/stop.hpp"
#include "moho/study/synthesis.hpp"
#include "moho/study/witness.hpp"
#include "timing.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace moho::study {
namespace {

using parallel::Comm;
using parallel::run_collectively;

/// `body` without a signal's end of it, which those who time it would take for a crash. The next
/// stop_if_asked throws it anew.
std::function<void()> quietly(std::function<void()> body) {
  return [body = std::move(body)] {
    try {
      body();
    } catch (Stopped const&) { // on all ranks
    }
  };
}

/// Time since the start of a watch, the same on every rank of the group.
double elapsed(Stopwatch const& watch, Comm const& comm) {
  return comm.max(watch.seconds());
}

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

/// What all cases of a run share.
struct Shared {
  Comm comm;
  Verifier verifier{comm};
  Machine machine{comm};
  Questions questions{comm};
};

/// Where a case leaves what is no record, and how long it may take.
struct Desk {
  std::string folder;
  bool fields = false; ///< of the method, for viewers
  double seconds = 0;  ///< that are left for training

  std::string checkpoint() const { return folder + "/checkpoint.h5"; }
};

/// One case from the draw to the judged record, which is complete on the root. Each step is guarded
/// by itself, so that a rank that fails alone leaves no other waiting in the next one.
Record run_case(Case const& item, RunOptions const& options, Shared& shared, Desk const& desk) {
  Comm const& comm = shared.comm;
  Record record;
  record.item = item;
  QuestionList questions;
  std::unique_ptr<Method> method;
  run_collectively(comm, [&] {
    questions = shared.questions.of(item, options);
    method = options.make_method(item.method);
  });
  Question const& own = *questions[own_question(item)];
  Problem const& problem = *own.problem;
  stop_if_asked(comm);
  record.checks = shared.verifier.checks(item.problem, problem);
  method->sit({desk.checkpoint(), desk.seconds});

  Preparation preparation;
  const Witness witness(*own.training);
  // Whoever is prepared first has the training set worked out for all: that is nobody's time.
  RegionTimer prepare(comm), data(comm);
  double data_seconds = 0;
  own.training->take_seconds(); // what a case that failed left
  prepare.time(quietly([&] { preparation = method->prepare(witness, comm); }),
               [&] { return data_seconds = own.training->take_seconds(); });
  data.add(data_seconds);
  stop_if_asked(comm);
  record.timings["prepare"] = prepare.timing(0);
  if (comm.max(data_seconds) > 0) record.timings["data"] = data.timing(0);
  for (double& sample : record.timings["prepare"].samples) sample += preparation.earlier_seconds;
  PhaseTimes prepared, applied;
  prepared.add(preparation.phases);
  record.timings.merge(prepared.timings("prepare", 0, comm));
  record.checks.insert(record.checks.end(), preparation.checks.begin(), preparation.checks.end());
  auto const& foreign = preparation.trained_on; // by whoever trained the weights of a file
  bool const all_known = !foreign || !foreign->empty();
  if (foreign) witness.add(*foreign);
  if (all_known) run_collectively(comm, [&] { refuse_leaks(record, witness, questions); });
  if (preparation.keeps_weights && all_known && witness.seen() > 0)
    preparation.data.push_back({"training/inputs", "", witness.hashes()});

  std::vector<Batch> answers(questions.size());
  std::vector<Cost> costs(questions.size());
  auto const apply = quietly([&] {
    for (std::size_t i = 0; i < questions.size(); ++i) {
      method->apply(questions[i]->inputs, answers[i]);
      costs[i] = method->cost();
    }
    applied.add(phases_of(costs));
  });
  auto const timed = [&] {
    record.timings["apply"] = timed_repeats(
        item.measure, comm, [&] { stop_if_asked(comm); }, apply);
  };
  if (item.measure.ceilings)
    record.ceilings = shared.machine.around(timed);
  else
    timed();
  stop_if_asked(comm);
  record.timings.merge(applied.timings("apply", item.measure.warmup, comm));
  std::vector<Assessment> found(1);
  run_collectively(comm, [&] { found[0] = method->examine(answers[own_question(item)]); });
  if (desk.fields) {
    run_collectively(comm, [&] {
      if (comm.root()) make_folder(desk.folder);
    });
    run_collectively(comm, [&] { method->write_fields(desk.folder); });
  }
  found.push_back(probe(item, problem, *method, comm));

  for (auto const& question : questions) {
    if (question->known) continue;
    run_collectively(comm,
                     [&] { question->truth = question->problem->truth(question->inputs, comm); });
    question->known = true;
  }
  run_collectively(comm, [&] {
    if (!comm.root()) return;
    std::vector<Assessment> assessments;
    for (std::size_t i = 0; i < questions.size(); ++i)
      assessments.push_back(
          questions[i]->problem->assess(questions[i]->inputs, questions[i]->truth, answers[i]));
    fill(record, preparation, total(costs), assessments, found);
    judge(record);
  });
  return record;
}

/// The same, but a failure is a record as well.
Record attempt(Case const& item, RunOptions const& options, Shared& shared, Desk const& desk) {
  try {
    return run_case(item, options, shared, desk);
  } catch (Error const& error) {
    Record record;
    record.item = item;
    record.error = error.what();
    return record;
  }
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

/// Writes a record beside the others of the study and notes in the report how the case ended.
void leave(Record& record, Study const& study, std::string const& provenance, CaseReport& report,
           Comm const& comm) {
  record.study = study.name;
  record.provenance = provenance;
  record.peak_memory = comm.max(peak_memory());
  run_collectively(comm, [&] {
    if (!comm.root()) return;
    // what earlier sittings reached stays where a further one could not begin
    Outcome const before = read_outcome(report.folder, record.item.id);
    bool const keep = record.status == CaseStatus::failed && before.status == CaseStatus::partial;
    if (!keep) write_record(record, report.folder);
    report.outcome = keep ? Outcome{} : read_outcome(report.folder, record.item.id);
    if (keep) report.outcome.error = record.error;
  });
  report.action = Action::ran;
}

/// Runs cases until the end, a signal or the time limit.
class Sweep {
public:
  Sweep(Study const& study, RunOptions const& options, Comm const& comm)
      : _study(study), _options(options), _comm(comm), _shared{comm},
        _provenance(provenance_json(comm, options.command)) {}

  /// False when the case was not finished: the run is over.
  bool run(Case const& item, CaseReport& report) {
    double const begin = elapsed(_watch, _comm);
    if (begin + _longest > _options.max_time || _options.max_time <= 0) return false;
    Desk const desk{report.folder, _study.fields, _options.max_time - begin};
    if (_options.force) discard(desk.checkpoint());
    Record record;
    try {
      stop_if_asked(_comm);
      record = attempt(item, _options, _shared, desk);
    } catch (Stopped const&) {
      return false;
    }
    leave(record, _study, _provenance, report, _comm);
    if (record.status == CaseStatus::ok) discard(desk.checkpoint());
    _longest = std::max(_longest, elapsed(_watch, _comm) - begin);
    return true;
  }

private:
  void discard(std::string const& path) const {
    std::error_code ignored;
    if (_comm.root()) std::filesystem::remove(path, ignored);
  }

  Study const& _study;
  RunOptions const& _options;
  Comm _comm;
  Shared _shared;
  std::string _provenance;
  Stopwatch _watch;
  double _longest = 0;
};

using Told = std::function<void(CaseReport const&)>;

/// One group of ranks: takes the next case until none is left. What a group cannot finish ends all.
void work(parallel::Farm& farm, Study const& study, RunOptions const& options,
          std::vector<Case> const& cases, bool tells_progress, RunReport& report,
          Told const& told) {
  Comm const& comm = farm.group();
  Sweep sweep(study, options, comm);
  Progress progress(study.name, "cases", static_cast<std::int64_t>(cases.size()), tells_progress);
  auto const count = static_cast<std::int64_t>(cases.size());
  try {
    for (std::int64_t next = farm.next(), last = -1; next < count; next = farm.next()) {
      Case const& item = cases[static_cast<std::size_t>(next)];
      CaseReport& mine = report.cases[static_cast<std::size_t>(next)];
      progress.note(item.id);
      bool const skipped = mine.action == Action::skipped;
      if (skipped && comm.root()) mine.outcome = read_outcome(mine.folder, mine.id);
      bool const finished = skipped || sweep.run(item, mine);
      if (!finished) farm.close();
      if (finished) progress.advance(next - last);
      last = next;
      progress.clear();
      if (finished && told && comm.root()) told(mine);
    }
  } catch (...) {
    farm.close();
    throw;
  }
}

/// Every rank learns what the other groups did; how a case ended stands in its record.
void share_actions(RunReport& report, parallel::Farm const& farm, Comm const& comm) {
  if (farm.groups() == 1) return;
  std::string mine, all(report.cases.size(), '0');
  for (CaseReport const& item : report.cases) mine += item.action == Action::ran ? '1' : '0';
  for (std::string const& one : comm.gather(mine))
    for (std::size_t i = 0; i < one.size(); ++i)
      if (one[i] == '1') all[i] = '1';
  all = comm.broadcast(all);
  for (std::size_t i = 0; i < report.cases.size(); ++i) {
    CaseReport& item = report.cases[i];
    if (all[i] != '1') continue;
    item.action = Action::ran;
    if (comm.root()) item.outcome = read_outcome(item.folder, item.id);
  }
}

void run_cases(Study const& study, RunOptions const& options, Comm const& comm,
               std::vector<Case> const& cases, RunReport& report, Told const& told) {
  parallel::Farm farm(comm, study.ranks_per_case);
  // Groups end at different times: nobody is impatient.
  run_collectively(
      comm, [&] { work(farm, study, options, cases, comm.root(), report, told); }, HUGE_VAL);
  share_actions(report, farm, comm);
}

/// The synthesis; a failure is a record as well.
Record made_from_points(Synthesis const& synthesis, std::string const& folder,
                        RunOptions const& options, Comm const& comm) {
  Record record;
  try {
    run_collectively(comm, [&] {
      if (comm.root())
        record = synthesize(synthesis, folder, options.make_problem, options.environment);
    });
  } catch (Error const& error) {
    record = {};
    record.error = error.what();
  }
  record.item = synthesis.item;
  return record;
}

/// Makes the fits and matrices whose points are all there.
void run_syntheses(Study const& study, RunOptions const& options, Comm const& comm,
                   std::vector<Case> const& all, RunReport& report, Told const& told) {
  std::string provenance;
  for (Synthesis const& synthesis : syntheses(study, all)) {
    std::string folder = report.folder + "/" + synthesis.item.id, found(1, ' ');
    if (comm.root()) found[0] = static_cast<char>(state(synthesis, report.folder));
    auto const now = static_cast<SynthesisState>(comm.broadcast(found)[0]);
    if (now == SynthesisState::waiting) {
      report.waiting.push_back(synthesis.item.id);
      continue;
    }
    CaseReport made{synthesis.item.id, std::move(folder), Action::remaining, {}};
    if (now == SynthesisState::done && !options.force) {
      made.action = Action::skipped;
      if (comm.root()) made.outcome = read_outcome(made.folder, made.id);
    } else if (!options.dry_run) {
      if (provenance.empty()) provenance = provenance_json(comm, options.command);
      Record record = made_from_points(synthesis, report.folder, options, comm);
      leave(record, study, provenance, made, comm);
    }
    if (told && comm.root() && !options.dry_run) told(made);
    report.cases.push_back(std::move(made));
  }
}

} // namespace

void refuse_unusable(std::vector<Case> const& cases, RunOptions const& options) {
  std::map<std::string, std::unique_ptr<Problem>> problems;
  std::map<std::string, std::unique_ptr<Method>> methods;
  std::set<std::pair<std::string, std::string>> seen;
  for (Case const& item : cases) {
    const std::string asked = item.problem.name + to_json(item.problem.parameters),
                      answers = item.method.name + to_json(item.method.parameters);
    if (!seen.emplace(asked, answers).second) continue;
    std::unique_ptr<Problem>& problem = problems[asked];
    std::unique_ptr<Method>& method = methods[answers];
    if (!problem) problem = options.make_problem(item.problem, environment_of(item, options));
    if (!method) method = options.make_method(item.method);
    try {
      method->accept(*problem);
    } catch (Error const& error) {
      throw Error("case " + item.id + ": " + error.what());
    }
  }
}

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
      std::count_if(cases.begin(), cases.end(), [action](CaseReport const& report) {
        return report.action == action ||
               (action == Action::remaining && report.outcome.status == CaseStatus::partial);
      }));
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
  run_collectively(comm, [&] { refuse_unusable(cases, options); });
  RunReport report;
  report.study = study.name;
  report.folder = options.out + "/" + study.name;
  report.other_sizes = for_other_sizes(all, comm.size());
  report.cases = plan(cases, report.folder, options.force, comm);
  if (!options.dry_run) {
    run_collectively(comm, [&] {
      if (comm.root()) write_study(study, report.folder);
    });
    catch_stop_signals();
    run_cases(study, options, comm, cases, report, told);
    report.signal = stop_signal(comm);
  }
  run_syntheses(study, options, comm, all, report, told);
  share_outcomes(report.cases, comm);
  report.out_of_time =
      !options.dry_run && report.signal == 0 && report.count(Action::remaining) > 0;
  return report;
}

} // namespace moho::study
