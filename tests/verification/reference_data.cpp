// SPDX-License-Identifier: BSD-3-Clause
#include "verification/reference_data.hpp"
#include "moho/core/error.hpp"
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

namespace moho::verification {
namespace {

using Json = nlohmann::json;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Json read(std::string const& file) {
  char const* source = std::getenv("MOHO_SOURCE_DIR");
  std::string const path = std::string(source ? source : MOHO_TEST_SOURCE_DIR) +
                           "/reference/physics/dispersion/" + file + ".json";
  std::ifstream in(path);
  if (!in) throw Error("cannot read " + path + " (reference data) run the test from a checkout");
  return Json::parse(in);
}

std::vector<double> numbers(Json const& list) {
  std::vector<double> out;
  for (Json const& x : list) out.push_back(x.is_null() ? nan : x.get<double>());
  return out;
}

/// Numbers with more digits than a double stand in quotes.
double number(Json const& text) {
  return std::stod(text.get<std::string>());
}

std::vector<double> quoted(Json const& list) {
  std::vector<double> out;
  for (Json const& x : list) out.push_back(number(x));
  return out;
}

Wave wave_of(std::string const& text) {
  return text == "love" ? Wave::love : Wave::rayleigh;
}

void read_points(Json const& points, ReferenceCase& out) {
  for (Json const& point : points) {
    out.periods.push_back(point.at("period"));
    out.mode_count[0].push_back(point.at("count_at_cmax"));
    std::vector<dispersion::Root> roots;
    for (Json const& r : point.at("roots"))
      roots.push_back({r.at("c"), r.at("U"), r.at("ellipticity"), r.at("N_above")});
    out.roots.push_back(std::move(roots));
  }
}

ReferenceKernel read_kernel(Json const& k) {
  auto const optional = [&](char const* key) {
    return k.contains(key) ? numbers(k[key]) : std::vector<double>();
  };
  return {wave_of(k.at("wave")),
          k.at("mode"),
          k.at("period"),
          k.at("phase"),
          {numbers(k.at("dc_dh")), optional("dc_dvp"), numbers(k.at("dc_dvs")),
           numbers(k.at("dc_drho"))},
          optional("dU_dvs")};
}

ReferenceCase read_case(std::string const& file, Json const& c) {
  ReferenceCase out;
  out.file = file;
  out.name = c.at("name");
  Json const& m = c.at("model");
  out.model = {numbers(m.at("thickness")), numbers(m.at("vp")), numbers(m.at("vs")),
               numbers(m.at("rho"))};
  if (c.contains("points")) {
    read_points(c["points"], out);
    return out;
  }
  out.periods = numbers(c.at("periods"));
  for (Wave wave : dispersion::all_waves)
    for (Json const& n : c.at("mode_count").at(dispersion::name(wave)))
      out.mode_count[static_cast<std::size_t>(wave)].push_back(n);
  for (Json const& mode : c.at("modes"))
    out.modes.push_back(
        {wave_of(mode.at("wave")), mode.at("mode"), numbers(mode.at("phase")),
         numbers(mode.at("group")),
         mode.contains("ellipticity") ? numbers(mode["ellipticity"]) : std::vector<double>()});
  for (Json const& kernel : c.at("kernels")) out.kernels.push_back(read_kernel(kernel));
  return out;
}

void read_love(Json const& values, ClosedForm& out) {
  for (Json const& v : values)
    out.love.push_back({v.at("thickness"),
                        {v.at("vs")[0], v.at("vs")[1]},
                        {v.at("rho")[0], v.at("rho")[1]},
                        v.at("period"),
                        quoted(v.at("phase")),
                        quoted(v.at("group")),
                        v.at("n_modes")});
}

} // namespace

std::vector<std::string> const& reference_files() {
  static std::vector<std::string> const files{"ref_a_simple", "ref_b_gradient",    "ref_c_earth",
                                              "ref_d_lvz",    "ref_e_nearsurface", "ref_f_water",
                                              "ref_g_random", "ref_h_lids",        "ref_fold"};
  return files;
}

std::vector<ReferenceCase> const& reference_cases(std::string const& file) {
  static std::map<std::string, std::vector<ReferenceCase>> read_so_far;
  auto entry = read_so_far.find(file);
  if (entry == read_so_far.end()) {
    Json const all = read(file);
    std::vector<ReferenceCase> cases;
    for (Json const& c : all.at("cases")) cases.push_back(read_case(file, c));
    entry = read_so_far.emplace(file, std::move(cases)).first;
  }
  return entry->second;
}

ClosedForm const& closed_form() {
  static ClosedForm const known = [] {
    ClosedForm out;
    Json const all = read("closed_form");
    for (Json const& v : all.at("halfspace_rayleigh").at("values"))
      if (!v.at("vp_over_vs").is_null()) // Poisson's ratio 0.5 is a limit
        out.rayleigh.push_back({number(v.at("poisson")), number(v.at("vp_over_vs")),
                                number(v.at("c_over_vs")), number(v.at("ellipticity_ux_over_uz"))});
    read_love(all.at("two_layer_love").at("values"), out);
    for (Json const& v : all.at("water_layer_over_halfspace").at("values"))
      out.water.push_back({v.at("H"), v.at("vp_water"), v.at("rho_water"), v.at("vp"), v.at("vs"),
                           v.at("rho"), v.at("period"), quoted(v.at("phase"))});
    for (Json const& v : all.at("scholte_infinite_water").at("values"))
      out.scholte.push_back({v.at("vp_water"), v.at("rho_water"), v.at("vp"), v.at("vs"),
                             v.at("rho"), number(v.at("c_scholte"))});
    return out;
  }();
  return known;
}

std::vector<Trap> traps() {
  std::vector<Trap> out;
  Json const all = read("peer_disagreements");
  for (auto const& [name, solvers] : all.at("cases").items())
    for (auto const& [solver, modes] : solvers.items())
      for (auto const& [key, kinds] : modes.items())
        for (auto const& [kind, list] : kinds.items()) {
          if (!list.is_array()) continue; // only counted
          std::size_t const dash = key.find('-');
          for (Json const& row : list)
            out.push_back({name, kind, solver, wave_of(key.substr(0, dash)),
                           std::stoi(key.substr(dash + 1)), row[0],
                           row[1].is_null() ? nan : row[1].get<double>()});
        }
  return out;
}

} // namespace moho::verification
