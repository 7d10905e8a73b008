// SPDX-License-Identifier: BSD-3-Clause
// `dataset`: a file of inputs and outputs as a problem.
#include "dataset_hdf5.hpp"
#include "dataset_items.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/dataset.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/grid_task.hpp"
#include "moho/study/witness.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <limits>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// By how much of their spacing coordinates may be off: PDEBench's have 4 bytes.
constexpr double most_uneven = 0.01;

std::string text(std::vector<std::size_t> const& shape) {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + ")";
}

struct Settings {
  std::string path, boundary;
  std::size_t step = 1, train = 0, test = 0;
  std::int64_t input_time = 0, output_time = -1;
  double train_share = 0, validation_share = 0;
  bool check_content = false;
};

/// One array of a file, of which each item has rows of a block: nu and tensor, or two times of it.
struct Source {
  std::string dataset;
  std::vector<std::size_t> start, count; ///< of item 0
};

/// Largest deviation of coordinates from equidistant ones, over their spacing.
double unevenness(std::vector<double> const& x) {
  if (x.size() < 2) return 0;
  double const h = (x.back() - x.front()) / static_cast<double>(x.size() - 1);
  double worst = h > 0 ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < x.size(); ++i) {
    double const off = std::abs(x[i] - x.front() - static_cast<double>(i) * h) / h;
    worst = std::isfinite(off) ? std::fmax(worst, off) : HUGE_VAL;
  }
  return worst;
}

/// What a file holds, without its values.
class Contents {
public:
  explicit Contents(Settings const& s) : _path(s.path) {
    const BlockFile file(s.path);
    if (file.has("nu"))
      set_plane(file);
    else
      set_line(file, s);
    for (std::size_t axis = 0; axis < _points.size(); ++axis) set_coordinates(file, axis);
    const parallel::h5::File attributes = parallel::h5::File::open(s.path);
    auto const attribute = [&](char const* name) {
      return attributes.has_attribute("/", name) ? attributes.string_attribute("/", name)
                                                 : std::string();
    };
    _digest = attribute("sha256");
    std::string boundary = s.boundary;
    if (boundary == "file") boundary = attribute("boundary");
    if (boundary.empty()) boundary = _points.size() == 1 ? "periodic" : "walls";
    _periodic = boundary == "periodic";
    require_points(s.step);
  }

  std::size_t items() const { return _items; }
  std::string const& digest() const { return _digest; }
  std::vector<std::vector<double>> const& coordinates() const { return _coordinates; }
  Source const& input() const { return _input; }
  Source const& output() const { return _output; }
  std::vector<std::size_t> const& points() const { return _points; }

  Grid grid(std::size_t step) const {
    Grid grid;
    grid.periodic = _periodic;
    grid.ends_included = !_periodic;
    for (std::size_t axis = 0; axis < _points.size(); ++axis) {
      std::vector<double> const& x = _coordinates[axis];
      double const h = (x.back() - x.front()) / static_cast<double>(x.size() - 1);
      const std::size_t kept = (_points[axis] - 1) / step + 1;
      grid.points.push_back(static_cast<std::int64_t>(kept));
      grid.lower.push_back(x.front());
      grid.upper.push_back(_periodic ? x.back() + h
                                     : x.front() + static_cast<double>((kept - 1) * step) * h);
    }
    return grid;
  }

private:
  [[noreturn]] void fail(std::string const& dataset, std::string const& problem,
                         std::string const& why, std::string const& advice) const {
    throw Error("dataset '" + dataset + "' of '" + _path + "' " + problem + " (" + why + ") " +
                advice);
  }

  void set_plane(BlockFile const& file) {
    const std::vector<std::size_t> nu = file.layout("nu").shape,
                                   tensor = file.layout("tensor").shape;
    if (nu.size() != 3)
      fail("nu", "has the shape " + text(nu), "samples, x and y are wanted", "correct the file");
    if (tensor.size() != 4 || tensor[1] != 1)
      fail("tensor", "has the shape " + text(tensor), "samples, 1, x and y are wanted beside nu",
           "correct the file");
    if (nu[0] != tensor[0] || nu[1] != tensor[2] || nu[2] != tensor[3])
      fail("tensor", "has the shape " + text(tensor), "nu has " + text(nu),
           "both are of the same samples and points: correct the file");
    _items = nu[0];
    _points = {nu[1], nu[2]};
    _input = {"nu", {0, 0, 0}, {1, nu[1], nu[2]}};
    _output = {"tensor", {0, 0, 0, 0}, {1, 1, nu[1], nu[2]}};
  }

