// SPDX-License-Identifier: BSD-3-Clause
// Physics losses, whose derivatives with respect to the coordinates are found in two ways.
#include "moho/core/error.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/models/pinn.hpp"
#include "moho/nn/ops.hpp"
#include "nn_replay_detail.hpp"
#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <numbers>

namespace moho::study::replaying {
namespace {

using nn::Value;

/// u and its derivatives at the residual points, each (n, 1).
struct Fields {
  Value u, u_x, u_t, u_xx, u_tt;
};

Value mean_square(Value a) {
  return nn::mean(nn::square(a));
}
/// u_t + u u_x = 0.01/pi u_xx
Value burgers(Fields const& f) {
  return mean_square(f.u_t + f.u * f.u_x - 0.01 / std::numbers::pi * f.u_xx);
}
/// u_tt = 4 u_xx
Value wave(Fields const& f) {
  return mean_square(f.u_tt - 4 * f.u_xx);
}

class PinnNetwork final : public Network {
public:
  explicit PinnNetwork(Recording const& recording)
      : _sizes(chain_sizes(recording, "layer", "sizes")),
        _model({_sizes, activation_name(recording, "tanh"), false, 0, 1, {}}) {
    if (_sizes.front() != 2 || _sizes.back() != 1)
      throw Error(fmt::format("the PINN of '{}' has the sizes {} (it makes u of x and t: 2-..-1) "
                              "correct them",
                              recording.file().path(), fmt::join(_sizes, "-")));
    auto const beta = recording.number_attribute("/", "beta");
    if (!beta)
      throw Error(
          fmt::format("'{}' has no root attribute 'beta' (the speed of a PINN's convection) "
                      "add it",
                      recording.file().path()));
    _beta = *beta;
  }
  std::string name() const override { return fmt::format("the PINN {}", fmt::join(_sizes, "-")); }
  nn::Layout const& layout() const override { return _model.layout(); }
  std::vector<std::string> inputs() const override { return {"x_res", "t_res", "x_ic", "t_bc"}; }

  std::map<std::string, Value> forward(Sheet& sheet) const override {
    Fields const f = by_jets(sheet);
    return {{"y", f.u},     {"u", f.u},       {"u_x", f.u_x},
            {"u_t", f.u_t}, {"u_xx", f.u_xx}, {"u_tt", f.u_tt}};
  }
  Value loss(Sheet& sheet) const override { return nn::sum(terms(sheet, by_jets(sheet))); }
  void more(Recording const& recording, std::vector<double> const& theta,
            Answers& answers) const override;

private:
  std::pair<Value, Value> points(Sheet& sheet) const {
    Value const x = sheet.input("/inputs/x_res", {0, 1}, name());
    return {x, sheet.input("/inputs/t_res", {x.shape()[0], 1}, name())};
  }
  Value answer(Sheet& sheet, Value x, Value t) const {
    return _model.apply(sheet.theta(), nn::concat({x, t}, 1));
  }

  Fields by_jets(Sheet& sheet) const {
    auto const [x, t] = points(sheet);
    nn::Derivatives wanted;
    wanted.along = {{{1, 0}, 2}, {{0, 1}, 2}};
    nn::Jet const jet = _model.jet(sheet.theta(), nn::concat({x, t}, 1), wanted);
    return {jet.value, nn::whole(jet.along[0].first, jet), nn::whole(jet.along[1].first, jet),
            nn::whole(jet.along[0].second, jet), nn::whole(jet.along[1].second, jet)};
  }
  Fields by_nesting(Sheet& sheet) const {
    auto const [x, t] = points(sheet);
    // every point's answer depends on that point alone: a sum's gradient is all derivatives
    auto const slope = [](Value y, Value by) { return nn::grad(nn::sum(y), by); };
    Value const u = answer(sheet, x, t);
    Value const u_x = slope(u, x), u_t = slope(u, t);
    return {u, u_x, u_t, slope(u_x, x), slope(u_t, t)};
  }

