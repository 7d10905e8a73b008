// SPDX-License-Identifier: BSD-3-Clause
// `pinn` and what it must beat: the same bits on any number of ranks and after any interruption.
#include "moho/core/philox.hpp"
#include "moho/nn/models/pinn.hpp"
#include "moho/study/weights_file.hpp"
#include "support.hpp"
#include <cmath>
#include <filesystem>
#include <unistd.h>

namespace moho::study::test {
namespace {

using parallel::Comm;

Settings tiny(Settings settings = {}) {
  Settings all{{"width", std::int64_t{8}},   {"depth", std::int64_t{2}},
               {"n_res", std::int64_t{60}},  {"grid_x", std::int64_t{17}},
               {"grid_t", std::int64_t{11}}, {"epochs", std::int64_t{3}}};
  for (auto const& [key, value] : settings) all[key] = value;
  return all;
}

std::unique_ptr<Problem> convection(double beta = 1) {
  return problem("convection",
                 {{"beta", beta}, {"points", std::int64_t{17}}, {"times", std::int64_t{11}}});
}

struct Trained {
  std::unique_ptr<Problem> asked;
  std::unique_ptr<Method> method;
  Preparation preparation;

  Trained(std::unique_ptr<Problem> problem, Settings const& settings, Comm const& comm = Comm(),
          Sitting const& sitting = {}, std::string const& name = "pinn")
      : asked(std::move(problem)) {
    MethodEntry const& entry = find_method(name);
    method = entry.make(with(entry.parameters, settings));
    method->accept(*asked);
    method->sit(sitting);
    preparation = method->prepare(*asked, comm);
  }
  std::vector<double> theta() const { return trainable().parameters(); }
  Trainable& trainable() const { return dynamic_cast<Trainable&>(*method); }
  /// Of data "history/<name>".
  std::vector<double> history(std::string const& name) const {
    for (Dataset const& data : preparation.data)
      if (data.path == "history/" + name) return std::get<std::vector<double>>(data.values);
    return {};
  }
  /// On the root.
  std::vector<double> answers(std::size_t first, std::size_t n) const {
    Batch out;
    method->apply(asked->draw(Split::test, first, n), out);
    return out.count() > 0 ? out.reals(output_array) : std::vector<double>{};
  }
  Assessment assessed() const {
    const Batch in = asked->draw(Split::test, 0, asked->count(Split::test));
    Batch out;
    method->apply(in, out);
    return Comm().root() ? asked->assess(in, asked->truth(in, Comm()), out) : Assessment{};
  }
  std::int64_t counter(std::string const& name) const {
    for (Counter const& one : preparation.counters)
      if (one.name == name) return one.value;
    return -1;
  }
};

void same_on_all_ranks(std::string const& equation, Settings const& coefficients,
                       Settings const& settings) {
  Trained const together(problem(equation, coefficients), tiny(settings)),
      alone(problem(equation, coefficients), tiny(settings), Comm::self());
  EXPECT_EQ(together.theta(), alone.theta()) << equation;
  for (char const* const name : {"loss", "loss_res", "loss_bc", "loss_ic"}) {
    EXPECT_EQ(together.history(name), alone.history(name)) << equation << " " << name;
    EXPECT_EQ(together.history(name).size(), 3u);
  }
  EXPECT_LT(together.history("loss").back(), together.history("loss").front()) << equation;
  EXPECT_EQ(together.trainable().gradient(alone.theta()),
            alone.trainable().gradient(alone.theta()));
  EXPECT_EQ(together.trainable().hessian_product(alone.theta(), alone.theta()),
            alone.trainable().hessian_product(alone.theta(), alone.theta()));
  const std::vector<double> answers = together.answers(0, 30);
  if (!Comm().root()) return;
  EXPECT_EQ(answers, alone.answers(0, 30)) << equation;
}

TEST(Pinn, HasTheSameBitsOnAnyNumberOfRanks) {
  for (auto const& [name, settings] : all_equations()) same_on_all_ranks(name, settings, {});
  same_on_all_ranks("convection", {{"beta", 2.0}}, {{"optimiser", std::string("adam")}});
  same_on_all_ranks("convection", {{"beta", 2.0}}, {{"precision", std::string("float32")}});
  same_on_all_ranks("wave", {}, {{"constraints", std::string("hard")}});
}

TEST(Pinn, AnotherSeedIsAnotherPath) {
  Trained const one(convection(), tiny()),
      other(convection(), tiny({{"training_seed", std::int64_t{1}}}));
  EXPECT_NE(one.theta(), other.theta());
  EXPECT_NE(one.history("loss"), other.history("loss"));
}

TEST(Pinn, BeatsTheTrivialAnswers) {
  Trained const initial(convection(2), {}, Comm(), {}, "initial-state"),
      mean(convection(2), {}, Comm(), {}, "initial-mean"),
      pinn(convection(2), tiny({{"epochs", std::int64_t{20}}}));
  Assessment const learnt = pinn.assessed(), start = initial.assessed(), flat = mean.assessed();
  for (Check const& check : pinn.preparation.checks) EXPECT_TRUE(check.pass()) << check.note;
  double const loss = metric(pinn.preparation.metrics, "train_loss");
  EXPECT_NEAR(loss,
              metric(pinn.preparation.metrics, "loss_res") +
                  metric(pinn.preparation.metrics, "loss_bc") +
                  metric(pinn.preparation.metrics, "loss_ic"),
              1e-12 * loss);
  if (!Comm().root()) return;
  EXPECT_NEAR(metric(start.metrics, "of_initial"), 1, 1e-14);
  EXPECT_NEAR(metric(flat.metrics, "l2re"), 1, 1e-2);
  EXPECT_LT(metric(learnt.metrics, "of_initial"), 0.01);
  EXPECT_LT(metric(learnt.metrics, "of_mean"), 0.01);
  EXPECT_GT(metric(start.metrics, "of_mean"), 0.01);
}

/// A path that all ranks agree on and that is free.
std::string scratch(char const* name) {
  Comm const comm;
  std::string const path = std::filesystem::temp_directory_path().string() + "/moho-pinn-" + name +
                           "-" + comm.broadcast(std::to_string(::getpid())) + ".h5";
  if (comm.root()) std::filesystem::remove(path);
  comm.barrier();
  return path;
}

void discard(std::string const& path) {
  Comm().barrier();
  if (Comm().root()) std::filesystem::remove(path);
}

// A curriculum that is interrupted wherever its time happens to be over.
TEST(Pinn, GoesOnWithTheSameBits) {
  for (char const* const optimiser : {"lbfgs", "adam"}) {
    std::string const path = scratch(optimiser);
    Settings const settings = tiny({{"curriculum", 0.5},
                                    {"stage_epochs", std::int64_t{2}},
                                    {"optimiser", std::string(optimiser)}});
    Trained const whole(convection(), settings);
    EXPECT_EQ(whole.counter("stages"), 3);
    Trained const none(convection(), settings, Comm(), {path, -1.0});
    EXPECT_TRUE(none.preparation.partial);
    EXPECT_EQ(none.counter("epochs"), 0);
    std::int64_t sittings = 1;
    double seconds = 1e-3; // more each time, so that a slow start does not repeat itself for ever
    for (bool partial = true; partial && sittings < 100; ++sittings, seconds *= 1.3) {
      Trained const some(convection(), settings, Comm(), {path, seconds});
      partial = some.preparation.partial;
      if (partial) continue;
      EXPECT_EQ(some.theta(), whole.theta()) << optimiser;
      for (char const* const name : {"loss", "loss_res", "coefficient"})
        EXPECT_EQ(some.history(name), whole.history(name)) << optimiser << " " << name;
      EXPECT_EQ(some.counter("steps"), whole.counter("steps"));
      // those without a step leave no trace
      EXPECT_GE(some.counter("sittings"), 2);
      EXPECT_LE(some.counter("sittings"), sittings);
    }
    EXPECT_GT(sittings, 2);
    // what is trained otherwise does not go on from it
    Settings other = settings;
    other["training_seed"] = std::int64_t{3};
    EXPECT_TRUE(names(error_of([&] { Trained(convection(), other, Comm(), {path}); }), {path}));
    EXPECT_TRUE(
        names(error_of([&] { Trained(convection(2), settings, Comm(), {path}); }), {"beta=2"}));
    discard(path);
  }
}

TEST(Pinn, ACurriculumRaisesTheCoefficient) {
  Trained const one(convection(1), tiny({{"curriculum", 0.4}, {"stage_epochs", std::int64_t{2}}}));
  EXPECT_EQ(one.counter("stages"), 4);
  EXPECT_EQ(one.history("coefficient"), (std::vector<double>{0, 0, 0.4, 0.4, 0.8, 0.8, 1, 1, 1}));
  Trained const plain(convection(1), tiny());
  EXPECT_EQ(plain.counter("stages"), 1);
  EXPECT_EQ(plain.history("coefficient"), (std::vector<double>{1, 1, 1}));
  EXPECT_NE(plain.theta(), one.theta());
}

TEST(Pinn, ALossThatIsNotFiniteIsToldWithItsStep) {
  Trained const one(convection(), tiny({{"optimiser", std::string("adam")}, {"rate", 1e300}}));
  bool found = false;
  for (Check const& check : one.preparation.checks)
    if (check.name == "loss_finite") {
      found = true;
      EXPECT_FALSE(check.pass());
      EXPECT_GE(check.value, 1);
      EXPECT_TRUE(names(check.note, {"step " + std::to_string(std::lround(check.value))}));
    }
  EXPECT_TRUE(found);
}

TEST(Pinn, ItsLossAndDerivativesAreThoseOfTraining) {
  Trained const one(convection(), tiny());
  Trainable& trainable = one.trainable();
  std::vector<double> const theta = one.theta();
  EXPECT_NEAR(trainable.loss(theta), metric(one.preparation.metrics, "train_loss"), 1e-15);
  std::vector<double> v;
  for (std::size_t i = 0; i < theta.size(); ++i) v.push_back(Philox{5, 0}.normal(i, 0));
  auto const at = [&](double t) {
    std::vector<double> moved = theta;
    for (std::size_t i = 0; i < v.size(); ++i) moved[i] += t * v[i];
    return moved;
  };
  auto const inner = [](std::vector<double> const& a, std::vector<double> const& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  double const h = 1e-5, slope = (trainable.loss(at(h)) - trainable.loss(at(-h))) / (2 * h),
               bend = (inner(trainable.gradient(at(h)), v) - inner(trainable.gradient(at(-h)), v)) /
                      (2 * h),
               product = inner(trainable.hessian_product(theta, v), v);
  EXPECT_NEAR(slope, inner(trainable.gradient(theta), v), 1e-6 * (1 + std::fabs(slope)));
  EXPECT_NEAR(bend, product, 1e-6 * std::fabs(product));
  std::vector<double> w;
  for (std::size_t i = 0; i < theta.size(); ++i) w.push_back(Philox{5, 1}.normal(i, 0));
  double const left = inner(trainable.hessian_product(theta, v), w),
               right = inner(trainable.hessian_product(theta, w), v);
  EXPECT_NEAR(left, right, 1e-12 * std::fabs(product));
}

TEST(Pinn, AnAnswerDoesNotDependOnWhatElseIsAsked) {
  Trained const one(convection(), tiny({{"epochs", std::int64_t{1}}}));
  const std::vector<double> all = one.answers(0, 187), last = one.answers(186, 1);
  if (!Comm().root()) return;
  EXPECT_EQ(all.back(), last.back());
}

TEST(Pinn, RoutesWalkTheSamePathAtFirst) {
  Settings settings = tiny({{"epochs", std::int64_t{1}}, {"optimiser", std::string("adam")}});
  Trained const jets(convection(), settings);
  settings["route"] = std::string("reverse");
  Trained const reverse(convection(), settings);
  auto const a = jets.theta(), b = reverse.theta();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-9);
}

TEST(Pinn, FloatIsCloseToDoubleAtFirst) {
  Settings settings = tiny({{"epochs", std::int64_t{1}}, {"optimiser", std::string("adam")}});
  Trained const wide(convection(), settings);
  settings["precision"] = std::string("float32");
  Trained const narrow(convection(), settings);
  auto const a = wide.theta(), b = narrow.theta();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-3);
  EXPECT_NE(a, b);
}

TEST(Pinn, HardConstraintsHoldInTheAnswers) {
  Trained const one(problem("wave", {{"points", std::int64_t{9}}, {"times", std::int64_t{5}}}),
                    tiny({{"constraints", std::string("hard")}}));
  EXPECT_LE(metric(one.preparation.metrics, "loss_ic"), 1e-30);
  EXPECT_LE(metric(one.preparation.metrics, "loss_bc"), 1e-30);
  const std::vector<double> u = one.answers(0, 45);
  if (!Comm().root()) return;
  SpaceTimeEquation const equation = capability<PhysicsInformed>(*one.asked)->equation();
  for (std::size_t i = 0; i < 9; ++i)
    EXPECT_NEAR(u[i], equation.initial(static_cast<double>(i) / 8), 1e-15);
  for (std::size_t k = 0; k < 5; ++k) {
    EXPECT_NEAR(u[9 * k], 0, 1e-15);
    EXPECT_NEAR(u[9 * k + 8], 0, 1e-15);
  }
}

TEST(Pinn, WeightsOfAFileAnswerTheSame) {
  std::string const path = scratch("weights");
  Trained const one(convection(), tiny());
  nn::PinnOptions options;
  options.sizes = {2, 8, 8, 1};
  if (Comm().root()) write_weights(path, nn::Pinn(options).layout(), one.theta());
  Comm().barrier();
  Trained const other(convection(), tiny({{"weights", path}}));
  EXPECT_EQ(other.theta(), one.theta());
  EXPECT_EQ(other.counter("steps"), -1);
  EXPECT_TRUE(names(error_of([&] {
                      Trained(convection(), tiny({{"weights", path}, {"width", std::int64_t{7}}}));
                    }),
                    {"layer0.weight", path}));
  discard(path);
}

TEST(Pinn, WhatCannotServeIsRefusedEarly) {
  auto const refused = [](Settings const& settings, Problem const& problem) {
    MethodEntry const& entry = find_method("pinn");
    return error_of([&] { entry.make(with(entry.parameters, settings))->accept(problem); });
  };
  EXPECT_EQ(refused(tiny(), *convection()), "");
  EXPECT_TRUE(
      names(refused(tiny({{"n_res", std::int64_t{151}}}), *convection()), {"150", "n_res"}));
  EXPECT_TRUE(names(refused(tiny({{"constraints", std::string("hard")}}), *convection()),
                    {"method.features"}));
  ProblemEntry const& other = find_problem("operator-1d");
  auto const map = other.make(defaults(other.parameters), {});
  EXPECT_TRUE(names(refused(tiny(), *map), {"pinn", "equation"}));
  for (char const* const name : {"initial-state", "initial-mean"})
    EXPECT_TRUE(names(error_of([&] { find_method(name).make({})->accept(*map); }), {name}));
}

} // namespace
} // namespace moho::study::test
