"""Questions that an engineer asks of a network that does not learn, or that predicts.

| file | what it is for |
|---|---|
| `gradient_check.py` | is the gradient right: by central differences |
| `path_integral.py` | what each input contributed to a prediction |
| `input_path.py`, `output_value.py` | the path that it is integrated along; the figure explained |
| `shapley.py` | the same by all orders of the inputs, exactly |
"""

from chainrule.diagnose.gradient_check import GradientCheck, check_gradient
from chainrule.diagnose.path_integral import Contributions, integrated_gradients
from chainrule.diagnose.shapley import shapley_values

__all__ = [
    "Contributions",
    "GradientCheck",
    "check_gradient",
    "integrated_gradients",
    "shapley_values",
]
