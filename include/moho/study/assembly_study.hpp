// SPDX-License-Identifier: BSD-3-Clause
// Task "matrix": the matrix of a form on a mesh. It is asked through what it does to fields whose
// answer is known in closed form, so that no second assembly is needed to judge it.
#pragma once
#include "moho/study/fem_system.hpp"
#include "moho/study/method.hpp"
#include "moho/study/registry.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

inline constexpr char const* matrix_task = "matrix";

namespace matrix {
// Arrays. Inputs; an item is a pair of fields (u, v). Affine ones are (n, components, 1 + dim):
// value at the origin, then the gradient.
inline constexpr char const* trial = "trial"; ///< u
inline constexpr char const* test = "test";   ///< v
/// (n) amplitude of random numbers at the nodes that are added to u; they depend on the node's id.
inline constexpr char const* noise = "noise";
// Answers and truth, (n); NaN in a truth that is not known.
inline constexpr char const* energy = "energy"; ///< v . K u
inline constexpr char const* action = "action"; ///< largest |K u|
inline constexpr char const* skew = "skew";     ///< largest |K u - K^T u|
// Answers.
inline constexpr char const* magnitude = "magnitude"; ///< (n) largest |K_ij| x largest |u|
inline constexpr char const* size = "size"; ///< (2) integers: rows, entries; truth: -1 unknown
inline constexpr char const* checksum = "checksum";   ///< (1) integer, of the bits (52 bits)
inline constexpr char const* reference = "reference"; ///< (2) relative difference, entries
} // namespace matrix

/// Which matrix.
struct MatrixForm {
  Domain domain;
  Discretization how; ///< its partition belongs to the method
  fem::FormKind kind = fem::FormKind::diffusion;
  int components = 1;
  bool tensor = false;
  fem::Where where = fem::Where::global; ///< of the coefficient
  /// The coefficient at x: that of the form, times 1 + x_0 / 2 where it is not global.
  std::vector<double> coefficient(double const* x) const;
  int dim() const { return domain.dim(); }
};

/// A problem that asks for a matrix. A capability.
class MatrixProblem {
public:
  virtual ~MatrixProblem() = default;
  virtual MatrixForm const& matrix() const = 0;
};

/// The form on a space: its coefficient sampled where it lives.
fem::Form form_on(MatrixForm const& matrix, FemSpace const& space);
/// Adds to `out` what the matrix of `system` does to the fields of `in`: the arrays `energy`,
/// `action`, `skew`, `magnitude`, and `size`. Collective.
void act(FemSystem const& system, Batch const& in, Batch& out);

/// Rows and entries of the matrix of a scalar form on a box of n[0] x n[1] (x n[2]) intervals.
struct MatrixSize {
  std::int64_t rows = 0, entries = 0;
};
MatrixSize box_size(fem::Element element, std::vector<int> const& n);

/// Integrals over a domain of 1, x_i and x_i x_j, row-major.
struct Moments {
  double zero = 0;
  std::vector<double> first, second;
};
Moments box_moments(std::vector<double> const& size);
/// Of the cells of a part that this rank counts (those whose first node it owns), summed over the
/// ranks; straight simplices alone, else NaN. Collective.
Moments cell_moments(parallel::Comm const& comm, fem::Part const& part);

std::vector<ParameterSpec> assembly_problem_parameters();
/// energy_rel: largest error of v . K u over the largest truth; kernel_rel: largest |K u| over
/// fields without energy (constants, rigid motions), over the magnitude, 0 where the form has none
/// (mass); skew_rel: largest |K u - K^T u| over the magnitude, 0 where the form is not symmetric;
/// rows_off, entries_off: NaN where the size has no closed form; to_reference: ||K - R||_F /
/// ||R||_F against another policy, reference_differs: entries whose bits differ from it; NaN
/// without one.
std::vector<std::string> const& assembly_problem_metrics();
std::unique_ptr<Problem> make_assembly_problem(Parameters const& parameters,
                                               Environment const& environment);

/// `apply` is one re-assembly into PETSc's matrix. Counters: cells, unknowns, nonzeros, bytes that
/// must pass (fem::assembly_work of the whole mesh), and the checksum of policies whose bits do not
/// depend on the ranks.
std::vector<ParameterSpec> assembly_method_parameters();
/// Shares of a floor in the time of an apply: the time in which bytes pass at the measured rate of
/// memory. floor_share: those of a gather into CSR (bytes_realistic); floor_share_least: values
/// written, cells, coordinates and coefficients read, once each (bytes_least).
std::vector<std::string> const& assembly_method_metrics();
std::unique_ptr<Method> make_assembly_method(Parameters const& parameters);

} // namespace moho::study
