// SPDX-License-Identifier: BSD-3-Clause
// Every policy, element and form through problem and method `assembly`, on any number of ranks.
#include "assembly_support.hpp"
#include <algorithm>
#include <cmath>

namespace moho::study::test {
namespace {

using moho::test::all_ranks_agree;

char const* const cells[] = {"triangle", "quadrilateral", "tetrahedron", "hexahedron"};
char const* const policies[] = {"scatter",  "owner-scatter", "tiled-gather", "compressed-gather",
                                "two-pass", "coo",           "insert",       "atomic"};

void expect_sound(Outcome const& found, std::string const& what) {
  for (auto const& [name, limit] : std::map<std::string, double>{{"energy_rel", 1e-12},
                                                                 {"kernel_rel", 1e-13},
                                                                 {"skew_rel", 1e-13},
                                                                 {"rows_off", 0},
                                                                 {"entries_off", 0},
                                                                 {"to_reference", 1e-15}})
    EXPECT_LE(found.metrics.at(name), limit) << what << " " << name;
}

TEST(Assembly, EveryElementAndForm) {
  for (char const* cell : cells)
    for (std::int64_t const degree : {1, 2})
      for (char const* form : {"poisson", "mass", "advection", "elasticity"}) {
        Outcome const found =
            run({{"cell", text(cell)}, {"degree", degree}, {"form", text(form)}, {"n", whole(4)}});
        expect_sound(found, std::string(cell) + std::to_string(degree) + form);
      }
}

TEST(Assembly, EveryPolicyOnEveryFormItServes) {
  for (char const* policy : policies)
    for (char const* form : {"poisson", "mass", "advection", "elasticity"}) {
      bool const compressed = policy == std::string("compressed-gather");
      if (compressed && (form == std::string("mass") || form == std::string("advection"))) continue;
      Outcome const found = run({{"cell", text("tetrahedron")},
                                 {"form", text(form)},
                                 {"n", whole(4)},
                                 {"perturbation", 0.1}},
                                {{"reduce", text(policy)}});
      expect_sound(found, std::string(policy) + " " + form);
      bool const exact = policy != std::string("coo") && policy != std::string("atomic");
      EXPECT_EQ(found.counters.count("checksum"), exact ? 1u : 0u) << policy;
    }
}

TEST(Assembly, WhatAPolicyDoesNotServeIsToldByAll) {
  auto const asked = problem({{"form", text("mass")}});
  auto const compressed = method({{"reduce", text("compressed-gather")}});
  expect_error("compressed-gather", [&] {
    parallel::run_collectively(parallel::Comm(), [&] {
      run(*asked, {{"reduce", text("compressed-gather")}});
    });
  });
}

TEST(Assembly, PhasesAndWorkStandInTheRecord) {
  Outcome const found = run({{"n", whole(8)}});
  const std::vector<std::string> phases{"mesh",     "topology", "tables",  "first_assembly",
                                        "hand_off", "assembly", "hand_off"};
  EXPECT_EQ(found.phases, phases);
  EXPECT_EQ(found.counters.at("cells"), 128);
  EXPECT_EQ(found.counters.at("unknowns"), 81);
  EXPECT_EQ(found.counters.at("nonzeros"), box_size({fem::Cell::triangle, 1}, {8, 8}).entries);
  // 8 nnz + 4 k E + 8 d N + 8 E
  EXPECT_EQ(found.counters.at("bytes_least"),
            8 * found.counters.at("nonzeros") + 12 * 128 + 16 * 81 + 8 * 128);
  EXPECT_GT(found.counters.at("bytes"), found.counters.at("bytes_least"));
}

// On 1, 2, 3, 4 ranks the same numbers: recorded ones of one rank.
TEST(Assembly, TheChecksumIsTheSameOnAnyNumberOfRanks) {
  auto const alone = [](Settings const& asked, Settings const& how) {
    auto const posed = problem(asked);
    auto const one = method(how);
    one->prepare(*posed, parallel::Comm::self());
    Batch answers;
    one->apply(posed->draw(Split::test, 0, posed->count(Split::test)), answers);
    one->examine(answers);
    return answers.integers(matrix::checksum).at(0);
  };
  for (char const* partition : {"blocks", "graph"})
    for (char const* policy : {"scatter", "owner-scatter", "tiled-gather", "insert"}) {
      const Settings cube{{"cell", text("tetrahedron")}, {"n", whole(5)}, {"perturbation", 0.1}};
      const Settings how{{"reduce", text(policy)}, {"partition", text(partition)}};
      std::int64_t const one = alone(cube, how);
      EXPECT_GT(one, 0);
      EXPECT_LT(one, std::int64_t{1} << 52);
      EXPECT_EQ(run(cube, how).counters.at("checksum"), one) << policy << " " << partition;
      Settings const moved = moho::test::with(cube, "perturbation", 0.1 + 1e-9);
      EXPECT_NE(run(moved, how).counters.at("checksum"), one);
    }
}

TEST(Assembly, MeshesOfFiles) {
  Outcome const disk = run({{"domain", text("disk")}, {"mesh", text("disk.msh")}, {"n", whole(1)}});
  EXPECT_LE(disk.metrics.at("energy_rel"), 1e-12);
  EXPECT_LE(disk.metrics.at("kernel_rel"), 1e-14);
  EXPECT_TRUE(std::isnan(disk.metrics.at("entries_off")));
  Outcome const curved = run({{"domain", text("disk")},
                              {"mesh", text("disk.msh")},
                              {"n", whole(1)},
                              {"degree", whole(2)},
                              {"curved", true}});
  EXPECT_LE(curved.metrics.at("kernel_rel"), 1e-14);
  EXPECT_TRUE(std::isnan(curved.metrics.at("energy_rel")));
}

TEST(Assembly, ABoxForEachRank) {
  int const ranks = parallel::Comm().size();
  auto const asked = problem({{"n", whole(6)}, {"per_rank", true}}, ranks);
  Outcome const found = run(*asked);
  EXPECT_EQ(found.counters.at("cells"), 72 * ranks);
  expect_sound(found, "per rank");
}

// Negative: a wrong answer shows in the metric it concerns.
TEST(Assembly, WrongAnswersAreSeen) {
  auto const asked = problem({{"form", text("elasticity")}, {"n", whole(4)}});
  Outcome const sound = run(*asked);
  auto const metric = [&](Batch const& answers, std::string const& name) {
    for (Metric const& one : asked->assess(sound.inputs, sound.truth, answers).metrics)
      if (one.name == name) return one.value;
    return std::nan("");
  };
  auto const changed = [&](char const* array, std::size_t item, double by) {
    Batch answers = sound.answers;
    std::vector<double> values = answers.reals(array);
    values[item] += by;
    answers.set(array, "", values);
    return answers;
  };
  EXPECT_GT(metric(changed(matrix::energy, 4, 1e-6), "energy_rel"), 1e-8);
  EXPECT_GT(metric(changed(matrix::energy, 0, 1e-6), "energy_rel"), 1e-8); // of a rigid motion
  EXPECT_GT(metric(changed(matrix::action, 2, 1e-6), "kernel_rel"), 1e-8);
  EXPECT_GT(metric(changed(matrix::skew, sound.inputs.count() - 1, 1e-6), "skew_rel"), 1e-8);
  EXPECT_TRUE(std::isnan(metric(changed(matrix::energy, 4, std::nan("")), "energy_rel")));
  Batch answers = sound.answers;
  answers.set(matrix::size, "", std::vector<std::int64_t>{50, 1});
  EXPECT_GT(metric(answers, "entries_off"), 0);
  EXPECT_EQ(metric(answers, "rows_off"), 0);
}

TEST(Assembly, AMatrixOfAnotherFormIsSeen) {
  auto const poisson = problem({{"n", whole(4)}}),
             mass = problem({{"n", whole(4)}, {"form", text("mass")}});
  Outcome const other = run(*mass, {});
  auto const wrong = method();
  wrong->prepare(*poisson, parallel::Comm());
  Batch answers;
  wrong->apply(other.inputs, answers);
  wrong->examine(answers);
  for (Metric const& one : mass->assess(other.inputs, other.truth, answers).metrics)
    if (one.name == "energy_rel") {
      EXPECT_GT(one.value, 0.1);
    }
}

TEST(Assembly, AsksNobodyElse) {
  ProblemEntry const& entry = find_problem("poisson");
  auto const field = entry.make(defaults(entry.parameters), {});
  expect_error("asks for one", [&] { method()->prepare(*field, parallel::Comm()); });
}

} // namespace
} // namespace moho::study::test
