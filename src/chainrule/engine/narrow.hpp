// Products of an affine of few outputs, whose W lies by outputs: a row of weights for each of them.
//
//   x (n, i), W (o, i) → z = x Wᵀ + b     each sum in as many parts as the widest vectors have lanes
//   delta (n, o)       → dx = delta W     in the order of the outputs
//                        dW = Σ delta ⊗ x   in the order of the rows
//
// Lanes are inputs throughout. In panels, where they are outputs, most of each vector would be empty.
#pragma once

#include "across_lanes.hpp"
#include "products.hpp"
#include "sums.hpp"
#include "tensor.hpp"

namespace chainrule {

// How many outputs are taken at once: all of them, unless the code is to be small.
inline constexpr int most_outputs = small_code ? 2 : few_outputs;

// Calls f.operator()<O>(first) for a number of outputs known only now, all at once or some after others.
template <class F>
CHAINRULE_INLINE void with_outputs(int out, F&& f) {
    for (int first = 0; first < out; first += most_outputs)
        [&]<int... O>(std::integer_sequence<int, O...>) CHAINRULE_INLINE_IF_SMALL {
            const int some = std::min(out - first, most_outputs);
            (void)((some == O + 1 && (f.template operator()<O + 1>(first), true)) || ...);
        }(std::make_integer_sequence<int, most_outputs>{});
}

// x · w of R rows and O outputs, row by row: each a vector, whose lanes are still to be added. There are no
// inputs but in the first P pieces; the sums of others are 0, and to add these would change no bit.
template <int R, int O, int P, class T, class To>
CHAINRULE_INLINE void lane_sums(const T* const (&x)[R], int in, const T* W, long ldw, To&& to) {
    using V = typename Vec<T>::type;
    constexpr int w = Vec<T>::width, K = R * O;
    // As many sums as there are registers for; small code has few, and one loop.
    constexpr int at_once = most_rows > 6 || small_code ? P : 1;
    V sums[P][K];
    for (int p0 = 0; p0 < P; p0 += at_once) {
        V own[at_once][K]{};
        const auto add = [&](int p, int c, int k) {
            V weights[O];
#pragma GCC unroll 8
            for (int o = 0; o < O; ++o) weights[o] = load(W + o * ldw + c);
#pragma GCC unroll 16
            for (int q = 0; q < R; ++q) {
                const V a = load_first(x[q] + c, k);
#pragma GCC unroll 8
                for (int o = 0; o < O; ++o)
                    own[p][q * O + o] = multiply_add(a, weights[o], own[p][q * O + o]);
            }
        };
        const auto add_rest = [&](int c) CHAINRULE_INLINE_IF_SMALL {
#pragma GCC unroll 4
            for (int p = 0; p < at_once; ++p)
                if (c + p * w < in) add(p, c + p * w, std::min(w, in - c - p * w));
        };
        int c = p0 * w;
        if constexpr (P < pieces) {
            add_rest(0);
        } else if constexpr (small_code) {
            for (; c < in; c += wide<T>) add_rest(c);
        } else {
            for (; c + at_once * w <= in; c += wide<T>)
#pragma GCC unroll 4
                for (int p = 0; p < at_once; ++p) add(p, c + p * w, w);
            add_rest(c);
        }
#pragma GCC unroll 4
        for (int p = 0; p < at_once; ++p)
#pragma GCC unroll 16
            for (int k = 0; k < K; ++k) sums[p0 + p][k] = own[p][k];
    }
#pragma GCC unroll 16
    for (int k = 0; k < K; ++k) {
        V parts[P];
#pragma GCC unroll 4
        for (int p = 0; p < P; ++p) parts[p] = sums[p][k];
        to(k) = folded(parts);
    }
}

// Vector v of what belongs to O outputs: whole where they are all, and else no more than theirs.
template <int O, class T>
CHAINRULE_INLINE typename Vec<T>::type load_sums(const T* from, int v) {
    constexpr int w = Vec<T>::width;
    return small_code ? load_first(from + v * w, std::min(w, O - v * w)) : load(from + v * w);
}
template <int O, class T>
CHAINRULE_INLINE void put_sums(T* to, int v, typename Vec<T>::type sums) {
    constexpr int w = Vec<T>::width;
    small_code ? store_first(to + v * w, sums, std::min(w, O - v * w)) : store(to + v * w, sums);
}

// z of R rows, of which the last may be given several times; `rows` of them are stored.
template <int R, int O, int P, class T>
CHAINRULE_INLINE void narrow_rows_of_z(const T* const (&x)[R], int rows, int in, const T* W, long ldw,
                                       const T* bias, T* z, long ldz) {
    using V = typename Vec<T>::type;
    constexpr int w = Vec<T>::width, vectors = (O + w - 1) / w;
    constexpr auto lanes = std::make_integer_sequence<int, w>{};
    V parts[vectors][w]{};
    lane_sums<R, O, P>(x, in, W, ldw, [&](int k) -> V& { return parts[k / w][k % w]; });
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
        const V sums = sum_of_each(parts[v]), b = bias ? load_sums<O>(bias, v) : V{};
        const auto put_row = [&]<int q>() {
            if (q < rows)
                put_sums<O>(z + q * ldz, v, b + (R == 1 ? sums : moved<q * O, O>(sums, lanes)));
        };
        [&]<int... q>(std::integer_sequence<int, q...>) {
            (put_row.template operator()<q>(), ...);
        }(std::make_integer_sequence<int, R>{});
    }
}

