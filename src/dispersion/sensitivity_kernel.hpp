// SPDX-License-Identifier: BSD-3-Clause
// Derivatives at known roots: one pack of points of the same model and wave at a time. V is the
// lane type: a SIMD pack on a host, double on a device, DoubleDouble for the extended path.
#pragma once
#include "adjoint.hpp"
#include "kernel.hpp"
#include "moho/dispersion/ellipticity.hpp"

namespace moho::dispersion::detail {

/// Quantities that have gradients, in the order of their columns.
enum Quantity : int { of_phase = 0, of_group = 1, of_ellipticity = 2 };

/// What to differentiate.
struct Asked {
  bool phase = true, group = false, ellipticity = false;

  /// First of the four columns of a quantity, among those asked for.
  KOKKOS_INLINE_FUNCTION int column(Quantity q) const {
    return 4 * ((q > of_phase && phase ? 1 : 0) + (q > of_group && group ? 1 : 0));
  }
  int columns() const { return column(of_ellipticity) + (ellipticity ? 4 : 0); }
};

/// A pack: up to Scalar<V>::lanes points of one model and wave.
struct PackItem {
  int first_fluid, fluids, first_solid, solids;
  int first_row_scale; ///< in the array of RowScale
  int first_point, points;
  std::int64_t scratch; ///< first byte of its scratch
  Wave wave;
};

/// Inverse parameters of a layer in the caller's units; from slopes by logarithms to slopes.
struct RowScale {
  double vp, vs, rho;
};

/// A point as the kernel reads it, in scaled units.
template <class S>
struct PointIn {
  S c, omega;
  std::int64_t first_row;  ///< of its gradients
  double velocity, length; ///< the units
};

/// What the kernel tells of a point beside its gradients.
struct PointOut {
  double group, ellipticity;
  double residual;           ///< distance to the root of the secular function, relative to c
  double leverage, mismatch; ///< see EllipticityTrust
  double sharpness;          ///< how much a relative error of c is magnified in dc/dp, where known
};

/// Where one pack works: stations and rows of its sweeps.
template <class T>
struct Workspace {
  PsvStation<T>* psv;
  ShStation<T>* sh;
  FluidStation<T>* fluid;
  RowSlopes<T>* row; ///< fluids first
  T* floor;          ///< u and P of the fluid at the sea floor

  static constexpr std::size_t station = sizeof(PsvStation<T>) > sizeof(ShStation<T>)
                                             ? sizeof(PsvStation<T>)
                                             : sizeof(ShStation<T>);
  static constexpr std::size_t bytes(int fluids, int solids) {
    return static_cast<std::size_t>(solids) * station +
           static_cast<std::size_t>(fluids) * sizeof(FluidStation<T>) +
           static_cast<std::size_t>(fluids + solids) * sizeof(RowSlopes<T>) + 2 * sizeof(T);
  }
  KOKKOS_INLINE_FUNCTION Workspace(unsigned char* memory, int fluids, int solids)
      : psv(reinterpret_cast<PsvStation<T>*>(memory)), sh(reinterpret_cast<ShStation<T>*>(memory)),
        fluid(reinterpret_cast<FluidStation<T>*>(memory + solids * station)),
        row(reinterpret_cast<RowSlopes<T>*>(memory + solids * station +
                                            fluids * sizeof(FluidStation<T>))),
        floor(reinterpret_cast<T*>(row + fluids + solids)) {}
};

/// The secular function at (c, k), with its derivatives; the rows are left in the workspace.
template <class T>
struct SecularSlopes {
  T value, by_c, by_k;
};

template <class T, class S>
KOKKOS_INLINE_FUNCTION SecularSlopes<T> secular_slopes(LayerView<S> const& model, Wave wave, T c,
                                                       T k, Workspace<T> const& work) {
  const T zero(ValueOf<T>(0.0)), one(ValueOf<T>(1.0)), c2 = c * c;
  Totals<T> total{zero, zero};
  for (int i = 0; i < model.fluids; ++i) work.row[i] = {zero, zero, zero, zero};
  RowSlopes<T>* const solid_row = work.row + model.fluids;
  T value;
  if (wave == Wave::love) {
    sweep_up(model, c2, k, work.sh);
    sweep_down(model, c2, k, work.sh, solid_row, total);
    value = -work.sh[0].t;
  } else {
    sweep_up(model, c2, k, work.psv);
    Minors<T> const& m = work.psv[0].top;
    T u = one, P = zero;
    if (model.fluids > 0) {
      fluid_sweep(model, c2, k, work.fluid, u, P);
      fluid_pull_back(model, k, work.fluid, u, P, m.m34, m.m23, work.row, total);
    }
    value = m.m34 * u + m.m23 * P;
    work.floor[0] = u;
    work.floor[1] = P;
    sweep_down(model, c2, work.psv, Minors<T>{zero, zero, zero, P, u}, solid_row, total);
  }
  return {value, 2.0 * c * total.c2, total.k};
}

/// Fills the gradients of one pack.
template <class V>
class PackKernel {
public:
  using S = typename Scalar<V>::Lane;
  static constexpr int lanes = Scalar<V>::lanes;

