// SPDX-License-Identifier: BSD-3-Clause
#include "gemm_skinny.hpp"
#include "lanes.hpp"
#include "transpose.hpp"
#include <algorithm>

#ifdef MOHO_NN_VECTORS
namespace moho::nn {
namespace {

#if defined(__AVX512F__)
constexpr int tile_vectors = 4;
#else
constexpr int tile_vectors = 2;
#endif
constexpr int tile_rows = 6; // with tile_vectors, and theirs of B, what the registers hold

/// Rows of B that are worked off at once, and entries of a row: the block stays in a near cache.
constexpr std::int64_t block_sums = 128;
template <class T>
constexpr int block_columns = tile_vectors* lanes<T>;

/// A block of B, (sums, width) row-major, the columns beyond B's zero.
template <class T>
struct Block {
  alignas(64) T entry[block_sums * block_columns<T>];
};

/// What a tile is computed from: A (rows, k); rows of B, `b_sum` entries apart; and where it goes.
template <class T>
struct TileTask {
  std::int64_t k;
  T const* a;
  std::int64_t a_row, a_sum;
  T const* b;
  std::int64_t b_sum;
  T* c;
  std::int64_t c_row;
  int columns;
  bool add;
};

/// C (R, columns) = A B, B's rows being V - 1 whole vectors and one of `last` lanes. Sums begin at
/// 0; `add`: they are added to C.
template <class T, int R, int V, int last>
[[gnu::noinline]] void multiply_tile(TileTask<T> const& task) {
  auto const [k, a, a_row, a_sum, block, width, c, c_row, columns, add] = task;
  using Whole = Vector<T, lanes<T>>;
  using Part = Vector<T, last>;
  int const left = columns - (V - 1) * lanes<T>;
  typename Whole::type whole[R][V > 1 ? V - 1 : 1] = {};
  typename Part::type part[R] = {};
  for (std::int64_t s = 0; s < k; ++s) {
    typename Whole::type b[V > 1 ? V - 1 : 1];
#pragma GCC unroll 8
    for (int v = 0; v < V - 1; ++v) b[v] = Whole::load(block + s * width + v * lanes<T>);
    T const* const b_end = block + s * width + (V - 1) * lanes<T>;
    auto const b_part = loads_some ? Part::load_some(b_end, left) : Part::load(b_end);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      T const factor = a[r * a_row + s * a_sum];
#pragma GCC unroll 8
      for (int v = 0; v < V - 1; ++v) whole[r][v] += factor * b[v];
      part[r] += factor * b_part;
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    T* const out = c + r * c_row;
#pragma GCC unroll 8
    for (int v = 0; v < V - 1; ++v)
      if (add) whole[r][v] += Whole::load(out + v * lanes<T>);
    if (add) part[r] += Part::load_some(out + (V - 1) * lanes<T>, left);
  }
  // All is read before anything is written: a row's last piece may reach into the next row.
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    T* const out = c + r * c_row;
#pragma GCC unroll 8
    for (int v = 0; v < V - 1; ++v) Whole::store(whole[r][v], out + v * lanes<T>);
    Part::store_some(part[r], out + (V - 1) * lanes<T>, left);
  }
}

template <class T>
using Tile = void (*)(TileTask<T> const&);

/// Tiles of one width for 1 to tile_rows rows.
template <class T>
struct Tiles {
  int width = 0;
  Tile<T> of_rows[tile_rows + 1] = {};
};

template <class T, int V, int last>
constexpr Tiles<T> make_tiles() {
  static_assert(tile_rows == 6);
  return {(V - 1) * lanes<T> + last,
          {nullptr, multiply_tile<T, 1, V, last>, multiply_tile<T, 2, V, last>,
           multiply_tile<T, 3, V, last>, multiply_tile<T, 4, V, last>, multiply_tile<T, 5, V, last>,
           multiply_tile<T, 6, V, last>}};
}

/// The narrowest tiles that hold `columns`. The last vector may be a half or a quarter of a whole
/// one.
template <class T>
Tiles<T> const& tiles_of(int columns) {
  constexpr int whole = lanes<T>, half = whole / 2, quarter = whole >= 8 ? whole / 4 : half;
  static constexpr Tiles<T> all[] = {
    make_tiles<T, 1, quarter>(),
    make_tiles<T, 1, half>(),
    make_tiles<T, 1, whole>(),
    make_tiles<T, 2, quarter>(),
    make_tiles<T, 2, half>(),
    make_tiles<T, 2, whole>(),
#if defined(__AVX512F__)
    make_tiles<T, 3, quarter>(),
    make_tiles<T, 3, half>(),
    make_tiles<T, 3, whole>(),
    make_tiles<T, 4, quarter>(),
    make_tiles<T, 4, half>(),
    make_tiles<T, 4, whole>(),
#endif
  };
  for (Tiles<T> const& tiles : all)
    if (tiles.width >= columns) return tiles;
  return all[std::size(all) - 1];
}

/// Brings `sums` rows and `columns` columns of B into the block, whose rows are filled up with
/// zeros to the whole vectors that they begin on.
template <class T>
void fill_block(std::int64_t sums, int columns, std::int64_t step, T const* b, std::int64_t b_sum,
                std::int64_t b_column, T* block) {
  using Whole = Vector<T, lanes<T>>;
  int const whole = columns / lanes<T> * lanes<T>;
  if (b_column == 1) {
    for (std::int64_t s = 0; s < sums; ++s) {
      T const* const from = b + s * b_sum;
      T* const to = block + s * step;
      for (int j = 0; j < whole; j += lanes<T>) Whole::store(Whole::load(from + j), to + j);
      if (whole < columns)
        Whole::store(Whole::load_some(from + whole, columns - whole), to + whole);
    }
    return;
  }
  if (whole < columns)
    for (std::int64_t s = 0; s < sums; ++s)
      Whole::store(typename Whole::type{}, block + s * step + whole);
  if (b_sum == 1)
    transpose(columns, sums, b, b_column, block, step);
  else
    for (std::int64_t s = 0; s < sums; ++s)
      for (int j = 0; j < columns; ++j) block[s * step + j] = b[s * b_sum + j * b_column];
}

/// Rows of an array that will be needed in the next block. They are asked for bit by bit while the
/// present block is worked off: the hardware does not foresee them, since a block ends within rows
/// or skips over parts of them.
class Ahead {
public:
  Ahead() = default;
  template <class T>
  Ahead(T const* first, std::int64_t rows, std::int64_t step, std::int64_t length)
      : _first(reinterpret_cast<char const*>(first)), _rows(rows),
        _step(step * static_cast<std::int64_t>(sizeof(T))),
        _bytes(length * static_cast<std::int64_t>(sizeof(T))) {}

