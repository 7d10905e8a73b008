// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/program.hpp"
#include "fusion.hpp"
#include "memory_plan.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/nn/movement.hpp"
#include <algorithm>
#include <map>
#include <optional>
#include <type_traits>

namespace moho::nn {
namespace {

constexpr std::int64_t alignment_bytes = 64;

template <class T>
struct Kernel {
  Step step;
  std::optional<PointwiseKernel<T>> pointwise;
  std::optional<Contraction<T>> contraction;
  Kokkos::View<std::int64_t*, MemorySpace> index;
  Segments segments;
  int scratch = -1; ///< buffer
  std::vector<T const*> in;
  std::vector<T*> out;
  T* scratch_memory = nullptr;

  explicit Kernel(Step step_) : step(std::move(step_)) {
    if (step.kind == Step::Kind::pointwise) pointwise.emplace(step.expression);
    if (step.kind == Step::Kind::contraction) contraction.emplace(step.indices);
    if (step.kind == Step::Kind::gather) index = to_device("moho::nn::gather index", *step.index);
    if (step.kind == Step::Kind::scatter_add)
      segments = moho::nn::segments(*step.index, step.numbers[1]);
  }

  void run(ExecutionSpace const& space) const {
    switch (step.kind) {
    case Step::Kind::pointwise:
      pointwise->run(space, in.data(), out.data());
      break;
    case Step::Kind::contraction:
      contraction->run(space, in[0], in[1], out[0], scratch_memory, step.accumulates);
      break;
    case Step::Kind::sum:
      sum_middle(space, in[0], out[0], step.numbers[0], step.numbers[1], step.numbers[2],
                 scratch_memory);
      break;
    case Step::Kind::copy:
      copy(space, strided, in[0], out[0]);
      break;
    case Step::Kind::gather:
      gather_rows<T>(space, index, step.numbers[0], in[0], out[0]);
      break;
    case Step::Kind::scatter_add:
      scatter_add_rows(space, segments, step.numbers[0], in[0], out[0]);
      break;
    }
  }

  std::int64_t scratch_entries() const {
    if (contraction) return static_cast<std::int64_t>(contraction->scratch());
    if (step.kind != Step::Kind::sum) return 0;
    return sum_scratch(step.numbers[0], step.numbers[1], step.numbers[2]);
  }

  /// Ranges of entries of a buffer that the step may write.
  std::vector<std::pair<std::int64_t, std::int64_t>> written(int buffer) const {
    std::vector<std::pair<std::int64_t, std::int64_t>> ranges;
    for (std::size_t j = 0; j < step.writes.size(); ++j) {
      if (step.writes[j].buffer != buffer) continue;
      std::int64_t const begin = step.writes[j].offset;
      ranges.emplace_back(begin, begin + extent_of_write(j));
    }
    return ranges;
  }
  /// Entries from the first to the last that is written.
  std::int64_t extent_of_write(std::size_t j) const {
    std::int64_t extent = 1;
    if (step.kind == Step::Kind::contraction) {
      for (ContractionIndex const& one : step.indices)
        if (one.c != ContractionIndex::absent) extent += (one.extent - 1) * one.c;
    } else if (step.kind == Step::Kind::sum) {
      extent = step.numbers[0] * step.numbers[2];
    } else if (step.kind == Step::Kind::gather) {
      extent = step.numbers[0] * static_cast<std::int64_t>(step.index->size());
    } else if (step.kind == Step::Kind::scatter_add) {
      extent = step.numbers[0] * step.numbers[1];
    } else {
      auto const& strides = step.expression.stores[j].strides;
      for (int axis = 0; axis < step.expression.shape.rank(); ++axis)
        extent += (step.expression.shape[axis] - 1) * strides[static_cast<std::size_t>(axis)];
    }
    return extent;
  }

  StridedCopy strided =
      step.kind == Step::Kind::copy
          ? StridedCopy{step.expression.shape.extents(), step.in_strides, step.out_strides}
          : StridedCopy{};

