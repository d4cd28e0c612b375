// The second phase of a step: from the deltas of a batch to new weights.
//
// Each thread owns rows of the weights: their gradient, their update, their transposed copy. Mostly
// a tile of the gradient goes into the update as it leaves the registers. Where its norm must be
// known first, or where it comes from elsewhere, all of it is kept (gW, gb), treated and applied.
#pragma once

#include <cmath>
#include <limits>

#include "batch.hpp"

namespace chainrule {

struct OptimizerSpec {
    Rule rule;
    HyperParameters values;
    double clip_value = std::numeric_limits<double>::infinity();
    double clip_norm = std::numeric_limits<double>::infinity();
};

template <class T>
class Updates {
    using V = typename Vec<T>::type;
    static constexpr int NR = panel_width<T>, w = Vec<T>::width;

public:
    Updates(const OptimizerSpec& spec, int threads)
        : spec_(spec), threads_(threads), clips_(std::isfinite(spec.clip_value)),
          moments_(spec.rule, spec.values) {}

    void share_among(int threads) { threads_ = threads; }

    bool clips_norm() const { return std::isfinite(spec_.clip_norm); }

    bool penalises() const { return spec_.values.l1 != 0 || spec_.values.l2 != 0; }

    // Calls f(update) with the rule's coefficients at a step.
    template <class F>
    void with_update(double rate, std::int64_t step, F&& f) const {
        HyperParameters values = spec_.values;
        values.learning_rate = rate;
        with_rule(spec_.rule, [&]<Rule R>() { f(Update<R, T>(values, moments_.at(step))); });
    }

    // The gradient of a layer and its update at once. Each returns NaN where a weight has become
    // not finite, else zeros.
    template <class U>
    V train(Layer<T>& l, const T* const* x, int batch, int n, bool first, int t, T* packing,
            const U& update) const {
        V poison{};
        const auto [i0, i1] = inputs_of(l, t);
        add_penalties(l, i0, i1);
        if (!l.spec.frozen_W) {
            gradient(l, x, batch, n, i0, i1, packing,
                     [&](std::size_t place, int count) { fetch(l, place, count); },
                     [&](std::size_t place, int, int rows, int vectors, const T* g) {
                         poison += update_weights<false>(l, place, rows * vectors, g, T{1}, update);
                     });
            if (!first) l.pack_transposed(i0, i1);
        }
        if (!l.spec.frozen_b)
            for_outputs(l, t, [&](int column, int v) {
                const V g = clipped(bias_gradient(l, batch, n, column, v));
                poison += update_bias(l, column + v * w, g, update);
            });
        return poison;
    }

    // Keep the gradient of a layer, added to what is kept or in its place.
    void keep(Layer<T>& l, const T* const* x, int batch, int n, bool adds, int t, T* packing) const {
        const auto put = [adds](T* to, V g) { store(to, adds ? load(to) + g : g); };
        const auto [i0, i1] = inputs_of(l, t);
        gradient(l, x, batch, n, i0, i1, packing, [](std::size_t, int) {},
                 [&](std::size_t place, int, int rows, int vectors, const T* g) {
                     for (int u = 0; u < rows * vectors; ++u)
                         put(l.gW.get() + place + u * w, load(g + u * w));
                 });
        for_outputs(l, t, [&](int column, int v) {
            put(l.gb.get() + column + v * w, bias_gradient(l, batch, n, column, v));
        });
    }

    void keep_nothing(std::vector<Layer<T>>& layers) const {
        for (Layer<T>& l : layers) {
            std::fill_n(l.gW.get(), l.weights(), T{0});
            std::fill_n(l.gb.get(), l.columns, T{0});
        }
    }

    // Give a kept gradient its penalty and bounds, and leave its squares, one sum for each input.
    template <class U>
    void treat(Layer<T>& l, int t, const U& update) const {
        double* sums = l.sums.get();
        const auto [i0, i1] = inputs_of(l, t);
        std::fill(sums + i0, sums + i1, 0.0);
        constexpr int some = 64;  // few enough that their panels follow each other in the cache
        for (int o = 0; o < l.columns && !l.spec.frozen_W; o += some)
            for (int i = i0; i < i1; ++i)
                sums[i] += treat_outputs(l, i, o, std::min(some, l.columns - o), update);
        for_outputs(l, t, [&](int column, int v) {
            T* g = l.gb.get() + column + v * w;
            store(g, clipped(load(g)));
        });
    }

    // By how much the treated gradient is shortened. Every thread works it out in the same order.
    T norm_scale(const std::vector<Layer<T>>& layers) const {
        double sum = 0;
        for (const auto& l : layers) {
            for (int i = 0; i < l.in; ++i) sum += l.sums.get()[i];
            if (l.spec.frozen_b) continue;
            for (int o = 0; o < l.out; ++o) sum = add_square(sum, l.gb.get()[o]);
        }
        const double norm = std::isfinite(sum) ? std::sqrt(sum) : wide_norm(layers);
        return T(norm > spec_.clip_norm ? spec_.clip_norm / norm : 1);
    }

    // Update a layer by its treated gradient.
    template <class U>
    V apply(Layer<T>& l, bool first, int t, T scale, const U& update) const {
        V poison{};
        const auto [i0, i1] = inputs_of(l, t);
        add_penalties(l, i0, i1);
        if (!l.spec.frozen_W && i0 < i1) {
            for (int column = 0; column < l.columns; column += NR) {
                const std::size_t place = l.at(column, i0);
                poison += update_weights<true>(l, place, (i1 - i0) * l.vectors(column),
                                               l.gW.get() + place, scale, update);
            }
            if (!first) l.pack_transposed(i0, i1);
        }
        if (!l.spec.frozen_b)
            for_outputs(l, t, [&](int column, int v) {
                const int place = column + v * w;
                poison += update_bias(l, place, load(l.gb.get() + place) * scale, update);
            });
        return poison;
    }

