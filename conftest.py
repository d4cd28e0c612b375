"""What doctests may take for granted: `np` and `cr`; some want a library that may be missing."""

import os
import signal
from typing import Any

# Threads of BLAS and OpenMP that wait for each other, in as many processes as there are cores, take
# ten times the processor time. The libraries read this when they are imported.
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
os.environ.setdefault("KERAS_BACKEND", "torch")

import numpy as np
import pytest

import chainrule as cr

# A shell that starts this in the background has it ignore Ctrl-C, which some tests are about.
signal.signal(signal.SIGINT, signal.default_int_handler)

OF_A_LIBRARY = {
    "from_keras": "keras",
    "jax_gradient": "jax",
    **dict.fromkeys(("from_onnx", "to_onnx"), "onnx"),
    **dict.fromkeys(("from_torch", "to_torch", "torch_gradient", "against"), "torch"),
}
"""The functions whose examples take a library that need not be there."""


@pytest.fixture(autouse=True)
def _doctest_names(request: pytest.FixtureRequest, doctest_namespace: dict[str, Any]) -> None:
    library = OF_A_LIBRARY.get(request.node.name.rpartition(".")[2])
    if library == "jax" and "CHAINRULE_TESTS_OF_JAX" not in os.environ:
        pytest.skip("in a process of its own, by tests/test_interop_against.py")
    if library:
        pytest.importorskip(library, reason=f"{library} is not installed")
    doctest_namespace.update(np=np, cr=cr)
