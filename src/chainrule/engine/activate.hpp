// An activation by itself, where no affine makes what it reads: y = f(x).
//
//   dx = dy ⊙ f′(x)     of a softmax, over the rows: y ⊙ (dy − Σ y dy)
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
};

}  // namespace chainrule
