// SPDX-License-Identifier: BSD-3-Clause
// Problem `assembly`: asks for a matrix, and judges it by what it does to fields.
#include "assembly_truth.hpp"
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

namespace moho::study {
namespace {

using fem::FormKind;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint32_t field_stream = 40;
constexpr double tight = 1e-12; ///< of the invariants on a small mesh

std::size_t index(int i) {
  return static_cast<std::size_t>(i);
}

/// Pairs of fields, one after the other.
struct Fields {
  MatrixForm const& matrix;
  std::vector<double> trial{}, test{}, noise{};
  std::vector<double> energy_free{}; ///< 1: u is in the kernel
  using Field = std::vector<double>; ///< (components, 1 + dim)

  std::size_t size() const { return noise.size(); }
  void add(Field const& u, Field const& v, bool kernel = false, double amplitude = 0) {
    trial.insert(trial.end(), u.begin(), u.end());
    test.insert(test.end(), v.begin(), v.end());
    noise.push_back(amplitude);
    energy_free.push_back(kernel);
  }
  Field zero() const { return Field(index(matrix.components * (matrix.dim() + 1)), 0.0); }
  double& at(Field& f, int c, int k) const { return f[index(c * (matrix.dim() + 1) + k)]; }
  /// 1 in a component, or in all of them.
  Field one(int component = -1) const {
    Field f = zero();
    for (int c = 0; c < matrix.components; ++c)
      if (component < 0 || c == component) at(f, c, 0) = 1;
    return f;
  }
  Field affine(std::uint64_t seed, std::uint64_t which) const {
    Field f = zero();
    for (std::size_t i = 0; i < f.size(); ++i)
      f[i] = 2 * Philox{seed, field_stream}.uniform(which, static_cast<std::uint32_t>(i)) - 1;
    return f;
  }
  /// x_i e_j - x_j e_i
  Field rotation(int i, int j) const {
    Field f = zero();
    at(f, j, i + 1) = 1;
    at(f, i, j + 1) = -1;
    return f;
  }
};

/// What is asked: fields of the kernel, affine ones, and a rough one.
Fields fields_of(MatrixForm const& matrix, std::uint64_t seed) {
  Fields fields{matrix};
  const Fields::Field a = fields.affine(seed, 0), b = fields.affine(seed, 1);
  if (matrix.kind != FormKind::mass)
    for (int c = 0; c < matrix.components; ++c) fields.add(fields.one(c), a, true);
  if (matrix.kind == FormKind::elasticity)
    for (int i = 0; i < matrix.dim(); ++i)
      for (int j = i + 1; j < matrix.dim(); ++j) fields.add(fields.rotation(i, j), a, true);
  // Of mass the sum of all entries; of advection the flux through the boundary.
  if (matrix.kind == FormKind::mass) fields.add(fields.one(), fields.one());
  if (matrix.kind == FormKind::mass || matrix.kind == FormKind::advection)
    fields.add(a, fields.one());
  fields.add(a, a);
  fields.add(a, b);
  fields.add(b, a);
  fields.add(fields.zero(), b, false, 1);
  return fields;
}

Batch batch_of(Fields const& fields) {
  const std::size_t n = fields.size(), components = index(fields.matrix.components),
                    width = index(fields.matrix.dim() + 1);
  Batch batch(n);
  batch.set(matrix::trial, "", fields.trial, {n, components, width});
  batch.set(matrix::test, "", fields.test, {n, components, width});
  batch.set(matrix::noise, "", fields.noise);
  return batch;
}

std::vector<int> intervals(MatrixForm const& matrix) {
  std::vector<int> n;
  for (int d = 0; d < matrix.dim(); ++d)
    n.push_back(static_cast<int>(std::lround(matrix.how.n * matrix.domain.extent(d))));
  return n;
}

bool is_box(Domain const& domain) {
  return domain.kind == DomainKind::square || domain.kind == DomainKind::cube;
}

fem::Element element_of(MatrixForm const& matrix) {
  return {fem::cell_from_name(matrix.how.cell), matrix.how.degree};
}

/// Entries and rows of a mesh, by looking at every pair of nodes of every cell.
std::int64_t counted_entries(fem::Space const& space, std::size_t cells) {
  const std::size_t k = index(space.element.nodes());
  std::set<std::pair<std::int32_t, std::int32_t>> pairs;
  for (std::size_t c = 0; c < cells; ++c)
    for (std::size_t a = 0; a < k; ++a)
      for (std::size_t b = 0; b < k; ++b)
        pairs.emplace(space.cell_nodes[c * k + a], space.cell_nodes[c * k + b]);
  return static_cast<std::int64_t>(pairs.size());
}

Batch truth_of(MatrixForm const& matrix, Moments const& over, Batch const& inputs,
               std::vector<double> const& energy_free) {
  bool const symmetric = matrix.kind != FormKind::advection && !matrix.tensor;
  const std::size_t n = inputs.count();
  const std::vector<double> u = inputs.reals(matrix::trial), v = inputs.reals(matrix::test),
                            noise = inputs.reals(matrix::noise);
  std::vector<double> energies, actions;
  for (std::size_t i = 0; i < n; ++i) {
    energies.push_back(noise[i] == 0 ? energy(matrix, over, u, v, i) : nan);
    if (energy_free[i] != 0) energies.back() = 0; // on any mesh
    actions.push_back(energy_free[i] != 0 ? 0 : nan);
  }
  MatrixSize size{-1, -1};
  if (is_box(matrix.domain) && matrix.how.mesh.empty()) {
    size = box_size(element_of(matrix), intervals(matrix));
    size.rows *= matrix.components;
    size.entries *= matrix.components * matrix.components;
  }
  Batch truth(n);
  truth.set(matrix::energy, "", energies);
  truth.set(matrix::action, "", actions);
  truth.set(matrix::skew, "", std::vector<double>(n, symmetric ? 0 : nan));
  truth.set(matrix::size, "", std::vector<std::int64_t>{size.rows, size.entries});
  truth.set("uncertainty", "", std::vector<double>(n, 1e-15));
  return truth;
}

/// Largest |found - truth| / scale where a truth is known; 0 if there is none. A NaN found stays.
double worst(std::vector<double> const& found, std::vector<double> const& truth,
             std::vector<double> const& scale) {
  double largest = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (std::isnan(truth[i])) continue;
    double const off = std::abs(found[i] - truth[i]) / scale[i];
    if (std::isnan(off)) return nan;
    largest = std::max(largest, off);
  }
  return largest;
}

std::vector<Metric> invariants(Batch const& truth, Batch const& answers) {
  const std::vector<double> energies = truth.reals(matrix::energy);
  double scale = 0;
  for (double const value : energies) scale = std::fmax(scale, std::abs(value));
  // Curved meshes: nothing but the kernel is known.
  if (scale == 0) scale = nan;
  bool const known = !std::isnan(scale);
  const std::vector<double> magnitude = answers.reals(matrix::magnitude);
  return {
      {"energy_rel", known ? worst(answers.reals(matrix::energy), energies,
                                   std::vector<double>(energies.size(), scale))
                           : nan},
      {"kernel_rel", worst(answers.reals(matrix::action), truth.reals(matrix::action), magnitude)},
      {"skew_rel", worst(answers.reals(matrix::skew), truth.reals(matrix::skew), magnitude)}};
}

class AssemblyProblem : public Problem, public MatrixProblem {
public:
  AssemblyProblem(MatrixForm matrix, std::uint64_t seed)
      : _matrix(std::move(matrix)), _seed(seed) {}

