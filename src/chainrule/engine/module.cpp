// The binding. The build names the module (CHAINRULE_MODULE) and the instruction set it is for.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <string>
#include <utility>

#include "cpu.hpp"
#include "input_gradient.hpp"
#include "lane_binding.hpp"
#include "number_rows.hpp"
#include "records.hpp"

using namespace nanobind::literals;

namespace chainrule {
namespace {

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

[[maybe_unused]] std::unique_ptr<Predictor> make_predictor(const Compiled& program, int cores, nb::object empty,
                                          nb::object single, nb::object twice) {
    return std::make_unique<Predictor>(program, cores, std::move(empty), std::move(single),
                                       std::move(twice));
}

// A tensor and its states, from the user's arrays and back.
template <class T>
void load(Trainer<T>& trainer, std::size_t k, In<T> array, std::vector<In<T>> states) {
    Tensor<T>& tensor = trainer.step.tensors().at(k);
    tensor.read(array.data(), tensor.w.get());
    for (std::size_t j = 0; j < states.size() && tensor.states[j]; ++j)
        tensor.read(states[j].data(), tensor.states[j].get());
}

template <class T>
void store(Trainer<T>& trainer, std::size_t k, Out<T> array, std::vector<Out<T>> states) {
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

// What a run has come to.
struct Done {
    std::string outcome;
    std::int64_t steps;
    std::vector<double> costs, losses;
    nb::object raised;
};

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

template <class T>
nb::object predict_sparse(Predictor& predictor, nb::handle params, nb::handle sparse, int threads) {
    const GivenEntries<T> given(sparse);
    return predictor.predict_sparse(params, given.rows(), threads);
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

// The rows of a text into columns; how many fields are empty, or −1 where one is not plainly a number.
[[maybe_unused]] std::int64_t read_numbers(const nb::bytes& text, char delimiter, In<std::uint8_t> whole,
                          Out<double> columns) {
    const auto* first = static_cast<const char*>(text.data());
    const auto rows = static_cast<std::int64_t>(columns.size() / whole.size());
    NumberRows table{delimiter, {whole.data(), whole.size()}};
    nb::gil_scoped_release free;
    const bool plain = rows > 0 && first[text.size() - 1] == '\n' &&
                       table.read(first, first + text.size(), columns.data(), rows);
    return plain ? table.empty : -1;
}

template <class T>
void bind(nb::module_& m, const char* name) {
    nb::class_<Trainer<T>>(m, name)
        .def("load", &load<T>, "tensor"_a, "array"_a, "states"_a)
        .def("store", &store<T>, "tensor"_a, "array"_a, "states"_a)
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
}

}  // namespace
}  // namespace chainrule

NB_MODULE(CHAINRULE_MODULE, m) {
    using namespace chainrule;
    nb::set_leak_warnings(false);  // a signal ends the process with what is under way
    m.doc() = "The engine, compiled for the instruction set " CHAINRULE_ISA ".";
    m.def("isa", [] { return CHAINRULE_ISA; });
    m.def("vector_bytes", [] { return vector_bytes; });
    m.def("best_isa", &best_isa);
    m.def("lacks_for_bfloat16", &lacks_for_bfloat16);
    m.def("spare_divider", [](bool spares) { return std::exchange(spares_divider, spares); });
    m.def("come_to_work", &AtWork::come);
    m.def("go_from_work", &AtWork::go);
    m.def("after_fork", &AtWork::after_fork);
    m.def("most_at_work", &AtWork::most);
    m.def("all_in_turn", [](bool all) { all_in_turn = all; });
    nb::class_<Laps>(m, "Laps")  // what it decides is tested by times that are told
        .def(nb::init<int, double>(), "threads"_a, "work"_a)
        .def("rest", &Laps::rest, "seconds"_a)
        .def("begin", &Laps::begin, "most"_a)
        .def("ends",
             [](const Laps& laps, std::int64_t steps, double seconds) {
                 return laps.ends(steps, [&] { return seconds; });
             },
             "steps"_a, "seconds"_a)
        .def("end", &Laps::end, "steps"_a, "seconds"_a);
    nb::class_<Done>(m, "Done")
        .def_ro("outcome", &Done::outcome)
        .def_ro("steps", &Done::steps)
        .def_ro("costs", &Done::costs)
        .def_ro("losses", &Done::losses)
        .def_ro("raised", &Done::raised);
    nb::class_<Compiled>(m, "Program")
        .def("holds", &Compiled::holds, "params"_a.none())
        .def("takes", &Compiled::takes, "X"_a);
    m.def(
        "program",
        [](nb::handle program, nb::object form) {
            return Compiled{read_program(program), read_form(form), form};
        },
        nb::kw_only(), "program"_a, "form"_a);
    bind<float>(m, "Trainer32");
    const auto trainer = [&]<class T>(const char* name) {
        m.def(name, &make_trainer<T>, nb::kw_only(), "program"_a, "frozen"_a, "seed"_a, "optimizer"_a,
              "numbers"_a, "batch"_a, "threads"_a, "cores"_a, "keeps_gradient"_a, "shards"_a.none(),
              "sparse"_a);
    };
    trainer.template operator()<float>("trainer32");
#if !CHAINRULE_BFLOAT16  // that module only trains
    bind<double>(m, "Trainer64");
    trainer.template operator()<double>("trainer64");
    bind_lanes(m);
    nb::class_<Predictor>(m, "Predictor")
        .def("predict", &Predictor::predict)
        .def("predict_sparse32", &predict_sparse<float>)
        .def("predict_sparse64", &predict_sparse<double>);
    m.def("predictor", &make_predictor, nb::kw_only(), "program"_a, "cores"_a, "empty"_a, "single"_a,
          "twice"_a);
    bind_input_gradient<float>(m, "InputGradient32", "input_gradient32");
    bind_input_gradient<double>(m, "InputGradient64", "input_gradient64");
    m.def("shuffle", [](Out<std::int64_t> order, std::uint64_t seed, std::uint32_t number,
                        std::uint64_t epoch) {
        const auto n = static_cast<std::int64_t>(order.size());
        nb::gil_scoped_release free;
        fill_in_order(order.data(), n, {});
        shuffle(order.data(), n, seed, number, epoch);
    });
    m.def("read_numbers", &read_numbers, nb::kw_only(), "text"_a, "delimiter"_a, "whole"_a,
          "columns"_a);
#endif
}
