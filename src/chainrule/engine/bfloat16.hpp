// Numbers in bfloat16, which are the upper halves of floats, and how products want them.
//
//   rows    (n, k)      row by row, zeros beyond k up to a whole vector
//   pairs   (n/2, k, 2) rows two by two: a number and the one below it side by side, in one lane; of
//                       an odd n the last have zeros below them
//
// Only the module for bfloat16 has such copies, and only of floats. All are rounded to nearest, ties to
// even; what is smaller than the normal numbers becomes 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "buffer.hpp"
#include "simd.hpp"

#ifndef CHAINRULE_BFLOAT16
#define CHAINRULE_BFLOAT16 0
#endif

namespace chainrule {

template <class T>
inline constexpr bool in_bfloat16 = CHAINRULE_BFLOAT16 && std::is_same_v<T, float>;

struct BFloat16 {
    std::uint16_t bits;
};

// The rows that pairs of n rows have.
constexpr int even(int n) { return n + n % 2; }

#if CHAINRULE_BFLOAT16
typedef std::uint16_t Halves __attribute__((vector_size(32)));
typedef std::uint32_t Pairs __attribute__((vector_size(64)));

CHAINRULE_INLINE Halves halves(Vec<float>::type v) { return (Halves)_mm512_cvtneps_pbh((__m512)v); }

CHAINRULE_INLINE Pairs pairs(Halves upper, Halves lower) {
    return __builtin_convertvector(upper, Pairs) | __builtin_convertvector(lower, Pairs) << 16;
}

template <class V>
CHAINRULE_INLINE V load_halves(const BFloat16* p) {
    V v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class V>
CHAINRULE_INLINE void store_halves(BFloat16* p, V v) {
    std::memcpy(p, &v, sizeof v);
}

// Row r of pairs, where p is its pair; what stands beside it, perhaps another thread's, stays as it is.
CHAINRULE_INLINE void store_in_pairs(BFloat16* p, Halves v, int r) {
    const auto wide = __builtin_convertvector(v, Pairs);
    if (r % 2 == 0) _mm512_mask_storeu_epi16(p, 0x55555555u, (__m512i)wide);
    else _mm512_mask_storeu_epi16(p, 0xaaaaaaaau, (__m512i)(wide << 16));
}

// k numbers, and zeros up to a whole vector.
CHAINRULE_INLINE void store_row(const float* from, int k, BFloat16* to) {
    constexpr int w = Vec<float>::width;
    for (int c = 0; c < k; c += w) store_halves(to + c, halves(load_first(from + c, std::min(w, k - c))));
}
#endif

// Rows of numbers in bfloat16, and pointers to them.
struct HalfRows {
    long ld = 0;
    std::vector<const BFloat16*> rows;

    HalfRows() = default;
    HalfRows(int height, int columns)  // which are whole vectors
        : ld(columns % 512 == 0 ? columns + 32 : columns),  // else they fall into few sets of the cache
          own_(static_cast<std::size_t>(height) * ld) {
        for (int r = 0; r < height; ++r) rows.push_back(row(r));
    }

    BFloat16* row(int r) const { return own_.get() + r * ld; }

private:
    Buffer<BFloat16> own_;
};

}  // namespace chainrule