  void set_line(BlockFile const& file, Settings const& s) {
    const std::vector<std::size_t> shape = file.layout("tensor").shape;
    if (shape.size() != 3)
      fail("tensor", "has the shape " + text(shape),
           "samples, times and x are wanted in a file without nu", "correct the file");
    _items = shape[0];
    _points = {shape[2]};
    auto const time = [&](std::int64_t index, char const* key) {
      auto const times = static_cast<std::int64_t>(shape[1]);
      if (index < -times || index >= times)
        fail("tensor", "has " + std::to_string(times) + " times",
             std::string("problem.") + key + " = " + std::to_string(index) + " is none of them",
             "choose 0 .. " + std::to_string(times - 1) + ", or -1 for the last");
      return static_cast<std::size_t>(index < 0 ? index + times : index);
    };
    _input = {"tensor", {0, time(s.input_time, "input_time"), 0}, {1, 1, shape[2]}};
    _output = {"tensor", {0, time(s.output_time, "output_time"), 0}, {1, 1, shape[2]}};
  }

  void set_coordinates(BlockFile const& file, std::size_t axis) {
    const std::string name = axis == 0 ? "x-coordinate" : "y-coordinate";
    const std::vector<std::size_t> shape = file.layout(name).shape;
    if (shape.size() != 1 || shape[0] != _points[axis])
      fail(name, "has the shape " + text(shape),
           "there are " + std::to_string(_points[axis]) + " points", "correct the file");
    std::vector<double> x = file.read(name, {0}, shape);
    if (double const off = unevenness(x); !(off <= most_uneven))
      fail(name, "is not equidistant and ascending",
           "off by " + std::to_string(off) + " of the spacing", "interpolate to an even grid");
    _coordinates.push_back(std::move(x));
  }

  void require_points(std::size_t step) const {
    for (const std::size_t n : _points) {
      if (n < 2 || (n - 1) / step + 1 < 2)
        fail(_output.dataset, "has " + std::to_string(n) + " points along a side",
             "problem.subsample = " + std::to_string(step) + " leaves fewer than two",
             "choose a smaller one");
      if (_periodic && n % step != 0)
        fail(_output.dataset, "has " + std::to_string(n) + " points on a circle",
             "problem.subsample = " + std::to_string(step) + " does not divide them",
             "choose a divisor");
    }
  }

  std::string _path, _digest;
  std::size_t _items = 0;
  std::vector<std::size_t> _points;
  std::vector<std::vector<double>> _coordinates;
  bool _periodic = false;
  Source _input, _output;
};

class DatasetProblem : public Problem, public Gridded, public Streamed {
public:
  explicit DatasetProblem(Settings const& settings)
      : _s(settings), _contents(_s), _grid(_contents.grid(_s.step)) {
    auto const all = static_cast<double>(_contents.items());
    // So that 0.9 of 10 are 9, whatever the binary form of 0.9.
    auto const share = [&](double of) { return static_cast<std::size_t>(of * all + 1e-6); };
    const std::size_t train = share(_s.train_share),
                      validation = std::min(share(_s.validation_share), _contents.items() - train);
    _first = {0, train, train + validation};
    _count = {train, validation, _contents.items() - train - validation};
    limit(0, _s.train, "train", "train_share");
    limit(1, 0, "validation", "validation_share");
    limit(2, _s.test, "test", "train_share and validation_share");
  }

