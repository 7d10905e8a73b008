// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/contraction.hpp"
#include "host.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/movement.hpp"
#include "products.hpp"
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>

namespace moho::nn {
namespace {

enum Array { A, B, C };
enum Kind { batch, row, column, summed };
constexpr std::array<std::array<bool, 3>, 4> has_kind = {
    {{true, true, true}, {true, false, true}, {false, true, true}, {true, true, false}}};

/// An index of the contraction; strides in A, B and C, 0 where it is absent.
struct Axis {
  std::int64_t extent;
  std::array<std::int64_t, 3> stride;
};
using Axes = std::vector<Axis>;

/// The indices of each kind.
struct Indices {
  std::array<Axes, 4> of;

  std::int64_t size(Array array) const {
    std::int64_t product = 1;
    for (int kind = batch; kind <= summed; ++kind)
      if (has_kind[kind][array])
        for (Axis const& axis : of[kind]) product *= axis.extent;
    return product;
  }
};

Kind kind_of(ContractionIndex const& index) {
  bool const in[3] = {index.a != ContractionIndex::absent, index.b != ContractionIndex::absent,
                      index.c != ContractionIndex::absent};
  for (int kind = batch; kind <= summed; ++kind)
    if (std::equal(in, in + 3, has_kind[kind].begin())) return static_cast<Kind>(kind);
  MOHO_REQUIRE(!"an index of a contraction stands in two of its arrays at least");
  return batch;
}

/// No two entries of C share a place: each stride steps over all that the smaller ones reach.
void require_distinct_entries(Indices const& indices) {
  Axes axes;
  for (int kind : {batch, row, column})
    axes.insert(axes.end(), indices.of[kind].begin(), indices.of[kind].end());
  std::sort(axes.begin(), axes.end(),
            [](Axis const& x, Axis const& y) { return x.stride[C] < y.stride[C]; });
  std::int64_t reach = 0;
  for (Axis const& axis : axes) {
    MOHO_REQUIRE(axis.stride[C] > reach);
    reach += (axis.extent - 1) * axis.stride[C];
  }
}

Indices classify(std::vector<ContractionIndex> const& list) {
  Indices indices;
  for (ContractionIndex const& index : list) {
    MOHO_REQUIRE(index.extent >= 1);
    Kind const kind = kind_of(index);
    Axis axis{index.extent, {index.a, index.b, index.c}};
    for (int array = A; array <= C; ++array) {
      if (!has_kind[kind][array]) axis.stride[array] = 0;
      MOHO_REQUIRE(axis.stride[array] >= 0);
    }
    if (index.extent > 1) indices.of[kind].push_back(axis);
  }
  require_distinct_entries(indices);
  // A fixed order, so that the plan depends on the layout alone and not on the order of the list.
  for (Axes& axes : indices.of)
    std::sort(axes.begin(), axes.end(), [](Axis const& x, Axis const& y) {
      return std::pair(x.stride[C] + x.stride[A], x.stride[B]) >
             std::pair(y.stride[C] + y.stride[A], y.stride[B]);
    });
  return indices;
}

/// How an array is handed to the products: as it lies, or copied so that its two kinds of inner
/// indices are each contiguous, the first or the second of them innermost.
enum class Layout { as_it_lies, first_inside, second_inside };
using Layouts = std::array<Layout, 3>;
constexpr std::array<std::array<Kind, 2>, 3> inner_kinds = {
    {{row, summed}, {summed, column}, {row, column}}};

/// The array whose strides order the indices of a kind in the copies: one that is not copied, so
/// that what follows each other there does so in the copy too, and can be merged.
Array model_of(Kind kind, Layouts const& layouts) {
  Array first = kind == summed ? A : C;
  for (Array array : {C, A, B})
    if (has_kind[kind][array] && layouts[array] == Layout::as_it_lies) return array;
  return first;
}

/// The indices with the strides of the copies.
Indices laid_out(Indices const& indices, Layouts const& layouts) {
  Indices result = indices;
  for (Array array : {A, B, C}) {
    if (layouts[array] == Layout::as_it_lies) continue;
    auto [outer, inner] = inner_kinds[array];
    if (layouts[array] == Layout::first_inside) std::swap(outer, inner);
    std::int64_t stride = 1;
    for (Kind kind : {inner, outer, batch}) {
      Axes const& axes = indices.of[kind];
      Array const model = model_of(kind, layouts);
      std::vector<std::size_t> order(axes.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
        return axes[x].stride[model] < axes[y].stride[model];
      });
      for (std::size_t i : order) {
        result.of[kind][i].stride[array] = stride;
        stride *= axes[i].extent;
      }
    }
  }
  return result;
}

/// Joins indices of one kind that follow each other in every array that has them.
void merge(Axes& axes) {
  auto const follows = [](Axis const& slow, Axis const& fast) {
    for (Array array : {A, B, C})
      if (slow.stride[array] != fast.extent * fast.stride[array]) return false;
    return true;
  };
  for (std::size_t i = 0; i < axes.size(); ++i)
    for (std::size_t j = 0; j < axes.size(); ++j)
      if (i != j && follows(axes[i], axes[j])) {
        axes[j].extent *= axes[i].extent;
        axes.erase(axes.begin() + static_cast<std::ptrdiff_t>(i));
        return merge(axes);
      }
}

/// The products when axis number `chosen` of the rows, columns and sums makes the matrices, and
/// loops run over all others; -1: there is none of the kind.
std::optional<Products> products_of(Indices const& indices, std::array<int, 3> const& chosen) {
  Products products;
  Product& p = products.product;
  Axes items = indices.of[batch], sums;
  for (Kind kind : {row, column, summed}) {
    Axes const& axes = indices.of[kind];
    for (int i = 0; i < static_cast<int>(axes.size()); ++i) {
      Axis const& axis = axes[static_cast<std::size_t>(i)];
      if (i != chosen[static_cast<std::size_t>(kind - row)])
        (kind == summed ? sums : items).push_back(axis);
      else if (kind == row)
        std::tie(p.m, p.a_row, p.c_row) = std::tuple(axis.extent, axis.stride[A], axis.stride[C]);
      else if (kind == column)
        std::tie(p.n, p.b_column, p.c_column) =
            std::tuple(axis.extent, axis.stride[B], axis.stride[C]);
      else
        std::tie(p.k, p.a_sum, p.b_sum) = std::tuple(axis.extent, axis.stride[A], axis.stride[B]);
    }
  }
  if (std::max(items.size(), sums.size()) > Products::max_loops) return std::nullopt;
  auto const fill = [](Axes& axes, Array key, Loop* loops, int& count) {
    std::stable_sort(axes.begin(), axes.end(),
                     [key](Axis const& x, Axis const& y) { return x.stride[key] > y.stride[key]; });
    for (Axis const& axis : axes)
      loops[count++] = {axis.extent, axis.stride[A], axis.stride[B], axis.stride[C]};
  };
  fill(items, C, products.items, products.item_loops);
  fill(sums, A, products.sums, products.sum_loops);
  return products;
}

struct Candidate {
  double seconds = std::numeric_limits<double>::infinity();
  Layouts layouts{};
  Products products;
};

/// The best products for arrays laid out so; `copying`: seconds that the copies take.
void consider(Indices indices, Layouts const& layouts, double copying, Candidate& best) {
  std::array<int, 3> first{}, last{};
  for (Kind kind : {batch, row, column, summed}) {
    merge(indices.of[kind]);
    if (kind == batch) continue;
    int const count = static_cast<int>(indices.of[kind].size());
    auto const at = static_cast<std::size_t>(kind - row);
    first[at] = count > 0 ? 0 : -1;
    last[at] = count > 0 ? count - 1 : -1;
  }
  for (int r = first[0]; r <= last[0]; ++r)
    for (int c = first[1]; c <= last[1]; ++c)
      for (int s = first[2]; s <= last[2]; ++s)
        if (auto const products = products_of(indices, {r, c, s})) {
          double const seconds = copying + estimate(*products);
          if (seconds < best.seconds) best = {seconds, layouts, *products};
        }
}

/// What brings an array from its place into its copy.
StridedCopy copy_of(Indices const& from, Indices const& to, Array array) {
  StridedCopy result;
  for (Kind kind : {batch, row, column, summed})
    if (has_kind[kind][array])
      for (std::size_t i = 0; i < from.of[kind].size(); ++i) {
        result.extents.push_back(from.of[kind][i].extent);
        result.in_strides.push_back(from.of[kind][i].stride[array]);
        result.out_strides.push_back(to.of[kind][i].stride[array]);
      }
  return result;
}

Candidate plan(Indices const& indices) {
  constexpr std::array layouts = {Layout::as_it_lies, Layout::first_inside, Layout::second_inside};
  Candidate best;
  for (Layout a : layouts)
    for (Layout b : layouts)
      for (Layout c : layouts) {
        Layouts const chosen = {a, b, c};
        Indices const after = laid_out(indices, chosen);
        double copying = 0;
        for (Array array : {A, B, C})
          if (chosen[array] != Layout::as_it_lies)
            copying += (array == C ? 3 : 1) * estimate_copy(copy_of(indices, after, array));
        if (copying < best.seconds) consider(after, chosen, copying, best);
      }
  return best;
}

} // namespace

