// Vectors of floats or doubles, as wide as the machine has them.
//
//   T                       float or double
//   Vec<T>::type            V, a vector of `width` numbers of type T
//   Vec<T>::Int             as many signed integers of the same size; a comparison yields one, each
//                           lane −1 where it holds and 0 where it does not
//
// They are the vector extensions of GCC and Clang, so + − * / < & … and lane access v[k] work on
// them as they are, on every instruction set. Only what the extensions lack, or compile badly, is
// given here.
//
// Every operation is rounded as it is written: the build keeps the compiler from contracting a·b + c,
// and `multiply_add` says where it is one operation. So all instruction sets that have it as one come
// to the same bits.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "small_code.hpp"

#ifndef CHAINRULE_VECTOR_BYTES
#define CHAINRULE_VECTOR_BYTES 16
#endif

// The 512-bit forms below are written with a full zeroing mask, which costs nothing: the plain ones
// make GCC 12 warn of an uninitialised variable within its own header (bug 105593).
#if defined(__SSE2__)
#define CHAINRULE_X86 1
#include <immintrin.h>
#else
#define CHAINRULE_X86 0
#endif
#if defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

// Whether a·b + c is one operation here, rounded once. x86-64-v2 has none.
#if defined(__FMA__) || defined(__aarch64__)
#define CHAINRULE_FUSES 1
#else
#define CHAINRULE_FUSES 0
#endif

namespace chainrule {

inline constexpr int vector_bytes = CHAINRULE_VECTOR_BYTES;

template <class T>
struct Vec {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, double>);
    using Lane = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
    static constexpr int width = vector_bytes / static_cast<int>(sizeof(T));
    typedef T type __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
    typedef Lane Int __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
};

template <class V>
using element_t = std::remove_cvref_t<decltype(V{}[0])>;

template <class V>
using int_t = typename Vec<element_t<V>>::Int;

// --- to and from memory (at any alignment)

template <class T>
CHAINRULE_INLINE typename Vec<T>::type load(const T* p) {
    typename Vec<T>::type v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
CHAINRULE_INLINE void store(T* p, typename Vec<T>::type v) {
    std::memcpy(p, &v, sizeof v);
}

// A number that the compiler does not see to be constant. A browser makes a constant vector anew wherever it
// stands, in three operations; what is made of this before a loop is kept through it. Of numbers of 4 bytes
// alone: the module of doubles is to be small.
template <class X>
CHAINRULE_INLINE X kept(X x) {
#if defined(__wasm_simd128__)
    if (sizeof(X) == 4 && __builtin_constant_p(x)) asm("" : "+r"(x));
#endif
    return x;
}

template <class T>
CHAINRULE_INLINE typename Vec<T>::type broadcast(std::type_identity_t<T> x) {
    return typename Vec<T>::type{} + kept(x);  // 0 + x is x, except that −0 becomes 0
}

// The mask of the first k lanes.
template <class T>
CHAINRULE_INLINE typename Vec<T>::Int first_lanes(int k) {
    typename Vec<T>::Int number{};
    for (int lane = 0; lane < Vec<T>::width; ++lane) number[lane] = lane;  // a constant
    return number < static_cast<typename Vec<T>::Lane>(k);
}

// The first k lanes from memory, zeros beyond; nothing beyond is touched. 0 <= k <= width.
template <class T>
CHAINRULE_INLINE typename Vec<T>::type load_part(const T* p, int k) {
    using V = typename Vec<T>::type;
#if CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64
    if constexpr (sizeof(T) == 4)
        return (V)_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << k) - 1), p);
    else
        return (V)_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << k) - 1), p);
#elif CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 32
    if constexpr (sizeof(T) == 4)
        return (V)_mm256_maskload_ps(p, (__m256i)first_lanes<T>(k));
    else
        return (V)_mm256_maskload_pd(p, (__m256i)first_lanes<T>(k));
#elif defined(__wasm_simd128__)
    if constexpr (sizeof(T) == 4) {
        const v128_t low = k & 2 ? wasm_v128_load64_zero(p) : v128_t{};
        if (!(k & 1)) return (V)(k & 4 ? wasm_v128_load(p) : low);
        return (V)(k & 2 ? wasm_v128_load32_lane(p + 2, low, 2) : wasm_v128_load32_zero(p));
    } else {
        return (V)(k & 2 ? wasm_v128_load(p) : k & 1 ? wasm_v128_load64_zero(p) : v128_t{});
    }
#else
    V v{};
    for (int lane = 0; lane < k; ++lane) v[lane] = p[lane];
    return v;
#endif
}

// Store the first k lanes. The lanes go one by one where masked stores are slow (AVX2 on AMD).
template <class T>
CHAINRULE_INLINE void store_part(T* p, typename Vec<T>::type v, int k) {
#if CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64
    if constexpr (sizeof(T) == 4)
        _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << k) - 1), (__m512)v);
    else
        _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << k) - 1), (__m512d)v);
