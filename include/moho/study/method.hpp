// SPDX-License-Identifier: BSD-3-Clause
// Method: who answers. A numerical solver at a tolerance, or a surrogate: both are the same type.
#pragma once
#include "moho/study/problem.hpp"
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace moho::study {

/// Time of a part of `prepare` or of an `apply` on this rank, in s; the same parts on every rank.
struct Phase {
  std::string name; ///< a word; the record's timing is "apply.<name>"
  double seconds = 0;
};

/// What setup or training left for the record; its time is taken by the caller.
struct Preparation {
  std::vector<Counter> counters; ///< iterations, parameters, samples
  std::vector<Dataset> data{};   ///< loss history
  std::vector<Metric> metrics{}; ///< training error, condition number
  std::vector<Check> checks{};   ///< what must hold of the preparation: that it did not diverge
  std::vector<Phase> phases{};
  /// Training that has to go on in a later run: the record is `partial` and the case is not done.
  bool partial = false;
  double earlier_seconds = 0; ///< spent in earlier runs on what this one went on with
  /// Its data hold weights that other runs can take; what they were trained on is stored with them.
  bool keeps_weights = false;
  /// Hashes (item_hashes) of what weights of a file were trained on; empty: the file does not say,
  /// and nothing is known of leaks.
  std::optional<std::vector<std::uint64_t>> trained_on{};
};

/// A lower bound of the time of an `apply`: that in which `bytes` pass at the machine's measured
/// rate of memory. The share of it in the measured time becomes the metric `name`: NaN unless the
/// study measures ceilings.
struct Floor {
  std::string name; ///< declared in the registry
  double bytes = 0;
};

/// What one `apply` must spend, summed over all ranks; the same on any number of ranks. And how it
/// went: times of its parts on this rank, what must hold of it (that a solver converged).
struct Cost {
  std::optional<std::int64_t> flops, bytes, messages;
  std::vector<Counter> counters; ///< further ones: layer_evaluations, iterations
  std::vector<Metric> metrics{}; ///< declared in the registry; for what rounding may change
  std::vector<Phase> phases{};
  std::vector<Check> checks{};
  std::vector<Floor> floors{};
};

/// Where and how long a method may work before it leaves the rest to a later run.
struct Sitting {
  std::string checkpoint; ///< path of the file that it may leave; "": none
  double seconds = std::numeric_limits<double>::infinity();
};

/// Who answers.
class Method {
public:
  virtual ~Method() = default;

  /// Throws moho::Error when it cannot answer this problem, so far as that shows without work: a
  /// problem of another kind, a mesh that does not serve. Asked before any case of a study is run.
  virtual void accept(Problem const& problem) const { static_cast<void>(problem); }
  /// Called before `prepare`, for those whose training takes long.
  virtual void sit(Sitting const& sitting) { static_cast<void>(sitting); }
  /// Setup or training. Collective; the Method may keep the communicator for `apply`.
  virtual Preparation prepare(Problem const& problem, parallel::Comm const& comm) = 0;
  /// The answers to `in`, which every rank holds alike. Collective; `out` is complete on the root
  /// and may be empty elsewhere. Repeated calls do the same work.
  virtual void apply(Batch const& in, Batch& out) = 0;
  /// What the last `apply` spent. Complete on the root; phases on every rank.
  virtual Cost cost() const = 0;
  /// What belongs to nobody's time: adds to the answers to the problem it was prepared on (norms of
  /// the error over a domain), and tells what it finds itself. Collective; called once, after the
  /// timing; what it returns counts on the root.
  virtual Assessment examine(Batch& out) {
    static_cast<void>(out);
    return {};
  }
  /// Writes the field it found last into `folder`, which exists, for viewers. Collective; called
  /// after `examine` where the study wants it (measure.fields).
  virtual void write_fields(std::string const& folder) { static_cast<void>(folder); }
};

/// A method that is prepared and knows the derivatives of its answers. A capability.
class Differentiable {
public:
  virtual ~Differentiable() = default;
  /// (d answers / d inputs)^T cotangents, of the shape of the inputs. `cotangents` has the array
  /// `output` (n, outputs), `in` and the result the array `input`. Collective; complete on the
  /// root.
  virtual Batch vjp(Batch const& in, Batch const& cotangents) = 0;
};

/// A method that is prepared and whose training loss, over all its training items, is a function of
/// flat parameters: what diagnostics of training need. A capability. All members are collective and
/// give every rank the same.
class Trainable {
public:
  virtual ~Trainable() = default;
  virtual std::vector<double> parameters() const = 0;
  virtual double loss(std::vector<double> const& parameters) = 0;
  virtual std::vector<double> gradient(std::vector<double> const& parameters) = 0;
  /// The second derivative of the loss times `v`.
  virtual std::vector<double> hessian_product(std::vector<double> const& parameters,
                                              std::vector<double> const& v) = 0;
};

} // namespace moho::study
