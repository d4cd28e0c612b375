// The optimizers: how a gradient becomes a step, one struct each, as in optimizers.py.
//
//   g        V    gradient of C by `width` parameters
//   w        T*   those parameters, updated in place
//   s1, s2   T*   their state, as the core holds it: a run can go on in either
//   t             the number of the step, from 1
//   N             a number of a formula: T, or V where each lane has its own
//
//   rule                 s1                  s2         states
//   sgd                                                 0
//   momentum             v                              1
//   adagrad, rmsprop     s                              1
//   adam, nadam          m                   v          2     (AdamW is adam with weight decay)
//   lion                 m                              1
//   rprop                previous gradient   size       2
//
// What depends on the hyper-parameters and t alone is worked out once a step, in double, by
// `Update`, which then holds the coefficients of its formula. States start at 0 except Rprop's
// size, which starts at the first learning rate.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "powers.hpp"
#include "quotients.hpp"
#include "simd.hpp"

namespace chainrule {

enum class Rule { sgd, momentum, adagrad, rmsprop, adam, nadam, lion, rprop };

// The fields of the core's optimizers, and the network's penalty. A rule reads those it has.
struct HyperParameters {
    double learning_rate = 0;  // of this step: a schedule is resolved by the caller
    double momentum = 0;
    bool nesterov = false;
    double dampening = 0;
    double epsilon = 0;
    double rho = 0;
    double beta1 = 0;
    double beta2 = 0;
    double weight_decay = 0;
    double shrink = 0;
    double grow = 0;
    double smallest = 0;
    double largest = 0;
    double l1 = 0;
    double l2 = 0;

    bool operator==(const HyperParameters&) const = default;
};

// The rule of a name of OPTIMIZERS.
inline std::optional<Rule> find_rule(std::string_view name, double momentum) {
    if (name == "sgd") return momentum != 0 ? Rule::momentum : Rule::sgd;
    if (name == "adagrad") return Rule::adagrad;
    if (name == "rmsprop") return Rule::rmsprop;
    if (name == "adam" || name == "adamw") return Rule::adam;
    if (name == "nadam") return Rule::nadam;
    if (name == "lion") return Rule::lion;
    if (name == "rprop") return Rule::rprop;
    return std::nullopt;
}

// What is left of the starting point in Adam's and NAdam's means at step t.
struct Left {
    double first, next, second;  // β₁ᵗ, β₁ᵗ⁺¹, β₂ᵗ
};

class Moments {
public:
    Moments(Rule rule, const HyperParameters& h) : any_(rule == Rule::adam || rule == Rule::nadam) {
        if (!any_) return;
        first_ = Powers(h.beta1);
        second_ = Powers(h.beta2);
    }

    Left at(std::int64_t t) const {
        if (small_code && !any_) return {};  // where what is not used is worked out all the same
        return {first_(t), first_(t + 1), second_(t)};
    }

private:
    bool any_;
    Powers first_, second_;
};

// What weights have and biases have not: the penalty's gradient joins g, and the decay the step.
template <class T, class N = T>
struct Shrinkage {
    using V = typename Vec<T>::type;
    N l1, l2;
    N decay;  // ηλ

    Shrinkage() = default;
    explicit Shrinkage(const HyperParameters& h)
        : l1(T(h.l1)), l2(T(h.l2)), decay(T(h.learning_rate * h.weight_decay)) {}

    // Whether there is any: if not, weights can be updated as biases are.
    bool any() const { return l1 != 0 || l2 != 0 || decay != 0; }

    CHAINRULE_INLINE V penalised(V g, V w) const { return g + multiply_add(w, l2, sign(w) * l1); }
};

// Each rule's `step` returns dw, or its `ratio` what is divided to be it, and brings the state up to
// date. The arithmetic is the core's, the products of hyper-parameters drawn together as there.
// N is what a coefficient is: a number for all lanes, or a vector with one for each.
namespace rules {

template <Rule R, class T, class N = T>
struct Stepper;

// A dw that is still to be divided.
template <class T>
struct Ratio {
    typename Vec<T>::type above, below;
};

template <class T, class N>
struct Stepper<Rule::sgd, T, N> {
    using V = typename Vec<T>::type;
    static constexpr int states = 0;
    N rate;

    Stepper() = default;
    Stepper(const HyperParameters& h, const Left&) : rate(T(h.learning_rate)) {}

    CHAINRULE_INLINE V step(V g, T*, T*) const { return g * rate; }
};

// v ← μ v + c g, dw = a v + b c g: (a, b, c) = (1, 0, η), or (μ, 1, η) with Nesterov, or with
// dampening (η, 0, 1 − dampening).
template <class T, class N>
struct Stepper<Rule::momentum, T, N> {
    using V = typename Vec<T>::type;
    static constexpr int states = 1;
    N share, momentum, ahead, fresh;

    Stepper() = default;
    Stepper(const HyperParameters& h, const Left&)
        : share(T(h.dampening != 0 ? 1 - h.dampening : h.learning_rate)), momentum(T(h.momentum)),
          ahead(T(h.nesterov ? h.momentum : h.dampening != 0 ? h.learning_rate : 1)),
          fresh(T(h.nesterov ? 1 : 0)) {}

