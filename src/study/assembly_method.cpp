// SPDX-License-Identifier: BSD-3-Clause
// Method `assembly`: makes the matrix that problem `assembly` asks for, by any policy.
#include "assembly_truth.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/fem_assembly.hpp"
#include "moho/study/fem_matrix_file.hpp"
#include "phase_clock.hpp"
#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <utility>

namespace moho::study {
namespace {

constexpr std::uint32_t noise_stream = 41;
using HostReals = Kokkos::View<double*, Kokkos::HostSpace>;

double largest(parallel::Comm const& comm, fem::ConstReals values, std::size_t n) {
  double most = 0;
  Kokkos::parallel_reduce(
      "moho::study::assembly::largest", Kokkos::RangePolicy<ExecutionSpace>(0, n),
      KOKKOS_LAMBDA(std::size_t i, double& part) {
        double const size = values(i) < 0 ? -values(i) : values(i);
        // A NaN is larger than all.
        if (!(size <= part)) part = size;
      },
      Kokkos::Max<double>(most));
  return comm.max(most);
}

/// Owned unknowns of item `item` of an array of affine fields (n, components, 1 + dim).
std::vector<double> nodal(FemSpace const& space, std::vector<double> const& all, std::size_t item,
                          double noise) {
  auto const components = static_cast<std::size_t>(space.components()),
             dim = static_cast<std::size_t>(space.dim());
  fem::Space const& nodes = space.part().space;
  std::vector<double> u(space.owned());
  for (std::size_t i = 0; i < u.size(); ++i) {
    double const* const f = all.data() + (item * components + i % components) * (dim + 1);
    double const* const x = nodes.points.data() + i / components * dim;
    u[i] = f[0];
    for (std::size_t d = 0; d < dim; ++d) u[i] += f[d + 1] * x[d];
    auto const id = static_cast<std::uint64_t>(nodes.id[i / components]);
    if (noise != 0)
      u[i] +=
          noise * (2 * Philox{item, noise_stream}.uniform(id * components + i % components, 0) - 1);
  }
  return u;
}

/// ||a - b||_F / ||b||_F, and how many entries differ in a bit.
std::vector<double> difference(FemSpace const& space, fem::Reals const& a, fem::Reals const& b) {
  auto const one = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, a);
  auto const other = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, b);
  double off = 0, all = 0, bits = 0;
  for (std::size_t i = 0; i < space.topology().pattern().nonzeros(); ++i) {
    double const gap = one(i) - other(i);
    off += gap * gap;
    all += other(i) * other(i);
    bits += std::bit_cast<std::uint64_t>(one(i)) != std::bit_cast<std::uint64_t>(other(i));
  }
  return {std::sqrt(space.comm().sum(off) / space.comm().sum(all)), space.comm().sum(bits)};
}

class AssemblyMethod : public Method {
public:
  explicit AssemblyMethod(Parameters const& parameters)
      : _partition(partition_from_name(parameters.text("partition"))),
        _threads(static_cast<int>(parameters.integer("threads"))) {
    if (parameters.text("reduce") != "auto")
      _reduce = fem::reduce_from_name(parameters.text("reduce"));
    std::string const& reference = parameters.text("reference");
    _compared = reference != "none";
    if (_compared && reference != "auto") _reference = fem::reduce_from_name(reference);
  }

  void accept(Problem const& problem) const override {
    MatrixForm const asked = asked_of(problem);
    check_discretization(asked.domain, asked.how);
  }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _matrix = asked_of(problem);
    Discretization how = _matrix.how;
    how.partition = _partition;
    parallel::require_petsc(); // its start is no part of the set-up
    PhaseClock clock;
    fem::Part part;
    clock.time("mesh", [&] { part = make_part(comm, _matrix.domain, how); });
    clock.time("topology", [&] {
      _space = std::make_shared<FemSpace>(comm, std::move(part), _matrix.components);
    });
    _form = form_on(_matrix, *_space);
    clock.time("tables", [&] {
      _system = std::make_unique<FemSystem>(_space, std::vector<std::uint8_t>{},
                                            SystemOptions{_reduce, _threads, {}});
      _system->require(_form);
    });
    clock.time("first_assembly", [&] { _system->assemble({&_form, 1}); });
    clock.time("hand_off", [&] { _system->changed(); });
    return {{{"unknowns", _space->unknowns()}},
            {{"matrix/reduce", "", std::vector<std::string>{name(_system->reduce())}}},
            {},
            {},
            clock.take()};
  }

  void apply(Batch const& in, Batch& out) override {
    PhaseClock clock;
    clock.time("assembly", [&] { _system->assemble({&_form, 1}); });
    clock.time("hand_off", [&] { _system->changed(); });
    _phases = clock.take();
    _asked = in;
    out = Batch(in.count());
  }

  Cost cost() const override {
    const fem::AssemblyWork work =
        fem::assembly_work(_space->topology(), _form, static_cast<double>(_space->cells()),
                           static_cast<double>(_space->unknowns() / _space->components()),
                           static_cast<double>(_space->nonzeros()));
    Cost cost;
    cost.bytes = static_cast<std::int64_t>(work.bytes_realistic);
    cost.counters = {{"cells", _space->cells(), true},
                     {"nonzeros", _space->nonzeros(), true},
                     {"bytes_least", static_cast<std::int64_t>(work.bytes_least)},
                     {"bytes_two_pass", static_cast<std::int64_t>(work.bytes_two_pass)}};
    cost.phases = _phases;
    cost.floors = {{"floor_share", work.bytes_realistic}, {"floor_share_least", work.bytes_least}};
    return cost;
  }

  Assessment examine(Batch& out) override {
    act(*_system, _asked, out);
    if (same_on_any_ranks(_system->reduce()))
      out.set(matrix::checksum, "",
              std::vector<std::int64_t>{
                  checksum(_space->comm(), _space->part(), _space->topology(), _system->values())});
    if (!_compared) return {};
    fem::Reduce const other = _reference.value_or(
        _system->reduce() == fem::Reduce::scatter ? fem::Reduce::two_pass : fem::Reduce::scatter);
    auto const assembly =
        make_assembly(_space->comm(), _space->part(), _space->topology(), _form, other, _threads);
    const fem::Reals values = make_values(_space->comm(), _space->topology(), false);
    assembly->assemble(_form, values);
    Kokkos::fence();
    out.set(matrix::reference, "", difference(*_space, _system->values(), values));
    return {};
  }

