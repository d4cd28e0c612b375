// Asking for what comes next while a product runs.
//
// Where weights lie beyond the second-level cache, each line of theirs that is not asked for in time
// stops the product: the third level is far on Intel's servers, and what asks by itself stops at each
// page of 4 KB. Lines are asked for one by one, among the steps of k: a burst of them fills the few
// buffers for it, and the product waits after all.
//
// Addresses may lie beyond the end of an array: what is not there is not fetched.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "simd.hpp"

namespace chainrule {

inline constexpr int line = 64;  // bytes

// How many bytes of weights the second-level cache holds beside all else.
inline constexpr long near_bytes = 600'000;

template <class T>
constexpr bool is_far(long rows, long columns) {
    return !small_code && rows * columns > near_bytes / static_cast<long>(sizeof(T));
}

// The steps of k between two looks ahead: half a line of a row of A.
template <class T>
inline constexpr int stride = line / 2 / static_cast<int>(sizeof(T));

template <class T>
constexpr long looks(long steps) {
    return (steps + stride<T> - 1) / stride<T>;
}

// The lines of an array that are asked for in turn, some of them at each look.
struct Lines {
    const char* next = nullptr;
    long each = 0;

    Lines() = default;
    // `count` lines within so many looks.
    Lines(const void* first, long count, long within)
        : next(static_cast<const char*>(first)), each((count + within - 1) / within) {}

    CHAINRULE_INLINE void ask() {
        for (long u = 0; u < each; ++u, next += line) __builtin_prefetch(next, 0, 2);
    }
};

// For a tile that looks ahead at nothing.
struct Nearby {};

// For a tile of C = A B: the next piece of B, the next tile of C, the rows of A that come next.
template <class T>
struct AheadOfRows {
    Lines& b;
    const T* c;
    long ldc;
    const T* const* a;  // null where they are at hand
    int k0;

    template <int rows, int bytes>
    CHAINRULE_INLINE void look(int j) const {
        b.ask();
        for (int v = 0; j < rows && v < bytes; v += line)
            __builtin_prefetch(reinterpret_cast<const char*>(c + j * ldc) + v, 1, 3);
        for (int i = j & 1; a && i < rows; i += 2)  // every other row has its line now
            __builtin_prefetch(reinterpret_cast<const char*>(a[i] + k0) + (j >> 1) * line, 0, 2);
    }
};

// Weights, and the states of an optimizer that belong to them; null for those that there are not.
using Updated = std::array<const void*, 3>;

// For a tile of dW of `bytes`: the next panel of delta, and what its update will want.
template <class T>
struct AheadOfGradient {
    Lines& b;
    std::array<Lines, 3> wanted;

    AheadOfGradient(Lines& delta, const Updated& given, long bytes, long K) : b(delta) {
        for (std::size_t k = 0; k < given.size(); ++k)
            if (given[k]) wanted[k] = {given[k], (bytes + line - 1) / line, looks<T>(K)};
    }

    template <int, int>
    CHAINRULE_INLINE void look(int) {
        b.ask();
        for (Lines& lines : wanted) lines.ask();
    }
};

// All of what an update will want at once: where it is near, that is in time.
inline void ask_for(const Updated& wanted, long bytes) {
    for (const void* first : wanted)
        for (long u = 0; first && u < bytes; u += line)
            __builtin_prefetch(static_cast<const char*>(first) + u, 1);
}

}  // namespace chainrule
