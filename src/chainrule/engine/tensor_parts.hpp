// Which parts of a tensor a thread owns: their gradient, their update, their transposed copy.
#pragma once

#include <algorithm>

#include "tensor.hpp"
#include "values.hpp"

namespace chainrule {

// The inputs that a thread owns of an affine's weights.
template <class T>
Part inputs_of(const Tensor<T>& W, const Share<T>& share) {
    constexpr int NR = panel_width<T>;
    const auto [first, last] = share.of((W.in + NR - 1) / NR);
    return {std::min(W.in, first * NR), std::min(W.in, last * NR)};
}

// The rows that a thread owns: whole segments where there are any.
template <class T>
Part rows_of(const Tensor<T>& tensor, const Share<T>& share) {
    if (!tensor.added) return share.of(tensor.spec.rows);
    const auto [s0, s1] = share.of(static_cast<int>(tensor.spec.segments.size()));
    return {tensor.segment(s0), tensor.segment(s1)};
}

// f(place, count) with each run of vectors that a thread owns of a tensor: of inputs in panels, of
// whole rows where they are penalised row by row or added up, of any vectors else.
template <class T, class F>
void for_places(const Tensor<T>& tensor, const Share<T>& share, F&& f) {
    constexpr int w = Vec<T>::width;
    if (tensor.spec.panels) {
        const auto [i0, i1] = inputs_of(tensor, share);
        for (int column = 0; i0 < i1 && column < tensor.columns; column += panel_width<T>)
            f(tensor.at(column, i0), (i1 - i0) * tensor.vectors(column));
        return;
    }
    if (tensor.spec.narrow) {
        const auto [i0, i1] = inputs_of(tensor, share);
        for (int o = 0; i0 < i1 && o < tensor.out; ++o)
            f(static_cast<std::size_t>(o * tensor.ld + i0), padded<T>(i1 - i0) / w);
        return;
    }
    const bool by_rows = tensor.spec.weight || tensor.added;
    const auto size = static_cast<std::size_t>(by_rows ? tensor.ld : w);
    const auto [first, last] =
        by_rows ? rows_of(tensor, share) : share.of(static_cast<int>(tensor.count / size));
    f(first * size, static_cast<int>((last - first) * size / w));
}

// f(place) for each vector of a row of numbers that a thread owns.
template <class T, class F>
void for_vectors_of(const Tensor<T>& tensor, const Share<T>& share, F&& f) {
    constexpr int w = Vec<T>::width;
    const auto [first, last] = share.of(static_cast<int>(tensor.count) / w);
    for (int u = first; u < last; ++u) f(u * w);
}

}  // namespace chainrule
