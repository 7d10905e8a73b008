// SPDX-License-Identifier: BSD-3-Clause
// JSON <-> plain data: records, baseline files, and the update of the latter.
#include "baseline_detail.hpp"
#include "moho/core/error.hpp"
#include "moho/study/atomic_file.hpp"
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace moho::study {
namespace baseline {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr char record_format[] = "moho.result/1", baseline_format[] = "moho.baseline/1";

/// Parses a file of the given format. Throws moho::Error naming the file.
Json read_json(fs::path const& file, char const* format) {
  Json json;
  try {
    json = Json::parse(read_file(file.string()));
  } catch (Json::exception const& error) {
    throw Error("cannot read '" + file.string() + "' (not JSON: " + error.what() +
                ") write it again");
  }
  const std::string found =
      json.is_object() && json.contains("format") ? json["format"].dump() : "none";
  if (found != Json(format).dump())
    throw Error("cannot use '" + file.string() + "' (its format is " + found + ", not \"" + format +
                "\") give a file that this version of moho wrote");
  return json;
}

/// Runs `read` and turns a missing key or a wrong type into an error that names the file.
template <class Read>
auto reading(fs::path const& file, Read const& read) {
  try {
    return read();
  } catch (Json::exception const& error) {
    throw Error("cannot use '" + file.string() + "' (" + error.what() +
                ") see analysis/schema.json for what a record holds");
  }
}

Value value_of(Json const& json) {
  if (json.is_null()) return {"null", 0, false};
  return {json.dump(), json.get<double>(), true};
}

/// Arrays become name[0], name[1], ...
void add_metric(Case& one, std::string const& name, Json const& json) {
  if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i)
      add_metric(one, name + "[" + std::to_string(i) + "]", json[i]);
    return;
  }
  auto const value = value_of(json);
  one.metrics[name] = {value, value.known ? default_tolerance(value.number) : Tolerance{}};
}

Case record_of(fs::path const& file) {
  const Json json = read_json(file, record_format);
  return reading(file, [&] {
    Case one;
    one.file = file.string();
    one.study = json.at("study").get<std::string>();
    one.id = json.at("id").get<std::string>();
    one.status = json.at("status").get<std::string>();
    one.error = json.value("error", "");
    one.config = json.at("case").dump();
    auto const& provenance = json.at("provenance");
    one.platform = provenance.at("build").value("platform", "");
    one.sha = provenance.at("git").at("sha").get<std::string>();
    one.dirty = provenance.at("git").at("dirty").get<bool>();
    one.utc = provenance.at("run").at("utc").get<std::string>();
    for (auto const& check : json.at("checks")) {
      const bool pass = check.at("pass").get<bool>();
      auto [place, fresh] = one.checks.emplace(check.at("name").get<std::string>(), pass);
      if (!fresh) place->second = place->second && pass;
    }
    for (auto const& [name, count] : json.at("counters").items())
      one.counters[name] = value_of(count);
    for (auto const& [name, metric] : json.at("metrics").items()) add_metric(one, name, metric);
    for (auto const& [name, timing] : json.at("timings").items())
      one.timings[name] = {value_of(timing.at("median")), value_of(timing.at("mad")),
                           timing.at("samples").size(), timing.at("unit").get<std::string>(),
                           "lower"};
    for (auto const& fom : json.at("fom"))
      one.timings["fom:" + fom.at("name").get<std::string>()] = {
          value_of(fom.at("value")), value_of(nullptr), 1, fom.at("unit").get<std::string>(),
          fom.at("better").get<std::string>()};
    return one;
  });
}

Case stored_case(Json const& file, std::string const& id, Json const& json) {
  Case one;
  one.study = file.at("study").get<std::string>();
  one.platform = file.at("platform").get<std::string>();
  one.id = id;
  one.config = json.at("case").dump();
  one.sha = json.at("sha").get<std::string>();
  one.dirty = json.at("dirty").get<bool>();
  one.utc = json.at("utc").get<std::string>();
  one.why = json.at("why").get<std::string>();
  for (auto const& check : json.at("checks")) one.checks[check.get<std::string>()] = true;
  for (auto const& [name, count] : json.at("counters").items())
    one.counters[name] = value_of(count);
  for (auto const& [name, metric] : json.at("metrics").items())
    one.metrics[name] = {value_of(metric.at(0)),
                         {metric.at(1).get<double>(), metric.at(2).get<double>()}};
  for (auto const& [name, timing] : json.at("timings").items())
    one.timings[name] = {value_of(timing.at(0)), value_of(timing.at(1)),
                         timing.at(2).get<std::size_t>(), timing.at(3).get<std::string>(),
                         timing.at(4).get<std::string>()};
  return one;
}

Json json_of(Value const& value) {
  return Json::parse(value.text);
}

