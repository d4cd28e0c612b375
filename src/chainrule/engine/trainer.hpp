// Whole epochs of training in one call, on a team of threads.
//
// A step has two phases. In the first, each thread takes its rows of the batch through forward,
// loss and backward, and needs nobody. In the second, each thread owns rows of the weights: their
// gradient, their update, their transposed copy. A barrier ends each. Every sum is taken in an order
// that the number of threads does not change.
//
// A step happens whole or not at all: whether it may is settled at the first barrier. The one thing
// that only the update can show, a weight that is no longer finite, is reported, and the caller goes
// back to where it began and repeats the steps before.
#pragma once

#include <limits>

#include "losses.hpp"
#include "passes.hpp"
#include "team.hpp"

namespace chainrule {

struct NetworkSpec {
    int inputs;
    std::vector<Dropout> input_dropouts;
    std::vector<LayerSpec> layers;
    Loss loss;
    double loss_parameter;
};

struct OptimizerSpec {
    Rule rule;
    HyperParameters values;
    double clip_value = std::numeric_limits<double>::infinity();
    double clip_norm = std::numeric_limits<double>::infinity();
};

template <class T>
struct Data {
    const T* X;
    std::int64_t ldx, n;
    Targets<T> targets;  // without an order
};

// Epochs over the same examples: `orders` holds one order for each, or is null for the examples as
// they stand. `rates` holds the learning rate of each step from first_step + 1 on.
struct Plan {
    const std::int64_t* orders;
    std::int64_t epochs, batch, first_step;
    const double* rates;
    std::int64_t most_steps = std::numeric_limits<std::int64_t>::max();
};

enum class Outcome { done, diverged, interrupted };

struct Report {
    Outcome outcome;
    std::int64_t steps;         // whole steps made
    std::vector<double> costs;  // of the whole epochs made
};

template <class T>
class Trainer {
    using V = typename Vec<T>::type;
    static constexpr int NR = panel_width<T>;

public:
    Trainer(const NetworkSpec& net, const OptimizerSpec& optimizer, int batch, int threads)
        : net_(net), optimizer_(optimizer), batch_(batch), threads_(threads),
          clips_norm_(std::isfinite(optimizer.clip_norm)), barrier_(threads), x_(batch),
          values_(static_cast<std::size_t>(batch)) {
        const int states = with_rule(optimizer.rule, []<Rule R>() { return state_count<R>; });
        int widest = 1;
        double work = 1;
        for (std::size_t k = 0; k < net.layers.size(); ++k) {
            layers_.emplace_back(net.layers[k], batch, states, k == 0, clips_norm_);
            widest = std::max(widest, net.layers[k].in);
            work += 6.0 * batch * net.layers[k].in * net.layers[k].out;
        }
        ask_every_ = 1 + static_cast<std::int64_t>(1e6 / work);  // some tens of microseconds
        const auto room = static_cast<std::size_t>(batch) * (std::min(block, widest) + most_rows);
        for (int t = 0; t < threads; ++t) packing_.emplace_back(room);
        if (!net.input_dropouts.empty())
            inputs_ = Buffer<T>(static_cast<std::size_t>(batch) * net.inputs);
    }

    std::vector<Layer<T>>& layers() { return layers_; }

    // To be called once parameters and states have been read into the layers.
    void ready() {
        for (std::size_t k = 1; k < layers_.size(); ++k) layers_[k].pack_transposed(0, layers_[k].in);
    }

    // `interrupted` is asked by the calling thread now and then, and ends the run when it says so.
    template <class F>
    Report run(const Data<T>& data, const Plan& plan, F&& interrupted) {
        report_ = {Outcome::done, 0, {}};
        stop_ = rows_failed_ = weights_failed_ = false;
        run_team(threads_, [&](int t) { work(data, plan, t, interrupted); });
        return report_;
    }

private:
    struct Batch {
        int n;
        std::uint64_t step;
        double weight;
        const std::int64_t* order;
        std::int64_t first;
    };

