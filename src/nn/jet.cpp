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
Stream twice(Stream a) {
  return a ? Stream(2 * *a) : a;
}

/// d function(z) / d z, entry by entry.
Value slope_of(Value y, Value z) {
  return vjp({y}, {y.tape().constant(y.shape(), 1.0)}, {z})[0];
}

/// f(streams) for every stream there is.
template <class F>
Jet each(Jet const& a, F const& f) {
  Jet result{f(a.value), {}};
  for (Jet::Along const& from : a.along) {
    Jet::Along to{from.order};
    if (from.first) to.first = f(*from.first);
    if (from.second) to.second = f(*from.second);
    result.along.push_back(to);
  }
  return result;
}

} // namespace

Jet jet_of(Value x, std::vector<Direction> const& directions) {
  Jet jet{x, {}};
  for (Direction const& one : directions) {
    MOHO_REQUIRE(one.order == 1 || one.order == 2);
    jet.along.push_back(
        {one.order, x.tape().constant({x.shape()[-1]}, one.direction), std::nullopt});
  }
  return jet;
}

Jet operator+(Jet const& a, Jet const& b) {
  MOHO_REQUIRE(a.along.size() == b.along.size());
  Jet result{a.value + b.value, {}};
  for (std::size_t d = 0; d < a.along.size(); ++d)
    result.along.push_back({a.along[d].order, sum_of(a.along[d].first, b.along[d].first),
                            sum_of(a.along[d].second, b.along[d].second)});
  return result;
}

Jet operator*(Jet const& a, Jet const& b) {
  MOHO_REQUIRE(a.along.size() == b.along.size());
  Jet result{a.value * b.value, {}};
  for (std::size_t d = 0; d < a.along.size(); ++d) {
    Jet::Along const &p = a.along[d], &q = b.along[d];
    Jet::Along along{p.order};
    along.first = sum_of(product_of(p.first, b.value), product_of(a.value, q.first));
    if (p.order == 2)
      along.second = sum_of(sum_of(product_of(p.second, b.value), product_of(a.value, q.second)),
                            twice(product_of(p.first, q.first)));
    result.along.push_back(along);
  }
  return result;
}

Jet apply(Activation function, Jet const& a) {
  // with f = f(z): f_1 = f' z_1, f_2 = f' z_2 + f'' z_1^2
  Jet result{function(a.value), {}};
  if (a.along.empty()) return result;
  Value const first = slope_of(result.value, a.value);
  for (Jet::Along const& from : a.along) {
    Jet::Along to{from.order};
    to.first = product_of(first, from.first);
    if (from.order == 2) {
      to.second = product_of(first, from.second);
      if (from.first) to.second = sum_of(to.second, slope_of(first, a.value) * square(*from.first));
    }
    result.along.push_back(to);
  }
  return result;
}

Jet dense(Jet const& x, Value weight, Value bias) {
  // streams of all points: one above the other, so that they are one matrix product
  std::vector<Value> stacked;
  Shape const whole = x.value.shape();
  each(x, [&](Value stream) {
    if (stream.shape() == whole) stacked.push_back(stream);
    return stream;
  });
  Value const products = einsum("ni,oi->no", concat(stacked, 0), weight);
  std::int64_t next = 0;
  Jet result = each(x, [&](Value stream) {
    if (stream.shape() != whole) return einsum("i,oi->o", stream, weight);
    return slice(products, 0, whole[0] * next++, whole[0]);
  });
  result.value = result.value + bias;
  return result;
}

Jet columns(Jet const& a, std::int64_t begin, std::int64_t count) {
  return each(a, [&](Value stream) { return slice(stream, -1, begin, count); });
}

Jet beside(std::vector<Jet> const& parts) {
  MOHO_REQUIRE(!parts.empty());
  auto const join = [&](auto const& stream_of) -> Stream {
    bool any = false;
    for (Jet const& part : parts) any = any || stream_of(part);
    if (!any) return std::nullopt;
    std::vector<Value> columns;
    for (Jet const& part : parts) {
      Stream const stream = stream_of(part);
      columns.push_back(stream ? broadcast(*stream, part.value.shape())
                               : part.value.tape().constant(part.value.shape(), 0.0));
    }
    return concat(columns, -1);
  };
  Jet result{*join([](Jet const& part) { return Stream(part.value); }), {}};
  for (std::size_t d = 0; d < parts[0].along.size(); ++d)
    result.along.push_back({parts[0].along[d].order,
                            join([d](Jet const& part) { return part.along[d].first; }),
                            join([d](Jet const& part) { return part.along[d].second; })});
  return result;
}

} // namespace moho::nn
