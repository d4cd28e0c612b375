// A few rows of few numbers turned on their side: lanes are rows, and each column is a vector.
//
//   rows (≤ width, o)   row r begins at row(r), or at to + r·ld
//   columns (o,)        vectors, of which lane r belongs to row r
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "across_lanes.hpp"

namespace chainrule::rows {

// As many columns are turned at once where there are no more: a whole square would be mostly empty.
template <class T>
inline constexpr int few = std::min(4, Vec<T>::width);

// The columns from c on of at most `width` rows: `count` of them, of which k are there.
template <int count, class T, class F>
CHAINRULE_INLINE void read_square(int rows, int c, int k, F&& row, typename Vec<T>::type* columns) {
    constexpr int width = Vec<T>::width;
    typename Vec<T>::type square[width];
#pragma GCC unroll 16
    for (int r = 0; r < width; ++r) square[r] = load_first(row(std::min(r, rows - 1)) + c, k);
    transpose(square);
#pragma GCC unroll 16
    for (int r = 0; r < count; ++r) columns[r] = square[r];
}

// All columns of `width` rows. Apart, so that it is compiled once for all losses.
template <class T>
[[gnu::noinline]] void read_squares(const T* const* from, int o, typename Vec<T>::type* columns) {
    constexpr int width = Vec<T>::width;
    for (int c = 0; c < o; c += width)
        read_square<width, T>(width, c, std::min(width, o - c), [&](int r) { return from[r]; }, columns + c);
}

// Columns of at most `width` rows, each a vector; row(r) is where row r begins. Lanes without a row
// hold the last one.
template <class T, class F>
CHAINRULE_INLINE void read_columns(int rows, int o, F&& row, typename Vec<T>::type* columns) {
    using V = typename Vec<T>::type;
    constexpr int width = Vec<T>::width;
    if (!small_code && rows == 1) {
        for (int c = 0; c < o; ++c) columns[c] = spread<V>(row(0)[c]);
    } else if (few<T> < width && o <= few<T>) {
        read_square<few<T>, T>(rows, 0, o, row, columns);
    } else {
        const T* from[width];
        for (int r = 0; r < width; ++r) from[r] = row(std::min(r, rows - 1));
        read_squares(from, o, columns);
    }
}

// What the first lane of each of some columns holds, side by side: others may have other weights.
template <class V>
CHAINRULE_INLINE V first_row(const V* columns, int k) {
    using T = element_t<V>;
    V row = columns[0];
#pragma GCC unroll 16
    for (int c = 1; c < Vec<T>::width; ++c)
        if (c < k) row = select(first_lanes<T>(c), row, spread<V>(columns[c][0]));
    return select(first_lanes<T>(k), row, V{});
}

// All columns as rows again; apart as well.
template <class T>
[[gnu::noinline]] void write_squares(int rows, int o, int end, const typename Vec<T>::type* columns, T* to,
                                     std::int64_t ld) {
    using V = typename Vec<T>::type;
    constexpr int width = Vec<T>::width;
    for (int c = 0; c < o; c += width) {
        V square[width];
#pragma GCC unroll 16
        for (int k = 0; k < width; ++k) square[k] = c + k < o ? columns[c + k] : V{};
        transpose(square);
#pragma GCC unroll 16
        for (int k = 0; k < width; ++k)
            if (k < rows) store_first(to + k * ld + c, square[k], std::min(width, end - c));
    }
}

// Columns of rows again; what is beyond o stays as it is, or becomes 0 where there is room to `end`.
// Whole vectors are written where there is room, for they are soon read as such.
template <class T>
CHAINRULE_INLINE void write_columns(int rows, int o, int end, const typename Vec<T>::type* columns,
                                    T* to, std::int64_t ld) {
    using V = typename Vec<T>::type;
    constexpr int width = Vec<T>::width;
    constexpr auto lanes = std::make_integer_sequence<int, width>{};
    if (!small_code && rows == 1) {
        for (int c = 0; c < o; c += width)
            store_first(to + c, first_row(columns + c, std::min(width, o - c)), std::min(width, end - c));
    } else if (few<T> < width && o <= few<T>) {
        V square[few<T>];
#pragma GCC unroll 4
        for (int c = 0; c < few<T>; ++c) square[c] = c < o ? columns[c] : V{};
        transpose(square);
        const auto put_row = [&]<int r>() __attribute__((always_inline)) {
            if (r < rows)
                store_first(to + r * ld, moved<r / few<T> * few<T>, few<T>>(square[r % few<T>], lanes),
                            std::min(width, end));
        };
        [&]<int... r>(std::integer_sequence<int, r...>) {
            (put_row.template operator()<r>(), ...);
        }(lanes);
    } else {
        write_squares(rows, o, end, columns, to, ld);
    }
}

}  // namespace chainrule::rows
