// The first phase of a step: rows of a batch pass forward, are compared, and pass backward.
//
// Each thread takes rows of its own and needs nobody, unless an operation wants the whole batch. What
// the rows leave behind, values and their d, lies in the room; the second phase (update.hpp) makes a
// gradient of it.
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "blocks.hpp"
#include "program.hpp"

namespace chainrule {

// Examples where the user has them.
template <class T>
struct Data {
    const T* X;
    std::int64_t ldx, n;
    Targets<T> targets;  // without an order
    SparseRows<T> sparse{};  // in the place of X, where only entries are given

    void enter(Value<T>& first, int r, std::int64_t example) const {
        if (!small_code && sparse) first.enter(r, sparse.row(example));
        else first.rows[r] = X + example * ldx;
    }
};

// Some of them: those numbered order[first], …, or first, … without an order.
struct Batch {
    std::int64_t n;
    std::int64_t first;
    const std::int64_t* order;
    std::uint64_t step;  // which dropout's masks follow from; 0 is for predictions, without masks
    double scale;        // an example's part in the cost, before its weight
    bool looks = false;  // whether their numbers in X are still to be looked at
    const Cut* cut = nullptr;  // how they fall into shards, where there are any
    std::int64_t before = 0, after = 0;  // where these are a piece of a batch, its rows around them

    std::int64_t example(std::int64_t r) const { return order ? order[first + r] : first + r; }
    Rows rows(Part part) const {
        return {static_cast<int>(n), part.first, part.last, step, cut, before, after};
    }
    Rows rows() const { return rows({0, static_cast<int>(n)}); }

    // Its rows r0 to r1 by themselves.
    Batch piece(std::int64_t r0, std::int64_t r1) const {
        Batch made = *this;
        made.n = r1 - r0;
        made.first += r0;
        made.before += r0;
        made.after += n - r1;
        return made;
    }
};

// What all rows of a batch share.
template <class T>
struct Model {
    Program<T> program;
    bool by_blocks;  // whether batches that are large enough go by blocks
    Tensors<T> tensors;
    std::vector<Buffer<T>> loss_parameters;  // of each head's outputs, 0 where its loss has none

    Model(const ProgramSpec& spec, int examples, int states, bool keeps_gradient, const Shards& shards)
        : program(spec),
          by_blocks(!program.of_batch && !shards.any() && !program.spec.values[0].sparse &&
                    Blocks::suit(examples, program.numbers())),
          tensors(program.spec.tensors, states, keeps_gradient || by_blocks, shards,
                  by_blocks ? Blocks{examples}.parts() : 1) {
        for (const Head& head : spec.heads) loss_parameters.push_back(parameters_of<T>(head));
    }
};

// A model with room for some rows: for a batch, or where those that are large go by blocks, for the
// others.
template <class T>
struct Network {
    std::shared_ptr<Model<T>> model;
    Program<T>& program;
    Tensors<T>& tensors;
    int batch;
    std::vector<Value<T>> values;
    Room<T> room;
    Buffer<T> losses;  // of each row, unweighted

    Network(std::shared_ptr<Model<T>> given, int rows)
        : model(std::move(given)), program(model->program), tensors(model->tensors),
          batch(model->by_blocks ? std::min(rows, Blocks::fewest_rows - 1) : rows),
          losses(static_cast<std::size_t>(batch) * program.spec.members()) {
        values.reserve(program.spec.values.size());
        for (const ValueSpec& value : program.spec.values)
            values.emplace_back(value, batch).make_room();
        room = {values.data(), tensors.all.data(), tensors.stride};
        values[0].let_in();
    }

    Value<T>& last() { return values[program.spec.output]; }

    // Room for the columns of x, the widest that the program packs.
    std::size_t widest_packing() const {
        std::size_t most = packing_room<T>(batch, 1);
        program.each([&](const auto& op) { most = std::max(most, op.packing(room)); });
        return most;
    }

