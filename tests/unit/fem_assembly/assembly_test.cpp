// SPDX-License-Identifier: BSD-3-Clause
// The same bits whatever the policy, the threads, the ranks (parts taken in one process) and the
// repeat; the right values, from local matrices summed one by one.
#include "cases.hpp"
#include "moho/core/error.hpp"
#include "support/kokkos_traffic.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

namespace moho::fem::test {
namespace {

/// The matrix from local_matrices and find: an independent route to each entry.
std::vector<double> summed(Topology const& topology, Form const& form, bool descending) {
  std::int32_t const cells = topology.cells();
  int const k = topology.element().nodes(), B = form.components, n = k * B;
  std::size_t const size = static_cast<std::size_t>(n * n);
  Reals const out("local", static_cast<std::size_t>(cells) * size);
  local_matrices(topology, form, 0, cells, out);
  auto const local = host(out, out.extent(0));
  auto const nodes =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), topology.cell_nodes());
  std::vector<double> values(topology.pattern().nonzeros(), 0.0);
  for (std::int32_t i = 0; i < cells; ++i) {
    std::int32_t const c = descending ? cells - 1 - i : i;
    for (int a = 0; a < n; ++a)
      for (int b = 0; b < n; ++b) {
        std::int32_t const row = nodes(c * k + a / B) * B + a % B;
        std::int32_t const column = nodes(c * k + b / B) * B + b % B;
        std::int64_t const at = topology.find(row, column);
        if (at >= 0)
          values[static_cast<std::size_t>(at)] +=
              local[static_cast<std::size_t>(c) * size + static_cast<std::size_t>(a * n + b)];
      }
  }
  return values;
}

double relative(std::vector<double> const& a, std::vector<double> const& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / norm);
}

/// Policies that this backend and form have, by name and threads.
std::vector<std::pair<Reduce, int>> policies(Case const& c) {
  std::vector<std::pair<Reduce, int>> all{{Reduce::two_pass, 1}, {Reduce::tiled_gather, 1}};
  if (Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible) {
    all.push_back({Reduce::scatter, 1});
    for (int threads = 1; threads <= 4; ++threads) all.push_back({Reduce::owner_scatter, threads});
  }
  bool const p1 = is_simplex(c.cell) && c.degree == 1;
  if (p1 && c.kind == FormKind::elasticity && c.where == Where::global)
    all.push_back({Reduce::compressed_gather, 1});
  return all;
}

/// In repeated assemblies nothing is made, and nothing crosses between host and device.
TEST(Assembly, RepeatsMakeNoArrayAndCopyNone) {
  for (Case const& c : all_cases()) {
    Part const part = whole_part(c.cell, c.degree, 2);
    Form const form = make_form(part, c.kind, c.tensor, c.where, c.components);
    Topology const topology(part, c.components);
    Reals const values = make_values(topology);
    for (auto const& [reduce, threads] : policies(c)) {
      SCOPED_TRACE(describe(c) + ", " + name(reduce) + ", threads " + std::to_string(threads));
      auto const assembly = make_assembly(topology, form, reduce, threads);
      assembly->assemble(form, values);
      moho::test::KokkosTraffic const watch;
      assembly->assemble(form, values);
      EXPECT_EQ(watch.allocations(), 0u);
      EXPECT_EQ(watch.copies(), 0u);
    }
  }
}

TEST(Assembly, PoliciesThreadsAndRepeatsGiveTheSameBits) {
  for (Case const& c : all_cases()) {
    SCOPED_TRACE(describe(c));
    Part const part = whole_part(c.cell, c.degree, intervals(c));
    Form const form = make_form(part, c.kind, c.tensor, c.where, c.components);
    Topology const topology(part, c.components);
    auto const expected = assembled(topology, form, Reduce::two_pass);
    for (auto const& [reduce, threads] : policies(c)) {
      SCOPED_TRACE(std::string(name(reduce)) + " threads " + std::to_string(threads));
      auto const assembly = make_assembly(topology, form, reduce, threads);
      Reals const values = make_values(topology);
      for (int repeat = 0; repeat < 3; ++repeat) {
        Kokkos::deep_copy(values, 1e300);
        assembly->assemble(form, values);
        EXPECT_TRUE(same_bits(host(values, expected.size()), expected));
      }
      assembly->assemble(form, values, true);
      auto twice = expected;
      for (double& x : twice) x += x;
      EXPECT_TRUE(same_bits(host(values, expected.size()), twice)) << "added";
    }
  }
}

