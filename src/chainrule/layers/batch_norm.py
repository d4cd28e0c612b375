r"""BatchNorm: each feature freed of its mean and variance over the batch.

x, a, delta   (n, i)      gamma, beta, running_mean, running_variance   (i,)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np

from chainrule.fields import hold
from chainrule.layers.layer import Draw, Layer, Words
from chainrule.layers.normalised import NormalisedRecord, moments, normalise, through, work
from chainrule.layers.parameter_shapes import zeros
from chainrule.trees import Array
from chainrule.value_types import Bounds, Positive


class BatchNormParameters(NamedTuple):
    """Gains gamma and shifts beta, and the running statistics of the batches, (i,) each."""

    gamma: Array
    beta: Array
    running_mean: Array
    running_variance: Array


@dataclass(frozen=True)
class BatchNorm(Layer):
    r"""A layer that normalises each feature by the batch in training, by what it kept afterwards.

    $$\hat x = \frac{x - \mu}{\sqrt{v + \varepsilon}},\qquad a = \gamma \odot \hat x + \beta$$

    While the network trains, μ and v are mean and variance of each feature over the batch, and each
    step moves the running ones towards them,

    $$\mu_r \leftarrow (1 - m)\,\mu_r + m\,\mu,\qquad
      v_r \leftarrow (1 - m)\,v_r + m\,\tfrac{n}{n - 1}\,v;$$

    when it predicts, they are the running ones. A batch of one example has no variance, and leaves
    them as they are. γ and v_r start at 1, β and μ_r at 0; penalties and decay leave all alone.

    $$\frac{\partial C}{\partial x} = \frac{g - \operatorname{mean}(g)
      - \hat x\,\operatorname{mean}(g \hat x)}{\sqrt{v + \varepsilon}}\ \text{in training},\qquad
      \frac{g}{\sqrt{v_r + \varepsilon}}\ \text{when it predicts},\qquad g = \delta \odot \gamma$$

    The means are over the batch. γ and β have the gradients Σ δ ⊙ x̂ and Σ δ.

    Parameters
    ----------
    momentum
        m, the share of a batch in the running statistics: as PyTorch has it, 0.1.
    epsilon
        ε, added to the variance.

    Raises
    ------
    ValueError
        Unless 0 < momentum <= 1 and epsilon > 0.

    Notes
    -----
    Source: Ioffe and Szegedy (2015), Batch normalization, arXiv:1502.03167.

    Examples
    --------
    >>> cr.BatchNorm()
    BatchNorm(momentum=0.1, epsilon=1e-05)
    """

    kind: ClassVar[str] = "batch_norm"

    momentum: Annotated[float, Bounds(above=0, most=1)] = 0.1
    epsilon: Positive = 1e-5

    def __post_init__(self) -> None:
        hold(self, "BatchNorm: ")

    def form(self, inputs: int) -> BatchNormParameters:
        return BatchNormParameters(*(zeros(inputs) for _ in range(4)))

    def init(self, inputs: int, rng: np.random.Generator) -> BatchNormParameters:
        ones, zeros = np.ones(inputs), np.zeros(inputs)
        return BatchNormParameters(ones, zeros, zeros, ones)

    def forward(
        self, params: BatchNormParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, NormalisedRecord]:
        if draw is None:
            known = params.running_mean[None, :], params.running_variance[None, :]
            return normalise(x, *known, params, self.epsilon, xp, own=False)
        return normalise(x, *moments(x, 0, xp), params, self.epsilon, xp, own=True)

    def delta(
        self, params: BatchNormParameters, record: NormalisedRecord, da: Array, xp: Any
    ) -> Array:
        return da

    def dx(
        self, params: BatchNormParameters, record: NormalisedRecord, delta: Array, xp: Any
    ) -> Array:
        return through(delta * params.gamma, record, self.epsilon, 0, xp)

    def gradient(self, record: NormalisedRecord, delta: Array, xp: Any) -> BatchNormParameters:
        gamma, beta = xp.sum(delta * record.scaled, axis=0), xp.sum(delta, axis=0)
        return BatchNormParameters(gamma, beta, xp.zeros_like(beta), xp.zeros_like(beta))

    def per_example_gradients(
        self, record: NormalisedRecord, delta: Array, xp: Any
    ) -> BatchNormParameters:
        """Each example's terms of the sums: in training δ is of the whole batch's cost."""
        none = xp.zeros_like(delta)
        return BatchNormParameters(delta * record.scaled, delta, none, none)

    def squared_norms(self, record: NormalisedRecord, delta: Array, xp: Any) -> Array:
        return xp.sum((delta * record.scaled) ** 2 + delta**2, axis=1)

    def after_step(
        self, params: BatchNormParameters, record: NormalisedRecord
    ) -> BatchNormParameters:
        n = record.x.shape[0]
        if n == 1:
            return params
        keep, new = 1 - self.momentum, self.momentum
        mean, variance = record.mean[0, :], record.variance[0, :] * (n / (n - 1))
        return params._replace(
            running_mean=keep * params.running_mean + new * mean,
            running_variance=keep * params.running_variance + new * variance,
        )

    @property
    def over_batch(self) -> bool:
        return True

    def words(self, inputs: int) -> Words:
        return Words("batch norm")

    def lower(self, program: Any, x: int) -> int:
        running = ("running_mean", "running_variance")
        made: int = program.batch_norm(x, "gamma", "beta", *running, self.epsilon, self.momentum)
        return made

    def work(self, sheet: Any) -> Any:
        if sheet.record.own:
            return self._work_of_batch(sheet)

        def mu(j: int) -> Any:
            return sheet.parameter("running_mean", j)

        def v(j: int) -> Any:
            return sheet.parameter("running_variance", j)

        return work(sheet, mu, v, self.epsilon)

    def _work_of_batch(self, sheet: Any) -> Any:
        """The formulas in training, where mean and variance are those of the batch."""
        x = sheet.batch[0].x
        mean, variance = sheet.record.mean[0], sheet.record.variance[0]

        def mu(j: int) -> Any:
            def formula() -> Any:
                return sheet.total(x[:, j], lambda row: sheet.x_of(row, j)) / len(x)

            return sheet.let("μ", formula, mean[j], unit=j, note="the mean over the batch")

        def v(j: int) -> Any:
            def square(row: int) -> Any:
                return (sheet.x_of(row, j) - mu(j)) ** 2

            def formula() -> Any:
                return sheet.total((x[:, j] - mean[j]) ** 2, square) / len(x)

            return sheet.let("v", formula, variance[j], unit=j, note="the variance over the batch")

        return work(sheet, mu, v, self.epsilon, batch=True)
