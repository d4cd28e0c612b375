// Whole epochs of training in one call, lap by lap (laps.hpp), each on as many threads as pay.
#pragma once

#include <array>
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
            bool keeps_gradient, Shards shards)
        : step(spec, optimizer, batch, threads, cores, keeps_gradient, std::move(shards)),
          laps_(threads, 1 + spec.work * batch),
          ask_every_(1 + static_cast<std::int64_t>(1e6 / (1 + spec.work * batch))),
          cuts_(static_cast<std::size_t>(threads), Cut{&step.shards}) {}

    // `interrupted` is asked by the calling thread now and then, and ends the run when it says so.
    template <class F>
    Report run(const Data<T>& data, const Plan& plan, F&& interrupted) {
        report_ = {};
        // Here, where an exception still reaches the caller.
        report_.costs.reserve(static_cast<std::size_t>(plan.epochs));
        const auto in_training = static_cast<std::size_t>(examples(data, plan));
        if (step.shards.any()) {
            report_.losses.reserve(static_cast<std::size_t>(plan.epochs) * step.shards.held.size());
            shard_losses_.assign(static_cast<std::size_t>(step.shards.count()), 0);
            by_shards_.resize(in_training);
        }
        if (orders(plan)) order_.resize(in_training);
        step.make_room(data);
        step.begin();
        enough_ = false;
        const std::chrono::duration<double> length(plan.seconds);
        const auto until = clock::now() + std::chrono::duration_cast<clock::duration>(length);
        place_ = {};
        ended_ = 0;
        const auto make_lap = [&](int t, std::int64_t lap) {
            return step.shards.any() ? make_steps<true>(data, plan, t, lap, until, interrupted)
                                     : make_steps<false>(data, plan, t, lap, until, interrupted);
        };
        Helpers helpers(make_lap);
        if (plan.most_steps > 0 && plan.epochs > 0) lead(helpers, make_lap);
        step.end();
        if (report_.outcome == Outcome::interrupted) told_to_stop_ = false;
        return report_;
    }

    // Have the run that is under way, or else the next, end before its next step.
    void stop() { told_to_stop_ = true; }

