// SPDX-License-Identifier: BSD-3-Clause
// `compliance`: what is the stiffest cantilever of half the material?
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/compliance.hpp"
#include "taylor.hpp"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Two codes' compliance after 51 designs, their mean and half their difference.
constexpr double published = 0.5 * (83.75 + 84.03), published_spread = 0.5 * (84.03 - 83.75);
/// Published for the plate without holes, rounded to two digits.
constexpr double published_solid = 53.71;

bool is_published(Cantilever const& p) {
  const Cantilever q;
  return p.nx == q.nx && p.ny == q.ny && p.width == q.width && p.height == q.height &&
         p.traction == q.traction && p.load_height == q.load_height && p.young == q.young &&
         p.young_min == q.young_min && p.poisson == q.poisson && p.penalty == q.penalty &&
         p.volume == q.volume && p.density_min == q.density_min && p.radius == q.radius;
}

double mean(std::vector<double> const& values) {
  double sum = 0;
  for (double const value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

class CompliancePlate : public Problem, public ComplianceProblem {
public:
  explicit CompliancePlate(Cantilever const& plate) : _plate(plate) {}

  Cantilever const& plate() const override { return _plate; }
  std::size_t count(Split split) const override { return split == Split::test ? 1 : 0; }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    MOHO_REQUIRE(first + n <= count(split));
    Batch batch(n);
    batch.set("density", "", std::vector<double>(n * _plate.cells(), _plate.volume),
              {n, _plate.cells()});
    return batch;
  }

  Batch truth(Batch const& inputs, parallel::Comm const&) const override {
    bool const known = is_published(_plate);
    Batch truth(inputs.count());
    truth.set("compliance", "", std::vector<double>{known ? published : nan});
    truth.set("uncertainty", "", std::vector<double>{known ? published_spread / published : nan});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const& comm) const override;
  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override;

private:
  std::vector<Check> uniform_checks(ComplianceModel& model) const;
  std::vector<Check> filter_checks() const;
  Cantilever _plate;
};

// K is linear in Young's modulus, so that of a uniform design scales the solid plate's compliance;
// and F . u = u . K u is the derivative's sum, weighed with E / E'.
std::vector<Check> CompliancePlate::uniform_checks(ComplianceModel& model) const {
  const std::size_t n = _plate.cells();
  double const solid = model.compliance(std::vector<double>(n, 1));
  double const power = std::pow(_plate.volume, _plate.penalty),
               young = _plate.young_min + power * (_plate.young - _plate.young_min);
  double const start = model.compliance(std::vector<double>(n, _plate.volume));
  auto const scaling = [&](double modulus) {
    return std::abs(start * modulus / (solid * _plate.young) - 1);
  };
  double energy = 0;
  for (double const slope : model.gradient())
    energy -= slope * young /
              (_plate.penalty * power / _plate.volume * (_plate.young - _plate.young_min));
  std::vector<Check> checks{{"uniform_scaling", scaling(young), Relation::at_most, 1e-10,
                             "a plate of density rho is E(1) / E(rho) as soft as the solid one"},
                            {"energy", std::abs(energy / start - 1), Relation::at_most, 1e-10,
                             "F.u = u.K u, from the derivatives"}};
  checks.push_back(control_of(checks[0], scaling(young * (1 + 1e-6)), "E(rho) a millionth more"));
  checks.push_back(
      control_of(checks[1], std::abs(energy * (1 + 1e-6) / start - 1), "a millionth more"));
  if (is_published(_plate)) {
    const Check known{"solid_compliance", std::abs(solid - published_solid), Relation::at_most,
                      0.005, "published: 53.71"};
    checks.push_back(known);
    checks.push_back(
        control_of(known, std::abs(solid * (1 - _plate.poisson * _plate.poisson) - published_solid),
                   "nearly plane strain"));
  }
  return checks;
}

std::vector<Check> CompliancePlate::filter_checks() const {
  const std::size_t n = _plate.cells();
  double const size = _plate.height / _plate.ny;
  auto const error = [&](double radius, double reference) {
    const DesignFilter filter(cell_centres(_plate), 2, radius * size);
    std::vector<double> values(n);
    for (std::size_t e = 0; e < n; ++e) values[e] = Philox{7, 1}.uniform(e, 0);
    double const before = mean(values);
    filter.apply(values);
    return std::abs(mean(values) / (before * reference) - 1);
  };
  const Check total{"filter_total", error(_plate.radius, 1), Relation::at_most, 1e-12,
                    "the filter keeps the sum of what it smooths"};
  return {total, control_of(total, error(_plate.radius, 1 + 1e-9), "1e-9 more")};
}

std::vector<Check> CompliancePlate::verify(parallel::Comm const& comm) const {
  ComplianceModel model(comm, _plate);
  std::vector<Check> checks = uniform_checks(model);
  for (Check& check : filter_checks()) checks.push_back(std::move(check));
  std::vector<double> design(_plate.cells()), direction(_plate.cells());
  for (std::size_t e = 0; e < design.size(); ++e) {
    design[e] = 0.3 + 0.6 * Philox{11, 1}.uniform(e, 0);
    direction[e] =
        Philox{11, 2}.uniform(e, 0); // of one sign: the derivative is no small difference
  }
  double const value = model.compliance(design);
  const std::vector<double> gradient = model.gradient();
  for (Check& check :
       derivative_checks([&](std::span<double const> x) { return model.compliance(x); }, design,
                         direction, value, gradient, 0.005))
    checks.push_back(std::move(check));
  return checks;
}

Assessment CompliancePlate::assess(Batch const& inputs, Batch const& truth,
                                   Batch const& answers) const {
  const std::vector<double> density = answers.reals("density");
  MOHO_REQUIRE(density.size() == _plate.cells());
  ComplianceModel model(parallel::Comm::self(), _plate);
  double const uniform = model.compliance(inputs.reals("density")),
               solid = model.compliance(std::vector<double>(density.size(), 1)),
               compliance = model.compliance(density), volume = mean(density);
  double gray = 0, outside = 0;
  for (double const rho : density) {
    gray += 4 * rho * (1 - rho) / static_cast<double>(density.size());
    if (!(rho >= _plate.density_min && rho <= 1)) outside += 1;
  }
  double const claimed = answers.has("compliance") ? answers.reals("compliance").at(0) : nan;
  Assessment found;
  found.metrics = {{"compliance", compliance},
                   {"compliance_of_published", compliance / truth.reals("compliance").at(0)},
                   {"of_uniform", compliance / uniform},
                   {"start_compliance", uniform},
                   {"solid_compliance", solid},
                   {"volume", volume},
                   {"volume_excess", volume / _plate.volume - 1},
                   {"gray", gray},
                   {"densities_outside", outside},
                   {"claim_rel", std::abs(claimed / compliance - 1)}};
  found.counters = {{"cells", static_cast<std::int64_t>(density.size())},
                    {"unknowns", model.space().unknowns()}};
  auto const nx = static_cast<std::size_t>(_plate.nx), ny = static_cast<std::size_t>(_plate.ny);
  found.data = {{"design/density", "", density, {ny, nx}},
                {"design/displacement", "", model.displacement(), {ny + 1, nx + 1, 2}},
                {"design/size", "", std::vector<double>{_plate.width, _plate.height}}};
  if (answers.has("history")) {
    const std::vector<double> history = answers.reals("history");
    found.data.push_back({"history/design", "", history, {history.size() / 3, 3}});
  }
  return found;
}

} // namespace

