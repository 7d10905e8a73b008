// SPDX-License-Identifier: BSD-3-Clause
// A few numbers in one register of a host, of the width that the compiler was told of.
#pragma once
#include <cstdint>
#include <cstring>
#if (defined(__GNUC__) || defined(__clang__)) && !defined(__CUDACC__) && !defined(__HIPCC__)
#define MOHO_NN_VECTORS // else this header is empty: products run on a device
#endif
#if defined(MOHO_NN_VECTORS) && defined(__AVX512F__) && defined(__AVX512VL__)
#include <immintrin.h>
#endif

#ifdef MOHO_NN_VECTORS
namespace moho::nn {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif
template <class T>
inline constexpr int lanes = vector_bytes / sizeof(T);

/// n numbers in a register.
template <class T, int n>
struct Vector {
  typedef T type __attribute__((vector_size(n * sizeof(T))));
  static type load(T const* from) {
    type v;
    std::memcpy(&v, from, sizeof v);
    return v;
  }
  static void store(type const& v, T* to) { std::memcpy(to, &v, sizeof v); }
  /// The first `count`; the others are 0 and not touched.
  static type load_some(T const* from, int count) {
    T all[n] = {};
    for (int i = 0; i < count; ++i) all[i] = from[i];
    return load(all);
  }
  static void store_some(type const& v, T* to, int count) {
    T all[n];
    store(v, all);
    for (int i = 0; i < count; ++i) to[i] = all[i];
  }
};

#if defined(__AVX512F__) && defined(__AVX512VL__)
#define MOHO_MASKED(T, n, mask, bits, suffix)                                                      \
  template <>                                                                                      \
  inline auto Vector<T, n>::load_some(T const* from, int count)->type {                            \
    return (type)_mm##bits##_maskz_loadu_##suffix(static_cast<mask>((1u << count) - 1), from);     \
  }                                                                                                \
  template <>                                                                                      \
  inline void Vector<T, n>::store_some(type const& v, T* to, int count) {                          \
    _mm##bits##_mask_storeu_##suffix(to, static_cast<mask>((1u << count) - 1), v);                 \
  }
MOHO_MASKED(float, 16, __mmask16, 512, ps)
MOHO_MASKED(float, 8, __mmask8, 256, ps)
MOHO_MASKED(float, 4, __mmask8, , ps)
MOHO_MASKED(double, 8, __mmask8, 512, pd)
MOHO_MASKED(double, 4, __mmask8, 256, pd)
MOHO_MASKED(double, 2, __mmask8, , pd)
#undef MOHO_MASKED
inline constexpr bool loads_some = true; // at no cost
#else
inline constexpr bool loads_some = false;
#endif

/// Sum of all lanes, halves first.
template <class T, int n>
inline T sum_lanes(typename Vector<T, n>::type const& v) {
  T all[n];
  Vector<T, n>::store(v, all);
  if constexpr (n == 2)
    return all[0] + all[1];
  else
    return sum_lanes<T, n / 2>(Vector<T, n / 2>::load(all) + Vector<T, n / 2>::load(all + n / 2));
}

} // namespace moho::nn
#endif
