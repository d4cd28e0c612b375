// The copies in bfloat16 that products read, made anew whenever the numbers have changed.
#pragma once

#include <algorithm>

#include "across_lanes.hpp"
#include "bfloat16.hpp"
#include "values.hpp"

namespace chainrule {

#if CHAINRULE_BFLOAT16

// W of the inputs i0 to i1, in panels of pairs of inputs.
template <class T>
void pack_weights(const Tensor<T>& W, int i0, int i1) {
    constexpr int w = Vec<T>::width;
    W.for_each_panel([&](int column, int, int step) {
        BFloat16* to = W.pairs.get() + static_cast<std::size_t>(column) * even(W.in);
        for (int i = i0; i < i1; i += 2)
            for (int c = 0; c < step; c += w) {
                const T* from = W.w.get() + W.at(column, i) + c;
                const Halves below = i + 1 < W.in ? halves(load(from + step)) : Halves{};
                store_halves(to + static_cast<std::size_t>(i) * step + 2 * c,
                             pairs(halves(load(from)), below));
            }
    });
}

// The same transposed, in panels of pairs of outputs: these lie side by side in W, and are moved as one.
template <class T>
void pack_transposed_weights(const Tensor<T>& W, int i0, int i1) {
    constexpr int NR = panel_width<T>;
    alignas(64) T some[NR * NR / 2];
    for (int q = i0; q < i1; q += NR) {
        const int width = std::min(NR, padded<T>(W.in) - q), inputs = std::min(width, W.in - q);
        T* panel = reinterpret_cast<T*>(W.transposed_pairs.get() + static_cast<std::size_t>(q) * even(W.out));
        W.for_each_panel([&](int column, int outputs, int step) {
            for (int i = 0; i < inputs; ++i)
                store_row(W.w.get() + W.at(column, q + i), step,
                          reinterpret_cast<BFloat16*>(some + i * NR / 2));
            transpose(some, NR / 2, inputs, even(outputs) / 2,
                      panel + static_cast<std::size_t>(column) / 2 * width, width);
        });
    }
}

template <class T>
void pack_in_bfloat16(const Tensor<T>& W, int i0, int i1) {
    if (W.pairs) pack_weights(W, i0, i1);
    if (W.transposed_pairs) pack_transposed_weights(W, i0, i1);
}

// Rows r0 to r1 of what an affine reads.
template <class T>
void pack_rows(const Value<T>& x, int r0, int r1) {
    for (int r = r0; r < r1; ++r) store_row(x.rows[r], x.spec.width, x.halves.row(r));
}

// A tile of delta: in rows for the product that goes back, in pairs for dW's.
template <class T>
void pack_delta_in_bfloat16(const Value<T>& y, int r, int rows, int column, int vectors) {
    constexpr int w = Vec<T>::width;
    for (int i = r; i < r + rows; ++i)
        for (int c = column; c < column + vectors * w; c += w) {
            const Halves d = halves(load(y.d_row(i) + c));
            store_halves(y.d_halves.row(i) + c, d);
            store_in_pairs(y.pair(column, i) + 2 * (c - column), d, i);
        }
}

#endif

}  // namespace chainrule
