// The second phase of a step: from the d of a batch to new parameters.
//
// Each thread owns parts of the tensors: their gradient, their update, their transposed copy. Mostly
// a tile of an affine's gradient goes into the update as it leaves the registers; the others' goes by
// the arena. Where its norm must be known first, or where more comes from elsewhere, all of it is kept
// there, treated and applied.
#pragma once

#include <cmath>
#include <limits>

#include "batch.hpp"
#include "gradient_norm.hpp"
#include "optimizers.hpp"
#include "tensor_parts.hpp"

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

    // What an update does to a gradient beside its step.
    template <class Treated, class Shrinks, class Clips>
    struct How {
        Treated treated;
        Shrinks shrinks;
        Clips clips;
    };
    using Nothing = How<std::false_type, std::false_type, std::false_type>;

public:
    explicit Updates(const OptimizerSpec& spec)
        : spec_(spec), clips_(std::isfinite(spec.clip_value)), moments_(spec.rule, spec.values) {}

    bool clips_norm() const { return std::isfinite(spec_.clip_norm); }

    bool penalises() const { return spec_.values.l1 != 0 || spec_.values.l2 != 0; }

    // f(update) with the rule's coefficients at a step.
    template <class F>
    decltype(auto) with_update(double rate, std::int64_t step, F&& f) const {
        HyperParameters values = spec_.values;
        values.learning_rate = rate;
        return with_rule(spec_.rule, [&]<Rule R>() { return f(Update<R, T>(values, moments_.at(step))); });
    }
    AnyUpdate<T> any_update(double rate, std::int64_t step) const {
        return with_update(rate, step, [](const auto& update) { return AnyUpdate<T>{update}; });
    }

    // The gradient of an operation and its update at once, or into the arena; in shards nothing of
    // those that go by the arena, see `keep_loose`. Each that updates returns NaN where a number has
    // become not finite, else zeros.
    template <class Op, class U>
    V train(const Op& op, Room<T>& room, const Rows& all, const Share<T>& share, const U&) const {
        keep(op, room, all, false, share);
        return V{};
    }
    template <class U>
    V train(const Affine<T>& op, Room<T>& room, const Rows& all, const Share<T>& share,
            const U& update) const {
        if constexpr (!small_code) {
            if (all.cut) return train_apart<true, false>(op, room, all, share, {update});
            if (op.looks_ahead(room)) return train_apart<false, true>(op, room, all, share, {update});
        }
        return train_affine<false, false>(op, room, all, share, update);
    }

    // Keep the gradient of an operation in the arena, added to what is there or in its place.
    template <class Op>
    void keep(const Op& op, Room<T>& room, const Rows& all, bool adds, const Share<T>& share) const {
        if (!all.cut) op.weights(room, all, share, adds);
    }
    void keep(const Affine<T>& op, Room<T>& room, const Rows& all, bool adds,
              const Share<T>& share) const {
        if (!small_code && all.cut) keep_affine<true, false>(op, room, all, adds, share);
        else if (!small_code && op.looks_ahead(room)) keep_affine<false, true>(op, room, all, adds, share);
        else keep_affine<false, false>(op, room, all, adds, share);
    }
    template <bool in_shards, bool far>
    void keep_affine(const Affine<T>& op, Room<T>& room, const Rows& all, bool adds,
                     const Share<T>& share) const {
        const Tensor<T>& W = room.tensors[op.W];
        const auto [i0, i1] = inputs_of(W, share);
        op.template gradient<in_shards, far>(
            room, all, i0, i1, share, [](std::size_t) { return Updated{}; },
            [&](int j, std::size_t place, int count, const T* g) {
                T* to = room.gradient(op.W, 0, j) + place;
                for (int u = 0; u < count; ++u) put(to + u * w, load(g + u * w), adds);
            });
        if (op.b >= 0)
            for_vectors_of(room.tensors[op.b], share, [&](int place) {
                op.template bias_gradient<in_shards>(room, all, place, [&](int j, V g) {
                    put(room.gradient(op.b, 0, j) + place, g, adds);
                });
            });
    }

    // The gradient of an operation over the rows of one shard, where it goes by the arena.
    template <class Op>
    void keep_loose(const Op& op, Room<T>& room, const Rows& rows, const Share<T>& share) const {
        op.weights(room, rows, share, false);
    }
    void keep_loose(const Affine<T>&, Room<T>&, const Rows&, const Share<T>&) const {}

    // One gradient that goes by the arena added to another, `left` and `right` numbers from its place.
    void add(const Tensor<T>& tensor, std::size_t left, std::size_t right, const Share<T>& share) const {
        for_places(tensor, share, [&](std::size_t place, int count) {
            for (const std::size_t end = place + count * w; place < end; place += w)
                put(tensor.g + left + place, load(tensor.g + right + place), true);
        });
    }

    // Give a kept gradient its penalty and bounds, and leave its squares, where it is of weights one
    // sum for each input or row.
    void treat(Tensor<T>& tensor, const Share<T>& share, const Shrinkage<T>& shrinkage) const {
        if (tensor.spec.panels) return treat_panels(tensor, share, shrinkage);
        const bool shrinks = tensor.spec.weight && penalises();
        for_places(tensor, share, [&](std::size_t place, int count) {
            for (const std::size_t end = place + count * w; place < end; place += w) {
                V g = load(tensor.g + place);
                if (shrinks) g = shrinkage.penalised(g, load(tensor.w.get() + place));
                store(tensor.g + place, clipped(g));
            }
        });
        if (tensor.spec.narrow) add_squares(tensor, share);
    }

    // By how much the treated gradient is shortened. Every thread works it out in the same order.
    T norm_scale(const std::vector<Tensor<T>>& tensors) const {
        const double norm = gradient_norm(tensors);
        return T(norm > spec_.clip_norm ? spec_.clip_norm / norm : 1);
    }

    // Update a tensor by its gradient in the arena, which is treated or not.
    template <class Treated, class U>
    V apply(Treated treated, Tensor<T>& tensor, const Share<T>& share, T scale, const U& update) const {
        V poison{};
        penalise(tensor, share);
        if (!tensor.spec.moves()) return poison;
        for_places(tensor, share, [&](std::size_t place, int count) {
            poison += update_vectors(treated, tensor, place, count, tensor.g + place, scale, update);
        });
        const auto [i0, i1] = inputs_of(tensor, share);
        tensor.renew(i0, i1);
        const auto [s0, s1] = share.of(static_cast<int>(tensor.spec.segments.size()));
        tensor.add_up(s0, s1);
        return poison;
    }

    // The penalty of the weights before the update, which train and apply have added up.
    double penalty(const std::vector<Tensor<T>>& tensors) const {
        double sum = 0;
        if (penalises())
            for (const Tensor<T>& tensor : tensors)
                for (int i = 0; tensor.spec.weight && i < tensor.parts(); ++i)
                    sum += tensor.sums.get()[i];
        return sum;
    }

    // A thread's share of the penalty.
    void penalise(Tensor<T>& tensor, const Share<T>& share) const {
        const auto [first, last] = tensor.spec.of_affine() ? inputs_of(tensor, share)
                                                           : rows_of(tensor, share);
        add_penalties(tensor, first, last);
    }

