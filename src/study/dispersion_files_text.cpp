// SPDX-License-Identifier: BSD-3-Clause
// Answers as a table for people.
#include "dispersion_files_detail.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>

namespace moho::study {
namespace {

using detail::asked;
using dispersion::Flag;
using dispersion::Status;
using dispersion::Wave;

/// Modes side by side; more go into blocks of their own below.
constexpr int modes_per_block = 3;

template <class... Values>
std::string text(char const* format, Values... values) {
  char line[256];
  std::snprintf(line, sizeof line, format, values...);
  return line;
}

std::string cell(double value) {
  return std::isfinite(value) ? text(" %10.6f", value) : text(" %10s", "-");
}

/// The points of one wave of one case.
struct Panel {
  DispersionAnswers const& answers;
  DispersionCase const& of;
  Wave wave;
  std::size_t first; ///< point of the first period
  dispersion::Curves::OfWave const& curve() const {
    return answers.curves.wave[static_cast<std::size_t>(wave)];
  }
  std::size_t at(int mode, std::size_t p) const {
    return static_cast<std::size_t>(mode) * answers.curves.points + first + p;
  }
};

/// What is special about a period: "  mode 0 multivalued, mode 1 extended".
std::string marks_of(Panel const& panel, int from, int to, std::size_t p) {
  std::string marks;
  for (int mode = from; mode < to; ++mode) {
    const Status status = panel.curve().status[panel.at(mode, p)];
    if (status == Status::ok || status == Status::absent) continue;
    marks += (marks.empty() ? "  " : ", ") + text("mode %d %s", mode, name(status));
  }
  return marks;
}

void append_block(std::string& table, Panel const& panel, int from, int to) {
  bool const rayleigh = panel.wave == Wave::rayleigh;
  table += text("  %-8s %12s %6s", name(panel.wave), "period s", "modes");
  for (int mode = from; mode < to; ++mode) {
    table += text(" %10s", text("c%d km/s", mode).c_str());
    table += text(" %10s", text("U%d km/s", mode).c_str());
    if (rayleigh) table += text(" %10s", text("ux/uz %d", mode).c_str());
  }
  table += "  flags\n";
  for (std::size_t p = 0; p < panel.of.periods.size(); ++p) {
    int const count = panel.curve().mode_count[panel.first + p];
    table += text("  %-8s %12.6g %6s", name(panel.wave), panel.of.periods[p],
                  count < 0 ? "?" : std::to_string(count).c_str());
    for (int mode = from; mode < to; ++mode) {
      const std::size_t at = panel.at(mode, p);
      table += cell(panel.curve().phase[at]) + cell(panel.curve().group[at]);
      if (rayleigh) table += cell(detail::ellipticity_of(panel.curve(), at));
    }
    table += marks_of(panel, from, to, p) + "\n";
  }
}

void append_flags(std::string& table, DispersionCase const& of, std::span<const Flag> flags) {
  for (Flag const& flag : flags) {
    table += text("  %s at %.6g s", name(flag.wave),
                  of.periods.at(static_cast<std::size_t>(flag.period_index)));
    if (flag.mode >= 0) table += ", mode " + std::to_string(flag.mode);
    table += std::string(": ") + name(flag.kind) + " (" + flag.reason + ")";
    for (dispersion::Root const& root : flag.roots)
      table += (&root == flag.roots.data() ? "; roots" : ",") + text(" %.6f", root.phase);
    table += "\n";
  }
}

void append_kernel(std::string& table, DispersionAnswers const& a, DispersionCase const& of,
                   KernelRequest const& request, std::size_t k) {
  dispersion::Sensitivities const& found = a.kernels.sensitivities;
  table +=
      text("  kernel of %s mode %d at %.6g s: ", name(request.wave), request.mode, request.period);
  auto const first = static_cast<std::size_t>(found.offset.at(k));
  if (!std::isfinite(found.dphase.vs[first])) {
    table += found.reason[k] + "\n";
    return;
  }
  table += text("c %.6f, U %.6f km/s", a.kernels.phase[k], found.group[k]);
  if (!found.reason[k].empty()) table += " (" + found.reason[k] + ")";
  table += text("\n  %12s", "top km");
  constexpr std::size_t shown = 8; // those of c and U
  auto const has = [&](std::size_t c) {
    return request.wave == Wave::rayleigh || !detail::kernel_columns[c].rayleigh_only;
  };
  for (std::size_t c = 0; c < shown; ++c)
    if (has(c)) table += text(" %12s", detail::kernel_columns[c].name);
  table += "\n";
  double top = 0;
  for (std::size_t row = 0; row < of.thickness.size(); top += of.thickness[row++]) {
    table += text("  %12.6g", top);
    for (std::size_t c = 0; c < shown; ++c)
      if (has(c)) table += text(" %12.5e", detail::kernel_columns[c].of(a.kernels)[first + row]);
    table += "\n";
  }
}

} // namespace

std::string answers_as_table(DispersionAnswers const& answers) {
  std::string table;
  detail::FlagsOfCases flags(answers.curves.flags);
  std::size_t kernel = 0;
  for (std::size_t i = 0; i < answers.cases.size(); ++i) {
    DispersionCase const& one = answers.cases[i];
    auto const own = flags.next(i);
    const std::size_t first_kernel = kernel;
    kernel += one.kernels.size();
    table += one.name;
    if (!answers.error(i).empty()) {
      table += "\n  error: " + answers.error(i) + "\n";
      continue;
    }
    table += " (" + std::to_string(one.thickness.size()) + " rows)\n";
    for (const Wave wave : dispersion::all_waves)
      for (int mode = 0; asked(answers, wave) && mode < answers.curves.modes;
           mode += modes_per_block)
        append_block(
            table, {answers, one, wave, static_cast<std::size_t>(answers.batch.period_offset()[i])},
            mode, std::min(mode + modes_per_block, answers.curves.modes));
    append_flags(table, one, own);
    for (std::size_t r = 0; r < one.kernels.size(); ++r)
      append_kernel(table, answers, one, one.kernels[r], first_kernel + r);
  }
  return table;
}

} // namespace moho::study
