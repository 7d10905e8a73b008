// SPDX-License-Identifier: BSD-3-Clause
// Batches of coefficients, the transpose of Reduce, local matrices.
#include "cases.hpp"
#include "moho/core/error.hpp"
#include <cmath>
#include <gtest/gtest.h>

namespace moho::fem::test {
namespace {

constexpr bool host_memory = Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;

TEST(Batch, EqualsALoopBitForBit) {
  if (!host_memory) GTEST_SKIP() << "allowed: batches are for hosts";
  constexpr int batch = 5;
  for (Cell const cell : all_cells)
    for (int degree = 1; degree <= 2; ++degree)
      for (FormKind const kind : {FormKind::diffusion, FormKind::mass})
        for (int B = 1; B <= 2; ++B) {
          SCOPED_TRACE(name(Element{cell, degree}) + " " + name(kind));
          Part const whole = whole_part(cell, degree, dimension(cell) == 2 ? 6 : 2);
          std::int64_t const n = whole.space.global_nodes;
          Part const part = take_part(whole.mesh, whole.space, n / 3, n);
          Topology const topology(part, B);
          Form form = make_form(part, kind, false, Where::cell, B);
          std::size_t const cells = part.mesh.cell_count(), size = topology.pattern().nonzeros();
          std::vector<double> all(cells * batch);
          for (std::size_t c = 0; c < cells; ++c)
            for (std::size_t j = 0; j < batch; ++j)
              all[c * batch + j] = number(static_cast<std::uint64_t>(part.mesh.cell_id[c]), j);
          Reals const values("values", size * batch);
          Kokkos::deep_copy(values, 1e300);
          assemble_batch(topology, form, batch, device(all), values);
          auto const got = host(values, size * batch);
          for (std::size_t j = 0; j < batch; ++j) {
            std::vector<double> one(cells), mine(size);
            for (std::size_t c = 0; c < cells; ++c) one[c] = all[c * batch + j];
            form.coefficient.values = device(one);
            for (std::size_t i = 0; i < size; ++i) mine[i] = got[i * batch + j];
            EXPECT_TRUE(same_bits(mine, assembled(topology, form, Reduce::scatter)));
            one[cells / 2] *= 1 + 1e-15; // control: a coefficient that differs is seen
            one[cells / 2] = std::nextafter(one[cells / 2], 10);
            form.coefficient.values = device(one);
            EXPECT_FALSE(same_bits(mine, assembled(topology, form, Reduce::scatter)));
          }
        }
}

TEST(Batch, RefusesOtherForms) {
  Part const part = whole_part(Cell::triangle, 1, 3);
  Topology const topology(part, 2);
  Form const elastic = make_form(part, FormKind::elasticity, false, Where::global, 2);
  EXPECT_THROW(assemble_batch(topology, elastic, 2, Reals("c", 1000), Reals("v", 10000)), Error);
  Form const mass = make_form(part, FormKind::mass, false, Where::global, 2);
  EXPECT_THROW(assemble_batch(topology, mass, 2, Reals("c", 3), Reals("v", 10000)), Error);
  EXPECT_THROW(assemble_batch(topology, mass, 0, Reals("c", 1000), Reals("v", 10000)), Error);
}

/// <Reduce(L), C> = <L, Reduce^T(C)> for local matrices L of a form and any C.
TEST(ReduceTranspose, IsTheAdjoint) {
  for (Case const& c : all_cases()) {
    if (c.kind == FormKind::mass) continue;
    SCOPED_TRACE(describe(c));
    Part const whole = whole_part(c.cell, c.degree, intervals(c));
    std::int64_t const n = whole.space.global_nodes;
    Part const part = take_part(whole.mesh, whole.space, n / 4, n * 3 / 4);
    Form const form = make_form(part, c.kind, c.tensor, c.where, c.components);
    Topology const topology(part, c.components);
    std::size_t const size = topology.pattern().nonzeros();
    std::vector<double> cotangent(size);
    for (std::size_t i = 0; i < size; ++i) cotangent[i] = number(i, 1) - 1;
    auto const values = assembled(topology, form, Reduce::two_pass);
    std::size_t const w = static_cast<std::size_t>(topology.element().nodes() * c.components);
    std::size_t const all = static_cast<std::size_t>(topology.cells()) * w * w;
    Reals const local("local", all), back("back", all);
    local_matrices(topology, form, 0, topology.cells(), local);
    reduce_transpose(topology, device(cotangent), back);
    auto const l = host(local, all), b = host(back, all);
    double left = 0, right = 0, scale = 0;
    for (std::size_t i = 0; i < size; ++i) left += values[i] * cotangent[i];
    for (std::size_t i = 0; i < all; ++i) right += l[i] * b[i], scale += std::fabs(l[i] * b[i]);
    EXPECT_NEAR(left, right, 1e-13 * scale);
    // Control: the adjoint of another cotangent is another number.
    cotangent[size / 2] += 1;
    reduce_transpose(topology, device(cotangent), back);
    EXPECT_NE(host(back, all), b);
  }
}

TEST(LocalMatrices, OfSomeCellsAreThoseOfAll) {
  Part const part = whole_part(Cell::tetrahedron, 1, 3);
  Topology const topology(part, 3);
  Form const form = make_form(part, FormKind::elasticity, false, Where::cell, 3);
  std::size_t const w = 144, cells = static_cast<std::size_t>(topology.cells());
  Reals const all("all", cells * w), some("some", 13 * w);
  local_matrices(topology, form, 0, topology.cells(), all);
  local_matrices(topology, form, 5, 18, some);
  auto const a = host(all, cells * w), s = host(some, 13 * w);
  EXPECT_TRUE(same_bits({a.begin() + 5 * w, a.begin() + 18 * w}, s));
  EXPECT_FALSE(same_bits({a.begin() + 6 * w, a.begin() + 19 * w}, s));
  EXPECT_THROW(local_matrices(topology, form, 5, 19, some), Error);
  EXPECT_THROW(local_matrices(topology, form, -1, 3, some), Error);
  EXPECT_THROW(local_matrices(topology, form, 0, topology.cells() + 1, all), Error);
}

} // namespace
} // namespace moho::fem::test
