"""Rules of how a network is trained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.diagnosis.evidence import LESS, Evidence
from chainrule.diagnosis.rule import MOST, Rule

SHORT = 0.1
"""Steps that together could move the parameters by less than a tenth of their size are short."""

LONG = 0.5
"""A step of half the parameters' size throws away what they are: a thousandth is usual."""

CLEARLY, NOTICED = 0.7, 0.02
"""Another training shows what is wrong with this one where it comes to 7/10 of its cost, and the
difference is a fiftieth of the cost at the start at least."""

HIGHER = (10.0, 3.0)
"""How many times the rate another training has: the larger may overshoot."""

FEWEST_EPOCHS = 8
"""A training of fewer epochs than eight wants more of them, and has not stood still."""

EARLY = 0.4
"""A rate that falls evenly, or by a cosine, is half of its peak in the mean."""

LOWER = 0.8
"""Where steps are long besides, four fifths of the cost are enough."""

TENTH = 0.1

LONG_MEMORY = 0.98
"""A momentum of 0.9 is usual: it means 10 gradients, this one 50."""

NOISE = 0.2
"""The gradient that has a fifth of its noise, squared, goes anywhere."""

RISEN, APART = 1.2, 5.0
"""A validation loss that has risen by a fifth, or that is five times that of training."""


def _of_rule(e: Evidence, name: str) -> float:
    return float(getattr(e.options.optimizer, name, 0.0))


def _improves(e: Evidence, tried: float | None) -> bool:
    """Whether another training comes to a cost that is clearly lower."""
    if tried is None or not e.reached - tried >= NOTICED * e.begun_at:
        return False
    return tried <= CLEARLY * e.reached


# ---- steps that are short ------------------------------------------------------------------------


def _clipped(e: Evidence) -> bool:
    bounds = e.options.clip_norm or e.options.clip_value
    return bool(bounds and e.first and e.first.clipped < SHORT and (e.travel or 0) < 1)


def _epsilon(e: Evidence) -> bool:
    return e.first is not None and _of_rule(e, "epsilon") >= MOST * e.first.gradient > 0


def _ends_early(e: Evidence) -> bool:
    if e.rates is None or e.first is None:
        return False
    return _is_over(e) or _fell(e)


def _fell(e: Evidence) -> bool:
    """Whether the same training learns far more where the rate stays at its peak."""
    assert e.rates is not None
    fallen = e.rates.mean < EARLY * e.rates.peak and e.rates.last < TENTH * e.rates.peak
    return fallen and e.falls_short(LESS, held=e.rates.peak)


def _is_over(e: Evidence) -> bool:
    if e.rates is None or e.first is None or e.learned:
        return False
    at_peak = e.rates.steps * e.rates.peak / e.rates.first
    short = e.rates.travel <= TENTH * at_peak and e.rates.left * e.first.ratio < SHORT
    return e.rates.ended >= MOST and short


def _ends_early_words(e: Evidence) -> str:
    assert e.rates is not None
    peak, steps = e.rates.peak, e.rates.steps
    if _is_over(e):
        below = f"below a hundredth of its peak of {peak:.2g}"
        return f"in {e.rates.ended:.0%} of {steps} steps the rate is {below}"
    return (
        f"over {steps} steps the rate falls from {peak:.2g} to {e.rates.last:.2g}, and is "
        f"{e.rates.mean:.2g} in the mean; where it stays, {_comes_to(e, e.tried(held=peak))}"
    )


def _warm_up(e: Evidence) -> bool:
    rates = e.rates
    return rates is not None and rates.ahead >= 2 * rates.last > 0 and rates.last == rates.peak


def _too_low(e: Evidence) -> bool:
    others = (_clipped, _epsilon, _ends_early, _warm_up)
    if e.travel is None or e.frozen >= MOST or any(found(e) for found in others):
        return False
    if e.learned:
        return _faster(e) is not None
    return e.travel < SHORT or (e.travel < LONG and _improves(e, e.faster)) or bool(_faster(e))


