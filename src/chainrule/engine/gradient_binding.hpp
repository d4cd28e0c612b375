// The binding of what computes gradients, in numbers of one type: each type is compiled by itself.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <string>
#include <utility>

#include "bindings.hpp"
#include "input_gradient.hpp"
#include "records.hpp"

namespace chainrule {

using namespace nanobind::literals;

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

template <class T>
std::unique_ptr<Trainer<T>> make_trainer(const Compiled& program, const std::vector<int>& frozen,
                                         std::uint64_t seed, const std::string& optimizer,
                                         const nb::dict& numbers, int batch, int threads, int cores,
                                         bool keeps_gradient, nb::handle shards, bool sparse) {
    return std::make_unique<Trainer<T>>(of_run(program.spec, frozen, seed, sparse),
                                        read_optimizer(optimizer, numbers), batch, threads, cores,
                                        keeps_gradient, read_shards(shards));
}

// A tensor and its states, from the user's arrays and back.
template <class T>
void load_tensor(Trainer<T>& trainer, std::size_t k, In<T> array, std::vector<In<T>> states) {
    Tensor<T>& tensor = trainer.step.tensors().at(k);
    tensor.read(array.data(), tensor.w.get());
    for (std::size_t j = 0; j < states.size() && tensor.states[j]; ++j)
        tensor.read(states[j].data(), tensor.states[j].get());
}

template <class T>
void store_tensor(Trainer<T>& trainer, std::size_t k, Out<T> array, std::vector<Out<T>> states) {
    const Tensor<T>& tensor = trainer.step.tensors().at(k);
    tensor.write(tensor.w.get(), array.data());
    for (std::size_t j = 0; j < states.size() && tensor.states[j]; ++j)
        tensor.write(tensor.states[j].get(), states[j].data());
}

// What is kept of the gradient of a tensor, and a gradient to keep.
template <class T>
void store_gradient(Trainer<T>& trainer, std::size_t k, Out<T> array) {
    const Tensor<T>& tensor = trainer.step.tensors().at(k);
    tensor.write(tensor.g, array.data());
}

template <class T>
void load_gradient(Trainer<T>& trainer, std::size_t k, In<T> array) {
    const Tensor<T>& tensor = trainer.step.tensors().at(k);
    tensor.read(array.data(), tensor.g);
}

// Let a function of Python, or None, have the arena between gradient and update.
template <class T>
void set_seam(Trainer<T>& trainer, nb::object function) {
    if (function.is_none()) return trainer.step.set_seam({});
    trainer.step.set_seam([function = std::move(function)](std::span<T> arena) {
        nb::gil_scoped_acquire gil;
        function(nb::ndarray<nb::numpy, T, nb::ndim<1>>(arena.data(), {arena.size()}, nb::none()));
    });
}

template <class T>
Done run(Trainer<T>& trainer, nb::handle examples, nb::handle epochs) {
    const Examples<T> given(examples);
    const Epochs asked(epochs);
    Signals signals;
    Report report;
    {
        nb::gil_scoped_release free;
        report = trainer.run(given.data(), asked.plan, signals);
    }
    const char* outcomes[] = {"done", "diverged", "interrupted"};
    return {outcomes[static_cast<int>(report.outcome)], report.steps, std::move(report.costs),
            std::move(report.losses), signals.raised()};
}

// Σ w L of some rows, or of all; beside it the sum of the gradient is kept, or norms are filled.
template <class T>
double losses(Trainer<T>& trainer, nb::handle examples, std::optional<In<std::int64_t>> rows,
              std::uint64_t step, double scale, bool keep_gradient, std::optional<Out<T>> norms) {
    const Examples<T> given(examples);
    const Data<T> data = given.data();
    const Batch all{rows ? static_cast<std::int64_t>(rows->size()) : data.n, 0,
                    rows ? rows->data() : nullptr, step, scale};
    nb::gil_scoped_release free;
    if (keep_gradient) return trainer.step.gradient_sum(data, all);
    if (norms) return trainer.step.squared_norms(data, all, norms->data());
    return trainer.step.loss_sum(data, all);
}

// An output of a prediction along paths of X, and its gradient between their points.
template <class T>
std::unique_ptr<InputGradient<T>> make_input_gradient(const Compiled& program,
                                                      const std::vector<In<T>>& arrays) {
    std::vector<const T*> given;
    for (const In<T>& array : arrays) given.push_back(array.data());
    return std::make_unique<InputGradient<T>>(program.spec, given);
}

template <class T>
void run_input_gradient(const InputGradient<T>& made, In<T> X, int output, Out<T> p, Out<T> q,
                        std::optional<Out<T>> g) {
    const auto n = static_cast<std::int64_t>(X.shape(0));
    const auto points = static_cast<int>(X.shape(1));
    nb::gil_scoped_release free;
    const AtWork here;
    made.run(X.data(), n, points, output, p.data(), q.data(), g ? g->data() : nullptr);
}

template <class T>
void bind_input_gradient(nb::module_& m, const char* type, const char* name) {
    nb::class_<InputGradient<T>>(m, type).def("run", &run_input_gradient<T>, "X"_a, nb::kw_only(),
                                              "output"_a, "p"_a, "q"_a, "g"_a.none());
    m.def(name, &make_input_gradient<T>, nb::kw_only(), "program"_a, "arrays"_a);
}

template <class T>
void bind_trainer(nb::module_& m, const char* type, const char* name) {
    nb::class_<Trainer<T>>(m, type)
        .def("load", &load_tensor<T>, "tensor"_a, "array"_a, "states"_a)
        .def("store", &store_tensor<T>, "tensor"_a, "array"_a, "states"_a)
        .def("ready", [](Trainer<T>& trainer) { trainer.step.ready(); })
        .def("run", &run<T>, "examples"_a, "epochs"_a)
        .def("stop", [](Trainer<T>& trainer) { trainer.stop(); })
        .def("losses", &losses<T>, "examples"_a, nb::kw_only(), "rows"_a.none(), "step"_a, "scale"_a,
             "keep_gradient"_a, "norms"_a.none())
        .def("penalty", [](Trainer<T>& trainer) { return trainer.step.penalty(); })
        .def("store_gradient", &store_gradient<T>, "tensor"_a, "array"_a)
        .def("load_gradient", &load_gradient<T>, "tensor"_a, "array"_a)
        .def(
            "update",
            [](Trainer<T>& trainer, std::int64_t step, double rate) {
                return trainer.step.update(step, rate);
            },
            "step"_a, "rate"_a, nb::call_guard<nb::gil_scoped_release>())
        .def("set_seam", &set_seam<T>, "function"_a.none());
    m.def(name, &make_trainer<T>, nb::kw_only(), "program"_a, "frozen"_a, "seed"_a, "optimizer"_a,
          "numbers"_a, "batch"_a, "threads"_a, "cores"_a, "keeps_gradient"_a, "shards"_a.none(),
          "sparse"_a);
}

}  // namespace chainrule
