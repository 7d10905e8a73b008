// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/fem_system.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/fem/local.hpp"
#include "moho/study/fem_assembly.hpp"
#include <algorithm>
#include <cmath>
#include <utility>

namespace moho::study {
namespace {

std::vector<std::uint8_t> all_free_if_empty(FemSpace const& space,
                                            std::vector<std::uint8_t> fixed) {
  if (fixed.empty()) fixed.assign(space.local(), 0);
  return fixed;
}

/// The same memory where the device is a host, so that nothing is copied there.
template <class View>
auto on_host(View const& values) {
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, values);
}

template <class View>
auto span_of(View const& values) {
  return std::span(values.data(), values.extent(0));
}

} // namespace

// --- parameters ---------------------------------------------------------------------------------

std::vector<ParameterSpec> system_parameters() {
  return {{"reduce",
           std::string("auto"),
           "how local matrices are summed",
           0,
           0,
           {"auto", "scatter", "owner-scatter", "tiled-gather", "compressed-gather", "two-pass",
            "coo", "insert", "atomic"}},
          {"threads", std::int64_t{0}, "ranges of owner-scatter; 0: those of Kokkos", 0, 4096},
          {"petsc", std::vector<std::string>{},
           "options of the solver, \"ksp_type=cg\"; the study's [petsc] table sets them too"}};
}

SystemOptions system_options_of(Parameters const& parameters) {
  SystemOptions options;
  if (parameters.text("reduce") != "auto")
    options.reduce = fem::reduce_from_name(parameters.text("reduce"));
  options.threads = static_cast<int>(parameters.integer("threads"));
  for (std::string const& option : parameters.texts("petsc")) {
    const std::size_t equals = option.find('=');
    const std::string key = option.substr(0, equals);
    if (key.empty() || key[0] == '-')
      throw Error("method.petsc: '" + option +
                  "' is no option (it begins with its name) write \"ksp_type=cg\"");
    options.petsc[key] = equals == std::string::npos ? "" : option.substr(equals + 1);
  }
  return options;
}

fem::Form suited(fem::Form form, FemSpace const& space) {
  if (!space.affine() && form.coefficient.where != fem::Where::quadrature)
    form.quadrature_degree =
        fem::bent_quadrature_degree(form, space.topology().element(), space.topology().geometry());
  return form;
}

// --- FemSystem ----------------------------------------------------------------------------------

FemSystem::FemSystem(std::shared_ptr<FemSpace const> space, std::vector<std::uint8_t> fixed,
                     SystemOptions const& options)
    : _space(std::move(space)), _options(options),
      _constraints(_space->topology(), all_free_if_empty(*_space, std::move(fixed))),
      _values(make_values(_space->comm(), _space->topology(), true)),
      _host(Kokkos::create_mirror_view(Kokkos::HostSpace{}, _values)),
      _matrix(_space->comm(), csr_blocks(_space->topology().pattern()),
              span_of(_host).first(_space->topology().pattern().nonzeros())) {}

fem::Assembly& FemSystem::table(fem::Form const& form) {
  for (Table& known : _tables)
    if (known.kind == form.kind && known.symmetric == form.symmetric() &&
        known.tensor == form.tensor) {
      _reduce = known.reduce;
      return *known.assembly;
    }
  _reduce = _options.reduce.value_or(fem::default_reduce(_space->topology().element(), form));
  _tables.push_back({form.kind, form.symmetric(), form.tensor, _reduce,
                     make_assembly(_space->comm(), _space->part(), _space->topology(), form,
                                   _reduce, _options.threads)});
  return *_tables.back().assembly;
}

void FemSystem::require(fem::Form const& form) {
  table(form);
}

void FemSystem::assemble(std::span<fem::Form const> forms) {
  MOHO_REQUIRE(!forms.empty());
  for (std::size_t i = 0; i < forms.size(); ++i)
    table(forms[i]).assemble(suited(forms[i], *_space), _values, i > 0);
}

void FemSystem::lift(fem::ConstReals g, fem::Reals const& b) const {
  _constraints.lift(_values, g, b);
}

void FemSystem::eliminate() {
  _constraints.eliminate(_values);
  changed();
}

void FemSystem::changed() {
  Kokkos::fence();
  if (static_cast<void const*>(_host.data()) != static_cast<void const*>(_values.data()))
    Kokkos::deep_copy(_host, _values);
  _matrix.values_changed();
}

void FemSystem::multiply(fem::ConstReals x, fem::Reals const& y, bool transpose) const {
  MOHO_REQUIRE(x.extent(0) == _space->owned() && y.extent(0) == _space->owned());
  auto const from = on_host(x);
  auto const to = Kokkos::create_mirror_view(Kokkos::HostSpace{}, y);
  _matrix.multiply(span_of(from), span_of(to), transpose);
  Kokkos::deep_copy(y, to);
}

parallel::LinearSolver& FemSystem::solver() {
  if (!_solver) _solver.emplace(_space->comm(), _matrix, _options.petsc);
  return *_solver;
}

