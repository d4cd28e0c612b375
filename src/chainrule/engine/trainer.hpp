// Whole epochs of training in one call, on a team of threads; and the parts of a step alone.
//
// A step has two phases, by rows of the batch (batch.hpp) and by rows of the weights (update.hpp). A
// barrier ends each. Every sum is taken in an order that the number of threads does not change.
//
// A step happens whole or not at all: whether it may is settled at the first barrier. The one thing
// that only the update can show, a weight that is no longer finite, is reported, and the caller goes
// back to where it began and repeats the steps before.
#pragma once

#include <chrono>

#include "update.hpp"

namespace chainrule {

// Epochs over the same examples, in an order of its own for each, or as they stand. `rates` holds the
// learning rate of each step from first_step + 1 on, or one for all.
struct Plan {
    bool shuffles;
    std::uint64_t seed;
    std::uint32_t number;  // of the stream that orders the examples
    std::int64_t first_epoch, epochs, batch, first_step;
    double mean_weight;  // of all examples; 0 where the cost is their sum, not their mean
    const double* rates;
    bool one_rate;
    double seconds;  // after which the run ends with the epoch it is in
    std::int64_t most_steps = std::numeric_limits<std::int64_t>::max();
    std::span<const std::int64_t> left_out{};  // the examples, in their order, that no step takes

    bool orders() const { return shuffles || !left_out.empty(); }
};

enum class Outcome { done, diverged, interrupted };

struct Report {
    Outcome outcome = Outcome::done;
    std::int64_t steps = 0;     // whole steps made
    std::vector<double> costs;  // of the whole epochs made
};

template <class T>
class Trainer {
    using V = typename Vec<T>::type;
    using clock = std::chrono::steady_clock;

public:
    // `keeps_gradient` where a gradient is asked for by itself.
    Trainer(const NetworkSpec& net, const OptimizerSpec& optimizer, int batch, int threads,
            bool keeps_gradient)
        : threads_(threads), updates_(optimizer, threads), barrier_(threads),
          net_(net, batch, with_rule(optimizer.rule, []<Rule R>() { return state_count<R>; }),
               keeps_gradient || updates_.clips_norm()) {
        int widest = 1;
        double work = 1, weights = 0;
        for (const Layer<T>& l : net_.layers) {
            if (packs_columns(l)) widest = std::max(widest, l.in);
            work += 6.0 * batch * l.in * l.out;
            weights += sizeof(T) * static_cast<double>(l.weights());
        }
        ask_every_ = 1 + static_cast<std::int64_t>(1e6 / work);  // some tens of microseconds
        const double row = 2 / 3.0 * work / batch;
        if (weights > 3e5)  // else all of it stays in the second-level cache with some rows
            rows_at_once_ = block * static_cast<int>(1 + std::min(5e9 / row / block, 1e5));  // 25 ms
        for (int t = 0; t < threads; ++t) packing_.emplace_back(packing_room<T>(batch, widest));
    }

    std::vector<Layer<T>>& layers() { return net_.layers; }

    // To be called once parameters and states have been read into the layers.
    void ready() {
        for (std::size_t k = 1; k < layers().size(); ++k)
            layers()[k].pack_transposed(0, layers()[k].in);
    }

    // `interrupted` is asked by the calling thread now and then, and ends the run when it says so.
    template <class F>
    Report run(const Data<T>& data, const Plan& plan, F&& interrupted) {
        report_ = {};
        // Here, where an exception still reaches the caller.
        report_.costs.reserve(static_cast<std::size_t>(plan.epochs));
        if (plan.orders()) order_.resize(static_cast<std::size_t>(data.n) - plan.left_out.size());
        stop_ = enough_ = rows_failed_ = weights_failed_ = false;
        const std::chrono::duration<double> length(plan.seconds);
        const auto until = clock::now() + std::chrono::duration_cast<clock::duration>(length);
        run_team(threads_, [&](int t) { work(data, plan, t, until, interrupted); });
        return report_;
    }

    // Σ w L of the examples of a batch of any size, and the sum of its gradient, kept in the layers.
    double gradient_sum(const Data<T>& data, const Batch& all) {
        if (all.n == 0) updates_.keep_nothing(layers());
        return over_pieces(data, all, [&](const Batch& b, int t) {
            chainrule::backward(net_, rows_of(b, t));
            barrier_.wait();
            for (std::size_t k = 0; k < layers().size(); ++k)
                updates_.keep(layers()[k], net_.entering(k), net_.batch, int(b.n), b.first > all.first,
                              t, packing_[t].get());
        });
    }

    // The same sum of losses, and the squared norm of each example's part of the gradient.
    double squared_norms(const Data<T>& data, const Batch& all, T* norms) {
        return over_pieces(data, all, [&](const Batch& b, int t) {
            const Part part = rows_of(b, t);
            chainrule::backward(net_, part);
            for (int r = part.first; r < part.last; ++r)
                norms[b.first - all.first + r] = T(squared_norm(net_, r));
        });
    }

    double loss_sum(const Data<T>& data, const Batch& all) {
        return over_pieces(data, all, [](const Batch&, int) {});
    }

    // λ₁ Σ|W| + ½ λ₂ ΣW².
    double penalty() {
        for (Layer<T>& l : layers()) updates_.add_penalties(l, 0, l.in);
        return updates_.penalty(layers());
    }

