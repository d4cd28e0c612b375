"""Products in bfloat16, with sums in float32: a module of the engine's beside the one for all else.

It is there where the processor multiplies in bfloat16 faster than in float32, by what it says of
itself. Weights, optimizer, activations and what is not a product stay in float32.
"""

from __future__ import annotations

import functools
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Annotated

from chainrule import engine
from chainrule.errors import argument
from chainrule.network import Parameters
from chainrule.record import Plan
from chainrule.trees import leaves
from chainrule.value_types import OneOf

BFLOAT16 = "bfloat16"

Precision = Annotated[str, OneOf((BFLOAT16,))] | None
"""In what products are made; None is the dtype of the parameters."""

_MODULE = "chainrule.engine._bf16"


@functools.cache
def module() -> ModuleType:
    """Return the module, loaded when it is first asked for; ImportError where there is none."""
    made = import_module(_MODULE)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=made.after_fork)
    return made


def modules_at_work() -> list[ModuleType]:
    """Return the modules of the engine that are loaded, each of which counts who is at work.

    >>> engine.native is None or engine.native in modules_at_work()
    True
    """
    return [*filter(None, (engine.native, sys.modules.get(_MODULE)))]


@functools.cache
def missing() -> str:
    """Return why this machine has no such products, or "" where it has.

    >>> bool(missing()) or module().isa()
    'bf16'
    """
    if engine.native is None:
        return f"there is no compiled engine: {engine.missing}"
    if reason := engine.native.lacks_for_bfloat16():
        return f"this processor: {reason}"
    if engine.isa != engine.native.best_isa():
        return f"CHAINRULE_ISA is {engine.isa!r}, and it needs {engine.native.best_isa()!r}"
    try:
        module()
    except ImportError:
        return "the engine was not built for them"
    return ""


def check_machine(what: str, precision: str | None) -> None:
    """Raise ValueError where products are to be in bfloat16, and this machine has none.

    >>> check_machine("fit", None)
    """
    if precision is not None and missing():
        raise refusal(what, missing())


def check_run(what: str, plan: Plan, params: Parameters, name: str, reason: str) -> None:
    """Raise ValueError where a run is to have such products and cannot.

    `name` is of the engine that is asked for, and `reason` why none can make the run at all.
    """
    if plan.precision is None:
        return
    check_machine(what, plan.precision)
    kinds = {str(leaf.dtype) for leaf in leaves(params)} - {"float32"}
    for fails, why in (
        (name == "reference", "engine='reference' has none"),
        (reason, f"the engine cannot run this: {reason}"),
        (plan.shards is not None, "none are made in shards, nor on several ranks"),
        (kinds, f"the parameters, of an estimator X, must be float32, got {', '.join(kinds)}"),
    ):
        if fails:
            raise refusal(what, why)


def refusal(what: str, reason: str) -> ValueError:
    """Return the error for products that cannot be.

    >>> print(refusal("fit", "it lacks AVX512_BF16"))
    fit: `precision='bfloat16'` cannot be used here: it lacks AVX512_BF16; leave it out
    """
    asked = argument("precision", BFLOAT16)
    return ValueError(
        f"{what}{': ' * bool(what)}{asked} cannot be used here: {reason}; leave it out"
    )