private:
  static MatrixForm asked_of(Problem const& problem) {
    auto const* asked = capability<MatrixProblem>(problem);
    if (asked == nullptr)
      throw Error(
          "assembly makes the matrix of a problem that asks for one (this problem does not) "
          "use problem 'assembly'");
    return asked->matrix();
  }

  Partition _partition;
  int _threads;
  std::optional<fem::Reduce> _reduce, _reference;
  bool _compared = true;
  MatrixForm _matrix;
  std::shared_ptr<FemSpace const> _space;
  std::unique_ptr<FemSystem> _system;
  fem::Form _form;
  Batch _asked;
  std::vector<Phase> _phases;
};

} // namespace

fem::Form form_on(MatrixForm const& matrix, FemSpace const& space) {
  fem::Form form;
  form.kind = matrix.kind;
  form.components = matrix.components;
  form.tensor = matrix.tensor;
  auto const size = base_coefficient(matrix).size(), dim = static_cast<std::size_t>(space.dim());
  Field const k = [&](double const* x, double* out) {
    const std::vector<double> values = matrix.coefficient(x);
    std::copy(values.begin(), values.end(), out);
  };
  if (matrix.where == fem::Where::quadrature) {
    form.quadrature_degree = 2 * space.degree() + 1;
    form.coefficient = space.sampled(k, static_cast<int>(size), form.quadrature_degree);
    return form;
  }
  fem::Mesh const& mesh = space.part().mesh;
  std::vector<double> at; // where the values are
  if (matrix.where == fem::Where::global) at.assign(dim, 0.0);
  if (matrix.where == fem::Where::nodal) at = space.part().space.points;
  if (matrix.where == fem::Where::cell) {
    auto const k_geometry = static_cast<std::size_t>(mesh.geometry.nodes());
    at.assign(mesh.cell_count() * dim, 0.0);
    for (std::size_t c = 0; c < mesh.cell_count(); ++c)
      for (std::size_t a = 0; a < k_geometry; ++a)
        for (std::size_t d = 0; d < dim; ++d)
          at[c * dim + d] +=
              mesh.points[static_cast<std::size_t>(mesh.cells[c * k_geometry + a]) * dim + d] /
              static_cast<double>(k_geometry);
  }
  std::vector<double> values(at.size() / dim * size);
  for (std::size_t i = 0; i < at.size() / dim; ++i)
    k(at.data() + i * dim, values.data() + i * size);
  form.coefficient = {matrix.where, static_cast<int>(size),
                      to_device("moho::study::assembly", values)};
  return suited(std::move(form), space);
}

void act(FemSystem const& system, Batch const& in, Batch& out) {
  FemSpace const& space = system.space();
  const std::vector<double> trial = in.reals(matrix::trial), test = in.reals(matrix::test),
                            noise = in.reals(matrix::noise);
  double const entry =
      largest(space.comm(), system.values(), space.topology().pattern().nonzeros());
  std::vector<double> energies, actions, skews, magnitudes;
  const fem::Reals y = space.owned_vector(), z = space.owned_vector();
  for (std::size_t i = 0; i < in.count(); ++i) {
    const fem::Reals u = to_device("moho::study::assembly", nodal(space, trial, i, noise[i])),
                     v = to_device("moho::study::assembly", nodal(space, test, i, 0));
    system.multiply(u, y);
    system.multiply(u, z, true);
    energies.push_back(space.dot(v, y));
    actions.push_back(largest(space.comm(), y, space.owned()));
    magnitudes.push_back(entry * largest(space.comm(), u, space.owned()));
    Kokkos::parallel_for(
        "moho::study::assembly::skew", Kokkos::RangePolicy<ExecutionSpace>(0, space.owned()),
        KOKKOS_LAMBDA(std::size_t k) { z(k) -= y(k); });
    skews.push_back(largest(space.comm(), z, space.owned()));
  }
  out.set(matrix::energy, "", energies);
  out.set(matrix::action, "", actions);
  out.set(matrix::skew, "", skews);
  out.set(matrix::magnitude, "", magnitudes);
  out.set(matrix::size, "", std::vector<std::int64_t>{space.unknowns(), space.nonzeros()});
}

std::vector<ParameterSpec> assembly_method_parameters() {
  std::vector<ParameterSpec> specs;
  for (ParameterSpec& spec : system_parameters())
    if (spec.key != "petsc") specs.push_back(std::move(spec));
  for (ParameterSpec& spec : discretization_parameters())
    if (spec.key == "partition") specs.push_back(std::move(spec));
  ParameterSpec reference = specs.front();
  reference.key = "reference";
  reference.help = "policy to compare with, untimed; auto: scatter, of which itself two-pass; none";
  reference.choices.push_back("none");
  specs.push_back(std::move(reference));
  return specs;
}

std::vector<std::string> const& assembly_method_metrics() {
  static const std::vector<std::string> names{"floor_share", "floor_share_least"};
  return names;
}

std::unique_ptr<Method> make_assembly_method(Parameters const& parameters) {
  return std::make_unique<AssemblyMethod>(parameters);
}

} // namespace moho::study
