// What moves numbers from lane to lane: pieces put together, squares turned on their side.
#pragma once

#include <utility>

#include "simd.hpp"

namespace chainrule {

// The lanes of a and b in turn, in pieces of `half` lanes: the upper or the lower ones of each.
template <int half, bool upper, class V, int... lane>
CHAINRULE_INLINE V interleave(V a, V b, std::integer_sequence<int, lane...>) {
    constexpr int width = sizeof...(lane);
    return __builtin_shufflevector(
        a, b, (lane & half ? width + lane - (upper ? 0 : half) : lane + (upper ? half : 0))...);
}

// `count` lanes from the first on, then zeros.
template <int first, int count, class V, int... lane>
CHAINRULE_INLINE V moved(V v, std::integer_sequence<int, lane...>) {
    return __builtin_shufflevector(v, V{}, (lane < count ? first + lane : int{sizeof...(lane)})...);
}

// A square of numbers, row by row, on its side: lane c of v[r] becomes lane r of v[c]. Of fewer rows
// than there are lanes each of the squares that lie side by side.
template <class V, int count>
CHAINRULE_INLINE void transpose(V (&v)[count]) {
    constexpr auto lanes = std::make_integer_sequence<int, Vec<element_t<V>>::width>{};
    const auto stage = [&]<int half>() {
#pragma GCC unroll 16
        for (int r = 0; r < count; ++r) {
            if (r & half) continue;
            const V a = v[r], b = v[r + half];
            v[r] = interleave<half, false>(a, b, lanes);
            v[r + half] = interleave<half, true>(a, b, lanes);
        }
    };
    if constexpr (count >= 16) stage.template operator()<8>();
    if constexpr (count >= 8) stage.template operator()<4>();
    if constexpr (count >= 4) stage.template operator()<2>();
    stage.template operator()<1>();
}

// The whole squares of the next.
template <class T>
[[gnu::noinline]] void transpose_squares(const T* from, long ldf, int rows, int columns, T* to,
                                         long ldt) {
    constexpr int w = Vec<T>::width;
    for (int r = 0; r + w <= rows; r += w)
        for (int c = 0; c + w <= columns; c += w) {
            typename Vec<T>::type v[w];
#pragma GCC unroll 16
            for (int k = 0; k < w; ++k) v[k] = load(from + (r + k) * ldf + c);
            transpose(v);
#pragma GCC unroll 16
            for (int k = 0; k < w; ++k) store(to + (c + k) * ldt + r, v[k]);
        }
}

// to[c][r] = from[r][c], the rows being ldf and ldt numbers apart.
template <class T>
CHAINRULE_INLINE void transpose(const T* from, long ldf, int rows, int columns, T* to, long ldt) {
    constexpr int w = Vec<T>::width;
    const int r1 = columns < w ? 0 : rows / w * w, c1 = columns / w * w;  // so far there are squares
    if (r1 > 0) transpose_squares(from, ldf, rows, columns, to, ldt);
    for (int r = 0; r < rows; ++r)
        for (int c = r < r1 ? c1 : 0; c < columns; ++c) to[c * ldt + r] = from[r * ldf + c];
}

}  // namespace chainrule
