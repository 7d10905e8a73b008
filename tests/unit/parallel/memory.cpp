// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/memory.hpp"
#include "moho/core/error.hpp"
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>

namespace moho::parallel {
namespace {

namespace fs = std::filesystem;

/// A system whose files say what a test writes; a folder for each rank.
struct System {
  fs::path root = fs::temp_directory_path() / ("moho-memory-" + std::to_string(::getpid()));
  System() {
    fs::create_directories(root / "proc");
    fs::create_directories(root / "sys/fs/cgroup");
  }
  ~System() { fs::remove_all(root); }
  void write(char const* path, std::string const& text) const {
    std::ofstream(root / path) << text;
  }
};

TEST(Memory, IsWhatTheSystemAndTheControlGroupLeave) {
  System const system;
  EXPECT_FALSE(available_memory(system.root));
  system.write("proc/meminfo", "MemTotal:  8000 kB\nMemFree: 10 kB\nMemAvailable:   4000 kB\n");
  EXPECT_EQ(available_memory(system.root), 4096000);
  system.write("sys/fs/cgroup/memory.max", "max\n");
  system.write("sys/fs/cgroup/memory.current", "100\n");
  EXPECT_EQ(available_memory(system.root), 4096000);
  system.write("sys/fs/cgroup/memory.max", "5000\n");
  EXPECT_EQ(available_memory(system.root), 4900);
  system.write("sys/fs/cgroup/memory.stat", "anon 7\ninactive_file 50\n");
  EXPECT_EQ(available_memory(system.root), 4950);
  EXPECT_GT(available_memory().value_or(1), 0); // here
}

TEST(Memory, ThatIsNotThereIsToldOnEveryRank) {
  Comm const comm;
  System const system;
  system.write("proc/meminfo", "MemAvailable: 1048576 kB\n"); // 1 GiB
  auto const mebibytes = [](std::int64_t n) { return n << 20; };
  EXPECT_NO_THROW(require_memory(comm, mebibytes(1000) / comm.size(), "A matrix", system.root));
  // One rank asks for more than all may have together.
  std::string message;
  try {
    require_memory(comm, comm.root() ? mebibytes(1536) : 0, "A matrix", system.root);
  } catch (Error const& error) {
    message = error.what();
  }
  EXPECT_NE(message.find("A matrix needs 1.5 GiB of memory on a node (1.0 GiB are available"),
            std::string::npos)
      << message;
  if (comm.size() == 1) return;
  EXPECT_THROW(require_memory(comm, mebibytes(1100) / comm.size(), "A matrix", system.root), Error);
}

} // namespace
} // namespace moho::parallel
