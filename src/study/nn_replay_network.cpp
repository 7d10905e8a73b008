// SPDX-License-Identifier: BSD-3-Clause
// What all recorded models have: fields, loss, gradients, products with the Hessian, training.
#include "dense.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/ops.hpp"
#include "moho/nn/optimiser.hpp"
#include "nn_replay_detail.hpp"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>

namespace moho::study::replaying {
namespace {

using nn::Value;

constexpr std::size_t default_steps = 20;
constexpr double default_rate = 1e-2;

double dot(std::vector<double> const& a, std::vector<double> const& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

void forward(Recording const& recording, Network const& network, std::vector<double> const& theta,
             Answers& answers) {
  if (!recording.asks("/forward/")) return;
  Sheet sheet(recording, network.layout(), theta);
  std::vector<std::string> names;
  std::vector<Value> fields;
  for (auto const& [name, field] : network.forward(sheet)) {
    if (!recording.has("/forward/" + name)) continue;
    names.push_back("/forward/" + name);
    fields.push_back(field);
  }
  auto const values = sheet.compute(fields);
  for (std::size_t i = 0; i < fields.size(); ++i)
    answers.put(names[i], extents(fields[i].shape()), values[i]);
}

void gradients(Recording const& recording, Network const& network, std::vector<double> const& theta,
               Answers& answers) {
  bool const slopes = recording.asks("/grad") || recording.asks("/input_grad/");
  if (!recording.asks("/loss") && !slopes) return;
  Sheet sheet(recording, network.layout(), theta);
  Value const loss = network.loss(sheet);
  std::vector<Value> by{sheet.theta()};
  std::vector<std::string> names;
  for (std::string const& name : recording.below("/input_grad/")) {
    if (!recording.has("/inputs/" + name)) continue;
    auto const& shape = recording.datasets().at("/inputs/" + name).shape;
    by.push_back(sheet.input("/inputs/" + name, {shape.begin(), shape.end()}, network.name()));
    names.push_back(name);
  }
  std::vector<Value> results{loss};
  if (slopes)
    for (Value const slope : nn::grad(loss, by)) results.push_back(slope);
  auto const values = sheet.compute(results);
  answers.put("/loss", values[0][0]);
  if (!slopes) return;
  answers.put("/grad/", network.layout(), values[1]);
  answers.put("/grad_norm", std::sqrt(dot(values[1], values[1])));
  for (std::size_t i = 0; i < names.size(); ++i)
    answers.put("/input_grad/" + names[i], extents(by[i + 1].shape()), values[i + 2]);
}

void hessian_product(Recording const& recording, Network const& network,
                     std::vector<double> const& theta, Answers& answers) {
  if (!recording.asks("/hvp_Hv/") && !recording.asks("/vHv")) return;
  nn::Layout const& layout = network.layout();
  auto const direction = flat_parameters(recording, "/hvp_v/", layout, network.name());
  Sheet sheet(recording, layout, theta);
  Value const v = sheet.input("v", nn::Shape{layout.size()}, direction);
  auto const product = sheet.compute({nn::hvp(network.loss(sheet), sheet.theta(), v)})[0];
  answers.put("/hvp_Hv/", layout, product);
  answers.put("/vHv", dot(direction, product));
}

/// Column j of the Hessian is its product with the j-th unit vector. Returns max |H - H^T|.
double whole_hessian(Recording const& recording, Network const& network,
                     std::vector<double> const& theta, Matrix& hessian) {
  std::size_t const n = theta.size();
  Sheet sheet(recording, network.layout(), theta);
  Value const v = sheet.input("v", nn::Shape{network.layout().size()}, std::vector<double>(n, 0.0));
  auto program = sheet.program({nn::hvp(network.loss(sheet), sheet.theta(), v)});
  const ExecutionSpace space;
  std::vector<double> unit(n, 0.0);
  hessian = Matrix(n, n);
  for (std::size_t j = 0; j < n; ++j) {
    unit[j] = 1;
    copy_to_device(std::span<double const>(unit), sheet.memory(v));
    program.run(space);
    space.fence();
    auto const column = to_host(program.result());
    std::copy(column.begin(), column.end(),
              hessian.values.begin() + static_cast<std::ptrdiff_t>(j * n));
    unit[j] = 0;
  }
  double asymmetry = 0;
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < j; ++i)
      asymmetry = std::max(asymmetry, std::abs(hessian(i, j) - hessian(j, i)));
  return asymmetry;
}

void hessian(Recording const& recording, Network const& network, std::vector<double> const& theta,
             Answers& answers) {
  if (!recording.asks("/hessian_")) return;
  Matrix h;
  answers.put("/hessian_asym", whole_hessian(recording, network, theta, h));
  double trace = 0;
  for (std::size_t i = 0; i < h.rows; ++i) trace += h(i, i);
  answers.put("/hessian_trace", trace);
  if (!recording.has("/hessian_eigenvalues") && !recording.has("/hessian_top")) return;
  for (std::size_t j = 0; j < h.columns; ++j)
    for (std::size_t i = 0; i < j; ++i) h(i, j) = h(j, i) = (h(i, j) + h(j, i)) / 2;
  auto const eigenvalues = symmetric_eigenvalues(std::move(h));
  answers.put("/hessian_eigenvalues", {eigenvalues.size()}, eigenvalues);
  answers.put("/hessian_top", eigenvalues.back());
}

/// Full batches, every step on the gradient of the loss that is noted just before.
void train(Recording const& recording, Network const& network, std::vector<double> const& theta,
           std::string const& group, nn::Optimiser<double>& optimiser, Answers& answers) {
  double const rate = recording.number_attribute(group, "lr").value_or(default_rate);
  auto const known = recording.datasets().find(group + "/losses");
  std::size_t const steps = known == recording.datasets().end()
                                ? default_steps
                                : std::max<std::size_t>(known->second.values.size(), 1) - 1;
  Sheet sheet(recording, network.layout(), theta);
  Value const loss = network.loss(sheet);
  auto program = sheet.program({loss, nn::grad(loss, sheet.theta())});
  auto const parameters = sheet.memory(sheet.theta());
  const ExecutionSpace space;
  std::vector<double> losses;
  for (std::size_t step = 0;; ++step) {
    program.run(space);
    space.fence();
    losses.push_back(to_host(program.result(0))[0]);
    if (step == steps) break;
    optimiser.step(space, parameters, program.result(1), rate);
  }
  answers.put(group + "/losses", {losses.size()}, losses);
  answers.put(group + "/final_params/", network.layout(), to_host(parameters));
}

void training(Recording const& recording, Network const& network, std::vector<double> const& theta,
              Answers& answers) {
  auto const or_else = [&](std::string const& group, char const* attribute, double otherwise) {
    return recording.number_attribute(group, attribute).value_or(otherwise);
  };
  if (recording.asks("/adam/")) {
    nn::AdamOptions options;
    options.beta1 = or_else("/adam", "beta1", options.beta1);
    options.beta2 = or_else("/adam", "beta2", options.beta2);
    options.eps = or_else("/adam", "eps", options.eps);
    nn::Adam<double> adam(theta.size(), options);
    train(recording, network, theta, "/adam", adam, answers);
  }
  if (recording.asks("/sgd_momentum/")) {
    nn::Sgd<double> sgd(theta.size(), {or_else("/sgd_momentum", "momentum", 0.9)});
    train(recording, network, theta, "/sgd_momentum", sgd, answers);
  }
}

} // namespace

void recompute_network(Recording const& recording, Network const& network,
                       std::vector<double> const& theta, Answers& answers) {
  forward(recording, network, theta, answers);
  gradients(recording, network, theta, answers);
  hessian_product(recording, network, theta, answers);
  hessian(recording, network, theta, answers);
  training(recording, network, theta, answers);
  network.more(recording, theta, answers);
}

} // namespace moho::study::replaying