def _faster(e: Evidence) -> float | None:
    """Return how many times the rate teaches far more, in epochs enough to have learned by now."""
    if e.epochs < FEWEST_EPOCHS:
        return None
    return next((rate for rate in HIGHER if e.falls_short(rate=rate)), None)


def _too_low_words(e: Evidence) -> str:
    said = f"{e.steps} steps could move the parameters by {e.travel:.2g} times their size at most"
    rate = 10.0 if _improves(e, e.faster) else _faster(e)
    if rate is None:
        return said
    return f"{said}; at {rate:.2g} times the rate, {_comes_to(e, e.tried(rate=rate))}"


def _comes_to(e: Evidence, tried: float | None) -> str:
    return f"the same training comes to a cost of {tried:.3g}, and this one to {e.reached:.3g}"


# ---- steps that are long -------------------------------------------------------------------------


def _too_high(e: Evidence) -> bool:
    if e.diverged or e.options.optimizer is None:
        return False
    if e.first is not None and LONG <= e.first.ratio < math.inf:
        return e.slower is None or e.slower <= LOWER * e.reached
    return _improves(e, e.slower)


def too_high_words(e: Evidence) -> str:
    """Return what says that steps are long: the first of them, and another training."""
    said = []
    if e.first is not None:
        said.append(f"the first step is {e.first.ratio:.2g} times the size of the parameters")
    if e.slower is not None:
        said.append(f"at a tenth of the rate, {_comes_to(e, e.slower)}")
    return "; ".join(said)


def _momentum(e: Evidence) -> bool:
    kept = max(_of_rule(e, "momentum"), _of_rule(e, "beta1"))
    if kept < LONG_MEMORY or not e.steps:
        return False
    return 10 / (1 - kept) >= e.steps or e.diverged or _too_high(e)


def _momentum_words(e: Evidence) -> str:
    gradients = 1 / (1 - max(_of_rule(e, "momentum"), _of_rule(e, "beta1")))
    return f"the velocity is made of {gradients:.0f} gradients, and there are {e.steps} steps"


def _summed(e: Evidence) -> bool:
    return e.net.reduction == "sum" and (e.diverged or _too_high(e))


def _noisy(e: Evidence) -> bool:
    if not _too_high(e) or e.start.examples.signal_to_noise(e.batch) >= NOISE:
        return False
    return 4 * e.batch <= e.n and _improves(e, e.in_batches)


def _noisy_words(e: Evidence) -> str:
    examples = e.start.examples
    critical = examples.critical_batch
    about = f"; the critical batch size is {math.ceil(critical)}" if math.isfinite(critical) else ""
    noise = 1 / examples.signal_to_noise(e.batch)
    return (
        f"in batches of {e.batch} the noise is {noise:.3g} times the gradient, squared{about}; in "
        f"batches of {16 * e.batch}, {_comes_to(e, e.in_batches)}"
    )


# ---- what else there is --------------------------------------------------------------------------


def _sorted(e: Evidence) -> bool:
    return bool(not e.options.shuffle and e.spread >= MOST)


def _shrunk(e: Evidence) -> float:
    """Return the size of the weights, over what they had at first."""
    before = e.initial if e.initial is not None else e.net.init(e.options.seed)

    def size(params: Any) -> float:
        squares = [np.sum(np.asarray(p.W, np.float64) ** 2) for p in params if hasattr(p, "W")]
        return float(np.sqrt(sum(squares)))

    return size(e.params) / (size(before) or 1.0)


def _decayed(e: Evidence) -> bool:
    if not (e.net.l1 or e.net.l2 or _of_rule(e, "weight_decay")) or not e.trained or e.diverged:
        return False
    return _shrunk(e) < MOST or (not e.learned and _improves(e, e.free))


