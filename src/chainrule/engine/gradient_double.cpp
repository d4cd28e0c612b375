#include "gradient_binding.hpp"

void chainrule::bind_gradients_double(nb::module_& m) {
    bind_trainer<double>(m, "Trainer64", "trainer64");
    bind_input_gradient<double>(m, "InputGradient64", "input_gradient64");
}