    // Room for the sums of a subtree that an operation gathers.
    std::size_t widest_sums() const {
        std::size_t most = 0;
        program.each([&](const auto& op) {
            if constexpr (std::decay_t<decltype(op)>::of_batch)
                most = std::max(most, op.sums(room, op.backward_kinds));
        });
        return most;
    }

    void forget() {
        for (Value<T>& value : values) value.forget();
    }
};

// Whether all numbers of some rows are finite, where nobody has looked yet; after they have passed
// forward, whose product has asked for them in time.
template <class T>
bool seen_finite(const Data<T>& data, const Batch& b, Part part) {
    if (!b.looks) return true;
    typename Vec<T>::type poison{};
    for (int r = part.first; r < part.last; ++r)
        poison += poison_in(data.X + b.example(r) * data.ldx, static_cast<std::size_t>(data.ldx));
    return sum_of_lanes(poison) == 0;
}

inline constexpr auto nothing = [](const auto&) {};

template <class T, class Gather>
void forward(Network<T>& net, const Data<T>& data, const Batch& b, Part part, Gather&& gather) {
    for (int r = part.first; r < part.last; ++r) data.enter(net.values[0], r, b.example(r));
    net.program.forward(net.room, b.rows(part), gather);
}

// The loss of each row, and ∂C/∂a in the d of the last value. False where a loss is not finite.
template <class T>
CHAINRULE_INLINE bool compare(Network<T>& net, const Data<T>& data, const Batch& b, Part part) {
    Value<T>& last = net.last();
    Targets<T> targets = data.targets;
    if (b.order) {
        targets.order = b.order + b.first;
    } else {
        if (targets.y) targets.y += b.first * targets.ld;
        if (targets.labels) targets.labels += b.first;
        if (targets.weights) targets.weights += b.first;
    }
    const int members = last.spec.copies;
    bool finite = true;
    for (int m = 0; m < members; ++m) {
        const auto row = static_cast<int>(m * b.n);
        finite &= loss_rows(net.program.spec.heads, net.model->loss_parameters, last.columns, last.row(row),
                            last.ld, targets, T(members == 1 ? b.scale : b.scale / members),
                            last.d_row(row), last.ld, net.losses.get() + row, part.first, part.last);
    }
    return finite;
}

// From the last value's d to those of all.
template <class T, class Gather>
void backward(Network<T>& net, const Batch& b, Part part, Gather&& gather) {
    net.program.backward(net.room, b.rows(part), gather);
}

// The loss of an example: the mean of its members'.
template <class T>
double loss_of(const T* losses, int members, std::int64_t n, std::int64_t r) {
    double sum = losses[r];
    for (int m = 1; m < members; ++m) sum += static_cast<double>(losses[m * n + r]);
    return members == 1 ? sum : sum / members;
}

// Σ w L over some rows of the batch, added to a sum.
template <class T>
CHAINRULE_INLINE double loss_sum(Network<T>& net, const Data<T>& data, const Batch& b, std::int64_t first,
                std::int64_t last, double sum = 0) {
    const T* weights = data.targets.weights;
    const T* losses = net.losses.get();
    const int members = net.last().spec.copies;
    const auto add = [&](std::int64_t r, double loss) {
        sum = multiply_add(loss, weights ? weights[b.example(r)] : 1.0, sum);
    };
    if (members == 1)  // of which no mean is taken, which would be a division each
        for (std::int64_t r = first; r < last; ++r) add(r, losses[r]);
    else
        for (std::int64_t r = first; r < last; ++r) add(r, loss_of(losses, members, b.n, r));
    return sum;
}

// |∂C/∂(all tensors)|² of the part that example r has in the gradient.
template <class T>
double squared_norm(const Network<T>& net, const Batch& b, int r) {
    double sum = 0;
    net.program.each([&](const auto& op) {
        sum = op.add_squared_norm(net.room, static_cast<int>(b.n), r, sum);
    });
    return sum;
}

}  // namespace chainrule
