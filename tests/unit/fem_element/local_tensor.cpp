// SPDX-License-Identifier: BSD-3-Clause
// Local matrices of quadrilaterals and hexahedra, straight and curved.
#include "local_checks.hpp"

namespace moho::fem::test {

namespace {
template <class P>
class LocalTensor : public testing::Test {};
template <Cell c, int p, int g>
using Case = Pair<Lagrange<c, p>, Lagrange<c, g>>;
using Cases = testing::Types<Case<Cell::quadrilateral, 1, 1>, Case<Cell::quadrilateral, 2, 1>,
                             Case<Cell::quadrilateral, 2, 2>, Case<Cell::hexahedron, 1, 1>,
                             Case<Cell::hexahedron, 2, 1>, Case<Cell::hexahedron, 2, 2>>;
} // namespace
TYPED_TEST_SUITE(LocalTensor, Cases);

TYPED_TEST(LocalTensor, HoldsForEveryForm) {
  all_forms<TypeParam>();
}

TEST(LocalTensorCells, DegreeOfANodalCoefficientIsExact) {
  nodal_degree_is_exact<Lagrange<Cell::quadrilateral, 1>, FormKind::mass>();
  nodal_degree_is_exact<Lagrange<Cell::quadrilateral, 2>, FormKind::diffusion>();
  nodal_degree_is_exact<Lagrange<Cell::hexahedron, 1>, FormKind::elasticity>();
}

} // namespace moho::fem::test
