// Which networks go side by side, and the examples of each.
#pragma once

#include <utility>
#include <vector>

#include "batch.hpp"

namespace chainrule {

// The widest layer in lanes, and the most weights and biases: beyond that a network's own vectors are
// full, and the caches hold less of 16 networks than of one.
inline constexpr int lane_widest = 64, lane_parameters = 2048;

// Whether networks of a program can be trained in lanes, in batches of so many rows, and are tiny
// enough to gain by it: a chain of affine layers, each with an activation. It is decided by sizes, not
// by how many there are.
template <class T>
bool suits_lanes(const Program<T>& program, int batch) {
    const ProgramSpec& spec = program.spec;
    int x = 0;
    for (const auto& any : program.operations) {
        const auto* op = std::get_if<Affine<T>>(&any);
        if (!op || op->x != x || op->copies > 1 || !op->dropouts.empty() ||
            op->activation == Activation::softmax || spec.values[op->x].width > lane_widest)
            return false;
        x = op->y;
    }
    return x == spec.output && spec.members() == 1 && spec.outputs() <= rows::narrow &&
           program.numbers() <= lane_parameters && batch < Blocks::fewest_rows;
}

// The examples of networks side by side, and which of them a step takes.
template <class T>
struct LaneBatch {
    std::vector<Data<T>> data;
    std::vector<Batch> batches;
    bool weighted = false, shared = false;  // whether examples have weights; are the same in all lanes

    explicit LaneBatch(std::vector<Data<T>> given = {}) : data(std::move(given)), batches(data.size()) {
        for (const Data<T>& own : data) weighted = weighted || own.targets.weights;
    }

    // To be called where the orders have changed.
    void compare() {
        shared = true;
        for (std::size_t k = 1; k < data.size(); ++k) shared = shared && goes_as(k, 0);
    }

    int networks() const { return static_cast<int>(data.size()); }
    std::int64_t example(int k, int r) const { return batches[k].example(r); }

private:
    bool goes_as(std::size_t k, std::size_t j) const {
        const Targets<T>&a = data[k].targets, &b = data[j].targets;
        return data[k].X == data[j].X && a.y == b.y && a.labels == b.labels && a.weights == b.weights &&
               batches[k].order == batches[j].order;
    }
};

}  // namespace chainrule
