// SPDX-License-Identifier: BSD-3-Clause
// Distributed values on every rank, in an order that no partition changes: designs and coefficients
// that an optimiser works on alike everywhere, so that its steps have the same bits on any number
// of ranks.
#pragma once
#include "moho/fem/form.hpp"
#include "moho/parallel/petsc.hpp"
#include "moho/study/fem_system.hpp"
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace moho::study {

/// Gathers values of cells or nodes by id.
class GatherById {
public:
  /// `mine`: ids of this rank's items; over the ranks each of 0 .. total-1 occurs once (throws
  /// moho::Error otherwise). Collective.
  GatherById(parallel::Comm const& comm, std::vector<std::int64_t> const& mine, std::int64_t total);
  /// (total, components) by id, from this rank's values (mine, components). Collective.
  std::vector<double> operator()(std::span<double const> values, std::size_t components = 1) const;
  std::size_t total() const { return _order.size(); }

private:
  parallel::Comm _comm;
  std::vector<std::int64_t> _order; ///< id of each item, rank after rank
};

/// Ids of the nodes that this rank owns, in local order.
std::vector<std::int64_t> owned_ids(FemSpace const& space);

/// Options of a direct solver of a symmetric, positive matrix on the space; what is given wins. Up
/// to `most_replicated` unknowns each rank factorises the whole matrix, which gives the same bits
/// on any number of ranks and at every call; beyond them MUMPS spreads the factor over the ranks,
/// and answers agree to rounding.
inline constexpr std::int64_t most_replicated = 20'000;
parallel::PetscOptions direct_cholesky(FemSpace const& space, parallel::PetscOptions given);

/// Sum of a_i b_i in index order.
double dot(std::span<double const> a, std::span<double const> b);

} // namespace moho::study
