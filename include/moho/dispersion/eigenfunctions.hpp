// SPDX-License-Identifier: BSD-3-Clause
// Eigenfunctions of trapped modes, matched from both sides where the mode has its energy, so that
// modes of buried channels come out as well as those of the surface.
#pragma once
#include "moho/dispersion/solve.hpp"

namespace moho::dispersion {

/// Displacement and traction at the interfaces of a model: row i is the top of layer i. Rayleigh:
/// ux, uz, tzx, tzz of the motion-stress vector with phases (1, i, 1, i) removed (r1 to r4 of Aki &
/// Richards 2002, sec. 7.2.1; z points down); Love: uy in `ux`, tzy in `tzx`, the others 0. At the
/// sea floor `ux` is that of the solid. Scaled so that the largest displacement, at the interfaces
/// and between them, has magnitude 1; what is below about 1e-100 of it may be given as 0.
/// Tractions in the caller's units (GPa for km/s and g/cm3 where displacement is in km).
struct Eigenfunction {
  std::vector<double> depth;            ///< (layers) km, of the top of each layer
  std::vector<double> ux, uz, tzx, tzz; ///< (layers)
  double ellipticity = 0;       ///< -ux/uz at the top of the solid, + = retrograde; Rayleigh only
  double surface_amplitude = 0; ///< displacement at the top of the solid / its maximum
  int match_layer = 0;          ///< the layer in or on top of which the two sides were matched
  double mismatch = 0;          ///< sine of the angle between the solutions of the two sides there
};

/// The eigenfunction of the root `phase` (km/s) at a period (s). The model and the period must be
/// sound and the root certified.
Eigenfunction eigenfunction(LayeredModel const& model, double period, Wave wave, double phase);

} // namespace moho::dispersion
