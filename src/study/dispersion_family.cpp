// SPDX-License-Identifier: BSD-3-Clause
// From a profile to its dispersion curve as a function map, over families of models: do answers
// learnt on one family hold on another?
#include "moho/core/error.hpp"
#include "moho/dispersion/priors.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/dispersion_map.hpp"
#include "moho/study/dispersion_prior.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "moho/study/function_batch.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

using dispersion::Curves;
using dispersion::LayeredModel;
using dispersion::ModelBatch;
using dispersion::OwnedModel;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double truth_uncertainty = 1e-12; // relative; checked against extended precision
constexpr double deepest = 60;              // km, of the cells: no half-space begins below
constexpr std::size_t fine_layers = 64;

enum class Kind { increasing, inversion, water, gradient };

struct Family {
  char const *name, *group; ///< `group`: families that can be compared
  Kind kind;
  std::size_t rows; ///< of the solid, the half-space included
};
constexpr std::array<Family, 7> families{
    {{"layers-2", "layers", Kind::increasing, 2},
     {"layers-3", "layers", Kind::increasing, 3},
     {"layers-5", "layers", Kind::increasing, 5},
     {"layers-10", "layers", Kind::increasing, 10},
     {"inversion", "inversion", Kind::inversion, 5},
     {"water", "water", Kind::water, 5},
     {"gradient", "gradient", Kind::gradient, fine_layers + 1}}};

Family const& family_named(std::string const& name) {
  auto const found = std::find_if(families.begin(), families.end(),
                                  [&](Family const& family) { return name == family.name; });
  MOHO_REQUIRE(found != families.end()); // the study file was checked before
  return *found;
}

/// What all families share: vs rises from `top` to that of the half-space at `depth`.
struct Site {
  double depth, top, bottom, power, ratio; ///< km, km/s, km/s, 1, vp/vs

  explicit Site(dispersion::Draws& draws)
      : depth(draws.uniform(30, deepest)), top(draws.uniform(2, 3.2)),
        bottom(draws.uniform(4.2, 4.9)), power(draws.uniform(0.5, 1.5)),
        ratio(draws.uniform(1.70, 1.85)) {}

  double vs(double z) const { return top + (bottom - top) * std::pow(z / depth, power); }
  void append(OwnedModel& model, double thickness, double vs) const {
    double const vp = ratio * vs;
    model.push_back(thickness, vp, vs, dispersion::brocher_density(vp));
  }
};

OwnedModel smooth(Site const& site) {
  OwnedModel model;
  double const h = site.depth / fine_layers;
  for (std::size_t i = 0; i < fine_layers; ++i)
    site.append(model, h, site.vs((static_cast<double>(i) + 0.5) * h));
  site.append(model, 0, site.bottom);
  return model;
}

/// Layers of random thickness, thicker with depth; each takes the trend at a random depth within
/// it, so that vs increases. `inverted`: one below the first is slower than the one above it.
OwnedModel layered(Site const& site, std::size_t rows, dispersion::Draws& draws, bool inverted) {
  std::vector<double> thickness(rows - 1);
  double sum = 0;
  for (std::size_t i = 0; i < thickness.size(); ++i) {
    double const share = static_cast<double>(i) / static_cast<double>(rows - 1);
    sum += thickness[i] = (1 + 1.5 * share) * draws.uniform(0.5, 1.5);
  }
  std::vector<double> vs;
  double z = 0;
  for (double& h : thickness) {
    h *= site.depth / sum;
    vs.push_back(site.vs(z + h * draws.uniform(0, 1)));
    z += h;
  }
  if (inverted) {
    auto const slow = static_cast<std::size_t>(draws.integer(1, static_cast<int>(rows) - 2));
    vs[slow] = vs[slow - 1] * draws.uniform(0.75, 0.95);
  }
  OwnedModel model;
  for (std::size_t i = 0; i + 1 < rows; ++i) site.append(model, thickness[i], vs[i]);
  site.append(model, 0, site.bottom);
  return model;
}

/// Model `index` of a split. Each split draws from a stream of its own: they share no number.
OwnedModel drawn(Family const& family, std::uint64_t seed, Split split, std::uint64_t index) {
  dispersion::Draws draws(seed, index, static_cast<std::uint32_t>(split));
  const Site site(draws);
  if (family.kind == Kind::gradient) return smooth(site);
  double const water = draws.uniform(0.5, 6);
  OwnedModel model = layered(site, family.rows, draws, family.kind == Kind::inversion);
  if (family.kind == Kind::water) model.push_front(water, 1.5, 0, 1.03);
  return model;
}

