// SPDX-License-Identifier: BSD-3-Clause
// Steps of a case between its draws and its record; runner.cpp strings them together.
#pragma once
#include "kept_data.hpp"
#include "moho/study/method.hpp"
#include "moho/study/record.hpp"
#include "moho/study/runner.hpp"
#include "moho/study/witness.hpp"
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

/// A problem that is asked about, and what it asks. The truth is worked out once.
struct Question {
  std::unique_ptr<Problem> problem;
  std::unique_ptr<KeptData> training; ///< the same, for those who are prepared on it
  Batch inputs, truth;
  std::vector<std::uint64_t> hashes; ///< of the inputs' items; made when they are needed
  bool known = false;                ///< the truth is there
};
using QuestionList = std::vector<std::shared_ptr<Question>>;

/// What the problem of a case may know of the run.
Environment environment_of(Case const& item, RunOptions const& options);

/// Makes problems and draws what they ask. They are kept, with what methods are prepared on, until
/// a case asks about others.
class Questions {
public:
  explicit Questions(parallel::Comm const& comm) : _comm(comm) {}
  /// What a case asks about: its problem, or every problem of its matrix. Collective.
  QuestionList of(Case const& item, RunOptions const& options);

private:
  std::shared_ptr<Question> ask(Choice const& choice, Case const& item, RunOptions const& options);

  parallel::Comm _comm;
  KeptBudget _budget; ///< outlives those that take from it
  std::map<std::string, std::shared_ptr<Question>> _kept;
};

/// Where the problem that the method is prepared on stands among those asked about.
std::size_t own_question(Case const& item);

/// Adds the check that nothing asked about was seen before. Throws moho::Error when an item was.
/// Where the items are an expectation there is nothing to leak.
void refuse_leaks(Record& record, Witness const& witness, QuestionList const& questions);

/// The sum of what the answers to all questions cost.
Cost total(std::vector<Cost> const& costs);

/// The parts of the calls for all questions.
std::vector<Phase> phases_of(std::vector<Cost> const& costs);

/// Asks for the response to unit inputs, if the case wants it. Collective; complete on the root.
Assessment probe(Case const& item, Problem const& problem, Method& method,
                 parallel::Comm const& comm);

/// Puts together what the steps found: the assessment of the own question, and in a matrix
/// asked/label and asked/<metric> (n) of all. `further`: what the method and a probe of it found.
void fill(Record& record, Preparation const& preparation, Cost const& cost,
          std::vector<Assessment> const& assessments, std::vector<Assessment> const& further);

} // namespace moho::study
