// SPDX-License-Identifier: BSD-3-Clause
// Parts of a mesh: every node owned once, every cell where it is needed, ids kept.
#include "moho/study/fem_mesh.hpp"
#include "support/mpi_support.hpp"
#include <algorithm>
#include <set>

using namespace moho;
using namespace moho::test;
using moho::parallel::Comm;
using study::Partition;

namespace {

constexpr std::array every{Partition::automatic, Partition::blocks, Partition::graph};

struct Whole {
  fem::Mesh mesh;
  fem::Space space;
};

// Points and cells in the order of a Hilbert curve where `ordering` says so.
Whole whole(fem::Cell cell, int degree, fem::Ordering ordering, int n = 6) {
  fem::Structured spec;
  spec.cell = cell;
  spec.n.assign(static_cast<std::size_t>(dimension(cell)), dimension(cell) == 2 ? n : n / 2);
  spec.perturbation = 0.1;
  spec.ordering = ordering;
  Whole out;
  out.mesh = fem::structured(spec);
  out.space = fem::make_space(out.mesh, degree);
  return out;
}

fem::Part distributed(Whole const& all, Partition partition) {
  Whole mine;
  if (world_rank() == 0) mine = all; // the others know nothing
  return study::distribute(Comm(), std::move(mine.mesh), std::move(mine.space), partition, "mesh");
}

// What must hold for any partition; `all` is known to every rank here.
void expect_sound(fem::Part const& part, Whole const& all) {
  const Comm comm;
  fem::Space const& space = part.space;
  const std::int64_t owned = space.owned;
  EXPECT_EQ(comm.sum(owned), all.space.global_nodes);
  auto const counts = comm.all_gather(owned);
  std::int64_t first = 0;
  for (int r = 0; r < comm.rank(); ++r) first += counts[static_cast<std::size_t>(r)];
  EXPECT_EQ(space.first_row, first); // rows are contiguous, in the order of the ranks
  for (std::int64_t i = 0; i < owned; ++i)
    EXPECT_EQ(space.row[static_cast<std::size_t>(i)], first + i);

  // Ids: each owned once, at the place where the whole space has it.
  std::set<std::int64_t> mine;
  auto const dim = static_cast<std::size_t>(part.mesh.dim());
  for (std::size_t i = 0; i < space.local_nodes(); ++i) {
    auto const id = static_cast<std::size_t>(space.id[i]);
    if (i < static_cast<std::size_t>(owned)) mine.insert(space.id[i]);
    for (std::size_t d = 0; d < dim; ++d)
      EXPECT_EQ(space.points[i * dim + d], all.space.points[id * dim + d]);
  }
  const std::vector<std::int64_t> list(mine.begin(), mine.end());
  auto const gathered = comm.gather(std::span(list));
  if (comm.root()) {
    EXPECT_EQ(std::set<std::int64_t>(gathered.begin(), gathered.end()).size(),
              static_cast<std::size_t>(all.space.global_nodes));
  }

  // Exactly the cells that touch an owned node, ascending, with the same nodes.
  auto const k = static_cast<std::size_t>(space.element.nodes());
  std::vector<std::int64_t> expected;
  for (std::size_t c = 0; c < all.space.cells(); ++c)
    if (std::any_of(&all.space.cell_nodes[c * k], &all.space.cell_nodes[c * k] + k,
                    [&](std::int32_t node) { return mine.count(node) > 0; }))
      expected.push_back(static_cast<std::int64_t>(c));
  EXPECT_EQ(part.mesh.cell_id, expected);
  for (std::size_t c = 0; c < part.mesh.cell_count() && c < expected.size(); ++c)
    for (std::size_t a = 0; a < k; ++a)
      EXPECT_EQ(space.id[static_cast<std::size_t>(space.cell_nodes[c * k + a])],
                all.space.cell_nodes[static_cast<std::size_t>(expected[c]) * k + a]);
}

} // namespace

