// A step of training by a team of threads, in two phases; and its parts alone.
//
// The phases go by rows of the batch (batch.hpp) and by parts of the tensors (update.hpp). A barrier
// ends each. Every sum is taken in an order that the number of threads does not change.
//
// Between gradient and update is a seam: what is set there gets the arena with the gradient of a
// batch, whole and without penalty or bounds, and may change it, such as by a sum over processes.
//
// In shards (shards.hpp) it gets sums of each subtree that this process holds, and is to put the totals
// in the place of the first: of the gradients, with two flags behind them, and before these the sums
// that operations gather over the whole batch. Whether a step is made is then settled by the flags.
//
// A step happens whole or not at all: whether it may is settled at the first barrier, or at the seam.
// The one thing that only the update can show, a weight that is no longer finite, is reported, and
// the caller goes back to where it began and repeats the steps before.
#pragma once

#include <atomic>
#include <stdexcept>
#include <utility>

#include "block_steps.hpp"
#include "seam.hpp"

namespace chainrule {

template <class T>
class Step {
    using V = typename Vec<T>::type;

public:
    const Shards shards;

    // `keeps_gradient` where a gradient is asked for by itself, or changed at the seam. `batch` is how
    // many rows there are here at most.
    Step(const ProgramSpec& spec, const OptimizerSpec& optimizer, int batch, int threads, int cores,
         bool keeps_gradient, Shards given)
        : shards(std::move(given)), threads_(threads), cores_(cores), team_(threads),
          updates_(optimizer), barrier_(threads), keeps_(keeps_gradient),
          net_(std::make_shared<Model<T>>(
                   spec, batch, with_rule(optimizer.rule, []<Rule R>() { return state_count<R>; }),
                   keeps_gradient || updates_.clips_norm(), shards),
               batch),
          blocks_(net_, threads) {
        double weights = 0;
        for (const Tensor<T>& tensor : tensors()) weights += sizeof(T) * double(tensor.count);
        const double row = 2 / 3.0 * (1.0 / batch + spec.work);
        if (weights > 3e5)  // else all of it stays in the second-level cache with some rows
            rows_at_once_ = block * static_cast<int>(1 + std::min(5e9 / row / block, 1e5));  // 25 ms
        for (int t = 0; t < threads; ++t) packing_.emplace_back(net_.widest_packing());
        by_column_.resize(packing_.size());
        if (shards.any()) gathered_ = Buffer<T>(shards.trees() * net_.widest_sums());
    }

    std::vector<Tensor<T>>& tensors() { return net_.tensors.all; }

    // To be called once parameters and states have been read into the tensors.
    void ready() {
        for (Tensor<T>& tensor : tensors()) tensor.renew();
        net_.forget();
        blocks_.forget();
    }

    void set_seam(typename Seam<T>::Way way) {
        if (!keeps_) throw std::invalid_argument("a gradient that changes needs keeps_gradient=True");
        seam_.take(std::move(way));
    }

    // How many of the threads share in what follows.
    int team() const { return team_; }
    void team_of(int threads) {
        team_ = threads;
        barrier_.expect(threads);
    }

    // Room for the entries of a batch of these data, so that none is asked for in a step.
    void make_room(const Data<T>& data) {
        const Value<T>& first = net_.values[0];
        if (!first.entries.empty())
            for (EntriesByColumn<T>& own : by_column_)
                own.make_room(first.spec.width, data.sparse.most(net_.batch));
    }

    // As many of the threads as others leave just now.
    int within_share() const { return std::min(threads_, AtWork::share(cores_)); }
    int cores() const { return cores_; }

    void meet() {
        if (team_ > 1) barrier_.wait();
    }

    // Before a run.
    void begin() {
        stop_ = rows_failed_ = weights_failed_ = false;
        seam_.begin();
    }

    // After one: what has been thrown at the seam is thrown here.
    void end() { seam_.end(); }

    // The first phase, by thread t. False where there will be no step: a loss is not finite, or the
    // caller is `interrupted`, which in several processes is settled later.
    template <class F>
    bool rows(const Data<T>& data, const Batch& b, int t, F&& interrupted) {
        rows_phase(data, b, t, interrupted);
        meet();
        return agrees(b) ? !seam_.failed() : !(stop_ || rows_failed_);
    }

    // The second. False where a weight is not finite, the seam has thrown, or there is no step.
    bool weights(const Batch& b, std::int64_t number, double rate, int t) {
        weights_phase(b, number, rate, t);
        meet();
        return !(weights_failed_ || seam_.failed());
    }

    // Whether it was a number that ended the run.
    bool diverged() const { return rows_failed_ || weights_failed_; }

