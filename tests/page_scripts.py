"""Scripts of the playground run by Node, without a page."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chainrule.html_page.joined_scripts import file_of
from chainrule.playground.page_parts import PACKAGE, SCRIPTS, WINGS
from wasm_cases import NODE

TESTS = Path(__file__).parent


def run_scripts(
    names: Iterable[str], own: str, asked: str, given: Any = None, more: str = ""
) -> Any:
    """What a script of the tests answers, which sees some scripts of the playground, and more."""
    own_script = (TESTS / own).read_text(encoding="utf-8")
    return _answer([more, *(file_of(PACKAGE, name) for name in names), own_script], asked, given)


def in_node(body: str, *more: str, **given: Any) -> Any:
    """What a function body returns, which sees all scripts of the page, more, and what is given."""
    names = [name for name in SCRIPTS if name != "playground.js"]
    names += [name for wing in WINGS for name in wing.scripts]
    engine = [
        file_of("chainrule.engine.wasm", f"{own}.js") for own in ("wasm_lowering", "run_edits")
    ]
    asked = f"return {{ made: async ({{ {', '.join(given)} }}) => {{ {body} }} }};"
    scripts = [*more, *engine, *(file_of(PACKAGE, name) for name in names), asked]
    return _answer(scripts, "made", given)


def _answer(scripts: list[str], asked: str, given: Any) -> Any:
    done = subprocess.run(
        [NODE, TESTS / "run_scripts.js"],
        input=json.dumps({"script": "\n".join(scripts), "asked": asked, "given": given}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
