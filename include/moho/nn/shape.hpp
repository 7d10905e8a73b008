// SPDX-License-Identifier: BSD-3-Clause
// Shape: the extents of a dense row-major array.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace moho::nn {

inline constexpr int max_rank = 6;

/// Extents of a row-major array of up to max_rank axes; no axes: a number.
class Shape {
public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::vector<std::int64_t> const& extents);

  int rank() const { return _rank; }
  /// Axis counted from the front, or from the back where negative.
  std::int64_t operator[](int axis) const { return _extents[axis < 0 ? axis + _rank : axis]; }
  std::int64_t size() const; ///< number of entries
  std::vector<std::int64_t> extents() const { return {_extents.begin(), _extents.begin() + _rank}; }
  std::vector<std::int64_t> strides() const; ///< in entries, row-major
  std::string str() const;                   ///< "(4, 32, 2)"
  bool operator==(Shape const&) const = default;

private:
  int _rank = 0;
  std::array<std::int64_t, max_rank> _extents{};
};

/// The shape that arrays of both shapes are broadcast to (axes matched from the back; an axis of
/// extent 1 or none is repeated). Throws moho::Error that names both.
Shape broadcast_shape(Shape const& a, Shape const& b);

/// Strides, one per axis of `to`, with which an array of shape `from` and strides `strides` is read
/// as if it had the shape `to`: 0 along repeated axes.
std::vector<std::int64_t>
broadcast_strides(Shape const& from, std::vector<std::int64_t> const& strides, Shape const& to);

} // namespace moho::nn
