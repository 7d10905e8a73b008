// SPDX-License-Identifier: BSD-3-Clause
// Models of a prior in blocks: training sets and the stress of the solver.
#include "moho/study/dispersion_prior.hpp"
#include "moho/core/error.hpp"
#include "moho/dispersion/priors.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_problem.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

using dispersion::Prior;
using dispersion::Sample;

constexpr std::array<char const*, 3> split_names{"train", "validation", "test"};

template <class T, std::size_t N>
T named(std::array<T, N> const& values, std::string const& text, char const* (*name)(T)) {
  for (T const value : values)
    if (text == name(value)) return value;
  throw Error("no such choice: '" + text + "'"); // the study file was checked before
}

char const* name(Split split) {
  return split_names[static_cast<std::size_t>(split)];
}

class DispersionPrior : public Problem {
public:
  explicit DispersionPrior(Parameters const& p)
      : _split(
            named(std::array{Split::train, Split::validation, Split::test}, p.text("split"), name)),
        _periods(p.reals("periods")), _models(p.integer("models")), _block(p.integer("block")),
        _block_size(p.integer("block_size")), _keep(static_cast<std::size_t>(p.integer("keep"))),
        _recheck(static_cast<std::size_t>(p.integer("recheck"))), _store(p.text("store")) {
    _prior.prior = named(std::array{Prior::strong, Prior::weak, Prior::random}, p.text("prior"),
                         dispersion::name);
    _prior.edge = p.text("edge") == "zero" ? dispersion::Edge::zero : dispersion::Edge::reflect;
    _prior.seed = static_cast<std::uint64_t>(p.integer("seed"));
    if (_block_size == 0) _block_size = _models;
    refuse_contradictions();
  }

  Split asked() const override { return _split; }

  std::size_t count(Split) const override {
    return static_cast<std::size_t>(std::min(_block_size, _models - first()));
  }

  Batch draw(Split split, std::uint64_t from, std::size_t n) const override {
    dispersion::ModelBatch models;
    std::vector<std::string> names;
    for (std::uint64_t i = from; i < from + n; ++i) {
      const std::uint64_t index = static_cast<std::uint64_t>(first()) + i;
      const Sample sample = model(split, index);
      models.append(sample.model.view(), _periods.empty() ? sample.periods : _periods);
      names.push_back(std::string(dispersion::name(_prior.prior)) + "-" + name(split) + "-" +
                      std::to_string(index) + "-" + sample.kind);
    }
    return inputs_batch(models, std::move(names));
  }

  /// Nothing is known beforehand: the certificates are what an answer is held against.
  Batch truth(Batch const& inputs, parallel::Comm const&) const override {
    Batch truth(inputs.count());
    truth.set("uncertainty", "", std::vector<double>{std::numeric_limits<double>::quiet_NaN()});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const&) const override {
    std::vector<Check> checks = closed_form_checks();
    constexpr std::size_t most = 64;
    const std::size_t n = std::min(most, count(_split));
    std::int64_t unsound = 0, unsound_control = 0;
    SplitHashes hashes;
    for (std::uint64_t i = 0; i < n; ++i)
      for (const Split split : {Split::train, Split::validation, Split::test}) {
        Sample sample = model(split, static_cast<std::uint64_t>(first()) + i);
        hashes[static_cast<std::size_t>(split)].push_back(model_hash(sample.model.view()));
        if (split != _split) continue;
        unsound += !problem_with(sample.model.view()).empty();
        sample.model.vp = sample.model.vs; // no bulk modulus
        unsound_control += !problem_with(sample.model.view()).empty();
      }
    auto const number = [](std::int64_t value) { return static_cast<double>(value); };
    checks.push_back({"prior_unsound", number(unsound), Relation::equal, 0,
                      "the models drawn are physically possible"});
    checks.push_back({"control.prior_unsound", number(unsound_control), Relation::at_least, 1,
                      "the same check rejects models with vp = vs"});
    for (Check& check : split_checks(hashes)) checks.push_back(std::move(check));
    return checks;
  }

  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override {
    Assessment result = assess_curves(inputs, truth, answers, _keep);
    const Recheck recheck = recheck_certificates(inputs, answers, _recheck);
    result.metrics.push_back({"certificates_checked", static_cast<double>(recheck.checked)});
    result.metrics.push_back({"certificates_broken", static_cast<double>(recheck.broken)});
    if (_store == "none") return result;
    const Precision precision = _store == "float32" ? Precision::float32 : Precision::float64;
    for (Dataset& set : block_datasets(inputs, answers, first(), precision))
      result.data.push_back(std::move(set));
    return result;
  }

private:
  std::int64_t first() const { return _block * _block_size; }

  Sample model(Split split, std::uint64_t index) const {
    dispersion::PriorOptions prior = _prior;
    prior.stream = static_cast<std::uint32_t>(split);
    return dispersion::draw(prior, index);
  }

  void refuse_contradictions() const {
    const std::int64_t blocks = (_models + _block_size - 1) / _block_size;
    if (_block >= blocks)
      throw Error("problem.block = " + std::to_string(_block) + " (" + std::to_string(_models) +
                  " models in blocks of " + std::to_string(_block_size) + " have blocks 0 .. " +
                  std::to_string(blocks - 1) + ") choose one of these");
    if (_store != "none" && _prior.prior == Prior::random)
      throw Error("problem.store = \"" + _store +
                  "\" (models of the random prior differ in their number of rows) use store = "
                  "\"none\" and `keep`, or prior = \"strong\" or \"weak\"");
    if (_periods.empty()) return;
    if (const std::string why = dispersion::problem_with_periods(_periods); !why.empty())
      throw Error("problem.periods: " + why);
  }

  dispersion::PriorOptions _prior;
  Split _split;
  std::vector<double> _periods;
  std::int64_t _models, _block, _block_size;
  std::size_t _keep, _recheck;
  std::string _store;
};

} // namespace

std::vector<ParameterSpec> dispersion_prior_parameters() {
  return {{"prior", std::string("strong"), "which models", 0, 0, {"strong", "weak", "random"}},
          {"edge",
           std::string("reflect"),
           "past the ends of a moving average: mirrored, or zero as published (a slow skin on top)",
           0,
           0,
           {"reflect", "zero"}},
          {"seed", std::int64_t{1}, "seed of the models", 0},
          {"split",
           std::string("test"),
           "which of three sets that share no model",
           0,
           0,
           {"train", "validation", "test"}},
          {"models", std::int64_t{1000}, "models of the whole set", 1, 1e12},
          {"block_size", std::int64_t{0}, "models of a block; 0: one block holds all", 0, 1e9},
          {"block", std::int64_t{0}, "the block worked on, from 0", 0, 1e9},
          {"periods", std::vector<double>{}, "periods, s; empty: the prior's own", 0, 1e9},
          {"keep", std::int64_t{4}, "models of a block whose curves are kept as a table", 0, 1e9},
          {"recheck", std::int64_t{4}, "models of a block whose roots are counted again", 0, 1e9},
          {"store",
           std::string("none"),
           "keep the whole block as arrays, its kernels in this precision",
           0,
           0,
           {"none", "float32", "float64"}}};
}

std::vector<std::string> const& prior_metrics() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = curve_metrics();
    all.insert(all.end(), {"certificates_checked", "certificates_broken"});
    return all;
  }();
  return names;
}

std::unique_ptr<Problem> make_dispersion_prior(Parameters const& parameters, Environment const&) {
  return std::make_unique<DispersionPrior>(parameters);
}

} // namespace moho::study
