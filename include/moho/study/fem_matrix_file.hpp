// SPDX-License-Identifier: BSD-3-Clause
// A whole matrix in the numbering of the file, whatever the partition: to compare and to keep.
#pragma once
#include "moho/fem/assembly.hpp"
#include "moho/parallel/communicator.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace moho::study {

/// CSR, columns ascending in each row; structural zeros kept.
struct WholeMatrix {
  std::vector<std::int64_t> row_ptr, col;
  std::vector<double> val;
};

/// The matrix of all ranks on the root (empty elsewhere), rows and columns numbered
/// components * id + component. `values`: those of one Assembly. Collective.
WholeMatrix gather_matrix(parallel::Comm const& comm, fem::Part const& part,
                          fem::Topology const& topology, fem::ConstReals values);

/// A number of 52 bits that depends on the row, the column (as in `gather_matrix`) and the bits of
/// every entry, but not on their order: the same on any partition, and no rank needs the whole
/// matrix. Collective; every rank gets it.
std::int64_t checksum(parallel::Comm const& comm, fem::Part const& part,
                      fem::Topology const& topology, fem::ConstReals values);

/// SHA-256 over the little-endian bytes of row_ptr, col and val, in that order.
std::string sha256(WholeMatrix const& matrix);

/// Seconds of the steps that lead to a matrix, the longest over the ranks.
struct AssemblyTimes {
  double set_up = 0;     ///< pattern and routing tables
  double first = 0;      ///< the first assembly
  double reassembly = 0; ///< the best of the further ones
};

/// A.h5 of `moho fem assemble`: /row_ptr /col /val, attributes sha256 and times; whole or not at
/// all. On the root.
void write_matrix(std::string const& path, WholeMatrix const& matrix, std::string const& sha256,
                  AssemblyTimes const& times);

} // namespace moho::study
