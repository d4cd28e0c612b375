// Predictions, from the user's own arrays.
//
//   W (o, i), b (o,)   of each layer, where the user has them
//   X (n, inputs) → out (n, outputs)
//
// One row, or a few, is read off W as it lies: each output is the product of two rows, summed in as
// many parts as a vector has lanes. That takes the time it takes to read W. For many rows W is laid
// out in panels, and blocks of rows go through all layers while they are in the second-level cache.
//
// An x, W or b that is not finite makes every z that it goes into not finite, for infinity times 0 is
// NaN. So the z are looked at, and nothing else.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <vector>

#include "losses.hpp"
#include "passes.hpp"
#include "team.hpp"

namespace chainrule {

struct PredictionSpec {
    int inputs, outputs;
    std::vector<LayerSpec> layers;
    Loss loss;

    int widest = 1;  // of the outputs of all layers

    PredictionSpec(int inputs, int outputs, std::vector<LayerSpec> given, Loss loss)
        : inputs(inputs), outputs(outputs), layers(std::move(given)), loss(loss) {
        for (const LayerSpec& l : layers) widest = std::max(widest, l.out);
    }
};

template <class T>
struct Weights {
    const T *W, *b;
};

inline constexpr int few_rows = 4;          // up to which each is predicted by itself
inline constexpr int rows_at_once = 96;

// w · x in as many parts as a vector has lanes.
template <class T>
CHAINRULE_INLINE typename Vec<T>::type products(const T* w, const T* x, int n) {
    constexpr int width = Vec<T>::width;
    typename Vec<T>::type sums[4][pieces]{}, all[pieces];
    const auto add = [&](int u, int p, int i, int k) {
        sums[u][p] = multiply_add(load_first(w + i, k), load_first(x + i, k), sums[u][p]);
    };
    int i = 0;
    for (; i + 4 * wide<T> <= n; i += 4 * wide<T>)
#pragma GCC unroll 4
        for (int u = 0; u < 4; ++u)
#pragma GCC unroll 4
            for (int p = 0; p < pieces; ++p) add(u, p, i + u * wide<T> + p * width, width);
    for_vectors<T>(n - i, [&](int c, int k, int p) { add(0, p, i + c, k); });
#pragma GCC unroll 4
    for (int p = 0; p < pieces; ++p)
        all[p] = (sums[0][p] + sums[1][p]) + (sums[2][p] + sums[3][p]);
    return folded(all);
}

// z = W x + b for the outputs o to o + count.
template <class T>
CHAINRULE_INLINE typename Vec<T>::type weighted_inputs(const Weights<T>& given, const T* x, int in,
                                                       int o, int count) {
    typename Vec<T>::type parts[Vec<T>::width]{};
    for (int k = 0; k < count; ++k)
        parts[k] = products(given.W + static_cast<std::size_t>(o + k) * in, x, in);
    return load_first(given.b + o, count) + sum_of_each(parts);
}

// One example's prediction, from its activation: the loss's link.
template <class T>
void link_row(Loss loss, int o, const T* a, T* out) {
    using V = typename Vec<T>::type;
    const auto each = [&](auto&& f) {
        for_vectors<T>(o, [&](int c, int k, int) { store_first(out + c, f(c, k), k); });
    };
    if (loss == Loss::cross_entropy) {
        rows::softmax(a, o, out);
    } else if (loss == Loss::binary_cross_entropy) {
        each([&](int c, int k) {
            return rows::Logistic<V>(load_first(a + c, k)).sigmoid(broadcast<T>(1));
        });
    } else if (loss == Loss::poisson) {
        each([&](int c, int k) { return exp(load_first(a + c, k)); });
    } else if (out != a) {
        std::copy_n(a, o, out);
    }
}

// One row; `room` holds two rows of the widest layer. False where a z is not finite.
template <class T>
bool predict_row(const PredictionSpec& net, const Weights<T>* given, const T* x, T* room, T* out) {
    constexpr int width = Vec<T>::width;
    typename Vec<T>::type poison{};
    const int wide = padded<T>(net.widest);
    for (std::size_t k = 0; k < net.layers.size(); ++k) {
        const LayerSpec& l = net.layers[k];
        T* a = room + (k % 2 ? wide : 0);
        with_activation(l.activation, [&]<Activation A>() {
            for (int o = 0; o < l.out; o += width) {
                const auto z = weighted_inputs(given[k], x, l.in, o, std::min(width, l.out - o));
                typename Vec<T>::type value, slope;
                activate<A, T>(z, T(l.parameter), value, slope);
                store(a + o, value);
                poison += z * T{0};
            }
        });
        if (l.activation == Activation::softmax) rows::softmax(a, l.out, a);
        x = a;
    }
    link_row(net.loss, net.outputs, x, out);
    return sum_of_lanes(poison) == 0;
}

// Many rows, on a team of threads.
template <class T>
class ManyRows {
    static constexpr int NR = panel_width<T>, w = Vec<T>::width;

public:
    ManyRows(const PredictionSpec& net, const Weights<T>* given) : net_(net) {
        for (std::size_t k = 0; k < net.layers.size(); ++k) {
            const LayerSpec& l = net.layers[k];
            const Panels<T>& panels = panels_.emplace_back(l.in, l.out);
            W_.emplace_back(panels.weights());
            b_.emplace_back(panels.columns);
            panels.read(given[k].W, W_[k].get());
            std::copy_n(given[k].b, l.out, b_[k].get());
        }
        ld_ = leading<T>(padded<T>(net.widest));
    }

