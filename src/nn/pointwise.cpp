// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/pointwise.hpp"
#include "moho/core/error.hpp"
#include "pointwise_device.hpp"
#include "pointwise_host.hpp"
#include <algorithm>
#include <cmath>

namespace moho::nn::detail {

// ---- the expression -----------------------------------------------------------------------------

namespace {

void check(Expression const& e) {
  std::size_t const rank = static_cast<std::size_t>(e.shape.rank());
  MOHO_REQUIRE(e.loads.size() <= max_loads);
  MOHO_REQUIRE(e.stores.size() <= max_stores);
  MOHO_REQUIRE(e.instructions.size() <= max_instructions);
  for (auto const& strides : e.loads) MOHO_REQUIRE(strides.size() == rank);
  int set = static_cast<int>(e.loads.size());
  for (Instruction const& i : e.instructions) {
    MOHO_REQUIRE(is_pointwise(i.op));
    int const of[] = {i.a, i.b, i.c};
    for (int k = 0; k < operands(i.op); ++k) MOHO_REQUIRE(of[k] >= 0 && of[k] < set);
    ++set;
  }
  for (auto const& store : e.stores) {
    MOHO_REQUIRE(store.reg >= 0 && store.reg < set);
    MOHO_REQUIRE(store.strides.size() == rank);
    for (std::size_t d = 0; d < rank; ++d)
      MOHO_REQUIRE(store.strides[d] != 0 || e.shape[static_cast<int>(d)] == 1);
  }
}

} // namespace

Expression simplified(Expression const& given) {
  check(given);
  Expression e = given;
  int const loads = static_cast<int>(e.loads.size());
  for (auto& store : e.stores)
    if (store.reg < loads) {
      e.instructions.push_back({Op::copy, store.reg, 0, 0, 0});
      store.reg = loads + static_cast<int>(e.instructions.size()) - 1;
    }
  std::vector<char> needed(e.instructions.size());
  for (auto const& store : e.stores) needed[static_cast<std::size_t>(store.reg - loads)] = true;
  for (std::size_t i = needed.size(); i-- > 0;) {
    Instruction const& one = e.instructions[i];
    int const of[] = {one.a, one.b, one.c};
    for (int k = 0; needed[i] && k < operands(one.op); ++k)
      if (of[k] >= loads) needed[static_cast<std::size_t>(of[k] - loads)] = true;
  }
  std::vector<int> name(static_cast<std::size_t>(loads) + needed.size());
  for (int r = 0; r < loads; ++r) name[static_cast<std::size_t>(r)] = r;
  std::vector<Instruction> kept;
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (!needed[i]) continue;
    Instruction one = e.instructions[i];
    int* const of[] = {&one.a, &one.b, &one.c};
    for (int k = 0; k < operands(one.op); ++k) *of[k] = name[static_cast<std::size_t>(*of[k])];
    kept.push_back(one);
    name[static_cast<std::size_t>(loads) + i] = loads + static_cast<int>(kept.size()) - 1;
  }
  e.instructions = std::move(kept);
  for (auto& store : e.stores) store.reg = name[static_cast<std::size_t>(store.reg)];
  return e;
}

Code code_of(Instruction const& one) {
  MOHO_REQUIRE(is_pointwise(one.op));
  int code = static_cast<int>(one.op);
  if (one.op == Op::power && one.value == 0.5) code = static_cast<int>(Op::sqrt);
  if (one.op == Op::power && std::fabs(one.value) <= most_power &&
      one.value == std::floor(one.value))
    code = power_code + most_power + static_cast<int>(one.value);
  return static_cast<Code>(code);
}

// ---- axes and blocks ----------------------------------------------------------------------------

std::int64_t Grid::size() const {
  std::int64_t n = 1;
  for (int d = 0; d < rank; ++d) n *= extents[static_cast<std::size_t>(d)];
  return n;
}

