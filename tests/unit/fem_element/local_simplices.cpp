// SPDX-License-Identifier: BSD-3-Clause
// Local matrices of triangles and tetrahedra, straight and curved.
#include "local_checks.hpp"

namespace moho::fem::test {

namespace {
template <class P>
class LocalSimplex : public testing::Test {};
template <Cell c, int p, int g>
using Case = Pair<Lagrange<c, p>, Lagrange<c, g>>;
using Cases = testing::Types<Case<Cell::triangle, 1, 1>, Case<Cell::triangle, 2, 1>,
                             Case<Cell::triangle, 2, 2>, Case<Cell::tetrahedron, 1, 1>,
                             Case<Cell::tetrahedron, 2, 1>, Case<Cell::tetrahedron, 2, 2>>;
} // namespace
TYPED_TEST_SUITE(LocalSimplex, Cases);

TYPED_TEST(LocalSimplex, HoldsForEveryForm) {
  all_forms<TypeParam>();
}

TEST(LocalSimplices, DegreeOfANodalCoefficientIsExact) {
  nodal_degree_is_exact<Lagrange<Cell::triangle, 1>, FormKind::diffusion>();
  nodal_degree_is_exact<Lagrange<Cell::triangle, 2>, FormKind::diffusion>();
  nodal_degree_is_exact<Lagrange<Cell::triangle, 1>, FormKind::mass>();
  nodal_degree_is_exact<Lagrange<Cell::tetrahedron, 1>, FormKind::elasticity>();
  nodal_degree_is_exact<Lagrange<Cell::tetrahedron, 2>, FormKind::elasticity>();
  nodal_degree_is_exact<Lagrange<Cell::tetrahedron, 1>, FormKind::mass>();
}

} // namespace moho::fem::test
