#include "gradient_binding.hpp"

void chainrule::bind_gradients_float(nb::module_& m) {
    bind_trainer<float>(m, "Trainer32", "trainer32");
#if !CHAINRULE_BFLOAT16  // that module only trains
    bind_input_gradient<float>(m, "InputGradient32", "input_gradient32");
#endif
}