def _decayed_words(e: Evidence) -> str:
    under = {"l1": e.net.l1, "l2": e.net.l2, "weight_decay": _of_rule(e, "weight_decay")}
    which = " and ".join(f"{name} = {value:g}" for name, value in under.items() if value)
    said = f"under {which} the weights have come to {_shrunk(e):.2g} times their size at first"
    return f"{said}; without, {_comes_to(e, e.free)}" if _improves(e, e.free) else said


def _overfitting(e: Evidence) -> bool:
    losses = e.history.validation_loss if e.history else []
    if len(losses) < 3 or e.history is None or e.history.restored:
        return False
    last, best, training = losses[-1], min(losses), e.history.loss[-1]
    risen = last >= RISEN * best and last - best >= TENTH * losses[0] and last >= 2 * training
    return risen or (last >= APART * training and last >= MOST * losses[0])


def _overfitting_words(e: Evidence) -> str:
    assert e.history is not None
    losses = e.history.validation_loss
    return (
        f"the validation loss is {losses[-1]:.3g}, and was {min(losses):.3g} after epoch "
        f"{1 + int(np.argmin(losses))}; that of training is {e.history.loss[-1]:.3g}"
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "frozen_layers", 96,
        lambda e: e.frozen >= MOST,
        lambda e: f"{e.frozen:.0%} of the parameters are frozen and stay as they are",
        "freeze fewer of them",
    ),
    Rule(
        "summed_loss", 85,
        _summed,
        lambda e: f"the cost is a sum over {e.batch} examples, and so is the gradient; "
        + too_high_words(e),
        "take `reduction='mean'`, or divide the rate by the size of the batch",
    ),
    Rule(
        "too_much_decay", 84,
        _decayed,
        _decayed_words,
        "lower the penalty or the decay by a factor of ten or more",
    ),
    Rule(
        "momentum_too_high", 83,
        _momentum,
        _momentum_words,
        "take a momentum of 0.9",
    ),
    Rule(
        "schedule_ends_early", 82,
        _ends_early,
        _ends_early_words,
        "let the schedule last as long as the training",
    ),
    Rule(
        "warm_up_too_long", 81,
        _warm_up,
        lambda e: f"after {e.rates.steps} steps, the last, the rate is {e.rates.last:.2g} and "
        f"would rise to {e.rates.ahead:.2g}" if e.rates else "",
        "let the rate rise over a tenth of the steps at most",
    ),
    Rule(
        "clipped_too_tight", 80,
        _clipped,
        lambda e: f"the bounds leave {e.first.clipped:.2g} times the first gradient's norm of "
        f"{e.first.norm:.2g}" if e.first else "",
        "raise the bound to about the norm of usual gradients",
    ),
    Rule(
        "epsilon_too_large", 79,
        _epsilon,
        lambda e: f"ε = {_of_rule(e, 'epsilon'):g} is large beside the entries of the gradient, of "
        f"{e.first.gradient:.2g}" if e.first else "",
        "take the default ε, 1e-8",
    ),
    Rule(
        "sorted_rows", 78,
        _sorted,
        lambda e: f"rows are not shuffled, and {e.spread:.0%} of the targets' variance lies "
        "between batches",
        "take `shuffle=True`",
    ),
    Rule(
        "noisy_batches", 65,
        _noisy,
        _noisy_words,
        "take larger batches, or a lower rate",
    ),
    Rule(
        "rate_too_high", 62,
        _too_high,
        too_high_words,
        "lower the learning rate by a factor of ten; `cr.rate_range` finds one",
    ),
    Rule(
        "overfitting", 61,
        _overfitting,
        _overfitting_words,
        "take `early_stopping`, dropout or a penalty, or more examples",
    ),
    Rule(
        "rate_too_low", 60,
        _too_low,
        _too_low_words,
        "raise the learning rate by a factor of ten; `cr.rate_range` finds one",
    ),
)  # fmt: skip
"""Those of the training."""
