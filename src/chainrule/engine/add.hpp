// The sum of two values, y = x₁ + x₂, to both of which dy goes back.
#pragma once

#include "operation.hpp"

namespace chainrule {

template <class T>
struct Add : Operation<T> {
    using Operation<T>::x, Operation<T>::y, Operation<T>::way, Operation<T>::for_rows;

    int second;
    Way second_way;

    Add(const OperationSpec& spec, std::vector<ValueSpec>&, std::vector<TensorSpec>&)
        : Operation<T>(spec), second(spec.inputs[1]), second_way(spec.ways[1]) {}

    bool reads(int value) const { return x == value || second == value; }

    bool chords(Room<T>&, const Rows&) const { return true; }  // it is linear

    void forward(Room<T>& room, const Rows& rows) const {
        Value<T>& to = room.values[y];
        for_rows(rows, [&](int r) {
            const T *a = room.values[x].rows[r], *b = room.values[second].rows[r];
            for_vectors<T>(to.spec.width, [&](int c, int k, int) {
                store(to.row(r) + c, load_first(a + c, k) + load_first(b + c, k));
            });
        });
    }

    void backward(Room<T>& room, const Rows& rows) const {
        const Value<T>& to = room.values[y];
        for_rows(rows, [&](int r) {
            if (way.wanted) pass_row(to.d_row(r), to.columns, room.values[x].d_row(r), way);
            if (second_way.wanted)
                pass_row(to.d_row(r), to.columns, room.values[second].d_row(r), second_way);
        });
    }
};

}  // namespace chainrule
