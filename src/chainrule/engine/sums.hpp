// Sums across the lanes of vectors: the same bits on every width.
//
//   wide<T>    how many numbers of type T the widest vectors hold, 64 bytes
//   p          a piece of such a vector, from 0 to pieces − 1: one of the vectors here at hand
//
// What is summed is dealt out to the lanes of the widest vectors, and these are added in halves. On a
// machine with narrower ones, several make up for one.
#pragma once

#include <algorithm>
#include <cstddef>

#include "across_lanes.hpp"
#include "simd.hpp"

namespace chainrule {

inline constexpr int pieces = 64 / vector_bytes;

template <class T>
inline constexpr int wide = 64 / static_cast<int>(sizeof(T));

// f(c, k, p) for each vector of k <= width numbers out of n, from number c on.
template <class T, class F>
CHAINRULE_INLINE void for_vectors(int n, F&& f) {
    constexpr int width = Vec<T>::width;
    int c = 0;
    if constexpr (small_code) {
        for (int p = 0; c < n; c += width, p = (p + 1) % pieces) f(c, std::min(width, n - c), p);
        return;
    }
    for (; c + wide<T> <= n; c += wide<T>)
#pragma GCC unroll 4
        for (int p = 0; p < pieces; ++p) f(c + p * width, width, p);
#pragma GCC unroll 4
    for (int p = 0; p < pieces; ++p)
        if (c + p * width < n) f(c + p * width, std::min(width, n - c - p * width), p);
}

// The lanes moved down by `by`, those that fall out coming in at the top.
template <int by, class V, int... lane>
CHAINRULE_INLINE V rotated(V v, std::integer_sequence<int, lane...>) {
    return __builtin_shufflevector(v, v, ((lane + by) % int{sizeof...(lane)})...);
}

// The sum of all lanes, upper half onto lower half until one is left.
template <class V>
CHAINRULE_INLINE element_t<V> sum_of_lanes(V v) {
    constexpr int width = Vec<element_t<V>>::width;
    constexpr auto lanes = std::make_integer_sequence<int, width>{};
    if constexpr (width >= 16) v += rotated<8>(v, lanes);
    if constexpr (width >= 8) v += rotated<4>(v, lanes);
    if constexpr (width >= 4) v += rotated<2>(v, lanes);
    v += rotated<1>(v, lanes);
    return v[0];
}

// The pieces of a widest vector, a power of 2 of them, added to one vector in the same way.
template <class V, int count>
CHAINRULE_INLINE V folded(const V (&vectors)[count]) {
    V v[count];
#pragma GCC unroll 16
    for (int k = 0; k < count; ++k) v[k] = vectors[k];
#pragma GCC unroll 4
    for (int half = count / 2; half > 0; half /= 2)
#pragma GCC unroll 8
        for (int k = 0; k < half; ++k) v[k] += v[k + half];
    return v[0];
}

template <class V, int count>
CHAINRULE_INLINE element_t<V> sum(const V (&vectors)[count]) {
    return sum_of_lanes(folded(vectors));
}

// The sum of all lanes of each of as many vectors as one has lanes; lane k is the sum of v[k]. They
// are added as they are transposed, which leaves half as many after each stage.
template <class V, int width>
CHAINRULE_INLINE V sum_of_each(V (&v)[width]) {
    constexpr auto lanes = std::make_integer_sequence<int, width>{};
    const auto stage = [&]<int half>() {
#pragma GCC unroll 8
        for (int r = 0; r < half; ++r)
            v[r] = interleave<half, false>(v[r], v[r + half], lanes) +
                   interleave<half, true>(v[r], v[r + half], lanes);
    };
    if constexpr (width >= 16) stage.template operator()<8>();
    if constexpr (width >= 8) stage.template operator()<4>();
    if constexpr (width >= 4) stage.template operator()<2>();
    stage.template operator()<1>();
    return v[0];
}

// One half of the lanes of a vector of floats, as doubles.
template <int first, int... lane>
CHAINRULE_INLINE Vec<double>::type widened(Vec<float>::type v, std::integer_sequence<int, lane...>) {
    return __builtin_convertvector(__builtin_shufflevector(v, v, (first + lane)...),
                                   Vec<double>::type);
}

// Σ term(c, k) over a row of n numbers; what a term is in lanes beyond them does not count.
template <class T, class Term>
CHAINRULE_INLINE T sum_of_row(int n, Term&& term) {
    using V = typename Vec<T>::type;
    V sums[pieces]{};
    for_vectors<T>(n, [&](int c, int k, int p) {
        const V v = term(c, k);
        sums[p] += k == Vec<T>::width ? v : select(first_lanes<T>(k), v, V{});
    });
    return sum(sums);
}

// Σ term(r) over n rows, of vectors that go down them: in four sums in turn, for adding one number to
// another takes four cycles.
template <class T, class Term>
CHAINRULE_INLINE typename Vec<T>::type sum_of_rows(int n, Term&& term) {
    typename Vec<T>::type sums[4]{};
    int r = 0;
    for (; r + 4 <= n; r += 4)
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) sums[k] += term(r + k);
    for (; r < n; ++r) sums[0] += term(r);
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// A sum of squares, in double, of what `for_vectors` goes through.
template <class T>
class Squares {
    static constexpr int parts = sizeof(double) / sizeof(T);  // of a vector of T, widened
    Vec<double>::type sums_[parts * pieces]{};

public:
    CHAINRULE_INLINE void add(typename Vec<T>::type v, int p) {
        if constexpr (parts == 1) {
            sums_[p] = multiply_add(v, v, sums_[p]);
        } else {
            constexpr int half = Vec<double>::width;
            constexpr auto lanes = std::make_integer_sequence<int, half>{};
            const auto low = widened<0>(v, lanes), high = widened<half>(v, lanes);
            sums_[2 * p] = multiply_add(low, low, sums_[2 * p]);
            sums_[2 * p + 1] = multiply_add(high, high, sums_[2 * p + 1]);
        }
    }
    CHAINRULE_INLINE double sum() const { return chainrule::sum(sums_); }
};

// What is not finite among n numbers makes it NaN; else it is 0, for 0 times a number is.
template <class T>
typename Vec<T>::type poison_in(const T* p, std::size_t n) {
    constexpr std::size_t w = Vec<T>::width;
    typename Vec<T>::type poison[4]{};
    std::size_t k = 0;
    for (; k + 4 * w <= n; k += 4 * w)
#pragma GCC unroll 4
        for (std::size_t u = 0; u < 4; ++u) poison[u] += load(p + k + u * w) * T{0};
    for (; k < n; k += w)
        poison[0] += load_first(p + k, static_cast<int>(std::min(w, n - k))) * T{0};
    return folded(poison);
}

// The largest lane; which one wins where some are NaN is left open.
template <class V>
CHAINRULE_INLINE element_t<V> largest(V v) {
    using T = element_t<V>;
    T best = v[0];
    for (int k = 1; k < Vec<T>::width; ++k) best = v[k] > best ? v[k] : best;
    return best;
}

}  // namespace chainrule
