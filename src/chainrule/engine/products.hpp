// Products of matrices, tile by tile, each finished while it is in the first-level cache.
//
// Blocking: B is taken in pieces of `depth` rows of a panel, which stay in the first-level cache
// while all rows of A pass by; A in blocks of `block` rows, which stay in the second.
#pragma once

#include <cmath>

#include "activations.hpp"
#include "microkernel.hpp"

namespace chainrule {

template <class T>
inline constexpr int depth = 2048 / static_cast<int>(sizeof(T));
inline constexpr int block = 192;

// Some rows of a panel of B.
template <class T>
struct Piece {
    int column, k0, K, vectors;
    const T* first;

    Piece(const T* B, int all, int columns, int column_, int k0_, int most)
        : column(column_), k0(k0_), K(std::min(most, all - k0)),
          vectors(columns - column > Vec<T>::width ? 2 : 1),
          first(B + static_cast<std::size_t>(column) * all +
                static_cast<std::size_t>(k0) * vectors * Vec<T>::width) {}

    long lines() const { return static_cast<long>(K) * vectors * vector_bytes / line; }
};

// The rows m0 to m1 of C by one piece of B. Where it looks ahead, its tiles share in asking for the
// next piece, and those of the first panel ask for rows of A too.
template <bool looks_ahead, class T, class Done>
CHAINRULE_INLINE void product_by_piece(const T* const* A, int m0, int m1, const Piece<T>& b,
                                       const Piece<T>& next, Start<T> start, T* C, long ldc,
                                       Done&& done) {
    Lines lines;
    if constexpr (looks_ahead)
        lines = {next.first, next.lines(), looks<T>(b.K) * ((m1 - m0 + most_rows - 1) / most_rows)};
    for (int r = m0, rows; r < m1; r += rows) {
        rows = tile_rows(m1 - r);
        T* c = C + r * ldc + b.column;
        with_tile(rows, b.vectors, [&]<int MR, int NV>() CHAINRULE_INLINE_IF_SMALL {
            if constexpr (looks_ahead) {
                const T* c_then = r + MR < m1 ? c + MR * ldc : C + m0 * ldc + next.column;
                const T* const* a_then = b.column == 0 && r + 2 * MR <= m1 ? A + r + MR : nullptr;
                tile_of_rows<MR, NV>(A + r, b.k0, b.K, b.first, c, ldc, start,
                                     AheadOfRows<T>{lines, c_then, ldc, a_then, b.k0});
            } else {
                tile_of_rows<MR, NV>(A + r, b.k0, b.K, b.first, c, ldc, start, Nearby{});
            }
        });
        done(r, rows);
    }
}

template <bool looks_ahead, class T, class Done>
CHAINRULE_INLINE void product_by_pieces(const T* const* A, int r0, int r1, int K, const T* B, int columns,
                       Start<T> begin, T* C, long ldc, Done&& done) {
    constexpr int NR = panel_width<T>;
    const int pieces = std::max(1, (K + depth<T> / 2) / depth<T>);
    const int most = pieces == 1 ? K : (K + pieces - 1) / pieces;
    for (int m0 = r0; m0 < r1; m0 += block) {
        const int m1 = std::min(r1, m0 + block);
        for (int k0 = 0; k0 < K; k0 += most)
            for (int column = 0; column < columns; column += NR) {
                const Piece<T> b(B, K, columns, column, k0, most);
                const bool last = column + NR >= columns;
                const Piece<T> next(B, K, columns, last ? 0 : column + NR,
                                    !last ? k0 : k0 + most < K ? k0 + most : 0, most);
                product_by_piece<looks_ahead>(
                    A, m0, m1, b, next,
                    Start<T>{begin.bias ? begin.bias + column : nullptr, begin.from_c || k0 > 0}, C,
                    ldc, [&](int r, int rows) {
                        if (k0 + b.K == K) done(r, rows, column, b.vectors);
                    });
            }
    }
}

// Apart, so that it takes no room in what small networks go through.
template <class T, class Done>
[[gnu::noinline]] void product_from_afar(const T* const* A, int r0, int r1, int K, const T* B,
                                         int columns, Start<T> begin, T* C, long ldc, Done& done) {
    product_by_pieces<true>(A, r0, r1, K, B, columns, begin, C, ldc, done);
}

// C = start + A B for rows r0 to r1 of C; calls done(r, rows, column, vectors) for each finished tile.
template <class T, class Done>
void product(const T* const* A, int r0, int r1, int K, const T* B, int columns, Start<T> begin, T* C,
             long ldc, Done&& done) {
    if (columns <= panel_width<T> && K <= depth<T> && r1 - r0 <= block) {  // one piece: of small networks
        const Piece<T> all(B, K, columns, 0, 0, K);
        if constexpr (small_code) {  // which is quicker called once
            product_by_piece<false>(A, r0, r1, all, all, begin, C, ldc, [](int, int) {});
            return done(r0, r1 - r0, 0, all.vectors);
        }
        return product_by_piece<false>(A, r0, r1, all, all, begin, C, ldc,
                                       [&](int r, int rows) { done(r, rows, 0, all.vectors); });
    }
    if (is_far<T>(K, columns))
        return product_from_afar(A, r0, r1, K, B, columns, begin, C, ldc, done);
    product_by_pieces<false>(A, r0, r1, K, B, columns, begin, C, ldc, done);
}

// Calls f(place) for each vector of a tile of an array of rows.
template <class T, class F>
CHAINRULE_INLINE void for_each_vector(long ld, int r, int rows, int column, int vectors, F&& f) {
    if (small_code && ld == vectors * Vec<T>::width) {  // one loop, for what comes before it costs
        vectors *= rows;
        rows = 1;
    }
    for (int i = 0; i < rows; ++i)
        for (int v = 0; v < vectors; ++v) f((r + i) * ld + column + v * Vec<T>::width);
}

// z becomes a in a tile, and its slope is put beside it if there is room.
template <class T>
void activate_tile(Activation f, T parameter, T* a, T* slopes, long ld, int r, int rows, int column,
                   int vectors) {
    if (f == Activation::softmax || (f == Activation::identity && !slopes)) return;
    with_activation(f, [&]<Activation A>() __attribute__((always_inline)) {
        for_each_vector<T>(ld, r, rows, column, vectors, [&](long k) __attribute__((always_inline)) {
            typename Vec<T>::type out, slope;
            activate<A, T>(load(a + k), parameter, out, slope);
            store(a + k, out);
            if (slopes) store(slopes + k, slope);
        });
    });
}

// The same on the way back: d becomes d ⊙ f′(z) in a tile.
template <class T>
void slope_tile(Activation f, T parameter, const T* a, const T* slopes, T* d, long ld, int r, int rows,
                int column, int vectors) {
    if (slopes) {
        for_each_vector<T>(ld, r, rows, column, vectors, [&](long k) {
            store(d + k, load(d + k) * load(slopes + k));
        });
    } else if (f != Activation::identity) {
        with_activation(f, [&]<Activation A>() __attribute__((always_inline)) {
            if constexpr (slope_from_output(A))
                for_each_vector<T>(ld, r, rows, column, vectors, [&](long k) {
                    store(d + k, load(d + k) * slope_of_output<A, T>(load(a + k), parameter));
                });
        });
    }
}

// Whether columns of x are packed for a dW of so many columns: else it costs more than it saves.
template <class T>
bool packs_columns(int columns) {
    return !small_code && columns >= 4 * panel_width<T>;
}

// How much room the packed columns of x need: a whole vector may be stored at their end.
template <class T>
std::size_t packing_room(int height, int in) {
    return static_cast<std::size_t>(height) * std::min(block, in) + Vec<T>::width;
}

// `count` lanes of a from lane `from` on, and behind them the first of b.
template <int from, int count, class V, int... lane>
CHAINRULE_INLINE V joined(V a, V b, std::integer_sequence<int, lane...>) {
    constexpr int width = sizeof...(lane);
    return __builtin_shufflevector(a, b, (lane < count ? from + lane : width + lane - count)...);
}

// Whether rows of the highest tile are packed by whole vectors: four rows of ¾ of a vector, or two of
// one and a half, fill three. Such that start within a row would overlap, and split lines.
template <class T>
inline constexpr int rows_in_three = 3 * Vec<T>::width % most_rows == 0 ? 3 * Vec<T>::width / most_rows : 0;

// That many rows of the highest tile's width, from number i of each on.
template <class T>
CHAINRULE_INLINE void pack_three(const T* const* x, int i, T* q) {
    constexpr int w = Vec<T>::width, rest = w / rows_in_three<T>;
    constexpr auto lanes = std::make_integer_sequence<int, w>{};
    if constexpr (rows_in_three<T> == 4) {
        typename Vec<T>::type row[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) row[k] = load_part(x[k] + i, most_rows);
        store(q, joined<0, 3 * rest>(row[0], row[1], lanes));
        store(q + w, joined<rest, 2 * rest>(row[1], row[2], lanes));
        store(q + 2 * w, joined<2 * rest, rest>(row[2], row[3], lanes));
    } else {
        store(q, load(x[0] + i));
        store(q + w, joined<rest, rest>(load(x[0] + i + rest), load(x[1] + i), lanes));
        store(q + 2 * w, load(x[1] + i + rest));
    }
}

// Some of n rows of a tile's columns, those from k on up to k1. Only the last store of all must not
// reach into the next tile.
template <class T>
CHAINRULE_INLINE void pack_rows(const T* const* x, int n, int k, int k1, int i, int rows, T* q) {
    constexpr int w = Vec<T>::width, whole = rows_in_three<T>;
    if constexpr (whole == 2 || whole == 4)
        if (rows == most_rows)
            for (; k + whole <= k1; k += whole, q += 3 * w) pack_three(x + k, i, q);
    for (; k < std::min(k1, n - 1); ++k, q += rows)
        for (int j = 0; j < rows; j += w) store(q + j, load_first(x[k] + i + j, std::min(rows - j, w)));
    for (int j = 0; k < k1 && j < rows; j += w) {
        const int count = std::min(rows - j, w);
        store_first(q + j, load_first(x[k] + i + j, count), count);
    }
}

// The columns m0 to m1 of n rows, tile by tile: each a row of the tile's width for every row. Some
// rows at a time, which the first-level cache holds while tile after tile is taken of them.
template <class T>
void pack_columns(const T* const* x, int n, int m0, int m1, T* q) {
    constexpr int some = 16;
    for (int k = 0; k < n; k += some)
        for (int i = m0, rows; i < m1; i += rows) {
            rows = tile_rows(m1 - i);
            pack_rows(x, n, k, std::min(n, k + some), i, rows,
                      q + static_cast<std::size_t>(i - m0) * n + k * rows);
        }
}

}  // namespace chainrule
