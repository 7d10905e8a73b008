// SPDX-License-Identifier: BSD-3-Clause
// Derivatives at known roots: one pack of points of the same model and wave at a time. V is the
// lane type: a SIMD pack on a host, double on a device, DoubleDouble for the extended path.
#pragma once
#include "adjoint.hpp"
#include "arrays.hpp"
#include "moho/dispersion/ellipticity.hpp"
#include "scaled_model.hpp"
#include "search_state.hpp"

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

/// Where gradients go: by quantity, parameter; rows from that of a point on.
struct GradientColumns {
  double* column[12];
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
                             GradientColumns const& to, PointOut* out)
      : _model(model), _wave(wave), _asked(asked), _points(points), _in(in), _scale(scale),
        _scratch(scratch), _to(to), _out(out), _c(gather(&PointIn<S>::c)),
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
  GradientColumns const& _to;
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
      double* const* const to = _to.column + _asked.column(q);
      std::int64_t const row = _in[i].first_row + layer;
      to[0][row] = to_double(lane(r.x, i)) * (unit / _in[i].length);
      to[1][row] = to_double(lane(r.vp, i)) * (unit * s.vp);
      to[2][row] = to_double(lane(r.vs, i)) * (unit * s.vs);
      to[3][row] = to_double(lane(r.rho, i)) * (unit * s.rho);
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
  GradientColumns gradient{}; ///< of the host; those asked for, `rows` each
  std::int64_t rows = 0;
  std::size_t scratch = 0; ///< bytes

  /// Empty, with its memory kept.
  void clear() {
    item.clear();
    layers.clear();
    scale.clear();
    in.clear();
    out.clear();
    rows = 0;
    scratch = 0;
  }

  // where kernels work
  Room<unsigned char> scratch_room;
  Room<double> gradient_room;
  Room<PackItem> item_room;
  Room<FluidLayer<S>> fluid_room;
  Room<SolidLayer<S>> solid_room;
  Room<RowScale> scale_room;
  Room<PointIn<S>> in_room;
  Room<PointOut> out_room;
};

/// Differentiates one pack.
template <class V>
struct SensitivityKernel {
  using S = typename Scalar<V>::Lane;

  bool polish;
  Asked asked;
  PackItem const* item;
  FluidLayer<S> const* fluid;
  SolidLayer<S> const* solid;
  RowScale const* scale;
  PointIn<S> const* in;
  PointOut* out;
  unsigned char* scratch;
  GradientColumns gradient;

  KOKKOS_FUNCTION void operator()(int i) const {
    PackItem const& it = item[i];
    LayerView<S> const model{fluid + it.first_fluid, solid + it.first_solid, it.fluids, it.solids};
    for (int p = 0; p < it.points; ++p) out[it.first_point + p] = {}; // not all of it is told
    PackKernel<V>(model, it.wave, asked, it.points, in + it.first_point, scale + it.first_row_scale,
                  scratch + it.scratch, gradient, out + it.first_point)
        .run(polish);
  }
};

/// Runs every pack of a batch on the default execution space.
template <class V>
void run_sensitivities(SensitivityBatch<typename Scalar<V>::Lane>& batch) {
  int const columns = batch.asked.columns();
  auto const rows = static_cast<std::size_t>(batch.rows);
  GradientColumns to = batch.gradient;
  PointOut* out = batch.out.data();
  if constexpr (!host_memory) {
    double* const room = batch.gradient_room.get(rows * static_cast<std::size_t>(columns));
    for (int c = 0; c < columns; ++c) to.column[c] = room + c * batch.rows;
    out = batch.out_room.get(batch.out.size());
  }
  SensitivityKernel<V> const kernel{batch.polish,
                                    batch.asked,
                                    batch.item_room.copy_of(batch.item),
                                    batch.fluid_room.copy_of(batch.layers.fluid),
                                    batch.solid_room.copy_of(batch.layers.solid),
                                    batch.scale_room.copy_of(batch.scale),
                                    batch.in_room.copy_of(batch.in),
                                    out,
                                    batch.scratch_room.get(batch.scratch),
                                    to};
  using Policy = Kokkos::RangePolicy<ExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for("moho::dispersion::sensitivity",
                       Policy(0, static_cast<int>(batch.item.size())), kernel);
  Kokkos::fence();
  if constexpr (!host_memory) {
    batch.out_room.to_host(batch.out.data(), batch.out.size());
    for (int c = 0; c < columns; ++c)
      batch.gradient_room.to_host(batch.gradient.column[c], rows,
                                  static_cast<std::size_t>(c) * rows);
  }
}

} // namespace moho::dispersion::detail
