// SPDX-License-Identifier: BSD-3-Clause
// Linear boundary-value problems on [0, 1] with their Green's functions and exact solutions.
#pragma once
#include <array>
#include <compare>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

enum class Operator1d {
  poisson,                     ///< -k u'', u = 0 at both ends
  biharmonic_simply_supported, ///< k u'''', u = u'' = 0
  biharmonic_clamped,          ///< k u'''', u = u' = 0
  advection_diffusion,         ///< -eps u'' + beta u'
  reaction_diffusion,          ///< -k u'' + c u
  helmholtz                    ///< -k u'' - w^2 u
};
char const* name(Operator1d operator_); ///< "biharmonic-clamped"
/// All of them, in the order of the enumeration.
std::vector<std::string> const& operator_names();
/// Throws moho::Error that suggests the nearest name.
Operator1d operator_named(std::string const& name);

struct BoundaryValue {
  Operator1d kind = Operator1d::poisson;
  double k = 1, c = 25, beta = 1, eps = 0.1, w = 10;
  bool operator==(BoundaryValue const&) const = default;
};

/// Throws moho::Error where there is no unique solution: k or eps not positive, c negative, w at a
/// resonance n pi sqrt(k) of the Helmholtz operator.
void require_solvable(BoundaryValue const& equation);

/// G(x, s): the solution at x of a unit source at s, both in [0, 1] (arXiv 2506.15199, appendix;
/// closed forms, scaled so that no beta / eps, c / k overflows). Relative accuracy 1e-18 where
/// long double has 64 bits.
long double greens_function(BoundaryValue const& equation, long double x, long double s);

/// A function f of which the solution is known to working precision.
struct BasisFunction {
  enum class Kind {
    power,  ///< x^index
    sine,   ///< sin(index pi x)
    cosine, ///< cos(index pi x)
    hat     ///< 1 at the node index / N, 0 at the others, linear between
  };
  Kind kind = Kind::power;
  std::size_t index = 0;
  auto operator<=>(BasisFunction const&) const = default;
};

/// Exact values at the nodes i / N, i = 0 .. N, of sources and of the solutions that they cause.
class NodeSolutions {
public:
  /// Throws like `require_solvable`, and std::logic_error for fewer than two intervals.
  NodeSolutions(BoundaryValue const& equation, std::size_t intervals);

  /// f at the nodes, (N+1), each value rounded once from extended precision.
  std::vector<double> source(BasisFunction function) const;
  /// u at the nodes, (N+1): the integral of G(x_i, s) f(s) ds by Gauss quadrature that is split at
  /// the nodes and graded where G decays within an element, in long double; error below 1e-15 of
  /// the largest value.
  std::vector<double> const& solution(BasisFunction function) const;

private:
  // G(x, s) = e^(-rate (b-a)) sum_r low_r(a) high_r(b), a = min(x, s), b = max(x, s): the integral
  // over s < x_i follows from that over s < x_(i-1), so that a solution costs O(N), not O(N^2).
  using Terms = std::array<long double, 2>;
  std::vector<long double> integrands(BasisFunction function, std::size_t element) const;
  std::vector<double> integrate(BasisFunction function) const;

  std::size_t _intervals;
  std::vector<long double> _place, _weight; ///< of quadrature points in an element, as a share of h
  std::vector<Terms> _left, _right;         ///< weights (elements, points) for its right, left end
  std::vector<Terms> _low, _high;           ///< at the nodes
  long double _left_decay, _right_decay;    ///< across an element
  mutable std::map<BasisFunction, std::vector<double>> _known;
};

/// The table of one equation and grid, shared between the problems that ask for it; not to be
/// called from two threads at once.
std::shared_ptr<NodeSolutions const> node_solutions(BoundaryValue const& equation,
                                                    std::size_t intervals);

/// A problem that is one: a solver needs to know the equation it solves. A capability.
class BoundaryValueProblem {
public:
  virtual ~BoundaryValueProblem() = default;
  virtual BoundaryValue equation() const = 0;
  virtual std::size_t intervals() const = 0; ///< N: nodes i/N, i = 0 .. N
};

} // namespace moho::study