    bool run(const T* X, std::int64_t n, T* out, int threads) {
        const auto blocks = static_cast<int>((n + rows_at_once - 1) / rows_at_once);
        std::vector<Buffer<T>> room;  // here, where an exception still reaches the caller
        for (int t = 0; t < threads; ++t)
            room.emplace_back(static_cast<std::size_t>(2) * rows_at_once * ld_);
        run_team(threads, [&](int t) {
            const auto [first, last] = part_of(blocks, t, threads);
            for (int k = first; k < last && !failed_; ++k)
                predict_block(X, n, static_cast<std::int64_t>(k) * rows_at_once, room[t].get(), out);
        });
        return !failed_;
    }

private:
    void predict_block(const T* X, std::int64_t n, std::int64_t r0, T* room, T* out) {
        const auto rows = static_cast<int>(std::min<std::int64_t>(rows_at_once, n - r0));
        const T* x[rows_at_once];
        for (int r = 0; r < rows; ++r) x[r] = X + (r0 + r) * net_.inputs;
        typename Vec<T>::type poison{};
        for (std::size_t k = 0; k < panels_.size(); ++k) {
            const LayerSpec& l = net_.layers[k];
            T* a = room + (k % 2 ? rows_at_once * ld_ : 0);
            product(x, 0, rows, l.in, W_[k].get(), panels_[k].columns, b_[k].get(), a, ld_,
                    [&](int r, int height, int column, int vectors) {
                        for_each_vector<T>(ld_, r, height, column, vectors,
                                           [&](long at) { poison += load(a + at) * T{0}; });
                        activate_tile(l.activation, T(l.parameter), a, static_cast<T*>(nullptr),
                                      ld_, r, height, column, vectors);
                    });
            for (int r = 0; r < rows; ++r) {
                if (l.activation == Activation::softmax) rows::softmax(a + r * ld_, l.out, a + r * ld_);
                x[r] = a + r * ld_;
            }
        }
        T* predicted = out + r0 * net_.outputs;
        for (int r = 0; r < rows; ++r, predicted += net_.outputs)
            link_row(net_.loss, net_.outputs, x[r], predicted);
        if (!(sum_of_lanes(poison) == 0)) failed_ = true;
    }

    const PredictionSpec& net_;
    std::vector<Panels<T>> panels_;
    std::vector<Buffer<T>> W_, b_;
    long ld_ = 0;
    std::atomic<bool> failed_{false};
};

}  // namespace chainrule
