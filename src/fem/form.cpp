// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/form.hpp"
#include "moho/core/error.hpp"
#include <string>

namespace moho::fem {

char const* name(FormKind kind) {
  switch (kind) {
  case FormKind::diffusion:
    return "diffusion";
  case FormKind::mass:
    return "mass";
  case FormKind::advection:
    return "advection";
  case FormKind::elasticity:
    break;
  }
  return "elasticity";
}

FormKind form_from_name(std::string_view text) {
  if (text == "poisson") return FormKind::diffusion;
  for (FormKind const kind :
       {FormKind::diffusion, FormKind::mass, FormKind::advection, FormKind::elasticity})
    if (text == name(kind)) return kind;
  throw Error("unknown form '" + std::string(text) +
              "' (known are poisson, diffusion, mass, advection, elasticity) choose one of them");
}

Lame lame(double young, double poisson) {
  if (!(young > 0) || !(poisson > -1) || !(poisson < 0.5))
    throw Error("Young's modulus " + std::to_string(young) + " with Poisson's ratio " +
                std::to_string(poisson) +
                " (E > 0 and -1 < nu < 1/2 describe a stable solid) correct them");
  return {young * poisson / ((1 + poisson) * (1 - 2 * poisson)), young / (2 * (1 + poisson))};
}

Lame lame_plane_stress(double young, double poisson) {
  Lame const l = lame(young, poisson);
  return {2 * l.lambda * l.mu / (l.lambda + 2 * l.mu), l.mu};
}

} // namespace moho::fem
