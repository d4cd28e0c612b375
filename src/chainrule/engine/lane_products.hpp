// The product of matrices whose entries are vectors: of each network a number, lane by lane.
//
//   a  (M, K), b  (N, K)   read as they lie: each way of going through them has a stride of its own
//   c  (M, N)              c = start + a bᵀ, in each lane in the order of k, as in microkernel.hpp
#pragma once

#include "microkernel.hpp"
#include "sums.hpp"

namespace chainrule {

// Vector (m, k) lies at first + m · down + k · across, in numbers.
template <class T>
struct Grid {
    T* first;
    long down, across;

    CHAINRULE_INLINE T* at(int m, int k) const { return first + m * down + k * across; }
};

// How large a tile is: its sums stay in registers, of which there are 16 or 32.
inline constexpr int tile_height = most_rows / 3, tile_breadth = 4;

// Where the sums start from: a row of biases, zeros (null), or what c already holds.
template <int M, int N, class T>
[[gnu::noinline]] void lane_tile(int K, Grid<const T> a, Grid<const T> b, Start<T> start, Grid<T> c) {
    constexpr int w = Vec<T>::width;
    typename Vec<T>::type sums[M][N];
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n)
            sums[m][n] = start.from_c ? load(c.at(m, n))
                         : start.bias ? load(start.bias + n * w)
                                      : typename Vec<T>::type{};
    for (int k = 0; k < K; ++k) {
        typename Vec<T>::type right[N];
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) right[n] = load(b.at(n, k));
#pragma GCC unroll 4
        for (int m = 0; m < M; ++m) {
            const auto left = load(a.at(m, k));
#pragma GCC unroll 4
            for (int n = 0; n < N; ++n) sums[m][n] = multiply_add(right[n], left, sums[m][n]);
        }
    }
#pragma GCC unroll 4
    for (int m = 0; m < M; ++m)
#pragma GCC unroll 4
        for (int n = 0; n < N; ++n) store(c.at(m, n), sums[m][n]);
}

// Calls f.operator()<size>() for a size from 1 to `most`.
template <int most, class F>
CHAINRULE_INLINE void with_size(int size, F&& f) {
    if constexpr (most == 1) f.template operator()<1>();
    else if (size == most) f.template operator()<most>();
    else with_size<most - 1>(size, f);
}

template <class T>
void lane_product(int M, int N, int K, Grid<const T> a, Grid<const T> b, Start<T> start, Grid<T> c) {
    for (int n = 0; n < N; n += tile_breadth)
        for (int m = 0; m < M; m += tile_height)
            with_size<tile_breadth>(std::min(tile_breadth, N - n), [&]<int columns>() {
                with_size<tile_height>(std::min(tile_height, M - m), [&]<int rows>() {
                    lane_tile<rows, columns, T>(
                        K, {a.at(m, 0), a.down, a.across}, {b.at(n, 0), b.down, b.across},
                        {start.bias ? start.bias + n * Vec<T>::width : nullptr, start.from_c},
                        {c.at(m, n), c.down, c.across});
                });
            });
}

// The sums of an affine of few outputs, of L inputs or of `wide` and more, as narrow.hpp takes them:
// input k goes to sum k mod `wide`, and these are added in halves, those that are missing as zeros.
template <int L, class T>
[[gnu::noinline]] void lane_sums_in_halves(int M, int N, int K, Grid<const T> a, Grid<const T> b,
                                           const T* bias, Grid<T> c) {
    using V = typename Vec<T>::type;
    const auto term = [&](int m, int n, int k, V sum) {
        return multiply_add(load(a.at(m, k)), load(b.at(n, k)), sum);
    };
    for (int m = 0; m < M; ++m)
        for (int n = 0; n < N; ++n) {
            V sums[L];
#pragma GCC unroll 16
            for (int l = 0; l < L; ++l) sums[l] = term(m, n, l, V{});
            for (int k = L; k < K; ++k) sums[k % wide<T>] = term(m, n, k, sums[k % wide<T>]);
            const auto halve = [&]<int half>() {
                for (int l = 0; l < std::min(half, L); ++l) sums[l] += l + half < L ? sums[l + half] : V{};
            };
            if constexpr (wide<T> >= 16) halve.template operator()<8>();
            halve.template operator()<4>();
            halve.template operator()<2>();
            halve.template operator()<1>();
            store(c.at(m, n), (bias ? load(bias + n * Vec<T>::width) : V{}) + sums[0]);
        }
}

template <class T>
void lane_product_in_halves(int M, int N, int K, Grid<const T> a, Grid<const T> b, const T* bias,
                            Grid<T> c) {
    with_size<wide<T>>(std::min(K, wide<T>), [&]<int L>() {
        lane_sums_in_halves<L, T>(M, N, K, a, b, bias, c);
    });
}

}  // namespace chainrule
