// SPDX-License-Identifier: BSD-3-Clause
#include "burgers_solver_fft.hpp"
#include <cstdint>

namespace moho::study {

RealTransform::RealTransform(std::size_t n)
    : _fft({static_cast<std::int64_t>(n)}, 1), _device_values("moho::study::values", n),
      _device_modes("moho::study::modes", 2 * (n / 2 + 1)),
      _values(Kokkos::create_mirror_view(_device_values)),
      _modes(Kokkos::create_mirror_view(_device_modes)) {}

void RealTransform::forward() {
  const ExecutionSpace space;
  Kokkos::deep_copy(space, _device_values, _values);
  _fft.forward(space, _device_values.data(), _device_modes.data());
  Kokkos::deep_copy(space, _modes, _device_modes);
  space.fence();
}

void RealTransform::backward() {
  const ExecutionSpace space;
  Kokkos::deep_copy(space, _device_modes, _modes);
  _fft.inverse(space, _device_modes.data(), _device_values.data());
  Kokkos::deep_copy(space, _values, _device_values);
  space.fence();
}

} // namespace moho::study
