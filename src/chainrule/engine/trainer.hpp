// Whole epochs of training in one call, on a team of threads.
//
// A team makes a run in laps (laps.hpp), some of which its first thread makes alone: among them those
// in which others in this process want its cores.
#pragma once

#include <chrono>

#include "laps.hpp"
#include "plan.hpp"
#include "step.hpp"

namespace chainrule {

template <class T>
class Trainer {
    using clock = std::chrono::steady_clock;

public:
    Step<T> step;

    Trainer(const ProgramSpec& spec, const OptimizerSpec& optimizer, int batch, int threads, int cores,
            bool keeps_gradient)
        : step(spec, optimizer, batch, threads, cores, keeps_gradient), threads_(threads),
          laps_(threads, 1 + spec.work * batch),
          ask_every_(1 + static_cast<std::int64_t>(1e6 / (1 + spec.work * batch))) {}

    // `interrupted` is asked by the calling thread now and then, and ends the run when it says so.
    template <class F>
    Report run(const Data<T>& data, const Plan& plan, F&& interrupted) {
        report_ = {};
        // Here, where an exception still reaches the caller.
        report_.costs.reserve(static_cast<std::size_t>(plan.epochs));
        if (plan.orders()) order_.resize(static_cast<std::size_t>(data.n) - plan.left_out.size());
        step.begin();
        enough_ = false;
        const std::chrono::duration<double> length(plan.seconds);
        const auto until = clock::now() + std::chrono::duration_cast<clock::duration>(length);
        place_ = {};
        called_ = 0;
        const auto steps = [&](int t) { return make_steps(data, plan, t, until, interrupted); };
        threads_ = step.gather_team();
        run_team(threads_, [&](int t) { t == 0 ? lead(plan, steps) : follow(t, steps); });
        step.team_of(threads_);
        step.end();
        return report_;
    }

private:
    // Where a run stands: steps and epochs made, examples gone through in this epoch, its costs.
    struct Place {
        std::int64_t made = 0, epoch = 0, first = 0;
        double total = 0, weight = 0;
    };

    // The first thread: lap after lap, alone or with the others, until the run is over. What the
    // others read in a lap is changed once they have met in it.
    template <class F>
    void lead(const Plan& plan, F&& steps) {
        for (bool goes_on = plan.most_steps > 0; goes_on;) {
            const bool crowded = threads_ > step.within_share();
            step.team_of(laps_.together() && !crowded ? threads_ : 1);
            const std::int64_t before = place_.made;
            last_ = before + laps_.begin();
            if (step.team() > 1) call();
            goes_on = steps(0);
            if (!crowded) laps_.end(place_.made - before);
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
        step.meet();
    }

    static std::int64_t examples(const Data<T>& data, const Plan& plan) {
        return data.n - static_cast<std::int64_t>(plan.left_out.size());
    }

    // A step, after which p is where the run stands. False where the run ends with it, or before.
    template <class F>
    bool make_step(const Data<T>& data, const Plan& plan, int t, clock::time_point until,
                   F&& interrupted, Place& p) {
        const std::int64_t number = plan.first_step + p.made + 1, n = examples(data, plan);
        Batch b{std::min(plan.batch, n - p.first), p.first, plan.orders() ? order_.data() : nullptr,
                static_cast<std::uint64_t>(number), 0};
        const double share =
            plan.mean_weight == 0 ? 1 : static_cast<double>(b.n) * plan.mean_weight;
        b.scale = 1 / share;
        const bool asks = t == 0 && p.made % ask_every_ == 0;
        if (!step.rows(data, b, t, [&] { return asks && interrupted(); })) return ends(t);
        const double losses = t == 0 ? step.losses(data, b) : 0;
        if (t == 0 && b.first + b.n == n && clock::now() > until) enough_ = true;
        if (!step.weights(b, number, plan.rates[plan.one_rate ? 0 : p.made], t)) return ends(t);
        ++p.made;
        p.first += b.n;
        if (t == 0) {
            report_.steps = p.made;
            p.total += multiply_add(share, step.penalty_before(), losses);
            p.weight += share;
        }
        return true;
    }

    // The run ends before its time.
    bool ends(int t) {
        if (t == 0) report_.outcome = step.diverged() ? Outcome::diverged : Outcome::interrupted;
        return false;
    }

    void set_order(const Data<T>& data, const Plan& plan, std::int64_t epoch) {
        fill_in_order(order_.data(), data.n, plan.left_out);
        if (plan.shuffles)
            shuffle(order_.data(), static_cast<std::int64_t>(order_.size()), plan.seed, plan.number,
                    static_cast<std::uint64_t>(plan.first_epoch + epoch + 1));
    }

    int threads_;  // in this call
    Laps laps_;
    std::int64_t ask_every_;  // some tens of microseconds
    Place place_;
    std::int64_t last_ = 0;  // up to which step a lap goes; −1 where there is none
    std::atomic<std::uint32_t> called_{0};
    std::vector<std::int64_t> order_;
    Report report_;
    std::atomic<bool> enough_{false};  // set in a step's second phase, read after it
};

}  // namespace chainrule
