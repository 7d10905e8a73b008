// SPDX-License-Identifier: BSD-3-Clause
#include "training_checkpoint.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/sha256.hpp"
#include <filesystem>
#include <type_traits>

namespace moho::study {
namespace {

namespace h5 = parallel::h5;
constexpr char const* format = "moho.checkpoint/3";

/// Applies `f` to every list of the checkpoint that is an array of its own in the file.
template <class C, class F>
void each_history(C& history, F const& f) {
  f("/history/epoch", history.epoch);
  f("/history/loss", history.loss);
  f("/history/validation", history.validation);
  f("/history/rate", history.rate);
  f("/history/seconds", history.seconds);
}

template <class C>
auto counters(C& c) {
  return std::vector<std::pair<char const*, decltype(&c.epoch)>>{
      {"epoch", &c.epoch},      {"step_in_epoch", &c.step_in_epoch},
      {"steps", &c.steps},      {"best_epoch", &c.best_epoch},
      {"stage", &c.stage},      {"stage_epoch", &c.stage_epoch},
      {"sittings", &c.sittings}};
}
template <class C>
auto numbers(C& c) {
  return std::vector<std::pair<char const*, decltype(&c.seconds)>>{
      {"epoch_loss", &c.epoch_loss},
      {"best_validation", &c.best_validation},
      {"seconds", &c.seconds}};
}

template <class T>
std::vector<T> narrowed(std::vector<double> const& values) {
  return {values.begin(), values.end()};
}

template <class T>
void write_optimiser(h5::File& file, nn::OptimiserState<T> const& state) {
  file.write_strings("/optimiser/kind", std::vector<std::string>{state.kind});
  for (auto const& [name, value] : state.options)
    file.write("/optimiser/options/" + name, std::span(&value, 1));
  for (auto const& [name, value] : state.counters)
    file.write("/optimiser/counters/" + name, std::span(&value, 1));
  for (auto const& [name, values] : state.numbers)
    file.write("/optimiser/numbers/" + name, std::span<double const>(values));
  for (auto const& [name, values] : state.arrays)
    file.write("/optimiser/arrays/" + name, std::span<T const>(values));
}

/// SHA-256 of all that the file holds: what was damaged is not gone on from.
template <class T>
std::string digest_of(Checkpoint<T> const& checkpoint) {
  Sha256 sha;
  auto const add = [&](auto const& list) {
    auto const n = static_cast<std::int64_t>(list.size());
    sha.update(std::span(&n, 1));
    sha.update(std::as_bytes(std::span(list)));
  };
  auto const add_all = [&](auto const& named) {
    for (auto const& [name, value] : named) {
      add(name);
      if constexpr (std::is_arithmetic_v<std::decay_t<decltype(value)>>)
        add(std::vector{value});
      else
        add(value);
    }
  };
  for (auto const& [name, value] : counters(checkpoint)) sha.update(std::span(value, 1));
  for (auto const& [name, value] : numbers(checkpoint)) sha.update(std::span(value, 1));
  add(checkpoint.parameters);
  add(checkpoint.best);
  nn::OptimiserState<T> const& optimiser = checkpoint.optimiser;
  add(optimiser.kind);
  add_all(optimiser.options);
  add_all(optimiser.counters);
  add_all(optimiser.numbers);
  add_all(optimiser.arrays);
  each_history(checkpoint.history, [&](char const*, auto const& values) { add(values); });
  add_all(checkpoint.history.observed);
  return sha.hex();
}

std::vector<std::string> names_in(h5::File const& file, std::string const& group) {
  return file.has(group) ? file.list(group) : std::vector<std::string>{};
}

template <class T>
nn::OptimiserState<T> read_optimiser(h5::File const& file) {
  nn::OptimiserState<T> state;
  state.kind = file.read_strings("/optimiser/kind").at(0);
  for (auto const& name : names_in(file, "/optimiser/options"))
    state.options[name] = file.read_doubles("/optimiser/options/" + name).at(0);
  for (auto const& name : names_in(file, "/optimiser/counters"))
    state.counters[name] = file.read_ints("/optimiser/counters/" + name).at(0);
  for (auto const& name : names_in(file, "/optimiser/numbers"))
    state.numbers[name] = file.read_doubles("/optimiser/numbers/" + name);
  for (auto const& name : names_in(file, "/optimiser/arrays"))
    state.arrays[name] = narrowed<T>(file.read_doubles("/optimiser/arrays/" + name));
  return state;
}

template <class T>
Checkpoint<T> read_file(std::string const& path, std::string const& identity) {
  h5::File const file = h5::File::open(path);
  if (!file.has_attribute("/", "format") || file.string_attribute("/", "format") != format)
    throw Error("'" + path + "' is no checkpoint (its format is not " + format + ")");
  std::string const other = file.string_attribute("/", "identity");
  if (other != identity)
    throw Error("the checkpoint '" + path + "' belongs to another model or training (" + other +
                ", not " + identity + ")");
  Checkpoint<T> checkpoint;
  checkpoint.parameters = narrowed<T>(file.read_doubles("/parameters"));
  checkpoint.best = narrowed<T>(file.read_doubles("/best"));
  checkpoint.optimiser = read_optimiser<T>(file);
  each_history(checkpoint.history, [&](char const* name, auto& values) {
    if constexpr (std::is_same_v<std::decay_t<decltype(values[0])>, std::int64_t>)
      values = file.read_ints(name);
    else
      values = file.read_doubles(name);
  });
  for (auto const& name : names_in(file, "/history/observed"))
    checkpoint.history.observed[name] = file.read_doubles("/history/observed/" + name);
  for (auto const& [name, value] : counters(checkpoint)) *value = file.int_attribute("/", name);
  for (auto const& [name, value] : numbers(checkpoint)) *value = file.double_attribute("/", name);
  if (file.string_attribute("/", "sha256") != digest_of(checkpoint))
    throw Error("the checkpoint '" + path + "' is damaged (its content is not what was written)");
  return checkpoint;
}

/// The same; what cannot be read is told with a way out.
template <class T>
Checkpoint<T> read_or_advise(std::string const& path, std::string const& identity) {
  std::string why;
  try {
    return read_file<T>(path, identity);
  } catch (Error const& error) {
    why = error.what();
  } catch (std::exception const&) { // an empty list, say
    why = "the checkpoint '" + path + "' is damaged";
  }
  throw Error(why + "; remove it, or run with --force, to train anew");
}

} // namespace

template <class T>
void write_checkpoint(std::string const& path, Checkpoint<T> const& checkpoint,
                      std::string const& identity) {
  make_folder(std::filesystem::absolute(path).parent_path().string());
  std::string const temporary = temporary_name(path);
  try {
    h5::File file = h5::File::create(temporary);
    file.set_attribute("/", "format", format);
    file.set_attribute("/", "identity", identity);
    file.set_attribute("/", "sha256", digest_of(checkpoint));
    for (auto const& [name, value] : counters(checkpoint)) file.set_attribute("/", name, *value);
    for (auto const& [name, value] : numbers(checkpoint)) file.set_attribute("/", name, *value);
    file.write("/parameters", std::span<T const>(checkpoint.parameters));
    file.write("/best", std::span<T const>(checkpoint.best));
    write_optimiser(file, checkpoint.optimiser);
    each_history(checkpoint.history, [&](char const* name, auto const& values) {
      file.write(name, std::span(values));
    });
    for (auto const& [name, values] : checkpoint.history.observed)
      file.write("/history/observed/" + name, std::span<double const>(values));
    file.close();
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
  atomic_replace(temporary, path);
}

template <class T>
std::optional<Checkpoint<T>> read_checkpoint(std::string const& path, std::string const& identity,
                                             parallel::Comm const& comm) {
  if (path.empty()) return std::nullopt;
  std::error_code ignored;
  bool const there = comm.root() && std::filesystem::exists(path, ignored);
  if (comm.max(std::int64_t{there}) == 0) return std::nullopt;
  // small against what training holds: every rank reads it
  Checkpoint<T> checkpoint;
  parallel::run_collectively(comm, [&] { checkpoint = read_or_advise<T>(path, identity); });
  return checkpoint;
}

#define MOHO_INSTANTIATE(T)                                                                        \
  template void write_checkpoint(std::string const&, Checkpoint<T> const&, std::string const&);    \
  template std::optional<Checkpoint<T>> read_checkpoint(std::string const&, std::string const&,    \
                                                        parallel::Comm const&);
MOHO_INSTANTIATE(float)
MOHO_INSTANTIATE(double)
#undef MOHO_INSTANTIATE

} // namespace moho::study
