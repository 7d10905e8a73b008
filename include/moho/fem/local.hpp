// SPDX-License-Identifier: BSD-3-Clause
// Map: local matrices of one cell (T = double) or of simd_lanes cells at once (T = HostPack).
// Host and device code, no allocation. Bits are those of the operations as written: products that
// are to be fused are (multiply_add), and the module is compiled without contraction.
//
// Affine simplices with a coefficient constant in the cell take sums of reference tensors, exact
// rationals over the monomials of barycentric coordinates; P1 needs no table at all. All else is
// summed over quadrature points, in their order.
//
// Stack of one call with T = HostPack of 8 lanes: 45 kB at most in 2D, 90 kB for P2 tetrahedra and
// Q1 hexahedra, 130 kB on Q2 hexahedra, of elasticity 370 kB; where `constant_in_cell` is a literal
// true, 3 kB for P1 and triangles and 10 kB for P2 tetrahedra. With T = double (devices) 30 kB.
#pragma once
#include "moho/fem/form.hpp"
#include "moho/fem/local_geometry.hpp"
#include "moho/fem/local_reference.hpp"
#include "moho/fem/quadrature.hpp"
#include <type_traits>
#include <utility>

namespace moho::fem {

// ---- tables ------------------------------------------------------------------------------------
/// Shape functions at the points of a rule: pointers into device memory, to be captured by value.
struct Tables {
  int points = 0;
  double const* weight = nullptr; ///< (points), sum = volume of the reference cell
  double const* N = nullptr;      ///< (points, k)
  double const* dN = nullptr;     ///< (points, k, dim) reference gradients
  double const* dG = nullptr;     ///< (points, geometry nodes, dim), of the geometry
};

/// Owns the arrays behind Tables; copies share them.
class ReferenceTables {
public:
  ReferenceTables() = default;
  /// Throws moho::Error where with_elements does.
  ReferenceTables(Element element, Element geometry, Quadrature const& rule);
  Tables const& view() const { return _view; }

private:
  Kokkos::View<double*, MemorySpace> _data;
  Tables _view;
};

/// The degree at which a form is integrated: its quadrature_degree, or what is exact for affine
/// cells and a coefficient constant in the cell, plus the element's degree for a nodal one.
int quadrature_degree(Form const& form, Element element);
/// The same for cells that are not affine: det J adds its own degree, with which mass is exact;
/// other forms are rational there. It is the degree that UFL estimates (compute_form_data), so that
/// matrices agree with those of DOLFINx on quadrilaterals and hexahedra of any shape.
int bent_quadrature_degree(Form const& form, Element element, Element geometry);

// ---- local matrices ----------------------------------------------------------------------------
/// The matrix of a form on a cell with shape functions L and geometry G. With components > 1,
/// diffusion, mass and advection act on each component alike: one block serves them all.
template <class L, class G, FormKind kind, bool tensor = false>
struct LocalMatrix {
  static_assert(L::cell == G::cell && (!tensor || kind == FormKind::diffusion));
  static constexpr int dim = L::dim, nodes = L::nodes, geometry_nodes = G::nodes;
  static constexpr int per_pair = kind == FormKind::elasticity ? dim * dim : 1;
  /// Components of the coefficient.
  static constexpr int coefficients = tensor                         ? dim * dim
                                      : kind == FormKind::advection  ? dim
                                      : kind == FormKind::elasticity ? 2
                                                                     : 1;
  static constexpr bool symmetric_form = kind != FormKind::advection && !tensor;
  static constexpr bool affine = is_simplex(L::cell) && G::degree == 1;
  static constexpr bool has_gradients = kind != FormKind::mass;
  /// Entries of a symmetric matrix: a <= b, a-major.
  static constexpr int upper_pairs = nodes * (nodes + 1) / 2;
  KOKKOS_FORCEINLINE_FUNCTION static constexpr int upper(int a, int b) {
    return a * nodes - a * (a + 1) / 2 + b;
  }

