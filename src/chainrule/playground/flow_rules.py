"""What the page measures the flow of signals and gradients by: the diagnosis's own thresholds."""

from __future__ import annotations

from chainrule.activations import ACTIVATIONS
from chainrule.diagnosis import network_rules
from chainrule.diagnosis.layer_measures import FLAT, steepest_slope
from chainrule.diagnosis.rule import MOST


def thresholds() -> dict[str, float | dict[str, float]]:
    """Return the thresholds by their names, and the steepest slope of each bounded activation.

    >>> rules = thresholds()
    >>> rules["grown"], rules["steepest"]["sigmoid"]
    (100.0, 0.25)
    """
    return {
        "lost": network_rules.LOST,
        "gradient_lost": network_rules.GRADIENT_LOST,
        "grown": network_rules.GROWN,
        "dead": network_rules.DEAD,
        "dead_later": network_rules.DEAD_LATER,
        "saturated": MOST,
        "saturated_later": network_rules.SATURATED_LATER,
        "most": MOST,
        "flat": FLAT,
        "steepest": {
            name: slope
            for name, row in ACTIVATIONS.items()
            if row.pull is None and (slope := steepest_slope(name))
        },
    }
