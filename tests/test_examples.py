"""The examples have the form that the gallery takes, and check what they claim.

The build of the site runs them, each once, and ends where one fails: `make docs`.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
SECTION = re.compile(r"^# %%\n# (.+)\n# (-+)$", re.MULTILINE)

of_each = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)


def test_there_are_a_dozen() -> None:
    assert len(SCRIPTS) >= 12


@of_each
def test_an_example_has_a_title_a_text_and_sections(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    title, rule, blank, *said = (ast.get_docstring(ast.parse(text)) or "").splitlines()
    assert rule == "=" * len(title)
    assert blank == ""
    assert len(" ".join(said)) > 100
    sections = SECTION.findall(text)
    assert sections
    assert all(rule == "-" * len(heading) for heading, rule in sections)


@of_each
def test_an_example_draws_and_checks_what_it_claims(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert any(isinstance(node, ast.Assert) for node in tree.body) or "    assert " in text
    assert re.search(r"^figure\b.* = plt\.", text, re.MULTILINE)
    assert len(text.splitlines()) <= 150
    assert 'if __name__ == "__main__"' not in text  # the gallery shows what runs


def test_each_has_its_place_in_the_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXAMPLES.parent / "docs/_extensions")
    from gallery_settings import ORDER

    assert sorted(ORDER) == [path.stem for path in SCRIPTS]
