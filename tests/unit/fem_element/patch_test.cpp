// SPDX-License-Identifier: BSD-3-Clause
// Patch test: on cells around an inner vertex that is out of place, a linear field leaves no
// residual at inner nodes (Irons & Razzaque, 1972).
#include "local_support.hpp"
#include <algorithm>
#include <functional>

namespace moho::fem::test {

namespace {

using Vertices = std::vector<Vector>; ///< of each cell, (vertices * dim)

/// Cells of a 2^dim grid of the unit square or cube, its middle moved; simplices by Kuhn's cut.
Vertices patch(Cell cell, double moved) {
  int const dim = dimension(cell), corners = 1 << dim;
  Vertices cells;
  auto vertex = [&](int box, int corner, Vector& to) {
    int middle = 0;
    for (int d = 0; d < dim; ++d) middle += (box >> d & 1) + (corner >> d & 1) == 1;
    for (int d = 0; d < dim; ++d)
      to.push_back(0.5 * ((box >> d & 1) + (corner >> d & 1)) +
                   (middle == dim ? moved * (d + 1) : 0));
  };
  std::vector<int> axes;
  for (int box = 0; box < corners; ++box) {
    Vector X;
    if (!is_simplex(cell)) {
      for (int corner = 0; corner < corners; ++corner) vertex(box, corner, X);
      cells.push_back(X);
      continue;
    }
    axes.clear();
    for (int d = 0; d < dim; ++d) axes.push_back(d);
    do { // a walk from 0 to the far corner along the axes in this order
      X.clear();
      int corner = 0;
      vertex(box, corner, X);
      for (int d : axes) vertex(box, corner |= 1 << d, X);
      cells.push_back(X);
    } while (std::next_permutation(axes.begin(), axes.end()));
  }
  return cells;
}

using Field = std::function<double(double const* x, int component)>;

/// Largest |K u| over nodes inside, relative to the largest entry of the cells' matrices.
template <class L, FormKind kind, bool tensor>
double inner_residual(double moved, Vector const& coefficient, Field const& u) {
  using G = Lagrange<L::cell, 1>;
  using M = LocalMatrix<L, G, kind, tensor>;
  constexpr int dim = L::dim, B = M::per_pair == 1 ? 1 : dim, n = L::nodes * B;
  Form form;
  form.kind = kind, form.tensor = tensor;
  const Element element{L::cell, L::degree};
  const HostTables tables(element, {L::cell, 1},
                          quadrature(L::cell, quadrature_degree(form, element)));
  auto const nodes = reference_nodes(element);
  struct Node {
    Vector x, residual;
  };
  std::vector<Node> all;
  double largest = 0;
  for (Vector const& X : patch(L::cell, moved)) {
    auto const K = matrix<M>(tables.view(), X, {true, M::coefficients, coefficient});
    std::vector<Vector> x(L::nodes, Vector(dim, 0.0));
    for (int a = 0; a < L::nodes; ++a) {
      double N[G::nodes];
      G::values(nodes.data() + a * dim, N);
      for (int i = 0; i < G::nodes * dim; ++i)
        x[static_cast<std::size_t>(a)][static_cast<std::size_t>(i % dim)] +=
            N[i / dim] * X[static_cast<std::size_t>(i)];
    }
    for (int a = 0; a < L::nodes; ++a) {
      auto const& here = x[static_cast<std::size_t>(a)];
      auto node = std::find_if(all.begin(), all.end(), [&](Node const& other) {
        double distance = 0;
        for (std::size_t d = 0; d < dim; ++d) distance += std::fabs(other.x[d] - here[d]);
        return distance < 1e-9;
      });
      if (node == all.end()) node = all.insert(node, Node{here, Vector(B, 0.0)});
      for (int i = 0; i < B; ++i)
        for (int o = 0; o < n; ++o) {
          double const entry = K[static_cast<std::size_t>((a * B + i) * n + o)];
          node->residual[static_cast<std::size_t>(i)] +=
              entry * u(x[static_cast<std::size_t>(o / B)].data(), o % B);
          largest = std::max(largest, std::fabs(entry));
        }
    }
  }
  double worst = 0;
  int inside = 0;
  for (Node const& node : all) {
    bool inner = true;
    for (double v : node.x) inner = inner && v > 1e-9 && v < 1 - 1e-9;
    inside += inner;
    for (double v : node.residual) worst = std::max(worst, inner ? std::fabs(v) : 0);
  }
  int const side = 2 * L::degree - 1; // inner nodes of the grid of spacing 1 / (2 degree)
  EXPECT_EQ(inside, dim == 2 ? side * side : side * side * side);
  return worst / largest;
}

template <class L>
void patch_test() {
  constexpr int dim = L::dim;
  const Field linear = [](double const* x, int i) {
    return 1 + 2 * x[0] - 0.7 * x[1] * (i + 1) + (dim == 3 ? 0.3 * x[2] : 0);
  };
  const Field quadratic = [](double const* x, int) { return x[0] * x[0]; };
  Vector tensor(dim * dim, 0.2);
  for (int d = 0; d < dim; ++d) tensor[static_cast<std::size_t>(d * dim + d)] = 1 + d;
  tensor[1] = -0.4; // not symmetric
  auto const what = name(Element{L::cell, L::degree});
  double const moved = 0.06;
  EXPECT_LT((inner_residual<L, FormKind::diffusion, false>(moved, {1.5}, linear)), 1e-14) << what;
  EXPECT_LT((inner_residual<L, FormKind::diffusion, true>(moved, tensor, linear)), 1e-14) << what;
  EXPECT_LT((inner_residual<L, FormKind::elasticity, false>(moved, {0.6, 0.4}, linear)), 1e-14)
      << what;
  // A quadratic field is no solution, and is seen.
  EXPECT_GT((inner_residual<L, FormKind::diffusion, false>(moved, {1.5}, quadratic)), 1e-2) << what;
  EXPECT_GT((inner_residual<L, FormKind::elasticity, false>(moved, {0.6, 0.4}, quadratic)), 1e-2)
      << what;
}

} // namespace

TEST(Patch, LinearFieldsAreSolutions) {
  patch_test<Lagrange<Cell::triangle, 1>>();
  patch_test<Lagrange<Cell::triangle, 2>>();
  patch_test<Lagrange<Cell::quadrilateral, 1>>();
  patch_test<Lagrange<Cell::quadrilateral, 2>>();
  patch_test<Lagrange<Cell::tetrahedron, 1>>();
  patch_test<Lagrange<Cell::tetrahedron, 2>>();
  patch_test<Lagrange<Cell::hexahedron, 1>>();
  patch_test<Lagrange<Cell::hexahedron, 2>>();
}

} // namespace moho::fem::test