TEST(Assembly, EntriesAreSumsOfLocalMatrices) {
  for (Case const& c : all_cases()) {
    SCOPED_TRACE(describe(c));
    Part const part = whole_part(c.cell, c.degree, intervals(c));
    Form const form = make_form(part, c.kind, c.tensor, c.where, c.components);
    Topology const topology(part, c.components);
    auto const values = assembled(topology, form, Reduce::two_pass);
    auto const reference = summed(topology, form, false);
    EXPECT_LT(relative(values, reference), 1e-15);
    // Blocks of P1 elasticity are formed with nodes in ascending order, or from moments.
    bool const turned = c.kind == FormKind::elasticity && is_simplex(c.cell) && c.degree == 1;
    if (!turned) {
      EXPECT_TRUE(same_bits(values, reference));
    }
    // Control: another order of the sums is seen, so that equal bits mean an equal order.
    auto const backwards = summed(topology, form, true);
    EXPECT_LT(relative(values, backwards), 1e-15);
    EXPECT_FALSE(same_bits(values, backwards));
  }
}

TEST(Assembly, AtomicAndCompressedGatherAreRightToRounding) {
  for (Case const& c : all_cases()) {
    SCOPED_TRACE(describe(c));
    Part const part = whole_part(c.cell, c.degree, intervals(c));
    Form const form = make_form(part, c.kind, c.tensor, c.where, c.components);
    Topology const topology(part, c.components);
    auto const expected = assembled(topology, form, Reduce::two_pass);
    EXPECT_LT(relative(assembled(topology, form, Reduce::atomic), expected), 2e-15);
    bool const p1 = is_simplex(c.cell) && c.degree == 1 && !c.tensor;
    bool const served =
        p1 &&
        ((c.kind == FormKind::diffusion && (c.where == Where::global || c.where == Where::cell)) ||
         (c.kind == FormKind::elasticity && c.where == Where::global));
    if (served)
      EXPECT_LT(relative(assembled(topology, form, Reduce::compressed_gather), expected), 1e-14);
    else
      EXPECT_THROW(make_assembly(topology, form, Reduce::compressed_gather)
                       ->assemble(form, make_values(topology)),
                   Error);
  }
}

/// Blocks [first, last) of rows for `ranks`.
std::vector<std::int64_t> blocks(std::int64_t nodes, int ranks) {
  std::vector<std::int64_t> bounds;
  for (int r = 0; r <= ranks; ++r) bounds.push_back(nodes * r / ranks);
  return bounds;
}

Entries on_ranks(Part const& whole, Case const& c, int ranks, Reduce reduce, int threads) {
  Entries entries;
  auto const bounds = blocks(whole.space.global_nodes, ranks);
  for (int r = 0; r < ranks; ++r) {
    Part const part = take_part(whole.mesh, whole.space, bounds[static_cast<std::size_t>(r)],
                                bounds[static_cast<std::size_t>(r) + 1]);
    Form const form = make_form(part, c.kind, c.tensor, c.where, c.components);
    Topology const topology(part, c.components);
    add_entries(topology, assembled(topology, form, reduce, threads), entries);
  }
  return entries;
}

TEST(Assembly, AnyNumberOfRanksGivesTheSameBits) {
  for (Case const& c : all_cases()) {
    SCOPED_TRACE(describe(c));
    Part whole = whole_part(c.cell, c.degree, intervals(c));
    Entries const expected = on_ranks(whole, c, 1, Reduce::two_pass, 1);
    for (int ranks = 2; ranks <= 4; ++ranks)
      for (auto const& [reduce, threads] : policies(c)) {
        if (reduce == Reduce::owner_scatter && threads != ranks) continue;
        SCOPED_TRACE(std::string(name(reduce)) + " on " + std::to_string(ranks));
        EXPECT_EQ(different(on_ranks(whole, c, ranks, reduce, threads), expected), 0u);
      }
  }
}

