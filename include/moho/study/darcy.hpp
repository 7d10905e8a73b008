// SPDX-License-Identifier: BSD-3-Clause
// Flow through random media: many coefficients on one mesh.
//
//   -div(k grad u) = 1 in the unit square, u = 0 on its boundary; k constant in each of m x m
//   squares, log k Gaussian.
#pragma once
#include "moho/study/fem_system.hpp"
#include "moho/study/method.hpp"
#include "moho/study/parameters.hpp"
#include "moho/study/registry.hpp"
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// A problem of task "function map" whose inputs are log k of the squares, x fastest, and whose
/// outputs are u at their centres. A capability.
class DarcyProblem {
public:
  virtual ~DarcyProblem() = default;
  virtual int squares() const = 0; ///< m
};
/// (m x m, 2), x fastest.
std::vector<double> square_centres(int squares);

/// Throws moho::Error unless each cell lies in one of the squares.
void check_resolution(Discretization const& how, int squares);

/// The equation on one mesh, for many k.
class DarcyModel {
public:
  /// Throws moho::Error for meshes that do not resolve the squares. `options`: a Cholesky
  /// factorisation where they name no solver.
  DarcyModel(parallel::Comm const& comm, int squares, Discretization const& how,
             SystemOptions const& options = {});

  FemSpace const& space() const { return *_space; }
  /// k (items, m x m) of the squares to that of the cells this rank holds, (cells, items).
  fem::Reals by_cell(std::span<double const> k) const;
  /// All matrices at once, values (entries, items), items innermost; and one, bit for bit the same,
  /// into the system's values.
  fem::Reals assemble_batch(fem::ConstReals cells, int items) const;
  void assemble(fem::ConstReals cells, int items, int item);
  fem::Reals const& values() const { return _system->values(); }
  /// System's values := those of an item of a batch.
  void take(fem::ConstReals batch, int items, int item);

  /// Solves with the system's values, which hold no conditions yet; u: local.
  parallel::SolveReport solve(fem::Reals& u);
  /// u (local) at the centres of the squares; every rank gets all. Collective.
  std::vector<double> at_centres(fem::ConstReals u) const;
  /// What enters or leaves the patches of the inner nodes beyond their source, summed without sign
  /// over all of them, over the whole source: a bound for the imbalance of the fluxes (tested with
  /// shape functions) through the boundary, and through that of any set of patches. The system's
  /// values hold no conditions. Collective.
  double imbalance(fem::ConstReals u);

private:
  int _squares;
  std::shared_ptr<FemSpace const> _space;
  std::unique_ptr<FemSystem> _system;
  std::vector<std::int32_t> _square; ///< (cells held)
  std::vector<double> _centres;
  fem::Reals _load; ///< boundary rows included
};

/// `darcy`: log k = sigma Z, Z Gaussian of mean 0 and of mean variance 1 in squares, with the
/// squared-exponential spectrum of correlation length `length` in cosine modes; 0: independent.
/// Truth: elements of degree 2 on `truth_n` intervals, its uncertainty the distance from half as
/// many. Metric flux_balance: largest imbalance, of answers that tell it.
std::vector<ParameterSpec> darcy_parameters();
std::vector<std::string> const& darcy_metrics();
std::unique_ptr<Problem> make_darcy(Parameters const& parameters, Environment const&);

/// Array of answers, (items): the imbalance of each field.
inline constexpr char const* imbalance_array = "imbalance";

/// `fem-batch`: the matrices of many coefficients assembled at once (mode batch) or one after the
/// other (loop), each solved by its own factorisation. With mode batch, `prepare` compares the two
/// on items of the split `validation`: check batch_equals_loop, with a control; metric
/// loop_over_batch, the shortest of their times.
std::vector<ParameterSpec> fem_batch_parameters();
std::vector<std::string> const& fem_batch_metrics();
std::unique_ptr<Method> make_fem_batch(Parameters const& parameters);

} // namespace moho::study
