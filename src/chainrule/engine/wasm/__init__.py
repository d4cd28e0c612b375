"""The engine as pages have it: the same C++ compiled to WebAssembly, and what calls it there.

| file | what it is for |
|---|---|
| `plain_program.py` | a network's program as JSON |
| `lowering_patterns.py`, `wasm_lowering.js` | the same of networks that a page has built |
| `number_stream.hpp` | records as rows of numbers |
| `wasm_look.hpp` | one pass with all its values |
| `wasm_session.hpp` | a run, step by step |
| `wasm_module.cpp` | what the modules export |
| `wasm_engine.js` | the same for a page's scripts |
| `run_edits.js`, `wasm_run.js` | what was done to a run by hand; a run that goes to and fro |
| `engine32.wasm`, `engine64.wasm` | the modules, made by `make playground-engine` |

One thread, vectors of 16 bytes, a·b + c rounded twice: their bits are those of the instruction sets
whose arithmetic is "separate".
"""

from __future__ import annotations

import base64
import gzip
from importlib import resources

DTYPES = {"float32": "engine32.wasm", "float64": "engine64.wasm"}


def engine_bytes(dtype: str) -> bytes:
    """Return the module for a dtype.

    >>> engine_bytes("float64")[:4]
    b'\\x00asm'
    """
    return resources.files(__name__).joinpath(DTYPES[dtype]).read_bytes()


def engine_data(dtype: str) -> str:
    """Return the module for a dtype as a page holds it: gzipped, in base64.

    >>> engine_data("float64")[:4]
    'H4sI'
    """
    return base64.b64encode(gzip.compress(engine_bytes(dtype), mtime=0)).decode()


def engine_script() -> str:
    """Return the script that a page calls the engine by: the classes Engine and Session.

    >>> engine_script().startswith("// The engine in a page")
    True
    """
    return resources.files(__name__).joinpath("wasm_engine.js").read_text(encoding="utf-8").strip()
