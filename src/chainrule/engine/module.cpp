// The binding. The build names the module (CHAINRULE_MODULE) and the instruction set it is for.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>

#include "cpu.hpp"
#include "predictor.hpp"
#include "trainer.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace chainrule {
namespace {

template <class T>
using In = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;
template <class T>
using Out = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

using DropoutTuple = std::tuple<double, std::uint64_t, std::uint32_t>;  // rate, seed, stream
using LayerTuple = std::tuple<int, int, std::string, double, bool, bool, std::vector<DropoutTuple>>;

template <class Row>
Row known(std::optional<Row> row, const std::string& name) {
    if (!row) throw std::invalid_argument("the engine does not know the row '" + name + "'");
    return *row;
}

std::vector<Dropout> dropouts(const std::vector<DropoutTuple>& given) {
    std::vector<Dropout> result;
    for (const auto& [rate, seed, number] : given) result.push_back({rate, seed, number});
    return result;
}

OptimizerSpec optimizer_spec(const std::string& name, const nb::dict& fields) {
    OptimizerSpec spec{};
    const auto number = [&](const char* field, double otherwise) {
        return fields.contains(field) ? nb::cast<double>(fields[field]) : otherwise;
    };
    HyperParameters& h = spec.values;
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

// Whether Python has a signal to handle, such as Ctrl-C; asked at most every 20 ms.
class Signals {
public:
    bool operator()() {
        const auto now = std::chrono::steady_clock::now();
        if (now < next_) return false;
        next_ = now + std::chrono::milliseconds(20);
        nb::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() == 0) return false;
        raised_ = nb::borrow(nb::python_error().value());  // which clears Python's own indicator
        return true;
    }
    // The exception that a handler raised, or None.
    nb::object raised() const { return raised_ ? raised_ : nb::none(); }

private:
    std::chrono::steady_clock::time_point next_ =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    nb::object raised_;
};

std::vector<LayerSpec> layer_specs(const std::vector<LayerTuple>& given) {
    std::vector<LayerSpec> result;
    for (const auto& [in, out, name, parameter, frozen_W, frozen_b, after] : given)
        result.push_back({in, out, known(find_activation(name), name), parameter, frozen_W,
                          frozen_b, dropouts(after)});
    return result;
}

template <class T>
std::unique_ptr<Trainer<T>> make_trainer(int inputs, const std::vector<DropoutTuple>& first,
                                         const std::vector<LayerTuple>& layers,
                                         const std::string& loss,
                                         const std::vector<double>& loss_parameters,
                                         const std::string& optimizer, const nb::dict& fields,
                                         int batch, int threads, bool keeps_gradient) {
    const NetworkSpec net{inputs, dropouts(first), layer_specs(layers), known(find_loss(loss), loss),
                          loss_parameters};
    return std::make_unique<Trainer<T>>(net, optimizer_spec(optimizer, fields), batch, threads,
                                        keeps_gradient);
}

std::unique_ptr<Predictor> make_predictor(int inputs, int outputs,
                                          const std::vector<LayerTuple>& layers,
                                          const std::string& loss, std::vector<int> places,
                                          int entries, int cores, nb::object empty,
                                          nb::object single, nb::object twice) {
    return std::make_unique<Predictor>(
        PredictionSpec{inputs, outputs, layer_specs(layers), known(find_loss(loss), loss)},
        std::move(places), entries, cores, std::move(empty), std::move(single), std::move(twice));
}

// What a layer holds, W or b or a state of theirs, from the user's arrays (o, i) and (o,).
template <class T>
void load_layer(Trainer<T>& trainer, std::size_t k, In<T> W, In<T> b, std::vector<In<T>> sW,
                std::vector<In<T>> sb) {
    Layer<T>& l = trainer.layers().at(k);
    l.read(W.data(), l.W.get());
    std::copy_n(b.data(), l.out, l.b.get());
    for (std::size_t j = 0; j < sW.size(); ++j) {
        l.read(sW[j].data(), l.sW[j].get());
        std::copy_n(sb[j].data(), l.out, l.sb[j].get());
    }
}

template <class T>
void store_layer(Trainer<T>& trainer, std::size_t k, Out<T> W, Out<T> b, std::vector<Out<T>> sW,
                 std::vector<Out<T>> sb) {
    Layer<T>& l = trainer.layers().at(k);
    l.write(l.W.get(), W.data());
    std::copy_n(l.b.get(), l.out, b.data());
    for (std::size_t j = 0; j < sW.size(); ++j) {
        l.write(l.sW[j].get(), sW[j].data());
        std::copy_n(l.sb[j].get(), l.out, sb[j].data());
    }
}

// What a layer keeps of the gradient, and a gradient for it to keep.
template <class T>
void store_gradient(Trainer<T>& trainer, std::size_t k, Out<T> W, Out<T> b) {
    const Layer<T>& l = trainer.layers().at(k);
    l.write(l.gW.get(), W.data());
    std::copy_n(l.gb.get(), l.out, b.data());
}

template <class T>
void load_gradient(Trainer<T>& trainer, std::size_t k, In<T> W, In<T> b) {
    const Layer<T>& l = trainer.layers().at(k);
    l.read(W.data(), l.gW.get());
    std::copy_n(b.data(), l.out, l.gb.get());
}

// X (n, inputs), y (n, outputs) or labels (n,), weights (n,), where the user has them.
template <class T>
Data<T> data_of(const In<T>& X, const std::optional<In<T>>& y,
                const std::optional<In<std::int64_t>>& labels, const std::optional<In<T>>& weights) {
    Data<T> data{X.data(), static_cast<std::int64_t>(X.shape(1)),
                 static_cast<std::int64_t>(X.shape(0)), {}};
    if (y) {
        data.targets.y = y->data();
        data.targets.ld = static_cast<std::int64_t>(y->shape(1));
    }
    if (labels) data.targets.labels = labels->data();
    if (weights) data.targets.weights = weights->data();
    return data;
}

template <class T>
nb::tuple run(Trainer<T>& trainer, In<T> X, std::optional<In<T>> y,
              std::optional<In<std::int64_t>> labels, std::optional<In<T>> weights,
              std::optional<In<std::int64_t>> left_out, bool shuffles, std::uint64_t seed, std::uint32_t number, std::int64_t first_epoch,
              std::int64_t epochs, std::int64_t batch, std::int64_t first_step, double mean_weight,
              In<double> rates, double seconds, std::int64_t most_steps) {
    const Data<T> data = data_of<T>(X, y, labels, weights);
    const Plan plan{shuffles,    seed,         number,            first_epoch, epochs, batch, first_step,
                    mean_weight, rates.data(), rates.size() == 1, seconds,     most_steps,
                    left_out ? std::span(left_out->data(), left_out->size())
                             : std::span<const std::int64_t>()};
    Signals signals;
    Report report;
    {
        nb::gil_scoped_release free;
        report = trainer.run(data, plan, signals);
    }
    const char* outcomes[] = {"done", "diverged", "interrupted"};
    nb::list costs;
    for (const double cost : report.costs) costs.append(cost);
    return nb::make_tuple(outcomes[static_cast<int>(report.outcome)], report.steps, costs,
                          signals.raised());
}

// Σ w L of some rows, or of all; beside it the sum of the gradient is kept, or norms are filled.
template <class T>
double losses(Trainer<T>& trainer, In<T> X, std::optional<In<T>> y,
              std::optional<In<std::int64_t>> labels, std::optional<In<T>> weights,
              std::optional<In<std::int64_t>> rows, std::uint64_t step, double scale,
              bool keep_gradient, std::optional<Out<T>> norms) {
    const Data<T> data = data_of<T>(X, y, labels, weights);
    const Batch all{rows ? static_cast<std::int64_t>(rows->size()) : data.n, 0,
                    rows ? rows->data() : nullptr, step, scale};
    nb::gil_scoped_release free;
    if (keep_gradient) return trainer.gradient_sum(data, all);
    if (norms) return trainer.squared_norms(data, all, norms->data());
    return trainer.loss_sum(data, all);
}

template <class T>
void bind(nb::module_& m, const char* name) {
    nb::class_<Trainer<T>>(m, name)
        .def("load", &load_layer<T>)
        .def("store", &store_layer<T>)
        .def("ready", &Trainer<T>::ready)
        .def("run", &run<T>, "X"_a, "y"_a.none(), "labels"_a.none(), "weights"_a.none(),
             "left_out"_a.none(), "shuffles"_a, "seed"_a, "number"_a, "first_epoch"_a, "epochs"_a, "batch"_a,
             "first_step"_a, "mean_weight"_a, "rates"_a, "seconds"_a, "most_steps"_a)
        .def("losses", &losses<T>, "X"_a, "y"_a.none(), "labels"_a.none(), "weights"_a.none(),
             "rows"_a.none(), "step"_a, "scale"_a, "keep_gradient"_a, "norms"_a.none())
        .def("penalty", &Trainer<T>::penalty)
        .def("store_gradient", &store_gradient<T>)
        .def("load_gradient", &load_gradient<T>)
        .def("update", &Trainer<T>::update, nb::call_guard<nb::gil_scoped_release>());
}

}  // namespace
}  // namespace chainrule

NB_MODULE(CHAINRULE_MODULE, m) {
    using namespace chainrule;
    m.doc() = "The engine, compiled for the instruction set " CHAINRULE_ISA ".";
    m.def("isa", [] { return CHAINRULE_ISA; });
    m.def("best_isa", &best_isa);
    bind<float>(m, "Trainer32");
    bind<double>(m, "Trainer64");
    nb::class_<Predictor>(m, "Predictor").def("predict", &Predictor::predict);
    m.def("predictor", &make_predictor);
    m.def("shuffle", [](Out<std::int64_t> order, std::uint64_t seed, std::uint32_t number,
                        std::uint64_t epoch) {
        const auto n = static_cast<std::int64_t>(order.size());
        nb::gil_scoped_release free;
        fill_in_order(order.data(), n, {});
        shuffle(order.data(), n, seed, number, epoch);
    });
    m.def("trainer32", &make_trainer<float>);
    m.def("trainer64", &make_trainer<double>);
}
