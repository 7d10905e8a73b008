// SPDX-License-Identifier: BSD-3-Clause
// Files appear whole or not at all: written under a temporary name beside the target, then renamed.
#pragma once
#include <string>
#include <string_view>

namespace moho::study {

/// Writes `content` to `path` (temporary name in the same folder, fsync, rename). The folder must
/// exist. Throws moho::Error naming the path; nothing is left behind then. Call it on one rank.
void write_atomically(std::string const& path, std::string_view content);

/// Writes `content` under temporary_name(path), which is returned: the first half of the same.
std::string write_beside(std::string const& path, std::string_view content);

/// A free name beside `path` for a file that `atomic_replace` will move there: the same folder and
/// extension, so that libraries which look at the extension accept it. Leading dot: hidden.
std::string temporary_name(std::string const& path);

/// Moves the finished file `temporary` to `path` (fsync, rename). Throws moho::Error naming the
/// path and removes `temporary` on failure.
void atomic_replace(std::string const& temporary, std::string const& path);

/// Finds out before the work, not after it, that a command cannot write `path`: throws moho::Error
/// naming it where it is no regular file, is the `input` itself, or cannot be opened. Leaves
/// nothing behind. Call it on one rank.
void require_writable(std::string const& path, std::string const& input);

/// Makes a folder and its parents. Throws moho::Error naming the path.
void make_folder(std::string const& path);

/// Reads a whole file. Throws moho::Error naming the path.
std::string read_file(std::string const& path);

} // namespace moho::study