  /// The part-th of `parts` parts.
  void fetch(std::int64_t part, std::int64_t parts) const {
    std::int64_t const end = _rows * (part + 1) / parts;
    for (std::int64_t r = _rows * part / parts; r < end; ++r)
      for (std::int64_t at = 0; at < _bytes; at += 64)
        __builtin_prefetch(_first + r * _step + at, 0, 2); // into the second cache
  }

private:
  char const* _first = nullptr;
  std::int64_t _rows = 0, _step = 0, _bytes = 0;
};

/// Of an operand (outer, sums) with the given strides, from entry `first` on.
template <class T>
Ahead ahead_of(T const* first, std::int64_t outer, std::int64_t outer_step, std::int64_t sums,
               std::int64_t sum_step) {
  if (outer_step == 1) return {first, sums, sum_step, outer};
  if (sum_step == 1) return {first, outer, outer_step, sums};
  return {};
}

/// Whether the operands are larger than the second cache.
template <class T>
bool is_far(Product const& p) {
  constexpr std::int64_t near_entries = (std::int64_t{1} << 20) / sizeof(T);
  return p.m * p.k + p.k * p.n + p.m * p.n > near_entries;
}

/// C (m, columns), which begins at column j, over the sums from `first` on that a block holds.
template <class T>
void multiply_block(Product const& p, T const* a, T const* b, T* c, std::int64_t j, int columns,
                    std::int64_t first, bool accumulate, Block<T>& block) {
  Tiles<T> const& tiles = tiles_of<T>(columns);
  std::int64_t const sums = std::min(block_sums, p.k - first);
  T const* const left = a + first * p.a_sum;
  T const* const right = b + first * p.b_sum + j * p.b_column;
  bool const direct = p.b_column == 1 && (loads_some || columns == tiles.width);
  std::int64_t const step = (columns + lanes<T> - 1) / lanes<T> * lanes<T>;
  if (!direct) fill_block(sums, columns, step, right, p.b_sum, p.b_column, block.entry);
  Ahead ahead[2];
  if (is_far<T>(p)) {
    std::int64_t const more_sums = std::min(block_sums, p.k - first - sums);
    std::int64_t const more_columns = std::min<std::int64_t>(block_columns<T>, p.n - j - columns);
    if (more_sums > 0) {
      ahead[0] = ahead_of(left + sums * p.a_sum, p.m, p.a_row, more_sums, p.a_sum);
      ahead[1] = ahead_of(right + sums * p.b_sum, columns, p.b_column, more_sums, p.b_sum);
    } else if (more_columns > 0) {
      ahead[0] = ahead_of(right + columns * p.b_column, more_columns, p.b_column, sums, p.b_sum);
      ahead[1] = {c + j + columns, p.m, p.c_row, more_columns};
    }
  }
  TileTask<T> task{sums,
                   left,
                   p.a_row,
                   p.a_sum,
                   direct ? right : block.entry,
                   direct ? p.b_sum : step,
                   c + j,
                   p.c_row,
                   columns,
                   accumulate || first > 0};
  std::int64_t const row_tiles = (p.m + tile_rows - 1) / tile_rows;
  for (std::int64_t t = 0, row = 0; t < row_tiles; ++t) {
    for (Ahead const& rows : ahead) rows.fetch(t, row_tiles);
    // Tiles of about equal heights: one of few rows would wait for its own sums.
    std::int64_t const rows = p.m * (t + 1) / row_tiles - row;
    tiles.of_rows[rows](task);
    row += rows;
    task.a += rows * p.a_row;
    task.c += rows * p.c_row;
  }
}

} // namespace

template <class T>
void multiply_skinny(Product const& p, T const* a, T const* b, T* c, bool accumulate) {
  static thread_local Block<T> block;
  for (std::int64_t j = 0; j < p.n; j += block_columns<T>)
    for (std::int64_t s = 0; s < p.k; s += block_sums)
      multiply_block(p, a, b, c, j,
                     static_cast<int>(std::min<std::int64_t>(block_columns<T>, p.n - j)), s,
                     accumulate, block);
}

} // namespace moho::nn

#else // a device's compiler: products run there
namespace moho::nn {

template <class T>
void multiply_skinny(Product const& p, T const* a, T const* b, T* c, bool accumulate) {
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      T sum = accumulate ? c[i * p.c_row + j] : T(0);
      for (std::int64_t s = 0; s < p.k; ++s)
        sum += a[i * p.a_row + s * p.a_sum] * b[s * p.b_sum + j * p.b_column];
      c[i * p.c_row + j] = sum;
    }
}

} // namespace moho::nn
#endif

namespace moho::nn {
template void multiply_skinny(Product const&, float const*, float const*, float*, bool);
template void multiply_skinny(Product const&, double const*, double const*, double*, bool);
} // namespace moho::nn
