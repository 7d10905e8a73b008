// SPDX-License-Identifier: BSD-3-Clause
// How a comparison is told: to people and to tools.
#include "moho/study/baseline.hpp"
#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

namespace moho::study {
namespace {

using Json = nlohmann::ordered_json;

std::string or_dash(std::string const& text) {
  return text.empty() ? "-" : text;
}

/// Widths of the columns so that a block of findings lines up.
struct Widths {
  std::size_t name = 4, base = 4, now = 3;
};

Widths widths_of(std::vector<Finding const*> const& findings) {
  Widths widths;
  for (auto const* f : findings) {
    widths.name = std::max(widths.name, f->kind.size() + 1 + f->name.size());
    widths.base = std::max(widths.base, f->base.size());
    widths.now = std::max(widths.now, f->now.size());
  }
  return widths;
}

/// A titled block; one heading per case, one line per finding.
std::string block(Comparison const& comparison, std::string const& title, Verdict verdict) {
  std::vector<Finding const*> chosen;
  for (auto const& finding : comparison.findings)
    if (finding.verdict == verdict) chosen.push_back(&finding);
  if (chosen.empty()) return "";
  auto const widths = widths_of(chosen);
  auto text = fmt::format("\n{} ({})\n  {:<{}}  {:>{}}  {:>{}}\n", title, chosen.size(), "",
                          widths.name, "base", widths.base, "now", widths.now);
  std::string last;
  for (auto const* f : chosen) {
    auto const key = f->study + "/" + f->id;
    if (key != last) {
      auto const config = comparison.cases.find(key);
      text +=
          fmt::format("  {}: {}\n", key, config == comparison.cases.end() ? "" : config->second);
    }
    last = key;
    auto line = fmt::format("    {:<{}}  {:>{}}  {:>{}}  {}", f->kind + " " + f->name, widths.name,
                            or_dash(f->base), widths.base, or_dash(f->now), widths.now, f->note);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string verdict_line(Comparison const& comparison) {
  auto const bad = comparison.count(Verdict::regression), good = comparison.count(Verdict::same);
  std::set<std::string> cases;
  for (auto const& f : comparison.findings)
    if (f.verdict == Verdict::regression) cases.insert(f.study + "/" + f.id);
  if (bad > 0)
    return fmt::format("REGRESSION: {} of {} judged values in {} of {} cases\n", bad, bad + good,
                       cases.size(), comparison.cases.size());
  bool const compared =
      std::any_of(comparison.findings.begin(), comparison.findings.end(), [](Finding const& f) {
        return f.verdict == Verdict::same && (f.kind == "counter" || f.kind == "metric");
      });
  if (!compared) return "no regression, but nothing was compared (see the notes above)\n";
  return fmt::format("no regression: {} values judged in {} cases\n", good,
                     comparison.cases.size());
}

} // namespace

std::string comparison_table(Comparison const& comparison, bool all) {
  auto text = fmt::format("base: {}\nnow:  {}\n", comparison.base, comparison.now);
  for (auto const& note : comparison.notes) text += "note: " + note + "\n";
  text += block(comparison, "REGRESSIONS", Verdict::regression);
  if (all) text += block(comparison, "Same", Verdict::same);
  text += block(comparison, "Timings, shown and not judged", Verdict::shown);
  text += block(comparison, "Not judged", Verdict::unjudged);
  return text + "\n" + verdict_line(comparison);
}

std::string comparison_json(Comparison const& comparison) {
  auto const value = [](std::string const& text) {
    const auto json = Json::parse(text, nullptr, false); // numbers as numbers, words as words
    return text.empty() ? Json() : json.is_discarded() ? Json(text) : json;
  };
  Json findings = Json::array();
  for (auto const& f : comparison.findings)
    findings.push_back({{"study", f.study},
                        {"id", f.id},
                        {"kind", f.kind},
                        {"name", f.name},
                        {"base", value(f.base)},
                        {"now", value(f.now)},
                        {"verdict", name(f.verdict)},
                        {"note", f.note}});
  const Json json{
      {"format", "moho.compare/1"},
      {"base", comparison.base},
      {"now", comparison.now},
      {"regressed", comparison.regressed()},
      {"regressions", comparison.count(Verdict::regression)},
      {"judged", comparison.count(Verdict::regression) + comparison.count(Verdict::same)},
      {"cases", comparison.cases.size()},
      {"notes", comparison.notes},
      {"findings", findings}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace moho::study
