// The losses: what one example costs, and the derivative of that, one row each, as in losses.py.
//
//   o          outputs, of one head where there are several
//   a   (o,)   activation of the last layer; for the cross-entropies these are the logits
//   y   (o,)   target, or an integer label in its place for cross_entropy
//   da  (o,)   scale · ∂L/∂a, where scale is the example's share in the mean; da may be a itself
//   parameters   (o,), with room for whole vectors; 0 for a row without
//
// With many outputs the lanes of a vector are outputs of one example (`loss_row`). With few they
// would be mostly empty, and the lanes are examples instead: a block of `width` rows is turned on
// its side. Which it is depends on o alone, and lanes do not touch each other, so that the figures of
// an example never depend on which rows it is computed with. Lanes without a row hold zeros.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "activations.hpp"
#include "math.hpp"
#include "simd.hpp"
#include "softmax.hpp"
#include "turned_rows.hpp"

namespace chainrule {

// In the order of LOSSES.
enum class Loss {
    half_squared_error, squared_error, mean_squared_error, absolute_error, huber, quantile,
    log_cosh, poisson, hinge, binary_cross_entropy, cross_entropy
};

inline constexpr std::array<std::string_view, 11> loss_names{
    "half_squared_error", "squared_error", "mean_squared_error", "absolute_error",
    "huber",              "quantile",      "log_cosh",           "poisson",
    "hinge",              "binary_cross_entropy",                "cross_entropy"};

inline std::optional<Loss> find_loss(std::string_view name) {
    for (std::size_t k = 0; k < loss_names.size(); ++k)
        if (loss_names[k] == name) return static_cast<Loss>(k);
    return std::nullopt;
}

// Call f.template operator()<L>() with the row as a constant.
template <class F>
CHAINRULE_INLINE decltype(auto) with_loss(Loss row, F&& f) {
    using enum Loss;
    switch (row) {
        case half_squared_error: return f.template operator()<half_squared_error>();
        case squared_error: return f.template operator()<squared_error>();
        case mean_squared_error: return f.template operator()<mean_squared_error>();
        case absolute_error: return f.template operator()<absolute_error>();
        case huber: return f.template operator()<huber>();
        case quantile: return f.template operator()<quantile>();
        case log_cosh: return f.template operator()<log_cosh>();
        case poisson: return f.template operator()<poisson>();
        case hinge: return f.template operator()<hinge>();
        case binary_cross_entropy: return f.template operator()<binary_cross_entropy>();
        case cross_entropy: return f.template operator()<cross_entropy>();
    }
    __builtin_unreachable();
}

// A row that is known when the code is compiled.
template <Loss L>
using Row = std::integral_constant<Loss, L>;

// f(row) with the row as a constant; where the code is to be small, only that of the softmax is one.
template <class F>
CHAINRULE_INLINE decltype(auto) with_row(Loss loss, F&& f) {
    if constexpr (small_code)
        return loss == Loss::cross_entropy ? f(Row<Loss::cross_entropy>{}) : f(loss);
    else
        return with_loss(loss, [&]<Loss L>() { return f(Row<L>{}); });
}

template <class R>
inline constexpr bool has_softmax = std::is_same_v<R, Row<Loss::cross_entropy>>;

// What the rows are compared with. Batch row r belongs to example `order[r]`, or r without an
// order; y, labels and weights are indexed by example. Labels, in place of y, must be in 0 … o − 1.
template <class T>
struct Targets {
    const T* y = nullptr;
    std::int64_t ld = 0;
    const std::int64_t* labels = nullptr;
    const T* weights = nullptr;
    const std::int64_t* order = nullptr;

