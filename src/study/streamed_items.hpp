// SPDX-License-Identifier: BSD-3-Clause
// Training items that stay in their file: read when a batch wants them, scaled as they come.
#pragma once
#include "moho/study/dataset.hpp"
#include "moho/study/sharded_loss.hpp"

namespace moho::study {

/// Mean and deviation of each value of a row, from rows one after the other (Welford 1962).
class Moments {
public:
  explicit Moments(std::size_t width) : _mean(width, 0.0), _square(width, 0.0) {}
  void add(std::span<double const> rows); ///< (n, width)
  /// Per value, or of each channel over all its values. A deviation that is round-off counts as 0.
  /// Throws moho::Error "constant normalisation channel .." like `normalisation`.
  Normalisation normalisation(std::size_t channels, Scaling scaling, std::string const& what) const;

private:
  double _count = 0;
  std::vector<double> _mean, _square;
};

/// Items of a `Streamed` problem's training split; inputs are scaled.
template <class T>
class StreamedItems : public ItemSource<T> {
public:
  StreamedItems(Streamed const& problem, std::int64_t count, std::int64_t inputs,
                std::int64_t outputs, std::function<void(std::vector<double>&)> scale)
      : _problem(problem), _count(count), _inputs(inputs), _outputs(outputs),
        _scale(std::move(scale)) {}
  std::int64_t count() const override { return _count; }
  std::vector<std::int64_t> widths() const override { return {_inputs, _outputs}; }
  void fetch(std::span<const std::int64_t> items, std::span<T* const> out) const override {
    std::vector<double> inputs(items.size() * static_cast<std::size_t>(_inputs)),
        outputs(items.size() * static_cast<std::size_t>(_outputs));
    _problem.read_items(items, inputs, outputs);
    _scale(inputs);
    std::copy(inputs.begin(), inputs.end(), out[0]);
    std::copy(outputs.begin(), outputs.end(), out[1]);
  }

private:
  Streamed const& _problem;
  std::int64_t _count, _inputs, _outputs;
  std::function<void(std::vector<double>&)> _scale;
};

} // namespace moho::study
