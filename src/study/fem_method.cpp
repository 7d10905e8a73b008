// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/fem_method.hpp"
#include "moho/core/error.hpp"
#include "moho/study/fem_system.hpp"
#include "phase_clock.hpp"
#include <limits>
#include <memory>
#include <optional>
#include <utility>

namespace moho::study {
namespace {

void subtract(fem::Reals const& u, double value) {
  Kokkos::parallel_for(
      "moho::study::Fem::subtract", Kokkos::RangePolicy<ExecutionSpace>(0, u.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { u(i) -= value; });
}

class Fem : public Method {
public:
  explicit Fem(Parameters const& parameters)
      : _how(discretization_of(parameters)), _options(system_options_of(parameters)),
        _constant_kernel(parameters.text("nullspace") == "constant") {}

  void accept(Problem const& problem) const override {
    Pde const pde = pde_of(problem);
    refuse_singular(pde);
    check_discretization(pde.domain, _how);
  }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _pde = pde_of(problem);
    refuse_singular(_pde);
    _singular = _pde.singular();
    PhaseClock phases;
    fem::Part part;
    phases.time("mesh", [&] { part = make_part(comm, _pde.domain, _how); });
    phases.time("space", [&] {
      _space = std::make_shared<FemSpace>(comm, std::move(part), _pde.components);
    });
    require_tags(_pde, *_space,
                 _how.mesh.empty() ? "the built-in mesh" : "mesh '" + _how.mesh + "'");
    phases.time("tables", [&] { make_tables(); });
    phases.time("first_assembly", [&] { assemble(); });
    _space->evaluate(_space->local_vector(), {}); // makes the search tree
    _u = _space->owned_vector();
    std::int64_t fixed = 0;
    for (std::size_t i = 0; i < _space->owned(); ++i) fixed += _system->constraints().fixed()[i];
    return {{{"unknowns", _space->unknowns()},
             {"fixed", comm.sum(fixed)},
             {"nonzeros", _space->nonzeros()},
             {"cells", _space->cells()}},
            {},
            {},
            {},
            phases.take()};
  }

  void apply(Batch const& in, Batch& out) override {
    PhaseClock phases;
    phases.time("assembly", [&] { assemble(); });
    fem::Reals b;
    phases.time("load", [&] { b = load_of(_pde, *_space); });
    phases.time("conditions", [&] {
      if (_lifted) _system->lift(_boundary, b);
      if (!_lifted) _system->zero_fixed(b);
      _system->eliminate();
    });
    phases.time("preconditioner", [&] { _system->solver().set_up(); });
    phases.time("solve", [&] {
      Kokkos::deep_copy(_u, 0);
      _report = _system->solve(b, _u);
      if (_singular) remove_mean();
    });
    std::vector<double> values;
    phases.time("evaluate", [&] {
      _local = _space->with_ghosts(_u);
      values = _space->evaluate(_local, in.reals(point_array));
    });
    auto const components = static_cast<std::size_t>(_pde.components);
    out = Batch(in.count());
    out.set(value_array, "", values, {in.count(), components});
    _phases = phases.take();
  }

  Cost cost() const override {
    Cost cost;
    cost.metrics = {{"iterations", static_cast<double>(_report.iterations)},
                    {"residual_rel", _report.relative_residual()}};
    cost.phases = _phases;
    cost.checks = {
        {"solver_converged", _report.converged ? 1.0 : 0.0, Relation::equal, 1, _report.ending()}};
    return cost;
  }

  Assessment examine(Batch& out) override {
    const FieldNorms norms = _space->norms(_local, _pde.exact, _pde.gradient);
    set_norms(out, norms);
    _space->picture(_local, out);
    return {};
  }

  void write_fields(std::string const& folder) override {
    _space->write(_local, "u", folder + "/solution.xdmf");
  }

private:
  static Pde pde_of(Problem const& problem) {
    auto const* posed = capability<BoundaryProblem>(problem);
    if (posed == nullptr)
      throw Error("fem needs the boundary-value problem that it solves (this problem does not tell "
                  "any) use one of task \"field\", such as poisson");
    return posed->pde();
  }

  void refuse_singular(Pde const& pde) const {
    if (!pde.singular()) return;
    if (pde.elastic())
      throw Error("fem: the problem is singular (rigid motions: nothing is held at its boundary) "
                  "add a Dirichlet condition");
    if (!_constant_kernel)
      throw Error(
          "fem: the problem is singular (no Dirichlet or Robin condition and no reaction: "
          "its solution is known but for a constant) set method.nullspace = \"constant\" to "
          "take the one of mean zero");
  }

  void make_tables() {
    _forms = forms_of(_pde, *_space);
    SystemOptions options = _options;
    options.petsc = solver_options(_pde, options.petsc);
    _system = std::make_unique<FemSystem>(_space, fixed_by(_pde, *_space), options);
    for (fem::Form const& form : _forms) _system->require(form);
    _boundary = boundary_values(_pde, *_space);
    _lifted = false;
    for (BoundaryCondition const& condition : _pde.conditions)
      _lifted = _lifted || (condition.kind == ConditionKind::dirichlet && condition.value);
    if (_pde.elastic()) {
      auto const owned = static_cast<std::size_t>(_space->part().space.owned) *
                         static_cast<std::size_t>(_space->dim());
      _system->solver().set_near_nullspace(
          std::span<double const>(_space->part().space.points).first(owned), _space->dim());
    }
    if (_singular) _system->solver().set_constant_nullspace();
  }

  void assemble() {
    _system->assemble(_forms);
    add_robin(_pde, *_system);
  }

  /// u -= its mean over the domain.
  void remove_mean() {
    const fem::Reals weight = _space->owned_vector(), one = _space->owned_vector();
    fem::load(
        _space->topology(), _space->degree(), [](double const*, double* f) { *f = 1; }, weight);
    Kokkos::deep_copy(one, 1);
    subtract(_u, _space->dot(weight, _u) / _space->dot(weight, one));
  }

  Discretization _how;
  SystemOptions _options;
  bool _constant_kernel, _singular = false, _lifted = false;
  Pde _pde;
  std::shared_ptr<FemSpace const> _space;
  std::unique_ptr<FemSystem> _system;
  std::vector<fem::Form> _forms;
  fem::Reals _boundary, _u, _local;
  parallel::SolveReport _report;
  std::vector<Phase> _phases;
};

} // namespace

std::vector<ParameterSpec> fem_parameters() {
  std::vector<ParameterSpec> specs = discretization_parameters();
  for (ParameterSpec& spec : system_parameters()) specs.push_back(std::move(spec));
  specs.push_back({"nullspace",
                   std::string("refuse"),
                   "what to do with a problem that is known but for a constant",
                   0,
                   0,
                   {"refuse", "constant"}});
  return specs;
}

std::vector<std::string> const& fem_metrics() {
  static const std::vector<std::string> names{"iterations", "residual_rel"};
  return names;
}

std::unique_ptr<Method> make_fem(Parameters const& parameters) {
  return std::make_unique<Fem>(parameters);
}

} // namespace moho::study