  KOKKOS_FUNCTION PackKernel(LayerView<S> const& model, Wave wave, Asked asked, int points,
                             PointIn<S> const* in, RowScale const* scale, unsigned char* scratch,
                             double* gradient, std::int64_t rows, PointOut* out)
      : _model(model), _wave(wave), _asked(asked), _points(points), _in(in), _scale(scale),
        _scratch(scratch), _gradient(gradient), _rows(rows), _out(out), _c(gather(&PointIn<S>::c)),
        _omega(gather(&PointIn<S>::omega)) {}

  /// Bytes that one pack needs.
  static std::size_t bytes(int fluids, int solids, bool group) {
    // the rows of the ellipticity stand behind the workspace of the first run
    const std::size_t first = Workspace<V>::bytes(fluids, solids) +
                              static_cast<std::size_t>(fluids + solids) * sizeof(RowSlopes<V>);
    const std::size_t second = group ? Workspace<Dual<V>>::bytes(fluids, solids) : 0;
    return ((first > second ? first : second) + 63) / 64 * 64;
  }

  KOKKOS_FUNCTION void run(bool polish) {
    Workspace<V> const work(_scratch, _model.fluids, _model.solids);
    SecularSlopes<V> f{};
    for (int pass = 0;; ++pass) {
      _k = _omega / _c;
      f = secular_slopes(_model, _wave, _c, _k, work);
      _slope = f.by_c - _k / _c * f.by_k;
      const V step = f.value / _slope;
      if (pass == 0) tell(&PointOut::residual, abs(step / _c), false);
      if (!polish || pass == 2) break;
      _c = _c - step;
    }
    _group = _c - _k * f.by_k / f.by_c;
    tell(&PointOut::group, _group, true);
    for (int i = 0; i < layers(); ++i) { // from slopes of F to slopes of c
      RowSlopes<V>& r = work.row[i];
      r = {-(_k * r.x / _slope), -(r.vp / _slope), -(r.vs / _slope), -(r.rho / _slope)};
      if (_asked.phase) write(of_phase, i, r, true);
    }
    if (_asked.ellipticity && _wave == Wave::rayleigh) differentiate_ellipticity(work);
    if (_asked.group) differentiate_group();
  }

private:
  LayerView<S> _model;
  Wave _wave;
  Asked _asked;
  int _points;
  PointIn<S> const* _in;
  RowScale const* _scale;
  unsigned char* _scratch;
  double* _gradient;
  std::int64_t _rows;
  PointOut* _out;
  V _c, _omega, _k, _slope, _group;

  KOKKOS_FUNCTION int layers() const { return _model.fluids + _model.solids; }

  /// Lanes beyond the last point repeat the first.
  KOKKOS_FUNCTION V gather(S PointIn<S>::*field) const {
    V pack(_in[0].*field);
    for (int i = 1; i < _points; ++i) set_lane(pack, i, _in[i].*field);
    return pack;
  }

  KOKKOS_FUNCTION void tell(double PointOut::*field, V x, bool velocity) const {
    for (int i = 0; i < _points; ++i)
      _out[i].*field = to_double(lane(x, i)) * (velocity ? _in[i].velocity : 1.0);
  }

  /// One row of a gradient in the caller's units; `r.x` is the slope by thickness.
  KOKKOS_FUNCTION void write(Quantity q, int layer, RowSlopes<V> const& r, bool velocity) const {
    RowScale const& s = _scale[layer];
    for (int i = 0; i < _points; ++i) {
      double const unit = velocity ? _in[i].velocity : 1.0;
      double* to = _gradient + _asked.column(q) * _rows + _in[i].first_row + layer;
      to[0] = to_double(lane(r.x, i)) * (unit / _in[i].length);
      to[_rows] = to_double(lane(r.vp, i)) * (unit * s.vp);
      to[2 * _rows] = to_double(lane(r.vs, i)) * (unit * s.vs);
      to[3 * _rows] = to_double(lane(r.rho, i)) * (unit * s.rho);
    }
  }

  /// E = -m13/m23 at the top of the solids; dE/dp = E_p + (E_c - k/c E_k) dc/dp at fixed period.
  KOKKOS_FUNCTION void differentiate_ellipticity(Workspace<V> const& work) const {
    const V zero(0.0), c2 = _c * _c;
    Minors<V> const& top = work.psv[0].top;
    const V inverse = 1.0 / top.m23, E = surface_ellipticity(top);
    RowSlopes<V>* const row = reinterpret_cast<RowSlopes<V>*>(work.floor + 2);
    for (int i = 0; i < _model.fluids; ++i) row[i] = {zero, zero, zero, zero};
    Totals<V> total{zero, zero};
    sweep_down(_model, c2, work.psv, Minors<V>{zero, -inverse, zero, -(E * inverse), zero},
               row + _model.fluids, total);
    const V slope = 2.0 * _c * total.c2 - _k / _c * total.k;
    tell(&PointOut::ellipticity, E, false);
    tell(&PointOut::leverage, abs(_c * slope), false);
    tell(&PointOut::mismatch, surface_mismatch(top, work.floor[0], work.floor[1]), false);
    for (int i = 0; i < layers(); ++i) {
      RowSlopes<V> const &r = row[i], &c = work.row[i];
      write(
          of_ellipticity, i,
          {_k * r.x + slope * c.x, r.vp + slope * c.vp, r.vs + slope * c.vs, r.rho + slope * c.rho},
          false);
    }
  }

