// SPDX-License-Identifier: BSD-3-Clause
// The norms of fields: at points, and over the domain where a method knows its field everywhere.
#include "answer_error.hpp"
#include "moho/core/error.hpp"
#include "moho/study/field_batch.hpp"
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

} // namespace

void set_norms(Batch& answers, FieldNorms const& norms) {
  answers.set(norms_array, "",
              std::vector<double>{norms.error_l2, norms.error_h1, norms.norm_l2, norms.norm_h1,
                                  norms.largest});
}

std::vector<std::string> const& field_metrics() {
  static const std::vector<std::string> names{"l2_error",     "h1_error",   "rel_l2",  "rel_h1",
                                              "point_rel_l2", "point_linf", "of_mean", "largest"};
  return names;
}

Assessment assess_field(Batch const& inputs, Batch const& truth, Batch const& answers) {
  const std::vector<std::size_t> shape = truth.at(value_array).shape;
  MOHO_REQUIRE(shape.size() == 2 && shape == answers.at(value_array).shape);
  const std::vector<double> u = truth.reals(value_array), found = answers.reals(value_array);
  const AnswerError error = answer_error(u, found);
  double const square = error.known > 0 ? error.square : nan;
  FieldNorms norms{nan, nan, nan, nan, nan};
  if (answers.has(norms_array)) {
    const std::vector<double> all = answers.reals(norms_array);
    MOHO_REQUIRE(all.size() == 5);
    norms = {all[0], all[1], all[2], all[3], all[4]};
  }
  std::vector<Dataset> data{
      {"field/point", "", inputs.reals(point_array), inputs.at(point_array).shape},
      {"field/value", "", found, shape},
      {"field/truth", "", u, shape}};
  for (char const* name : {node_point_array, node_value_array})
    if (answers.has(name))
      data.push_back(
          {std::string("field/") + name, "", answers.reals(name), answers.at(name).shape});
  if (inputs.has(time_array)) data.push_back({"field/time", "", inputs.reals(time_array)});
  return {{{"l2_error", norms.error_l2},
           {"h1_error", norms.error_h1},
           {"rel_l2", ratio(norms.error_l2, norms.norm_l2)},
           {"rel_h1", ratio(norms.error_h1, norms.norm_h1)},
           {"point_rel_l2", std::sqrt(ratio(square, error.norm))},
           {"point_linf", error.largest},
           {"of_mean", ratio(square, spread(u, shape[1]))},
           {"largest", norms.largest}},
          {{"points", static_cast<std::int64_t>(shape[0]), true}, {"unknown", error.unknown}},
          std::move(data)};
}

} // namespace moho::study
