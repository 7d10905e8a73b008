// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/pde_problems.hpp"
#include "moho/core/error.hpp"
#include "moho/study/pde_problem.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace moho::study {
namespace {

constexpr double pi = std::numbers::pi;

/// The product of sin(w x_i) with its gradient and second derivatives; w a multiple of pi.
struct Sines {
  int dim;
  double w;

  double factor(double x, int derivative) const {
    if (derivative == 0) return std::sin(w * x);
    return derivative == 1 ? w * std::cos(w * x) : -w * w * std::sin(w * x);
  }
  /// With as many derivatives in each direction.
  double derivative(double const* x, std::array<int, 3> const& of) const {
    double product = 1;
    for (int d = 0; d < dim; ++d) product *= factor(x[d], of[static_cast<std::size_t>(d)]);
    return product;
  }
  double value(double const* x) const { return derivative(x, {}); }
  double first(double const* x, int i) const {
    std::array<int, 3> of{};
    ++of[static_cast<std::size_t>(i)];
    return derivative(x, of);
  }
  double second(double const* x, int i, int j) const {
    std::array<int, 3> of{};
    ++of[static_cast<std::size_t>(i)];
    ++of[static_cast<std::size_t>(j)];
    return derivative(x, of);
  }
};

/// Sines that vanish on the boundary of the domain.
Sines sines_on(Domain const& domain) {
  double const factor = domain.kind == DomainKind::lshape        ? 2
                        : domain.kind == DomainKind::hollow_cube ? 4
                                                                 : 1;
  return {domain.dim(), factor * pi};
}

Field gradient_of(Sines const& s) {
  return [s](double const* x, double* out) {
    for (int d = 0; d < s.dim; ++d) out[d] = s.first(x, d);
  };
}

BoundaryCondition dirichlet(Field value = {}) {
  return {ConditionKind::dirichlet, {}, std::move(value), 0};
}

std::vector<ParameterSpec> with_field(std::vector<ParameterSpec> specs) {
  for (ParameterSpec& spec : field_parameters()) specs.push_back(std::move(spec));
  return specs;
}

ParameterSpec domain_parameter(std::string standard, std::vector<std::string> domains) {
  return {"domain", std::move(standard), "where", 0, 0, std::move(domains)};
}

std::size_t points_of(Parameters const& parameters) {
  return static_cast<std::size_t>(parameters.integer("points"));
}

std::uint64_t seed_of(Parameters const& parameters) {
  return static_cast<std::uint64_t>(parameters.integer("seed"));
}

/// The plain case: all of a problem but its checks' exceptions.
std::unique_ptr<Problem> field_problem(Pde pde, Parameters const& parameters) {
  return std::make_unique<FieldProblem>(std::move(pde), points_of(parameters), seed_of(parameters));
}

// --- poisson ------------------------------------------------------------------------------------

/// theta from the side y = 1/2 of the L's corner (1/2, 1/2) to the side x = 1/2, 0 .. 3 pi / 2.
std::pair<double, double> polar(double const* x) {
  double const a = x[0] - 0.5, b = x[1] - 0.5, angle = std::atan2(b, a);
  return {std::hypot(a, b), angle < -pi / 4 ? angle + 2 * pi : angle};
}

class CornerProblem : public FieldProblem {
public:
  using FieldProblem::FieldProblem;
  /// Differences do not reach across the corner.
  std::vector<Check> verify(parallel::Comm const&) const override {
    return pde_checks(pde(), [](double const* x) { return polar(x).first < 0.2; });
  }
};

void set_corner(Pde& pde) {
  pde.exact = [](double const* x, double* u) {
    auto const [r, theta] = polar(x);
    *u = std::pow(r, 2.0 / 3) * std::sin(2 * theta / 3);
  };
  pde.gradient = [](double const* x, double* out) {
    auto const [r, theta] = polar(x);
    double const scale = 2.0 / 3 * std::pow(r, -1.0 / 3);
    out[0] = -scale * std::sin(theta / 3); // d/dx of Im z^(2/3), z = r e^(i theta)
    out[1] = scale * std::cos(theta / 3);
  };
  pde.conditions = {dirichlet(pde.exact)};
}

void set_radial(Pde& pde) {
  pde.exact = [](double const* x, double* u) { *u = (1 - x[0] * x[0] - x[1] * x[1]) / 4; };
  pde.gradient = [](double const* x, double* out) { out[0] = -x[0] / 2, out[1] = -x[1] / 2; };
  pde.source = [](double const*, double* f) { *f = 1; };
  pde.conditions = {dirichlet()};
}

/// (1 - r^2) e^x: no polynomial.
void set_exponential(Pde& pde) {
  auto const w = [](double const* x) { return 1 - x[0] * x[0] - x[1] * x[1]; };
  pde.exact = [w](double const* x, double* u) { *u = w(x) * std::exp(x[0]); };
  pde.gradient = [w](double const* x, double* out) {
    out[0] = (w(x) - 2 * x[0]) * std::exp(x[0]);
    out[1] = -2 * x[1] * std::exp(x[0]);
  };
  pde.source = [w](double const* x, double* f) { *f = (4 + 4 * x[0] - w(x)) * std::exp(x[0]); };
  pde.conditions = {dirichlet()};
}

void set_sine(Pde& pde) {
  const Sines s = sines_on(pde.domain);
  pde.exact = [s](double const* x, double* u) { *u = s.value(x); };
  pde.gradient = gradient_of(s);
  pde.source = [s](double const* x, double* f) { *f = s.dim * s.w * s.w * s.value(x); };
  pde.conditions = {dirichlet()};
}

void set_cosine(Pde& pde) {
  // sin(pi x + pi / 2) = cos(pi x): shifted sines.
  const Sines s{pde.dim(), pi};
  auto const shifted = [s](double const* x) {
    std::array<double, 3> y{};
    for (int d = 0; d < s.dim; ++d) y[static_cast<std::size_t>(d)] = x[d] + 0.5;
    return y;
  };
  pde.exact = [=](double const* x, double* u) { *u = s.value(shifted(x).data()); };
  pde.gradient = [=](double const* x, double* out) {
    for (int d = 0; d < s.dim; ++d) out[d] = s.first(shifted(x).data(), d);
  };
  pde.source = [=](double const* x, double* f) {
    *f = s.dim * pi * pi * s.value(shifted(x).data());
  };
}

// --- diffusion ----------------------------------------------------------------------------------

struct DiffusionData {
  int dim;
  bool tensor;
  std::vector<double> b;
  double c;

