// SPDX-License-Identifier: BSD-3-Clause
// Reading cases and published answers from JSON. What is wrong with one case stays with that case.
#include "dispersion_files_detail.hpp"
#include "moho/core/error.hpp"
#include "moho/study/atomic_file.hpp"
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace moho::study {
namespace {

using Json = nlohmann::json;
using dispersion::Wave;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Starts the strings that stand for numbers which JSON cannot hold. A file that has such a string
/// of its own reads the same: not a finite number.
constexpr char mark = '\x7f';

/// Why one case is unusable.
struct Unusable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bool is_number_letter(char c) {
  return (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

/// JSON has no NaN and no infinity, but many programs write them (`NaN`, `Infinity`, 1e999). They
/// are replaced by marked strings, so that only the case that contains one is unusable.
std::string with_marked_literals(std::string const& text) {
  std::string out;
  out.reserve(text.size() + 16);
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    char const c = text[i];
    if (in_string) {
      const std::size_t n = c == '\\' && i + 1 < text.size() ? 2 : 1;
      out.append(text, i, n);
      in_string = c != '"';
      i += n;
      continue;
    }
    if (c == 'N' || c == 'I') {
      const std::string_view literal = c == 'N' ? "NaN" : "Infinity";
      if (text.compare(i, literal.size(), literal) == 0) {
        out.append(1, '"').append(1, mark).append(literal).append(1, '"');
        i += literal.size();
        continue;
      }
    }
    if (c == '-' && text.compare(i, 9, "-Infinity") == 0) {
      out.append(1, '"').append(1, mark).append("-Infinity\"");
      i += 9;
      continue;
    }
    if (is_number_letter(c)) {
      std::size_t end = i;
      while (end < text.size() && is_number_letter(text[end])) ++end;
      const std::string_view token = std::string_view(text).substr(i, end - i);
      // Only an exponent or hundreds of digits can exceed a double; others need no look.
      double value = 0;
      bool const suspect = token.size() > 300 || token.find_first_of("eE") != token.npos;
      bool const huge = suspect && detail::read_number(token, value) && std::isinf(value);
      if (huge)
        out.append(1, '"').append(1, mark).append(value < 0 ? "-" : "").append("Infinity\"");
      else
        out.append(token);
      i = end;
      continue;
    }
    in_string = c == '"';
    out.push_back(c);
    ++i;
  }
  return out;
}

/// The document. Throws moho::Error with line and column where it is not JSON.
Json document_from(std::string const& text, std::string const& source) {
  try {
    return Json::parse(with_marked_literals(text));
  } catch (Json::exception const& error) {
    std::string why = error.what();
    if (const std::size_t end = why.find("] "); end != why.npos) why.erase(0, end + 2);
    throw Error("'" + source + "' is not JSON (" + detail::shortened(why, 200) + ") correct it");
  }
}

/// The array `cases` of a document whose format is known. Throws moho::Error naming the key.
Json const& cases_of(Json const& document, std::string const& source) {
  static constexpr std::array<char const*, 2> formats{"surface-wave-reference/1",
                                                      "moho.dispersion/1"};
  const std::string known = std::string("'") + formats[0] + "' or '" + formats[1] + "'";
  if (!document.is_object())
    throw Error("'" + source + "' is not an object of cases (it is " +
                std::string(document.type_name()) + ") see the format " + known);
  auto const format = document.find("format");
  if (format == document.end())
    throw Error("'" + source + "' has no key 'format' (needed to read it) set it to " + known);
  if (!format->is_string() || (*format != formats[0] && *format != formats[1]))
    throw Error("'" + source + "': format is " + detail::shortened(format->dump()) +
                " (not a format of cases) give a file of " + known);
  auto const cases = document.find("cases");
  if (cases == document.end())
    throw Error("'" + source + "' has no key 'cases' (nothing is asked) add the array of cases");
  if (!cases->is_array())
    throw Error("'" + source + "': cases is " + std::string(cases->type_name()) +
                " (an array of cases is needed) correct it");
  if (cases->empty())
    throw Error("'" + source + "': cases is empty (nothing is asked) give at least one case");
  return *cases;
}

Json const& member(Json const& object, std::string const& key, std::string const& at) {
  const std::string where = at.empty() ? key : at + "." + key;
  if (!object.is_object())
    throw Unusable((at.empty() ? "the case" : at) + " is " + object.type_name() +
                   " (an object is needed) correct it");
  auto const found = object.find(key);
  if (found == object.end()) throw Unusable(where + " is missing (it is needed) add it");
  return *found;
}

double number_from(Json const& value, std::string const& where) {
  if (value.is_number()) return value.get<double>();
  if (value.is_string()) {
    auto const& text = value.get_ref<std::string const&>();
    double special = 0;
    if (text.starts_with(mark) && detail::read_number(text.substr(1), special) &&
        !std::isfinite(special))
      return special;
  }
  throw Unusable(where + " is " + detail::shortened(value.dump()) + " (not a number) correct it");
}

std::vector<double> numbers_from(Json const& value, std::string const& where, bool nulls = false) {
  if (!value.is_array())
    throw Unusable(where + " is " + detail::shortened(value.dump()) +
                   " (an array of numbers is needed) correct it");
  std::vector<double> numbers;
  numbers.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i)
    numbers.push_back(nulls && value[i].is_null()
                          ? nan
                          : number_from(value[i], where + "[" + std::to_string(i) + "]"));
  return numbers;
}

int count_from(Json const& value, std::string const& where) {
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0 ||
      value.get<std::int64_t>() > std::numeric_limits<int>::max())
    throw Unusable(where + " is " + detail::shortened(value.dump()) +
                   " (a whole number >= 0 is needed) correct it");
  return value.get<int>();
}

Wave wave_from(Json const& value, std::string const& where) {
  for (Wave wave : dispersion::all_waves)
    if (value == name(wave)) return wave;
  throw Unusable(where + " is " + detail::shortened(value.dump()) +
                 " (not a wave) give \"rayleigh\" or \"love\"");
}

std::string index(char const* key, std::size_t i) {
  return std::string(key) + "[" + std::to_string(i) + "]";
}

std::vector<double> periods_from(Json const& from) {
  if (auto const periods = from.find("periods"); periods != from.end())
    return numbers_from(*periods, "periods");
  auto const points = from.find("points");
  if (points == from.end())
    throw Unusable("periods is missing (no periods are asked) add it, or use --periods");
  if (!points->is_array())
    throw Unusable("points is " + std::string(points->type_name()) + " (an array is needed)");
  std::vector<double> periods;
  for (std::size_t i = 0; i < points->size(); ++i) {
    const std::string at = index("points", i);
    periods.push_back(number_from(member((*points)[i], "period", at), at + ".period"));
  }
  return periods;
}

std::vector<KernelRequest> kernels_from(Json const& from) {
  std::vector<KernelRequest> requests;
  auto const kernels = from.find("kernels");
  if (kernels == from.end()) return requests;
  if (!kernels->is_array())
    throw Unusable("kernels is " + std::string(kernels->type_name()) + " (an array is needed)");
  for (std::size_t i = 0; i < kernels->size(); ++i) {
    const std::string at = index("kernels", i);
    Json const& one = (*kernels)[i];
    KernelRequest request{};
    request.wave = wave_from(member(one, "wave", at), at + ".wave");
    request.mode = count_from(member(one, "mode", at), at + ".mode");
    request.period = number_from(member(one, "period", at), at + ".period");
    if (!std::isfinite(request.period) || request.period <= 0)
      throw Unusable(at + ".period = " + std::to_string(request.period) +
                     " (must be finite and > 0 s) correct it");
    requests.push_back(request);
  }
  return requests;
}

/// Fills everything but the name. Throws Unusable.
void fill(DispersionCase& to, Json const& from, std::span<double const> periods) {
  Json const& model = member(from, "model", "");
  to.thickness = numbers_from(member(model, "thickness", "model"), "model.thickness");
  to.vp = numbers_from(member(model, "vp", "model"), "model.vp");
  to.vs = numbers_from(member(model, "vs", "model"), "model.vs");
  to.rho = numbers_from(member(model, "rho", "model"), "model.rho");
  if (periods.empty())
    to.periods = periods_from(from);
  else
    to.periods.assign(periods.begin(), periods.end());
  to.kernels = kernels_from(from);
}

DispersionCase case_from(Json const& from, std::size_t i, std::span<double const> periods) {
  DispersionCase one;
  one.name = index("case", i); // until a name of its own is found
  try {
    if (from.is_object() && from.contains("name")) {
      if (!from["name"].is_string())
        throw Unusable("name is " + detail::shortened(from["name"].dump()) +
                       " (a string is needed) correct it");
      one.name = from["name"];
    }
    fill(one, from, periods);
  } catch (Unusable const& why) {
    detail::reject(one, why.what());
  }
  detail::check(one);
  return one;
}

void read_counts(ReferenceCase& to, Json const& from) {
  auto const counts = from.find("mode_count");
  if (counts == from.end()) return;
  for (Wave wave : dispersion::all_waves) {
    const std::string where = std::string("mode_count.") + name(wave);
    Json const& list = member(*counts, name(wave), "mode_count");
    if (!list.is_array() || list.size() != to.request.periods.size())
      throw Unusable(where + " does not have one number per period");
    for (std::size_t i = 0; i < list.size(); ++i)
      to.mode_count[static_cast<std::size_t>(wave)].push_back(
          count_from(list[i], where + "[" + std::to_string(i) + "]"));
  }
}

void read_curves(ReferenceCase& to, Json const& from) {
  auto const modes = from.find("modes");
  if (modes == from.end()) return;
  for (std::size_t i = 0; i < modes->size(); ++i) {
    Json const& one = modes->at(i);
    const std::string at = index("modes", i);
    ReferenceCurve curve{wave_from(member(one, "wave", at), at + ".wave"),
                         count_from(member(one, "mode", at), at + ".mode"),
                         numbers_from(member(one, "phase", at), at + ".phase", true),
                         numbers_from(member(one, "group", at), at + ".group", true),
                         {}};
    if (one.contains("ellipticity"))
      curve.ellipticity = numbers_from(one["ellipticity"], at + ".ellipticity", true);
    const std::size_t n = to.request.periods.size();
    if (curve.phase.size() != n || curve.group.size() != n)
      throw Unusable(at + " does not have one phase and one group velocity per period");
    to.max_mode_listed = std::max(to.max_mode_listed, curve.mode);
    to.curves.push_back(std::move(curve));
  }
  if (from.contains("max_mode_listed"))
    to.max_mode_listed = count_from(from["max_mode_listed"], "max_mode_listed");
}

void read_kernels(ReferenceCase& to, Json const& from) {
  const std::size_t layers = to.request.thickness.size();
  for (std::size_t i = 0; i < to.request.kernels.size(); ++i) {
    ReferenceKernel kernel{to.request.kernels[i], {}};
    for (auto const& [key, value] : from.at("kernels").at(i).items()) {
      if (key.rfind("dc_", 0) != 0 && key.rfind("dU_", 0) != 0) continue;
      const std::string at = index("kernels", i) + "." + key;
      kernel.values[key] = numbers_from(value, at);
      if (kernel.values[key].size() != layers)
        throw Unusable(at + " does not have one number per layer");
    }
    to.kernels.push_back(std::move(kernel));
  }
}

void read_points(ReferenceCase& to, Json const& from) {
  auto const points = from.find("points");
  if (points == from.end()) return;
  for (std::size_t i = 0; i < points->size(); ++i) {
    const std::string at = index("points", i);
    Json const& one = points->at(i);
    ReferencePoint point{number_from(member(one, "period", at), at + ".period"),
                         count_from(member(one, "count_at_cmax", at), at + ".count_at_cmax"),
                         {}};
    Json const& roots = member(one, "roots", at);
    for (std::size_t j = 0; j < roots.size(); ++j) {
      const std::string root = at + "." + index("roots", j);
      Json const& r = roots.at(j);
      auto const ellipticity = r.find("ellipticity");
      bool const known = ellipticity != r.end() && !ellipticity->is_null();
      point.roots.push_back({number_from(member(r, "c", root), root + ".c"),
                             number_from(member(r, "U", root), root + ".U"),
                             known ? number_from(*ellipticity, root + ".ellipticity") : nan,
                             count_from(member(r, "N_above", root), root + ".N_above")});
    }
    to.points.push_back(std::move(point));
  }
}

} // namespace

