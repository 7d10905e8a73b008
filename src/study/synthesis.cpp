// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/synthesis.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/cross_validation.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

namespace moho::study {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// --- which ---------------------------------------------------------------------------------------

Parameters without(Parameters const& parameters, Names const& keys) {
  Parameters rest;
  for (auto const& [key, value] : parameters.values())
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) rest.set(key, value);
  return rest;
}

/// The case without what its fellows differ in, its limits and its row.
Case common(Case item, Names const& axes) {
  item.problem.parameters = without(item.problem.parameters, axes);
  item.method.parameters = without(item.method.parameters, axes);
  if (std::find(axes.begin(), axes.end(), "ranks") != axes.end()) item.ranks.reset();
  for (std::string const& key : axes) item.axes.erase(key);
  item.limits.clear();
  item.asked.clear();
  item.asked_labels.clear();
  item.protocol = {};
  return item;
}

/// Groups that agree in all but `axes`, in the order of their first case.
std::vector<Synthesis> grouped(std::vector<Case> const& cases, Names const& axes) {
  std::vector<Synthesis> groups;
  std::map<std::string, std::size_t> place;
  for (Case const& item : cases) {
    Case shared = common(item, axes);
    auto const [found, fresh] = place.emplace(to_json(shared), groups.size());
    if (fresh) groups.push_back({std::move(shared), {}, ConvergenceProtocol{}});
    groups[found->second].points.push_back(item);
  }
  return groups;
}

/// Identity: the points and what is made of them.
void name(Synthesis& synthesis, std::string const& kind) {
  Names ids;
  for (Case const& point : synthesis.points) ids.push_back(point.id);
  synthesis.item.protocol.set("synthesis", kind);
  synthesis.item.protocol.set("points", ids);
  synthesis.item.id = case_id(synthesis.item);
}

double number(Value const& value) {
  auto const* integer = std::get_if<std::int64_t>(&value);
  return integer ? static_cast<double>(*integer) : std::get<double>(value);
}

/// The rate that theory promises for these points; none where they lack the parameter.
std::optional<double> expected_rate(ConvergenceProtocol const& protocol, Case const& item) {
  for (Parameters const* part : {&item.problem.parameters, &item.method.parameters})
    if (part->has(protocol.expected_of))
      return number(part->at(protocol.expected_of)) + static_cast<double>(protocol.expected_plus);
  return protocol.expected;
}

std::vector<Synthesis> fits(ConvergenceProtocol const& protocol, std::vector<Case> const& cases) {
  std::vector<Case> along;
  std::copy_if(cases.begin(), cases.end(), std::back_inserter(along),
               [&](Case const& item) { return item.axes.count(protocol.axis) != 0; });
  Names axes = protocol.pool;
  axes.push_back(protocol.axis);
  std::vector<Synthesis> found = grouped(along, axes);
  for (Synthesis& synthesis : found) {
    std::stable_sort(synthesis.points.begin(), synthesis.points.end(),
                     [&](Case const& a, Case const& b) {
                       return number(a.axes.at(protocol.axis)) < number(b.axes.at(protocol.axis));
                     });
    ConvergenceProtocol its = protocol;
    its.expected = expected_rate(protocol, synthesis.item);
    synthesis.item.limits = its.limits;
    Parameters& own = synthesis.item.protocol;
    own.set("axis", protocol.axis);
    own.set("error", protocol.error);
    own.set("refine", std::string(protocol.refine == Refine::up ? "up" : "down"));
    own.set("floor", protocol.floor);
    own.set("pool", protocol.pool);
    if (its.expected) own.set("expected", *its.expected);
    if (its.expected) own.set("tolerance", its.tolerance);
    synthesis.protocol = std::move(its);
    name(synthesis, "convergence");
  }
  return found;
}