/// Rows that are no ids, as a graph partitioner gives them; entries are compared by id.
TEST(Assembly, RowsThatAreNoIdsGiveTheSameBits) {
  for (Case const& c : all_cases()) {
    SCOPED_TRACE(describe(c));
    Part const whole = whole_part(c.cell, c.degree, intervals(c));
    std::int64_t const n = whole.space.global_nodes;
    std::vector<std::int64_t> row(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) row[static_cast<std::size_t>(i)] = (7 * i + 3) % n;
    if (n % 7 == 0) {
      std::iota(row.begin(), row.end(), 0);
      std::reverse(row.begin(), row.end());
    }
    Part turned = whole;
    renumber(turned.space, row);
    std::vector<std::int64_t> id(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < id.size(); ++i)
      id[static_cast<std::size_t>(turned.space.row[i])] = turned.space.id[i];
    Entries const expected = on_ranks(whole, c, 1, Reduce::two_pass, 1);
    for (auto const& [reduce, threads] : policies(c)) {
      if (reduce == Reduce::owner_scatter && threads != 3) continue;
      SCOPED_TRACE(name(reduce));
      Entries by_id;
      std::int64_t const B = c.components;
      auto const to_id = [&](std::int64_t r) {
        return id[static_cast<std::size_t>(r / B)] * B + r % B;
      };
      for (auto const& [key, value] : on_ranks(turned, c, 3, reduce, threads))
        by_id[{to_id(key.first), to_id(key.second)}] = value;
      EXPECT_EQ(different(by_id, expected), 0u);
    }
  }
}

/// Control of the two above: a part that lacks one of its ghost cells is found out.
TEST(Assembly, AMissingGhostCellIsSeen) {
  Part const whole = whole_part(Cell::tetrahedron, 1, 4);
  Case const c{Cell::tetrahedron, 1, FormKind::diffusion, false, Where::cell, 1};
  Entries const expected = on_ranks(whole, c, 1, Reduce::two_pass, 1);
  std::int64_t const half = whole.space.global_nodes / 2;
  Part part = take_part(whole.mesh, whole.space, 0, half);
  std::size_t const k = 4;
  for (std::size_t cell = part.mesh.cell_count(); cell-- > 0;) {
    auto const* nodes = part.space.cell_nodes.data() + cell * k;
    if (std::none_of(nodes, nodes + k, [&](auto v) { return v >= part.space.owned; })) continue;
    auto const drop = [&](auto& from, std::size_t width) {
      auto const at = from.begin() + static_cast<long>(cell * width);
      from.erase(at, at + static_cast<long>(width));
    };
    drop(part.mesh.cells, k), drop(part.space.cell_nodes, k), drop(part.mesh.cell_id, 1);
    break;
  }
  Form const form = make_form(part, c.kind, c.tensor, c.where, 1);
  Topology const topology(part, 1);
  Entries entries, upper;
  add_entries(topology, assembled(topology, form, Reduce::two_pass), entries);
  for (auto const& [key, value] : expected)
    if (key.first < half) upper[key] = value;
  EXPECT_GT(different(entries, upper), 0u);
}

TEST(Assembly, OneAssemblyTakesAnyCoefficient) {
  Part const part = whole_part(Cell::tetrahedron, 1, 4);
  Topology const topology(part, 3);
  Form const global = make_form(part, FormKind::elasticity, false, Where::global, 3);
  for (auto const& [reduce, threads] :
       policies({Cell::tetrahedron, 1, FormKind::elasticity, false, Where::cell, 3})) {
    SCOPED_TRACE(name(reduce));
    auto const assembly = make_assembly(topology, global, reduce, threads);
    Reals const values = make_values(topology);
    for (Where const where : {Where::cell, Where::global, Where::nodal, Where::quadrature}) {
      Form const form = make_form(part, FormKind::elasticity, false, where, 3);
      assembly->assemble(form, values);
      EXPECT_TRUE(same_bits(host(values, topology.pattern().nonzeros()),
                            assembled(topology, form, Reduce::two_pass)));
    }
  }
}

/// Numbers without locality: 16-bit routing does not fit, rows are complete only at the end.
TEST(Assembly, RandomNumberingGivesTheSameBits) {
  Part part = whole_part(Cell::tetrahedron, 1, 26);
  std::int64_t const n = part.space.global_nodes;
  std::vector<std::int64_t> row(static_cast<std::size_t>(n));
  std::iota(row.begin(), row.end(), 0);
  Philox const random{20261121, 9};
  for (std::size_t i = row.size() - 1; i > 0; --i) // Fisher-Yates
    std::swap(row[i],
              row[static_cast<std::size_t>(random.uniform(i, 0) * static_cast<double>(i + 1))]);
  renumber(part.space, row);
  for (FormKind const kind : {FormKind::diffusion, FormKind::elasticity}) {
    int const B = kind == FormKind::elasticity ? 3 : 1;
    Form const form = make_form(part, kind, false, Where::global, B);
    Topology const topology(part, B);
    auto const expected = assembled(topology, form, Reduce::two_pass);
    for (auto const& [reduce, threads] :
         policies({Cell::tetrahedron, 1, kind, false, Where::global, B}))
      EXPECT_TRUE(same_bits(assembled(topology, form, reduce, threads), expected))
          << name(reduce) << " threads " << threads;
  }
}

