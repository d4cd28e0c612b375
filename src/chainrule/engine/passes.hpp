// The passes of one step: forward, backward, and from deltas to new weights.
//
//   x (n, i) → z = x Wᵀ + b → a = f(z), slope = f′(z)        forward, by rows of the batch
//   delta (n, o) = (delta⁺ W⁺) ⊙ slope                        backward, by rows of the batch
//   dW (i, o) = Σ x ⊗ delta, and the update                   by rows of the weights
//
// Blocking: B is taken in pieces of `depth` rows of a panel, which stay in the first-level cache
// while all rows of A pass by; A in blocks of `block` rows, which stay in the second.
#pragma once

#include <cmath>

#include "layer.hpp"
#include "optimizers.hpp"
#include "softmax.hpp"

namespace chainrule {

template <class T>
inline constexpr int depth = 2048 / static_cast<int>(sizeof(T));
inline constexpr int block = 192;

// C = bias + A B for rows r0 to r1 of C; calls done(r, rows, column, vectors) for each finished tile.
template <class T, class Done>
void product(const T* const* A, int r0, int r1, int K, const T* B, int columns, const T* bias, T* C,
             long ldc, Done&& done) {
    constexpr int w = Vec<T>::width, NR = panel_width<T>;
    const int pieces = std::max(1, (K + depth<T> / 2) / depth<T>), piece = (K + pieces - 1) / pieces;
    for (int m0 = r0; m0 < r1; m0 += block) {
        const int m1 = std::min(r1, m0 + block);
        for (int k0 = 0; k0 < K; k0 += piece) {
            const int k = std::min(piece, K - k0);
            for (int column = 0; column < columns; column += NR) {
                const int vectors = columns - column > w ? 2 : 1;
                const T* panel =
                    B + static_cast<std::size_t>(column) * K + static_cast<std::size_t>(k0) * vectors * w;
                const Start<T> start{bias ? bias + column : nullptr, k0 > 0};
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

template <class T>
void forward(Layer<T>& l, const T* const* x, int r0, int r1, std::uint64_t step) {
    product(x, r0, r1, l.in, l.W.get(), l.columns, l.b.get(), l.a.get(), l.ld,
            [&](int r, int rows, int column, int vectors) {
                activate_tile(l.spec.activation, l.parameter, l.a.get(), l.slope.get(), l.ld, r, rows,
                              column, vectors);
            });
    const bool over_layer = l.spec.activation == Activation::softmax;
    for (int r = r0; over_layer && r < r1; ++r) {
        T* a = l.a.get() + r * l.ld;
        rows::softmax(a, l.out, a);
        std::copy_n(a, l.out, l.slope.get() + r * l.ld);  // before dropout
    }
    if (step == 0) return;
    for (const Dropout& d : l.spec.dropouts)
        silence<T>(d, step, r0, r1, l.out, over_layer ? 1 : 2, [&](int array, int r) {
            return (array == 0 ? l.a.get() : l.slope.get()) + r * l.ld;
        });
}

// A tile of delta once more, where the product of dW wants it packed.
template <class T>
void pack_delta(Layer<T>& l, int batch, int r, int rows, int column, int vectors) {
    constexpr int w = Vec<T>::width;
    if (!l.packs) return;
    T* panel = l.packed.get() + static_cast<std::size_t>(column) * batch;
    for (int i = 0; i < rows; ++i)
        for (int v = 0; v < vectors; ++v)
            store(panel + static_cast<std::size_t>(r + i) * vectors * w + v * w,
                  load(l.delta.get() + (r + i) * l.ld + column + v * w));
}

// da, which stands in delta, becomes delta.
template <class T>
void finish_delta(Layer<T>& l, int batch, int r, int rows, int column, int vectors) {
    T* delta = l.delta.get();
    if (l.spec.activation == Activation::softmax) return;  // see finish_rows
    if (l.keeps_slope) {
        for_each_vector<T>(l.ld, r, rows, column, vectors, [&](long k) {
            store(delta + k, load(delta + k) * load(l.slope.get() + k));
        });
    } else if (l.spec.activation != Activation::identity) {
        with_activation(l.spec.activation, [&]<Activation A>() {
            if constexpr (slope_from_output(A))
                for_each_vector<T>(l.ld, r, rows, column, vectors, [&](long k) {
                    const auto slope = slope_of_output<A, T>(load(l.a.get() + k), l.parameter);
                    store(delta + k, load(delta + k) * slope);
                });
        });
    }
    pack_delta(l, batch, r, rows, column, vectors);
}

// The same for an activation that needs its whole rows, once all their tiles are there.
template <class T>
void finish_rows(Layer<T>& l, int batch, int r0, int r1) {
    if (l.spec.activation != Activation::softmax) return;
    for (int r = r0; r < r1; ++r) {
        const auto at = static_cast<std::ptrdiff_t>(r) * l.ld;
        rows::softmax_delta(l.slope.get() + at, l.a.get() + at, l.out, l.delta.get() + at);
    }
    for (int column = 0; column < l.columns; column += panel_width<T>)
        pack_delta(l, batch, r0, r1 - r0, column, l.vectors(column));
}

// The deltas of the layer below, from those of `above`.
template <class T>
void backward(const Layer<T>& above, Layer<T>& l, int batch, int r0, int r1) {
    product(above.delta_rows.data(), r0, r1, above.out, above.Wt.get(), padded<T>(above.in),
            static_cast<const T*>(nullptr), l.delta.get(), l.ld,
            [&](int r, int rows, int column, int vectors) {
                finish_delta(l, batch, r, rows, column, vectors);
            });
    finish_rows(l, batch, r0, r1);
}

// Whether columns of a layer's inputs are packed for dW: else it costs more than it saves.
template <class T>
bool packs_columns(const Layer<T>& l) {
    return l.columns >= 4 * panel_width<T>;
}

// How much room the packed columns of a layer need: a whole vector may be stored at their end.
template <class T>
std::size_t packing_room(int batch, int in) {
    return static_cast<std::size_t>(batch) * std::min(block, in) + Vec<T>::width;
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

// Calls soon(place, count), and later use(place, i, rows, vectors, g), with each tile of dW for the
// inputs i0 to i1: g holds its count = rows · vectors vectors, which belong to W from `place` on.
// `packing` has room for `packing_room` numbers.
template <class T, class Soon, class Use>
void gradient(const Layer<T>& l, const T* const* x, int batch, int n, int i0, int i1, T* packing,
              Soon&& soon, Use&& use) {
    constexpr int NR = panel_width<T>;
    alignas(64) T g[most_rows * NR];
    const bool packs = packs_columns(l);
    for (int m0 = i0; m0 < i1; m0 += block) {
        const int m1 = std::min(i1, m0 + block);
        if (packs) pack_columns(x, n, m0, m1, packing);
        for (int column = 0; column < l.columns; column += NR) {
            const int vectors = l.vectors(column);
            const T *B = l.delta_panel(column, batch), *q = packing;
            const long ldb = l.delta_step(column);
            for (int i = m0, rows; i < m1; i += rows) {
                rows = tile_rows(m1 - i);
                const std::size_t place = l.at(column, i);
                soon(place, rows * vectors);
                with_tile(rows, vectors, [&]<int MR, int NV>() {
                    if (packs) tile_of_packed<MR, NV>(q, n, B, ldb, g);
                    else tile_of_columns<MR, NV>(x, i, n, B, ldb, g);
                });
                if (packs) q += static_cast<std::size_t>(rows) * n;
                use(place, i, rows, vectors, static_cast<const T*>(g));
            }
        }
    }
}

// db for one vector of outputs, in the order of the examples.
template <class T>
typename Vec<T>::type bias_gradient(const Layer<T>& l, int batch, int n, int column, int v) {
    const T* p = l.delta_panel(column, batch) + v * Vec<T>::width;
    const long step = l.delta_step(column);
    typename Vec<T>::type sums[4]{};
    int r = 0;
    for (; r + 4 <= n; r += 4, p += 4 * step)
        for (int k = 0; k < 4; ++k) sums[k] += load(p + k * step);
    for (; r < n; ++r, p += step) sums[0] += load(p);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

}  // namespace chainrule
