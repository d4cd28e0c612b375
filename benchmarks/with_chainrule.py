"""Chainrule: each task is one call of the public interface."""

from __future__ import annotations

import functools
from typing import Any

import chainrule as cr
from cases import NETWORK_EPOCHS, NETWORKS, RATE, Problem
from interleaved import Start, in_one_call, one_by_one


def train(problem: Problem, cores: int, threads: int | None = None) -> dict[str, Start]:
    """Each turn is one call of fit, from the same parameters."""
    case = problem.case
    optimizer = cr.AdamW(RATE, weight_decay=case.decay) if case.decay else cr.Adam(RATE)

    def run(epochs: int) -> float:
        _, history = cr.fit(
            problem.net,
            problem.params,
            problem.X,
            problem.y,
            optimizer,
            epochs=epochs,
            batch_size=case.batch,
            engine="native",
            threads=threads,
        )
        return history.loss[-1]

    return {"fit": in_one_call(lambda: run)}


train_layers = train


def predict_row(problem: Problem, cores: int) -> dict[str, Start]:
    """As for many rows; a single one takes a path of its own."""
    return predict_rows(problem, cores)


def predict_rows(problem: Problem, cores: int, threads: int | None = None) -> dict[str, Start]:
    """Arrays of NumPy in, arrays of NumPy out."""
    net, params, X = problem.net, problem.params, problem.X
    return {"predict": one_by_one(lambda: cr.predict(net, params, X, threads=threads))}


def squared_norms(problem: Problem, cores: int) -> dict[str, Start]:
    """Norms of the gradients themselves, where Chainrule gives those of their shares in a mean."""
    net, params, X, y, n = problem.net, problem.params, problem.X, problem.y, problem.case.rows
    norms = functools.partial(cr.example_squared_norms, net, params, X, y, engine="native")
    return {"example_squared_norms": one_by_one(lambda: norms() * n**2)}


def many_networks(problem: Problem, cores: int) -> dict[str, Start]:
    """Networks from different seeds: in one call, and one after the other on one thread."""
    starts = [problem.net.init(seed) for seed in range(NETWORKS)]

    def train_one(params: Any) -> float:
        _, history = cr.fit(
            problem.net,
            params,
            problem.X,
            problem.y,
            cr.Adam(RATE),
            epochs=NETWORK_EPOCHS,
            batch_size=problem.case.batch,
            engine="native",
            threads=1,
        )
        return history.loss[-1]

    def at_once() -> list[float]:
        found: Any = cr.fit_many(
            problem.net,
            starts,
            problem.X,
            problem.y,
            cr.Adam(RATE),
            epochs=NETWORK_EPOCHS,
            batch_size=problem.case.batch,
            engine="native",
            threads=cores,
        )
        return [history.loss[-1] for _, history in found]

    def one_after_the_other() -> list[float]:
        return list(map(train_one, starts))

    return {
        "at once": one_by_one(at_once),
        "one after the other": one_by_one(one_after_the_other),
    }
