// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/optimiser.hpp"
#include "flat_loop.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include <cmath>
#include <cstdio>
#include <type_traits>

namespace moho::nn {
namespace {

// A sum is taken over chunks; each is summed in `lanes` strands, entry i in strand i % lanes, which
// are then added as a tree; the chunks are added one after the other. On a device every strand is
// a thread, on a host every chunk is.
constexpr std::size_t chunk = 4096, lanes = 16;

std::size_t chunks(std::size_t n) {
  return (n + chunk - 1) / chunk;
}

template <class T>
struct Product {
  T const* a;
  T const* b;
  KOKKOS_FUNCTION double operator()(double sum, std::size_t i) const {
    return sum + static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  static KOKKOS_FUNCTION double join(double x, double y) { return x + y; }
};

template <class T>
struct AbsoluteSum {
  T const* a;
  KOKKOS_FUNCTION double operator()(double sum, std::size_t i) const {
    double const x = static_cast<double>(a[i]);
    return sum + (x < 0 ? -x : x);
  }
  static KOKKOS_FUNCTION double join(double x, double y) { return x + y; }
};

template <class T>
struct AbsoluteLargest {
  T const* a;
  static KOKKOS_FUNCTION double join(double x, double y) { // a NaN stays
    return y > x || y != y ? y : x;
  }
  KOKKOS_FUNCTION double operator()(double largest, std::size_t i) const {
    double const x = static_cast<double>(a[i]);
    return join(largest, x < 0 ? -x : x);
  }
};

template <class Term>
KOKKOS_FUNCTION double join_strands(double* strand) {
  for (std::size_t width = lanes / 2; width > 0; width /= 2)
    for (std::size_t l = 0; l < width; ++l) strand[l] = Term::join(strand[l], strand[l + width]);
  return strand[0];
}

/// Strand (index % lanes) of chunk (index / lanes).
template <class Term>
struct SumStrand {
  static constexpr char const* label = "moho::nn::FlatSums";
  Term term;
  std::size_t n;
  double* partial;
  KOKKOS_FUNCTION void operator()(std::size_t index) const {
    const std::size_t first = index / lanes * chunk, end = first + chunk < n ? first + chunk : n;
    double sum = 0;
    for (std::size_t i = first + index % lanes; i < end; i += lanes) sum = term(sum, i);
    partial[index] = sum;
  }
};

/// A whole chunk, the strands side by side in vector registers.
template <class Term>
struct SumChunk {
  static constexpr char const* label = "moho::nn::FlatSums";
  Term term;
  std::size_t n;
  double* partial;
  void operator()(std::size_t index) const {
    Term const local = term;
    const std::size_t first = index * chunk, end = first + chunk < n ? first + chunk : n;
    double strand[lanes] = {};
    std::size_t i = first;
    for (; i + lanes <= end; i += lanes)
      for (std::size_t l = 0; l < lanes; ++l) strand[l] = local(strand[l], i + l);
    for (std::size_t l = 0; i + l < end; ++l) strand[l] = local(strand[l], i + l);
    partial[index] = join_strands<Term>(strand);
  }
};

template <class Term>
struct JoinStrands {
  static constexpr char const* label = "moho::nn::FlatSums";
  double const* strands;
  double* partial;
  KOKKOS_FUNCTION void operator()(std::size_t index) const {
    double strand[lanes];
    for (std::size_t l = 0; l < lanes; ++l) strand[l] = strands[index * lanes + l];
    partial[index] = join_strands<Term>(strand);
  }
};

template <class Term>
struct JoinChunks {
  static constexpr char const* label = "moho::nn::FlatSums";
  double const* partial;
  std::size_t count;
  double* result;
  KOKKOS_FUNCTION void operator()(std::size_t) const {
    double sum = 0;
    for (std::size_t c = 0; c < count; ++c) sum = Term::join(sum, partial[c]);
    *result = sum;
  }
};

template <class Term>
void sum_to(ExecutionSpace const& space, Term const& term, std::size_t n, double* partial,
            double* result) {
  const std::size_t count = chunks(n);
  if constexpr (flat_loop_on_host) {
    index_loop(space, count, SumChunk<Term>{term, n, partial});
  } else {
    double* const strands = partial + count;
    index_loop(space, count * lanes, SumStrand<Term>{term, n, strands});
    index_loop(space, count, JoinStrands<Term>{strands, partial});
  }
  index_loop(space, 1, JoinChunks<Term>{partial, count, result});
}

/// Waits for a number in device memory.
template <class Result, class Host>
double fetch(ExecutionSpace const& space, Result const& result, Host const& on_host) {
  Kokkos::deep_copy(space, on_host, result);
  space.fence();
  return on_host(0);
}

template <class T>
struct Scale {
  static constexpr char const* label = "moho::nn::clip_by_norm";
  T* values;
  T factor;
  KOKKOS_FUNCTION void operator()(std::size_t first, std::size_t end) const {
    T* __restrict__ const v = values;
    T const f = factor;
    for (std::size_t i = first; i < end; ++i) v[i] *= f;
  }
};

} // namespace

FlatSums::FlatSums(std::size_t n)
    : _n(n),
      _partial("moho::nn::FlatSums::partial", chunks(n) * (flat_loop_on_host ? 1 : lanes + 1)),
      _result("moho::nn::FlatSums::result", 1), _on_host(Kokkos::create_mirror_view(_result)) {}

template <class T>
void FlatSums::dot_to(ExecutionSpace const& space, Kokkos::View<T const*, MemorySpace> const& a,
                      Kokkos::View<T const*, MemorySpace> const& b, double* result) const {
  MOHO_REQUIRE(a.extent(0) <= _n && a.extent(0) == b.extent(0));
  sum_to(space, Product<T>{a.data(), b.data()}, a.extent(0), _partial.data(), result);
}

template <class T>
double FlatSums::dot(ExecutionSpace const& space, Kokkos::View<T const*, MemorySpace> const& a,
                     Kokkos::View<T const*, MemorySpace> const& b) const {
  dot_to<T>(space, a, b, _result.data());
  return fetch(space, _result, _on_host);
}

template <class T>
double FlatSums::absolute_sum(ExecutionSpace const& space,
                              Kokkos::View<T const*, MemorySpace> const& a) const {
  MOHO_REQUIRE(a.extent(0) <= _n);
  sum_to(space, AbsoluteSum<T>{a.data()}, a.extent(0), _partial.data(), _result.data());
  return fetch(space, _result, _on_host);
}

template <class T>
double FlatSums::absolute_largest(ExecutionSpace const& space,
                                  Kokkos::View<T const*, MemorySpace> const& a) const {
  MOHO_REQUIRE(a.extent(0) <= _n);
  sum_to(space, AbsoluteLargest<T>{a.data()}, a.extent(0), _partial.data(), _result.data());
  return fetch(space, _result, _on_host);
}

template <class T>
double clip_by_norm(ExecutionSpace const& space, FlatSums const& sums, FlatArray<T> const& gradient,
                    double max_norm) {
  double const norm = std::sqrt(sums.dot<T>(space, gradient, gradient));
  double const factor = max_norm / (norm + 1e-6);
  if (std::isfinite(norm) && factor < 1)
    flat_loop(space, gradient.extent(0), Scale<T>{gradient.data(), static_cast<T>(factor)});
  return norm;
}

namespace {

[[noreturn]] void refuse(std::string const& why) {
  throw Error("cannot restore the optimiser (" + why +
              ") give the state that one of the same kind, size and options has left");
}

std::string text(double x) {
  char out[32];
  std::snprintf(out, sizeof out, "%.17g", x);
  return out;
}

/// Both maps have the same keys; `same(key, a, b)` is called for each.
template <class Map, class Same>
void compare_maps(char const* what, Map const& state, Map const& expected, Same const& same) {
  for (auto const& [key, value] : expected) {
    auto const found = state.find(key);
    if (found == state.end()) refuse("the " + std::string(what) + " '" + key + "' is missing");
    same(key, found->second, value);
  }
  for (auto const& [key, value] : state)
    if (!expected.count(key)) refuse("the " + std::string(what) + " '" + key + "' is unknown");
}

} // namespace

template <class T>
void require_restorable(OptimiserState<T> const& state, OptimiserState<T> const& expected) {
  if (state.kind != expected.kind)
    refuse("the state is that of '" + state.kind + "', this is '" + expected.kind + "'");
  compare_maps("option", state.options, expected.options,
               [](std::string const& key, double stored, double mine) {
                 if (stored != mine)
                   refuse("the option '" + key + "' is " + text(stored) + " in the state, " +
                          text(mine) + " here");
               });
  compare_maps("counter", state.counters, expected.counters,
               [](std::string const& key, std::int64_t stored, std::int64_t mine) {
                 if (key == "parameters" && stored != mine)
                   refuse("the state is of " + std::to_string(stored) + " parameters, here are " +
                          std::to_string(mine));
                 if (stored < 0) refuse("the counter '" + key + "' is negative");
               });
  compare_maps("numbers", state.numbers, expected.numbers,
               [](std::string const&, std::vector<double> const&, std::vector<double> const&) {});
  compare_maps(
      "array", state.arrays, expected.arrays,
      [](std::string const& key, std::vector<T> const& stored, std::vector<T> const& mine) {
        if (stored.size() != mine.size())
          refuse("the array '" + key + "' has " + std::to_string(stored.size()) +
                 " entries in the state, " + std::to_string(mine.size()) + " here");
      });
}

template <class T>
void Optimiser<T>::step(ExecutionSpace const& space, FlatArray<T> const& parameters,
                        Gradient const& gradient, double rate) {
  MOHO_REQUIRE(parameters.extent(0) == _size && gradient.extent(0) == _size);
  ++_steps;
  advance(space, parameters, gradient, rate);
}

// --- SGD ---------------------------------------------------------------------------------------

namespace {

template <class T>
struct SgdStep {
  static constexpr char const* label = "moho::nn::Sgd::step";
  T* parameters;
  T const* gradient;
  T* momentum; ///< null without
  T rate, mu, decay;
  bool nesterov;

