// An activation by itself, where no affine makes what it reads: y = f(x).
//
//   dx = dy ⊙ f′(x)     of a softmax, over the rows: y ⊙ (dy − Σ y dy)
//   (y⁺ − y) / (x⁺ − x)   the slope of the chord to the next row; where x hardly changes, the mean of f′
//
// `kept` of y is the slope, where it cannot be had from y.
#pragma once

#include "operation.hpp"
#include "products.hpp"
#include "softmax.hpp"

namespace chainrule {

template <class T>
struct Activate : Operation<T> {
    using Operation<T>::x, Operation<T>::y, Operation<T>::way, Operation<T>::for_copies;

    Activation activation;
    T parameter;

    Activate(const OperationSpec& spec, std::vector<ValueSpec>& values, std::vector<TensorSpec>&)
        : Operation<T>(spec), activation(spec.activation), parameter(T(spec.parameter)) {
        if (activation != Activation::softmax && !slope_from_output(activation))
            values[y].kept = leading<T>(padded<T>(values[y].width));
    }

    void forward(Room<T>& room, const Rows& rows) const {
        Value<T>& to = room.values[y];
        for_copies(rows, [&](int r0, int r1) {
            for (int r = r0; r < r1; ++r)
                std::copy_n(room.values[x].rows[r], to.spec.width, to.row(r));
            activate_tile(activation, parameter, to.a, to.kept.get(), to.ld, r0, r1 - r0, 0,
                          to.columns / Vec<T>::width);
            for (int r = r0; activation == Activation::softmax && r < r1; ++r)
                rows::softmax(to.row(r), to.spec.width, to.row(r));
        });
    }

    // dy becomes delta on the way.
    void backward(Room<T>& room, const Rows& rows) const {
        if (!way.wanted) return;
        Value<T>&from = room.values[x], &to = room.values[y];
        for_copies(rows, [&](int r0, int r1) {
            slope_tile(activation, parameter, to.a, to.kept.get(), to.d.get(), to.ld, r0, r1 - r0,
                       0, to.columns / Vec<T>::width);
            for (int r = r0; r < r1; ++r) {
                if (activation == Activation::softmax)
                    rows::softmax_delta(to.row(r), to.row(r), to.spec.width, to.d_row(r));
                pass_row(to.d_row(r), to.columns, from.d_row(r), way);
            }
        });
    }

    // There must be room for the slopes.
    bool chords(Room<T>& room, const Rows& rows) const {
        if (activation == Activation::softmax) return false;
        Value<T>&from = room.values[x], &to = room.values[y];
        for_copies(rows, [&](int r0, int r1) {
            for (int r = r0; r + 1 < r1; ++r)
                for_vectors<T>(to.spec.width, [&](int c, int k, int) {
                    chord(from.rows[r] + c, from.rows[r + 1] + c, to.row(r) + c, to.row(r + 1) + c,
                          to.kept_row(r) + c, to.kept_row(r + 1) + c, k);
                });
        });
        return true;
    }

private:
    static void chord(const T* x, const T* next_x, const T* y, const T* next_y, T* slope,
                      const T* next_slope, int k) {
        constexpr T half_of_digits = T(sizeof(T) == 4 ? 0x1p-12 : 0x1p-26);
        const auto z = load_first(x, k), dz = load_first(next_x, k) - z;
        const auto dy = load_first(next_y, k) - load_first(y, k);
        const auto f = load_first(slope, k), next_f = load_first(next_slope, k);
        const auto takes = (abs(dz) > (abs(z) + T{1}) * half_of_digits) |
                           (abs(next_f - f) > broadcast<T>(T(1) / 64));  // there is a kink between
        const auto chord = dy / select(takes, dz, broadcast<T>(1));
        store_first(slope, select(takes, chord, (f + next_f) * T(0.5)), k);
    }
};

}  // namespace chainrule