private:
    template <bool in_shards, bool far, class U>
    CHAINRULE_INLINE V train_affine(const Affine<T>& op, Room<T>& room, const Rows& all,
                                    const Share<T>& share, const U& update) const {
        Tensor<T>& W = room.tensors[op.W];
        V poison{};
        const auto [i0, i1] = inputs_of(W, share);
        add_penalties(W, i0, i1);
        if (W.spec.moves()) {
            op.template gradient<in_shards, far>(
                room, all, i0, i1, share, [&](std::size_t place) { return updated(W, place); },
                [&](int, std::size_t place, int count, const T* g) {
                    poison += update_vectors(fixed<false>, W, place, count, g, T{1}, update);
                });
            W.renew(i0, i1);
        }
        if (op.b >= 0 && room.tensors[op.b].spec.moves())
            for_vectors_of(room.tensors[op.b], share, [&](int place) {
                op.template bias_gradient<in_shards>(room, all, place, [&](int, V g) {
                    poison += update_vector(room.tensors[op.b], place, clipped(g), update);
                });
            });
        return poison;
    }

    // Apart, so that it takes no room in what small networks go through, and once for all rules.
    template <bool in_shards, bool far>
    [[gnu::noinline]] V train_apart(const Affine<T>& op, Room<T>& room, const Rows& all,
                                    const Share<T>& share, const AnyUpdate<T>& update) const {
        return train_affine<in_shards, far>(op, room, all, share, update);
    }

    // λ₁ Σ|W| + ½ λ₂ ΣW², one sum for each input or row.
    void add_penalties(Tensor<T>& tensor, int first, int last) const {
        if (!penalises() || !tensor.spec.weight) return;
        for (int i = first; i < last; ++i) tensor.sums.get()[i] = penalty_of(tensor, i);
    }

    double penalty_of(const Tensor<T>& tensor, int i) const {
        const double l1 = spec_.values.l1, l2 = spec_.values.l2;
        double sum = 0;
        const auto add = [&](const T* W, long count) {
            for (long o = 0; o < count; ++o)
                sum += multiply_add(l1, std::abs(double(W[o])), 0.5 * l2 * double(W[o]) * double(W[o]));
        };
        if (tensor.spec.narrow)
            for (int o = 0; o < tensor.out; ++o) add(tensor.row(o) + i, 1);
        else if (!tensor.spec.panels) add(tensor.row(i), tensor.ld);
        else
            for (int column = 0; column < tensor.columns; column += NR)
                add(tensor.w.get() + tensor.at(column, i), tensor.vectors(column) * w);
        return sum;
    }

    void treat_panels(Tensor<T>& tensor, const Share<T>& share, const Shrinkage<T>& shrinkage) const {
        double* sums = tensor.sums.get();
        const auto [i0, i1] = inputs_of(tensor, share);
        std::fill(sums + i0, sums + i1, 0.0);
        constexpr int some = 64;  // few enough that their panels follow each other in the cache
        for (int o = 0; o < tensor.columns && tensor.spec.moves(); o += some)
            for (int i = i0; i < i1; ++i)
                sums[i] += treat_outputs(tensor, i, o, std::min(some, tensor.columns - o), shrinkage);
    }

    // The squares of a narrow gradient, where it moves anything.
    void add_squares(Tensor<T>& tensor, const Share<T>& share) const {
        double* sums = tensor.sums.get();
        const auto [i0, i1] = inputs_of(tensor, share);
        std::fill(sums + i0, sums + i1, 0.0);
        for (int o = 0; o < tensor.out && tensor.spec.moves(); ++o)
            for (int i = i0; i < i1; ++i) sums[i] = add_square(sums[i], tensor.gradient_row(o)[i]);
    }

    // The same for the weights from one input to some outputs; return the sum of their squares.
    double treat_outputs(Tensor<T>& tensor, int i, int first, int count,
                         const Shrinkage<T>& shrinkage) const {
        Squares<T> squares;
        for_vectors<T>(count, [&](int o, int, int p) {
            const std::size_t place = tensor.place(first + o, i);
            V g = load(tensor.g + place);
            if (penalises() && tensor.spec.weight)
                g = shrinkage.penalised(g, load(tensor.w.get() + place));
            g = clipped(g);
            store(tensor.g + place, g);
            squares.add(g, p);
        });
        return squares.sum();
    }

    V clipped(V g) const {
        if (!clips_) return g;
        const V bound = broadcast<T>(T(spec_.clip_value));
        return minimum(maximum(g, -bound), bound);
    }

    // Weights and states from `place` on.
    static Updated updated(const Tensor<T>& tensor, std::size_t place) {
        return {tensor.w.get() + place, state(tensor, 0, place), state(tensor, 1, place)};
    }

    // `count` vectors from `place` on; g is their gradient, with the penalty in it and bounds kept
    // where it was treated.
    template <class Treated, class U>
    V update_vectors(Treated treated, Tensor<T>& tensor, std::size_t place, int count, const T* g, T scale,
                     const U& update) const {
        const bool clips = clips_ && !treated, shrinks = tensor.spec.weight && update.shrinkage.any();
        if constexpr (small_code) {
            if (!treated && !shrinks && !clips)  // mostly, and then nothing is asked vector by vector
                return update_run<1>(Nothing{}, tensor, place, count, g, scale, update);
            const How<bool, bool, bool> how{treated, shrinks, clips};
            return update_run<1>(how, tensor, place, count, g, scale, update);
        } else {
            const auto all = [&](auto shrinks, auto clips) {
                const How<Treated, decltype(shrinks), decltype(clips)> how{treated, shrinks, clips};
                if constexpr (U::together > 1)
                    if (update.spares) return update_by_groups(how, tensor, place, count, g, scale, update);
                return update_run<1>(how, tensor, place, count, g, scale, update);
            };
            if (shrinks) return clips ? all(fixed<true>, fixed<true>) : all(fixed<true>, fixed<false>);
            return clips ? all(fixed<false>, fixed<true>) : all(fixed<false>, fixed<false>);
        }
    }
    template <class Treated>
    V update_vectors(Treated treated, Tensor<T>& tensor, std::size_t place, int count, const T* g, T scale,
                     const AnyUpdate<T>& update) const {
        return std::visit(
            [&](const auto& rule) {
                return update_vectors(treated, tensor, place, count, g, scale, rule);
            },
            update.rule);
    }

    // Apart, so that it takes no room where the processor divides.
    template <class H, class U>
    [[gnu::noinline]] V update_by_groups(H how, Tensor<T>& tensor, std::size_t place, int count, const T* g,
                                         T scale, const U& update) const {
        const int whole = count / U::together * U::together;
        return update_run<U::together>(how, tensor, place, whole, g, scale, update) +
               update_run<1>(how, tensor, place + whole * w, count - whole, g + whole * w, scale, update);
    }

    // Some of them at a time.
    template <int some, class H, class U>
    CHAINRULE_INLINE V update_run(H how, Tensor<T>& tensor, std::size_t place, int count, const T* g,
                                  T scale, const U& update) const {
        V poison{};
        for (int u = 0; u < count; u += some)
            poison += update_some<some>(how, tensor, place + u * w, g + u * w, scale, update);
        return poison;
    }

    // Side by side.
    template <int count, class H, class U>
    CHAINRULE_INLINE V update_some(H how, Tensor<T>& tensor, std::size_t place, const T* g, T scale,
                                   const U& update) const {
        const bool only_decays = how.shrinks && (how.treated || how.clips);  // the penalty is in dW by then
        T* W = tensor.w.get() + place;
        V before[count], dW[count], poison{};
#pragma GCC unroll 4
        for (int u = 0; u < count; ++u) {
            before[u] = load(W + u * w);
            dW[u] = load(g + u * w);
            if (how.treated) dW[u] *= scale;
            else if (how.shrinks && how.clips) dW[u] = update.shrinkage.penalised(dW[u], before[u]);
            if (how.clips && !how.treated) dW[u] = clipped(dW[u]);
        }
        T *first = state(tensor, 0, place), *second = state(tensor, 1, place);
        if (how.shrinks && !only_decays) update.template update<true>(dW, W, first, second);
        else update.template update<false>(dW, W, first, second);
#pragma GCC unroll 4
        for (int u = 0; u < count; ++u) {
            if (only_decays)
                store(W + u * w, multiply_add(before[u], -update.shrinkage.decay, load(W + u * w)));
            poison = multiply_add(load(W + u * w), T{0}, poison);
        }
        return poison;
    }

    template <class U>
    V update_vector(Tensor<T>& b, std::size_t place, V g, const U& update) const {
        T* p = b.w.get() + place;
        update.template update<false>(g, p, state(b, 0, place), state(b, 1, place));
        return load(p) * T{0};
    }
    V update_vector(Tensor<T>& b, std::size_t place, V g, const AnyUpdate<T>& update) const {
        return std::visit([&](const auto& rule) { return update_vector(b, place, g, rule); }, update.rule);
    }

    static T* state(const Tensor<T>& tensor, int k, std::size_t place) {
        return tensor.states[k] ? tensor.states[k].get() + place : nullptr;
    }

    OptimizerSpec spec_;
    bool clips_;
    Moments moments_;
};

}  // namespace chainrule
