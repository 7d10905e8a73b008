// SPDX-License-Identifier: BSD-3-Clause
// Assembly of matrices: Map (local matrices) and Reduce (sums into CSR values), TensorGalerkin
// (arXiv 2602.05052). Which way the sums are made is a policy chosen at run time.
#pragma once
#include "moho/fem/form.hpp"
#include "moho/fem/topology.hpp"
#include <memory>
#include <string_view>
#include <vector>

namespace moho::fem {

enum class Reduce : std::int8_t {
  scatter,           ///< fused Map and scatter through a position map, one thread per rank
  owner_scatter,     ///< each thread owns a range of rows, scatters all cells that touch it
  tiled_gather,      ///< tiles of rows: Map their cells into scratch, gather; for devices
  compressed_gather, ///< stores gradients and volumes, forms blocks in the gather; P1 simplices
  two_pass,          ///< the paper's: all local matrices in memory, then a sparse sum
  coo,               ///< PETSc's MatSetValuesCOO (bound in study)
  insert,            ///< PETSc's MatSetValues (bound in study)
  atomic,            ///< atomic adds: the order of sums is left to chance
};
Reduce reduce_from_name(std::string_view name); ///< throws naming the known ones
char const* name(Reduce reduce);
/// The default. Hosts: owner_scatter with several threads, else scatter, whatever the block.
/// Devices: compressed_gather for elasticity with global parameters on P1 simplices, else
/// tiled_gather.
Reduce default_reduce(Element element, Form const& form);

/// What one assembly must do. Bytes are the floors of the specification: `least` writes values and
/// reads cells, coordinates and one coefficient per cell; `realistic` adds write-allocation and the
/// routing of a CSR gather; `two_pass` adds local matrices written and read back. Flops are those
/// of the plain formula on all pairs of nodes, whatever a policy saves.
struct AssemblyWork {
  double flops = 0, bytes_least = 0, bytes_realistic = 0, bytes_two_pass = 0;
};
AssemblyWork assembly_work(Topology const& topology, Form const& form);
/// The same of a mesh with so many cells, nodes and entries: of all ranks, cells counted once.
AssemblyWork assembly_work(Topology const& topology, Form const& form, double cells, double nodes,
                           double nonzeros);

/// An assembly of one form's kind on one topology, which must outlive it: tables are built once,
/// `assemble` is repeated.
class Assembly {
public:
  virtual ~Assembly() = default;
  /// values = (or +=, with `add`) the matrix of `form`; same kind, components and symmetry as built
  /// for, any coefficient. Bit for bit the same on any number of ranks and threads and at every
  /// call, except `atomic`; the same under all policies but `atomic` and, for diffusion,
  /// `compressed_gather`. No communication. `values` has pattern().nonzeros() entries at least.
  /// Throws moho::Error for another form or a size that does not fit.
  virtual void assemble(Form const& form, Reals values, bool add = false) = 0;
};

/// Throws moho::Error when the policy does not serve the form, element or backend, saying what
/// does. `coo` and `insert` are not made here. `threads`: ranges of owner_scatter, 0 = concurrency.
std::unique_ptr<Assembly> make_assembly(Topology const& topology, Form const& form, Reduce reduce,
                                        int threads = 0);
/// Room for the values of one matrix, zero.
Reals make_values(Topology const& topology);

/// Map alone: local matrices of the cells [first, last), full k*B x k*B row-major each, in
/// cell order. For Coo, Insert and tests.
void local_matrices(Topology const& topology, Form const& form, std::int32_t first,
                    std::int32_t last, Reals out);

/// Many coefficient fields on one topology: coefficient (cells, batch), scalar per cell; values
/// (nonzeros, batch), batch innermost; diffusion and mass, on hosts. The form's own coefficient is
/// not read. Bit for bit what a loop of `assemble` gives.
void assemble_batch(Topology const& topology, Form const& form, int batch, ConstReals coefficient,
                    Reals values);

/// The transpose of Reduce: local matrices' cotangents (cells, kB, kB) from those of the values:
/// out[e,a,b] = cotangent[pos(e,a,b)], 0 where the entry is not owned.
void reduce_transpose(Topology const& topology, ConstReals cotangent, Reals out);

} // namespace moho::fem
