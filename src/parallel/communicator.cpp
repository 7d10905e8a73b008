// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/communicator.hpp"
#include "mpi_check.hpp"
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <numeric>
#include <thread>
#include <utility>

namespace moho::parallel {
using detail::mpi_check;
namespace {

constexpr int gather_tag = 1, scatter_tag = 2;

// Waits without spinning: MPI's own waits keep the core busy, which the ranks at work need when
// there are more ranks than cores.
// False if `patience` seconds were not enough.
bool wait_asleep(MPI_Request& request, char const* call, double patience = HUGE_VAL) {
  using namespace std::chrono_literals;
  std::chrono::microseconds pause = 10us;
  double const begin = MPI_Wtime();
  for (int done = 0;;) {
    mpi_check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
    if (done) return true;
    if (MPI_Wtime() - begin > patience) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, 2000us);
  }
}

template <class T>
T reduce(MPI_Comm comm, T value, MPI_Datatype type, MPI_Op op) {
  mpi_check(MPI_Allreduce(MPI_IN_PLACE, &value, 1, type, op, comm), "MPI_Allreduce");
  return value;
}

// Calls send(first byte, count) for pieces of at most `chunk` bytes, so that counts fit an int.
template <class Send>
void in_chunks(std::size_t bytes, std::size_t chunk, Send const& send) {
  for (std::size_t first = 0; first < bytes; first += chunk) {
    send(first, static_cast<int>(std::min(chunk, bytes - first)));
  }
}

std::vector<void (*)()>& last_steps() {
  static std::vector<void (*)()> steps;
  return steps;
}

} // namespace

void before_finalize(void (*body)()) {
  auto& steps = last_steps();
  if (std::find(steps.begin(), steps.end(), body) == steps.end()) steps.push_back(body);
}

Environment::Environment(int& argc, char**& argv) : _uncaught(std::uncaught_exceptions()) {
  int provided = MPI_THREAD_SINGLE;
  mpi_check(MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_FUNNELED) {
    MPI_Finalize();
    throw MpiError("MPI_Init_thread failed (this MPI lacks MPI_THREAD_FUNNELED); use an MPI built "
                   "with thread support");
  }
  mpi_check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  mpi_check(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
}

Environment::~Environment() {
  if (std::uncaught_exceptions() > _uncaught) {
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(ExitCode::crashed));
  }
  for (auto& steps = last_steps(); !steps.empty(); steps.pop_back()) steps.back()();
  MPI_Finalize();
}

int Comm::rank() const {
  int rank = 0;
  mpi_check(MPI_Comm_rank(_comm, &rank), "MPI_Comm_rank");
  return rank;
}

int Comm::size() const {
  int size = 0;
  mpi_check(MPI_Comm_size(_comm, &size), "MPI_Comm_size");
  return size;
}

void Comm::barrier() const {
  mpi_check(MPI_Barrier(_comm), "MPI_Barrier");
}

void Comm::idle_barrier() const {
  MPI_Request request = MPI_REQUEST_NULL;
  mpi_check(MPI_Ibarrier(_comm, &request), "MPI_Ibarrier");
  wait_asleep(request, "MPI_Ibarrier");
}

double Comm::sum(double value) const {
  return reduce(_comm, value, MPI_DOUBLE, MPI_SUM);
}
double Comm::max(double value) const {
  return reduce(_comm, value, MPI_DOUBLE, MPI_MAX);
}
double Comm::min(double value) const {
  return reduce(_comm, value, MPI_DOUBLE, MPI_MIN);
}
std::int64_t Comm::sum(std::int64_t value) const {
  return reduce(_comm, value, MPI_INT64_T, MPI_SUM);
}
std::int64_t Comm::max(std::int64_t value) const {
  return reduce(_comm, value, MPI_INT64_T, MPI_MAX);
}
std::int64_t Comm::min(std::int64_t value) const {
  return reduce(_comm, value, MPI_INT64_T, MPI_MIN);
}

