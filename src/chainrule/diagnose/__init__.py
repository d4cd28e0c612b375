"""Questions that an engineer asks of a network that does not learn.

| file | what it is for |
|---|---|
| `gradient_check.py` | is the gradient right: by central differences |
"""

from chainrule.diagnose.gradient_check import GradientCheck, check_gradient

__all__ = ["GradientCheck", "check_gradient"]
