// SPDX-License-Identifier: BSD-3-Clause
#include "python.hpp"
#include "moho/core/error.hpp"
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace moho::app {
namespace {

struct Outcome {
  int code = 0;     ///< exit status; 127 if the program could not be started
  std::string text; ///< what it wrote on stdout and stderr
};

/// The environment without what tells a child that it is a rank: some builds of h5py start MPI.
std::vector<char*> environment_of_no_rank() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view text(*entry);
    if (!text.starts_with("OMPI_") && !text.starts_with("PMIX_") && !text.starts_with("PMI_"))
      kept.push_back(*entry);
  }
  kept.push_back(nullptr);
  return kept;
}

std::string read_all(int from) {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t n = ::read(from, part.data(), part.size());
    if (n > 0)
      text.append(part.data(), static_cast<std::size_t>(n));
    else if (n == 0 || errno != EINTR)
      return text;
  }
}

Outcome run(std::vector<std::string> const& words) {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    throw Error(std::string("cannot start '") + words[0] + "' (" + std::strerror(errno) + ")");
  std::vector<char*> arguments;
  for (std::string const& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  std::vector<char*> environment = environment_of_no_rank();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
  pid_t child = 0;
  int const failed = ::posix_spawnp(&child, words[0].c_str(), &actions, nullptr, arguments.data(),
                                    environment.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe[1]);
  Outcome outcome;
  if (failed == 0) outcome.text = read_all(pipe[0]);
  ::close(pipe[0]);
  if (failed != 0) return {127, std::strerror(failed)};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

/// Python puts what is wrong in its last line.
std::string last_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const std::size_t start = text.rfind('\n');
  return start == text.npos ? text : text.substr(start + 1);
}

} // namespace

std::string analysis_script(std::string const& name) {
  char const* const folder = std::getenv("MOHO_ANALYSIS");
  const std::filesystem::path path =
      (folder ? std::filesystem::path(folder)
              : std::filesystem::path(MOHO_SOURCE_DIR) / "analysis") /
      name;
  if (std::filesystem::exists(path)) return path.string();
  throw Error("cannot find the script '" + path.string() +
              "' (the source folder moved?) set MOHO_ANALYSIS to moho's folder analysis");
}

std::string find_python(std::vector<std::string> const& modules, std::string const& purpose) {
  std::vector<std::string> candidates{"python3", "/usr/bin/python3"};
  if (char const* const chosen = std::getenv("MOHO_PYTHON")) candidates = {chosen};
  std::string statement = "import sys", why;
  for (std::string const& module : modules) statement += ", " + module;
  for (std::string const& candidate : candidates) {
    const Outcome outcome = run({candidate, "-c", statement});
    if (outcome.code == 0) return candidate;
    why += (why.empty() ? "'" : "; '") + candidate + "': " + last_line(outcome.text);
  }
  std::string needed;
  for (std::string const& module : modules) needed += (needed.empty() ? "" : ", ") + module;
  throw Error(purpose + " needs Python 3 with " + needed + " (" + why +
              ") install them or set MOHO_PYTHON to a Python that has them");
}

void run_python(std::string const& python, std::vector<std::string> const& arguments,
                std::string const& purpose) {
  std::vector<std::string> words{python};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const Outcome outcome = run(words);
  if (outcome.code != 0)
    throw Error(purpose + " failed (" + python + " ended with " + std::to_string(outcome.code) +
                ": " + last_line(outcome.text) + ")");
}

} // namespace moho::app
