"""Random explanations, and what the core says of each of their quantities."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re

import numpy as np

import chainrule as cr
from chainrule import losses
from chainrule.activations import activation
from chainrule.backprop import backward, forward, gradient, input_gradient, trace_cost
from chainrule.batches import Examples
from chainrule.explanation.derivation import derive
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.expressions import Quantity, walk
from chainrule.explanation.result import Explanation
from chainrule.explanation.subjects import subject
from chainrule.explanation.unit_places import Places
from chainrule.losses import LOSSES
from chainrule.targets import encode
from strategies import HEADS, last, problem
from tables import ELEMENTWISE

SEEDS = range(200)
SUBJECTS = ["w", "b", "x", "h", "o", "net_h", "net_o", "cost", "all"]
OPTIMIZERS = [None, cr.SGD(0.5), cr.SGD(0.1, momentum=0.9), cr.Adam(0.1), cr.AdamW(0.01)]


@functools.cache
def case(seed):
    """A random problem: over 200 seeds each activation and each loss comes up many times."""
    rng = np.random.default_rng(seed)
    names = itertools.cycle([*ELEMENTWISE, "sigmoid(4)", "leaky_relu(0.2)", "elu(0.5)"])
    more = ["huber(0.5)", "quantile(0.9)", "quantile(0.1, 0.9)", "cross_entropy(0.1)", *HEADS]
    loss = [*LOSSES, *more][seed % (len(LOSSES) + len(more))]
    group = losses.loss(loss).group
    layers = []
    kinds = list(itertools.islice(names, seed % 16, seed % 16 + int(rng.integers(1, 4))))
    for name in [*kinds[:-1], last(kinds[-1], loss)]:
        times = 1 if loss in HEADS else int(rng.integers(1, 5))
        layers.append(cr.Dense(group * times, name))
        if rng.random() < 0.3:
            layers.append(cr.Dropout(float(rng.choice([0.0, 0.25, 0.5]))))
    net = cr.Network(
        int(rng.integers(1, 5)),
        layers,
        loss=loss,
        l1=float(rng.choice([0.0, 0.01])),
        l2=float(rng.choice([0.0, 0.1])),
    )
    return problem(net, n=1 if seed % 2 else int(rng.integers(2, 6)), seed=seed)


@functools.cache
def explained(seed, digits=None, top=10):
    """The explanation of one kind of subject, in turn."""
    p, rng = case(seed), np.random.default_rng(seed)
    at = Places.of(p.net)
    data = Examples(p.X, p.y, p.w if seed % 3 == 0 else None)
    made = OPTIMIZERS[seed % 5]
    of = subject(subject_of(SUBJECTS[seed % len(SUBJECTS)], at, rng), at)
    derived = derive(
        p.net,
        p.params,
        data,
        of,
        top=top,
        draw=p.draw if seed % 4 else None,
        made=Update(made) if made else None,
    )
    return Explanation(derived, digits=digits)


def subject_of(kind, at, rng):
    if kind[-1] == "h" and at.last == 0:
        kind = f"{kind[:-1]}o"
    sizes = {
        "w": sum(i * o for i, o in itertools.pairwise(at.widths)),
        "b": sum(at.widths[1:]),
        "x": at.widths[0],
        "h": sum(at.widths[1:-1]),
        "o": at.widths[-1],
    }
    return f"{kind}{rng.integers(sizes[kind[-1]]) + 1}" if kind[-1] in sizes else kind


class Core:
    """What the core says of each quantity; `row` is that of the example."""

    def __init__(self, seed):
        p, d = case(seed), explained(seed).derivation
        self.net, self.params, self.data, self.at = p.net, p.params, d.data, d.at
        self.y = encode(d.data.y, p.net.outputs, np.float64, np)
        self.trace = forward(p.net, p.params, p.X, p.draw if seed % 4 else None)
        self.deltas = backward(self.trace, d.data.y)
        self.weighted = backward(self.trace, d.data.y, d.data.w)
        self.loss = losses.loss(p.net.loss)

    def index(self, place):
        """Which layer of a network without layers in layers a place is."""
        return int(self.at.layers[place].path)

    def layer(self, key):
        return self.index(key.layer)

    def passed(self, layer):
        """What leaves a dense layer, or the inputs, behind any dropout."""
        if layer == self.at.last:
            return self.trace[-1].a
        return self.trace[self.index(layer + 1)].x

    def da(self, k):
        """∂C by what enters layer k of the network, for each example's own cost."""
        if k == len(self.trace):
            return self.loss.grad(self.trace.output, self.y, np)
        return self.net.layers[k].dx(self.params[k], self.trace[k], self.deltas[k], np)

    def value(self, key, row):
        """The number of a quantity, or None for letters and what is left of a sum."""
        table = {
            "x": lambda: self.data.X[row, key.unit],
            "y": lambda: self.y[row, key.unit],
            "w": lambda: self.params[self.layer(key)].W[key.unit, key.source],
            "b": lambda: self.params[self.layer(key)].b[key.unit],
            "z": lambda: self.trace[self.layer(key)].z[row, key.unit],
            "a": lambda: self.trace[self.layer(key)].a[row, key.unit],
            "kept": lambda: self.passed(key.layer)[row, key.unit],
            "delta": lambda: self.deltas[self.layer(key)][row, key.unit],
            "loss": lambda: self.loss.value(self.trace.output, self.y, np)[row, key.unit],
            "p": lambda: self.loss.link(self.trace.output, np)[row, key.unit],
            "d": lambda: self.derivative(*key.of, row),
        }
        if key.kind in "CL":
            return self.cost(key)
        return table[key.kind]() if key.kind in table else None

    def plain(self):
        """The same without a penalty."""
        return dataclasses.replace(self.net, l1=0.0, l2=0.0)

    def cost(self, key):
        if key.example:
            one = slice(key.example - 1, key.example)
            return self.loss.value(self.trace.output[one], self.y[one], np).sum()
        net = self.plain() if key.kind == "L" else self.net
        trace = type(self.trace)(self.trace, net, self.params)
        return trace_cost(trace, self.data.y, self.data.w)

    def derivative(self, of, by, row):
        if of.kind == "a":  # the slope
            record = self.trace[self.layer(of)]
            slopes = activation(self.net.layers[self.layer(of)].activation).df(
                record.z, record.a, np
            )
            return slopes[row, of.unit]
        if of.kind == "z":
            if by.kind in ("w", "b"):
                return self.passed(of.layer - 1)[row, by.source] if by.kind == "w" else 1.0
            return self.params[self.layer(of)].W[of.unit, by.unit]
        if of.kind == "loss":
            delta = self.deltas[self.index(self.at.last)][row, of.unit]
            return delta * self.params[self.index(self.at.last)].W[of.unit, by.unit]
        if of.example or (
            len(self.data.X) == 1 and (of.kind == "L" or not self.net.l1 + self.net.l2)
        ):
            return self.own(by, of.example - 1 if of.example else 0)
        return self.mean(of, by)

    def own(self, by, row):
        """The derivative of one example's cost."""
        if by.kind in ("w", "b", "z"):
            delta = self.deltas[self.layer(by)][row, by.unit]
            return delta * (self.passed(by.layer - 1)[row, by.source] if by.kind == "w" else 1.0)
        above = len(self.trace)
        if by.layer < self.at.last and by.kind == "kept":
            above = self.index(by.layer + 1)
        elif by.kind != "kept":
            above = self.layer(by) + 1 if by.layer >= 0 else 0
        return self.da(above)[row, by.unit]

    def mean(self, of, by):
        """The derivative of the cost over all examples."""
        net = self.plain() if of.kind == "L" else self.net
        trace = type(self.trace)(self.trace, net, self.params)
        if by.kind in ("w", "b"):
            own = gradient(trace, self.weighted)[self.layer(by)]
            return own.W[by.unit, by.source] if by.kind == "w" else own.b[by.unit]
        if by.kind == "x":
            return input_gradient(trace, self.weighted)[:, by.unit].sum()
        w = np.ones(len(self.data.X)) if self.data.w is None else self.data.w
        return np.average([self.own(by, row) for row in range(len(w))], weights=w)


@functools.cache
def core(seed):
    return Core(seed)


def steps_with_rows(explanation):
    """Each step with the row of its example, 0 where it is of none."""
    for part in explanation.derivation.parts:
        found = re.search(r" of example (\d+)$", part.title)
        for step in part.steps:
            for each in step.walk():
                yield part, int(found[1]) - 1 if found else 0, each


def quantities(step):
    """The quantities that a step is worked out from."""
    return [q for q in walk(step.formula or step.quantity) if isinstance(q, Quantity)]


def is_near(got, expected, size=0.0):
    return abs(got - expected) <= 1e-12 * abs(expected) + 1e-15 * size + 1e-300
