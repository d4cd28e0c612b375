// One dense layer as the engine holds it.
//
//   W, its states   panels: for each panel of NR outputs, `in` rows of NR numbers; so the product
//                   x Wᵀ reads it as it lies, and a tile of dW is one piece of it
//   Wt              panels of inputs with `out` rows, for delta W; packed anew after each update.
//                   The first layer has none
//   a, slope, delta (batch, ld)   row by row; slope of a softmax is a before dropout; the columns beyond `out` are padding, 0 in delta
//   packed          delta once more, panel by panel, where there is more than one
//
// What the user sees, W (o, i), is a copy made by `read` and `write`.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "activations.hpp"
#include "microkernel.hpp"
#include "random.hpp"

namespace chainrule {

// Zeros at an address that whole vectors like, from the allocation on.
template <class T>
class Buffer {
public:
    Buffer() = default;
    explicit Buffer(std::size_t count) {
        const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64 + 64;
        p_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
        if (!p_) throw std::bad_alloc();
        std::memset(p_.get(), 0, bytes);
    }
    T* get() const { return p_.get(); }
    explicit operator bool() const { return p_ != nullptr; }

private:
    struct Free {
        void operator()(T* p) const { std::free(p); }
    };
    std::unique_ptr<T, Free> p_;
};

struct LayerSpec {
    int in, out;
    Activation activation;
    double parameter;
    bool frozen_W, frozen_b;
    std::vector<Dropout> dropouts;  // those that follow it
};

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

// Rows that are a multiple of 1 KiB apart fall into the same few sets of the cache.
template <class T>
long leading(int columns) {
    return columns * sizeof(T) % 1024 == 0 ? columns + panel_width<T> : columns;
}

template <class T>
struct Layer : Panels<T> {
    using Panels<T>::NR, Panels<T>::in, Panels<T>::out, Panels<T>::columns;
    using Panels<T>::weights, Panels<T>::vectors, Panels<T>::at;

    LayerSpec spec;
    long ld;
    T parameter;
    bool keeps_slope, packs;
    Buffer<T> W, Wt, b, gW, gb, a, slope, delta, packed;
    Buffer<T> sW[2], sb[2];
    Buffer<double> sums;  // one for each input: the penalty's share, or the gradient's squares
    std::vector<const T*> a_rows, delta_rows;

    Layer(const LayerSpec& s, int batch, int states, bool first, bool keeps_gradient)
        : Panels<T>(s.in, s.out), spec(s), ld(leading<T>(columns)), parameter(T(s.parameter)),
          keeps_slope(!slope_from_output(s.activation) || !s.dropouts.empty()),
          packs(columns > NR), W(weights()), b(columns), a(rows(batch)), delta(rows(batch)),
          sums(static_cast<std::size_t>(in) + 1) {
        for (int k = 0; k < states; ++k) {
            sW[k] = Buffer<T>(weights());
            sb[k] = Buffer<T>(columns);
        }
        if (!first) Wt = Buffer<T>(static_cast<std::size_t>(padded<T>(in)) * out);
        if (keeps_slope) slope = Buffer<T>(rows(batch));
        if (packs) packed = Buffer<T>(static_cast<std::size_t>(batch) * columns);
        if (keeps_gradient) {
            gW = Buffer<T>(weights());
            gb = Buffer<T>(columns);
        }
        for (int r = 0; r < batch; ++r) {
            a_rows.push_back(a.get() + r * ld);
            delta_rows.push_back(delta.get() + r * ld);
        }
    }

    std::size_t rows(int batch) const { return static_cast<std::size_t>(batch) * ld; }

    // Bring Wt up to date for the inputs i0 to i1, where i0 begins a panel of inputs.
    void pack_transposed(int i0, int i1) {
        for (int q = i0; q < i1; q += NR) {
            const int width = padded<T>(in) - q > Vec<T>::width ? NR : Vec<T>::width;
            T* panel = Wt.get() + static_cast<std::size_t>(q) * out;
            this->for_each_panel([&](int column, int outputs, int step) {
                transpose(W.get() + at(column, q), step, std::min(width, in - q), outputs,
                          panel + static_cast<std::size_t>(column) * width, width);
            });
        }
    }

    // delta as the B of dW's product: its first number in a panel, and the distance of its rows.
    const T* delta_panel(int column, int batch) const {
        return packs ? packed.get() + static_cast<std::size_t>(column) * batch
                     : delta.get() + column;
    }
    long delta_step(int column) const { return packs ? vectors(column) * Vec<T>::width : ld; }
};

}  // namespace chainrule
