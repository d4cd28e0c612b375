// A loss of several heads: the sum of losses, each of some of the outputs, which lie side by side in
// a, y and da. Letters as in losses.hpp.
#pragma once

#include <cstdint>
#include <vector>

#include "buffer.hpp"
#include "losses.hpp"
#include "microkernel.hpp"

namespace chainrule {

// The loss of some outputs: `outputs` of them, from number `first` on.
struct Head {
    Loss loss;
    std::vector<double> parameters;  // one for all outputs, several in turn, or none
    int outputs;
    int first = 0;
};

// What a head's loss has of each output, 0 where it has none, with room for whole vectors.
template <class T>
Buffer<T> parameters_of(const Head& head) {
    const auto outputs = static_cast<std::size_t>(padded<T>(head.outputs));
    Buffer<T> own(outputs);
    for (std::size_t j = 0; !head.parameters.empty() && j < outputs; ++j)
        own.get()[j] = T(head.parameters[j % head.parameters.size()]);
    return own;
}

// `loss_rows` of several heads, whose targets are numbers: each reads and writes its own columns only.
// The last has the room of whole vectors that is in da.
template <class T>
CHAINRULE_INLINE bool loss_rows(const std::vector<Head>& heads, const std::vector<Buffer<T>>& parameters, int end,
               const T* a, std::int64_t lda, const Targets<T>& targets, T scale, T* da,
               std::int64_t ldd, T* value, std::int64_t r0, std::int64_t r1) {
    bool finite = true;
    for (std::size_t k = 0; k < heads.size(); ++k) {
        const auto& [loss, given, o, first] = heads[k];
        Targets<T> own = targets;
        if (own.y) own.y += first;
        finite &= loss_rows(loss, parameters[k].get(), o, k + 1 < heads.size() ? o : end - first,
                            a + first, lda, own, scale, da + first, ldd, value, k > 0, r0, r1);
    }
    return finite;
}

}  // namespace chainrule
