"""The compiled engine: one C++ source, built for several instruction sets; this chooses one.

| name | what it is |
|---|---|
| native | the extension module that suits this processor, or None |
| isa | the instruction set that it was built for, such as "v3"; "" where there is none |
| missing | why there is none, and what to do about it; "" where there is one |
| arithmetic_of | which instruction sets come to the same bits |
| refused | what CHAINRULE_ISA must be, where it is none of that: nothing is trained then |
| cores | how many cores this process may use |

| file | what it is for |
|---|---|
| `processor.py` | how many cores this process may use |
| `program.py` | what layers lower themselves into: operations over numbered values |
| `bfloat16.py` | whether there are products in bfloat16, and the module that makes them |
| `session.py` | what the engine can run, and the arrays' way in and out |
| `quick_checks.py` | parameters and inputs that are plainly as they ought to be, in one look |
| `native_run.py`, `sharded_run.py` | whole epochs; those of examples in shards, on several ranks |
| `lane_run.py` | those of tiny networks side by side, lane by lane |
| `single_pass.py`, `predictor.py` | one pass; predictions |
| `input_gradient.py` | an output along paths of the inputs, and its gradient |
| `small_code.hpp` | how much is inlined |
| `simd.hpp`, `across_lanes.hpp` | vectors as wide as the machine has them; from lane to lane |
| `sums.hpp` | sums of vectors |
| `math.hpp`, `trigonometry.hpp` | elementary functions of vectors |
| `turned_rows.hpp` | rows of few numbers, turned so that lanes are rows |
| `activations.hpp`, `softmax.hpp`, `losses.hpp`, `optimizers.hpp` | the tables, a row for a row |
| `powers.hpp`, `quotients.hpp` | what optimizers need: powers of β, division without the divider |
| `heads.hpp` | losses of several heads |
| `random.hpp` | everything random, word for word as in `streams.py` |
| `bfloat16.hpp` | numbers in bfloat16 |
| `ahead.hpp`, `microkernel.hpp`, `products.hpp` | products of matrices; asking for what is next |
| `buffer.hpp`, `shards.hpp` | memory; the parts of a batch that are summed each by itself |
| `blocks.hpp` | the parts of a large batch of a small network |
| `sparse_rows.hpp` | rows of which only the entries are given |
| `tensor.hpp`, `values.hpp` | parameters, values between operations |
| `narrow.hpp` | products of layers of few outputs |
| `bfloat16_copies.hpp`, `bfloat16_products.hpp` | the same for products in bfloat16 |
| `operation.hpp` | what an operation is; below, a file for each kind |
| `affine.hpp`, `activate.hpp`, `dropout.hpp`, `add.hpp`, `scale.hpp` | those of plain layers |
| `gains.hpp`, `layer_norm.hpp`, `batch_norm.hpp`, `rms.hpp` | those of norms |
| `layout.hpp`, `periodic.hpp`, `piecewise.hpp`, `embedding.hpp` | those of embeddings |
| `program.hpp` | a network as operations in order |
| `gradient_norm.hpp` | the norm of a gradient, where it is bounded |
| `tensor_parts.hpp` | which parts of a tensor a thread owns |
| `batch.hpp`, `update.hpp`, `seam.hpp`, `step.hpp` | the phases of a step, between them, and all |
| `block_steps.hpp` | the first phase by blocks |
| `laps.hpp`, `team.hpp` | how many threads pay, and teams of them |
| `plan.hpp`, `trainer.hpp` | what a run is asked to make; whole epochs |
| `lane_doubles.hpp`, `lane_products.hpp` | numbers of networks side by side, lane by lane |
| `lane_batch.hpp`, `lane_update.hpp` | their examples; their optimizers |
| `lane_network.hpp`, `lane_trainer.hpp` | their steps; their epochs |
| `room.hpp`, `predict.hpp` | predictions, and their memory |
| `input_gradient.hpp` | an output along paths of the inputs, and its gradient |
| `views.hpp`, `predictor.hpp` | the user's arrays as they lie; predictions from them |
| `number_rows.hpp` | rows of text that are plainly made of numbers |
| `cpu.hpp`, `records.hpp` | the processor; records of Python |
| `bindings.hpp`, `gradient_binding.hpp` | the binding, in parts that compile side by side |
| `gradient_float.cpp`, `gradient_double.cpp` | trainers and gradients, by type of number |
| `lane_binding.cpp`, `prediction_binding.cpp` | networks side by side; predictions |
| `module.cpp` | the module of them all |
| `wasm/` | the same compiled for pages |

In C++ the files stand in the order of reading.

The environment variable CHAINRULE_ISA takes a lower instruction set than the processor's best.
"""

from __future__ import annotations

import functools
import os
from importlib import import_module
from types import ModuleType

