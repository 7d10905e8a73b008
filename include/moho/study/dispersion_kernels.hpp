// SPDX-License-Identifier: BSD-3-Clause
// Sensitivity kernels as arrays of a Batch: what a method answers with `kernels = [..]`.
#pragma once
#include "moho/dispersion/solve.hpp"
#include "moho/parallel/communicator.hpp"
#include "moho/study/batch.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace moho::study {

/// Names of the derivatives, of phase velocity c, group velocity U and ellipticity E with respect
/// to each layer's thickness, vp, vs and density: dc_dh, dc_dvp, dc_dvs, dc_drho, dU_dh .. dE_drho.
/// Not per km; every other parameter held fixed. dE_* exist for Rayleigh waves alone.
std::vector<std::string> const& kernel_names();

/// "km/s/km", "1", ...: units of a kernel.
std::string kernel_units(std::string const& name);

/// Rows of a kernel: the layers of point p of a batch (all periods, case by case) stand at
/// offset[p] .. offset[p+1]. Size points + 1.
std::vector<std::int64_t> kernel_offset(dispersion::ModelBatch const& models);

/// Adds to the answers of `models` the arrays `<wave>/kernel/<name>`, (modes x rows), mode slowest,
/// for the names asked for; NaN where a point has no root or no kernel. Roots are those of
/// `curves`, which is complete on the root rank. All ranks share the work; `answers` is complete on
/// the root. Collective. If a rank throws, every rank throws that moho::Error.
void append_kernels(parallel::Comm const& comm, dispersion::ModelBatch const& models,
                    dispersion::Curves const& curves, dispersion::SolveOptions const& options,
                    std::vector<std::string> const& names, Batch& answers);

/// Real (1), of a truth that is not known to the last digit: kernels whose largest component is
/// below this share of the wave's velocity over the parameter are compared on that scale.
inline constexpr char const* kernel_floor_array = "kernel_floor";

/// Adds the same arrays for mode 0 of the first `sample` models by central differences of solved
/// curves, extrapolated from relative steps of 1e-3 and 5e-4: right to about 1e-8 of the largest
/// component, where that is not tiny (`kernel_floor_array`, 1e-3). NaN for the other models.
/// Collective.
void append_difference_kernels(parallel::Comm const& comm, dispersion::ModelBatch const& models,
                               std::size_t sample, Batch& truth);

} // namespace moho::study
