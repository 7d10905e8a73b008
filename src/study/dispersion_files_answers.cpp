// SPDX-License-Identifier: BSD-3-Clause
// Answers as JSON and as a table; the HDF5 layout stands in dispersion_files_hdf5.cpp.
#include "dispersion_files_detail.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace moho::study {
namespace {

using Json = nlohmann::ordered_json; // keys stay in the order of the format
using dispersion::Flag;
using dispersion::Status;
using dispersion::Wave;

/// Walks the flags once, case by case: they are ordered by case.
class FlagsOfCases {
public:
  explicit FlagsOfCases(std::span<const Flag> flags) : _left(flags) {}
  /// The flags of case i; i must not decrease.
  std::span<const Flag> next(std::size_t i) {
    auto const index = static_cast<std::int64_t>(i);
    std::size_t skip = 0, n = 0;
    while (skip < _left.size() && _left[skip].case_index < index) ++skip;
    _left = _left.subspan(skip);
    while (n < _left.size() && _left[n].case_index == index) ++n;
    return _left.first(n);
  }

private:
  std::span<const Flag> _left;
};

bool asked(DispersionAnswers const& a, Wave wave) {
  return a.options.waves[static_cast<std::size_t>(wave)];
}

Json nulls(std::size_t n) {
  return Json(std::vector<std::nullptr_t>(n));
}

/// Numbers; NaN and infinity become null.
Json numbers(std::span<double const> values) {
  Json list = Json::array();
  for (double value : values) list.push_back(std::isfinite(value) ? Json(value) : Json());
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
      if (wave == Wave::rayleigh) one["ellipticity"] = nulls(n);
      modes.push_back(std::move(one));
    }
  }
  return modes;
}

Json kernels_of(DispersionAnswers const& a, DispersionCase const& of) {
  Json kernels = Json::array();
  for (KernelRequest const& request : of.kernels) {
    if (!asked(a, request.wave)) continue;
    const std::size_t n = of.thickness.size();
    Json one{{"wave", name(request.wave)},
             {"mode", request.mode},
             {"period", request.period},
             {"dc_dh", nulls(n)}};
    if (request.wave == Wave::rayleigh) one["dc_dvp"] = nulls(n);
    one["dc_dvs"] = nulls(n);
    one["dc_drho"] = nulls(n);
    one["dU_dvs"] = nulls(n);
    one["reason"] = detail::no_kernels;
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
                       {"ellipticity", nullptr},
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

Json case_of(DispersionAnswers const& a, std::size_t i, std::span<const Flag> flags) {
  DispersionCase const& one = a.cases[i];
  if (!a.error(i).empty()) return {{"name", one.name}, {"error", a.error(i)}};
  return {
      {"name", one.name},
      {"model", {{"thickness", one.thickness}, {"vp", one.vp}, {"vs", one.vs}, {"rho", one.rho}}},
      {"periods", one.periods},
      {"mode_count", counts_of(a, i)},
      {"modes", modes_of(a, i)},
      {"kernels", kernels_of(a, one)},
      {"flags", flags_of(one, flags)}};
}

/// Text of a value; invalid UTF-8 (from a file name) is replaced rather than refused.
std::string text_of(Json const& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string cell(double value) {
  if (!std::isfinite(value)) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.6f", value);
  return text;
}

void append_rows(std::string& table, DispersionAnswers const& a, std::size_t i) {
  auto const first = static_cast<std::size_t>(a.batch.period_offset()[i]);
  char row[160];
  for (Wave wave : dispersion::all_waves) {
    if (!asked(a, wave)) continue;
    auto const& curve = a.curves.wave[static_cast<std::size_t>(wave)];
    for (int mode = 0; mode < a.curves.modes; ++mode)
      for (std::size_t p = 0; p < a.cases[i].periods.size(); ++p) {
        const std::size_t at = static_cast<std::size_t>(mode) * a.curves.points + first + p;
        std::snprintf(row, sizeof row, "  %-8s %4d %12.6g %12s %12s %6d  %s\n", name(wave), mode,
                      a.cases[i].periods[p], cell(curve.phase[at]).c_str(),
                      cell(curve.group[at]).c_str(), curve.mode_count[first + p],
                      name(curve.status[at]));
        table += row;
      }
  }
}

void append_flags(std::string& table, DispersionCase const& of, std::span<const Flag> flags) {
  char text[64];
  for (Flag const& flag : flags) {
    std::snprintf(text, sizeof text, "  %s at %.6g s", name(flag.wave),
                  of.periods.at(static_cast<std::size_t>(flag.period_index)));
    table += text;
    if (flag.mode >= 0) table += ", mode " + std::to_string(flag.mode);
    table += std::string(": ") + name(flag.kind) + " (" + flag.reason + ")";
    for (dispersion::Root const& root : flag.roots)
      table += (&root == flag.roots.data() ? "; roots " : ", ") + cell(root.phase);
    table += "\n";
  }
}

} // namespace

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
  const Json units{{"thickness", "km"},
                   {"vp", "km/s"},
                   {"vs", "km/s"},
                   {"rho", "g/cm3"},
                   {"period", "s"},
                   {"velocity", "km/s"},
                   {"dc_dh", "(km/s)/km"},
                   {"dc_dvp", "(km/s)/(km/s)"},
                   {"dc_dvs", "(km/s)/(km/s)"},
                   {"dc_drho", "(km/s)/(g/cm3)"},
                   {"dU_dvs", "(km/s)/(km/s)"}};
  // One case per line, made one at a time: a large batch never stands in memory as a document.
  std::string text =
      "{\"format\": \"moho.dispersion/1\",\n\"units\": " + text_of(units) + ",\n\"cases\": [";
  FlagsOfCases flags(answers.curves.flags);
  for (std::size_t i = 0; i < answers.cases.size(); ++i)
    text += (i ? ",\n" : "\n") + text_of(case_of(answers, i, flags.next(i)));
  return text + "\n]}\n";
}

std::string answers_as_table(DispersionAnswers const& answers) {
  std::string table;
  FlagsOfCases flags(answers.curves.flags);
  for (std::size_t i = 0; i < answers.cases.size(); ++i) {
    DispersionCase const& one = answers.cases[i];
    auto const own = flags.next(i);
    table += one.name;
    if (!answers.error(i).empty()) {
      table += "\n  error: " + answers.error(i) + "\n";
      continue;
    }
    table += " (" + std::to_string(one.thickness.size()) + " rows)\n";
    table += "  wave     mode     period s   phase km/s   group km/s  modes  status\n";
    append_rows(table, answers, i);
    append_flags(table, one, own);
  }
  return table;
}

} // namespace moho::study
