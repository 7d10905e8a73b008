// SPDX-License-Identifier: BSD-3-Clause
// Exact derivatives of phase velocity, group velocity and ellipticity with respect to every layer's
// thickness, vp, vs and density, by implicit differentiation of the secular function: one upward
// sweep that stores its states, one downward (adjoint) sweep, O(layers) for all parameters.
#pragma once
#include "moho/dispersion/solve.hpp"

namespace moho::dispersion {

/// A root of a curve whose derivatives are wanted.
struct RootPoint {
  std::int64_t case_index; ///< in the batch
  Wave wave;
  double period;         ///< s
  double phase;          ///< km/s, a root as `solve` returned it (within 1e-8)
  bool extended = false; ///< double precision does not suffice here (Status::extended)
};

struct SensitivityOptions {
  bool group = true;       ///< derivatives of the group velocity too
  bool ellipticity = true; ///< derivatives of the ellipticity too (Rayleigh)
};

/// Partial derivatives per layer (not per km), every other parameter held fixed (vp where vs
/// varies). Rows: the layers of the model, fluids and half-space included; thickness of the
/// half-space, vs of a fluid, vp and ellipticity of Love: 0.
struct Gradient {
  std::vector<double> thickness, vp, vs, rho; ///< (offset.back()) each
};

/// Answer to a list of points, in their order. Where a point has no answer its rows are NaN and
/// `reason` says why; elsewhere `reason` is empty. Modes of very deep channels lack the derivatives
/// of the ellipticity alone, with a reason; their ellipticity is that of `eigenfunction`.
struct Sensitivities {
  std::vector<std::int64_t> offset; ///< (points+1): rows of a point in the gradients
  std::vector<double> group;        ///< (points) km/s
  std::vector<double> ellipticity;  ///< (points) u_x/u_z at the top of the solid, + = retrograde;
                                    ///< NaN for Love, and unless asked for
  Gradient dphase;                  ///< dc/dp
  Gradient dgroup;                  ///< dU/dp, empty unless asked for
  Gradient dellipticity;            ///< along the curve at fixed period; empty unless asked for
  std::vector<std::string> reason;  ///< (points)
};

/// Derivatives at known roots. The answer to a point depends on that point and its model alone, bit
/// for bit, whatever the batch, the order and the number of threads. Points where double precision
/// is in doubt (the secular function's zero lies elsewhere, modes nearly meet, a buried channel
/// holds the mode) are answered in extended precision at a hundred times the cost; a few in a
/// hundred.
Sensitivities sensitivities(ModelBatch const& batch, std::vector<RootPoint> const& points,
                            SensitivityOptions const& options = {});
/// The same into `answer`, whose memory is used again: new memory costs as much as the work.
void differentiate(ModelBatch const& batch, std::vector<RootPoint> const& points,
                   SensitivityOptions const& options, Sensitivities& answer);

} // namespace moho::dispersion
