"""The limit: how long a case takes at least, by what this machine does at best.

| term | it is | at best |
|---|---|---|
| products | their operations; a sum of K terms takes K after each other | the tile's rate |
| optimizer | a root a parameter, or three numbers read and written, 24 bytes | roots, bandwidth |
| transposed | 8 bytes a weight whose layer passes δ back | bandwidth |
| packing | 8 bytes an input of a layer whose dW is made of packed columns | bandwidth |
| activations | a written, δ written and read: 12 bytes a unit and example | bandwidth |
| functions | tanh with its slope; an exp a class | the engine's own |
| inputs, weights | 4 bytes a number, read once | bandwidth |
| chain | what waits: an exp, a root and its quotient, a phase for what the last stored | latency |
| call | a call from Python, where it is one row that is predicted | 1 µs |

The tile is the engine's own, with all numbers at hand; the bandwidth is that of the level of memory
where the numbers fit. Each is measured here, by `limit.cpp`, on one core. The terms add up: what
one does while another waits is gained. Of layers of other kinds products and optimizer alone count,
so that the limit is too low by what these layers do besides.

    python benchmarks/limit.py
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import engine
from chainrule.engine.program import Program
from chainrule.trees import leaves

if TYPE_CHECKING:
    from cases import Case

HERE = Path(__file__).parent
HEADERS = HERE.parent / "src" / "chainrule" / "engine"

TARGETS = {
    "v2": ("16", "-march=x86-64-v2"),
    "v3": ("32", "-march=x86-64-v3"),
    "v4": ("64", "-march=x86-64-v4", "-mprefer-vector-width=512"),
}
"""The width of vectors and the options of the compiler, as in CMakeLists.txt."""

FLAGS = ("-std=c++20", "-O3", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")

PACKED_FROM = 128
"""From so many outputs on, columns of x are packed for dW: four panels of 32."""

NEAR, FAR = 400_000, 8_000_000
"""Bytes of an array that stands for the second-level cache, and for the third."""

CALL = 1e-6
"""Seconds of a call from Python that does nothing but look at two arrays and make one."""

NAMES = (
    *("fma_rate", "tile_rate", "root", "tanh_and_slope", "exponential", "term_after_term"),
    *("exp_after_exp", "quotient_after_root", "load_after_store"),
)


@functools.cache
def library() -> ctypes.CDLL:
    """Compile what measures, for the instruction set of the engine, and load it."""
    width, *target = TARGETS.get(engine.isa, ("16",))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "limit.so"
        made = [f"-DCHAINRULE_VECTOR_BYTES={width}", f'-DCHAINRULE_ISA="{engine.isa}"']
        command = [os.environ.get("CXX", "c++"), *FLAGS, "-ffp-contract=off", *target, *made]
        paths = ["-I", str(HEADERS), str(HERE / "limit.cpp"), "-o", str(path)]
        subprocess.run([*command, *paths], check=True)
        loaded = ctypes.CDLL(str(path))
    for name in NAMES:
        getattr(loaded, name).restype = ctypes.c_double
    for name in ("reading", "changing"):
        getattr(loaded, name).restype = ctypes.c_double
        getattr(loaded, name).argtypes = [ctypes.c_long]
    return loaded


def fma_rate() -> float:
    """Return the operations a second of one core, in registers alone: how fast it is just now."""
    return float(library().fma_rate())


@functools.cache
def at_best(name: str) -> float:
    """Return what the machine does at best, by its name in `limit.cpp`."""
    found = [float(getattr(library(), name)()) for _ in range(5)]  # others may disturb
    return max(found) if name.endswith("_rate") else min(found)


@functools.cache
def seconds_of_byte(name: str, bytes_: int) -> float:
    """Return the seconds of a byte of an array of so many; those of more than FAR lie in memory."""
    size = NEAR if bytes_ <= NEAR else FAR if bytes_ <= FAR else 10 * FAR
    return min(float(getattr(library(), name)(size)) for _ in range(3))


def terms(case: Case) -> dict[str, float]:
    """Return the seconds of each term of what a figure of the case is of, on one core."""
    if case.task in ("predict_row", "predict_rows"):
        return of_prediction(case)
    return of_layers(case) if case.layers else of_training(case)


def of_prediction(case: Case) -> dict[str, float]:
    """Return the terms of predicting all rows."""
    weights = sum(products_of(case))
    if case.task == "predict_row":
        return {"weights": 4 * weights * seconds_of_byte("reading", 4 * weights), "call": CALL}
    return {
        "products": 2 * case.rows * weights / at_best("tile_rate"),
        "inputs": inputs_of(case, case.rows),
    }


def of_layers(case: Case) -> dict[str, float]:
    """Return the terms of training layers of any kinds."""
    from cases import network

    net = network(case)
    numbers = sum(np.size(leaf) for leaf in leaves(net.init(0)))
    operations = Program(net).work * (case.batch or case.rows)
    return {"products": operations / at_best("tile_rate"), "optimizer": optimizer(numbers)}


def of_training(case: Case) -> dict[str, float]:
    """Return the terms of one step of training dense layers."""
    n, sizes = case.batch or case.rows, case.sizes
    pairs = list(itertools.pairwise(sizes))
    back, norms = pairs[1:], case.task == "squared_norms"
    weights = sum(products_of(case))
    where = 4 * n * sum(sizes[1:])
    found = {
        "products": sum(product(n, i, o) + (0 if norms else product(i, n, o)) for i, o in pairs)
        + sum(product(n, o, i) for i, o in back),
        "activations": 12 * n * sum(sizes[1:]) * seconds_of_byte("changing", where),
        "functions": n * functions(case),
        "inputs": inputs_of(case, n),
    }
    if norms:
        return found
    packed = sum(i for i, o in pairs if o >= PACKED_FROM)
    return found | {
        "optimizer": optimizer(weights + sum(sizes[1:])),
        "transposed": 8 * sum(i * o for i, o in back) * seconds_of_byte("changing", 4 * weights),
        "packing": 8 * n * packed * seconds_of_byte("changing", NEAR),
        "chain": chain(case, len(pairs)),
    }


def products_of(case: Case) -> list[int]:
    """Return the weights of each layer."""
    return [i * o for i, o in itertools.pairwise(case.sizes)]


def product(rows: int, terms_: int, columns: int) -> float:
    """Return the seconds of a product: of its operations, and no less than those of one sum."""
    operations = 2 * rows * terms_ * columns
    return max(operations / at_best("tile_rate"), terms_ * at_best("term_after_term"))


def optimizer(numbers: int) -> float:
    """Return the seconds of Adam's step of so many parameters, which it holds three times."""
    return numbers * max(at_best("root"), 24 * seconds_of_byte("changing", 12 * numbers))


