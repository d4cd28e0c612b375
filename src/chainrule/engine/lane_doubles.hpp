// A double for each lane of a vector of floats or doubles.
#pragma once

#include "sums.hpp"

namespace chainrule {

template <class T>
class LaneDoubles {
    using V = typename Vec<T>::type;
    using Double = Vec<double>::type;
    static constexpr int parts = sizeof(double) / sizeof(T);  // of a vector of T, widened
    Double v_[parts]{};

public:
    LaneDoubles() = default;
    CHAINRULE_INLINE explicit LaneDoubles(V v) {
        if constexpr (parts == 1) {
            v_[0] = v;
        } else {
            constexpr auto lanes = std::make_integer_sequence<int, Vec<double>::width>{};
            v_[0] = widened<0>(v, lanes);
            v_[1] = widened<Vec<double>::width>(v, lanes);
        }
    }

    CHAINRULE_INLINE double operator[](int lane) const {
        return v_[lane / Vec<double>::width][lane % Vec<double>::width];
    }
    CHAINRULE_INLINE void set(int lane, double x) {
        v_[lane / Vec<double>::width][lane % Vec<double>::width] = x;
    }

    // f(part of each) for each part, which takes the place of this one's.
    template <class F, class... More>
    CHAINRULE_INLINE void each(F&& f, const More&... more) {
        for (int p = 0; p < parts; ++p) v_[p] = f(v_[p], more.v_[p]...);
    }
};

}  // namespace chainrule
