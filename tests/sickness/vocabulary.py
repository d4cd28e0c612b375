"""The words of the collection: each sickness in one sentence, and what a case of it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sickness.setting import Setting

SICKNESSES: dict[str, str] = {
    "vanishing_slopes": "Deltas shrink from layer to layer because f′ of the activation is small.",
    "vanishing_weights": "Signals and deltas shrink from layer to layer as the weights are small.",
    "exploding": "Signals and deltas grow from layer to layer because the weights are too large.",
    "divergence": "The rate is so high that values stop being finite.",
    "rate_too_high": "Values stay finite, but steps overshoot, and the loss jumps or stays high.",
    "rate_too_low": "Steps go in the right direction and are far too small for the epochs given.",
    "dead_units": "Rectifiers are 0 for every example, and have no gradient.",
    "saturated_units": "Sigmoid or tanh units lie at their flat ends for nearly every example.",
    "symmetry": "All units of a layer begin with the same weights, and stay the same.",
    "zero_weights": "All weights begin at 0, so that nothing but the last bias has a gradient.",
    "duplicate_units": "Many units of a layer are copies of a few others, not of all.",
    "unscaled_inputs": "Columns of X have scales or means far from 0 and 1, or from each other.",
    "constant_inputs": "Most columns of X hold one value, so that they say nothing.",
    "shifted_labels": "Each target stands beside the example of another row nearby.",
    "random_labels": "The targets have nothing to do with the examples.",
    "mislabelled": "A share of the labels is wrong.",
    "label_coding": "The labels are numbered from 1, so that output 0 is never right.",
    "double_link": "A softmax or sigmoid stands under a cross-entropy that applies it itself.",
    "unscaled_target": "The target's scale or mean is far from 0 and 1, so steps fall far short.",
    "output_range": "The output's activation cannot reach some of the targets.",
    "bottleneck": "A layer is so narrow that it cannot hand on what the output needs.",
    "overfitting": "The network learns its few examples by heart, and held-out rows suffer.",
    "imbalance": "One class is so frequent that the network says it always.",
    "noisy_batches": "Batches are too small for the rate: noise is larger than the gradient.",
    "batch_norm_of_few": "A batch norm takes its statistics of one or two examples.",
    "too_much_dropout": "Dropout silences so many inputs that little is left to learn from.",
    "too_much_decay": "Penalties or weight decay draw the weights to 0.",
    "frozen_layers": "Parameters that need to learn are kept as they are.",
    "clipped_too_tight": "The bound on the gradient makes every step far too short.",
    "epsilon_too_large": "The optimizer's ε outweighs the gradient, so that steps are tiny.",
    "momentum_too_high": "The velocity forgets so slowly that steps overshoot, or start too late.",
    "schedule_ends_early": "The rate falls to nearly 0 long before the training is over.",
    "warm_up_too_long": "The training is over before the rate has risen.",
    "outlier": "One example is so far from the others that its gradient outweighs them all.",
    "overflow": "The loss or an activation of some example is beyond the range of numbers.",
    "summed_loss": "The cost is a sum over the batch, with a rate that suits a mean.",
    "sorted_rows": "Batches hold one class each, as rows are sorted and not shuffled.",
}
"""What a diagnosis should say of each case, and what it means."""


SYMPTOMS: dict[str, str] = {
    "at_chance": "The network is no better than the best constant output, whatever keeps it there.",
    "plateau": "The loss stands still, far above what a linear model comes to.",
}
"""What is said besides of a training that is over; it is no cause, and follows from one."""


@dataclass(frozen=True, eq=False)
class Case:
    """A sick setting: a healthy twin, and the fields in which it differs.

    Parameters
    ----------
    name
        Its name.
    sickness
        A key of `SICKNESSES`, or of `SYMPTOMS`.
    severity
        "strong" where at least half of what the twin knows is lost, "mild" where less is.
    twin
        The setting that learns.
    change
        The fields of the setting that make it sick.
    """

    name: str
    sickness: str
    severity: Literal["mild", "strong"]
    twin: Setting
    change: dict[str, Any]


@dataclass(frozen=True)
class Healthy:
    """A setting in which a diagnosis must find nothing.

    Parameters
    ----------
    name
        Its name.
    setting
        The setting.
    finished
        Whether it is trained until it is as good as such data allows, or is still on its way.
    """

    name: str
    setting: Setting
    finished: bool = True
