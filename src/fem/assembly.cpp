// SPDX-License-Identifier: BSD-3-Clause
#include "assembly_base.hpp"
#include "moho/core/error.hpp"
#include "moho/fem/derivative.hpp"
#include <array>
#include <string>

namespace moho::fem {
namespace {

constexpr std::array<Reduce, 8> all_reduces{
    Reduce::scatter,  Reduce::owner_scatter, Reduce::tiled_gather, Reduce::compressed_gather,
    Reduce::two_pass, Reduce::coo,           Reduce::insert,       Reduce::atomic};

bool is_p1_simplex(Element element) {
  return is_simplex(element.cell) && element.degree == 1;
}

int coefficient_components(Form const& form, int dim) {
  if (form.kind == FormKind::elasticity) return 2;
  if (form.kind == FormKind::advection) return dim;
  return form.tensor ? dim * dim : 1;
}

} // namespace

char const* name(Reduce reduce) {
  switch (reduce) {
  case Reduce::scatter:
    return "scatter";
  case Reduce::owner_scatter:
    return "owner-scatter";
  case Reduce::tiled_gather:
    return "tiled-gather";
  case Reduce::compressed_gather:
    return "compressed-gather";
  case Reduce::two_pass:
    return "two-pass";
  case Reduce::coo:
    return "coo";
  case Reduce::insert:
    return "insert";
  case Reduce::atomic:
    break;
  }
  return "atomic";
}

Reduce reduce_from_name(std::string_view text) {
  std::string known;
  for (Reduce const reduce : all_reduces) {
    if (text == name(reduce)) return reduce;
    known += std::string(known.empty() ? "" : ", ") + name(reduce);
  }
  throw Error("unknown reduce policy '" + std::string(text) + "' (known are " + known +
              ") choose one of them");
}

Reduce default_reduce(Element element, Form const& form) {
  if constexpr (!on_host)
    return form.kind == FormKind::elasticity && is_p1_simplex(element) &&
                   form.coefficient.where == Where::global
               ? Reduce::compressed_gather
               : Reduce::tiled_gather;
  return Kokkos::DefaultHostExecutionSpace().concurrency() > 1 ? Reduce::owner_scatter
                                                               : Reduce::scatter;
}

void check_form(Topology const& topology, Form const& form) {
  Element const element = topology.element();
  std::string const what = std::string("form ") + name(form.kind);
  if (form.components != topology.components())
    throw Error(what + ": " + std::to_string(form.components) + " components (the topology has " +
                std::to_string(topology.components()) + ") build a topology for them");
  if (form.kind == FormKind::elasticity && form.components != element.dim())
    throw Error(what + ": " + std::to_string(form.components) + " components (displacements have " +
                std::to_string(element.dim()) + ") use as many components as dimensions");
  if (form.tensor && form.kind != FormKind::diffusion)
    throw Error(what + ": a tensor coefficient (only diffusion has one) unset it");
  int const components = coefficient_components(form, element.dim());
  std::size_t const size = form.coefficient.values.extent(0);
  if (size == 0 && form.coefficient.where == Where::global && components == 1) return; // 1
  if (form.coefficient.components != components)
    throw Error(what + ": a coefficient of " + std::to_string(form.coefficient.components) +
                " components (" + std::to_string(components) + " are needed) give them all");
  std::size_t const wanted = coefficient_size(topology, form);
  if (size < wanted)
    throw Error(what + ": " + std::to_string(size) + " values of the coefficient (" +
                std::to_string(wanted) + " are needed) give them all");
}

Task make_task(Topology const& topology, Form const& form, ReferenceTables const& tables) {
  Task task;
  Element const element = topology.element();
  task.key = {element, topology.geometry(), form.kind, form.tensor, Block::scalar};
  if (form.kind == FormKind::elasticity) {
    bool const p1 = is_p1_simplex(element);
    bool const global = form.coefficient.where == Where::global;
    task.key.block = p1 && global ? Block::moments : Block::full;
    task.orient = p1 ? Orient::sorted : Orient::flagged;
    if (global) task.finish.parameters = form.coefficient.values.data();
    if constexpr (on_host) task.finish = task.finish.loaded();
  }
  task.inputs.tables = tables.view();
  task.inputs.points = topology.padded_points().data();
  task.inputs.where = form.coefficient.where;
  task.inputs.values =
      form.coefficient.values.extent(0) == 0 ? nullptr : form.coefficient.values.data();
  task.inputs = with_cells(task.inputs, topology.cells(), Ints(), Ints(), Ints());
  task.inputs.cell_points = topology.cell_points().data();
  task.inputs.cell_nodes = topology.cell_nodes().data();
  task.finish.block = task.key.block;
  task.finish.components = form.components;
  return task;
}

MapInputs with_cells(MapInputs inputs, std::int32_t cells, Ints const& cell,
                     Ints const& cell_points, Ints const& cell_nodes) {
  inputs.cells = cells;
  inputs.cell = cell.extent(0) == 0 ? nullptr : cell.data();
  inputs.cell_points = cell_points.data();
  inputs.cell_nodes = cell_nodes.data();
  return inputs;
}

TaskMaker::TaskMaker(Topology const& topology, Form const& form)
    : _topology(topology), _kind(form.kind), _components(form.components), _tensor(form.tensor) {}

Task TaskMaker::make(Form const& form, Reals const& values, bool add) {
  if (form.kind != _kind || form.components != _components || form.tensor != _tensor)
    throw Error(std::string("assembly: a form of ") + name(form.kind) +
                " (this one was built for " + name(_kind) +
                ", with its components and symmetry) build another");
  check_form(_topology, form);
  std::size_t const wanted = _topology.pattern().nonzeros();
  if (values.data() != nullptr && values.extent(0) < wanted)
    throw Error("assembly: room for " + std::to_string(values.extent(0)) +
                " values (the matrix has " + std::to_string(wanted) +
                ") take them from make_values");
  Element const element = _topology.element();
  int const degree = quadrature_degree(form, element);
  if (degree != _degree) {
    _tables = ReferenceTables(element, _topology.geometry(), quadrature(element.cell, degree));
    _degree = degree;
  }
  Task task = make_task(_topology, form, _tables);
  task.finish.values = values.data();
  task.finish.add = add;
  return task;
}

std::unique_ptr<Assembly> make_assembly(Topology const& topology, Form const& form, Reduce reduce,
                                        int threads) {
  check_form(topology, form);
  switch (reduce) {
  case Reduce::scatter:
  case Reduce::owner_scatter:
    if constexpr (!on_host)
      throw Error(std::string("reduce policy ") + name(reduce) +
                  " (it serves hosts) use tiled-gather, compressed-gather, two-pass or atomic");
    if (threads <= 0) threads = Kokkos::DefaultHostExecutionSpace().concurrency();
    return make_scatter(topology, form, reduce == Reduce::scatter ? 1 : threads);
  case Reduce::tiled_gather:
    return make_tiled_gather(topology, form);
  case Reduce::compressed_gather:
    return make_compressed_gather(topology, form);
  case Reduce::two_pass:
    return make_two_pass(topology, form);
  case Reduce::atomic:
    return make_atomic(topology, form);
  case Reduce::coo:
  case Reduce::insert:
    break;
  }
  throw Error(std::string("reduce policy ") + name(reduce) +
              " (it needs PETSc, which this module has not) use study::make_assembly");
}

Reals make_values(Topology const& topology) {
  return Reals("moho::fem::values", topology.pattern().nonzeros());
}

AssemblyWork assembly_work(Topology const& topology, Form const& form) {
  return assembly_work(topology, form, topology.cells(), topology.local_nodes(),
                       static_cast<double>(topology.pattern().nonzeros()));
}

AssemblyWork assembly_work(Topology const& topology, Form const& form, double cells, double nodes,
                           double nonzeros) {
  Element const element = topology.element();
  double const k = element.nodes(), d = element.dim(), B = form.components;
  bool const single = is_p1_simplex(element) && form.kind != FormKind::mass;
  double const q = single ? 1 : quadrature(element.cell, quadrature_degree(form, element)).size();
  double const geometry = topology.geometry().nodes();
  // Jacobian, adjugate and determinant, gradients; then every pair of the plain formula.
  bool const affine = is_simplex(element.cell) && topology.geometry().degree == 1;
  double const jacobian = affine ? d * d : 2 * geometry * d * d;
  double const gradients = is_p1_simplex(element) ? 2 * d * k : 2 * k * d * d;
  double const map = jacobian + (d == 3 ? 32 : 3) + gradients;
  double const pair = form.kind == FormKind::elasticity  ? 6 * d * d + 2 * d
                      : form.kind == FormKind::diffusion ? 2 * d + 1
                                                         : 3;
  AssemblyWork work;
  work.flops = cells * q * (map + k * k * pair);
  work.bytes_least = 8 * nonzeros + 4 * k * cells + 8 * d * nodes + 8 * cells;
  work.bytes_realistic =
      work.bytes_least + 8 * nonzeros + 4 * k * k * cells + 4 * nonzeros / (B * B);
  work.bytes_two_pass = work.bytes_realistic + 24 * k * k * B * B * cells;
  return work;
}

} // namespace moho::fem