  KOKKOS_FUNCTION void operator()(std::size_t first, std::size_t end) const {
    T* __restrict__ const p = parameters;
    T const* __restrict__ const g = gradient;
    T* __restrict__ const b = momentum;
    T const lr = rate, m = mu, wd = decay;
    if (!b) {
      for (std::size_t i = first; i < end; ++i) p[i] -= lr * (g[i] + wd * p[i]);
    } else if (nesterov) {
      for (std::size_t i = first; i < end; ++i) {
        T const slope = g[i] + wd * p[i];
        T const moved = slope + m * b[i];
        b[i] = moved;
        p[i] -= lr * (slope + m * moved);
      }
    } else {
      for (std::size_t i = first; i < end; ++i) {
        T const moved = (g[i] + wd * p[i]) + m * b[i];
        b[i] = moved;
        p[i] -= lr * moved;
      }
    }
  }
};

} // namespace

template <class T>
Sgd<T>::Sgd(std::size_t parameters, SgdOptions const& options)
    : Optimiser<T>(parameters), _options(options),
      _momentum("moho::nn::Sgd::momentum", options.momentum != 0 ? parameters : 0) {
  if (options.nesterov && !(options.momentum > 0))
    throw Error("SGD after Nesterov needs momentum (momentum is " + text(options.momentum) +
                ") set momentum above 0");
}

template <class T>
void Sgd<T>::advance(ExecutionSpace const& space, FlatArray<T> const& parameters,
                     typename Optimiser<T>::Gradient const& gradient, double rate) {
  flat_loop(space, this->size(),
            SgdStep<T>{parameters.data(), gradient.data(),
                       _options.momentum != 0 ? _momentum.data() : nullptr, static_cast<T>(rate),
                       static_cast<T>(_options.momentum), static_cast<T>(_options.weight_decay),
                       _options.nesterov});
}

template <class T>
OptimiserState<T> Sgd<T>::state() const {
  return {"sgd",
          {{"momentum", _options.momentum},
           {"nesterov", _options.nesterov ? 1.0 : 0.0},
           {"weight_decay", _options.weight_decay}},
          {{"parameters", static_cast<std::int64_t>(this->size())}, {"steps", this->_steps}},
          {},
          {{"momentum", to_host(_momentum)}}};
}

template <class T>
void Sgd<T>::restore(OptimiserState<T> const& state) {
  require_restorable(state, this->state());
  this->_steps = state.counters.at("steps");
  copy_to_device(std::span<T const>(state.arrays.at("momentum")), _momentum);
}

// --- Adam --------------------------------------------------------------------------------------

namespace {

template <class T>
struct AdamStep {
  static constexpr char const* label = "moho::nn::Adam::step";
  T* parameters;
  T const* gradient;
  T *mean, *square;
  T forget1, forget2; ///< 1 - beta
  T step, root;       ///< rate / (1 - beta1^t), sqrt(1 - beta2^t)
  T eps, decay, keep; ///< `keep` multiplies the parameters (AdamW)

