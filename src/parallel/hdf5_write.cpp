// SPDX-License-Identifier: BSD-3-Clause
#include "hdf5_detail.hpp"
#include "moho/parallel/communicator.hpp"
#include <algorithm>
#include <cstring>

namespace moho::parallel::h5 {
namespace {

using namespace detail;

std::string to_text(Shape const& shape) {
  std::string text;
  for (auto extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text;
}

Id simple_space(Shape const& shape) {
  std::vector<hsize_t> const extents(shape.begin(), shape.end());
  return {H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose};
}

// Creates the groups on the way to an object. HDF5 would do it itself, but with time stamps.
void create_groups(hid_t file, Place const& place, hid_t links) {
  Id const properties(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  place.need(H5Pset_obj_track_times(properties, false), "create");
  for (auto end = place.object.find('/', 1); end != std::string::npos;
       end = place.object.find('/', end + 1)) {
    auto const group = place.object.substr(0, end);
    if (exists(file, group)) continue;
    Id const created(H5Gcreate2(file, group.c_str(), links, properties, H5P_DEFAULT), H5Gclose);
    place.need(static_cast<hid_t>(created), "create the group of");
  }
}

// A new dataset without time stamps, contiguous or in chunks; its groups are created.
Id create_dataset(hid_t file, Place const& place, hid_t type, hid_t space,
                  Shape const& chunk = {}) {
  be_silent();
  need_path(place);
  if (exists(file, place.object)) {
    fail("cannot write " + place.text(), "it exists already", "write each dataset once");
  }
  Id const links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  place.need(H5Pset_char_encoding(links, H5T_CSET_UTF8), "create");
  create_groups(file, place, links);
  Id const properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  place.need(H5Pset_obj_track_times(properties, false), "create");
  place.need(H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY), "create");
  if (!chunk.empty()) {
    std::vector<hsize_t> const extents(chunk.begin(), chunk.end());
    place.need(H5Pset_chunk(properties, static_cast<int>(extents.size()), extents.data()),
               "create");
  }
  return {place.need(
              H5Dcreate2(file, place.object.c_str(), type, space, links, properties, H5P_DEFAULT),
              "create"),
          H5Dclose};
}

Id collective_transfer(bool parallel) {
  Id list(H5Pcreate(H5P_DATASET_XFER), H5Pclose);
  if (parallel) H5Pset_dxpl_mpio(list, H5FD_MPIO_COLLECTIVE);
  return list;
}

// An error of one rank becomes one of all: the others would wait in the next collective call.
void together(Comm const* comm, std::function<void()> const& body) {
  if (comm) {
    run_collectively(*comm, body);
  } else {
    body();
  }
}

// Chunks that do not divide the shape would leave bytes in the file that nobody wrote.
void require_fitting(Place const& place, Shape const& shape, Shape const& chunk, std::size_t n) {
  if (product(shape) != n)
    fail("cannot write " + place.text(),
         std::to_string(n) + " values for the shape " + to_text(shape),
         "pass the shape of the values");
  bool fits = chunk.empty() || chunk.size() == shape.size();
  for (std::size_t i = 0; fits && i < chunk.size(); ++i)
    fits = chunk[i] > 0 && shape[i] > 0 && shape[i] % chunk[i] == 0;
  if (!fits)
    fail("cannot write " + place.text(),
         "chunks of " + to_text(chunk) + " do not divide the shape " + to_text(shape),
         "pass a chunk that does, or none");
}

// An empty shape: a number.
template <class T>
void write_shaped(hid_t file, Comm const* comm, Place const& place, std::span<T const> values,
                  Shape const& shape, Shape const& chunk = {}) {
  together(comm, [&] { require_fitting(place, shape, chunk, values.size()); });
  together(comm, [&] {
    auto const types = types_of(T{});
    Id const space = simple_space(shape);
    Id const dataset = create_dataset(file, place, types.file, space, chunk);
    Id const transfer = collective_transfer(comm != nullptr);
    if (values.empty()) return;
    place.need(H5Dwrite(dataset, types.memory, H5S_ALL, H5S_ALL, transfer, values.data()), "write");
  });
}

template <class T>
void write_values(hid_t file, Comm const* comm, Place const& place, std::span<T const> values,
                  Shape const& given, Shape const& chunk = {}) {
  write_shaped(file, comm, place, values, given.empty() ? Shape{values.size()} : given, chunk);
}

// The part of `shape` that holds n values from a row on; checked.
Shape block_of(Place const& place, Shape const& shape, std::size_t n, std::size_t first_row) {
  Shape block = shape;
  std::size_t const row = shape.empty() ? 0 : product(Shape(shape.begin() + 1, shape.end()));
  if (!block.empty()) block[0] = row > 0 ? n / row : 0;
  if (shape.empty() || product(block) != n || first_row > shape[0] ||
      block[0] > shape[0] - first_row) {
    fail("cannot write rows of " + place.text(),
         std::to_string(n) + " values at row " + std::to_string(first_row) + " of the shape " +
             to_text(shape),
         "pass whole rows within the shape");
  }
  return block;
}

template <class T>
void write_selected(hid_t file, Place const& place, std::span<T const> values, Shape const& shape,
                    Shape const& block, std::size_t first_row) {
  auto const types = types_of(T{});
  Id const space = simple_space(shape);
  Id const dataset = create_dataset(file, place, types.file, space);
  if (product(shape) == 0) return;
  std::vector<hsize_t> start(shape.size(), 0);
  std::vector<hsize_t> const count(block.begin(), block.end());
  start[0] = first_row;
  Id const here = simple_space(block);
  if (values.empty()) { // takes part in the collective write with nothing
    place.need(H5Sselect_none(space), "select rows of");
    place.need(H5Sselect_none(here), "select rows of");
  } else {
    place.need(
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
        "select rows of");
  }
  Id const transfer = collective_transfer(true);
  place.need(H5Dwrite(dataset, types.memory, here, space, transfer, values.data()), "write");
}

template <class T>
void write_block(hid_t file, Comm const* comm, Place const& place, std::span<T const> values,
                 Shape const& shape, std::size_t first_row) {
  if (!comm) {
    fail("cannot write rows of " + place.text(), "the file was created without a communicator",
         "pass one to File::create");
  }
  Shape block;
  together(comm, [&] { block = block_of(place, shape, values.size(), first_row); });
  together(comm, [&] { write_selected(file, place, values, shape, block, first_row); });
}

Id utf8(std::size_t length) { // H5T_VARIABLE: variable length
  Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, length);
  H5Tset_cset(type, H5T_CSET_UTF8);
  if (length != H5T_VARIABLE) H5Tset_strpad(type, H5T_STR_NULLPAD);
  return type;
}

void write_attribute(hid_t file, Place const& place, std::string const& name, Types types,
                     void const* value) {
  be_silent();
  Id const object = open_object(file, place);
  if (H5Aexists(object, name.c_str()) > 0) place.need(H5Adelete(object, name.c_str()), "edit");
  Id const space(H5Screate(H5S_SCALAR), H5Sclose);
  Id const creation(H5Pcreate(H5P_ATTRIBUTE_CREATE), H5Pclose);
  H5Pset_char_encoding(creation, H5T_CSET_UTF8);
  Id const attribute(
      place.need(H5Acreate2(object, name.c_str(), types.file, space, creation, H5P_DEFAULT),
                 "add an attribute to"),
      H5Aclose);
  place.need(H5Awrite(attribute, types.memory, value), "write an attribute of");
}

/// Values of any type, as HDF5 reads them: what lies in memory of its own is freed in the end.
class Values {
public:
  template <class Read>
  Values(Place const& place, hid_t type, hid_t space, Read const& read)
      : _type(type), _space(space) {
    if (H5Sget_simple_extent_type(space) != H5S_NULL)
      _bytes.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)) *
                    H5Tget_size(type));
    if (!empty()) place.need(read(_bytes.data()), "read");
  }
  ~Values() {
    bool const apart = H5Tdetect_class(_type, H5T_VLEN) > 0 || H5Tis_variable_str(_type) > 0;
    if (apart && !empty()) H5Dvlen_reclaim(_type, _space, H5P_DEFAULT, _bytes.data());
  }
  Values(Values const&) = delete;
  Values& operator=(Values const&) = delete;
  bool empty() const { return _bytes.empty(); }
  void const* data() const { return _bytes.data(); }

