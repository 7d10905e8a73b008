// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/local.hpp"

namespace moho::fem {

ReferenceTables::ReferenceTables(Element element, Element geometry, Quadrature const& rule) {
  std::size_t const points = static_cast<std::size_t>(rule.size());
  std::vector<double> table(rule.weights);
  std::size_t N = 0, dN = 0, dG = 0;
  with_elements(element, geometry, [&](auto l, auto g) {
    using L = decltype(l);
    using G = decltype(g);
    auto append = [&](auto evaluate, std::size_t size) {
      std::size_t const start = table.size();
      table.resize(start + points * size);
      for (std::size_t q = 0; q < points; ++q)
        evaluate(rule.points.data() + q * L::dim, table.data() + start + q * size);
      return start;
    };
    N = append([](double const* x, double* to) { L::values(x, to); }, L::nodes);
    dN = append([](double const* x, double* to) { L::gradients(x, to); }, L::nodes * L::dim);
    dG = append([](double const* x, double* to) { G::gradients(x, to); }, G::nodes * G::dim);
  });
  _data =
      decltype(_data)(Kokkos::ViewAllocateWithoutInitializing("moho::fem::tables"), table.size());
  using Host = Kokkos::View<double const*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged>;
  Kokkos::deep_copy(_data, Host(table.data(), table.size()));
  double const* const data = _data.data();
  _view = {rule.size(), data, data + N, data + dN, data + dG};
}

int quadrature_degree(Form const& form, Element element) {
  if (form.quadrature_degree >= 0) return form.quadrature_degree;
  int const p = element.degree;
  int degree = 2 * p; // of tensor cells for every form: a derivative lowers one variable's degree
  if (is_simplex(element.cell)) {
    if (form.kind == FormKind::diffusion || form.kind == FormKind::elasticity) degree -= 2;
    if (form.kind == FormKind::advection) degree -= 1;
  }
  return form.coefficient.where == Where::nodal ? degree + p : degree;
}

int bent_quadrature_degree(Form const& form, Element element, Element geometry) {
  if (form.quadrature_degree >= 0) return form.quadrature_degree;
  int const g = is_simplex(geometry.cell) ? geometry.degree - 1 : geometry.degree;
  return quadrature_degree(form, element) + element.dim() * g;
}

} // namespace moho::fem
