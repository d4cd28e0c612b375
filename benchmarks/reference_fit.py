r"""The reference `fit` beside the same loop written by hand in NumPy with preallocated buffers.

784-128-10, ReLU, softmax cross-entropy, Adam, batches of 64, float32. Both train on the same
examples in the same order from the same parameters, in turn, in one process; the table gives the
median time of a step and the median of the ratios of neighbouring rounds. Run it with `make bench`.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import chainrule as cr
from chainrule.network import Parameters

INPUTS, HIDDEN, CLASSES, BATCH, EXAMPLES = 784, 128, 10, 64, 64 * 100
EPOCHS = 4
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8
NET = cr.Network(INPUTS, [cr.Dense(HIDDEN, "relu"), cr.Dense(CLASSES)], loss="cross_entropy")

Array = NDArray[Any]


class Handwritten:
    """The loop as a careful NumPy programmer writes it: no allocation within a step."""

    def __init__(self, params: Parameters) -> None:
        dtype = params[0].W.dtype
        self.w = [np.array(leaf) for layer in params for leaf in layer]
        self.g, self.m, self.v, self.s = ([np.zeros_like(w) for w in self.w] for _ in range(4))
        self.x = np.empty((BATCH, INPUTS), dtype)
        self.z1, self.a1, self.d1 = (np.empty((BATCH, HIDDEN), dtype) for _ in range(3))
        self.z2, self.e2 = (np.empty((BATCH, CLASSES), dtype) for _ in range(2))
        self.t = 0

    def run(self, X: Array, y: Array, epochs: range) -> float:
        """Train for some epochs, in the orders that fit takes; return the last one's mean loss."""
        for epoch in epochs:
            loss = self.epoch(X, y, np.random.default_rng([0, epoch]).permutation(len(X)))
        return loss

    def epoch(self, X: Array, y: Array, order: Array) -> float:
        """Train on all batches; return the mean loss."""
        total = 0.0
        for start in range(0, len(X), BATCH):
            rows = order[start : start + BATCH]
            np.take(X, rows, axis=0, out=self.x, mode="clip")  # "raise" would buffer
            total += self.step(y[rows])
        return total / (len(X) // BATCH)

    def step(self, y: Array) -> float:
        """Forward, loss, backward, Adam."""
        W1, b1, W2, b2 = self.w
        gW1, gb1, gW2, gb2 = self.g
        np.matmul(self.x, W1.T, out=self.z1)
        self.z1 += b1
        np.maximum(self.z1, 0, out=self.a1)
        np.matmul(self.a1, W2.T, out=self.z2)
        self.z2 += b2
        self.z2 -= self.z2.max(axis=1, keepdims=True)
        np.exp(self.z2, out=self.e2)
        sums = self.e2.sum(axis=1)
        picked = np.arange(BATCH), y
        loss = float(np.mean(np.log(sums) - self.z2[picked]))

        self.e2 /= sums[:, None]
        self.e2[picked] -= 1
        self.e2 /= BATCH
        np.matmul(self.e2.T, self.a1, out=gW2)
        np.sum(self.e2, axis=0, out=gb2)
        np.matmul(self.e2, W2, out=self.d1)
        self.d1 *= self.z1 > 0
        np.matmul(self.d1.T, self.x, out=gW1)
        np.sum(self.d1, axis=0, out=gb1)
        self.adam()
        return loss

    def adam(self) -> None:
        """Update every parameter in place, with one scratch buffer."""
        self.t += 1
        c = float(np.sqrt(1 - BETA2**self.t))
        scale = RATE * c / (1 - BETA1**self.t)
        for k in range(len(self.w)):
            g, m, v, s = self.g[k], self.m[k], self.v[k], self.s[k]
            m *= BETA1
            np.multiply(g, 1 - BETA1, out=s)
            m += s
            v *= BETA2
            np.multiply(g, g, out=s)
            s *= 1 - BETA2
            v += s
            np.sqrt(v, out=s)
            s += EPSILON * c
            np.divide(m, s, out=s)
            s *= scale
            self.w[k] -= s


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a call takes, and what it returns."""
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how many rounds")
    rounds = parser.parse_args().rounds

    rng = np.random.default_rng(1)
    X = rng.normal(size=(EXAMPLES, INPUTS)).astype(np.float32)
    y = rng.integers(CLASSES, size=EXAMPLES)
    params, steps = NET.init(0), EPOCHS * EXAMPLES // BATCH
    hand, history, optimizer = Handwritten(params), None, cr.Adam(RATE)
    times: list[tuple[float, float]] = []
    for first in range(1, EPOCHS * (rounds + 1), EPOCHS):
        by_hand, loss = timed(functools.partial(hand.run, X, y, range(first, first + EPOCHS)))
        by_fit, (params, history) = timed(
            functools.partial(
                cr.fit,
                NET,
                params,
                X,
                y,
                optimizer,
                epochs=EPOCHS,
                batch_size=BATCH,
                history=history,
                engine="reference",
            )
        )
        if first > 1:  # the first round warms up
            times.append((by_hand, by_fit))
    assert history is not None
    np.testing.assert_allclose(history.loss[-1], loss, rtol=1e-3)

    medians = [statistics.median(column) / steps * 1e6 for column in zip(*times, strict=True)]
    ratio = statistics.median(fit / hand for hand, fit in times)
    print(f"784-128-10, batch {BATCH}, Adam, float32: microseconds a step, {rounds} rounds")
    print(f"  by hand in NumPy, preallocated   {medians[0]:8.1f}")
    print(f"  chainrule.fit, reference         {medians[1]:8.1f}")
    print(f"  ratio                            {ratio:8.2f}   (asked: at most 1.50)")


if __name__ == "__main__":
    main()
