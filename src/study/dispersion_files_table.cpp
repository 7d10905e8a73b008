// SPDX-License-Identifier: BSD-3-Clause
// Models in tables: CPS model96 (Herrmann, 2013: Computer Programs in Seismology) and plain
// columns.
#include "dispersion_files_detail.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <array>
#include <cctype>

namespace moho::study::detail {
namespace {

/// The lines of a text without their line ends.
std::vector<std::string_view> lines_of(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Cells between commas or semicolons where the line has some, else between blanks.
std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  line = trimmed(line);
  if (const std::size_t any = line.find_first_of(",;"); any != line.npos) {
    char const separator = line[any];
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t end = std::min(line.find(separator, at), line.size());
      cells.push_back(trimmed(line.substr(at, end - at)));
      at = end + 1;
    }
    return cells;
  }
  for (std::size_t at = line.find_first_not_of(" \t"); at != line.npos;) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    cells.push_back(line.substr(at, end - at));
    at = line.find_first_not_of(" \t", end);
  }
  return cells;
}

std::string lower(std::string_view text) {
  std::string word(text);
  for (char& letter : word)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  return word;
}

std::string place(std::string const& source, std::size_t line) {
  return "'" + source + "', line " + std::to_string(line + 1) + ": ";
}

/// Where thickness, vp, vs and rho stand in a row of cells.
using Columns = std::array<std::size_t, 4>;
constexpr std::array<char const*, 4> column_names{"thickness", "vp", "vs", "rho"};

void append_row(DispersionCase& to, std::vector<std::string_view> const& cells,
                Columns const& columns, std::string const& where) {
  std::array<std::vector<double>*, 4> into{&to.thickness, &to.vp, &to.vs, &to.rho};
  for (std::size_t i = 0; i < 4; ++i) {
    double value = 0;
    if (columns[i] >= cells.size())
      throw Error(where + "no " + column_names[i] + " (the row has " +
                  std::to_string(cells.size()) + " cells) give thickness, vp, vs, rho");
    if (!read_number(cells[columns[i]], value))
      throw Error(where + column_names[i] + " is '" + shortened(cells[columns[i]]) +
                  "' (not a number) correct it");
    into[i]->push_back(value);
  }
}

/// The columns a heading names; throws if one of the four is missing.
Columns columns_from(std::vector<std::string_view> const& heading, std::string const& where) {
  static constexpr std::array<std::array<char const*, 2>, 4> spellings{
      {{"thickness", "h"}, {"vp", "alpha"}, {"vs", "beta"}, {"rho", "density"}}};
  Columns columns{};
  for (std::size_t i = 0; i < 4; ++i) {
    auto const at = std::find_if(heading.begin(), heading.end(), [&](std::string_view cell) {
      const std::string word = lower(cell);
      return word == spellings[i][0] || word == spellings[i][1];
    });
    if (at == heading.end())
      throw Error(where + "no column " + column_names[i] +
                  " (neither numbers nor a heading) give JSON, a model96 file or rows of "
                  "thickness, vp, vs, rho");
    columns[i] = static_cast<std::size_t>(at - heading.begin());
  }
  return columns;
}

bool all_numbers(std::vector<std::string_view> const& cells) {
  double ignored = 0;
  return std::all_of(cells.begin(), cells.end(),
                     [&](std::string_view cell) { return read_number(cell, ignored); });
}

} // namespace

DispersionCase parse_table(std::string const& text, std::string const& source) {
  DispersionCase one;
  Columns columns{0, 1, 2, 3};
  bool first = true, headed = false;
  const std::vector<std::string_view> lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto const cells = cells_of(lines[i].substr(0, lines[i].find('#')));
    if (cells.empty()) continue;
    bool const heading = first && !all_numbers(cells);
    first = false;
    if (heading) {
      columns = columns_from(cells, place(source, i));
      headed = true;
      continue;
    }
    if (!headed && cells.size() != 4)
      throw Error(place(source, i) + "a row of " + std::to_string(cells.size()) +
                  " cells (four are needed: thickness, vp, vs, rho) correct it or add a heading");
    append_row(one, cells, columns, place(source, i));
  }
  return one;
}

DispersionCase parse_model96(std::string const& text, std::string const& source) {
  // The heading is fixed: twelve lines, of which these tell how the rows are meant.
  struct Requirement {
    std::size_t line;
    char const *start, *why;
  };
  static constexpr std::array<Requirement, 5> requirements{
      {{2, "ISOTROPIC", "only isotropic models are solved"},
       {3, "KGS", "units must be km, km/s and g/cm3"},
       {4, "FLAT", "spherical models are not flattened"},
       {5, "1-D", "only one-dimensional models are solved"},
       {6, "CONSTANT", "velocities must be constant in each layer"}}};
  constexpr std::size_t heading_lines = 12;
  const std::vector<std::string_view> lines = lines_of(text);
  if (lines.size() <= heading_lines)
    throw Error("'" + source + "' ends after " + std::to_string(lines.size()) +
                " lines (a model96 file has 12 heading lines, then rows) complete it");
  for (Requirement const& needed : requirements) {
    const std::string start = needed.start;
    if (!lower(trimmed(lines[needed.line])).starts_with(lower(start)))
      throw Error(place(source, needed.line) + "'" + shortened(lines[needed.line]) +
                  "' where model96 has " + start + " (" + needed.why + ") convert the model");
  }
  DispersionCase one;
  for (std::size_t i = heading_lines; i < lines.size(); ++i) {
    auto const cells = cells_of(lines[i]);
    if (!cells.empty()) append_row(one, cells, {0, 1, 2, 3}, place(source, i));
  }
  return one;
}

} // namespace moho::study::detail
