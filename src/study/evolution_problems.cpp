// SPDX-License-Identifier: BSD-3-Clause
// `heat`, `wave`, `allen-cahn`.
#include "evolution_problem.hpp"
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/pde_problems.hpp"
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace moho::study {
namespace {

constexpr double pi = std::numbers::pi;

/// A product of sin(w x_i).
struct Sines {
  int dim;
  double w;
  double value(double const* x) const {
    double product = 1;
    for (int d = 0; d < dim; ++d) product *= std::sin(w * x[d]);
    return product;
  }
  double slope(double const* x, int direction) const {
    double product = w;
    for (int d = 0; d < dim; ++d)
      product *= d == direction ? std::cos(w * x[d]) : std::sin(w * x[d]);
    return product;
  }
  double eigenvalue() const { return dim * w * w; } ///< of -Lap
};

/// u = factor(t) s(x).
template <class Factor>
void set_separated(Evolution& evolution, Sines const& s, Factor const& factor) {
  evolution.exact = [=](double t, double const* x, double* u) { *u = factor(t) * s.value(x); };
  evolution.gradient = [=](double t, double const* x, double* out) {
    for (int d = 0; d < s.dim; ++d) out[d] = factor(t) * s.slope(x, d);
  };
}

std::vector<ParameterSpec> with_times(std::vector<ParameterSpec> specs, double final_time) {
  specs.push_back({"final_time", final_time, "T", 0});
  specs.push_back({"times", std::int64_t{2}, "asked about: k T / times, k = 1, 2, ..", 1, 1e6});
  for (ParameterSpec& spec : field_parameters()) specs.push_back(std::move(spec));
  return specs;
}

ParameterSpec domain_parameter(std::vector<std::string> domains) {
  return {"domain", std::string("square"), "where", 0, 0, std::move(domains)};
}

Evolution evolution_of(Parameters const& parameters) {
  Evolution evolution;
  evolution.domain.kind = domain_from_name(parameters.text("domain"));
  evolution.final_time = parameters.real("final_time");
  if (!(evolution.final_time > 0))
    throw Error("problem.final_time = 0 (there is nothing to compute) set a positive time");
  std::int64_t const times = parameters.integer("times");
  for (std::int64_t k = 1; k <= times; ++k)
    evolution.times.push_back(evolution.final_time * static_cast<double>(k) /
                              static_cast<double>(times));
  return evolution;
}

std::unique_ptr<Problem> evolving(Evolution evolution, Parameters const& parameters) {
  if (!evolution.initial) evolution.initial = at_time(evolution.exact, 0);
  return std::make_unique<EvolvingField>(std::move(evolution),
                                         static_cast<std::size_t>(parameters.integer("points")),
                                         static_cast<std::uint64_t>(parameters.integer("seed")));
}

/// A solution that falls as exp(-rate t): errors are shares of its squares, which must not
/// underflow.
void require_left(Evolution const& evolution, double rate) {
  constexpr double most = 300;
  if (rate * evolution.final_time > most)
    throw Error(fmt::format("problem.final_time = {} (the solution has decayed to exp({:.4g})) ask "
                            "for {:.4g} at most",
                            evolution.final_time, -rate * evolution.final_time, most / rate));
}

/// J0(j r) cos(j c t), j the first zero of J0.
void set_drum(Evolution& evolution, double c) {
  constexpr double j = 2.404825557695772768621631879;
  auto const radius = [](double const* x) { return std::hypot(x[0], x[1]); };
  evolution.exact = [=](double t, double const* x, double* u) {
    *u = std::cyl_bessel_j(0.0, j * radius(x)) * std::cos(j * c * t);
  };
  evolution.gradient = [=](double t, double const* x, double* out) {
    double const r = radius(x), scale = -j * std::cyl_bessel_j(1.0, j * r) * std::cos(j * c * t);
    for (int d = 0; d < 2; ++d) out[d] = r > 0 ? scale * x[d] / r : 0;
  };
  evolution.time_scale = 1 / (j * c);
}

/// Random products of the first 4 x 4 sines, of largest value around 1.
Field random_sines(std::uint64_t seed) {
  constexpr int modes = 4;
  std::vector<double> amplitude;
  for (std::uint64_t i = 0; i < modes * modes; ++i)
    amplitude.push_back(Philox{seed, 34}.uniform(i, 0) - 0.5);
  return [amplitude](double const* x, double* u) {
    *u = 0;
    for (int i = 0; i < modes; ++i)
      for (int j = 0; j < modes; ++j)
        *u += amplitude[static_cast<std::size_t>(i * modes + j)] * std::sin((i + 1) * pi * x[0]) *
              std::sin((j + 1) * pi * x[1]);
  };
}

} // namespace

std::vector<ParameterSpec> heat_parameters() {
  return with_times({domain_parameter({"square", "cube"})}, 0.1);
}

std::unique_ptr<Problem> make_heat(Parameters const& parameters, Environment const&) {
  Evolution evolution = evolution_of(parameters);
  const Sines s{evolution.domain.dim(), pi};
  set_separated(evolution, s, [s](double t) { return std::exp(-s.eigenvalue() * t); });
  evolution.time_scale = 1 / s.eigenvalue();
  require_left(evolution, s.eigenvalue());
  return evolving(std::move(evolution), parameters);
}

std::vector<ParameterSpec> wave_parameters() {
  return with_times({domain_parameter({"square", "disk"}), {"speed", 1.0, "c", 1e-6, 1e6}}, 1.0);
}

std::unique_ptr<Problem> make_wave(Parameters const& parameters, Environment const&) {
  Evolution evolution = evolution_of(parameters);
  double const c = parameters.real("speed");
  evolution.order = 2;
  evolution.diffusion = c * c;
  if (evolution.domain.kind == DomainKind::disk) {
    set_drum(evolution, c);
    return evolving(std::move(evolution), parameters);
  }
  const Sines s{2, pi};
  double const frequency = c * std::sqrt(s.eigenvalue());
  set_separated(evolution, s, [=](double t) { return std::cos(frequency * t); });
  evolution.time_scale = 1 / frequency;
  return evolving(std::move(evolution), parameters);
}

std::vector<ParameterSpec> allen_cahn_parameters() {
  return with_times({domain_parameter({"square", "lshape"}),
                     {"eps", 4.0, "u_t = Lap u + eps^2 u (1 - u^2) + f", 1e-6, 1e6},
                     {"solution",
                      std::string("manufactured"),
                      "manufactured: exp(-t) times sines; free: random start, f = 0, not known",
                      0,
                      0,
                      {"manufactured", "free"}}},
                    0.5);
}

std::unique_ptr<Problem> make_allen_cahn(Parameters const& parameters, Environment const&) {
  Evolution evolution = evolution_of(parameters);
  double const eps = parameters.real("eps");
  evolution.reaction = eps * eps;
  if (parameters.text("solution") == "free") {
    if (evolution.domain.kind != DomainKind::square)
      throw Error("problem.solution = free (its start vanishes on the boundary of the square "
                  "alone) set problem.domain = \"square\"");
    evolution.initial = random_sines(static_cast<std::uint64_t>(parameters.integer("seed")));
    return evolving(std::move(evolution), parameters);
  }
  // 2 pi: zero on the sides of the cut as well.
  require_left(evolution, 1);
  const Sines s{2, evolution.domain.kind == DomainKind::lshape ? 2 * pi : pi};
  set_separated(evolution, s, [](double t) { return std::exp(-t); });
  evolution.source = [s, e = evolution.reaction](double t, double const* x, double* f) {
    double const u = std::exp(-t) * s.value(x);
    *f = (s.eigenvalue() - 1) * u - e * u * (1 - u * u);
  };
  return evolving(std::move(evolution), parameters);
}

} // namespace moho::study
