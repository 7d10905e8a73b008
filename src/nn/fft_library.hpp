// SPDX-License-Identifier: BSD-3-Clause
// FFTW, cuFFT or nothing, behind one class. Included by fft.cpp alone.
#pragma once
#include "moho/core/error.hpp"
#include "moho/core/kokkos.hpp"
#include <cstdint>
#include <mutex>
#include <string>
#include <type_traits>
#if defined(MOHO_NN_CUFFT) && defined(KOKKOS_ENABLE_CUDA)
#include <cufft.h>
#elif defined(MOHO_NN_FFTW)
#include <fftw3.h>
#endif

namespace moho::nn {

/// `batch` arrays (rows, columns) and spectra (rows, half), `real_step` and `spectrum_step` numbers
/// apart.
struct FftShape {
  std::int64_t rows, columns, half, batch, real_step, spectrum_step;
};

#if defined(MOHO_NN_CUFFT) && defined(KOKKOS_ENABLE_CUDA)

/// The forward transform takes the whole batch at once.
template <class T>
class FftLibrary {
public:
  static constexpr bool exists = true;
  static constexpr char const* name = "cuFFT";

  FftLibrary(FftShape const& shape, T*, T*) : _shape(shape) {
    int const rows = size(shape.rows), columns = size(shape.columns), half = size(shape.half),
              batch = size(shape.batch);
    int extents[2] = {rows, columns}, real[2] = {rows, columns}, spectrum[2] = {rows, half};
    int const axes = rows > 1 ? 2 : 1, skip = 2 - axes;
    check(cufftPlanMany(&_forward, axes, extents + skip, real + skip, 1, size(shape.real_step),
                        spectrum + skip, 1, size(shape.spectrum_step / 2),
                        is_float ? CUFFT_R2C : CUFFT_D2Z, batch));
    // One array at a time: two strides of a batch would be needed for all.
    if (axes == 2)
      check(cufftPlanMany(&_rows, 1, extents, extents, half, 1, extents, half, 1,
                          is_float ? CUFFT_C2C : CUFFT_Z2Z, half));
    check(cufftPlanMany(&_columns, 1, extents + 1, spectrum + 1, 1, half, real + 1, 1, columns,
                        is_float ? CUFFT_C2R : CUFFT_Z2D, rows));
  }
  ~FftLibrary() {
    for (cufftHandle plan : {_forward, _rows, _columns})
      if (plan >= 0) cufftDestroy(plan);
  }
  FftLibrary(FftLibrary const&) = delete;
  FftLibrary& operator=(FftLibrary const&) = delete;

  void forward(ExecutionSpace const& space, T* real, T* spectrum) const {
    check(cufftSetStream(_forward, space.cuda_stream()));
    if constexpr (is_float)
      check(cufftExecR2C(_forward, real, complex(spectrum)));
    else
      check(cufftExecD2Z(_forward, real, complex(spectrum)));
  }
  void invert_rows(ExecutionSpace const& space, T* spectrum) const {
    check(cufftSetStream(_rows, space.cuda_stream()));
    for (std::int64_t b = 0; b < _shape.batch; ++b) {
      auto* const at = complex(spectrum + b * _shape.spectrum_step);
      if constexpr (is_float)
        check(cufftExecC2C(_rows, at, at, CUFFT_INVERSE));
      else
        check(cufftExecZ2Z(_rows, at, at, CUFFT_INVERSE));
    }
  }
  void invert_columns(ExecutionSpace const& space, T* spectrum, T* real) const {
    check(cufftSetStream(_columns, space.cuda_stream()));
    for (std::int64_t b = 0; b < _shape.batch; ++b) {
      auto* const from = complex(spectrum + b * _shape.spectrum_step);
      T* const to = real + b * _shape.real_step;
      if constexpr (is_float)
        check(cufftExecC2R(_columns, from, to));
      else
        check(cufftExecZ2D(_columns, from, to));
    }
  }

private:
  static constexpr bool is_float = std::is_same_v<T, float>;
  static int size(std::int64_t n) { return static_cast<int>(n); }
  static auto complex(T* at) {
    using Complex = std::conditional_t<is_float, cufftComplex, cufftDoubleComplex>;
    return reinterpret_cast<Complex*>(at);
  }
  static void check(cufftResult status) {
    if (status != CUFFT_SUCCESS)
      throw Error("cuFFT refused a transform (status " + std::to_string(status) +
                  ") see whether the device has memory left");
  }