  static double k(double const* x) {
    return 1 + 0.5 * std::sin(2 * pi * x[0]) * std::cos(2 * pi * x[1]);
  }
  static double slope(double const* x, int i) {
    if (i == 0) return pi * std::cos(2 * pi * x[0]) * std::cos(2 * pi * x[1]);
    return i == 1 ? -pi * std::sin(2 * pi * x[0]) * std::sin(2 * pi * x[1]) : 0;
  }
  double shape(int i, int j) const {
    if (!tensor) return i == j ? 1 : 0;
    return i == j ? (i == 0 ? 2 : 1) : (i + j == 1 ? 0.5 : 0);
  }
  double source(Sines const& s, double const* x) const {
    double f = c * s.value(x);
    for (int i = 0; i < dim; ++i) {
      if (!b.empty()) f += b[static_cast<std::size_t>(i)] * s.first(x, i);
      for (int j = 0; j < dim; ++j)
        f -= shape(i, j) * (slope(x, i) * s.first(x, j) + k(x) * s.second(x, i, j));
    }
    return f;
  }
};

std::vector<Term> terms_of(DiffusionData const& data) {
  Term diffusion{fem::FormKind::diffusion, {}, {}, data.tensor};
  diffusion.field = [data](double const* x, double* out) {
    if (!data.tensor) {
      *out = DiffusionData::k(x);
      return;
    }
    for (int i = 0; i < data.dim; ++i)
      for (int j = 0; j < data.dim; ++j)
        out[i * data.dim + j] = data.shape(i, j) * DiffusionData::k(x);
  };
  std::vector<Term> terms{std::move(diffusion)};
  if (!data.b.empty()) terms.push_back({fem::FormKind::advection, data.b});
  if (data.c != 0) terms.push_back({fem::FormKind::mass, {data.c}});
  return terms;
}

} // namespace

std::vector<ParameterSpec> field_parameters() {
  return {{"points", std::int64_t{1000}, "points asked about", 1, 1e7},
          {"seed", std::int64_t{1}, "seed of the points", 0}};
}

std::vector<ParameterSpec> poisson_parameters() {
  return with_field(
      {domain_parameter("square", {"square", "cube", "lshape", "hollow-cube", "disk"}),
       {"solution",
        std::string("auto"),
        "which; cosine: no condition but zero flux",
        0,
        0,
        {"auto", "sine", "radial", "exponential", "corner", "cosine"}}});
}

