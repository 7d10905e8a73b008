// SPDX-License-Identifier: BSD-3-Clause
#include "hdf5_detail.hpp"
#include <algorithm>
#include <cstring>

namespace moho::parallel::h5 {
namespace detail {

Id open_dataset(hid_t file, Place const& place) {
  need_path(place);
  if (!exists(file, place.object)) {
    fail("no dataset " + place.text(), "it is not in the file", "check the file's format");
  }
  Id const object(place.need(H5Oopen(file, place.object.c_str(), H5P_DEFAULT), "open"), H5Oclose);
  if (H5Iget_type(object) != H5I_DATASET) {
    fail("no dataset " + place.text(), "it is a group", "check the file's format");
  }
  return {place.need(H5Dopen2(file, place.object.c_str(), H5P_DEFAULT), "open"), H5Dclose};
}

} // namespace detail

namespace {

using namespace detail;

char const* class_name(H5T_class_t type) {
  switch (type) {
  case H5T_INTEGER:
    return "integers";
  case H5T_FLOAT:
    return "floating-point numbers";
  case H5T_STRING:
    return "strings";
  default:
    return "values of another type";
  }
}

void need_class(Place const& place, hid_t type, H5T_class_t wanted) {
  auto const found = H5Tget_class(type);
  if (found == wanted) return;
  fail(place.text() + " holds " + class_name(found), std::string("wanted ") + class_name(wanted),
       "check the file's format");
}

Shape extents(Place const& place, hid_t space) {
  int const rank = place.need(H5Sget_simple_extent_ndims(space), "read the shape of");
  std::vector<hsize_t> size(static_cast<std::size_t>(rank));
  place.need(H5Sget_simple_extent_dims(space, size.data(), nullptr), "read the shape of");
  return {size.begin(), size.end()};
}

std::size_t count(Place const& place, hid_t space) {
  return H5Sget_simple_extent_type(space) == H5S_NULL ? 0 : product(extents(place, space));
}

// Reads from a dataset or an attribute: `read(memory type, buffer)`.
template <class Read>
std::vector<std::string> read_text(Place const& place, hid_t type, hid_t space, Read const& read) {
  need_class(place, type, H5T_STRING);
  std::size_t const n = count(place, space);
  std::vector<std::string> out(n);
  if (n == 0) return out;
  if (H5Tis_variable_str(type) > 0) {
    Id const memory(H5Tcopy(type), H5Tclose);
    std::vector<char*> text(n, nullptr);
    place.need(read(memory, text.data()), "read");
    for (std::size_t i = 0; i < n; ++i) out[i] = text[i] ? text[i] : "";
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, text.data());
    return out;
  }
  std::size_t const length = H5Tget_size(type);
  std::vector<char> text(n * length);
  place.need(read(type, text.data()), "read");
  bool const spaces = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
  for (std::size_t i = 0; i < n; ++i) {
    char const* first = text.data() + i * length;
    out[i].assign(first, strnlen(first, length));
    if (spaces) out[i].erase(out[i].find_last_not_of(' ') + 1);
  }
  return out;
}

std::vector<std::int64_t> read_integers(Place const& place, hid_t type, std::size_t n,
                                        auto const& read) {
  need_class(place, type, H5T_INTEGER);
  std::vector<std::int64_t> out(n);
  if (n == 0) return out;
  bool const wide = H5Tget_sign(type) == H5T_SGN_NONE && H5Tget_size(type) >= sizeof(out[0]);
  place.need(read(wide ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64, out.data()), "read");
  // Unsigned values past int64 show as negative ones.
  if (wide && *std::min_element(out.begin(), out.end()) < 0) {
    fail("a value of " + place.text() + " is too large", "it does not fit 64 signed bits",
         "check the file's content");
  }
  return out;
}

struct Attribute {
  Id id, type, space;
};

Attribute open_attribute(hid_t file, Place const& place, std::string const& name) {
  Id const object = open_object(file, place);
  if (H5Aexists(object, name.c_str()) <= 0) {
    fail("no attribute '" + name + "' on " + place.text(), "it is not in the file",
         "check the file's format");
  }
  hid_t const id = place.need(H5Aopen(object, name.c_str(), H5P_DEFAULT), "open an attribute of");
  return {Id(id, H5Aclose), Id(H5Aget_type(id), H5Tclose), Id(H5Aget_space(id), H5Sclose)};
}

void need_scalar(Place const& place, std::string const& name, std::size_t n) {
  if (n == 1) return;
  fail("attribute '" + name + "' on " + place.text() + " has " + std::to_string(n) + " values",
       "wanted one", "check the file's format");
}

} // namespace

