// SPDX-License-Identifier: BSD-3-Clause
// Shared by the readers of dispersion files; not for other modules.
#pragma once
#include "moho/study/dispersion_files.hpp"

namespace moho::study::detail {

/// Why every kernel is null.
inline constexpr char const* no_kernels =
    "sensitivity kernels are not computed by this version of moho";

/// Reads one finite or non-finite number that fills `text`; false if it is not one.
bool read_number(std::string_view text, double& value);

/// Text from a file, for a message: cut to a readable length, on one line, plain ASCII.
std::string shortened(std::string_view text, std::size_t most = 60);

/// Empties the columns of a case and keeps the reason.
void reject(DispersionCase& to, std::string const& error);

/// Rejects a case whose model or periods are unsound; an already rejected one stays as it is.
void check(DispersionCase& to);

/// Cases of a JSON file.
std::vector<DispersionCase> parse_json_cases(std::string const& text, std::string const& source,
                                             std::span<double const> periods);

/// The one case of a CPS model96 file.
DispersionCase parse_model96(std::string const& text, std::string const& source);

/// The one case of a table of thickness, vp, vs, rho.
DispersionCase parse_table(std::string const& text, std::string const& source);

} // namespace moho::study::detail
