// The activations: a = f(z) and f′(z), one row each, as in activations.py.
//
//   z       V   weighted input
//   a       V   activation, f(z)
//   slope   V   f′(z)
//
// The rows follow the core's rules: no power of e overflows, and where a factor multiplies one that
// may underflow before the product does, as z e^z for z ≪ 0, the power is taken in two halves,
// (z h) h with h = e^(z/2). Here h is the one power of e that a row computes, for value and slope
// together. Where a row multiplies z by a power that tends to 0, z is bounded first, lest an
// infinite z make it NaN.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "math.hpp"
#include "simd.hpp"

namespace chainrule {

// In the order of ACTIVATIONS.
enum class Activation {
    identity, sigmoid, bipolar_sigmoid, tanh, relu, leaky_relu, elu, selu, gelu, gelu_tanh, silu,
    softplus, softsign, mish, hard_tanh, softmax
};

inline constexpr std::array<std::string_view, 16> activation_names{
    "identity", "sigmoid", "bipolar_sigmoid", "tanh",     "relu",     "leaky_relu", "elu", "selu",
    "gelu",     "gelu_tanh", "silu",          "softplus", "softsign", "mish",       "hard_tanh",
    "softmax"};

inline std::optional<Activation> find_activation(std::string_view name) {
    for (std::size_t k = 0; k < activation_names.size(); ++k)
        if (activation_names[k] == name) return static_cast<Activation>(k);
    return std::nullopt;
}

// Call f.template operator()<A>() with the row as a constant.
template <class F>
CHAINRULE_INLINE decltype(auto) with_activation(Activation row, F&& f) {
    using enum Activation;
    switch (row) {
        case identity: return f.template operator()<identity>();
        case sigmoid: return f.template operator()<sigmoid>();
        case bipolar_sigmoid: return f.template operator()<bipolar_sigmoid>();
        case tanh: return f.template operator()<tanh>();
        case relu: return f.template operator()<relu>();
        case leaky_relu: return f.template operator()<leaky_relu>();
        case elu: return f.template operator()<elu>();
        case selu: return f.template operator()<selu>();
        case gelu: return f.template operator()<gelu>();
        case gelu_tanh: return f.template operator()<gelu_tanh>();
        case silu: return f.template operator()<silu>();
        case softplus: return f.template operator()<softplus>();
        case softsign: return f.template operator()<softsign>();
        case mish: return f.template operator()<mish>();
        case hard_tanh: return f.template operator()<hard_tanh>();
        case softmax: return f.template operator()<softmax>();
    }
    __builtin_unreachable();
}

namespace rows {

template <class V>
struct Result {
    V a;
    V slope;
};

// z between bounds so wide that e^−|bound| is 0 even if multiplied by it.
template <class V>
CHAINRULE_INLINE V bounded(V z) {
    using T = element_t<V>;
    return minimum(maximum(z, broadcast<T>(-1600)), broadcast<T>(1600));
}

// What the rows built on the sigmoid share. A factor goes between the halves: (factor h) h.
template <class V>
struct Logistic {
    V h;        // e^(−|z|/2)
    V e;        // e^−|z|
    V share;    // 1 / (1 + e), which is σ(|z|)
    V left;     // e^(min(z, 0)/2)

    CHAINRULE_INLINE explicit Logistic(V z) {
        using T = element_t<V>;
        h = exp_normal(abs(z) * spread<V>(T(-0.5)));
        e = h * h;
        const V one = spread<V>(T{1});
        share = one / (e + one);
        left = select(z < V{}, h, one);
    }

    // factor · σ(z)
    CHAINRULE_INLINE V sigmoid(V factor) const { return factor * left * left * share; }

    // factor · σ(z) σ(−z)
    CHAINRULE_INLINE V slope(V factor) const { return factor * h * h * share * share; }