std::vector<Synthesis> matrices(CrossValidationProtocol const& protocol,
                                std::vector<Case> const& cases) {
  std::vector<Synthesis> found;
  std::map<std::string, std::size_t> place;
  for (Case const& row : cases) {
    const std::string key = row.method.name + to_json(row.method.parameters) +
                            row.protocol.text("asked_hash") +
                            (row.ranks ? std::to_string(*row.ranks) : "");
    auto const [at, fresh] = place.emplace(key, found.size());
    if (fresh) found.push_back({row, {}, protocol});
    found[at->second].points.push_back(row);
  }
  for (Synthesis& synthesis : found) {
    Names differing;
    Case const& first = synthesis.points.front();
    for (auto const& [key, value] : first.problem.parameters.values())
      for (Case const& row : synthesis.points)
        if (!row.problem.parameters.has(key) || row.problem.parameters.at(key) != value) {
          differing.push_back(key);
          break;
        }
    synthesis.item = common(first, differing);
    synthesis.item.protocol = {};
    synthesis.item.limits = protocol.limits;
    synthesis.item.protocol.set("error", protocol.error);
    synthesis.item.protocol.set("tau", protocol.tau);
    name(synthesis, "cross-validation");
  }
  return found;
}

// --- reading points ------------------------------------------------------------------------------

/// The records of the points.
class Points {
public:
  Points(Synthesis const& synthesis, std::string const& folder)
      : _points(synthesis.points), _folder(folder) {
    for (Case const& point : _points) {
      const std::string path = folder + "/" + point.id + "/result.json";
      try {
        _records.push_back(Json::parse(read_file(path)));
        _invalid += _records.back().at("status") != "ok";
      } catch (Json::exception const& error) {
        throw Error("cannot use the record '" + path + "' (" + error.what() +
                    ") run that case again: --force --case " + point.id);
      }
    }
  }

  std::size_t size() const { return _points.size(); }
  /// NaN where it is not known.
  double metric(std::size_t i, std::string const& name) const {
    return real(_records[i].at("metrics"), name);
  }
  double seconds(std::size_t i) const {
    double sum = 0;
    for (char const* region : {"prepare", "apply"})
      sum += real(_records[i].at("timings").at(region), "median");
    return sum;
  }
  Names metric_names() const {
    Names names;
    for (auto const& [name, value] : _records.front().at("metrics").items()) names.push_back(name);
    return names;
  }
  parallel::h5::File data(std::size_t i) const {
    try {
      return parallel::h5::File::open(_folder + "/" + _points[i].id + "/data.h5");
    } catch (Error const& error) {
      throw Error(std::string(error.what()) + " run that case again: --force --case " +
                  _points[i].id);
    }
  }
  Check check() const {
    return {"points_invalid", static_cast<double>(_invalid), Relation::equal, 0,
            "the records that this is made from pass their own checks"};
  }

private:
  static double real(Json const& object, std::string const& key) {
    auto const found = object.find(key);
    return found != object.end() && found->is_number() ? found->get<double>() : nan;
  }

  std::vector<Case> const& _points;
  std::string _folder;
  std::vector<Json> _records;
  std::int64_t _invalid = 0;
};

Names ids_of(std::vector<Case> const& points) {
  Names ids;
  for (Case const& point : points) ids.push_back(point.id);
  return ids;
}

// --- a fit ---------------------------------------------------------------------------------------

/// No error below what the truth itself is known to can be told from zero.
double floor_of(ConvergenceProtocol const& protocol, Points const& points) {
  constexpr double certain = 3; // uncertainties apart
  double floor = protocol.floor;
  for (std::size_t i = 0; i < points.size(); ++i)
    if (double const u = points.metric(i, "truth_uncertainty"); u > 0)
      floor = std::max(floor, certain * u);
  return floor;
}

void set_checks(Record& record, RateFit const& fit, ConvergenceProtocol const& protocol) {
  if (!protocol.expected) return;
  record.checks.push_back({"rate_found", fit.found ? 1.0 : 0.0, Relation::equal, 1,
                           fit.found ? "the data carry a rate" : fit.reason});
  if (!fit.found) return;
  record.checks.push_back({"rate_expected", std::fabs(fit.rate - *protocol.expected),
                           Relation::at_most, protocol.tolerance,
                           "deviation of the rate from the expected one"});
}