  FftShape _shape;
  cufftHandle _forward = -1, _rows = -1, _columns = -1;
};

#elif defined(MOHO_NN_FFTW)

/// The names of FFTW in one precision.
template <class T>
struct Fftw;
#define MOHO_FFTW(T, P)                                                                            \
  template <>                                                                                      \
  struct Fftw<T> {                                                                                 \
    using Plan = P##_plan;                                                                         \
    using Complex = P##_complex;                                                                   \
    static constexpr auto forward = P##_plan_many_dft_r2c;                                         \
    static constexpr auto rows = P##_plan_many_dft;                                                \
    static constexpr auto columns = P##_plan_many_dft_c2r;                                         \
    static constexpr auto run_forward = P##_execute_dft_r2c;                                       \
    static constexpr auto run_rows = P##_execute_dft;                                              \
    static constexpr auto run_columns = P##_execute_dft_c2r;                                       \
    static constexpr auto destroy = P##_destroy_plan;                                              \
  };
MOHO_FFTW(float, fftwf)
MOHO_FFTW(double, fftw)
#undef MOHO_FFTW

/// FFTW's planner is one for the process and not safe to enter twice.
inline std::mutex& planner_mutex() {
  static std::mutex the_mutex;
  return the_mutex;
}

/// Plans for one array, run over the batch by Kokkos' threads. FFTW_ESTIMATE: the algorithm, and
/// with it the bits, does not depend on timing.
template <class T>
class FftLibrary {
  using Call = Fftw<T>;

public:
  static constexpr bool exists = true;
  static constexpr char const* name = "FFTW";

  FftLibrary(FftShape const& shape, T* real, T* spectrum) : _shape(shape) {
    std::lock_guard const lock(planner_mutex());
    int const rows = static_cast<int>(shape.rows), columns = static_cast<int>(shape.columns),
              half = static_cast<int>(shape.half);
    int const extents[2] = {rows, columns};
    int const axes = rows > 1 ? 2 : 1;
    _forward = Call::forward(axes, extents + 2 - axes, 1, real, nullptr, 1, 0, complex(spectrum),
                             nullptr, 1, 0, FFTW_ESTIMATE);
    _rows = Call::rows(1, &rows, half, complex(spectrum), nullptr, half, 1, complex(spectrum),
                       nullptr, half, 1, FFTW_BACKWARD, FFTW_ESTIMATE);
    _columns = Call::columns(1, &columns, rows, complex(spectrum), nullptr, 1, half, real, nullptr,
                             1, columns, FFTW_ESTIMATE);
    MOHO_REQUIRE(_forward && _rows && _columns);
  }
  ~FftLibrary() {
    std::lock_guard const lock(planner_mutex());
    for (auto plan : {_forward, _rows, _columns})
      if (plan) Call::destroy(plan);
  }
  FftLibrary(FftLibrary const&) = delete;
  FftLibrary& operator=(FftLibrary const&) = delete;

  void forward(ExecutionSpace const& space, T* real, T* spectrum) const {
    over_batch(space, [=, this](std::int64_t b) {
      Call::run_forward(_forward, real + b * _shape.real_step,
                        complex(spectrum + b * _shape.spectrum_step));
    });
  }
  void invert_rows(ExecutionSpace const& space, T* spectrum) const {
    over_batch(space, [=, this](std::int64_t b) {
      auto* const at = complex(spectrum + b * _shape.spectrum_step);
      Call::run_rows(_rows, at, at);
    });
  }
  void invert_columns(ExecutionSpace const& space, T* spectrum, T* real) const {
    over_batch(space, [=, this](std::int64_t b) {
      Call::run_columns(_columns, complex(spectrum + b * _shape.spectrum_step),
                        real + b * _shape.real_step);
    });
  }

private:
  static auto* complex(T* at) { return reinterpret_cast<typename Call::Complex*>(at); }
  template <class Function>
  void over_batch(ExecutionSpace const& space, Function const& transform) const {
    Kokkos::parallel_for("moho::nn::fft",
                         Kokkos::RangePolicy<ExecutionSpace>(space, 0, _shape.batch), transform);
  }

  FftShape _shape;
  typename Call::Plan _forward = nullptr, _rows = nullptr, _columns = nullptr;
};

#else

template <class T>
class FftLibrary {
public:
  static constexpr bool exists = false;
  static constexpr char const* name = "none";

  FftLibrary(FftShape const&, T*, T*) {}
  void forward(ExecutionSpace const&, T*, T*) const {}
  void invert_rows(ExecutionSpace const&, T*) const {}
  void invert_columns(ExecutionSpace const&, T*, T*) const {}
};

#endif

} // namespace moho::nn
