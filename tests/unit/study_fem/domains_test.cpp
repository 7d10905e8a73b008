// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/study/pde_problem.hpp"
#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <numbers>
#include <set>

namespace moho::study::test {
namespace {

const std::array<DomainKind, 5> all_domains{DomainKind::square, DomainKind::cube,
                                            DomainKind::lshape, DomainKind::hollow_cube,
                                            DomainKind::disk};

/// Measure, and of the boundary.
std::array<double, 2> measures(DomainKind kind) {
  switch (kind) {
  case DomainKind::square:
    return {1, 4};
  case DomainKind::cube:
    return {1, 6};
  case DomainKind::lshape:
    return {0.75, 4};
  case DomainKind::hollow_cube:
    return {0.875, 7.5};
  case DomainKind::disk:
    return {std::numbers::pi, 2 * std::numbers::pi};
  }
  return {};
}

TEST(Domains, PointsAreInside) {
  for (DomainKind const kind : all_domains) {
    const Domain domain{kind};
    auto const dim = static_cast<std::size_t>(domain.dim());
    const std::vector<double> points = draw_points(domain, 7, 2, 0, 500);
    for (std::size_t i = 0; i < 500; ++i)
      EXPECT_TRUE(contains(domain, points.data() + i * dim)) << name(kind);
  }
}

// The share of a fine grid that is inside; a domain with another hole would fail.
TEST(Domains, HaveTheirMeasure) {
  for (DomainKind const kind : all_domains) {
    const Domain domain{kind};
    int const n = domain.dim() == 2 ? 400 : 60;
    double const low = kind == DomainKind::disk ? -1 : 0, size = kind == DomainKind::disk ? 2 : 1;
    double const h = size / n;
    double inside = 0;
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        for (int k = 0; k < (domain.dim() == 3 ? n : 1); ++k) {
          const std::array<double, 3> x{low + (i + 0.5) * h, low + (j + 0.5) * h,
                                        low + (k + 0.5) * h};
          inside += contains(domain, x.data()) ? std::pow(h, domain.dim()) : 0;
        }
    EXPECT_NEAR(inside, measures(kind)[0], 2e-3) << name(kind);
  }
}

TEST(Domains, DrawsDependOnTheItemAlone) {
  const Domain domain{DomainKind::lshape};
  const std::vector<double> all = draw_points(domain, 3, 1, 0, 40),
                            part = draw_points(domain, 3, 1, 25, 5);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(part[i], all[50 + i]);
  EXPECT_NE(draw_points(domain, 4, 1, 0, 1), draw_points(domain, 3, 1, 0, 1));
  EXPECT_NE(draw_points(domain, 3, 2, 0, 1), draw_points(domain, 3, 1, 0, 1));
}

TEST(Domains, BoundaryPointsLieOnItWithNormalsOutward) {
  for (DomainKind const kind : all_domains) {
    const Domain domain{kind};
    std::set<std::int32_t> tags;
    for (BoundaryPoint const& point : boundary_points(domain, 100)) {
      EXPECT_LT(boundary_distance(domain, point.x), 1e-15) << name(kind);
      std::array<double, 3> in{}, out{};
      for (std::size_t d = 0; d < 3; ++d) {
        in[d] = point.x[d] - 1e-6 * point.normal[d];
        out[d] = point.x[d] + 1e-6 * point.normal[d];
      }
      EXPECT_TRUE(contains(domain, in.data())) << name(kind);
      EXPECT_FALSE(contains(domain, out.data())) << name(kind);
      tags.insert(point.tag);
    }
    bool const cut = kind == DomainKind::lshape || kind == DomainKind::hollow_cube;
    EXPECT_EQ(tags.size(), kind == DomainKind::disk
                               ? 1u
                               : static_cast<std::size_t>(2 * domain.dim() + (cut ? 1 : 0)));
  }
}

TEST(Domains, DistanceToTheBoundary) {
  const std::array<double, 3> middle{0.5, 0.5, 0.5}, low{0.125, 0.5, 0.5};
  EXPECT_DOUBLE_EQ(boundary_distance({DomainKind::square}, middle.data()), 0.5);
  EXPECT_DOUBLE_EQ(boundary_distance({DomainKind::lshape}, middle.data()), 0);
  EXPECT_DOUBLE_EQ(boundary_distance({DomainKind::hollow_cube}, low.data()), 0.125);
  EXPECT_DOUBLE_EQ(boundary_distance({DomainKind::disk}, low.data()), 1 - std::hypot(0.125, 0.5));
  const std::array<double, 3> missing{1, 0.25, 0}; // where the L was cut
  EXPECT_DOUBLE_EQ(boundary_distance({DomainKind::lshape}, missing.data()), 0.25);
}

TEST(Domains, SizesCount) {
  const Domain domain{DomainKind::square, {60, 30}};
  const std::array<double, 2> x{50, 20}, y{20, 50};
  EXPECT_TRUE(contains(domain, x.data()));
  EXPECT_FALSE(contains(domain, y.data()));
  EXPECT_DOUBLE_EQ(boundary_distance(domain, x.data()), 10);
}

TEST(Domains, NamesAreKnownOrSuggested) {
  for (DomainKind const kind : all_domains) EXPECT_EQ(domain_from_name(name(kind)), kind);
  try {
    domain_from_name("lshap");
    FAIL();
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'lshape'"), std::string::npos);
  }
}

} // namespace
} // namespace moho::study::test
