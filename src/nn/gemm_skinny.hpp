// SPDX-License-Identifier: BSD-3-Clause
// Products that are narrow in two of their three directions, where BLAS spends its time on
// rearranging operands.
#pragma once
#include "products.hpp"

namespace moho::nn {

/// Whether the compiler was told of vectors wide enough to keep up with BLAS.
#if defined(__AVX2__) && defined(__FMA__)
inline constexpr bool skinny_is_fast = true;
#else
inline constexpr bool skinny_is_fast = false;
#endif

/// One product on the calling thread, any strides of A and B, C's columns contiguous. Each entry of
/// C is summed in an order that does not depend on where in C it lies, nor on the size of C.
template <class T>
void multiply_skinny(Product const& product, T const* a, T const* b, T* c, bool accumulate);

} // namespace moho::nn
