// SPDX-License-Identifier: BSD-3-Clause
// HostPack: simd_lanes doubles worked on together, lane by lane, so that one kernel source serves a
// SIMD host (T = HostPack), a device thread (T = double) and the extended types. Every function
// here exists for double too. Lanes never mix: what a lane computes does not depend on its
// neighbours.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cmath>
#include <cstdint>
#if (defined(__AVX512F__) || defined(__AVX2__)) && !defined(__CUDACC__) && !defined(__HIPCC__)
#include <immintrin.h>
#endif

namespace moho {

// ---- double: a pack of one lane ----------------------------------------------------------------
KOKKOS_FORCEINLINE_FUNCTION double select(bool mask, double yes, double no) {
  return mask ? yes : no;
}
KOKKOS_FORCEINLINE_FUNCTION bool any(bool mask) {
  return mask;
}
KOKKOS_FORCEINLINE_FUNCTION double abs(double x) {
  return std::fabs(x);
}
KOKKOS_FORCEINLINE_FUNCTION double max(double x, double y) {
  return x < y ? y : x;
}
KOKKOS_FORCEINLINE_FUNCTION double sqrt(double x) {
  return std::sqrt(x);
}
KOKKOS_FORCEINLINE_FUNCTION double floor(double x) {
  return std::floor(x);
}
KOKKOS_FORCEINLINE_FUNCTION double value(double x) {
  return x;
}
KOKKOS_FORCEINLINE_FUNCTION double largest_lane(double x) {
  return x;
}
KOKKOS_FORCEINLINE_FUNCTION double lane(double x, int) {
  return x;
}
KOKKOS_FORCEINLINE_FUNCTION void set_lane(double& x, int, double to) {
  x = to;
}

/// Traits of a scalar-like type T: its lanes, the type of its plain value and of a lane, and
/// `accuracy`, which scales the limits below which series replace closed forms.
template <class T>
struct Scalar;
template <>
struct Scalar<double> {
  using Value = double;
  using Lane = double;
  static constexpr int lanes = 1;
  static constexpr double series_scale = 1;
};

#if defined(__CUDACC__) || defined(__HIPCC__) || !(defined(__GNUC__) || defined(__clang__))
inline constexpr int simd_lanes = 1;
using HostPack = double;
#else

#if defined(__AVX512F__)
inline constexpr int simd_lanes = 8;
#elif defined(__AVX2__)
inline constexpr int simd_lanes = 4;
#else
inline constexpr int simd_lanes = 2;
#endif

/// A pack function that is not inlined passes its packs through memory.
#define MOHO_PACK_INLINE inline __attribute__((always_inline))

struct Mask {
#if defined(__AVX512F__)
  __mmask8 v; ///< a bit per lane
  MOHO_PACK_INLINE friend Mask operator!(Mask a) {
    return {static_cast<__mmask8>(~a.v)};
  }
#else
  typedef std::int64_t Vector __attribute__((vector_size(8 * simd_lanes)));
  Vector v; ///< all bits of a lane set where true
  MOHO_PACK_INLINE friend Mask operator!(Mask a) {
    return {~a.v};
  }
#endif
  MOHO_PACK_INLINE friend Mask operator&(Mask a, Mask b) {
    return {static_cast<decltype(v)>(a.v & b.v)};
  }
  MOHO_PACK_INLINE friend Mask operator|(Mask a, Mask b) {
    return {static_cast<decltype(v)>(a.v | b.v)};
  }
};

struct HostPack {
  typedef double Vector __attribute__((vector_size(8 * simd_lanes)));
  typedef std::int64_t Words __attribute__((vector_size(8 * simd_lanes)));
  Vector v;

