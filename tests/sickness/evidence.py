"""Evidence: how well a setting learns, and the mark that its sickness leaves.

W   (o, i)   b   (o,)      a   (n, o)   activations of the training rows
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import r2_score

import chainrule as cr
from sickness.setting import Setting, Setup


@dataclass(frozen=True)
class Outcome:
    """What came of a training.

    Parameters
    ----------
    setup
        What it began with.
    params
        The parameters at its end, or before the step that diverged.
    history
        Its course.
    diverged
        Whether a value stopped being finite.
    skill
        What it knows of held-out rows, from 0 for chance to 1: R² of numbers, balanced accuracy
        beyond chance of classes.
    """

    setup: Setup
    params: Any
    history: cr.History
    diverged: bool
    skill: float


def train(setting: Setting, seed: int | None = None) -> Outcome:
    """Train as the user would."""
    setup, diverged = setting.build(seed), False
    try:
        params, history = cr.fit(
            setup.net, setup.params, setup.X, setup.y, **setup.options, threads=1
        )
    except cr.DivergenceError as error:
        params, history, diverged = error.params, error.history, True
    return Outcome(
        setup, params, history, diverged, 0.0 if diverged else skill(setting, setup.net, params)
    )


def skill(setting: Setting, net: cr.Network, params: Any) -> float:
    """Return what a network knows of the held-out rows, 0 where that is nothing."""
    X, y = setting.held_out()
    with np.errstate(over="ignore"):
        a = cr.predict(net, params, X)
    classes = setting.task.classes
    if not classes:
        known = r2_score(
            y,
            np.clip(np.nan_to_num(a.reshape(y.shape)), -1e30, 1e30),
            multioutput="variance_weighted",
        )
    else:
        labels = setting.task.held_out.y
        cut = 0.0 if setting.loss_name == "hinge" else 0.5
        said = np.argmax(a, axis=1) if a.shape[1] > 1 else (a[:, 0] > cut).astype(int)
        hit = [np.mean(said[labels == k] == k) for k in range(classes)]
        known = (np.mean(hit) * classes - 1) / (classes - 1)
    return max(float(known), 0.0)
