// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_files.hpp"
#include "dispersion_files_detail.hpp"
#include "moho/core/error.hpp"
#include "moho/study/atomic_file.hpp"
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <system_error>

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

void reject(DispersionCase& to, std::string const& error) {
  to.thickness.clear();
  to.vp.clear();
  to.vs.clear();
  to.rho.clear();
  to.periods.clear();
  to.kernels.clear();
  to.error = error;
}

void check(DispersionCase& to) {
  if (!to.error.empty()) return;
  std::string wrong = dispersion::problem_with(to.model());
  if (wrong.empty()) wrong = dispersion::problem_with_periods(to.periods);
  if (!wrong.empty()) reject(to, wrong);
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
                                        std::span<double const> periods) {
  const Format format = format_of(text, source);
  if (format == Format::json) return detail::parse_json_cases(text, source, periods);
  if (periods.empty())
    throw Error("'" + source + "' has no periods (only JSON files do) add --periods LIST|FILE");
  DispersionCase one = format == Format::model96 ? detail::parse_model96(text, source)
                                                 : detail::parse_table(text, source);
  one.name = std::filesystem::path(source).stem().string();
  one.periods.assign(periods.begin(), periods.end());
  detail::check(one);
  return {one};
}

std::vector<DispersionCase> read_cases(std::string const& path, std::span<double const> periods) {
  return parse_cases(read_file(path), path, periods);
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