    // Between the phases: Σ w L of the batch. After them: the penalty before the update.
    double losses(const Data<T>& data, const Batch& b) {
        return blocks_.take(b) ? blocks_.losses(b) : chainrule::loss_sum(net_, data, b, 0, b.n);
    }
    // The same added to a sum of each shard here.
    void add_losses(const Data<T>& data, const Batch& b, std::vector<double>& sums) {
        for (std::size_t s = 0; s < sums.size(); ++s)
            sums[s] = chainrule::loss_sum(net_, data, b, b.cut->begins[s], b.cut->begins[s + 1], sums[s]);
    }
    double penalty_before() const { return updates_.penalty(net_.tensors.all); }

    // Σ w L of the examples of a batch of any size, and the sum of its gradient, kept in the arena.
    double gradient_sum(const Data<T>& data, const Batch& all) {
        make_room(data);
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
        const AnyUpdate<T> update = updates_.any_update(rate, step);
        in_team(net_.batch, [&](int t) { treat_and_apply(t, update); });
        return !weights_failed_;
    }

private:
    // Some rows at a time. `interrupted` is asked between them, and once where there are none. Where an
    // operation needs the whole batch, all rows go at once, for every thread must come to its barriers.
    template <class F>
    void rows_phase(const Data<T>& data, const Batch& b, int t, F&& interrupted) {
        const Part all = rows_of(b, t);
        if (net_.program.of_batch) some_rows(data, b, all, t);
        else if (blocks_.take(b)) some_blocks(data, b, t, interrupted);
        else
            for (int r = all.first; r < all.last && !stop_; r += rows_at_once_) {
                const int last = std::min(r + rows_at_once_, all.last);
                some_rows(data, b, {r, last}, t);
                if (last < all.last && interrupted()) stop_ = true;
            }
        if (interrupted()) stop_ = true;
    }

    template <class F>
    void some_blocks(const Data<T>& data, const Batch& b, int t, F&& interrupted) {
        const auto stops = [&] {
            if (interrupted()) stop_ = true;
            return bool(stop_);
        };
        if (!blocks_.pass(data, b, updates_, share_of(t), stops)) rows_failed_ = true;
    }

    void some_rows(const Data<T>& data, const Batch& b, Part part, int t) {
        forward(net_, data, b, part, gathering(b, t));
        if (!seen_finite(data, b, part) || !compare(net_, data, b, part)) rows_failed_ = true;
        chainrule::backward(net_, b, part, gathering_back(b, t));
    }

    // What an operation that needs the whole batch does between two barriers, forward and backward.
    auto gathering(const Batch& b, int t) {
        return [this, &b, t](const auto& op) {
            gather(op, b.rows(), t, op.forward_kinds, op.forward_stages);
        };
    }
    auto gathering_back(const Batch& b, int t) {
        return [this, &b, t](const auto& op) {
            gather(op, b.rows(), t, op.backward_kinds, op.backward_stages);
        };
    }

    template <class Op, class Stages>
    void gather(const Op& op, const Rows& rows, int t, Part kinds, const Stages& stages) {
        const Share<T> share = share_of(t);
        meet();
        if (small_code || !rows.cut) {
            op.gather(net_.room, rows, share, kinds);
        } else {
            for (const Part stage : stages) {
                op.sum_up(net_.room, rows, share, stage, gathered_.get());
                if (seam_) exchange(t, {gathered_.get(), shards.trees() * op.sums(net_.room, stage)});
                op.take(net_.room, rows, share, stage, gathered_.get());
            }
        }
        meet();
    }

    // Whether there is a step is settled between processes.
    bool agrees(const Batch& b) const { return !small_code && b.cut && seam_; }

    void exchange(int t, std::span<T> numbers) {
        seam_.pass(t, numbers, [this] { meet(); });
    }

    void weights_phase(const Batch& b, std::int64_t step, double rate, int t) {
        if (blocks_.take(b) || updates_.clips_norm() || seam_)
            keep_and_apply(b, t, updates_.any_update(rate, step));
        else if constexpr (small_code)
            train(b, t, updates_.any_update(rate, step));
        else
            updates_.with_update(rate, step, [&](const auto& update) { train(b, t, update); });
        if (net_.program.of_batch && !seam_.failed()) check(statistics(b, t));
    }

    // By the arena.
    void keep_and_apply(const Batch& b, int t, const AnyUpdate<T>& update) {
        if (blocks_.take(b)) blocks_.add_up(b, updates_, net_.tensors, share_of(t));
        else keep(b, t, false);
        if (!small_code && seam_ && !passes_seam(b, t)) return;
        updates_.clips_norm() ? treat_and_apply(t, update) : check(apply(t, update));
    }

    // The gradient by the seam. False where there is no step.
    bool passes_seam(const Batch& b, int t) {
        if (agrees(b)) seam_.settle(t, net_.tensors, rows_failed_, stop_, [this] { meet(); });
        else exchange(t, net_.tensors.sums());
        return !seam_.failed();
    }