Grid merged(Expression const& e) {
  Grid grid;
  std::vector<std::vector<std::int64_t> const*> from;
  for (auto const& strides : e.loads) from.push_back(&strides);
  for (auto const& store : e.stores) from.push_back(&store.strides);
  std::vector<Strides> to(from.size());
  for (int axis = 0; axis < e.shape.rank(); ++axis) {
    std::int64_t const extent = e.shape[axis];
    auto const d = static_cast<std::size_t>(axis), last = static_cast<std::size_t>(grid.rank - 1);
    if (extent == 1) continue;
    bool joins = grid.rank > 0;
    for (std::size_t i = 0; joins && i < from.size(); ++i)
      joins = to[i][last] == (*from[i])[d] * extent;
    if (!joins) ++grid.rank;
    auto const at = static_cast<std::size_t>(grid.rank - 1);
    grid.extents[at] = joins ? grid.extents[at] * extent : extent;
    for (std::size_t i = 0; i < from.size(); ++i) to[i][at] = (*from[i])[d];
  }
  if (grid.rank == 0) { // a number: an axis of one entry
    grid.rank = 1;
    grid.extents[0] = 1;
    for (auto& strides : to) strides[0] = 1;
  }
  auto const split = to.begin() + static_cast<std::ptrdiff_t>(e.loads.size());
  grid.loads.assign(to.begin(), split);
  grid.stores.assign(split, to.end());
  return grid;
}

Blocks blocks_of(Grid const& grid, std::int64_t most) {
  Blocks b;
  b.axis = grid.rank - 1;
  auto extent = [&](int d) { return grid.extents[static_cast<std::size_t>(d)]; };
  while (b.axis > 0 && b.length * extent(b.axis) <= most) b.length *= extent(b.axis--);
  std::int64_t const rows = extent(b.axis);
  b.steps = std::min(rows, std::max<std::int64_t>(1, most / b.length));
  b.steps = ceil_divide(rows, ceil_divide(rows, b.steps)); // blocks of about the same size
  if (b.length == 1) b.steps = std::min(rows, ceil_divide(b.steps, 64) * 64); // whole cache lines
  b.pieces = ceil_divide(rows, b.steps);
  for (int d = 0; d < b.axis; ++d) b.outer *= extent(d);
  return b;
}

namespace {

BlockArray block_array(Grid const& grid, Blocks const& blocks, Strides const& strides) {
  BlockArray array;
  auto const at = static_cast<std::size_t>(blocks.axis);
  array.step = strides[at];
  bool repeats = true;
  for (std::size_t d = 0; d < at; ++d) {
    array.outer[d] = strides[d];
    repeats = repeats && strides[d] == 0;
  }
  if (array.step == 0 && blocks.outer * blocks.pieces > 1)
    array.refill = repeats ? BlockArray::Refill::once : BlockArray::Refill::outer;
  auto add = [&](std::int64_t extent, std::int64_t stride, bool leads) {
    if (extent == 1 && !leads) return;
    auto const last = static_cast<std::size_t>(array.axes - 1);
    if (array.axes > 0 && array.stride[last] == stride * extent) {
      array.extent[last] *= extent;
      array.stride[last] = stride;
    } else {
      array.extent[last + 1] = extent;
      array.stride[last + 1] = stride;
      ++array.axes;
    }
  };
  array.leads = blocks.steps > 1;
  if (array.leads) add(1, array.step, true); // its extent is the number of steps
  for (int d = blocks.axis + 1; d < grid.rank; ++d)
    add(grid.extents[static_cast<std::size_t>(d)], strides[static_cast<std::size_t>(d)], false);
  array.direct = array.axes == 0 || (array.axes == 1 && array.stride[0] == 1);
  return array;
}

// ---- steps and buffers --------------------------------------------------------------------------

/// Where and how long each register is needed, buffers given out and taken back.
class Scheduler {
public:
  Scheduler(Expression const& e, Plan const& plan, std::vector<char> const& deferred)
      : _e(e), _plan(plan), _deferred(deferred), _loads(static_cast<int>(e.loads.size())) {
    std::size_t const registers = e.loads.size() + e.instructions.size();
    _slot.assign(registers, -1);
    _last.assign(registers, -1);
    for (std::size_t i = 0; i < e.instructions.size(); ++i) {
      Instruction const& one = e.instructions[i];
      int const of[] = {one.a, one.b, one.c};
      for (int k = 0; k < operands(one.op); ++k) last(of[k]) = static_cast<int>(i);
    }
    for (std::size_t j = 0; j < e.stores.size(); ++j)
      if (deferred[j]) last(e.stores[j].reg) = static_cast<int>(e.instructions.size());
  }