std::unique_ptr<Problem> make_poisson(Parameters const& parameters, Environment const&) {
  Pde pde;
  pde.domain.kind = domain_from_name(parameters.text("domain"));
  pde.terms = {Term{}};
  DomainKind const kind = pde.domain.kind;
  std::string solution = parameters.text("solution");
  if (solution == "auto")
    solution = kind == DomainKind::disk ? "radial" : kind == DomainKind::lshape ? "corner" : "sine";
  bool const box = kind == DomainKind::square || kind == DomainKind::cube;
  bool const fits = solution == "radial" || solution == "exponential" ? kind == DomainKind::disk
                    : solution == "corner"                            ? kind == DomainKind::lshape
                    : solution == "cosine"                            ? box
                                                                      : kind != DomainKind::disk;
  if (!fits)
    throw Error("problem.solution = " + solution + " is none on the domain '" + name(kind) +
                "' (sine is for domains with flat sides, radial and exponential for the disk, "
                "corner for the "
                "lshape, cosine for square and cube) use auto");
  if (solution == "sine") set_sine(pde);
  if (solution == "radial") set_radial(pde);
  if (solution == "exponential") set_exponential(pde);
  if (solution == "cosine") set_cosine(pde);
  if (solution != "corner") return field_problem(std::move(pde), parameters);
  set_corner(pde);
  return std::make_unique<CornerProblem>(std::move(pde), points_of(parameters),
                                         seed_of(parameters));
}

std::vector<ParameterSpec> diffusion_parameters() {
  return with_field(
      {domain_parameter("square", {"square", "cube"}),
       {"coefficient",
        std::string("scalar"),
        "k, or k [[2, 1/2], [1/2, 1]]",
        0,
        0,
        {"scalar", "tensor"}},
       {"advection", std::vector<double>{}, "b, a number per direction; empty: none", -1e6, 1e6},
       {"reaction", 0.0, "c", 0, 1e6}});
}

std::unique_ptr<Problem> make_diffusion(Parameters const& parameters, Environment const&) {
  Pde pde;
  pde.domain.kind = domain_from_name(parameters.text("domain"));
  const DiffusionData data{pde.dim(), parameters.text("coefficient") == "tensor",
                           parameters.reals("advection"), parameters.real("reaction")};
  if (!data.b.empty() && data.b.size() != static_cast<std::size_t>(pde.dim()))
    throw Error("problem.advection has " + std::to_string(data.b.size()) +
                " numbers (the domain has " + std::to_string(pde.dim()) +
                " directions) give one for each, or none");
  const Sines s{pde.dim(), pi};
  pde.terms = terms_of(data);
  pde.exact = [s](double const* x, double* u) { *u = s.value(x); };
  pde.gradient = gradient_of(s);
  pde.source = [=](double const* x, double* f) { *f = data.source(s, x); };
  pde.conditions = {dirichlet()};
  if (!data.b.empty()) pde.definiteness = Definiteness::nonsymmetric;
  return field_problem(std::move(pde), parameters);
}

std::vector<ParameterSpec> mixed_boundary_parameters() {
  return with_field({{"alpha", 1.0, "of the Robin condition du/dn + alpha u = g", 0, 1e6}});
}

std::unique_ptr<Problem> make_mixed_boundary(Parameters const& parameters, Environment const&) {
  double const alpha = parameters.real("alpha");
  Pde pde;
  pde.terms = {Term{}};
  pde.exact = [](double const* x, double* u) { *u = std::exp(x[0]) * std::cos(pi * x[1]); };
  pde.gradient = [](double const* x, double* out) {
    out[0] = std::exp(x[0]) * std::cos(pi * x[1]);
    out[1] = -pi * std::exp(x[0]) * std::sin(pi * x[1]);
  };
  pde.source = [](double const* x, double* f) {
    *f = (pi * pi - 1) * std::exp(x[0]) * std::cos(pi * x[1]);
  };
  pde.conditions = {
      {ConditionKind::dirichlet,
       {1},
       [](double const* x, double* g) { *g = std::cos(pi * x[1]); },
       0},
      {ConditionKind::neumann,
       {2},
       [](double const* x, double* g) { *g = std::numbers::e * std::cos(pi * x[1]); },
       0},
      // du/dn = 0 at y = 0 and 1, where cos(pi y) = 1 and -1.
      {ConditionKind::robin,
       {3, 4},
       [alpha](double const* x, double* g) { *g = alpha * (x[1] < 0.5 ? 1 : -1) * std::exp(x[0]); },
       alpha}};
  return field_problem(std::move(pde), parameters);
}

