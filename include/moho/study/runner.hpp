// SPDX-License-Identifier: BSD-3-Clause
// The main flow: study file -> cases -> draw -> verify -> prepare -> apply -> metrics -> record.
#pragma once
#include "moho/core/error.hpp"
#include "moho/parallel/communicator.hpp"
#include "moho/study/cases.hpp"
#include "moho/study/config.hpp"
#include "moho/study/method.hpp"
#include "moho/study/record.hpp"
#include "moho/study/registry.hpp"
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

/// From the registry. Making is cheap: heavy work belongs to `draw`, `truth` and `prepare`.
std::unique_ptr<Problem> registered_problem(Choice const& choice, Environment const& environment);
std::unique_ptr<Method> registered_method(Choice const& choice);

struct RunOptions {
  std::string out = "runs";
  std::string selector; ///< --case: "", "I/N" or an id
  bool dry_run = false; ///< say what would be done; write nothing
  bool force = false;   ///< run finished cases again
  double max_time =
      std::numeric_limits<double>::infinity(); ///< s; no case is begun that would end later
  Environment environment;
  std::vector<std::string> command; ///< argv, for the provenance
  /// Where problems and methods come from; tests put their own here.
  std::function<std::unique_ptr<Problem>(Choice const&, Environment const&)> make_problem =
      registered_problem;
  std::function<std::unique_ptr<Method>(Choice const&)> make_method = registered_method;
};

/// Throws moho::Error for what the user got wrong, before any work: a problem or a method that
/// cannot be made, or, naming the case, a method that cannot answer its problem (Method::accept).
void refuse_unusable(std::vector<Case> const& cases, RunOptions const& options);

enum class Action { ran, skipped, remaining };
char const* name(Action action);

/// What became of one case.
struct CaseReport {
  std::string id, folder;
  Action action = Action::remaining;
  Outcome outcome; ///< of this run or, when skipped, of the run that finished it
};

struct RunReport {
  std::string study, folder;
  std::vector<CaseReport> cases;        ///< those selected, then the syntheses that can be made
  std::vector<std::string> other_sizes; ///< ids of cases for another number of ranks
  std::vector<std::string> waiting;     ///< ids of syntheses that wait for cases
  int signal = 0;                       ///< that ended the run early
  bool out_of_time = false;

  std::size_t count(Action action) const;
  /// crashed if a case failed, else invalid if one is, else ok. Skipped cases count as well.
  ExitCode exit_code() const;
};

/// Runs the selected cases and writes a record for each. Collective; every rank gets the report.
/// A case that fails leaves a record of its failure and the next one is run. Throws moho::Error
/// when the study cannot be run (a problem or method refuses its parameters; nothing is written
/// then) or a record cannot be written. SIGTERM and SIGUSR1 stop it at the next safe place; the
/// case at work then leaves nothing. `told` is called after each case, on the root of the group of
/// ranks that ran it.
RunReport run_study(Study const& study, RunOptions const& options, parallel::Comm const& comm,
                    std::function<void(CaseReport const&)> const& told = {});

} // namespace moho::study
