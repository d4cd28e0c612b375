// Products in bfloat16 with sums in float32, tile by tile as in products.hpp.
//
//   A  (rows, K)   rows of numbers in bfloat16, K even
//   B  (K/2, 2)    panels of pairs, as wide as those of floats
//
// vdpbf16ps adds two products to each sum, in the order of k; so no bit depends on tiles and threads.
// A sum is rounded to nearest, and one that is smaller than the normal numbers becomes 0.
#pragma once

#include "bfloat16_copies.hpp"
#include "products.hpp"

namespace chainrule {

#if CHAINRULE_BFLOAT16

// C = start + A B over so many pairs, with a(i, k) giving where pair k of row i lies.
template <int MR, int NV, class A>
CHAINRULE_INLINE void tile_of_pairs(int count, A a, const BFloat16* b, float* c, long ldc,
                                    Start<float> start) {
    constexpr int w = Vec<float>::width;
    __m512 sums[MR][NV];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v)
            sums[i][v] = (__m512)(start.from_c ? load(c + i * ldc + v * w)
                                  : start.bias ? load(start.bias + v * w)
                                               : Vec<float>::type{});
#pragma GCC unroll 2
    for (int k = 0; k < count; ++k, b += NV * 2 * w) {
        Pairs row[NV];
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) row[v] = load_halves<Pairs>(b + v * 2 * w);
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) {
            const Pairs x = Pairs{} + load_halves<std::uint32_t>(a(i, k));
#pragma GCC unroll 2
            for (int v = 0; v < NV; ++v)
                sums[i][v] = _mm512_dpbf16_ps(sums[i][v], (__m512bh)row[v], (__m512bh)x);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 2
        for (int v = 0; v < NV; ++v) store(c + i * ldc + v * w, (Vec<float>::type)sums[i][v]);
}

template <int MR, int NV>
[[gnu::noinline]] void tile_of_half_rows(const BFloat16* const* rows, int k0, int count,
                                         const BFloat16* b, float* c, long ldc, Start<float> start) {
    const BFloat16* a[MR];
    for (int i = 0; i < MR; ++i) a[i] = rows[i] + k0;
    tile_of_pairs<MR, NV>(count, [&](int i, int k) { return a[i] + 2 * k; }, b, c, ldc, start);
}

template <int MR, int NV>
[[gnu::noinline]] void tile_of_packed_pairs(const BFloat16* packed, int count, const BFloat16* b,
                                            float* c) {
    tile_of_pairs<MR, NV>(count, [&](int i, int k) { return packed + 2 * (k * MR + i); }, b, c,
                          NV * Vec<float>::width, {nullptr, false});
}

// C = start + A B for rows r0 to r1 of C; calls done(r, rows, column, vectors) for each finished tile.
template <class Done>
void product(const BFloat16* const* A, int r0, int r1, int K, const BFloat16* B, int columns,
             Start<float> begin, float* C, long ldc, Done&& done) {
    constexpr int w = Vec<float>::width, NR = panel_width<float>, deep = 2 * depth<float>;
    const int pieces = std::max(1, (K + deep / 2) / deep);
    const int piece = even((K + pieces - 1) / pieces);
    for (int m0 = r0; m0 < r1; m0 += block) {
        const int m1 = std::min(r1, m0 + block);
        for (int k0 = 0; k0 < K; k0 += piece) {
            const int k = std::min(piece, K - k0);
            for (int column = 0; column < columns; column += NR) {
                const int vectors = columns - column > w ? 2 : 1;
                const BFloat16* panel =
                    B + static_cast<std::size_t>(column) * K + static_cast<std::size_t>(k0) * vectors * w;
                const Start<float> start{begin.bias ? begin.bias + column : nullptr,
                                         begin.from_c || k0 > 0};
                for (int r = m0, rows; r < m1; r += rows) {
                    rows = tile_rows(m1 - r);
                    float* c = C + r * ldc + column;
                    with_tile(rows, vectors, [&]<int MR, int NV>() {
                        tile_of_half_rows<MR, NV>(A + r, k0, k / 2, panel, c, ldc, start);
                    });
                    if (k0 + k == K) done(r, rows, column, vectors);
                }
            }
        }
    }
}

// C = start + x Wᵀ for rows r0 to r1; some at a time, which are still in the cache as they are read.
template <class T, class Done>
void product_of_halves(const Value<T>& x, const Tensor<T>& W, int r0, int r1, Start<T> start, T* C,
                       long ldc, Done&& done) {
    for (int m0 = r0; m0 < r1; m0 += block) {
        const int m1 = std::min(r1, m0 + block);
        pack_rows(x, m0, m1);
        product(x.halves.rows.data(), m0, m1, even(W.in), W.pairs.get(), W.columns, start, C, ldc, done);
    }
}

// The columns m0 to m1 of rows `begin` to `end` in pairs, tile by tile; rows outside of these that share
// a pair with them are zeros.
inline void pack_pairs(const BFloat16* const* x, int begin, int end, int m0, int m1, BFloat16* q) {
    constexpr int w = Vec<float>::width;
    static_assert(most_rows <= w);
    for (int i = m0, rows; i < m1; i += rows) {
        rows = tile_rows(m1 - i);
        const auto row = [&](int k) {
            return k < begin || k >= end ? Halves{} : load_halves<Halves>(x[k] + i);
        };
        for (int k = begin / 2 * 2; k < end; k += 2, q += 2 * rows)
            store_halves(q, pairs(row(k), row(k + 1)));
    }
}

// dW of rows `begin` to `end`, by tiles as `Affine::gradient` has them.
template <class T, class Wanted, class Use>
void gradient_of_pairs(const Value<T>& x, const Value<T>& y, const Tensor<T>& W, int begin, int end,
                       int i0, int i1, T* packing, Wanted&& wanted, Use&& use) {
    constexpr int NR = panel_width<T>;
    alignas(64) T g[most_rows * NR];
    auto* packed = reinterpret_cast<BFloat16*>(packing);
    const int count = (end + 1) / 2 - begin / 2;
    for (int m0 = i0; m0 < i1; m0 += block) {
        const int m1 = std::min(i1, m0 + block);
        pack_pairs(x.halves.rows.data(), begin, end, m0, m1, packed);
        for (int column = 0; column < W.columns; column += NR) {
            const int vectors = W.vectors(column);
            const BFloat16 *b = y.pair(column, begin), *q = packed;
            for (int i = m0, rows; i < m1; i += rows, q += static_cast<std::size_t>(2 * rows) * count) {
                rows = tile_rows(m1 - i);
                const std::size_t place = W.at(column, i);
                ask_for(wanted(place), rows * vectors * vector_bytes);
                with_tile(rows, vectors, [&]<int MR, int NV>() {
                    tile_of_packed_pairs<MR, NV>(q, count, b, g);
                });
                use(0, place, rows * vectors, static_cast<const T*>(g));
            }
        }
    }
}

#endif

}  // namespace chainrule
