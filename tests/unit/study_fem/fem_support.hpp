// SPDX-License-Identifier: BSD-3-Clause
// Spaces and fields for the tests of finite element methods.
#pragma once
#include "moho/core/host_copy.hpp"
#include "moho/study/fem_system.hpp"
#include "moho/study/registry.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace moho::study::test {

inline Discretization cut(std::string const& cell, int degree, int n) {
  Discretization how;
  how.cell = cell;
  how.degree = degree;
  how.n = n;
  return how;
}

inline std::shared_ptr<FemSpace const> space_on(Domain const& domain, Discretization const& how,
                                                int components = 1) {
  const parallel::Comm comm;
  return std::make_shared<FemSpace>(comm, make_part(comm, domain, how), components);
}

inline Domain domain_of(std::string const& cell) {
  return {cell == "triangle" || cell == "quadrilateral" ? DomainKind::square : DomainKind::cube};
}

inline char const* const cells[] = {"triangle", "quadrilateral", "tetrahedron", "hexahedron"};

/// 1 + 2x - 3y + 5z in the first component, twice that in the second, ..
inline Field linear(int dim, int components) {
  return [=](double const* x, double* out) {
    double const value = 1 + 2 * x[0] - 3 * x[1] + (dim == 3 ? 5 * x[2] : 0);
    for (int c = 0; c < components; ++c) out[c] = (c + 1) * value;
  };
}

inline std::vector<double> host(fem::ConstReals values) {
  return to_host(values);
}

/// Collective: `body` throws an Error with `part` in it on every rank.
inline void expect_error(std::string const& part, std::function<void()> const& body) {
  EXPECT_TRUE(moho::test::names(
      moho::test::error_of([&] { parallel::run_collectively(parallel::Comm(), body); }), {part}));
}

} // namespace moho::study::test
