// Whole epochs of networks side by side, in one call, by one thread.
//
// What a network is asked to make is its own plan; alike in all are how many epochs of how many
// examples, and the batch. One that diverges does not stop the others: it is reported, with nothing
// that it has come to.
#pragma once

#include <atomic>
#include <chrono>

#include "lane_network.hpp"
#include "plan.hpp"

namespace chainrule {

struct LaneReport {
    std::int64_t steps = 0;                  // whole steps made, by each
    std::vector<std::vector<double>> costs;  // of each network, those of the whole epochs made
    std::vector<bool> diverged;              // which did, at some step
};

template <class T>
class LaneTrainer {
    using clock = std::chrono::steady_clock;
    using Int = typename Vec<T>::Int;

public:
    LaneNetwork<T> net;

    LaneTrainer(const ProgramSpec& spec, const std::vector<OptimizerSpec>& optimizers, int batch)
        : net(spec, optimizers, batch), batch_(batch) {}

    // Have the run that is under way, and all that follow, end before their next step.
    void stop() { told_to_stop_ = true; }

    LaneReport run(const std::vector<Data<T>>& data, const std::vector<Plan>& plans) {
        const std::size_t networks = plans.size();
        LaneReport report{0, std::vector<std::vector<double>>(networks), {}};
        batches_ = LaneBatch<T>(data);
        orders_.resize(networks);
        numbers_.resize(networks);
        rates_.resize(networks);
        const std::chrono::duration<double> length(plans[0].seconds);
        const auto until = clock::now() + std::chrono::duration_cast<clock::duration>(length);
        Int failed{};
        for (std::int64_t epoch = 0; epoch < plans[0].epochs; ++epoch) {
            for (std::size_t k = 0; k < networks; ++k) set_order(plans, k, epoch);
            batches_.compare();
            if (!make_epoch(plans, report, failed) || clock::now() > until) break;
        }
        for (std::size_t k = 0; k < networks; ++k) report.diverged.push_back(failed[k] != 0);
        return report;
    }

    // Σ w L of some rows of the examples of each, or of all, as many as a batch at a time.
    std::vector<double> losses(const std::vector<Data<T>>& data,
                               const std::vector<std::span<const std::int64_t>>& rows) {
        const std::int64_t n = rows[0].empty() ? data[0].n : static_cast<std::int64_t>(rows[0].size());
        std::vector<double> all(data.size());
        batches_ = LaneBatch<T>(data);
        for (std::int64_t done = 0; done < n; done += batch_) {
            for (std::size_t k = 0; k < data.size(); ++k)
                batches_.batches[k] = {std::min<std::int64_t>(batch_, n - done), done,
                                       rows[k].empty() ? nullptr : rows[k].data(), 0, 1};
            batches_.compare();
            const LaneDoubles<T> sums = net.losses(batches_);
            for (std::size_t k = 0; k < data.size(); ++k) all[k] += sums[static_cast<int>(k)];
        }
        return all;
    }

private:
    static std::int64_t examples(const Data<T>& data, const Plan& plan) {
        return data.n - static_cast<std::int64_t>(plan.left_out.size());
    }

    // The order of network k, which is that of the one before where that has the same.
    void set_order(const std::vector<Plan>& plans, std::size_t k, std::int64_t epoch) {
        const Plan& plan = plans[k];
        const Data<T>& data = batches_.data[k];
        Batch& batch = batches_.batches[k];
        if (!plan.orders()) return void(batch.order = nullptr);
        if (k > 0 && goes_as(plans[k - 1], plan)) return void(batch.order = batches_.batches[k - 1].order);
        std::vector<std::int64_t>& order = orders_[k];
        order.resize(static_cast<std::size_t>(examples(data, plan)));
        fill_in_order(order.data(), data.n, plan.left_out);
        if (plan.shuffles)
            shuffle(order.data(), static_cast<std::int64_t>(order.size()), plan.seed, plan.number,
                    static_cast<std::uint64_t>(plan.first_epoch + epoch + 1));
        batch.order = order.data();
    }
    static bool goes_as(const Plan& a, const Plan& b) {
        return a.shuffles == b.shuffles && a.seed == b.seed && a.first_epoch == b.first_epoch &&
               a.left_out.data() == b.left_out.data() && a.left_out.size() == b.left_out.size();
    }

    // False where the run ends within the epoch.
    bool make_epoch(const std::vector<Plan>& plans, LaneReport& report, Int& failed) {
        LaneDoubles<T> totals, weights;
        const std::int64_t n = examples(batches_.data[0], plans[0]);
        for (std::int64_t first = 0; first < n; first += batch_) {
            if (told_to_stop_) return false;
            begin_step(plans, report.steps, first, std::min<std::int64_t>(batch_, n - first));
            const LaneDoubles<T> penalties = net.penalty();
            const LaneDoubles<T> losses = net.step(batches_, numbers_, rates_, failed);
            ++report.steps;
            totals.each([](auto all, auto share, auto penalty, auto losses) {
                return all + multiply_add(share, penalty, losses);
            }, shares_, penalties, losses);
            weights.each([](auto all, auto share) { return all + share; }, shares_);
        }
        for (int k = 0; k < batches_.networks(); ++k)
            report.costs[k].push_back(totals[k] / (plans[k].mean_weight == 0 ? 1 : weights[k]));
        return true;
    }

    void begin_step(const std::vector<Plan>& plans, std::int64_t made, std::int64_t first,
                    std::int64_t rows) {
        for (int k = 0; k < batches_.networks(); ++k) {
            const Plan& plan = plans[k];
            Batch& batch = batches_.batches[k];
            batch.first = first;
            numbers_[k] = plan.first_step + made + 1;
            rates_[k] = plan.rates[plan.one_rate ? 0 : made];
            if (batch.n == rows) continue;
            batch.n = rows;
            const double share =
                plan.mean_weight == 0 ? 1 : static_cast<double>(rows) * plan.mean_weight;
            shares_.set(k, share);
            batch.scale = 1 / share;
        }
    }

    int batch_;
    std::atomic<bool> told_to_stop_{false};
    LaneBatch<T> batches_;
    LaneDoubles<T> shares_;  // of a step in the mean cost of an epoch
    std::vector<std::int64_t> numbers_;
    std::vector<double> rates_;
    std::vector<std::vector<std::int64_t>> orders_;
};

}  // namespace chainrule
