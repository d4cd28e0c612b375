// Rows of which only the entries are given, compressed row by row (CSR), and products with them.
//
//   x        (n, i)   a batch: of each row its entries, by column; what has none is 0
//   C = start + x B,  dW = xᵀ delta
//
// A sum goes over the numbers of a dense row in the same order, and leaves out those times 0, which
// change no bit of it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "microkernel.hpp"

namespace chainrule {

// A row's entries where the user has them.
template <class T>
struct Entries {
    const std::int32_t* columns = nullptr;
    const T* values = nullptr;
    int count = 0;

    // Those of the columns first to last, which follow each other.
    Entries within(int first, int last) const {
        const std::int32_t* const end = columns + count;
        const auto from = std::lower_bound(columns, end, first);
        const auto to = std::lower_bound(from, end, last);
        return {from, values + (from - columns), static_cast<int>(to - from)};
    }

    void expand(int width, T* row) const {
        std::fill_n(row, width, T{0});
        for (int e = 0; e < count; ++e) row[columns[e]] = values[e];
    }

    double square() const {
        double sum = 0;
        for (int e = 0; e < count; ++e) sum += static_cast<double>(values[e]) * static_cast<double>(values[e]);
        return sum;
    }
};

// All rows of the user's: the entries of row r are numbers starts[r] to starts[r + 1].
template <class T>
struct SparseRows {
    const std::int64_t* starts = nullptr;
    const std::int32_t* columns = nullptr;
    const T* values = nullptr;
    std::int64_t n = 0;

    explicit operator bool() const { return starts != nullptr; }

    Entries<T> row(std::int64_t r) const {
        return {columns + starts[r], values + starts[r], static_cast<int>(starts[r + 1] - starts[r])};
    }

    // The most entries that so many rows can have.
    std::size_t most(std::int64_t rows) const {
        std::int64_t longest = 0;
        for (std::int64_t r = 0; r < n; ++r) longest = std::max(longest, starts[r + 1] - starts[r]);
        return static_cast<std::size_t>(n == 0 ? 0 : std::min(starts[n] - starts[0], rows * longest));
    }
};

// A row of C in some panels of two vectors and, behind them, one of a single vector. `far` where B is
// larger than the second-level cache: rows of it are asked for before they are needed.
template <int Pairs, int Single, class T>
[[gnu::noinline]] void row_of_entries(Entries<T> x, const T* panels, std::size_t panel, const T* bias,
                                      T* c, bool far) {
    constexpr int w = Vec<T>::width, NR = panel_width<T>, ahead = 8;
    using V = typename Vec<T>::type;
    const T* const last = panels + Pairs * panel;
    V sums[2 * Pairs + Single];
#pragma GCC unroll 9
    for (int v = 0; v < 2 * Pairs + Single; ++v) sums[v] = bias ? load(bias + v * w) : V{};
    for (int e = 0; e < x.count; ++e) {
        if (far && e + ahead < x.count)
            for (int p = 0; p < Pairs; ++p)
                for (int line = 0; line < NR * static_cast<int>(sizeof(T)); line += 64)
                    __builtin_prefetch(reinterpret_cast<const char*>(
                        panels + p * panel + static_cast<std::size_t>(x.columns[e + ahead]) * NR) + line);
        const T value = x.values[e];
        const auto i = static_cast<std::size_t>(x.columns[e]);
#pragma GCC unroll 4
        for (int p = 0; p < Pairs; ++p)
#pragma GCC unroll 2
            for (int v = 0; v < 2; ++v)
                sums[2 * p + v] = multiply_add(load(panels + p * panel + i * NR + v * w), value,
                                               sums[2 * p + v]);
        if constexpr (Single) sums[2 * Pairs] = multiply_add(load(last + i * w), value, sums[2 * Pairs]);
    }
#pragma GCC unroll 9
    for (int v = 0; v < 2 * Pairs + Single; ++v) store(c + v * w, sums[v]);
}

// `product` of such rows of A.
template <class T, class Done>
void sparse_product(const Entries<T>* A, int r0, int r1, int K, const T* B, int columns, const T* bias,
                    T* C, long ldc, Done&& done) {
    constexpr int w = Vec<T>::width, NR = panel_width<T>, some = 16, most = 4;
    const std::size_t panel = static_cast<std::size_t>(K) * NR;
    const bool far = sizeof(T) * K * static_cast<std::size_t>(columns) > (1 << 20);
    for (int m0 = r0; m0 < r1; m0 += some) {
        const int m1 = std::min(r1, m0 + some);
        for (int r = m0; r < m1; ++r)
            for (int column = 0, pairs; column < columns; column += std::max(NR, pairs * NR)) {
                pairs = std::min(most, (columns - column) / NR);
                const T* from = B + static_cast<std::size_t>(column) * K;
                const auto make = [&]<int Pairs, int Single>() {
                    row_of_entries<Pairs, Single>(A[r], from, panel, bias ? bias + column : nullptr,
                                                  C + r * ldc + column, far);
                };
                switch (pairs) {
                    case 0: make.template operator()<0, 1>(); break;
                    case 1: make.template operator()<1, 0>(); break;
                    case 2: make.template operator()<2, 0>(); break;
                    case 3: make.template operator()<3, 0>(); break;
                    default: make.template operator()<4, 0>();
                }
            }
        for (int column = 0; column < columns; column += NR)
            done(m0, m1 - m0, column, columns - column > w ? 2 : 1);
    }
}

// The entries of a batch by column, of the columns that a thread owns.
template <class T>
class EntriesByColumn {
    using V = typename Vec<T>::type;

public:
    // Room, so that none is asked for in a step.
    void make_room(int columns, std::size_t entries) {
        begins_.resize(static_cast<std::size_t>(columns) + 2);
        rows_.resize(std::max(rows_.size(), entries));
        values_.resize(rows_.size());
    }

