// SPDX-License-Identifier: BSD-3-Clause
// Shared by the sources of the replay: the recording, what was computed again, networks on tapes.
#pragma once
#include "moho/nn/model.hpp"
#include "moho/nn/program.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/nn_replay.hpp"
#include <cstdint>
#include <memory>

namespace moho::study::replaying {

namespace h5 = parallel::h5;

std::string text(h5::Shape const& shape); ///< "(64, 3)"
h5::Shape extents(nn::Shape const& shape);

/// A recording in memory. Datasets are named by their paths, "/params/layer0.bias".
class Recording {
public:
  struct Dataset {
    h5::Kind kind = h5::Kind::other;
    h5::Shape shape;
    std::vector<double> values;     ///< integers too
    std::vector<std::string> texts; ///< of kind text
  };

  explicit Recording(std::string const& path);
  h5::File const& file() const { return _file; }
  std::map<std::string, Dataset> const& datasets() const { return _datasets; }
  std::vector<std::string> const& groups() const { return _groups; }
  std::string name(std::string const& dataset) const; ///< "'/loss' of 'a.h5'"

  bool has(std::string const& dataset) const { return _datasets.count(dataset) > 0; }
  /// Whether some dataset that is no input begins so.
  bool asks(std::string const& prefix) const;
  /// The ends of the names of all datasets that begin with `prefix`.
  std::vector<std::string> below(std::string const& prefix) const;
  /// An input. Throws when it is not there, has a number that is not finite, or another shape
  /// than `wanted`, where 0 stands for any extent; `who` wants it.
  Dataset const& input(std::string const& dataset, std::vector<std::int64_t> const& wanted,
                       std::string const& who) const;
  /// Extents of an input of `rank` axes, none of them 0.
  std::vector<std::int64_t> input_shape(std::string const& dataset, int rank,
                                        std::string const& who) const;

  std::optional<std::string> text_attribute(std::string const& name) const;
  /// Numbers from 1 to `most`.
  std::optional<std::vector<std::int64_t>> sizes_attribute(std::string const& name,
                                                           std::int64_t most) const;
  std::optional<double> number_attribute(std::string const& object, std::string const& name) const;

private:
  void read(std::string const& group);
  Dataset dataset(std::string const& path) const;
  [[noreturn]] void too_large(std::string const& path) const;
  [[noreturn]] void reject(std::string const& dataset, std::string const& is,
                           std::string const& why) const;
  h5::File _file;
  std::map<std::string, Dataset> _datasets;
  std::vector<std::string> _groups;
};

bool is_input(std::string const& dataset);

/// What was computed again.
struct Answers {
  struct Array {
    h5::Shape shape;
    std::vector<double> values;
  };
  std::map<std::string, Array> arrays; ///< by path
  std::optional<double> routes{};

  void put(std::string const& path, double value) { arrays[path] = {{}, {value}}; }
  void put(std::string const& path, h5::Shape const& shape, std::vector<double> values) {
    arrays[path] = {shape, std::move(values)};
  }
  /// Every parameter, at group + name.
  void put(std::string const& group, nn::Layout const& layout, std::vector<double> const& theta);
};

/// The parameters of a group ("/params/") as one flat array. Throws when one is missing, has
/// another shape, is not finite, or when the group holds something else.
std::vector<double> flat_parameters(Recording const& recording, std::string const& group,
                                    nn::Layout const& layout, std::string const& who);

/// A tape with inputs that come from the recording, and the programs on it.
class Sheet {
public:
  using Program = nn::Program<double>;
  using Array = Program::Array;

  Sheet(Recording const& recording, nn::Layout const& layout, std::vector<double> const& theta);
  nn::Tape& tape() { return _tape; }
  nn::Value theta() const { return _theta; }
  /// The dataset `path` as an input; shape as in Recording::input.
  nn::Value input(std::string const& path, std::vector<std::int64_t> const& wanted,
                  std::string const& who);
  /// A further input of the values given.
  nn::Value input(std::string const& name, nn::Shape const& shape,
                  std::vector<double> const& values);
  /// The memory that programs read an input from.
  Array memory(nn::Value input) const { return _memory.at(input.id()); }
  /// All inputs are bound.
  Program program(std::vector<nn::Value> const& results) const;
  /// Values of all results.
  std::vector<std::vector<double>> compute(std::vector<nn::Value> const& results) const;

private:
  Recording const& _recording;
  nn::Tape _tape;
  std::map<std::string, nn::Value> _inputs;
  std::map<int, nn::Value> _values;
  std::map<int, Array> _memory; ///< by id of the tape
  nn::Value _theta;             ///< made of those above
};

/// A recorded model: how its fields and its loss follow from its inputs.
class Network {
public:
  virtual ~Network() = default;
  virtual std::string name() const = 0;
  virtual nn::Layout const& layout() const = 0;
  virtual std::vector<std::string> inputs() const = 0; ///< names in /inputs
  /// The fields of /forward.
  virtual std::map<std::string, nn::Value> forward(Sheet& sheet) const = 0;
  virtual nn::Value loss(Sheet& sheet) const = 0;
  /// What this model alone has.
  virtual void more(Recording const& recording, std::vector<double> const& theta,
                    Answers& answers) const = 0;
};

/// Throws for a model that is not known or does not fit the parameters. Null: a recording of
/// diagnostics alone.
std::unique_ptr<Network> make_network(Recording const& recording);
std::unique_ptr<Network> make_pinn(Recording const& recording);

/// Sizes of a chain of dense layers: of the attribute, else those of /params/<prefix><i>.weight.
std::vector<std::int64_t> chain_sizes(Recording const& recording, std::string const& prefix,
                                      std::string const& attribute);
/// The first word of the attribute 'activation', which has to be a function that is known.
std::string activation_name(Recording const& recording, std::string const& otherwise);

void recompute_network(Recording const& recording, Network const& network,
                       std::vector<double> const& theta, Answers& answers);
void recompute_diagnostics(Recording const& recording, Answers& answers);

/// max|a - b| / max|b|, absolute where max|b| < 1e-12 or where told. Equal values that are not
/// finite agree; others differ by infinity.
double relative_error(std::vector<double> const& a, std::vector<double> const& b,
                      bool absolute = false);

/// The recording with its answers in place of what was recorded; what has none is left out.
void write_answers(std::string const& path, Recording const& recording, Answers const& answers);

} // namespace moho::study::replaying
