// SPDX-License-Identifier: BSD-3-Clause
// Domains of boundary-value problems: what is inside, draws, points of the boundary.
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/names.hpp"
#include "moho/study/pde_problem.hpp"
#include <array>
#include <cmath>
#include <numbers>

namespace moho::study {
namespace {

constexpr std::array<char const*, 5> domain_names{"square", "cube", "lshape", "hollow-cube",
                                                  "disk"};

/// A face of a box: x_direction = place, the others between low and high, outward normal `sign`.
struct Face {
  int direction;
  double place, sign;
  std::array<double, 3> low, high;
  std::int32_t tag;
};

std::vector<Face> outer_faces(Domain const& domain) {
  std::vector<Face> faces;
  const std::array<double, 3> zero{};
  std::array<double, 3> size{};
  for (int d = 0; d < domain.dim(); ++d)
    size[static_cast<std::size_t>(d)] =
        domain.kind == DomainKind::square || domain.kind == DomainKind::cube ? domain.extent(d) : 1;
  for (int d = 0; d < domain.dim(); ++d) {
    faces.push_back({d, 0, -1, zero, size, 2 * d + 1});
    faces.push_back({d, size[static_cast<std::size_t>(d)], 1, zero, size, 2 * d + 2});
  }
  return faces;
}

/// Faces that a cut left, normals out of the domain, and outer ones without what was cut away.
std::vector<Face> faces_of(Domain const& domain) {
  std::vector<Face> faces = outer_faces(domain);
  if (domain.kind == DomainKind::lshape) {
    faces[1].low[1] = 0.5;  // x = 1
    faces[2].high[0] = 0.5; // y = 0
    faces.push_back({0, 0.5, 1, {0, 0, 0}, {1, 0.5, 0}, 0});
    faces.push_back({1, 0.5, -1, {0.5, 0, 0}, {1, 1, 0}, 0});
  }
  if (domain.kind == DomainKind::hollow_cube)
    for (int d = 0; d < 3; ++d)
      for (double const side : {-1.0, 1.0})
        faces.push_back({d, 0.5 + 0.25 * side, -side, {0.25, 0.25, 0.25}, {0.75, 0.75, 0.75}, 0});
  return faces;
}

} // namespace

char const* name(DomainKind kind) {
  return domain_names[static_cast<std::size_t>(kind)];
}

DomainKind domain_from_name(std::string const& name) {
  for (std::size_t i = 0; i < domain_names.size(); ++i)
    if (name == domain_names[i]) return static_cast<DomainKind>(i);
  throw Error("unknown domain '" + name + "' (" +
              suggestion(name, std::vector<std::string>(domain_names.begin(), domain_names.end())) +
              ")");
}

bool contains(Domain const& domain, double const* x) {
  auto const in_box = [&](double low, double high) {
    bool in = true;
    for (int d = 0; d < domain.dim(); ++d) in = in && x[d] > low && x[d] < high;
    return in;
  };
  switch (domain.kind) {
  case DomainKind::square:
  case DomainKind::cube: {
    bool in = true;
    for (int d = 0; d < domain.dim(); ++d) in = in && x[d] > 0 && x[d] < domain.extent(d);
    return in;
  }
  case DomainKind::lshape:
    return in_box(0, 1) && !(x[0] >= 0.5 && x[1] <= 0.5);
  case DomainKind::hollow_cube:
    return in_box(0, 1) && !(std::abs(x[0] - 0.5) <= 0.25 && std::abs(x[1] - 0.5) <= 0.25 &&
                             std::abs(x[2] - 0.5) <= 0.25);
  case DomainKind::disk:
    return x[0] * x[0] + x[1] * x[1] < 1;
  }
  return false;
}

double boundary_distance(Domain const& domain, double const* x) {
  if (domain.kind == DomainKind::disk) return std::abs(std::hypot(x[0], x[1]) - 1);
  double least = HUGE_VAL;
  for (Face const& face : faces_of(domain)) {
    double square = std::pow(x[face.direction] - face.place, 2);
    for (int d = 0; d < domain.dim(); ++d) {
      auto const k = static_cast<std::size_t>(d);
      if (d != face.direction)
        square += std::pow(std::fmax(0, std::fmax(face.low[k] - x[d], x[d] - face.high[k])), 2);
    }
    least = std::fmin(least, square);
  }
  return std::sqrt(least);
}

std::vector<double> draw_points(Domain const& domain, std::uint64_t seed, std::uint64_t stream,
                                std::uint64_t first, std::size_t n) {
  auto const dim = static_cast<std::size_t>(domain.dim());
  bool const box = domain.kind == DomainKind::square || domain.kind == DomainKind::cube;
  const Philox random{seed, static_cast<std::uint32_t>(stream)};
  std::vector<double> points(n * dim);
  for (std::size_t i = 0; i < n; ++i) {
    double* const x = points.data() + i * dim;
    // Uniform in the bounding box until it is inside; 2^-64 is the chance to fail 64 times.
    for (std::uint32_t attempt = 0; attempt < 64; ++attempt) {
      for (std::size_t d = 0; d < dim; ++d) {
        double const u = random.uniform(first + i, attempt * 3 + static_cast<std::uint32_t>(d));
        x[d] = domain.kind == DomainKind::disk ? 2 * u - 1
                                               : u * (box ? domain.extent(static_cast<int>(d)) : 1);
      }
      if (contains(domain, x)) break;
    }
  }
  return points;
}

std::vector<BoundaryPoint> boundary_points(Domain const& domain, std::size_t n) {
  std::vector<BoundaryPoint> points;
  if (domain.kind == DomainKind::disk) {
    for (std::size_t i = 0; i < n; ++i) {
      double const angle =
          2 * std::numbers::pi * (static_cast<double>(i) + 0.25) / static_cast<double>(n);
      BoundaryPoint point;
      point.x[0] = point.normal[0] = std::cos(angle);
      point.x[1] = point.normal[1] = std::sin(angle);
      points.push_back(point);
    }
    return points;
  }
  const std::vector<Face> faces = faces_of(domain);
  for (std::size_t i = 0; i < n + faces.size(); ++i) {
    Face const& face = faces[i % faces.size()];
    BoundaryPoint point;
    point.tag = face.tag;
    point.normal[face.direction] = face.sign;
    for (int d = 0; d < domain.dim(); ++d) {
      // Additive recurrences: spread evenly, and never at an end.
      double const share = d == 0   ? 0.618033988749895
                           : d == 1 ? 0.754877666246693
                                    : 0.569840290998053;
      double const at = std::fmod(0.5 + share * static_cast<double>(i / faces.size() + 1), 1.0);
      auto const k = static_cast<std::size_t>(d);
      point.x[d] = face.low[k] + (0.02 + 0.96 * at) * (face.high[k] - face.low[k]);
    }
    point.x[face.direction] = face.place;
    points.push_back(point);
  }
  return points;
}

} // namespace moho::study
