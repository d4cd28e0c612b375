// What an operation of a program is: plain data, and what all kinds have in common.
//
// An operation reads values, makes one, and may have tensors. It works on the copies `first` to
// first + copies of its values. A kind is a struct derived from `Operation`, with what it needs of:
//
//   forward(room, rows)               makes rows of y from rows of x
//   backward(room, rows)              d of x from d of y, written or added as its `Way` says
//   weights(room, rows, share, adds)  a thread's share of the gradient of its tensors, into the arena:
//                                     of a batch, or of its rows in one shard
//   add_squared_norm(room, n, r, sum) sum + |gradient|² of the part that example r has in it
//   chords(room, rows)                what `backward` takes of each row becomes that of the chord to
//                                     the next, where that follows from both rows: else false
//
// and, where it needs the whole batch, `of_batch = true` and what is called between two barriers:
//
//   gather(room, rows, share, kinds)  before `forward`, in training, the kinds of sums that
//                                     `forward_kinds` says; before `backward` the `backward_kinds`
//   sum_up(room, rows, share, kinds, to), take(room, rows, share, kinds, from)
//                                     in shards, in its place, the sums of each subtree, and what
//                                     follows from their totals; forward in several `forward_stages`
//   statistics(room, rows, share)     after a step: its running statistics; NaN where one is not finite
//
// Sums go over rows in their order, whatever the share, so that threads change no bit.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "activations.hpp"
#include "random.hpp"
#include "sums.hpp"
#include "values.hpp"

namespace chainrule {

enum class Kind {
    affine, activate, dropout, scale, layer_norm, rms, batch_norm, add, periodic, piecewise,
    embedding
};

inline constexpr std::array<std::string_view, 11> kind_names{
    "affine",     "activate", "dropout",  "scale",     "layer_norm", "rms",
    "batch_norm", "add",      "periodic", "piecewise", "embedding"};

inline std::optional<Kind> find_kind(std::string_view name) {
    for (std::size_t k = 0; k < kind_names.size(); ++k)
        if (kind_names[k] == name) return static_cast<Kind>(k);
    return std::nullopt;
}

// How the gradient goes back to a value that an operation reads: not at all where none is wanted;
// added where the operations that go back before this one have written some.
struct Way {
    bool wanted = false, adds = false;
};

// Each kind reads the fields that it has.
struct OperationSpec {
    Kind kind{};
    std::vector<int> inputs{};
    int output = 0;
    std::vector<int> tensors{};
    int first = 0, copies = 1;
    Activation activation = Activation::identity;
    double parameter = 1;
    std::vector<Dropout> dropouts{};
    double epsilon = 0, momentum = 0;
    std::vector<int> features{};               // the inputs that are embedded, in order
    std::vector<std::vector<double>> edges{};  // of each of them
    std::vector<int> levels{};                 // how many each of them has

    // Decided when the program is made.
    std::array<Way, 2> ways{};
    int finishes = -1;      // the affine whose delta it finishes tile by tile, as it writes it
    bool finished = false;  // whether another does that with this one's
};

template <class T>
struct Operation {
    static constexpr bool of_batch = false;

    int x, y, first, copies;
    Way way;  // to x

    explicit Operation(const OperationSpec& spec)
        : x(spec.inputs[0]), y(spec.output), first(spec.first), copies(spec.copies),
          way(spec.ways[0]) {}

    // f(r0, r1) with the rows of each copy.
    template <class F>
    CHAINRULE_INLINE void for_copies(const Rows& rows, F&& f) const {
        const int n = rows.n, count = rows.last - rows.first;
        int r = first * n + rows.first;
        for (int left = copies; left > 0; --left, r += n) f(r, r + count);
    }

    // f(begin, count, adds) with the rows of all copies whose gradient is summed in a row: all of a
    // batch, or of its rows in a shard those of each copy, which add to the one before.
    template <class F>
    CHAINRULE_INLINE void for_spans(const Rows& rows, bool adds, F&& f) const {
        if (small_code || !rows.cut) return f(first * rows.n, copies * rows.n, adds);
        for (int c = first; c < first + copies; ++c, adds = true)
            f(c * rows.n + rows.first, rows.last - rows.first, adds);
    }

    // use(j, sum) for each subtree of shards, where part(begin, count) is the sum of some rows; and
    // without shards once, with that of all.
    template <class V, class SumOf, class Use>
    CHAINRULE_INLINE void for_sums(const Rows& rows, SumOf&& part, Use&& use) const {
        if (small_code || !rows.cut) return use(0, part(first * rows.n, copies * rows.n));
        V sums[most_depth];
        rows.cut->in_trees(
            [&](int, int begin, int end, int level) {
                sums[level] = part(first * rows.n + begin, end - begin);
                for (int c = first + 1; c < first + copies; ++c)
                    sums[level] += part(c * rows.n + begin, end - begin);
            },
            [&](int, int level) { sums[level] += sums[level + 1]; },
            [&](int j) { use(j, sums[0]); });
    }

    bool reads(int value) const { return x == value; }
    // f(r) with each of these rows.
    template <class F>
    CHAINRULE_INLINE void for_rows(const Rows& rows, F&& f) const {
        for_copies(rows, [&](int r0, int r1) {
            for (int r = r0; r < r1; ++r) f(r);
        });
    }

    void weights(Room<T>&, const Rows&, const Share<T>&, bool) const {}
    bool chords(Room<T>&, const Rows&) const { return false; }
    std::size_t packing(const Room<T>&) const { return 0; }  // numbers of `Share::packing`
    double add_squared_norm(const Room<T>&, int, int, double sum) const { return sum; }
};

// Σ p q of n numbers, in double.
template <class T>
double inner_product(const T* p, const T* q, int n) {
    double sum = 0;
    for (int k = 0; k < n; ++k) sum += static_cast<double>(p[k]) * static_cast<double>(q[k]);
    return sum;
}

// Σ p² of n numbers.
template <class T>
double square(const T* p, int n) {
    Squares<T> squares;
    for_vectors<T>(n, [&](int k, int count, int piece) { squares.add(load_first(p + k, count), piece); });
    return squares.sum();
}

// Write a vector of a gradient, or add it to what is there.
template <class T>
CHAINRULE_INLINE void put(T* to, typename Vec<T>::type g, bool adds) {
    store(to, adds ? load(to) + g : g);
}

// Give a row of d to what it came from, as its way says.
template <class T>
CHAINRULE_INLINE void pass_row(const T* d, int columns, T* to, Way way) {
    for (int c = 0; c < columns; c += Vec<T>::width) put(to + c, load(d + c), way.adds);
}

// f(c, k) with each vector of k columns from c on that a thread owns, of so many columns.
template <class T, class F>
CHAINRULE_INLINE void for_columns(int columns, const Share<T>& share, F&& f) {
    constexpr int w = Vec<T>::width;
    const auto [first, last] = share.of((columns + w - 1) / w);
    for (int u = first; u < last; ++u) f(u * w, std::min(w, columns - u * w));
}

}  // namespace chainrule
