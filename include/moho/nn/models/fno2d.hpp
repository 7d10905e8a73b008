// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/nn/models/fno1d.hpp"

namespace moho::nn {

struct Fno2dOptions {
  std::int64_t points[2] = {0, 0}; ///< of the grid that `apply` takes
  std::int64_t inputs = 1, outputs = 1, width = 32, modes[2] = {12, 12}, projection = 128;
  int layers = 4;
  std::int64_t padding = 9; ///< cells of zeros behind the last point of both axes
};

/// Fourier neural operator in two dimensions (Li et al. 2021): as Fno1d, with the modes
/// 0 .. m1-1 and -m1 .. -1 of the first axis and 0 .. m2-1 of the second. Coordinates i/(N-1).
/// Parameters (exchange): lift, spec<j>.weight_lo and .weight_hi (in, out, m1, m2, 2), skip<j>,
/// proj1, proj2.
class Fno2d : public Model {
public:
  explicit Fno2d(Fno2dOptions const& options);
  /// x (n, N M inputs) or (n, N, M, inputs) -> (n, N M outputs) or (n, N, M, outputs).
  Value apply(Value theta, Value x) const override;
  /// x (n, N, M, inputs).
  FnoStages stages(Value theta, Value x) const;

private:
  Value spectral(Value theta, int layer, Value h) const;
  Fno2dOptions _options;
};

} // namespace moho::nn