from chainrule.engine.processor import cores as cores
from chainrule.errors import unknown_name
from chainrule.log import LOGGER
from chainrule.warn import warn

LEVELS = ("v2", "v3", "v4")
"""The levels of x86-64, each of which holds those before it."""

BASELINES = ("v2", "neon", "generic")
"""What runs on every processor of its kind. A build has one of these."""

SEPARATE = ("v2", "generic")
"""Those that have no operation for a·b + c, or need not have one."""

NOT_BUILT = (
    "it was not built when Chainrule was installed. Install a C++20 compiler (GCC 12, Clang 16 "
    "or newer) and the headers of Python, then install Chainrule again, with pip's options "
    "--force-reinstall, --no-deps and --no-cache-dir"
)

SLOWER = "training small networks about 10 times more slowly"
"""What it costs: in float32, Adam took 16 times as long with 20-64-64-3 and 6 with 64-128-10."""


def choose(wanted: str = "") -> tuple[ModuleType | None, str]:
    """Return the module for the wanted instruction set or else the best, or why there is none.

    Only the baseline runs before the processor has said what it supports.

    >>> module, reason = choose()
    >>> (module is None) == bool(reason)
    True
    """
    try:
        baseline = _baseline()
        if baseline is None:
            return None, NOT_BUILT
        return _best_built(baseline.best_isa(), wanted), ""
    except ImportError as error:
        return None, f"it cannot be loaded ({error}). Install Chainrule again on this machine"


def _baseline() -> ModuleType | None:
    for isa in (*BASELINES, *LEVELS[1:]):  # the others where it was built for this processor alone
        try:
            return _load(isa)
        except ModuleNotFoundError:
            continue
    return None


def _best_built(best: str, wanted: str) -> ModuleType:
    """Return the module that is wanted, or the best of those that are built and run here."""
    asked = _pick(best, wanted)
    for isa in (wanted,) if wanted else reversed(_up_to(asked)):
        try:
            return _load(isa)
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError(f"No module named 'chainrule.engine._{asked}'")


def _up_to(best: str) -> tuple[str, ...]:
    """Return the instruction sets of a processor, whose best is given.

    >>> _up_to("v3"), _up_to("neon")
    (('v2', 'v3'), ('neon',))
    """
    return LEVELS[: LEVELS.index(best) + 1] if best in LEVELS else (best,)


def arithmetic_of(isa: str) -> str:
    """Return which instruction sets come to the same bits as this one: those of the same word.

    "fused" ones round a·b + c once, "separate" ones the product and the sum. Without an engine all
    is made by the reference loop, whose bits follow from NumPy's libraries as well.

    >>> arithmetic_of("v2"), arithmetic_of("v3"), arithmetic_of("neon"), arithmetic_of("")
    ('separate', 'fused', 'fused', 'reference')
    """
    return ("separate" if isa in SEPARATE else "fused") if isa else "reference"


def choice_for(arithmetic: str) -> str:
    """Return the best value of CHAINRULE_ISA here for an arithmetic, or "" where there is none.

    >>> choice_for("reference")
    ''
    """
    here = _up_to(native.best_isa()) if native else ()
    return next((isa for isa in reversed(here) if arithmetic_of(isa) == arithmetic), "")


def _load(isa: str) -> ModuleType:
    return import_module(f"chainrule.engine._{isa}")


def _pick(best: str, wanted: str) -> str:
    """Return the wanted instruction set, or raise where this processor does not run it.

    >>> _pick("v3", ""), _pick("v3", "v2")
    ('v3', 'v2')
    >>> _pick("v3", "v4")
    Traceback (most recent call last):
    ...
    ValueError: CHAINRULE_ISA is 'v4', which this processor does not support; take v2 or v3
    """
    known, runs = LEVELS if best in LEVELS else (best,), _up_to(best)
    if not wanted:
        return best
    if wanted not in known:
        raise unknown_name("instruction set in CHAINRULE_ISA:", wanted, known)
    if wanted not in runs:
        raise ValueError(
            f"CHAINRULE_ISA is {wanted!r}, which this processor does not support; "
            f"take {' or '.join(runs)}"
        )
    return wanted


@functools.cache
def say_once_that_it_is_missing() -> None:
    """Warn, the first time only, that there is no engine."""
    warn(f"Chainrule works without its compiled engine, {SLOWER}: {missing}.", RuntimeWarning)


def _chosen() -> tuple[ModuleType | None, str, str]:
    """What `native`, `missing` and `refused` are: an import does not fail."""
    try:
        return *choose(os.environ.get("CHAINRULE_ISA", "")), ""
    except ValueError as error:
        return None, str(error), str(error)


native: ModuleType | None
missing: str
refused: str
native, missing, refused = _chosen()
isa: str = native.isa() if native else ""
LOGGER.debug("engine: %s", isa or missing)
if native and hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=native.after_fork)
