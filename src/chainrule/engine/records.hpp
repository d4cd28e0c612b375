// Records of Python, read by the names of their fields.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <stdexcept>
#include <string>

#include "predictor.hpp"
#include "trainer.hpp"

namespace chainrule {

template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// A field of a record.
template <class T>
T field(nb::handle record, const char* name) {
    return nb::cast<T>(nb::getattr(record, name));
}

// A field that is a sequence of records, each read by `read`.
template <class F>
auto fields(nb::handle record, const char* name, F&& read) {
    std::vector<decltype(read(record))> found;
    for (const nb::handle each : nb::getattr(record, name)) found.push_back(read(each));
    return found;
}

template <class Row>
Row known(std::optional<Row> row, const std::string& name) {
    if (!row) throw std::invalid_argument("the engine does not know the row '" + name + "'");
    return *row;
}

template <class Find>
auto found(nb::handle record, const char* name, Find&& find) {
    const auto row = field<std::string>(record, name);
    return known(find(row), row);
}

// --- program.py

inline Dropout read_mask(nb::handle r) {
    return {field<double>(r, "rate"), 0, field<std::uint32_t>(r, "stream")};
}

inline TensorSpec read_tensor(nb::handle r) {
    return {field<int>(r, "rows"), field<int>(r, "columns"), false, field<bool>(r, "weight"),
            field<bool>(r, "statistic")};
}

inline ValueSpec read_value(nb::handle r) { return {field<int>(r, "width"), field<int>(r, "copies")}; }

inline OperationSpec read_operation(nb::handle r) {
    OperationSpec op;
    op.kind = found(r, "kind", find_kind);
    op.inputs = field<std::vector<int>>(r, "inputs");
    op.output = field<int>(r, "output");
    op.tensors = field<std::vector<int>>(r, "tensors");
    op.first = field<int>(r, "first");
    op.copies = field<int>(r, "copies");
    op.activation = found(r, "activation", find_activation);
    op.parameter = field<double>(r, "parameter");
    op.dropouts = fields(r, "dropouts", read_mask);
    op.epsilon = field<double>(r, "epsilon");
    op.momentum = field<double>(r, "momentum");
    op.features = field<std::vector<int>>(r, "features");
    op.edges = field<std::vector<std::vector<double>>>(r, "edges");
    op.levels = field<std::vector<int>>(r, "levels");
    return op;
}

inline Head read_head(nb::handle r) {
    return {found(r, "loss", find_loss), field<std::vector<double>>(r, "parameters"),
            field<int>(r, "outputs")};
}

inline ProgramSpec read_program(nb::handle r) {
    ProgramSpec spec{};
    spec.values = fields(r, "values", read_value);
    spec.tensors = fields(r, "tensors", read_tensor);
    spec.operations = fields(r, "operations", read_operation);
    spec.output = field<int>(r, "output");
    spec.work = field<double>(r, "work");
    spec.heads = fields(r, "heads", read_head);
    for (int first = 0; Head& head : spec.heads) first = (head.first = first) + head.outputs;
    return spec;
}

// Zeros in the form of the parameters.
inline Form read_form(nb::handle form) {
    PyTypeObject* type = Py_TYPE(form.ptr());
    if (!nb::isinstance<nb::tuple>(form)) return {type, true, field<std::vector<int>>(form, "shape"), {}};
    Form made{type, false, {}, {}};
    for (const nb::handle entry : form) made.entries.push_back(read_form(entry));
    return made;
}

// --- session.py

// The program of a run: which tensors no step moves, the seed of its dropout, and whether only the
// entries of rows are to enter.
inline ProgramSpec of_run(ProgramSpec spec, const std::vector<int>& frozen, std::uint64_t seed,
                          bool sparse) {
    spec.values.front().sparse = sparse;
    for (const int k : frozen) spec.tensors.at(k).frozen = true;
    for (OperationSpec& op : spec.operations)
        for (Dropout& dropout : op.dropouts) dropout.seed = seed;
    return spec;
}

// An optimizer's name and its numbers, of which each has some.
inline OptimizerSpec read_optimizer(const std::string& name, const nb::dict& numbers) {
    OptimizerSpec spec{};
    HyperParameters& h = spec.values;
    const auto number = [&](const char* field, double otherwise) {
        return numbers.contains(field) ? nb::cast<double>(numbers[field]) : otherwise;
    };
    h.momentum = number("momentum", 0);
    h.nesterov = number("nesterov", 0) != 0;
    h.dampening = number("dampening", 0);
    h.epsilon = number("epsilon", 0);
    h.rho = number("rho", 0);
    h.beta1 = number("beta1", 0);
    h.beta2 = number("beta2", 0);
    h.weight_decay = number("weight_decay", 0);
    h.shrink = number("shrink", 0);
    h.grow = number("grow", 0);
    h.smallest = number("smallest", 0);
    h.largest = number("largest", 0);
    h.l1 = number("l1", 0);
    h.l2 = number("l2", 0);
    spec.clip_value = number("clip_value", spec.clip_value);
    spec.clip_norm = number("clip_norm", spec.clip_norm);
    spec.rule = known(find_rule(name, h.momentum), name);
    return spec;
}

// An array of a record, held as long as this lives; null where the field is None.
template <class T>
class Array {
public:
    Array(nb::handle record, const char* name)
        : held_(field<std::optional<In<T>>>(record, name)) {}
    const T* data() const { return held_ ? held_->data() : nullptr; }
    std::int64_t size() const { return held_ ? static_cast<std::int64_t>(held_->size()) : 0; }
    std::int64_t shape(int axis) const { return static_cast<std::int64_t>(held_->shape(axis)); }
    explicit operator bool() const { return held_.has_value(); }

private:
    std::optional<In<T>> held_;
};

// Rows of which only the entries are given, or None.
template <class T>
struct GivenEntries {
    Array<std::int64_t> starts;
    Array<std::int32_t> columns;
    Array<T> values;