  std::size_t count(Split split) const override { return _count[static_cast<std::size_t>(split)]; }
  Grid grid() const override { return _grid; }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    MOHO_REQUIRE(first + n <= count(split));
    Batch batch(n);
    batch.set(input_array, "", read(_contents.input(), split, first, n), {n, _grid.size()});
    set_items(batch, split, first);
    return batch;
  }

  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    const ItemNumbers items = items_of(inputs, "dataset");
    const std::size_t n = inputs.count();
    std::vector<double> output;
    parallel::run_collectively(comm, [&] {
      if (!comm.root()) return;
      for (std::size_t i = 0; i < n;) { // runs of consecutive items
        std::size_t run = 1;
        while (i + run < n && items.number[i + run] == items.number[i] + run) ++run;
        const std::vector<double> some =
            read(_contents.output(), items.split, items.number[i], run);
        output.insert(output.end(), some.begin(), some.end());
        i += run;
      }
    });
    Batch truth(n);
    if (comm.root()) truth.set(output_array, "", output, {n, _grid.size()});
    truth.set("uncertainty", "", std::vector<double>{nan});
    return truth;
  }

  void read_items(std::span<const std::int64_t> items, std::span<double> inputs,
                  std::span<double> outputs) const override {
    const BlockFile file(_s.path);
    auto in = inputs.begin(), out = outputs.begin();
    for (const std::int64_t item : items) {
      auto const number = static_cast<std::uint64_t>(item);
      in = std::ranges::copy(read(file, _contents.input(), Split::train, number, 1), in).out;
      out = std::ranges::copy(read(file, _contents.output(), Split::train, number, 1), out).out;
    }
  }

  std::vector<Check> verify(parallel::Comm const& comm) const override;

  Assessment assess(Batch const&, Batch const& truth, Batch const& answers) const override {
    Assessment found = assess_on_grid(truth, answers);
    found.data.push_back({"dataset/sha256", "", std::vector<std::string>{_contents.digest()}});
    return found;
  }

private:
  /// `asked` items at most; 0: all there are.
  void limit(std::size_t split, std::size_t asked, char const* key, char const* share) {
    if (asked > _count[split])
      throw Error("dataset '" + _contents.output().dataset + "' of '" + _s.path + "' has " +
                  std::to_string(_contents.items()) + " samples, " + std::to_string(_count[split]) +
                  " of them for this (problem." + key + " = " + std::to_string(asked) +
                  " are asked for) lower it or change problem." + share);
    if (asked > 0) _count[split] = asked;
    if (_count[split] == 0 && split != 1)
      throw Error("dataset '" + _contents.output().dataset + "' of '" + _s.path + "' has " +
                  std::to_string(_contents.items()) + " samples, none of them for " +
                  (split == 0 ? "training" : "being asked about") +
                  " (problem.train_share = " + std::to_string(_s.train_share) +
                  ", validation_share = " + std::to_string(_s.validation_share) +
                  ") change problem." + share);
  }

  std::vector<double> read(Source const& source, Split split, std::uint64_t first,
                           std::size_t n) const {
    return read(BlockFile(_s.path), source, split, first, n);
  }
  std::vector<double> read(BlockFile const& file, Source const& source, Split split,
                           std::uint64_t first, std::size_t n) const;

  Settings _s;
  Contents _contents;
  Grid _grid;
  std::array<std::size_t, 3> _first{}, _count{}; ///< of each split
};

std::vector<double> DatasetProblem::read(BlockFile const& file, Source const& source, Split split,
                                         std::uint64_t first, std::size_t n) const {
  constexpr std::size_t values_at_a_time = std::size_t{1} << 22;
  const std::size_t nx = _contents.points()[0],
                    ny = _contents.points().size() > 1 ? _contents.points()[1] : 1,
                    most = std::max<std::size_t>(1, values_at_a_time / (nx * ny)),
                    begin = _first[static_cast<std::size_t>(split)] + first;
  std::vector<double> values;
  values.reserve(n * _grid.size());
  std::vector<std::size_t> start = source.start, count = source.count;
  for (std::size_t done = 0; done < n; done += count[0]) {
    start[0] = begin + done;
    count[0] = std::min(most, n - done);
    const std::vector<double> block = file.read(source.dataset, start, count);
    for (std::size_t item = 0; item < count[0]; ++item)
      for (std::size_t x = 0; x < nx; x += _s.step)
        for (std::size_t y = 0; y < ny; y += _s.step) {
          double const value = block[(item * nx + x) * ny + y];
          if (!std::isfinite(value))
            throw Error("dataset '" + source.dataset + "' of '" + _s.path + "' holds " +
                        std::to_string(value) + " in sample " + std::to_string(start[0] + item) +
                        " (nothing can be learnt from it) mend the file, or leave the sample out");
          values.push_back(value);
        }
  }
  return values;
}

