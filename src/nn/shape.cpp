// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/shape.hpp"
#include "moho/core/error.hpp"
#include <algorithm>

namespace moho::nn {

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::vector<std::int64_t>(extents)) {}

Shape::Shape(std::vector<std::int64_t> const& extents) : _rank(static_cast<int>(extents.size())) {
  if (_rank > max_rank)
    throw Error("an array of " + std::to_string(_rank) + " axes (there is room for " +
                std::to_string(max_rank) + "); merge axes by reshape");
  for (std::int64_t const n : extents)
    if (n < 1) throw Error("an array with an axis of " + std::to_string(n) + " entries");
  std::copy(extents.begin(), extents.end(), _extents.begin());
}

std::int64_t Shape::size() const {
  std::int64_t n = 1;
  for (int axis = 0; axis < _rank; ++axis) n *= _extents[axis];
  return n;
}

std::vector<std::int64_t> Shape::strides() const {
  std::vector<std::int64_t> strides(_rank, 1);
  for (int axis = _rank - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * _extents[axis + 1];
  return strides;
}

std::string Shape::str() const {
  std::string text = "(";
  for (int axis = 0; axis < _rank; ++axis)
    text += (axis ? ", " : "") + std::to_string(_extents[axis]);
  return text + ")";
}

Shape broadcast_shape(Shape const& a, Shape const& b) {
  int const rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> extents(rank);
  for (int back = 1; back <= rank; ++back) {
    std::int64_t const m = back <= a.rank() ? a[-back] : 1, n = back <= b.rank() ? b[-back] : 1;
    if (m != n && m != 1 && n != 1)
      throw Error("shapes " + a.str() + " and " + b.str() + " do not match");
    extents[rank - back] = std::max(m, n);
  }
  return Shape(extents);
}

std::vector<std::int64_t>
broadcast_strides(Shape const& from, std::vector<std::int64_t> const& strides, Shape const& to) {
  std::vector<std::int64_t> repeated(to.rank(), 0);
  for (int back = 1; back <= from.rank(); ++back)
    if (from[-back] == to[-back]) repeated[to.rank() - back] = strides[from.rank() - back];
  return repeated;
}

} // namespace moho::nn
