// SPDX-License-Identifier: BSD-3-Clause
// The strong and the weak prior of arXiv 2604.04107 (Yu, Cai & Liu), written from a description of
// their ranges and steps. What the description leaves open is our choice and marked [ours]; with
// Edge::zero the choices give the published shares of models whose half-space is not the fastest
// layer and the published slow skin (tests/unit/dispersion/priors_test.cpp). No model is redrawn:
// a set is not biased towards what a solver likes.
#include "moho/dispersion/priors.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace moho::dispersion {
namespace {

constexpr double spacing = 0.5;                // km
constexpr std::size_t grid_nodes = 301;        // 0 .. 150 km, so that no edge comes near those kept
constexpr std::size_t kept_nodes = 256;        // 0 .. 127.5 km
constexpr double bottom = 150;                 // km
constexpr double slowest = 0.1, fastest = 5.5; // km/s, of a strong model in the end [ours]

using Profile = std::vector<double>; // by node

double depth_of(std::size_t node) {
  return spacing * static_cast<double>(node);
}

/// Piecewise linear through (x, y), constant outside.
template <std::size_t N>
double interpolate(std::array<double, N> const& x, std::array<double, N> const& y, double at) {
  if (at <= x.front()) return y.front();
  for (std::size_t i = 1; i < N; ++i)
    if (at <= x[i]) return y[i - 1] + (y[i] - y[i - 1]) * (at - x[i - 1]) / (x[i] - x[i - 1]);
  return y.back();
}

/// Convolution with a symmetric kernel of odd length, at most twice as long as the profile.
Profile convolve(Profile const& values, Profile const& kernel, Edge edge) {
  const std::size_t n = values.size(), reach = kernel.size() / 2;
  Profile padded(n + 2 * reach);
  std::copy(values.begin(), values.end(), padded.begin() + static_cast<std::ptrdiff_t>(reach));
  if (edge == Edge::reflect)
    for (std::size_t k = 0; k < reach; ++k) {
      padded[reach - 1 - k] = values[k];
      padded[reach + n + k] = values[n - 1 - k];
    }
  Profile result(n);
  for (std::size_t k = 0; k < kernel.size(); ++k) // this order vectorises
    for (std::size_t i = 0; i < n; ++i) result[i] += kernel[k] * padded[i + k];
  return result;
}

double gaussian(double distance, double deviation) {
  double const x = distance / deviation;
  return std::exp(-0.5 * x * x);
}

/// Rows, density and periods from vs and Vp/Vs at the nodes.
Sample sample_of(std::string kind, Profile const& vs, Profile const& ratio) {
  Sample out;
  out.kind = std::move(kind);
  for (std::size_t i = 0; i < kept_nodes; ++i) {
    double const vp = ratio[i] * vs[i];
    out.model.push_back(i + 1 < kept_nodes ? spacing : 0, vp, vs[i], brocher_density(vp));
  }
  for (int period = 2; period <= 60; ++period) out.periods.push_back(period);
  return out;
}

// --- strong ------------------------------------------------------------------------------------

struct Range {
  double low, high;
};

double draw_in(Draws& draws, Range range) {
  return draws.uniform(range.low, range.high);
}

enum Layer : std::size_t { sediment, upper_crust, lower_crust, mantle };
constexpr std::size_t layer_count = 4;

/// Ranges of one tectonic class; by Layer where there are four.
struct Tectonics {
  char const* name;
  double probability;
  Range crust, sediment, upper_fraction; // km, km, share of the crust below the sediment
  std::array<Range, layer_count> vs;     // km/s
  std::array<double, layer_count> ratio; // Vp/Vs
  double ratio_deviation;
  double channel_probability;              // of a low-velocity zone
  Range channel_centre, channel_thickness; // km
  Range channel_drop;                      // km/s
};

// clang-format off
constexpr std::array<Tectonics, 5> classes{{
    {"oceanic", 0.15, {5, 15}, {0, 3}, {0.5, 0.8},
     {{{0.2, 2.5}, {3.2, 3.9}, {3.8, 4.4}, {4.2, 4.9}}}, {1.80, 1.80, 1.82, 1.85}, 0.05,
     0.7, {60, 120}, {30, 60}, {0.05, 0.12}},
    {"shield", 0.25, {35, 55}, {0, 3}, {0.3, 0.5},
     {{{0.3, 2.5}, {3.0, 3.7}, {3.6, 4.2}, {4.5, 5.2}}}, {1.75, 1.73, 1.76, 1.80}, 0.04,
     0.3, {80, 140}, {40, 70}, {0.03, 0.08}},
    {"platform", 0.25, {28, 45}, {0.5, 8}, {0.3, 0.6},
     {{{0.3, 2.8}, {2.8, 3.8}, {3.4, 4.2}, {4.2, 5.0}}}, {1.78, 1.75, 1.78, 1.82}, 0.05,
     0.5, {70, 130}, {30, 60}, {0.05, 0.10}},
    {"orogen", 0.2, {40, 70}, {1, 10}, {0.3, 0.5},
     {{{0.3, 2.8}, {2.7, 3.7}, {3.2, 4.0}, {4.0, 4.8}}}, {1.80, 1.78, 1.80, 1.86}, 0.06,
     0.8, {60, 120}, {40, 80}, {0.07, 0.15}},
    {"rift", 0.15, {20, 40}, {1, 12}, {0.3, 0.6},
     {{{0.3, 3.0}, {2.6, 3.6}, {3.2, 4.0}, {4.0, 4.7}}}, {1.82, 1.80, 1.82, 1.88}, 0.06,
     0.85, {50, 110}, {30, 70}, {0.07, 0.15}},
}};
// clang-format on

Tectonics const& draw_class(Draws& draws) {
  double left = draws.uniform(0, 1);
  for (Tectonics const& one : classes)
    if ((left -= one.probability) < 0) return one;
  return classes.back(); // rounding of the sum
}

/// Depths (km) of the tops of the layers; the last is the Moho.
std::array<double, layer_count> draw_tops(Draws& draws, Tectonics const& of) {
  double const moho = draw_in(draws, of.crust); // the sediment is part of the crust [ours]
  double const base = draw_in(draws, of.sediment);
  return {0, base, base + draw_in(draws, of.upper_fraction) * (moho - base), moho};
}

std::vector<Layer> layers_of(std::array<double, layer_count> const& tops) {
  std::vector<Layer> layers(grid_nodes, sediment);
  for (std::size_t i = 0; i < grid_nodes; ++i)
    for (Layer const layer : {upper_crust, lower_crust, mantle})
      if (depth_of(i) >= tops[layer]) layers[i] = layer;
  return layers;
}

/// Linear gradients and node noise, kept within the range of each layer.
Profile draw_layers(Draws& draws, Tectonics const& of, std::array<double, layer_count> const& tops,
                    std::vector<Layer> const& layers) {
  constexpr std::array<double, layer_count> most{0.20, 0.06, 0.05, 0.02}; // 1/s
  std::array<double, layer_count> top{}, gradient{};
  for (std::size_t k = 0; k < layer_count; ++k) {
    top[k] = draw_in(draws, of.vs[k]);
    gradient[k] = draws.uniform(0, most[k]);
  }
  Profile vs(grid_nodes);
  for (std::size_t i = 0; i < grid_nodes; ++i) {
    const Layer k = layers[i];
    double const smooth = top[k] + gradient[k] * (depth_of(i) - tops[k]);
    vs[i] = std::clamp(smooth + draws.normal(0, 0.05), of.vs[k].low, of.vs[k].high);
  }
  return vs;
}

/// Lifts the lower crust so that it is faster than the upper one on average, by 0.05 km/s [ours].
void force_faster_lower_crust(Profile& vs, std::vector<Layer> const& layers) {
  std::array<double, layer_count> sum{}, nodes{};
  for (std::size_t i = 0; i < vs.size(); ++i) {
    sum[layers[i]] += vs[i];
    nodes[layers[i]] += 1;
  }
  if (nodes[upper_crust] == 0 || nodes[lower_crust] == 0) return;
  double const excess =
      sum[upper_crust] / nodes[upper_crust] - sum[lower_crust] / nodes[lower_crust];
  if (excess < 0) return;
  for (std::size_t i = 0; i < vs.size(); ++i)
    if (layers[i] == lower_crust) vs[i] += excess + 0.05;
}

void dig_channel(Draws& draws, Tectonics const& of, double moho, Profile& vs) {
  double const centre = draw_in(draws, of.channel_centre);
  double const deviation = draw_in(draws, of.channel_thickness) / 2.5;
  double const drop = draw_in(draws, of.channel_drop);
  for (std::size_t i = 0; i < vs.size(); ++i)
    if (depth_of(i) > moho) vs[i] -= drop * gaussian(depth_of(i) - centre, deviation);
}

// --- weak --------------------------------------------------------------------------------------

constexpr std::array<double, 5> trend_depth{0, 10, 30, 80, 150}; // km

struct Knots {
  Profile depth, vs;
};

double least_vs(double depth) {
  return interpolate<2>({0, bottom}, {0.15, 3.8}, depth);
}
double most_vs(double depth) {
  return interpolate<2>({0, bottom}, {4.0, 5.6}, depth);
}

/// 6-12 knots between the ends, each with probability 0.6 biased to shallow depth.
Knots draw_knots(Draws& draws) {
  constexpr double least_gap = 2; // km [ours]: knots closer to one above are left out
  Profile inner;
  for (int left = draws.integer(6, 12); left > 0; --left) {
    bool const shallow = draws.chance(0.6);
    double const u = draws.uniform(0, 1);
    inner.push_back(bottom * (shallow ? std::pow(u, 1.8) : u));
  }
  std::sort(inner.begin(), inner.end());
  Knots knots{{0}, {}};
  for (double const z : inner)
    if (z - knots.depth.back() >= least_gap && bottom - z >= least_gap) knots.depth.push_back(z);
  knots.depth.push_back(bottom);
  for (double const z : knots.depth) { // the spread is a standard deviation [ours]
    double const mean = interpolate<5>(trend_depth, {2.0, 2.8, 3.6, 4.3, 4.7}, z);
    double const spread = interpolate<2>({0, bottom}, {1.0, 0.5}, z);
    knots.vs.push_back(std::clamp(draws.normal(mean, spread), least_vs(z), most_vs(z)));
  }
  return knots;
}

/// Slopes at the knots that keep a cubic monotone between them (Fritsch & Butland, 1984).
Profile monotone_slopes(Knots const& knots) {
  const std::size_t n = knots.depth.size();
  Profile h(n - 1), d(n - 1), slope(n);
  for (std::size_t i = 0; i + 1 < n; ++i) {
    h[i] = knots.depth[i + 1] - knots.depth[i];
    d[i] = (knots.vs[i + 1] - knots.vs[i]) / h[i];
  }
  for (std::size_t i = 1; i + 1 < n; ++i) {
    if (d[i - 1] * d[i] <= 0) continue;
    double const w1 = 2 * h[i] + h[i - 1], w2 = h[i] + 2 * h[i - 1];
    slope[i] = (w1 + w2) / (w1 / d[i - 1] + w2 / d[i]);
  }
  // Ends: the parabola's slope, limited so that the cubic does not overshoot (Moler, 2004, 3.6).
  auto const end = [](double h0, double h1, double d0, double d1) {
    double const s = ((2 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
    if (s * d0 <= 0) return 0.0;
    return d0 * d1 <= 0 && std::abs(s) > 3 * std::abs(d0) ? 3 * d0 : s;
  };
  if (n == 2) return {d[0], d[0]};
  slope[0] = end(h[0], h[1], d[0], d[1]);
  slope[n - 1] = end(h[n - 2], h[n - 3], d[n - 2], d[n - 3]);
  return slope;
}

/// The shape-preserving cubic (PCHIP) through the knots, at the nodes.
Profile cubic_through(Knots const& knots) {
  const Profile slope = monotone_slopes(knots);
  Profile vs(grid_nodes);
  std::size_t k = 0;
  for (std::size_t i = 0; i < grid_nodes; ++i) {
    while (k + 2 < knots.depth.size() && depth_of(i) > knots.depth[k + 1]) ++k;
    double const h = knots.depth[k + 1] - knots.depth[k], t = (depth_of(i) - knots.depth[k]) / h;
    double const rest = 1 - t;
    vs[i] = knots.vs[k] * (1 + 2 * t) * rest * rest + knots.vs[k + 1] * t * t * (3 - 2 * t) +
            h * (slope[k] * t * rest * rest - slope[k + 1] * t * t * rest);
  }
  return vs;
}

/// White noise through a Gaussian of `length` km (cut at four), of unit variance inside [ours].
Profile smooth_noise(Draws& draws, double length, Edge edge) {
  double const deviation = length / spacing; // nodes
  int const reach = static_cast<int>(4 * deviation);
  Profile kernel;
  double power = 0;
  for (int k = -reach; k <= reach; ++k) {
    kernel.push_back(gaussian(k, deviation));
    power += kernel.back() * kernel.back();
  }
  for (double& weight : kernel) weight /= std::sqrt(power);
  Profile white(grid_nodes);
  for (double& value : white) value = draws.normal(0, 1);
  return convolve(white, kernel, edge);
}

/// Correlated noise at three lengths, 0.20 km/s at the top to 0.10 at the bottom, and 0-3 lumps.
void perturb(Draws& draws, Edge edge, Profile& vs) {
  struct Scale {
    double length, weight; // km
  };
  for (Scale const scale : {Scale{4, 0.5}, Scale{10, 0.35}, Scale{20, 0.15}}) {
    const Profile noise = smooth_noise(draws, scale.length, edge);
    for (std::size_t i = 0; i < vs.size(); ++i)
      vs[i] += scale.weight * interpolate<2>({0, bottom}, {0.20, 0.10}, depth_of(i)) * noise[i];
  }
  for (int left = draws.integer(0, 3); left > 0; --left) {
    double const centre = draws.uniform(0, bottom);
    double const height = draws.uniform(-0.35, 0.35);
    double const deviation = draws.uniform(5, 30) / 2.5; // as in the channels of the strong prior
    for (std::size_t i = 0; i < vs.size(); ++i)
      vs[i] += height * gaussian(depth_of(i) - centre, deviation);
  }
}

Profile draw_weak_ratio(Draws& draws, Edge edge) {
  const Profile noise = smooth_noise(draws, 10, edge); // [ours], with 0.03
  Profile ratio(grid_nodes);
  for (std::size_t i = 0; i < grid_nodes; ++i) {
    double const mean = interpolate<5>(trend_depth, {1.90, 1.82, 1.76, 1.80, 1.84}, depth_of(i));
    ratio[i] = std::clamp(mean + 0.03 * noise[i], 1.65, 2.0);
  }
  return ratio;
}

} // namespace

Sample draw_strong(Draws& draws, Edge edge) {
  Tectonics const& of = draw_class(draws);
  auto const tops = draw_tops(draws, of);
  const std::vector<Layer> layers = layers_of(tops);
  Profile vs = draw_layers(draws, of, tops, layers);
  // Forced before the smoothing, so that the limit on drops holds for what comes out [ours].
  if (draws.chance(0.85)) force_faster_lower_crust(vs, layers);
  vs = convolve(vs, Profile(5, 0.2), edge);
  for (std::size_t i = 1; i < vs.size(); ++i) vs[i] = std::max(vs[i], vs[i - 1] - 0.1);
  if (draws.chance(of.channel_probability)) dig_channel(draws, of, tops[mantle], vs);
  for (double& v : vs) v = std::clamp(v, slowest, fastest);

  std::array<double, layer_count> of_layer{}; // one Vp/Vs for each layer of a model [ours]
  for (std::size_t k = 0; k < layer_count; ++k)
    of_layer[k] = std::clamp(draws.normal(of.ratio[k], of.ratio_deviation), 1.6, 2.1);
  Profile ratio(grid_nodes);
  for (std::size_t i = 0; i < grid_nodes; ++i) ratio[i] = of_layer[layers[i]];
  return sample_of(of.name, vs, ratio);
}

Sample draw_weak(Draws& draws, Edge edge) {
  constexpr double most_jump = 0.25; // km/s from node to node, either way [ours]
  Profile vs = cubic_through(draw_knots(draws));
  perturb(draws, edge, vs);
  for (std::size_t i = 0; i < vs.size(); ++i) {
    double const z = depth_of(i);
    vs[i] = std::clamp(vs[i], least_vs(z), most_vs(z));
    // The bounds rise with depth by less than a jump, so limiting a jump does not break them.
    if (i > 0) vs[i] = std::clamp(vs[i], vs[i - 1] - most_jump, vs[i - 1] + most_jump);
  }
  const Profile ratio = draw_weak_ratio(draws, edge);
  return sample_of("weak", vs, ratio);
}

} // namespace moho::dispersion