  /// Calls sink(pair, T const* block[per_pair]) for each pair of nodes (a, b), a the row: pairs
  /// upper(a, b) for a <= b if `symmetric` (which only a symmetric_form may ask for), else all,
  /// a * nodes + b; then the two triangles hold the same bits.
  ///
  /// X: (G::nodes, dim). coefficient(q, i) -> T: component i at point q of the rule;
  /// with `constant_in_cell` it is read at q = 0 alone. A scalar one, or (lambda, mu), that is
  /// constant in the cell multiplies last.
  template <class T, class C, class Sink>
  KOKKOS_FORCEINLINE_FUNCTION static void pairs(Tables const& tables, T const* X,
                                                C const& coefficient, bool constant_in_cell,
                                                bool symmetric, Sink&& sink) {
    if constexpr (affine) {
      // Gradients of P1 are constant: the mean of the coefficient over the points is enough.
      constexpr bool mean_serves =
          L::degree == 1 && (kind == FormKind::diffusion || kind == FormKind::elasticity);
      if (constant_in_cell || mean_serves) {
        T c[coefficients];
        if (constant_in_cell)
          for (int i = 0; i < coefficients; ++i) c[i] = coefficient(0, i);
        else
          mean(tables, coefficient, c);
        affine_pairs(X, c, symmetric, sink);
        return;
      }
    }
    quadrature_pairs(tables, X, coefficient, constant_in_cell, symmetric, sink);
  }

private:
  static constexpr int vertices = dim + 1;
  static constexpr double factorial = dim == 2 ? 2 : 6;
  using Reference = detail::SimplexReference<dim, L::degree>;

  template <class T, class C>
  KOKKOS_FORCEINLINE_FUNCTION static void mean(Tables const& tables, C const& coefficient, T* c) {
    for (int i = 0; i < coefficients; ++i) c[i] = T(0);
    for (int q = 0; q < tables.points; ++q)
      for (int i = 0; i < coefficients; ++i)
        c[i] = multiply_add(T(tables.weight[q] * factorial), coefficient(q, i), c[i]);
  }

  /// Completes a block and hands it on. block1: the block for a unit coefficient; of elasticity
  /// S = integral of grad N_a (grad N_b)^T, and the block is lambda S + mu S^T + mu tr(S) I.
  template <class T, class Sink>
  KOKKOS_FORCEINLINE_FUNCTION static void emit(int a, int b, T const* block1, T const* c,
                                               bool symmetric, Sink& sink) {
    T block[per_pair];
    if constexpr (kind == FormKind::elasticity) {
      T trace = block1[0];
      for (int i = 1; i < dim; ++i) trace = trace + block1[i * dim + i];
      T const shear = c[1] * trace;
      MOHO_FEM_UNROLL
      for (int e = 0; e < per_pair; ++e) {
        T const s = multiply_add(c[0], block1[e], c[1] * block1[e % dim * dim + e / dim]);
        block[e] = e % dim == e / dim ? s + shear : s;
      }
    } else {
      block[0] = symmetric_form ? c[0] * block1[0] : block1[0];
    }
    hand_on(a, b, block, symmetric, sink);
  }

  template <class T, class Sink>
  KOKKOS_FORCEINLINE_FUNCTION static void hand_on(int a, int b, T* block, bool symmetric,
                                                  Sink& sink) {
    if constexpr (!symmetric_form) {
      sink(a * nodes + b, static_cast<T const*>(block));
    } else {
      if constexpr (per_pair > 1)
        if (a == b) { // rounding must not break the symmetry
          MOHO_FEM_UNROLL
          for (int e = 0; e < per_pair; ++e)
            if (e % dim < e / dim) block[e] = block[e % dim * dim + e / dim];
        }
      sink(symmetric ? upper(a, b) : a * nodes + b, static_cast<T const*>(block));
      if (!symmetric && a != b) {
        T mirrored[per_pair];
        MOHO_FEM_UNROLL
        for (int e = 0; e < per_pair; ++e)
          mirrored[e] = block[per_pair == 1 ? 0 : e % dim * dim + e / dim];
        sink(b * nodes + a, static_cast<T const*>(mirrored));
      }
    }
  }

