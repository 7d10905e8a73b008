// SPDX-License-Identifier: BSD-3-Clause
// What every finite element method is made of: a distributed space, and linear systems on it.
// Vectors are flat device arrays: an *owned* vector has a value per scalar unknown of this rank, a
// *local* one per scalar unknown of the nodes it holds, ghosts (at the end) included.
#pragma once
#include "moho/fem/assembly.hpp"
#include "moho/fem/constraints.hpp"
#include "moho/fem/space.hpp"
#include "moho/fem/vector.hpp"
#include "moho/parallel/exchange.hpp"
#include "moho/parallel/petsc.hpp"
#include "moho/study/fem_mesh.hpp"
#include "moho/study/field_batch.hpp"
#include "moho/study/parameters.hpp"
#include "moho/study/pde_problem.hpp"
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// How a domain is cut into elements: the parameters that every finite element method has.
struct Discretization {
  std::string cell = "auto"; ///< auto: triangle or tetrahedron
  int degree = 1;
  int n = 16;          ///< intervals along a side; of a file's mesh: parts of an edge, 1, 2, 4, ..
  std::string mesh{};  ///< a file; "": built in
  bool curved = false; ///< geometry of degree 2 on a disk
  fem::Ordering ordering = fem::Ordering::lexicographic;
  Partition partition = Partition::automatic;
  double perturbation = 0;
};
/// cell, degree, n, mesh, curved, ordering, partition, perturbation.
std::vector<ParameterSpec> discretization_parameters();
Discretization discretization_of(Parameters const& parameters);
/// Throws moho::Error for what shows without a mesh: cells of another dimension, a domain that has
/// no built-in mesh, a file that is not there.
void check_discretization(Domain const& domain, Discretization const& how);
/// The part of this rank. Collective. Throws as check_discretization, and: a mesh whose boundary is
/// not the domain's, fewer nodes than ranks.
fem::Part make_part(parallel::Comm const& comm, Domain const& domain, Discretization const& how);

/// reduce, threads, petsc (a list of "option=value", which the study's [petsc] table sets too).
std::vector<ParameterSpec> system_parameters();
struct SystemOptions {
  std::optional<fem::Reduce> reduce{}; ///< none: the default of element and form
  int threads = 0;
  parallel::PetscOptions petsc{};
};
SystemOptions system_options_of(Parameters const& parameters);

/// A Lagrange space with `components` per node, spread over ranks.
class FemSpace {
public:
  FemSpace(parallel::Comm const& comm, fem::Part part, int components);
  ~FemSpace();
  FemSpace(FemSpace const&) = delete;
  FemSpace& operator=(FemSpace const&) = delete;

  parallel::Comm const& comm() const { return _comm; }
  fem::Part const& part() const { return _part; }
  fem::Topology const& topology() const { return _topology; }
  int components() const { return _topology.components(); }
  int dim() const { return _part.mesh.dim(); }
  int degree() const { return _part.space.element.degree; }
  std::size_t owned() const; ///< scalar unknowns of this rank
  std::size_t local() const; ///< and with ghosts
  /// Of the whole space: scalar unknowns, entries of the matrix, cells.
  std::int64_t unknowns() const { return _unknowns; }
  std::int64_t nonzeros() const { return _nonzeros; }
  std::int64_t cells() const { return _cells; }
  bool affine() const { return _affine; } ///< every cell of the whole mesh

  fem::Reals owned_vector() const {
    return fem::Reals("moho::study::FemSpace.owned", owned());
  } ///< zeros
  fem::Reals local_vector() const {
    return fem::Reals("moho::study::FemSpace.local", local());
  } ///< zeros
  /// Ghosts of a local vector := their owners' values. Collective.
  void update_ghosts(fem::Reals const& local) const;
  fem::Reals with_ghosts(fem::ConstReals owned) const; ///< collective
  fem::Reals without_ghosts(fem::ConstReals local) const;
  /// Local vector of f at the nodes.
  fem::Reals interpolate(Field const& f) const;
  /// Sum over all ranks of a_i b_i over owned vectors. Collective.
  double dot(fem::ConstReals a, fem::ConstReals b) const;

  /// Local scalar unknowns on boundary facets with one of `tags` (none: all), 0 or 1, every
  /// component; ghosts included. Collective.
  std::vector<std::uint8_t> marks(std::span<const std::int32_t> tags) const;
  /// Tags of boundary facets of the whole mesh, ascending. Collective.
  std::vector<std::int32_t> tags() const;

