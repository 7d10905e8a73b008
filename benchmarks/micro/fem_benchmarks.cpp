// SPDX-License-Identifier: BSD-3-Clause
// Assembly: re-assembly of every policy, Map alone, set-up of the topology, a batch of
// coefficients. `of_stream` is the fraction of the realistic floor of a CSR gather (AssemblyWork):
// cases that the last-level cache holds may exceed it.
#include "harness.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/fem/assembly.hpp"
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

namespace moho::micro {
namespace {

using namespace fem;

/// A problem of spec section 5, on one rank.
struct FemCase {
  char const* name;
  Cell cell;
  int degree, n;
  FormKind kind;
  bool per_cell = false; ///< a coefficient of its own in each cell, else one for all
};
constexpr FemCase fem_cases[] = {
    {"poisson_p1_triangle", Cell::triangle, 1, 256, FormKind::diffusion},
    {"poisson_p1_triangle", Cell::triangle, 1, 512, FormKind::diffusion},
    {"poisson_p1_tetrahedron", Cell::tetrahedron, 1, 32, FormKind::diffusion},
    {"poisson_p1_tetrahedron", Cell::tetrahedron, 1, 64, FormKind::diffusion},
    {"elasticity_p1_tetrahedron", Cell::tetrahedron, 1, 32, FormKind::elasticity},
    {"poisson_p2_triangle", Cell::triangle, 2, 256, FormKind::diffusion},
    {"poisson_q1_quadrilateral", Cell::quadrilateral, 1, 256, FormKind::diffusion},
    {"poisson_q1_hexahedron", Cell::hexahedron, 1, 32, FormKind::diffusion},
    // what reference/peers/fem_torch.py has as well; the small ones show that both agree
    {"darcy_p1_tetrahedron", Cell::tetrahedron, 1, 8, FormKind::diffusion, true},
    {"darcy_p1_tetrahedron", Cell::tetrahedron, 1, 32, FormKind::diffusion, true},
    {"darcy_p1_tetrahedron", Cell::tetrahedron, 1, 64, FormKind::diffusion, true},
    {"elasticity_p1_tetrahedron", Cell::tetrahedron, 1, 8, FormKind::elasticity},
};
constexpr Reduce policies[] = {Reduce::scatter,      Reduce::owner_scatter,
                               Reduce::tiled_gather, Reduce::compressed_gather,
                               Reduce::two_pass,     Reduce::atomic};

std::string title(FemCase const& c, char const* what) {
  return "fem/" + std::string(what) + "/" + c.name + "/" + std::to_string(c.n);
}

/// 1 to 15/8, by the box in which a cell lies.
std::vector<double> cell_values(Mesh const& mesh, int n) {
  auto const dim = static_cast<std::size_t>(mesh.dim());
  auto const corners = static_cast<std::size_t>(mesh.geometry.nodes());
  std::vector<double> values(mesh.cell_count());
  for (std::size_t e = 0; e < values.size(); ++e) {
    int box = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      double least = 1;
      for (std::size_t a = 0; a < corners; ++a) {
        auto const point = static_cast<std::size_t>(mesh.cells[e * corners + a]);
        least = std::min(least, mesh.points[point * dim + d]);
      }
      box += (1 << d) * static_cast<int>(std::lround(least * n));
    }
    values[e] = 1 + box % 8 / 8.0;
  }
  return values;
}

/// Mesh, topology and form of a case.
struct Prepared {
  Part part;
  std::unique_ptr<Topology> topology;
  Form form;

  explicit Prepared(FemCase const& c) {
    Structured spec;
    spec.cell = c.cell;
    spec.n.assign(static_cast<std::size_t>(dimension(c.cell)), c.n);
    part.mesh = structured(spec);
    part.space = make_space(part.mesh, c.degree);
    if (c.degree > 1) reorder(part.space, Ordering::lexicographic);
    form.kind = c.kind;
    if (c.kind == FormKind::elasticity) {
      form.components = dimension(c.cell);
      Lame const l = lame(1, 0.3);
      const Reals values("moho::micro::lame", 2);
      auto host = Kokkos::create_mirror_view(values);
      host(0) = l.lambda, host(1) = l.mu;
      Kokkos::deep_copy(values, host);
      form.coefficient = {Where::global, 2, values};
    }
    if (c.per_cell)
      form.coefficient = {Where::cell, 1,
                          to_device("moho::micro::cells", cell_values(part.mesh, c.n))};
    topology = std::make_unique<Topology>(part, form.components);
  }
};

/// The latest case is kept: Google Benchmark calls each function several times.
Prepared const& prepared(FemCase const& c) {
  static std::string of;
  static std::unique_ptr<Prepared> latest;
  if (!latest && of.empty()) Kokkos::push_finalize_hook([] { latest.reset(); });
  if (std::string const wanted = title(c, "case"); !latest || of != wanted) {
    latest.reset();
    latest = std::make_unique<Prepared>(c);
    of = wanted;
  }
  return *latest;
}

Work work_of(Prepared const& p) {
  AssemblyWork const work = assembly_work(*p.topology, p.form);
  return {.flops = work.flops,
          .bytes = work.bytes_realistic,
          .items = {{"cells", static_cast<double>(p.topology->cells())},
                    {"nonzeros", static_cast<double>(p.topology->pattern().nonzeros())}}};
}

/// Counters by which two codes' matrices are compared, whatever their numbering of nodes: Frobenius
/// norm, and x . K x of a field x that shares no symmetry with the mesh.
void describe(benchmark::State& state, Prepared const& p, Reals const& values) {
  auto const entries = to_host(values);
  Pattern const& pattern = p.topology->pattern();
  auto const components = static_cast<std::size_t>(pattern.components);
  auto const dim = static_cast<std::size_t>(p.part.mesh.dim());
  std::vector<double> x(pattern.rows());
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const* const at = &p.part.space.points[i / components * dim];
    auto const c = static_cast<double>(i % components);
    x[i] = (c + 1) * at[0] * at[0] + at[1] * at[dim - 1] - c * at[1];
  }
  long double squares = 0, energy = 0; // millions of terms
  for (std::size_t i = 0; i < x.size(); ++i)
    for (auto k = static_cast<std::size_t>(pattern.diagonal_ptr[i]);
         k < static_cast<std::size_t>(pattern.diagonal_ptr[i + 1]); ++k) {
      long double const entry = entries[k];
      squares += entry * entry;
      energy += x[i] * entry * x[static_cast<std::size_t>(pattern.diagonal_column[k])];
    }
  state.counters["frobenius"] = static_cast<double>(std::sqrt(squares));
  state.counters["energy"] = static_cast<double>(energy);
}

