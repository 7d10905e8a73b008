// SPDX-License-Identifier: BSD-3-Clause
// Random numbers of one item, the table of priors, and the prior of sites.
#include "moho/dispersion/priors.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

namespace moho::dispersion {
namespace {

std::vector<double> dirichlet_thicknesses(Draws& draws, int n, double total) {
  std::vector<double> h;
  for (int i = 0; i < n; ++i) h.push_back(draws.gamma(2.0 * (1.0 + 1.5 * i / std::max(1, n - 1))));
  double const sum = std::accumulate(h.begin(), h.end(), 0.0);
  for (double& x : h) x *= total / sum;
  return h;
}

/// Scale of a site: depth of the half-space (km), velocities at the top and at the bottom.
struct Site {
  bool near_surface;
  double total, v0, v1;
  char const* kind() const { return near_surface ? "near-surface" : "crust"; }
};

Site draw_scale(Draws& draws) {
  bool const near_surface = draws.chance(0.4);
  double const total =
      near_surface ? std::pow(10.0, draws.uniform(-2, -1)) : draws.uniform(20, 180);
  double const v0 = near_surface ? draws.uniform(0.1, 0.35) : draws.uniform(1, 3.2);
  double const v1 = near_surface ? draws.uniform(0.5, 1.5) : draws.uniform(4, 5);
  return {near_surface, total, v0, v1};
}

/// vs at a relative depth (0 .. 1).
double trend(Site const& site, double depth, double power) {
  return site.v0 + 0.95 * (site.v1 - site.v0) * std::pow(depth, power);
}

std::vector<double> draw_velocities(Draws& draws, Site const& site, std::vector<double> const& h) {
  static constexpr std::array<double, 3> spreads{0.03, 0.1, 0.2};
  double const spread = spreads[static_cast<std::size_t>(draws.integer(0, 2))];
  double const power = draws.uniform(0.4, 1.2);
  std::vector<double> vs;
  double top = 0;
  for (double const thickness : h) {
    double const v = trend(site, (top + 0.5 * thickness) / site.total, power);
    vs.push_back(v * std::exp(draws.normal(0, spread)));
    top += thickness;
  }
  if (draws.chance(0.4)) {
    auto const slow = static_cast<std::size_t>(draws.integer(0, static_cast<int>(h.size()) - 1));
    vs[slow] *= draws.uniform(0.6, 0.9);
  }
  for (double& v : vs) v = std::max(v, 0.08);
  return vs;
}

double draw_halfspace(Draws& draws, Site const& site, std::vector<double> const& vs) {
  auto const [low, high] = std::minmax_element(vs.begin(), vs.end());
  if (draws.chance(0.9)) return std::max(site.v1, *high * draws.uniform(1.02, 1.2));
  return site.v1 <= 1.1 * *low ? 1.1 * *high : site.v1;
}

void push_row(Draws& draws, Site const& site, OwnedModel& m, double h, double vs) {
  bool const halfspace = h == 0;
  double const most = !site.near_surface ? 0.33 : halfspace ? 0.35 : 0.48;
  double const vp = vp_of_poisson(vs, draws.uniform(0.2, most));
  double const rho = site.near_surface
                         ? std::clamp(1.6 + 0.35 * vs + draws.normal(0, 0.08), 1.4, 2.6)
                         : std::clamp(1.74 * std::pow(vp, 0.25) + draws.normal(0, 0.05), 1.8, 3.8);
  m.push_back(h, vp, vs, rho);
}

/// 10 periods from the thinnest layer (at least a twelfth of all) to four times the whole.
std::vector<double> site_periods(OwnedModel const& m) {
  double total = 0, sum = 0, thinnest = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i + 1 < m.layers(); ++i) {
    total += m.thickness[i];
    sum += m.vs[i];
    thinnest = std::min(thinnest, m.thickness[i]);
  }
  double const mean = sum / static_cast<double>(m.layers() - 1);
  double const first = std::max(thinnest, total / 12) / mean;
  // A lid that makes the mean faster than the half-space must not turn the list around.
  return log_spaced(first, std::max(4 * total / m.vs_halfspace(), 1.5 * first), 10);
}

Sample draw_site(Draws& draws) {
  Site const site = draw_scale(draws);
  Sample out;
  out.kind = site.kind();
  std::vector<double> const h = dirichlet_thicknesses(draws, draws.integer(2, 12), site.total);
  std::vector<double> const vs = draw_velocities(draws, site, h);
  for (std::size_t i = 0; i < h.size(); ++i) push_row(draws, site, out.model, h[i], vs[i]);
  push_row(draws, site, out.model, 0.0, draw_halfspace(draws, site, vs));
  return out;
}

void add_lid(Draws& draws, OwnedModel& m) {
  double const vs = m.vs[0] * draws.uniform(3, 10);
  double const h = m.thickness[0] * draws.uniform(0.02, 0.1);
  double const vp = vp_of_poisson(vs, draws.uniform(0.2, 0.33));
  m.push_front(h, vp, vs, draws.uniform(0.9, 2.8)); // from ice to concrete
}

void add_water(Draws& draws, OwnedModel& m) {
  double const depth = std::exp(draws.uniform(std::log(0.05), std::log(6.0)));
  double const vp = draws.uniform(1.45, 1.55);
  m.push_front(depth, vp, 0.0, draws.uniform(1.0, 1.05));
}

} // namespace

