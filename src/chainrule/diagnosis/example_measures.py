r"""What a pass forward and back says of the examples, as functions of (trace, deltas).

g_i   the gradient of the loss of example i      G   their mean      n   how many there are
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule.backprop import Deltas, Trace, gradient, squared_norms
from chainrule.network import divisor
from chainrule.penalties import without_penalty
from chainrule.trees import leaves


class ExampleMeasures(NamedTuple):
    r"""What is measured of the examples' gradients.

    Parameters
    ----------
    squared_norms
        $|g_i|^2$ of each example, (n,).
    largest, share
        The row, from 0, whose $|g_i|^2$ is largest, and its share of $\sum |g_i|^2$.
    signal
        $|G|^2$ without what noise adds to it, at least 0.
    noise
        $\operatorname{tr} \Sigma$, the variance of g_i summed over all parameters.
    """

    squared_norms: NDArray[np.float64]
    largest: int
    share: float
    signal: float
    noise: float

    @property
    def critical_batch(self) -> float:
        r"""The simple noise scale $\operatorname{tr}\Sigma / |G|^2$: more examples gain little.

        Source: McCandlish, Kaplan, Amodei et al. (2018), arXiv:1812.06162, equation 2.9.
        """
        return self.noise / self.signal if self.signal > 0 else np.inf

    def signal_to_noise(self, batch: int) -> float:
        r"""Return $|G|^2 / (\operatorname{tr}\Sigma / B)$ of the mean over so many examples.

        Parameters
        ----------
        batch
            B, how many examples make a step.

        Examples
        --------
        >>> ExampleMeasures(np.ones(4), 0, 0.25, signal=2.0, noise=8.0).signal_to_noise(4)
        1.0
        """
        return self.signal * batch / self.noise if self.noise > 0 else np.inf


def measure_examples(trace: Trace, deltas: Deltas) -> ExampleMeasures:
    r"""Return what is measured of the gradients of the examples, without building them.

    $$\operatorname{tr}\Sigma = \frac{n}{n - 1}\left(\overline{|g_i|^2} - |\bar g|^2\right),\qquad
      |G|^2 = |\bar g|^2 - \frac{\operatorname{tr}\Sigma}{n}$$

    Both are without bias. Source: McCandlish, Kaplan, Amodei et al. (2018), An empirical model of
    large-batch training, arXiv:1812.06162, appendix A.1.

    Parameters
    ----------
    trace
        What `forward` returned.
    deltas
        What `backward` returned for it.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> trace = cr.forward(net, net.parameters([([[0.0]], [0.0])]), [[0.0], [0.0]])
    >>> found = measure_examples(trace, cr.backward(trace, [-1.0, -3.0]))
    >>> found.signal, found.noise, found.share
    (3.0, 2.0, 0.9)
    """
    net, n = trace.net, len(trace.output)
    each = np.asarray(squared_norms(trace, deltas), np.float64) * divisor(net, n) ** 2
    plain = Trace(trace, without_penalty(net), trace.params)
    mean = (
        sum(float(np.sum(np.asarray(g, np.float64) ** 2)) for g in leaves(gradient(plain, deltas)))
        * (divisor(net, n) / n) ** 2
    )
    noise = max(float(np.mean(each)) - mean, 0.0) * n / max(n - 1, 1)
    total, largest = float(np.sum(each)), int(np.argmax(each))
    share = float(each[largest]) / total if 0 < total < np.inf else 0.0
    return ExampleMeasures(each, largest, share, max(mean - noise / n, 0.0), noise)