  HostPack() = default;
  MOHO_PACK_INLINE
  HostPack(double x)       // NOLINT: a number stands for the pack that holds it in every lane
      : v(x - Vector{}) {} // gcc 12 makes of a loop over lanes one masked broadcast per lane
  MOHO_PACK_INLINE static HostPack of(Vector x) {
    HostPack p;
    p.v = x;
    return p;
  }
  MOHO_PACK_INLINE friend HostPack operator+(HostPack a, HostPack b) { return of(a.v + b.v); }
  MOHO_PACK_INLINE friend HostPack operator-(HostPack a, HostPack b) { return of(a.v - b.v); }
  MOHO_PACK_INLINE friend HostPack operator*(HostPack a, HostPack b) { return of(a.v * b.v); }
  MOHO_PACK_INLINE friend HostPack operator/(HostPack a, HostPack b) { return of(a.v / b.v); }
  MOHO_PACK_INLINE friend HostPack operator-(HostPack a) { return of(-a.v); }
#if defined(__AVX512F__)
  MOHO_PACK_INLINE friend Mask operator<(HostPack a, HostPack b) {
    return {_mm512_cmp_pd_mask((__m512d)a.v, (__m512d)b.v, _CMP_LT_OQ)};
  }
  MOHO_PACK_INLINE friend Mask operator>=(HostPack a, HostPack b) {
    return {_mm512_cmp_pd_mask((__m512d)a.v, (__m512d)b.v, _CMP_GE_OQ)};
  }
#else
  MOHO_PACK_INLINE friend Mask operator<(HostPack a, HostPack b) {
    return {a.v < b.v};
  }
  MOHO_PACK_INLINE friend Mask operator>=(HostPack a, HostPack b) {
    return {a.v >= b.v};
  }
#endif
  MOHO_PACK_INLINE friend Mask operator>(HostPack a, HostPack b) {
    return b < a;
  }
};

MOHO_PACK_INLINE HostPack select(Mask mask, HostPack yes, HostPack no) {
#if defined(__AVX512F__)
  return HostPack::of(
      (HostPack::Vector)_mm512_mask_blend_pd(mask.v, (__m512d)no.v, (__m512d)yes.v));
#else
  return HostPack::of(mask.v ? yes.v : no.v);
#endif
}

MOHO_PACK_INLINE bool any(Mask mask) {
#if defined(__AVX512F__)
  return mask.v != 0;
#else
#if defined(__AVX2__)
  return _mm256_movemask_pd((__m256d)mask.v) != 0;
#endif
  std::int64_t bits = 0;
  for (int i = 0; i < simd_lanes; ++i) bits |= mask.v[i];
  return bits != 0;
#endif
}

MOHO_PACK_INLINE HostPack sqrt(HostPack x) {
#if defined(__AVX512F__)
  return HostPack::of((HostPack::Vector)_mm512_maskz_sqrt_pd(0xff, (__m512d)x.v));
#elif defined(__AVX2__)
  return HostPack::of((HostPack::Vector)_mm256_sqrt_pd((__m256d)x.v));
#endif
  for (int i = 0; i < simd_lanes; ++i) x.v[i] = std::sqrt(x.v[i]);
  return x;
}

MOHO_PACK_INLINE HostPack floor(HostPack x) {
#if defined(__AVX512F__)
  return HostPack::of((HostPack::Vector)_mm512_maskz_roundscale_pd(
      0xff, (__m512d)x.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC));
#elif defined(__AVX2__)
  return HostPack::of((HostPack::Vector)_mm256_floor_pd((__m256d)x.v));
#endif
  for (int i = 0; i < simd_lanes; ++i) x.v[i] = std::floor(x.v[i]);
  return x;
}

MOHO_PACK_INLINE double largest_lane(HostPack x) {
  double largest = x.v[0];
  for (int i = 1; i < simd_lanes; ++i) largest = largest < x.v[i] ? x.v[i] : largest;
  return largest;
}

MOHO_PACK_INLINE HostPack abs(HostPack x) {
  return HostPack::of((HostPack::Vector)((HostPack::Words)x.v & INT64_MAX));
}
MOHO_PACK_INLINE HostPack max(HostPack x, HostPack y) {
  return select(x < y, y, x);
}
MOHO_PACK_INLINE HostPack value(HostPack x) {
  return x;
}
MOHO_PACK_INLINE double lane(HostPack x, int i) {
  return x.v[i];
}
MOHO_PACK_INLINE void set_lane(HostPack& x, int i, double to) {
  x.v[i] = to;
}

template <>
struct Scalar<HostPack> {
  using Value = HostPack;
  using Lane = double;
  static constexpr int lanes = simd_lanes;
  static constexpr double series_scale = 1;
};
#endif

} // namespace moho