void OwnedModel::push_back(double h, double p, double s, double r) {
  thickness.push_back(h);
  vp.push_back(p);
  vs.push_back(s);
  rho.push_back(r);
}

void OwnedModel::push_front(double h, double p, double s, double r) {
  thickness.insert(thickness.begin(), h);
  vp.insert(vp.begin(), p);
  vs.insert(vs.begin(), s);
  rho.insert(rho.begin(), r);
}

double Draws::uniform(double low, double high) {
  return low + (high - low) * (static_cast<double>(bits() >> 11) * 0x1p-53);
}

double Draws::normal(double mean, double deviation) {
  double const radius = std::sqrt(-2.0 * std::log(1.0 - uniform(0, 1)));
  return mean + deviation * radius * std::cos(2.0 * std::numbers::pi * uniform(0, 1));
}

// Marsaglia and Tsang (2000).
double Draws::gamma(double shape) {
  double const d = shape - 1.0 / 3.0, c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    double const x = normal(0, 1), v = std::pow(1.0 + c * x, 3.0);
    if (v <= 0) continue;
    if (std::log(1.0 - uniform(0, 1)) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

int Draws::integer(int low, int high) {
  return low + static_cast<int>(bits() % static_cast<std::uint64_t>(high - low + 1));
}

char const* name(Prior prior) {
  switch (prior) {
  case Prior::strong:
    return "strong";
  case Prior::weak:
    return "weak";
  case Prior::random:
    return "random";
  }
  return "?";
}

Sample draw(PriorOptions const& options, std::uint64_t index) {
  // Priors have streams of their own too: models of two priors under one seed are independent.
  constexpr std::uint32_t priors = 3;
  MOHO_REQUIRE(options.stream < 1u << 30);
  Draws draws(options.seed, index,
              priors * options.stream + static_cast<std::uint32_t>(options.prior));
  switch (options.prior) {
  case Prior::strong:
    return draw_strong(draws, options.edge);
  case Prior::weak:
    return draw_weak(draws, options.edge);
  case Prior::random:
    return draw_random(draws);
  }
  throw Error("no such prior");
}

Sample draw_random(Draws& draws) {
  Sample out;
  bool const gradient = draws.chance(0.02);
  out = gradient ? draw_gradient(draws) : draw_site(draws);
  bool const lid = draws.chance(0.1);
  if (lid) {
    add_lid(draws, out.model);
    out.kind += "+lid";
  }
  if (lid || !gradient) out.periods = site_periods(out.model);
  if (draws.chance(0.2)) {
    add_water(draws, out.model);
    out.kind += "+water";
  }
  return out;
}

Sample draw_gradient(Draws& draws) {
  Sample out;
  out.kind = "gradient";
  Site const site = draw_scale(draws);
  int const n = draws.integer(50, 300);
  double const power = draws.uniform(0.4, 1.2), noise = draws.chance(0.5) ? 0.02 : 0.0;
  double const ratio = draws.uniform(1.7, 2.0);
  auto const push = [&](double h, double vs) {
    out.model.push_back(h, ratio * vs, vs, 1.74 * std::pow(ratio * vs, 0.25));
  };
  for (int i = 0; i < n; ++i)
    push(site.total / n, trend(site, (i + 0.5) / n, power) * std::exp(draws.normal(0, noise)));
  double const fastest = *std::max_element(out.model.vs.begin(), out.model.vs.end());
  push(0, std::max(site.v1, 1.02 * fastest));
  double const first = site.total / 12 / (0.5 * (site.v0 + site.v1));
  out.periods = log_spaced(first, 4 * site.total / out.model.vs_halfspace(), 10);
  return out;
}

double brocher_density(double vp) {
  return vp * (1.6612 + vp * (-0.4721 + vp * (0.0671 + vp * (-0.0043 + vp * 0.000106))));
}

double vp_of_poisson(double vs, double poisson) {
  return vs * std::sqrt((2.0 - 2.0 * poisson) / (1.0 - 2.0 * poisson));
}

std::vector<double> log_spaced(double first, double last, int count) {
  std::vector<double> out(static_cast<std::size_t>(count), first);
  for (int i = 1; i < count; ++i)
    out[static_cast<std::size_t>(i)] =
        first * std::pow(last / first, static_cast<double>(i) / (count - 1));
  return out;
}

} // namespace moho::dispersion
