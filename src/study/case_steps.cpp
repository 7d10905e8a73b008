// SPDX-License-Identifier: BSD-3-Clause
#include "case_steps.hpp"
#include "moho/core/error.hpp"
#include "moho/core/statistics.hpp"
#include <algorithm>
#include <limits>

namespace moho::study {

using parallel::Comm;
using parallel::run_collectively;

Environment environment_of(Case const& item, RunOptions const& options) {
  Environment environment = options.environment;
  environment.ranks = static_cast<int>(item.ranks.value_or(0));
  return environment;
}

std::shared_ptr<Question> Questions::ask(Choice const& choice, Case const& item,
                                         RunOptions const& options) {
  auto question = std::make_shared<Question>();
  question->problem = options.make_problem(choice, environment_of(item, options));
  Problem const& problem = *question->problem;
  question->training = std::make_unique<KeptData>(problem, _comm, _budget);
  Split const asked = problem.asked();
  question->inputs = problem.draw_together(asked, 0, problem.count(asked), _comm);
  return question;
}

QuestionList Questions::of(Case const& item, RunOptions const& options) {
  auto const& choices = item.asked.empty() ? std::vector{item.problem} : item.asked;
  std::vector<std::string> keys;
  for (Choice const& choice : choices)
    keys.push_back(choice.name + to_json(choice.parameters) +
                   std::to_string(item.ranks.value_or(0)));
  std::erase_if(_kept, [&](auto const& kept) {
    return std::find(keys.begin(), keys.end(), kept.first) == keys.end();
  });
  QuestionList questions;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::shared_ptr<Question>& kept = _kept[keys[i]];
    std::shared_ptr<Question> made = kept;
    if (!made) run_collectively(_comm, [&] { made = ask(choices[i], item, options); });
    kept = made; // on every rank or on none: the next case has to find them alike
    questions.push_back(kept);
  }
  return questions;
}

std::size_t own_question(Case const& item) {
  auto const& labels = item.asked_labels;
  if (labels.empty()) return 0;
  return static_cast<std::size_t>(
      std::find(labels.begin(), labels.end(), item.protocol.text("prepared_on")) - labels.begin());
}

void refuse_leaks(Record& record, Witness const& witness, QuestionList const& questions) {
  if (witness.seen() == 0) return;
  std::size_t asked = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    Question& question = *questions[i];
    asked += question.inputs.count();
    if (question.hashes.empty()) question.hashes = item_hashes(question.inputs);
    if (const std::size_t leaked = witness.leaked(question.hashes); leaked > 0)
      throw Error("method '" + record.item.method.name + "' has seen " + std::to_string(leaked) +
                  " of the " + std::to_string(question.inputs.count()) + " inputs of '" +
                  (record.item.asked_labels.empty() ? record.item.problem.name
                                                    : record.item.asked_labels[i]) +
                  "' that it is asked about (its answers would be recalled, not computed) let "
                  "`prepare` draw the splits train and validation alone, and let splits differ");
  }
  record.checks.push_back({"inputs_leaked", 0, Relation::equal, 0,
                           std::to_string(asked) + " inputs asked about, compared by hash with " +
                               std::to_string(witness.seen()) + " drawn for training"});
}

Cost total(std::vector<Cost> const& costs) {
  Cost sum = costs.front();
  auto const add = [](std::optional<std::int64_t>& to, std::optional<std::int64_t> const& from) {
    if (to && from) *to += *from;
  };
  for (std::size_t i = 1; i < costs.size(); ++i) {
    add(sum.flops, costs[i].flops);
    add(sum.bytes, costs[i].bytes);
    add(sum.messages, costs[i].messages);
    for (std::size_t k = 0; k < std::min(sum.counters.size(), costs[i].counters.size()); ++k)
      sum.counters[k].value += costs[i].counters[k].value;
    sum.checks.insert(sum.checks.end(), costs[i].checks.begin(), costs[i].checks.end());
    for (std::size_t k = 0; k < std::min(sum.floors.size(), costs[i].floors.size()); ++k)
      sum.floors[k].bytes += costs[i].floors[k].bytes;
  }
  return sum;
}

