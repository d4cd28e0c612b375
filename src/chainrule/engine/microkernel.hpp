// The product that everything else is built on, in registers.
//
//   A  (MR, K)    a few rows, read one number at a time
//   B  (K, NR)    one panel: K rows of one or two vectors, side by side in memory
//   C  (MR, NR)   the tile, which stays in registers while k runs
//
// A panel is NR = 2·width columns wide, and only `width` where no more are left. A tile is at most
// MR rows high: 6 where there are 16 vector registers (12 for C, 2 for B, 1 for A), 12 where there
// are 32. Each number of C is summed over k in the order of k, whatever tile it falls in, so that
// how rows are shared out among tiles and threads does not change a bit.
#pragma once

#include <algorithm>
#include <utility>

#include "ahead.hpp"
#include "simd.hpp"

namespace chainrule {

#if defined(__AVX512F__) || defined(__aarch64__)
inline constexpr int most_rows = 12;
#elif CHAINRULE_SMALL
inline constexpr int most_rows = 4;
#else
inline constexpr int most_rows = 6;
#endif

// How many steps of k there are in a row without a jump.
inline constexpr int steps = small_code ? 1 : 2;

template <class T>
inline constexpr int panel_width = 2 * Vec<T>::width;

// The columns of n that panels need: whole vectors.
template <class T>
constexpr int padded(int n) {
    constexpr int w = Vec<T>::width;
    return (n + w - 1) / w * w;
}

// How many rows the next tile takes of `left`: as many as all the tiles needed, in equal parts, so
// that no tile of one or two rows is left over.
inline int tile_rows(int left) {
    if (small_code || left <= most_rows) return std::min(left, most_rows);
    const int tiles = (left + most_rows - 1) / most_rows;
    return (left + tiles - 1) / tiles;
}

// Where a tile starts from: a row of biases, zeros (null), or what C already holds.
template <class T>
struct Start {
    const T* bias;
    bool from_c;
};

// C = start + A B, with a(i, k) giving A and the panel b of NV vectors a row. Between some steps of k
// it looks ahead; one that does not is apart, since that alone costs 4% where all is near.
template <int MR, int NV, class T, class A, class Ahead = Nearby>
CHAINRULE_INLINE void tile(int K, A a, const T* b, long ldb, T* c, long ldc, Start<T> start,
                           Ahead ahead = {}) {
    constexpr int w = Vec<T>::width;
    using V = typename Vec<T>::type;
    V sums[MR][NV];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v)
            sums[i][v] = start.from_c ? load(c + i * ldc + v * w)
                         : start.bias ? load(start.bias + v * w)
                                      : V{};
    const auto step = [&](int k) __attribute__((always_inline)) {
        V row[NV];
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) row[v] = load(b + v * w);
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) {
            const T x = a(i, k);
#pragma GCC unroll 2
            for (int v = 0; v < NV; ++v) sums[i][v] = multiply_add(row[v], x, sums[i][v]);
        }
    };
    if constexpr (std::is_same_v<Ahead, Nearby>) {
#pragma GCC unroll steps
        for (int k = 0; k < K; ++k, b += ldb) step(k);
    } else {
        for (int k = 0, j = 0; k < K; ++j) {
            ahead.template look<MR, NV * vector_bytes>(j);
#pragma GCC unroll 2
            for (const int until = std::min(K, k + stride<T>); k < until; ++k, b += ldb) step(k);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) store(c + i * ldc + v * w, sums[i][v]);
}

// Calls f.operator()<MR, NV>() for numbers known only now.
template <class F, int... Rows>
CHAINRULE_INLINE void with_rows(int rows, int vectors, F&& f, std::integer_sequence<int, Rows...>) {
    auto one = [&]<int MR>() CHAINRULE_INLINE_IF_SMALL {
        if (rows != MR) return false;
        vectors == 2 ? f.template operator()<MR, 2>() : f.template operator()<MR, 1>();
        return true;
    };
    (one.template operator()<Rows + 1>() || ...);
}

template <class F>
CHAINRULE_INLINE void with_tile(int rows, int vectors, F&& f) {
    with_rows(rows, vectors, f, std::make_integer_sequence<int, most_rows>{});
}

// A tile of the rows that pointers lead to: a(i, k) = rows[i][k].
template <int MR, int NV, class T, class Ahead>
[[gnu::noinline]] void tile_of_rows(const T* const* rows, int k0, int K, const T* b, T* c, long ldc,
                                    Start<T> start, Ahead ahead) {
    const T* a[MR];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) a[i] = rows[i] + k0;
    tile<MR, NV>(K, [&](int i, int k) { return a[i][k]; }, b, NV * Vec<T>::width, c, ldc, start, ahead);
}

// A tile of columns: a(i, k) = rows[k][first + i], the product over examples that makes a gradient.
template <int MR, int NV, class T>
[[gnu::noinline]] void tile_of_columns(const T* const* rows, int first, int K, const T* b, long ldb,
                                       T* c) {
    tile<MR, NV>(K, [&](int i, int k) { return rows[k][first + i]; }, b, ldb, c,
                 NV * Vec<T>::width, Start<T>{nullptr, false});
}

// The same from columns that were packed side by side: a(i, k) = packed[k · MR + i].
template <int MR, int NV, class T, class Ahead>
[[gnu::noinline]] void tile_of_packed(const T* packed, int K, const T* b, long ldb, T* c, Ahead ahead) {
    tile<MR, NV>(K, [&](int i, int k) { return packed[k * MR + i]; }, b, ldb, c,
                 NV * Vec<T>::width, Start<T>{nullptr, false}, ahead);
}

}  // namespace chainrule