    // Step number `step`, by the gradient that the layers keep. False where a weight is not finite.
    bool update(std::int64_t step, double rate) {
        weights_failed_ = false;
        run_team(threads_, [&](int t) {
            updates_.with_update(rate, step, [&](const auto& u) { treat_and_apply(t, u); });
        });
        return !weights_failed_;
    }

private:
    template <class F>
    void work(const Data<T>& data, const Plan& plan, int t, clock::time_point until,
              F&& interrupted) {
        std::int64_t made = 0;
        const bool sums = plan.mean_weight == 0;
        const auto n = data.n - static_cast<std::int64_t>(plan.left_out.size());
        for (std::int64_t epoch = 0; epoch < plan.epochs; ++epoch) {
            if (plan.orders()) {
                if (t == 0) set_order(data, plan, epoch);
                barrier_.wait();
            }
            const std::int64_t* order = plan.orders() ? order_.data() : nullptr;
            double total = 0, weight = 0;
            for (std::int64_t first = 0; first < n; first += plan.batch) {
                if (made == plan.most_steps) return;
                const std::int64_t step = plan.first_step + made + 1;
                Batch b{std::min(plan.batch, n - first), first, order,
                        static_cast<std::uint64_t>(step), 0};
                const double share = sums ? 1 : static_cast<double>(b.n) * plan.mean_weight;
                b.scale = 1 / share;
                const bool asks = t == 0 && made % ask_every_ == 0;
                rows_phase(data, b, rows_of(b, t), [&] { return asks && interrupted(); });
                barrier_.wait();
                if (stop_ || rows_failed_) {
                    if (t == 0)
                        report_.outcome = rows_failed_ ? Outcome::diverged : Outcome::interrupted;
                    return;
                }
                const double losses = t == 0 ? chainrule::loss_sum(net_, data, b) : 0;
                if (t == 0 && b.first + b.n == n && clock::now() > until) enough_ = true;
                weights_phase(b, step, plan.rates[plan.one_rate ? 0 : made], t);
                barrier_.wait();
                if (weights_failed_) {
                    if (t == 0) report_.outcome = Outcome::diverged;
                    return;
                }
                ++made;
                if (t == 0) {
                    report_.steps = made;
                    total += multiply_add(share, updates_.penalty(layers()), losses);
                    weight += share;
                }
            }
            if (t == 0) report_.costs.push_back(total / (sums ? 1 : weight));
            if (enough_) return;
        }
    }

    void set_order(const Data<T>& data, const Plan& plan, std::int64_t epoch) {
        fill_in_order(order_.data(), data.n, plan.left_out);
        if (plan.shuffles)
            shuffle(order_.data(), static_cast<std::int64_t>(order_.size()), plan.seed, plan.number,
                    static_cast<std::uint64_t>(plan.first_epoch + epoch + 1));
    }

    // Some rows at a time. `interrupted` is asked between them, and once where there are none.
    template <class F>
    void rows_phase(const Data<T>& data, const Batch& b, Part all, F&& interrupted) {
        for (int r = all.first; r < all.last && !stop_; r += rows_at_once_) {
            const Part part{r, std::min(r + rows_at_once_, all.last)};
            forward(net_, data, b, part);
            if (!compare(net_, data, b, part)) rows_failed_ = true;
            chainrule::backward(net_, part);
            if (part.last < all.last && interrupted()) stop_ = true;
        }
        if (interrupted()) stop_ = true;
    }

    void weights_phase(const Batch& b, std::int64_t step, double rate, int t) {
        updates_.with_update(rate, step, [&](const auto& update) {
            if (updates_.clips_norm()) {
                for (std::size_t k = layers().size(); k-- > 0;)
                    updates_.keep(layers()[k], net_.entering(k), net_.batch, int(b.n), false, t,
                                  packing_[t].get());
                treat_and_apply(t, update);
                return;
            }
            V poison{};
            for (std::size_t k = layers().size(); k-- > 0;)
                poison += updates_.train(layers()[k], net_.entering(k), net_.batch, int(b.n), k == 0, t,
                                         packing_[t].get(), update);
            check(poison);
        });
    }

    Part rows_of(const Batch& b, int t) const { return part_of(int(b.n), t, threads_); }

    template <class U>
    void treat_and_apply(int t, const U& update) {
        for (Layer<T>& l : layers()) updates_.treat(l, t, update);
        T scale = 1;
        if (updates_.clips_norm()) {
            barrier_.wait();
            scale = updates_.norm_scale(layers());
        }
        barrier_.wait();  // the sums are now free for the penalty
        V poison{};
        for (std::size_t k = layers().size(); k-- > 0;)
            poison += updates_.apply(layers()[k], k == 0, t, scale, update);
        check(poison);
    }

    void check(V poison) {
        if (!(sum_of_lanes(poison) == 0)) weights_failed_ = true;
    }

    // Forward and loss of a batch, as many rows at a time as there is room for; then f(piece, t).
    template <class F>
    double over_pieces(const Data<T>& data, const Batch& all, F&& f) {
        double losses = 0;
        run_team(threads_, [&](int t) {
            for (std::int64_t done = 0; done < all.n; done += net_.batch) {
                Batch b = all;
                b.first += done;
                b.n = std::min<std::int64_t>(net_.batch, all.n - done);
                const Part part = rows_of(b, t);
                forward(net_, data, b, part);
                compare(net_, data, b, part);
                f(b, t);
                barrier_.wait();
                if (t == 0) losses += chainrule::loss_sum(net_, data, b);
                barrier_.wait();
            }
        });
        return losses;
    }

    int threads_;
    std::int64_t ask_every_ = 1;
    int rows_at_once_ = block;
    Updates<T> updates_;
    Barrier barrier_;
    Network<T> net_;
    std::vector<Buffer<T>> packing_;
    std::vector<std::int64_t> order_;
    Report report_;
    // Each is set in one phase and read after the barrier that ends it: a thread that is ahead, in the
    // next phase, must not be seen by one that still reads.
    std::atomic<bool> stop_{false}, enough_{false}, rows_failed_{false}, weights_failed_{false};
};

}  // namespace chainrule
