// SPDX-License-Identifier: BSD-3-Clause
// Fourier transforms of real sequences on the host.
#pragma once
#include "moho/nn/fft.hpp"
#include <cstddef>
#include <span>

namespace moho::study {

/// mode_k = sum_j value_j exp(-2 pi i j k / n), k = 0 .. n/2, and back, in arrays of its own. The
/// way it computes depends on n alone: the same bits on every rank and at every call.
class RealTransform {
public:
  explicit RealTransform(std::size_t n);

  std::size_t points() const { return _values.extent(0); }
  std::span<double> values() { return {_values.data(), _values.extent(0)}; } ///< (n)
  /// (n/2 + 1, 2): real and imaginary parts.
  std::span<double> modes() { return {_modes.data(), _modes.extent(0)}; }
  void forward();  ///< modes := transform of the values
  void backward(); ///< values := inverse transform of the modes, with 1/n

private:
  using Device = Kokkos::View<double*, MemorySpace>;
  nn::RealFft<double> _fft;
  Device _device_values, _device_modes;
  Device::HostMirror _values, _modes; ///< the same memory where the device is the host
};

} // namespace moho::study
