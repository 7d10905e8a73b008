// SPDX-License-Identifier: BSD-3-Clause
// The solver against reference/physics/dispersion: acceptance checks 4, 5 (group velocity) and 11.
#include "verification/reference_data.hpp"
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <iostream>
#include <map>
#include <stdexcept>

namespace moho::verification {
namespace {

using dispersion::Status;

int modes_listed(std::vector<ReferenceCase> const& cases) {
  int highest = 2; // ref_fold lists roots, of three mode numbers at most
  for (ReferenceCase const& c : cases)
    for (ReferenceMode const& mode : c.modes) highest = std::max(highest, mode.mode);
  return highest + 1;
}

Curves const& answers(std::string const& file) {
  static std::map<std::string, Curves> solved;
  auto entry = solved.find(file);
  if (entry == solved.end()) {
    std::vector<ReferenceCase> const& cases = reference_cases(file);
    SolveOptions options;
    options.modes = modes_listed(cases);
    entry = solved.emplace(file, dispersion::solve(batch_of(cases), options)).first;
  }
  return entry->second;
}

Report compare_file(std::string const& file) {
  return compare_reference(reference_cases(file), answers(file));
}

class ReferenceFile : public ::testing::TestWithParam<std::string> {};

TEST_P(ReferenceFile, agrees) {
  Report const report = compare_file(GetParam());
  std::cout << report << "\n";
  EXPECT_TRUE(report.passed()) << report;
}

TEST_P(ReferenceFile, has_no_failed_point) {
  for (dispersion::Flag const& flag : answers(GetParam()).flags)
    EXPECT_NE(flag.kind, Status::failed)
        << place(GetParam(), reference_cases(GetParam())[flag.case_index].name, flag.wave,
                 flag.mode, reference_cases(GetParam())[flag.case_index].periods[flag.period_index])
        << ": " << flag.reason;
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceFile, ::testing::ValuesIn(reference_files()),
                         [](auto const& info) { return info.param; });

Report all_files() {
  Report all;
  for (std::string const& file : reference_files()) all.merge(compare_file(file));
  return all;
}

TEST(Reference, phase_is_within_1e_11_at_99_9_percent_of_all_points) {
  Report const all = all_files();
  EXPECT_GT(all.phase_errors.size(), 10000u);
  EXPECT_LE(quantile_of(all.phase_errors, 0.999), 1e-11) << all;
  std::cout << all.phase_errors.size() << " points: 99.9 % of phases within "
            << quantile_of(all.phase_errors, 0.999) << ", of groups within "
            << quantile_of(all.group_errors, 0.999) << "; worst " << all.worst_phase.error << ", "
            << all.worst_group.error << "\n";
}

/// Where other solvers miss, jump or invent modes, the answer is the true one.
Report avoid_traps(std::vector<Trap> const& all,
                   std::function<Curves const&(std::string const&)> const& answers_of) {
  Report out;
  for (std::string const& file : reference_files()) {
    std::size_t first = 0;
    Curves const& found = answers_of(file);
    for (ReferenceCase const& c : reference_cases(file)) {
      for (Trap const& trap : all) {
        if (trap.name != c.name || trap.mode >= found.modes) continue;
        auto const nearest =
            std::min_element(c.periods.begin(), c.periods.end(), [&](double a, double b) {
              return std::abs(a - trap.period) < std::abs(b - trap.period);
            });
        std::size_t const at =
            trap.mode * found.points + first + std::size_t(nearest - c.periods.begin());
        double const phase = found.wave[static_cast<std::size_t>(trap.wave)].phase[at];
        auto const where = [&] {
          return place(file, c.name, trap.wave, trap.mode, trap.period) + " (" + trap.solver +
                 ": " + trap.kind + ")";
        };
        if (std::isnan(trap.phase))
          out.expect(std::isnan(phase), where);
        else
          out.close(trap.phase, phase, 1e-7, where);
      }
      first += c.periods.size();
    }
  }
  return out;
}

TEST(Reference, falls_into_no_trap_of_other_solvers) {
  Report const report = avoid_traps(traps(), answers);
  EXPECT_GE(report.compared, 290);
  EXPECT_TRUE(report.passed()) << report;
}

TEST(Reference, a_trap_is_noticed) {
  std::vector<Trap> wrong = traps();
  wrong.front().phase *= 1.001;
  EXPECT_EQ(avoid_traps(wrong, answers).failures, 1);
}

// Negative tests: the same comparison rejects an answer that is wrong in one place.

struct Spoiled {
  char const* name;
  char const* file;
  void (*spoil)(Curves&);
};

std::size_t present(Curves const& answer) { // a point of the highest Rayleigh mode that is there
  auto const& phase = answer.wave[0].phase;
  for (std::size_t at = phase.size(); at-- > 0;)
    if (!std::isnan(phase[at])) return at;
  return 0;
}

std::size_t absent(Curves const& answer) {
  auto const& phase = answer.wave[0].phase;
  for (std::size_t at = 0; at < phase.size(); ++at)
    if (std::isnan(phase[at])) return at;
  return 0;
}

dispersion::Flag& fold(Curves& answer) {
  for (dispersion::Flag& flag : answer.flags)
    if (flag.kind == Status::multivalued) return flag;
  throw std::runtime_error("the answer has no multivalued flag to spoil");
}

void drop_flag(Curves& answer) {
  answer.flags.erase(answer.flags.begin() + (&fold(answer) - answer.flags.data()));
}

Spoiled const spoiled[] = {
    {"phase", "ref_c_earth", [](Curves& a) { a.wave[0].phase[present(a)] *= 1 + 2e-9; }},
    {"group", "ref_c_earth", [](Curves& a) { a.wave[0].group[present(a)] *= 1 + 2e-8; }},
    {"nan", "ref_c_earth", [](Curves& a) { a.wave[0].phase[present(a)] = NAN; }},
    {"status", "ref_c_earth", [](Curves& a) { a.wave[0].status[present(a)] = Status::failed; }},
    {"count", "ref_c_earth", [](Curves& a) { ++a.wave[1].mode_count[3]; }},
    {"invented", "ref_d_lvz",
     [](Curves& a) {
       a.wave[0].phase[absent(a)] = a.wave[0].group[absent(a)] = 4.4;
       a.wave[0].status[absent(a)] = Status::ok;
     }},
    {"jumped", "ref_d_lvz", [](Curves& a) { a.wave[0].phase[0] = a.wave[0].phase[a.points]; }},
    {"false_fold", "ref_d_lvz",
     [](Curves& a) {
       a.flags.push_back({0, Wave::rayleigh, 0, -1, Status::multivalued, "?", {}});
     }},
    {"error", "ref_d_lvz", [](Curves& a) { a.error[0] = "refused"; }},
    {"missed_fold", "ref_fold", drop_flag},
    {"missed_root", "ref_fold", [](Curves& a) { fold(a).roots.pop_back(); }},
    {"fold_root", "ref_fold", [](Curves& a) { fold(a).roots[1].phase *= 1 + 3e-9; }},
    {"fold_group", "ref_fold", [](Curves& a) { fold(a).roots[1].group *= 1 + 3e-8; }},
    {"fold_count", "ref_fold", [](Curves& a) { ++fold(a).roots[1].count_above; }},
    {"fold_reason", "ref_fold", [](Curves& a) { fold(a).reason.clear(); }},
    {"fold_upper_branch", "ref_fold",
     [](Curves& a) {
       dispersion::Flag const& f = fold(a);
       std::size_t const per_case = a.points / 2;
       std::size_t const at = std::size_t(f.case_index) * per_case + std::size_t(f.period_index);
       a.wave[0].phase[at] = f.roots[2].phase;
       a.wave[0].group[at] = f.roots[2].group;
     }},
};

class SpoiledAnswer : public ::testing::TestWithParam<Spoiled> {};

TEST_P(SpoiledAnswer, is_rejected) {
  Curves answer = answers(GetParam().file);
  Report const before = compare_reference(reference_cases(GetParam().file), answer);
  GetParam().spoil(answer);
  Report const after = compare_reference(reference_cases(GetParam().file), answer);
  EXPECT_GT(after.failures, before.failures);
  EXPECT_FALSE(after.passed());
}

INSTANTIATE_TEST_SUITE_P(One, SpoiledAnswer, ::testing::ValuesIn(spoiled),
                         [](auto const& info) { return std::string(info.param.name); });

TEST(Reference, a_perturbed_model_is_rejected) {
  std::vector<ReferenceCase> cases = reference_cases("ref_c_earth");
  cases[0].model.vs[2] *= 1 + 1e-6;
  SolveOptions options;
  options.modes = modes_listed(cases);
  EXPECT_FALSE(compare_reference(cases, dispersion::solve(batch_of(cases), options)).passed());
}

TEST(Reference, the_quantile_is_not_moved_by_few_and_is_moved_by_many) {
  std::vector<double> errors(2000, 1e-13);
  errors[7] = 1e-10;
  EXPECT_LE(quantile_of(errors, 0.999), 1e-11);
  errors[8] = errors[9] = NAN;
  EXPECT_GT(quantile_of(errors, 0.999), 1e-11);
}

} // namespace
} // namespace moho::verification
