// SPDX-License-Identifier: BSD-3-Clause
// Constant tables with which a truncated discrete Fourier transform is a matrix product. Entries
// are accurate to one unit in the last place: angles are reduced in integers.
#pragma once
#include <cstdint>
#include <vector>

namespace moho::nn {

/// H_k = sum_n h_n exp(-2 pi i k n / N) of real h, k < modes: table (2, modes, N), the real parts
/// of all modes first. Throws moho::Error unless 1 <= modes <= N/2 + 1.
std::vector<double> dft_table(std::int64_t N, std::int64_t modes);

/// Its inverse with 1/N, the frequencies from `modes` on taken as 0: table (N, 2, modes) that gives
/// real values. The imaginary parts of k = 0 and, for even N, k = N/2 are ignored (numpy's irfft).
std::vector<double> inverse_dft_table(std::int64_t N, std::int64_t modes);

/// 0 .. modes-1, -modes .. -1: the frequencies that a truncated transform keeps of an axis of N
/// points; its rows 0 .. modes-1 and N-modes .. N-1. Throws moho::Error unless 2 modes <= N.
std::vector<std::int64_t> two_sided_modes(std::int64_t N, std::int64_t modes);

/// H_f = sum_n h_n exp(-2 pi i f n / N) of complex h for F frequencies: table (2, F, N, 2), where
/// the first and the last axis are (Re, Im) of H and h.
std::vector<double> complex_dft_table(std::int64_t N, std::vector<std::int64_t> const& frequencies);

/// h_n = (1/N) sum_f H_f exp(2 pi i f n / N): table (N, 2, 2, F), (Re, Im) of h, then of H.
std::vector<double> inverse_complex_dft_table(std::int64_t N,
                                              std::vector<std::int64_t> const& frequencies);

} // namespace moho::nn
