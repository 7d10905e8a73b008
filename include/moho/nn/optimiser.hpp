// SPDX-License-Identifier: BSD-3-Clause
// First-order optimisers on flat arrays: all parameters of a model in one array, one kernel a step.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace moho::nn {

template <class T>
using FlatArray = Kokkos::View<T*, MemorySpace>;

/// Sums over flat arrays of up to `n` entries: terms and sums are double, the order is fixed,
/// whatever the number of threads. Holds its scratch; nothing is allocated by a sum.
class FlatSums {
public:
  explicit FlatSums(std::size_t n);

  /// a . b. T: float or double.
  template <class T>
  double dot(ExecutionSpace const& space, Kokkos::View<T const*, MemorySpace> const& a,
             Kokkos::View<T const*, MemorySpace> const& b) const;
  /// The same, left at `result` in device memory, without waiting.
  template <class T>
  void dot_to(ExecutionSpace const& space, Kokkos::View<T const*, MemorySpace> const& a,
              Kokkos::View<T const*, MemorySpace> const& b, double* result) const;
  /// Sum and largest of the absolute values; NaN where an entry is.
  template <class T>
  double absolute_sum(ExecutionSpace const& space,
                      Kokkos::View<T const*, MemorySpace> const& a) const;
  template <class T>
  double absolute_largest(ExecutionSpace const& space,
                          Kokkos::View<T const*, MemorySpace> const& a) const;

private:
  std::size_t _n;
  Kokkos::View<double*, MemorySpace> _partial, _result;
  Kokkos::View<double*, MemorySpace>::HostMirror _on_host;
};

/// Scales a gradient whose 2-norm exceeds `max_norm` by max_norm / (norm + 1e-6), as
/// torch.nn.utils.clip_grad_norm_ does. Returns the norm before; a gradient of a norm that is not
/// finite is left as it is.
template <class T>
double clip_by_norm(ExecutionSpace const& space, FlatSums const& sums, FlatArray<T> const& gradient,
                    double max_norm);

/// All that an optimiser remembers between steps, for a checkpoint: restored into an optimiser of
/// the same kind, size and options, training goes on with the same bits.
template <class T>
struct OptimiserState {
  std::string kind;                                   ///< "adam"
  std::map<std::string, double> options;              ///< what it was made with
  std::map<std::string, std::int64_t> counters;       ///< "steps", "parameters", ..
  std::map<std::string, std::vector<double>> numbers; ///< scalars and short lists
  std::map<std::string, std::vector<T>> arrays;       ///< a multiple of `parameters` long
};

/// Throws moho::Error that names the first thing in which `state` is not one of `expected`: its
/// kind, an option, the number of parameters, or an entry that is missing, unknown or of another
/// length (lengths of `arrays` only).
template <class T>
void require_restorable(OptimiserState<T> const& state, OptimiserState<T> const& expected);

/// What all first-order optimisers share. T: float or double.
template <class T>
class Optimiser {
public:
  using Gradient = Kokkos::View<T const*, MemorySpace>;

  explicit Optimiser(std::size_t parameters) : _size(parameters) {}
  virtual ~Optimiser() = default;
  Optimiser(Optimiser const&) = delete;
  Optimiser& operator=(Optimiser const&) = delete;

  /// Changes `parameters` (size) by one step of learning rate `rate`. Both arrays have `size()`
  /// entries.
  void step(ExecutionSpace const& space, FlatArray<T> const& parameters, Gradient const& gradient,
            double rate);
  virtual OptimiserState<T> state() const = 0;
  /// Throws moho::Error for a state of another kind, size or set of options, and is unchanged then.
  virtual void restore(OptimiserState<T> const& state) = 0;

  std::size_t size() const { return _size; }
  std::int64_t steps() const { return _steps; }

protected:
  /// `_steps` counts this step already.
  virtual void advance(ExecutionSpace const& space, FlatArray<T> const& parameters,
                       Gradient const& gradient, double rate) = 0;
  std::int64_t _steps = 0;

private:
  std::size_t _size;
};

struct SgdOptions {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0; ///< adds weight_decay * parameters to the gradient
};

/// b = momentum b + g; p -= rate b, or rate (g + momentum b) after Nesterov (torch.optim.SGD).
template <class T>
class Sgd final : public Optimiser<T> {
public:
  explicit Sgd(std::size_t parameters, SgdOptions const& options = {});
  OptimiserState<T> state() const override;
  void restore(OptimiserState<T> const& state) override;

private:
  void advance(ExecutionSpace const& space, FlatArray<T> const& parameters,
               typename Optimiser<T>::Gradient const& gradient, double rate) override;
  SgdOptions _options;
  FlatArray<T> _momentum; ///< empty without momentum
};

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
  /// false: weight_decay * parameters is added to the gradient; true: parameters shrink by
  /// 1 - rate weight_decay before the step (AdamW).
  bool decoupled = false;
};

/// m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
/// p -= rate / (1-b1^t) m / (sqrt(v) / sqrt(1-b2^t) + eps)  (Kingma & Ba, 2015, as in torch.optim).
template <class T>
class Adam final : public Optimiser<T> {
public:
  explicit Adam(std::size_t parameters, AdamOptions const& options = {});
  OptimiserState<T> state() const override;
  void restore(OptimiserState<T> const& state) override;

private:
  void advance(ExecutionSpace const& space, FlatArray<T> const& parameters,
               typename Optimiser<T>::Gradient const& gradient, double rate) override;
  AdamOptions _options;
  FlatArray<T> _mean, _square;
};

} // namespace moho::nn
