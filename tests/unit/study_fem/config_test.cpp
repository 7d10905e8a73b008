// SPDX-License-Identifier: BSD-3-Clause
// [petsc] in study files, expected rates that are a parameter plus a number, times of phases.
#include "moho/study/cases.hpp"
#include "moho/study/config.hpp"
#include "moho/study/synthesis.hpp"
#include "support/errors.hpp"
#include <gtest/gtest.h>

namespace moho::study::test {
namespace {

using Strings = std::vector<std::string>;

std::string file(std::string const& more) {
  return "[study]\nname = \"s\"\n[problem]\nname = \"poisson\"\n[method]\nname = \"fem\"\n" + more;
}

Study study(std::string const& more, Strings const& overrides = {}) {
  return parse_study(file(more), "s.toml", overrides);
}

void expect_refused(std::string const& part, std::string const& more,
                    Strings const& overrides = {}) {
  EXPECT_TRUE(moho::test::names(moho::test::error_of([&] { study(more, overrides); }), {part}))
      << more;
}

Strings petsc(Study const& read) {
  return read.methods[0].parameters.texts("petsc");
}

TEST(PetscTable, IsAParameterOfTheMethod) {
  const Study read = study("[petsc]\npc_type = \"hypre\"\nksp_rtol = 1e-12\nksp_max_it = 7\n"
                           "ksp_view = true\nksp_monitor = false\n");
  EXPECT_EQ(petsc(read), (Strings{"ksp_max_it=7", "ksp_rtol=1e-12", "ksp_view", "pc_type=hypre"}));
  // So it is written out, read again, and part of the case's identity.
  EXPECT_EQ(petsc(parse_study(resolved(read), "again.toml")), petsc(read));
  EXPECT_EQ(expand(parse_study(resolved(read), "again.toml"))[0].id, expand(read)[0].id);
  EXPECT_NE(expand(study(""))[0].id, expand(read)[0].id);
  EXPECT_NE(expand(study("[petsc]\npc_type = \"gamg\""))[0].id, expand(read)[0].id);
}

TEST(PetscTable, MayBeSetOnTheCommandLineOrBeAnAxis) {
  EXPECT_EQ(petsc(study("", {"petsc.pc_type=jacobi"})), (Strings{"pc_type=jacobi"}));
  const Study read = study("[axes]\npetsc = [[\"pc_type=jacobi\"], [\"pc_type=gamg\"]]\n");
  EXPECT_EQ(expand(read).size(), 2u);
}

TEST(PetscTable, WhatCannotBeIsNamed) {
  expect_refused("without the leading dash", "[petsc]\n\"-pc_type\" = \"gamg\"\n");
  expect_refused("petsc.pc_type is neither", "[petsc]\npc_type = [\"gamg\"]\n");
  expect_refused("beside method.petsc", "[petsc]\npc_type = \"gamg\"\n",
                 {"method.petsc=[\"ksp_type=cg\"]"});
  expect_refused("also an axis", "[petsc]\na = 1\n[axes]\npetsc = [[\"b\"]]\n");
  EXPECT_THROW(parse_study("[study]\nname = \"s\"\n[problem]\nname = \"operator-1d\"\n[method]\n"
                           "name = \"fem-1d\"\n[petsc]\npc_type = \"gamg\"\n",
                           "s.toml"),
               Error);
}

std::string fit(std::string const& expected) {
  return "[axes]\nn = [4, 8]\ndegree = [1, 2]\n[convergence]\naxis = \"n\"\nerror = \"l2_error\"\n"
         "expected = \"" +
         expected + "\"\n";
}

TEST(ExpectedRate, MayBeAParameterAndANumber) {
  const Study read = study(fit("degree+1"));
  EXPECT_EQ(resolved(parse_study(resolved(read), "again.toml")), resolved(read));
  int seen = 0;
  for (Synthesis const& one : syntheses(read, expand(read))) {
    auto const& protocol = std::get<ConvergenceProtocol>(one.protocol);
    ASSERT_TRUE(protocol.expected);
    EXPECT_EQ(*protocol.expected,
              static_cast<double>(one.points[0].method.parameters.integer("degree") + 1));
    ++seen;
  }
  EXPECT_EQ(seen, 2);
  expect_refused("a whole number follows", fit("degree+"));
  expect_refused("a whole number follows", fit("degree+x"));
  expect_refused("unknown parameter 'degre'", fit("degre+1"));
}

} // namespace
} // namespace moho::study::test
