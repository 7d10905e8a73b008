// SPDX-License-Identifier: BSD-3-Clause
#include "property/random_models.hpp"
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace moho::testing {
namespace {

using dispersion::vp_of_poisson;

/// Puts thin steps between rows so that no neighbours differ by more than 2.2 in vs: the contact is
/// graded, what is soft and what is stiff stays.
Model with_graded_contacts(Model const& sharp) {
  Model out;
  for (std::size_t i = 0; i + 1 < sharp.layers(); ++i) {
    out.push_back(sharp.thickness[i], sharp.vp[i], sharp.vs[i], sharp.rho[i]);
    if (sharp.vs[i] == 0) continue;
    double const ratio = sharp.vs[i + 1] / sharp.vs[i];
    int const steps = int(std::abs(std::log(ratio)) / std::log(2.2));
    for (int s = 1; s <= steps; ++s) {
      double const t = double(s) / (steps + 1);
      auto const between = [t](double a, double b) { return a * std::pow(b / a, t); };
      out.push_back(0.01 * sharp.thickness[i], between(sharp.vp[i], sharp.vp[i + 1]),
                    between(sharp.vs[i], sharp.vs[i + 1]), between(sharp.rho[i], sharp.rho[i + 1]));
    }
  }
  out.push_back(0, sharp.vp.back(), sharp.vs.back(), sharp.rho.back());
  return out;
}

Sample hard(char const* kind, Model model, double first, double last, int count) {
  return {kind, std::move(model), log_spaced(first, last, count)};
}

} // namespace

Sample draw_foldable(Rng& rng) {
  Sample out;
  out.kind = "foldable";
  double const soft_vs = std::exp(rng.uniform(std::log(0.08), std::log(1.0)));
  double const soft_h = std::exp(rng.uniform(std::log(0.002), std::log(5.0)));
  double const fast_vs = soft_vs * rng.uniform(3, 15), lid_vs = soft_vs * rng.uniform(2, 15);
  double const poisson = rng.chance(0.8) ? rng.uniform(0.35, 0.495) : rng.uniform(0.0, 0.35);
  if (rng.chance(0.15)) {
    out.model.push_back(soft_h * rng.uniform(0.02, 1), 1.5, 0, 1.03);
    out.kind += "+water";
  }
  if (rng.chance(0.8))
    out.model.push_back(soft_h * std::exp(rng.uniform(std::log(0.005), std::log(0.3))),
                        vp_of_poisson(lid_vs, rng.uniform(0.15, 0.4)), lid_vs, rng.uniform(0.9, 3));
  if (rng.chance(0.5)) {
    double const vs = soft_vs * rng.uniform(1.5, 5);
    out.model.push_back(soft_h * rng.uniform(0.02, 0.3), vp_of_poisson(vs, rng.uniform(0.2, 0.45)),
                        vs, rng.uniform(1.6, 2.5));
  }
  out.model.push_back(soft_h, vp_of_poisson(soft_vs, poisson), soft_vs, rng.uniform(1.2, 2.2));
  out.model.push_back(0, vp_of_poisson(fast_vs, rng.uniform(0.2, 0.35)), fast_vs,
                      rng.uniform(2, 3.2));
  if (rng.chance(0.25)) {
    out.model = with_graded_contacts(out.model);
    out.kind += "+graded";
  }
  double const resonance = soft_h / soft_vs;
  out.periods = log_spaced(0.4 * resonance, 6 * resonance, 40);
  return out;
}

std::vector<Sample> hard_samples() {
  using V = std::vector<double>;
  auto const m = [](V h, V vp, V vs, V rho) { return Model{h, vp, vs, rho}; };
  return {
      hard("road",
           m({0.00015, 0.0005, 0.005, 0}, {2.8, 0.9, 0.45, 3.0}, {1.5, 0.45, 0.13, 1.4},
             {2.35, 2.0, 1.75, 2.3}),
           0.001, 0.2, 20),
      hard("steel on soil", m({2e-05, 0.002, 0}, {5.9, 0.45, 1.5}, {3.2, 0.12, 0.5}, {7.8, 1.7, 2}),
           0.001, 0.2, 20),
      hard("ice over mud", m({0.0015, 0.01, 0}, {3.6, 1.55, 2.2}, {1.9, 0.2, 0.8}, {0.92, 1.6, 2}),
           0.005, 0.5, 20),
      hard("twin channels",
           m({5, 2.5, 10, 2.6, 22, 0}, {6.1, 5.1, 6.4, 5.1, 6.9, 8.1},
             {3.55, 2.65, 3.7, 2.65, 4.0, 4.65}, {2.75, 2.5, 2.85, 2.5, 2.95, 3.35}),
           0.4, 30, 20),
      hard("slow half-space",
           m({6, 12, 10, 0}, {5.9, 7.3, 6.3, 7}, {3.4, 4.3, 3.6, 4}, {2.7, 3, 2.8, 2.95}), 1, 60,
           20),
      hard("folded basin",
           m({0.11, 0.2, 2.1, 0}, {5.2, 2.3, 1.04, 6.8}, {2.8, 1.15, 0.31, 3.2},
             {2.7, 2.3, 1.9, 2.8}),
           15.9, 16.4, 20),
      // Folds sought at ever weaker contrasts of vs, of impedance, of rigidity; barely there.
      hard("fold at weak contrast",
           m({0.13956138468655205, 0.3778272957629541, 0},
             {4.2161127379029191, 4.4076523842100661, 6.4167664287367545},
             {2.5582588963297228, 1.3289571967945624, 4.3199537217769706},
             {3.4790544520468161, 1.2016171989835238, 3.4892402786125611}),
           0.9950316443244055, 1.1, 2),
      hard("fold at weaker contrast",
           m({0.16872204731070051, 0.43531795010799806, 0},
             {3.2680214702298551, 28.459363701979953, 4.484109993885057},
             {2.0758136891917522, 1.7963391084414531, 3.0639860145902178},
             {5.634340393735692, 0.80000000000000004, 4.9036581124813079}),
           1.1303408913736468, 1.2, 2),
      hard("fold in steps",
           m({0.41570255355366431, 0.36995937037528681, 0.1207862619586984, 0},
             {1.4638941549720845, 4.5892296478235854, 3.7475417029844431, 10.656806221556591},
             {0.92651650511516959, 1.3837048016914257, 2.5627161427870306, 4.7234061438333743},
             {1.7501381687600008, 1.6756405054439683, 3.3735281438089824, 3.4401601188469004}),
           1.4561168546031511, 1.6, 2),
      hard("fold at weak impedance contrast",
           m({0.39762513899074281, 0.33352126132493248, 0.15384636095287169, 0},
             {1.4010560898895801, 18.764325204115824, 8.0317357193309959, 77.386858662059012},
             {0.98704182842304378, 1.1843937046744957, 5.2057726429903362, 8.5103018214007147},
             {4.3435014566782453, 3.5778864151729199, 1.2948962490577103, 0.80000000000000004}),
           1.5004622147919502, 1.6, 2),
      hard("fold at weak rigidity contrast",
           m({0.1061304915726837, 0.35125001050035404, 0},
             {3.3915896582861942, 20.917916396079193, 5.3674939842927527},
             {1.8380973929144451, 1.3203271753672963, 3.5989970575941492},
             {8, 1.3556229840887541, 2.2167536656915448}),
           1.0725288390459504, 1.1, 2),
      hard("half-space", m({0}, {6}, {3.5}, {2.7}), 1, 10, 3),
      hard("deep water",
           m({6, 0.01, 5, 0}, {1.5, 1.6, 5, 8}, {0, 0.05, 2.8, 4.5}, {1.03, 1.4, 2.6, 3.3}), 0.8,
           40, 20),
  };
}

std::string to_text(Model const& model) {
  std::string out = "thickness, vp, vs, rho:";
  char row[160];
  for (std::size_t i = 0; i < model.layers(); ++i) {
    std::snprintf(row, sizeof row, "\n  %.17g, %.17g, %.17g, %.17g", model.thickness[i],
                  model.vp[i], model.vs[i], model.rho[i]);
    out += row;
  }
  return out;
}

std::uint64_t seed_of_run() {
  char const* text = std::getenv("MOHO_SEED");
  return text ? std::strtoull(text, nullptr, 0) : 20261120ull;
}

} // namespace moho::testing
