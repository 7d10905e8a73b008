// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/study/assembly_study.hpp"
#include <cstddef>
#include <vector>

namespace moho::study {

/// The coefficient of a form where it is global.
std::vector<double> base_coefficient(MatrixForm const& matrix);
/// The form on item `item` of affine fields (n, components, 1 + dim), integrated in closed form;
/// NaN where it has none: integrands of degree 3, or which the form's rule does not integrate
/// exactly.
double energy(MatrixForm const& matrix, Moments const& over, std::vector<double> const& trial,
              std::vector<double> const& test, std::size_t item);

} // namespace moho::study
