"""Questions that an engineer asks of a network that does not learn."""

from chainrule.diagnose.gradient_check import GradientCheck, check_gradient

__all__ = ["GradientCheck", "check_gradient"]