    std::int64_t example(std::int64_t r) const { return order ? order[r] : r; }
};

namespace rows {

template <class V>
struct Share {
    V value;
    V slope;
};

// ln cosh r = ln(1 + (cosh r − 1)) near 0, and |r| + ln(1 + e^−2|r|) − ln 2 beyond: one logarithm
// serves both. With e = e^−|r| and d = e − 1, cosh r − 1 = d² / 2e.
template <class V>
CHAINRULE_INLINE Share<V> log_cosh(V r) {
    using T = element_t<V>;
    const auto [e, d] = exp_pair(-abs(r));
    const auto far = abs(r) > T{1};
    const V logarithm = log1p(select(far, e * e, d * d / (e + e)));
    const V value = select(far, abs(r) - T(0.69314718055994530942), V{}) + logarithm;
    return {value, tanh_sech(r).tanh};  // the compiler sees that the exponential is the same
}

template <class V>
CHAINRULE_INLINE Share<V> binary_cross_entropy(V a, V y) {
    const V one = broadcast<element_t<V>>(1);
    const Logistic<V> logistic(a);
    const V logarithm = log1p(logistic.e);
    return {multiply_add(one - y, maximum(a, V{}) + logarithm, y * (maximum(-a, V{}) + logarithm)),
            multiply_add(one - y, logistic.sigmoid(one), -(y * logistic.opposite(a)))};
}

// One output's share of the loss and its derivative, for all but cross_entropy. The last
// alternative of a nested select is 0 or NaN, as the number it compares.
template <class T, Loss L>
CHAINRULE_INLINE Share<typename Vec<T>::type> share(Row<L>, typename Vec<T>::type a,
                                                    typename Vec<T>::type y,
                                                    typename Vec<T>::type parameter, T o) {
    using enum Loss;
    using V = typename Vec<T>::type;
    const V r = a - y, zero{};
    if constexpr (L == half_squared_error) return {r * r * T(0.5), r};
    else if constexpr (L == squared_error) return {r * r, r + r};
    else if constexpr (L == mean_squared_error) return {r * r / o, (r + r) / o};
    else if constexpr (L == absolute_error) return {abs(r), sign(r)};
    else if constexpr (L == huber) {
        const V d = parameter;
        return {select(abs(r) > d, (abs(r) - d * T(0.5)) * d, r * r * T(0.5)),
                minimum(maximum(r, -d), d)};
    } else if constexpr (L == quantile) {
        const V under = parameter, over = T{1} - parameter;
        return {maximum(over * r, under * -r),
                select(r > zero, over, select(r < zero, -under, r))};
    } else if constexpr (L == log_cosh) return rows::log_cosh(r);
    else if constexpr (L == poisson) {
        const V e = exp(a);
        return {multiply_add(-y, a, e), e - y};
    } else if constexpr (L == hinge) {
        const V margin = y * a, one = broadcast<T>(1);
        return {maximum(one - margin, zero),
                select(margin < one, -y, select(margin >= one, zero, margin))};
    } else {
        static_assert(L == binary_cross_entropy);
        return rows::binary_cross_entropy(a, y);
    }
}

template <class T>
[[gnu::noinline]] Share<typename Vec<T>::type> share(Loss row, typename Vec<T>::type a,
                                                     typename Vec<T>::type y,
                                                     typename Vec<T>::type parameter, T o) {
    return with_loss(row, [&]<Loss L>() {
        if constexpr (L == Loss::cross_entropy) return Share<typename Vec<T>::type>{};
        else return share<T>(Row<L>{}, a, y, parameter, o);
    });
}

// Smoothed targets t = keep · y + share; of a label: on where it is, off elsewhere.
template <class T>
struct Smoothing {
    T keep, share, on, off;

    Smoothing(T smoothing, int o)
        : keep(1 - smoothing), share(smoothing / T(o)), on(keep + share), off(share) {}
};

// Running sums of the softmax of logits, with s = a − max a and e = e^s. The largest logits, whose
// e is 1, are counted apart: ln Σe is then ln(1 + rest), exact where one logit outweighs all.
template <class V>
struct SoftmaxSums {
    V rest{}, largest{}, targets{}, products{};  // Σ e of the others; their number; Σ t; Σ t s