void reassembly(Harness& harness, benchmark::State& state, FemCase const& c, Reduce reduce) {
  Prepared const& p = prepared(c);
  auto const assembly = make_assembly(*p.topology, p.form, reduce);
  Reals const values = make_values(*p.topology);
  assembly->assemble(p.form, values);
  harness.time(
      state, title(c, name(reduce)), [&] { assembly->assemble(p.form, values); },
      [&] {
        describe(state, p, values);
        bool const usual = reduce == default_reduce(p.topology->element(), p.form);
        state.counters["default"] = usual ? 1 : 0;
        return work_of(p);
      });
}

/// Local matrices into memory that stays in the cache: Map and nothing else.
void map_alone(Harness& harness, benchmark::State& state, FemCase const& c) {
  Prepared const& p = prepared(c);
  constexpr std::int32_t cells = 256;
  std::size_t const n = static_cast<std::size_t>(p.topology->element().nodes() * p.form.components);
  const Reals out("moho::micro::local", cells * n * n);
  harness.time(
      state, title(c, "map"), [&] { local_matrices(*p.topology, p.form, 0, cells, out); },
      [&] {
        double const share = double(cells) / p.topology->cells();
        return Work{.flops = assembly_work(*p.topology, p.form).flops * share,
                    .items = {{"cells", double(cells)}}};
      });
}

void set_up(Harness& harness, benchmark::State& state, FemCase const& c) {
  Prepared const& p = prepared(c);
  harness.time(
      state, title(c, "set_up"),
      [&] {
        Topology const topology(p.part, p.form.components);
        make_assembly(topology, p.form, default_reduce(topology.element(), p.form));
      },
      [&] {
        return Work{.bytes = assembly_work(*p.topology, p.form).bytes_realistic, // in assemblies
                    .items = {{"cells", static_cast<double>(p.topology->cells())}}};
      });
}

/// 64 coefficient fields on one topology (Darcy).
void batch(Harness& harness, benchmark::State& state, FemCase const& c) {
  Prepared const& p = prepared(c);
  constexpr std::size_t fields = 64;
  std::size_t const cells = static_cast<std::size_t>(p.topology->cells());
  const Reals coefficient("moho::micro::coefficient", cells * fields);
  Kokkos::deep_copy(coefficient, 1.5);
  std::size_t const size = p.topology->pattern().nonzeros();
  const Reals values("moho::micro::values", size * fields);
  harness.time(
      state, title(c, "batch"),
      [&] { assemble_batch(*p.topology, p.form, static_cast<int>(fields), coefficient, values); },
      [&] {
        double const bytes = 8.0 * fields * (2.0 * static_cast<double>(size) + double(cells));
        return Work{.bytes = bytes, .items = {{"fields", double(fields)}}};
      });
}

bool serves(FemCase const& c, Reduce reduce) {
  if (!on_host && (reduce == Reduce::scatter || reduce == Reduce::owner_scatter)) return false;
  return reduce != Reduce::compressed_gather || (is_simplex(c.cell) && c.degree == 1);
}

template <class Body>
void add(std::string const& title, Body body) {
  benchmark::RegisterBenchmark(title.c_str(), body)->UseManualTime()->Unit(benchmark::kMillisecond);
}

} // namespace

void register_fem_benchmarks(Harness& harness) {
  for (FemCase const& c : fem_cases) {
    for (const Reduce reduce : policies)
      if (serves(c, reduce))
        add(title(c, name(reduce)), [&harness, c, reduce](benchmark::State& state) {
          reassembly(harness, state, c, reduce);
        });
    add(title(c, "map"), [&harness, c](benchmark::State& state) { map_alone(harness, state, c); });
    add(title(c, "set_up"), [&harness, c](benchmark::State& state) { set_up(harness, state, c); });
  }
  if (!on_host) return; // batches of coefficients are for hosts
  FemCase const darcy{"poisson_p1_triangle", Cell::triangle, 1, 64, FormKind::diffusion};
  add(title(darcy, "batch"),
      [&harness, darcy](benchmark::State& state) { batch(harness, state, darcy); });
}

} // namespace moho::micro
