// SPDX-License-Identifier: BSD-3-Clause
// Small records and run folders to compare.
#pragma once
#include "moho/study/baseline.hpp"
#include "support/errors.hpp"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <unistd.h>

namespace moho::test {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// A valid moho.result/1.
inline Json sample_record(std::string const& id = "a1") {
  return Json::parse(R"({"format": "moho.result/1", "id": ")" + id + R"(", "study": "accuracy",
    "case": {"problem": "p", "method": "m", "layers": 10}, "status": "ok",
    "provenance": {"git": {"sha": "abc", "dirty": false},
                   "build": {"platform": "ci-x86-gcc12-serial-avx512"},
                   "run": {"utc": "2026-01-02T03:04:05Z"}},
    "checks": [{"name": "phase_rel_max", "value": 1e-11, "relation": "<=", "limit": 1e-9,
                "pass": true}],
    "counters": {"layer_evaluations": 123456789012345, "roots": 60},
    "timings": {"apply": {"unit": "s", "samples": [0.5, 0.7, 0.6], "median": 0.6, "mad": 0.1,
                          "ci95": [0.5, 0.7], "rank_min": 0.5, "rank_max": 0.7, "warmup": 1}},
    "metrics": {"phase_rel_max": 1e-11, "points": 60.0, "null_mismatches": 0.0,
                "group_rel_max": null, "folds": [0.25, 0.5]},
    "fom": [{"name": "curves_per_second", "value": 100.5, "unit": "1/s", "better": "higher"}],
    "data": "data.h5"})");
}

/// Every test has a folder of its own, removed afterwards.
class InFolder : public testing::Test {
protected:
  InFolder() : _folder(fs::temp_directory_path() / ("moho-baseline-" + std::to_string(getpid()))) {
    fs::create_directories(_folder);
  }
  ~InFolder() override { fs::remove_all(_folder); }

  std::string path(std::string const& name) const { return (_folder / name).string(); }
  void write(std::string const& name, std::string const& text) const {
    fs::create_directories((_folder / name).parent_path());
    std::ofstream(_folder / name) << text;
  }
  /// <run>/<study>/<id>/result.json
  void add(std::string const& run, Json const& record) const {
    write(run + "/" + record.at("study").get<std::string>() + "/" +
              record.at("id").get<std::string>() + "/result.json",
          record.dump());
  }
  Json read(std::string const& name) const {
    std::ifstream file(_folder / name);
    return Json::parse(file);
  }
  /// Baselines in "baselines/" from the records of `run`.
  std::vector<study::Updated> update(std::string const& run, study::UpdateOptions options = {}) {
    if (options.why.empty()) options.why = "a test";
    options.folder = path("baselines");
    return study::update_baselines(path(run), options);
  }

  fs::path _folder;
};

} // namespace moho::test