template <class T>
std::vector<T> Comm::broadcast_values(std::span<T const> values, int root) const {
  std::int64_t count = static_cast<std::int64_t>(values.size());
  MPI_Request request = MPI_REQUEST_NULL;
  mpi_check(MPI_Ibcast(&count, 1, MPI_INT64_T, root, _comm, &request), "MPI_Ibcast");
  wait_asleep(request, "MPI_Ibcast");
  std::vector<T> out(static_cast<std::size_t>(count));
  if (rank() == root) std::copy(values.begin(), values.end(), out.begin());
  auto* bytes = reinterpret_cast<char*>(out.data());
  in_chunks(out.size() * sizeof(T), _chunk, [&](std::size_t first, int n) {
    mpi_check(MPI_Bcast(bytes + first, n, MPI_BYTE, root, _comm), "MPI_Bcast");
  });
  return out;
}

std::string Comm::broadcast(std::string const& text, int root) const {
  auto const out = broadcast_values(std::span<char const>(text), root);
  return {out.begin(), out.end()};
}
std::vector<double> Comm::broadcast(std::span<double const> values, int root) const {
  return broadcast_values(values, root);
}
std::vector<std::int64_t> Comm::broadcast(std::span<std::int64_t const> values, int root) const {
  return broadcast_values(values, root);
}

std::vector<double> Comm::all_gather(double value) const {
  std::vector<double> out(static_cast<std::size_t>(size()));
  mpi_check(MPI_Allgather(&value, 1, MPI_DOUBLE, out.data(), 1, MPI_DOUBLE, _comm),
            "MPI_Allgather");
  return out;
}

std::vector<std::int64_t> Comm::all_gather(std::int64_t value) const {
  std::vector<std::int64_t> out(static_cast<std::size_t>(size()));
  mpi_check(MPI_Allgather(&value, 1, MPI_INT64_T, out.data(), 1, MPI_INT64_T, _comm),
            "MPI_Allgather");
  return out;
}

// Point to point in rank order: counts differ, and MPI_Gatherv's are ints.
template <class T>
std::vector<T> Comm::gather_values(std::span<T const> values, int root) const {
  idle_barrier();
  auto const counts = all_gather(static_cast<std::int64_t>(values.size()));
  if (rank() != root) {
    auto const* bytes = reinterpret_cast<char const*>(values.data());
    in_chunks(values.size_bytes(), _chunk, [&](std::size_t first, int n) {
      mpi_check(MPI_Send(bytes + first, n, MPI_BYTE, root, gather_tag, _comm), "MPI_Send");
    });
    return {};
  }
  auto const total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  std::vector<T> out(static_cast<std::size_t>(total));
  auto* bytes = reinterpret_cast<char*>(out.data());
  for (int from = 0; from < static_cast<int>(counts.size()); ++from) {
    auto const length =
        static_cast<std::size_t>(counts[static_cast<std::size_t>(from)]) * sizeof(T);
    if (from == root) {
      std::copy_n(reinterpret_cast<char const*>(values.data()), length, bytes);
    } else {
      in_chunks(length, _chunk, [&](std::size_t first, int n) {
        mpi_check(MPI_Recv(bytes + first, n, MPI_BYTE, from, gather_tag, _comm, MPI_STATUS_IGNORE),
                  "MPI_Recv");
      });
    }
    bytes += length;
  }
  return out;
}

std::vector<double> Comm::gather(std::span<double const> values, int root) const {
  return gather_values(values, root);
}
std::vector<std::int64_t> Comm::gather(std::span<std::int64_t const> values, int root) const {
  return gather_values(values, root);
}
std::vector<std::int32_t> Comm::gather(std::span<std::int32_t const> values, int root) const {
  return gather_values(values, root);
}
std::vector<std::int8_t> Comm::gather(std::span<std::int8_t const> values, int root) const {
  return gather_values(values, root);
}

std::vector<std::string> Comm::gather(std::string const& text, int root) const {
  auto const length = static_cast<std::int64_t>(text.size());
  auto const lengths = gather_values(std::span<std::int64_t const>(&length, 1), root);
  auto const bytes = gather_values(std::span<char const>(text), root);
  std::vector<std::string> out;
  out.reserve(lengths.size());
  std::size_t first = 0;
  for (auto n : lengths) {
    out.emplace_back(bytes.data() + first, static_cast<std::size_t>(n));
    first += static_cast<std::size_t>(n);
  }
  return out;
}