Kind File::kind(std::string const& dataset) const {
  Id const opened = open_dataset(_id, {_path, dataset});
  Id const type(H5Dget_type(opened), H5Tclose);
  switch (H5Tget_class(type)) {
  case H5T_FLOAT:
    return Kind::real;
  case H5T_INTEGER:
    return Kind::integer;
  case H5T_STRING:
    return Kind::text;
  default:
    return Kind::other;
  }
}

Shape File::shape(std::string const& dataset) const {
  Place const place{_path, dataset};
  Id const opened = open_dataset(_id, place);
  Id const space(H5Dget_space(opened), H5Sclose);
  return extents(place, space);
}

std::vector<double> File::read_doubles(std::string const& dataset) const {
  Place const place{_path, dataset};
  Id const opened = open_dataset(_id, place);
  Id const type(H5Dget_type(opened), H5Tclose), space(H5Dget_space(opened), H5Sclose);
  need_class(place, type, H5T_FLOAT);
  std::vector<double> out(count(place, space));
  if (out.empty()) return out;
  place.need(H5Dread(opened, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data()), "read");
  return out;
}

std::vector<std::int64_t> File::read_ints(std::string const& dataset) const {
  Place const place{_path, dataset};
  Id const opened = open_dataset(_id, place);
  Id const type(H5Dget_type(opened), H5Tclose), space(H5Dget_space(opened), H5Sclose);
  return read_integers(place, type, count(place, space), [&](hid_t memory, void* out) {
    return H5Dread(opened, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
  });
}

std::vector<std::string> File::read_strings(std::string const& dataset) const {
  Place const place{_path, dataset};
  Id const opened = open_dataset(_id, place);
  Id const type(H5Dget_type(opened), H5Tclose), space(H5Dget_space(opened), H5Sclose);
  return read_text(place, type, space, [&](hid_t memory, void* out) {
    return H5Dread(opened, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
  });
}

std::string File::string_attribute(std::string const& object, std::string const& name) const {
  Place const place{_path, object};
  auto const attribute = open_attribute(_id, place, name);
  need_scalar(place, name, count(place, attribute.space));
  return read_text(place, attribute.type, attribute.space,
                   [&](hid_t memory, void* out) { return H5Aread(attribute.id, memory, out); })[0];
}

double File::double_attribute(std::string const& object, std::string const& name) const {
  Place const place{_path, object};
  auto const attribute = open_attribute(_id, place, name);
  need_scalar(place, name, count(place, attribute.space));
  need_class(place, attribute.type, H5T_FLOAT);
  double value = 0;
  place.need(H5Aread(attribute.id, H5T_NATIVE_DOUBLE, &value), "read an attribute of");
  return value;
}

std::int64_t File::int_attribute(std::string const& object, std::string const& name) const {
  Place const place{_path, object};
  auto const attribute = open_attribute(_id, place, name);
  need_scalar(place, name, count(place, attribute.space));
  return read_integers(place, attribute.type, 1, [&](hid_t memory, void* out) {
    return H5Aread(attribute.id, memory, out);
  })[0];
}

double File::number_attribute(std::string const& object, std::string const& name) const {
  auto const attribute = open_attribute(_id, {_path, object}, name);
  if (H5Tget_class(attribute.type) == H5T_INTEGER)
    return static_cast<double>(int_attribute(object, name));
  return double_attribute(object, name);
}

std::vector<std::int64_t> File::ints_attribute(std::string const& object,
                                               std::string const& name) const {
  Place const place{_path, object};
  auto const attribute = open_attribute(_id, place, name);
  return read_integers(place, attribute.type, count(place, attribute.space),
                       [&](hid_t memory, void* out) { return H5Aread(attribute.id, memory, out); });
}

} // namespace moho::parallel::h5
