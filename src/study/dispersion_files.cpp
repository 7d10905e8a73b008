// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_files.hpp"
#include "dispersion_files_detail.hpp"
#include "moho/core/error.hpp"
#include "moho/study/atomic_file.hpp"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <numeric>
#include <system_error>
#include <utility>

namespace moho::study {
namespace detail {

bool read_number(std::string_view text, double& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  char const* const end = text.data() + text.size();
  auto const [stop, code] = std::from_chars(text.data(), end, value);
  if (text.empty() || stop != end) return false;
  if (code == std::errc::result_out_of_range) {
    // Too large or too small for a double. from_chars leaves the value alone; the checks of the
    // model reject both, so that neither is mistaken for a sound number.
    bool const negative = text.front() == '-';
    bool const tiny = text.find("e-") != text.npos || text.find("E-") != text.npos;
    double const size = tiny ? 0.0 : std::numeric_limits<double>::infinity();
    value = negative ? -size : size;
    return true;
  }
  return code == std::errc();
}

std::string shortened(std::string_view text, std::size_t most) {
  std::string line(text.substr(0, most));
  for (char& letter : line)
    if (letter < ' ' || letter > '~') letter = letter == '\n' || letter == '\t' ? ' ' : '?';
  return text.size() > most ? line + "..." : line;
}

namespace {

template <class... Values>
std::string text(char const* format, Values... values) {
  char line[320];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

} // namespace

void reject(DispersionCase& to, std::string const& error) {
  to.thickness.clear();
  to.vp.clear();
  to.vs.clear();
  to.rho.clear();
  to.periods.clear();
  to.kernels.clear();
  to.warnings.clear();
  to.error = error;
}

void warn_of_units(DispersionCase& to) {
  constexpr double fastest = 20; // km/s: the Earth's reach 13.7
  constexpr double densest = 25; // g/cm3: osmium has 22.6
  constexpr double earth = 6371; // km
  constexpr double wavelengths = 100;
  for (auto const& [key, values] : {std::pair{"vp", &to.vp}, std::pair{"vs", &to.vs}}) {
    auto const most = std::max_element(values->begin(), values->end());
    if (*most > fastest)
      to.warnings.push_back(text("%s[%td] = %g looks like m/s (nothing in the Earth is faster than "
                                 "14 km/s) give km/s",
                                 key, most - values->begin(), *most));
  }
  if (auto const most = std::max_element(to.rho.begin(), to.rho.end()); *most > densest)
    to.warnings.push_back(text("rho[%td] = %g looks like kg/m3 (nothing is denser than 23 g/cm3) "
                               "give g/cm3",
                               most - to.rho.begin(), *most));
  double const depth = std::accumulate(to.thickness.begin(), to.thickness.end(), 0.0);
  if (depth > earth)
    to.warnings.push_back(text("thickness adds up to %g, which looks like metres (the radius of "
                               "the Earth is 6371 km) give km",
                               depth));
  // A top layer that no period sees through: site models in metres under velocities in km/s.
  auto const solid = std::find_if(to.vs.begin(), to.vs.end(), [](double vs) { return vs > 0; });
  auto const row = static_cast<std::size_t>(solid - to.vs.begin());
  double const longest = to.vs[row] * *std::max_element(to.periods.begin(), to.periods.end());
  if (to.thickness[row] > wavelengths * longest && depth <= earth)
    to.warnings.push_back(
        text("thickness[%zu] = %g looks like metres (it is %.0f times the longest "
             "wavelength, %g km: no period sees its base) give km",
             row, to.thickness[row], to.thickness[row] / longest, longest));
}

void check(DispersionCase& to) {
  if (!to.error.empty()) return;
  std::string wrong = dispersion::problem_with(to.model());
  if (wrong.empty()) wrong = dispersion::problem_with_periods(to.periods);
  if (wrong.empty())
    warn_of_units(to);
  else
    reject(to, wrong);
}

} // namespace detail

namespace {

enum class Format { json, model96, table };

/// The ending `.json` decides; otherwise the first line does.
Format format_of(std::string_view text, std::string const& source) {
  if (std::filesystem::path(source).extension() == ".json") return Format::json;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos)
    throw Error("'" + source + "' is empty (no cases) give JSON, a model96 file or a table");
  if (text[first] == '{' || text[first] == '[') return Format::json;
  if (text.substr(first).starts_with("MODEL")) return Format::model96;
  return Format::table;
}

/// Appends the numbers of a line; false at the first word that is not one.
bool append_numbers(std::string_view line, std::vector<double>& to) {
  static constexpr std::string_view blanks = ", \t\r";
  for (std::size_t at = line.find_first_not_of(blanks); at != line.npos;) {
    const std::size_t end = std::min(line.find_first_of(blanks, at), line.size());
    double value = 0;
    if (!detail::read_number(line.substr(at, end - at), value)) return false;
    to.push_back(value);
    at = line.find_first_not_of(blanks, end);
  }
  return true;
}

std::vector<double> parse_period_file(std::string const& text, std::string const& path) {
  std::vector<double> periods;
  std::size_t line_number = 0;
  for (std::size_t at = 0; at < text.size(); ++line_number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = std::string_view(text).substr(at, end - at);
    line = line.substr(0, line.find('#'));
    if (!append_numbers(line, periods))
      throw Error("line " + std::to_string(line_number + 1) + " of '" + path +
                  "' is not a list of periods ('" + detail::shortened(line) +
                  "') write numbers in s");
    at = end + 1;
  }
  return periods;
}

} // namespace

std::vector<DispersionCase> parse_cases(std::string const& text, std::string const& source,
                                        std::span<double const> periods, bool sphere) {
  const Format format = format_of(text, source);
  if (format == Format::json) return detail::parse_json_cases(text, source, periods);
  if (periods.empty())
    throw Error("'" + source + "' has no periods (only JSON files do) add --periods LIST|FILE");
  DispersionCase one = format == Format::model96 ? detail::parse_model96(text, source)
                                                 : detail::parse_table(text, source);
  if (one.spherical && !sphere)
    throw Error("'" + source +
                "', line 5: the model is a SPHERICAL EARTH (only flat models are "
                "solved as they stand) add --flatten, or say FLAT EARTH to take it as flat");
  if (format == Format::model96 && sphere && !one.spherical)
    one.warnings.push_back("line 5 says FLAT EARTH (but flattening is asked for): the model is "
                           "taken as a sphere");
  one.name = std::filesystem::path(source).stem().string();
  one.periods.assign(periods.begin(), periods.end());
  detail::check(one);
  return {one};
}

std::vector<DispersionCase> read_cases(std::string const& path, std::span<double const> periods,
                                       bool sphere) {
  const std::string ending = std::filesystem::path(path).extension().string();
  if (ending == ".h5" || ending == ".hdf5") return detail::read_hdf5_cases(path, periods);
  return parse_cases(read_file(path), path, periods, sphere);
}

std::vector<double> read_periods(std::string const& list_or_file) {
  std::vector<double> periods;
  std::string where = "--periods";
  if (!append_numbers(list_or_file, periods)) {
    std::error_code failed;
    if (!std::filesystem::exists(list_or_file, failed))
      throw Error("--periods '" + detail::shortened(list_or_file) +
                  "' is neither a list of numbers nor a file (LIST is like 5,10,20.5) correct it");
    periods = parse_period_file(read_file(list_or_file), list_or_file);
    where = "'" + list_or_file + "'";
  }
  if (const std::string wrong = dispersion::problem_with_periods(periods); !wrong.empty())
    throw Error(where + ": " + wrong);
  return periods;
}

dispersion::ModelBatch batch_of(std::span<const DispersionCase> cases) {
  dispersion::ModelBatch batch;
  for (DispersionCase const& one : cases) batch.append(one.model(), one.periods);
  return batch;
}

} // namespace moho::study
