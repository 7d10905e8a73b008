// SPDX-License-Identifier: BSD-3-Clause
// Meshes, forms and comparisons that the tests of assembly share.
#pragma once
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "moho/fem/assembly.hpp"
#include "moho/fem/local.hpp"
#include "moho/fem/quadrature.hpp"
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace moho::fem::test {

/// A whole structured mesh of about `cells` intervals, smoothly perturbed.
inline Part whole_part(Cell cell, int degree, int n, double perturbation = 0.1) {
  Structured spec;
  spec.cell = cell;
  spec.n.assign(static_cast<std::size_t>(dimension(cell)), n);
  spec.n[0] += 1; // no symmetry between the directions
  spec.perturbation = perturbation;
  Part part;
  part.mesh = structured(spec);
  part.space = make_space(part.mesh, degree);
  return part;
}

inline Reals device(std::vector<double> const& from) {
  return to_device("test", from);
}
inline std::vector<double> host(ConstReals const& from, std::size_t n) {
  auto const h = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), from);
  return {h.data(), h.data() + n};
}

/// Numbers in (0.5, 1.5) that depend on `id` and i alone.
inline double number(std::uint64_t id, std::uint64_t i) {
  return 0.5 + Philox{20261121, 5}.uniform(id, static_cast<std::uint32_t>(i));
}

inline int components_of(Form const& form, int dim) {
  if (form.kind == FormKind::elasticity) return 2;
  if (form.kind == FormKind::advection) return dim;
  return form.tensor ? dim * dim : 1;
}

/// A form with a coefficient that varies, keyed by ids so that each part sees the same field.
inline Form make_form(Part const& part, FormKind kind, bool tensor, Where where, int B) {
  Form form;
  form.kind = kind;
  form.tensor = tensor;
  form.components = B;
  Element const element = part.space.element;
  std::uint64_t const n = static_cast<std::uint64_t>(components_of(form, element.dim()));
  form.coefficient.where = where;
  form.coefficient.components = static_cast<int>(n);
  std::vector<double> values;
  std::uint64_t points = 1;
  if (where == Where::quadrature)
    points = static_cast<std::uint64_t>(
        quadrature(element.cell, quadrature_degree(form, element)).size());
  auto const append = [&](std::uint64_t id, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) values.push_back(number(id, i));
  };
  if (where == Where::global)
    append(7, n);
  else if (where == Where::nodal)
    for (std::int64_t const id : part.space.id) append(static_cast<std::uint64_t>(id), n);
  else
    for (std::int64_t const id : part.mesh.cell_id)
      append(static_cast<std::uint64_t>(id), n * points);
  form.coefficient.values = device(values);
  return form;
}

inline std::vector<double> assembled(Topology const& topology, Form const& form, Reduce reduce,
                                     int threads = 1) {
  Reals const values = make_values(topology);
  Kokkos::deep_copy(values, 1e300); // what is there must not matter
  make_assembly(topology, form, reduce, threads)->assemble(form, values);
  return host(values, topology.pattern().nonzeros());
}

inline bool same_bits(std::vector<double> const& a, std::vector<double> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

/// Entries keyed by (row, column) of the global matrix.
using Entries = std::map<std::pair<std::int64_t, std::int64_t>, double>;
inline void add_entries(Topology const& topology, std::vector<double> const& values, Entries& to) {
  Pattern const& p = topology.pattern();
  for (std::size_t r = 0; r < p.rows(); ++r) {
    std::int64_t const row = p.first_row + static_cast<std::int64_t>(r);
    for (std::int32_t j = p.diagonal_ptr[r]; j < p.diagonal_ptr[r + 1]; ++j) {
      std::size_t const at = static_cast<std::size_t>(j);
      to[{row, p.first_row + p.diagonal_column[at]}] = values[at];
    }
    for (std::int32_t j = p.off_ptr[r]; j < p.off_ptr[r + 1]; ++j) {
      std::size_t const at = static_cast<std::size_t>(j);
      to[{row, p.off_column[at]}] = values[p.diagonal_nonzeros() + at];
    }
  }
}
/// Entries whose bits differ, or that only one of them has.
inline std::size_t different(Entries const& a, Entries const& b) {
  std::size_t count = 0;
  for (auto const& [key, value] : a) {
    auto const at = b.find(key);
    count += at == b.end() || std::memcmp(&at->second, &value, sizeof value) != 0;
  }
  for (auto const& [key, value] : b) count += a.count(key) == 0;
  return count;
}

struct Case {
  Cell cell;
  int degree;
  FormKind kind;
  bool tensor;
  Where where;
  int components;
};
inline std::string describe(Case const& c) {
  return name(Element{c.cell, c.degree}) + " " + name(c.kind) + (c.tensor ? " tensor" : "") +
         " where " + std::to_string(static_cast<int>(c.where)) + " components " +
         std::to_string(c.components);
}
/// All cells, degrees and forms; places of the coefficient and components take turns.
inline std::vector<Case> all_cases() {
  std::vector<Case> cases;
  int turn = 0;
  constexpr Where places[] = {Where::global, Where::cell, Where::quadrature, Where::nodal};
  for (Cell const cell : all_cells)
    for (int degree = 1; degree <= 2; ++degree)
      for (int form = 0; form < 5; ++form) {
        FormKind const kind = form == 4 ? FormKind::diffusion : static_cast<FormKind>(form);
        int const dim = dimension(cell);
        if (kind == FormKind::elasticity) {
          for (Where const where : places)
            if (degree == 1 || where == places[turn % 4])
              cases.push_back({cell, degree, kind, false, where, dim});
        } else {
          cases.push_back({cell, degree, kind, form == 4, places[turn % 4], turn % 5 == 0 ? 2 : 1});
        }
        ++turn;
      }
  return cases;
}
inline int intervals(Case const& c) {
  return dimension(c.cell) == 2 ? 7 : c.degree == 1 ? 4 : 2;
}

} // namespace moho::fem::test