std::vector<Check> DatasetProblem::verify(parallel::Comm const& comm) const {
  constexpr std::size_t few = 64;
  std::vector<Check> checks;
  double uneven = 0, moved = HUGE_VAL;
  for (std::vector<double> x : _contents.coordinates()) {
    uneven = std::fmax(uneven, unevenness(x));
    x[x.size() / 2] += (x[1] - x[0]) / 4;
    moved = std::fmin(moved, unevenness(x));
  }
  append_with_control(checks,
                      {"dataset_coordinates", uneven, Relation::at_most, most_uneven,
                       "equidistant, largest deviation over the spacing"},
                      moved, "a coordinate moved by a quarter of it");
  SplitHashes hashes;
  for (const Split split : {Split::train, Split::validation, Split::test})
    for (const std::uint64_t hash : item_hashes(draw(split, 0, std::min(few, count(split)))))
      hashes[static_cast<std::size_t>(split)].push_back(static_cast<std::int64_t>(hash));
  for (Check& check : split_checks(hashes)) checks.push_back(std::move(check));
  if (!_s.check_content) return checks;
  std::string digest;
  parallel::run_collectively(comm, [&] {
    if (_contents.digest().empty())
      throw Error("problem.check_content cannot be answered for '" + _s.path +
                  "' (it has no attribute sha256: moho did not write it) set it to false");
    if (comm.root()) digest = dataset_sha256(_s.path);
  });
  digest = comm.broadcast(digest);
  auto const differing = [&](std::string const& other) {
    double letters = std::abs(static_cast<double>(other.size()) -
                              static_cast<double>(_contents.digest().size()));
    for (std::size_t i = 0; i < std::min(other.size(), _contents.digest().size()); ++i)
      letters += other[i] != _contents.digest()[i];
    return letters;
  };
  std::string wrong = digest;
  wrong[0] = wrong[0] == '0' ? '1' : '0';
  append_with_control(checks,
                      {"dataset_content", differing(digest), Relation::equal, 0,
                       "letters in which the digest differs from the attribute sha256"},
                      differing(wrong), "another first letter");
  return checks;
}

} // namespace

std::vector<ParameterSpec> dataset_parameters() {
  return {{"file", std::string("sciml/burgers_small.h5"),
           "HDF5 file in a layout of PDEBench, or one of reference/physics"},
          {"subsample", std::int64_t{1}, "each so many-th point along a side is used", 1, 1 << 20},
          {"input_time", std::int64_t{0}, "which time is the input (one dimension); -1: the last",
           -1e9, 1e9},
          {"output_time", std::int64_t{-1}, "which time is the output", -1e9, 1e9},
          {"boundary",
           std::string("file"),
           "of the grid; file: what its attribute says, else periodic in one dimension alone",
           0,
           0,
           {"file", "periodic", "walls"}},
          {"train_share", 0.8, "of the samples, the first ones, for training", 0, 1},
          {"validation_share", 0.1, "of the samples, the next ones, for validation", 0, 1},
          {"train", std::int64_t{0}, "samples to train on; 0: all of that share", 0, 1e9},
          {"test", std::int64_t{0}, "samples asked about; 0: all others", 0, 1e9},
          {"check_content", false, "whether the digest of the content is computed anew"}};
}

std::unique_ptr<Problem> make_dataset(Parameters const& p, Environment const& environment) {
  Settings s;
  s.path = p.text("file");
  if (s.path.empty())
    throw Error("problem.file names no file (a dataset is read from one) name an HDF5 file in a "
                "layout of PDEBench");
  std::error_code ignored;
  if (!std::filesystem::exists(s.path, ignored)) s.path = data_file(environment, s.path);
  s.boundary = p.text("boundary");
  s.step = static_cast<std::size_t>(p.integer("subsample"));
  s.train = static_cast<std::size_t>(p.integer("train"));
  s.test = static_cast<std::size_t>(p.integer("test"));
  s.input_time = p.integer("input_time");
  s.output_time = p.integer("output_time");
  s.train_share = p.real("train_share");
  s.validation_share = p.real("validation_share");
  s.check_content = p.flag("check_content");
  if (s.train_share + s.validation_share > 1)
    throw Error("problem.train_share + problem.validation_share is more than 1 (no sample would be "
                "left to ask about) lower one of them");
  return std::make_unique<DatasetProblem>(s);
}

} // namespace moho::study
