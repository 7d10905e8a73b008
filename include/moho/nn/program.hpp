// SPDX-License-Identifier: BSD-3-Clause
// Program: results of a tape made ready to be computed over and over. All memory is taken when it
// is made; `run` takes none.
#pragma once
#include "moho/core/kokkos.hpp"
#include "moho/nn/tape.hpp"
#include <memory>
#include <string>
#include <vector>

namespace moho::nn {

struct ProgramOptions {
  bool fuse = true; ///< false: one kernel per operation, for tests; the same bits
};

/// What one kernel of a program did.
struct Timing {
  std::string kernel, scope; ///< "contraction", "pointwise", "sum", ..; where it was written
  double seconds = 0, flops = 0, bytes = 0;
};

/// T: float or double.
template <class T>
class Program {
public:
  using Array = Kokkos::View<T*, MemorySpace>;

  explicit Program(std::vector<Value> const& results, ProgramOptions const& options = {});
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;

  /// The memory an input is read from, flat and row-major: that which was bound, else the
  /// program's own, made on the first call. An input that no result needs has memory too.
  Array input(Value input);
  /// Reads the input from `values` from now on. Throws std::logic_error when it has another size
  /// or is not an input of this tape.
  void bind(Value input, Array const& values);

  /// Where result i is written: what was bound, else the program's own.
  Array result(std::size_t i = 0) const;
  void bind_result(std::size_t i, Array const& values);

  /// Computes all results; returns before they are there on a device. Throws std::logic_error that
  /// names an input that was never bound.
  void run(ExecutionSpace const& space);
  /// Part of a result that is final after a step.
  struct Piece {
    std::int64_t offset = 0, count = 0;
    std::size_t step = 0; ///< kernels that have to be run before it is
  };
  /// Result i in pieces of about `count` entries, in the order in which they are final.
  std::vector<Piece> pieces(std::size_t i, std::int64_t count) const;
  /// Kernels first .. last-1 of `steps()`.
  void run(ExecutionSpace const& space, std::size_t first, std::size_t last);

  /// The same as `run`, each kernel waited for and timed.
  std::vector<Timing> profile(ExecutionSpace const& space);

  double flops() const;            ///< of matrix products, in one run
  std::size_t steps() const;       ///< kernels in one run
  std::size_t arena_bytes() const; ///< memory of temporary arrays

private:
  struct Body;
  std::unique_ptr<Body> _body;
};

} // namespace moho::nn
