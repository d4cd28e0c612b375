"""Scripts of the playground run by Node, without a page."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chainrule.html_page.joined_scripts import file_of
from chainrule.playground.page_parts import PACKAGE
from wasm_cases import NODE

TESTS = Path(__file__).parent


def run_scripts(
    names: Iterable[str], own: str, asked: str, given: Any = None, more: str = ""
) -> Any:
    """What a script of the tests answers, which sees some scripts of the playground, and more."""
    scripts = [more, *(file_of(PACKAGE, name) for name in names)]
    scripts.append((TESTS / own).read_text(encoding="utf-8"))
    done = subprocess.run(
        [NODE, TESTS / "run_scripts.js"],
        input=json.dumps({"script": "\n".join(scripts), "asked": asked, "given": given}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