std::vector<ParameterSpec> compliance_parameters() {
  const Cantilever plate;
  return {{"nx", std::int64_t{plate.nx}, "cells along the plate", 2, 4000},
          {"ny", std::int64_t{plate.ny}, "cells across it", 1, 4000},
          {"width", plate.width, "of the plate", 1e-6},
          {"height", plate.height, "of the plate", 1e-6},
          {"traction", plate.traction, "on its free edge, upwards"},
          {"load_height", plate.load_height, "part of that edge that is loaded, from below", 1e-6},
          {"young", plate.young, "Young's modulus of the material", 1e-6},
          {"young_min", plate.young_min, "of a hole", 1e-12},
          {"poisson", plate.poisson, "Poisson's ratio", -0.99, 0.499},
          {"penalty", plate.penalty, "power of the density", 1, 10},
          {"volume", plate.volume, "largest mean density", 0.01, 1},
          {"density_min", plate.density_min, "smallest density of a cell", 1e-9, 0.1},
          {"radius", plate.radius, "of the filter, in cell heights", 0.1, 100}};
}

std::vector<std::string> const& compliance_metrics() {
  static const std::vector<std::string> names{"compliance",        "compliance_of_published",
                                              "of_uniform",        "start_compliance",
                                              "solid_compliance",  "volume",
                                              "volume_excess",     "gray",
                                              "densities_outside", "claim_rel"};
  return names;
}

std::unique_ptr<Problem> make_compliance(Parameters const& parameters, Environment const&) {
  Cantilever plate;
  plate.nx = static_cast<int>(parameters.integer("nx"));
  plate.ny = static_cast<int>(parameters.integer("ny"));
  plate.width = parameters.real("width");
  plate.height = parameters.real("height");
  plate.traction = parameters.real("traction");
  plate.load_height = parameters.real("load_height");
  plate.young = parameters.real("young");
  plate.young_min = parameters.real("young_min");
  plate.poisson = parameters.real("poisson");
  plate.penalty = parameters.real("penalty");
  plate.volume = parameters.real("volume");
  plate.density_min = parameters.real("density_min");
  plate.radius = parameters.real("radius");
  if (plate.traction == 0)
    throw Error("problem.traction = 0 (any plate is stiff enough where nothing pulls) give another "
                "number");
  if (plate.load_height > plate.height)
    throw Error(
        fmt::format("problem.load_height = {} is more than the plate has (height = {}) lower it",
                    plate.load_height, plate.height));
  if (plate.young_min >= plate.young)
    throw Error(fmt::format(
        "problem.young_min = {} makes holes as stiff as the material (young = {}) lower it",
        plate.young_min, plate.young));
  return std::make_unique<CompliancePlate>(plate);
}

} // namespace moho::study
