// Whole epochs of training in one call, on a team of threads; and the parts of a step alone.
//
// A step has two phases, by rows of the batch (batch.hpp) and by parts of the tensors (update.hpp). A
// barrier ends each. Every sum is taken in an order that the number of threads does not change.
//
// Between gradient and update is a seam: what is set there gets the arena with the gradient of a
// batch, whole and without penalty or bounds, and may change it, such as by a sum over processes.
//
// A team makes a run in laps (laps.hpp), some of which its first thread makes alone.
//
// A step happens whole or not at all: whether it may is settled at the first barrier. The one thing
// that only the update can show, a weight that is no longer finite, is reported, and the caller goes
// back to where it began and repeats the steps before.
#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>
#include <utility>

#include "laps.hpp"
#include "plan.hpp"
#include "update.hpp"

namespace chainrule {

template <class T>
class Trainer {
    using V = typename Vec<T>::type;
    using clock = std::chrono::steady_clock;

public:
    using Seam = std::function<void(std::span<T>)>;

    // `keeps_gradient` where a gradient is asked for by itself, or changed at the seam.
    Trainer(const ProgramSpec& spec, const OptimizerSpec& optimizer, int batch, int threads,
            bool keeps_gradient)
        : threads_(threads), team_(threads), updates_(optimizer), barrier_(threads),
          keeps_(keeps_gradient),
          net_(spec, batch, with_rule(optimizer.rule, []<Rule R>() { return state_count<R>; }),
               keeps_gradient || updates_.clips_norm()) {
        double weights = 0;
        for (const Tensor<T>& tensor : tensors()) weights += sizeof(T) * double(tensor.count);
        const double work = 1 + spec.work * batch;
        ask_every_ = 1 + static_cast<std::int64_t>(1e6 / work);  // some tens of microseconds
        const double row = 2 / 3.0 * work / batch;
        if (weights > 3e5)  // else all of it stays in the second-level cache with some rows
            rows_at_once_ = block * static_cast<int>(1 + std::min(5e9 / row / block, 1e5));  // 25 ms
        laps_ = Laps(threads, work);
        for (int t = 0; t < threads; ++t) packing_.emplace_back(widest_packing());
    }

    std::vector<Tensor<T>>& tensors() { return net_.tensors.all; }

    // To be called once parameters and states have been read into the tensors.
    void ready() {
        for (Tensor<T>& tensor : tensors()) tensor.renew();
    }

    void set_seam(Seam seam) {
        if (!keeps_) throw std::invalid_argument("a gradient that changes needs keeps_gradient=True");
        seam_ = std::move(seam);
    }

    // `interrupted` is asked by the calling thread now and then, and ends the run when it says so.
    template <class F>
    Report run(const Data<T>& data, const Plan& plan, F&& interrupted) {
        report_ = {};
        // Here, where an exception still reaches the caller.
        report_.costs.reserve(static_cast<std::size_t>(plan.epochs));
        if (plan.orders()) order_.resize(static_cast<std::size_t>(data.n) - plan.left_out.size());
        stop_ = enough_ = rows_failed_ = weights_failed_ = seam_failed_ = false;
        const std::chrono::duration<double> length(plan.seconds);
        const auto until = clock::now() + std::chrono::duration_cast<clock::duration>(length);
        place_ = {};
        called_ = 0;
        const auto steps = [&](int t) { return make_steps(data, plan, t, until, interrupted); };
        run_team(threads_, [&](int t) { t == 0 ? lead(plan, steps) : follow(t, steps); });
        team_of(threads_);
        if (at_seam_) std::rethrow_exception(std::exchange(at_seam_, nullptr));
        return report_;
    }

    // Σ w L of the examples of a batch of any size, and the sum of its gradient, kept in the arena.
    double gradient_sum(const Data<T>& data, const Batch& all) {
        std::fill_n(net_.tensors.arena.get(), net_.tensors.arena_size, T{0});
        return over_pieces(data, all, [&](const Batch& b, int t) {
            chainrule::backward(net_, b, rows_of(b, t), gathering_back(b, t));
            barrier_.wait();
            keep(b, t, b.first > all.first);
        });
    }

    // The same sum of losses, and the squared norm of each example's part of the gradient.
    double squared_norms(const Data<T>& data, const Batch& all, T* norms) {
        return over_pieces(data, all, [&](const Batch& b, int t) {
            const Part part = rows_of(b, t);
            chainrule::backward(net_, b, part, gathering_back(b, t));
            for (int r = part.first; r < part.last; ++r)
                norms[b.first - all.first + r] = T(squared_norm(net_, b, r));
        });
    }

    double loss_sum(const Data<T>& data, const Batch& all) {
        return over_pieces(data, all, [](const Batch&, int) {});
    }

    // λ₁ Σ|W| + ½ λ₂ ΣW².
    double penalty() {
        for (Tensor<T>& tensor : tensors()) updates_.penalise(tensor, {0, 1, nullptr});
        return updates_.penalty(tensors());
    }

