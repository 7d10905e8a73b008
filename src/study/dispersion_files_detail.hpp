// SPDX-License-Identifier: BSD-3-Clause
// Shared by the readers of dispersion files; not for other modules.
#pragma once
#include "moho/study/dispersion_files.hpp"
#include <limits>

namespace moho::study::detail {

/// One derivative of a kernel as files name it.
struct KernelColumn {
  char const *name, *units;
  dispersion::Gradient dispersion::Sensitivities::*quantity;
  std::vector<double> dispersion::Gradient::*parameter;
  bool rayleigh_only;
  std::vector<double> const& of(KernelAnswers const& kernels) const {
    return kernels.sensitivities.*quantity.*parameter;
  }
};
extern const std::array<KernelColumn, 12> kernel_columns;

/// Walks flags once, case by case: they are ordered by case.
class FlagsOfCases {
public:
  explicit FlagsOfCases(std::span<const dispersion::Flag> flags) : _left(flags) {}
  /// The flags of case i; i must not decrease.
  std::span<const dispersion::Flag> next(std::size_t i);

private:
  std::span<const dispersion::Flag> _left;
};

inline bool asked(DispersionAnswers const& a, dispersion::Wave wave) {
  return a.options.waves[static_cast<std::size_t>(wave)];
}

/// The ellipticity of one entry of a curve; NaN where there is none.
inline double ellipticity_of(dispersion::Curves::OfWave const& curve, std::size_t at) {
  return curve.ellipticity.empty() ? std::numeric_limits<double>::quiet_NaN()
                                   : curve.ellipticity[at];
}

/// Reads one finite or non-finite number that fills `text`; false if it is not one.
bool read_number(std::string_view text, double& value);

/// Text from a file, for a message: cut to a readable length, on one line, plain ASCII.
std::string shortened(std::string_view text, std::size_t most = 60);

/// Empties the columns of a case and keeps the reason.
void reject(DispersionCase& to, std::string const& error);

/// Adds warnings about units that cannot be right, each with its evidence.
void warn_of_units(DispersionCase& to);

/// Rejects a case whose model or periods are unsound; an already rejected one stays as it is.
void check(DispersionCase& to);

/// Cases of a JSON file.
std::vector<DispersionCase> parse_json_cases(std::string const& text, std::string const& source,
                                             std::span<double const> periods);

/// The cases that an HDF5 file of answers was made of.
std::vector<DispersionCase> read_hdf5_cases(std::string const& path,
                                            std::span<double const> periods);

/// The one case of a CPS model96 file.
DispersionCase parse_model96(std::string const& text, std::string const& source);

/// The one case of a table of thickness, vp, vs, rho.
DispersionCase parse_table(std::string const& text, std::string const& source);

} // namespace moho::study::detail
