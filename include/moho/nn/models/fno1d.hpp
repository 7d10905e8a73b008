// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/nn/model.hpp"

namespace moho::nn {

/// What the stages of an FNO give, for comparison with other codes; grids channel-last.
struct FnoStages {
  Value lift;                  ///< padded
  std::vector<Value> spectral; ///< K_j h
  std::vector<Value> blocks;
  Value answer;
};

struct Fno1dOptions {
  std::int64_t points = 0; ///< of the grid that `apply` takes; 0: any that the input has
  std::int64_t inputs = 1, outputs = 1, width = 64, modes = 16, projection = 128;
  int layers = 4;
  std::int64_t padding = 0;   ///< cells of zeros behind the last point
  bool ends_included = false; ///< coordinate i/(N-1) instead of i/N
};

/// Fourier neural operator in one dimension (Li et al. 2021): a coordinate channel is added, a
/// dense layer lifts to `width` channels, each block is h <- act(K h + W h + b), K a product of the
/// first `modes` Fourier modes with matrices of complex numbers; act is GELU in all blocks but the
/// last; two dense layers with GELU between project. Of any grid with enough points.
/// Parameters (exchange): lift, spec<j>.weight (in, out, modes, 2), skip<j>, proj1, proj2.
class Fno1d : public Model {
public:
  explicit Fno1d(Fno1dOptions const& options);
  /// x (n, N inputs) or (n, N, inputs) -> (n, N outputs) or (n, N, outputs).
  Value apply(Value theta, Value x) const override;
  /// x (n, N, inputs).
  FnoStages stages(Value theta, Value x) const;

private:
  Value spectral(Value theta, int layer, Value h) const;
  Fno1dOptions _options;
};

} // namespace moho::nn