  Timing work() const {
    static constexpr char const* names[] = {"pointwise", "contraction", "sum",
                                            "copy",      "gather",      "scatter_add"};
    Timing work;
    work.kernel = names[static_cast<int>(step.kind)];
    work.scope = step.label;
    double entries = 0;
    if (step.kind == Step::Kind::contraction) {
      work.flops = contraction->flops();
      for (auto const stride : {&ContractionIndex::a, &ContractionIndex::b, &ContractionIndex::c}) {
        double size = 1;
        for (ContractionIndex const& index_ : step.indices)
          if (index_.*stride != ContractionIndex::absent) size *= double(index_.extent);
        entries += size;
      }
    } else if (step.kind == Step::Kind::sum) {
      entries = double(step.numbers[0] * step.numbers[2]) * double(step.numbers[1] + 1);
    } else if (step.kind == Step::Kind::gather || step.kind == Step::Kind::scatter_add) {
      entries = 2.0 * double(step.numbers[0]) * double(step.index->size());
    } else {
      double const size = double(step.expression.shape.size());
      auto const whole = [](std::vector<std::int64_t> const& strides) {
        return std::count(strides.begin(), strides.end(), 0) == 0;
      };
      entries = size * double(std::count_if(step.expression.loads.begin(),
                                            step.expression.loads.end(), whole) +
                              std::ptrdiff_t(step.expression.stores.size()));
    }
    work.bytes = entries * double(sizeof(T));
    return work;
  }
};

/// Lifetimes of the buffers in the arena, by the steps that touch them.
std::vector<Lifetime> lifetimes(std::vector<Buffer> const& buffers,
                                std::vector<Step const*> const& steps,
                                std::vector<int> const& scratch) {
  int const never = static_cast<int>(steps.size());
  std::vector<Lifetime> lives(buffers.size());
  for (std::size_t i = 0; i < buffers.size(); ++i)
    lives[i] = {buffers[i].kind == Buffer::Kind::arena ? buffers[i].size : 0, never, -1};
  auto const touch = [&](int buffer, int step) {
    lives[buffer].first = std::min(lives[buffer].first, step);
    lives[buffer].last = std::max(lives[buffer].last, step);
  };
  for (int step = 0; step < never; ++step) {
    for (Place const& place : steps[step]->reads) touch(place.buffer, step);
    for (Place const& place : steps[step]->writes) touch(place.buffer, step);
    if (scratch[step] >= 0) touch(scratch[step], step);
  }
  for (Lifetime& life : lives)
    if (life.last < 0) life = {0, 0, 0}; // passed on in a register
  return lives;
}

} // namespace

template <class T>
struct Program<T>::Body {
  Tape* tape;
  Lowered lowered;
  std::vector<Kernel<T>> kernels;
  std::vector<std::int64_t> offsets; ///< of buffers in the arena, and of constants in theirs
  Array arena, constants;
  std::map<int, Array> inputs; ///< by id of the tape
  std::vector<Array> results;
  bool resolved = false;
  double flops = 0; ///< of matrix products, in one run

  Body(std::vector<Value> const& values, ProgramOptions const& options)
      : tape(&values.at(0).tape()), lowered(lower(values)) {
    for (Step& step : steps_of(lowered, options.fuse)) {
      kernels.emplace_back(std::move(step));
      if (kernels.back().contraction) flops += kernels.back().contraction->flops();
    }
    take_memory();
    set_constants();
    for (Value const value : values)
      results.emplace_back("moho::nn::result", static_cast<std::size_t>(value.shape().size()));
  }

  void take_memory() {
    std::vector<Step const*> steps;
    std::vector<int> scratch;
    for (Kernel<T>& kernel : kernels) {
      std::int64_t const size = kernel.scratch_entries();
      if (size > 0) {
        kernel.scratch = static_cast<int>(lowered.buffers.size());
        lowered.buffers.push_back({Buffer::Kind::arena, size, -1, {}});
      }
      steps.push_back(&kernel.step);
      scratch.push_back(kernel.scratch);
    }
    MemoryPlan const plan = plan_memory(lifetimes(lowered.buffers, steps, scratch),
                                        alignment_bytes / std::int64_t{sizeof(T)});
    offsets = plan.offsets;
    arena = Array(Kokkos::view_alloc("moho::nn::arena", Kokkos::WithoutInitializing), plan.size);
  }

  void set_constants() {
    std::vector<T> values;
    for (std::size_t i = 0; i < lowered.buffers.size(); ++i) {
      Buffer const& buffer = lowered.buffers[i];
      if (buffer.kind != Buffer::Kind::constant) continue;
      std::int64_t const step = alignment_bytes / std::int64_t{sizeof(T)};
      values.resize((values.size() + step - 1) / step * step);
      offsets[i] = static_cast<std::int64_t>(values.size());
      Node const& node = tape->node(buffer.source.id());
      if (node.values) {
        for (double const value : *node.values) values.push_back(static_cast<T>(value));
      } else {
        values.push_back(static_cast<T>(node.value));
      }
    }
    constants = to_device("moho::nn::constants", values);
  }