TEST(Assembly, BadInputIsRefused) {
  Part const part = whole_part(Cell::triangle, 1, 4);
  Topology const topology(part, 1);
  Form const good = make_form(part, FormKind::diffusion, false, Where::cell, 1);
  auto const assembly = make_assembly(topology, good, Reduce::two_pass);
  Reals const values = make_values(topology);
  Form bad = good;
  bad.coefficient.values = Reals("short", 3);
  EXPECT_THROW(assembly->assemble(bad, values), Error);
  bad = good;
  bad.components = 2;
  EXPECT_THROW(assembly->assemble(bad, values), Error);
  bad = good;
  bad.kind = FormKind::mass;
  EXPECT_THROW(assembly->assemble(bad, values), Error);
  bad = good;
  bad.tensor = true;
  EXPECT_THROW(make_assembly(topology, bad, Reduce::two_pass), Error);
  Form elastic = good;
  elastic.kind = FormKind::elasticity;
  EXPECT_THROW(make_assembly(topology, elastic, Reduce::two_pass), Error);
  Topology const two(part, 2);
  elastic.components = 2;
  elastic.coefficient = {};
  EXPECT_THROW(make_assembly(two, elastic, Reduce::two_pass), Error) << "no parameters";
  EXPECT_THROW(assembly->assemble(good, Reals("short", 5)), Error);
  EXPECT_THROW(make_assembly(topology, good, Reduce::coo), Error);
  EXPECT_THROW(make_assembly(topology, good, Reduce::insert), Error);
  try {
    reduce_from_name("scater");
    FAIL();
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("owner-scatter"), std::string::npos);
  }
  EXPECT_EQ(reduce_from_name("tiled-gather"), Reduce::tiled_gather);
  EXPECT_EQ(form_from_name("poisson"), FormKind::diffusion);
  EXPECT_THROW(form_from_name("stokes"), Error);
  EXPECT_THROW(lame(1, 0.5), Error);
  EXPECT_THROW(lame(-1, 0.3), Error);
}

TEST(Assembly, LameParameters) {
  Lame const strain = lame(1, 0.3), stress = lame_plane_stress(1, 0.3);
  EXPECT_NEAR(strain.lambda, 0.3 / (1.3 * 0.4), 1e-15);
  EXPECT_NEAR(strain.mu, 1 / 2.6, 1e-15);
  EXPECT_NEAR(stress.lambda + 2 * stress.mu, 1 / (1 - 0.09), 1e-15); // E / (1 - nu^2)
}

/// The rows of spec section 5.
TEST(Assembly, WorkIsThatOfTheFloor) {
  Part const part = [] {
    Part p;
    p.mesh = structured({Cell::tetrahedron, {32, 32, 32}, {}, 0, Ordering::lexicographic});
    p.space = make_space(p.mesh, 1);
    return p;
  }();
  auto const work = [&](FormKind kind, int B) {
    Topology const topology(part, B);
    Form form;
    form.kind = kind;
    form.components = B;
    return assembly_work(topology, form);
  };
  AssemblyWork const scalar = work(FormKind::diffusion, 1);
  EXPECT_NEAR(scalar.bytes_least, 9.7e6, 0.05e6);
  EXPECT_NEAR(scalar.bytes_realistic, 28.4e6, 0.05e6);
  EXPECT_NEAR(scalar.bytes_two_pass, 104e6, 0.5e6);
  EXPECT_NEAR(scalar.flops / 196608, 150, 30); // "about 150"
  AssemblyWork const elastic = work(FormKind::elasticity, 3);
  EXPECT_NEAR(elastic.bytes_realistic, 94e6, 0.5e6);
  EXPECT_NEAR(elastic.bytes_two_pass, 774e6, 1e6);
  EXPECT_NEAR(elastic.flops, 0.2e9, 0.03e9);
}

} // namespace
} // namespace moho::fem::test