std::vector<ParameterSpec> elasticity_parameters() {
  return with_field({domain_parameter("cube", {"square", "cube", "lshape", "hollow-cube"}),
                     {"load",
                      std::string("sine"),
                      "of a known solution, or 1 everywhere",
                      0,
                      0,
                      {"sine", "constant"}},
                     {"young", 1.0, "Young's modulus", 1e-12, 1e15},
                     {"poisson_ratio", 0.3, "Poisson's ratio", -0.99, 0.4999}});
}

std::unique_ptr<Problem> make_elasticity(Parameters const& parameters, Environment const&) {
  Pde pde;
  pde.domain.kind = domain_from_name(parameters.text("domain"));
  int const dim = pde.dim();
  pde.components = dim;
  const fem::Lame lame = fem::lame(parameters.real("young"), parameters.real("poisson_ratio"));
  pde.terms = {{fem::FormKind::elasticity, {lame.lambda, lame.mu}}};
  pde.conditions = {dirichlet()};
  if (parameters.text("load") == "constant") {
    pde.source = [dim](double const*, double* f) { std::fill_n(f, dim, 1.0); };
    return field_problem(std::move(pde), parameters);
  }
  constexpr std::array<double, 3> amplitude{1, 2, -1};
  const Sines s = sines_on(pde.domain);
  pde.exact = [=](double const* x, double* u) {
    for (int i = 0; i < dim; ++i) u[i] = amplitude[static_cast<std::size_t>(i)] * s.value(x);
  };
  pde.gradient = [=](double const* x, double* out) {
    for (int i = 0; i < dim; ++i)
      for (int j = 0; j < dim; ++j)
        out[i * dim + j] = amplitude[static_cast<std::size_t>(i)] * s.first(x, j);
  };
  // -div sigma = -(lambda + mu) grad div u - mu div grad u.
  pde.source = [=](double const* x, double* f) {
    for (int i = 0; i < dim; ++i) {
      f[i] = lame.mu * dim * s.w * s.w * amplitude[static_cast<std::size_t>(i)] * s.value(x);
      for (int j = 0; j < dim; ++j)
        f[i] -=
            (lame.lambda + lame.mu) * amplitude[static_cast<std::size_t>(j)] * s.second(x, i, j);
    }
  };
  return field_problem(std::move(pde), parameters);
}

std::vector<ParameterSpec> helmholtz_parameters() {
  return with_field({{"wavenumber", 2 * pi, "k", 1e-3, 1e4},
                     {"complex", true, "exp(ikx) as two components; else cos(kx)"}});
}

std::unique_ptr<Problem> make_helmholtz(Parameters const& parameters, Environment const&) {
  double const k = parameters.real("wavenumber");
  bool const both = parameters.flag("complex");
  // Eigenvalues pi^2 (i^2 + j^2) of the square with fixed values.
  for (int i = 1; i * pi < k; ++i)
    for (int j = 1; j <= i; ++j)
      if (double const eigen = pi * pi * (i * i + j * j); std::abs(k * k / eigen - 1) < 1e-6)
        throw Error("problem.wavenumber is a resonance (k^2 is the eigenvalue of mode " +
                    std::to_string(i) + ", " + std::to_string(j) +
                    " of the square: no unique solution) change it");
  Pde pde;
  pde.components = both ? 2 : 1;
  pde.length = std::min(1.0, 4 * pi / k);
  pde.terms = {Term{}, {fem::FormKind::mass, {-k * k}}};
  pde.exact = [=](double const* x, double* u) {
    u[0] = std::cos(k * x[0]);
    if (both) u[1] = std::sin(k * x[0]);
  };
  pde.gradient = [=](double const* x, double* out) {
    out[0] = -k * std::sin(k * x[0]);
    out[1] = 0;
    if (both) out[2] = k * std::cos(k * x[0]), out[3] = 0;
  };
  pde.conditions = {dirichlet(pde.exact)};
  pde.definiteness = Definiteness::indefinite;
  return field_problem(std::move(pde), parameters);
}

} // namespace moho::study
