"""Functions of tests in processes of their own, to measure, limit and trace their memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def alone(function: Callable[..., Any], *arguments: Any, **environment: str) -> Any:
    """Return what a function of a test module returns in a new process; all of it is JSON."""
    module = Path(function.__code__.co_filename)
    code = (
        f"import json, sys; from {module.stem} import {function.__name__} as function; "
        "print(json.dumps(function(*json.loads(sys.argv[1]))))"
    )
    places = [str(module.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    found = subprocess.run(
        [sys.executable, "-c", code, json.dumps(arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, f"ended with {found.returncode}\n{found.stderr}"
    return json.loads(found.stdout)


def forked(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns in a fork of this process, in which no memory is free.

    This process must have no threads; what is returned is JSON.
    """
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            os.write(writing, json.dumps(function(*arguments)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        found = pipe.read()
    os.wait()
    return json.loads(found)
