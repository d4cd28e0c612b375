"""Times cases in this process, as it is held to some cores, and prints a line of JSON for each.

`peers.py` starts it with the environment that it needs; see there.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
import warnings
from types import ModuleType
from typing import Any

import numpy as np

import plain_numpy
import with_chainrule
import with_jax
import with_sklearn
import with_torch
from cases import CASES, Case, Problem, problem
from interleaved import PAUSE, Entrant, fastest, take_turns
from limit import fma_rate, limit

ENGINES: dict[str, ModuleType] = {
    "chainrule": with_chainrule,
    "jax": with_jax,
    "torch": with_torch,
    "scikit-learn": with_sklearn,
    "by hand in NumPy": plain_numpy,
}
"""Each has a function for every task that it can do; it returns ways to do it, of which the fastest
takes part, or none."""

EPOCHS_AT_LEAST = 2
"""In a turn of training: a call makes several."""

TOLERANCE = {"train": 0.05, "train_layers": 0.25, "many_networks": 0.0}
"""By which results may differ from Chainrule's: the mean losses of the first epoch, since every
engine has orders and masks of its own; residual networks learn much in it. Of the other tasks, the
results must be the same to 0.1%."""


def entrants(given: Problem, cores: int) -> tuple[dict[str, Entrant], dict[str, str]]:
    """Return who takes part, and in which way."""
    task = given.case.task
    least = EPOCHS_AT_LEAST if given.case.trains else 1
    found, chosen = {}, {}
    if task == "many_networks":  # of ours each way takes part, for it is they that are compared
        ways = with_chainrule.many_networks(given, cores)
        found = {name: Entrant(start, least) for name, start in ways.items()}
    for engine, module in ENGINES.items():
        if module is with_chainrule and found:
            continue
        make = getattr(module, task, None)
        ways = make(given, cores) if make else {}
        if ways:
            chosen[engine], found[engine] = fastest(ways, least)
    return found, chosen


def check_agreement(case: Case, found: dict[str, Entrant]) -> None:
    """Raise unless all engines came to the same in the first unit of the work."""
    ours, *others = found
    for engine in others:
        np.testing.assert_allclose(
            np.asarray(found[engine].first).squeeze(),
            np.asarray(found[ours].first).squeeze(),
            rtol=TOLERANCE.get(case.task, 1e-3),
            atol=0 if case.task in TOLERANCE else 1e-6,
            err_msg=f"{case.title}: {engine} computes something else than {ours}",
        )


def measure(case: Case, cores: int, rounds: int) -> dict[str, Any]:
    """Return the figures of each round and engine."""
    found, chosen = entrants(problem(case), cores)
    check_agreement(case, found)
    rates: dict[str, list[float]] = {name: [] for name in found}
    times = take_turns(found, rounds, before=lambda name: rates[name].append(fma_rate()))
    bound = limit(case) if cores == 1 and case.task != "many_networks" else None
    return {
        "case": case.name,
        "cores": cores,
        "ways": chosen,
        "limit": bound,
        "fma_rates": {name: statistics.median(each) for name, each in rates.items()},
        "figures": {name: [t * case.scale for t in each] for name, each in times.items()},
    }


def main() -> None:
    """Time the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--case", nargs="+", required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for case in CASES:
        if case.name in options.case and options.cores in case.goals:
            print(json.dumps(measure(case, options.cores, options.rounds)), flush=True)
            gc.collect()
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
