"""Rules of how a network is trained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainrule.diagnose.evidence import Evidence
from chainrule.diagnose.rule import MOST, Rule

SHORT = 0.1
"""Steps that together could move the parameters by less than a tenth of their size are short."""

LONG = 0.5
"""A step of half the parameters' size throws away what they are: a thousandth is usual."""

HALVED = 0.5
"""Another training that comes to half of the cost shows what is wrong with this one."""

LONG_MEMORY = 0.99


def _sorted(e: Evidence) -> bool:
    return bool(not e.options.shuffle and e.spread >= MOST)


def _rule(e: Evidence, name: str) -> float:
    return float(getattr(e.options.optimizer, name, 0.0))


def _clipped(e: Evidence) -> bool:
    bounds = e.options.clip_norm or e.options.clip_value
    return bool(bounds and e.first and e.first.clipped < SHORT and (e.travel or 0) < 1)


def _epsilon(e: Evidence) -> bool:
    return bool(e.first and _rule(e, "epsilon") >= e.first.gradient > 0)


def _ends_early(e: Evidence) -> bool:
    if e.rates is None or e.first is None:
        return False
    return e.rates.ended >= MOST and e.rates.left * e.first.ratio < SHORT


def _warm_up(e: Evidence) -> bool:
    return e.rates is not None and e.rates.ahead >= 2 * e.rates.last > 0


def _too_low(e: Evidence) -> bool:
    others = (_clipped, _epsilon, _ends_early, _warm_up)
    short = e.travel is not None and e.travel < SHORT and e.frozen < MOST
    return short and not any(found(e) for found in others)


def _momentum(e: Evidence) -> bool:
    kept = max(_rule(e, "momentum"), _rule(e, "beta1"))
    return kept >= LONG_MEMORY and bool(e.steps) and 10 / (1 - kept) >= e.steps


def _summed(e: Evidence) -> bool:
    too_long = e.first is not None and e.first.ratio >= LONG
    return e.net.reduction == "sum" and (too_long or e.diverged or _too_high(e))


def _shrunk(e: Evidence) -> float:
    """Return the size of the weights, over what they had at first."""
    before = e.initial if e.initial is not None else e.net.init(e.options.seed)

    def size(params: Any) -> float:
        squares = [np.sum(np.asarray(p.W, np.float64) ** 2) for p in params if hasattr(p, "W")]
        return float(np.sqrt(sum(squares)))

    return size(e.params) / (size(before) or 1.0)


def _decayed(e: Evidence) -> bool:
    drawn = e.net.l1 or e.net.l2 or _rule(e, "weight_decay")
    return bool(drawn and e.trained and _shrunk(e) < MOST)


def _reached(e: Evidence) -> float | None:
    return e.now.cost if e.trained else None


def _too_high(e: Evidence) -> bool:
    if e.diverged or e.options.optimizer is None:
        return False
    if e.first is not None and LONG <= e.first.ratio < math.inf:
        return True
    cost = _reached(e)
    return cost is not None and e.slower is not None and e.slower <= HALVED * cost


def _too_high_words(e: Evidence) -> str:
    said = []
    if e.first is not None:
        said.append(f"the first step is {e.first.ratio:.2g} times the size of the parameters")
    if e.trained and e.slower is not None:
        said.append(
            f"the same training at a tenth of the rate comes to a cost of {e.slower:.3g}, this one "
            f"to {e.now.cost:.3g}"
        )
    return "; ".join(said)


def _noisy(e: Evidence) -> bool:
    if not e.trained or e.batch * 4 > e.data.n or e.start.examples.signal_to_noise(e.batch) >= 1:
        return False
    if not _too_high(e) or e.in_batches is None:
        return False
    return e.in_batches <= HALVED * e.now.cost


def _overfitting(e: Evidence) -> bool:
    losses = e.history.validation_loss if e.history else []
    if len(losses) < 3 or e.history is None or e.history.restored:
        return False
    risen = losses[-1] - min(losses)
    return risen >= 0.2 * min(losses) and risen >= 0.1 * losses[0] and (
        losses[-1] >= 2 * e.history.loss[-1]
    )  # fmt: skip


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
        + _too_high_words(e),
        "take `reduction='mean'`, or divide the rate by the size of the batch",
    ),
    Rule(
        "too_much_decay", 84,
        _decayed,
        lambda e: f"the weights have come to {_shrunk(e):.2g} times their size at first, under "
        f"l1 = {e.net.l1:g}, l2 = {e.net.l2:g}, weight_decay = {_rule(e, 'weight_decay'):g}",
        "lower the penalty or the decay by a factor of ten or more",
    ),
    Rule(
        "momentum_too_high", 83,
        _momentum,
        lambda e: "the velocity is a mean of the last "
        f"{1 / (1 - max(_rule(e, 'momentum'), _rule(e, 'beta1'))):.0f} gradients, and "
        f"there are {e.steps} steps",
        "take a momentum of 0.9",
    ),
    Rule(
        "schedule_ends_early", 82,
        _ends_early,
        lambda e: f"in {e.rates.ended:.0%} of {e.rates.steps} steps the rate is below a hundredth "
        f"of its peak of {e.rates.peak:.2g}" if e.rates else "",
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
        lambda e: f"ε = {_rule(e, 'epsilon'):g} outweighs the entries of the gradient, of "
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
        lambda e: f"of a batch of {e.batch} the noise is "
        f"{1 / e.start.examples.signal_to_noise(e.batch):.3g} times the gradient, squared; in "
        f"batches of {16 * e.batch} the same training comes to a cost of {e.in_batches:.3g}, this "
        f"one to {e.now.cost:.3g}",
        "take larger batches, or a lower rate",
    ),
    Rule(
        "divergence", 64,
        lambda e: e.diverged,
        lambda e: f"a value stopped being finite after {e.history.epochs if e.history else 0} "
        "whole epochs" + ("; " + _too_high_words(e) if e.first is not None else ""),
        "lower the learning rate, scale X and y, or set `clip_norm`",
    ),
    Rule(
        "rate_too_high", 62,
        _too_high,
        _too_high_words,
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
        lambda e: f"{e.steps} steps could move the parameters by {e.travel:.2g} times their size "
        "at most",
        "raise the learning rate by a factor of ten; `cr.rate_range` finds one",
    ),
)  # fmt: skip
"""Those of the training."""
