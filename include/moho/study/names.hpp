// SPDX-License-Identifier: BSD-3-Clause
// Helping with names that were mistyped.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace moho::study {

/// Letters to insert, delete, replace or swap with their neighbour to turn a into b.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate closest to `name`, letter case ignored; "" if there is none.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

/// "did you mean 'modes'? known: modes, waves", for the end of an error message; all of
/// `candidates` are listed when they are 12 or fewer.
std::string suggestion(std::string_view name, std::span<const std::string> candidates);

} // namespace moho::study