std::vector<Phase> phases_of(std::vector<Cost> const& costs) {
  std::vector<Phase> all;
  for (Cost const& cost : costs) all.insert(all.end(), cost.phases.begin(), cost.phases.end());
  return all;
}

namespace {

/// How much was asked, of all problems together.
std::vector<Counter> counters_of_all(std::vector<Assessment> const& assessments) {
  std::vector<Counter> all;
  for (Assessment const& assessment : assessments)
    for (Counter const& counter : assessment.counters) {
      auto const same = std::find_if(
          all.begin(), all.end(), [&](Counter const& other) { return other.name == counter.name; });
      if (same == all.end())
        all.push_back(counter);
      else
        same->value += counter.value;
    }
  return all;
}

/// The share of each floor in the time that was measured.
std::vector<Metric> shares(Record const& record, std::vector<Floor> const& floors) {
  double const rate =
      record.ceilings ? record.ceilings->stream : std::numeric_limits<double>::quiet_NaN();
  std::vector<Metric> metrics;
  for (Floor const& floor : floors)
    metrics.push_back(
        {floor.name, floor.bytes / rate / median(record.timings.at("apply").samples)});
  return metrics;
}

/// asked/label and asked/<metric>.
std::vector<Dataset> row_data(Case const& item, std::vector<Assessment> const& assessments) {
  std::vector<Dataset> data{{"asked/label", "", item.asked_labels}};
  for (Metric const& metric : assessments.front().metrics) {
    std::vector<double> values;
    for (Assessment const& assessment : assessments) {
      auto const found =
          std::find_if(assessment.metrics.begin(), assessment.metrics.end(),
                       [&](Metric const& other) { return other.name == metric.name; });
      values.push_back(found == assessment.metrics.end() ? std::numeric_limits<double>::quiet_NaN()
                                                         : found->value);
    }
    data.push_back({"asked/" + metric.name, "", values});
  }
  return data;
}

} // namespace

void fill(Record& record, Preparation const& preparation, Cost const& cost,
          std::vector<Assessment> const& assessments, std::vector<Assessment> const& further) {
  auto const append = [](auto& to, auto const& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  Assessment const& own = assessments[own_question(record.item)];
  record.counters = preparation.counters;
  record.partial = preparation.partial;
  append(record.counters, cost.counters);
  append(record.counters, counters_of_all(assessments));
  if (cost.flops) record.counters.push_back({"flops", *cost.flops, true});
  if (cost.bytes) record.counters.push_back({"bytes", *cost.bytes, true});
  if (cost.messages) record.counters.push_back({"messages", *cost.messages});
  append(record.metrics, own.metrics);
  append(record.metrics, preparation.metrics);
  append(record.metrics, cost.metrics);
  append(record.metrics, shares(record, cost.floors));
  append(record.checks, cost.checks);
  append(record.checks, own.checks);
  append(record.data, preparation.data);
  append(record.data, own.data);
  for (Assessment const& assessment : further) {
    append(record.metrics, assessment.metrics);
    append(record.checks, assessment.checks);
    append(record.data, assessment.data);
  }
  if (!record.item.asked.empty()) append(record.data, row_data(record.item, assessments));
}

Assessment probe(Case const& item, Problem const& problem, Method& method, Comm const& comm) {
  Assessment found;
  if (!item.protocol.has("probe") || !item.protocol.flag("probe")) return found;
  auto const* probed = capability<Probed>(problem);
  if (probed == nullptr)
    throw Error("problem '" + item.problem.name +
                "' cannot be probed (it has no unit inputs) set cross_validation.probe = false");
  Batch answers;
  run_collectively(comm, [&] { method.apply(probed->probes(), answers); });
  run_collectively(comm, [&] {
    if (comm.root()) found = probed->assess_probes(answers);
  });
  return found;
}

} // namespace moho::study