  MatrixForm const& matrix() const override { return _matrix; }
  std::size_t count(Split) const override { return fields_of(_matrix, _seed).size(); }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    MOHO_REQUIRE(first == 0 && n == count(split));
    return batch_of(fields_of(_matrix, _seed));
  }

  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    Moments over;
    if (is_box(_matrix.domain) && _matrix.how.mesh.empty()) {
      std::vector<double> size;
      for (int d = 0; d < _matrix.dim(); ++d) size.push_back(_matrix.domain.extent(d));
      over = box_moments(size);
    } else {
      over = cell_moments(comm, make_part(comm, _matrix.domain, _matrix.how));
    }
    return truth_of(_matrix, over, inputs, fields_of(_matrix, _seed).energy_free);
  }

  std::vector<Check> verify(parallel::Comm const&) const override;

  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override {
    std::vector<Metric> metrics = invariants(truth, answers);
    const std::vector<std::int64_t> known = truth.integers(matrix::size),
                                    size = answers.integers(matrix::size);
    for (std::size_t i = 0; i < 2; ++i)
      metrics.push_back({i == 0 ? "rows_off" : "entries_off",
                         known[i] < 0 ? nan : std::abs(static_cast<double>(size[i] - known[i]))});
    std::vector<double> reference{nan, nan};
    if (answers.has(matrix::reference)) reference = answers.reals(matrix::reference);
    metrics.push_back({"to_reference", reference[0]});
    metrics.push_back({"reference_differs", reference[1]});
    std::vector<Counter> counters{{"fields", static_cast<std::int64_t>(inputs.count())}};
    if (answers.has(matrix::checksum))
      counters.push_back({"checksum", answers.integers(matrix::checksum).at(0)});
    return {std::move(metrics),
            std::move(counters),
            {{"matrix/energy", "", answers.reals(matrix::energy)},
             {"matrix/action", "", answers.reals(matrix::action)},
             {"matrix/skew", "", answers.reals(matrix::skew)},
             {"matrix/truth", "", truth.reals(matrix::energy)}}};
  }