    // The penalty of the weights before the update, which train and apply have added up.
    double penalty(const std::vector<Layer<T>>& layers) const {
        double sum = 0;
        if (penalises())
            for (const auto& l : layers)
                for (int i = 0; i < l.in; ++i) sum += l.sums.get()[i];
        return sum;
    }

    // λ₁ Σ|W| + ½ λ₂ ΣW², one sum for each input.
    void add_penalties(Layer<T>& l, int i0, int i1) const {
        if (!penalises()) return;
        const double l1 = spec_.values.l1, l2 = spec_.values.l2;
        for (int i = i0; i < i1; ++i) {
            double sum = 0;
            for (int column = 0; column < l.columns; column += NR) {
                const T* W = l.W.get() + l.at(column, i);
                for (int o = 0; o < l.vectors(column) * w; ++o)
                    sum += multiply_add(l1, std::abs(double(W[o])), 0.5 * l2 * double(W[o]) * double(W[o]));
            }
            l.sums.get()[i] = sum;
        }
    }

private:
    // The same for the weights from one input to some outputs; return the sum of their squares.
    template <class U>
    double treat_outputs(Layer<T>& l, int i, int first, int count, const U& update) const {
        Squares<T> squares;
        for_vectors<T>(count, [&](int o, int, int p) {
            const std::size_t place = l.place(first + o, i);
            V g = load(l.gW.get() + place);
            if (penalises()) g = update.shrinkage.penalised(g, load(l.W.get() + place));
            g = clipped(g);
            store(l.gW.get() + place, g);
            squares.add(g, p);
        });
        return squares.sum();
    }

    Part inputs_of(const Layer<T>& l, int t) const {
        const auto [first, last] = part_of((l.in + NR - 1) / NR, t, threads_);
        return {std::min(l.in, first * NR), std::min(l.in, last * NR)};
    }

    // f(column, v) for each vector of the outputs that thread t owns.
    template <class F>
    void for_outputs(const Layer<T>& l, int t, F&& f) const {
        const auto [first, last] = part_of(l.columns / w, t, threads_);
        for (int u = first; u < last; ++u) {
            const int column = u * w / NR * NR;
            f(column, u - column / w);
        }
    }

    V clipped(V g) const {
        if (!clips_) return g;
        const V bound = broadcast<T>(T(spec_.clip_value));
        return minimum(maximum(g, -bound), bound);
    }

    // Ask for weights and states while the product that needs them runs.
    void fetch(const Layer<T>& l, std::size_t place, int count) const {
        for (const T* p : {l.W.get(), l.sW[0].get(), l.sW[1].get()})
            for (int u = 0; p && u < count; ++u) __builtin_prefetch(p + place + u * w, 1);
    }

    // `count` vectors of weights from `place` on; g is their gradient, with the penalty in it and
    // bounds kept where it was treated.
    template <bool Treated, class U>
    V update_weights(Layer<T>& l, std::size_t place, int count, const T* g, T scale,
                     const U& update) const {
        V poison{};
        const auto each = [&]<bool Shrinks, bool Clips>() {
            for (int u = 0; u < count; ++u, place += w) {
                T* W = l.W.get() + place;
                const V before = load(W);
                V dW = load(g + u * w);
                if constexpr (Treated) dW *= scale;
                else if constexpr (Shrinks && Clips) dW = update.shrinkage.penalised(dW, before);
                if constexpr (Clips && !Treated) dW = clipped(dW);
                T *s1 = state(l.sW[0], place), *s2 = state(l.sW[1], place);
                if constexpr (Shrinks && (Treated || Clips)) {  // only the decay is left
                    update.template update<false>(dW, W, s1, s2);
                    store(W, multiply_add(before, -update.shrinkage.decay, load(W)));
                } else {
                    update.template update<Shrinks>(dW, W, s1, s2);
                }
                poison = multiply_add(load(W), T{0}, poison);
            }
        };
        const bool clips = clips_ && !Treated;
        if (update.shrinkage.any())
            clips ? each.template operator()<true, true>() : each.template operator()<true, false>();
        else
            clips ? each.template operator()<false, true>() : each.template operator()<false, false>();
        return poison;
    }

    template <class U>
    V update_bias(Layer<T>& l, std::size_t place, V g, const U& update) const {
        T* b = l.b.get() + place;
        update.template update<false>(g, b, state(l.sb[0], place), state(l.sb[1], place));
        return load(b) * T{0};
    }

    static double add_square(double sum, double g) { return multiply_add(g, g, sum); }

    static T* state(const Buffer<T>& s, std::size_t place) { return s ? s.get() + place : nullptr; }

    // The norm where the squares overflow: the largest number is drawn out of them.
    double wide_norm(const std::vector<Layer<T>>& layers) const {
        const auto over_all = [&](auto&& f) {
            for (const auto& l : layers) {
                if (!l.spec.frozen_W) std::for_each_n(l.gW.get(), l.weights(), f);
                if (!l.spec.frozen_b) std::for_each_n(l.gb.get(), l.out, f);
            }
        };
        double largest = 0, sum = 0;
        over_all([&](double g) { largest = std::max(largest, std::abs(g)); });
        over_all([&](double g) { sum = add_square(sum, g / largest); });
        return largest * std::sqrt(sum);
    }

    OptimizerSpec spec_;
    int threads_;
    bool clips_;
    Moments moments_;
};

}  // namespace chainrule
