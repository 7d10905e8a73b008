// SPDX-License-Identifier: BSD-3-Clause
// Searches of many models on the default execution space: a model is prepared by one thread, each
// of its waves is searched by one, which also puts the answers in their place, so that the host
// sees no point of a sound search. T is the lane type: a SIMD pack on a host, double on a device,
// DoubleDouble for the extended path.
#pragma once
#include "arrays.hpp"
#include "scaled_model.hpp"
#include "search.hpp"

namespace moho::dispersion::detail {

/// Columns of a slice of a ModelBatch, where kernels read them.
struct SliceColumns {
  double const *thickness, *vp, *vs, *rho; ///< (rows)
  double const* period;                    ///< (points)
};

/// What the scan for folds is told of a period, by bits.
enum FoldSign : unsigned char {
  searched = 1,    ///< the period was searched
  has_room = 2,    ///< the curves leave room for a fold
  contradicted = 4 ///< counts at two velocities contradict monotony
};

/// Answers of one wave where kernels write them: points of the slice in the order of their batch,
/// in its units.
struct AnswerColumns {
  std::int32_t* mode_count;            ///< (points)
  double *phase, *group, *ellipticity; ///< (modes x points)
  Status* status;                      ///< (modes x points)
  unsigned char* fold;                 ///< (points) FoldSign
  std::int64_t stride;                 ///< from mode to mode
};

struct SearchSettings {
  int modes;
  bool group;   ///< group velocity and ellipticity are asked for
  double close; ///< see SearchData
  bool search;  ///< else the answers are that nothing is known
};

/// A model of a batch: where it lies in the slice, and where what is prepared of it goes.
struct Slot {
  std::int64_t row, point;             ///< in the slice
  std::int64_t first_row, first_point; ///< prepared
  int layers, periods;
};

/// What one thread finds of a model before the searches.
template <class S>
struct Prepared {
  Units units;
  int fluids, solids;
  int points; ///< periods that are searched
  S c_min[2]; ///< by Wave
  S c_max;
  bool is_fold_prone;
};

/// One search.
struct SearchItem {
  int slot;
  Wave wave;
  int earlier;                           ///< in extended precision: the item in double, else -1
  std::int64_t first_point, first_entry; ///< in (points) and (modes x points) arrays
};

/// What the host is told of a search.
struct ItemReport {
  std::int64_t evaluations;
  int fluids, solids;
  bool open; ///< a point is left to extended precision
  bool is_fold_prone, contradicted;
};

/// Arrays of the searches; `entries` are modes x points, mode slowest.
template <class S>
struct SearchArrays {
  Bracket<S>* bracket;                                  ///< (entries)
  unsigned char* wanted;                                ///< (entries)
  double *slope, *phase, *group_velocity, *ellipticity; ///< (entries)
  Status* status;                                       ///< (entries)
  int* count;                                           ///< (points)
  unsigned char* fold;                                  ///< (points)
};

/// Models prepared for searches in precision S.
template <class S>
struct PreparedArrays {
  Prepared<S>* model;
  FluidLayer<S>* fluid;
  SolidLayer<S>* solid;
  int* order; ///< periods in ascending order, those that are searched
  S* omega;
  double* log_period;
};

/// Prepares the model of a slot.
template <class S>
struct PrepareKernel {
  SliceColumns in;
  Slot const* slot;
  PreparedArrays<S> out;

  KOKKOS_FUNCTION void operator()(int i) const {
    Slot const& at = slot[i];
    const ModelRows rows(in.thickness + at.row, in.vp + at.row, in.vs + at.row, in.rho + at.row,
                         at.layers);
    Prepared<S>& m = out.model[i];
    m.units = Units(rows);
    LayerView<S> const view =
        split_layers(rows, m.units, out.fluid + at.first_row, out.solid + at.first_row);
    m.fluids = view.fluids;
    m.solids = view.solids;
    for (Wave wave : {Wave::rayleigh, Wave::love})
      m.c_min[static_cast<int>(wave)] = S(lowest_velocity(rows, wave) / m.units.velocity);
    m.c_max = highest_velocity<S>(rows, m.units);
    m.is_fold_prone = fold_prone(rows);
    m.points = 0;
    double const* const period = in.period + at.point;
    double const waves = half_waves(rows);
    int* const order = out.order + at.first_point;
    for (int p = 0; p < at.periods; ++p)
      if (!too_many_modes(waves, period[p])) order[m.points++] = p;
    sort(order, m.points, period);
    for (int p = 0; p < m.points; ++p) {
      out.omega[at.first_point + p] = angular_frequency<S>(period[order[p]], m.units);
      out.log_period[at.first_point + p] = std::log(period[order[p]]);
    }
  }