  Steps run() {
    for (int l = 0; l < _loads; ++l) // buffers that outlive a block
      if (!array(l).direct && array(l).refill != BlockArray::Refill::block && last(l) >= 0) load(l);
    for (std::size_t i = 0; i < _e.instructions.size(); ++i) compute(static_cast<int>(i));
    for (std::size_t j = 0; j < _e.stores.size(); ++j)
      if (_deferred[j]) store(static_cast<int>(j));
    return std::move(_steps);
  }

private:
  Expression const& _e;
  Plan const& _plan;
  std::vector<char> const& _deferred;
  int _loads;
  std::vector<int> _slot, _last, _free;
  Steps _steps;

  int& slot(int reg) { return _slot[static_cast<std::size_t>(reg)]; }
  int& last(int reg) { return _last[static_cast<std::size_t>(reg)]; }
  BlockArray const& array(int load) const { return _plan.loads[static_cast<std::size_t>(load)]; }
  int store_slot(int j) const { return _loads + j; }
  int buffer_slot(int b) const { return _loads + static_cast<int>(_e.stores.size()) + b; }

  int take() {
    if (_free.empty()) return buffer_slot(_steps.buffers++);
    int const s = _free.back();
    _free.pop_back();
    return s;
  }
  void load(int l) {
    slot(l) = take();
    Step step;
    step.kind = Step::Kind::load;
    step.refill = array(l).refill;
    step.array = static_cast<std::int16_t>(l);
    step.out = static_cast<std::int16_t>(slot(l));
    _steps.steps.push_back(step);
  }
  /// The slot of an operand, loaded if need be.
  std::int16_t operand(int reg) {
    if (reg < _loads && slot(reg) < 0) {
      if (array(reg).direct)
        slot(reg) = reg;
      else
        load(reg);
    }
    return static_cast<std::int16_t>(slot(reg));
  }
  void release(int reg, int now) {
    bool const keeps = reg < _loads && array(reg).refill != BlockArray::Refill::block;
    if (last(reg) != now || keeps || slot(reg) < buffer_slot(0)) return;
    _free.push_back(slot(reg));
    last(reg) = -1; // once, also where an instruction names it twice
  }
  void store(int j) {
    int const reg = _e.stores[static_cast<std::size_t>(j)].reg;
    if (slot(reg) == store_slot(j)) return; // written by the instruction itself
    Step step;
    step.kind = Step::Kind::store;
    step.array = static_cast<std::int16_t>(j);
    step.a = static_cast<std::int16_t>(slot(reg));
    if (_plan.stores[static_cast<std::size_t>(j)].direct) {
      step.kind = Step::Kind::compute;
      step.code = first_code;
      step.b = step.c = step.a;
      step.out = static_cast<std::int16_t>(store_slot(j));
    }
    _steps.steps.push_back(step);
  }
  void compute(int i) {
    Instruction const& one = _e.instructions[static_cast<std::size_t>(i)];
    int const of[] = {one.a, one.b, one.c}, reg = _loads + i;
    Step step;
    step.code = code_of(one);
    step.value = one.value;
    step.a = step.b = step.c = operand(of[0]);
    if (operands(one.op) > 1) step.b = operand(of[1]);
    if (operands(one.op) > 2) step.c = operand(of[2]);
    for (int k = 0; k < operands(one.op); ++k) release(of[k], i);
    for (std::size_t j = 0; j < _e.stores.size(); ++j)
      if (_e.stores[j].reg == reg && _plan.stores[j].direct && !_deferred[j] && slot(reg) < 0)
        slot(reg) = store_slot(static_cast<int>(j));
    bool const buffered = slot(reg) < 0;
    if (buffered) slot(reg) = take();
    step.out = static_cast<std::int16_t>(slot(reg));
    _steps.steps.push_back(step);
    for (std::size_t j = 0; j < _e.stores.size(); ++j)
      if (_e.stores[j].reg == reg && !_deferred[j]) store(static_cast<int>(j));
    if (buffered && last(reg) < 0) _free.push_back(slot(reg)); // only stored
  }
};

/// Pairs of a load and a store with the same strides, where the load is read after the store is
/// written.
std::vector<Plan::Pair> conflicts(Expression const& e, Plan const& plan) {
  std::vector<Plan::Pair> pairs;
  int const loads = static_cast<int>(e.loads.size());
  for (std::size_t l = 0; l < e.loads.size(); ++l) {
    int first = -1, last = -1; // instructions that use it
    for (std::size_t i = 0; i < e.instructions.size(); ++i) {
      Instruction const& one = e.instructions[i];
      int const of[] = {one.a, one.b, one.c};
      for (int k = 0; k < operands(one.op); ++k)
        if (of[k] == static_cast<int>(l)) {
          last = static_cast<int>(i);
          if (first < 0) first = last;
        }
    }
    int const read = plan.loads[l].direct ? last : first; // a buffer is filled by the first
    for (std::size_t j = 0; j < e.stores.size(); ++j)
      if (plan.grid.loads[l] == plan.grid.stores[j] && read > e.stores[j].reg - loads)
        pairs.push_back({static_cast<int>(l), static_cast<int>(j)});
  }
  return pairs;
}

Plan plan_with_blocks(Expression const& e, Grid const& grid, std::int64_t most) {
  Plan plan;
  plan.grid = grid;
  plan.blocks = blocks_of(grid, most);
  for (auto const& s : grid.loads) plan.loads.push_back(block_array(grid, plan.blocks, s));
  for (auto const& s : grid.stores) plan.stores.push_back(block_array(grid, plan.blocks, s));
  plan.conflicts = conflicts(e, plan);
  std::vector<char> deferred(e.stores.size(), false);
  plan.direct = Scheduler(e, plan, deferred).run();
  for (auto const pair : plan.conflicts) deferred[static_cast<std::size_t>(pair.store)] = true;
  if (!plan.conflicts.empty()) plan.deferred = Scheduler(e, plan, deferred).run();
  return plan;
}

} // namespace

