"""Rules of what came of a training: what stopped being finite, and a loss that stands still."""

from __future__ import annotations

import numpy as np

from chainrule.diagnosis.evidence import Evidence
from chainrule.diagnosis.rule import MOST, Rule
from chainrule.diagnosis.training_rules import FEWEST_EPOCHS, too_high_words

NOTHING = 0.05
"""A twentieth of what a linear model gains on the best constant is next to nothing."""

STILL = 0.01
"""A hundredth of that, over the last half of all epochs, is a standstill."""


# ---- what stopped being finite -------------------------------------------------------------------

OF_EXAMPLES = ("loss", "inputs")
"""The causes that lie in an example, or in the loss that is taken of it."""


def _not_finite(e: Evidence) -> bool:
    return bool(e.diverged and e.broke and e.broke.cause in OF_EXAMPLES)


def _diverged_words(e: Evidence) -> str:
    epochs = e.history.epochs if e.history else 0
    said = f"a value stopped being finite in epoch {epochs + 1}"
    parts = [e.broke.sentence if e.broke else said]
    if e.first is not None:
        parts.append(too_high_words(e))
    return "; ".join(filter(None, parts))


# ---- a loss that stands still --------------------------------------------------------------------


def _gain(e: Evidence) -> float:
    """Return what a linear model gains on the best constant, where one is made."""
    least = NOTHING * abs(e.chance)
    return max(e.chance - e.linear, least) if e.tries else least


def _at_chance(e: Evidence) -> bool:
    if not e.trained or e.diverged or not np.isfinite(e.chance):
        return False
    gained = e.chance - e.reached
    return gained < MOST * abs(e.chance) and not gained >= NOTHING * _gain(e)


def _chance_words(e: Evidence) -> str:
    said = f"the cost is {e.reached:.4g}, and that of the best constant {e.chance:.4g}"
    return f"{said}; a linear model comes to {e.linear:.3g}" if e.tries else said


def _fall(losses: list[float]) -> tuple[float, float]:
    """Return the mean losses of the third quarter of all epochs, and of the last."""
    quarter = len(losses) // 4
    return float(np.mean(losses[-2 * quarter : -quarter])), float(np.mean(losses[-quarter:]))


def _plateau(e: Evidence) -> bool:
    if e.history is None or len(e.history.loss) < FEWEST_EPOCHS or e.diverged:
        return False
    before, last = _fall(e.history.loss)
    if not before - last <= STILL * abs(e.chance):
        return False
    gain = e.chance - e.linear
    if gain < NOTHING * abs(e.chance) or not before - last <= STILL * gain:
        return False
    return e.chance - e.reached < MOST * gain and not _at_chance(e)


def _plateau_words(e: Evidence) -> str:
    assert e.history is not None
    epochs, (before, last) = e.history.epochs, _fall(e.history.loss)
    return (
        f"over the last {epochs // 2} of {epochs} epochs the loss went from {before:.4g} to "
        f"{last:.4g}, and a linear model comes to {e.linear:.3g}"
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "overflow", 97,
        _not_finite,
        lambda e: e.broke.sentence if e.broke else "",
        "scale or leave out that row, or take a loss of the table, which ends nowhere",
        names_rows=True,
    ),
    Rule(
        "divergence", 64,
        lambda e: e.diverged,
        _diverged_words,
        "lower the learning rate, scale X and y, or set `clip_norm`",
    ),
    Rule(
        "plateau", 31,
        _plateau,
        _plateau_words,
        "if nothing above explains it, raise the learning rate, or start from another seed",
        few_rows=False,
    ),
    Rule(
        "at_chance", 30,
        _at_chance,
        _chance_words,
        "if nothing above explains it, look at how X and y are put together",
    ),
)  # fmt: skip
"""Those of the course."""
