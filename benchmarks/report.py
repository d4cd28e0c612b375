"""What the figures say: ratios, goals, and the lines and tables that show them.

A record is what `measure.py` prints of a case: its name, the number of cores, the ways that the
engines took, the figures of each engine's rounds, the rate of multiplying and adding in registers
just before them, and the limit with its terms.
"""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple

from cases import CASES, Case, Goal

PEERS = ("jax", "torch", "scikit-learn")
ENGINES = ("chainrule", *PEERS)

Record = dict[str, Any]


class Verdict(NamedTuple):
    """A figure, and the bound that it is to keep, if any."""

    what: str
    figure: float
    sign: str
    bound: float | None

    @property
    def met(self) -> bool | None:
        """Whether the figure keeps its bound, both as they are printed; None without a bound."""
        if self.bound is None:
            return None
        return self.figure >= self.bound if self.sign == "≥" else self.figure <= self.bound

    @property
    def goal(self) -> str:
        """The bound and whether it is kept."""
        if self.bound is None:
            return ""
        return f"goal {self.sign} {self.bound:g}: {'met' if self.met else 'not met'}"

    def __str__(self) -> str:
        return f"{self.what} {self.figure:.2f}" + (f", {self.goal}" if self.goal else "")


def case_of(record: Record) -> Case:
    """Return the case that a record is of."""
    return next(case for case in CASES if case.name == record["case"])


def medians(record: Record) -> dict[str, float]:
    """Return the median of each engine's rounds."""
    return {name: statistics.median(each) for name, each in record["figures"].items()}


def verdicts(record: Record) -> list[Verdict]:
    """Return what there is to judge."""
    case, found = case_of(record), medians(record)
    goal = case.goals.get(record["cores"], Goal())
    judged = []
    if case.task == "many_networks":
        share = round(ours(found) / found["one after the other"], 2)
        judged = [Verdict("share of the time one after the other", share, "≤", goal.alone)]
    peers = [found[name] for name in PEERS if name in found]
    if peers:
        ratio = round(min(peers) / ours(found), 2)
        judged.append(Verdict("best peer / chainrule", ratio, "≥", goal.peer))
    if record["limit"]:
        ratio = round(ours(found) / record["limit"]["sum"], 2)
        judged.append(Verdict("chainrule / limit", ratio, "≤", goal.limit))
    if goal.figure is not None:
        judged.append(Verdict(case.unit, round(ours(found), 2), "≤", goal.figure))
    return judged


def ours(found: dict[str, float]) -> float:
    """Return Chainrule's figure; of many networks that of the call for all, where there is one."""
    return next(found[name] for name in ("chainrule", "fit_many", "at once") if name in found)


def number(x: float | None) -> str:
    """Return a figure with three digits or more, and – for none.

    >>> number(1.234), number(123.4), number(12345.6), number(None)
    ('1.23', '123.4', '12,346', '–')
    """
    if x is None:
        return "–"
    return f"{x:,.{2 if x < 100 else 1 if x < 1000 else 0}f}"


def heading(record: Record) -> str:
    """Return the case and the cores."""
    return f"{case_of(record).title}, {cores_in_words(record['cores'])}"


def cores_in_words(cores: int) -> str:
    """Return "1 core" or "2 cores"."""
    return f"{cores} core{'s' if cores > 1 else ''}"


def figure(record: Record, name: str) -> str:
    """Return an engine's figure, with the rate before it in GFLOP/s."""
    found = medians(record)
    if name not in found:
        return "–"
    return f"{number(found[name])} ({record['fma_rates'][name] / 1e9:.0f})"


def limit_of(record: Record) -> str:
    """Return the limit and its terms."""
    if not record["limit"]:
        return ""
    terms = ", ".join(f"{name} {number(x)}" for name, x in record["limit"]["terms"].items() if x)
    return f"limit {number(record['limit']['sum'])}: {terms}"


def progress(record: Record) -> str:
    """Return the lines that are shown while the benchmark runs."""
    figures = "   ".join(f"{name} {figure(record, name)}" for name in record["figures"])
    lines = [f"{heading(record)} ({case_of(record).unit})", figures, limit_of(record)]
    return "\n    ".join(filter(None, [*lines, *map(str, verdicts(record))]))