  KOKKOS_FUNCTION void operator()(std::size_t first, std::size_t end) const {
    T* __restrict__ const p = parameters;
    T const* __restrict__ const grad = gradient;
    T* __restrict__ const m = mean;
    T* __restrict__ const v = square;
    T const f1 = forget1, f2 = forget2, s = step, r = root, e = eps, wd = decay, k = keep;
    for (std::size_t i = first; i < end; ++i) {
      // As m + (1-b) (g - m) a sum of products can be contracted in one way only.
      T const g = grad[i] + wd * p[i];
      T const mi = m[i] + f1 * (g - m[i]);
      T const vi = v[i] + f2 * (g * g - v[i]);
      m[i] = mi;
      v[i] = vi;
      T const denominator = std::sqrt(vi) / r + e;
      p[i] = k * p[i] - s * (mi / denominator);
    }
  }
};

} // namespace

template <class T>
Adam<T>::Adam(std::size_t parameters, AdamOptions const& options)
    : Optimiser<T>(parameters), _options(options), _mean("moho::nn::Adam::mean", parameters),
      _square("moho::nn::Adam::square", parameters) {
  auto const within = [](double beta) { return beta >= 0 && beta < 1; };
  if (!within(options.beta1) || !within(options.beta2))
    throw Error("Adam cannot run (beta1 is " + text(options.beta1) + ", beta2 is " +
                text(options.beta2) + ") give values in [0, 1)");
}

template <class T>
void Adam<T>::advance(ExecutionSpace const& space, FlatArray<T> const& parameters,
                      typename Optimiser<T>::Gradient const& gradient, double rate) {
  double const t = static_cast<double>(this->_steps);
  double const correction1 = 1 - std::pow(_options.beta1, t),
               correction2 = 1 - std::pow(_options.beta2, t);
  flat_loop(space, this->size(),
            AdamStep<T>{parameters.data(), gradient.data(), _mean.data(), _square.data(),
                        static_cast<T>(1 - _options.beta1), static_cast<T>(1 - _options.beta2),
                        static_cast<T>(rate / correction1), static_cast<T>(std::sqrt(correction2)),
                        static_cast<T>(_options.eps),
                        static_cast<T>(_options.decoupled ? 0 : _options.weight_decay),
                        static_cast<T>(_options.decoupled ? 1 - rate * _options.weight_decay : 1)});
}

template <class T>
OptimiserState<T> Adam<T>::state() const {
  return {"adam",
          {{"beta1", _options.beta1},
           {"beta2", _options.beta2},
           {"eps", _options.eps},
           {"weight_decay", _options.weight_decay},
           {"decoupled", _options.decoupled ? 1.0 : 0.0}},
          {{"parameters", static_cast<std::int64_t>(this->size())}, {"steps", this->_steps}},
          {},
          {{"mean", to_host(_mean)}, {"square", to_host(_square)}}};
}

template <class T>
void Adam<T>::restore(OptimiserState<T> const& state) {
  require_restorable(state, this->state());
  this->_steps = state.counters.at("steps");
  copy_to_device(std::span<T const>(state.arrays.at("mean")), _mean);
  copy_to_device(std::span<T const>(state.arrays.at("square")), _square);
}

#define MOHO_NN_INSTANTIATE(T)                                                                     \
  template double FlatSums::dot(ExecutionSpace const&, Kokkos::View<T const*, MemorySpace> const&, \
                                Kokkos::View<T const*, MemorySpace> const&) const;                 \
  template void FlatSums::dot_to(ExecutionSpace const&,                                            \
                                 Kokkos::View<T const*, MemorySpace> const&,                       \
                                 Kokkos::View<T const*, MemorySpace> const&, double*) const;       \
  template double FlatSums::absolute_sum(ExecutionSpace const&,                                    \
                                         Kokkos::View<T const*, MemorySpace> const&) const;        \
  template double FlatSums::absolute_largest(ExecutionSpace const&,                                \
                                             Kokkos::View<T const*, MemorySpace> const&) const;    \
  template double clip_by_norm(ExecutionSpace const&, FlatSums const&, FlatArray<T> const&,        \
                               double);                                                            \
  template void require_restorable(OptimiserState<T> const&, OptimiserState<T> const&);            \
  template class Optimiser<T>;                                                                     \
  template class Sgd<T>;                                                                           \
  template class Adam<T>;
MOHO_NN_INSTANTIATE(float)
MOHO_NN_INSTANTIATE(double)
#undef MOHO_NN_INSTANTIATE

} // namespace moho::nn
