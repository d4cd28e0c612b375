// What the two normalisations share: the gains γ and shifts β of y = γ x̂ + β.
//
//   dγ = Σ_r dy x̂,   dβ = Σ_r dy     by columns, over the rows in their order
#pragma once

#include "operation.hpp"

namespace chainrule {

struct Gains {
    int gamma, beta;

    template <class V>
    struct Sums {
        V plain, along;  // Σ dy and Σ dy x̂
    };

    // Of the columns from c on, over n rows; scaled(r) is x̂ of a row.
    template <class T, class Scaled>
    static Sums<typename Vec<T>::type> sums_of(const T* const* dy, int n, int c, Scaled&& scaled) {
        const auto row = [&](int r) { return load(dy[r] + c); };
        return {sum_of_rows<T>(n, row),
                sum_of_rows<T>(n, [&](int r) { return row(r) * scaled(r); })};
    }

    template <class T>
    void put_gradient(Room<T>& room, int c, Sums<typename Vec<T>::type> sums, bool adds) const {
        put(room.gradient(gamma) + c, sums.along, adds);
        put(room.gradient(beta) + c, sums.plain, adds);
    }

    // sum + |(dγ, dβ)|² of what example r has in it; scaled(row, c, k) is x̂ of k columns from c on.
    template <class T, class Op, class Scaled>
    static double add_squared_norm(const Room<T>& room, const Op& op, int n, int r, double sum,
                                   Scaled&& scaled) {
        const Value<T>& to = room.values[op.y];
        Squares<T> squares;
        for_vectors<T>(to.spec.width, [&](int c, int k, int p) {
            typename Vec<T>::type along{}, plain{};
            for (int row = op.first * n + r; row < (op.first + op.copies) * n; row += n) {
                const auto dy = load_first(to.d_row(row) + c, k);
                plain += dy;
                along += dy * scaled(row, c, k);
            }
            squares.add(along, p);
            squares.add(plain, p);
        });
        return sum + squares.sum();
    }
};

}  // namespace chainrule