    template <class F>
    void work(const Data<T>& data, const Plan& plan, int t, F&& interrupted) {
        std::int64_t made = 0;
        for (std::int64_t epoch = 0; epoch < plan.epochs; ++epoch) {
            const std::int64_t* order = plan.orders ? plan.orders + epoch * data.n : nullptr;
            double total = 0, weight = 0;
            for (std::int64_t first = 0; first < data.n; first += plan.batch) {
                if (made == plan.most_steps) return;
                Batch b{static_cast<int>(std::min(plan.batch, data.n - first)),
                        static_cast<std::uint64_t>(plan.first_step + made + 1), 0, order, first};
                b.weight = weight_of(data, b);
                if (b.weight == 0) continue;
                rows_phase(data, b, part_of(b.n, t, threads_));
                if (t == 0 && made % ask_every_ == 0 && interrupted()) stop_ = true;
                barrier_.wait();
                if (stop_ || rows_failed_) {
                    if (t == 0)
                        report_.outcome = rows_failed_ ? Outcome::diverged : Outcome::interrupted;
                    return;
                }
                const double cost = t == 0 ? mean_loss(data, b) : 0;
                weights_phase(b, plan.rates[made], t);
                barrier_.wait();
                if (weights_failed_) {
                    if (t == 0) report_.outcome = Outcome::diverged;
                    return;
                }
                ++made;
                if (t == 0) {
                    report_.steps = made;
                    total += b.weight * (cost + penalty());
                    weight += b.weight;
                }
            }
            if (t == 0) report_.costs.push_back(total / weight);
        }
    }

    std::int64_t example(const Batch& b, std::int64_t r) const {
        return b.order ? b.order[b.first + r] : b.first + r;
    }

    double weight_of(const Data<T>& data, const Batch& b) const {
        if (!data.targets.weights) return b.n;
        double sum = 0;
        for (int r = 0; r < b.n; ++r) sum += data.targets.weights[example(b, r)];
        return sum;
    }

    // The penalty of the weights before the update, which the weights' phase has added up.
    double penalty() const {
        if (optimizer_.values.l1 == 0 && optimizer_.values.l2 == 0) return 0;
        double sum = 0;
        for (const auto& l : layers_)
            for (int i = 0; i < l.in; ++i) sum += l.sums.get()[i];
        return sum;
    }

    double mean_loss(const Data<T>& data, const Batch& b) const {
        double sum = 0;
        const T* weights = data.targets.weights;
        for (int r = 0; r < b.n; ++r)
            sum += static_cast<double>(values_.get()[r]) * (weights ? weights[example(b, r)] : 1);
        return sum / b.weight;
    }

    // --- the first phase: rows of the batch

    void gather(const Data<T>& data, const Batch& b, Part part) {
        for (int r = part.first; r < part.last; ++r) {
            x_[r] = data.X + example(b, r) * data.ldx;
            if (!inputs_) continue;
            T* row = inputs_.get() + static_cast<std::int64_t>(r) * net_.inputs;
            std::copy_n(x_[r], net_.inputs, row);
            for (const Dropout& d : net_.input_dropouts)
                for_each_mask(d, b.step, r, net_.inputs, [&](int j, bool stays) {
                    row[j] *= stays ? T(1 / (1 - d.rate)) : T{0};
                });
            x_[r] = row;
        }
    }

    const T* const* entering(std::size_t k) const {
        return k == 0 ? x_.data() : layers_[k - 1].a_rows.data();
    }

    void rows_phase(const Data<T>& data, const Batch& b, Part part) {
        const auto [r0, r1] = part;
        if (r0 == r1) return;
        gather(data, b, part);
        for (std::size_t k = 0; k < layers_.size(); ++k)
            forward(layers_[k], entering(k), r0, r1, b.step);
        compare(data, b, r0, r1);
        for (std::size_t k = layers_.size() - 1; k > 0; --k)
            backward(layers_[k], layers_[k - 1], batch_, r0, r1);
    }

    void compare(const Data<T>& data, const Batch& b, int r0, int r1) {
        Layer<T>& last = layers_.back();
        Targets<T> targets = data.targets;
        if (b.order) {
            targets.order = b.order + b.first;
        } else {
            if (targets.y) targets.y += b.first * targets.ld;
            if (targets.labels) targets.labels += b.first;
            if (targets.weights) targets.weights += b.first;
        }
        loss_rows(net_.loss, T(net_.loss_parameter), last.out, last.a.get(), last.ld, targets,
                  T(1 / b.weight), last.delta.get(), last.ld, values_.get(), r0, r1);
        for (int r = r0; r < r1; ++r)
            if (!std::isfinite(values_.get()[r])) rows_failed_ = true;
        for (int column = 0; column < last.columns; column += NR)
            finish_delta(last, batch_, r0, r1 - r0, column, last.vectors(column));
    }

    // --- the second phase: rows of the weights

    void weights_phase(const Batch& b, double rate, int t) {
        HyperParameters values = optimizer_.values;
        values.learning_rate = rate;
        const auto step = static_cast<std::int64_t>(b.step);
        with_rule(optimizer_.rule, [&]<Rule R>() {
            const auto update = prepare<R, T>(values, step);
            if (clips_norm_) {
                for (std::size_t k = layers_.size(); k-- > 0;) measure_layer(k, b.n, t, update);
                barrier_.wait();
                const T scale = norm_scale();
                barrier_.wait();  // the sums are now free for the penalty
                for (std::size_t k = layers_.size(); k-- > 0;) apply_layer(k, t, update, scale);
            } else {
                for (std::size_t k = layers_.size(); k-- > 0;) train_layer(k, b.n, t, update);
            }
        });
    }