Json json_of(Case const& one) {
  Json checks = Json::array(), counters = Json::object(), metrics = Json::object(),
       timings = Json::object();
  for (auto const& entry : one.checks) checks.push_back(entry.first);
  for (auto const& [name, value] : one.counters) counters[name] = json_of(value);
  for (auto const& [name, metric] : one.metrics)
    metrics[name] = {json_of(metric.value), metric.allowed.abs, metric.allowed.rel};
  for (auto const& [name, timing] : one.timings)
    timings[name] = {json_of(timing.median), json_of(timing.mad),
                     timing.samples,         timing.unit,
                     timing.better,          "soft"};
  return {{"case", Json::parse(one.config)},
          {"checks", checks},
          {"counters", counters},
          {"metrics", metrics},
          {"timings", timings},
          {"why", one.why},
          {"sha", one.sha},
          {"dirty", one.dirty},
          {"utc", one.utc}};
}

/// JSON with one value per line down to the case, and one line per value below: diffs stay
/// readable.
std::string pretty(Json const& file) {
  std::string text = "{\n";
  for (auto const& [key, value] : file.items()) {
    if (key == "cases") continue;
    text += "  " + Json(key).dump() + ": " + value.dump() + ",\n";
  }
  text += "  \"cases\": {";
  char const* between = "\n";
  for (auto const& [id, one] : file.at("cases").items()) {
    text += between + ("    " + Json(id).dump()) + ": {";
    between = ",\n";
    char const* comma = "\n";
    for (auto const& [key, value] : one.items()) {
      text += comma + ("      " + Json(key).dump()) + ": ";
      comma = ",\n";
      if (!value.is_object() || value.empty() || key == "case") {
        text += value.dump();
        continue;
      }
      char const* inner = "{\n";
      for (auto const& [name, entry] : value.items()) {
        text += inner + ("        " + Json(name).dump()) + ": " + entry.dump();
        inner = ",\n";
      }
      text += "\n      }";
    }
    text += "\n    }";
  }
  return text + "\n  }\n}\n";
}

bool has_format(fs::path const& file, char const* format) {
  if (file.extension() != ".json") return false;
  auto const json = Json::parse(read_file(file.string()), nullptr, false);
  return json.is_object() && json.value("format", Json()) == format;
}

} // namespace

std::string one_line(std::string const& config) {
  const Json json = Json::parse(config);
  std::string text;
  for (auto const& [key, value] : json.items()) {
    if (!text.empty()) text += ' ';
    text += key + '=' + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  constexpr std::size_t most = 100;
  return text.size() > most ? text.substr(0, most - 3) + "..." : text;
}

Cases read_records(fs::path const& path) {
  std::vector<fs::path> files;
  if (!fs::exists(path))
    throw Error("cannot read '" + path.string() + "' (no such file or folder) check the path");
  if (!fs::is_directory(path)) {
    files.push_back(path);
  } else {
    // <out>/<study>/<case>/result.json: three levels, whichever of them was given.
    constexpr auto options = fs::directory_options::skip_permission_denied;
    for (fs::recursive_directory_iterator it(path, options), end; it != end; ++it) {
      if (it.depth() >= 2) it.disable_recursion_pending();
      if (it->path().filename() == "result.json") files.push_back(it->path());
    }
  }
  std::sort(files.begin(), files.end());
  Cases cases;
  for (auto const& file : files) {
    auto one = record_of(file);
    const Key key{one.study, one.id};
    auto const [place, fresh] = cases.emplace(key, std::move(one));
    if (!fresh)
      throw Error("cannot use '" + file.string() + "' (case " + key.second + " of study " +
                  key.first + " stands in '" + place->second.file + "' too) remove one of them");
  }
  return cases;
}

bool is_baseline(fs::path const& path) {
  if (!fs::exists(path)) return path.filename() == "baselines";
  if (!fs::is_directory(path)) return has_format(path, baseline_format);
  if (path.filename() == "baselines") return true;
  for (auto const& platform : fs::directory_iterator(path)) {
    if (!platform.is_directory()) {
      if (has_format(platform.path(), baseline_format)) return true;
      continue;
    }
    for (auto const& file : fs::directory_iterator(platform.path()))
      if (file.is_regular_file() && has_format(file.path(), baseline_format)) return true;
  }
  return false;
}

Cases read_baseline(fs::path const& file) {
  const Json json = read_json(file, baseline_format);
  return reading(file, [&] {
    Cases cases;
    const auto study = json.at("study").get<std::string>();
    for (auto const& [id, one] : json.at("cases").items()) {
      auto stored = stored_case(json, id, one);
      stored.file = file.string();
      cases.emplace(Key{study, id}, std::move(stored));
    }
    return cases;
  });
}

std::string platform_of(Cases const& cases) {
  Case const* first = nullptr;
  for (auto const& entry : cases) {
    if (first == nullptr) first = &entry.second;
    if (entry.second.platform != first->platform)
      throw Error("cannot use records of two platforms together ('" + first->platform + "' in '" +
                  first->file + "', '" + entry.second.platform + "' in '" + entry.second.file +
                  "') compare them one at a time, or name the platform by --platform");
  }
  return first == nullptr ? "" : first->platform;
}

Side baselines_for(fs::path const& path, Cases const& now, std::string const& platform) {
  Side side;
  side.is_baseline = true;
  if (fs::is_regular_file(path)) {
    side.cases = read_baseline(path);
    return side;
  }
  auto const key = platform.empty() ? platform_of(now) : platform;
  // The folder of one platform is as good as the folder of all.
  bool const inside = path.filename() == key;
  std::set<std::string> studies;
  for (auto const& entry : now) studies.insert(entry.first.first);
  for (auto const& study : studies) {
    auto const file = (inside ? path : path / key) / (study + ".json");
    if (key.empty())
      side.notes.push_back("the records of " + study + " name no platform: not judged");
    else if (!fs::exists(file))
      side.notes.push_back("no baseline for study " + study + " on platform " + key +
                           ": not judged (write one by `moho baseline update`)");
    else
      side.cases.merge(read_baseline(file));
  }
  return side;
}

} // namespace baseline