    // Step number `step`, by the gradient in the arena. False where a weight is not finite.
    bool update(std::int64_t step, double rate) {
        weights_failed_ = false;
        run_team(threads_, [&](int t) {
            updates_.with_update(rate, step, [&](const auto& u) { treat_and_apply(t, u); });
        });
        return !weights_failed_;
    }

private:
    // Where a run stands: steps and epochs made, examples gone through in this epoch, its costs.
    struct Place {
        std::int64_t made = 0, epoch = 0, first = 0;
        double total = 0, weight = 0;
    };

    // Which threads share in what follows: only between laps.
    void team_of(int threads) { team_ = threads; }

    // The first thread: lap after lap, alone or with the others, until the run is over. What the
    // others read in a lap is changed once they have met in it.
    template <class F>
    void lead(const Plan& plan, F&& steps) {
        for (bool goes_on = plan.most_steps > 0; goes_on;) {
            team_of(laps_.together() ? threads_ : 1);
            const std::int64_t before = place_.made;
            last_ = before + laps_.begin();
            if (team_ > 1) call();
            goes_on = steps(0);
            laps_.end(place_.made - before);
        }
        last_ = -1;
        call();
    }

    // Each of the others: a lap each time it is called.
    template <class F>
    void follow(int t, F&& steps) {
        for (std::uint32_t seen = 0;; ++seen) {
            await(called_, seen);
            if (last_ < 0) return;
            steps(t);
        }
    }

    void call() {
        ++called_;
        called_.notify_all();
    }

    void meet() {
        if (team_ > 1) barrier_.wait();
    }

    // The steps of a lap, which may end the run: whether there are more.
    template <class F>
    bool make_steps(const Data<T>& data, const Plan& plan, int t, clock::time_point until,
                    F&& interrupted) {
        Place p = place_;
        const std::int64_t last = std::min(last_, plan.most_steps);
        while (p.made < last && p.epoch < plan.epochs) {
            if (p.first == 0) begin_epoch(data, plan, t, p);
            if (!make_step(data, plan, t, until, interrupted, p)) return false;
            if (p.first < examples(data, plan)) continue;
            if (t == 0) report_.costs.push_back(p.total / (plan.mean_weight == 0 ? 1 : p.weight));
            p = {p.made, p.epoch + 1};
            if (enough_) return false;
        }
        if (t == 0) place_ = p;
        return p.made < plan.most_steps && p.epoch < plan.epochs;
    }

    void begin_epoch(const Data<T>& data, const Plan& plan, int t, const Place& p) {
        if (!plan.orders()) return;
        if (t == 0) set_order(data, plan, p.epoch);
        meet();
    }

    static std::int64_t examples(const Data<T>& data, const Plan& plan) {
        return data.n - static_cast<std::int64_t>(plan.left_out.size());
    }

    // A step, after which p is where the run stands. False where the run ends with it, or before.
    template <class F>
    bool make_step(const Data<T>& data, const Plan& plan, int t, clock::time_point until,
                   F&& interrupted, Place& p) {
        const std::int64_t step = plan.first_step + p.made + 1;
        const std::int64_t n = examples(data, plan);
        Batch b{std::min(plan.batch, n - p.first), p.first, plan.orders() ? order_.data() : nullptr,
                static_cast<std::uint64_t>(step), 0};
        const double share =
            plan.mean_weight == 0 ? 1 : static_cast<double>(b.n) * plan.mean_weight;
        b.scale = 1 / share;
        const bool asks = t == 0 && p.made % ask_every_ == 0;
        rows_phase(data, b, t, [&] { return asks && interrupted(); });
        meet();
        if (stop_ || rows_failed_) return ends(t, rows_failed_);
        const double losses = t == 0 ? chainrule::loss_sum(net_, data, b) : 0;
        if (t == 0 && b.first + b.n == n && clock::now() > until) enough_ = true;
        weights_phase(b, step, plan.rates[plan.one_rate ? 0 : p.made], t);
        meet();
        if (weights_failed_ || seam_failed_) return ends(t, weights_failed_);
        ++p.made;
        p.first += b.n;
        if (t == 0) {
            report_.steps = p.made;
            p.total += multiply_add(share, updates_.penalty(tensors()), losses);
            p.weight += share;
        }
        return true;
    }

    // The run ends before its time.
    bool ends(int t, bool diverged) {
        if (t == 0) report_.outcome = diverged ? Outcome::diverged : Outcome::interrupted;
        return false;
    }

    void set_order(const Data<T>& data, const Plan& plan, std::int64_t epoch) {
        fill_in_order(order_.data(), data.n, plan.left_out);
        if (plan.shuffles)
            shuffle(order_.data(), static_cast<std::int64_t>(order_.size()), plan.seed, plan.number,
                    static_cast<std::uint64_t>(plan.first_epoch + epoch + 1));
    }