Record fitted(Synthesis const& synthesis, ConvergenceProtocol const& protocol,
              std::string const& folder) {
  const Points points(synthesis, folder);
  std::vector<double> x, error;
  for (std::size_t i = 0; i < points.size(); ++i) {
    x.push_back(number(synthesis.points[i].axes.at(protocol.axis)));
    error.push_back(std::fabs(points.metric(i, protocol.error)));
  }
  FitOptions options;
  options.refine = protocol.refine;
  options.floor = floor_of(protocol, points);
  const RateFit fit = fit_rate(x, error, options);
  std::vector<std::int8_t> used;
  for (std::size_t i = 0; i < x.size(); ++i)
    used.push_back(fit.found && x[i] >= fit.from && x[i] <= fit.to && error[i] > options.floor);

  Record record;
  record.checks.push_back(points.check());
  set_checks(record, fit, protocol);
  auto const known = [&](double value) { return fit.found ? value : nan; };
  record.metrics = {{"rate", known(fit.rate)},
                    {"rate_low", known(fit.low)},
                    {"rate_high", known(fit.high)},
                    {"rate_from", known(fit.from)},
                    {"rate_to", known(fit.to)},
                    {"rate_points", known(double(fit.points))},
                    {"rate_constant", known(fit.constant)}};
  record.counters = {{"points", static_cast<std::int64_t>(x.size())}};
  record.data = {{"convergence/x", "", x},
                 {"convergence/error", "", error},
                 {"convergence/used", "", used},
                 {"convergence/id", "", ids_of(synthesis.points)},
                 {"convergence/reason", "", Names{fit.reason}}};
  return record;
}

// --- a matrix ------------------------------------------------------------------------------------

/// matrix/<metric> of every metric that the rows have of all that is asked.
std::map<std::string, std::vector<double>> asked_metrics(Points const& points,
                                                         Names const& labels) {
  std::map<std::string, std::vector<double>> all;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const parallel::h5::File data = points.data(i);
    for (std::string const& name : data.list("/asked")) {
      if (name == "label") continue;
      const std::vector<double> row = data.read_doubles("/asked/" + name);
      if (row.size() != labels.size())
        throw Error("cannot use '" + data.path() + "' (/asked/" + name + " has " +
                    std::to_string(row.size()) + " values for " + std::to_string(labels.size()) +
                    " problems) run that case again with --force");
      std::vector<double>& matrix = all[name];
      matrix.resize(i * labels.size(), nan);
      matrix.insert(matrix.end(), row.begin(), row.end());
    }
  }
  for (auto& [name, matrix] : all) matrix.resize(points.size() * labels.size(), nan);
  return all;
}

std::vector<Space> spaces_of(Synthesis const& synthesis, MakeProblem const& make_problem,
                             Environment const& environment) {
  std::vector<Space> spaces;
  for (Case const& row : synthesis.points) {
    spaces.push_back(make_problem(row.problem, environment)->space());
    spaces.back().name = row.protocol.text("prepared_on");
  }
  return spaces;
}

std::vector<Dataset> row_datasets(Points const& points, std::vector<Case> const& rows) {
  std::vector<Dataset> data{{"row/id", "", ids_of(rows)}};
  std::vector<double> values(points.size());
  auto const add = [&](std::string const& name, auto const& value) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value(i);
    data.push_back({"row/" + name, name == "seconds" ? "s" : "", values});
  };
  for (std::string const& name : points.metric_names())
    add(name, [&](std::size_t i) { return points.metric(i, name); });
  add("seconds", [&](std::size_t i) { return points.seconds(i); });
  return data;
}

