// A network as operations in order over numbered values and tensors.
//
// The specification is plain data, as layers have lowered themselves. What follows from it is decided
// once, when a program is made:
//   - an activation or a dropout behind an affine is fused with it, where nobody else reads between;
//   - which values want a gradient: those that tensors have had a part in;
//   - of several operations that read a value, the first to go back writes its d, the others add;
//   - where the last of them is an affine, and an affine made the value, it finishes that one's delta
//     tile by tile, as it writes it.
#pragma once

#include <string>
#include <variant>

#include "activate.hpp"
#include "add.hpp"
#include "affine.hpp"
#include "batch_norm.hpp"
#include "dropout.hpp"
#include "embedding.hpp"
#include "heads.hpp"
#include "layer_norm.hpp"
#include "periodic.hpp"
#include "piecewise.hpp"
#include "rms.hpp"
#include "scale.hpp"

namespace chainrule {

struct ProgramSpec {
    std::vector<ValueSpec> values;  // value 0 is what enters
    std::vector<TensorSpec> tensors;
    std::vector<OperationSpec> operations;
    int output;                           // the number of the value that is compared
    double work;                          // of a step of training, for one example
    std::vector<Head> heads;              // what the outputs are compared by, side by side
    bool apart = false;                   // whether no operation is fused with another

    int inputs() const { return values.front().width; }
    int outputs() const { return values[output].width; }
    int members() const { return values[output].copies; }
};

namespace planning {

// Whether two operations that read a value read the same copies of it. What is not in copies is read
// whole, also by an operation that makes copies of it.
inline bool meet(const OperationSpec& a, const OperationSpec& b, const ValueSpec& value) {
    return value.copies == 1 || (a.first < b.first + b.copies && b.first < a.first + a.copies);
}

// The affine that an activation or a dropout can be fused with, or none: it made what this reads.
inline OperationSpec* host(std::vector<OperationSpec>& made, const OperationSpec& op) {
    if (op.kind != Kind::activate && op.kind != Kind::dropout) return nullptr;
    for (OperationSpec& other : made) {
        const bool its = other.output == op.inputs[0] && other.first == op.first &&
                         other.copies == op.copies && other.kind == Kind::affine;
        if (its && (op.kind == Kind::dropout ||
                    (other.activation == Activation::identity && other.dropouts.empty())))
            return &other;
    }
    return nullptr;
}

// Whether nobody else reads what an operation reads.
inline bool reads_alone(const ProgramSpec& spec, const OperationSpec& reader) {
    const int value = reader.inputs[0];
    int count = 0;
    for (const OperationSpec& op : spec.operations)
        for (const int input : op.inputs)
            count += input == value && meet(op, reader, spec.values[value]);
    return count == 1;
}

inline std::vector<OperationSpec> fused(const ProgramSpec& spec) {
    std::vector<OperationSpec> made;
    for (const OperationSpec& op : spec.operations) {
        OperationSpec* before = host(made, op);
        if (!before || !reads_alone(spec, op)) {
            made.push_back(op);
            continue;
        }
        if (op.kind == Kind::activate) {
            before->activation = op.activation;
            before->parameter = op.parameter;
        }
        before->dropouts.insert(before->dropouts.end(), op.dropouts.begin(), op.dropouts.end());
        before->output = op.output;
    }
    return made;
}

// Whether rows that enter as entries are expanded: where not all that read them are affine, of one copy,
// and for bfloat16, which has no products with entries.
inline void let_in(ValueSpec& first, const std::vector<OperationSpec>& operations) {
    first.expanded = first.sparse && std::any_of(operations.begin(), operations.end(), [](auto& op) {
        const bool can =
            !CHAINRULE_BFLOAT16 && op.kind == Kind::affine && op.first == 0 && op.copies == 1;
        return std::count(op.inputs.begin(), op.inputs.end(), 0) && !can;
    });
}

// Mark which values are made, and which want a gradient.
inline void mark(std::vector<ValueSpec>& values, const std::vector<OperationSpec>& operations,
                 int output) {
    for (const OperationSpec& op : operations) {
        bool wanted = !op.tensors.empty() || op.output == output;
        for (const int input : op.inputs) wanted = wanted || values[input].wanted;
        values[op.output].made = true;
        values[op.output].wanted = values[op.output].wanted || wanted;
    }
}

// Whether an operation that goes back before this one, or an earlier input of its own, has written d.
inline bool adds(const std::vector<OperationSpec>& operations, std::size_t k, std::size_t i,
                 const ValueSpec& value) {
    const OperationSpec& op = operations[k];
    const auto number = op.inputs[i];
    if (std::count(op.inputs.begin(), op.inputs.begin() + static_cast<long>(i), number)) return true;
    return std::any_of(operations.begin() + static_cast<long>(k) + 1, operations.end(),
                       [&](const OperationSpec& other) {
                           return std::count(other.inputs.begin(), other.inputs.end(), number) &&
                                  meet(other, op, value);
                       });
}

inline void direct(std::vector<OperationSpec>& operations, const std::vector<ValueSpec>& values) {
    for (std::size_t k = 0; k < operations.size(); ++k)
        for (std::size_t i = 0; i < operations[k].inputs.size(); ++i) {
            const ValueSpec& value = values[operations[k].inputs[i]];
            operations[k].ways[i] = {value.wanted, adds(operations, k, i, value)};
        }
}

// Which affine finishes the delta of which: the first to read a value is the last to go back to it.
// Where members read a value each for itself, all of them must be affine.
inline void finish_by_tiles(std::vector<OperationSpec>& operations,
                            const std::vector<ValueSpec>& values) {
    for (std::size_t k = 0; k < operations.size(); ++k) {
        OperationSpec& op = operations[k];
        if (op.kind != Kind::affine) continue;
        std::vector<OperationSpec*> lasts;
        for (OperationSpec& other : operations) {
            const bool after = std::any_of(lasts.begin(), lasts.end(), [&](OperationSpec* last) {
                return meet(*last, other, values[op.output]);
            });
            if (std::count(other.inputs.begin(), other.inputs.end(), op.output) && !after &&
                meet(other, op, values[op.output]))
                lasts.push_back(&other);
        }
        op.finished = !lasts.empty() && std::all_of(lasts.begin(), lasts.end(), [](auto* last) {
            return last->kind == Kind::affine;
        });
        for (OperationSpec* last : lasts)
            if (op.finished) last->finishes = static_cast<int>(k);
    }
}

}  // namespace planning

template <class T>
class Program {
public:
    using Any = std::variant<Affine<T>, Activate<T>, DropoutAlone<T>, Scale<T>, LayerNorm<T>, Rms<T>,
                             BatchNorm<T>, Add<T>, Periodic<T>, Piecewise<T>, Embedding<T>>;

