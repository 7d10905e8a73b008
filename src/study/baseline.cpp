// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/baseline.hpp"
#include "baseline_detail.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>

namespace moho::study {
namespace baseline {
namespace {

/// Collects the findings of one case.
class Judge {
public:
  Judge(Case const& which, bool strict, Comparison& result)
      : _case(which), _strict(strict), _result(result) {}

  void add(std::string kind, std::string what, std::string base, std::string now, Verdict verdict,
           std::string note = "") {
    _result.findings.push_back({_case.study, _case.id, std::move(kind), std::move(what),
                                std::move(base), std::move(now), verdict, std::move(note)});
  }
  /// A value that one side lacks.
  void missing(std::string kind, std::string what, std::string base, std::string now,
               std::string note) {
    add(std::move(kind), std::move(what), std::move(base), std::move(now),
        _strict ? Verdict::regression : Verdict::unjudged, std::move(note));
  }

private:
  Case const& _case;
  bool _strict;
  Comparison& _result;
};

/// All names of two maps, in order.
template <class Map>
std::set<std::string> names(Map const& a, Map const& b) {
  std::set<std::string> all;
  for (auto const& entry : a) all.insert(entry.first);
  for (auto const& entry : b) all.insert(entry.first);
  return all;
}

template <class Map>
auto const* find(Map const& map, std::string const& key) {
  auto const place = map.find(key);
  return place == map.end() ? nullptr : &place->second;
}

char const* passed(bool const* pass) {
  return pass == nullptr ? "" : *pass ? "pass" : "FAIL";
}

void judge_checks(Case const& base, Case const& now, Judge& judge) {
  for (auto const& name : names(base.checks, now.checks)) {
    bool const* before = find(base.checks, name);
    bool const* after = find(now.checks, name);
    auto const report = [&](Verdict verdict, char const* note) {
      judge.add("check", name, passed(before), passed(after), verdict, note);
    };
    if (after == nullptr)
      report(Verdict::regression, "the check is gone");
    else if (!*after)
      report(Verdict::regression, "a check must pass");
    else
      report(Verdict::same, before == nullptr ? "new" : "");
  }
}

void judge_counters(Case const& base, Case const& now, Judge& judge) {
  for (auto const& name : names(base.counters, now.counters)) {
    Value const* before = find(base.counters, name);
    Value const* after = find(now.counters, name);
    if (before == nullptr) {
      judge.missing("counter", name, "", after->text, "new");
    } else if (after == nullptr) {
      judge.add("counter", name, before->text, "", Verdict::regression, "the counter is gone");
    } else {
      bool const equal = before->text == after->text;
      judge.add("counter", name, before->text, after->text,
                equal ? Verdict::same : Verdict::regression, equal ? "" : "must be equal");
    }
  }
}

bool within(Metric const& base, Value const& now) {
  if (!base.value.known || !now.known) return base.value.known == now.known;
  double const limit = base.allowed.abs + base.allowed.rel * std::abs(base.value.number);
  return std::abs(now.number - base.value.number) <= limit;
}

void judge_metrics(Case const& base, Case const& now, Judge& judge) {
  for (auto const& name : names(base.metrics, now.metrics)) {
    Metric const* before = find(base.metrics, name);
    Metric const* after = find(now.metrics, name);
    if (before == nullptr) {
      judge.missing("metric", name, "", after->value.text, "new");
    } else if (after == nullptr) {
      judge.add("metric", name, before->value.text, "", Verdict::regression, "the metric is gone");
    } else {
      bool const good = within(*before, after->value);
      auto const [abs, rel] = before->allowed;
      judge.add("metric", name, before->value.text, after->value.text,
                good ? Verdict::same : Verdict::regression,
                abs == 0 && rel == 0 ? "must be equal"
                                     : fmt::format("allowed: abs {} + rel {}", abs, rel));
    }
  }
}

void show_timings(Case const& base, Case const& now, Judge& judge) {
  for (auto const& name : names(base.timings, now.timings)) {
    Timing const* before = find(base.timings, name);
    Timing const* after = find(now.timings, name);
    Timing const& one = after != nullptr ? *after : *before;
    auto note = fmt::format("{}, {} is better", one.unit, one.better);
    if (before != nullptr && after != nullptr && before->median.known && after->median.known &&
        before->median.number > 0)
      note += fmt::format(", ratio {:.3f}", after->median.number / before->median.number);
    judge.add("timing", name, before == nullptr ? "" : before->median.text,
              after == nullptr ? "" : after->median.text, Verdict::shown, note);
  }
}

/// Status and checks need no counterpart: a case that is not valid is never fine.
void judge_status(Case const& now, std::string const& before, Judge& judge) {
  bool const ok = now.status == "ok", partial = now.status == "partial";
  auto note = now.error;
  if (partial) note = "stopped early" + (note.empty() ? "" : ": " + note);
  if (partial)
    judge.missing("case", "status", before, now.status, note);
  else
    judge.add("case", "status", before, now.status, ok ? Verdict::same : Verdict::regression, note);
}

void judge_case(Case const* base, Case const* now, bool strict, Comparison& result) {
  Case const& one = now != nullptr ? *now : *base;
  Judge judge(one, strict, result);
  result.cases[one.study + "/" + one.id] = one_line(one.config);
  if (now == nullptr) {
    judge.missing("case", "record", base->status, "", "this case was not run");
    return;
  }
  judge_status(*now, base == nullptr ? "" : base->status, judge);
  if (base == nullptr) {
    judge_checks(*now, *now, judge);
    judge.missing("case", "record", "", now->status, "nothing to compare this case with");
    return;
  }
  if (now->status == "failed") return; // the rest is not there
  if (base->status == "failed") {
    judge_checks(*now, *now, judge);
    judge.missing("case", "record", base->status, now->status, "the base of this case failed");
    return;
  }
  judge_checks(*base, *now, judge);
  if (now->status == "partial") return; // stopped early: its counts are those of less work
  judge_counters(*base, *now, judge);
  judge_metrics(*base, *now, judge);
  show_timings(*base, *now, judge);
}

} // namespace

void compare_cases(Side const& base, Side const& now, bool strict, Comparison& result) {
  std::set<Key> keys;
  for (auto const& entry : base.cases) keys.insert(entry.first);
  for (auto const& entry : now.cases) keys.insert(entry.first);
  for (auto const& key : keys) {
    auto const before = base.cases.find(key), after = now.cases.find(key);
    judge_case(before == base.cases.end() ? nullptr : &before->second,
               after == now.cases.end() ? nullptr : &after->second, strict, result);
  }
}

} // namespace baseline

namespace {

using baseline::Cases;
using baseline::Side;

Side read_run(std::string const& path) {
  Side side;
  side.cases = baseline::read_records(path);
  if (side.cases.empty())
    throw Error("nothing to compare in '" + path +
                "' (no result.json in it or below it) give a folder that `moho run` wrote, or a "
                "baseline");
  return side;
}

void note_platforms(Side const& base, Side const& now, Comparison& result) {
  auto const before = baseline::platform_of(base.cases), after = baseline::platform_of(now.cases);
  if (before != after)
    result.notes.push_back("the platforms differ: '" + before + "' and '" + after +
                           "'; counters and metrics may differ for that reason");
}

} // namespace

char const* name(Verdict verdict) {
  switch (verdict) {
  case Verdict::same:
    return "same";
  case Verdict::regression:
    return "regression";
  case Verdict::shown:
    return "shown";
  case Verdict::unjudged:
    return "unjudged";
  }
  return "";
}

std::size_t Comparison::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(), [&](Finding const& f) { return f.verdict == verdict; }));
}

Tolerance default_tolerance(double base) {
  if (base != 0 && base == std::floor(base) && std::abs(base) < 0x1p53) return {0, 0};
  return {1e-12, base == 0 ? 0 : 0.1};
}

Comparison compare(std::string const& a, std::string const& b, CompareOptions const& options) {
  bool const a_stored = baseline::is_baseline(a), b_stored = baseline::is_baseline(b);
  if (a_stored && b_stored)
    throw Error("cannot compare two baselines ('" + a + "' and '" + b +
                "') give at least one run folder");
  Comparison result;
  result.base = b_stored ? b : a;
  result.now = b_stored ? a : b;
  const Side now = read_run(result.now);
  Side base;
  if (a_stored || b_stored) {
    base = baseline::baselines_for(result.base, now.cases, options.platform);
  } else {
    base = read_run(result.base);
    note_platforms(base, now, result);
  }
  result.notes.insert(result.notes.end(), base.notes.begin(), base.notes.end());
  baseline::compare_cases(base, now, options.strict, result);
  return result;
}

} // namespace moho::study
