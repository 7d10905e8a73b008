// SPDX-License-Identifier: BSD-3-Clause
// The generalization matrix of the linear model (arXiv 2506.15199): 25 function spaces of one
// operator, prepared on each and asked about all, tabulation of the operator included.
#include "harness.hpp"
#include "moho/study/boundary_value.hpp"
#include "moho/study/method.hpp"
#include "moho/study/operator_space.hpp"
#include "moho/study/registry.hpp"

namespace moho::micro {
namespace {

using study::Batch;
using study::Parameters;

constexpr std::int64_t intervals = 24;

struct MatrixWork {
  double flops = 0, fits = 0, tests = 0, iterations = 0;
};

double counter(study::Preparation const& preparation, char const* name) {
  for (study::Counter const& counter : preparation.counters)
    if (counter.name == name) return static_cast<double>(counter.value);
  return 0;
}

struct Asked {
  std::unique_ptr<study::Problem> problem;
  Batch inputs, truth;
};

/// Every space with what is asked of it. `k` is new in every call: tables of an operator are kept.
std::vector<Asked> asked_of(std::string const& equation, std::string const& draws, double k) {
  const parallel::Comm self = parallel::Comm::self();
  study::ProblemEntry const& entry = study::find_problem("operator-1d");
  std::vector<Asked> asked;
  for (std::string const& space : study::published_spaces()) {
    Parameters parameters = study::defaults(entry.parameters);
    parameters.set("N", intervals);
    parameters.set("operator", equation);
    parameters.set("k", k);
    parameters.set("space", space);
    parameters.set("draws", draws);
    Asked item;
    item.problem = entry.make(parameters, {});
    item.inputs =
        item.problem->draw(study::Split::test, 0, item.problem->count(study::Split::test));
    item.truth = item.problem->truth(item.inputs, self);
    asked.push_back(std::move(item));
  }
  return asked;
}

MatrixWork matrix(std::string const& equation, std::string const& fit, std::string const& draws,
                  double k) {
  study::MethodEntry const& entry = study::find_method("linear-map");
  Parameters parameters = study::defaults(entry.parameters);
  parameters.set("fit", fit);
  MatrixWork work;
  const std::vector<Asked> all = asked_of(equation, draws, k);
  double sum = 0;
  for (Asked const& on : all) {
    auto const method = entry.make(parameters);
    const study::Preparation preparation = method->prepare(*on.problem, parallel::Comm::self());
    double const steps = counter(preparation, "iterations");
    work.fits += 1;
    work.iterations += steps;
    // A step is a product with the samples and one with their transpose.
    work.flops += 4 * steps * counter(preparation, "samples") * counter(preparation, "parameters");
    for (Asked const& other : all) {
      Batch answers;
      method->apply(other.inputs, answers);
      for (study::Metric const& metric :
           other.problem->assess(other.inputs, other.truth, answers).metrics)
        sum += metric.value;
      work.tests += 1;
      work.flops += static_cast<double>(method->cost().flops.value_or(0));
    }
  }
  benchmark::DoNotOptimize(sum);
  return work;
}

void cross_validation(Harness& harness, benchmark::State& state, std::string const& equation,
                      std::string const& fit, std::string const& draws) {
  MatrixWork work;
  double k = 1;
  harness.time(
      state, "cross_validation/" + fit + "/" + equation,
      [&] {
        k += 1.0 / 65536;
        work = matrix(equation, fit, draws, k);
      },
      [&] {
        return Work{.flops = work.flops, .items = {{"fits", work.fits}, {"tests", work.tests}}};
      });
  if (work.iterations > 0) state.counters["iterations"] = work.iterations;
}

} // namespace

void register_linear_map_benchmarks(Harness& harness) {
  auto const add = [&harness](std::string const& equation, char const* fit, char const* draws) {
    benchmark::RegisterBenchmark(("cross_validation/" + std::string(fit) + "/" + equation).c_str(),
                                 [&harness, equation, fit, draws](benchmark::State& state) {
                                   cross_validation(harness, state, equation, fit, draws);
                                 })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  };
  for (std::string const& equation : study::operator_names())
    add(equation, "closed-form", "expectation");
  add("poisson", "cgls", "samples"); // 10 000 of each space
}

} // namespace moho::micro
