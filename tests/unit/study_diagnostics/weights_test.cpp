// SPDX-License-Identifier: BSD-3-Clause
// Hill exponents, CKA and mode connectivity against recorded values and closed forms.
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/diagnostics.hpp"
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <limits>

namespace moho::study {
namespace {

using parallel::h5::File;
constexpr double inf = std::numeric_limits<double>::infinity();

File recorded() {
  char const* const root = std::getenv("MOHO_SOURCE_DIR");
  return File::open(std::string(root ? root : ".") + "/reference/physics/nn/diagnostics.h5");
}

double number(File const& file, std::string const& path) {
  return file.read_doubles(path)[0];
}

bool agree(double a, double b, double tolerance) {
  return a == b || std::abs(a - b) <= tolerance * std::abs(b);
}

TEST(Hill, AgreesWithRecords) {
  File const file = recorded();
  for (std::string const m : {"/hill/m0", "/hill/m1", "/hill/m2"}) {
    auto const shape = file.shape(m + "/W");
    auto const eigenvalues =
        squared_singular_values(file.read_doubles(m + "/W"), shape[0], shape[1]);
    auto const expected = file.read_doubles(m + "/eigs_sorted");
    ASSERT_EQ(eigenvalues.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(eigenvalues[i], expected[i], 1e-12 * expected.back());
    HillAlpha const paper = hill_alpha(eigenvalues),
                    code = hill_alpha(eigenvalues, HillVariant::code);
    EXPECT_TRUE(agree(paper.alpha, number(file, m + "/alpha_hill"), 1e-10)) << m;
    EXPECT_TRUE(agree(code.alpha, number(file, m + "/alpha_hill_code"), 1e-10)) << m;
    EXPECT_EQ(paper.tail, file.read_ints(m + "/k")[0]);
    EXPECT_EQ(paper.usable, m != "/hill/m1");
    EXPECT_EQ(code.usable, m != "/hill/m1"); // n = 2
    // Negative: one is not the other, and one eigenvalue off is seen.
    EXPECT_FALSE(agree(code.alpha, paper.alpha, 1e-10));
    auto off = eigenvalues;
    off.back() *= 1 + 1e-7;
    EXPECT_FALSE(agree(hill_alpha(off).alpha, paper.alpha, 1e-10));
  }
}

TEST(Hill, FindsThePowerLaw) {
  // Quantiles of the density a l^-(1+a) have the exponent 1 + a.
  for (double const a : {0.5, 1.0, 3.0}) {
    std::vector<double> l;
    for (int i = 0; i < 20000; ++i) l.push_back(std::pow(1 - (i + 0.5) / 20000, -1 / a));
    EXPECT_NEAR(hill_alpha(l).alpha, 1 + a, 2e-3 * a);
    EXPECT_NEAR(hill_alpha(l, HillVariant::code).alpha, 1 + a, 2e-3 * a);
    EXPECT_TRUE(hill_alpha(l).usable);
    for (double& x : l) x *= 1e-30; // does not depend on the scale
    EXPECT_NEAR(hill_alpha(l).alpha, 1 + a, 2e-3 * a);
  }
}

TEST(Hill, GuardsWhatHasNoExponent) {
  using V = std::vector<double>;
  for (HillVariant const variant : {HillVariant::paper, HillVariant::code}) {
    auto const of = [&](V const& l, double filter = -1) { return hill_alpha(l, variant, filter); };
    EXPECT_TRUE(std::isnan(of({}).alpha));
    EXPECT_TRUE(std::isnan(of({1}).alpha));
    for (V const& l : {V{}, V{1}, V{1, 2}, V{1, 2, 3}}) EXPECT_FALSE(of(l).usable) << l.size();
    EXPECT_TRUE(of({1, 2, 3, 4}).usable);
    EXPECT_EQ(of({1, 2, 2, 2, 2}).alpha, inf); // all of the tail equal
    EXPECT_FALSE(of({1, 2, 2, 2, 2}).usable);
    EXPECT_TRUE(std::isnan(of({0, 0, 0, 0, 0, 1}).alpha)); // the tail begins at zero
    EXPECT_FALSE(of({0, 0, 0, 0, 0, 1}).usable);
    EXPECT_TRUE(of({0, 1, 2, 3, 4, 5}).usable); // below the tail a zero does no harm
    EXPECT_EQ(of({0, 1e-6, 1, 2, 3, 4}, 1e-5).alpha, of({1, 2, 3, 4}).alpha);
    EXPECT_EQ(of({1, 2, 3, 4}, 10).alpha, of({1, 2, 3, 4}).alpha); // it would leave nothing
    EXPECT_FALSE(of({1, 2, 3, 4, inf}).usable);
  }
  EXPECT_EQ(hill_alpha(V{1, 2}, HillVariant::code).alpha, inf);
  EXPECT_DOUBLE_EQ(hill_alpha(V{1, 2}).alpha, 1 + 1 / std::log(2.0));
  V const spoiled{1, std::nan(""), 2, 3};
  EXPECT_THROW(squared_singular_values(spoiled, 2, 2), Error);
}

std::vector<double> random(std::size_t n, std::uint32_t stream) {
  Philox const philox{77, stream};
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = philox.normal(i, 0);
  return out;
}

TEST(Cka, AgreesWithRecords) {
  File const file = recorded();
  auto const x = file.read_doubles("/cka/X"), y = file.read_doubles("/cka/Y");
  double const expected = number(file, "/cka/linear_cka");
  EXPECT_TRUE(agree(linear_cka(x, y, 40), expected, 1e-10));
  auto off = x;
  off[3] += 1e-6; // negative
  EXPECT_FALSE(agree(linear_cka(off, y, 40), expected, 1e-10));
}

TEST(Cka, BothFormsAndInvariances) {
  // 12 samples: wider than long, longer than wide.
  for (const std::size_t columns : {5, 40}) {
    auto const x = random(12 * columns, 1), y = random(12 * 7, 2);
    double const cka = linear_cka(x, y, 12);
    EXPECT_GT(cka, 0);
    EXPECT_LT(cka, 1);
    EXPECT_NEAR(linear_cka(y, x, 12), cka, 1e-14);
    EXPECT_NEAR(linear_cka(x, x, 12), 1, 1e-14);
    auto moved = x; // shifted and scaled
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] = 3 * moved[i] + double(i % columns);
    EXPECT_NEAR(linear_cka(moved, y, 12), cka, 1e-13);
    // Columns of zeros turn one form into the other.
    std::vector<double> wide;
    for (std::size_t s = 0; s < 12; ++s) {
      wide.insert(wide.end(), x.begin() + long(s * columns), x.begin() + long((s + 1) * columns));
      wide.insert(wide.end(), 60, 0.0);
    }
    EXPECT_NEAR(linear_cka(wide, y, 12), cka, 1e-13);
    for (std::size_t i = 0; i < moved.size(); i += columns) moved[i] *= 2; // not an invariance
    EXPECT_GT(std::abs(linear_cka(moved, y, 12) - cka), 1e-6);
  }
  EXPECT_TRUE(std::isnan(linear_cka(std::vector<double>(12, 1.0), random(12, 3), 12)));
  EXPECT_THROW(linear_cka(random(12, 1), random(13, 2), 12), Error);
  EXPECT_THROW(linear_cka(random(12, 1), {}, 12), Error);
}

TEST(ModeConnectivity, AgreesWithRecords) {
  File const file = recorded();
  auto const t = file.read_doubles("/linear_path/t"), loss = file.read_doubles("/linear_path/loss");
  ModeConnectivity const found = mode_connectivity(t, loss);
  EXPECT_TRUE(agree(found.mc, number(file, "/linear_path/mc"), 1e-10));
  EXPECT_EQ(found.t, number(file, "/linear_path/t_star"));
  // Negative: the least departure, which an implementation has been seen to take.
  double least = inf;
  for (double const l : loss)
    least = std::min(least, std::abs((loss.front() + loss.back()) / 2 - l));
  EXPECT_FALSE(agree(least, std::abs(found.mc), 1e-10));
}

TEST(ModeConnectivity, SignsAndGuards) {
  std::vector<double> const t{0, 0.5, 1};
  using V = std::vector<double>;
  EXPECT_EQ(mode_connectivity(t, V{1, 5, 1}).mc, -4); // a barrier
  EXPECT_EQ(mode_connectivity(t, V{1, 0.25, 1}).mc, 0.75);
  EXPECT_EQ(mode_connectivity(t, V{1, 1, 1}).mc, 0);
  EXPECT_EQ(mode_connectivity(t, V{1, inf, 1}).mc, -inf);
  EXPECT_TRUE(std::isnan(mode_connectivity(t, V{1, std::nan(""), 1}).mc));
  EXPECT_EQ(mode_connectivity(t, V{1, 1.5, 3}).t, 0); // an end may be the farthest
  EXPECT_THROW(mode_connectivity(t, V{1, 2}), Error);
  EXPECT_THROW(mode_connectivity(V{0}, V{1}), Error);
}

} // namespace
} // namespace moho::study