namespace detail {

std::vector<DispersionCase> parse_json_cases(std::string const& text, std::string const& source,
                                             std::span<double const> periods) {
  const Json document = document_from(text, source);
  Json const& list = cases_of(document, source);
  std::vector<DispersionCase> cases;
  cases.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) cases.push_back(case_from(list[i], i, periods));
  return cases;
}

} // namespace detail

ReferenceCurve const* ReferenceCase::curve(Wave wave, int mode) const {
  for (ReferenceCurve const& one : curves)
    if (one.wave == wave && one.mode == mode) return &one;
  return nullptr;
}

std::vector<ReferenceCase> parse_reference(std::string const& text, std::string const& source) {
  const Json document = document_from(text, source);
  Json const& list = cases_of(document, source);
  std::vector<ReferenceCase> cases;
  for (std::size_t i = 0; i < list.size(); ++i) {
    ReferenceCase one;
    one.request = case_from(list[i], i, {});
    try {
      if (!one.request.error.empty()) throw Unusable(one.request.error);
      read_counts(one, list[i]);
      read_curves(one, list[i]);
      read_points(one, list[i]);
      read_kernels(one, list[i]);
    } catch (std::runtime_error const& why) {
      throw Error("'" + source + "', " + index("cases", i) + " '" + one.request.name +
                  "': " + why.what());
    } catch (Json::exception const& why) {
      throw Error("'" + source + "', " + index("cases", i) + " '" + one.request.name +
                  "': " + why.what());
    }
    cases.push_back(std::move(one));
  }
  return cases;
}

std::vector<ReferenceCase> read_reference(std::string const& path) {
  return parse_reference(read_file(path), path);
}

} // namespace moho::study
