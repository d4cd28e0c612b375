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

// C = start + A B for rows r0 to r1 of C; calls done(r, rows, column, vectors) for each finished tile.
template <class T, class Done>
void product(const T* const* A, int r0, int r1, int K, const T* B, int columns, Start<T> begin, T* C,
             long ldc, Done&& done) {
    constexpr int w = Vec<T>::width, NR = panel_width<T>;
    const int pieces = std::max(1, (K + depth<T> / 2) / depth<T>);
    const int piece = pieces == 1 ? K : (K + pieces - 1) / pieces;
    for (int m0 = r0; m0 < r1; m0 += block) {
        const int m1 = std::min(r1, m0 + block);
        for (int k0 = 0; k0 < K; k0 += piece) {
            const int k = std::min(piece, K - k0);
            for (int column = 0; column < columns; column += NR) {
                const int vectors = columns - column > w ? 2 : 1;
                const T* panel =
                    B + static_cast<std::size_t>(column) * K + static_cast<std::size_t>(k0) * vectors * w;
                const Start<T> start{begin.bias ? begin.bias + column : nullptr, begin.from_c || k0 > 0};
                for (int r = m0, rows; r < m1; r += rows) {
                    rows = tile_rows(m1 - r);
                    T* c = C + r * ldc + column;
                    with_tile(rows, vectors, [&]<int MR, int NV>() {
                        tile_of_rows<MR, NV>(A + r, k0, k, panel, c, ldc, start);
                    });
                    if (k0 + k == K) done(r, rows, column, vectors);
                }
            }
        }
    }
}

// Calls f(place) for each vector of a tile of an array of rows.
template <class T, class F>
CHAINRULE_INLINE void for_each_vector(long ld, int r, int rows, int column, int vectors, F&& f) {
    for (int i = 0; i < rows; ++i)
        for (int v = 0; v < vectors; ++v) f((r + i) * ld + column + v * Vec<T>::width);
}

// z becomes a in a tile, and its slope is put beside it if there is room.
template <class T>
void activate_tile(Activation f, T parameter, T* a, T* slopes, long ld, int r, int rows, int column,
                   int vectors) {
    if (f == Activation::softmax || (f == Activation::identity && !slopes)) return;
    with_activation(f, [&]<Activation A>() {
        for_each_vector<T>(ld, r, rows, column, vectors, [&](long k) {
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
        with_activation(f, [&]<Activation A>() {
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
    return columns >= 4 * panel_width<T>;
}

// How much room the packed columns of x need: a whole vector may be stored at their end.
template <class T>
std::size_t packing_room(int height, int in) {
    return static_cast<std::size_t>(height) * std::min(block, in) + Vec<T>::width;
}

// The columns m0 to m1 of n rows, tile by tile: each a row of the tile's width for every row.
template <class T>
void pack_columns(const T* const* x, int n, int m0, int m1, T* q) {
    constexpr int w = Vec<T>::width;
    for (int i = m0, rows; i < m1; i += rows) {
        rows = tile_rows(m1 - i);
        for (int k = 0; k < n; ++k, q += rows)
            for (int j = 0; j < rows; j += w)
                store(q + j, load_first(x[k] + i + j, std::min(rows - j, w)));
    }
}

}  // namespace chainrule
