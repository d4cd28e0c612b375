r"""What each example and each output gave to a weight's change, from the first step to the k-th.

Every optimizer of the table makes a step that is a direction times a factor. The direction is a
running mean of the gradient, or the gradient itself, and so a sum over examples and outputs; the
factor, such as Adam's η/√v̂, belongs to all of them. So a step can be shared out, and the shares of
all steps add up to the change:

    Δw = Σ over examples and outputs + the penalty's share + the decay's share
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule import losses
from chainrule.backprop import backward, deltas_from, forward, gradient
from chainrule.errors import check_whole
from chainrule.examples import batches_after
from chainrule.explain import derivation
from chainrule.explain.figures import figure
from chainrule.explain.names import Key, Places
from chainrule.explain.replay import Stand, examples_of, run_of, stands
from chainrule.explain.subjects import subject
from chainrule.explain.text import Text
from chainrule.explain.tied import key_at
from chainrule.history import History
from chainrule.layers import Draw
from chainrule.network import divisor, penalty_gradient
from chainrule.optimizers import OPTIMIZERS
from chainrule.reference import Run, treated
from chainrule.targets import encode
from chainrule.trees import Array

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Contributions:
    """A weight's change over some steps, shared out among what made it.

    Attributes
    ----------
    of
        The weight or bias, such as `"w5"`.
    steps
        The number of steps, from the first of the run.
    before, after
        Its value before the first and after the last of them.
    parts
        The shares (n, outputs) of each example's loss at each output.
    penalty, decay
        The shares of the penalty and of the optimizer's weight decay.
    """

    of: str
    steps: int
    before: float
    after: float
    parts: Vector
    penalty: float
    decay: float

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

        >>> print(Contributions("w1", 2, 0.5, 0.25, np.array([[-0.25]]), 0.0, 0.0).text())
        w1 went from 0.5 to 0.25 in 2 steps: −0.25
        ...
        """
        said = _said
        rows = [
            f"{self.of} went from {said(self.before)} to {said(self.after)} in {self.steps} steps: "
            f"{said(self.after - self.before)}"
        ]
        for what, shares in (("output o", self.outputs), ("example ", self.examples)):
            order = np.argsort(-np.abs(shares), kind="stable")
            rows += ["", f"By {what.split(' ', maxsplit=1)[0]}"]
            rows += [f"  {f'{what}{k + 1}':<16}{said(shares[k]):>16}" for k in order[:top]]
            if len(order) > top:
                rest = f"the other {len(order) - top}"
                rows.append(f"  {rest:<16}{said(shares[order[top:]].sum()):>16}")
        others = (("the penalty", self.penalty), ("weight decay", self.decay))
        rows += [f"  {name:<16}{said(share):>16}" for name, share in others if share]
        return "\n".join(rows) + "\n"

    def __str__(self) -> str:
        return self.text()


def _said(value: float) -> str:
    return Text().figure(figure(float(value), 6)).text


def contributions(history: History, of: str, step: int | None = None) -> Contributions:
    """Return the shares of a weight's change from the start of a run to a step of it.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5]], [0.25])])
    >>> _, history = cr.fit(net, params, [[3.0]], [1.0], cr.SGD(0.1), epochs=1)
    >>> contributions(history, "b1").examples.round(3)
    array([-0.075])
    """
    last = history.at.step if step is None else check_whole("contributions: step", step, least=1)
    run = run_of(history, last)
    derivation.check_layers(run.plan.net)
    at = Places.of(run.plan.net)
    key = subject(of, at)
    if key.kind not in ("w", "b"):
        raise ValueError(f"contributions: of must be a weight or a bias, got {of!r}")
    if any(key_at(place, at) == key for group in run.plan.ties for place in group):
        raise ValueError(
            f"contributions: {of} is tied, and its change is not of its own place alone; "
            "history.explain works a step of it"
        )
    return _Sharing(run, key, at).through(last, of)


