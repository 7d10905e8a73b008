// SPDX-License-Identifier: BSD-3-Clause
// Boundary-value problems on domains of the plane and of space, as a solver needs to know them:
//
//   L u = f in the domain,  u = g or flux(u).n = g or flux(u).n + alpha u = g on its boundary,
//
// L the sum of `terms`, flux the conormal derivative that belongs to them (k grad u; the stress).
#pragma once
#include "moho/fem/form.hpp"
#include "moho/fem/vector.hpp"
#include "moho/study/problem.hpp"
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace moho::study {

using fem::Field; ///< writes its components at x[dim]

/// Where a problem is posed. Boundary tags of built-in domains: square and cube 1 x=0, 2 x=1, 3
/// y=0, 4 y=1, 5 z=0, 6 z=1; 0 where a mesh was cut (l-shape, hollow cube); files have their own.
enum class DomainKind : std::int8_t {
  square,      ///< (0, size_x) x (0, size_y)
  cube,        ///< (0, size_x) x (0, size_y) x (0, size_z)
  lshape,      ///< (0, 1)^2 without [1/2, 1) x (0, 1/2]
  hollow_cube, ///< (0, 1)^3 without [1/4, 3/4]^3
  disk,        ///< |x| < 1, from a mesh file
};
struct Domain {
  DomainKind kind = DomainKind::square;
  std::vector<double> size{}; ///< of a square or cube; empty: 1
  int dim() const { return kind == DomainKind::cube || kind == DomainKind::hollow_cube ? 3 : 2; }
  double extent(int direction) const { ///< of the sides of a square or cube
    return size.empty() ? 1 : size[static_cast<std::size_t>(direction)];
  }
};
char const* name(DomainKind kind); ///< "square", "cube", "lshape", "hollow-cube", "disk"
/// Throws moho::Error naming the known ones.
DomainKind domain_from_name(std::string const& name);
bool contains(Domain const& domain, double const* x);
/// From x to the boundary.
double boundary_distance(Domain const& domain, double const* x);
/// (n, dim) points inside, uniform, that depend on (seed, stream, first + i) alone.
std::vector<double> draw_points(Domain const& domain, std::uint64_t seed, std::uint64_t stream,
                                std::uint64_t first, std::size_t n);
/// A point of the boundary and its outward normal.
struct BoundaryPoint {
  double x[3] = {0, 0, 0}, normal[3] = {0, 0, 0};
  std::int32_t tag = 0; ///< 0 for a disk
};
/// At least `n` of them, spread over every part of the boundary; no corners.
std::vector<BoundaryPoint> boundary_points(Domain const& domain, std::size_t n);

/// A term of L. The coefficient is `constant`, or where there is one `field`: k (1, or dim x dim
/// row-major with `tensor`) for diffusion, c for mass, b (dim) for advection, (lambda, mu) for
/// elasticity.
struct Term {
  fem::FormKind kind = fem::FormKind::diffusion;
  std::vector<double> constant{1.0};
  Field field{};
  bool tensor = false;
  /// Values at x, as many as the coefficient has.
  std::vector<double> at(double const* x, int dim) const;
};

enum class ConditionKind : std::int8_t { dirichlet, neumann, robin };
/// A condition on the facets with one of `tags` (none named: on all). Where there is no condition,
/// the flux is zero.
struct BoundaryCondition {
  ConditionKind kind = ConditionKind::dirichlet;
  std::vector<std::int32_t> tags{};
  /// g (components) at x.
  Field value{};
  double alpha = 0; ///< Robin
};

enum class Definiteness : std::int8_t { positive, indefinite, nonsymmetric };

/// A boundary-value problem with, if it is known, its solution.
struct Pde {
  Domain domain;
  int components = 1;
  std::vector<Term> terms;
  Field source{}; ///< f (components); empty: 0
  std::vector<BoundaryCondition> conditions;
  Field exact{};     ///< u (components); empty: not known
  Field gradient{};  ///< (components, dim), row-major
  double length = 1; ///< in which the solution changes
  Definiteness definiteness = Definiteness::positive;

  int dim() const { return domain.dim(); }
  bool known() const { return static_cast<bool>(exact); }
  bool elastic() const; ///< has a term of elasticity
  /// Determined only up to a constant (rigid modes in elasticity): no Dirichlet or Robin
  /// condition, no mass.
  bool singular() const;
};

/// flux(u).n at x of the exact solution, (components).
std::vector<double> exact_flux(Pde const& pde, double const* x, double const* normal);

/// A problem whose solver needs to know a boundary-value problem. A capability.
class BoundaryProblem {
public:
  virtual ~BoundaryProblem() = default;
  virtual Pde const& pde() const = 0;
};

/// The claims of a Pde whose solution is known, each beside a control: `gradient` against
/// differences of the solution, `source` against differences of the fluxes (the strong form), and
/// `boundary`, the data against the solution at points of the boundary. Points where `skip` holds
/// are left out (singularities). Errors are shares of the largest value of what enters, so that
/// they are the same in other units.
std::vector<Check> pde_checks(Pde const& pde, std::function<bool(double const*)> const& skip = {});

/// A problem of task "field" (field_batch.hpp) that is stated by a Pde: points are drawn in the
/// domain, the truth is the exact solution (NaN if it is not known).
class FieldProblem : public Problem, public BoundaryProblem {
public:
  /// `points`: of the test split, ten times as many to train; `uncertainty`: of the truth,
  /// relative.
  FieldProblem(Pde pde, std::size_t points, std::uint64_t seed, double uncertainty = 1e-15)
      : _pde(std::move(pde)), _points(points), _seed(seed), _uncertainty(uncertainty) {}

  Pde const& pde() const override { return _pde; }
  std::size_t count(Split split) const override;
  Batch draw(Split split, std::uint64_t first, std::size_t n) const override;
  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override;
  std::vector<Check> verify(parallel::Comm const& comm) const override;
  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override;

private:
  Pde _pde;
  std::size_t _points;
  std::uint64_t _seed;
  double _uncertainty;
};

} // namespace moho::study
