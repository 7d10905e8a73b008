// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/fft.hpp"
#include "fft_library.hpp"
#include "host.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/movement.hpp"

namespace moho::nn {

bool has_fft() {
  return FftLibrary<double>::exists;
}

char const* fft_library() {
  return FftLibrary<double>::name;
}

/// Arrays are copied into work space whose rows begin on whole lines of the cache: FFTW chooses its
/// code by alignment, and the result shall not depend on where an array lies.
template <class T>
struct RealFft<T>::Plan {
  std::int64_t rows, columns, half, batch; ///< of one array; its spectrum is (rows, half)
  std::int64_t real_step, spectrum_step;   ///< entries between arrays in the work space
  Kokkos::View<T*, MemorySpace> real, spectrum;
  FftLibrary<T> engine;

  Plan(std::int64_t rows_, std::int64_t columns_, std::int64_t batch_)
      : rows(rows_), columns(columns_), half(columns_ / 2 + 1), batch(batch_),
        real_step(ceil_divide(rows * columns, line) * line),
        spectrum_step(ceil_divide(rows * half * 2, line) * line),
        real(Kokkos::view_alloc("moho::nn::fft_real", Kokkos::WithoutInitializing),
             static_cast<std::size_t>(batch * real_step)),
        spectrum(Kokkos::view_alloc("moho::nn::fft_spectrum", Kokkos::WithoutInitializing),
                 static_cast<std::size_t>(batch * spectrum_step)),
        engine({rows, columns, half, batch, real_step, spectrum_step}, real.data(),
               spectrum.data()) {}

  static constexpr std::int64_t line = 64 / sizeof(T) * 2;
};

namespace {

/// The last axis of a real array's spectrum holds the real numbers alone at frequency 0 and, for an
/// even extent, at the highest: the imaginary parts there are set to 0.
template <class T>
void drop_imaginary_ends(ExecutionSpace const& space, T* spectrum, std::int64_t rows,
                         std::int64_t columns, std::int64_t batch, std::int64_t step) {
  std::int64_t const half = columns / 2 + 1, last = columns % 2 == 0 ? half - 1 : 0;
  Kokkos::parallel_for(
      "moho::nn::drop_imaginary_ends", Kokkos::RangePolicy<ExecutionSpace>(space, 0, batch * rows),
      KOKKOS_LAMBDA(std::int64_t i) {
        T* const row = spectrum + i / rows * step + i % rows * half * 2;
        row[1] = 0;
        row[2 * last + 1] = 0;
      });
}

/// Arrays out of the work space, divided by the number of points.
template <class T>
void copy_divided(ExecutionSpace const& space, T const* in, std::int64_t step, std::int64_t entries,
                  std::int64_t batch, T* out) {
  T const points = static_cast<T>(entries);
  Kokkos::parallel_for(
      "moho::nn::copy_divided", Kokkos::RangePolicy<ExecutionSpace>(space, 0, batch * entries),
      KOKKOS_LAMBDA(std::int64_t i) { out[i] = in[i / entries * step + i % entries] / points; });
}

} // namespace

template <class T>
RealFft<T>::RealFft(std::vector<std::int64_t> const& extents, std::int64_t batch) {
  MOHO_REQUIRE((extents.size() == 1 || extents.size() == 2) && batch >= 1);
  for (std::int64_t const extent : extents) MOHO_REQUIRE(extent >= 1);
  if (!has_fft())
    throw Error(
        "transforms of full spectra are not in this build (neither FFTW nor cuFFT was found "
        "when it was configured) install libfftw3-dev and configure again");
  _plan = std::make_shared<Plan>(extents.size() == 2 ? extents[0] : 1, extents.back(), batch);
}

template <class T>
std::int64_t RealFft<T>::real_entries() const {
  return _plan->batch * _plan->rows * _plan->columns;
}

template <class T>
std::int64_t RealFft<T>::spectrum_entries() const {
  return _plan->batch * _plan->rows * _plan->half * 2;
}

template <class T>
void RealFft<T>::forward(ExecutionSpace const& space, T const* in, T* out) const {
  Plan const& plan = *_plan;
  std::int64_t const entries = plan.rows * plan.columns, after = plan.rows * plan.half * 2;
  copy(space, {{plan.batch, entries}, {entries, 1}, {plan.real_step, 1}}, in, plan.real.data());
  plan.engine.forward(space, plan.real.data(), plan.spectrum.data());
  copy<T>(space, {{plan.batch, after}, {plan.spectrum_step, 1}, {after, 1}}, plan.spectrum.data(),
          out);
}

template <class T>
void RealFft<T>::inverse(ExecutionSpace const& space, T const* in, T* out) const {
  Plan const& plan = *_plan;
  std::int64_t const entries = plan.rows * plan.half * 2;
  copy(space, {{plan.batch, entries}, {entries, 1}, {plan.spectrum_step, 1}}, in,
       plan.spectrum.data());
  if (plan.rows > 1) plan.engine.invert_rows(space, plan.spectrum.data());
  drop_imaginary_ends(space, plan.spectrum.data(), plan.rows, plan.columns, plan.batch,
                      plan.spectrum_step);
  plan.engine.invert_columns(space, plan.spectrum.data(), plan.real.data());
  copy_divided(space, plan.real.data(), plan.real_step, plan.rows * plan.columns, plan.batch, out);
}

template class RealFft<float>;
template class RealFft<double>;

} // namespace moho::nn
