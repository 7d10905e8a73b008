// SPDX-License-Identifier: BSD-3-Clause
#include "dataset_hdf5.hpp"
#include "moho/core/error.hpp"
#include <hdf5.h>
#include <utility>

namespace moho::study {
namespace {

/// What HDF5 says at the innermost level of its error stack.
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

/// An identifier that closes itself.
class Handle {
public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : _id(id), _close(close) {}
  Handle(Handle&& other) noexcept : _id(std::exchange(other._id, -1)), _close(other._close) {}
  Handle(Handle const&) = delete;
  ~Handle() {
    if (_id >= 0) _close(_id);
  }
  operator hid_t() const { return _id; }

private:
  hid_t _id;
  herr_t (*_close)(hid_t);
};

Handle opened(hid_t file, std::string const& path, std::string const& dataset) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  bool const there = H5Lexists(file, dataset.c_str(), H5P_DEFAULT) > 0;
  const hid_t id = there ? H5Dopen2(file, dataset.c_str(), H5P_DEFAULT) : -1;
  if (id < 0)
    throw Error("no dataset '" + dataset + "' in '" + path + "' (" +
                (there ? reason() : std::string("it is not in the file")) +
                ") give a file in a layout of PDEBench: tensor, x-coordinate, t-coordinate; or nu, "
                "tensor, x-coordinate, y-coordinate");
  return {id, H5Dclose};
}

std::vector<std::size_t> shape_of(hid_t space) {
  int const rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> extents(rank > 0 ? static_cast<std::size_t>(rank) : 0);
  if (rank > 0) H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  return {extents.begin(), extents.end()};
}

} // namespace

BlockFile::BlockFile(std::string const& path) : _path(path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  // As parallel::h5::File closes, so that both can have a file open.
  const Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
  _id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access);
  if (_id < 0)
    throw Error("cannot open the dataset file '" + path + "' (" + reason() +
                ") check that it exists, is an HDF5 file and was copied to its end");
}

BlockFile::~BlockFile() {
  H5Fclose(_id);
}

bool BlockFile::has(std::string const& dataset) const {
  return H5Lexists(_id, dataset.c_str(), H5P_DEFAULT) > 0;
}

BlockFile::Layout BlockFile::layout(std::string const& dataset) const {
  const Handle data = opened(_id, _path, dataset);
  const Handle type(H5Dget_type(data), H5Tclose), space(H5Dget_space(data), H5Sclose);
  Layout layout{shape_of(space), H5Tget_size(type)};
  if (H5Tget_class(type) != H5T_FLOAT || (layout.bytes != 4 && layout.bytes != 8))
    throw Error("dataset '" + dataset + "' of '" + _path +
                "' holds no floating-point numbers of 4 or 8 bytes (the layout wants them) convert "
                "it");
  return layout;
}

std::vector<double> BlockFile::read(std::string const& dataset,
                                    std::vector<std::size_t> const& start,
                                    std::vector<std::size_t> const& count) const {
  const Handle data = opened(_id, _path, dataset), space(H5Dget_space(data), H5Sclose);
  MOHO_REQUIRE(shape_of(space).size() == start.size() && start.size() == count.size());
  const std::vector<hsize_t> first(start.begin(), start.end()), extent(count.begin(), count.end());
  const Handle memory(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr),
                      H5Sclose);
  std::size_t values = 1;
  for (const std::size_t along : count) values *= along;
  std::vector<double> out(values);
  if (values == 0) return out;
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, extent.data(), nullptr) <
          0 ||
      H5Sselect_valid(space) <= 0 ||
      H5Dread(data, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, out.data()) < 0)
    throw Error("cannot read samples from " + std::to_string(start.empty() ? 0 : start[0]) +
                " on of dataset '" + dataset + "' of '" + _path + "' (" + reason() +
                ") check that the file was copied to its end, and the disk");
  return out;
}

} // namespace moho::study
