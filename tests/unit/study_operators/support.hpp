// SPDX-License-Identifier: BSD-3-Clause
// Small problems, their values, and a folder for all ranks.
#pragma once
#include "moho/study/function_batch.hpp"
#include "moho/study/grid_task.hpp"
#include "support/by_name.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <filesystem>
#include <string>
#include <unistd.h>
#include <vector>

namespace moho::study::test {

using moho::test::error_of;
using moho::test::names;
using moho::test::problem;
using moho::test::Settings;
using moho::test::with;

/// Settings of problems that take milliseconds.
inline Settings small_burgers() {
  return {{"s", std::int64_t{16}},
          {"grid", std::int64_t{128}},
          {"time_steps", std::int64_t{50}},
          {"train", std::int64_t{12}},
          {"test", std::int64_t{5}}};
}
inline Settings small_darcy() {
  return {{"s", std::int64_t{6}},
          {"grid", std::int64_t{21}},
          {"train", std::int64_t{12}},
          {"test", std::int64_t{5}}};
}

inline std::vector<double> inputs(Problem const& problem, Split split, std::uint64_t first,
                                  std::size_t n) {
  return problem.draw(split, first, n).reals(input_array);
}

/// Answers of a problem to its own draws; complete on the root of `comm`.
inline std::vector<double> answers(Problem const& problem, Split split, std::uint64_t first,
                                   std::size_t n, parallel::Comm const& comm) {
  const Batch truth = problem.truth(problem.draw(split, first, n), comm);
  return comm.root() ? truth.reals(output_array) : std::vector<double>{};
}

/// A folder of this run that all ranks share, removed by the root.
class Folder {
public:
  Folder() {
    const parallel::Comm world;
    _path = world.broadcast(
        (std::filesystem::temp_directory_path() / ("moho_operators_" + std::to_string(::getpid())))
            .string());
    if (world.root()) std::filesystem::create_directories(_path);
    world.barrier();
  }
  ~Folder() {
    const parallel::Comm world;
    world.barrier();
    std::error_code ignored;
    if (world.root()) std::filesystem::remove_all(_path, ignored);
  }
  std::string operator/(std::string const& name) const { return _path + "/" + name; }

private:
  std::string _path;
};

} // namespace moho::study::test
