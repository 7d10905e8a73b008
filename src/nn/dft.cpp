// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/dft.hpp"
#include "moho/core/error.hpp"
#include <cmath>
#include <string>
#include <utility>

namespace moho::nn {
namespace {

struct Turn {
  long double cos, sin;
};

/// cos and sin of 2 pi j / N: the angle is brought below an eighth of a turn in integers, so that
/// zeros and ones are exact and symmetric entries equal.
Turn turn(std::int64_t j, std::int64_t N) {
  j %= N;
  if (j < 0) j += N;
  bool const below = 2 * j > N; // mirrored at the real axis
  if (below) j = N - j;
  bool const left = 4 * j > N; // at the imaginary axis
  // Twice the angle's index from here on: N/2 - j may be a half.
  std::int64_t twice = left ? N - 2 * j : 2 * j;
  bool const steep = 4 * twice > N; // at the diagonal: 2 pi (N/4 - j) / N
  constexpr long double pi = 3.141592653589793238462643383279502884L;
  long double const angle =
      steep ? pi * static_cast<long double>(N - 2 * twice) / static_cast<long double>(2 * N)
            : pi * static_cast<long double>(twice) / static_cast<long double>(N);
  Turn result{std::cos(angle), std::sin(angle)};
  if (steep) std::swap(result.cos, result.sin);
  if (left) result.cos = -result.cos;
  if (below) result.sin = -result.sin;
  return result;
}

void require_modes(std::int64_t N, std::int64_t modes, std::int64_t most) {
  if (N < 1 || modes < 1 || modes > most)
    throw Error(std::to_string(modes) + " modes cannot be kept of an axis of " + std::to_string(N) +
                " points (1 to " + std::to_string(most) + " are possible) lower the modes");
}

std::vector<double> table_of(std::int64_t entries) {
  return std::vector<double>(static_cast<std::size_t>(entries));
}

} // namespace

std::vector<double> dft_table(std::int64_t N, std::int64_t modes) {
  require_modes(N, modes, N / 2 + 1);
  auto table = table_of(2 * modes * N);
  double* const real = table.data();
  double* const imaginary = real + modes * N;
  for (std::int64_t k = 0; k < modes; ++k)
    for (std::int64_t n = 0; n < N; ++n) {
      Turn const at = turn(k * n, N);
      real[k * N + n] = static_cast<double>(at.cos);
      imaginary[k * N + n] = static_cast<double>(-at.sin);
    }
  return table;
}

std::vector<double> inverse_dft_table(std::int64_t N, std::int64_t modes) {
  require_modes(N, modes, N / 2 + 1);
  auto table = table_of(N * 2 * modes);
  for (std::int64_t n = 0; n < N; ++n) {
    double* const of_real = table.data() + n * 2 * modes;
    double* const of_imaginary = of_real + modes;
    for (std::int64_t k = 0; k < modes; ++k) {
      Turn const at = turn(k * n, N);
      bool const own_mirror = k == 0 || 2 * k == N;
      auto const points = static_cast<long double>(N);
      of_real[k] = static_cast<double>((own_mirror ? 1 : 2) * at.cos / points);
      of_imaginary[k] = own_mirror ? 0 : static_cast<double>(-2 * at.sin / points);
    }
  }
  return table;
}

std::vector<std::int64_t> two_sided_modes(std::int64_t N, std::int64_t modes) {
  require_modes(N, modes, N / 2);
  std::vector<std::int64_t> kept;
  for (std::int64_t k = 0; k < modes; ++k) kept.push_back(k);
  for (std::int64_t k = -modes; k < 0; ++k) kept.push_back(k);
  return kept;
}

std::vector<double> complex_dft_table(std::int64_t N,
                                      std::vector<std::int64_t> const& frequencies) {
  MOHO_REQUIRE(N >= 1);
  auto const count = static_cast<std::int64_t>(frequencies.size());
  auto table = table_of(4 * count * N);
  double* const real = table.data();
  double* const imaginary = real + 2 * count * N;
  for (std::int64_t f = 0; f < count; ++f)
    for (std::int64_t n = 0; n < N; ++n) {
      // The frequency is reduced first, so that its product with n cannot overflow.
      Turn const at = turn(frequencies[static_cast<std::size_t>(f)] % N * n, N);
      auto const cos = static_cast<double>(at.cos), sin = static_cast<double>(at.sin);
      std::int64_t const entry = 2 * (f * N + n);
      real[entry] = cos;
      real[entry + 1] = sin;
      imaginary[entry] = -sin;
      imaginary[entry + 1] = cos;
    }
  return table;
}

std::vector<double> inverse_complex_dft_table(std::int64_t N,
                                              std::vector<std::int64_t> const& frequencies) {
  MOHO_REQUIRE(N >= 1);
  auto const count = static_cast<std::int64_t>(frequencies.size());
  auto table = table_of(4 * count * N);
  auto const points = static_cast<long double>(N);
  for (std::int64_t n = 0; n < N; ++n) {
    double* const real = table.data() + 4 * n * count;
    double* const imaginary = real + 2 * count;
    for (std::int64_t f = 0; f < count; ++f) {
      Turn const at = turn(frequencies[static_cast<std::size_t>(f)] % N * n, N);
      auto const cos = static_cast<double>(at.cos / points),
                 sin = static_cast<double>(at.sin / points);
      real[f] = cos;
      real[count + f] = -sin;
      imaginary[f] = sin;
      imaginary[count + f] = cos;
    }
  }
  return table;
}

} // namespace moho::nn