private:
  hid_t _type, _space;
  std::vector<char> _bytes;
};

} // namespace

void File::write(std::string const& dataset, std::span<double const> values, Shape const& shape,
                 Shape const& chunk) {
  write_values(_id, _comm.get(), {_path, dataset}, values, shape, chunk);
}
void File::write(std::string const& dataset, std::span<float const> values, Shape const& shape,
                 Shape const& chunk) {
  write_values(_id, _comm.get(), {_path, dataset}, values, shape, chunk);
}
void File::write(std::string const& dataset, std::span<std::int64_t const> values,
                 Shape const& shape) {
  write_values(_id, _comm.get(), {_path, dataset}, values, shape);
}
void File::write(std::string const& dataset, std::span<std::int32_t const> values,
                 Shape const& shape) {
  write_values(_id, _comm.get(), {_path, dataset}, values, shape);
}
void File::write(std::string const& dataset, std::span<std::int8_t const> values,
                 Shape const& shape) {
  write_values(_id, _comm.get(), {_path, dataset}, values, shape);
}

void File::write_number(std::string const& dataset, double value) {
  write_shaped(_id, _comm.get(), {_path, dataset}, std::span<double const>(&value, 1), {});
}
void File::write_number(std::string const& dataset, std::int64_t value) {
  write_shaped(_id, _comm.get(), {_path, dataset}, std::span<std::int64_t const>(&value, 1), {});
}