  /// U_p = (U/c)(2 - U/c) c_p + (U/c)^2 w dc_p/dw, with w d/dw = c(1 - c/U) d/dc + (k c/U) d/dk
  /// along the curve.
  KOKKOS_FUNCTION void differentiate_group() const {
    using D = Dual<V>;
    Workspace<D> const work(_scratch, _model.fluids, _model.solids);
    const V zero(0.0), one(1.0);
    const D c(_c, one, zero), k(_k, zero, one);
    SecularSlopes<D> const f = secular_slopes(_model, _wave, c, k, work);
    const D inverse = 1.0 / (f.by_c - k / c * f.by_k);
    const V ratio = _group / _c, inv_ratio = 1.0 / ratio;
    const V along_c = _c * (1.0 - inv_ratio), along_k = _k * inv_ratio;
    auto const derive = [&](D q) {
      return ratio * ((2.0 - ratio) * q.v + ratio * (along_c * q.d0 + along_k * q.d1));
    };
    V largest(1e-300), steepest(0.0);
    for (int i = 0; i < layers(); ++i) {
      RowSlopes<D> const& r = work.row[i];
      const D x = -(k * r.x * inverse), vp = -(r.vp * inverse), vs = -(r.vs * inverse),
              rho = -(r.rho * inverse);
      for (D const* q : {&vp, &vs, &rho}) {
        largest = max(largest, abs(q->v));
        steepest = max(steepest, abs(_c * q->d0 - _k * q->d1));
      }
      write(of_group, i, {derive(x), derive(vp), derive(vs), derive(rho)}, true);
    }
    tell(&PointOut::sharpness, steepest / largest, false);
  }
};

/// Packs of one precision, prepared on the host. Its memory serves one batch after another.
template <class S>
struct SensitivityBatch {
  bool polish = false; ///< Newton steps first
  Asked asked;
  std::vector<PackItem> item;
  LayerStore<S> layers;
  std::vector<RowScale> scale;
  std::vector<PointIn<S>> in;
  std::vector<PointOut> out;
  std::vector<double> gradient; ///< (columns asked for x rows): quantity, parameter, row
  std::int64_t rows = 0;
  std::size_t scratch = 0;     ///< bytes
  Array<unsigned char> memory; ///< the scratch, at least

  /// Empty, with its memory kept.
  void clear() {
    item.clear();
    layers.fluid.clear();
    layers.solid.clear();
    scale.clear();
    in.clear();
    out.clear();
    rows = 0;
    scratch = 0;
  }
};

/// Runs every pack of a batch on the default execution space.
template <class V>
void run_sensitivities(SensitivityBatch<typename Scalar<V>::Lane>& batch) {
  using S = typename Scalar<V>::Lane;
  auto const item = to_device(batch.item);
  auto const fluid = to_device(batch.layers.fluid);
  auto const solid = to_device(batch.layers.solid);
  auto const scale = to_device(batch.scale);
  auto const in = to_device(batch.in);
  auto const out = to_device(batch.out);
  auto const gradient = to_device(batch.gradient);
  if (batch.memory.extent(0) < batch.scratch)
    batch.memory = Array<unsigned char>(
        Kokkos::ViewAllocateWithoutInitializing("moho::dispersion::scratch"), batch.scratch);
  Array<unsigned char> const scratch = batch.memory;
  bool const polish = batch.polish;
  Asked const asked = batch.asked;
  std::int64_t const rows = batch.rows;
  using Policy = Kokkos::RangePolicy<ExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for(
      "moho::dispersion::sensitivity", Policy(0, static_cast<int>(batch.item.size())),
      KOKKOS_LAMBDA(int i) {
        PackItem const& it = item(i);
        const LayerView<S> model{fluid.data() + it.first_fluid, solid.data() + it.first_solid,
                                 it.fluids, it.solids};
        PackKernel<V>(model, it.wave, asked, it.points, in.data() + it.first_point,
                      scale.data() + it.first_row_scale, scratch.data() + it.scratch,
                      gradient.data(), rows, out.data() + it.first_point)
            .run(polish);
      });
  Kokkos::fence();
  to_host(out, batch.out);
  to_host(gradient, batch.gradient);
}

} // namespace moho::dispersion::detail
