// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/jet.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/ops.hpp"

namespace moho::nn {
namespace {

using Stream = std::optional<Value>;

Stream sum_of(Stream a, Stream b) {
  return a && b ? Stream(*a + *b) : a ? a : b;
}
Stream product_of(Stream a, Stream b) {
  return a && b ? Stream(*a * *b) : std::nullopt;
}
Stream scaled(double factor, Stream a) {
  return a && factor != 0 ? Stream(factor * *a) : std::nullopt;
}

/// d function(z) / d z, entry by entry.
Value slope_of(Value y, Value z) {
  return vjp({y}, {y.tape().constant(y.shape(), 1.0)}, {z})[0];
}

/// f(streams) for every stream there is.
template <class F>
Jet each(Jet const& a, F const& f) {
  Jet result{f(a.value)};
  for (Jet::Along const& from : a.along) {
    Jet::Along to{from.order, from.weight};
    if (from.first) to.first = f(*from.first);
    if (from.second) to.second = f(*from.second);
    result.along.push_back(to);
  }
  if (a.combined) result.combined = f(*a.combined);
  return result;
}

/// Streams of both are of the same derivatives.
void require_alike(Jet const& a, Jet const& b) {
  MOHO_REQUIRE(a.along.size() == b.along.size());
  for (std::size_t d = 0; d < a.along.size(); ++d)
    MOHO_REQUIRE(a.along[d].order == b.along[d].order && a.along[d].weight == b.along[d].weight);
}

} // namespace

Jet jet_of(Value x, Derivatives const& wanted) {
  auto const axes = static_cast<std::size_t>(x.shape()[-1]);
  auto const everywhere = [&](std::vector<double> const& slope) {
    MOHO_REQUIRE(slope.size() == axes);
    return x.tape().constant({x.shape()[-1]}, slope);
  };
  Jet jet{x};
  for (Direction const& one : wanted.along) {
    MOHO_REQUIRE(one.order == 1 || one.order == 2);
    jet.along.push_back({one.order, one.weight, everywhere(one.direction)});
  }
  if (!wanted.drift.empty()) jet.combined = everywhere(wanted.drift);
  return jet;
}

Jet jet_of(double number, Jet const& like) {
  Jet jet{like.value.tape().constant({1}, number)};
  for (Jet::Along const& one : like.along) jet.along.push_back({one.order, one.weight});
  return jet;
}

Jet operator+(Jet const& a, Jet const& b) {
  require_alike(a, b);
  Jet result{a.value + b.value};
  for (std::size_t d = 0; d < a.along.size(); ++d) {
    Jet::Along const &p = a.along[d], &q = b.along[d];
    result.along.push_back(
        {p.order, p.weight, sum_of(p.first, q.first), sum_of(p.second, q.second)});
  }
  result.combined = sum_of(a.combined, b.combined);
  return result;
}

Jet operator*(Jet const& a, Jet const& b) {
  // (a b)_2 = a_2 b + a b_2 + 2 a_1 b_1, and so L (a b) = b L a + a L b + 2 sum w a_1 b_1
  require_alike(a, b);
  auto const by_parts = [&](Stream of_a, Stream of_b) {
    return sum_of(product_of(of_a, b.value), product_of(a.value, of_b));
  };
  Jet result{a.value * b.value};
  result.combined = by_parts(a.combined, b.combined);
  for (std::size_t d = 0; d < a.along.size(); ++d) {
    Jet::Along const &p = a.along[d], &q = b.along[d];
    Jet::Along along{p.order, p.weight};
    Stream const both = product_of(p.first, q.first);
    along.first = by_parts(p.first, q.first);
    if (p.order == 2) along.second = sum_of(by_parts(p.second, q.second), scaled(2, both));
    result.combined = sum_of(result.combined, scaled(2 * p.weight, both));
    result.along.push_back(along);
  }
  return result;
}

Jet apply(Activation function, Jet const& a) {
  // f = f(z): f_1 = f' z_1, f_2 = f' z_2 + f'' z_1^2, and so L f = f' L z + f'' sum w z_1^2
  Jet result{function(a.value)};
  if (a.along.empty() && !a.combined) return result;
  Value const first = slope_of(result.value, a.value);
  Stream squares; // of all directions, as L weights them
  auto const bent = [&](Stream square) {
    return square ? Stream(slope_of(first, a.value) * *square) : square;
  };
  for (Jet::Along const& from : a.along) {
    Jet::Along to{from.order, from.weight};
    Stream const square = product_of(from.first, from.first);
    to.first = product_of(first, from.first);
    if (from.order == 2) to.second = sum_of(product_of(first, from.second), bent(square));
    squares = sum_of(squares, scaled(from.weight, square));
    result.along.push_back(to);
  }
  result.combined = sum_of(product_of(first, a.combined), bent(squares));
  return result;
}

Jet dense(Jet const& x, Value weight, Value bias) {
  // streams of all points: one above the other, so that they are one matrix product
  std::vector<Value> stacked;
  Shape const all = x.value.shape();
  each(x, [&](Value stream) {
    if (stream.shape() == all) stacked.push_back(stream);
    return stream;
  });
  Value const products = einsum("ni,oi->no", concat(stacked, 0), weight);
  std::int64_t next = 0;
  Jet result = each(x, [&](Value stream) {
    if (stream.shape() != all) return einsum("i,oi->o", stream, weight);
    return slice(products, 0, all[0] * next++, all[0]);
  });
  result.value = result.value + bias;
  return result;
}

Jet columns(Jet const& a, std::int64_t begin, std::int64_t count) {
  return each(a, [&](Value stream) { return slice(stream, -1, begin, count); });
}

Jet beside(std::vector<Jet> const& parts) {
  MOHO_REQUIRE(!parts.empty());
  for (Jet const& part : parts) require_alike(parts[0], part);
  auto const join = [&](auto const& stream_of) -> Stream {
    bool any = false;
    for (Jet const& part : parts) any = any || stream_of(part);
    if (!any) return std::nullopt;
    std::vector<Value> columns;
    for (Jet const& part : parts) columns.push_back(whole(stream_of(part), part));
    return concat(columns, -1);
  };
  Jet result{*join([](Jet const& part) { return Stream(part.value); })};
  for (std::size_t d = 0; d < parts[0].along.size(); ++d)
    result.along.push_back({parts[0].along[d].order, parts[0].along[d].weight,
                            join([d](Jet const& part) { return part.along[d].first; }),
                            join([d](Jet const& part) { return part.along[d].second; })});
  result.combined = join([](Jet const& part) { return part.combined; });
  return result;
}

Value whole(std::optional<Value> const& stream, Jet const& of) {
  Shape const shape = of.value.shape();
  return stream ? broadcast(*stream, shape) : of.value.tape().constant(shape, 0.0);
}

} // namespace moho::nn