private:
    // Where a run stands: steps and epochs made; of this epoch steps, examples gone through, costs.
    struct Place {
        std::int64_t made = 0, epoch = 0, step = 0, first = 0;
        double total = 0, weight = 0;
    };

    // The first thread: lap after lap, alone or with helpers, until the run is over. What these read in
    // a lap is changed once they have met in it.
    template <class F>
    void lead(Helpers& helpers, F&& make_lap) {
        laps_.rest(Lost::left());
        for (bool goes_on = true; goes_on;) {
            const int share = step.within_share();
            helpers.keep(share);
            const int threads = laps_.begin(share);
            step.team_of(threads == 1 ? 1 : helpers.have(threads, step.cores()));
            began_ = clock::now();
            first_ = report_.steps;
            goes_on = make_lap(0, helpers.call(step.team()));
            Lost::enter(laps_.end(report_.steps - first_, since_begun()));
        }
    }

    double since_begun() const {
        return std::chrono::duration<double>(clock::now() - began_).count();
    }

    // The steps of a lap, which may end the run: whether there are more.
    template <bool in_shards, class F>
    bool make_steps(const Data<T>& data, const Plan& plan, int t, std::int64_t lap,
                    clock::time_point until, F&& interrupted) {
        Place p = place_;
        const auto goes_on = [&] { return p.made < plan.most_steps && p.epoch < plan.epochs; };
        do {
            if (p.step == 0) begin_epoch(data, plan, t, p);
            if (!make_step<in_shards>(data, plan, t, lap, until, interrupted, p)) return false;
            if (!is_over<in_shards>(data, plan, p)) continue;
            if (t == 0) report_epoch(plan, p);
            p = {p.made, p.epoch + 1};
            if (enough_) return false;
        } while (ended_ < lap && goes_on());
        if (t == 0) place_ = p;
        return goes_on();
    }

    void begin_epoch(const Data<T>& data, const Plan& plan, int t, const Place& p) {
        if (!orders(plan)) return;
        if (t == 0) set_order(data, plan, p.epoch);
        step.meet();
    }

    // Whether examples are taken by an order, which in shards goes batch by batch.
    bool orders(const Plan& plan) const { return plan.orders() || step.shards.any(); }

    // Whether p is where an epoch ends.
    template <bool in_shards>
    bool is_over(const Data<T>& data, const Plan& plan, const Place& p) const {
        return in_shards ? p.step == step.shards.steps : p.first == examples(data, plan);
    }

    // Reports the costs of an epoch, and of shards also the losses, in the tree.
    void report_epoch(const Plan& plan, const Place& p) {
        report_.costs.push_back(p.total / (plan.mean_weight == 0 ? 1 : p.weight));
        const double* losses = shard_losses_.data();
        for (const Subtree& tree : step.shards.held) {
            std::array<double, most_depth> sums;
            in_tree(tree.count, [&](int, int level) { sums[level] = *losses++; },
                    [&](int level) { sums[level] += sums[level + 1]; });
            report_.losses.push_back(sums[0]);
        }
        std::fill(shard_losses_.begin(), shard_losses_.end(), 0.0);
    }

    static std::int64_t examples(const Data<T>& data, const Plan& plan) {
        return data.n - static_cast<std::int64_t>(plan.left_out.size());
    }

    // A step, after which p is where the run stands. False where the run ends with it, or before.
    template <bool in_shards, class F>
    bool make_step(const Data<T>& data, const Plan& plan, int t, std::int64_t lap,
                   clock::time_point until, F&& interrupted, Place& p) {
        const std::int64_t number = plan.first_step + p.made + 1;
        Batch b = batch_of<in_shards>(data, plan, t, p);
        const double share = plan.mean_weight == 0
                                 ? 1
                                 : static_cast<double>(b.rows().whole()) * plan.mean_weight;
        b.step = static_cast<std::uint64_t>(number);
        b.looks = plan.looks && p.epoch == 0;
        b.scale = 1 / share;
        const bool asks = p.made % ask_every_ == 0;
        const auto stops = [&] { return t == 0 && (told_to_stop_ || (asks && interrupted())); };
        if (!step.rows(data, b, t, stops)) return ends(t);
        double losses = 0;
        if (t == 0 && in_shards) step.add_losses(data, b, shard_losses_);
        else if (t == 0) losses = step.losses(data, b);
        ++p.step;
        p.first += b.n;
        if (t == 0 && is_over<in_shards>(data, plan, p) && clock::now() > until) enough_ = true;
        if (t == 0 && laps_.ends(p.made + 1 - first_, [&] { return since_begun(); })) ended_ = lap;
        if (!step.weights(b, number, plan.rates[plan.one_rate ? 0 : p.made], t)) return ends(t);
        ++p.made;
        if (t == 0) {
            report_.steps = p.made;
            p.total += multiply_add(share, step.penalty_before(), losses);
            p.weight += share;
        }
        return true;
    }

    // The examples of a step, in shards those of them that are here.
    template <bool in_shards>
    Batch batch_of(const Data<T>& data, const Plan& plan, int t, const Place& p) {
        Batch b{0, p.first, in_shards || plan.orders() ? order_.data() : nullptr, 0, 0};
        if constexpr (in_shards) {
            Cut& cut = cuts_[static_cast<std::size_t>(t)];
            cut.go_to(p.step);
            b.n = cut.rows();
            b.cut = &cut;
            b.before = cut.before;
            b.after = cut.after();
        } else {
            b.n = std::min(plan.batch, examples(data, plan) - p.first);
        }
        return b;
    }

    // The run ends before its time.
    bool ends(int t) {
        if (t == 0) report_.outcome = step.diverged() ? Outcome::diverged : Outcome::interrupted;
        return false;
    }

    void set_order(const Data<T>& data, const Plan& plan, std::int64_t epoch) {
        const auto number = static_cast<std::uint64_t>(plan.first_epoch + epoch + 1);
        if (step.shards.any()) return set_order_by_shards(data, plan, number);
        fill_in_order(order_.data(), data.n, plan.left_out);
        if (plan.shuffles)
            shuffle(order_.data(), static_cast<std::int64_t>(order_.size()), plan.seed, plan.number,
                    number);
    }

    void set_order_by_shards(const Data<T>& data, const Plan& plan, std::uint64_t epoch) {
        const Shards& shards = step.shards;
        std::int64_t* own = by_shards_.data();
        fill_in_order(own, data.n, plan.left_out);
        for (int s = shards.first(); plan.shuffles && s < shards.last(); own += shards.sizes[s++])
            shuffle(own, shards.sizes[s], plan.seed, plan.number, of_shard(s, epoch));
        shards.deal(by_shards_.data(), order_.data());
    }

    Laps laps_;
    std::int64_t ask_every_;  // some tens of microseconds
    clock::time_point began_;   // of this lap
    std::int64_t first_ = 0;    // the steps before it
    std::atomic<std::int64_t> ended_{0};  // the last lap that has ended: set in a step's second phase
    Place place_;
    std::vector<std::int64_t> order_, by_shards_;
    std::vector<Cut> cuts_;             // each thread has its own
    std::vector<double> shard_losses_;  // Σ w L of this epoch, of each shard here
    Report report_;
    std::atomic<bool> told_to_stop_{false};
    std::atomic<bool> enough_{false};  // set in a step's second phase, read after it
};

}  // namespace chainrule
