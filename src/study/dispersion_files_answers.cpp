// SPDX-License-Identifier: BSD-3-Clause
// Answers as JSON. HDF5 and the table for people stand in dispersion_files_{hdf5,text}.cpp.
#include "dispersion_files_detail.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace moho::study {
namespace {

using Json = nlohmann::ordered_json; // keys stay in the order of the format
using detail::asked;
using detail::ellipticity_of;
using dispersion::Flag;
using dispersion::Status;
using dispersion::Wave;

/// A number; NaN and infinity become null.
Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json numbers(std::span<double const> values) {
  Json list = Json::array();
  for (double value : values) list.push_back(number(value));
  return list;
}

Json counts_of(DispersionAnswers const& a, std::size_t i) {
  auto const first = static_cast<std::size_t>(a.batch.period_offset()[i]);
  Json counts = Json::object();
  for (Wave wave : dispersion::all_waves) {
    if (!asked(a, wave)) continue;
    Json list = Json::array();
    for (std::size_t p = 0; p < a.cases[i].periods.size(); ++p) {
      int const count = a.curves.wave[static_cast<std::size_t>(wave)].mode_count[first + p];
      list.push_back(count < 0 ? Json() : Json(count)); // not certified: not known
    }
    counts[name(wave)] = std::move(list);
  }
  return counts;
}

Json modes_of(DispersionAnswers const& a, std::size_t i) {
  auto const first = static_cast<std::size_t>(a.batch.period_offset()[i]);
  const std::size_t n = a.cases[i].periods.size();
  Json modes = Json::array();
  for (Wave wave : dispersion::all_waves) {
    if (!asked(a, wave)) continue;
    auto const& curve = a.curves.wave[static_cast<std::size_t>(wave)];
    for (int mode = 0; mode < a.curves.modes; ++mode) {
      const std::size_t at = static_cast<std::size_t>(mode) * a.curves.points + first;
      Json one{{"wave", name(wave)},
               {"mode", mode},
               {"phase", numbers(std::span(curve.phase).subspan(at, n))},
               {"group", numbers(std::span(curve.group).subspan(at, n))}};
      if (wave == Wave::rayleigh) {
        std::vector<double> ellipticity;
        for (std::size_t p = 0; p < n; ++p) ellipticity.push_back(ellipticity_of(curve, at + p));
        one["ellipticity"] = numbers(ellipticity);
      }
      modes.push_back(std::move(one));
    }
  }
  return modes;
}

/// The kernels of a case; `first`: index of its first request among those of all cases.
Json kernels_of(DispersionAnswers const& a, DispersionCase const& of, std::size_t first) {
  Json kernels = Json::array();
  for (std::size_t r = 0; r < of.kernels.size(); ++r) {
    KernelRequest const& request = of.kernels[r];
    bool const rayleigh = request.wave == Wave::rayleigh;
    dispersion::Sensitivities const& found = a.kernels.sensitivities;
    const std::size_t k = first + r;
    auto const begin = static_cast<std::size_t>(found.offset.at(k));
    Json one{{"wave", name(request.wave)},
             {"mode", request.mode},
             {"period", request.period},
             {"phase", number(a.kernels.phase[k])},
             {"group", number(found.group[k])}};
    if (rayleigh) one["ellipticity"] = number(found.ellipticity[k]);
    one["status"] = name(a.kernels.status[k]);
    for (detail::KernelColumn const& column : detail::kernel_columns)
      if (rayleigh || !column.rayleigh_only)
        one[column.name] =
            numbers(std::span(column.of(a.kernels)).subspan(begin, of.thickness.size()));
    if (!found.reason[k].empty()) one["reason"] = found.reason[k];
    kernels.push_back(std::move(one));
  }
  return kernels;
}

Json flags_of(DispersionCase const& of, std::span<const Flag> flags) {
  Json list = Json::array();
  for (Flag const& flag : flags) {
    Json roots = Json::array();
    for (dispersion::Root const& root : flag.roots)
      roots.push_back({{"c", root.phase},
                       {"U", root.group},
                       {"ellipticity", number(root.ellipticity)},
                       {"N_above", root.count_above}});
    list.push_back({{"wave", name(flag.wave)},
                    {"period", of.periods.at(static_cast<std::size_t>(flag.period_index))},
                    {"mode", flag.mode < 0 ? Json() : Json(flag.mode)},
                    {"kind", name(flag.kind)},
                    {"reason", flag.reason},
                    {"roots", std::move(roots)}});
  }
  return list;
}

Json case_of(DispersionAnswers const& a, std::size_t i, std::span<const Flag> flags,
             std::size_t first_kernel) {
  DispersionCase const& one = a.cases[i];
  if (!a.error(i).empty()) return {{"name", one.name}, {"error", a.error(i)}};
  Json answer{
      {"name", one.name},
      {"model", {{"thickness", one.thickness}, {"vp", one.vp}, {"vs", one.vs}, {"rho", one.rho}}},
      {"periods", one.periods},
      {"mode_count", counts_of(a, i)},
      {"modes", modes_of(a, i)},
      {"kernels", kernels_of(a, one, first_kernel)},
      {"flags", flags_of(one, flags)}};
  if (!one.warnings.empty()) answer["warnings"] = one.warnings;
  return answer;
}

/// Text of a value; invalid UTF-8 (from a file name) is replaced rather than refused.
std::string text_of(Json const& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

namespace detail {

using dispersion::Gradient;
using dispersion::Sensitivities;

const std::array<KernelColumn, 12> kernel_columns{{
    {"dc_dh", "(km/s)/km", &Sensitivities::dphase, &Gradient::thickness, false},
    {"dc_dvp", "(km/s)/(km/s)", &Sensitivities::dphase, &Gradient::vp, true},
    {"dc_dvs", "(km/s)/(km/s)", &Sensitivities::dphase, &Gradient::vs, false},
    {"dc_drho", "(km/s)/(g/cm3)", &Sensitivities::dphase, &Gradient::rho, false},
    {"dU_dh", "(km/s)/km", &Sensitivities::dgroup, &Gradient::thickness, false},
    {"dU_dvp", "(km/s)/(km/s)", &Sensitivities::dgroup, &Gradient::vp, true},
    {"dU_dvs", "(km/s)/(km/s)", &Sensitivities::dgroup, &Gradient::vs, false},
    {"dU_drho", "(km/s)/(g/cm3)", &Sensitivities::dgroup, &Gradient::rho, false},
    {"dellipticity_dh", "1/km", &Sensitivities::dellipticity, &Gradient::thickness, true},
    {"dellipticity_dvp", "1/(km/s)", &Sensitivities::dellipticity, &Gradient::vp, true},
    {"dellipticity_dvs", "1/(km/s)", &Sensitivities::dellipticity, &Gradient::vs, true},
    {"dellipticity_drho", "1/(g/cm3)", &Sensitivities::dellipticity, &Gradient::rho, true},
}};

std::span<const Flag> FlagsOfCases::next(std::size_t i) {
  auto const index = static_cast<std::int64_t>(i);
  std::size_t skip = 0, n = 0;
  while (skip < _left.size() && _left[skip].case_index < index) ++skip;
  _left = _left.subspan(skip);
  while (n < _left.size() && _left[n].case_index == index) ++n;
  return _left.first(n);
}

} // namespace detail

std::string const& DispersionAnswers::error(std::size_t i) const {
  return cases[i].error.empty() ? curves.error.at(i) : cases[i].error;
}

std::size_t DispersionAnswers::errors() const {
  std::size_t n = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) n += error(i).empty() ? 0 : 1;
  return n;
}

std::size_t DispersionAnswers::failed_points() const {
  auto const failed = std::count_if(curves.flags.begin(), curves.flags.end(), [&](Flag const& f) {
    return f.kind == Status::failed && error(static_cast<std::size_t>(f.case_index)).empty();
  });
  return static_cast<std::size_t>(failed);
}

std::string answers_as_json(DispersionAnswers const& answers) {
  Json units{{"thickness", "km"}, {"vp", "km/s"},       {"vs", "km/s"},      {"rho", "g/cm3"},
             {"period", "s"},     {"velocity", "km/s"}, {"ellipticity", "1"}};
  for (detail::KernelColumn const& column : detail::kernel_columns)
    units[column.name] = column.units;
  // One case per line, made one at a time: a large batch never stands in memory as a document.
  std::string text =
      "{\"format\": \"moho.dispersion/1\",\n\"units\": " + text_of(units) + ",\n\"cases\": [";
  detail::FlagsOfCases flags(answers.curves.flags);
  std::size_t kernel = 0;
  for (std::size_t i = 0; i < answers.cases.size(); ++i) {
    text += (i ? ",\n" : "\n") + text_of(case_of(answers, i, flags.next(i), kernel));
    kernel += answers.cases[i].kernels.size();
  }
  return text + "\n]}\n";
}

} // namespace moho::study
