// What a parameter is: its numbers, the optimizer's states of them, their gradient.
//
//   the user's array   (rows, columns): its last axis, and all others in one
//   in rows            each row padded to whole vectors of `ld` numbers, the padding 0
//   in panels          W (o, i) as products want it: for each panel of NR outputs, `in` rows of NR
//                      numbers; so x Wᵀ reads it as it lies, and a tile of dW is one piece of it
//   narrow             W of few outputs, in rows: what reads it has inputs as lanes
//   transposed         panels of inputs with `out` rows, for delta W; packed anew after each update.
//                      Where no gradient goes on to x there is none
//   pairs              in the module for bfloat16, in place of the last: W in panels of pairs of inputs,
//                      and where a gradient goes on to x, W transposed in panels of pairs of outputs
//   added              of each row, the sum of those before it in its segment; added up anew after
//                      each update, where there are segments
//
// All gradients lie in one arena, tensor after tensor, laid out as the tensors are: first those that
// go by the arena always. In shards, each subtree has such a row of gradients, with room for two flags
// at its end; behind them are the sums of the former that wait to be added.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "across_lanes.hpp"
#include "bfloat16.hpp"
#include "buffer.hpp"
#include "microkernel.hpp"
#include "shards.hpp"
#include "simd.hpp"

namespace chainrule {

struct TensorSpec {
    int rows, columns;
    bool frozen;     // no step moves it
    bool weight;     // it is penalised and decayed
    bool statistic;  // no gradient moves it

    // Decided when the program is made.
    bool panels = false;
    bool narrow = false;
    bool transposed = false;
    std::vector<int> segments{};  // the first row of each
    bool loose = false;  // its gradient goes by the arena, not from the registers to the update

    bool moves() const { return !frozen && !statistic; }
    bool of_affine() const { return panels || narrow; }
};

// Whether an affine's W is narrow: where panels would be mostly padding, and rows are not. Sizes alone
// say so, whatever the vectors here, for the order of its sums follows from it.
inline constexpr int few_outputs = 8;
constexpr bool has_few_outputs(int in, int out) { return out <= few_outputs && out < in; }

// How the weights of a layer lie in panels.
template <class T>
struct Panels {
    static constexpr int NR = panel_width<T>;

    int in, out, columns;

    Panels(int inputs, int outputs) : in(inputs), out(outputs), columns(padded<T>(outputs)) {}

    std::size_t weights() const { return static_cast<std::size_t>(in) * columns; }

    // The vectors in a row of the panel that starts at a column.
    int vectors(int column) const { return columns - column > Vec<T>::width ? 2 : 1; }

    // Where input i of that panel lies.
    std::size_t at(int column, int i) const {
        return static_cast<std::size_t>(column) * in +
               static_cast<std::size_t>(i) * vectors(column) * Vec<T>::width;
    }

    // Where the weight from input i to an output that begins a vector lies.
    std::size_t place(int output, int i) const {
        return at(output / NR * NR, i) + static_cast<std::size_t>(output % NR);
    }

    // f(first output, outputs, distance of rows) for each panel.
    template <class F>
    void for_each_panel(F&& f) const {
        for (int column = 0; column < out; column += NR)
            f(column, std::min(NR, out - column), vectors(column) * Vec<T>::width);
    }

    // From the user's array (o, i) to the panels, and back.
    void read(const T* user, T* panels) const {
        for_each_panel([&](int column, int outputs, int step) {
            transpose(user + static_cast<std::size_t>(column) * in, in, outputs, in,
                      panels + at(column, 0), step);
        });
    }
    void write(const T* panels, T* user) const {
        for_each_panel([&](int column, int outputs, int step) {
            transpose(panels + at(column, 0), step, in, outputs,
                      user + static_cast<std::size_t>(column) * in, in);
        });
    }
};

template <class T>
struct Tensor : Panels<T> {
    using Panels<T>::NR, Panels<T>::in, Panels<T>::out, Panels<T>::columns;
    using Panels<T>::at;

    TensorSpec spec;
    long ld;            // of a row, where it lies in rows
    std::size_t count;  // of numbers, the padding included
    Buffer<T> w, transposed, added;
    Buffer<BFloat16> pairs, transposed_pairs;
    Buffer<T> states[2];
    T* g = nullptr;       // in the arena, where it is kept there
    Buffer<double> sums;  // one for each input or row: the penalty's share, or the gradient's squares

    Tensor(const TensorSpec& s, int states_of_rule)
        : Panels<T>(s.columns, s.rows), spec(s), ld(padded<T>(s.columns)),
          count(s.panels ? this->weights() : static_cast<std::size_t>(s.rows) * ld), w(count),
          sums(static_cast<std::size_t>(parts()) + 1) {
        if (in_bfloat16<T> && s.panels) {
            pairs = Buffer<BFloat16>(static_cast<std::size_t>(even(in)) * columns);
            if (s.transposed)
                transposed_pairs = Buffer<BFloat16>(static_cast<std::size_t>(padded<T>(in)) * even(out));
        } else if (s.transposed) {
            transposed = Buffer<T>(static_cast<std::size_t>(padded<T>(in)) * out);
        }
        if (!s.segments.empty()) added = Buffer<T>(count);
        for (int k = 0; k < states_of_rule; ++k) states[k] = Buffer<T>(count);
    }

