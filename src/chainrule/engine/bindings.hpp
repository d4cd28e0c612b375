// What the parts of the module bind: each is a source of its own, so that they compile side by side.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>
#include <vector>

namespace chainrule {

// What a run has come to.
struct Done {
    std::string outcome;
    std::int64_t steps;
    std::vector<double> costs, losses;
    nanobind::object raised;
};

void bind_gradients_float(nanobind::module_& m);
void bind_gradients_double(nanobind::module_& m);
void bind_lanes(nanobind::module_& m);
void bind_predictions(nanobind::module_& m);

}  // namespace chainrule