    // From the entries of n rows: those of a column stand in the order of the rows.
    void turn(const Entries<T>* x, int n, int first, int last) {
        first_ = first;
        int* const next = begins_.data() + 1;  // of column first + k, at k: where it goes on
        std::fill_n(begins_.data(), last - first + 2, 0);
        const auto each = [&](auto&& f) {
            for (int r = 0; r < n; ++r) {
                const Entries<T> own = x[r].within(first, last);
                for (int e = 0; e < own.count; ++e) f(r, own.columns[e] - first, own.values[e]);
            }
        };
        each([&](int, int k, T) { ++next[k + 1]; });
        for (int k = 0; k < last - first; ++k) next[k + 1] += next[k];
        each([&](int r, int k, T value) {
            const int place = next[k]++;
            rows_[place] = r;
            values_[place] = value;
        });
    }

    // A tile of dW for some inputs from i on: Σ x ⊗ delta over the rows from `begin` on, `count` of
    // them. delta has rows `step` apart.
    void tile(int i, int inputs, int vectors, int begin, int count, const T* delta, long step, T* g) const {
        vectors == 2 ? tile<2>(i, inputs, begin, count, delta, step, g)
                     : tile<1>(i, inputs, begin, count, delta, step, g);
    }

private:
    template <int NV>
    void tile(int i, int inputs, int begin, int count, const T* delta, long step, T* g) const {
        constexpr int w = Vec<T>::width;
        for (int k = i - first_; k < i - first_ + inputs; ++k, g += NV * w) {
            V sums[NV]{};
            const int end = begins_[k + 1];
            for (int e = from(k, begin); e < end && rows_[e] < begin + count; ++e) {
                const T* d = delta + rows_[e] * step;
                for (int v = 0; v < NV; ++v) sums[v] = multiply_add(load(d + v * w), values_[e], sums[v]);
            }
            for (int v = 0; v < NV; ++v) store(g + v * w, sums[v]);
        }
    }

    // The first entry of a column from a row on.
    int from(int k, int row) const {
        const auto own = rows_.begin() + begins_[k];
        const auto found = row == 0 ? own : std::lower_bound(own, rows_.begin() + begins_[k + 1], row);
        return static_cast<int>(found - rows_.begin());
    }

    int first_ = 0;
    std::vector<int> begins_, rows_;
    std::vector<T> values_;
};

}  // namespace chainrule
