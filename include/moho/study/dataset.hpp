// SPDX-License-Identifier: BSD-3-Clause
// Function maps as files: drawn items written in the layout of PDEBench (Takamoto et al.,
// "PDEBench: an extensive benchmark for scientific machine learning", NeurIPS 2022), and such
// files, PDEBench's own among them, read as a problem.
//
// One dimension    tensor (n, t, x), x-coordinate (x), t-coordinate (t or t + 1): inputs are a time
//                  of `tensor`, the first unless told, outputs another, the last.
// Two dimensions   nu (n, x, y): inputs; tensor (n, 1, x, y): outputs; x-coordinate, y-coordinate.
//
// Values are floating-point numbers of 4 or 8 bytes. Files that moho wrote have attributes of "/":
// format = "moho.dataset/1"; problem, parameters (JSON), split, first: what was drawn; boundary =
// "periodic" or "walls"; version, git: of the program; sha256: of the content (`dataset_sha256`).
#pragma once
#include "moho/parallel/communicator.hpp"
#include "moho/study/dispersion_prior.hpp"
#include "moho/study/grid_task.hpp"
#include "moho/study/parameters.hpp"
#include "moho/study/problem.hpp"
#include "moho/study/registry.hpp"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// What goes into a file.
struct DatasetRequest {
  Split split = Split::train;
  std::uint64_t first = 0;
  std::size_t count = 0; ///< items; 0: all from `first` on
  Precision precision = Precision::float32;
  double time = 1;         ///< of the outputs in `t-coordinate` (one dimension), inputs stand at 0
  std::string problem;     ///< its name and parameters, for the attributes
  Parameters parameters{}; ///< the same
  std::size_t block = 64;  ///< items that are drawn and answered at a time
};

/// Draws items of a `Gridded` problem with one channel, answers them, and writes both. The file
/// appears whole or not at all; the same request writes the same bytes on any number of ranks.
/// Returns the digest of its content, on every rank. Collective. The root holds the content twice,
/// in `precision`, and a block of it in double precision. Throws moho::Error on all ranks for a
/// problem without a grid, with more channels, of more than two dimensions, for too few items, for
/// answers that are not known, and when the file cannot be written.
std::string write_dataset(std::string const& path, Problem const& problem,
                          DatasetRequest const& request, parallel::Comm const& comm);

/// SHA-256 of shape (8 bytes each) and values (as stored, little-endian) of `nu`, where there is
/// one, and `tensor`. Read in blocks. Not collective. Throws moho::Error like the problem below.
std::string dataset_sha256(std::string const& path);

/// A problem whose training items every rank can read for itself, a few at a time: what training
/// need not hold in memory. A capability.
class Streamed {
public:
  virtual ~Streamed() = default;
  /// Items of the training split by their numbers: inputs (n, inputs), outputs (n, outputs). Not
  /// collective.
  virtual void read_items(std::span<const std::int64_t> items, std::span<double> inputs,
                          std::span<double> outputs) const = 0;
};

/// `dataset`, task "function map": inputs and outputs from a file of the layouts above, on each
/// `subsample`-th point. Of its n items the first train_share n are for training, the next
/// validation_share n for validation, the others are asked about; of each split the first `train`
/// or `test` (0: all). Items are read when they are drawn, by each rank that draws, answers by the
/// root; the whole file is never in memory. Uncertainty is not known: NaN. `Gridded`: points of a
/// periodic grid where the attribute `boundary` or the parameter says so (in one dimension unless
/// they say otherwise); of others, whose ends are the first and the last point.
///
/// Throws moho::Error that names file and dataset: for a file that is missing, truncated or no
/// HDF5, a dataset that is missing, of another type or rank, shapes that do not fit together,
/// coordinates that are not equidistant, fewer items than asked for (all when it is made); for a
/// value that is not finite (when it is drawn). With `check_content`, `verify` compares the digest
/// with the attribute.
std::vector<ParameterSpec> dataset_parameters();
std::unique_ptr<Problem> make_dataset(Parameters const& parameters, Environment const& environment);

} // namespace moho::study