parallel::SolveReport FemSystem::solve(fem::ConstReals b, fem::Reals const& x, bool transpose) {
  MOHO_REQUIRE(b.extent(0) == _space->owned() && x.extent(0) == _space->owned());
  auto const right = on_host(b);
  auto const unknown = on_host(x);
  const parallel::SolveReport report =
      transpose ? solver().solve_transpose(span_of(right), span_of(unknown))
                : solver().solve(span_of(right), span_of(unknown));
  Kokkos::deep_copy(x, unknown);
  return report;
}

// --- a Pde on a space ---------------------------------------------------------------------------

namespace {

int coefficients(Term const& term, int dim) {
  if (term.tensor) return dim * dim;
  if (term.kind == fem::FormKind::advection) return dim;
  return term.kind == fem::FormKind::elasticity ? 2 : 1;
}

std::vector<BoundaryCondition const*> of_kind(Pde const& pde, ConditionKind kind) {
  std::vector<BoundaryCondition const*> found;
  for (BoundaryCondition const& condition : pde.conditions)
    if (condition.kind == kind) found.push_back(&condition);
  return found;
}

} // namespace

std::vector<fem::Form> forms_of(Pde const& pde, FemSpace const& space) {
  std::vector<fem::Form> forms;
  for (Term const& term : pde.terms) {
    fem::Form form;
    form.kind = term.kind;
    form.components = pde.components;
    form.tensor = term.tensor;
    int const count = coefficients(term, pde.dim());
    if (term.field) {
      form.quadrature_degree = 2 * space.degree() + 1;
      form.coefficient = space.sampled(term.field, count, form.quadrature_degree);
    } else {
      MOHO_REQUIRE(term.constant.size() == static_cast<std::size_t>(count));
      form.coefficient = {fem::Where::global, count,
                          to_device("moho::study::coefficient", term.constant)};
    }
    forms.push_back(form);
  }
  return forms;
}

void require_tags(Pde const& pde, FemSpace const& space, std::string const& what) {
  const std::vector<std::int32_t> known = space.tags();
  for (BoundaryCondition const& condition : pde.conditions)
    for (const std::int32_t tag : condition.tags) {
      if (std::find(known.begin(), known.end(), tag) != known.end()) continue;
      std::string list;
      for (const std::int32_t other : known)
        list += (list.empty() ? "" : ", ") + std::to_string(other);
      throw Error(what + " has no boundary facets with tag " + std::to_string(tag) +
                  " (a condition of the problem names it; the mesh has " +
                  (list.empty() ? "none" : list) + ") give the physical group that number");
    }
}

std::vector<std::uint8_t> fixed_by(Pde const& pde, FemSpace const& space) {
  std::vector<std::uint8_t> fixed(space.local(), 0);
  for (BoundaryCondition const* condition : of_kind(pde, ConditionKind::dirichlet)) {
    const std::vector<std::uint8_t> marks = space.marks(condition->tags);
    for (std::size_t i = 0; i < fixed.size(); ++i) fixed[i] = fixed[i] | marks[i];
  }
  return fixed;
}

fem::Reals boundary_values(Pde const& pde, FemSpace const& space) {
  const fem::Reals values = space.local_vector();
  auto const mirror = Kokkos::create_mirror_view(Kokkos::HostSpace{}, values);
  for (BoundaryCondition const* condition : of_kind(pde, ConditionKind::dirichlet)) {
    if (!condition->value) continue;
    const std::vector<std::uint8_t> marks = space.marks(condition->tags);
    auto const all = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{},
                                                         space.interpolate(condition->value));
    for (std::size_t i = 0; i < marks.size(); ++i)
      if (marks[i]) mirror(i) = all(i);
  }
  Kokkos::deep_copy(values, mirror);
  return values;
}

fem::Reals load_of(Pde const& pde, FemSpace const& space) {
  const fem::Reals b = space.owned_vector();
  int const degree = space.degree() + 3;
  if (pde.source) fem::load(space.topology(), degree, pde.source, b, true);
  for (ConditionKind const kind : {ConditionKind::neumann, ConditionKind::robin})
    for (BoundaryCondition const* condition : of_kind(pde, kind))
      if (condition->value)
        fem::facet_load(space.part(), space.topology(), condition->tags, degree, condition->value,
                        b);
  return b;
}

void add_robin(Pde const& pde, FemSystem& system) {
  FemSpace const& space = system.space();
  for (BoundaryCondition const* condition : of_kind(pde, ConditionKind::robin))
    fem::facet_mass(
        space.part(), space.topology(), condition->tags, 2 * space.degree(),
        [alpha = condition->alpha](double const*, double* out) { *out = alpha; }, system.values());
}

parallel::PetscOptions solver_options(Pde const& pde, parallel::PetscOptions given) {
  bool const chosen = given.count("ksp_type") != 0 || given.count("pc_type") != 0;
  if (chosen || pde.definiteness == Definiteness::positive) return given;
  given["ksp_type"] = "preonly";
  given["pc_type"] = "lu";
  given["pc_factor_mat_solver_type"] = "mumps";
  return given;
}

} // namespace moho::study
