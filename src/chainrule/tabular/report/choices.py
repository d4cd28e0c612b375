"""The cards of what was decided on the columns, and of the options in force."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Any

from chainrule.tabular.report.findings import Findings
from chainrule.tabular.report.markup import Html, card, paragraph, short, table, text

DECISIONS = 200
"""The most columns whose decision is shown."""


def decisions(found: Findings) -> Html:
    """Return the card of what became of each column, and how to have it otherwise."""
    decided = found.prepared.decisions
    rows = [
        [d.column, d.role, text(short(d.reason, 200)), _code(d.option)] for d in decided[:DECISIONS]
    ]
    parts = [table(
        "what became of each column", ["column", "role", "because", "another way"], rows,
        "decisions",
    )]  # fmt: skip
    rest = Counter(d.role for d in decided[DECISIONS:])
    if rest:
        roles = ", ".join(f"{role} {count:,}" for role, count in rest.items())
        parts.append(paragraph(f"… and {rest.total():,} columns more: {roles}."))
    parts += [paragraph(note) for note in found.source.notes]
    return card("Decisions on the columns", *parts, wide=True)


def options(found: Findings) -> Html:
    """Return the card of the options in force, as the command takes them."""
    given = found.model.about["options"]
    said = [
        _code(f"--{name.replace('_', '-')} {shlex.quote(_option(value))}")
        for name, value in given.items()
        if value != []
    ]
    return card("Options in force", Html(f'<p class="options">{" ".join(said)}</p>'), wide=True)


def _option(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _code(option: str) -> Html:
    return Html(f"<code>{text(short(option, 200))}</code>") if option else Html("")
