// SPDX-License-Identifier: BSD-3-Clause
// Every Reduce policy behind one call: those of moho::fem, and the two that PETSc makes.
#pragma once
#include "moho/fem/assembly.hpp"
#include "moho/parallel/communicator.hpp"
#include "moho/parallel/petsc.hpp"
#include <memory>

namespace moho::study {

/// The pattern as PETSc's matrices take it; spans of `pattern`.
parallel::CsrBlocks csr_blocks(fem::Pattern const& pattern);

/// fem::make_assembly, and for `coo` and `insert` an assembly into a matrix of PETSc's own, whose
/// values are then copied out (timed with it). Both compute the rows this rank owns and send
/// nothing. `insert` adds local matrices in the order of the cells, the same bits on any number of
/// ranks; PETSc's COO sorts contributions its own way: it repeats itself, but its last bits depend
/// on the number of ranks.
/// Throws as fem::make_assembly does, and on every rank where its tables have no room in memory.
/// Collective.
std::unique_ptr<fem::Assembly> make_assembly(parallel::Comm const& comm, fem::Part const& part,
                                             fem::Topology const& topology, fem::Form const& form,
                                             fem::Reduce reduce, int threads = 0);

/// fem::make_values where the node has room for them, and, `with_petsc`, for the columns of a
/// matrix of PETSc's on them; else throws moho::Error on every rank. Collective.
fem::Reals make_values(parallel::Comm const& comm, fem::Topology const& topology, bool with_petsc);

/// True if the policy gives the same bits at every call and on any number of ranks and threads.
bool same_on_any_ranks(fem::Reduce reduce);

} // namespace moho::study
