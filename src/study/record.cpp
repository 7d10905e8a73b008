// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/record.hpp"
#include "moho/core/error.hpp"
#include "moho/core/statistics.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace moho::study {
namespace {

using Json = nlohmann::ordered_json;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// NaN and infinity are not JSON.
Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}

double real(Json const& value) {
  return value.is_number() ? value.get<double>() : nan;
}

Json checks_json(std::vector<Check> const& checks) {
  Json list = Json::array();
  for (Check const& check : checks) {
    Json item{{"name", check.name},
              {"value", number(check.value)},
              {"relation", symbol(check.relation)},
              {"limit", number(check.limit)},
              {"pass", check.pass() && std::isfinite(check.value)}};
    if (!check.note.empty()) item["note"] = check.note;
    list.push_back(std::move(item));
  }
  return list;
}

Json timings_json(std::map<std::string, Timing> const& timings) {
  Json all = Json::object();
  for (auto const& [region, timing] : timings) {
    const Interval ci = bootstrap_median(timing.samples);
    all[region] = {{"unit", "s"},
                   {"samples", timing.samples},
                   {"median", number(median(timing.samples))},
                   {"mad", number(median_absolute_deviation(timing.samples))},
                   {"ci95", {number(ci.low), number(ci.high)}},
                   {"rank_min", number(timing.rank_min)},
                   {"rank_max", number(timing.rank_max)},
                   {"warmup", timing.warmup}};
  }
  return all;
}

bool valid(Record const& record) {
  return record.status == CaseStatus::ok || record.status == CaseStatus::partial;
}

Json merits_json(Record const& record) {
  Json list = Json::array();
  for (FigureOfMerit const& merit : record.merits)
    list.push_back({{"name", merit.name},
                    {"value", valid(record) ? number(merit.value) : Json(nullptr)},
                    {"unit", merit.unit},
                    {"better", merit.higher_is_better ? "higher" : "lower"}});
  return list;
}

Json provenance_of(Record const& record, Json const& item) {
  Json provenance = Json::parse(record.provenance);
  // Random draws are those of the problem's seed.
  if (item.contains("seed")) provenance["run"]["seed"] = item["seed"];
  if (record.peak_memory > 0) provenance["run"]["peak_memory"] = record.peak_memory;
  if (record.ceilings) {
    provenance["host"]["stream"] = number(record.ceilings->stream);
    provenance["host"]["gemm"] = number(record.ceilings->gemm);
  }
  return provenance;
}

/// Under a temporary name, which is returned.
std::string write_data(std::vector<Dataset> const& data, std::string const& path) {
  const std::string temporary = temporary_name(path);
  try {
    auto file = parallel::h5::File::create(temporary);
    for (Dataset const& set : data) {
      const std::string name = "/" + set.path;
      std::visit(
          [&](auto const& values) {
            using T = typename std::decay_t<decltype(values)>::value_type;
            if constexpr (std::is_same_v<T, std::string>)
              file.write_strings(name, values);
            else if constexpr (std::is_floating_point_v<T>)
              file.write(name, std::span<const T>(values), set.shape, set.chunk);
            else
              file.write(name, std::span<const T>(values), set.shape);
          },
          set.values);
      if (!set.units.empty()) file.set_attribute(name, "units", set.units);
    }
    file.set_attribute("/", "format", "moho.data/1");
    file.close();
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
  return temporary;
}

/// Does another process of this host that still runs own this temporary file (temporary_name)?
bool being_written(std::string const& name) {
  const std::size_t digits = name.find(".tmp") + 4;
  long const process = std::strtol(name.c_str() + digits, nullptr, 10);
  return process > 0 && process != ::getpid() && ::kill(static_cast<pid_t>(process), 0) == 0;
}

/// What a killed run left under a temporary name; another launch may be writing here as well.
void remove_leftovers(std::string const& folder) {
  std::error_code ignored;
  for (auto const& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name[0] == '.' && name.find(".tmp") != std::string::npos && !being_written(name))
      std::filesystem::remove(entry.path(), ignored);
  }
}

CaseStatus status_named(std::string const& text) {
  for (const CaseStatus status : {CaseStatus::ok, CaseStatus::partial, CaseStatus::invalid})
    if (text == name(status)) return status;
  return CaseStatus::failed;
}

