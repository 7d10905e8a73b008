// SPDX-License-Identifier: BSD-3-Clause
// What products and copies cost, roughly: enough to choose between ways that differ by factors.
#include "host.hpp"
#include "products.hpp"
#include <algorithm>

namespace moho::nn {
namespace {

/// Nanoseconds, measured on one core of a server (AVX-512, about 110 GF/s in float).
struct HostCosts {
  static constexpr double start = 30, multiplication = .018, load = .1, strided = .6,
                          transposed_entry = .15, copied_entry = .6;
};
/// Nanoseconds of a large device, whose launches weigh most.
struct DeviceCosts {
  static constexpr double launch = 4000, multiplication = 1e-4, plain = 2e-3, copied_entry = 3e-3,
                          turned_entry = 1.5e-2;
};

/// Of one entry when the operand (inner stride `one`, or the other) is read along the sum.
double per_entry(std::int64_t one, std::int64_t other, double contiguous, double turned) {
  return one == 1 ? contiguous : other == 1 ? turned : HostCosts::strided;
}

double product_on_host(Product const& given) {
  Product const p = is_turned(given) ? transposed(given) : given;
  auto const m = static_cast<double>(p.m), n = static_cast<double>(p.n),
             k = static_cast<double>(p.k);
  double const work = m * n * k;
  if (p.n == 1) // the matrix is read once
    return HostCosts::start + work * per_entry(p.a_sum, p.a_row, HostCosts::load, HostCosts::load);
  if (p.m == 1)
    return HostCosts::start +
           work * per_entry(p.b_sum, p.b_column, HostCosts::load, HostCosts::load);
  if (p.c_column != 1) return HostCosts::start + work * HostCosts::strided;
  // Columns come in whole vectors or quarters of them.
  double const narrow =
      (1 + 2 / m) * static_cast<double>(ceil_divide(p.n, 4) * 4) / n * (1 + 2 / k);
  double const left = per_entry(p.a_sum, p.a_row, 0, 0),
               right = per_entry(p.b_column, p.b_sum, 0, HostCosts::transposed_entry);
  return HostCosts::start + work * HostCosts::multiplication * narrow + m * k * left +
         k * n * right + m * n * HostCosts::load / 2;
}

/// Loops over single numbers; the fastest items are the innermost.
double entrywise_on_host(Products const& products) {
  Product const& p = products.product;
  Loop const& inner = products.items[products.item_loops - 1];
  bool const contiguous = inner.a <= 1 && inner.b <= 1;
  double const rows = static_cast<double>(products.item_count() / inner.extent),
               terms = static_cast<double>(products.sum_count() * p.k);
  return rows *
         (HostCosts::start + terms * (5 + static_cast<double>(inner.extent) *
                                              (contiguous ? HostCosts::load : HostCosts::strided)));
}

double on_device(Products const& products) {
  Product const& p = products.product;
  auto const items = static_cast<double>(products.item_count()),
             sums = static_cast<double>(products.sum_count());
  double const work = items * sums * static_cast<double>(p.m * p.n * p.k);
  bool const turn = is_turned(p);
  bool const entrywise = p.m == 1 && p.n == 1 && items >= 1024;
  if (entrywise || !is_readable(turn ? transposed(p) : p))
    return DeviceCosts::launch + work * DeviceCosts::plain;
  std::int64_t longest = 1;
  for (int d = 0; d < products.item_loops; ++d)
    longest = std::max(longest, products.items[d].extent);
  return items / static_cast<double>(longest) * sums * DeviceCosts::launch +
         work * DeviceCosts::multiplication;
}

} // namespace

double estimate(Products const& products) {
  if (!on_host) return on_device(products) * 1e-9;
  if (is_entrywise(products)) return entrywise_on_host(products) * 1e-9;
  auto const calls = static_cast<double>(products.item_count() * products.sum_count());
  return calls * product_on_host(products.product) * 1e-9;
}

double estimate_copy(StridedCopy const& copy) {
  double entries = 1;
  std::size_t fastest = 0;
  for (std::size_t d = 0; d < copy.extents.size(); ++d) {
    entries *= static_cast<double>(copy.extents[d]);
    if (copy.out_strides[d] < copy.out_strides[fastest]) fastest = d;
  }
  if (on_host) return 1e-9 * (100 + entries * HostCosts::copied_entry);
  bool const in_order = copy.extents.empty() || copy.in_strides[fastest] == 1;
  return 1e-9 * (DeviceCosts::launch +
                 entries * (in_order ? DeviceCosts::copied_entry : DeviceCosts::turned_entry));
}

} // namespace moho::nn