private:
  MatrixForm _matrix;
  std::uint64_t _seed;
};

/// The same form on 3 intervals a side, whose inner points are moved.
MatrixForm small(MatrixForm matrix) {
  matrix.domain = {matrix.dim() == 2 ? DomainKind::square : DomainKind::cube};
  if (matrix.how.cell == "auto") matrix.how.cell = matrix.dim() == 2 ? "triangle" : "tetrahedron";
  matrix.how.mesh.clear();
  matrix.how.curved = false;
  matrix.how.n = 3;
  // A coefficient per cell has a closed form on parallelepipeds alone.
  bool const bent = matrix.where == fem::Where::cell && !is_simplex(element_of(matrix).cell);
  matrix.how.perturbation = bent ? 0 : 0.1;
  return matrix;
}

/// Entry by entry against the closed forms; and moments of the box against those of its cells.
void geometry_checks(MatrixForm const& matrix, std::vector<Check>& checks) {
  const parallel::Comm alone = parallel::Comm::self();
  const fem::Part part = make_part(alone, matrix.domain, matrix.how);
  double const known = static_cast<double>(box_size(element_of(matrix), intervals(matrix)).entries);
  auto const off = [&](std::size_t cells) {
    return std::abs(static_cast<double>(counted_entries(part.space, cells)) - known);
  };
  const std::size_t cells = part.mesh.cell_count();
  checks.push_back({"entries_closed_form", off(cells), Relation::equal, 0,
                    "entries of a matrix on 3 intervals a side, counted pair by pair"});
  checks.push_back(
      control_of(checks.back(), off(cells / 2), "a mesh that lacks half of its cells"));

  Discretization simplices = matrix.how;
  simplices.cell = matrix.dim() == 2 ? "triangle" : "tetrahedron";
  const Moments found = cell_moments(alone, make_part(alone, matrix.domain, simplices));
  auto const distance = [&](double length) {
    std::vector<double> size(index(matrix.dim()), 1.0);
    size.back() = length;
    const Moments box = box_moments(size);
    double largest = std::abs(found.zero - box.zero);
    for (std::size_t i = 0; i < box.first.size(); ++i)
      largest = std::max(largest, std::abs(found.first[i] - box.first[i]));
    for (std::size_t i = 0; i < box.second.size(); ++i)
      largest = std::max(largest, std::abs(found.second[i] - box.second[i]));
    return largest;
  };
  checks.push_back({"moments", distance(1), Relation::at_most, 1e-14,
                    "integrals of 1, x, x x over the unit box, against those over its cells"});
  checks.push_back(control_of(checks.back(), distance(1.01), "a box that is 1 % longer"));
}

std::vector<Check> AssemblyProblem::verify(parallel::Comm const&) const {
  const MatrixForm matrix = small(_matrix);
  std::vector<Check> checks;
  geometry_checks(matrix, checks);

  const parallel::Comm alone = parallel::Comm::self();
  auto const space = std::make_shared<FemSpace>(alone, make_part(alone, matrix.domain, matrix.how),
                                                matrix.components);
  FemSystem system(space, {}, {});
  const fem::Form form = form_on(matrix, *space);
  system.assemble({&form, 1});
  const Fields fields = fields_of(matrix, _seed);
  const Batch inputs = batch_of(fields),
              known = truth_of(matrix, box_moments(std::vector<double>(index(matrix.dim()), 1.0)),
                               inputs, fields.energy_free);
  auto const found = [&] {
    system.changed();
    Batch answers;
    act(system, inputs, answers);
    return invariants(known, answers);
  };
  const std::vector<Metric> sound = found();
  // The entry of row 0 in the second column, off the diagonal.
  auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, system.values());
  host(1) += 1e-6;
  Kokkos::deep_copy(system.values(), host);
  const std::vector<Metric> perturbed = found();
  bool const kernel = matrix.kind != FormKind::mass,
             symmetric = matrix.kind != FormKind::advection && !matrix.tensor;
  for (std::size_t i = 0; i < sound.size(); ++i) {
    if ((sound[i].name == "kernel_rel" && !kernel) || (sound[i].name == "skew_rel" && !symmetric))
      continue;
    checks.push_back({sound[i].name, sound[i].value, Relation::at_most, tight,
                      "of a matrix on 3 intervals a side"});
    checks.push_back(
        control_of(checks.back(), perturbed[i].value, "a matrix with one entry off by 1e-6"));
  }
  return checks;
}