    Part inputs_of(const Layer<T>& l, int t) const {
        const auto [first, last] = part_of((l.in + NR - 1) / NR, t, threads_);
        return {std::min(l.in, first * NR), std::min(l.in, last * NR)};
    }

    Part outputs_of(const Layer<T>& l, int t) const {
        return part_of(l.columns / Vec<T>::width, t, threads_);
    }

    V clipped(V g) const {
        if (!std::isfinite(optimizer_.clip_value)) return g;
        const V bound = broadcast<T>(T(optimizer_.clip_value));
        return minimum(maximum(g, -bound), bound);
    }

    // The gradient of one layer, and its update at once.
    template <class U>
    void train_layer(std::size_t k, int n, int t, const U& update) {
        Layer<T>& l = layers_[k];
        const auto [i0, i1] = inputs_of(l, t);
        add_penalties(l, i0, i1);
        if (!l.spec.frozen_W) {
            gradient(l, entering(k), batch_, n, i0, i1, packing_[t].get(),
                     [&](int column, int i, int rows, int vectors, const T* g) {
                         update_weights(l, l.at(column, i), rows * vectors, g, T{1}, update);
                     });
            if (k > 0) l.pack_transposed(i0, i1);
        }
        if (l.spec.frozen_b) return;
        for_outputs(l, t, [&](int column, int v) {
            const V g = clipped(bias_gradient(l, batch_, n, column, v));
            update_bias(l, column + v * Vec<T>::width, g, update);
        });
    }

    template <class F>
    void for_outputs(const Layer<T>& l, int t, F&& f) {
        const auto [first, last] = outputs_of(l, t);
        for (int u = first; u < last; ++u) {
            const int column = u * Vec<T>::width / NR * NR;
            f(column, u - column / Vec<T>::width);
        }
    }

    // `count` vectors of weights from `place` on; g is their gradient without the penalty.
    template <class U>
    void update_weights(Layer<T>& l, std::size_t place, int count, const T* g, T scale,
                        const U& update) {
        const bool shrinks = update.shrinkage.any(), clips = std::isfinite(optimizer_.clip_value);
        V poison{};
        auto each = [&]<bool Shrinks, bool Clips>() {
            for (int u = 0; u < count; ++u, place += Vec<T>::width) {
                T* w = l.W.get() + place;
                V dw = load(g + u * Vec<T>::width);
                if constexpr (Clips) {
                    if (!clips_norm_) {
                        if constexpr (Shrinks) dw = update.shrinkage.penalised(dw, load(w));
                        dw = clipped(dw);
                    }
                    dw *= scale;
                }
                step_weights<Shrinks, Clips>(update, dw, w, state(l.sW[0], place), state(l.sW[1], place));
                poison += load(w) * T{0};
            }
        };
        const bool treated = clips || clips_norm_;  // the penalty is in g already
        if (shrinks) treated ? each.template operator()<true, true>() : each.template operator()<true, false>();
        else treated ? each.template operator()<false, true>() : each.template operator()<false, false>();
        check(poison);
    }

    // Where the gradient was clipped, the penalty is in it already, and only the decay is left.
    template <bool Shrinks, bool Treated, class U>
    CHAINRULE_INLINE static void step_weights(const U& update, V g, T* w, T* s1, T* s2) {
        if constexpr (Shrinks && Treated) {
            const V before = load(w);
            update.template update<false>(g, w, s1, s2);
            store(w, load(w) - before * update.shrinkage.decay);
        } else {
            update.template update<Shrinks>(g, w, s1, s2);
        }
    }

    template <class U>
    void update_bias(Layer<T>& l, std::size_t place, V g, const U& update) {
        update.template update<false>(g, l.b.get() + place, state(l.sb[0], place),
                                      state(l.sb[1], place));
        check(load(l.b.get() + place) * T{0});
    }

    static T* state(const Buffer<T>& s, std::size_t place) { return s ? s.get() + place : nullptr; }

    void check(V poison) {
        if (!std::isfinite(static_cast<double>(sum(poison)))) weights_failed_ = true;
    }

    // --- clipping by the norm: first all of the gradient, then its norm, then the updates