Record cross_validated(Synthesis const& synthesis, CrossValidationProtocol const& protocol,
                       std::string const& folder, MakeProblem const& make_problem,
                       Environment const& environment) {
  const Points points(synthesis, folder);
  Names const& labels = synthesis.points.front().asked_labels;
  const std::map<std::string, std::vector<double>> metrics = asked_metrics(points, labels);
  const std::vector<Space> spaces = spaces_of(synthesis, make_problem, environment);
  auto const error = metrics.find(protocol.error);
  if (error == metrics.end())
    throw Error("no row of '" + synthesis.item.id + "' has the metric '" + protocol.error +
                "' of what it is asked (cross_validation.error names one that only its own "
                "problem has) choose another");
  const Generalization found = generalization({spaces, error->second}, protocol.tau);
  double seconds = 0;
  for (std::size_t i = 0; i < points.size(); ++i) seconds += points.seconds(i);

  Record record;
  record.checks.push_back(points.check());
  auto const lost = std::count_if(error->second.begin(), error->second.end(),
                                  [](double value) { return !std::isfinite(value); });
  record.checks.push_back({"errors_not_finite", static_cast<double>(lost), Relation::equal, 0,
                           "every entry of the matrix is a number"});
  record.metrics = {{"sgi", found.sgi},
                    {"ood_jump", found.ood_jump},
                    {"diagonality", found.diagonality},
                    {"in_span_max", found.in_span_max},
                    {"out_of_span_min", found.out_of_span_min},
                    {"broadest", found.broadest},
                    {"broadest_worst", found.broadest_worst}};
  record.timings["rows"] = {{seconds}, seconds, seconds, 0}; // prepare and apply of all rows
  record.counters = {{"rows", static_cast<std::int64_t>(points.size())}};
  Names families;
  std::vector<std::int8_t> contains;
  for (Space const& a : spaces) {
    families.push_back(a.family);
    for (Space const& b : spaces) contains.push_back(a.contains(b));
  }
  const std::vector<std::size_t> shape{spaces.size(), spaces.size()};
  record.data = row_datasets(points, synthesis.points);
  record.data.push_back({"matrix/label", "", labels});
  record.data.push_back({"matrix/family", "", families});
  record.data.push_back({"matrix/contains", "", contains, shape});
  for (auto const& [name, matrix] : metrics)
    record.data.push_back({"matrix/" + name, "", matrix, shape});
  return record;
}

} // namespace

std::vector<std::string> const& ConvergenceProtocol::metrics() {
  static const Names names{"rate",    "rate_low",    "rate_high",    "rate_from",
                           "rate_to", "rate_points", "rate_constant"};
  return names;
}

std::vector<std::string> const& CrossValidationProtocol::metrics() {
  static const Names names{"sgi",           "ood_jump",        "diagonality",
                           "in_span_max",   "out_of_span_min", "broadest",
                           "broadest_worst"};
  return names;
}

std::vector<Synthesis> syntheses(Study const& study, std::vector<Case> const& cases) {
  std::vector<Synthesis> all;
  for (ConvergenceProtocol const& protocol : study.convergence)
    for (Synthesis& fit : fits(protocol, cases)) all.push_back(std::move(fit));
  if (study.cross_validation)
    for (Synthesis& matrix : matrices(*study.cross_validation, cases))
      all.push_back(std::move(matrix));
  return all;
}

SynthesisState state(Synthesis const& synthesis, std::string const& folder) {
  auto const record = [&](std::string const& id) { return folder + "/" + id + "/result.json"; };
  fs::file_time_type youngest = fs::file_time_type::min();
  for (Case const& point : synthesis.points) {
    std::error_code missing;
    const fs::file_time_type time = fs::last_write_time(record(point.id), missing);
    if (missing || !read_outcome(folder + "/" + point.id, point.id).done)
      return SynthesisState::waiting;
    youngest = std::max(youngest, time);
  }
  std::error_code missing;
  const fs::file_time_type made = fs::last_write_time(record(synthesis.item.id), missing);
  bool const done = !missing && made >= youngest &&
                    read_outcome(folder + "/" + synthesis.item.id, synthesis.item.id).done;
  return done ? SynthesisState::done : SynthesisState::due;
}

Record synthesize(Synthesis const& synthesis, std::string const& folder,
                  MakeProblem const& make_problem, Environment const& environment) {
  Record record;
  if (auto const* fit = std::get_if<ConvergenceProtocol>(&synthesis.protocol))
    record = fitted(synthesis, *fit, folder);
  else
    record = cross_validated(synthesis, std::get<CrossValidationProtocol>(synthesis.protocol),
                             folder, make_problem, environment);
  record.item = synthesis.item;
  judge(record);
  return record;
}

} // namespace moho::study
