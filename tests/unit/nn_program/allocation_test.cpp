// SPDX-License-Identifier: BSD-3-Clause
// From the third step on, training takes no memory from Kokkos, whose tools are asked, and copies
// no array. (The name of a kernel is a string, which may come from the heap.)
#include "moho/nn/models/fno2d.hpp"
#include "moho/nn/models/pinn.hpp"
#include "moho/nn/optimiser.hpp"
#include "support/kokkos_traffic.hpp"
#include "support/nn_gradients.hpp"

using namespace moho::nn;
using namespace moho::nn::test;
using moho::test::KokkosTraffic;

namespace {

/// Loss and gradient of a model that learns zeros.
template <class T>
struct Step {
  Tape tape;
  Value theta;
  std::unique_ptr<Program<T>> program;
  std::unique_ptr<Adam<T>> adam;

  Step(Model const& model, Shape const& input) {
    theta = tape.input("theta", {model.layout().size()});
    Value const loss = mean(square(model.apply(theta, tape.constant(input, 0.5))));
    program = std::make_unique<Program<T>>(std::vector{loss, grad(loss, theta)});
    adam = std::make_unique<Adam<T>>(static_cast<std::size_t>(theta.shape().size()));
    auto const first = model.layout().initial(1);
    program->bind(theta, moho::to_device("theta", std::vector<T>(first.begin(), first.end())));
  }
  void run(int steps) {
    moho::ExecutionSpace const space;
    typename Program<T>::Array const parameters = program->input(theta);
    Kokkos::View<T const*, moho::MemorySpace> const gradient = program->result(1);
    for (int step = 0; step < steps; ++step) {
      program->run(space);
      adam->step(space, parameters, gradient, 1e-3);
    }
    space.fence();
  }
};

template <class T>
void expect_no_allocation(Model const& model, Shape const& input) {
  Step<T> step(model, input);
  step.run(2);
  KokkosTraffic const watch;
  step.run(5);
  EXPECT_EQ(watch.allocations(), 0u);
  EXPECT_EQ(watch.copies(), 0u);
}

TEST(Allocations, NoneFromTheThirdStepOn) {
  Fno2dOptions fno2d;
  fno2d.width = 4;
  fno2d.modes[0] = fno2d.modes[1] = 3;
  fno2d.padding = 1;
  expect_no_allocation<double>(Fno2d(fno2d), {2, 9, 8, 1});
  expect_no_allocation<float>(Fno2d(fno2d), {2, 9, 8, 1});
  Fno1dOptions fno1d;
  fno1d.modes = 4;
  expect_no_allocation<float>(Fno1d(fno1d), {3, 64, 1});
  expect_no_allocation<double>(Pinn(PinnOptions{}), {100, 2});
}

TEST(Allocations, TheCountersSeeOne) {
  KokkosTraffic const watch;
  Kokkos::View<double*, moho::MemorySpace> const taken("taken", 10);
  EXPECT_EQ(watch.allocations(), 1u);
  EXPECT_EQ(watch.copies(), 0u);
  Kokkos::deep_copy(taken, 1.0);
  EXPECT_EQ(watch.copies(), 0u) << "a fill is no copy";
  Kokkos::View<double*, Kokkos::HostSpace> const fetched("fetched", 10);
  Kokkos::deep_copy(fetched, taken);
  EXPECT_EQ(watch.copies(), 1u);
}

} // namespace
