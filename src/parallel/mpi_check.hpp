// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/parallel/communicator.hpp"
#include <array>
#include <string>

namespace moho::parallel::detail {

/// Throws MpiError that names the failed `call` with MPI's text.
inline void mpi_check(int code, char const* call) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  if (MPI_Error_string(code, text.data(), &length) != MPI_SUCCESS) length = 0;
  throw MpiError(std::string(call) + " failed (" +
                 std::string(text.data(), static_cast<std::size_t>(length)) +
                 "); check the MPI installation and the job's nodes");
}

} // namespace moho::parallel::detail
