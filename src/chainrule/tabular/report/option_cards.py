"""The cards of what was decided on the columns, and of the options in force."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from chainrule.html_page.markup import Html, card, paragraph, prose, short, table, text
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.training_options import Options

DECISIONS = 200
"""The most columns whose decision is shown."""


def decisions(found: Findings, most: int = DECISIONS) -> Html:
    """Return the card of what became of each column, and how to have it otherwise."""
    decided = found.prepared.decisions
    rows = [
        [d.column, d.role, *(prose(short(said, 200)) for said in (d.reason, d.option))]
        for d in decided[:most]
    ]
    parts = [table(
        "what became of each column", ["column", "role", "because", "another way"], rows,
        "decisions",
    )]  # fmt: skip
    rest = Counter(d.role for d in decided[most:])
    if rest:
        roles = ", ".join(f"{role} {count:,}" for role, count in rest.items())
        parts.append(paragraph(f"… and {rest.total():,} more columns: {roles}."))
    parts += [paragraph(note) for note in found.source.notes]
    return card("Decisions on the columns", *parts, wide=True)


def options(found: Findings) -> Html:
    """Return the card of the options: their values, and what they decide."""
    given = found.model.about["options"]
    rows = [
        [
            Html(f"<code>{each.name}</code>"),
            _value(given.get(each.name)),
            text(each.metadata["help"]),
        ]
        for each in dataclasses.fields(Options)
    ]
    return card("Options", table(
        "what it was trained with", ["option", "value", "what it is"],
        rows, "options",
    ), wide=True)  # fmt: skip


def _value(value: Any) -> Html | None:
    """Return an option's value in words; None where there is none."""
    if isinstance(value, dict):
        value = [f"{column}: {' < '.join(words)}" for column, words in value.items()]
    if isinstance(value, list):
        value = ", ".join(map(str, value)) or None
    if isinstance(value, bool):
        value = "yes" if value else "no"
    return None if value is None else text(short(value, 200))