    // Some rows at a time. `interrupted` is asked between them, and once where there are none. Where an
    // operation needs the whole batch, all rows go at once, for every thread must come to its barriers.
    template <class F>
    void rows_phase(const Data<T>& data, const Batch& b, int t, F&& interrupted) {
        const Part all = rows_of(b, t);
        if (net_.program.of_batch) some_rows(data, b, all, t);
        else
            for (int r = all.first; r < all.last && !stop_; r += rows_at_once_) {
                const int last = std::min(r + rows_at_once_, all.last);
                some_rows(data, b, {r, last}, t);
                if (last < all.last && interrupted()) stop_ = true;
            }
        if (interrupted()) stop_ = true;
    }

    void some_rows(const Data<T>& data, const Batch& b, Part part, int t) {
        forward(net_, data, b, part, gathering(b, t));
        if (!compare(net_, data, b, part)) rows_failed_ = true;
        chainrule::backward(net_, b, part, gathering_back(b, t));
    }

    // What an operation that needs the whole batch does between two barriers, forward and backward.
    auto gathering(const Batch& b, int t) {
        return [this, n = static_cast<int>(b.n), t](const auto& op) {
            meet();
            op.gather_forward(net_.room, n, share_of(t));
            meet();
        };
    }
    auto gathering_back(const Batch& b, int t) {
        return [this, n = static_cast<int>(b.n), t](const auto& op) {
            meet();
            op.gather_backward(net_.room, n, share_of(t));
            meet();
        };
    }

    void weights_phase(const Batch& b, std::int64_t step, double rate, int t) {
        updates_.with_update(rate, step, [&](const auto& update) {
            if (updates_.clips_norm() || seam_) {
                keep(b, t, false);
                if (!seam_ || passes_seam(t)) treat_and_apply(t, update);
            } else {
                train(b, t, update);
            }
        });
        if (net_.program.of_batch && !seam_failed_) check(statistics(b, t));
    }

    // False where what is set there throws: then there is no step, and the caller of `run` gets it.
    bool passes_seam(int t) {
        meet();
        if (t == 0) try {
                seam_({net_.tensors.arena.get(), net_.tensors.arena_size});
            } catch (...) {
                at_seam_ = std::current_exception();
                seam_failed_ = true;
            }
        meet();
        return !seam_failed_;
    }

    void keep(const Batch& b, int t, bool adds) {
        net_.program.each_backward([&](const auto& op) {
            updates_.keep(op, net_.room, b.rows(), adds, share_of(t));
        });
    }

    template <class U>
    void train(const Batch& b, int t, const U& update) {
        const Share<T> share = share_of(t);
        const Rows rows = b.rows();
        V poison{};
        net_.program.each_backward([&](const auto& op) {
            poison += updates_.train(op, net_.room, rows, share, update);
        });
        if (net_.tensors.loose) {
            meet();
            for (Tensor<T>& tensor : tensors())
                if (tensor.spec.loose) poison += updates_.template apply<false>(tensor, share, 1, update);
        }
        check(poison);
    }

    V statistics(const Batch& b, int t) {
        V poison{};
        net_.program.each([&](const auto& op) {
            if constexpr (std::decay_t<decltype(op)>::of_batch)
                poison += op.statistics(net_.room, static_cast<int>(b.n), share_of(t));
        });
        return poison;
    }

    Share<T> share_of(int t) const { return {t, team_, packing_[t].get()}; }

    Part rows_of(const Batch& b, int t) const { return part_of(int(b.n), t, team_); }

    template <class U>
    void treat_and_apply(int t, const U& update) {
        const Share<T> share = share_of(t);
        if (net_.tensors.loose) meet();
        for (Tensor<T>& tensor : tensors()) updates_.treat(tensor, share, update);
        T scale = 1;
        if (updates_.clips_norm()) {
            meet();
            scale = updates_.norm_scale(tensors());
        }
        meet();  // the sums are now free for the penalty
        V poison{};
        for (Tensor<T>& tensor : tensors())
            poison += updates_.template apply<true>(tensor, share, scale, update);
        check(poison);
    }

    // Room for the columns of x, the widest that the program packs.
    std::size_t widest_packing() const {
        std::size_t most = packing_room<T>(net_.batch, 1);
        net_.program.each([&](const auto& op) { most = std::max(most, op.packing(net_.room)); });
        return most;
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
                forward(net_, data, b, part, gathering(b, t));
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
    int team_;  // how many of the threads share in a lap
    Laps laps_{1, 1};  // until the work of a step is known
    Place place_;
    std::int64_t last_ = 0;  // up to which step a lap goes; −1 where there is none
    std::atomic<std::uint32_t> called_{0};
    std::int64_t ask_every_ = 1;
    int rows_at_once_ = block;
    Updates<T> updates_;
    Barrier barrier_;
    bool keeps_;
    Seam seam_;
    std::exception_ptr at_seam_;
    Network<T> net_;
    std::vector<Buffer<T>> packing_;
    std::vector<std::int64_t> order_;
    Report report_;
    // Each is set in one phase and read after the barrier that ends it: a thread that is ahead, in the
    // next phase, must not be seen by one that still reads.
    std::atomic<bool> stop_{false}, enough_{false}, rows_failed_{false}, weights_failed_{false},
        seam_failed_{false};
};

}  // namespace chainrule