    // Add a column and return e.
    CHAINRULE_INLINE V add(V s, V t) {
        const V one = broadcast<element_t<V>>(1), e = exp(s);
        const auto top = s == V{};
        rest += select(top, V{}, e);
        largest += select(top, one, V{});
        targets += t;
        products += select(t == V{}, V{}, t * s);  // s may be −∞ where t is 0
        return e;
    }
};

// --- lanes are outputs

template <class T, class R>
T elementwise_row(R row, const T* parameters, const T* a, const T* y, int o, T scale, T* da) {
    using V = typename Vec<T>::type;
    V total[pieces]{};
    for_vectors<T>(o, [&](int c, int k, int p) {
        const auto [value, slope] = share<T>(row, load_first(a + c, k), load_first(y + c, k),
                                             load(parameters + c), T(o));
        total[p] += select(first_lanes<T>(k), value, V{});
        store_first(da + c, slope * scale, k);
    });
    return sum(total);
}

template <class T>
T softmax_row(T smoothing, const T* a, const T* y, std::int64_t label, int o, T scale, T* da) {
    using V = typename Vec<T>::type;
    const Smoothing<T> smooth(smoothing, o);
    const auto target = [&](int c, int k) {
        const V t = y ? multiply_add(load_first(y + c, k), smooth.keep, smooth.share)
                      : broadcast<T>(smooth.off);
        return select(first_lanes<T>(k), t, V{});
    };
    V highest = broadcast<T>(-T(INFINITY));
    for_vectors<T>(o, [&](int c, int k, int) { highest = maximum(read_logits(a + c, k), highest); });
    const T top = largest(highest);
    const T labelled = y ? T{0} : a[label] - top;  // read now: da may be a
    SoftmaxSums<V> sums[pieces];
    for_vectors<T>(o, [&](int c, int k, int p) {
        store_first(da + c, sums[p].add(read_logits(a + c, k) - top, target(c, k)), k);
    });
    const auto all = [&](V SoftmaxSums<V>::*part) {
        V parts[pieces];
        for (int p = 0; p < pieces; ++p) parts[p] = sums[p].*part;
        return sum(parts);
    };
    const T rest = all(&SoftmaxSums<V>::rest), count = all(&SoftmaxSums<V>::largest);
    const T targets = all(&SoftmaxSums<V>::targets), products = all(&SoftmaxSums<V>::products);
    const T inverse = 1 / (rest + count), logarithm = log1p(broadcast<T>(rest + (count - 1)))[0];
    const T e = y ? T{0} : da[label];
    for_vectors<T>(o, [&](int c, int k, int) {
        const V e = load_first(da + c, k);
        store_first(da + c, multiply_add(e, inverse, -target(c, k)) * scale, k);
    });
    if (y) return multiply_add(targets, logarithm, -products);
    da[label] = multiply_add(e, inverse, -smooth.on) * scale;
    return multiply_add(targets + smooth.keep, logarithm,
                        -multiply_add(smooth.keep, labelled, products));
}

// --- lanes are examples

inline constexpr int narrow = 32;  // the most outputs for which they are

// Put da in the place of a, and return the losses; target(c) is a column of smoothed targets.
template <class V, class F>
CHAINRULE_INLINE V softmax_columns(V* a, int o, V scale, F&& target) {
    using T = element_t<V>;
    V top = a[0];
    for (int c = 1; c < o; ++c) top = maximum(a[c], top);
    SoftmaxSums<V> sums;
    for (int c = 0; c < o; ++c) a[c] = sums.add(a[c] - top, target(c));
    const V logarithm = log1p(sums.rest + (sums.largest - T{1}));
    const V inverse = T{1} / (sums.rest + sums.largest);
    for (int c = 0; c < o; ++c) a[c] = multiply_add(a[c], inverse, -target(c)) * scale;
    return multiply_add(sums.targets, logarithm, -sums.products);
}

// Put da in the place of a, and return the losses; labels are in the place of y, or null.
template <class T, class R>
CHAINRULE_INLINE typename Vec<T>::type compare_columns([[maybe_unused]] R row, const T* parameters, int o,
                                                       typename Vec<T>::type* a,
                                                       const typename Vec<T>::type* y,
                                                       const typename Vec<T>::Int* labels,
                                                       typename Vec<T>::type scales) {
    using V = typename Vec<T>::type;
    if constexpr (has_softmax<R>) {
        const Smoothing<T> smooth(parameters[0], o);
        if (!labels)
            return softmax_columns(a, o, scales,
                                   [&](int c) { return multiply_add(y[c], smooth.keep, smooth.share); });
        const V on = broadcast<T>(smooth.on), off = broadcast<T>(smooth.off);
        return softmax_columns(a, o, scales, [&](int c) { return select<V>(*labels == c, on, off); });
    } else if constexpr (std::is_same_v<R, Loss>) {
        return with_loss(row, [&]<Loss L>() {
            if constexpr (L == Loss::cross_entropy) return V{};
            else return compare_columns<T>(Row<L>{}, parameters, o, a, y, labels, scales);
        });
    } else {
        V values{};
        for (int c = 0; c < o; ++c) {
            const auto [loss, slope] = share<T>(row, a[c], y[c], broadcast<T>(parameters[c]), T(o));
            values += loss;
            a[c] = slope * scales;
        }
        return values;
    }
}

// Labels of at most `width` rows; lanes without a row hold the last.
template <class T, class F>
CHAINRULE_INLINE typename Vec<T>::Int read_labels(int rows, F&& label) {
    using Lane = typename Vec<T>::Lane;
    typename Vec<T>::Int labels{};
    if (rows == 1) return labels + static_cast<Lane>(label(0));
    alignas(vector_bytes) Lane each[Vec<T>::width];
    for (int r = 0; r < Vec<T>::width; ++r) each[r] = static_cast<Lane>(label(std::min(r, rows - 1)));
    std::memcpy(&labels, each, sizeof labels);
    return labels;
}

// Rows r0 to r1, `width` of them at a time. False where a loss is not finite.
template <class T, class R>
bool narrow_rows(R row, const T* parameters, int o, int end, const T* a, std::int64_t lda,
                 const Targets<T>& targets, T scale, T* da, std::int64_t ldd, T* value, bool adds,
                 std::int64_t r0, std::int64_t r1) {
    using V = typename Vec<T>::type;
    if (o < 1) __builtin_unreachable();  // as the compiler cannot know
    V columns[narrow], y[narrow], poison{};
    for (; r0 < r1; r0 += Vec<T>::width) {
        const int rows = static_cast<int>(std::min<std::int64_t>(Vec<T>::width, r1 - r0));
        V scales = broadcast<T>(scale);
        read_columns<T>(rows, o, [&](int r) { return a + (r0 + r) * lda; }, columns);
        if (targets.weights)
            for (int r = 0; r < rows; ++r)
                scales[r] = scale * targets.weights[targets.example(r0 + r)];
        typename Vec<T>::Int labels{};
        if (targets.labels)
            labels = read_labels<T>(rows, [&](int r) { return targets.labels[targets.example(r0 + r)]; });
        else
            read_columns<T>(
                rows, o, [&](int r) { return targets.y + targets.example(r0 + r) * targets.ld; }, y);
        V values = compare_columns<T>(row, parameters, o, columns, y, targets.labels ? &labels : nullptr,
                                      scales);
        if (adds) values += load_first(value + r0, rows);
        if (rows == 1) value[r0] = values[0];  // a masked store is not read before it is in the cache
        else store_first(value + r0, values, rows);
        poison = multiply_add(values, T{0}, poison);
        write_columns(rows, o, end, columns, da + r0 * ldd, ldd);
    }
    return is_zero(poison);
}

}  // namespace rows

// One example: return its loss, the sum over the outputs, and write da. A label (with y null) is
// for cross_entropy, whose parameter is the smoothing; huber's is δ, quantile's q.
template <class T>
T loss_row(Loss loss, const T* parameters, const T* a, const T* y, std::int64_t label, int o,
           T scale, T* da) {
    return with_row(loss, [&](auto row) -> T {
        if constexpr (has_softmax<decltype(row)>)
            return rows::softmax_row(parameters[0], a, y, label, o, scale, da);
        else
            return rows::elementwise_row(row, parameters, a, y, o, scale, da);
    });
}

// Batch rows r0 to r1: row r reads a + r·lda and writes da + r·ldd, its scale being `scale` times its
// weight, and puts its loss, unweighted, in value[r] or adds it. There is room for columns to `end`.
// False where a loss is not finite.
template <class T>
CHAINRULE_INLINE bool loss_rows(Loss loss, const T* parameters, int o, int end, const T* a, std::int64_t lda,
               const Targets<T>& targets, T scale, T* da, std::int64_t ldd, T* value, bool adds,
               std::int64_t r0, std::int64_t r1) {
    if (o <= rows::narrow)
        return with_row(loss, [&](auto row) {
            return rows::narrow_rows(row, parameters, o, end, a, lda, targets, scale, da, ldd, value, adds,
                                           r0, r1);
        });
    T poison{};
    for (std::int64_t r = r0; r < r1; ++r) {
        const std::int64_t k = targets.example(r);
        const bool labelled = targets.labels != nullptr;
        const T* y = labelled ? nullptr : targets.y + k * targets.ld;
        const std::int64_t label = labelled ? targets.labels[k] : -1;
        const T share = targets.weights ? scale * targets.weights[k] : scale;
        const T one = loss_row(loss, parameters, a + r * lda, y, label, o, share, da + r * ldd);
        value[r] = adds ? value[r] + one : one;
        poison += value[r] * T{0};
    }
    return poison == 0;
}

}  // namespace chainrule
