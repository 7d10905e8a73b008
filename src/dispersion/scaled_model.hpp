// SPDX-License-Identifier: BSD-3-Clause
// A model in scaled units, and what a search needs to know of it beforehand; on hosts and devices.
#pragma once
#include "moho/dispersion/layers.hpp"
#include "moho/dispersion/model.hpp"
#include "moho/dispersion/solve.hpp"
#include <cmath>
#include <vector>

namespace moho::dispersion::detail {

/// The columns of a LayeredModel, as kernels read them.
struct ModelRows {
  double const *thickness, *vp, *vs, *rho; ///< (layers); the last is the half-space
  int layers;

  KOKKOS_FUNCTION ModelRows(double const* h, double const* p, double const* s, double const* r,
                            int n)
      : thickness(h), vp(p), vs(s), rho(r), layers(n) {}
  ModelRows(LayeredModel const& m) // NOLINT: the same thing
      : ModelRows(m.thickness.data(), m.vp.data(), m.vs.data(), m.rho.data(),
                  static_cast<int>(m.layers())) {}
  KOKKOS_FUNCTION double top_velocity() const { return vs[layers - 1]; }
};

/// Powers of two that bring a model near unit size without rounding anything.
struct Units {
  double velocity, length, density;

  Units() = default;
  KOKKOS_FUNCTION explicit Units(ModelRows const& model) {
    double total = 0;
    for (int i = 0; i < model.layers; ++i) total += model.thickness[i];
    velocity = power(model.top_velocity());
    density = power(model.rho[model.layers - 1]);
    length = total > 0 ? power(total) : 1.0;
  }
  KOKKOS_FUNCTION double frequency() const { return velocity / length; }

private:
  KOKKOS_FUNCTION static double power(double x) { return std::ldexp(1.0, std::ilogb(x)); }
};

/// 2 pi / period in scaled units.
template <class S>
KOKKOS_FUNCTION S angular_frequency(double period, Units const& units);
template <>
KOKKOS_INLINE_FUNCTION double angular_frequency<double>(double period, Units const& units) {
  return 2 * M_PI / period / units.frequency();
}
template <>
KOKKOS_INLINE_FUNCTION DoubleDouble angular_frequency<DoubleDouble>(double period,
                                                                    Units const& units) {
  const DoubleDouble two_pi(0x1.921fb54442d18p+2, 0x1.1a62633145c07p-52);
  return two_pi / DoubleDouble(period) / DoubleDouble(units.frequency());
}

/// Where the search of a wave begins (below every mode as a rule; it is checked) and ends.
KOKKOS_INLINE_FUNCTION double lowest_velocity(ModelRows const& model, Wave wave) {
  double lowest = model.top_velocity();
  for (int i = 0; i < model.layers; ++i) {
    double const v = model.vs[i] > 0 ? model.vs[i] : wave == Wave::rayleigh ? model.vp[i] : lowest;
    lowest = v < lowest ? v : lowest;
  }
  return wave == Wave::love ? 0.98 * lowest : 0.3 * lowest; // no Love wave is slower than any layer
}
inline constexpr double top_margin = 1e-7; ///< modes are sought below vs_halfspace (1 - 1e-7)
template <class S>
KOKKOS_FUNCTION S highest_velocity(ModelRows const& model, Units const& units) {
  return S(model.top_velocity() / units.velocity) * (S(1.0) - S(top_margin));
}

/// Half-wavelengths of shear (in fluids: of sound) that fit into the layers at the top velocity,
/// times the period: an upper estimate of the modes.
KOKKOS_INLINE_FUNCTION double half_waves(ModelRows const& model) {
  double const top = model.top_velocity();
  double sum = 0;
  for (int i = 0; i + 1 < model.layers; ++i) {
    double const v = model.vs[i] > 0 ? model.vs[i] : model.vp[i];
    double const square = 1 / (v * v) - 1 / (top * top);
    sum += 2 * model.thickness[i] * std::sqrt(square > 0 ? square : 0.0);
  }
  return sum;
}
/// Beyond this many modes a period is refused: it would take forever.
KOKKOS_INLINE_FUNCTION bool too_many_modes(double half_waves, double period) {
  return !(half_waves < 20000 * period);
}

/// Whether a model may have folds: its stiffest solid against its softest. An empirical bound: a
/// search that climbed towards folds (tests/property draws from it) found none below a contrast of
/// rigidity of 12, whatever the densities, the ratios vp/vs and the thicknesses; half of that is
/// the limit.
KOKKOS_INLINE_FUNCTION bool fold_prone(ModelRows const& model) {
  double softest = HUGE_VAL, stiffest = 0;
  for (int i = 0; i < model.layers; ++i) {
    if (model.vs[i] == 0) continue;
    double const rigidity = model.rho[i] * model.vs[i] * model.vs[i];
    softest = rigidity < softest ? rigidity : softest;
    stiffest = rigidity > stiffest ? rigidity : stiffest;
  }
  return stiffest > 6 * softest;
}

/// Splits a model into its fluids and solids, in precision S; there is room for `layers` of each.
/// What is in `view` is their place in, their numbers out.
template <class S>
KOKKOS_FUNCTION LayerView<S> split_layers(ModelRows const& model, Units const& units,
                                          FluidLayer<S>* fluid, SolidLayer<S>* solid) {
  LayerView<S> view{fluid, solid, 0, 0};
  for (int i = 0; i < model.layers; ++i) {
    const S h(model.thickness[i] / units.length), rho(model.rho[i] / units.density);
    const S vp(model.vp[i] / units.velocity), vs(model.vs[i] / units.velocity);
    if (model.vs[i] > 0)
      solid[view.solids++] = make_solid(h, vp, vs, rho);
    else
      fluid[view.fluids++] = make_fluid(h, vp, rho);
  }
  return view;
}

/// Models in scaled units on a host, one after another.
template <class S>
struct LayerStore {
  std::vector<FluidLayer<S>> fluid;
  std::vector<SolidLayer<S>> solid;

  LayerStore() = default;
  LayerStore(ModelRows const& model, Units const& units) { append(model, units); }

  void append(ModelRows const& model, Units const& units) {
    auto const layers = static_cast<std::size_t>(model.layers);
    const std::size_t fluids = fluid.size(), solids = solid.size();
    fluid.resize(fluids + layers);
    solid.resize(solids + layers);
    LayerView<S> const view =
        split_layers(model, units, fluid.data() + fluids, solid.data() + solids);
    fluid.resize(fluids + static_cast<std::size_t>(view.fluids));
    solid.resize(solids + static_cast<std::size_t>(view.solids));
  }
  LayerView<S> view() const {
    return {fluid.data(), solid.data(), static_cast<int>(fluid.size()),
            static_cast<int>(solid.size())};
  }
  void clear() {
    fluid.clear();
    solid.clear();
  }
};

} // namespace moho::dispersion::detail
