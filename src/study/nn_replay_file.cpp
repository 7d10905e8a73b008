// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "nn_replay_detail.hpp"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <new>
#include <stdexcept>

namespace moho::study::replaying {
namespace {

bool begins(std::string const& text, std::string const& with) {
  return text.compare(0, with.size(), with) == 0;
}
bool ends(std::string const& text, std::string const& with) {
  return text.size() >= with.size() &&
         text.compare(text.size() - with.size(), with.size(), with) == 0;
}

std::string listed(std::vector<std::int64_t> const& extents, char const* any) {
  std::string list;
  for (std::int64_t const extent : extents)
    list += (list.empty() ? "" : ", ") + (extent > 0 ? std::to_string(extent) : any);
  return "(" + list + ")";
}

/// What `read` gives; its error names the attribute.
template <class Read>
auto of_attribute(std::string const& object, std::string const& attribute, Read const& read) {
  try {
    return read();
  } catch (Error const& error) {
    throw Error("attribute '" + attribute + "' on '" + object + "': " + error.what());
  }
}

std::string child(std::string const& group, std::string const& name) {
  return (group == "/" ? "" : group) + "/" + name;
}

} // namespace

std::string text(h5::Shape const& shape) {
  return listed({shape.begin(), shape.end()}, "0");
}

h5::Shape extents(nn::Shape const& shape) {
  auto const extents = shape.extents();
  return {extents.begin(), extents.end()};
}

bool is_input(std::string const& dataset) {
  for (char const* const group :
       {"/params/", "/inputs/", "/targets/", "/hvp_v/", "/linear_path/A/", "/linear_path/B/"})
    if (begins(dataset, group)) return true;
  for (char const* const one : {"/param_order", "/param_sizes", "/cka/X", "/cka/Y",
                                "/linear_path/t", "/linear_path/x", "/linear_path/y"})
    if (dataset == one) return true;
  return (begins(dataset, "/other_grid_") && ends(dataset, "/x")) ||
         (begins(dataset, "/hill/") && ends(dataset, "/W"));
}

Recording::Recording(std::string const& path) : _file(h5::File::open(path)) {
  read("/");
}

void Recording::read(std::string const& group) {
  _groups.push_back(group);
  for (std::string const& one : _file.list(group)) {
    const std::string path = child(group, one);
    if (_file.has_group(path)) {
      read(path);
      continue;
    }
    try {
      _datasets.emplace(path, dataset(path));
    } catch (std::bad_alloc const&) {
      too_large(path);
    } catch (std::length_error const&) {
      too_large(path);
    }
  }
}

Recording::Dataset Recording::dataset(std::string const& path) const {
  Dataset dataset{_file.kind(path), _file.shape(path), {}, {}};
  switch (dataset.kind) {
  case h5::Kind::real:
    dataset.values = _file.read_doubles(path);
    break;
  case h5::Kind::integer:
    for (std::int64_t const value : _file.read_ints(path))
      dataset.values.push_back(static_cast<double>(value));
    break;
  case h5::Kind::text:
    dataset.texts = _file.read_strings(path);
    break;
  case h5::Kind::other:
    break;
  }
  return dataset;
}

std::string Recording::name(std::string const& dataset) const {
  return "'" + dataset + "' of '" + _file.path() + "'";
}

bool Recording::asks(std::string const& prefix) const {
  return std::any_of(_datasets.begin(), _datasets.end(), [&](auto const& entry) {
    return begins(entry.first, prefix) && !is_input(entry.first);
  });
}

std::vector<std::string> Recording::below(std::string const& prefix) const {
  std::vector<std::string> names;
  for (auto const& [path, dataset] : _datasets)
    if (begins(path, prefix)) names.push_back(path.substr(prefix.size()));
  return names;
}

void Recording::too_large(std::string const& path) const {
  reject(path, "has the shape " + text(_file.shape(path)), "it does not fit into memory");
}

void Recording::reject(std::string const& dataset, std::string const& is,
                       std::string const& why) const {
  throw Error(name(dataset) + " " + is + " (" + why + ") correct it, or record it again");
}

Recording::Dataset const& Recording::input(std::string const& dataset,
                                           std::vector<std::int64_t> const& wanted,
                                           std::string const& who) const {
  auto const found = _datasets.find(dataset);
  if (found == _datasets.end()) reject(dataset, "is missing", who + " needs it");
  Dataset const& data = found->second;
  bool fits = data.shape.size() == wanted.size();
  for (std::size_t axis = 0; fits && axis < wanted.size(); ++axis)
    fits = wanted[axis] > 0 ? data.shape[axis] == static_cast<std::size_t>(wanted[axis])
                            : data.shape[axis] > 0;
  if (!fits)
    reject(dataset, "has the shape " + text(data.shape), who + " wants " + listed(wanted, "n"));
  if (data.kind != h5::Kind::real)
    reject(dataset, "does not hold floating-point numbers", who + " needs them");
  auto const bad = std::find_if(data.values.begin(), data.values.end(),
                                [](double value) { return !std::isfinite(value); });
  if (bad != data.values.end())
    reject(dataset, fmt::format("holds {} at entry {}", *bad, bad - data.values.begin()),
           "inputs are finite");
  return data;
}

std::vector<std::int64_t> Recording::input_shape(std::string const& dataset, int rank,
                                                 std::string const& who) const {
  auto const& shape =
      input(dataset, std::vector<std::int64_t>(static_cast<std::size_t>(rank), 0), who).shape;
  return {shape.begin(), shape.end()};
}

std::optional<std::string> Recording::text_attribute(std::string const& attribute) const {
  if (!_file.has_attribute("/", attribute)) return std::nullopt;
  return of_attribute("/", attribute, [&] { return _file.string_attribute("/", attribute); });
}

std::optional<std::vector<std::int64_t>> Recording::sizes_attribute(std::string const& attribute,
                                                                    std::int64_t most) const {
  if (!_file.has_attribute("/", attribute)) return std::nullopt;
  auto sizes = of_attribute("/", attribute, [&] { return _file.ints_attribute("/", attribute); });
  for (std::int64_t const size : sizes.empty() ? std::vector<std::int64_t>{0} : sizes)
    if (size < 1 || size > most)
      throw Error(fmt::format("attribute '{}' of '{}' holds [{}] (sizes are 1 to {}) correct it",
                              attribute, _file.path(), fmt::join(sizes, ", "), most));
  return sizes;
}

std::optional<double> Recording::number_attribute(std::string const& object,
                                                  std::string const& attribute) const {
  if (!_file.has_attribute(object, attribute)) return std::nullopt;
  double const value =
      of_attribute(object, attribute, [&] { return _file.number_attribute(object, attribute); });
  if (!std::isfinite(value))
    throw Error(fmt::format("attribute '{}' of {} is {} (it has to be finite) correct it",
                            attribute, name(object), value));
  return value;
}

void Answers::put(std::string const& group, nn::Layout const& layout,
                  std::vector<double> const& theta) {
  for (nn::Parameter const& parameter : layout.parameters())
    put(group + parameter.name, extents(parameter.exchange_shape()),
        layout.to_exchange(parameter, theta));
}

std::vector<double> flat_parameters(Recording const& recording, std::string const& group,
                                    nn::Layout const& layout, std::string const& who) {
  for (nn::Parameter const& parameter : layout.parameters())
    recording.input(group + parameter.name, parameter.exchange_shape().extents(), who);
  for (std::string const& name : recording.below(group)) {
    auto const& all = layout.parameters();
    if (std::any_of(all.begin(), all.end(), [&](auto const& p) { return p.name == name; }))
      continue;
    throw Error(recording.name(group + name) + " has no place in the model (" + who +
                ") remove it, or correct the attributes");
  }
  std::vector<double> theta(static_cast<std::size_t>(layout.size()));
  for (nn::Parameter const& parameter : layout.parameters())
    layout.from_exchange(
        parameter,
        recording.input(group + parameter.name, parameter.exchange_shape().extents(), who).values,
        theta);
  return theta;
}

} // namespace moho::study::replaying