  // ---- affine simplices: sums of reference tensors ---------------------------------------------
  /// Products of a cell's barycentric gradients g_m that the reference tensors multiply: diffusion
  /// V g_m . g_n (m <= n), with a tensor V g_m . k g_n (all m, n), advection V b . g_n, mass V,
  /// elasticity V g_m g_n^T (m <= n; of P1 the gradients themselves).
  static constexpr bool ordered = tensor;
  static constexpr int terms = kind == FormKind::mass        ? 1
                               : kind == FormKind::advection ? vertices
                                                             : vertices * vertices;

  static constexpr int product_count =
      kind == FormKind::elasticity && L::degree == 1 ? vertices * dim + 1 : terms * per_pair;

  /// The factor of product t of the pair (a, b).
  KOKKOS_FORCEINLINE_FUNCTION static constexpr double factor(int a, int b, int t) {
    if (kind == FormKind::mass) return Reference::mass(a, b);
    if (kind == FormKind::advection) return Reference::advection(a, b, t);
    int const m = t / vertices, n = t % vertices;
    if (kind == FormKind::elasticity || ordered || m == n) return Reference::gradients(a, b, m, n);
    return m > n ? 0 : Reference::gradients(a, b, m, n) + Reference::gradients(a, b, n, m);
  }
  KOKKOS_FORCEINLINE_FUNCTION static constexpr int first_term(int a, int b) {
    int t = 0;
    while (t < terms && factor(a, b, t) == 0) ++t;
    return t;
  }

  template <int a, int b, int t, class T>
  KOKKOS_FORCEINLINE_FUNCTION static void add_term(T const* products, T* sum) {
    constexpr double r = factor(a, b, t);
    if constexpr (r != 0) {
      constexpr bool first = first_term(a, b) == t;
      constexpr int m = t / vertices, n = t % vertices;
      MOHO_FEM_UNROLL
      for (int e = 0; e < per_pair; ++e) {
        int from = t; // which product
        if (per_pair > 1)
          from = m <= n ? (m * vertices + n) * per_pair + e
                        : (n * vertices + m) * per_pair + e % dim * dim + e / dim;
        if constexpr (first)
          sum[e] = r == 1 ? products[from] : T(r) * products[from];
        else
          sum[e] = multiply_add(T(r), products[from], sum[e]);
      }
    }
  }
  template <int pair, int... t, class T, class Sink>
  KOKKOS_FORCEINLINE_FUNCTION static void affine_pair(std::integer_sequence<int, t...>,
                                                      T const* products, T const* c, bool symmetric,
                                                      Sink& sink) {
    constexpr int a = pair / nodes, b = pair % nodes;
    if constexpr (!symmetric_form || a <= b) {
      if constexpr (kind == FormKind::elasticity && L::degree == 1) {
        T const scale = products[vertices * dim];
        T block[per_pair];
        elastic_block(products + a * dim, products + b * dim, scale * c[0], scale * c[1], block);
        hand_on(a, b, block, symmetric, sink);
      } else {
        T sum[per_pair];
        for (int e = 0; e < per_pair; ++e) sum[e] = T(0);
        (add_term<a, b, t>(products, sum), ...);
        emit(a, b, sum, c, symmetric, sink);
      }
    }
  }
  template <int... pair, class T, class Sink>
  KOKKOS_FORCEINLINE_FUNCTION static void all_affine_pairs(std::integer_sequence<int, pair...>,
                                                           T const* products, T const* c,
                                                           bool symmetric, Sink& sink) {
    (affine_pair<pair>(std::make_integer_sequence<int, terms>{}, products, c, symmetric, sink),
     ...);
  }