    void keep(const Batch& b, int t, bool adds) {
        net_.program.each_backward([&](const auto& op) {
            updates_.keep(op, net_.room, b.rows(), adds, share_of(t));
        });
        if (!small_code && b.cut) keep_loose(b, t);
    }

    // The gradients that go by the arena, shard by shard, in the tree.
    void keep_loose(const Batch& b, int t) {
        if (!net_.tensors.loose) return;
        const auto share = share_of(t);
        const auto place = [&](int j, int level) { return net_.tensors.place(j, level); };
        b.cut->in_trees(
            [&](int j, int begin, int end, int level) {
                Room<T> room = net_.room;
                room.into = place(j, level);
                net_.program.each_backward([&](const auto& op) {
                    updates_.keep_loose(op, room, b.rows({begin, end}), share);
                });
            },
            [&](int j, int level) {
                meet();
                for (const Tensor<T>& tensor : tensors())
                    if (tensor.spec.loose)
                        updates_.add(tensor, place(j, level), place(j, level + 1), share);
                meet();
            },
            [](int) {});
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
            if (b.cut) keep_loose(b, t);
            meet();
            for (Tensor<T>& tensor : tensors())
                if (tensor.spec.loose) poison += updates_.apply(fixed<false>, tensor, share, 1, update);
        }
        check(poison);
    }

    // All tensors, by the gradient in the arena as it stands.
    V apply(int t, const AnyUpdate<T>& update) {
        V poison{};
        for (Tensor<T>& tensor : tensors())
            poison += updates_.apply(fixed<false>, tensor, share_of(t), 1, update);
        return poison;
    }

    V statistics(const Batch& b, int t) {
        V poison{};
        net_.program.each([&](const auto& op) {
            if constexpr (std::decay_t<decltype(op)>::of_batch)
                poison += op.statistics(net_.room, b.rows(), share_of(t));
        });
        return poison;
    }

    Share<T> share_of(int t) { return {t, team_, packing_[t].get(), &by_column_[t]}; }

    Part rows_of(const Batch& b, int t) const { return part_of(int(b.n), t, team_); }

    void treat_and_apply(int t, const AnyUpdate<T>& update) {
        const Share<T> share = share_of(t);
        if (net_.tensors.loose) meet();
        for (Tensor<T>& tensor : tensors()) updates_.treat(tensor, share, update.shrinkage());
        T scale = 1;
        if (updates_.clips_norm()) {
            meet();
            scale = updates_.norm_scale(tensors());
        }
        meet();  // the sums are now free for the penalty
        V poison{};
        for (Tensor<T>& tensor : tensors())
            poison += updates_.apply(fixed<true>, tensor, share, scale, update);
        check(poison);
    }

    CHAINRULE_INLINE void check(V poison) {
        if (!is_zero(poison)) weights_failed_ = true;
    }

    // f(t) by as many threads as are worth it for so many rows.
    template <class F>
    void in_team(std::int64_t rows, F&& f) {
        team_of(worth_starting(double(rows) * net_.program.spec.work, within_share()));
        run_team(team_, cores_, f, [this](int threads) { team_of(threads); });
    }

    // Forward and loss of a batch, as many rows at a time as there is room for; then f(piece, t).
    template <class F>
    double over_pieces(const Data<T>& data, const Batch& all, F&& f) {
        double losses = 0;
        in_team(all.n, [&](int t) {
            for (std::int64_t done = 0; done < all.n; done += net_.batch) {
                const Batch b = all.piece(done, std::min(done + net_.batch, all.n));
                const Part part = rows_of(b, t);
                forward(net_, data, b, part, gathering(b, t));
                compare(net_, data, b, part);
                f(b, t);
                barrier_.wait();
                if (t == 0) losses = add_losses_of(data, b, losses);
                barrier_.wait();
            }
        });
        return losses;
    }

    // In shards row by row, for what there is room for depends on how many are here.
    double add_losses_of(const Data<T>& data, const Batch& b, double sum) {
        if (shards.any()) return chainrule::loss_sum(net_, data, b, 0, b.n, sum);
        return sum + chainrule::loss_sum(net_, data, b, 0, b.n);
    }

    int threads_, cores_;
    int team_;
    int rows_at_once_ = block;
    Updates<T> updates_;
    Barrier barrier_;
    bool keeps_;
    Seam<T> seam_;
    Network<T> net_;
    BlockSteps<T> blocks_;
    std::vector<Buffer<T>> packing_;
    std::vector<EntriesByColumn<T>> by_column_;
    Buffer<T> gathered_;  // what operations sum over the whole batch, on its way by the seam
    // Each is set in one phase and read after the barrier that ends it: a thread that is ahead, in the
    // next phase, must not be seen by one that still reads.
    std::atomic<bool> stop_{false}, rows_failed_{false}, weights_failed_{false};
};

}  // namespace chainrule
