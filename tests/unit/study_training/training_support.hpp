// SPDX-License-Identifier: BSD-3-Clause
// A small training: a network that learns a smooth function of two numbers.
#pragma once
#include "moho/core/philox.hpp"
#include "moho/nn/models/mlp.hpp"
#include "moho/nn/ops.hpp"
#include "moho/study/training.hpp"
#include "support/mpi_support.hpp"
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

namespace moho::study::test {

/// A path that all ranks agree on and that is free.
inline std::string scratch(char const* name) {
  parallel::Comm const comm;
  std::string const path = std::filesystem::temp_directory_path().string() + "/moho-" + name + "-" +
                           comm.broadcast(std::to_string(::getpid())) + ".h5";
  if (comm.root()) std::filesystem::remove(path);
  comm.barrier();
  return path;
}

template <class T>
struct Sample {
  static constexpr std::int64_t items = 48;
  nn::Mlp model{[] {
    nn::MlpOptions options;
    options.sizes = {2, 9, 1};
    return options;
  }()};
  MemoryItems<T> data;
  BatchLoss<T> loss;

  explicit Sample(std::int64_t chunk = 3)
      : data(arrays(), {2, 1}), loss(
                                    data,
                                    [this](nn::Value theta, std::vector<nn::Value> const& in) {
                                      return nn::sum(nn::square(model.apply(theta, in[0]) - in[1]));
                                    },
                                    model.layout().size(), chunk) {}

  static std::vector<std::vector<T>> arrays() {
    std::vector<T> x, y;
    for (std::uint64_t i = 0; i < items; ++i) {
      double const a = Philox{3, 0}.uniform(i, 0), b = Philox{3, 0}.uniform(i, 1);
      x.push_back(static_cast<T>(a));
      x.push_back(static_cast<T>(b));
      y.push_back(static_cast<T>(std::sin(3 * a) * b));
    }
    return {x, y};
  }
  std::vector<T> first() const {
    auto const theta = model.layout().initial(1);
    return {theta.begin(), theta.end()};
  }
};

inline TrainingOptions options_of(std::string const& optimiser = "adam") {
  TrainingOptions options;
  options.optimiser = optimiser;
  options.schedule.base = optimiser == "lbfgs" ? 1 : 1e-2;
  options.epochs = optimiser == "lbfgs" ? 3 : 6;
  options.batch = 16;
  options.validate_every = 2;
  return options;
}

template <class T>
TrainingOutcome<T> trained(TrainingOptions const& options, Sitting const& sitting = {},
                           parallel::Comm const& comm = parallel::Comm(),
                           Validation<T> const& validation = {},
                           std::string const& identity = "sample") {
  Sample<T> sample;
  return train<T>(comm, sample.loss, Sample<T>::items, sample.first(), options, validation, sitting,
                  identity, "test");
}

} // namespace moho::study::test