    ProgramSpec spec;
    std::vector<Any> operations;
    bool of_batch = false;  // whether an operation needs the whole batch in training

    explicit Program(const ProgramSpec& given) : spec(given) {
        std::vector<OperationSpec> specs = spec.apart ? spec.operations : planning::fused(spec);
        planning::let_in(spec.values.front(), specs);
        planning::mark(spec.values, specs, spec.output);
        planning::direct(specs, spec.values);
        planning::finish_by_tiles(specs, spec.values);
        operations.reserve(specs.size());
        for (const OperationSpec& op : specs) make(op);
        for (std::size_t k = 0; k < specs.size(); ++k)
            if (specs[k].finishes >= 0)
                std::get<Affine<T>>(operations[k]).finishes =
                    &std::get<Affine<T>>(operations[specs[k].finishes]);
        each([&](const auto& op) { of_batch = of_batch || op.of_batch; });
    }
    Program(const Program&) = delete;  // operations know each other
    Program& operator=(const Program&) = delete;

    // How many numbers all tensors have.
    std::int64_t numbers() const {
        std::int64_t sum = 0;
        for (const TensorSpec& tensor : spec.tensors)
            sum += static_cast<std::int64_t>(tensor.rows) * tensor.columns;
        return sum;
    }

    // f(operation) with each, in their order, and in the other.
    template <class F>
    CHAINRULE_INLINE void each(F&& f) const {
        for (const Any& op : operations) on(op, f);
    }
    template <class F>
    CHAINRULE_INLINE void each_backward(F&& f) const {
        for (std::size_t k = operations.size(); k-- > 0;) on(operations[k], f);
    }

    // Rows of all values, from rows of what enters. `gather` is called with each operation that needs
    // the whole batch, before its rows.
    template <class Gather>
    void forward(Room<T>& room, const Rows& rows, Gather&& gather) const {
        each([&](const auto& op) {
            if constexpr (std::decay_t<decltype(op)>::of_batch)
                if (rows.trains()) gather(op);
            op.forward(room, rows);
        });
    }
    template <class Gather>
    void backward(Room<T>& room, const Rows& rows, Gather&& gather) const {
        each_backward([&](const auto& op) {
            if constexpr (std::decay_t<decltype(op)>::of_batch)
                if (rows.trains()) gather(op);
            op.backward(room, rows);
        });
    }

private:
    // Most operations are affine, which is asked for first.
    template <class F>
    CHAINRULE_INLINE static void on(const Any& op, F&& f) {
        if (const auto* affine = std::get_if<Affine<T>>(&op)) f(*affine);
        else std::visit(f, op);
    }

    void make(const OperationSpec& op) {
        switch (op.kind) {
            case Kind::affine: return add<Affine<T>>(op);
            case Kind::activate: return add<Activate<T>>(op);
            case Kind::dropout: return add<DropoutAlone<T>>(op);
            case Kind::scale: return add<Scale<T>>(op);
            case Kind::layer_norm: return add<LayerNorm<T>>(op);
            case Kind::rms: return add<Rms<T>>(op);
            case Kind::batch_norm: return add<BatchNorm<T>>(op);
            case Kind::add: return add<Add<T>>(op);
            case Kind::periodic: return add<Periodic<T>>(op);
            case Kind::piecewise: return add<Piecewise<T>>(op);
            case Kind::embedding: return add<Embedding<T>>(op);
        }
        __builtin_unreachable();
    }

    // A kind may decide on the values and tensors that it works on.
    template <class Op>
    void add(const OperationSpec& op) {
        for (const int tensor : op.tensors)
            spec.tensors[tensor].loose = !std::is_same_v<Op, Affine<T>>;
        operations.emplace_back(std::in_place_type<Op>, op, spec.values, spec.tensors);
    }
};

}  // namespace chainrule
