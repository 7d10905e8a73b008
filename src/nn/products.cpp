// SPDX-License-Identifier: BSD-3-Clause
#include "products.hpp"
#include "host.hpp"
#include "moho/core/error.hpp"
#include <algorithm>

namespace moho::nn {
namespace {

#ifdef KOKKOS_ENABLE_SERIAL
constexpr bool has_threads = on_host && !std::is_same_v<ExecutionSpace, Kokkos::Serial>;
#else
constexpr bool has_threads = on_host;
#endif

/// How one product is shared out: fixed by its shape alone, so that no result depends on who does
/// which part.
struct Panels {
  std::int64_t rows, columns, sums; ///< of a panel; the last may be smaller
};

std::int64_t panel_size(std::int64_t side, std::int64_t panels, std::int64_t multiple) {
  if (panels <= 1) return side;
  return ceil_divide(ceil_divide(side, panels), multiple) * multiple;
}

Panels panels_of(Products const& products) {
  constexpr std::int64_t tasks = 32;                         // enough to balance several threads
  constexpr std::int64_t least_work = std::int64_t{1} << 18; // multiplications worth a task
  Product const& p = products.product;
  Panels panels{p.m, p.n, std::max<std::int64_t>(p.k, 1)};
  if (!has_threads) return panels;
  std::int64_t const work = p.m * p.n * p.k * products.sum_count();
  std::int64_t const most = std::min(ceil_divide(tasks, products.item_count()), work / least_work);
  if (most <= 1) return panels;
  // The other operand is read, and perhaps rearranged, once per panel.
  std::int64_t const side = std::max(p.m, p.n), other = std::min(p.m, p.n);
  std::int64_t const by_side = std::min(most, side / (other * p.k > 65536 ? 256 : 64));
  std::int64_t const by_sum = products.sum_panels ? std::min(most, p.k / 512) : 1;
  if (by_side >= by_sum || by_side >= 8)
    (p.m >= p.n ? panels.rows : panels.columns) = panel_size(side, by_side, 64);
  else
    panels.sums = panel_size(p.k, by_sum, 64);
  return panels;
}

std::int64_t size(Loop const* loops, int count) {
  std::int64_t product = 1;
  for (int i = 0; i < count; ++i) product *= loops[i].extent;
  return product;
}

/// All products, shared out in panels; panels of the summed index leave their sums in `partials`.
template <class T>
void run_panels(ExecutionSpace const& space, Products const& products, Panels const& panels,
                T const* a, T const* b, T* c, T* partials, bool accumulate) {
  Product const& p = products.product;
  std::int64_t const row_panels = ceil_divide(p.m, panels.rows),
                     column_panels = ceil_divide(p.n, panels.columns),
                     sum_panels = std::max<std::int64_t>(ceil_divide(p.k, panels.sums), 1);
  std::int64_t const items = products.item_count(), sums = products.sum_count();
  std::int64_t const per_item = row_panels * column_panels * sum_panels;
  Kokkos::parallel_for("moho::nn::products",
                       Kokkos::RangePolicy<ExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>(
                           space, 0, items * per_item),
                       [=, &products](std::int64_t task) {
                         std::int64_t const item = task / per_item, panel = task % per_item;
                         std::int64_t const i = panel % row_panels * panels.rows,
                                            j = panel / row_panels % column_panels * panels.columns,
                                            s = panel / row_panels / column_panels * panels.sums;
                         Product part = products.product;
                         part.m = std::min(panels.rows, part.m - i);
                         part.n = std::min(panels.columns, part.n - j);
                         part.k = std::min(panels.sums, part.k - s);
                         Offsets const at = offsets(products.items, products.item_loops, item);
                         T const* const left = a + at.a + i * part.a_row + s * part.a_sum;
                         T const* const right = b + at.b + j * part.b_column + s * part.b_sum;
                         T* out = c + at.c + i * part.c_row + j * part.c_column;
                         bool add = accumulate;
                         if (sum_panels > 1) {
                           std::int64_t const first = s / panels.sums * items + item;
                           out = partials + first * part.m * part.n;
                           part.c_row = part.n;
                           part.c_column = 1;
                           add = false;
                         }
                         for (std::int64_t pass = 0; pass < sums; ++pass) {
                           Offsets const step = offsets(products.sums, products.sum_loops, pass);
                           multiply_on_host(part, left + step.a, right + step.b, out,
                                            add || pass > 0);
                         }
                       });
}

/// C = the partial sums, added up in order.
template <class T>
void add_partials(ExecutionSpace const& space, Products const& products, std::int64_t count,
                  T const* partials, T* c, bool accumulate) {
  std::int64_t const items = products.item_count(), rows = products.product.m,
                     columns = products.product.n;
  Kokkos::parallel_for(
      "moho::nn::add_partials", Kokkos::RangePolicy<ExecutionSpace>(space, 0, items * rows),
      [=, &products](std::int64_t row) {
        Product const& p = products.product;
        Offsets const at = offsets(products.items, products.item_loops, row / rows);
        T* const out = c + at.c + row % rows * p.c_row;
        for (std::int64_t j = 0; j < columns; ++j) {
          T sum = accumulate ? out[j * p.c_column] : T(0);
          for (std::int64_t q = 0; q < count; ++q)
            sum += partials[(q * items * rows + row) * columns + j];
          out[j * p.c_column] = sum;
        }
      });
}

template <class T>
void add_products(std::int64_t n, T const* a, std::int64_t a_step, T const* b, std::int64_t b_step,
                  T* sums) {
  if (a_step == 1 && b_step == 1)
    for (std::int64_t j = 0; j < n; ++j) sums[j] += a[j] * b[j];
  else
    for (std::int64_t j = 0; j < n; ++j) sums[j] += a[j * a_step] * b[j * b_step];
}

template <class T>
void run_entrywise(ExecutionSpace const& space, Products const& products, T const* a, T const* b,
                   T* c, bool accumulate) {
  constexpr std::int64_t block = 512;
  int const outer = products.item_loops - 1;
  Loop const inner = products.items[outer];
  std::int64_t const blocks = ceil_divide(inner.extent, block);
  std::int64_t const passes = products.sum_count();
  Kokkos::parallel_for(
      "moho::nn::entrywise_products",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, size(products.items, outer) * blocks),
      [=, &products](std::int64_t task) {
        Product const& p = products.product;
        Offsets const at = offsets(products.items, outer, task / blocks);
        std::int64_t const first = task % blocks * block, n = std::min(block, inner.extent - first);
        T* const out = c + at.c + first * inner.c;
        T sums[block];
        for (std::int64_t j = 0; j < n; ++j) sums[j] = accumulate ? out[j * inner.c] : T(0);
        for (std::int64_t pass = 0; pass < passes; ++pass) {
          Offsets const step = offsets(products.sums, products.sum_loops, pass);
          T const* const left = a + at.a + step.a + first * inner.a;
          T const* const right = b + at.b + step.b + first * inner.b;
          for (std::int64_t s = 0; s < p.k; ++s)
            add_products(n, left + s * p.a_sum, inner.a, right + s * p.b_sum, inner.b, sums);
        }
        for (std::int64_t j = 0; j < n; ++j) out[j * inner.c] = sums[j];
      });
}

template <class T>
void run_on_host(ExecutionSpace const& space, Products const& products, T const* a, T const* b,
                 T* c, T* partials, bool accumulate) {
  if (is_entrywise(products)) return run_entrywise(space, products, a, b, c, accumulate);
  OneBlasThread const one;
  Panels const panels = panels_of(products);
  run_panels(space, products, panels, a, b, c, partials, accumulate);
  std::int64_t const count = ceil_divide(products.product.k, panels.sums);
  if (count > 1) add_partials(space, products, count, partials, c, accumulate);
  if (has_threads) space.fence(); // until the last call of BLAS has ended
}

} // namespace

std::int64_t Products::item_count() const {
  return size(items, item_loops);
}

std::int64_t Products::sum_count() const {
  return size(sums, sum_loops);
}

bool is_entrywise(Products const& products) {
  Product const& p = products.product;
  return p.m == 1 && p.n == 1 && products.item_loops > 0 &&
         (p.k < 16 || p.a_sum != 1 || p.b_sum != 1);
}

std::int64_t partial_entries(Products const& products) {
  if (!on_host || is_entrywise(products)) return 0;
  Product const& p = products.product;
  std::int64_t const count = ceil_divide(p.k, panels_of(products).sums);
  return count > 1 ? count * products.item_count() * p.m * p.n : 0;
}

template <class T>
void run(ExecutionSpace const& space, Products const& products, T const* a, T const* b, T* c,
         T* partials, bool accumulate) {
  if constexpr (on_host)
    run_on_host(space, products, a, b, c, partials, accumulate);
  else
    run_on_device(space, products, a, b, c, accumulate);
}
template void run(ExecutionSpace const&, Products const&, float const*, float const*, float*,
                  float*, bool);
template void run(ExecutionSpace const&, Products const&, double const*, double const*, double*,
                  double*, bool);

} // namespace moho::nn
