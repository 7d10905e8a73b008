// SPDX-License-Identifier: BSD-3-Clause
#include "moho/dispersion/model.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace moho::dispersion {
namespace {

std::string at(char const* key, std::size_t row) {
  return std::string(key) + "[" + std::to_string(row) + "]";
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string wrong_value(char const* key, std::size_t row, double value, char const* why) {
  return at(key, row) + " = " + number(value) + " (" + why + ")";
}

std::string wrong_lengths(LayeredModel const& model) {
  const std::size_t n = model.layers();
  if (n == 0) return "the model has no rows (a half-space is needed) give at least its last row";
  const std::pair<char const*, std::size_t> lengths[] = {
      {"vp", model.vp.size()}, {"vs", model.vs.size()}, {"rho", model.rho.size()}};
  for (auto const& [key, length] : lengths)
    if (length != n)
      return std::string(key) + " has " + std::to_string(length) + " rows, thickness has " +
             std::to_string(n) + " (one row per layer) make them equal";
  return "";
}

std::string problem_with_row(LayeredModel const& model, std::size_t i, bool solid_above) {
  double const h = model.thickness[i], vp = model.vp[i], vs = model.vs[i], rho = model.rho[i];
  bool const last = i + 1 == model.layers();
  if (!std::isfinite(h)) return wrong_value("thickness", i, h, "not a finite number");
  if (last && h != 0)
    return wrong_value("thickness", i, h, "no half-space: the last row must have thickness 0");
  if (!last && !(h > 0)) return wrong_value("thickness", i, h, "a layer's must be > 0 km");
  if (!std::isfinite(vp) || !(vp > 0))
    return wrong_value("vp", i, vp, "must be finite and > 0 km/s");
  if (!std::isfinite(vs) || vs < 0) return wrong_value("vs", i, vs, "must be finite and >= 0 km/s");
  if (!std::isfinite(rho) || !(rho > 0))
    return wrong_value("rho", i, rho, "must be finite and > 0 g/cm3");
  if (vs == 0 && last) return wrong_value("vs", i, vs, "the half-space must be solid");
  if (vs == 0 && solid_above)
    return wrong_value("vs", i, vs, "a fluid layer below a solid one; fluids lie on top only");
  if (3 * vp * vp < 4 * vs * vs * (1 - 1e-14))
    return wrong_value("vp", i, vp, "below sqrt(4/3) vs: the bulk modulus would be negative");
  return "";
}

/// Contrasts beyond this overflow the products of a few layers, and no ground or ice has them.
std::string problem_with_range(LayeredModel const& model) {
  double const most = 1e8;
  const std::pair<char const*, std::span<double const>> columns[] = {
      {"vp", model.vp}, {"vs", model.vs}, {"rho", model.rho}};
  for (auto const& [key, column] : columns)
    for (std::size_t i = 0; i < column.size(); ++i) {
      if (column[i] == 0) continue; // a fluid's vs
      double const contrast = column[i] / column.back();
      if (!(contrast < most && contrast > 1 / most))
        return wrong_value(key, i, column[i], "more than 1e8 times off the half-space's value");
    }
  return "";
}

} // namespace

std::string problem_with(LayeredModel const& model) {
  if (std::string text = wrong_lengths(model); !text.empty()) return text;
  bool solid_above = false;
  for (std::size_t i = 0; i < model.layers(); ++i) {
    if (std::string text = problem_with_row(model, i, solid_above); !text.empty()) return text;
    solid_above = solid_above || model.vs[i] > 0;
  }
  return problem_with_range(model);
}

std::string problem_with_periods(std::span<double const> periods) {
  if (periods.empty()) return "periods is empty (nothing is asked) give at least one period in s";
  for (std::size_t i = 0; i < periods.size(); ++i)
    if (!std::isfinite(periods[i]) || !(periods[i] > 0))
      return wrong_value("periods", i, periods[i], "must be finite and > 0 s");
  return "";
}

void ModelBatch::append(LayeredModel const& model, std::span<double const> periods) {
  auto const add = [](std::vector<double>& to, std::span<double const> from, std::size_t n) {
    to.insert(to.end(), from.begin(), from.end());
    to.resize(to.size() + n - from.size(), 0.0);
  };
  // An unequal row count is kept visible: short columns are padded with an unsound 0.
  const std::size_t n = std::max(std::max(model.thickness.size(), model.vp.size()),
                                 std::max(model.vs.size(), model.rho.size()));
  add(_thickness, model.thickness, n);
  add(_vp, model.vp, n);
  add(_vs, model.vs, n);
  add(_rho, model.rho, n);
  _period.insert(_period.end(), periods.begin(), periods.end());
  _layer_offset.push_back(static_cast<std::int64_t>(_thickness.size()));
  _period_offset.push_back(static_cast<std::int64_t>(_period.size()));
}

LayeredModel ModelBatch::model(std::size_t i) const {
  auto const begin = static_cast<std::size_t>(_layer_offset[i]);
  auto const n = static_cast<std::size_t>(_layer_offset[i + 1]) - begin;
  auto const part = [&](std::vector<double> const& v) {
    return std::span<const double>(v).subspan(begin, n);
  };
  return {part(_thickness), part(_vp), part(_vs), part(_rho)};
}

std::span<double const> ModelBatch::periods(std::size_t i) const {
  auto const begin = static_cast<std::size_t>(_period_offset[i]);
  return std::span<double const>(_period).subspan(
      begin, static_cast<std::size_t>(_period_offset[i + 1]) - begin);
}

} // namespace moho::dispersion