  /// Mean squares (3): of the equation, of what the ends differ by, of the initial error.
  Value terms(Sheet& sheet, Fields const& f) const {
    Value const x = sheet.input("/inputs/x_ic", {0, 1}, name()),
                t = sheet.input("/inputs/t_bc", {0, 1}, name());
    auto const at = [&](double place) {
      return answer(sheet, sheet.tape().constant(t.shape(), place), t);
    };
    Value const start = answer(sheet, x, sheet.tape().constant(x.shape(), 0.0));
    std::vector<Value> terms;
    for (Value const one :
         {mean_square(f.u_t + _beta * f.u_x), mean_square(at(2 * std::numbers::pi) - at(0)),
          mean_square(start - nn::sin(x))})
      terms.push_back(nn::reshape(one, {1}));
    return nn::concat(terms, 0);
  }

  std::vector<Value> compared(Recording const& recording, Sheet& sheet, Fields const& f) const;
  void equation(std::string const& group, Sheet& sheet, Value loss, Recording const& recording,
                Answers& answers) const;

  std::vector<std::int64_t> _sizes;
  nn::Pinn _model;
  double _beta = 0;
};

/// Of one way: fields, losses and their gradients.
std::vector<Value> PinnNetwork::compared(Recording const& recording, Sheet& sheet,
                                         Fields const& f) const {
  std::vector<Value> values{f.u, f.u_x, f.u_t, f.u_xx, f.u_tt};
  auto const [x, t] = points(sheet);
  std::vector<Value> losses{burgers(f), wave(f)};
  if (recording.has("/inputs/x_ic") && recording.has("/inputs/t_bc")) {
    values.push_back(terms(sheet, f));
    losses.push_back(nn::sum(values.back()));
  }
  for (Value const loss : losses) {
    values.push_back(loss);
    for (Value const slope : nn::grad(loss, {sheet.theta(), x, t})) values.push_back(slope);
  }
  return values;
}

/// The loss of a further equation, its gradient and product with the Hessian.
void PinnNetwork::equation(std::string const& group, Sheet& sheet, Value loss,
                           Recording const& recording, Answers& answers) const {
  Value const slope = nn::grad(loss, sheet.theta());
  auto const values = sheet.compute({loss, slope});
  answers.put(group + "loss", values[0][0]);
  answers.put(group + "grad/", layout(), values[1]);
  if (!recording.asks(group + "hvp_Hv/")) return;
  Value const v = sheet.input("v of " + group, nn::Shape{layout().size()},
                              flat_parameters(recording, "/hvp_v/", layout(), name()));
  answers.put(group + "hvp_Hv/", layout(),
              sheet.compute({nn::grad(nn::dot(slope, v), sheet.theta())})[0]);
}

void PinnNetwork::more(Recording const& recording, std::vector<double> const& theta,
                       Answers& answers) const {
  Sheet sheet(recording, layout(), theta);
  Fields const jets = by_jets(sheet);
  if (recording.asks("/loss_terms_res_bc_ic"))
    answers.put("/loss_terms_res_bc_ic", {3}, sheet.compute({terms(sheet, jets)})[0]);
  if (recording.asks("/burgers/")) equation("/burgers/", sheet, burgers(jets), recording, answers);
  if (recording.asks("/wave/")) equation("/wave/", sheet, wave(jets), recording, answers);

  auto const one = sheet.compute(compared(recording, sheet, jets)),
             other = sheet.compute(compared(recording, sheet, by_nesting(sheet)));
  double worst = 0;
  for (std::size_t i = 0; i < one.size(); ++i) {
    double const error = relative_error(one[i], other[i]);
    if (!(error <= worst)) worst = error;
  }
  answers.routes = worst;
}

} // namespace

std::unique_ptr<Network> make_pinn(Recording const& recording) {
  return std::make_unique<PinnNetwork>(recording);
}

} // namespace moho::study::replaying