namespace {

using namespace baseline;

void refuse_unfit(Cases const& cases, std::string const& folder) {
  if (cases.empty())
    throw Error("no baseline written (no result.json in '" + folder +
                "' or below it) give a folder that `moho run` wrote");
  for (auto const& [key, one] : cases) {
    if (one.status != "ok")
      throw Error("no baseline written (the record '" + one.file + "' is " + one.status +
                  ") only valid results can be a baseline");
    for (auto const& [check, pass] : one.checks)
      if (!pass)
        throw Error("no baseline written (check '" + check + "' fails in '" + one.file +
                    "') only valid results can be a baseline");
  }
}

/// Tolerances: given for the name, else those stored for a metric that keeps its kind, else the
/// default.
void settle_tolerances(Case& one, Case const* stored, UpdateOptions const& options) {
  for (auto& [name, metric] : one.metrics) {
    auto const given = options.tolerances.find(name);
    if (given != options.tolerances.end()) {
      metric.allowed = given->second;
    } else if (stored != nullptr) {
      auto const old = stored->metrics.find(name);
      if (old != stored->metrics.end() && old->second.value.known && metric.value.known) {
        // What was only the default follows the new value; what a person set stays.
        auto const standard = default_tolerance(old->second.value.number);
        auto const [abs, rel] = old->second.allowed;
        if (abs != standard.abs || rel != standard.rel) metric.allowed = old->second.allowed;
      }
    }
  }
}

/// The new content of one file: fresh cases over the stored ones.
Updated merge_study(std::filesystem::path const& file, Cases const& fresh,
                    UpdateOptions const& options, Cases& merged) {
  Updated updated{.file = file.string()};
  const Cases stored = std::filesystem::exists(file) ? read_baseline(file) : Cases{};
  for (auto const& [key, one] : fresh) {
    auto const old = stored.find(key);
    ++(old == stored.end() ? updated.added : updated.replaced);
    auto& place = merged[key] = one;
    place.why = options.why;
    updated.dirty = updated.dirty || one.dirty;
    settle_tolerances(place, old == stored.end() ? nullptr : &old->second, options);
  }
  for (auto const& [key, one] : stored) {
    if (fresh.count(key) > 0) continue;
    ++(options.prune ? updated.dropped : updated.kept);
    if (!options.prune) merged.emplace(key, one);
  }
  return updated;
}

std::string file_text(Cases const& merged, Cases const& fresh, std::string const& platform,
                      std::string const& why) {
  auto const& newest =
      std::max_element(fresh.begin(), fresh.end(), [](auto const& a, auto const& b) {
        return a.second.utc < b.second.utc;
      })->second;
  Json json{{"format", baseline_format}, {"platform", platform},
            {"study", newest.study},     {"why", why},
            {"sha", newest.sha},         {"dirty", newest.dirty},
            {"utc", newest.utc},         {"cases", Json::object()}};
  for (auto const& [key, one] : merged) json["cases"][key.second] = json_of(one);
  return pretty(json);
}

} // namespace

std::vector<Updated> update_baselines(std::string const& run_folder, UpdateOptions const& options) {
  if (options.why.find_first_not_of(" \t\r\n") == std::string::npos)
    throw Error("no baseline written (the reason is empty) say by --why what changed and why the "
                "new values are right");
  const Cases cases = read_records(run_folder);
  refuse_unfit(cases, run_folder);
  auto const platform = options.platform.empty() ? platform_of(cases) : options.platform;
  if (platform.empty())
    throw Error("no baseline written (the records in '" + run_folder +
                "' name no platform) name it by --platform");
  std::map<std::string, Cases> studies;
  for (auto const& [key, one] : cases) studies[key.first].emplace(key, one);
  auto const folder = std::filesystem::path(options.folder) / platform;
  // All files are read and merged before the first is written.
  std::vector<std::pair<Updated, std::string>> files;
  for (auto const& [study, fresh] : studies) {
    Cases merged;
    auto updated = merge_study(folder / (study + ".json"), fresh, options, merged);
    files.emplace_back(std::move(updated), file_text(merged, fresh, platform, options.why));
  }
  make_folder(folder.string());
  std::vector<Updated> all;
  for (auto const& [updated, text] : files) {
    write_atomically(updated.file, text);
    all.push_back(updated);
  }
  return all;
}

} // namespace moho::study