    CHAINRULE_INLINE V step(V g, T* s1, T*) const {
        const V push = g * share;
        const V v = multiply_add(load(s1), momentum, push);
        store(s1, v);
        return multiply_add(v, ahead, push * fresh);
    }
};

// s ← keep s + share g², dw = η g / (√s + ε): RMSprop, and with keep = share = 1 Adagrad.
template <class T, class N>
struct SquaresStepper {
    using V = typename Vec<T>::type;
    static constexpr int states = 1;
    N rate, epsilon, keep, share;

    SquaresStepper() = default;
    SquaresStepper(const HyperParameters& h, double kept, double fresh)
        : rate(T(h.learning_rate)), epsilon(T(h.epsilon)), keep(T(kept)), share(T(fresh)) {}

    CHAINRULE_INLINE Ratio<T> ratio(V g, T* s1, T*) const {
        const V s = multiply_add(load(s1), keep, g * g * share);
        store(s1, s);
        return {g * rate, sqrt(s) + epsilon};
    }
};

template <class T, class N>
struct Stepper<Rule::adagrad, T, N> : SquaresStepper<T, N> {
    Stepper() = default;
    Stepper(const HyperParameters& h, const Left&) : SquaresStepper<T, N>(h, 1, 1) {}
};

template <class T, class N>
struct Stepper<Rule::rmsprop, T, N> : SquaresStepper<T, N> {
    Stepper() = default;
    Stepper(const HyperParameters& h, const Left&) : SquaresStepper<T, N>(h, h.rho, 1 - h.rho) {}
};

// dw = (of_mean m + of_gradient g) / (√v + ε c) with c² = 1 − β₂ᵗ, and ηc within the coefficients.
// Adam has of_mean = ηc / (1 − β₁ᵗ) and of_gradient = 0; NAdam looks ahead.
template <class T, class N>
struct MeansStepper {
    using V = typename Vec<T>::type;
    static constexpr int states = 2;
    N beta1, rest1, beta2, rest2, epsilon;

    MeansStepper() = default;
    MeansStepper(const HyperParameters& h, double c)
        : beta1(T(h.beta1)), rest1(T(1 - h.beta1)), beta2(T(h.beta2)), rest2(T(1 - h.beta2)),
          epsilon(T(h.epsilon * c)) {}

    static double correction(const Left& left) { return std::sqrt(1 - left.second); }

    struct Means {
        V m;
        V root;  // √v + ε c
    };

    CHAINRULE_INLINE Means means(V g, T* s1, T* s2) const {
        const V m = multiply_add(load(s1), beta1, g * rest1);
        const V v = multiply_add(load(s2), beta2, g * g * rest2);
        store(s1, m);
        store(s2, v);
        return {m, sqrt(v) + epsilon};
    }
};

template <class T, class N>
struct Stepper<Rule::adam, T, N> : MeansStepper<T, N> {
    using V = typename Vec<T>::type;
    N rate;

    Stepper() = default;
    Stepper(const HyperParameters& h, const Left& left)
        : MeansStepper<T, N>(h, this->correction(left)),
          rate(T(h.learning_rate * this->correction(left) / (1 - left.first))) {}

    CHAINRULE_INLINE Ratio<T> ratio(V g, T* s1, T* s2) const {
        const auto [m, root] = this->means(g, s1, s2);
        return {m * rate, root};
    }
};

template <class T, class N>
struct Stepper<Rule::nadam, T, N> : MeansStepper<T, N> {
    using V = typename Vec<T>::type;
    N rate, of_mean, of_gradient;

    Stepper() = default;
    Stepper(const HyperParameters& h, const Left& left)
        : MeansStepper<T, N>(h, this->correction(left)),
          rate(T(h.learning_rate * this->correction(left))),
          of_mean(T(h.beta1 / (1 - left.next))), of_gradient(T((1 - h.beta1) / (1 - left.first))) {}

    CHAINRULE_INLINE Ratio<T> ratio(V g, T* s1, T* s2) const {
        const auto [m, root] = this->means(g, s1, s2);
        return {multiply_add(m, of_mean, g * of_gradient) * rate, root};
    }
};

template <class T, class N>
struct Stepper<Rule::lion, T, N> {
    using V = typename Vec<T>::type;
    static constexpr int states = 1;
    N rate, beta1, rest1, beta2, rest2;

    Stepper() = default;
    Stepper(const HyperParameters& h, const Left&)
        : rate(T(h.learning_rate)), beta1(T(h.beta1)), rest1(T(1 - h.beta1)), beta2(T(h.beta2)),
          rest2(T(1 - h.beta2)) {}

    CHAINRULE_INLINE V step(V g, T* s1, T*) const {
        const V m = load(s1);
        store(s1, multiply_add(m, beta2, g * rest2));
        return sign(multiply_add(m, beta1, g * rest1)) * rate;
    }
};

template <class T, class N>
struct Stepper<Rule::rprop, T, N> {
    using V = typename Vec<T>::type;
    static constexpr int states = 2;
    N shrink, grow, smallest, largest;