class _Sharing:
    """The shares of the running mean and of the change, as they grow step by step.

    Both are (n + 1, outputs); the last row is the penalty's, which is no example's.
    """

    def __init__(self, run: Run, key: Key, at: Places) -> None:
        self.run, self.key, self.at = run, key, at
        self.data = examples_of(run)
        shape = len(self.data.X) + 1, run.plan.net.outputs
        self.mean, self.core_mean = np.zeros(shape), np.zeros(())
        self.change, self.decay = np.zeros(shape), 0.0

    def entry(self, tree: Any) -> float:
        """The parameter's entry of a tree in the form of the parameters."""
        own = tree[self.at.indices[self.key.layer]]
        return float(
            own.W[self.key.unit, self.key.source] if self.key.kind == "w" else own.b[self.key.unit]
        )

    def through(self, last: int, of: str) -> Contributions:
        run, batch = self.run, self.run.batch_size
        numbered = self.data._replace(y=np.arange(len(self.data.X)))
        order = batches_after(numbered, batch, run.plan.seed, run.epoch, shuffle=run.shuffle)
        made = itertools.islice(stands(run, self.data), last - run.step + 1)
        for (stand, following), rows in zip(itertools.pairwise(made), order, strict=False):
            self.share(stand, rows.y, self.entry(following.params))
            after = self.entry(following.params)
        return Contributions(
            of,
            last - run.step,
            self.entry(run.params),
            after,
            self.change[:-1],
            float(self.change[-1].sum()),
            self.decay,
        )

    def share(self, stand: Stand, rows: Array, after: float) -> None:
        """Share out one step, which led to `after`."""
        optimizer, before = self.run.plan.optimizer, self.entry(stand.params)
        decay = optimizer.rate(stand.step) * optimizer.weight_decay * before
        decay = decay if self.key.kind == "w" and after != before else 0.0
        parts, core = self.gradient(stand, rows)
        rule = DIRECTIONS[_NAMES[type(optimizer)]]
        direction, self.mean = rule(self.mean, parts, optimizer, stand.step)
        whole, self.core_mean = rule(self.core_mean, core, optimizer, stand.step)
        if whole:
            self.change += direction * ((after - before + decay) / float(whole))
        self.decay -= decay

    def gradient(self, stand: Stand, rows: Array) -> tuple[Vector, Array]:
        """The shares of the gradient, and the gradient, both within its bounds."""
        plan, (X, y, w) = self.run.plan, stand.batch
        net, k = plan.net, self.at.indices[self.key.layer]
        y = encode(y, net.outputs, X.dtype, np)
        trace = forward(net, stand.params, X, Draw(plan.seed, stand.step), check=False)
        da = losses.loss(net.loss).grad(trace.output, y, np)
        weights = (np.ones(len(X)) if w is None else w) / divisor(net, len(X) * plan.mean_weight)
        parts = np.zeros_like(self.mean)
        for output in range(net.outputs):
            own = np.zeros_like(da)
            own[:, output] = da[:, output]
            each = deltas_from(net, stand.params, trace, own)[k][:, self.key.unit]
            if self.key.kind == "w":
                each = each * trace[k].x[:, self.key.source]
            parts[rows, output] = weights * each
        if self.key.kind == "w" and (net.l1 or net.l2):
            W = np.array(self.entry(stand.params))
            parts[-1] = penalty_gradient(net, W, np) / net.outputs
        deltas = backward(net, stand.params, trace, y, w, mean_weight=plan.mean_weight, check=False)
        grads = gradient(trace, deltas)
        core, bounded = self.entry(grads), self.entry(treated(plan, grads, np))
        return parts * (bounded / core if core else 1.0), np.array(bounded)


_NAMES = {kind: name for name, kind in OPTIMIZERS.items()}

Direction = Callable[[Array, Array, Any, int], tuple[Array, Array]]
"""From the running mean and the gradient to the direction of the step, and the new mean."""


def _sgd(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    if o.dampening:
        mean = o.momentum * mean + (1 - o.dampening) * g
        return mean, mean
    mean = o.momentum * mean + o.rate(t) * g
    return (o.momentum * mean + o.rate(t) * g if o.nesterov else mean), mean


def _adam(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    mean = o.beta1 * mean + (1 - o.beta1) * g
    return mean, mean


def _nadam(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    mean = o.beta1 * mean + (1 - o.beta1) * g
    ahead = o.beta1 / (1 - o.beta1 ** (t + 1)) * mean
    return ahead + (1 - o.beta1) / (1 - o.beta1**t) * g, mean


def _lion(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    return o.beta1 * mean + (1 - o.beta1) * g, o.beta2 * mean + (1 - o.beta2) * g


def _gradient_itself(mean: Array, g: Array, o: Any, t: int) -> tuple[Array, Array]:
    return g, mean


DIRECTIONS: dict[str, Direction] = {
    "sgd": _sgd,
    "adagrad": _gradient_itself,
    "rmsprop": _gradient_itself,
    "adam": _adam,
    "adamw": _adam,
    "nadam": _nadam,
    "lion": _lion,
    "rprop": _gradient_itself,
}
"""For each optimizer of the table, what of its step is linear in the gradients."""