Domain domain_of(Parameters const& parameters, Environment const& environment, std::string& cell) {
  const std::string kind = parameters.text("domain"), mesh = parameters.text("mesh");
  bool const per_rank = parameters.flag("per_rank");
  if (kind != "box") {
    if (per_rank)
      throw Error("problem.per_rank: the domain '" + kind +
                  "' cannot be made longer (a box can) use domain = \"box\"");
    return {domain_from_name(kind)};
  }
  if (!mesh.empty())
    throw Error("problem.mesh: '" + mesh + "' is no box (boxes are built in) name its domain");
  if (cell == "auto") cell = "triangle";
  int const dim = fem::dimension(fem::cell_from_name(cell));
  Domain domain{dim == 2 ? DomainKind::square : DomainKind::cube};
  if (!per_rank) return domain;
  if (environment.ranks < 1)
    throw Error("problem.per_rank: a box for each rank of no launch (the study has no axis "
                "`ranks`) add it, or drop per_rank");
  domain.size.assign(index(dim), 1.0);
  domain.size.back() = environment.ranks;
  return domain;
}

fem::Where where_of(std::string const& name) {
  if (name == "cell") return fem::Where::cell;
  if (name == "quadrature") return fem::Where::quadrature;
  return name == "nodal" ? fem::Where::nodal : fem::Where::global;
}

} // namespace

std::vector<ParameterSpec> assembly_problem_parameters() {
  std::vector<ParameterSpec> specs{
      {"form",
       std::string("poisson"),
       "what is integrated",
       0,
       0,
       {"poisson", "mass", "advection", "elasticity"}},
      {"components", std::int64_t{0},
       "unknowns per node; 0: one, or as many as elasticity has directions", 0, 3},
      {"tensor", false, "poisson: a full tensor as coefficient"},
      {"coefficient",
       std::string("global"),
       "where it lives; but for global it varies",
       0,
       0,
       {"global", "cell", "quadrature", "nodal"}},
      {"domain",
       std::string("box"),
       "box: the unit square or cube, by the cell",
       0,
       0,
       {"box", "lshape", "hollow-cube", "disk"}},
      {"per_rank", false,
       "a box of n intervals for each rank of the launch, side by side (needs the axis ranks)"},
      {"seed", std::int64_t{1}, "of the affine fields", 0}};
  for (ParameterSpec& spec : discretization_parameters())
    if (spec.key != "partition") specs.push_back(std::move(spec));
  return specs;
}

std::vector<std::string> const& assembly_problem_metrics() {
  static const std::vector<std::string> names{"energy_rel",       "kernel_rel",  "skew_rel",
                                              "rows_off",         "entries_off", "to_reference",
                                              "reference_differs"};
  return names;
}

std::unique_ptr<Problem> make_assembly_problem(Parameters const& parameters,
                                               Environment const& environment) {
  MatrixForm matrix;
  Parameters whole = parameters;
  whole.set("partition", std::string("automatic"));
  matrix.how = discretization_of(whole);
  matrix.domain = domain_of(parameters, environment, matrix.how.cell);
  matrix.kind = fem::form_from_name(parameters.text("form"));
  matrix.tensor = parameters.flag("tensor");
  matrix.where = where_of(parameters.text("coefficient"));
  bool const elastic = matrix.kind == FormKind::elasticity;
  int const asked = static_cast<int>(parameters.integer("components"));
  matrix.components = asked > 0 ? asked : elastic ? matrix.dim() : 1;
  if (elastic && matrix.components != matrix.dim())
    throw Error("problem.components = " + std::to_string(asked) +
                " (displacements have as many as directions, " + std::to_string(matrix.dim()) +
                ") leave it at 0");
  if (matrix.tensor && matrix.kind != FormKind::diffusion)
    throw Error("problem.tensor: the form '" + parameters.text("form") +
                "' has no tensor (poisson has) set it to false");
  return std::make_unique<AssemblyProblem>(std::move(matrix),
                                           static_cast<std::uint64_t>(parameters.integer("seed")));
}

} // namespace moho::study