/// Whether a model has the structure of its family.
bool belongs(Family const& family, LayeredModel const& model) {
  const std::size_t fluid = family.kind == Kind::water ? 1 : 0;
  if (model.layers() != family.rows + fluid) return false;
  std::size_t inversions = 0;
  for (std::size_t i = 1; i < model.layers(); ++i) inversions += model.vs[i] < model.vs[i - 1];
  bool const wet = model.vs[0] == 0;
  return wet == (fluid == 1) && inversions == (family.kind == Kind::inversion ? 1 : 0);
}

/// Mean vs of the cells below the top of the solid, vs of the half-space, depth of water, vp/vs.
std::vector<double> features(LayeredModel const& model, std::vector<double> const& edges) {
  std::size_t layer = 0;
  double water = 0;
  for (; model.vs[layer] == 0; ++layer) water += model.thickness[layer];
  std::vector<double> values;
  double bottom = model.thickness[layer]; // of the layer
  for (std::size_t cell = 0; cell + 1 < edges.size(); ++cell) {
    double sum = 0, z = edges[cell];
    for (; layer + 1 < model.layers() && bottom < edges[cell + 1];
         bottom += model.thickness[++layer]) {
      sum += (bottom - z) * model.vs[layer];
      z = bottom;
    }
    sum += (edges[cell + 1] - z) * model.vs[layer];
    values.push_back(sum / (edges[cell + 1] - edges[cell]));
  }
  values.push_back(model.vs.back());
  values.push_back(water);
  values.push_back(model.vp.back() / model.vs.back());
  return values;
}

/// What a wrong grid of features would miss: of the cells together, the integral of vs.
double integral_error(LayeredModel const& model, std::vector<double> const& edges,
                      std::vector<double> const& values) {
  double cells = 0, layers = 0, z = 0;
  for (std::size_t i = 0; i + 1 < edges.size(); ++i) cells += values[i] * (edges[i + 1] - edges[i]);
  for (std::size_t i = 0; i + 1 < model.layers(); ++i) {
    if (model.vs[i] == 0) continue;
    layers += model.thickness[i] * model.vs[i];
    z += model.thickness[i];
  }
  layers += (edges.back() - z) * model.vs.back();
  return std::abs(cells / layers - 1);
}

/// Largest relative difference, infinite where one is missing.
double difference(std::vector<double> const& a, std::vector<double> const& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    double const here = std::abs(a[i] / b[i] - 1);
    worst = std::max(worst, std::isfinite(here) ? here : infinity);
  }
  return worst;
}

void append_with_control(std::vector<Check>& checks, Check const& check, double perturbed,
                         std::string const& how) {
  checks.push_back(check);
  checks.push_back(control_of(check, perturbed, how));
}

class DispersionFamily : public Problem, public Layered {
public:
  explicit DispersionFamily(Parameters const& p)
      : _family(family_named(p.text("family"))),
        _edges(family_cells(static_cast<std::size_t>(p.integer("depths")))),
        _periods(p.reals("periods")), _train(static_cast<std::size_t>(p.integer("train"))),
        _test(static_cast<std::size_t>(p.integer("test"))),
        _seed(static_cast<std::uint64_t>(p.integer("seed"))) {
    if (const std::string why = dispersion::problem_with_periods(_periods); !why.empty())
      throw Error("problem.periods: " + why);
  }

  Space space() const override { return {_family.name, _family.group}; }
  std::vector<double> const& periods() const override { return _periods; }

  std::size_t count(Split split) const override { return split == Split::train ? _train : _test; }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    ModelBatch models;
    std::vector<std::string> names;
    std::vector<double> input;
    for (std::uint64_t index = first; index < first + n; ++index) {
      const OwnedModel model = drawn(_family, _seed, split, index);
      models.append(model.view(), _periods);
      names.push_back(std::string(_family.name) + "-" + std::to_string(index));
      const std::vector<double> row = features(model.view(), _edges);
      input.insert(input.end(), row.begin(), row.end());
    }
    Batch batch = inputs_batch(models, std::move(names));
    batch.set(input_array, "", input, {n, _edges.size() + 2}); // cells, half-space, water, vp/vs
    return batch;
  }

  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    const Curves curves =
        solve_distributed(comm, model_batch(inputs), fundamental_rayleigh_options());
    Batch truth(inputs.count());
    truth.set("uncertainty", "", std::vector<double>{truth_uncertainty});
    if (comm.root())
      truth.set(output_array, "km/s", fundamental_rayleigh(curves),
                {inputs.count(), _periods.size()});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const& comm) const override {
    constexpr std::size_t few = 8, many = 64;
    std::vector<Check> checks = closed_form_checks();
    append_model_checks(many, checks);
    append_split_checks(many, checks);
    append_truth_checks(comm, few, checks);
    return checks;
  }

  Assessment assess(Batch const&, Batch const& truth, Batch const& answers) const override {
    return assess_curve_map(_periods, truth, answers);
  }

