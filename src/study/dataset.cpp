// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dataset.hpp"
#include "dataset_hdf5.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/grid_task.hpp"
#include "moho/study/sha256.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <moho/version.hpp>

namespace moho::study {
namespace {

static_assert(std::endian::native == std::endian::little, "digests are of little-endian values");

/// Values in the precision of the file.
struct Stored {
  Precision precision;
  std::vector<float> narrow{};
  std::vector<double> wide{};

  void append(std::span<double const> values) {
    if (precision == Precision::float64)
      wide.insert(wide.end(), values.begin(), values.end());
    else
      for (double const value : values) narrow.push_back(static_cast<float>(value));
  }
  void add_to(Sha256& digest) const {
    digest.update(std::as_bytes(std::span(narrow)));
    digest.update(std::as_bytes(std::span(wide)));
  }
  void write(parallel::h5::File& file, std::string const& name,
             std::vector<std::size_t> const& shape) const {
    if (precision == Precision::float64)
      file.write(name, std::span<double const>(wide), shape);
    else
      file.write(name, std::span<float const>(narrow), shape);
  }
};

void add_shape(Sha256& digest, std::vector<std::size_t> const& shape) {
  for (const std::size_t along : shape) {
    const std::array<std::int64_t, 1> value{static_cast<std::int64_t>(along)};
    digest.update(std::span<std::int64_t const>(value));
  }
}

/// The grid of a problem that the layouts have room for.
Grid writable_grid(Problem const& problem) {
  auto const* gridded = capability<Gridded>(problem);
  if (gridded == nullptr)
    throw Error("this problem cannot be written as a dataset (its values stand on no grid) choose "
                "one with a grid, such as burgers-1d or darcy-operator");
  Grid grid = gridded->grid();
  require_sound(grid);
  if (grid.dimension() > 2 || grid.input_channels != 1 || grid.output_channels != 1)
    throw Error("this problem cannot be written as a dataset (it has " +
                std::to_string(grid.dimension()) + " dimensions, " +
                std::to_string(grid.input_channels) + " channels of inputs and " +
                std::to_string(grid.output_channels) +
                " of outputs; the layouts have room for one channel in one or two dimensions) "
                "choose another problem");
  return grid;
}

/// Throws moho::Error for a value that the file cannot hold.
void require_storable(std::span<double const> values, std::size_t width, std::uint64_t first,
                      Precision precision, std::string const& what) {
  constexpr double most = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < values.size(); ++i) {
    bool const finite = std::isfinite(values[i]);
    if (finite && (precision == Precision::float64 || std::abs(values[i]) <= most)) continue;
    throw Error("item " + std::to_string(first + i / width) + " cannot be written to a dataset (" +
                what + " it has " + std::to_string(values[i]) +
                (finite ? ", too large for 4 bytes) write 8 bytes"
                        : ", a value that is not known) write items that are known"));
  }
}

char const* split_name(Split split) {
  return split == Split::train ? "train" : split == Split::validation ? "validation" : "test";
}

/// The arrays of a file; complete on the root.
struct Content {
  std::size_t dimension = 0, items = 0;
  Stored nu, tensor;
  std::vector<std::size_t> nu_shape{}, tensor_shape{};

