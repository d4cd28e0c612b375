// Sine and cosine of vectors, in float and double from one source.
//
//   x = n π/2 + r, with n = round(x / (π/2)) and |r| <= π/4
//
// n lies in the lowest bits of x/(π/2) + 1.5·2^mantissa, and its last two say which of ±sin r and
// ±cos r the results are. π/2 is split into pieces so short that n times each is exact, whether or
// not a·b + c is one operation. The polynomials are minimax fits. NaN and infinity give NaN.
#pragma once

#include "math.hpp"

namespace chainrule {

template <class T>
struct Turns;

template <>
struct Turns<float> {
    static constexpr float furthest = 8000.0f;  // n has 13 bits, the pieces have 11
    static constexpr float rounding = 12582912.0f;
    static constexpr std::array<float, 4> quarter{1.5703125f, 4.837512969970703125e-4f,
                                                  7.549533620476722717e-8f, 2.563344151594518788e-12f};
    static constexpr std::array<float, 3> sine{-0.16666654177026836843f, 0.0083321329738839847936f,
                                               -0.00019511457921924482236f};
    static constexpr std::array<float, 3> cosine{0.041666644920573267893f,
                                                 -0.0013887278546743122117f,
                                                 0.000024428786457302077331f};
};

template <>
struct Turns<double> {
    static constexpr double furthest = 1.6e6;  // n has 20 bits, the pieces have 33
    static constexpr double rounding = 6755399441055744.0;
    static constexpr std::array<double, 3> quarter{
        1.57079632673412561416625976562, 6.07710050630396597659554913662e-11,
        2.02226624879595073239968462009e-21};
    static constexpr std::array<double, 6> sine{
        -0.16666666666666628106,  0.008333333333321441129,  -0.0001984126982902894162,
        2.755731342109876206e-6,  -2.505071556541144441e-8, 1.5894318794571693092e-10};
    static constexpr std::array<double, 6> cosine{
        0.041666666666666587476,   -0.0013888888888872089855, 0.000024801587288234468566,
        -2.7557313997313089147e-7, 2.0875675637060932968e-9,  -1.135720868498477073e-11};
};

template <class V>
struct SineCosine {
    V sine;
    V cosine;
};

template <class V>
CHAINRULE_INLINE SineCosine<V> sine_cosine_nearby(V x) {
    using T = element_t<V>;
    using C = Turns<T>;
    const V shifted = multiply_add(x, T(0.63661977236758134308), C::rounding);
    const V n = shifted - C::rounding;
    V r = x;
    for (const T piece : C::quarter) r = multiply_add(n, -piece, r);
    const V square = r * r;
    const V sine = multiply_add(r * square, polynomial(square, C::sine), r);
    const V cosine =
        T{1} - multiply_add(square * square, -polynomial(square, C::cosine), square * T(0.5));
    constexpr int sign = 8 * sizeof(T) - 2;  // how far the second bit is from the highest
    const int_t<V> turns = bits(shifted), second = turns & 2;
    const auto odd = (turns & 1) != 0;
    return {(V)(bits(select(odd, cosine, sine)) ^ (second << sign)),
            (V)(bits(select(odd, sine, cosine)) ^ ((second ^ ((turns & 1) << 1)) << sign))};
}

#if CHAINRULE_SMALL
// The page's own, which is not in the module then.
extern "C" __attribute__((import_module("env"), import_name("sine"))) double page_sine(double);
extern "C" __attribute__((import_module("env"), import_name("cosine"))) double page_cosine(double);
CHAINRULE_INLINE double sine_of(double x) { return page_sine(x); }
CHAINRULE_INLINE double cosine_of(double x) { return page_cosine(x); }
#else
template <class T>
CHAINRULE_INLINE T sine_of(T x) { return std::sin(x); }
template <class T>
CHAINRULE_INLINE T cosine_of(T x) { return std::cos(x); }
#endif

// The same where some arguments are so large that a whole turn has few numbers left.
template <class V>
[[gnu::noinline]] SineCosine<V> sine_cosine_afar(V x) {
    const auto [sine, cosine] = sine_cosine_nearby(x);
    const auto far = abs(x) > Turns<element_t<V>>::furthest;
    return {select(far, map_lanes(x, [](auto lane) { return sine_of(lane); }), sine),
            select(far, map_lanes(x, [](auto lane) { return cosine_of(lane); }), cosine)};
}

template <class V>
CHAINRULE_INLINE SineCosine<V> sine_cosine(V x) {
    if (any_lane(abs(x) > Turns<element_t<V>>::furthest)) [[unlikely]] return sine_cosine_afar(x);
    return sine_cosine_nearby(x);
}

}  // namespace chainrule