private:
  void append_model_checks(std::size_t n, std::vector<Check>& checks) const {
    double strangers = 0, other_strangers = 0, integral = 0, shifted = 0;
    Family const& other = families[_family.kind == Kind::inversion ? 2 : 4];
    std::vector<double> moved = _edges;
    for (double& edge : moved) edge *= 1.001;
    for (std::uint64_t i = 0; i < n; ++i) {
      const OwnedModel model = drawn(_family, _seed, Split::test, i);
      strangers += !problem_with(model.view()).empty() || !belongs(_family, model.view());
      other_strangers += !belongs(_family, drawn(other, _seed, Split::test, i).view());
      integral =
          std::max(integral, integral_error(model.view(), _edges, features(model.view(), _edges)));
      shifted =
          std::max(shifted, integral_error(model.view(), _edges, features(model.view(), moved)));
    }
    append_with_control(checks,
                        {"family_strangers", strangers, Relation::equal, 0,
                         "the models are possible and of the structure that the family names"},
                        other_strangers, std::string("models of the family ") + other.name);
    append_with_control(checks,
                        {"feature_integral", integral, Relation::at_most, 1e-12,
                         "the depth cells hold the integral of vs, relative error"},
                        shifted, "cells that are 0.1 % too deep");
  }

  void append_split_checks(std::size_t n, std::vector<Check>& checks) const {
    SplitHashes hashes;
    for (const Split split : {Split::train, Split::validation, Split::test})
      for (std::uint64_t i = 0; i < std::min<std::uint64_t>(n, count(split)); ++i)
        hashes[static_cast<std::size_t>(split)].push_back(
            model_hash(drawn(_family, _seed, split, i).view()));
    for (Check& check : split_checks(hashes)) checks.push_back(std::move(check));
  }

  void append_truth_checks(parallel::Comm const& comm, std::size_t n,
                           std::vector<Check>& checks) const {
    const Batch inputs = draw(Split::test, 0, std::min(n, _test));
    const Batch truth = this->truth(inputs, comm);
    dispersion::SolveOptions options = fundamental_rayleigh_options();
    options.extended_only = true;
    const Curves curves = solve_distributed(comm, model_batch(inputs), options);
    double error = 0, perturbed = 0;
    if (comm.root()) {
      const std::vector<double> values = truth.reals(output_array),
                                exact = fundamental_rayleigh(curves);
      std::vector<double> wrong = values;
      for (double& value : wrong) value *= 1 + 1e-9;
      error = difference(values, exact);
      perturbed = difference(wrong, exact);
    }
    const std::vector<double> all =
        comm.broadcast(std::span<double const>(std::array{error, perturbed}));
    append_with_control(checks,
                        {"family_truth", all[0], Relation::at_most, truth_uncertainty,
                         "the truth is that of extended precision, and no mode is missing"},
                        all[1], "1e-9 more");
  }

  Family const& _family;
  std::vector<double> _edges, _periods;
  std::size_t _train, _test;
  std::uint64_t _seed;
};

std::vector<std::string> family_names() {
  std::vector<std::string> names;
  for (Family const& family : families) names.emplace_back(family.name);
  return names;
}

} // namespace

std::vector<double> family_cells(std::size_t cells) {
  constexpr double growth = 1.12;
  std::vector<double> edges;
  for (std::size_t i = 0; i <= cells; ++i)
    edges.push_back(deepest * (std::pow(growth, static_cast<double>(i)) - 1) /
                    (std::pow(growth, static_cast<double>(cells)) - 1));
  return edges;
}

std::vector<ParameterSpec> dispersion_family_parameters() {
  return {{"family", std::string("layers-5"), "structure of the models", 0, 0, family_names()},
          {"train", std::int64_t{1000}, "models to train on", 1, 1e9},
          {"test", std::int64_t{200}, "models asked about", 1, 1e9},
          {"depths", std::int64_t{12}, "depth cells of the features, down to 60 km", 1, 1000},
          {"periods", std::vector<double>{3,    3.5,  4.1, 4.8,  5.6,  6.6, 7.7,  9,    10.5, 12.3,
                                          14.4, 16.8, 20,  23.4, 27.3, 32,  37.5, 43.9, 51.3, 60},
           "periods, s", 0, 1e9},
          {"seed", std::int64_t{1}, "seed of the sites", 0}};
}

std::unique_ptr<Problem> make_dispersion_family(Parameters const& parameters, Environment const&) {
  return std::make_unique<DispersionFamily>(parameters);
}

} // namespace moho::study