  /// A coefficient at the points of a rule exact to `degree` in each cell held.
  fem::Coefficient sampled(Field const& f, int components, int degree) const;
  /// Values (n, components) of a local vector at points (n, dim): in the cell that holds the point,
  /// of several the one of lowest id; outside of the mesh (a disk) the nearest's, continued. The
  /// same on any number of ranks. Collective; every rank gets all.
  std::vector<double> evaluate(fem::ConstReals local, std::span<double const> points) const;
  /// For pictures: adds nodes and values of a local vector to the answers (field_batch.hpp), on the
  /// root, where the domain is plane and there are at most 20 000 nodes. Collective.
  void picture(fem::ConstReals local, Batch& out) const;
  /// Writes a local vector as field `name` to `path` (.xdmf, with an .h5 beside it). Collective.
  void write(fem::ConstReals local, std::string const& name, std::string const& path) const;
  /// Norms with a rule of degree 2p + 3; errors NaN if `exact` is empty. Collective.
  FieldNorms norms(fem::ConstReals local, Field const& exact, Field const& gradient) const;

private:
  struct Locator;
  parallel::Comm _comm;
  fem::Part _part;
  fem::Topology _topology;
  parallel::GhostExchange _exchange;
  std::int64_t _unknowns = 0, _nonzeros = 0, _cells = 0;
  bool _affine = true;
  mutable std::unique_ptr<Locator> _locator; ///< made when it is first needed
};

/// One matrix on a space, with the unknowns that are fixed and its solver.
///
///     system.assemble(forms);        // values = sum of the forms
///     system.lift(g, b);             // b -= K g, b = g in fixed rows; before eliminate
///     system.eliminate();            // rows and columns of fixed unknowns; tells PETSc
///     system.solve(b, x);
class FemSystem {
public:
  /// `fixed`: (local scalar unknowns), 0 or 1, ghosts right; empty: none.
  FemSystem(std::shared_ptr<FemSpace const> space, std::vector<std::uint8_t> fixed,
            SystemOptions const& options);

  FemSpace const& space() const { return *_space; }
  /// values = sum of the forms. Tables of a kind of form are made on its first use.
  void assemble(std::span<fem::Form const> forms);
  /// Makes the tables of a form, so that `assemble` takes re-assembly's time.
  void require(fem::Form const& form);
  /// The values: for boundary terms, sums of matrices, derivatives.
  /// After a change that `eliminate` does not follow, `changed()`.
  fem::Reals const& values() const { return _values; }
  fem::Constraints const& constraints() const { return _constraints; }
  void lift(fem::ConstReals g, fem::Reals const& b) const; ///< g: local vector
  void eliminate();
  void changed();
  void zero_fixed(fem::Reals const& b) const { _constraints.zero(b); }

  /// y = A x, or A^T x, on owned vectors. Collective.
  void multiply(fem::ConstReals x, fem::Reals const& y, bool transpose = false) const;
  /// The solver; made on the first call. Its preconditioner is kept as long as values are not
  /// changed. Collective.
  parallel::LinearSolver& solver();
  /// x = A^-1 b on owned vectors. Collective.
  parallel::SolveReport solve(fem::ConstReals b, fem::Reals const& x, bool transpose = false);
  fem::Reduce reduce() const { return _reduce; } ///< of the last form assembled

private:
  struct Table {
    fem::FormKind kind;
    bool symmetric, tensor;
    fem::Reduce reduce;
    std::unique_ptr<fem::Assembly> assembly;
  };
  fem::Assembly& table(fem::Form const& form);

  std::shared_ptr<FemSpace const> _space;
  SystemOptions _options;
  fem::Constraints _constraints;
  fem::Reals _values;
  Kokkos::View<double*, Kokkos::HostSpace> _host; ///< the same memory where the device is a host
  parallel::PetscMatrix _matrix;
  std::vector<Table> _tables;
  std::optional<parallel::LinearSolver> _solver;
  fem::Reduce _reduce = fem::Reduce::scatter;
};

/// The form with the quadrature that the space's cells ask for, unless it has one or its
/// coefficient stands at points of one. FemSystem::assemble takes it; whoever differentiates what
/// was assembled on cells that are not affine passes it on too.
fem::Form suited(fem::Form form, FemSpace const& space);

// --- a Pde on a space ---------------------------------------------------------------------------

/// Its terms as forms; variable coefficients are sampled at points of a rule of degree 2p + 1.
std::vector<fem::Form> forms_of(Pde const& pde, FemSpace const& space);
/// Throws moho::Error when the mesh (`what`) lacks facets with a tag that a condition names.
void require_tags(Pde const& pde, FemSpace const& space, std::string const& what);
/// Local scalar unknowns with a Dirichlet condition.
std::vector<std::uint8_t> fixed_by(Pde const& pde, FemSpace const& space);
/// Local vector: Dirichlet data where there are any, else 0.
fem::Reals boundary_values(Pde const& pde, FemSpace const& space);
/// Source and boundary fluxes, tested: an owned vector. Rules of degree p + 3.
fem::Reals load_of(Pde const& pde, FemSpace const& space);
/// Adds Robin terms to assembled values.
void add_robin(Pde const& pde, FemSystem& system);
/// The solver's options: those given; where they name neither ksp_type nor pc_type, CG + GAMG for
/// positive matrices and MUMPS for others.
parallel::PetscOptions solver_options(Pde const& pde, parallel::PetscOptions given);

} // namespace moho::study
