// The binding of networks side by side: the records of each, one after the other.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <utility>

#include "bindings.hpp"
#include "lane_trainer.hpp"
#include "records.hpp"

namespace chainrule {
namespace {

template <class T>
std::unique_ptr<LaneTrainer<T>> make_lane_trainer(const Compiled& program,
                                                  const std::vector<int>& frozen,
                                                  const std::string& optimizer,
                                                  const std::vector<nb::dict>& numbers, int batch) {
    std::vector<OptimizerSpec> optimizers;
    for (const nb::dict& own : numbers) optimizers.push_back(read_optimizer(optimizer, own));
    return std::make_unique<LaneTrainer<T>>(of_run(program.spec, frozen, 0, false), optimizers, batch);
}

template <class T>
void load_lane(LaneTrainer<T>& trainer, int k, std::size_t tensor, In<T> array,
               std::vector<In<T>> states) {
    std::vector<const T*> numbers;
    for (const auto& state : states) numbers.push_back(state.data());
    trainer.net.load(k, tensor, array.data(), numbers);
}

template <class T>
void store_lane(LaneTrainer<T>& trainer, int k, std::size_t tensor, Out<T> array,
                std::vector<Out<T>> states) {
    std::vector<T*> numbers;
    for (auto& state : states) numbers.push_back(state.data());
    trainer.net.store(k, tensor, array.data(), numbers);
}

// The examples of each network, held as long as this lives.
template <class T>
struct LaneExamples {
    std::vector<Examples<T>> held;
    std::vector<Data<T>> data;

    explicit LaneExamples(const std::vector<nb::handle>& records) {
        for (const nb::handle record : records) {
            held.emplace_back(record);
            data.push_back(held.back().data());
        }
    }
};

// What each has come to: whole steps, costs, which have diverged.
struct LaneDone {
    std::int64_t steps;
    std::vector<std::vector<double>> costs;
    std::vector<bool> diverged;
};

template <class T>
LaneDone run_lanes(LaneTrainer<T>& trainer, const std::vector<nb::handle>& examples,
                   const std::vector<nb::handle>& epochs) {
    const LaneExamples<T> given(examples);
    std::vector<Epochs> asked;
    std::vector<Plan> plans;
    for (const nb::handle record : epochs) plans.push_back(asked.emplace_back(record).plan);
    LaneReport report;
    {
        nb::gil_scoped_release free;
        report = trainer.run(given.data, plans);
    }
    return {report.steps, std::move(report.costs), std::move(report.diverged)};
}

template <class T>
std::vector<double> lane_losses(LaneTrainer<T>& trainer, const std::vector<nb::handle>& examples,
                                const std::vector<std::optional<In<std::int64_t>>>& rows) {
    const LaneExamples<T> given(examples);
    std::vector<std::span<const std::int64_t>> some;
    for (const auto& own : rows)
        own ? some.emplace_back(own->data(), own->size()) : some.emplace_back();
    nb::gil_scoped_release free;
    return trainer.losses(given.data, some);
}

template <class T>
std::vector<double> lane_penalties(LaneTrainer<T>& trainer) {
    const LaneDoubles<T> found = trainer.net.penalty();
    std::vector<double> all;
    for (int k = 0; k < trainer.net.networks(); ++k) all.push_back(found[k]);
    return all;
}

template <class T>
void bind_lanes_of(nb::module_& m, const std::string& bits) {
    using namespace nanobind::literals;
    nb::class_<LaneTrainer<T>>(m, ("LaneTrainer" + bits).c_str())
        .def("load", &load_lane<T>, "network"_a, "tensor"_a, "array"_a, "states"_a)
        .def("store", &store_lane<T>, "network"_a, "tensor"_a, "array"_a, "states"_a)
        .def("run", &run_lanes<T>, "examples"_a, "epochs"_a)
        .def("stop", [](LaneTrainer<T>& trainer) { trainer.stop(); })
        .def("losses", &lane_losses<T>, "examples"_a, "rows"_a)
        .def("penalties", &lane_penalties<T>);
    m.def(("lane_trainer" + bits).c_str(), &make_lane_trainer<T>, nb::kw_only(), "program"_a,
          "frozen"_a, "optimizer"_a, "numbers"_a, "batch"_a);
}

}  // namespace

void bind_lanes(nb::module_& m) {
    nb::class_<LaneDone>(m, "LaneDone")
        .def_ro("steps", &LaneDone::steps)
        .def_ro("costs", &LaneDone::costs)
        .def_ro("diverged", &LaneDone::diverged);
    m.def("suits_lanes", [](const Compiled& program, int batch) {
        return suits_lanes(Program<float>(program.spec), batch);
    });
    bind_lanes_of<float>(m, "32");
    bind_lanes_of<double>(m, "64");
}

}  // namespace chainrule