// z for rows r0 to r1, as many at a time as fill a vector with their sums.
template <int O, int P, class T>
[[gnu::noinline]] void narrow_block(const T* const* x, int r0, int r1, int in, const T* W, long ldw,
                                      const T* bias, T* z, long ldz) {
    constexpr int R = std::max(1, Vec<T>::width / O);
    for (int r = r0; r < r1; r += R) {
        const int rows = std::min(R, r1 - r);
        if (rows == 1) {
            const T* const alone[]{x[r]};
            narrow_rows_of_z<1, O, P>(alone, 1, in, W, ldw, bias, z + r * ldz, ldz);
            continue;
        }
        const T* some[R];
#pragma GCC unroll 16
        for (int q = 0; q < R; ++q) some[q] = x[r + std::min(q, rows - 1)];
        narrow_rows_of_z<R, O, P>(some, rows, in, W, ldw, bias, z + r * ldz, ldz);
    }
}

// The same for numbers known only now; calls done(r, rows, column, vectors) for each finished block.
template <class T, class Done>
void narrow_product(const T* const* x, int r0, int r1, const Tensor<T>& W, const T* bias, T* z,
                    long ldz, Done&& done) {
    for (int r = r0; r < r1; r += block) {
        const int rows = std::min(block, r1 - r);
        with_outputs(W.out, [&]<int O>(int first) CHAINRULE_INLINE_IF_SMALL {
            const auto make = [&]<int P>() CHAINRULE_INLINE_IF_SMALL {
                narrow_block<O, P>(x, r, r + rows, W.in, W.row(first), W.ld, bias ? bias + first : bias,
                                   z + first, ldz);
            };
            if constexpr (small_code)
                if (W.in <= 2 * Vec<T>::width) return make.template operator()<2>();
            make.template operator()<pieces>();
        });
        done(r, rows, 0, W.columns / Vec<T>::width);
    }
}

// dx of some rows and NV vectors of inputs, in the place of what is there or added to it.
template <int O, int NV, class T>
[[gnu::noinline]] void narrow_strip(const T* delta, long ldd, int rows, const T* W, long ldw, bool adds,
                                   T* dx, long ldx) {
    using V = typename Vec<T>::type;
    constexpr int w = Vec<T>::width;
    V weights[O][NV];
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o)
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) weights[o][v] = load(W + o * ldw + v * w);
    for (int r = 0; r < rows; ++r, delta += ldd, dx += ldx) {
        V sums[NV];
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) sums[v] = adds ? load(dx + v * w) : V{};
#pragma GCC unroll 8
        for (int o = 0; o < O; ++o)
