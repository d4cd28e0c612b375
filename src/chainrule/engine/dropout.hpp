// Dropout by itself: of what enters the network, or of what no affine makes. y = x ⊙ mask.
#pragma once

#include "operation.hpp"

namespace chainrule {

template <class T>
struct DropoutAlone : Operation<T> {
    using Operation<T>::x, Operation<T>::y, Operation<T>::way, Operation<T>::for_copies;

    Dropout dropout;

    DropoutAlone(const OperationSpec& spec, std::vector<ValueSpec>&, std::vector<TensorSpec>&)
        : Operation<T>(spec), dropout(spec.dropouts[0]) {}

    bool chords(Room<T>&, const Rows&) const { return true; }  // it is linear

    void forward(Room<T>& room, const Rows& rows) const {
        Value<T>& to = room.values[y];
        for_copies(rows, [&](int r0, int r1) {
            for (int r = r0; r < r1; ++r)
                std::copy_n(room.values[x].rows[r], to.spec.width, to.row(r));
            silence_rows(rows, r0, r1, to.spec.width, [&](int r) { return to.row(r); });
        });
    }

    void backward(Room<T>& room, const Rows& rows) const {
        if (!way.wanted) return;
        Value<T>&to = room.values[y], &from = room.values[x];
        for_copies(rows, [&](int r0, int r1) {
            silence_rows(rows, r0, r1, to.spec.width, [&](int r) { return to.d_row(r); });
            for (int r = r0; r < r1; ++r)
                for (int c = 0; c < to.columns; c += Vec<T>::width)
                    put(from.d_row(r) + c, load(to.d_row(r) + c), way.adds);
        });
    }

private:
    template <class Row>
    void silence_rows(const Rows& rows, int r0, int r1, int width, Row&& row) const {
        if (rows.trains())
            silence<T>(dropout, rows.step, rows.place(r0), r0, r1, width, 1,
                       [&](int, int r) { return row(r); });
    }
};

}  // namespace chainrule
