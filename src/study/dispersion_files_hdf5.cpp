// SPDX-License-Identifier: BSD-3-Clause
// Answers as HDF5: flat rows, so that any reader gets at them without knowing moho; and the cases
// read back from them.
#include "dispersion_files_detail.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

using detail::asked;
using dispersion::Wave;
using parallel::h5::File;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr char const* status_codes =
    "0 ok, 1 absent, 2 failed, 3 multivalued, 4 channel, 5 extended";

void write(File& file, std::string const& path, std::vector<double> const& values,
           char const* units) {
  file.write(path, std::span<double const>(values));
  if (*units) file.set_attribute(path, "units", units);
}

template <class Integer>
void write(File& file, std::string const& path, std::vector<Integer> const& values) {
  file.write(path, std::span<const Integer>(values));
}

/// HDF5 strings end at the first NUL, which a name from JSON may contain.
std::string without_nul(std::string text) {
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

/// The columns that say to what a row belongs.
struct Keys {
  std::vector<std::int64_t> of_case;
  std::vector<std::int8_t> wave;
  std::vector<std::int32_t> mode;
  std::vector<double> period;

  void append(std::size_t i, Wave w, int m, double t) {
    of_case.push_back(static_cast<std::int64_t>(i));
    wave.push_back(static_cast<std::int8_t>(w));
    mode.push_back(m);
    period.push_back(t);
  }
  void write_to(File& file, std::string const& group, bool with_mode = true) const {
    write(file, group + "/case", of_case);
    write(file, group + "/wave", wave);
    if (with_mode) write(file, group + "/mode", mode);
    write(file, group + "/period", period, "s");
  }
};

void write_models(File& file, DispersionAnswers const& a) {
  std::vector<std::string> names, errors, warnings;
  std::vector<std::int64_t> offset{0};
  std::vector<double> thickness, vp, vs, rho;
  auto const append = [](std::vector<double>& to, std::vector<double> const& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (std::size_t i = 0; i < a.cases.size(); ++i) {
    DispersionCase const& one = a.cases[i];
    names.push_back(without_nul(one.name));
    errors.push_back(without_nul(a.error(i)));
    std::string& warning = warnings.emplace_back();
    for (std::string const& one : a.cases[i].warnings)
      warning += (warning.empty() ? "" : "\n") + without_nul(one);
    if (a.error(i).empty()) { // a case with an error has no rows
      append(thickness, one.thickness);
      append(vp, one.vp);
      append(vs, one.vs);
      append(rho, one.rho);
    }
    offset.push_back(static_cast<std::int64_t>(thickness.size()));
  }
  file.write_strings("/case/name", names);
  file.write_strings("/case/error", errors);
  file.write_strings("/case/warning", warnings);
  write(file, "/model/offset", offset);
  write(file, "/model/thickness", thickness, "km");
  write(file, "/model/vp", vp, "km/s");
  write(file, "/model/vs", vs, "km/s");
  write(file, "/model/rho", rho, "g/cm3");
}

void write_counts(File& file, DispersionAnswers const& a) {
  Keys keys;
  std::vector<std::int32_t> count;
  for (std::size_t i = 0; i < a.cases.size(); ++i) {
    if (!a.error(i).empty()) continue;
    auto const first = static_cast<std::size_t>(a.batch.period_offset()[i]);
    for (Wave wave : dispersion::all_waves)
      for (std::size_t p = 0; asked(a, wave) && p < a.cases[i].periods.size(); ++p) {
        keys.append(i, wave, 0, a.cases[i].periods[p]);
        count.push_back(a.curves.wave[static_cast<std::size_t>(wave)].mode_count[first + p]);
      }
  }
  keys.write_to(file, "/mode_count", false);
  write(file, "/mode_count/count", count);
}

void write_curves(File& file, DispersionAnswers const& a) {
  Keys keys;
  std::vector<double> phase, group, ellipticity;
  std::vector<std::int8_t> status;
  auto const append = [&](std::size_t i, Wave wave, int mode) {
    auto const& curve = a.curves.wave[static_cast<std::size_t>(wave)];
    const std::size_t first = static_cast<std::size_t>(mode) * a.curves.points +
                              static_cast<std::size_t>(a.batch.period_offset()[i]);
    for (std::size_t p = 0; p < a.cases[i].periods.size(); ++p) {
      keys.append(i, wave, mode, a.cases[i].periods[p]);
      phase.push_back(curve.phase[first + p]);
      group.push_back(curve.group[first + p]);
      ellipticity.push_back(detail::ellipticity_of(curve, first + p));
      status.push_back(static_cast<std::int8_t>(curve.status[first + p]));
    }
  };
  for (std::size_t i = 0; i < a.cases.size(); ++i)
    for (Wave wave : dispersion::all_waves)
      for (int mode = 0; a.error(i).empty() && asked(a, wave) && mode < a.curves.modes; ++mode)
        append(i, wave, mode);
  keys.write_to(file, "/curve");
  write(file, "/curve/phase", phase, "km/s");
  write(file, "/curve/group", group, "km/s");
  write(file, "/curve/ellipticity", ellipticity, "1");
  write(file, "/curve/status", status);
  file.set_attribute("/curve/status", "codes", status_codes);
}

/// The rows of a kernel start at its offset; a derivative that its wave does not have is NaN.
void write_kernels(File& file, DispersionAnswers const& a) {
  dispersion::Sensitivities const& found = a.kernels.sensitivities;
  Keys keys;
  std::vector<std::int64_t> offset{0};
  std::vector<double> phase, group, ellipticity;
  std::vector<std::int8_t> status;
  std::vector<std::string> reason;
  std::array<std::vector<double>, detail::kernel_columns.size()> values;
  std::size_t k = 0;
  for (std::size_t i = 0; i < a.cases.size(); ++i)
    for (KernelRequest const& request : a.cases[i].kernels) {
      const std::size_t from = k++;
      if (!a.error(i).empty()) continue;
      keys.append(i, request.wave, request.mode, request.period);
      phase.push_back(a.kernels.phase[from]);
      group.push_back(found.group[from]);
      ellipticity.push_back(found.ellipticity[from]);
      status.push_back(static_cast<std::int8_t>(a.kernels.status[from]));
      reason.push_back(without_nul(found.reason[from]));
      offset.push_back(offset.back() + found.offset[from + 1] - found.offset[from]);
      for (std::size_t c = 0; c < values.size(); ++c) {
        detail::KernelColumn const& column = detail::kernel_columns[c];
        bool const known = request.wave == Wave::rayleigh || !column.rayleigh_only;
        for (auto row = static_cast<std::size_t>(found.offset[from]);
             row < static_cast<std::size_t>(found.offset[from + 1]); ++row)
          values[c].push_back(known ? column.of(a.kernels)[row] : nan);
      }
    }
  keys.write_to(file, "/kernel");
  write(file, "/kernel/offset", offset);
  write(file, "/kernel/phase", phase, "km/s");
  write(file, "/kernel/group", group, "km/s");
  write(file, "/kernel/ellipticity", ellipticity, "1");
  write(file, "/kernel/status", status);
  file.set_attribute("/kernel/status", "codes", status_codes);
  for (std::size_t c = 0; c < values.size(); ++c)
    write(file, std::string("/kernel/") + detail::kernel_columns[c].name, values[c],
          detail::kernel_columns[c].units);
  file.write_strings("/kernel/reason", reason);
}

void write_flags(File& file, DispersionAnswers const& a) {
  Keys keys;
  std::vector<std::int8_t> kind;
  std::vector<std::string> reason;
  std::vector<std::int64_t> offset{0};
  std::vector<double> phase, group, ellipticity;
  std::vector<std::int32_t> count_above;
  for (dispersion::Flag const& flag : a.curves.flags) {
    auto const i = static_cast<std::size_t>(flag.case_index);
    if (!a.error(i).empty()) continue;
    keys.append(i, flag.wave, flag.mode,
                a.cases[i].periods.at(static_cast<std::size_t>(flag.period_index)));
    kind.push_back(static_cast<std::int8_t>(flag.kind));
    reason.push_back(without_nul(flag.reason));
    for (dispersion::Root const& root : flag.roots) {
      phase.push_back(root.phase);
      group.push_back(root.group);
      ellipticity.push_back(root.ellipticity);
      count_above.push_back(root.count_above);
    }
    offset.push_back(static_cast<std::int64_t>(phase.size()));
  }
  keys.write_to(file, "/flag");
  write(file, "/flag/kind", kind);
  file.set_attribute("/flag/kind", "codes", "2 failed, 3 multivalued, 4 channel, 5 extended");
  file.write_strings("/flag/reason", reason);
  write(file, "/flag/offset", offset);
  write(file, "/flag/c", phase, "km/s");
  write(file, "/flag/U", group, "km/s");
  write(file, "/flag/ellipticity", ellipticity, "1");
  write(file, "/flag/N_above", count_above);
}

/// The rows of each case in a group whose column `case` must ascend.
std::vector<std::size_t> rows_of_cases(std::vector<std::int64_t> const& of_case, std::size_t cases,
                                       std::string const& where) {
  auto const count = static_cast<std::int64_t>(cases);
  for (std::size_t r = 0; r < of_case.size(); ++r)
    if (of_case[r] < 0 || of_case[r] >= count || (r > 0 && of_case[r] < of_case[r - 1]))
      throw Error(where + "/case[" + std::to_string(r) + "] = " + std::to_string(of_case[r]) +
                  " (cases ascend from 0 to " + std::to_string(count - 1) + ") write it again");
  std::vector<std::size_t> first(cases + 1);
  for (std::size_t i = 0; i <= cases; ++i)
    first[i] = static_cast<std::size_t>(
        std::lower_bound(of_case.begin(), of_case.end(), static_cast<std::int64_t>(i)) -
        of_case.begin());
  return first;
}

/// Columns of one group, all of one length.
struct Columns {
  std::vector<std::int64_t> of_case, wave, mode;
  std::vector<double> period;
  std::vector<std::size_t> first; ///< (cases + 1) row of each case

  Columns(File const& file, std::string const& group, std::size_t cases, bool with_mode)
      : of_case(file.read_ints(group + "/case")), wave(file.read_ints(group + "/wave")),
        period(file.read_doubles(group + "/period")) {
    if (with_mode) mode = file.read_ints(group + "/mode");
    const std::string where = "'" + file.path() + "', " + group;
    if (wave.size() != of_case.size() || period.size() != of_case.size() ||
        (with_mode && mode.size() != of_case.size()))
      throw Error(where + " has columns of different lengths (each row needs all) write it again");
    for (const std::int64_t w : wave)
      if (w != 0 && w != 1)
        throw Error(where + "/wave has " + std::to_string(w) +
                    " (0 is Rayleigh, 1 Love) correct it");
    first = rows_of_cases(of_case, cases, where);
  }
};

void read_model(DispersionCase& to, File const& file, std::vector<std::int64_t> const& offset,
                std::size_t i, std::array<std::vector<double>, 4> const& columns) {
  std::array<std::vector<double>*, 4> const into{&to.thickness, &to.vp, &to.vs, &to.rho};
  for (std::size_t c = 0; c < 4; ++c) {
    if (offset[i] < 0 || offset[i + 1] < offset[i] ||
        static_cast<std::size_t>(offset[i + 1]) > columns[c].size())
      throw Error("'" + file.path() + "', /model/offset[" + std::to_string(i + 1) +
                  "] does not fit (offsets ascend within the rows) write it again");
    into[c]->assign(columns[c].begin() + offset[i], columns[c].begin() + offset[i + 1]);
  }
}

} // namespace

namespace detail {

std::vector<DispersionCase> read_hdf5_cases(std::string const& path,
                                            std::span<double const> periods) {
  auto const file = File::open(path);
  const std::string format =
      file.has_attribute("/", "format") ? file.string_attribute("/", "format") : "";
  if (format != "moho.dispersion/1")
    throw Error("'" + path + "': format is '" + shortened(format) +
                "' (not 'moho.dispersion/1') give an answer of `moho dispersion`");
  auto const names = file.read_strings("/case/name"), errors = file.read_strings("/case/error");
  auto const offset = file.read_ints("/model/offset");
  const std::array<std::vector<double>, 4> columns{
      file.read_doubles("/model/thickness"), file.read_doubles("/model/vp"),
      file.read_doubles("/model/vs"), file.read_doubles("/model/rho")};
  if (offset.size() != names.size() + 1 || errors.size() != names.size())
    throw Error("'" + path +
                "': /model/offset and /case/error do not fit /case/name (one entry "
                "per case, one more offset) write it again");
  const Columns counts(file, "/mode_count", names.size(), false);
  const Columns kernels(file, "/kernel", names.size(), true);
  std::vector<DispersionCase> cases(names.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    DispersionCase& one = cases[i];
    one.name = names[i];
    if (!errors[i].empty()) {
      one.error = errors[i];
      continue;
    }
    read_model(one, file, offset, i, columns);
    one.periods.assign(periods.begin(), periods.end());
    // Each wave lists the same periods.
    for (std::size_t r = counts.first[i]; periods.empty() && r < counts.first[i + 1]; ++r)
      if (counts.wave[r] == counts.wave[counts.first[i]]) one.periods.push_back(counts.period[r]);
    for (std::size_t r = kernels.first[i]; r < kernels.first[i + 1]; ++r) {
      if (kernels.mode[r] < 0 || !(kernels.period[r] > 0) || !std::isfinite(kernels.period[r]))
        throw Error("'" + path + "', /kernel row " + std::to_string(r) +
                    " asks for no mode or period (mode >= 0, period > 0 s) correct it");
      one.kernels.push_back({static_cast<Wave>(kernels.wave[r]), static_cast<int>(kernels.mode[r]),
                             kernels.period[r]});
    }
    check(one);
  }
  return cases;
}

} // namespace detail

void write_answers(parallel::h5::File& file, DispersionAnswers const& answers) {
  write_models(file, answers);
  write_counts(file, answers);
  write_curves(file, answers);
  write_kernels(file, answers);
  write_flags(file, answers);
  file.set_attribute("/", "format", "moho.dispersion/1");
  for (char const* group : {"/mode_count", "/curve", "/kernel", "/flag"})
    file.set_attribute(group, "waves", "0 rayleigh, 1 love");
}

} // namespace moho::study
