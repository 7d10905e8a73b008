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

/// Appends the numbers of row `line` of a text; what is wrong names the line and the column.
void append_row(DispersionCase& to, std::string_view row, Columns const& columns,
                std::string const& source, std::size_t line) {
  const std::vector<std::string_view> cells = cells_of(row);
  const std::string where = place(source, line);
  std::array<std::vector<double>*, 4> into{&to.thickness, &to.vp, &to.vs, &to.rho};
  for (std::size_t i = 0; i < 4; ++i) {
    double value = 0;
    if (columns[i] >= cells.size())
      throw Error(where + "no " + column_names[i] + " (the row has " +
                  std::to_string(cells.size()) + " cells) give thickness, vp, vs, rho");
    if (!read_number(cells[columns[i]], value))
      throw Error(where + column_names[i] + " is '" + shortened(cells[columns[i]]) + "' (column " +
                  std::to_string(columns[i] + 1) + " is not a number) correct it");
    into[i]->push_back(value);
  }
}

/// Which of the four columns a heading's word names; 4 if none. Units may follow: "H(KM)".
std::size_t column_named(std::string_view cell) {
  static constexpr std::array<std::array<char const*, 2>, 4> spellings{
      {{"thickness", "h"}, {"vp", "alpha"}, {"vs", "beta"}, {"rho", "density"}}};
  const std::string word = lower(trimmed(cell.substr(0, cell.find_first_of("(["))));
  for (std::size_t i = 0; i < 4; ++i)
    for (char const* const spelling : spellings[i])
      if (word == spelling) return i;
  return 4;
}

/// A heading's words; units that stand apart ("vs (km/s)") belong to the word before them.
std::vector<std::string> heading_cells(std::string_view line) {
  std::vector<std::string> words;
  for (std::string_view const cell : cells_of(line))
    if (!words.empty() && (cell.starts_with('(') || cell.starts_with('[')))
      words.back() += " " + std::string(cell);
    else
      words.emplace_back(cell);
  return words;
}

/// Warns of a column whose heading names units that moho does not take.
void warn_of_heading(DispersionCase& to, std::vector<std::string> const& heading,
                     Columns const& columns, std::string const& where) {
  static constexpr std::array<char const*, 4> wrong{"(m)", "(m/s)", "(m/s)", "(kg/m"};
  static constexpr std::array<char const*, 4> right{"km", "km/s", "km/s", "g/cm3"};
  for (std::size_t i = 0; i < 4; ++i) {
    std::string word = lower(heading[columns[i]]);
    std::replace(word.begin(), word.end(), '[', '(');
    std::replace(word.begin(), word.end(), ']', ')');
    if (word.find(wrong[i]) != word.npos)
      to.warnings.push_back(where + "the heading says '" + shortened(heading[columns[i]]) +
                            "' (the numbers were taken as " + right[i] + ") convert the column");
  }
}

/// The columns a heading names; throws if one of the four is missing or named twice.
Columns columns_from(std::vector<std::string> const& heading, std::string const& where) {
  Columns columns{};
  for (std::size_t i = 0; i < 4; ++i) {
    auto const is_this = [i](std::string_view cell) { return column_named(cell) == i; };
    auto const at = std::find_if(heading.begin(), heading.end(), is_this);
    if (at == heading.end())
      throw Error(where + "no column " + column_names[i] +
                  " (neither numbers nor a heading) give JSON, a model96 file or rows of "
                  "thickness, vp, vs, rho");
    if (std::count_if(heading.begin(), heading.end(), is_this) > 1)
      throw Error(where + "two columns " + column_names[i] + " (which one?) name it once");
    columns[i] = static_cast<std::size_t>(at - heading.begin());
  }
  return columns;
}

bool all_numbers(std::vector<std::string_view> const& cells) {
  double ignored = 0;
  return std::all_of(cells.begin(), cells.end(),
                     [&](std::string_view cell) { return read_number(cell, ignored); });
}

// CPS model96: twelve heading lines, then rows of H, VP, VS, RHO, QP, QS, ETAP, ETAS, FREFP, FREFS.
constexpr std::size_t heading_lines = 12;

/// What a heading line must begin with, and why.
struct Heading {
  std::size_t line;
  char const* start;
  char const* why;
};
constexpr std::array<Heading, 4> headings{
    {{2, "ISOTROPIC", "only isotropic models are solved"},
     {3, "KGS", "units must be km, km/s and g/cm3"},
     {5, "1-D", "only one-dimensional models are solved"},
     {6, "CONSTANT", "velocities must be constant in each layer"}}};
