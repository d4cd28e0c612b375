"""A file with a line of JSON for each fit, so that a run that was stopped goes on behind them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

Line = dict[str, Any]


class Fit(NamedTuple):
    """Who is trained on what, with so many rows at most."""

    table: str
    rows: int
    split: int
    contestant: str


def kept(path: Path) -> dict[Fit, Line]:
    """Return the last line of each fit; none where there is no file yet."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    return {Fit(*(line[field] for field in Fit._fields)): line for line in lines}