void File::write_strings(std::string const& dataset, std::span<std::string const> values) {
  Place const place{_path, dataset};
  std::size_t length = 1;
  for (auto const& value : values) {
    if (value.find('\0') != std::string::npos) {
      fail("cannot write " + place.text(), "a string holds a NUL character", "remove it");
    }
    length = std::max(length, value.size());
  }
  std::vector<char> text(values.size() * length, '\0');
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::memcpy(text.data() + i * length, values[i].data(), values[i].size());
  }
  Id const type = utf8(length);
  Id const space = simple_space({values.size()});
  Id const file_dataset = create_dataset(_id, place, type, space);
  Id const transfer = collective_transfer(_comm != nullptr);
  if (values.empty()) return;
  place.need(H5Dwrite(file_dataset, type, H5S_ALL, H5S_ALL, transfer, text.data()), "write");
}

void File::write_rows(std::string const& dataset, std::span<double const> values,
                      Shape const& shape, std::size_t first_row) {
  write_block(_id, _comm.get(), {_path, dataset}, values, shape, first_row);
}
void File::write_rows(std::string const& dataset, std::span<std::int64_t const> values,
                      Shape const& shape, std::size_t first_row) {
  write_block(_id, _comm.get(), {_path, dataset}, values, shape, first_row);
}

void File::create_group(std::string const& group) {
  if (group == "/") return;
  Place const place{_path, group};
  need_path(place);
  be_silent();
  Id const links(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  place.need(H5Pset_char_encoding(links, H5T_CSET_UTF8), "create");
  std::string const inside = group + "/"; // a group is on the way to what it holds
  create_groups(_id, {_path, inside}, links);
}

// Not by H5Ocopy, which crashes on some damaged headers (1.10).
void File::copy(File const& from, std::string const& dataset) {
  Place const here{_path, dataset}, there{from._path, dataset};
  {
    Id const source = open_dataset(from._id, there);
    Id const stored(H5Dget_type(source), H5Tclose), space(H5Dget_space(source), H5Sclose);
    Id const type(H5Tcopy(stored), H5Tclose); // a named type belongs to its file
    Values const values(there, type, space, [&](void* out) {
      return H5Dread(source, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
    });
    Id const target = create_dataset(_id, here, type, space);
    if (!values.empty())
      here.need(H5Dwrite(target, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "write");
  }
  copy_attributes(from, dataset);
}

void File::copy_attributes(File const& from, std::string const& object) {
  Place const here{_path, object}, there{from._path, object};
  Id const source = open_object(from._id, there), target = open_object(_id, here);
  std::vector<std::string> names;
  auto const take = [](hid_t, char const* name, H5A_info_t const*, void* out) -> herr_t {
    static_cast<std::vector<std::string>*>(out)->emplace_back(name);
    return 0;
  };
  there.need(H5Aiterate2(source, H5_INDEX_NAME, H5_ITER_INC, nullptr, take, &names),
             "list the attributes of");
  for (std::string const& name : names) {
    Id const attribute(
        there.need(H5Aopen(source, name.c_str(), H5P_DEFAULT), "open an attribute of"), H5Aclose);
    Id const stored(H5Aget_type(attribute), H5Tclose), space(H5Aget_space(attribute), H5Sclose);
    Id const type(H5Tcopy(stored), H5Tclose); // a named type belongs to its file
    Values const values(there, type, space,
                        [&](void* out) { return H5Aread(attribute, type, out); });
    if (H5Aexists(target, name.c_str()) > 0) here.need(H5Adelete(target, name.c_str()), "edit");
    Id const creation(H5Aget_create_plist(attribute), H5Pclose);
    Id const copied(here.need(H5Acreate2(target, name.c_str(), type, space, creation, H5P_DEFAULT),
                              "add an attribute to"),
                    H5Aclose);
    if (!values.empty()) here.need(H5Awrite(copied, type, values.data()), "write an attribute of");
  }
}

void File::set_attribute(std::string const& object, std::string const& name,
                         std::string const& value) {
  Id const type = utf8(H5T_VARIABLE);
  char const* text = value.c_str();
  write_attribute(_id, {_path, object}, name, {type, type}, &text);
}
void File::set_attribute(std::string const& object, std::string const& name, char const* value) {
  set_attribute(object, name, std::string(value));
}
void File::set_attribute(std::string const& object, std::string const& name, double value) {
  write_attribute(_id, {_path, object}, name, types_of(value), &value);
}
void File::set_attribute(std::string const& object, std::string const& name, std::int64_t value) {
  write_attribute(_id, {_path, object}, name, types_of(value), &value);
}
void File::set_attribute(std::string const& object, std::string const& name, int value) {
  set_attribute(object, name, static_cast<std::int64_t>(value));
}

} // namespace moho::parallel::h5
