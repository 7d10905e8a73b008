// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/nn/dft.hpp"
#include "moho/nn/fft.hpp"
#include "support.hpp"

namespace moho::nn::test {
namespace {

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

using Table = std::vector<double>;

/// table (rows, columns) times x (columns).
Table times(Table const& table, Table const& x) {
  Table y(table.size() / x.size());
  for (std::size_t i = 0; i < y.size(); ++i)
    for (std::size_t j = 0; j < x.size(); ++j) y[i] += table[i * x.size() + j] * x[j];
  return y;
}

std::vector<std::int64_t> all_frequencies(std::int64_t N) {
  std::vector<std::int64_t> all;
  for (std::int64_t k = 0; k < N; ++k) all.push_back(k);
  return all;
}

/// Spectrum (N, M/2 + 1, 2) of real (N, M) by the tables.
Table spectrum_by_tables(std::int64_t N, std::int64_t M, Table const& real) {
  std::int64_t const half = M / 2 + 1;
  auto const along_rows = dft_table(M, half),
             along_columns = complex_dft_table(N, all_frequencies(N));
  Table partial(at(N * 2 * half)), result(at(N * half * 2));
  for (std::int64_t n = 0; n < N; ++n) {
    auto const row = times(along_rows, {real.begin() + n * M, real.begin() + (n + 1) * M});
    std::copy(row.begin(), row.end(), partial.begin() + n * 2 * half);
  }
  for (std::int64_t k = 0; k < half; ++k) {
    Table column;
    for (std::int64_t n = 0; n < N; ++n)
      for (int p = 0; p < 2; ++p) column.push_back(partial[at((n * 2 + p) * half + k)]);
    auto const image = times(along_columns, column);
    for (std::int64_t n = 0; n < N; ++n)
      for (int p = 0; p < 2; ++p) result[at((n * half + k) * 2 + p)] = image[at(p * N + n)];
  }
  return result;
}

/// Real (N, M) of a spectrum that need not be that of real numbers, by the tables.
Table real_by_tables(std::int64_t N, std::int64_t M, Table const& spectrum) {
  std::int64_t const half = M / 2 + 1;
  auto const along_columns = inverse_complex_dft_table(N, all_frequencies(N)),
             along_rows = inverse_dft_table(M, half);
  Table partial(at(N * 2 * half)), result;
  for (std::int64_t k = 0; k < half; ++k) {
    Table column(at(2 * N));
    for (std::int64_t n = 0; n < N; ++n)
      for (int p = 0; p < 2; ++p) column[at(p * N + n)] = spectrum[at((n * half + k) * 2 + p)];
    auto const image = times(along_columns, column);
    for (std::int64_t n = 0; n < N; ++n)
      for (int p = 0; p < 2; ++p) partial[at((n * 2 + p) * half + k)] = image[at(n * 2 + p)];
  }
  for (std::int64_t n = 0; n < N; ++n) {
    auto const row =
        times(along_rows, {partial.begin() + n * 2 * half, partial.begin() + (n + 1) * 2 * half});
    result.insert(result.end(), row.begin(), row.end());
  }
  return result;
}

template <class T>
Table as_double(std::vector<T> const& values) {
  return {values.begin(), values.end()};
}

template <class T>
double largest_difference(std::vector<T> const& a, Table const& b) {
  double worst = 0;
  for (std::size_t i = 0; i < b.size(); ++i)
    worst = std::max(worst, std::fabs(static_cast<double>(a[i]) - b[i]));
  return a.size() == b.size() ? worst : std::numeric_limits<double>::infinity();
}

struct Size {
  std::int64_t N, M, batch; ///< N = 0: one axis
};

class EverySize : public testing::TestWithParam<Size> {
protected:
  void SetUp() override {
    if (!has_fft()) GTEST_SKIP() << "allowed: this build has no transforms of full spectra";
  }
  std::int64_t N() const { return std::max<std::int64_t>(GetParam().N, 1); }
  std::int64_t M() const { return GetParam().M; }
  std::int64_t batch() const { return GetParam().batch; }
  template <class T>
  RealFft<T> make() const {
    std::vector<std::int64_t> extents{M()};
    if (GetParam().N > 0) extents.insert(extents.begin(), N());
    return RealFft<T>(extents, batch());
  }
  template <class T>
  void forward_is_that_of_the_tables(double tolerance) const {
    auto const fft = make<T>();
    std::int64_t const entries = N() * M(), after = N() * (M() / 2 + 1) * 2;
    ASSERT_EQ(fft.real_entries(), batch() * entries);
    ASSERT_EQ(fft.spectrum_entries(), batch() * after);
    auto const real = random_values<T>(at(batch() * entries), 8);
    std::vector<T> spectrum;
    // Not where a line of the cache begins: neither the result nor its bits may change.
    for (std::size_t const shift : {0u, 1u}) {
      std::vector<T> moved(shift);
      moved.insert(moved.end(), real.begin(), real.end());
      auto const in = to_device("in", moved);
      Device<T> const out("out", at(batch() * after) + shift);
      ExecutionSpace const space;
      fft.forward(space, in.data() + shift, out.data() + shift);
      space.fence();
      auto const got = to_host(out);
      if (shift == 0) spectrum = got;
      EXPECT_TRUE(std::equal(spectrum.begin(), spectrum.end(),
                             got.begin() + static_cast<std::ptrdiff_t>(shift)));
    }
    for (std::int64_t b = 0; b < batch(); ++b) {
      auto const expected = spectrum_by_tables(
          N(), M(), {real.begin() + b * entries, real.begin() + (b + 1) * entries});
      std::vector<T> part(spectrum.begin() + b * after, spectrum.begin() + (b + 1) * after);
      EXPECT_LT(largest_difference(part, expected), tolerance);
      part[0] += T(.01); // the check can fail
      EXPECT_GT(largest_difference(part, expected), tolerance);
    }
  }
  template <class T>
  void inverse_is_that_of_the_tables(double tolerance) const {
    auto const fft = make<T>();
    std::int64_t const entries = N() * M(), after = N() * (M() / 2 + 1) * 2;
    // Any numbers: not the spectrum of real ones.
    auto const spectrum = random_values<T>(at(batch() * after), 9);
    auto const in = to_device("in", spectrum);
    Device<T> const out("out", at(batch() * entries));
    ExecutionSpace const space;
    fft.inverse(space, in.data(), out.data());
    space.fence();
    EXPECT_EQ(to_host(in), spectrum); // still there
    auto const real = to_host(out);
    for (std::int64_t b = 0; b < batch(); ++b)
      EXPECT_LT(
          largest_difference(
              std::vector<T>(real.begin() + b * entries, real.begin() + (b + 1) * entries),
              real_by_tables(N(), M(),
                             {spectrum.begin() + b * after, spectrum.begin() + (b + 1) * after})),
          tolerance);
  }
  template <class T>
  inline static std::vector<T> _spectrum;
};

TEST_P(EverySize, ForwardIsThatOfTheTables) {
  double const points = static_cast<double>(N() * M());
  forward_is_that_of_the_tables<double>(1e-15 * (points + 10));
  forward_is_that_of_the_tables<float>(3e-7 * (std::sqrt(points) + 10));
}

TEST_P(EverySize, InverseIsThatOfTheTables) {
  inverse_is_that_of_the_tables<double>(2e-15);
  inverse_is_that_of_the_tables<float>(1e-6);
}

INSTANTIATE_TEST_SUITE_P(Fft, EverySize,
                         testing::Values(Size{0, 1, 2}, Size{0, 2, 1}, Size{0, 32, 5},
                                         Size{0, 33, 4}, Size{0, 94, 3}, Size{0, 256, 2},
                                         Size{1, 8, 3}, Size{8, 1, 2}, Size{4, 6, 3}, Size{5, 7, 2},
                                         Size{16, 9, 2}, Size{21, 24, 2}));

TEST(Fft, TellsWhatIsWrong) {
  if (!has_fft()) {
    EXPECT_THROW(RealFft<double>({8}, 1), Error);
    EXPECT_EQ(std::string(fft_library()), "none");
    return;
  }
  EXPECT_THROW(RealFft<double>({}, 1), std::logic_error);
  EXPECT_THROW(RealFft<double>({2, 3, 4}, 1), std::logic_error);
  EXPECT_THROW(RealFft<double>({0}, 1), std::logic_error);
  EXPECT_THROW(RealFft<double>({4}, 0), std::logic_error);
  EXPECT_NE(std::string(fft_library()), "none");
}

} // namespace
} // namespace moho::nn::test