  template <class T, class Sink>
  KOKKOS_FORCEINLINE_FUNCTION static void affine_pairs(T const* X, T const* c, bool symmetric,
                                                       Sink& sink) {
    T J[dim * dim], g[vertices * dim]; // g: det times the barycentric gradients, then V g g^T
    affine_jacobian<dim>(X, J);
    T const det = adjugate<dim>(J, g + dim), size = abs(det);
    MOHO_FEM_UNROLL
    for (int i = 0; i < dim; ++i)
      g[i] = -(dim == 2 ? g[2 + i] + g[4 + i] : g[3 + i] + g[6 + i] + g[dim * dim + i]);
    T products[product_count];
    if constexpr (kind == FormKind::mass)
      products[0] = size * T(1 / factorial);
    else if constexpr (kind == FormKind::advection)
      advection_products(g, T(1 / factorial) * (size / det), c, products);
    else if constexpr (kind == FormKind::elasticity)
      outer_products(g, T(1 / factorial) / size, products);
    else
      inner_products(g, T(1 / factorial) / size, c, products);
    all_affine_pairs(std::make_integer_sequence<int, nodes * nodes>{}, products, c, symmetric,
                     sink);
  }

  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static T dot(T const* x, T const* y) {
    T sum = x[0] * y[0];
    MOHO_FEM_UNROLL
    for (int i = 1; i < dim; ++i) sum = multiply_add(x[i], y[i], sum);
    return sum;
  }
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static void advection_products(T const* g, T scale, T const* c,
                                                             T* products) {
    for (int n = 0; n < vertices; ++n) products[n] = scale * dot(c, g + n * dim);
  }
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static void outer_products(T const* g, T scale, T* products) {
    if constexpr (L::degree == 1) { // no product serves twice: the gradients, and the scale
      MOHO_FEM_UNROLL
      for (int i = 0; i < vertices * dim; ++i) products[i] = g[i];
      products[vertices * dim] = scale;
    } else {
      for (int m = 0; m < vertices; ++m)
        for (int i = 0; i < dim; ++i) {
          T const h = scale * g[m * dim + i];
          for (int n = m; n < vertices; ++n)
            for (int j = 0; j < dim; ++j)
              products[(m * vertices + n) * per_pair + i * dim + j] = h * g[n * dim + j];
        }
    }
  }
  /// lambda g_a g_b^T + mu g_b g_a^T + mu (g_a . g_b) I; lambda and mu hold the volume.
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static void elastic_block(T const* ga, T const* gb, T lambda, T mu,
                                                        T* block) {
    T l[dim], m[dim];
    MOHO_FEM_UNROLL
    for (int i = 0; i < dim; ++i) l[i] = lambda * ga[i], m[i] = mu * ga[i];
    T const shear = dot(m, gb);
    MOHO_FEM_UNROLL
    for (int e = 0; e < per_pair; ++e) {
      int const i = e / dim, j = e % dim;
      T const s = multiply_add(m[j], gb[i], l[i] * gb[j]);
      block[e] = i == j ? s + shear : s;
    }
  }
  /// Those of vertex 0 from the sums over the others: rows of diffusion sum to zero.
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static void inner_products(T const* g, T scale, T const* c,
                                                         T* products) {
    T* const P = products;
    for (int m = 1; m < vertices; ++m) {
      T row[dim]; // k^T g_m
      for (int j = 0; j < dim; ++j) {
        row[j] = g[m * dim + j];
        if constexpr (tensor) {
          row[j] = g[m * dim] * c[j];
          for (int i = 1; i < dim; ++i)
            row[j] = multiply_add(g[m * dim + i], c[i * dim + j], row[j]);
        }
      }
      for (int n = ordered ? 1 : m; n < vertices; ++n)
        P[m * vertices + n] = scale * dot(row, g + n * dim);
    }
    auto at = [&](int m, int n) {
      return P[ordered || m <= n ? m * vertices + n : n * vertices + m];
    };
    for (int n = 1; n < vertices; ++n) {
      T column = at(1, n), row = at(n, 1);
      for (int m = 2; m < vertices; ++m) column = column + at(m, n), row = row + at(n, m);
      P[n] = -column;
      if constexpr (ordered) P[n * vertices] = -row;
    }
    T sum = P[1];
    for (int n = 2; n < vertices; ++n) sum = sum + P[n];
    P[0] = -sum;
  }