#pragma GCC unroll 2
            for (int v = 0; v < NV; ++v) sums[v] = multiply_add(weights[o][v], delta[o], sums[v]);
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) store(dx + v * w, sums[v]);
    }
}

// dx for rows r0 to r1; calls done(r, rows, column, vectors) for each finished tile.
template <class T, class Done>
void narrow_product_back(const T* delta, long ldd, int r0, int r1, const Tensor<T>& W, bool adds, T* dx,
                         long ldx, Done&& done) {
    constexpr int w = Vec<T>::width;
    for (int r = r0; r < r1; r += block) {
        const int rows = std::min(block, r1 - r);
        for (int column = 0; column < W.ld; column += 2 * w) {
            const int vectors = W.ld - column > w ? 2 : 1;
            with_outputs(W.out, [&]<int O>(int first) CHAINRULE_INLINE_IF_SMALL {
                const auto strip = [&]<int NV>() CHAINRULE_INLINE_IF_SMALL {
                    narrow_strip<O, NV>(delta + r * ldd + first, ldd, rows, W.row(first) + column, W.ld,
                                        adds || first > 0, dx + r * ldx + column, ldx);
                };
                vectors == 2 ? strip.template operator()<2>() : strip.template operator()<1>();
            });
            done(r, rows, column, vectors);
        }
    }
}

// How many vectors of inputs a tile of dW takes at most: as many as there are registers for.
constexpr int most_inputs(int out) {
    constexpr int sums = most_rows > 6 ? 16 : 8;
    const int most = std::min(sums / 2, sums / out);
    return most >= 8 ? 8 : most >= 4 ? 4 : most >= 2 ? 2 : 1;
}

// How many the next takes of those that are left.
inline int tile_inputs(int out, int left) {
    int vectors = most_inputs(out);
    while (vectors > left) vectors /= 2;
    return vectors;
}

// dW (O, U vectors) of the inputs from i on, over n rows; of the last vector k inputs are there.
template <int O, int U, class T>
[[gnu::noinline]] void narrow_tile(const T* const* x, int i, int k, int n, const T* delta, long ldd,
                                   T* to) {
    using V = typename Vec<T>::type;
    constexpr int w = Vec<T>::width;
    V sums[O][U]{};
    for (int r = 0; r < n; ++r, delta += ldd) {
        V a[U];
#pragma GCC unroll 8
        for (int u = 0; u < U; ++u)
            a[u] = u < U - 1 ? load(x[r] + i + u * w) : load_first(x[r] + i + u * w, k);
#pragma GCC unroll 8
        for (int o = 0; o < O; ++o)
#pragma GCC unroll 8
            for (int u = 0; u < U; ++u) sums[o][u] = multiply_add(a[u], delta[o], sums[o][u]);
    }
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o)
#pragma GCC unroll 8
        for (int u = 0; u < U; ++u) store(to + (o * U + u) * w, sums[o][u]);
}

// The same for numbers known only now; of all `in` inputs of x.
template <class T>
CHAINRULE_INLINE void narrow_gradient(const T* const* x, int i, int in, int out, int vectors, int n,
                                      const T* delta, long ldd, T* to) {
    const int k = std::min(Vec<T>::width, in - i - (vectors - 1) * Vec<T>::width);
    with_outputs(out, [&]<int O>(int first) CHAINRULE_INLINE_IF_SMALL {
        const auto one = [&]<int U>() CHAINRULE_INLINE_IF_SMALL {
            if constexpr (U <= most_inputs(O))
                if (vectors == U)
                    narrow_tile<O, U>(x, i, k, n, delta + first, ldd, to + first * U * Vec<T>::width);
        };
        one.template operator()<1>();
        one.template operator()<2>();
        one.template operator()<4>();
        one.template operator()<8>();
    });
}

}  // namespace chainrule
