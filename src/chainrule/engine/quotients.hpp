// Quotients of several vectors side by side.
//
// Processors of Intel take 22 cycles for the root and the quotient of 16 floats, where all else that
// Adam does with them takes 5 to 13. There the divider can be spared:
//
//   y ≈ 1/d to 14 bits,  y ← y + y (1 − d y) twice,  q = a y,  q ← q − (d q − a) y
//
// each for all vectors before the next: one after the other, such chains fill the scheduler before
// they overlap. The result is the IEEE quotient, to the last bit. To be sure of y where 1/d lies close
// above the middle of two floats, as for 2 − 2⁻²³, it is rounded up at first. Shown for every d and
// for every quotient that is close enough to the middle of two floats to be rounded to the wrong one.
//
// Nothing must over- or underflow on the way; of a quotient that overflows comes a NaN in place of
// infinity, and as a step neither is one.
#pragma once

#include "cpu.hpp"
#include "simd.hpp"

namespace chainrule {

// Whether the divider is spared where it can be. AMD's is as fast as what takes its place: Zen 5 has
// 16 roots and quotients in 7 cycles, and is slower by these lines.
inline bool spares_divider = is_of_intel();

// The least divisor for which it is.
inline constexpr double least_divisor = 1e-37;

// How many vectors are divided side by side then; 1 where the divider cannot be spared.
template <class T>
inline constexpr int side_by_side =
    CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64 && sizeof(T) == 4 ? 4 : 1;

#if CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64

// Whether every a is 0 or at least 2⁻⁶⁰, and every d at most 2⁶⁵, which no root exceeds.
template <int N, class V>
CHAINRULE_INLINE bool far_from_underflow(const V (&a)[N], const V (&d)[N]) {
    typedef std::uint32_t U __attribute__((vector_size(64)));
    U least = ~U{};
    V most{};
#pragma GCC unroll 4
    for (int u = 0; u < N; ++u) {
        const U twice = 2 * (U)a[u] - 1;  // without the sign; 0 becomes the greatest
        least = twice < least ? twice : least;
        most = maximum(most, d[u]);
    }
    const U bound = (U)broadcast<float>(0x1p-60f) * 2 - 1;
    return !any_lane((least < bound) | (U)(most > 0x1p65f));
}

template <int N, class V>
CHAINRULE_INLINE void divide_without_divider(V (&a)[N], const V (&d)[N]) {
    const auto each = [](auto&& f) {
#pragma GCC unroll 4
        for (int u = 0; u < N; ++u) f(u);
    };
    V y[N], e[N], q[N];
    const V one = broadcast<float>(1);
    each([&](int u) { y[u] = (V)_mm512_maskz_rcp14_ps(0xffff, (__m512)d[u]); });
    each([&](int u) { e[u] = multiply_add(-d[u], y[u], one); });
    each([&](int u) {
        y[u] = (V)_mm512_maskz_fmadd_round_ps(0xffff, (__m512)y[u], (__m512)e[u], (__m512)y[u],
                                              _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
    });
    each([&](int u) { e[u] = multiply_add(-d[u], y[u], one); });
    each([&](int u) { y[u] = multiply_add(y[u], e[u], y[u]); });
    each([&](int u) { q[u] = a[u] * y[u]; });
    each([&](int u) { e[u] = multiply_add(d[u], q[u], -a[u]); });  // so −0 stays −0
    each([&](int u) { a[u] = multiply_add(-e[u], y[u], q[u]); });
}

#endif

// a becomes a / d: of several vectors without the divider, where no d is less than `least_divisor`.
template <int N, class V>
CHAINRULE_INLINE void divide(V (&a)[N], const V (&d)[N]) {
#if CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64
    if constexpr (N > 1)
        if (far_from_underflow(a, d)) return divide_without_divider(a, d);
#endif
#pragma GCC unroll 4
    for (int u = 0; u < N; ++u) a[u] /= d[u];
}

}  // namespace chainrule