namespace {

// A length of -1 tells that nothing will follow.
void send_bytes(MPI_Comm comm, std::string const* bytes, int to, std::size_t chunk) {
  const std::int64_t length = bytes ? static_cast<std::int64_t>(bytes->size()) : -1;
  mpi_check(MPI_Send(&length, 1, MPI_INT64_T, to, scatter_tag, comm), "MPI_Send");
  if (!bytes) return;
  in_chunks(bytes->size(), chunk, [&](std::size_t first, int n) {
    mpi_check(MPI_Send(bytes->data() + first, n, MPI_BYTE, to, scatter_tag, comm), "MPI_Send");
  });
}

std::string receive_bytes(MPI_Comm comm, int from, std::size_t chunk) {
  std::int64_t length = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  mpi_check(MPI_Irecv(&length, 1, MPI_INT64_T, from, scatter_tag, comm, &request), "MPI_Irecv");
  wait_asleep(request, "MPI_Irecv");
  if (length < 0) throw Error("no data came (the root rank failed) see its message");
  std::string out(static_cast<std::size_t>(length), '\0');
  in_chunks(out.size(), chunk, [&](std::size_t first, int n) {
    mpi_check(MPI_Recv(out.data() + first, n, MPI_BYTE, from, scatter_tag, comm, MPI_STATUS_IGNORE),
              "MPI_Recv");
  });
  return out;
}

} // namespace

std::string Comm::scatter(std::function<std::string(int rank)> const& make, int root) const {
  if (rank() != root) return receive_bytes(_comm, root, _chunk);
  std::string own;
  for (int to = 0; to < size(); ++to) {
    try {
      std::string bytes = make(to);
      if (to == root)
        own = std::move(bytes);
      else
        send_bytes(_comm, &bytes, to, _chunk);
    } catch (MpiError const&) {
      throw;
    } catch (...) {
      for (int waits = to; waits < size(); ++waits)
        if (waits != root) send_bytes(_comm, nullptr, waits, _chunk);
      throw;
    }
  }
  return own;
}

namespace {

struct Failure {
  bool failed = false;
  std::string message;
  ExitCode code = ExitCode::ok;
};

[[noreturn]] void abort_job(MPI_Comm comm, char const* message, ExitCode code) {
  std::fprintf(stderr, "moho: %s\n", message);
  std::fflush(stderr);
  MPI_Abort(comm, static_cast<int>(code));
  std::terminate(); // MPI_Abort does not return
}

Failure run_here(std::function<void()> const& body) {
  try {
    body();
    return {};
  } catch (MpiError const&) {
    throw;
  } catch (Error const& error) {
    return {true, error.what(), error.code()};
  } catch (std::bad_alloc const&) {
    return {true, "out of memory (an allocation failed); use more nodes or a smaller case",
            ExitCode::crashed};
  } catch (std::exception const& error) {
    return {true, error.what(), ExitCode::crashed};
  } catch (...) {
    return {true, "unknown exception", ExitCode::crashed};
  }
}

} // namespace

void run_collectively(Comm const& comm, std::function<void()> const& body, double patience) {
  try {
    auto const mine = run_here(body);
    MPI_Request all_here = MPI_REQUEST_NULL;
    mpi_check(MPI_Ibarrier(comm.raw(), &all_here), "MPI_Ibarrier");
    // The others may sit in a collective call that this rank will never enter.
    if (!wait_asleep(all_here, "MPI_Ibarrier", mine.failed ? patience : HUGE_VAL))
      abort_job(comm.raw(), mine.message.c_str(), mine.code);
    auto const size = static_cast<std::int64_t>(comm.size());
    auto const first = comm.min(mine.failed ? static_cast<std::int64_t>(comm.rank()) : size);
    if (first == size) return;
    auto const from = static_cast<int>(first);
    auto const message = comm.broadcast(mine.message, from);
    auto const code = comm.broadcast(std::to_string(static_cast<int>(mine.code)), from);
    throw Error(message, static_cast<ExitCode>(std::stoi(code)));
  } catch (MpiError const& error) {
    abort_job(comm.raw(), error.what(), ExitCode::crashed);
  }
}

} // namespace moho::parallel
