"""The engine of pages, in Node, beside Python's: every row of the tables, every kind of layer."""

from __future__ import annotations

import functools
import json
import subprocess
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import activation
from chainrule.batches import Subset, batches_after, check_examples
from chainrule.engine.program import for_training
from chainrule.engine.wasm import engine_bytes, engine_script
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.optimizers import init_states
from chainrule.reference import take_step
from chainrule.trees import leaves
from wasm_cases import (
    BATCH,
    CASES,
    EPOCHS,
    NODE,
    SEED,
    SOURCES,
    Case,
    N,
    in_dtype,
    made,
    plan_of,
    told,
)

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

TOLERANCE = {"float32": 1e-5, "float64": 1e-12}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
EVERY_CASE = pytest.mark.parametrize("name", CASES)
results = functools.cache(made)


def near(got: Any, expected: Any, dtype: str, size: float = 1e-3) -> None:
    a, b = np.ravel(got), np.ravel(expected).astype(np.float64)
    assert a.shape == b.shape
    assert np.linalg.norm(a - b) <= TOLERANCE[dtype] * max(np.linalg.norm(b), size)


def passes(case: Case, dtype: str, draw: cr.Draw | None = None) -> Any:
    """The cost and its gradient, of the core."""
    p, params = case.p, in_dtype(case, dtype)
    w = case.options.get("sample_weight")
    X = p.X.astype(dtype)
    trace = cr.forward(p.net, params, X, draw)
    deltas = cr.backward(trace, p.y, w)
    return trace, deltas, cr.gradient(trace, deltas)


@DTYPES
@EVERY_CASE
def test_cost_and_gradient(name: str, dtype: str) -> None:
    case, got = CASES[name], results(dtype)[name]
    _, _, gradient = passes(case, dtype)
    cost = cr.cost(
        case.p.net, in_dtype(case, "float64"), case.p.X, case.p.y,
        sample_weight=case.options.get("sample_weight"),
    )  # fmt: skip
    near([got["cost"], got["alone"]], [cost, cost], dtype)
    for a, b in zip(got["gradients"], leaves(gradient), strict=True):
        near(a, b, dtype, size=0.1)


@DTYPES
def test_masks_of_a_step(dtype: str) -> None:
    case, got = CASES["dropout"], results(dtype)["dropout"]["drawn"]
    _, _, gradient = passes(case, dtype, cr.Draw(SEED, 1))
    for a, b in zip(got["gradients"], leaves(gradient), strict=True):
        near(a, b, dtype, size=0.1)


@DTYPES
@EVERY_CASE
def test_predictions(name: str, dtype: str) -> None:
    case = CASES[name]
    expected = cr.predict(case.p.net, in_dtype(case, dtype), case.p.X.astype(dtype))
    near(results(dtype)[name]["predictions"], expected, dtype)


@DTYPES
@EVERY_CASE
def test_weights_after_one_step(name: str, dtype: str) -> None:
    """By the reference loop."""
    case, got = CASES[name], results(dtype)[name]["milestones"][0]
    params, plan = in_dtype(case, dtype), plan_of(case)
    data = check_examples(case.p.net, params, case.p.X, case.p.y, case.options.get("sample_weight"))
    shuffle = case.options.get("shuffle", True)
    first = next(batches_after(Subset(data), BATCH, SEED, 0, shuffle=shuffle))
    expected, _, _ = take_step(plan, params, init_states(case.optimizer, params), first, 1)
    assert got["at"] == {"step": 1, "epoch": 0, "first": BATCH}
    for a, b in zip(got["tensors"], leaves(expected), strict=True):
        near(a, b, dtype, size=0.1)


