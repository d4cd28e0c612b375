// The softmax of a row, and its way back: a = e^z / Σ e^z, and delta = a ⊙ (da − Σ a da).
//
//   o           numbers in a row
//   z, a, da    (o,)   with room for whole vectors
//
// It needs a whole row at once, so the passes leave z as it is in their tiles and come here after.
#pragma once

#include "math.hpp"
#include "simd.hpp"
#include "sums.hpp"

namespace chainrule::rows {

// Logits from c on; lanes beyond o are −∞, whose e is 0.
template <class T>
CHAINRULE_INLINE typename Vec<T>::type read_logits(const T* a, int k) {
    return select(first_lanes<T>(k), load_first(a, k), broadcast<T>(-T(INFINITY)));
}

// The softmax of z; to may be z itself.
template <class T>
void softmax(const T* z, int o, T* to) {
    using V = typename Vec<T>::type;
    V highest = broadcast<T>(-T(INFINITY)), total[pieces]{};
    for_vectors<T>(o, [&](int c, int k, int) { highest = maximum(read_logits(z + c, k), highest); });
    const T top = largest(highest);
    for_vectors<T>(o, [&](int c, int k, int p) {
        const V e = exp(read_logits(z + c, k) - top);
        total[p] += e;
        store_first(to + c, e, k);
    });
    const T all = sum(total);
    for_vectors<T>(o, [&](int c, int k, int) {
        store_first(to + c, load_first(to + c, k) / all, k);
    });
}

// da becomes delta. Where dropout has silenced and scaled a, with a mask m, `whole` is a before it:
// a m (da − …) = (a m) da − a Σ (a m) da.
template <class T>
void softmax_delta(const T* whole, const T* a, int o, T* da) {
    using V = typename Vec<T>::type;
    V products[pieces]{};
    for_vectors<T>(o, [&](int c, int k, int p) {
        products[p] += select(first_lanes<T>(k), load_first(a + c, k) * load_first(da + c, k), V{});
    });
    const T all = sum(products);
    for_vectors<T>(o, [&](int c, int k, int) {
        const V through = load_first(a + c, k) * load_first(da + c, k);
        store_first(da + c, multiply_add(load_first(whole + c, k), -all, through), k);
    });
}

}  // namespace chainrule::rows