  /// Ascending periods, equal ones in the order they came: a heap, unless they are in order.
  KOKKOS_FUNCTION static void sort(int* order, int n, double const* period) {
    auto const before = [&](int a, int b) {
      return period[a] < period[b] || (period[a] == period[b] && a < b);
    };
    bool sorted = true;
    for (int p = 1; p < n && sorted; ++p) sorted = before(order[p - 1], order[p]);
    if (sorted) return;
    auto const sift = [&](int root, int end) {
      for (int child = 2 * root + 1; child < end; child = 2 * root + 1) {
        if (child + 1 < end && before(order[child], order[child + 1])) ++child;
        if (!before(order[root], order[child])) return;
        int const moved = order[root];
        order[root] = order[child];
        order[child] = moved;
        root = child;
      }
    };
    for (int root = n / 2 - 1; root >= 0; --root) sift(root, n);
    for (int end = n - 1; end > 0; --end) {
      int const largest = order[0];
      order[0] = order[end];
      order[end] = largest;
      sift(0, end);
    }
  }
};

/// Whether the curve of a mode leaves room for a fold at a period. Along a branch w(k) with
/// dw/dk = U > 0 a fold between two points takes w up, down and up again, so that U is large at an
/// end against the chord's slope V; within a fold U is small against c. The limits are empirical:
/// of 2 500 folds of random basins under lids none had U/c > 0.65 at the root of its mode, and a
/// cubic through two points is monotone as long as both U < 3 V (Fritsch & Carlson 1980).
template <class S>
KOKKOS_FUNCTION bool room_for_fold(SearchData<S> const& d, int p) {
  auto const omega = [&](int q) { return to_double(d.omega[q]); };
  for (int mode = 0; mode < d.modes; ++mode) {
    int const e = mode * d.points + p;
    double const c = d.phase[e], u = d.group_velocity[e];
    if (d.status[e] == Status::absent) continue;
    if (!(u > 0.25 * c)) return true;
    int neighbours = 0;
    for (int q : {p - 1, p + 1}) {
      if (q < 0 || q >= d.points || !(d.phase[e + q - p] > 0)) continue;
      neighbours += std::fabs(d.log_period[q] - d.log_period[p]) < 0.5;
      double const chord =
          (omega(q) - omega(p)) / (omega(q) / d.phase[e + q - p] - omega(p) / d.phase[e]);
      double const other = d.group_velocity[e + q - p];
      if (!((u < other ? other : u) < 2.5 * chord)) return true;
    }
    if (neighbours < 2 && !(u > 0.8 * c)) return true; // at an end the fold may lie beyond
  }
  return false;
}

/// Searches one item and answers it.
template <class T>
struct SearchKernel {
  using S = typename Scalar<T>::Lane;

  SearchSettings settings;
  Slot const* slot;
  SearchItem const* item;
  PreparedArrays<S> prepared;
  SearchArrays<S> arrays;
  SearchItem const* earlier_item; ///< in extended precision: those in double, and what they left
  SearchArrays<double> earlier;
  AnswerColumns answer[2]; ///< by Wave
  ItemReport* report;

