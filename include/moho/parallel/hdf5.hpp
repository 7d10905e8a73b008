// SPDX-License-Identifier: BSD-3-Clause
// Thin, strict access to HDF5 files: every error is a moho::Error that names file and object.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace moho::parallel {
class Comm;
}

namespace moho::parallel::h5 {

using Shape = std::vector<std::size_t>;
enum class Kind { real, integer, text, other };

/// An open HDF5 file. The same calls with the same values write the same bytes, on every run.
/// Object paths are absolute ("/curve/phase"); missing groups on the way are created.
/// Opened without a Comm it belongs to one rank; opened with one, every member is collective, and
/// an error of one rank's write is thrown on all.
class File {
public:
  /// Creates or replaces a file. The folder must exist. Without a Comm the file is built in memory
  /// and written when it is closed.
  static File create(std::string const& path);
  static File create(std::string const& path, Comm const& comm);
  /// Opens an existing file, read only.
  static File open(std::string const& path);
  static File open(std::string const& path, Comm const& comm);
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  /// Closes; errors are lost here, so writers call close().
  ~File();

  /// Flushes and closes; throws if the data did not reach the file (disk full, quota).
  void close();
  std::string const& path() const { return _path; }

  /// Writes a new dataset. `shape` is row-major and empty means 1-D of all values; its product must
  /// equal the number of values. Zero-sized arrays are fine. With a Comm, all ranks pass the same.
  /// `chunk` is stored in one piece each and must divide the shape; empty: all in one piece.
  void write(std::string const& dataset, std::span<double const> values, Shape const& shape = {},
             Shape const& chunk = {});
  void write(std::string const& dataset, std::span<float const> values, Shape const& shape = {},
             Shape const& chunk = {});
  void write(std::string const& dataset, std::span<const std::int64_t> values,
             Shape const& shape = {});
  void write(std::string const& dataset, std::span<const std::int32_t> values,
             Shape const& shape = {});
  void write(std::string const& dataset, std::span<const std::int8_t> values,
             Shape const& shape = {});
  /// Writes a dataset without axes, of shape ().
  void write_number(std::string const& dataset, double value);
  void write_number(std::string const& dataset, std::int64_t value);
  /// Writes a 1-D dataset of fixed-length UTF-8 strings (h5py: `dataset.asstr()[...]`). A string
  /// holding a NUL is an error.
  void write_strings(std::string const& dataset, std::span<const std::string> values);
  /// Writes the rows [first_row, first_row + rows here) of a dataset of `shape` rows in all; every
  /// rank gives its own block. Needs a file created with a Comm.
  void write_rows(std::string const& dataset, std::span<double const> values, Shape const& shape,
                  std::size_t first_row);
  void write_rows(std::string const& dataset, std::span<const std::int64_t> values,
                  Shape const& shape, std::size_t first_row);

  /// Attaches an attribute to a dataset, a group or "/", replacing one of that name.
  void set_attribute(std::string const& object, std::string const& name, std::string const& value);
  void set_attribute(std::string const& object, std::string const& name, char const* value);
  void set_attribute(std::string const& object, std::string const& name, double value);
  void set_attribute(std::string const& object, std::string const& name, std::int64_t value);
  void set_attribute(std::string const& object, std::string const& name, int value);

  /// Makes a group and those on the way to it, where they are not there yet.
  void create_group(std::string const& group);
  /// Writes a dataset as `from` has it, its type and attributes included.
  void copy(File const& from, std::string const& dataset);
  /// Attaches all attributes that an object ("/", group, dataset) has in `from`, as they are.
  void copy_attributes(File const& from, std::string const& object);

  /// True if the path names a dataset or group.
  bool has(std::string const& object) const;
  bool has_attribute(std::string const& object, std::string const& name) const;
  bool has_group(std::string const& object) const;
  /// What the values of a dataset are.
  Kind kind(std::string const& dataset) const;
  /// Names in a group, ascending.
  std::vector<std::string> list(std::string const& group) const;
  Shape shape(std::string const& dataset) const;
  /// Row-major values of a floating-point dataset (float is widened; another class is an error).
  std::vector<double> read_doubles(std::string const& dataset) const;
  /// Row-major values of an integer dataset; a value past int64 is an error.
  std::vector<std::int64_t> read_ints(std::string const& dataset) const;
  /// Strings of fixed or variable length.
  std::vector<std::string> read_strings(std::string const& dataset) const;
  std::string string_attribute(std::string const& object, std::string const& name) const;
  double double_attribute(std::string const& object, std::string const& name) const;
  std::int64_t int_attribute(std::string const& object, std::string const& name) const;
  /// An integer or a floating-point number.
  double number_attribute(std::string const& object, std::string const& name) const;
  /// Integers of any shape, row-major; a number alone is one of them.
  std::vector<std::int64_t> ints_attribute(std::string const& object,
                                           std::string const& name) const;

private:
  File(std::string path, std::int64_t id, std::shared_ptr<Comm const> comm);
  std::string _path;
  std::string finish();              ///< closes; why that failed, or ""
  std::int64_t _id = -1;             ///< hid_t; -1 when closed
  int _output = -1;                  ///< descriptor of a file that is built in memory; -1: none
  std::shared_ptr<Comm const> _comm; ///< empty: serial
};

} // namespace moho::parallel::h5
