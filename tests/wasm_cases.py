"""Runs that the engine of a page makes again, and what Python makes of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import chainrule as cr
from chainrule.engine.program import for_training
from chainrule.engine.session import NAMES, epochs_of, numbers_of
from chainrule.engine.wasm import DTYPES
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.losses import LOSSES
from chainrule.network import frozen
from chainrule.optimizers import OPTIMIZERS, init_states
from chainrule.record import Plan
from chainrule.trees import leaves, tree_map
from kinds import LAYERS, WITH_BATCH_NORM
from strategies import HEADS, Problem, last, problem
from tables import ACTIVATION_NAMES

NODE = shutil.which("node")
SOURCES = Path(__file__).parents[1] / "src/chainrule/engine/wasm"
N, BATCH, SEED = 20, 4, 3
EPOCHS = (2, 200)
"""After which parameters are compared, beside those after one step: of five steps each."""


class Case(NamedTuple):
    """A problem, and how it is trained."""

    p: Problem
    optimizer: cr.Optimizer = cr.SGD(0.005, momentum=0.5)
    options: dict[str, Any] = {}  # noqa: RUF012


def network(activation: str = "tanh", loss: str = "huber", **more: Any) -> cr.Network:
    """A network of three layers; the last is as wide as the loss needs it."""
    outputs = cr.losses.loss(loss).group
    layers = [
        cr.Dense(5, activation),
        cr.Dense(4, activation),
        cr.Dense(max(outputs, 2) if loss in LOSSES else outputs, last(activation, loss)),
    ]
    return cr.Network(3, layers, loss, **more)


def of(net: cr.Network, optimizer: cr.Optimizer | None = None, **options: Any) -> Case:
    p = problem(net, n=N)
    return Case(p, optimizer, options) if optimizer else Case(p, options=options)


DROPPING = cr.Network(
    3, [cr.Dropout(0.1), cr.Dense(5, "relu"), cr.Dropout(0.5), cr.Dense(2)], "cross_entropy"
)
RULES = [
    *(kind(0.001) for kind in OPTIMIZERS.values()),
    cr.SGD(0.01, momentum=0.9, nesterov=True),
    cr.SGD(cr.Cosine(0.05, steps=500), momentum=0.9, dampening=0.9),
    cr.AdamW(0.001, weight_decay=0.2),
    cr.Lion(0.0001, weight_decay=0.1),
    cr.Adam(cr.WarmUp(5, cr.Cosine(0.005, steps=900))),
    cr.SGD(cr.OneCycle(0.1, steps=1000)),
]
WEIGHTS = np.arange(float(N)) % 4 + 0.5
CASES: dict[str, Case] = {
    **{f"activation {name}": of(network(name)) for name in ACTIVATION_NAMES},
    "activation softmax": of(network("softmax", "squared_error")),
    **{f"loss {name}": of(network(loss=name)) for name in [*LOSSES, *HEADS]},
    **{f"rule {rule!r}": of(network(loss="cross_entropy"), rule) for rule in RULES},
    **{
        f"layers {name}": of(
            cr.Network(3, layers, "huber", check=False),
            cr.SGD(0.0002 if name in WITH_BATCH_NORM else 0.002),
        )
        for name, layers in {**LAYERS, **WITH_BATCH_NORM}.items()
    },
    "penalties": of(network(l1=0.001, l2=0.01)),
    "the sum": of(network(reduction="sum"), cr.SGD(0.001)),
    "dropout": of(DROPPING, cr.Adam(0.001)),
    "weights": of(network(), sample_weight=WEIGHTS),
    "in order": of(network(), shuffle=False),
    "clip_value": of(network(l2=0.01), clip_value=0.01),
    "clip_norm": of(network(l2=0.01), clip_norm=0.05),
    "frozen": of(network(), freeze=["0.W", "2.b"]),
}


def plan_of(case: Case) -> Plan:
    """What stays the same through the run."""
    p, o = case.p, case.options
    names = frozen(p.params, o.get("freeze", ()))
    weights = o.get("sample_weight")
    mean = 1.0 if weights is None else float(np.mean(weights))
    bounds = (o.get("clip_value"), o.get("clip_norm"))
    return Plan(p.net, case.optimizer, SEED, names, *bounds, mean)


def in_dtype(case: Case, dtype: str) -> Any:
    return tree_map(lambda leaf: leaf.astype(dtype), case.p.params)


def told(case: Case, dtype: str) -> dict[str, Any]:
    """What the page's engine is told."""
    p, plan, program = case.p, plan_of(case), for_training(case.p.net)
    params = in_dtype(case, dtype)
    asked = epochs_of(
        plan, steps=1000, first_step=0, shuffles=True, first_epoch=0, epochs=EPOCHS[-1],
        batch=BATCH, seconds=1.0, left_out=None,
    )  # fmt: skip
    weights = case.options.get("sample_weight")
    return {
        "program": plain_program(program),
        "options": {
            "optimizer": NAMES[type(case.optimizer)],
            "numbers": numbers_of(plan),
            "batch": BATCH,
            "seed": SEED,
            "frozen": [program.numbers[name] for name in plan.frozen],
        },
        "tensors": [leaf.ravel().tolist() for leaf in leaves(params)],
        "states": [
            [part.ravel().tolist() for part in state]
            for state in init_states(case.optimizer, params)
        ],
        "data": {
            "X": p.X.ravel().tolist(),
            ("labels" if p.y.ndim == 1 else "y"): np.ravel(p.y).tolist(),
            "weights": None if weights is None else weights.tolist(),
        },
        "shuffles": case.options.get("shuffle", True),
        "meanWeight": asked.mean_weight,
        "divisor": 1 if p.net.reduction == "sum" else None,
        "rates": asked.rates.tolist(),
        "milestones": [1, *(epochs * N // BATCH for epochs in EPOCHS)],
    }


def made(dtype: str) -> dict[str, Any]:
    """What it has made of all cases."""
    command = [NODE, Path(__file__).with_name("wasm_parity.js")]
    files = [SOURCES / "wasm_engine.js", SOURCES / DTYPES[dtype]]
    cases = {name: told(case, dtype) for name, case in CASES.items()}
    done = subprocess.run(
        [*command, *files], input=json.dumps(cases), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results