    // σ(−z), where (left)² is 1 or e: the one of both that it is not
    CHAINRULE_INLINE V opposite(V z) const {
        return select(z < V{}, broadcast<element_t<V>>(1), e) * share;
    }
};

template <class V>
CHAINRULE_INLINE Result<V> sigmoid(V z, element_t<V> k) {
    using T = element_t<V>;
    const Logistic<V> logistic(z * k);
    return {logistic.sigmoid(broadcast<T>(1)), logistic.slope(broadcast<T>(k))};
}

// tanh(kz/2), and ½k sech².
template <class V>
CHAINRULE_INLINE Result<V> bipolar_sigmoid(V z, element_t<V> k) {
    const element_t<V> half = k / 2;
    const auto [value, sech] = tanh_sech(z * half);
    return {value, sech * half * sech};
}

template <class V>
CHAINRULE_INLINE Result<V> tanh(V z) {
    const auto [value, sech] = tanh_sech(z);
    return {value, sech * sech};
}

template <class V>
CHAINRULE_INLINE Result<V> rectifier(V z, element_t<V> low) {
    return {select(z > V{}, z, z * low), select(z > V{}, V{} + element_t<V>{1}, V{} + low)};
}

// right · z for z > 0, left · (e^z − 1) elsewhere. With d = h − 1, e^z − 1 = d (h + 1).
template <class V>
CHAINRULE_INLINE Result<V> exponential(V z, element_t<V> right, element_t<V> left) {
    using T = element_t<V>;
    const auto [h, d] = exp_pair(minimum(z, V{}) * T(0.5));
    return {select(z > V{}, z * right, d * (h + T{1}) * left),
            select(z > V{}, V{} + right, h * left * h)};
}

// z Φ(z), and Φ(z) + z φ(z), from the lower tail t = Φ(−|z|): where z > 0 they are z − |z| t and
// 1 − (t − |z| φ).
template <class V>
CHAINRULE_INLINE Result<V> gelu(V z) {
    using T = element_t<V>;
    const V distance = minimum(abs(z), broadcast<T>(Constants<T>::widest));
    const V half = half_gaussian(distance);
    const V tail = scaled_normal_tail(distance);
    const V lower = multiply_add(distance, T(-0.39894228040143267794), tail) * half * half;
    return {multiply_add(-distance * tail * half, half, select(z > V{}, z, V{})), select(z > V{}, T{1} - lower, lower)};
}

// z σ(u) with u = k z (1 + c z²).
template <class V>
CHAINRULE_INLINE Result<V> gelu_tanh(V z) {
    using T = element_t<V>;
    constexpr T k = T(1.5957691216057307117), c = T(0.044715);
    const V near = bounded(z), square = near * near;
    const Logistic<V> logistic(near * k * multiply_add(square, c, T{1}));
    const V du = multiply_add(square, 3 * c, T{1}) * k;
    return {logistic.sigmoid(maximum(z, broadcast<T>(-1600))),
            logistic.sigmoid(broadcast<T>(1)) + logistic.slope(near * du)};
}

template <class V>
CHAINRULE_INLINE Result<V> silu(V z) {
    using T = element_t<V>;
    const V near = bounded(z);
    const Logistic<V> logistic(near);
    return {logistic.sigmoid(maximum(z, broadcast<T>(-1600))),
            logistic.sigmoid(multiply_add(near, logistic.opposite(near), T{1}))};
}

template <class V>
CHAINRULE_INLINE Result<V> softplus(V z) {
    const Logistic<V> logistic(z);
    return {maximum(z, V{}) + log1p(logistic.e), logistic.sigmoid(broadcast<element_t<V>>(1))};
}

template <class V>
CHAINRULE_INLINE Result<V> softsign(V z) {
    using T = element_t<V>;
    const V largest = broadcast<T>(sizeof(T) == 4 ? T(1e38) : T(1e300));
    const V size = minimum(abs(z), largest);
    const V share = T{1} / (size + T{1});
    return {copy_sign(size * share, z), share * share};
}

// z t, and t + z (1 − t²) σ(z), with t = tanh(softplus(z)) = e^min(z, 0) · gate. The gate is a
// ratio of polynomials in e; e^min(z, 0) is drawn out of both.
template <class V>
CHAINRULE_INLINE Result<V> mish(V z) {
    using T = element_t<V>;
    const V near = bounded(z);
    const Logistic<V> logistic(near);
    const V e = logistic.e, left = logistic.left;
    const V square = e * e, one = broadcast<T>(1);
    const auto positive = near > V{};
    const V above = select(positive, e + e + one, e + T{2});
    const V below = select(positive, e + e + one + square + square, square + e + e + T{2});
    const V gate = above / below;
    const V t = gate * left * left;
    const V inner = multiply_add(near * multiply_add(-t, t, one), logistic.share, gate);
    return {maximum(z, broadcast<T>(-1600)) * gate * left * left, inner * left * left};
}

template <class V>
CHAINRULE_INLINE Result<V> hard_tanh(V z) {
    using T = element_t<V>;
    const V one = broadcast<T>(1);
    return {minimum(maximum(z, -one), one), select(abs(z) < one, one, V{})};
}

}  // namespace rows

// Value and slope together; the softmax, of whole rows, is left to softmax.hpp. `parameter` is a slope or elu's alpha, else ignored.
template <Activation A, class T>
CHAINRULE_INLINE void activate(typename Vec<T>::type z, T parameter, typename Vec<T>::type& a,
                               typename Vec<T>::type& slope) {
    using enum Activation;
    using V = typename Vec<T>::type;
    [[maybe_unused]] constexpr T selu_scale = T(1.0507009873554805);
    [[maybe_unused]] constexpr T selu_left = T(1.0507009873554805 * 1.6732632423543772);
    rows::Result<V> result;
    if constexpr (A == identity || A == softmax) result = {z, broadcast<T>(1)};
    else if constexpr (A == sigmoid) result = rows::sigmoid(z, parameter);
    else if constexpr (A == bipolar_sigmoid) result = rows::bipolar_sigmoid(z, parameter);
    else if constexpr (A == tanh) result = rows::tanh(z);
    else if constexpr (A == relu) result = {maximum(z, V{}), select(z > V{}, broadcast<T>(1), V{})};
    else if constexpr (A == leaky_relu) result = rows::rectifier(z, parameter);
    else if constexpr (A == elu) result = rows::exponential(z, T{1}, parameter);
    else if constexpr (A == selu) result = rows::exponential(z, selu_scale, selu_left);
    else if constexpr (A == gelu) result = rows::gelu(z);
    else if constexpr (A == gelu_tanh) result = rows::gelu_tanh(z);
    else if constexpr (A == silu) result = rows::silu(z);
    else if constexpr (A == softplus) result = rows::softplus(z);
    else if constexpr (A == softsign) result = rows::softsign(z);
    else if constexpr (A == mish) result = rows::mish(z);
    else result = rows::hard_tanh(z);
    a = result.a;
    slope = result.slope;
}

// Whether the slope can be had from a alone, exactly as from z. At the kinks too: z <= 0 makes a
// rectifier's a <= 0, and |z| >= 1 makes hard_tanh's |a| = 1. The smooth rows are not of these:
// a (1 − a) is 0 as soon as a rounds to 1.
constexpr bool slope_from_output(Activation row) {
    using enum Activation;
    return row == identity || row == relu || row == leaky_relu || row == hard_tanh;
}

// The slope from the output, for the rows above.
template <Activation A, class T>
CHAINRULE_INLINE typename Vec<T>::type slope_of_output(typename Vec<T>::type a, T parameter) {
    using enum Activation;
    static_assert(slope_from_output(A));
    const auto one = broadcast<T>(1), zero = broadcast<T>(0);
    if constexpr (A == identity) return one;
    else if constexpr (A == hard_tanh) return select(abs(a) < one, one, zero);
    else return select(a > zero, one, A == leaky_relu ? broadcast<T>(parameter) : zero);
}

}  // namespace chainrule
