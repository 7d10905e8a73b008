// SPDX-License-Identifier: BSD-3-Clause
// PETSc's two policies behind the interface, and the gathered matrix.
#include "moho/core/error.hpp"
#include "moho/study/fem_assembly.hpp"
#include "moho/study/fem_matrix_file.hpp"
#include "moho/study/fem_mesh.hpp"
#include "support/mpi_support.hpp"
#include <algorithm>
#include <cmath>

using namespace moho;
using namespace moho::test;
using fem::Reduce;
using moho::parallel::Comm;
using study::WholeMatrix;

namespace {

fem::Form form_of(fem::FormKind kind, int dim) {
  fem::Form form;
  form.kind = kind;
  if (kind != fem::FormKind::elasticity) return form;
  form.components = dim;
  form.coefficient.components = 2;
  const fem::Reals values("lame", 2);
  auto const host = Kokkos::create_mirror_view(values);
  host(0) = 0.7;
  host(1) = 0.3;
  Kokkos::deep_copy(values, host);
  form.coefficient.values = values;
  return form;
}

fem::Structured perturbed(fem::Cell cell) {
  fem::Structured spec;
  spec.cell = cell;
  spec.n.assign(static_cast<std::size_t>(dimension(cell)), dimension(cell) == 2 ? 5 : 3);
  spec.perturbation = 0.2;
  return spec;
}

fem::Part part_of(fem::Cell cell, int degree, study::Partition partition) {
  fem::Mesh mesh;
  fem::Space space;
  if (world_rank() == 0) {
    mesh = fem::structured(perturbed(cell));
    space = fem::make_space(mesh, degree);
  }
  return study::distribute(Comm(), mesh, space, partition, "mesh");
}

WholeMatrix assembled(fem::Part const& part, fem::Form const& form, Reduce reduce, int times = 1) {
  const Comm comm;
  const fem::Topology topology(part, form.components);
  auto const assembly = study::make_assembly(comm, part, topology, form, reduce);
  const fem::Reals values = fem::make_values(topology);
  for (int i = 0; i < times; ++i) assembly->assemble(form, values, i > 0);
  return study::gather_matrix(comm, part, topology, values);
}

double difference(WholeMatrix const& a, WholeMatrix const& b) {
  EXPECT_EQ(a.row_ptr, b.row_ptr);
  EXPECT_EQ(a.col, b.col);
  double square = 0, norm = 0;
  for (std::size_t i = 0; i < a.val.size() && i < b.val.size(); ++i) {
    square += (a.val[i] - b.val[i]) * (a.val[i] - b.val[i]);
    norm += b.val[i] * b.val[i];
  }
  return norm > 0 ? std::sqrt(square / norm) : 0;
}

constexpr std::array forms{fem::FormKind::diffusion, fem::FormKind::mass,
                           fem::FormKind::elasticity};

} // namespace

TEST(petsc_policies, agree_with_scatter) {
  for (const fem::Cell cell : fem::all_cells)
    for (int const degree : {1, 2}) {
      const fem::Part part = part_of(cell, degree, study::Partition::graph);
      for (const fem::FormKind kind : forms) {
        SCOPED_TRACE(std::string(name(cell)) + " " + name(kind));
        const fem::Form form = form_of(kind, dimension(cell));
        const WholeMatrix expected = assembled(part, form, Reduce::scatter);
        const WholeMatrix inserted = assembled(part, form, Reduce::insert);
        EXPECT_LT(difference(inserted, expected), 1e-14);
        // Scatter forms the blocks of P1 simplices from summed products of gradients.
        if (kind != fem::FormKind::elasticity || degree == 2 || !is_simplex(cell)) {
          EXPECT_EQ(inserted.val, expected.val); // the same order of sums
        }
        EXPECT_LT(difference(assembled(part, form, Reduce::coo), expected), 1e-14);
      }
    }
}

TEST(petsc_policies, add_to_what_is_there) {
  const fem::Part part = part_of(fem::Cell::triangle, 1, study::Partition::blocks);
  const fem::Form form = form_of(fem::FormKind::diffusion, 2);
  for (const Reduce reduce : {Reduce::coo, Reduce::insert}) {
    const WholeMatrix once = assembled(part, form, reduce);
    WholeMatrix doubled = once;
    for (double& value : doubled.val) value *= 2;
    EXPECT_EQ(assembled(part, form, reduce, 2).val, doubled.val);
  }
}

TEST(gather_matrix, is_the_same_for_any_partition) {
  for (const fem::Cell cell : fem::all_cells) {
    const fem::Form form = form_of(fem::FormKind::elasticity, dimension(cell));
    const WholeMatrix blocks =
        assembled(part_of(cell, 2, study::Partition::blocks), form, Reduce::scatter);
    const WholeMatrix graph =
        assembled(part_of(cell, 2, study::Partition::graph), form, Reduce::scatter);
    EXPECT_EQ(blocks.row_ptr, graph.row_ptr);
    EXPECT_EQ(blocks.col, graph.col);
    EXPECT_EQ(blocks.val, graph.val);
    EXPECT_EQ(study::sha256(blocks), study::sha256(graph));
    if (world_rank() != 0) continue;
    ASSERT_FALSE(graph.val.empty());
    WholeMatrix other = graph; // one bit
    other.val[3] = std::nextafter(other.val[3], 1e9);
    EXPECT_NE(study::sha256(other), study::sha256(graph));
    // Rows ascend, and the pattern is symmetric in what it counts.
    for (std::size_t r = 0; r + 1 < graph.row_ptr.size(); ++r)
      EXPECT_TRUE(std::is_sorted(graph.col.begin() + graph.row_ptr[r],
                                 graph.col.begin() + graph.row_ptr[r + 1]));
  }
}

TEST(gather_matrix, structured_parts_give_the_bits_of_the_whole) {
  const Comm comm;
  const fem::Form form = form_of(fem::FormKind::diffusion, 3);
  const fem::Structured spec = perturbed(fem::Cell::tetrahedron);
  auto const [first, last] = study::node_block(comm, fem::structured_nodes(spec, 1));
  const WholeMatrix found =
      assembled(fem::structured_part(spec, 1, first, last), form, Reduce::scatter);
  const WholeMatrix expected =
      assembled(part_of(spec.cell, 1, study::Partition::graph), form, Reduce::scatter);
  EXPECT_EQ(found.val, expected.val);
  EXPECT_EQ(found.col, expected.col);
}