  KOKKOS_FUNCTION void operator()(int i) const {
    SearchItem const& it = item[i];
    Slot const& at = slot[it.slot];
    Prepared<S> const& m = prepared.model[it.slot];
    SearchData<S> d = data(it, at, m);
    for (int p = 0; p < m.points; ++p) {
      d.count[p] = -1;
      d.fold[p] = 0;
    }
    for (int e = 0; e < m.points * settings.modes; ++e) begin(d, it, e);
    if (settings.search)
      Search<T, S>(
          {prepared.fluid + at.first_row, prepared.solid + at.first_row, m.fluids, m.solids},
          it.wave, d)
          .run();
    ItemReport& told = report[i];
    told = {d.evaluations, m.fluids, m.solids, false, m.is_fold_prone, false};
    for (int p = 0; p < m.points; ++p) put(d, it, at, m, p, told);
    if (it.wave != Wave::rayleigh) return;
    bool const look = told.is_fold_prone || told.contradicted;
    for (int p = 0; p < m.points; ++p) sign(d, it, at, p, look);
  }

private:
  KOKKOS_FUNCTION SearchData<S> data(SearchItem const& it, Slot const& at,
                                     Prepared<S> const& m) const {
    bool const slopes = settings.group || (it.wave == Wave::rayleigh && m.is_fold_prone);
    SearchArrays<S> const& a = arrays;
    return {m.points,
            settings.modes,
            slopes,
            slopes ? 0 : settings.close,
            prepared.omega + at.first_point,
            prepared.log_period + at.first_point,
            m.c_min[static_cast<int>(it.wave)],
            m.c_max,
            a.bracket + it.first_entry,
            a.wanted + it.first_entry,
            a.slope + it.first_entry,
            a.phase + it.first_entry,
            a.group_velocity + it.first_entry,
            a.ellipticity + it.first_entry,
            a.status + it.first_entry,
            a.count + it.first_point,
            a.fold + it.first_point,
            0};
  }

  /// All points in double precision; then those that it has left open.
  KOKKOS_FUNCTION bool is_asked(SearchItem const& it, int points, int e) const {
    if (it.earlier < 0) return true;
    SearchItem const& before = earlier_item[it.earlier];
    return earlier.status[before.first_entry + e] == Status::failed ||
           earlier.count[before.first_point + e % points] < 0;
  }

  /// The state of a point before the search; what double precision knows of it is a guess.
  KOKKOS_FUNCTION void begin(SearchData<S>& d, SearchItem const& it, int e) const {
    d.wanted[e] = is_asked(it, d.points, e) ? open : done;
    d.phase[e] = d.group_velocity[e] = d.ellipticity[e] = d.slope[e] = NAN;
    d.status[e] = Status::failed;
    d.bracket[e] = {};
    if (it.earlier < 0) return;
    Bracket<double> const& b = earlier.bracket[earlier_item[it.earlier].first_entry + e];
    if (b.n_lo != e / d.points || b.n_hi != b.n_lo + 1) return;
    double const f_hi = rescale(b.f_hi, b.e_hi - b.e_lo), t = b.f_lo / (b.f_lo - f_hi);
    d.phase[e] = b.lo + (b.hi - b.lo) * (t > 0 && t < 1 ? t : 0.5);
  }

  /// Puts what was asked of a period in its place, in the caller's units.
  KOKKOS_FUNCTION void put(SearchData<S> const& d, SearchItem const& it, Slot const& at,
                           Prepared<S> const& m, int p, ItemReport& told) const {
    AnswerColumns const& out = answer[static_cast<int>(it.wave)];
    std::int64_t const point = at.point + prepared.order[at.first_point + p];
    if (it.earlier < 0 || out.mode_count[point] < 0) out.mode_count[point] = d.count[p];
    told.contradicted = told.contradicted || d.fold[p] != 0;
    for (int mode = 0; mode < d.modes; ++mode) {
      int const e = mode * d.points + p;
      if (!is_asked(it, d.points, e)) continue;
      told.open = told.open || d.status[e] == Status::failed || d.count[p] < 0;
      std::int64_t const to = mode * out.stride + point;
      Status status = d.status[e];
      out.phase[to] = d.phase[e] * m.units.velocity;
      if (settings.group) {
        out.group[to] = d.group_velocity[e] * m.units.velocity;
        if (it.wave == Wave::rayleigh) out.ellipticity[to] = d.ellipticity[e];
      } else if (status == Status::channel) {
        status = Status::ok;
      }
      out.status[to] = it.earlier >= 0 && status == Status::ok ? Status::extended : status;
    }
  }

