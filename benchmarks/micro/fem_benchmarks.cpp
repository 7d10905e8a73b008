// SPDX-License-Identifier: BSD-3-Clause
// Assembly: re-assembly of every policy, Map alone, set-up of the topology, a batch of
// coefficients. `of_stream` is the fraction of the realistic floor of a CSR gather (AssemblyWork):
// cases that the last-level cache holds may exceed it.
#include "harness.hpp"
#include "moho/fem/assembly.hpp"
#include <memory>
#include <string>
#include <type_traits>
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
};
constexpr Reduce policies[] = {Reduce::scatter,      Reduce::owner_scatter,
                               Reduce::tiled_gather, Reduce::compressed_gather,
                               Reduce::two_pass,     Reduce::atomic};

std::string title(FemCase const& c, char const* what) {
  return "fem/" + std::string(what) + "/" + c.name + "/" + std::to_string(c.n);
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

void reassembly(Harness& harness, benchmark::State& state, FemCase const& c, Reduce reduce) {
  Prepared const& p = prepared(c);
  auto const assembly = make_assembly(*p.topology, p.form, reduce);
  Reals const values = make_values(*p.topology);
  assembly->assemble(p.form, values);
  harness.time(
      state, title(c, name(reduce)), [&] { assembly->assemble(p.form, values); },
      [&] { return work_of(p); });
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

constexpr bool on_host = std::is_same_v<ExecutionSpace, Kokkos::DefaultHostExecutionSpace>;

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
