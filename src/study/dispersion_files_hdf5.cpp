// SPDX-License-Identifier: BSD-3-Clause
// Answers as HDF5: flat rows, so that any reader gets at them without knowing moho.
#include "dispersion_files_detail.hpp"
#include "moho/parallel/hdf5.hpp"
#include <algorithm>
#include <limits>

namespace moho::study {
namespace {

using dispersion::Wave;
using parallel::h5::File;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool asked(DispersionAnswers const& a, Wave wave) {
  return a.options.waves[static_cast<std::size_t>(wave)];
}

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
  std::vector<std::string> names, errors;
  std::vector<std::int64_t> offset{0};
  std::vector<double> thickness, vp, vs, rho;
  auto const append = [](std::vector<double>& to, std::vector<double> const& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (std::size_t i = 0; i < a.cases.size(); ++i) {
    DispersionCase const& one = a.cases[i];
    names.push_back(without_nul(one.name));
    errors.push_back(without_nul(a.error(i)));
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
  std::vector<double> phase, group;
  std::vector<std::int8_t> status;
  auto const append = [&](std::size_t i, Wave wave, int mode) {
    auto const& curve = a.curves.wave[static_cast<std::size_t>(wave)];
    const std::size_t first = static_cast<std::size_t>(mode) * a.curves.points +
                              static_cast<std::size_t>(a.batch.period_offset()[i]);
    for (std::size_t p = 0; p < a.cases[i].periods.size(); ++p) {
      keys.append(i, wave, mode, a.cases[i].periods[p]);
      phase.push_back(curve.phase[first + p]);
      group.push_back(curve.group[first + p]);
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
  write(file, "/curve/ellipticity", std::vector<double>(phase.size(), nan), "1");
  write(file, "/curve/status", status);
  file.set_attribute("/curve/status", "codes",
                     "0 ok, 1 absent, 2 failed, 3 multivalued, 4 channel, 5 extended");
}

void write_kernels(File& file, DispersionAnswers const& a) {
  Keys keys;
  std::vector<std::int64_t> offset{0};
  std::vector<std::string> reason;
  for (std::size_t i = 0; i < a.cases.size(); ++i) {
    if (!a.error(i).empty()) continue;
    for (KernelRequest const& request : a.cases[i].kernels) {
      if (!asked(a, request.wave)) continue;
      keys.append(i, request.wave, request.mode, request.period);
      offset.push_back(offset.back() + static_cast<std::int64_t>(a.cases[i].thickness.size()));
      reason.emplace_back(detail::no_kernels);
    }
  }
  keys.write_to(file, "/kernel");
  write(file, "/kernel/offset", offset);
  const std::vector<double> unknown(static_cast<std::size_t>(offset.back()), nan);
  write(file, "/kernel/dc_dh", unknown, "(km/s)/km");
  write(file, "/kernel/dc_dvp", unknown, "(km/s)/(km/s)");
  write(file, "/kernel/dc_dvs", unknown, "(km/s)/(km/s)");
  write(file, "/kernel/dc_drho", unknown, "(km/s)/(g/cm3)");
  write(file, "/kernel/dU_dvs", unknown, "(km/s)/(km/s)");
  file.write_strings("/kernel/reason", reason);
}

void write_flags(File& file, DispersionAnswers const& a) {
  Keys keys;
  std::vector<std::int8_t> kind;
  std::vector<std::string> reason;
  std::vector<std::int64_t> offset{0};
  std::vector<double> phase, group;
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
  write(file, "/flag/ellipticity", std::vector<double>(phase.size(), nan), "1");
  write(file, "/flag/N_above", count_above);
}

} // namespace

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