  /// Tells of a Rayleigh period what a scan for folds needs to know.
  KOKKOS_FUNCTION void sign(SearchData<S> const& d, SearchItem const& it, Slot const& at, int p,
                            bool look) const {
    unsigned char& to = answer[static_cast<int>(Wave::rayleigh)]
                            .fold[at.point + prepared.order[at.first_point + p]];
    unsigned char const sign = d.fold[p] != 0 ? contradicted : 0;
    if (it.earlier >= 0)
      to |= sign;
    else
      to = static_cast<unsigned char>(sign | searched |
                                      (look && room_for_fold(d, p) ? has_room : 0));
  }
};

/// Searches of one precision. Its memory serves one batch after another.
template <class S>
class SearchBatch {
public:
  void clear() {
    _slots.clear();
    _items.clear();
    _rows = _points = _item_points = 0;
  }
  /// A model whose rows and periods begin there in the slice; its slot.
  int add_model(std::int64_t row, std::int64_t point, int layers, int periods) {
    _slots.push_back({row, point, _rows, _points, layers, periods});
    _rows += layers;
    _points += periods;
    return static_cast<int>(_slots.size()) - 1;
  }
  void add_search(int slot, Wave wave, int modes, int earlier = -1) {
    _items.push_back({slot, wave, earlier, _item_points, _item_points * modes});
    _item_points += _slots[static_cast<std::size_t>(slot)].periods;
  }
  std::vector<SearchItem> const& items() const { return _items; }
  Slot const& slot(SearchItem const& it) const { return _slots[static_cast<std::size_t>(it.slot)]; }
  ItemReport const& report(std::size_t item) const { return _reports[item]; }
  Slot const* slots_of_kernels() const { return _slot_at; }
  PreparedArrays<S> prepared() const {
    return {_model.data(), _fluid.data(), _solid.data(),
            _order.data(), _omega.data(), _log_period.data()};
  }

  /// Searches and answers all items; in extended precision, what `earlier` has left open.
  template <class T>
  void run(SliceColumns const& in, SearchSettings const& settings, AnswerColumns const* answer,
           SearchBatch<double> const* earlier = nullptr) {
    make_room(settings.modes);
    _slot_at = _slot.copy_of(_slots);
    _item_at = _item.copy_of(_items);
    SearchKernel<T> const kernel{settings,
                                 _slot_at,
                                 _item_at,
                                 prepared(),
                                 arrays(),
                                 earlier != nullptr ? earlier->_item_at : nullptr,
                                 earlier != nullptr ? earlier->arrays() : SearchArrays<double>{},
                                 {answer[0], answer[1]},
                                 host_memory ? _reports.data() : _report.get(_items.size())};
    using Policy = Kokkos::RangePolicy<ExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>;
    Kokkos::parallel_for("moho::dispersion::prepare", Policy(0, static_cast<int>(_slots.size())),
                         PrepareKernel<S>{in, _slot_at, prepared()});
    Kokkos::parallel_for("moho::dispersion::search", Policy(0, static_cast<int>(_items.size())),
                         kernel);
    Kokkos::fence();
    if constexpr (!host_memory) _report.to_host(_reports.data(), _reports.size());
  }

private:
  template <class>
  friend class SearchBatch;

  std::vector<Slot> _slots;
  std::vector<SearchItem> _items;
  std::vector<ItemReport> _reports; ///< by item
  std::int64_t _rows = 0, _points = 0, _item_points = 0;

  // where kernels work
  Slot const* _slot_at = nullptr;
  SearchItem const* _item_at = nullptr;
  Room<Slot> _slot;
  Room<SearchItem> _item;
  Room<ItemReport> _report;
  Room<Prepared<S>> _model;
  Room<FluidLayer<S>> _fluid;
  Room<SolidLayer<S>> _solid;
  Room<S> _omega;
  Room<int> _order, _count;
  Room<double> _log_period, _slope, _phase, _group_velocity, _ellipticity;
  Room<Bracket<S>> _bracket;
  Room<unsigned char> _wanted, _fold;
  Room<Status> _status;

  void make_room(int modes) {
    auto const rows = static_cast<std::size_t>(_rows), points = static_cast<std::size_t>(_points);
    auto const item_points = static_cast<std::size_t>(_item_points);
    const std::size_t entries = item_points * static_cast<std::size_t>(modes);
    _reports.resize(_items.size());
    _model.get(_slots.size());
    _fluid.get(rows);
    _solid.get(rows);
    _order.get(points);
    _omega.get(points);
    _log_period.get(points);
    for (auto* v : {&_slope, &_phase, &_group_velocity, &_ellipticity}) v->get(entries);
    _bracket.get(entries);
    _wanted.get(entries);
    _status.get(entries);
    _count.get(item_points);
    _fold.get(item_points);
  }
  SearchArrays<S> arrays() const {
    return {_bracket.data(), _wanted.data(),         _slope.data(),
            _phase.data(),   _group_velocity.data(), _ellipticity.data(),
            _status.data(),  _count.data(),          _fold.data()};
  }
};

} // namespace moho::dispersion::detail
