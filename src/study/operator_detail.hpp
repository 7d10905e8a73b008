// SPDX-License-Identifier: BSD-3-Clause
// What the operator problems share: tables of a basis and its solutions, and draws from them.
#pragma once
#include "moho/study/boundary_value.hpp"
#include "moho/study/operator_space.hpp"
#include "moho/study/parameters.hpp"
#include "moho/study/problem.hpp"
#include <string>
#include <vector>

namespace moho::study {

/// Basis functions and their solutions at the nodes, (functions, nodes) both, row-major.
struct BasisTable {
  std::size_t functions = 0, nodes = 0;
  std::vector<double> source, solution;
  std::vector<std::string> names;
};

/// The table of a space of one variable.
BasisTable basis_table(BoundaryValue const& equation, FunctionSpace const& space,
                       std::size_t intervals);

/// How items are drawn from the span of a basis.
struct SpanDraws {
  bool expectation = true; ///< items are the basis functions
  std::size_t train = 10000, test = 1000;
  double noise = 0; ///< sd, on training targets
  std::uint64_t seed = 1;

  std::size_t count(Split split, std::size_t functions) const;
  /// (n, functions): rows of the identity, or N(0, 1) by (seed, split, item, function).
  std::vector<double> coefficients(Split split, std::uint64_t first, std::size_t n,
                                   std::size_t functions) const;
  /// (n, nodes): noise N(0, 1).
  std::vector<double> label_noise(std::uint64_t first, std::size_t n, std::size_t nodes) const;
};

/// The keys draws, train, test, seed, and noise if asked for.
std::vector<ParameterSpec> draw_parameters(bool noise);
/// Throws moho::Error for noise without samples.
SpanDraws span_draws(Parameters const& parameters);

/// The keys of an equation: operator, N, k, c, beta, eps, w.
std::vector<ParameterSpec> equation_parameters(std::vector<std::string> operators);
/// Throws moho::Error where it has no unique solution.
BoundaryValue equation_of(Parameters const& parameters);

/// coefficients (n, functions) times values (functions, nodes): (n, nodes).
std::vector<double> combine(std::vector<double> const& coefficients,
                            std::vector<double> const& values, std::size_t nodes);

/// The space with its elements marked by the equation: what is learnt of one operator says nothing
/// of another.
Space marked(Space space, BoundaryValue const& equation);

/// Relative uncertainty of a truth that is rounded once per basis function.
inline constexpr double tabulated_uncertainty = 1e-15;

/// A linear map whose truth is known on a span: all of a Problem but its checks.
class SpanProblem : public Problem {
public:
  SpanProblem(Space space, SpanDraws const& draws) : _space(std::move(space)), _draws(draws) {}
  Space space() const override { return _space; }
  bool sampled() const override { return !_draws.expectation; }
  std::size_t count(Split split) const override { return _draws.count(split, functions()); }
  Batch draw(Split split, std::uint64_t first, std::size_t n) const override;
  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override;
  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override;

protected:
  /// Made when it is first needed: making a problem is cheap.
  BasisTable const& table() const;

private:
  virtual std::size_t functions() const = 0;
  virtual BasisTable make_table() const = 0;
  Space _space;
  SpanDraws _draws;
  mutable BasisTable _table;
};

/// Compares answers to the hats, the columns of E (spec A4 of arXiv 2506.15199's protocol), with A,
/// the exact solutions; both at interior nodes. green_rel = |E-A|/|A| (Frobenius). Of Poisson's
/// operator alone, NaN for the others: stencil_off, the share of the norm of -k h u'' (second
/// differences) away from rows j-1, j, j+1 of column j; stencil_weights, the relative deviation
/// from its exact values h [1/6, 4/6, 1/6] there; inverse_off, the share of M E^-1 off its three
/// diagonals, M the P1 mass matrix. M is needed because a unit input is a hat and no point source:
/// A = K^-1 M with K tridiagonal, so that A^-1 itself is full. inverse_raw_off is the share of E^-1
/// (0.17 of the exact operator at N = 16). Both are NaN where E is singular, as it is when it was
/// learnt on a space of fewer functions than nodes.
/// Data: probe/x (N+1), probe/answer and probe/exact (N-1, N+1), probe/inverse = M E^-1 (N-1, N-1).
std::vector<std::string> const& probe_metrics();
Assessment assess_probe(BoundaryValue const& equation, std::size_t intervals, Batch const& answers);

/// Tables against closed forms that no quadrature enters, each with a control.
std::vector<Check> boundary_value_checks(BoundaryValue const& equation, std::size_t intervals);

} // namespace moho::study