@DTYPES
@EVERY_CASE
def test_weights_and_costs_after_many_steps(name: str, dtype: str) -> None:
    """By `fit`."""
    case, got = CASES[name], results(dtype)[name]
    for epochs, milestone in zip(EPOCHS, got["milestones"][1:], strict=True):
        steps = epochs * N // BATCH
        expected, history = cr.fit(
            case.p.net, in_dtype(case, dtype), case.p.X, case.p.y, case.optimizer,
            epochs=epochs, batch_size=BATCH, seed=SEED, **case.options,
        )  # fmt: skip
        assert milestone["at"] == {"step": steps, "epoch": epochs, "first": 0}
        for a, b in zip(milestone["tensors"], leaves(expected), strict=True):
            near(a, b, dtype, size=0.1)
    totals, weights = np.reshape(got["parts"], (EPOCHS[-1], N // BATCH, 2)).sum(axis=1).T
    sums = case.p.net.reduction == "sum"
    near(totals if sums else totals / weights, history.loss, dtype)


@DTYPES
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("activation")])
def test_every_value_of_a_pass(name: str, dtype: str) -> None:
    """x, then z and a of each layer; ∂C/∂a comes to an a, and δ to a z; f′(z) is the slope."""
    case, got = CASES[name], results(dtype)[name]["values"]
    trace, deltas, _ = passes(case, dtype)
    slopes = [delta @ own.W for delta, own in zip(deltas, trace.params, strict=True)]
    values = iter(got)
    x = next(values)
    near(x["a"], case.p.X, dtype)
    near(x["came"], slopes[0], dtype, size=0.1)
    for k, record in enumerate(trace):
        z = next(values)
        near(z["a"], record.z, dtype)
        near(z["came"], deltas[k], dtype, size=0.1)
        if record.a is not record.z and "identity" not in name:
            a = next(values)
            near(a["a"], record.a, dtype)
            near(a["went"], deltas[k], dtype, size=0.1)
            row = activation(case.p.net.layers[k].activation)
            if row.pull is None:
                near(a["slope"], row.df(record.z, record.a, np), dtype)
            if k + 1 < len(slopes):
                near(a["came"], slopes[k + 1], dtype, size=0.1)


@DTYPES
@EVERY_CASE
def test_which_values_are_a_layers(name: str, dtype: str) -> None:
    """What enters each layer, its weighted inputs, and, but of several members, what leaves it."""
    case, got = CASES[name], results(dtype)[name]["values"]
    trace, _, _ = passes(case, dtype)
    found = plain_program(for_training(case.p.net))["layers"]
    for k, (layer, record) in enumerate(zip(case.p.net.layers, trace, strict=True)):
        of = found[str(k)]
        near(got[of["x"]]["a"], record.x, dtype)
        assert (of["z"] is not None) == isinstance(layer, cr.Dense)
        if of["z"] is not None:
            near(got[of["z"]]["a"], record.z, dtype)
        if layer.members == 1:
            near(got[of["a"]]["a"], record.a, dtype)


# What does not fit

REFUSED = {
    "a kind": (lambda t: t["program"]["operations"][0].update(kind="afine"), "'afine'"),
    "an activation": (
        lambda t: t["program"]["operations"][0].update(activation="tahn"),
        "'tahn'",
    ),
    "a loss": (lambda t: t["program"]["heads"][0].update(loss="hubber"), "'hubber'"),
    "an optimizer": (lambda t: t["options"].update(optimizer="adma"), "'adma'"),
    "a number": (lambda t: t["options"]["numbers"].update(beta3=1), "'beta3'"),
    "a value": (lambda t: t["program"]["operations"][0].update(inputs=[9]), "what there is not"),
    "a tensor": (lambda t: t["options"].update(frozen=[99]), "must be a tensor"),
    "no batch": (lambda t: t["options"].update(batch=0), "a batch must have an example"),
    "rows": (lambda t: t["data"].update(X=[1.0]), "X must have rows of 3 numbers"),
    "a tensor's size": (lambda t: t["tensors"].__setitem__(0, [1.0]), "tensor 0 has 15 numbers"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_does_not_fit_is_refused(what: str) -> None:
    change, words = REFUSED[what]
    case = json.loads(json.dumps(told(CASES["penalties"], "float64")))
    change(case)
    command = [NODE, "tests/wasm_parity.js", SOURCES / "wasm_engine.js", SOURCES / "engine64.wasm"]
    done = subprocess.run(
        command, input=json.dumps({"it": case}), capture_output=True, text=True, check=False,
        cwd=SOURCES.parents[3],
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr


def test_what_a_page_holds_is_the_module() -> None:
    assert engine_bytes("float32") != engine_bytes("float64")
    assert "class Session" in engine_script()
