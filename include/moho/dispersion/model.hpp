// SPDX-License-Identifier: BSD-3-Clause
// Layered Earth models and batches of them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace moho::dispersion {

/// A flat, isotropic, elastic model, top row first. The last row is the half-space (thickness 0).
/// vs = 0 marks a fluid layer; fluid layers lie on top. Units: km, km/s, km/s, g/cm3.
struct LayeredModel {
  std::span<double const> thickness, vp, vs, rho; ///< (layers) each, the half-space included
  std::size_t layers() const { return thickness.size(); }
};

/// What is wrong with a model, as `PROBLEM (WHY) SUGGESTION` naming key and row; empty if sound.
/// Sound: equal lengths; finite values; thickness > 0 but 0 in the last row; vp, rho > 0; vs > 0,
/// or 0 in the first rows only; vp >= sqrt(4/3) vs (a positive bulk modulus); velocities and
/// densities within a factor of 1e8 of the half-space's.
std::string problem_with(LayeredModel const& model);

/// What is wrong with a period list: empty, or a period that is not finite and > 0; empty if sound.
std::string problem_with_periods(std::span<double const> periods);

/// Models with the periods asked of each, stored end to end (ragged rows by offsets, n+1 long).
class ModelBatch {
public:
  /// Appends one case. Nothing is checked here: `solve` answers an unsound case with its error.
  void append(LayeredModel const& model, std::span<double const> periods);
  std::size_t size() const { return _layer_offset.size() - 1; }
  std::size_t points() const { return _period.size(); } ///< sum of periods over the cases
  LayeredModel model(std::size_t i) const;
  std::span<double const> periods(std::size_t i) const;
  std::span<const std::int64_t> layer_offset() const { return _layer_offset; }   ///< (size+1)
  std::span<const std::int64_t> period_offset() const { return _period_offset; } ///< (size+1)

private:
  std::vector<std::int64_t> _layer_offset{0}, _period_offset{0};
  std::vector<double> _thickness, _vp, _vs, _rho, _period;
};

} // namespace moho::dispersion
