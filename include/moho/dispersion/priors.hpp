// SPDX-License-Identifier: BSD-3-Clause
// Seeded generators of layered models: the strong and the weak prior of arXiv 2604.04107 and a
// broad prior of real sites. A model is a pure function of (seed, stream, prior, index), so the
// same on any rank, thread and in any batch.
#pragma once
#include "moho/core/philox.hpp"
#include "moho/dispersion/model.hpp"
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace moho::dispersion {

/// A layered model that owns its rows; the last row is the half-space.
struct OwnedModel {
  std::vector<double> thickness, vp, vs, rho;
  std::size_t layers() const { return thickness.size(); }
  LayeredModel view() const { return {thickness, vp, vs, rho}; }
  double vs_halfspace() const { return vs.back(); }
  void push_back(double h, double p, double s, double r);
  void push_front(double h, double p, double s, double r);
};

/// One drawn case. `kind` tells what was drawn: a class of the strong prior, "crust+lid+water".
struct Sample {
  std::string kind;
  OwnedModel model;
  std::vector<double> periods; ///< s
};

/// The random numbers of one item, one after another.
class Draws {
public:
  /// Item `index` under `seed`; `stream` separates uses that must not share a number.
  Draws(std::uint64_t seed, std::uint64_t index, std::uint32_t stream = 0)
      : _philox{seed, stream}, _index(index) {}
  std::uint64_t bits() { return _philox.bits(_index, _next++); }
  double uniform(double low, double high);
  double normal(double mean, double deviation);
  double gamma(double shape); ///< shape >= 1
  bool chance(double probability) { return uniform(0, 1) < probability; }
  int integer(int low, int high); ///< both ends included

private:
  Philox _philox;
  std::uint64_t _index;
  std::uint32_t _next = 0;
};

/// strong, weak: 256 nodes of 0.5 km (0 .. 127.5 km, the last is the half-space), 2, 3, .. 60 s.
enum class Prior : std::uint8_t { strong = 0, weak = 1, random = 2 };
char const* name(Prior prior); ///< "strong", "weak", "random"

/// How a moving average goes on past the ends of a profile.
enum class Edge : std::uint8_t {
  reflect, ///< mirrored: the ends are like the rest
  zero     ///< with zeros, as published: 0.6 and 0.8 of the velocity in the topmost nodes
};

struct PriorOptions {
  Prior prior = Prior::strong;
  std::uint64_t seed = 1;
  std::uint32_t stream = 0; ///< below 2^30; one for each split, so that splits share no number
  Edge edge = Edge::reflect;
};

/// Model `index` of a prior.
Sample draw(PriorOptions const& options, std::uint64_t index);

/// Five tectonic classes (oceanic, shield, platform, orogen, rift; `kind`) of sediment, upper and
/// lower crust and mantle, with noise and a low-velocity zone.
Sample draw_strong(Draws& draws, Edge edge = Edge::reflect);

/// Free profiles about a trend that increases with depth: knots, correlated noise and lumps.
Sample draw_weak(Draws& draws, Edge edge = Edge::reflect);

/// Sites: 2-12 layers over a half-space, 40 % metre scale ("near-surface") and 60 % crustal
/// ("crust"), 2 % gradients; with it stiff lids (10 %, "+lid") and water (20 %, "+water"). 10
/// log-spaced periods of their own.
Sample draw_random(Draws& draws);

/// Gradient of 50-300 equal layers at either scale, 10 periods.
Sample draw_gradient(Draws& draws);

/// Density (g/cm3) of vp (km/s) by the Nafe-Drake curve: Brocher (2005), BSSA 95, eq. 1. Stated
/// there for 1.5 < vp < 8.5; the polynomial stays positive and increasing from 0 to 10 km/s.
double brocher_density(double vp);

/// vp of vs and Poisson's ratio.
double vp_of_poisson(double vs, double poisson);

/// `count` values in equal ratios from `first` to `last`.
std::vector<double> log_spaced(double first, double last, int count);

} // namespace moho::dispersion
