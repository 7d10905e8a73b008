// SPDX-License-Identifier: BSD-3-Clause
// One search per (case, wave), over a batch prepared on the host. T is the lane type: a SIMD pack
// on a host, double on a device, DoubleDouble for the extended path.
#pragma once
#include "moho/dispersion/layers.hpp"
#include "search.hpp"
#include <vector>

namespace moho::dispersion::detail {

template <class V>
using Array = Kokkos::View<V*, MemorySpace>;

inline constexpr bool host_memory =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;

/// A host vector in the memory of the default execution space: itself where that is the host's,
/// else a copy.
template <class V>
Array<V> to_device(std::vector<V>& from) {
  if constexpr (host_memory) {
    return Array<V>(from.data(), from.size());
  } else {
    Array<V> to(Kokkos::ViewAllocateWithoutInitializing("moho::dispersion::to_device"),
                from.size());
    Kokkos::deep_copy(to, Kokkos::View<V const*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged>(
                              from.data(), from.size()));
    return to;
  }
}
template <class V>
void to_host(Array<V> const& from, std::vector<V>& to) {
  if constexpr (!host_memory)
    Kokkos::deep_copy(
        Kokkos::View<V*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged>(to.data(), to.size()), from);
}

/// A model in scaled units, split into its fluids and solids, in precision S.
template <class S>
struct LayerStore {
  std::vector<FluidLayer<S>> fluid;
  std::vector<SolidLayer<S>> solid;
  LayerView<S> view() const {
    return {fluid.data(), solid.data(), static_cast<int>(fluid.size()),
            static_cast<int>(solid.size())};
  }
};

/// Powers of two that bring a model near unit size without rounding anything.
struct Units {
  double velocity, length, density;
  explicit Units(LayeredModel const& model);
  double frequency() const { return velocity / length; }
};

/// Layers of a model; appended to `store`.
template <class S>
void append_layers(LayeredModel const& model, Units const& units, LayerStore<S>& store) {
  for (std::size_t i = 0; i < model.layers(); ++i) {
    const S h(model.thickness[i] / units.length), rho(model.rho[i] / units.density);
    const S vp(model.vp[i] / units.velocity), vs(model.vs[i] / units.velocity);
    if (model.vs[i] > 0)
      store.solid.push_back(make_solid(h, vp, vs, rho));
    else
      store.fluid.push_back(make_fluid(h, vp, rho));
  }
}

/// 2 pi / period in scaled units.
template <class S>
S angular_frequency(double period, Units const& units);

/// Where the search of a case begins (below every mode as a rule; it is checked) and ends.
double lowest_velocity(LayeredModel const& model, Wave wave);
inline constexpr double top_margin = 1e-7; ///< modes are sought below vs_halfspace (1 - 1e-7)
template <class S>
S highest_velocity(LayeredModel const& model, Units const& units) {
  return S(model.vs.back() / units.velocity) * (S(1.0) - S(top_margin));
}

/// One (case, wave) of a batch: where its rows lie.
struct SearchItem {
  int first_fluid, fluids, first_solid, solids;
  int first_omega, points; ///< in omega; and in count and fold
  int first_entry;         ///< in the (modes x points) arrays
  int first_count;
  Wave wave;
  bool group;   ///< group velocity and ellipticity of every point
  double close; ///< see SearchData
};

/// A prepared batch of searches; sorted periods; scaled units.
template <class S>
struct SearchBatch {
  int modes;
  std::vector<SearchItem> item;
  LayerStore<S> layers;
  std::vector<S> omega, c_min, c_max;                     ///< c_min and c_max per item
  std::vector<double> log_period;                         ///< as omega
  std::vector<unsigned char> wanted;                      ///< entries; in: to solve, out: cleared
  std::vector<double> phase;                              ///< entries; in: a guess or NaN
  std::vector<double> group_velocity, ellipticity, slope; ///< entries
  std::vector<Status> status;                             ///< entries
  std::vector<Bracket<S>> bracket;                        ///< entries; the certified brackets
  std::vector<int> count;                                 ///< per item and point
  std::vector<unsigned char> fold;                        ///< per item and point
  std::vector<std::int64_t> evaluations;                  ///< per item

  /// Empty, with its memory kept.
  void clear() {
    item.clear();
    layers.fluid.clear();
    layers.solid.clear();
    for (auto* v : {&omega, &c_min, &c_max}) v->clear();
    for (auto* v : {&log_period, &phase, &group_velocity, &ellipticity, &slope}) v->clear();
    for (auto* v : {&wanted, &fold}) v->clear();
    status.clear();
    bracket.clear();
    count.clear();
    evaluations.clear();
  }
};

/// Runs every search of a batch on the default execution space.
template <class T>
void run_searches(SearchBatch<typename Scalar<T>::Lane>& batch) {
  using S = typename Scalar<T>::Lane;
  auto const item = to_device(batch.item);
  auto const fluid = to_device(batch.layers.fluid);
  auto const solid = to_device(batch.layers.solid);
  auto const omega = to_device(batch.omega), c_min = to_device(batch.c_min),
             c_max = to_device(batch.c_max);
  auto const wanted = to_device(batch.wanted), fold = to_device(batch.fold);
  auto const log_period = to_device(batch.log_period);
  auto const phase = to_device(batch.phase), group_velocity = to_device(batch.group_velocity);
  auto const ellipticity = to_device(batch.ellipticity), slope = to_device(batch.slope);
  auto const status = to_device(batch.status);
  auto const bracket = to_device(batch.bracket);
  auto const count = to_device(batch.count);
  auto const evaluations = to_device(batch.evaluations);
  int const modes = batch.modes;
  using Policy = Kokkos::RangePolicy<ExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for(
      "moho::dispersion::search", Policy(0, static_cast<int>(batch.item.size())),
      KOKKOS_LAMBDA(int i) {
        SearchItem const& it = item(i);
        const LayerView<S> model{fluid.data() + it.first_fluid, solid.data() + it.first_solid,
                                 it.fluids, it.solids};
        SearchData<S> data{it.points,
                           modes,
                           it.group,
                           it.close,
                           omega.data() + it.first_omega,
                           log_period.data() + it.first_omega,
                           c_min(i),
                           c_max(i),
                           bracket.data() + it.first_entry,
                           wanted.data() + it.first_entry,
                           slope.data() + it.first_entry,
                           phase.data() + it.first_entry,
                           group_velocity.data() + it.first_entry,
                           ellipticity.data() + it.first_entry,
                           status.data() + it.first_entry,
                           count.data() + it.first_count,
                           fold.data() + it.first_count,
                           0};
        Search<T, S>(model, it.wave, data).run();
        evaluations(i) = data.evaluations;
      });
  Kokkos::fence();
  to_host(wanted, batch.wanted);
  to_host(fold, batch.fold);
  to_host(phase, batch.phase);
  to_host(group_velocity, batch.group_velocity);
  to_host(ellipticity, batch.ellipticity);
  to_host(status, batch.status);
  to_host(bracket, batch.bracket);
  to_host(count, batch.count);
  to_host(evaluations, batch.evaluations);
}

} // namespace moho::dispersion::detail
