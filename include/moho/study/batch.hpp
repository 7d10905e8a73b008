// SPDX-License-Identifier: BSD-3-Clause
// What travels between Problem and Method: a count and named device arrays with shape and units.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace moho::study {

/// A count of items and named device arrays, each flat in row-major order with a shape and units.
/// Ragged data are kept as flat arrays with an offset array (count+1). Copies share the arrays.
class Batch {
public:
  using Reals = Kokkos::View<double*, MemorySpace>;
  using Integers = Kokkos::View<std::int64_t*, MemorySpace>;
  struct Array {
    std::string name, units; ///< units "" = dimensionless
    std::vector<std::size_t> shape;
    std::variant<Reals, Integers> values;
  };

  explicit Batch(std::size_t count = 0) : _count(count) {}
  std::size_t count() const { return _count; } ///< items: models, meshes, functions

  /// Copies host values in; replaces an array of that name. The shape's product is their number.
  void set(std::string const& name, std::string const& units, std::span<double const> values,
           std::vector<std::size_t> shape = {});
  void set(std::string const& name, std::string const& units, std::span<const std::int64_t> values,
           std::vector<std::size_t> shape = {});
  /// Takes device values without a copy.
  void set(Array array);

  bool has(std::string const& name) const;
  /// Throws std::logic_error naming the arrays there are, when it has none of that name.
  Array const& at(std::string const& name) const;
  std::vector<Array> const& arrays() const { return _arrays; }

  /// Host copies. Throw like `at`, also when the array holds the other type.
  std::vector<double> reals(std::string const& name) const;
  std::vector<std::int64_t> integers(std::string const& name) const;

  std::vector<std::string> labels; ///< one name per item, or empty

private:
  std::size_t _count;
  std::vector<Array> _arrays;
};

} // namespace moho::study
