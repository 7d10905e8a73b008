// SPDX-License-Identifier: BSD-3-Clause
// The Hessian of a recorded network by its products: Lanczos and power iteration against the
// eigenvalues of the full matrix.
#include "moho/core/host_copy.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/models/mlp.hpp"
#include "moho/nn/ops.hpp"
#include "moho/nn/program.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/diagnostics.hpp"
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>

namespace moho::study {
namespace {

using parallel::h5::File;

TEST(NetworkHessian, SpectrumIsThatOfTheFullMatrix) {
  char const* const root = std::getenv("MOHO_SOURCE_DIR");
  File const file =
      File::open(std::string(root ? root : ".") + "/reference/physics/nn/mlp_tanh.h5");
  nn::Mlp const mlp({.sizes = {3, 16, 16, 2}});
  const std::int64_t n = mlp.layout().size();
  std::vector<double> theta(static_cast<std::size_t>(n));
  for (nn::Parameter const& p : mlp.layout().parameters())
    mlp.layout().from_exchange(p, file.read_doubles("/params/" + p.name), theta);

  nn::Tape tape;
  nn::Value const weights = tape.input("theta", {n}), v = tape.input("v", {n}),
                  x = tape.constant({64, 3}, file.read_doubles("/inputs/x")),
                  y = tape.constant({64, 2}, file.read_doubles("/targets/y"));
  nn::Value const error = mlp.apply(weights, x) - y;
  nn::Program<double> program({nn::hvp(nn::mean(error * error), weights, v)});
  program.bind(weights, to_device("theta", theta));
  const ExecutionSpace space;
  HessianProduct const product = [&](nn::FlatArray<double> const& in,
                                     nn::FlatArray<double> const& out) {
    program.bind(v, in);
    program.bind_result(0, out);
    program.run(space);
  };
  auto const size = static_cast<std::size_t>(n);
  auto const eigenvalues = file.read_doubles("/hessian_eigenvalues");
  SpectralDensity const density = spectral_density(space, size, product);
  EXPECT_NEAR(density.largest, eigenvalues.back(), 1e-8);
  EXPECT_NEAR(density.smallest, eigenvalues.front(), 1e-8);
  EXPECT_GT(std::abs(density.largest - eigenvalues[eigenvalues.size() - 2]), 1e-8); // negative
  auto const top =
      dominant_eigenvalues(space, size, product, {.most_products = 1000, .tolerance = 1e-12});
  double const largest = std::max(eigenvalues.back(), -eigenvalues.front());
  EXPECT_NEAR(std::abs(top[0].eigenvalue), largest, 1e-6 * largest);
  TraceEstimate const trace =
      estimate_trace(space, size, product, {.most_samples = 400, .tolerance = 0});
  double const exact = file.read_doubles("/hessian_trace")[0];
  std::printf("trace %g, estimated %g +- %g\n", exact, trace.mean, trace.standard_error);
  EXPECT_LT(std::abs(trace.mean - exact), 4 * trace.standard_error);
}

} // namespace
} // namespace moho::study