  T* memory(int which) {
    Buffer const& buffer = lowered.buffers[which];
    switch (buffer.kind) {
    case Buffer::Kind::arena:
      return arena.data() + offsets[which];
    case Buffer::Kind::constant:
      return constants.data() + offsets[which];
    case Buffer::Kind::result:
      return results[buffer.which].data();
    case Buffer::Kind::input:
      break;
    }
    auto const bound = inputs.find(buffer.source.id());
    if (bound == inputs.end())
      throw std::logic_error("input '" + tape->node(buffer.source.id()).text +
                             "' of a program was not bound");
    return bound->second.data();
  }

  void resolve() {
    if (resolved) return;
    for (Kernel<T>& kernel : kernels) {
      kernel.in.clear();
      kernel.out.clear();
      for (Place const& place : kernel.step.reads)
        kernel.in.push_back(memory(place.buffer) + place.offset);
      for (Place const& place : kernel.step.writes)
        kernel.out.push_back(memory(place.buffer) + place.offset);
      if (kernel.scratch >= 0) kernel.scratch_memory = memory(kernel.scratch);
    }
    resolved = true;
  }
};

template <class T>
Program<T>::Program(std::vector<Value> const& results, ProgramOptions const& options)
    : _body(std::make_unique<Body>(results, options)) {}
template <class T>
Program<T>::~Program() = default;
template <class T>
Program<T>::Program(Program&&) noexcept = default;
template <class T>
Program<T>& Program<T>::operator=(Program&&) noexcept = default;

template <class T>
typename Program<T>::Array Program<T>::input(Value input) {
  auto const bound = _body->inputs.find(input.id());
  if (bound != _body->inputs.end()) return bound->second;
  Array const own("moho::nn::input", static_cast<std::size_t>(input.shape().size()));
  bind(input, own);
  return own;
}

template <class T>
void Program<T>::bind(Value input, Array const& values) {
  MOHO_REQUIRE(&input.tape() == _body->tape && _body->tape->node(input.id()).op == Op::input);
  MOHO_REQUIRE(static_cast<std::int64_t>(values.extent(0)) == input.shape().size());
  Array& bound = _body->inputs[input.id()];
  if (bound.data() != values.data()) _body->resolved = false;
  bound = values;
}

template <class T>
typename Program<T>::Array Program<T>::result(std::size_t i) const {
  return _body->results.at(i);
}

template <class T>
void Program<T>::bind_result(std::size_t i, Array const& values) {
  MOHO_REQUIRE(values.extent(0) == _body->results.at(i).extent(0));
  if (_body->results[i].data() != values.data()) _body->resolved = false;
  _body->results[i] = values;
}

template <class T>
void Program<T>::run(ExecutionSpace const& space) {
  run(space, 0, _body->kernels.size());
}

template <class T>
void Program<T>::run(ExecutionSpace const& space, std::size_t first, std::size_t last) {
  _body->resolve();
  for (std::size_t step = first; step < last; ++step) _body->kernels[step].run(space);
}

template <class T>
std::vector<typename Program<T>::Piece> Program<T>::pieces(std::size_t i,
                                                           std::int64_t count) const {
  // what a step writes of the result: from its first to its last entry
  int const buffer = _body->lowered.results.at(i);
  std::int64_t const size = _body->lowered.buffers[buffer].size;
  std::vector<Piece> pieces;
  for (std::int64_t offset = 0; offset < size; offset += count)
    pieces.push_back({offset, std::min(count, size - offset), 0});
  for (std::size_t step = 0; step < _body->kernels.size(); ++step)
    for (auto const& [begin, end] : _body->kernels[step].written(buffer))
      for (Piece& piece : pieces)
        if (begin < piece.offset + piece.count && piece.offset < end) piece.step = step + 1;
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](Piece const& a, Piece const& b) { return a.step < b.step; });
  return pieces;
}

template <class T>
std::vector<Timing> Program<T>::profile(ExecutionSpace const& space) {
  _body->resolve();
  std::vector<Timing> timings;
  space.fence();
  for (Kernel<T> const& kernel : _body->kernels) {
    Timing timing = kernel.work();
    Stopwatch const watch;
    kernel.run(space);
    space.fence();
    timing.seconds = watch.seconds();
    timings.push_back(std::move(timing));
  }
  return timings;
}

template <class T>
double Program<T>::flops() const {
  return _body->flops;
}
template <class T>
std::size_t Program<T>::steps() const {
  return _body->kernels.size();
}
template <class T>
std::size_t Program<T>::arena_bytes() const {
  return _body->arena.extent(0) * sizeof(T);
}

template class Program<float>;
template class Program<double>;

} // namespace moho::nn