def inputs_of(case: Case, rows: int) -> float:
    """Return the seconds in which so many rows are read, of all that there are."""
    width = 4 * case.sizes[0]
    return rows * width * seconds_of_byte("reading", case.rows * width)


def functions(case: Case) -> float:
    """Return the seconds of an example's elementary functions, forward."""
    tanh = sum(case.sizes[1:-1]) * at_best("tanh_and_slope") if case.activation == "tanh" else 0.0
    return tanh + (case.sizes[-1] * at_best("exponential") if "entropy" in case.loss else 0.0)


def chain(case: Case, layers: int) -> float:
    """Return the seconds that a step waits for itself, however many rows it has.

    Between phases, a layer forward, back, its dW, its update, the loss, each loads what was stored.
    """
    exp = at_best("exp_after_exp") if "entropy" in case.loss else 0.0
    return exp + at_best("quotient_after_root") + 4 * layers * at_best("load_after_store")


def limit(case: Case) -> dict[str, Any]:
    """Return the terms in the unit of the case, and their sum."""
    found = {name: seconds * case.per_second for name, seconds in terms(case).items()}
    return {"terms": found, "sum": sum(found.values())}


def main() -> None:
    """Print what the machine does at best, and the terms of each case that has a limit."""
    from cases import CASES

    print(f"tile {at_best('tile_rate') / 1e9:.0f} GFLOP/s of {at_best('fma_rate') / 1e9:.0f}")
    for name in NAMES[2:]:
        print(f"{name.replace('_', ' ')}: {at_best(name) * 1e9:.3f} ns")
    for bytes_, where in ((NEAR, "second level"), (FAR, "third"), (10 * FAR, "memory")):
        rates = (1e-9 / seconds_of_byte(name, bytes_) for name in ("reading", "changing"))
        print(f"{where}: {' and '.join(f'{rate:.0f}' for rate in rates)} GB/s read, and changed")
    for case in CASES:
        if case.task != "many_networks":
            found = limit(case)
            parts = ", ".join(f"{name} {figure:.3g}" for name, figure in found["terms"].items())
            print(f"{case.title} ({case.unit}): {found['sum']:.3g} = {parts}")


if __name__ == "__main__":
    main()