    template <class U>
    void measure_layer(std::size_t k, int n, int t, const U& update) {
        Layer<T>& l = layers_[k];
        double* squares = l.sums.get();
        const auto [i0, i1] = inputs_of(l, t);
        std::fill(squares + i0, squares + i1, 0.0);
        if (!l.spec.frozen_W)
            gradient(l, entering(k), batch_, n, i0, i1, packing_[t].get(),
                     [&](int column, int i, int rows, int vectors, const T* g) {
                         const std::size_t place = l.at(column, i);
                         for (int u = 0; u < rows * vectors; ++u) {
                             const std::size_t at = place + u * Vec<T>::width;
                             V dw = load(g + u * Vec<T>::width);
                             if (update.shrinkage.any())
                                 dw = update.shrinkage.penalised(dw, load(l.W.get() + at));
                             dw = clipped(dw);
                             store(l.gW.get() + at, dw);
                             squares[i + u / vectors] += square_sum(dw);
                         }
                     });
        for_outputs(l, t, [&](int column, int v) {
            store(l.gb.get() + column + v * Vec<T>::width,
                  clipped(bias_gradient(l, batch_, n, column, v)));
        });
    }

    static double square_sum(V g) {
        double sum = 0;
        for (int k = 0; k < Vec<T>::width; ++k) sum += static_cast<double>(g[k]) * g[k];
        return sum;
    }

    // Every thread works it out for itself, in the same order.
    T norm_scale() const {
        double sum = 0;
        for (const auto& l : layers_) {
            for (int i = 0; i < l.in; ++i) sum += l.sums.get()[i];
            if (l.spec.frozen_b) continue;
            for (int o = 0; o < l.out; ++o) sum += double(l.gb.get()[o]) * l.gb.get()[o];
        }
        const double norm = std::isfinite(sum) ? std::sqrt(sum) : wide_norm();
        return T(norm > optimizer_.clip_norm ? optimizer_.clip_norm / norm : 1);
    }

    // The norm where the squares overflow: the largest number is drawn out of them.
    double wide_norm() const {
        const auto over_all = [&](auto&& f) {
            for (const auto& l : layers_) {
                if (!l.spec.frozen_W) l.for_each_weight([&](std::size_t, std::size_t k) { f(l.gW.get()[k]); });
                if (!l.spec.frozen_b)
                    for (int o = 0; o < l.out; ++o) f(l.gb.get()[o]);
            }
        };
        double largest = 0, sum = 0;
        over_all([&](double g) { largest = std::max(largest, std::abs(g)); });
        over_all([&](double g) { sum += (g / largest) * (g / largest); });
        return largest * std::sqrt(sum);
    }

    template <class U>
    void apply_layer(std::size_t k, int t, const U& update, T scale) {
        Layer<T>& l = layers_[k];
        const auto [i0, i1] = inputs_of(l, t);
        add_penalties(l, i0, i1);
        if (!l.spec.frozen_W) {
            for (int column = 0; column < l.columns; column += NR)
                if (i0 < i1)
                    update_weights(l, l.at(column, i0), (i1 - i0) * l.vectors(column),
                                   l.gW.get() + l.at(column, i0), scale, update);
            if (k > 0) l.pack_transposed(i0, i1);
        }
        if (l.spec.frozen_b) return;
        for_outputs(l, t, [&](int column, int v) {
            const std::size_t place = column + v * Vec<T>::width;
            update_bias(l, place, load(l.gb.get() + place) * scale, update);
        });
    }

    // λ₁ Σ|W| + ½ λ₂ ΣW² of the weights before the update, one sum for each input.
    void add_penalties(Layer<T>& l, int i0, int i1) {
        const double l1 = optimizer_.values.l1, l2 = optimizer_.values.l2;
        if (l1 == 0 && l2 == 0) return;
        for (int i = i0; i < i1; ++i) {
            double sum = 0;
            for (int column = 0; column < l.columns; column += NR) {
                const T* w = l.W.get() + l.at(column, i);
                for (int o = 0; o < l.vectors(column) * Vec<T>::width; ++o)
                    sum += l1 * std::abs(double(w[o])) + 0.5 * l2 * double(w[o]) * double(w[o]);
            }
            l.sums.get()[i] = sum;
        }
    }

    NetworkSpec net_;
    OptimizerSpec optimizer_;
    int batch_, threads_;
    bool clips_norm_;
    std::int64_t ask_every_ = 1;
    Barrier barrier_;
    std::vector<Layer<T>> layers_;
    std::vector<const T*> x_;
    std::vector<Buffer<T>> packing_;
    Buffer<T> inputs_, values_;
    Report report_;
    // Each is set in one phase and read after the barrier that ends it: a thread that is ahead, in the
    // next phase, must not be seen by one that still reads.
    std::atomic<bool> stop_{false}, rows_failed_{false}, weights_failed_{false};
};

}  // namespace chainrule
