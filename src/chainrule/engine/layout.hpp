// What embeddings share: each embedded input becomes a block of numbers, and the
// others pass through, in the order of the inputs.
#pragma once

#include "operation.hpp"

namespace chainrule {

// An input, where its block begins in y, and the how many-th that is embedded it is; −1 for none.
struct Place {
    int input, output, feature;
};

// `features` are the inputs that are embedded, in order.
inline std::vector<Place> places_of(const std::vector<int>& features, int inputs, int size) {
    std::vector<Place> places;
    for (int k = 0, output = 0, feature = 0; k < inputs; ++k) {
        const bool embedded = feature < static_cast<int>(features.size()) && features[feature] == k;
        places.push_back({k, output, embedded ? feature++ : -1});
        output += embedded ? size : 1;
    }
    return places;
}

template <class T>
struct LaidOut : Operation<T> {
    using Operation<T>::x, Operation<T>::y, Operation<T>::way;

    int features;
    std::vector<Place> places;

    LaidOut(const OperationSpec& spec, int inputs, int size)
        : Operation<T>(spec), features(static_cast<int>(spec.features.size())),
          places(places_of(spec.features, inputs, size)) {}

    // Rows r0 to r1 of the inputs that pass through, and of their dx.
    void pass(Room<T>& room, int r0, int r1) const {
        for_passed(r0, r1, [&](const Place& at, int r) {
            room.values[y].row(r)[at.output] = room.values[x].rows[r][at.input];
        });
    }
    void pass_back(Room<T>& room, int r0, int r1) const {
        for_passed(r0, r1, [&](const Place& at, int r) {
            give(room.values[x].d_row(r)[at.input], room.values[y].d_row(r)[at.output]);
        });
    }

    // A number of dx, in the place of what is there or added to it.
    CHAINRULE_INLINE void give(T& dx, T number) const { dx = way.adds ? dx + number : number; }

private:
    template <class F>
    void for_passed(int r0, int r1, F&& f) const {
        for (const Place& at : places)
            for (int r = r0; at.feature < 0 && r < r1; ++r) f(at, r);
    }
};

}  // namespace chainrule
