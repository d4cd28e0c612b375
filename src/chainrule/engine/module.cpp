// The module, bound part by part. The build names the module (CHAINRULE_MODULE) and the instruction set it is for.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <utility>

#include "bindings.hpp"
#include "cpu.hpp"
#include "records.hpp"

using namespace nanobind::literals;

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
    bind_gradients_float(m);
#if !CHAINRULE_BFLOAT16  // that module only trains
    bind_gradients_double(m);
    bind_lanes(m);
    bind_predictions(m);
    m.def("shuffle", [](Out<std::int64_t> order, std::uint64_t seed, std::uint32_t number,
                        std::uint64_t epoch) {
        const auto n = static_cast<std::int64_t>(order.size());
        nb::gil_scoped_release free;
        fill_in_order(order.data(), n, {});
        shuffle(order.data(), n, seed, number, epoch);
    });
#endif
}