#elif defined(__wasm_simd128__)
    if (k == Vec<T>::width) return store(p, v);
    if constexpr (sizeof(T) == 4) {
        if (k & 2) wasm_v128_store64_lane(p, (v128_t)v, 0);
        if (k == 3) wasm_v128_store32_lane(p + 2, (v128_t)v, 2);
        if (k == 1) wasm_v128_store32_lane(p, (v128_t)v, 0);
    } else if (k & 1) {
        wasm_v128_store64_lane(p, (v128_t)v, 0);
    }
#else
    for (int lane = 0; lane < k; ++lane) p[lane] = v[lane];
#endif
}

// The same where k is mostly the whole width.
template <class T>
CHAINRULE_INLINE typename Vec<T>::type load_first(const T* p, int k) {
    return k == Vec<T>::width ? load(p) : load_part(p, k);
}

template <class T>
CHAINRULE_INLINE void store_first(T* p, typename Vec<T>::type v, int k) {
    if (k == Vec<T>::width) store(p, v);
    else store_part(p, v, k);
}

// The first k lanes in the place of what is there, or added to it.
template <class T>
CHAINRULE_INLINE void put_first(T* p, typename Vec<T>::type v, int k, bool adds) {
    store_first(p, adds ? load_first(p, k) + v : v, k);
}

// --- lane by lane

// a where the mask holds, b elsewhere.
template <class V>
CHAINRULE_INLINE V select(int_t<V> mask, V a, V b) {
    return mask ? a : b;
}

// The same number seen as bits, and back.
template <class V>
CHAINRULE_INLINE int_t<V> bits(V v) {
    return (int_t<V>)v;
}

template <class T>
CHAINRULE_INLINE typename Vec<T>::type from_bits(typename Vec<T>::Int i) {
    return (typename Vec<T>::type)i;
}

template <class V>
CHAINRULE_INLINE V abs(V v) {
    using Lane = typename Vec<element_t<V>>::Lane;
    constexpr Lane sign = static_cast<Lane>(Lane{1} << (8 * sizeof(Lane) - 1));
    return (V)(bits(v) & ~sign);
}

// −|v|, which is one operation, where −abs(v) is two.
template <class V>
CHAINRULE_INLINE V minus_abs(V v) {
    using Lane = typename Vec<element_t<V>>::Lane;
    constexpr Lane sign = static_cast<Lane>(Lane{1} << (8 * sizeof(Lane) - 1));
    return (V)(bits(v) | (kept(sign) - int_t<V>{}));
}

// The magnitude of a with the sign of b.
template <class V>
CHAINRULE_INLINE V copy_sign(V a, V b) {
    using Lane = typename Vec<element_t<V>>::Lane;
    constexpr Lane sign = static_cast<Lane>(Lane{1} << (8 * sizeof(Lane) - 1));
    const auto mask = kept(sign) - int_t<V>{};
    return (V)((bits(a) & ~mask) | (bits(b) & mask));
}

// −1, 0 or 1, and NaN where v is.
template <class V>
CHAINRULE_INLINE V sign(V v) {
    const V one = V{} + element_t<V>{1};
    return select(v > V{}, one, select(v < V{}, -one, v));
}

// max(a, b), where a NaN in a comes through: that is the second operand of the x86 instruction,
// which computes first > second ? first : second.
template <class V>
CHAINRULE_INLINE V maximum(V a, std::type_identity_t<V> b) {
    [[maybe_unused]] constexpr bool single = sizeof(element_t<V>) == 4;
#if CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64
    if constexpr (single) return (V)_mm512_maskz_max_ps(0xffff, (__m512)b, (__m512)a);
    else return (V)_mm512_maskz_max_pd(0xff, (__m512d)b, (__m512d)a);
#elif CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 32
    if constexpr (single) return (V)_mm256_max_ps((__m256)b, (__m256)a);
    else return (V)_mm256_max_pd((__m256d)b, (__m256d)a);
#elif CHAINRULE_X86
    if constexpr (single) return (V)_mm_max_ps((__m128)b, (__m128)a);
    else return (V)_mm_max_pd((__m128d)b, (__m128d)a);
#elif defined(__wasm_simd128__)
    if constexpr (single) return (V)wasm_f32x4_pmax((v128_t)a, (v128_t)b);
    else return (V)wasm_f64x2_pmax((v128_t)a, (v128_t)b);
#else
    return select(b > a, b, a);
#endif
}