    Stepper() = default;
    Stepper(const HyperParameters& h, const Left&)
        : shrink(T(h.shrink)), grow(T(h.grow)), smallest(T(h.smallest)), largest(T(h.largest)) {}

    CHAINRULE_INLINE V step(V g, T* s1, T* s2) const {
        const V agreement = sign(g) * sign(load(s1));  // of signs: g·g before might underflow
        const V size = load(s2);
        const V grown = minimum(size * grow, spread<V>(largest));
        const V shrunk = maximum(size * shrink, spread<V>(smallest));
        const V next = select(agreement > V{}, grown, select(agreement < V{}, shrunk, size));
        const V kept = select(agreement < V{}, V{}, g);
        store(s1, kept);
        store(s2, next);
        return next * sign(kept);
    }
};

}  // namespace rules

// One step of a rule, with the coefficients of step t.
template <Rule R, class T, class N = T>
struct Update : rules::Stepper<R, T, N> {
    using V = typename Vec<T>::type;
    using Stepper = rules::Stepper<R, T, N>;
    static constexpr int width = Vec<T>::width;
    // How many vectors are updated side by side where the divider is spared.
    static constexpr int together =
        requires(const Stepper& rule, V g, T* s) { rule.ratio(g, s, s); } ? side_by_side<T> : 1;

    Shrinkage<T, N> shrinkage;
    bool spares = false;  // whether several go side by side

    Update() = default;
    Update(const HyperParameters& h, const Left& left) : Stepper(h, left), shrinkage(h) {
        if constexpr (together > 1) spares = spares_divider && this->epsilon >= T(least_divisor);
    }

    // Update some vectors of parameters by their gradients, which are lost; `Shrinks` for weights
    // where shrinkage.any(). State arrays that the rule does not have are not touched and may be null.
    template <bool Shrinks, int count>
    CHAINRULE_INLINE void update(V (&g)[count], T* w, T* s1, T* s2) const {
        V before[count];
#pragma GCC unroll 4
        for (int u = 0; u < count; ++u) {
            before[u] = load(w + u * width);
            if constexpr (Shrinks) g[u] = shrinkage.penalised(g[u], before[u]);
        }
        make_steps(g, s1, s2);
#pragma GCC unroll 4
        for (int u = 0; u < count; ++u) {
            if constexpr (Shrinks) g[u] = multiply_add(before[u], shrinkage.decay, g[u]);
            store(w + u * width, before[u] - g[u]);
        }
    }
    template <bool Shrinks>
    CHAINRULE_INLINE void update(V g, T* w, T* s1, T* s2) const {
        V one[1]{g};
        update<Shrinks>(one, w, s1, s2);
    }

private:
    // Each g becomes dw.
    template <int count>
    CHAINRULE_INLINE void make_steps(V (&g)[count], T* s1, T* s2) const {
        if constexpr (requires { this->ratio(g[0], s1, s2); }) {
            V below[count];
#pragma GCC unroll 4
            for (int u = 0; u < count; ++u) {
                const auto ratio = this->ratio(g[u], s1 + u * width, s2 ? s2 + u * width : s2);
                g[u] = ratio.above;
                below[u] = ratio.below;
            }
            divide(g, below);
        } else {
            static_assert(count == 1);
            g[0] = this->step(g[0], s1, s2);
        }
    }
};

// The update of a rule that is known when the code runs: what takes it is compiled once for all rules.
template <class T>
struct AnyUpdate {
    std::variant<Update<Rule::sgd, T>, Update<Rule::momentum, T>, Update<Rule::adagrad, T>,
                 Update<Rule::rmsprop, T>, Update<Rule::adam, T>, Update<Rule::nadam, T>,
                 Update<Rule::lion, T>, Update<Rule::rprop, T>>
        rule;

    const Shrinkage<T>& shrinkage() const {
        return std::visit([](const auto& one) -> const Shrinkage<T>& { return one.shrinkage; }, rule);
    }
};

// How many state arrays the rule has.
template <Rule R>
inline constexpr int state_count = rules::Stepper<R, float>::states;

// Call f.template operator()<R>() with the rule as a constant.
template <class F>
decltype(auto) with_rule(Rule rule, F&& f) {
    switch (rule) {
        case Rule::sgd: return f.template operator()<Rule::sgd>();
        case Rule::momentum: return f.template operator()<Rule::momentum>();
        case Rule::adagrad: return f.template operator()<Rule::adagrad>();
        case Rule::rmsprop: return f.template operator()<Rule::rmsprop>();
        case Rule::adam: return f.template operator()<Rule::adam>();
        case Rule::nadam: return f.template operator()<Rule::nadam>();
        case Rule::lion: return f.template operator()<Rule::lion>();
        case Rule::rprop: return f.template operator()<Rule::rprop>();
    }
    __builtin_unreachable();
}

}  // namespace chainrule