Outcome outcome_of(Json const& record, std::string const& id) {
  Outcome outcome;
  if (record.at("format") != "moho.result/1" || record.at("id") != id) return outcome;
  outcome.status = status_named(record.at("status").get<std::string>());
  outcome.error = record.value("error", "");
  outcome.done = outcome.status == CaseStatus::ok || outcome.status == CaseStatus::invalid;
  Json const& timings = record.at("timings");
  outcome.apply = timings.contains("apply") ? real(timings.at("apply").at("median")) : nan;
  for (Json const& check : record.at("checks"))
    if (!check.at("pass").get<bool>())
      outcome.broken.push_back(
          check.at("name").get<std::string>() + " " + check.at("value").dump() + " " +
          check.at("relation").get<std::string>() + " " + check.at("limit").dump() +
          (check.contains("note") ? ": " + check.at("note").get<std::string>() : ""));
  for (Json const& merit : record.at("fom"))
    outcome.merits.push_back({merit.at("name"), real(merit.at("value")), merit.at("unit"),
                              merit.at("better") == "higher"});
  return outcome;
}

} // namespace

char const* name(CaseStatus status) {
  switch (status) {
  case CaseStatus::ok:
    return "ok";
  case CaseStatus::partial:
    return "partial";
  case CaseStatus::invalid:
    return "invalid";
  case CaseStatus::failed:
    return "failed";
  }
  return "?";
}

void judge(Record& record) {
  for (auto const& [metric, limit] : record.item.limits) {
    if (record.partial) break;
    auto const found = std::find_if(record.metrics.begin(), record.metrics.end(),
                                    [&](Metric const& m) { return m.name == metric; });
    double const value = found != record.metrics.end() ? found->value : nan;
    bool const both = std::isfinite(limit.least) && std::isfinite(limit.most);
    if (std::isfinite(limit.most))
      record.checks.push_back({metric, value, Relation::at_most, limit.most, "limit of the study"});
    if (std::isfinite(limit.least))
      record.checks.push_back({both ? metric + ".least" : metric, value, Relation::at_least,
                               limit.least, "limit of the study"});
  }
  bool const sound =
      std::all_of(record.checks.begin(), record.checks.end(),
                  [](Check const& check) { return check.pass() && std::isfinite(check.value); });
  record.status = !sound           ? CaseStatus::invalid
                  : record.partial ? CaseStatus::partial
                                   : CaseStatus::ok;
  auto const apply = record.timings.find("apply");
  if (apply == record.timings.end()) return;
  double const seconds = median(apply->second.samples);
  for (Counter const& counter : record.counters)
    if (counter.rate)
      record.merits.push_back(
          {counter.name + "_per_second", static_cast<double>(counter.value) / seconds, "1/s"});
}

std::string to_json(Record const& record) {
  const Json item = Json::parse(to_json(record.item));
  Json counters = Json::object(), metrics = Json::object();
  for (Counter const& counter : record.counters) counters[counter.name] = counter.value;
  for (Metric const& metric : record.metrics) metrics[metric.name] = number(metric.value);
  Json result{{"format", "moho.result/1"},
              {"id", record.item.id},
              {"study", record.study},
              {"case", item},
              {"status", name(record.status)}};
  if (!record.error.empty()) result["error"] = record.error;
  result["provenance"] = provenance_of(record, item);
  result["checks"] = checks_json(record.checks);
  result["counters"] = counters;
  result["timings"] = timings_json(record.timings);
  result["metrics"] = metrics;
  result["fom"] = merits_json(record);
  result["data"] = record.data.empty() ? Json(nullptr) : Json("data.h5");
  // An error text may hold bytes that are not UTF-8 (a file name); they are replaced.
  return result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void write_record(Record const& record, std::string const& folder) {
  make_folder(folder);
  remove_leftovers(folder);
  const std::string result = folder + "/result.json", data = folder + "/data.h5";
  std::error_code ignored;
  // What is there stays until the new files are whole: a full disk costs the new ones alone.
  const std::string arrays = record.data.empty() ? "" : write_data(record.data, data);
  std::string text;
  try {
    text = write_beside(result, to_json(record));
  } catch (...) {
    std::filesystem::remove(arrays, ignored);
    throw;
  }
  std::filesystem::remove(result, ignored); // never beside the arrays of another
  if (arrays.empty())
    std::filesystem::remove(data, ignored);
  else
    atomic_replace(arrays, data);
  atomic_replace(text, result);
}

namespace {

bool is_empty_or_missing(std::string const& path) {
  std::error_code failed;
  auto const size = std::filesystem::file_size(path, failed);
  return failed || size == 0;
}

} // namespace

Outcome read_outcome(std::string const& folder, std::string const& id) {
  try {
    const Json record = Json::parse(read_file(folder + "/result.json"));
    Outcome outcome = outcome_of(record, id);
    if (record.at("data").is_string() && is_empty_or_missing(folder + "/data.h5"))
      outcome.done = false; // its arrays are gone
    return outcome;
  } catch (std::exception const&) {
    return {};
  }
}

} // namespace moho::study