    // Of how many parts the penalty is added up, and the squares of the gradient.
    int parts() const { return spec.of_affine() ? in : spec.rows; }

    T* row(int k) const { return w.get() + k * ld; }
    T* added_row(int k) const { return added.get() + k * ld; }
    T* gradient_row(int k) const { return g + k * ld; }

    // The rows of the segments s0 to s1.
    int segment(int s) const {
        return s < static_cast<int>(spec.segments.size()) ? spec.segments[s] : spec.rows;
    }

    // From the user's array to one of ours, and back. The padding becomes 0 again: an update by an
    // infinite rate has made it NaN.
    void read(const T* user, T* ours) const {
        std::fill_n(ours, count, T{0});
        if (spec.panels) return Panels<T>::read(user, ours);
        for (int k = 0; k < spec.rows; ++k)
            std::copy_n(user + static_cast<std::size_t>(k) * spec.columns, spec.columns, ours + k * ld);
    }
    void write(const T* ours, T* user) const {
        if (spec.panels) return Panels<T>::write(ours, user);
        for (int k = 0; k < spec.rows; ++k)
            std::copy_n(ours + k * ld, spec.columns, user + static_cast<std::size_t>(k) * spec.columns);
    }

    // Bring up to date what follows from the numbers.
    void renew() {
        renew(0, in);
        add_up(0, static_cast<int>(spec.segments.size()));
    }

    // The same for the inputs i0 to i1, where i0 begins a panel.
    void renew(int i0, int i1) {
        if (transposed) pack_transposed(i0, i1);
        if constexpr (in_bfloat16<T>) pack_in_bfloat16(*this, i0, i1);
    }

    // The same for the segments s0 to s1.
    void add_up(int s0, int s1) {
        for (int s = s0; s < s1; ++s) {
            std::fill_n(added_row(segment(s)), ld, T{0});
            for (int k = segment(s) + 1; k < segment(s + 1); ++k)
                for (long c = 0; c < ld; ++c) added_row(k)[c] = added_row(k - 1)[c] + row(k - 1)[c];
        }
    }

private:
    void pack_transposed(int i0, int i1) {
        for (int q = i0; q < i1; q += NR) {
            const int width = padded<T>(in) - q > Vec<T>::width ? NR : Vec<T>::width;
            T* panel = transposed.get() + static_cast<std::size_t>(q) * out;
            this->for_each_panel([&](int column, int outputs, int step) {
                chainrule::transpose(w.get() + at(column, q), step, std::min(width, in - q), outputs,
                                     panel + static_cast<std::size_t>(column) * width, width);
            });
        }
    }
};

// All tensors of a network, and the arena of the gradients that are kept: all, or the loose ones.
template <class T>
struct Tensors {
    std::vector<Tensor<T>> all;
    Buffer<T> arena;
    std::size_t arena_size = 0, loose_size = 0;  // of one row
    std::size_t stride = 0;                      // of the rows
    int rows = 1;
    bool loose = false;

    // With room for the gradients of so many parts of a batch.
    Tensors(const std::vector<TensorSpec>& specs, int states, bool keeps, const Shards& shards = {},
            int parts = 1)
        : rows(shards.trees()) {
        all.reserve(specs.size());
        for (const TensorSpec& spec : specs) {
            const Tensor<T>& made = all.emplace_back(spec, states);
            if (spec.loose) loose_size += made.count;
            if (keeps || spec.loose) arena_size += made.count;
        }
        loose = loose_size > 0;
        stride = arena_size + (shards.any() ? flags : 0);
        if (arena_size == 0) return;
        arena = Buffer<T>(rows * stride + (shards.depth() - 1) * loose_size + (parts - 1) * arena_size);
        T *first = arena.get(), *then = first + loose_size;
        for (Tensor<T>& tensor : all) {
            if (!keeps && !tensor.spec.loose) continue;
            T*& next = tensor.spec.loose ? first : then;
            tensor.g = next;
            next += tensor.count;
        }
    }

    // Where the gradient of subtree j begins, seen from the first; above level 0 that of sums that wait.
    std::size_t place(int j, int level) const {
        return level == 0 ? j * stride : rows * stride + (level - 1) * loose_size;
    }

    // The same of a part of a batch, where there are no shards.
    std::size_t part(int k) const { return k * arena_size; }
    // The gradient of each subtree held, as it goes to other processes.
    std::span<T> sums() { return {arena.get(), rows * stride}; }

    // Flags of the run, which are added up with the gradients: the first row's.
    T& flag(int k) { return arena.get()[arena_size + k]; }

private:
    static constexpr std::size_t flags = 64 / sizeof(T);  // room for them
};

}  // namespace chainrule
