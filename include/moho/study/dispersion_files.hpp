// SPDX-License-Identifier: BSD-3-Clause
// Files of dispersion cases: reading cases and published answers, writing answers.
#pragma once
#include "moho/dispersion/model.hpp"
#include "moho/dispersion/sensitivity.hpp"
#include "moho/dispersion/solve.hpp"
#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moho::parallel::h5 {
class File;
}

namespace moho::study {

/// A sensitivity kernel asked for: one mode of one wave at one period (s), listed or not.
struct KernelRequest {
  dispersion::Wave wave;
  int mode;
  double period;
};

/// One record of a file of cases. A record that cannot be used keeps its place and says why in
/// `error`; its columns are then empty. Units: km, km/s, km/s, g/cm3, s.
struct DispersionCase {
  std::string name;
  std::vector<double> thickness, vp, vs, rho; ///< (layers), the half-space last
  std::vector<double> periods;                ///< in the order of the file
  std::vector<KernelRequest> kernels;
  std::string error; ///< "" or `PROBLEM (WHY) SUGGESTION`, naming the key and the row
  std::vector<std::string> warnings{}; ///< what looks wrong, with the evidence; nothing was changed
  bool spherical = false;              ///< the file says that the model is a sphere
  dispersion::LayeredModel model() const { return {thickness, vp, vs, rho}; }
};

/// Reads a file of cases: JSON (format `surface-wave-reference/1` or `moho.dispersion/1`), HDF5 as
/// `write_answers` writes it, CPS `model96`, or a table of thickness, vp, vs, rho (commas or
/// blanks). Periods that are given replace those of the file; a model96 file or a table has none of
/// its own. `sphere`: the models are to be taken as spheres; without it a model96 file of a
/// SPHERICAL EARTH is unusable. Throws moho::Error naming the file, and the line or key, if the
/// file as a whole is unusable.
std::vector<DispersionCase> read_cases(std::string const& path,
                                       std::span<double const> periods = {}, bool sphere = false);

/// The same from text; `source` names it in messages and picks the format by its ending
/// (`.json` must be JSON), else the content tells.
std::vector<DispersionCase> parse_cases(std::string const& text, std::string const& source,
                                        std::span<double const> periods = {}, bool sphere = false);

/// A period list from the command line: numbers separated by commas or blanks, or the name of a
/// file of such numbers (`#` starts a comment). Periods in s, order kept. Throws moho::Error.
std::vector<double> read_periods(std::string const& list_or_file);

/// A published curve, (periods) each; NaN where the mode is absent or the value is not known.
struct ReferenceCurve {
  dispersion::Wave wave;
  int mode;
  std::vector<double> phase, group, ellipticity; ///< ellipticity: empty for Love
};

/// A published root of a period at which a branch folds.
struct ReferenceRoot {
  double phase, group, ellipticity; ///< km/s, km/s, signed u_x/u_z
  int count_above;
};

/// All published Rayleigh roots of one period (s), ascending.
struct ReferencePoint {
  double period;
  int count; ///< modes below vs of the half-space times (1 - 1e-7)
  std::vector<ReferenceRoot> roots;
};

/// A published kernel: derivatives by layer, by name ("dc_dvs", "dU_dvs"; dispersion_kernels.hpp).
struct ReferenceKernel {
  KernelRequest of;
  std::map<std::string, std::vector<double>> values; ///< (layers) each
};

/// A case together with its published answers (reference/physics/dispersion/README.md).
struct ReferenceCase {
  DispersionCase request;
  std::array<std::vector<int>, 2> mode_count; ///< by Wave, (periods); empty if not given
  int max_mode_listed = -1;             ///< curves above it are not in the file, though they exist
  std::vector<ReferenceCurve> curves;   ///< a mode <= max_mode_listed without a curve is absent
  std::vector<ReferencePoint> points;   ///< of a file with `points[]` (folds), else empty
  std::vector<ReferenceKernel> kernels; ///< of `request.kernels`, in their order

  /// The curve of a mode, or nullptr if the file has none.
  ReferenceCurve const* curve(dispersion::Wave wave, int mode) const;
};

/// Reads a JSON file of cases with their answers. Throws moho::Error naming file, case and key:
/// here, unlike in `read_cases`, one unusable case makes the whole file unusable.
std::vector<ReferenceCase> read_reference(std::string const& path);
std::vector<ReferenceCase> parse_reference(std::string const& text, std::string const& source);

/// The batch of a list of cases, in order; a case with an error is an empty model in it.
dispersion::ModelBatch batch_of(std::span<const DispersionCase> cases);

/// Answers to the kernel requests of cases, case by case, each case's in the order it asks.
struct KernelAnswers {
  std::vector<double> phase;                 ///< (requests) km/s; NaN where there is no root
  std::vector<dispersion::Status> status;    ///< (requests) of the root
  dispersion::Sensitivities sensitivities{}; ///< (requests) `reason` says why one is NaN
};

/// Cases, the batch made of them and its answers, ready to be written.
struct DispersionAnswers {
  std::span<const DispersionCase> cases;
  dispersion::ModelBatch const& batch;
  dispersion::Curves const& curves;
  dispersion::SolveOptions options;
  KernelAnswers const& kernels; ///< to `DispersionCase::kernels` of all cases

  /// What is wrong with case i: its own error or the solver's; "" if sound.
  std::string const& error(std::size_t i) const;
  std::size_t errors() const;        ///< cases with an error
  std::size_t failed_points() const; ///< flags of kind `failed` in the other cases
};

/// The answers as JSON text, format `moho.dispersion/1`. Every number reads back exactly.
std::string answers_as_json(DispersionAnswers const& answers);

/// Writes the answers into an open HDF5 file: groups case, model, mode_count, curve, kernel, flag.
void write_answers(parallel::h5::File& file, DispersionAnswers const& answers);

/// The answers as a table for people: for each case and wave a line per period, its modes side by
/// side, flags named; then its kernels, a line per layer.
std::string answers_as_table(DispersionAnswers const& answers);

} // namespace moho::study