  // ---- quadrature ------------------------------------------------------------------------------
  /// Points are taken in chunks: gradients of a chunk stand in the cache, each pair's sum is taken
  /// up again at the next one. Sums run over the points in their order whatever the chunk.
  template <class T>
  static constexpr int chunk = Scalar<T>::lanes > 1 ? 9 : 1;
  static constexpr int pair_count = symmetric_form ? upper_pairs : nodes * nodes;
  static constexpr int test_size = kind == FormKind::mass || kind == FormKind::advection ? 1 : dim;

  /// What a chunk of points holds: `left` [a][q] and `right` [b][q], whose products are summed.
  template <class T>
  struct Chunk {
    int points;
    bool constant;
    T left[nodes * chunk<T> * test_size], right[nodes * chunk<T> * test_size];
    T shear[kind == FormKind::elasticity ? nodes * chunk<T> * test_size : 1]; ///< jxw mu g
    T weight[chunk<T>];                                                       ///< jxw
  };

  template <class T, class C, class Sink>
  KOKKOS_FORCEINLINE_FUNCTION static void quadrature_pairs(Tables const& tables, T const* X,
                                                           C const& coefficient, bool constant,
                                                           bool symmetric, Sink& sink) {
    T sum[pair_count * per_pair];
    for (int i = 0; i < pair_count * per_pair; ++i) sum[i] = T(0);
    for (int first = 0; first < tables.points; first += chunk<T>) {
      Chunk<T> now;
      int const rest = tables.points - first;
      now.points = rest < chunk<T> ? rest : chunk<T>;
      now.constant = constant;
      fill(tables, first, X, coefficient, now);
      T* to = sum;
      for (int a = 0; a < nodes; ++a) to = add_row(now, a, to);
    }
    T c[coefficients];
    for (int i = 0; i < coefficients; ++i)
      c[i] = symmetric_form && constant ? coefficient(0, i) : T(1);
    T* from = sum;
    for (int a = 0; a < nodes; ++a)
      for (int b = symmetric_form ? a : 0; b < nodes; ++b, from += per_pair)
        if (kind == FormKind::elasticity && !constant)
          hand_on(a, b, from, symmetric, sink);
        else
          emit(a, b, from, c, symmetric, sink);
  }

  template <class T, class C>
  KOKKOS_FORCEINLINE_FUNCTION static void fill(Tables const& tables, int first, T const* X,
                                               C const& coefficient, Chunk<T>& now) {
    T J[dim * dim], inverse[dim * dim], det(0);
    for (int q = 0; q < now.points; ++q) {
      int const at = first + q;
      if (!affine || q == 0) { // J of an affine simplex is one and the same
        if constexpr (affine)
          affine_jacobian<dim>(X, J);
        else
          jacobian<G>(tables.dG + at * G::nodes * dim, X, J);
        det = adjugate<dim>(J, inverse);
        T const scale = T(1) / det;
        for (int i = 0; i < dim * dim; ++i) inverse[i] = inverse[i] * scale;
      }
      now.weight[q] = T(tables.weight[at]) * abs(det);
      T gradient[has_gradients ? nodes * dim : 1];
      if constexpr (has_gradients)
        physical_gradients<nodes, dim>(tables.dN + at * nodes * dim, inverse, gradient);
      fill_point(tables, at, q, gradient, coefficient, now);
    }
  }

  template <class T, class C>
  KOKKOS_FORCEINLINE_FUNCTION static void fill_point(Tables const& tables, int at, int q,
                                                     T const* gradient, C const& coefficient,
                                                     Chunk<T>& now) {
    T k[coefficients]; // jxw, or jxw times the coefficient where it does not multiply last
    for (int i = 0; i < coefficients; ++i)
      k[i] = symmetric_form && now.constant ? now.weight[q]
                                            : now.weight[q] * coefficient(now.constant ? 0 : at, i);
    for (int a = 0; a < nodes; ++a) {
      T const* const g = gradient + (has_gradients ? a * dim : 0);
      T* const left = now.left + (a * chunk<T> + q) * test_size;
      T* const right = now.right + (a * chunk<T> + q) * test_size;
      if constexpr (kind == FormKind::mass) {
        T const N(tables.N[at * nodes + a]);
        left[0] = k[0] * N, right[0] = N;
      } else if constexpr (kind == FormKind::advection) {
        left[0] = T(tables.N[at * nodes + a]), right[0] = dot(k, g);
      } else {
        for (int j = 0; j < dim; ++j) {
          right[j] = g[j];
          left[j] = k[0] * g[j];
          if constexpr (kind == FormKind::elasticity)
            now.shear[(a * chunk<T> + q) * dim + j] = k[1] * g[j];
          if constexpr (tensor) // (k^T grad N_a) . grad N_b
            left[j] = dot_strided(g, k + j);
        }
      }
    }
  }
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static T dot_strided(T const* x, T const* column) {
    T sum = x[0] * column[0];
    for (int i = 1; i < dim; ++i) sum = multiply_add(x[i], column[i * dim], sum);
    return sum;
  }

