// SPDX-License-Identifier: BSD-3-Clause
// What several cases say together: a fitted rate, a generalization matrix. A synthesis is a record
// of its own, made from the records of its points, which it does not run again.
#pragma once
#include "moho/study/cases.hpp"
#include "moho/study/config.hpp"
#include "moho/study/record.hpp"
#include "moho/study/registry.hpp"
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace moho::study {

struct Synthesis {
  /// Identity: what its points have in common, and `synthesis`, `axis`, `error`, `points`, ..
  Case item;
  std::vector<Case> points; ///< in the order of the axis; rows of the matrix
  std::variant<ConvergenceProtocol, CrossValidationProtocol> protocol;
};

/// Every fit and matrix of a study; `cases` are all of its cases.
std::vector<Synthesis> syntheses(Study const& study, std::vector<Case> const& cases);

/// Whether it can be made (each point has a sound or invalid record in `folder`), and must be
/// (there is no record of it that is younger than theirs).
enum class SynthesisState { waiting, due, done };
SynthesisState state(Synthesis const& synthesis, std::string const& folder);

/// Makes the judged record from those of the points; the timing `rows` of a matrix is the sum of
/// prepare and apply over all rows. Throws moho::Error naming a record that cannot be used.
using MakeProblem = std::function<std::unique_ptr<Problem>(Choice const&, Environment const&)>;
Record synthesize(Synthesis const& synthesis, std::string const& folder,
                  MakeProblem const& make_problem, Environment const& environment);

} // namespace moho::study
