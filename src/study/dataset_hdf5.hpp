// SPDX-License-Identifier: BSD-3-Clause
// Blocks of the arrays of an HDF5 file, read when they are needed.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// An HDF5 file, open for reading on one rank. Every error is a moho::Error that names the file and
/// the dataset.
class BlockFile {
public:
  explicit BlockFile(std::string const& path);
  ~BlockFile();
  BlockFile(BlockFile const&) = delete;
  BlockFile& operator=(BlockFile const&) = delete;

  std::string const& path() const { return _path; }
  bool has(std::string const& dataset) const;
  struct Layout {
    std::vector<std::size_t> shape;
    std::size_t bytes = 0; ///< of a value: 4 or 8
  };
  /// Throws moho::Error for a dataset that is missing, for other values than floating-point numbers
  /// of 4 or 8 bytes, and where the file holds less than the shape needs.
  Layout layout(std::string const& dataset) const;
  /// The block that begins at `start`, `count` along each axis, row-major, as double.
  std::vector<double> read(std::string const& dataset, std::vector<std::size_t> const& start,
                           std::vector<std::size_t> const& count) const;

private:
  std::string _path;
  std::int64_t _id = -1; ///< hid_t
};

} // namespace moho::study