Plan make_plan(Expression const& e, std::size_t entry_bytes) {
  constexpr std::size_t room = 16 * 1024; // of buffers, half of a first cache level
  Grid const grid = merged(e);
  for (std::size_t most = most_block;; most /= 2) {
    Plan plan = plan_with_blocks(e, grid, static_cast<std::int64_t>(most));
    // Not a multiple of 4 KiB: processors compare the low 12 bits of addresses of loads and stores
    plan.pitch = plan.blocks.steps * plan.blocks.length;
    plan.pitch = ceil_divide(plan.pitch, 64) * 64 + 48 * static_cast<std::int64_t>(8 / entry_bytes);
    auto const buffers =
        static_cast<std::size_t>(std::max(plan.direct.buffers, plan.deferred.buffers));
    std::size_t const bytes = buffers * static_cast<std::size_t>(plan.pitch) * entry_bytes;
    if (most == least_block) MOHO_REQUIRE(bytes <= scratch_bytes);
    if (bytes <= room || most == least_block) return plan;
  }
}

} // namespace moho::nn::detail

namespace moho::nn {

template <class T>
struct PointwiseKernel<T>::Prepared {
  detail::Plan plan;
  std::optional<detail::DeviceExpression<T>> on_device;
};

template <class T>
PointwiseKernel<T>::PointwiseKernel(Expression const& expression) {
  auto prepared = std::make_shared<Prepared>();
  Expression const e = detail::simplified(expression);
  prepared->plan = detail::make_plan(e, sizeof(T));
  if constexpr (!on_host) prepared->on_device.emplace(e, prepared->plan.grid);
  _prepared = prepared;
}

template <class T>
void PointwiseKernel<T>::run(ExecutionSpace const& space, T const* const* in, T* const* out) const {
  if constexpr (on_host)
    detail::run_on_host(space, _prepared->plan, in, out);
  else
    _prepared->on_device->run(space, in, out);
}

template class PointwiseKernel<float>;
template class PointwiseKernel<double>;

} // namespace moho::nn
