// SPDX-License-Identifier: BSD-3-Clause
// Full spectra of real arrays: FFTW on a host, cuFFT on a CUDA device. (For training, where few
// modes are kept, the tables of dft.hpp are faster.)
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace moho::nn {

/// Whether this build has transforms of full spectra.
bool has_fft();
/// Who transforms: "FFTW", "cuFFT" or "none".
char const* fft_library();

/// Transforms of real arrays over their last one or two axes, planned once; numpy's rfft, irfft,
/// rfft2 and irfft2. What is computed depends on no timing and on no number of threads.
/// T: float or double.
template <class T>
class RealFft {
public:
  /// `extents`: of the one or two axes; `batch`: how many such arrays lie behind each other. Throws
  /// moho::Error where the build has no transforms, std::logic_error for other numbers of axes or
  /// extents below 1.
  RealFft(std::vector<std::int64_t> const& extents, std::int64_t batch);

  /// Entries of all real arrays, and of all spectra: (batch, [N,] M/2 + 1, 2), (Re, Im) fastest.
  std::int64_t real_entries() const;
  std::int64_t spectrum_entries() const;

  /// Not normalised: H_k = sum_n h_n exp(-2 pi i k n / N).
  void forward(ExecutionSpace const& space, T const* in, T* out) const;
  /// With 1/N (1/(N M)). Of two axes the first is inverted first; then, along the last, the
  /// imaginary parts of frequency 0 and, for an even extent, of the highest are ignored.
  void inverse(ExecutionSpace const& space, T const* in, T* out) const;

private:
  struct Plan;
  std::shared_ptr<Plan> _plan; ///< copies share its work space: one transform at a time
};

} // namespace moho::nn
