// SPDX-License-Identifier: BSD-3-Clause
// Shared by the sources of moho::parallel::h5: identifiers that close themselves, error messages.
#pragma once
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include <hdf5.h>
#include <utility>

namespace moho::parallel::h5::detail {

static_assert(sizeof(hid_t) == sizeof(std::int64_t), "moho needs HDF5 1.10 or later");

/// What HDF5 says went wrong at the innermost level of its error stack.
std::string reason();

/// Throws the moho::Error `problem (why); suggestion`.
[[noreturn]] void fail(std::string const& problem, std::string const& why,
                       std::string const& suggestion);

/// HDF5 prints its error stack by default; moho's errors carry the reason instead.
void be_silent();

/// An HDF5 identifier that closes itself.
class Id {
public:
  using Close = herr_t (*)(hid_t);
  Id(hid_t id, Close close) : _id(id), _close(close) {}
  Id(Id const&) = delete;
  Id& operator=(Id const&) = delete;
  Id(Id&& other) noexcept : _id(std::exchange(other._id, -1)), _close(other._close) {}
  ~Id() {
    if (_id >= 0) _close(_id);
  }
  operator hid_t() const { return _id; }

private:
  hid_t _id;
  Close _close;
};

/// One object of one file, for messages.
struct Place {
  std::string const& file;
  std::string const& object;
  std::string text() const { return "'" + object + "' of '" + file + "'"; }
  // `code` < 0 becomes an error: "cannot <what> '<object>' of '<file>' (reason)".
  template <class Code>
  Code need(Code code, char const* what) const {
    if (code < 0) {
      fail("cannot " + std::string(what) + " " + text(), reason(),
           "check the file, its permissions and the disk's free space");
    }
    return code;
  }
};

/// Type in the file and in memory.
struct Types {
  hid_t file, memory;
};
/// Little-endian in the file on every machine.
inline Types types_of(double) {
  return {H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE};
}
inline Types types_of(float) {
  return {H5T_IEEE_F32LE, H5T_NATIVE_FLOAT};
}
inline Types types_of(std::int64_t) {
  return {H5T_STD_I64LE, H5T_NATIVE_INT64};
}
inline Types types_of(std::int32_t) {
  return {H5T_STD_I32LE, H5T_NATIVE_INT32};
}
inline Types types_of(std::int8_t) {
  return {H5T_STD_I8LE, H5T_NATIVE_INT8};
}

/// True if `object` is in the file; never an HDF5 error.
bool exists(hid_t file, std::string const& object);
/// Throws unless the object is an absolute path below "/".
void need_path(Place const& place);
/// The dataset, group or "/" of that name.
Id open_object(hid_t file, Place const& place);
/// Throws unless it is a dataset.
Id open_dataset(hid_t file, Place const& place);
std::size_t product(Shape const& shape);

} // namespace moho::parallel::h5::detail
