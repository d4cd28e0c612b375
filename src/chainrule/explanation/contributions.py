r"""What each example and each output gave to a weight's change, from the first step to the k-th.

Every optimizer of the table makes a step that is a direction times a factor. The direction is a
running mean of the gradient, or the gradient itself, and so a sum over examples and outputs; the
factor, such as Adam's η/√v̂, belongs to all of them. So a step can be shared out, and the shares of
all steps add up to the change:

    Δw = Σ over examples and outputs + the penalty's share + the decay's share
         + the share of steps before this run, by the running mean that they left
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.explanation import derivation
from chainrule.explanation.notation import Key
from chainrule.explanation.replay import recorded_run
from chainrule.explanation.step_shares import DECAY, EARLIER, PENALTY, Sharing, Vector
from chainrule.explanation.subjects import subject
from chainrule.explanation.text import figure_text
from chainrule.explanation.unit_places import Places, is_parameter
from chainrule.formatting import counted
from chainrule.history import History
from chainrule.layers import Role
from chainrule.record import Plan
from chainrule.ties import Place


@dataclass(frozen=True)
class Contributions:
    """A weight's change over some steps, shared out among what made it.

    Parameters
    ----------
    of
        The weight or bias, such as `"w5"`.
    steps
        The number of steps, from the first of the run: of the call of `fit` that made the last.
    before, after
        Its value before the first and after the last of them.
    parts
        The shares (n, outputs) of each example's loss at each output.
    penalty, decay
        The shares of the penalty and of the optimizer's weight decay.
    earlier
        The share of steps before this run: what was left of them in the optimizer's running mean,
        such as its momentum, where the run went on from another.
    """

    of: str
    steps: int
    before: float
    after: float
    parts: Vector
    penalty: float
    decay: float
    earlier: float = 0.0

    @property
    def examples(self) -> Vector:
        """The share of each example, (n,)."""
        return np.asarray(self.parts.sum(axis=1))

    @property
    def outputs(self) -> Vector:
        """The share of each output, (outputs,)."""
        return np.asarray(self.parts.sum(axis=0))

    def text(self, top: int = 10) -> str:
        """Return them as text, the largest first.

        Parameters
        ----------
        top
            How many outputs and how many examples are written; the others are one share.

        Examples
        --------
        >>> print(Contributions("w1", 2, 0.5, 0.25, np.array([[-0.25]]), 0.0, 0.0).text())
        w1 went from 0.5 to 0.25 in 2 steps: −0.25
        ...
        """
        rows = [
            f"{self.of} went from {figure_text(self.before)} to {figure_text(self.after)} "
            f"in {counted(self.steps, 'step')}: {figure_text(self.after - self.before)}"
        ]
        for what, shares in (("output o", self.outputs), ("example ", self.examples)):
            order = np.argsort(-np.abs(shares), kind="stable")
            rows += ["", f"By {what.split(' ', maxsplit=1)[0]}"]
            rows += [_row(f"{what}{k + 1}", shares[k]) for k in order[:top]]
            if len(order) > top:
                rows.append(_row(f"the other {len(order) - top}", shares[order[top:]].sum()))
        others = (
            ("the penalty", self.penalty),
            ("weight decay", self.decay),
            ("steps before this run", self.earlier),
        )
        rows += [_row(name, share) for name, share in others if share]
        return "\n".join(rows) + "\n"

    def __str__(self) -> str:
        return self.text()


def _row(name: str, share: float) -> str:
    return f"  {name:<22}{figure_text(share):>16}"


def contributions(history: History, of: str, step: int | None = None) -> Contributions:
    """Return what each example and each output gave to a weight's change up to a step.

    The change is that from the start of the recorded run that made the step.

    Parameters
    ----------
    history
        That of `cr.fit(..., record=True)`; the arrays that `fit` was given must be what they were.
    of
        A weight, a bias, or an entry of any parameter by its name, as for `cr.explain`.
    step
        The last of the steps, from 1; left out, the last of the training.

    Raises
    ------
    ValueError
        For what no step has changed, for a step that was not made, or not recorded, for a tied
        parameter, and for an optimizer of one's own.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5]], [0.25])])
    >>> _, history = cr.fit(net, params, [[3.0]], [1.0], cr.SGD(0.1), epochs=1, record=True)
    >>> cr.contributions(history, of="w1").examples.round(3)
    array([-0.225])
    """
    run, last = recorded_run(history, step, of="contributions")
    derivation.check_layers(run.plan.net)
    at = Places.of(run.plan.net)
    shared = Sharing(run, _parameter(of, at, run.plan), at)
    after, change = shared.through(last), shared.change
    return Contributions(
        of,
        last - run.step,
        shared.value(run.params),
        after,
        change[:PENALTY].reshape(shared.shape),
        *change[[PENALTY, DECAY, EARLIER]].tolist(),
    )


def _parameter(of: str, at: Places, plan: Plan) -> Key:
    """Return the key of a parameter whose change has shares, or raise."""
    key = subject(of, at)
    if not is_parameter(key):
        raise ValueError(f"contributions: of must be a weight or a bias, got {of!r}")
    place = Place(*at.leaf(key))
    if plan.net.roles[place.name] is Role.STATISTIC:
        raise ValueError(
            f"contributions: {of} is a running statistic, which follows the data and no gradient"
        )
    if any(place in group for group in plan.ties):
        raise ValueError(
            f"contributions: {of} is tied, and its change is not of its own place alone; "
            "explain_step works a step of it"
        )
    return key
