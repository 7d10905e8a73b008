// SPDX-License-Identifier: BSD-3-Clause
// The physics loss of a network: mean squares of the residual, at the ends and at t = 0.
#pragma once
#include "moho/nn/models/pinn.hpp"
#include "moho/study/pinn.hpp"
#include "moho/study/sharded_loss.hpp"
#include <array>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

namespace moho::study {

/// Where a physics loss is taken.
struct CollocationPoints {
  std::vector<double> inner;   ///< (n, 2), of the residual
  std::vector<double> initial; ///< (n), x at t = 0
  std::vector<double> ends;    ///< (n), t at both ends
};

/// `residuals` points of the interior of a grid (x without its ends, t without 0), drawn without
/// replacement: those whose keys are smallest, in the order of their keys, so that fewer are the
/// first of more; every x of the grid at t = 0; every t of the grid at the ends. Throws moho::Error
/// when the interior has fewer.
CollocationPoints collocation(SpaceTimeEquation const& equation, std::int64_t grid_x,
                              std::int64_t grid_t, std::int64_t residuals, std::uint64_t seed);

/// How derivatives by x and t are found: carried forward, or by reverse mode within reverse mode.
enum class Route { jets, reverse };

/// u of points (n, 2) on a tape, with its derivatives.
nn::Jet field_of(nn::Pinn const& model, nn::Value theta, nn::Value points,
                 nn::Derivatives const& wanted, Route route);

/// Hard constraints for an equation: g + B N. Throws moho::Error where the network does not keep
/// what the ends ask for.
nn::PinnOptions constrained(nn::PinnOptions options, SpaceTimeEquation const& equation);

/// res, bc, ic: the loss is their sum, with hard constraints `res` alone.
using LossTerms = std::array<double, 3>;

template <class T>
class PhysicsLoss : public ShardedLoss<T> {
public:
  PhysicsLoss(nn::Pinn const& model, SpaceTimeEquation const& equation,
              CollocationPoints const& points, Route route, bool hard,
              Staging staging = Staging::where_needed);
  /// Another coefficient: programs are made anew.
  void set_equation(SpaceTimeEquation const& equation);

  std::int64_t parameters() const override { return _model.layout().size(); }
  std::int64_t points() const; ///< of all kinds
  /// Throws moho::Error when there are fewer points of some kind than shards.
  void share(int shards) override;
  double evaluate(int shard, DeviceArray<T> const& theta, DeviceArray<T> const& gradient,
                  typename ShardedLoss<T>::Ready const& ready) override;
  /// What a shard adds to the terms, and to the Hessian's product with `v`.
  LossTerms terms(int shard, DeviceArray<T> const& theta);
  std::vector<double> product(int shard, DeviceArray<T> const& theta, DeviceArray<T> const& v);
  double flops() const { return _flops; } ///< of matrix products, of all evaluations

private:
  /// A tape for so many points: of the residual, initial ones and times; its programs.
  struct Code {
    nn::Tape tape;
    nn::Value theta, inner, rim, start, direction, loss;
    std::array<nn::Value, 3> terms;
    std::unique_ptr<nn::Program<T>> gradient, values, product;
    Staged<T> value;  ///< of `gradient`: the loss
    double flops = 0; ///< of `gradient`
  };
  using Sizes = std::tuple<std::int64_t, std::int64_t, std::int64_t>;
  /// Points that are worked on at a time.
  struct Piece {
    Sizes sizes;
    DeviceArray<T> inner, rim, start;
  };
  Code& code_of(Sizes const& sizes);
  void bind(Code& code, nn::Program<T>& program, Piece const& piece, DeviceArray<T> const& theta);
  Piece piece(std::array<std::pair<std::int64_t, std::int64_t>, 3> const& ranges) const;

  nn::Pinn const& _model;
  SpaceTimeEquation _equation;
  CollocationPoints _points;
  Route _route;
  bool _hard;
  Staging _staging;
  std::vector<std::vector<Piece>> _pieces; ///< of each shard
  std::map<Sizes, Code> _codes;
  DeviceArray<T> _more;
  double _flops = 0;
};

} // namespace moho::study