template <class T>
struct Contraction<T>::Plan {
  Products products;
  double flops = 0;
  std::array<bool, 3> copied{};
  std::array<StridedCopy, 3> copies;
  StridedCopy back; ///< of C
  std::array<std::int64_t, 3> offset{};
  std::int64_t partials = 0, scratch = 0;
};

template <class T>
Contraction<T>::Contraction(std::vector<ContractionIndex> const& list) {
  Indices const indices = classify(list);
  Candidate const best = plan(indices);
  Indices const after = laid_out(indices, best.layouts);
  auto made = std::make_shared<Plan>();
  made->products = best.products;
  made->flops = 2;
  for (ContractionIndex const& index : list) made->flops *= static_cast<double>(index.extent);
  auto const reserve = [&made](std::int64_t entries) {
    constexpr std::int64_t line = 128 / sizeof(T); // each piece begins a line of the cache
    std::int64_t const begin = made->scratch;
    made->scratch += ceil_divide(entries, line) * line;
    return begin;
  };
  for (Array array : {A, B, C}) {
    made->copied[array] = best.layouts[array] != Layout::as_it_lies;
    if (!made->copied[array]) continue;
    made->copies[array] = copy_of(indices, after, array);
    made->offset[array] = reserve(indices.size(array));
  }
  made->back = made->copies[C];
  std::swap(made->back.in_strides, made->back.out_strides);
  made->partials = reserve(partial_entries(made->products));
  _plan = std::move(made);
}