  /// Adds the chunk's part of the row of pairs (a, b) to `sum`; returns where the next row begins.
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static T* add_row(Chunk<T> const& now, int a, T* sum) {
    constexpr int stride = chunk<T> * test_size;
    int b = symmetric_form ? a : 0;
    if constexpr (kind != FormKind::elasticity) { // four sums at a time hide the latency of each
      for (; b + 4 <= nodes; b += 4, sum += 4) add<4>(now, a, b, sum);
      for (; b < nodes; ++b, ++sum) add<1>(now, a, b, sum);
    } else {
      for (; b < nodes; ++b, sum += per_pair)
        if (now.constant)
          add_outer(now.points, now.left + a * stride, now.right + b * stride, sum);
        else
          add_elastic(now.points, now.left + a * stride, now.shear + a * stride,
                      now.right + b * stride, sum);
    }
    return sum;
  }
  template <int width, class T>
  KOKKOS_FORCEINLINE_FUNCTION static void add(Chunk<T> const& now, int a, int b, T* sum) {
    constexpr int stride = chunk<T> * test_size;
    T const *left = now.left + a * stride, *right = now.right + b * stride;
    T s[width];
    MOHO_FEM_UNROLL
    for (int w = 0; w < width; ++w) s[w] = sum[w];
    for (int i = 0; i < now.points * test_size; ++i) {
      MOHO_FEM_UNROLL
      for (int w = 0; w < width; ++w) s[w] = multiply_add(left[i], right[w * stride + i], s[w]);
    }
    MOHO_FEM_UNROLL
    for (int w = 0; w < width; ++w) sum[w] = s[w];
  }
  /// Adds S: left right^T.
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static void add_outer(int points, T const* left, T const* right,
                                                    T* sum) {
    T s[per_pair];
    MOHO_FEM_UNROLL
    for (int e = 0; e < per_pair; ++e) s[e] = sum[e];
    for (int q = 0; q < points; ++q, left += dim, right += dim) {
      MOHO_FEM_UNROLL
      for (int e = 0; e < per_pair; ++e) s[e] = multiply_add(left[e / dim], right[e % dim], s[e]);
    }
    MOHO_FEM_UNROLL
    for (int e = 0; e < per_pair; ++e) sum[e] = s[e];
  }
  /// Adds lambda g_a g_b^T + mu g_b g_a^T + mu (g_a . g_b) I, with l = lambda g_a and m = mu g_a.
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static void add_elastic(int points, T const* l, T const* m,
                                                      T const* g, T* sum) {
    T s[per_pair];
    MOHO_FEM_UNROLL
    for (int e = 0; e < per_pair; ++e) s[e] = sum[e];
    for (int q = 0; q < points; ++q, l += dim, m += dim, g += dim) {
      T const shear = dot(m, g);
      MOHO_FEM_UNROLL
      for (int e = 0; e < per_pair; ++e) {
        int const i = e / dim, j = e % dim;
        T const one = multiply_add(m[j], g[i], multiply_add(l[i], g[j], s[e]));
        s[e] = i == j ? one + shear : one;
      }
    }
    MOHO_FEM_UNROLL
    for (int e = 0; e < per_pair; ++e) sum[e] = s[e];
  }
};

} // namespace moho::fem
