// The optimizers of networks side by side, each with coefficients of its own.
#pragma once

#include <algorithm>
#include <array>
#include <bit>

#include "update.hpp"

namespace chainrule {

// Coefficients, each a number, of networks side by side: each becomes a vector.
template <class T, class One, class All>
struct LaneCoefficients {
    static constexpr int numbers = sizeof(One) / sizeof(T), w = Vec<T>::width;
    static_assert(sizeof(All) == numbers * sizeof(typename Vec<T>::type));

    std::array<std::array<T, w>, numbers> lanes{};

    // Those of lane k and some that follow.
    void set(int k, int count, const One& one) {
        const auto own = std::bit_cast<std::array<T, numbers>>(one);
        for (int i = 0; i < numbers; ++i) std::fill_n(lanes[i].data() + k, count, own[i]);
    }
    All all() const { return std::bit_cast<All>(lanes); }
};

// An optimizer with coefficients of its own in each lane.
template <Rule R, class T>
struct LaneUpdate {
    using V = typename Vec<T>::type;

    LaneCoefficients<T, rules::Stepper<R, T>, rules::Stepper<R, T, V>> rule;
    LaneCoefficients<T, Shrinkage<T>, Shrinkage<T, V>> shrinkage;
    bool shrinks = false;

    void set(int k, int count, const Update<R, T>& one) {
        rule.set(k, count, one);
        shrinkage.set(k, count, one.shrinkage);
        shrinks = shrinks || one.shrinkage.any();
    }
    Update<R, T, V> all() const {
        Update<R, T, V> made;
        static_cast<rules::Stepper<R, T, V>&>(made) = rule.all();
        made.shrinkage = shrinkage.all();
        return made;
    }
};

}  // namespace chainrule