template <class T>
std::size_t Contraction<T>::scratch() const {
  return static_cast<std::size_t>(_plan->scratch);
}

template <class T>
double Contraction<T>::flops() const {
  return _plan->flops;
}

template <class T>
void Contraction<T>::run(ExecutionSpace const& space, T const* a, T const* b, T* c, T* scratch,
                         bool accumulate) const {
  Plan const& plan = *_plan;
  auto const at = [&](Array array, auto* as_it_lies) {
    return plan.copied[array] ? scratch + plan.offset[array] : as_it_lies;
  };
  T const* const left = plan.copied[A] ? scratch + plan.offset[A] : a;
  T const* const right = plan.copied[B] ? scratch + plan.offset[B] : b;
  T* const out = at(C, c);
  if (plan.copied[A]) copy(space, plan.copies[A], a, scratch + plan.offset[A]);
  if (plan.copied[B]) copy(space, plan.copies[B], b, scratch + plan.offset[B]);
  if (plan.copied[C] && accumulate) copy<T>(space, plan.copies[C], c, out);
  nn::run(space, plan.products, left, right, out, scratch + plan.partials, accumulate);
  if (plan.copied[C]) copy<T>(space, plan.back, out, c);
}

template <class T>
std::string Contraction<T>::describe() const {
  Products const& products = _plan->products;
  Product const& p = products.product;
  std::string text = std::to_string(p.m) + "x" + std::to_string(p.n) + "x" + std::to_string(p.k) +
                     "; items " + std::to_string(products.item_count()) + ", sums " +
                     std::to_string(products.sum_count());
  for (Array array : {A, B, C})
    if (_plan->copied[array]) text += std::string("; copies ") + "ABC"[array];
  return text;
}

template class Contraction<float>;
template class Contraction<double>;

} // namespace moho::nn