constexpr std::array<char const*, 7> keywords{"ISOTROPIC", "KGS",      "FLAT", "SPHERICAL",
                                              "1-D",       "CONSTANT", "LINE"};

bool begins(std::string_view line, std::string_view word) {
  return lower(trimmed(line)).starts_with(lower(word));
}

/// Refuses a heading line that does not say what its place asks for.
[[noreturn]] void refuse_heading(std::string_view line, std::size_t number,
                                 std::string const& needed, std::string const& why,
                                 std::string const& source) {
  bool const other = std::any_of(keywords.begin(), keywords.end(),
                                 [&](char const* word) { return begins(line, word); });
  throw Error(place(source, number) + "'" + shortened(line) + "' where model96 has " + needed +
              " (" + (other ? "the heading lines are mixed up or one is missing" : why) +
              ") correct the heading or convert the model");
}

/// Line 12 must name the columns in the order of the format, which is fixed.
void check_column_heading(std::vector<std::string_view> const& lines, std::string const& source) {
  auto const names_columns = [&](std::size_t i) {
    auto const cells = cells_of(lines[i]);
    return cells.size() >= 4 && column_named(cells[0]) < 4 && column_named(cells[1]) < 4;
  };
  for (std::size_t i = 7; i < heading_lines - 1; ++i)
    if (names_columns(i) || (cells_of(lines[i]).size() >= 4 && all_numbers(cells_of(lines[i]))))
      throw Error(place(source, i) + "'" + shortened(lines[i]) +
                  "' comes too early (model96 has 12 heading lines, the last names the columns) "
                  "complete the heading");
  constexpr std::size_t last = heading_lines - 1;
  auto const cells = cells_of(lines[last]);
  for (std::size_t i = 0; i < 4; ++i)
    if (i >= cells.size() || column_named(cells[i]) != i)
      throw Error(place(source, last) + "'" + shortened(lines[last]) +
                  "' does not name H, VP, VS, RHO in this order (column " + std::to_string(i + 1) +
                  "; the order of model96 is fixed) correct the heading or the columns");
}

bool says_spherical(std::vector<std::string_view> const& lines, std::string const& source) {
  constexpr std::size_t shape = 4;
  if (begins(lines[shape], "SPHERICAL")) return true;
  if (begins(lines[shape], "FLAT")) return false;
  refuse_heading(lines[shape], shape, "FLAT EARTH or SPHERICAL EARTH", "the shape is not known",
                 source);
}

} // namespace

DispersionCase parse_table(std::string const& text, std::string const& source) {
  DispersionCase one;
  Columns columns{0, 1, 2, 3};
  bool first = true, headed = false;
  const std::vector<std::string_view> lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = lines[i].substr(0, lines[i].find('#'));
    auto const cells = cells_of(line);
    if (cells.empty()) continue;
    bool const heading = first && !all_numbers(cells);
    first = false;
    if (heading) {
      auto const words = heading_cells(line);
      columns = columns_from(words, place(source, i));
      warn_of_heading(one, words, columns, place(source, i));
      headed = true;
      continue;
    }
    if (!headed && cells.size() != 4)
      throw Error(place(source, i) + "a row of " + std::to_string(cells.size()) +
                  " cells (four are needed: thickness, vp, vs, rho) correct it or add a heading");
    append_row(one, line, columns, source, i);
  }
  return one;
}

DispersionCase parse_model96(std::string const& text, std::string const& source) {
  const std::vector<std::string_view> lines = lines_of(text);
  // What is there is looked at first: it tells more than that the rest is missing.
  for (Heading const& heading : headings)
    if (heading.line < lines.size() && !begins(lines[heading.line], heading.start))
      refuse_heading(lines[heading.line], heading.line, heading.start, heading.why, source);
  if (lines.size() <= heading_lines)
    throw Error("'" + source + "' ends after " + std::to_string(lines.size()) +
                " lines (a model96 file has 12 heading lines, then rows) complete it");
  DispersionCase one;
  one.spherical = says_spherical(lines, source);
  check_column_heading(lines, source);
  for (std::size_t i = heading_lines; i < lines.size(); ++i)
    if (!trimmed(lines[i]).empty()) append_row(one, lines[i], {0, 1, 2, 3}, source, i);
  return one;
}

} // namespace moho::study::detail