def results(records: list[Record], machine: dict[str, str], rounds: int) -> dict[str, Any]:
    """Return everything, for JSON."""
    return {
        "machine": machine,
        "rounds": rounds,
        "cases": [
            {
                **record,
                "title": case_of(record).title,
                "unit": case_of(record).unit,
                "medians": medians(record),
                "verdicts": [
                    {"what": v.what, "figure": v.figure, "goal": v.goal, "met": v.met}
                    for v in verdicts(record)
                ],
            }
            for record in records
        ],
    }


HEAD = (
    *("case", "cores", "unit", *ENGINES),
    *("best peer / chainrule", "goal", "limit", "chainrule / limit", "goal"),
)


def markdown(records: list[Record], machine: dict[str, str], rounds: int) -> str:
    """Return the page of the results."""
    lines = [
        "# Chainrule beside its peers",
        "",
        f"Medians of {rounds} rounds, in float32: on one core of the process's own time, on two of "
        "the time that passes. In brackets, in GFLOP/s: how fast one core multiplied and added in "
        "registers just before; where that differs within a row, so did the machine. The limit is "
        "what a step takes at least on one core, by `limit.py`; its terms stand below.",
        "",
        *(f"- {name}: {value}" for name, value in machine.items()),
        "",
        row(HEAD),
        row(["---"] * len(HEAD)),
        *map(table_row, records),
        "",
    ]
    for record in records:
        lines += [f"- {heading(record)}: {text}" for text in beside(record)]
    return "\n".join(lines) + "\n"


def row(cells: Any) -> str:
    """Return a row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def table_row(record: Record) -> str:
    """Return the row of a record."""
    case, found = case_of(record), medians(record)
    judged = {verdict.what: verdict for verdict in verdicts(record)}
    own = next(name for name in found if found[name] == ours(found))
    return row(
        [
            case.title,
            str(record["cores"]),
            case.unit,
            figure(record, own),
            *(figure(record, name) for name in PEERS),
            *cells(judged.get("best peer / chainrule")),
            number(record["limit"]["sum"] if record["limit"] else None),
            *cells(judged.get("chainrule / limit")),
        ]
    )


def cells(verdict: Verdict | None) -> tuple[str, str]:
    """Return a ratio and what is said of its goal."""
    if verdict is None:
        return "–", ""
    return f"{verdict.figure:.2f}", verdict.goal.removeprefix("goal ")


def beside(record: Record) -> list[str]:
    """Return what has no column: figures of no engine, other goals, the terms of the limit."""
    others = [f"{name} {figure(record, name)}" for name in record["figures"] if name not in ENGINES]
    columns = ("best peer / chainrule", "chainrule / limit")
    judged = [str(verdict) for verdict in verdicts(record) if verdict.what not in columns]
    return list(filter(None, [*others, *judged, limit_of(record)]))


def goals_table(records: list[Record]) -> str:
    """Return a line for each record: figures, ratios and whether they are what is asked."""
    head = ("case", "cores", "chainrule", "× best peer", "× limit", "other")
    lines = [head, *map(goals_line, records)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def goals_line(record: Record) -> tuple[str, ...]:
    """Return the cells of a record: a star is where a goal is not met."""
    judged = {verdict.what: verdict for verdict in verdicts(record)}
    known = (judged.pop("best peer / chainrule", None), judged.pop("chainrule / limit", None))
    return (
        case_of(record).title[:44],
        str(record["cores"]),
        f"{number(ours(medians(record)))} {case_of(record).unit.split()[0]}",
        *(compared(verdict) if verdict else "" for verdict in known),
        ", ".join(f"{compared(verdict)} {what}" for what, verdict in judged.items()),
    )


def compared(verdict: Verdict) -> str:
    """Return a figure beside its bound, with a star where it is missed."""
    bound = "" if verdict.bound is None else f" {verdict.sign} {verdict.bound:g}"
    return f"{verdict.figure:.2f}{bound}{' *' if verdict.met is False else ''}"


def summary(records: list[Record]) -> str:
    """Return how many goals are met, and which are not."""
    judged = [(r, v) for r in records for v in verdicts(r) if v.goal]
    missed = [f"    {heading(record)}: {v}" for record, v in judged if not v.met]
    lines = [f"Goals met: {len(judged) - len(missed)} of {len(judged)}"]
    return "\n".join([*lines, *(["Not met:"] if missed else []), *missed])