TEST(distribute, any_partition_is_sound) {
  for (const fem::Cell cell : fem::all_cells)
    for (int const degree : {1, 2})
      for (const Partition partition : every) {
        SCOPED_TRACE(std::string(name(cell)) + " " + std::to_string(degree) + " " +
                     name(partition));
        const Whole all = whole(cell, degree, fem::Ordering::hilbert);
        expect_sound(distributed(all, partition), all);
      }
}

TEST(distribute, blocks_are_those_of_take_part) {
  const Whole all = whole(fem::Cell::tetrahedron, 2, fem::Ordering::lexicographic);
  auto const [first, last] = study::node_block(Comm(), all.space.global_nodes);
  const fem::Part expected = fem::take_part(all.mesh, all.space, first, last);
  const fem::Part found = distributed(all, Partition::blocks);
  EXPECT_EQ(found.mesh.points, expected.mesh.points);
  EXPECT_EQ(found.mesh.cells, expected.mesh.cells);
  EXPECT_EQ(found.mesh.point_id, expected.mesh.point_id);
  EXPECT_EQ(found.mesh.boundary.cell, expected.mesh.boundary.cell);
  EXPECT_EQ(found.mesh.boundary.local, expected.mesh.boundary.local);
  EXPECT_EQ(found.mesh.boundary.tag, expected.mesh.boundary.tag);
  EXPECT_EQ(found.space.row, expected.space.row);
  EXPECT_EQ(found.space.cell_nodes, expected.space.cell_nodes);
  EXPECT_EQ(found.space.element, expected.space.element);
  EXPECT_EQ(found.space.global_nodes, expected.space.global_nodes);
}

TEST(distribute, a_shuffled_mesh_goes_by_the_graph) {
  // Nodes in random order: by blocks every rank would hold nearly all cells.
  Whole all = whole(fem::Cell::triangle, 1, fem::Ordering::lexicographic, 24);
  std::vector<std::int64_t> row(all.space.local_nodes());
  for (std::size_t i = 0; i < row.size(); ++i)
    row[i] = static_cast<std::int64_t>(i * 271 % row.size()); // 625 and 271 have no common factor
  fem::renumber(all.space, row);
  all.space.id = all.space.row;
  const Comm comm;
  auto const cells = static_cast<double>(all.mesh.cell_count());
  auto const held = [&](Partition partition) {
    const fem::Part part = distributed(all, partition);
    return comm.sum(static_cast<double>(part.mesh.cell_count())) / cells;
  };
  if (comm.size() == 1) return;
  EXPECT_GT(held(Partition::blocks), 1.5);
  EXPECT_LT(held(Partition::graph), 1.5);
  EXPECT_LT(held(Partition::automatic), 1.5); // PTScotch's cuts are not the same at every call
}

TEST(distribute, a_mesh_smaller_than_the_ranks_is_refused) {
  const Comm comm;
  const Whole all = whole(fem::Cell::triangle, 1, fem::Ordering::lexicographic, 1); // 4 nodes
  for (const Partition partition : every)
    if (partition != Partition::graph) expect_sound(distributed(all, partition), all);
  EXPECT_THROW(study::node_block(comm, comm.size() - 1), Error);
  EXPECT_NO_THROW(study::node_block(comm, comm.size()));
  for (const Partition partition : every) {
    if (comm.size() < 4) break;
    fem::Mesh triangle;
    fem::Space space;
    if (comm.root()) {
      triangle.points = {0, 0, 1, 0, 0, 1};
      triangle.cells = {0, 1, 2};
      triangle.cell_id = {0};
      triangle.point_id = {0, 1, 2};
      space = fem::make_space(triangle, 1);
    }
    EXPECT_THROW(study::distribute(comm, triangle, space, partition, "mesh"), Error);
  }
}

TEST(partition, names) {
  for (const Partition partition : every)
    EXPECT_EQ(study::partition_from_name(name(partition)), partition);
  EXPECT_THROW(study::partition_from_name("metis"), Error);
}
