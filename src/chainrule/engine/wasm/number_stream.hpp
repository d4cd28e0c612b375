// Records as one row of numbers, in the order of their fields, as wasm_engine.js writes them.
//
//   a number, whether something is so   itself
//   a name                              how many signs, then each of them
//   a list                              how many entries, then each of them
//
// So nothing is parsed here. A row that ends too soon, or names what the engine does not know, leaves a
// sentence, and what was read is not used.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "update.hpp"

namespace chainrule {

class NumberStream {
public:
    NumberStream(const double* first, std::size_t count) : at_(first), end_(first + count) {}

    double number() {
        if (at_ == end_) refuse("the record ends too soon");
        return at_ == end_ ? 0 : *at_++;
    }
    template <class N = int>
    N whole() {
        return static_cast<N>(number());
    }
    bool truth() { return number() != 0; }

    std::string name() {
        std::string made;
        for (int left = whole(); left > 0 && goes_on(); --left) made.push_back(whole<char>());
        return made;
    }

    // A list whose entries `read` reads.
    template <class F>
    auto list(F&& read) {
        std::vector<decltype(read())> made;
        for (int left = whole(); left > 0 && goes_on(); --left) made.push_back(read());
        return made;
    }
    std::vector<int> wholes() {
        return list([this] { return whole(); });
    }
    std::vector<double> numbers() {
        return list([this] { return number(); });
    }

    // The row of a table that has a name.
    template <class Find>
    auto found(Find&& find) {
        const std::string own = name();
        const auto row = find(own);
        if (!row) refuse("the engine does not know '" + own + "'");
        return row ? *row : typename std::decay_t<decltype(row)>::value_type{};
    }

    bool goes_on() const { return wrong_.empty(); }

    // The first thing that is wrong is what is said.
    void refuse(const std::string& why) {
        if (wrong_.empty()) wrong_ = why;
    }
    const std::string& wrong() {
        if (at_ != end_) refuse("the record is longer than what it is of");
        return wrong_;
    }

private:
    const double *at_, *end_;
    std::string wrong_;
};

// --- program.py

inline OperationSpec read_operation(NumberStream& from) {
    OperationSpec op;
    op.kind = from.found(find_kind);
    op.inputs = from.wholes();
    op.output = from.whole();
    op.tensors = from.wholes();
    op.first = from.whole();
    op.copies = from.whole();
    op.activation = from.found(find_activation);
    op.parameter = from.number();
    op.dropouts = from.list([&] {
        const double rate = from.number();
        return Dropout{rate, 0, from.whole<std::uint32_t>()};
    });
    op.epsilon = from.number();
    op.momentum = from.number();
    op.features = from.wholes();
    op.edges = from.list([&] { return from.numbers(); });
    op.levels = from.wholes();
    return op;
}

// Where an operation reads or makes what there is not.
inline void check(NumberStream& from, const ProgramSpec& spec) {
    const auto within = [&](int k, const auto& all) {
        if (k < 0 || k >= static_cast<int>(all.size())) from.refuse("an operation reads what there is not");
    };
    for (const OperationSpec& op : spec.operations) {
        for (const int k : op.inputs) within(k, spec.values);
        for (const int k : op.tensors) within(k, spec.tensors);
        within(op.output, spec.values);
        if (op.inputs.empty()) from.refuse("an operation reads nothing");
    }
    within(spec.output, spec.values);
}

inline ProgramSpec read_program(NumberStream& from) {
    ProgramSpec spec{};
    spec.values = from.list([&] {
        const int width = from.whole();
        return ValueSpec{width, from.whole()};
    });
    spec.tensors = from.list([&] {
        TensorSpec tensor{};
        tensor.rows = from.whole();
        tensor.columns = from.whole();
        tensor.weight = from.truth();
        tensor.statistic = from.truth();
        return tensor;
    });
    spec.operations = from.list([&] { return read_operation(from); });
    spec.output = from.whole();
    spec.work = from.number();
    spec.heads = from.list([&] {
        Head head{from.found(find_loss), {}, 0};
        head.parameters = from.numbers();
        head.outputs = from.whole();
        return head;
    });
    for (int first = 0; Head& head : spec.heads) first = (head.first = first) + head.outputs;
    check(from, spec);
    return spec;
}

// --- session.py

// An optimizer's name, and its numbers by name, of which each has some.
inline OptimizerSpec read_optimizer(NumberStream& from) {
    OptimizerSpec spec{};
    HyperParameters& h = spec.values;
    const std::string name = from.name();
    double nesterov = 0;
    const std::pair<const char*, double*> fields[]{
        {"momentum", &h.momentum}, {"nesterov", &nesterov}, {"dampening", &h.dampening},
        {"epsilon", &h.epsilon}, {"rho", &h.rho}, {"beta1", &h.beta1}, {"beta2", &h.beta2},
        {"weight_decay", &h.weight_decay}, {"shrink", &h.shrink}, {"grow", &h.grow},
        {"smallest", &h.smallest}, {"largest", &h.largest}, {"l1", &h.l1}, {"l2", &h.l2},
        {"clip_value", &spec.clip_value}, {"clip_norm", &spec.clip_norm}};
    for (int left = from.whole(); left > 0 && from.goes_on(); --left) {
        const std::string own = from.name();
        const auto* field = std::find_if(std::begin(fields), std::end(fields),
                                         [&](const auto& each) { return own == each.first; });
        const double value = from.number();
        if (field == std::end(fields)) from.refuse("no optimizer has the number '" + own + "'");
        else *field->second = value;
    }
    h.nesterov = nesterov != 0;
    const auto rule = find_rule(name, h.momentum);
    if (!rule) from.refuse("the engine does not know the optimizer '" + name + "'");
    else spec.rule = *rule;
    return spec;
}

}  // namespace chainrule
