// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/registry.hpp"
#include "moho/core/error.hpp"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>

namespace moho::study {
namespace {

namespace fs = std::filesystem;

/// Keys that a case has anyway: a parameter of that name would hide one.
const std::set<std::string> taken{"problem", "method",   "ranks",    "repeats",
                                  "warmup",  "min_time", "ceilings", "name"};

bool is_word(std::string const& text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string::npos;
}

TEST(Registry, NamesAreUniqueWords) {
  std::set<std::string> problem_names, method_names;
  for (ProblemEntry const& entry : problems()) {
    EXPECT_TRUE(is_word(entry.name)) << entry.name;
    EXPECT_TRUE(problem_names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty() || entry.metrics.empty()) << entry.name;
  }
  for (MethodEntry const& entry : methods()) {
    EXPECT_TRUE(is_word(entry.name)) << entry.name;
    EXPECT_TRUE(method_names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.summary.empty()) << entry.name;
  }
}

void expect_sound(std::vector<ParameterSpec> const& specs) {
  std::set<std::string> keys;
  for (ParameterSpec const& spec : specs) {
    EXPECT_TRUE(keys.insert(spec.key).second) << spec.key << " stands twice";
    EXPECT_EQ(taken.count(spec.key), 0u) << spec.key << " is taken";
    EXPECT_EQ(problem_with(spec.fallback, spec), "") << spec.key;
    EXPECT_FALSE(spec.help.empty()) << spec.key;
  }
}

TEST(Registry, DefaultsFitTheirOwnBounds) {
  for (ProblemEntry const& entry : problems()) expect_sound(entry.parameters);
  for (MethodEntry const& entry : methods()) expect_sound(entry.parameters);
}

TEST(Registry, AProblemAndItsMethodsShareNoParameter) { // a case is flat
  for (ProblemEntry const& problem : problems())
    for (MethodEntry const& method : methods()) {
      if (problem.task != method.task) continue;
      for (ParameterSpec const& a : problem.parameters)
        for (ParameterSpec const& b : method.parameters)
          EXPECT_NE(a.key, b.key) << problem.name << " and " << method.name;
    }
}

TEST(Registry, EveryProblemHasAMethod) {
  for (ProblemEntry const& problem : problems()) {
    bool found = false;
    for (MethodEntry const& method : methods()) found = found || method.task == problem.task;
    EXPECT_TRUE(found) << problem.name;
  }
}

TEST(Registry, UnknownNameSuggestsTheNearest) {
  EXPECT_EQ(find_problem("dispersion-gradient").name, "dispersion-gradient");
  try {
    find_method("dispersion-solvr");
    FAIL();
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'dispersion-solver'?"),
              std::string::npos)
        << error.what();
  }
}

TEST(Registry, DataComesFromTheOptionThenTheEnvironment) {
  const fs::path root = fs::temp_directory_path() / "moho_registry_test";
  fs::remove_all(root);
  for (char const* name : {"option/physics/x/f.json", "environment/x/f.json"}) {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << "{}";
  }
  setenv("MOHO_DATA", (root / "environment").c_str(), 1);
  EXPECT_EQ(data_file({(root / "option").string()}, "x/f.json"),
            (root / "option/physics/x/f.json").string());
  EXPECT_EQ(data_file({}, "x/f.json"), (root / "environment/x/f.json").string());
  try {
    data_file({}, "x/g.json");
    FAIL();
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("x/g.json"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("--data"), std::string::npos) << error.what();
  }
  unsetenv("MOHO_DATA");
  fs::remove_all(root);
}

} // namespace
} // namespace moho::study
