// The first phase of a step by blocks (blocks.hpp), and the sum that the second begins with.
#pragma once

#include <vector>

#include "blocks.hpp"
#include "update.hpp"

namespace chainrule {

template <class T>
class BlockSteps {
public:
    BlockSteps(Network<T>& net, int threads) {
        if (!net.model->by_blocks) return;
        rooms_.reserve(static_cast<std::size_t>(threads));
        for (int t = 0; t < threads; ++t) rooms_.emplace_back(net.model, Blocks::most_rows_each);
        losses_.resize(Blocks::most_parts);
    }

    void forget() {
        for (Network<T>& room : rooms_) room.forget();
    }

    bool take(const Batch& b) const { return !rooms_.empty() && b.n >= Blocks::fewest_rows; }

    // The parts that a thread takes. False where X or a loss is not finite; `stops` is asked between
    // parts.
    template <class F>
    bool pass(const Data<T>& data, const Batch& b, const Updates<T>& updates, const Share<T>& share,
              F&& stops) {
        const Blocks blocks{static_cast<int>(b.n)};
        const Part mine = share.of(blocks.parts());
        bool finite = true;
        for (int part = mine.first; part < mine.last && !stops(); ++part) {
            losses_[part] = 0;
            const auto [first, last] = blocks.blocks_of(part);
            for (int k = first; k < last; ++k) {
                const auto [r0, r1] = blocks.rows_of(k);
                finite &= pass_block(data, b.piece(r0, r1), updates, share, part, k > first);
            }
        }
        return finite;
    }

    // Σ w L of the batch.
    double losses(const Batch& b) const {
        double sum = 0;
        for (int part = 0; part < Blocks{static_cast<int>(b.n)}.parts(); ++part) sum += losses_[part];
        return sum;
    }

    // A thread's share of the gradient, added up over the parts.
    void add_up(const Batch& b, const Updates<T>& updates, const Tensors<T>& tensors,
                const Share<T>& share) const {
        for (int part = 1; part < Blocks{static_cast<int>(b.n)}.parts(); ++part)
            for (const Tensor<T>& tensor : tensors.all)
                updates.add(tensor, 0, tensors.part(part), share);
    }

private:
    bool pass_block(const Data<T>& data, const Batch& b, const Updates<T>& updates,
                    const Share<T>& share, int part, bool adds) {
        Network<T>& net = rooms_[share.t];
        net.room.into = net.tensors.part(part);
        const Rows rows = b.rows();
        forward(net, data, b, {rows.first, rows.last}, nothing);
        const bool finite = seen_finite(data, b, {rows.first, rows.last}) &&
                            compare(net, data, b, {rows.first, rows.last});
        backward(net, b, {rows.first, rows.last}, nothing);
        net.program.each_backward([&](const auto& op) {
            updates.keep(op, net.room, rows, adds, {0, 1, share.packing});
        });
        losses_[part] = loss_sum(net, data, b, 0, b.n, losses_[part]);
        return finite;
    }

    std::vector<Network<T>> rooms_;  // of each thread
    std::vector<double> losses_;     // of each part
};

}  // namespace chainrule
