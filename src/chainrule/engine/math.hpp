// Elementary functions of vectors, in float and double from one source.
//
//   V       a vector of floats or doubles (simd.hpp)
//   e^x     = 2ⁿ e^r, with n = round(x / ln 2) and |r| <= ½ ln 2
//   p       e^r − 1 = r + r² q(r), a polynomial, so that e^x − 1 keeps its digits near 0
//
// The polynomials are minimax fits whose own error is far below one rounding. Domains are stated
// where they are less than the whole line; within them NaN gives NaN.
#pragma once

#include <array>
#include <cstddef>

#include "simd.hpp"

namespace chainrule {

// The numbers that depend on the type. `magic` is 1.5 times the power of 2 from which on floats
// are integers, plus the exponent's bias: x + magic rounds x to an integer n, and has n plus the
// bias in its lowest bits. ln 2 is split so that n·ln2_high is exact.
template <class T>
struct Constants;

template <>
struct Constants<float> {
    static constexpr int mantissa = 23;
    static constexpr float magic = 12582912.0f + 127.0f;
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr float lowest = -87.0f;          // e^lowest is normal, its square 0
    static constexpr float vanishing = -104.0f;      // e^vanishing rounds to 0
    static constexpr float overflowing = 89.0f;      // e^overflowing to infinity
    static constexpr float normal_power = 100.0f;    // 2^±normal_power is normal
    static constexpr float widest = 18.6f;           // lowest <= −widest²/4
    static constexpr std::int32_t upper_half = ~0xfff;
    static constexpr std::array<float, 5> exp{
        0.50000000285821720386f, 0.16666573334262424789f,  0.041666363445542311327f,
        0.0083637790588560136626f, 0.0013942162426006765752f};
    static constexpr std::array<float, 3> log{0.33333342689528273858f, 0.19994336398367725186f,
                                              0.14792064830581062364f};
    static constexpr float tail_centre = 3.5f;
    static constexpr std::array<float, 10> tail{
        0.85076120773940834833f,    -0.0082855230866028327360f, -0.12427990275381146035f,
        0.13773728746102106899f,    -0.079598418429461556174f,  0.022295143656412875013f,
        0.0019914635041788712116f,  -0.0031281685772736609003f, 4.2720796686777752934e-5f,
        2.9834451613775743146e-4f};
};

template <>
struct Constants<double> {
    static constexpr int mantissa = 52;
    static constexpr double magic = 6755399441055744.0 + 1023.0;
    static constexpr double ln2_high = 6.93147180369123816490e-01;
    static constexpr double ln2_low = 1.90821492927058770002e-10;
    static constexpr double lowest = -708.0;
    static constexpr double vanishing = -746.0;
    static constexpr double overflowing = 710.0;
    static constexpr double normal_power = 1000.0;
    static constexpr double widest = 53.2;
    static constexpr std::int64_t upper_half = ~0x7ffffffLL;
    static constexpr std::array<double, 10> exp{
        0.50000000000000011283,     0.16666666666666675344,    0.041666666666620628667,
        0.0083333333333212946601,   0.0013888888918943214529,  0.00019841269889351838311,
        0.000024801518636111519650, 2.7557239244458533488e-6,  2.7621340825620832313e-7,
        2.5111203976307889780e-8};
    static constexpr std::array<double, 7> log{
        0.33333333333333348853,  0.19999999999948631473,  0.14285714313466812173,
        0.11111105492925488431,  0.090914497703986271210, 0.076656936487122963680,
        0.073102293565079278734};
    static constexpr double tail_centre = 6.0;
    static constexpr std::array<double, 22> tail{
        0.84213108621780897147,     -0.046853991154522021382,   -0.026208644325588405881,
        0.073159266239965742414,    -0.089106187300407620529,   0.080239473952259084433,
        -0.058520637391124771456,   0.035340164229254089698,    -0.017537567146152724496,
        0.0068847631857741606967,   -0.0019183604215417775449,  0.00022660571343459870213,
        0.000096092077781193381544, -0.000058196625487038321776, 8.3646929576205157985e-6,
        4.2980556687528319172e-6,   -2.1357431552049310250e-6,  -8.8360624100868349103e-8,
        3.0390684146081761255e-7,   -1.0899025333317753957e-8,  -3.4508968212853216287e-8,
        -4.2782473640721243189e-9};
};

// c[0] + c[1] x + c[2] x² + …
template <class V, std::size_t N>
CHAINRULE_INLINE V polynomial(V x, const std::array<element_t<V>, N>& c) {
    V value = spread<V>(c[N - 1]);
#pragma GCC unroll 32
    for (std::size_t k = 2; k <= N; ++k) value = multiply_add(value, x, c[N - k]);
    return value;
}

// 2ⁿ from n + magic, whose lowest bits become the exponent.
template <class V>
CHAINRULE_INLINE V power_of_two(V shifted) {
    return (V)(bits(shifted) << Constants<element_t<V>>::mantissa);
}

template <class V>
struct Reduced {
    V n;      // e^x = 2ⁿ (1 + p)
    V scale;  // 2ⁿ where that is normal
    V p;
};

// `rest`, if any, is a small number to be added to x, lost if it were added at once.
template <class V, class... Rest>
CHAINRULE_INLINE Reduced<V> reduce(V x, Rest... rest) {
    using T = element_t<V>;
    using C = Constants<T>;
    const V shifted = multiply_add(x, T(1.44269504088896340736), C::magic);
    const V n = shifted - spread<V>(C::magic);
    const V r = (multiply_add(n, -C::ln2_low, multiply_add(n, -C::ln2_high, x)) + ... + rest);
    return {n, power_of_two(shifted), multiply_add(r * r, polynomial(r, C::exp), r)};
}

// e^x on the whole line, rounded once where the result is subnormal.
template <class V>
CHAINRULE_INLINE V exp(V x) {
    using C = Constants<element_t<V>>;
    x = minimum(maximum(x, V{} + C::vanishing), V{} + C::overflowing);
    const auto [n, scale, p] = reduce(x);
    // 2ⁿ in two factors, of which the first alone leaves a normal number
    const V first = minimum(maximum(n, V{} - C::normal_power), V{} + C::normal_power);
    const V y = (p + element_t<V>{1}) * power_of_two(first + C::magic);
    return y * power_of_two((n - first) + C::magic);
}

// e^(x + rest) for x <= 0, and e^lowest for any x below that: never subnormal, but its square is 0
// where it ought to be. So the callers write e^x as the square of e^(x/2), with factors between.
template <class V, class... Rest>
CHAINRULE_INLINE V exp_normal(V x, Rest... rest) {
    const auto [n, scale, p] = reduce(maximum(x, spread<V>(Constants<element_t<V>>::lowest)), rest...);
    return multiply_add(scale, p, scale);
}

// The same together with e^x − 1.
template <class V>
struct ExpPair {
    V exp;
    V expm1;
};

template <class V>
CHAINRULE_INLINE ExpPair<V> exp_pair(V x) {
    const auto [n, scale, p] = reduce(maximum(x, spread<V>(Constants<element_t<V>>::lowest)));
    return {multiply_add(scale, p, scale), multiply_add(scale, p, scale - spread<V>(element_t<V>{1}))};
}

// e^x − 1 for x <= 0.
template <class V>
CHAINRULE_INLINE V expm1(V x) {
    return exp_pair(x).expm1;
}

// ln(1 + x) for finite x >= −½. With 1 + x = 2ᵏ (1 + f) and s = f / (2 + f),
// ln(1 + f) = 2 artanh s = 2s (1 + s²/3 + s⁴/5 + …).
template <class V>
CHAINRULE_INLINE V log1p(V x) {
    using T = element_t<V>;
    using C = Constants<T>;
    using Lane = typename Vec<T>::Lane;
    using Bits = std::make_unsigned_t<Lane>;
    typedef Bits Unsigned __attribute__((vector_size(CHAINRULE_VECTOR_BYTES)));
    // k is found as k + bias, which is positive, so that a shift of unsigned numbers will do:
    // of signed ones AVX2 has none at 64 bits. √½ is where k steps from −1 to 0.
    constexpr Lane bias = sizeof(T) == 4 ? 127 : 1023;
    constexpr Lane root_half = sizeof(T) == 4 ? Lane(0x3f3504f3) : Lane(0x3fe6a09e667f3bcdLL);
    const Unsigned above = (Unsigned)(bits(x + T{1}) - root_half) + (Bits(bias) << C::mantissa);
    const int_t<V> exponent = (int_t<V>)(above >> C::mantissa);  // k + bias
    // 2⁻ᵏ has the exponent 2·bias − (k + bias)
    const V shrink = (V)((2 * bias - exponent) << C::mantissa);
    const V k = (V)(bits(V{} + (C::magic - T(bias))) + exponent) - C::magic;
    // Both terms are exact, so f is rounded once, and is x itself where k = 0.
    const V f = multiply_add(x, shrink, shrink - T{1});
    // 2f first: a halved subnormal would lose a bit
    const V twice = (f + f) / (f + T{2});
    const V w = twice * twice * T(0.25);
    const V tail = multiply_add(twice, w * polynomial(w, C::log), k * C::ln2_low);
    return multiply_add(k, C::ln2_high, twice + tail);
}

// tanh z and 1 / cosh z. With e = e^−|z| and d = e − 1: |tanh z| = −d (1 + e) / (1 + e²). Halves and
// twice of them are exact, and spare an operation.
template <class V>
struct Hyperbolic {
    V tanh;
    V sech;
};

template <class V>
CHAINRULE_INLINE Hyperbolic<V> tanh_sech(V z) {
    using T = element_t<V>;
    const auto [e, d] = exp_pair(minus_abs(z));
    const V share = spread<V>(T{2}) / multiply_add(e, e, T{1});
    return {copy_sign(d * multiply_add(e, T(0.5), T(0.5)) * share, z), e * share};
}

template <class V>
CHAINRULE_INLINE V tanh(V z) {
    return tanh_sech(z).tanh;
}

// e^(−z²/4) for 0 <= z <= widest. z² is taken as h² + (z − h)(z + h), where h is the upper half of
// z's digits, so that the exponent is not rounded: it would be at 1e-14 of itself times z²/4.
template <class V>
CHAINRULE_INLINE V half_gaussian(V z) {
    using T = element_t<V>;
    const V h = (V)(bits(z) & Constants<T>::upper_half);
    return exp_normal(h * h * T(-0.25), (h - z) * (h + z) * T(0.25));
}

// e^(z²/2) Φ(−z) for z >= 0, where Φ is the standard normal distribution: smooth, and about
// 0.4 / z far out. (1 + 2z) times it is a polynomial in t = (z − c) / (z + c).
template <class V>
CHAINRULE_INLINE V scaled_normal_tail(V z) {
    using T = element_t<V>;
    using C = Constants<T>;
    const V below = z + C::tail_centre, slope = z + z + T{1};
    const V inverse = T{1} / (below * slope);  // one division for both quotients
    const V t = (z - C::tail_centre) * slope * inverse;
    return polynomial(t, C::tail) * (below * inverse);
}

}  // namespace chainrule
