// SPDX-License-Identifier: BSD-3-Clause
// The profiling interface (MPI standard, chapter "Tool Support"): a program's own MPI_X comes before
// the library's, for the shared libraries too, and PMPI_X does the work.
#include "mpi_calls.hpp"
#include <mpi.h>

namespace {
long calls = 0;
}

long moho::test::mpi_calls() {
  return calls;
}

// clang-format off
#define COUNTED(name, parameters, arguments)                                                       \
  int MPI_##name parameters {                                                                      \
    ++calls;                                                                                       \
    return PMPI_##name arguments;                                                                  \
  }
extern "C" {
COUNTED(Send, (const void* a, int b, MPI_Datatype c, int d, int e, MPI_Comm f), (a, b, c, d, e, f))
COUNTED(Ssend, (const void* a, int b, MPI_Datatype c, int d, int e, MPI_Comm f), (a, b, c, d, e, f))
COUNTED(Recv,
  (void* a, int b, MPI_Datatype c, int d, int e, MPI_Comm f, MPI_Status* g),
  (a, b, c, d, e, f, g))
COUNTED(Isend,
  (const void* a, int b, MPI_Datatype c, int d, int e, MPI_Comm f, MPI_Request* g),
  (a, b, c, d, e, f, g))
COUNTED(Issend,
  (const void* a, int b, MPI_Datatype c, int d, int e, MPI_Comm f, MPI_Request* g),
  (a, b, c, d, e, f, g))
COUNTED(Irecv,
  (void* a, int b, MPI_Datatype c, int d, int e, MPI_Comm f, MPI_Request* g),
  (a, b, c, d, e, f, g))
COUNTED(Send_init,
  (const void* a, int b, MPI_Datatype c, int d, int e, MPI_Comm f, MPI_Request* g),
  (a, b, c, d, e, f, g))
COUNTED(Recv_init,
  (void* a, int b, MPI_Datatype c, int d, int e, MPI_Comm f, MPI_Request* g),
  (a, b, c, d, e, f, g))
COUNTED(Start, (MPI_Request* a), (a))
COUNTED(Startall, (int a, MPI_Request* b), (a, b))
COUNTED(Probe, (int a, int b, MPI_Comm c, MPI_Status* d), (a, b, c, d))
COUNTED(Iprobe, (int a, int b, MPI_Comm c, int* d, MPI_Status* e), (a, b, c, d, e))
COUNTED(Sendrecv,
  (const void* a, int b, MPI_Datatype c, int d, int e, void* f, int g, MPI_Datatype h, int i, int
  j, MPI_Comm k, MPI_Status* l),
  (a, b, c, d, e, f, g, h, i, j, k, l))
COUNTED(Wait, (MPI_Request* a, MPI_Status* b), (a, b))
COUNTED(Waitall, (int a, MPI_Request* b, MPI_Status* c), (a, b, c))
COUNTED(Waitany, (int a, MPI_Request* b, int* c, MPI_Status* d), (a, b, c, d))
COUNTED(Waitsome, (int a, MPI_Request* b, int* c, int* d, MPI_Status* e), (a, b, c, d, e))
COUNTED(Test, (MPI_Request* a, int* b, MPI_Status* c), (a, b, c))
COUNTED(Testall, (int a, MPI_Request* b, int* c, MPI_Status* d), (a, b, c, d))
COUNTED(Barrier, (MPI_Comm a), (a))
COUNTED(Ibarrier, (MPI_Comm a, MPI_Request* b), (a, b))
COUNTED(Bcast, (void* a, int b, MPI_Datatype c, int d, MPI_Comm e), (a, b, c, d, e))
COUNTED(Ibcast,
  (void* a, int b, MPI_Datatype c, int d, MPI_Comm e, MPI_Request* f),
  (a, b, c, d, e, f))
COUNTED(Reduce,
  (const void* a, void* b, int c, MPI_Datatype d, MPI_Op e, int f, MPI_Comm g),
  (a, b, c, d, e, f, g))
COUNTED(Allreduce,
  (const void* a, void* b, int c, MPI_Datatype d, MPI_Op e, MPI_Comm f),
  (a, b, c, d, e, f))
COUNTED(Iallreduce,
  (const void* a, void* b, int c, MPI_Datatype d, MPI_Op e, MPI_Comm f, MPI_Request* g),
  (a, b, c, d, e, f, g))
COUNTED(Scan,
  (const void* a, void* b, int c, MPI_Datatype d, MPI_Op e, MPI_Comm f),
  (a, b, c, d, e, f))
COUNTED(Exscan,
  (const void* a, void* b, int c, MPI_Datatype d, MPI_Op e, MPI_Comm f),
  (a, b, c, d, e, f))
COUNTED(Gather,
  (const void* a, int b, MPI_Datatype c, void* d, int e, MPI_Datatype f, int g, MPI_Comm h),
  (a, b, c, d, e, f, g, h))
COUNTED(Gatherv,
  (const void* a, int b, MPI_Datatype c, void* d, const int* e, const int* f, MPI_Datatype g, int
  h, MPI_Comm i),
  (a, b, c, d, e, f, g, h, i))
COUNTED(Scatter,
  (const void* a, int b, MPI_Datatype c, void* d, int e, MPI_Datatype f, int g, MPI_Comm h),
  (a, b, c, d, e, f, g, h))
COUNTED(Scatterv,
  (const void* a, const int* b, const int* c, MPI_Datatype d, void* e, int f, MPI_Datatype g, int
  h, MPI_Comm i),
  (a, b, c, d, e, f, g, h, i))
COUNTED(Allgather,
  (const void* a, int b, MPI_Datatype c, void* d, int e, MPI_Datatype f, MPI_Comm g),
  (a, b, c, d, e, f, g))
COUNTED(Allgatherv,
  (const void* a, int b, MPI_Datatype c, void* d, const int* e, const int* f, MPI_Datatype g,
  MPI_Comm h),
  (a, b, c, d, e, f, g, h))
COUNTED(Alltoall,
  (const void* a, int b, MPI_Datatype c, void* d, int e, MPI_Datatype f, MPI_Comm g),
  (a, b, c, d, e, f, g))
COUNTED(Alltoallv,
  (const void* a, const int* b, const int* c, MPI_Datatype d, void* e, const int* f, const int* g,
  MPI_Datatype h, MPI_Comm i),
  (a, b, c, d, e, f, g, h, i))
COUNTED(Reduce_scatter_block,
  (const void* a, void* b, int c, MPI_Datatype d, MPI_Op e, MPI_Comm f),
  (a, b, c, d, e, f))
COUNTED(Reduce_scatter,
  (const void* a, void* b, const int* c, MPI_Datatype d, MPI_Op e, MPI_Comm f),
  (a, b, c, d, e, f))
COUNTED(Neighbor_alltoallv,
  (const void* a, const int* b, const int* c, MPI_Datatype d, void* e, const int* f, const int* g,
  MPI_Datatype h, MPI_Comm i),
  (a, b, c, d, e, f, g, h, i))
COUNTED(Ineighbor_alltoallv,
  (const void* a, const int* b, const int* c, MPI_Datatype d, void* e, const int* f, const int* g,
  MPI_Datatype h, MPI_Comm i, MPI_Request* j),
  (a, b, c, d, e, f, g, h, i, j))
COUNTED(Comm_dup, (MPI_Comm a, MPI_Comm* b), (a, b))
COUNTED(Comm_split, (MPI_Comm a, int b, int c, MPI_Comm* d), (a, b, c, d))
COUNTED(Comm_create, (MPI_Comm a, MPI_Group b, MPI_Comm* c), (a, b, c))
COUNTED(Comm_free, (MPI_Comm* a), (a))
COUNTED(Put,
  (const void* a, int b, MPI_Datatype c, int d, MPI_Aint e, int f, MPI_Datatype g, MPI_Win h),
  (a, b, c, d, e, f, g, h))
COUNTED(Get,
  (void* a, int b, MPI_Datatype c, int d, MPI_Aint e, int f, MPI_Datatype g, MPI_Win h),
  (a, b, c, d, e, f, g, h))
COUNTED(Accumulate,
  (const void* a, int b, MPI_Datatype c, int d, MPI_Aint e, int f, MPI_Datatype g, MPI_Op h,
  MPI_Win i),
  (a, b, c, d, e, f, g, h, i))
COUNTED(Win_fence, (int a, MPI_Win b), (a, b))
}
// clang-format on
