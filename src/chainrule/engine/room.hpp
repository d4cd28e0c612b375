// Room for predictions: values whose memory is used again once nobody reads them any more.
#pragma once

#include "program.hpp"

namespace chainrule {

// What is looked at for numbers that are not finite, besides the z of the affines.
template <class T>
struct Checks {
    bool inputs = false, output = true;
    std::vector<bool> of_affine;  // which tensors show in its z

    explicit Checks(const Program<T>& program) : of_affine(program.spec.tensors.size()) {
        const ValueSpec& first = program.spec.values.front();
        program.each([&](const auto& op) {
            constexpr bool affine = std::is_same_v<std::decay_t<decltype(op)>, Affine<T>>;
            inputs = inputs || (!affine && op.reads(0));
            if (op.y == program.spec.output) output = !affine;
            if constexpr (affine) {
                of_affine[op.W] = !(op.reads(0) && first.sparse);  // not all of it shows
                if (op.b >= 0) of_affine[op.b] = true;
            }
        });
    }
};

// The tensors without what only training needs.
template <class T>
std::vector<TensorSpec> for_prediction(const Program<T>& program) {
    std::vector<TensorSpec> made = program.spec.tensors;
    for (TensorSpec& tensor : made) tensor.transposed = tensor.loose = false;
    return made;
}

template <class T>
class PredictionRoom {
public:
    Room<T> room;

    PredictionRoom(const Program<T>& program, Tensors<T>& tensors, int batch) : program_(program) {
        values_.reserve(program.spec.values.size());
        std::size_t most = 0;
        for (const ValueSpec& spec : program.spec.values) {
            const Value<T>& made = values_.emplace_back(spec, batch);
            if (spec.made) most = std::max(most, static_cast<std::size_t>(made.height) * made.ld);
        }
        values_[0].let_in();
        room = {values_.data(), tensors.all.data()};
        share_out(most);
    }

private:
    // Each value lies in the first piece of memory that is free from its making to its last reading.
    void share_out(std::size_t size) {
        std::vector<std::size_t> free_from;  // the operation from which on a piece is
        std::size_t now = 0;
        program_.each([&](const auto& op) {
            Value<T>& value = values_[op.y];
            if (value.rows.empty()) {
                const auto found = std::find_if(free_from.begin(), free_from.end(),
                                                [&](std::size_t from) { return from <= now; });
                const auto k = static_cast<std::size_t>(found - free_from.begin());
                if (found == free_from.end()) {
                    pieces_.emplace_back(size);
                    free_from.push_back(0);
                }
                free_from[k] = last_reading(op.y) + 1;
                value.lie_at(pieces_[k].get());
            }
            ++now;
        });
    }

    // After all operations for what leaves.
    std::size_t last_reading(int value) const {
        std::size_t now = 0, last = value == program_.spec.output ? program_.operations.size() : 0;
        program_.each([&](const auto& op) {
            if (op.reads(value)) last = std::max(last, now);
            ++now;
        });
        return last;
    }

    const Program<T>& program_;
    std::vector<Value<T>> values_;
    std::vector<Buffer<T>> pieces_;
};

}  // namespace chainrule
