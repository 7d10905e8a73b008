// SPDX-License-Identifier: BSD-3-Clause
// A value type over MPI_Comm with the few collectives moho uses, and collective error handling.
#pragma once
#include "moho/core/error.hpp"
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mpi.h>
#include <span>
#include <string>
#include <vector>

namespace moho::parallel {

/// A failed MPI call: the library's state is unknown, so no collective clean-up can be trusted.
class MpiError : public Error {
public:
  explicit MpiError(std::string const& message) : Error(message, ExitCode::crashed) {}
};

/// MPI_Init_thread(FUNNELED) .. MPI_Finalize. MPI errors are returned, so that moho names the call
/// that failed. When it is left by an exception, the whole job is aborted instead of left hanging.
class Environment {
public:
  Environment(int& argc, char**& argv);
  ~Environment();
  Environment(Environment const&) = delete;
  Environment& operator=(Environment const&) = delete;

private:
  int _uncaught;
};

/// `body` runs in ~Environment before MPI_Finalize, the last one first: for libraries that need MPI
/// at their end. Each body once, however often it is given.
void before_finalize(void (*body)());

/// A communicator. Copies refer to the same MPI_Comm, which the caller keeps alive. Every member
/// but raw, rank, size and root is collective; every one throws MpiError naming the failed call.
class Comm {
public:
  /// `chunk` is the largest single message in bytes (longer ones are sent in pieces).
  explicit Comm(MPI_Comm comm = MPI_COMM_WORLD, std::size_t chunk = std::size_t{1} << 30)
      : _comm(comm), _chunk(chunk) {}
  static Comm self() { return Comm(MPI_COMM_SELF); }
  MPI_Comm raw() const { return _comm; }
  int rank() const;
  int size() const;
  bool root() const { return rank() == 0; }
  /// Waits for all ranks, awake: for timing.
  void barrier() const;
  /// Waits for all ranks, asleep (reacts within 2 ms): for long waits, leaves the cores free.
  void idle_barrier() const;

  double sum(double value) const;
  double max(double value) const;
  double min(double value) const;
  std::int64_t sum(std::int64_t value) const;
  std::int64_t max(std::int64_t value) const;
  std::int64_t min(std::int64_t value) const;

  /// Every rank gets the root's string.
  std::string broadcast(std::string const& text, int root = 0) const;
  /// Every rank gets the root's values; what the others pass is ignored.
  std::vector<double> broadcast(std::span<double const> values, int root = 0) const;
  std::vector<std::int64_t> broadcast(std::span<const std::int64_t> values, int root = 0) const;
  /// Every rank gets one value per rank, in rank order.
  std::vector<double> all_gather(double value) const;
  std::vector<std::int64_t> all_gather(std::int64_t value) const;
  /// The root gets every rank's string in rank order; the others get nothing.
  std::vector<std::string> gather(std::string const& text, int root = 0) const;
  /// The root gets every rank's values end to end in rank order; the others get nothing. Counts may
  /// exceed 2^31 bytes.
  std::vector<double> gather(std::span<double const> values, int root = 0) const;
  std::vector<std::int64_t> gather(std::span<const std::int64_t> values, int root = 0) const;
  std::vector<std::int32_t> gather(std::span<const std::int32_t> values, int root = 0) const;
  std::vector<std::int8_t> gather(std::span<const std::int8_t> values, int root = 0) const;

  /// Every rank gets bytes of its own: the root calls make(rank) for one rank after the other and
  /// sends them before it makes the next. If `make` throws, the ranks not yet served throw as well,
  /// so that a surrounding run_collectively ends on all.
  std::string scatter(std::function<std::string(int rank)> const& make, int root = 0) const;

private:
  template <class T>
  std::vector<T> broadcast_values(std::span<const T> values, int root) const;
  template <class T>
  std::vector<T> gather_values(std::span<const T> values, int root) const;

  MPI_Comm _comm;
  std::size_t _chunk;
};

/// Runs `body` on every rank and lets all ranks decide together: if it threw anywhere, every rank
/// throws the moho::Error of the lowest rank that failed (its exit code and message; other
/// exceptions become ExitCode::crashed). Ranks that wait for the others sleep. An MpiError aborts
/// the job (MPI_Abort), after its message; so does a rank that failed and that the others do not
/// join within `patience` seconds, because they may sit in a collective call it will never enter.
void run_collectively(Comm const& comm, std::function<void()> const& body, double patience = 60);

} // namespace moho::parallel