  Content(Grid const& grid, std::size_t n, Precision precision)
      : dimension(grid.dimension()), items(n), nu{precision}, tensor{precision} {
    const std::vector<std::size_t> points(grid.points.begin(), grid.points.end());
    tensor_shape = dimension == 1 ? std::vector<std::size_t>{n, 2, points[0]}
                                  : std::vector<std::size_t>{n, 1, points[0], points[1]};
    if (dimension == 2) nu_shape = {n, points[0], points[1]};
  }
  /// Items in order, (n, width) both.
  void append(std::span<double const> inputs, std::span<double const> outputs, std::size_t width) {
    if (dimension == 2) {
      nu.append(inputs);
      tensor.append(outputs);
      return;
    }
    for (std::size_t at = 0; at < inputs.size(); at += width) {
      tensor.append(inputs.subspan(at, width));
      tensor.append(outputs.subspan(at, width));
    }
  }
  std::string digest() const {
    Sha256 sha;
    add_shape(sha, nu_shape);
    nu.add_to(sha);
    add_shape(sha, tensor_shape);
    tensor.add_to(sha);
    return sha.hex();
  }
};

std::size_t items_asked(Problem const& problem, DatasetRequest const& request) {
  const std::size_t there = problem.count(request.split);
  std::size_t n = request.count;
  if (n == 0 && there > request.first) n = there - request.first;
  if (n == 0 || request.first + n > there)
    throw Error("a dataset of " + std::to_string(request.count) + " items from " +
                std::to_string(request.first) + " on cannot be written (the split " +
                split_name(request.split) + " has " + std::to_string(there) +
                ") ask for fewer, or make the split larger");
  return n;
}

void draw_into(Content& content, std::size_t width, Problem const& problem,
               DatasetRequest const& request, parallel::Comm const& comm) {
  const std::size_t most = std::max<std::size_t>(1, request.block);
  for (std::size_t done = 0; done < content.items;) {
    const std::size_t n = std::min(most, content.items - done);
    const std::uint64_t first = request.first + done;
    Batch inputs, truth;
    parallel::run_collectively(
        comm, [&] { inputs = problem.draw_together(request.split, first, n, comm); });
    parallel::run_collectively(comm, [&] { truth = problem.truth(inputs, comm); });
    parallel::run_collectively(comm, [&] {
      if (!comm.root()) return;
      const std::vector<double> in = inputs.reals(input_array), out = truth.reals(output_array);
      MOHO_REQUIRE(in.size() == n * width && out.size() == n * width);
      require_storable(in, width, first, request.precision, "among its inputs");
      require_storable(out, width, first, request.precision, "among its answers");
      content.append(in, out, width);
    });
    done += n;
  }
}

void write_file(std::string const& path, Content const& content, Grid const& grid,
                DatasetRequest const& request, std::string const& digest) {
  const std::string temporary = temporary_name(path);
  auto file = parallel::h5::File::create(temporary);
  auto const coordinate = [&](char const* name, std::size_t axis) {
    file.write(name, std::span<double const>(grid.coordinates(axis)));
  };
  if (content.dimension == 2) content.nu.write(file, "/nu", content.nu_shape);
  content.tensor.write(file, "/tensor", content.tensor_shape);
  coordinate("/x-coordinate", 0);
  if (content.dimension == 2) coordinate("/y-coordinate", 1);
  if (content.dimension == 1)
    file.write("/t-coordinate", std::span<double const>(std::array{0.0, request.time}));
  file.set_attribute("/", "format", "moho.dataset/1");
  file.set_attribute("/", "problem", request.problem);
  file.set_attribute("/", "parameters", to_json(request.parameters));
  file.set_attribute("/", "split", split_name(request.split));
  file.set_attribute("/", "first", static_cast<std::int64_t>(request.first));
  file.set_attribute("/", "boundary", grid.periodic ? "periodic" : "walls");
  file.set_attribute("/", "version", MOHO_VERSION);
  file.set_attribute("/", "git", std::string(MOHO_GIT_SHA) + (MOHO_GIT_DIRTY ? "-dirty" : ""));
  file.set_attribute("/", "sha256", digest);
  file.close();
  atomic_replace(temporary, path);
}

} // namespace

std::string write_dataset(std::string const& path, Problem const& problem,
                          DatasetRequest const& request, parallel::Comm const& comm) {
  Grid grid;
  std::size_t items = 0;
  parallel::run_collectively(comm, [&] {
    grid = writable_grid(problem);
    items = items_asked(problem, request);
  });
  Content content(grid, items, request.precision);
  draw_into(content, grid.size(), problem, request, comm);
  std::string digest;
  parallel::run_collectively(comm, [&] {
    if (!comm.root()) return;
    digest = content.digest();
    write_file(path, content, grid, request, digest);
  });
  return comm.broadcast(digest);
}

std::string dataset_sha256(std::string const& path) {
  constexpr std::size_t values_at_a_time = std::size_t{1} << 22;
  const BlockFile file(path);
  Sha256 sha;
  for (char const* const name : {"nu", "tensor"}) {
    if (std::string(name) == "nu" && !file.has(name)) continue;
    const BlockFile::Layout layout = file.layout(name);
    add_shape(sha, layout.shape);
    if (layout.shape.empty()) continue;
    std::size_t row = 1;
    for (std::size_t axis = 1; axis < layout.shape.size(); ++axis) row *= layout.shape[axis];
    const std::size_t most =
        std::max<std::size_t>(1, values_at_a_time / std::max<std::size_t>(1, row));
    std::vector<std::size_t> start(layout.shape.size(), 0), count = layout.shape;
    for (std::size_t& first = start[0]; first < layout.shape[0]; first += count[0]) {
      count[0] = std::min(most, layout.shape[0] - first);
      Stored block{layout.bytes == 4 ? Precision::float32 : Precision::float64};
      block.append(file.read(name, start, count));
      block.add_to(sha);
    }
  }
  return sha.hex();
}

} // namespace moho::study
