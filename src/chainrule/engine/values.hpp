// The values that operations read and make, with room for one batch.
//
//   a        (rows, ld)   row by row; the columns beyond `width` are padding, whatever they hold
//   d        (rows, ld)   ∂C/∂a; its padding is 0. There is none where no gradient is wanted
//   kept     (rows, kept_ld)   what the operation that makes the value keeps for its way back
//   packed   d once more, panel by panel, where the gradient of an affine wants it so
//   halves, d_halves   in the module for bfloat16, a for the affines that read it, and the delta of the
//            one that makes it; its `packed_pairs` too
//
// A batch of n examples has copies · n rows: row m · n + r is example r in copy m. Value 0 is what
// enters the network: rows where the user has them, read up to `width` and no further; or entries of
// rows, which are expanded here unless all that read them can do without.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "sparse_rows.hpp"
#include "tensor.hpp"
#include "team.hpp"

namespace chainrule {

struct ValueSpec {
    int width;
    int copies = 1;
    bool sparse = false;  // of value 0: only the entries of its rows enter

    // Decided when the program is made.
    bool expanded = false;  // rows that enter as entries become whole
    bool made = false;      // else nothing writes it, and it takes no room
    bool wanted = false;    // whether its d is; of value 0, which nobody makes, from the beginning
    bool packed = false;
    bool halves = false, d_halves = false;
    long kept = 0;          // numbers that are kept for each row
    std::size_t shared = 0; // numbers that are kept for all rows, by each operation that makes copies
};

// Examples `first` to `last` of the n of a batch, or of those that this process has of one.
struct Rows {
    int n, first, last;
    std::uint64_t step;  // which dropout's masks follow from; 0 is for predictions, without masks
    const Cut* cut = nullptr;  // how they fall into shards, where there are any
    std::int64_t before = 0, after = 0;  // rows of the batch that come before the n, and after them

    bool trains() const { return step != 0; }

    // How many the whole batch has.
    std::int64_t whole() const { return before + n + after; }

    // Which row of the whole batch row r of those here is; both are counted copy by copy.
    std::int64_t place(int r) const {
        if (whole() == n || n == 0) return r;
        return r / n * whole() + before + r % n;
    }
};

// Which part of a tensor a thread takes, and its own room.
template <class T>
struct Share {
    int t, threads;
    T* packing;
    EntriesByColumn<T>* by_column = nullptr;

    Part of(int count) const { return part_of(count, t, threads); }
};

// Rows that are a multiple of 1 KiB apart fall into the same few sets of the cache.
template <class T>
long leading(int columns) {
    return columns * sizeof(T) % 1024 == 0 ? columns + panel_width<T> : columns;
}

template <class T>
struct Value {
    T* a = nullptr;
    std::vector<const T*> rows, d_rows;
    std::vector<Entries<T>> entries;  // in the place of rows, where there are any
    long ld;
    int columns;  // with the padding
    int height;   // of how many rows there is room
    Buffer<T> d, kept, packed, shared;
    HalfRows halves, d_halves;
    Buffer<BFloat16> packed_pairs;
    ValueSpec spec;

    Value(const ValueSpec& s, int batch)
        : ld(leading<T>(padded<T>(s.width))), columns(padded<T>(s.width)), height(s.copies * batch),
          spec(s) {}

    // Room for a step of training, of what the program says is needed.
    void make_room() {
        if (spec.halves) halves = HalfRows(height, columns);
        const auto count = static_cast<std::size_t>(height) * ld;
        if (spec.wanted) d = Buffer<T>(count);
        for (int r = 0; r < height && d; ++r) d_rows.push_back(d.get() + r * ld);
        if (!spec.made) return;
        own_ = Buffer<T>(count);
        if (spec.kept) kept = Buffer<T>(static_cast<std::size_t>(height) * spec.kept);
        if (spec.packed) packed = Buffer<T>(static_cast<std::size_t>(height) * columns);
        if (spec.d_halves) {
            d_halves = HalfRows(height, columns);
            packed_pairs = Buffer<BFloat16>(static_cast<std::size_t>(even(height)) * columns);
        }
        if (spec.shared) shared = Buffer<T>(spec.shared * spec.copies);
        lie_at(own_.get());
    }

    // Room for what enters: only rows that are expanded have numbers of their own.
    void let_in() {
        if (spec.expanded) {
            own_ = Buffer<T>(static_cast<std::size_t>(height) * ld);
            lie_at(own_.get());
        } else if (spec.sparse) {
            entries.resize(static_cast<std::size_t>(height));
        } else {
            rows.resize(static_cast<std::size_t>(height));
        }
    }
    void enter(int r, const Entries<T>& row) {
        if (spec.expanded) row.expand(spec.width, a + r * ld);
        else entries[r] = row;
    }

    // Let the numbers lie in memory that is elsewhere.
    void lie_at(T* first) {
        a = first;
        for (int r = 0; r < height; ++r) rows.push_back(first + r * ld);
    }

    T* row(int r) const { return a + r * ld; }
    T* d_row(int r) const { return d.get() + r * ld; }
    T* shared_by(int first) const { return shared.get() + first * spec.shared; }
    T* kept_row(int r) const { return kept.get() + r * spec.kept; }

    // Before a run: what one that diverged has left where pairs are not filled.
    void forget() {
        if (packed_pairs)
            std::fill_n(packed_pairs.get(), static_cast<std::size_t>(even(height)) * columns, BFloat16{0});
    }

    // Where the pair of row r begins in the panel of d in pairs that starts at a column.
    BFloat16* pair(int column, int r) const {
        const int wide = std::min(panel_width<T>, columns - column);
        return packed_pairs.get() + static_cast<std::size_t>(column) * even(height) +
               static_cast<std::size_t>(r / 2) * 2 * wide;
    }

private:
    Buffer<T> own_;
};

// What operations work on: the values of a batch, and the tensors, which several may share.
template <class T>
struct Room {
    Value<T>* values;
    Tensor<T>* tensors;
    std::size_t stride = 0;  // of the sums of one subtree of shards to those of the next, in the arena
    std::size_t into = 0;    // where in the arena gradients go, seen from their tensors' own place

    // Where the gradient of a row of a tensor goes, of subtree j.
    T* gradient(int tensor, int row = 0, int j = 0) const {
        return tensors[tensor].gradient_row(row) + into + j * stride;
    }
};

}  // namespace chainrule
