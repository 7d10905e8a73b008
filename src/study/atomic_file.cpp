// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/atomic_file.hpp"
#include "moho/core/error.hpp"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace moho::study {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(char const* what, std::string const& path, int code) {
  throw Error(std::string(what) + " '" + path + "' (" + std::strerror(code) +
              ") check the path, its permissions and the space left");
}

/// Flushes a file or folder to the disk; a file system that cannot is no error.
int flush(std::string const& path, int flags) {
  int const file = ::open(path.c_str(), flags);
  if (file < 0) return errno;
  int const code = ::fsync(file) != 0 && errno != EINVAL && errno != EROFS ? errno : 0;
  ::close(file);
  return code;
}

int write_all(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(file, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

} // namespace

std::string temporary_name(std::string const& path) {
  const fs::path target(path);
  std::string name(".");
  name += target.stem().string() + ".tmp" + std::to_string(::getpid());
  name += target.extension().string();
  return (target.parent_path() / name).string();
}

void atomic_replace(std::string const& temporary, std::string const& path) {
  int code = flush(temporary, O_RDONLY);
  if (code == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) code = errno;
  if (code != 0) {
    ::unlink(temporary.c_str());
    fail("cannot write", path, code);
  }
  const std::string folder = fs::path(path).parent_path().string();
  flush(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY); // the rename itself
}

std::string write_beside(std::string const& path, std::string_view content) {
  // A folder would only be noticed by rename, after the work.
  if (fs::is_directory(path)) fail("cannot write", path, EISDIR);
  const std::string temporary = temporary_name(path);
  int const file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail("cannot write", path, errno);
  int const code = write_all(file, content);
  ::close(file);
  if (code != 0) {
    ::unlink(temporary.c_str());
    fail("cannot write", path, code);
  }
  return temporary;
}

void write_atomically(std::string const& path, std::string_view content) {
  atomic_replace(write_beside(path, content), path);
}

void require_writable(std::string const& path, std::string const& input) {
  std::error_code ignored;
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored))
    throw Error("cannot write '" + path + "' (it is not a regular file) name another");
  if (fs::equivalent(path, input, ignored))
    throw Error("cannot write '" + path + "' (it is the input) name another");
  const std::string probe = temporary_name(path);
  std::FILE* const file = std::fopen(probe.c_str(), "wb");
  if (!file)
    throw Error("cannot write '" + path + "' (" + std::strerror(errno) +
                ") check the folder and its permissions");
  std::fclose(file);
  fs::remove(probe, ignored);
}

void make_folder(std::string const& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) fail("cannot make the folder", path, code.value());
}

std::string read_file(std::string const& path) {
  if (fs::is_directory(path)) fail("cannot read", path, EISDIR);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot read", path, errno != 0 ? errno : ENOENT);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) fail("cannot read", path, EIO);
  return text;
}

} // namespace moho::study
