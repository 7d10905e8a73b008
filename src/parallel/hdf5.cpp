// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/hdf5.hpp"
#include "hdf5_detail.hpp"
#include "moho/parallel/communicator.hpp"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace moho::parallel::h5 {
namespace detail {

std::string reason() {
  std::string text;
  auto const take = [](unsigned n, H5E_error2_t const* error, void* out) -> herr_t {
    if (n == 0 && error->desc) *static_cast<std::string*>(out) = error->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take, &text);
  H5Eclear2(H5E_DEFAULT);
  return text.empty() ? "HDF5 gives no reason" : text;
}

void fail(std::string const& problem, std::string const& why, std::string const& suggestion) {
  throw Error(problem + " (" + why + "); " + suggestion);
}

void be_silent() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

bool exists(hid_t file, std::string const& object) {
  be_silent();
  if (object == "/") return true;
  // H5Lexists needs every group on the way to exist.
  for (std::size_t end = object.find('/', 1);; end = object.find('/', end + 1)) {
    if (H5Lexists(file, object.substr(0, end).c_str(), H5P_DEFAULT) <= 0) return false;
    if (end == std::string::npos) break;
  }
  return H5Oexists_by_name(file, object.c_str(), H5P_DEFAULT) > 0;
}

void need_path(Place const& place) {
  auto const& o = place.object;
  bool const sound = o.size() > 1 && o.front() == '/' && o.back() != '/' &&
                     o.find("//") == std::string::npos && o.find('\0') == std::string::npos;
  if (!sound) fail("bad object " + place.text(), "not an absolute path", "write it like '/a/b'");
}

std::size_t product(Shape const& shape) {
  std::size_t n = 1;
  for (auto extent : shape) n *= extent;
  return n;
}

Id open_object(hid_t file, Place const& place) {
  if (!exists(file, place.object)) {
    fail("no object " + place.text(), "it is not in the file", "check the name and the format");
  }
  return {place.need(H5Oopen(file, place.object.c_str(), H5P_DEFAULT), "open"), H5Oclose};
}

} // namespace detail

namespace {

using namespace detail;

enum class Access { read, write };

Id file_access(std::string const& path, Comm const* comm, Access access) {
  be_silent();
  Place const place{path, path};
  Id list(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  place.need(static_cast<hid_t>(list), "set up");
  // What is written: old enough for every reader, new enough for compact groups; fixed, so that
  // bytes do not change. What is read may be newer.
  if (access == Access::write)
    place.need(H5Pset_libver_bounds(list, H5F_LIBVER_V18, H5F_LIBVER_V18), "set up");
  place.need(H5Pset_fclose_degree(list, H5F_CLOSE_STRONG), "set up");
  if (comm) place.need(H5Pset_fapl_mpio(list, comm->raw(), MPI_INFO_NULL), "set up MPI for");
  return list;
}

// A file of one rank is built in memory and written in one piece when it is closed: HDF5 keeps what
// it could not write and crashes the process at its end (1.10, a failed H5Fclose leaves a dangling
// identifier), so a full disk must not reach it.
std::int64_t create_file(std::string const& path, Comm const* comm) {
  constexpr std::size_t growth = std::size_t{1} << 24; // byte
  Id const access = file_access(path, comm, Access::write);
  if (!comm) H5Pset_fapl_core(access, growth, false);
  Id const creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation, false); // the root group's
  hid_t const file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access);
  if (file < 0) {
    fail("cannot create '" + path + "'", reason(),
         "check that the folder exists and can be written");
  }
  return file;
}

int create_output(std::string const& path) {
  int const output = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (output < 0)
    fail("cannot create '" + path + "'", std::strerror(errno),
         "check that the folder exists and can be written");
  return output;
}

// Writes a flushed file from memory; returns why that failed, or "".
std::string write_image(hid_t file, int output) {
  void** memory = nullptr;
  ssize_t const size = H5Fget_file_image(file, nullptr, 0); // without the room to grow
  if (size < 0 || H5Fget_vfd_handle(file, H5P_DEFAULT, reinterpret_cast<void**>(&memory)) < 0)
    return reason();
  char const* bytes = static_cast<char const*>(*memory);
  for (auto left = static_cast<std::size_t>(size); left > 0;) {
    ssize_t const n = ::write(output, bytes, std::min(left, std::size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? std::strerror(errno) : "nothing more can be written";
    bytes += n;
    left -= static_cast<std::size_t>(n);
  }
  return "";
}

std::int64_t open_file(std::string const& path, Comm const* comm) {
  Id const access = file_access(path, comm, Access::read);
  hid_t const file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access);
  if (file < 0) {
    fail("cannot open '" + path + "'", reason(), "check that it exists and is an HDF5 file");
  }
  return file;
}

} // namespace

File File::create(std::string const& path) {
  int const output = create_output(path);
  try {
    File file{path, create_file(path, nullptr), nullptr};
    file._output = output;
    return file;
  } catch (...) {
    ::close(output);
    throw;
  }
}
File File::create(std::string const& path, Comm const& comm) {
  return {path, create_file(path, &comm), std::make_shared<Comm const>(comm)};
}
File File::open(std::string const& path) {
  return {path, open_file(path, nullptr), nullptr};
}
File File::open(std::string const& path, Comm const& comm) {
  return {path, open_file(path, &comm), std::make_shared<Comm const>(comm)};
}

File::File(std::string path, std::int64_t id, std::shared_ptr<Comm const> comm)
    : _path(std::move(path)), _id(id), _comm(std::move(comm)) {}

File::File(File&& other) noexcept
    : _path(std::move(other._path)), _id(std::exchange(other._id, -1)),
      _output(std::exchange(other._output, -1)), _comm(std::move(other._comm)) {}

File& File::operator=(File&& other) noexcept {
  std::swap(_path, other._path);
  std::swap(_id, other._id);
  std::swap(_output, other._output);
  std::swap(_comm, other._comm);
  return *this;
}

File::~File() {
  if (_id < 0) return;
  static_cast<void>(finish());
}

std::string File::finish() {
  be_silent();
  std::string why;
  if (H5Fflush(_id, H5F_SCOPE_GLOBAL) < 0) why = reason();
  if (_output >= 0 && why.empty()) why = write_image(_id, _output);
  if (H5Fclose(_id) < 0 && why.empty()) why = reason();
  if (_output >= 0 && ::close(_output) < 0 && why.empty()) why = std::strerror(errno);
  _id = _output = -1;
  return why;
}

void File::close() {
  if (_id < 0) return;
  if (const std::string why = finish(); !why.empty()) {
    fail("cannot finish writing '" + _path + "'", why, "check the disk's free space and the quota");
  }
}

bool File::has(std::string const& object) const {
  return exists(_id, object);
}

bool File::has_attribute(std::string const& object, std::string const& name) const {
  return exists(_id, object) &&
         H5Aexists_by_name(_id, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

bool File::has_group(std::string const& object) const {
  if (!exists(_id, object)) return false;
  Id const opened = open_object(_id, {_path, object});
  return H5Iget_type(opened) == H5I_GROUP;
}

std::vector<std::string> File::list(std::string const& group) const {
  Place const place{_path, group};
  Id const object = open_object(_id, place);
  if (H5Iget_type(object) != H5I_GROUP) {
    fail("no group " + place.text(), "it is a dataset", "check the file's format");
  }
  std::vector<std::string> names;
  auto const take = [](hid_t, char const* name, H5L_info_t const*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  place.need(H5Literate(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, take, &names), "list");
  return names;
}

} // namespace moho::parallel::h5
