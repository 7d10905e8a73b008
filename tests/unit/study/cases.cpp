// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/cases.hpp"
#include "support/errors.hpp"
#include <algorithm>
#include <gtest/gtest.h>
#include <set>

namespace moho::study {
namespace {

using Strings = std::vector<std::string>;

constexpr char text[] = R"([study]
name = "demo"
[problem]
name = "dispersion-gradient"
models = 8
[[method]]
name = "dispersion-solver"
[[method]]
name = "halfspace-average"
[axes]
layers = [5, 10, 20]
extended = [false, true]
)";

Study study(Strings const& overrides = {}) {
  return parse_study(text, "demo.toml", overrides);
}

Strings ids(std::vector<Case> const& cases) {
  Strings all;
  for (Case const& item : cases) all.push_back(item.id);
  return all;
}

std::string error_of(std::vector<Case> const& cases, std::string const& selector, int ranks = 1) {
  return test::error_of([&] { select(cases, selector, ranks); });
}

TEST(Cases, AnAxisMultipliesOnlyThoseThatHaveIt) {
  const std::vector<Case> cases = expand(study());
  EXPECT_EQ(cases.size(), 3u * 2 + 3u); // halfspace-average knows no `extended`
  EXPECT_EQ(std::count_if(cases.begin(), cases.end(),
                          [](Case const& c) { return c.axes.count("extended") != 0; }),
            6);
}

TEST(Cases, IdsAreUniqueReadableAndFitForFolders) {
  std::set<std::string> seen;
  for (Case const& item : expand(study())) {
    EXPECT_TRUE(seen.insert(item.id).second);
    EXPECT_EQ(item.id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._+-"),
              std::string::npos)
        << item.id;
    EXPECT_EQ(item.id.rfind(item.method.name + "-", 0), 0u) << item.id;
    EXPECT_NE(item.id.find("-layers" + std::to_string(item.problem.parameters.integer("layers"))),
              std::string::npos)
        << item.id;
  }
}

TEST(Cases, IdIsPinned) { // records of earlier versions must be found again
  Case item;
  item.problem = {"p", {}};
  item.method = {"m", {}};
  EXPECT_EQ(to_json(item),
            "{\"ceilings\":false,\"method\":\"m\",\"min_time\":0.0,\"problem\":\"p\","
            "\"repeats\":5,\"warmup\":1}");
  EXPECT_EQ(case_id(item), "m-34fa6182ba"); // FNV-1a 64 of the text above, first 10 digits
}

TEST(Cases, IdDoesNotDependOnKeyOrderOrOnHowAValueIsWritten) {
  const Study one = parse_study("[study]\nname='d'\n[problem]\nname='dispersion-gradient'\n"
                                "models=8\nperiods=9\nperturbation=0\n[method]\n"
                                "name='dispersion-solver'\nwaves='love'\n",
                                "a.toml");
  const Study two =
      parse_study("[method]\nwaves=['love']\nname='dispersion-solver'\n[problem]\n"
                  "perturbation=0.0\nperiods=9\nmodels=8\nname='dispersion-gradient'\n"
                  "[study]\nname='d'\ntitle='other'\n",
                  "b.toml");
  EXPECT_EQ(ids(expand(one)), ids(expand(two)));
}

TEST(Cases, HashChangesWithEveryPartOfTheConfiguration) {
  std::set<std::string> seen{expand(study())[0].id};
  for (std::string const change :
       {"problem.models=9", "problem.seed=2", "method.0.modes=2", "measure.repeats=6",
        "measure.warmup=2", "measure.min_time=1", "measure.ceilings=true",
        "limits.phase_rel_max=1e-9", "limits.phase_rel_max=1e-8", "axes.ranks=[1]"})
    EXPECT_TRUE(seen.insert(expand(study(Strings{change}))[0].id).second) << change;
}

TEST(Cases, LongAxesKeepTheIdShort) {
  const Study long_one = parse_study(
      "[study]\nname='d'\n[problem]\nname='dispersion-reference'\n[method]\n"
      "name='dispersion-solver'\n[axes]\nfiles=[['ref_a_simple','ref_b_gradient','ref_c_earth',"
      "'ref_d_lvz','ref_e_nearsurface','ref_f_water'],['ref_a_simple','ref_b_gradient',"
      "'ref_c_earth','ref_d_lvz','ref_e_nearsurface','ref_g_random']]\n",
      "a.toml");
  const Strings all = ids(expand(long_one));
  ASSERT_EQ(all.size(), 2u);
  EXPECT_NE(all[0], all[1]);
  EXPECT_LE(all[0].size(), 100u);
}

TEST(Cases, CoincidingCasesAreRefused) {
  EXPECT_THROW(expand(study(Strings{"axes.layers=[5, 5]"})), Error);
}

TEST(Cases, PartsCoverEveryCaseOnce) {
  const std::vector<Case> cases = expand(study());
  for (const std::size_t n : {1u, 2u, 4u, 9u, 20u}) {
    Strings together;
    for (std::size_t i = 0; i < n; ++i)
      for (std::string const& id :
           ids(select(cases, std::to_string(i) + "/" + std::to_string(n), 1)))
        together.push_back(id);
    std::sort(together.begin(), together.end());
    Strings expected = ids(cases);
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(together, expected) << n;
  }
}

TEST(Cases, WrongPartsAreRefused) {
  const std::vector<Case> cases = expand(study());
  for (std::string const selector : {"2/2", "-1/2", "0/0", "1/", "/2", "a/b", "1/2/3", "1.0/2"})
    EXPECT_NE(error_of(cases, selector).find("--case " + selector), std::string::npos) << selector;
}

TEST(Cases, OneIsFoundByIdOrByItsBeginning) {
  const std::vector<Case> cases = expand(study());
  EXPECT_EQ(ids(select(cases, cases[4].id, 1)), Strings{cases[4].id});
  EXPECT_EQ(select(cases, "halfspace-average-layers20", 1).size(), 1u);
  EXPECT_NE(error_of(cases, "halfspace-average").find("3 ids begin so"), std::string::npos);
  const std::string error = error_of(cases, "halfspace-averag-layers20");
  EXPECT_NE(error.find("did you mean 'halfspace-average-layers20"), std::string::npos) << error;
}

TEST(Cases, RanksAxisSelectsTheLaunchedSize) {
  const std::vector<Case> cases = expand(study(Strings{"axes.ranks=[1, 2, 4]"}));
  EXPECT_EQ(cases.size(), 27u);
  for (int const ranks : {1, 2, 4}) {
    const std::vector<Case> selected = select(cases, "", ranks);
    EXPECT_EQ(selected.size(), 9u);
    for (Case const& item : selected) EXPECT_EQ(item.ranks, ranks);
  }
  EXPECT_NE(error_of(cases, "", 3).find("has 1, 2, 4"), std::string::npos);
  const std::string other = select(cases, "", 4)[0].id;
  EXPECT_NE(error_of(cases, other, 2).find("needs 4 ranks (launched with 2)"), std::string::npos);
}

TEST(Cases, WithoutARanksAxisEverySizeWorksOnAll) {
  const std::vector<Case> cases = expand(study());
  EXPECT_EQ(ids(select(cases, "", 1)), ids(select(cases, "", 3)));
}

} // namespace
} // namespace moho::study