// min(a, b), where a NaN in a comes through.
template <class V>
CHAINRULE_INLINE V minimum(V a, std::type_identity_t<V> b) {
    [[maybe_unused]] constexpr bool single = sizeof(element_t<V>) == 4;
#if CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64
    if constexpr (single) return (V)_mm512_maskz_min_ps(0xffff, (__m512)b, (__m512)a);
    else return (V)_mm512_maskz_min_pd(0xff, (__m512d)b, (__m512d)a);
#elif CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 32
    if constexpr (single) return (V)_mm256_min_ps((__m256)b, (__m256)a);
    else return (V)_mm256_min_pd((__m256d)b, (__m256d)a);
#elif CHAINRULE_X86
    if constexpr (single) return (V)_mm_min_ps((__m128)b, (__m128)a);
    else return (V)_mm_min_pd((__m128d)b, (__m128d)a);
#elif defined(__wasm_simd128__)
    if constexpr (single) return (V)wasm_f32x4_pmin((v128_t)a, (v128_t)b);
    else return (V)wasm_f64x2_pmin((v128_t)a, (v128_t)b);
#else
    return select(b < a, b, a);
#endif
}

// x in every lane, or x where it is a vector.
template <class V, class X>
CHAINRULE_INLINE V spread(X x) {
    if constexpr (sizeof(X) == sizeof(V)) return x;
    else return static_cast<element_t<V>>(kept(x)) - V{};  // x − 0 is x
}

// a·b + c of vectors; b and c may be numbers.
template <class V, class B, class C>
CHAINRULE_INLINE V multiply_add(V a, B b, C c) {
    const V factor = spread<V>(b), added = spread<V>(c);
    [[maybe_unused]] constexpr bool single = sizeof(element_t<V>) == 4;
#if !CHAINRULE_FUSES
    return a * factor + added;
#elif CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64
    if constexpr (single) return (V)_mm512_fmadd_ps((__m512)a, (__m512)factor, (__m512)added);
    else return (V)_mm512_fmadd_pd((__m512d)a, (__m512d)factor, (__m512d)added);
#elif CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 32
    if constexpr (single) return (V)_mm256_fmadd_ps((__m256)a, (__m256)factor, (__m256)added);
    else return (V)_mm256_fmadd_pd((__m256d)a, (__m256d)factor, (__m256d)added);
#elif CHAINRULE_X86
    if constexpr (single) return (V)_mm_fmadd_ps((__m128)a, (__m128)factor, (__m128)added);
    else return (V)_mm_fmadd_pd((__m128d)a, (__m128d)factor, (__m128d)added);
#else
    if constexpr (single)
        return (V)vfmaq_f32((float32x4_t)added, (float32x4_t)a, (float32x4_t)factor);
    else
        return (V)vfmaq_f64((float64x2_t)added, (float64x2_t)a, (float64x2_t)factor);
#endif
}

// The same of numbers.
CHAINRULE_INLINE double multiply_add(double a, double b, double c) {
#if CHAINRULE_FUSES
    return __builtin_fma(a, b, c);
#else
    return a * b + c;
#endif
}
CHAINRULE_INLINE float multiply_add(float a, float b, float c) {
#if CHAINRULE_FUSES
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

// Whether a mask holds in any lane.
template <class Mask>
CHAINRULE_INLINE bool any_lane(Mask mask) {
#if CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64
    return _mm512_movepi32_mask((__m512i)mask) != 0;
#elif CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 32
    return _mm256_movemask_epi8((__m256i)mask) != 0;
#elif CHAINRULE_X86
    return _mm_movemask_epi8((__m128i)mask) != 0;
#elif defined(__wasm_simd128__)
    return wasm_v128_any_true((v128_t)mask);
#else
    bool any = false;
    for (std::size_t k = 0; k < sizeof mask / sizeof mask[0]; ++k) any = any || mask[k] != 0;
    return any;
#endif
}

// Whether all lanes are 0: none where one is NaN.
template <class V>
CHAINRULE_INLINE bool is_zero(V v) {
    return !any_lane(~(v == V{}));
}

// f of each lane by itself, for what is rare.
template <class V, class F>
CHAINRULE_INLINE V map_lanes(V v, F&& f) {
    V result = v;
    for (int lane = 0; lane < Vec<element_t<V>>::width; ++lane) result[lane] = f(v[lane]);
    return result;
}

template <class V>
CHAINRULE_INLINE V sqrt(V v) {
    [[maybe_unused]] constexpr bool single = sizeof(element_t<V>) == 4;
#if CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 64
    if constexpr (single) return (V)_mm512_maskz_sqrt_ps(0xffff, (__m512)v);
    else return (V)_mm512_maskz_sqrt_pd(0xff, (__m512d)v);
#elif CHAINRULE_X86 && CHAINRULE_VECTOR_BYTES == 32
    if constexpr (single) return (V)_mm256_sqrt_ps((__m256)v);
    else return (V)_mm256_sqrt_pd((__m256d)v);
#elif CHAINRULE_X86
    if constexpr (single) return (V)_mm_sqrt_ps((__m128)v);
    else return (V)_mm_sqrt_pd((__m128d)v);
#elif defined(__wasm_simd128__)
    if constexpr (single) return (V)wasm_f32x4_sqrt((v128_t)v);
    else return (V)wasm_f64x2_sqrt((v128_t)v);
#else
    return map_lanes(v, [](auto x) { return std::sqrt(x); });
#endif
}

}  // namespace chainrule
