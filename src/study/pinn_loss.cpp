// SPDX-License-Identifier: BSD-3-Clause
#include "pinn_loss.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/ops.hpp"
#include <algorithm>
#include <utility>

namespace moho::study {
namespace {

constexpr std::uint32_t stream_points = 0x9155;
/// Residual points worked on at a time: what a layer needs of them stays in the L2 cache.
constexpr std::int64_t most_at_once = 256;

template <class T>
void add_to(DeviceArray<T> const& to, DeviceArray<T> const& from) {
  Kokkos::parallel_for(
      "moho::study::add", Kokkos::RangePolicy<ExecutionSpace>(0, to.extent(0)),
      KOKKOS_LAMBDA(std::int64_t i) { to(i) += from(i); });
}

template <class T>
DeviceArray<T> device_of(std::vector<double> const& values) {
  return to_device("moho::study::points", std::vector<T>(values.begin(), values.end()));
}

/// d y / d direction of every point, by reverse mode: a point's answer depends on it alone.
nn::Value along(nn::Value y, nn::Value points, std::vector<double> const& direction) {
  nn::Value const slope = nn::grad(nn::sum(y), points);
  return nn::einsum("na,ao->no", slope, y.tape().constant({2, 1}, direction));
}

nn::Value rows(nn::Value a, std::int64_t begin, std::int64_t count) {
  return nn::slice(a, 0, begin, count);
}

} // namespace

CollocationPoints collocation(SpaceTimeEquation const& equation, std::int64_t grid_x,
                              std::int64_t grid_t, std::int64_t residuals, std::uint64_t seed) {
  std::int64_t const inside_x = grid_x - 2, inside = inside_x * (grid_t - 1);
  if (residuals > inside)
    throw Error("method.n_res = " + std::to_string(residuals) + " (the interior of a grid of " +
                std::to_string(grid_x) + " x " + std::to_string(grid_t) + " has " +
                std::to_string(inside) + " points) ask for fewer, or raise method.grid_x");
  constexpr std::int64_t most_inside = 10'000'000; // each has a key of 16 bytes on every rank
  if (inside > most_inside)
    throw Error("method.grid_x = " + std::to_string(grid_x) + " (with method.grid_t there are " +
                std::to_string(inside) +
                " points in the interior, 10 million at most) take a "
                "smaller grid");
  auto const x_of = [&](std::int64_t i) {
    return equation.length * static_cast<double>(i) / static_cast<double>(grid_x - 1);
  };
  auto const t_of = [&](std::int64_t k) {
    return static_cast<double>(k) / static_cast<double>(grid_t - 1);
  };
  Philox const random{seed, stream_points};
  std::vector<std::pair<std::uint64_t, std::int64_t>> keys;
  for (std::int64_t i = 0; i < inside; ++i)
    keys.emplace_back(random.bits(static_cast<std::uint64_t>(i), 0), i);
  std::partial_sort(keys.begin(), keys.begin() + residuals, keys.end());
  CollocationPoints points;
  for (std::int64_t i = 0; i < residuals; ++i) {
    std::int64_t const place = keys[static_cast<std::size_t>(i)].second;
    points.inner.push_back(x_of(1 + place % inside_x));
    points.inner.push_back(t_of(1 + place / inside_x));
  }
  for (std::int64_t i = 0; i < grid_x; ++i) points.initial.push_back(x_of(i));
  for (std::int64_t k = 0; k < grid_t; ++k) points.ends.push_back(t_of(k));
  return points;
}

nn::Jet field_of(nn::Pinn const& model, nn::Value theta, nn::Value points,
                 nn::Derivatives const& wanted, Route route) {
  if (route == Route::jets) return model.jet(theta, points, wanted);
  nn::Jet u{model.apply(theta, points)};
  auto const combine = [&](nn::Value term) { u.combined = u.combined ? *u.combined + term : term; };
  for (nn::Direction const& one : wanted.along) {
    nn::Jet::Along stream{one.order, one.weight, along(u.value, points, one.direction)};
    if (one.order == 2 || one.weight != 0) {
      nn::Value const second = along(*stream.first, points, one.direction);
      if (one.order == 2) stream.second = second;
      if (one.weight != 0) combine(one.weight * second);
    }
    u.along.push_back(stream);
  }
  if (!wanted.drift.empty()) combine(along(u.value, points, wanted.drift));
  return u;
}

nn::PinnOptions constrained(nn::PinnOptions options, SpaceTimeEquation const& equation) {
  bool const zero = equation.ends == Ends::zero;
  if (!zero && options.features == 0)
    throw Error("hard constraints of an equation that is periodic in x (" + equation.label +
                ") need a network that is (method.features = 0) set method.features = 1");
  options.ansatz = [equation, zero](nn::Jet const& network, nn::Jet const& coordinates) {
    nn::Jet const x = nn::columns(coordinates, 0, 1), t = nn::columns(coordinates, 1, 1);
    // vanishes with its first derivative in time where the equation is of second order
    nn::Jet free = equation.at_rest ? t * t * network : t * network;
    if (zero) free = x * (x + nn::jet_of(-equation.length, x)) * free;
    return equation.initial_jet(x) + free;
  };
  return options;
}

template <class T>
PhysicsLoss<T>::PhysicsLoss(nn::Pinn const& model, SpaceTimeEquation const& equation,
                            CollocationPoints const& points, Route route, bool hard,
                            Staging staging)
    : _model(model), _equation(equation), _points(points), _route(route), _hard(hard),
      _staging(staging),
      _more("moho::study::gradient of a piece", static_cast<std::size_t>(model.layout().size())) {}

template <class T>
void PhysicsLoss<T>::set_equation(SpaceTimeEquation const& equation) {
  _equation = equation;
  _codes.clear();
}

template <class T>
std::int64_t PhysicsLoss<T>::points() const {
  return static_cast<std::int64_t>(_points.inner.size() / 2 + _points.initial.size() +
                                   2 * _points.ends.size());
}

/// The points of these ranges: of the residual, initial ones, times.
template <class T>
typename PhysicsLoss<T>::Piece
PhysicsLoss<T>::piece(std::array<std::pair<std::int64_t, std::int64_t>, 3> const& ranges) const {
  std::vector<double> inner, rim, start;
  for (std::int64_t i = 2 * ranges[0].first; i < 2 * ranges[0].second; ++i)
    inner.push_back(_points.inner[static_cast<std::size_t>(i)]);
  for (std::int64_t i = ranges[1].first; i < ranges[1].second; ++i) {
    double const x = _points.initial[static_cast<std::size_t>(i)];
    rim.insert(rim.end(), {x, 0.0});
    start.push_back(_equation.initial(x));
  }
  for (double const end : {0.0, _equation.length})
    for (std::int64_t i = ranges[2].first; i < ranges[2].second; ++i)
      rim.insert(rim.end(), {end, _points.ends[static_cast<std::size_t>(i)]});
  auto const count = [&](std::size_t i) { return ranges[i].second - ranges[i].first; };
  return {
      {count(0), count(1), count(2)}, device_of<T>(inner), device_of<T>(rim), device_of<T>(start)};
}

template <class T>
void PhysicsLoss<T>::share(int shards) {
  if (static_cast<int>(_pieces.size()) == shards) return;
  std::array<std::int64_t, 3> const total{static_cast<std::int64_t>(_points.inner.size() / 2),
                                          static_cast<std::int64_t>(_points.initial.size()),
                                          static_cast<std::int64_t>(_points.ends.size())};
  if (*std::min_element(total.begin(), total.end()) < shards)
    throw Error("a physics loss at " + std::to_string(total[0]) + " points, " +
                std::to_string(total[1]) + " initial ones and " + std::to_string(total[2]) +
                " times (they are shared among " + std::to_string(shards) +
                " shards) raise method.n_res, method.grid_x or method.grid_t");
  _pieces.clear();
  for (int shard = 0; shard < shards; ++shard) {
    std::array<std::pair<std::int64_t, std::int64_t>, 3> ranges;
    for (std::size_t i = 0; i < 3; ++i)
      ranges[i] = {total[i] * shard / shards, total[i] * (shard + 1) / shards};
    auto const [first, last] = ranges[0];
    std::int64_t const parts = (last - first + most_at_once - 1) / most_at_once;
    std::vector<Piece>& pieces = _pieces.emplace_back();
    for (std::int64_t part = 0; part < parts; ++part) {
      ranges[0] = {first + (last - first) * part / parts,
                   first + (last - first) * (part + 1) / parts};
      pieces.push_back(piece(ranges));
      ranges[1] = ranges[2] = {0, 0}; // with the first part
    }
  }
}

template <class T>
typename PhysicsLoss<T>::Code& PhysicsLoss<T>::code_of(Sizes const& sizes) {
  Code& code = _codes[sizes];
  if (code.theta.id() >= 0) return code;
  auto const [inner, initial, times] = sizes;
  code.theta = code.tape.input("theta", {_model.layout().size()});
  code.inner = code.tape.input("inner", {inner, 2});
  nn::Jet const u = field_of(_model, code.theta, code.inner, _equation.derivatives, _route);
  nn::Value const zero = code.tape.constant({}, 0.0);
  auto const mean_square = [](nn::Value a, std::size_t points) {
    return nn::sum(nn::square(a)) / static_cast<double>(points);
  };
  code.terms = {mean_square(_equation.residual(u), _points.inner.size() / 2), zero, zero};
  if (initial > 0) {
    code.rim = code.tape.input("rim", {initial + 2 * times, 2});
    code.start = code.tape.input("start", {initial, 1});
    nn::Derivatives slopes;
    if (_equation.smooth_ends) slopes.along.push_back({{1, 0}});
    if (_equation.at_rest) slopes.along.push_back({{0, 1}});
    nn::Jet const v = field_of(_model, code.theta, code.rim, slopes, _route);
    nn::Value& ends = code.terms[1];
    nn::Value& start = code.terms[2];
    auto const left = [&](nn::Value a) { return rows(a, initial, times); };
    auto const right = [&](nn::Value a) { return rows(a, initial + times, times); };
    if (_equation.ends == Ends::zero)
      ends = mean_square(rows(v.value, initial, 2 * times), _points.ends.size());
    else
      ends = mean_square(left(v.value) - right(v.value), _points.ends.size());
    if (_equation.smooth_ends) {
      nn::Value const slope = nn::whole(v.along.front().first, v);
      ends = ends + mean_square(left(slope) - right(slope), _points.ends.size());
    }
    start = mean_square(rows(v.value, 0, initial) - code.start, _points.initial.size());
    if (_equation.at_rest)
      start = start + mean_square(rows(nn::whole(v.along.back().first, v), 0, initial),
                                  _points.initial.size());
  }
  code.loss = _hard ? code.terms[0] : code.terms[0] + code.terms[1] + code.terms[2];
  return code;
}

template <class T>
void PhysicsLoss<T>::bind(Code& code, nn::Program<T>& program, Piece const& piece,
                          DeviceArray<T> const& theta) {
  program.bind(code.theta, theta);
  program.bind(code.inner, piece.inner);
  if (code.rim.id() < 0) return;
  program.bind(code.rim, piece.rim);
  program.bind(code.start, piece.start);
}

template <class T>
double PhysicsLoss<T>::evaluate(int shard, DeviceArray<T> const& theta,
                                DeviceArray<T> const& gradient,
                                typename ShardedLoss<T>::Ready const& ready) {
  const ExecutionSpace space;
  double loss = 0;
  bool further = false;
  for (Piece const& piece : _pieces.at(static_cast<std::size_t>(shard))) {
    Code& code = code_of(piece.sizes);
    if (!code.gradient) {
      code.gradient =
          std::make_unique<nn::Program<T>>(std::vector{code.loss, nn::grad(code.loss, code.theta)});
      code.flops = code.gradient->flops();
      code.value = Staged<T>(code.gradient->result(0), _staging);
    }
    bind(code, *code.gradient, piece, theta);
    code.gradient->bind_result(1, further ? _more : gradient);
    code.gradient->run(space);
    if (further) add_to<T>(gradient, _more);
    further = true;
    code.value.to_host(space);
    loss += static_cast<double>(code.value.host()[0]);
    _flops += code.flops;
  }
  if (ready) ready(0, parameters());
  return loss;
}

template <class T>
LossTerms PhysicsLoss<T>::terms(int shard, DeviceArray<T> const& theta) {
  LossTerms total{};
  for (Piece const& piece : _pieces.at(static_cast<std::size_t>(shard))) {
    Code& code = code_of(piece.sizes);
    if (!code.values)
      code.values =
          std::make_unique<nn::Program<T>>(std::vector(code.terms.begin(), code.terms.end()));
    bind(code, *code.values, piece, theta);
    code.values->run(ExecutionSpace());
    for (std::size_t i = 0; i < total.size(); ++i)
      total[i] += static_cast<double>(to_host(code.values->result(i))[0]);
  }
  return total;
}

template <class T>
std::vector<double> PhysicsLoss<T>::product(int shard, DeviceArray<T> const& theta,
                                            DeviceArray<T> const& v) {
  std::vector<double> total(theta.extent(0), 0.0);
  for (Piece const& piece : _pieces.at(static_cast<std::size_t>(shard))) {
    Code& code = code_of(piece.sizes);
    if (!code.product) {
      code.direction = code.tape.input("v", {parameters()});
      code.product = std::make_unique<nn::Program<T>>(
          std::vector{nn::hvp(code.loss, code.theta, code.direction)});
    }
    bind(code, *code.product, piece, theta);
    code.product->bind(code.direction, v);
    code.product->run(ExecutionSpace());
    std::vector<T> const part = to_host(code.product->result(0));
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += static_cast<double>(part[i]);
  }
  return total;
}

template class PhysicsLoss<float>;
template class PhysicsLoss<double>;

} // namespace moho::study
