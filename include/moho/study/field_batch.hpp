// SPDX-License-Identifier: BSD-3-Clause
// Task "field": which value has the solution of a differential equation at a point?
#pragma once
#include "moho/study/problem.hpp"
#include <string>
#include <vector>

namespace moho::study {

/// Inputs, (n, dim): points of the domain. An item is a point.
inline constexpr char const* point_array = "point";
/// Inputs of evolution problems, (n): when.
inline constexpr char const* time_array = "time";
/// Answers and truth, (n, components). A truth that is not known is NaN.
inline constexpr char const* value_array = "value";
/// Answers of methods that know their field everywhere (Method::examine): `FieldNorms` in order.
inline constexpr char const* norms_array = "norms";
/// Answers, for pictures: (nodes, dim) and (nodes, components), in the order of the nodes' ids.
inline constexpr char const* node_point_array = "node_point";
inline constexpr char const* node_value_array = "node_value";
/// The task's name in the registry.
inline constexpr char const* field_task = "field";

/// Norms over the domain: of u_h - u and its gradient, of u and its gradient (NaN where u is not
/// known), and the largest |u_h| at a node.
struct FieldNorms {
  double error_l2 = 0, error_h1 = 0, norm_l2 = 0, norm_h1 = 0, largest = 0;
};
void set_norms(Batch& answers, FieldNorms const& norms);

/// The names of what `assess_field` returns.
std::vector<std::string> const& field_metrics();

/// Compares the arrays `value`: point_rel_l2 = (sum|u-uh|^2 / sum|u|^2)^1/2 over the points,
/// point_linf = largest |u-uh|, of_mean = sum|u-uh|^2 / sum|u-mean|^2 (below 1 beats the best
/// constant answer). From the answers' norms, NaN if there are none: l2_error, h1_error (of the
/// gradient), rel_l2, rel_h1, largest. NaN where nothing is known; a NaN answer to a known truth
/// makes those of the points NaN. Data: field/point, field/value, field/truth, field/node_point,
/// field/node_value. Counters: points, unknown.
Assessment assess_field(Batch const& inputs, Batch const& truth, Batch const& answers);

} // namespace moho::study