    explicit GivenEntries(nb::handle r)
        : starts(r, "starts"), columns(r, "columns"), values(r, "values") {}

    SparseRows<T> rows() const {
        return {starts.data(), columns.data(), values.data(), starts.size() - 1};
    }
};

// Examples: X (n, inputs), whole or sparse, y (n, outputs) or labels (n,), weights (n,).
template <class T>
struct Examples {
    Array<T> X, y, weights;
    Array<std::int64_t> labels;
    std::optional<GivenEntries<T>> sparse;

    explicit Examples(nb::handle r)
        : X(r, "X"), y(r, "y"), weights(r, "weights"), labels(r, "labels") {
        if (const nb::object given = nb::getattr(r, "sparse"); !given.is_none()) sparse.emplace(given);
    }

    Data<T> data() const {
        Data<T> data{};
        if (sparse) {
            data.sparse = sparse->rows();
            data.n = data.sparse.n;
        } else {
            data = {X.data(), X.shape(1), X.shape(0), {}};
        }
        data.targets.y = y.data();
        data.targets.ld = y ? y.shape(1) : 0;
        data.targets.labels = labels.data();
        data.targets.weights = weights.data();
        return data;
    }
};

// The shards of a run, or None.
inline Shards read_shards(nb::handle r) {
    if (r.is_none()) return {};
    const auto subtree = [](nb::handle held) {
        return Subtree{nb::cast<int>(held[0]), nb::cast<int>(held[1])};
    };
    return {field<std::vector<std::int64_t>>(r, "sizes"), fields(r, "held", subtree),
            field<std::int64_t>(r, "steps")};
}

// The epochs of a run.
struct Epochs {
    Array<double> rates;
    Array<std::int64_t> left_out;
    Plan plan{};

    explicit Epochs(nb::handle r) : rates(r, "rates"), left_out(r, "left_out") {
        plan.shuffles = field<bool>(r, "shuffles");
        plan.seed = field<std::uint64_t>(r, "seed");
        plan.number = field<std::uint32_t>(r, "stream");
        plan.first_epoch = field<std::int64_t>(r, "first_epoch");
        plan.epochs = field<std::int64_t>(r, "epochs");
        plan.batch = field<std::int64_t>(r, "batch");
        plan.first_step = field<std::int64_t>(r, "first_step");
        plan.mean_weight = field<double>(r, "mean_weight");
        plan.rates = rates.data();
        plan.one_rate = rates.size() == 1;
        plan.seconds = field<double>(r, "seconds");
        plan.most_steps = field<std::int64_t>(r, "most_steps");
        plan.looks = field<bool>(r, "looks");
        plan.left_out = {left_out.data(), static_cast<std::size_t>(left_out.size())};
    }
};

}  // namespace chainrule
