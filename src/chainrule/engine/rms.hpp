// Each example divided by the root of its mean square: y = x / √(q + ε) with q = mean(x²).
//
//   dx = (dy − y mean(dy y)) / √(q + ε)
//
// `kept` of a row of y is 1/√(q + ε).
#pragma once

#include <cmath>

#include "operation.hpp"

namespace chainrule {

template <class T>
struct Rms : Operation<T> {
    using Operation<T>::x, Operation<T>::y, Operation<T>::way, Operation<T>::for_rows;
    using V = typename Vec<T>::type;

    T epsilon;

    Rms(const OperationSpec& spec, std::vector<ValueSpec>& values, std::vector<TensorSpec>&)
        : Operation<T>(spec), epsilon(T(spec.epsilon)) {
        values[y].kept = 1;
    }

    void forward(Room<T>& room, const Rows& rows) const {
        Value<T>& to = room.values[y];
        const int i = to.spec.width;
        for_rows(rows, [&](int r) {
            const T* from = room.values[x].rows[r];
            const T square = sum_of_row<T>(i, [&](int c, int k) {
                const V v = load_first(from + c, k);
                return v * v;
            });
            const T inverse = T{1} / std::sqrt(square / T(i) + epsilon);
            for_vectors<T>(i, [&](int c, int k, int) {
                store(to.row(r) + c, load_first(from + c, k) * inverse);
            });
            if (to.kept) to.kept_row(r)[0] = inverse;
        });
    }

    void backward(Room<T>& room, const Rows& rows) const {
        if (!way.wanted) return;
        Value<T>&from = room.values[x], &to = room.values[y];
        const int i = to.spec.width;
        for_rows(rows, [&](int r) {
            const T *dy = to.d_row(r), *scaled = to.row(r);
            const T along = sum_of_row<T>(i, [&](int c, int k) {
                return load_first(dy + c, k) * load_first(scaled + c, k);
            }) / T(i);
            for_vectors<T>(i, [&](int c, int k, int) {
                const V others = load_first(scaled + c, k) * along;
                put_first(from.d_row(r) + c, (load_first(dy + c, k) - others) * to.kept_row(r)[0], k,
                          way.adds);
            });
        });
    }
};

}  // namespace chainrule
