// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/batch.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include <functional>
#include <numeric>
#include <stdexcept>

namespace moho::study {
namespace {

std::size_t product(std::vector<std::size_t> const& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

template <class T>
using Values = Kokkos::View<T*, MemorySpace>;

/// The memory of the array of that name where it has the size and nobody shares it, else new one.
template <class T>
Values<T> memory_for(std::vector<Batch::Array> const& present, std::string const& name,
                     std::size_t size) {
  for (Batch::Array const& array : present)
    if (array.name == name)
      if (auto const* values = std::get_if<Values<T>>(&array.values);
          values != nullptr && values->extent(0) == size && values->use_count() == 1)
        return *values;
  return Values<T>(Kokkos::view_alloc(name, Kokkos::WithoutInitializing), size);
}

template <class T>
Batch::Array array_of(std::vector<Batch::Array> const& present, std::string const& name,
                      std::string const& units, std::span<const T> values,
                      std::vector<std::size_t> shape) {
  if (shape.empty()) shape = {values.size()};
  MOHO_REQUIRE(product(shape) == values.size());
  Values<T> const copy = memory_for<T>(present, name, values.size());
  copy_to_device(values, copy);
  return {name, units, std::move(shape), copy};
}

template <class T>
std::vector<T> values_of(Batch::Array const& array) {
  auto const* device = std::get_if<Values<T>>(&array.values);
  if (device == nullptr)
    throw std::logic_error("defect in moho: array '" + array.name + "' holds the other type");
  return to_host(*device);
}

} // namespace

void Batch::set(std::string const& name, std::string const& units, std::span<double const> values,
                std::vector<std::size_t> shape) {
  set(array_of(_arrays, name, units, values, std::move(shape)));
}

void Batch::set(std::string const& name, std::string const& units,
                std::span<const std::int64_t> values, std::vector<std::size_t> shape) {
  set(array_of(_arrays, name, units, values, std::move(shape)));
}

void Batch::set(Array array) {
  for (Array& present : _arrays)
    if (present.name == array.name) {
      present = std::move(array);
      return;
    }
  _arrays.push_back(std::move(array));
}

bool Batch::has(std::string const& name) const {
  for (Array const& array : _arrays)
    if (array.name == name) return true;
  return false;
}

Batch::Array const& Batch::at(std::string const& name) const {
  std::string present;
  for (Array const& array : _arrays) {
    if (array.name == name) return array;
    present += present.empty() ? array.name : ", " + array.name;
  }
  throw std::logic_error("defect in moho: no array '" + name + "' in a batch that has " +
                         (present.empty() ? "none" : present));
}

std::vector<double> Batch::reals(std::string const& name) const {
  return values_of<double>(at(name));
}

std::vector<std::int64_t> Batch::integers(std::string const& name) const {
  return values_of<std::int64_t>(at(name));
}

} // namespace moho::study
