// SPDX-License-Identifier: BSD-3-Clause
// The trivial answers that every network must beat.
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/pinn.hpp"
#include <numeric>

namespace moho::study {
namespace {

constexpr int nodes = 1024; // of the mean: smooth functions, more than enough

class InitialState : public Method {
public:
  InitialState(char const* name, bool mean) : _name(name), _takes_mean(mean) {}

  void accept(Problem const& problem) const override {
    if (capability<PhysicsInformed>(problem) == nullptr)
      throw Error(std::string("method '") + _name +
                  "' needs an equation (this problem tells none) take a problem pinn-..");
  }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    accept(problem);
    _root = comm.root();
    SpaceTimeEquation const equation = capability<PhysicsInformed>(problem)->equation();
    _value = equation.initial;
    if (!_takes_mean) return {};
    double sum = 0;
    for (int i = 0; i < nodes; ++i) // midpoints
      sum += equation.initial(equation.length * (i + 0.5) / nodes);
    _value = [mean = sum / nodes](double) { return mean; };
    return {};
  }

  void apply(Batch const& in, Batch& out) override {
    if (!_root) return;
    const std::vector<double> points = in.reals(input_array);
    std::vector<double> values;
    for (std::size_t i = 0; i < in.count(); ++i) values.push_back(_value(points[2 * i]));
    out = Batch(in.count());
    out.set(output_array, "", values, {in.count(), 1});
  }

  Cost cost() const override { return {0, {}, 0, {}}; }

private:
  char const* _name;
  bool _takes_mean, _root = false;
  std::function<double(double)> _value;
};

} // namespace

std::unique_ptr<Method> make_initial_state(Parameters const&) {
  return std::make_unique<InitialState>("initial-state", false);
}

std::unique_ptr<Method> make_initial_mean(Parameters const&) {
  return std::make_unique<InitialState>("initial-mean", true);
}

} // namespace moho::study
