// SPDX-License-Identifier: BSD-3-Clause
// Problem: what is asked. It draws inputs, knows the truth and the norm.
#pragma once
#include "moho/parallel/communicator.hpp"
#include "moho/study/batch.hpp"
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace moho::study {

/// Which draws: those of different splits never coincide.
enum class Split { train, validation, test };

enum class Relation { at_most, at_least, equal };
char const* symbol(Relation relation); ///< "<=", ">=", "=="

/// One verified claim. It passes when `value relation limit` holds; never when a side is NaN.
struct Check {
  std::string name; ///< a word: letters, digits and _ . / : -
  double value = 0;
  Relation relation = Relation::at_most;
  double limit = 0;
  std::string note = {}; ///< what is claimed, for people
  bool pass() const;
};

/// The control of a check, "control.<name>": it passes when the same check rejects the `perturbed`
/// value. `how` it was perturbed is for people.
Check control_of(Check const& check, double perturbed, std::string const& how);

/// A number that describes the answer: an error, a count of mismatches.
struct Metric {
  std::string name;
  double value = 0;
};

/// A deterministic count, compared exactly between runs. `rate`: also quoted per second.
struct Counter {
  std::string name;
  std::int64_t value = 0;
  bool rate = false;
};

/// An array for data.h5, on the host, row-major. `path` without leading slash, e.g. "curve/phase".
struct Dataset {
  std::string path, units;
  std::variant<std::vector<double>, std::vector<std::int64_t>, std::vector<std::int32_t>,
               std::vector<std::int8_t>, std::vector<std::string>, std::vector<float>>
      values;
  std::vector<std::size_t> shape = {}; ///< empty: one-dimensional
  std::vector<std::size_t> chunk = {}; ///< of reals: divides the shape; empty: contiguous
};

/// What a Problem finds when it compares answers with the truth.
struct Assessment {
  std::vector<Metric> metrics;
  std::vector<Counter> counters; ///< how much was asked: models, curves
  std::vector<Dataset> data;
  std::vector<Check> checks{}; ///< what must hold of the answers
};

/// What the inputs of a problem span: names of basis functions, so that "a holds b" is set
/// inclusion. A prior that spans no linear space has no elements.
struct Space {
  std::string name;   ///< "sin3": labels rows and columns of a matrix
  std::string family; ///< "sin": spaces of one family are comparable; "" if there is none
  std::set<std::string> elements = {};
  /// Every function of `other` is one of ours; so are those of a space of our name.
  bool contains(Space const& other) const;
};

/// What is asked.
class Problem {
public:
  virtual ~Problem() = default;

  virtual Space space() const { return {}; }
  /// False: the items are no samples but a factor of the inputs' second moment (a basis), so that
  /// sums over them are exact expectations; then training and test items coincide on purpose.
  virtual bool sampled() const { return true; }

  /// The split whose items a study asks about: the one that nobody trains on, unless the study is
  /// there to produce a training set.
  virtual Split asked() const { return Split::test; }
  /// How many items a split has.
  virtual std::size_t count(Split split) const = 0;
  /// Items first .. first+n-1 of a split: the same values on every rank and any number of ranks.
  virtual Batch draw(Split split, std::uint64_t first, std::size_t n) const = 0;
  /// The same, on every rank; where a draw is dear the ranks share the work. Collective.
  virtual Batch draw_together(Split split, std::uint64_t first, std::size_t n,
                              parallel::Comm const& comm) const {
    static_cast<void>(comm);
    return draw(split, first, n);
  }
  /// The right answers, to a tight tolerance, with their own uncertainty (real array
  /// "uncertainty", relative, NaN where no truth is known). Collective; complete on the root.
  virtual Batch truth(Batch const& inputs, parallel::Comm const& comm) const = 0;
  /// Known values, orders, symmetries. Collective; every rank returns the same checks.
  virtual std::vector<Check> verify(parallel::Comm const& comm) const = 0;
  /// The norm: compares answers with the truth. Called on the root alone.
  virtual Assessment assess(Batch const& inputs, Batch const& truth,
                            Batch const& answers) const = 0;

  /// The problem itself where this one only stands in for it.
  virtual Problem const& actual() const { return *this; }
};

/// Stands in for a problem, to note or to keep something by the way: passes everything on.
class StandIn : public Problem {
public:
  explicit StandIn(Problem const& problem) : _problem(problem) {}

  Space space() const override { return _problem.space(); }
  bool sampled() const override { return _problem.sampled(); }
  Split asked() const override { return _problem.asked(); }
  std::size_t count(Split split) const override { return _problem.count(split); }
  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    return _problem.draw(split, first, n);
  }
  Batch draw_together(Split split, std::uint64_t first, std::size_t n,
                      parallel::Comm const& comm) const override {
    return _problem.draw_together(split, first, n, comm);
  }
  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    return _problem.truth(inputs, comm);
  }
  std::vector<Check> verify(parallel::Comm const& comm) const override {
    return _problem.verify(comm);
  }
  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override {
    return _problem.assess(inputs, truth, answers);
  }
  Problem const& actual() const override { return _problem.actual(); }

private:
  Problem const& _problem;
};

/// The capability T (Probed, ..) of a problem; nullptr if it has none.
template <class T>
T const* capability(Problem const& problem) {
  return dynamic_cast<T const*>(&problem.actual());
}

/// A problem whose solution operator can be probed: a linear one answers unit inputs with the
/// columns of its matrix, which approximate the Green's function. A capability of some problems.
class Probed {
public:
  virtual ~Probed() = default;
  /// Unit inputs, one item per input value.
  virtual Batch probes() const = 0;
  /// Compares what a method answered to them with the exact operator.
  virtual Assessment assess_probes(Batch const& answers) const = 0;
};

} // namespace moho::study
