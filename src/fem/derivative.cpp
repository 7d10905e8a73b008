// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/derivative.hpp"
#include "moho/core/error.hpp"
#include "moho/fem/local.hpp"
#include "moho/fem/vector.hpp"
#include "points.hpp"
#include <string>

namespace moho::fem {
namespace {
using namespace detail;

/// lambda^T (dk/dp_i) u at one point, for the components i of the coefficient.
template <FormKind kind, bool tensor, int dim>
struct Integrand {
  static constexpr int coefficients = tensor                         ? dim * dim
                                      : kind == FormKind::advection  ? dim
                                      : kind == FormKind::elasticity ? 2
                                                                     : 1;
  static constexpr bool wants_gradients = kind != FormKind::mass;
  static constexpr bool vector = kind == FormKind::elasticity; ///< components = dim

  /// v, u (components); dv, du (components, dim): the test side and the solution.
  template <class Count, class T>
  KOKKOS_FORCEINLINE_FUNCTION static void at(Count components, T const* v, T const* u, T const* dv,
                                             T const* du, T* out) {
    for (int i = 0; i < coefficients; ++i) out[i] = T(0.0);
    if constexpr (kind == FormKind::elasticity) {
      elastic(dv, du, out);
    } else {
      for (int c = 0; c < components; ++c) {
        if constexpr (kind == FormKind::mass) {
          out[0] = multiply_add(v[c], u[c], out[0]);
        } else if constexpr (kind == FormKind::advection) {
          for (int d = 0; d < dim; ++d) out[d] = multiply_add(v[c], du[c * dim + d], out[d]);
        } else if constexpr (tensor) { // (k grad u) . grad v = k_ij du_j dv_i
          for (int i = 0; i < dim; ++i)
            for (int j = 0; j < dim; ++j)
              out[i * dim + j] = multiply_add(dv[c * dim + i], du[c * dim + j], out[i * dim + j]);
        } else {
          for (int d = 0; d < dim; ++d)
            out[0] = multiply_add(dv[c * dim + d], du[c * dim + d], out[0]);
        }
      }
    }
  }

private:
  /// d/dlambda: div v div u; d/dmu: 2 eps(v) : eps(u) = sum over i, j of dv_ij (du_ij + du_ji).
  template <class T>
  KOKKOS_FORCEINLINE_FUNCTION static void elastic(T const* dv, T const* du, T* out) {
    T div_v(0.0), div_u(0.0);
    for (int i = 0; i < dim; ++i) {
      div_v = div_v + dv[i * dim + i], div_u = div_u + du[i * dim + i];
      for (int j = 0; j < dim; ++j)
        out[1] = multiply_add(dv[i * dim + j], du[i * dim + j] + du[j * dim + i], out[1]);
    }
    out[0] = div_v * div_u;
  }
};

/// d(field)/dxi of one component at a point, from nodal values `components` apart.
template <class L, class T>
KOKKOS_FORCEINLINE_FUNCTION void reference_gradient(double const* dN, T const* nodal,
                                                    int components, T* gradient) {
  for (int d = 0; d < L::dim; ++d) {
    if constexpr (is_simplex(L::cell) && L::degree == 1) {
      gradient[d] = nodal[(d + 1) * components] - nodal[0];
    } else {
      gradient[d] = T(dN[d]) * nodal[0];
      for (int a = 1; a < L::nodes; ++a)
        gradient[d] = multiply_add(T(dN[a * L::dim + d]), nodal[a * components], gradient[d]);
    }
  }
}

/// A field's values, or its physical gradients, at a point; whichever the integrand wants.
template <class L, bool gradients, class Count, class T>
KOKKOS_FORCEINLINE_FUNCTION void field_at(double const* N, double const* dN, T const* inverse,
                                          T const* nodal, Count components, T* value, T* gradient) {
  constexpr int dim = L::dim;
  for (int c = 0; c < components; ++c) {
    value[c] = T(N[0]) * nodal[c];
    for (int a = 1; a < L::nodes; ++a)
      value[c] = multiply_add(T(N[a]), nodal[a * components + c], value[c]);
    if constexpr (gradients) {
      T reference[dim];
      reference_gradient<L>(dN, nodal + c, components, reference);
      for (int i = 0; i < dim; ++i) {
        T sum = reference[0] * inverse[i];
        for (int d = 1; d < dim; ++d) sum = multiply_add(reference[d], inverse[d * dim + i], sum);
        gradient[c * dim + i] = sum;
      }
    }
  }
}

/// The Map of the gradient on simd_lanes cells: sink(q, i, w |J| integrand_i) at the points of the
/// tables. Count: int or Fixed.
template <class L, class G, class I, class Count, class T, class Sink>
KOKKOS_FORCEINLINE_FUNCTION void contract(Tables const& tables, T const* X, T const* v, T const* u,
                                          Count components, Sink const& sink) {
  constexpr int dim = L::dim, k = L::nodes;
  T J[dim * dim], inverse[dim * dim] = {}, volume(0.0);
  T at_v[most_components], at_u[most_components], dv[most_components * dim],
      du[most_components * dim], out[I::coefficients];
  for (int q = 0; q < tables.points; ++q) {
    if (q == 0 || !is_affine<G>) {
      if constexpr (is_affine<G>)
        affine_jacobian<dim>(X, J);
      else
        jacobian<G>(tables.dG + q * G::nodes * dim, X, J);
      T const det = adjugate<dim>(J, inverse), scale = T(1.0) / det;
      volume = abs(det);
      for (int i = 0; i < dim * dim; ++i) inverse[i] = inverse[i] * scale;
    }
    double const *const N = tables.N + q * k, *const dN = tables.dN + q * k * dim;
    field_at<L, I::wants_gradients>(N, dN, inverse, v, components, at_v, dv);
    field_at<L, I::wants_gradients>(N, dN, inverse, u, components, at_u, du);
    I::at(components, at_v, at_u, dv, du, out);
    T const weight = T(tables.weight[q]) * volume;
    for (int i = 0; i < I::coefficients; ++i) sink(q, i, weight * out[i]);
  }
}

/// What the kernels read; pointers are captured by value.
struct Inputs {
  MapInputs map;
  double const* v;
  double const* u;
  int components;
};

/// Geometry and both fields of simd_lanes cells from `first` on.
template <class L, class G>
struct Pack {
  HostPack X[G::nodes * G::dim], v[L::nodes * most_components], u[L::nodes * most_components];
  template <class Count>
  KOKKOS_FORCEINLINE_FUNCTION Pack(Inputs const& in, Count components, std::int32_t first) {
    load_points<G>(in.map, first, X);
    load_values<L>(in.map, in.v, components, first, v);
    load_values<L>(in.map, in.u, components, first, u);
  }
};

/// gradient (cells, width): the integrand at each point, or its sum over them (`summed`).
template <class L, class G, class I, class Count>
void per_cell(Inputs const& in, Count components, bool summed, Reals gradient) {
  std::int32_t const packs = (in.map.cells + simd_lanes - 1) / simd_lanes;
  int const width = (summed ? 1 : in.map.tables.points) * I::coefficients;
  Kokkos::parallel_for(
      "moho::fem::coefficient_gradient", Kokkos::RangePolicy<ExecutionSpace>(0, packs),
      KOKKOS_LAMBDA(std::int32_t p) {
        std::int32_t const first = p * simd_lanes, left = in.map.cells - first;
        int const count = left < simd_lanes ? left : simd_lanes;
        Pack<L, G> const pack(in, components, first);
        HostPack sum[I::coefficients];
        for (int i = 0; i < I::coefficients; ++i) sum[i] = HostPack(0.0);
        double* const out = gradient.data() + static_cast<std::int64_t>(first) * width;
        contract<L, G, I>(in.map.tables, pack.X, pack.v, pack.u, components,
                          [&](int q, int i, HostPack value) {
                            if (summed)
                              sum[i] = sum[i] + value;
                            else
                              store(value, count, width, out + q * I::coefficients + i);
                          });
        for (int i = 0; i < I::coefficients && summed; ++i) store(sum[i], count, width, out + i);
      });
  ExecutionSpace().fence();
}

/// sums[a * n + i] += N_a(q) value (`N` given), or sums[i] += value.
template <int nodes, int n>
struct Accumulate {
  double const* N;
  HostPack* sums;
  KOKKOS_FORCEINLINE_FUNCTION void operator()(int q, int i, HostPack value) const {
    if (N == nullptr)
      sums[i] = sums[i] + value;
    else
      for (int a = 0; a < nodes; ++a)
        sums[a * n + i] = multiply_add(HostPack(N[q * nodes + a]), value, sums[a * n + i]);
  }
};

/// Adds the cells up in their order, on the host. `nodal`: to the owned nodes, which is complete
/// since all cells that touch them are held; else the counted cells' share of one value per
/// component.
template <class L, class G, class I>
void in_order(Inputs const& in, std::int32_t owned, bool nodal, double* gradient) {
  constexpr int n = I::coefficients;
  HostPack sums[L::nodes * n];
  Accumulate<L::nodes, n> const accumulate{nodal ? in.map.tables.N : nullptr, sums};
  for (std::int32_t first = 0; first < in.map.cells; first += simd_lanes) {
    Pack<L, G> const pack(in, in.components, first);
    for (HostPack& sum : sums) sum = HostPack(0.0);
    contract<L, G, I>(in.map.tables, pack.X, pack.v, pack.u, in.components, accumulate);
    for (int l = 0; l < simd_lanes && first + l < in.map.cells; ++l) {
      std::int32_t const* const nodes =
          in.map.cell_nodes + static_cast<std::int64_t>(first + l) * L::nodes;
      for (int a = 0; a < (nodal ? L::nodes : 1); ++a) {
        if (nodes[a] >= owned) continue;
        double* const to = gradient + (nodal ? static_cast<std::int64_t>(nodes[a]) * n : 0);
        for (int i = 0; i < n; ++i) to[i] += lane(sums[a * n + i], l);
      }
    }
  }
}

/// The gradient where its values stand one by one: on the device.
template <class L, class G, class I>
void independent_values(Topology const& topology, Quadrature const& rule, ConstReals v,
                        ConstReals u, bool summed, Reals gradient) {
  ReferenceTables const tables(topology.element(), topology.geometry(), rule);
  Inputs const in{map_inputs(topology, tables.view()), v.data(), u.data(), topology.components()};
  if constexpr (I::vector)
    per_cell<L, G, I>(in, Fixed<L::dim>(), summed, gradient);
  else if (in.components == 1)
    per_cell<L, G, I>(in, Fixed<1>(), summed, gradient);
  else
    per_cell<L, G, I>(in, in.components, summed, gradient);
}

/// The gradient where cells add up: in their order, on the host.
template <class L, class G, class I>
void added_values(Topology const& topology, Quadrature const& rule, ConstReals v, ConstReals u,
                  bool nodal, Reals gradient) {
  HostOutput const to(gradient, false);
  HostCells const mesh(topology);
  PointTables const at = tabulate<L, G>(rule);
  auto const host_v = on_host(v), host_u = on_host(u);
  Inputs const in{mesh.inputs(at), host_v.data(), host_u.data(), mesh.components};
  in_order<L, G, I>(in, mesh.owned, nodal, to.data());
  to.finish();
}

/// Calls f(Integrand) of the form.
template <int dim, class F>
void with_integrand(Form const& form, F const& f) {
  switch (form.kind) {
  case FormKind::diffusion:
    if (form.tensor)
      f(Integrand<FormKind::diffusion, true, dim>{});
    else
      f(Integrand<FormKind::diffusion, false, dim>{});
    break;
  case FormKind::mass:
    f(Integrand<FormKind::mass, false, dim>{});
    break;
  case FormKind::advection:
    f(Integrand<FormKind::advection, false, dim>{});
    break;
  case FormKind::elasticity:
    f(Integrand<FormKind::elasticity, false, dim>{});
    break;
  }
}

int coefficient_components(Form const& form, int dim) {
  switch (form.kind) {
  case FormKind::diffusion:
    return form.tensor ? dim * dim : 1;
  case FormKind::advection:
    return dim;
  case FormKind::elasticity:
    return 2;
  case FormKind::mass:
    break;
  }
  return 1;
}

void check(Topology const& topology, Form const& form) {
  int const B = topology.components();
  if (form.components != B)
    throw Error("coefficient_gradient: the form has " + std::to_string(form.components) +
                " components and the topology " + std::to_string(B) +
                " (they must agree) build one for the other");
  if (form.kind == FormKind::elasticity && B != topology.element().dim())
    throw Error("coefficient_gradient: elasticity with " + std::to_string(B) +
                " components (displacements have " + std::to_string(topology.element().dim()) +
                ") use as many components as dimensions");
}

} // namespace

std::size_t coefficient_size(Topology const& topology, Form const& form) {
  auto const n = static_cast<std::size_t>(coefficient_components(form, topology.element().dim()));
  auto const cells = static_cast<std::size_t>(topology.cells());
  switch (form.coefficient.where) {
  case Where::cell:
    return cells * n;
  case Where::quadrature: {
    Element const element = topology.element();
    Quadrature const rule = quadrature(element.cell, quadrature_degree(form, element));
    return cells * n * static_cast<std::size_t>(rule.size());
  }
  case Where::nodal:
    return static_cast<std::size_t>(topology.local_nodes()) * n;
  case Where::global:
    break;
  }
  return n;
}

void coefficient_gradient(Topology const& topology, Form const& form, ConstReals lambda,
                          ConstReals u, Reals gradient) {
  check(topology, form);
  std::size_t const unknowns = scalars(topology.local_nodes(), topology);
  require_size("coefficient_gradient: lambda", lambda.extent(0), unknowns);
  require_size("coefficient_gradient: u", u.extent(0), unknowns);
  require_size("coefficient_gradient: gradient", gradient.extent(0),
               coefficient_size(topology, form));
  Where const where = form.coefficient.where;
  Element const element = topology.element();
  Quadrature const rule = quadrature(element.cell, quadrature_degree(form, element));
  with_elements(element, topology.geometry(), [&](auto l, auto g) {
    using L = decltype(l);
    using G = decltype(g);
    with_integrand<L::dim>(form, [&](auto integrand) {
      using I = decltype(integrand);
      if (where == Where::cell || where == Where::quadrature)
        independent_values<L, G, I>(topology, rule, lambda, u, where == Where::cell, gradient);
      else
        added_values<L, G, I>(topology, rule, lambda, u, where == Where::nodal, gradient);
    });
  });
}

void load_gradient_at_points(Topology const& topology, int degree, ConstReals lambda,
                             Reals gradient) {
  auto const host = on_host(lambda);
  Sampled const at =
      sample(topology, degree, {host.data(), host.extent(0)}, 0, topology.cells(), false);
  require_size("load_gradient_at_points: gradient", gradient.extent(0), at.values.size());
  HostOutput const to(gradient, false);
  auto const B = static_cast<std::size_t>(topology.components());
  for (std::size_t i = 0; i < at.values.size(); ++i)
    to.data()[i] = at.weights[i / B] * at.values[i];
  to.finish();
}

} // namespace moho::fem
