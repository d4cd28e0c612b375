"""What the figures say: ratios, goals, and the lines and tables that show them.

A record is what `measure.py` prints of a case: its name, the number of cores, the ways that the
engines took, the figures of each engine's rounds, and the best rate of a product so far.
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


def verdicts(record: Record, rate: float) -> list[Verdict]:
    """Return what there is to judge, with a rate of a large product for the limit."""
    case, found = case_of(record), medians(record)
    goal = case.goals.get(record["cores"], Goal())
    if case.task == "many_networks":
        share = round(found["at once"] / found["one after the other"], 2)
        return [Verdict("share of the time one after the other", share, "≤", goal.alone)]
    ours, limit = found["chainrule"], case.operations / rate * case.per_second
    peer = round(min(found[name] for name in PEERS if name in found) / ours, 2)
    judged = [
        Verdict("best peer / chainrule", peer, "≥", goal.peer),
        Verdict("chainrule / limit", round(ours / limit, 2), "≤", goal.limit),
    ]
    if goal.figure is not None:
        judged.append(Verdict(case.unit, round(ours, 2), "≤", goal.figure))
    return judged


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


def progress(record: Record) -> str:
    """Return the lines that are shown while the benchmark runs."""
    figures = "   ".join(f"{name} {number(m)}" for name, m in medians(record).items())
    judged = "\n    ".join(map(str, verdicts(record, record["product_rate"])))
    return f"{heading(record)} ({case_of(record).unit})\n    {figures}\n    {judged}"


def best_rates(records: list[Record]) -> dict[int, float]:
    """Return the best rate of a large product for each number of cores."""
    rates: dict[int, float] = {}
    for record in records:
        rates[record["cores"]] = max(rates.get(record["cores"], 0), record["product_rate"])
    return rates


def results(records: list[Record], machine: dict[str, str], rounds: int) -> dict[str, Any]:
    """Return everything, for JSON."""
    rates = best_rates(records)
    return {
        "machine": machine,
        "rounds": rounds,
        "product_rates": rates,
        "cases": [
            {
                "case": record["case"],
                "title": case_of(record).title,
                "cores": record["cores"],
                "unit": case_of(record).unit,
                "medians": medians(record),
                "verdicts": [
                    {"what": v.what, "figure": v.figure, "goal": v.goal, "met": v.met}
                    for v in verdicts(record, rates[record["cores"]])
                ],
                "ways": record["ways"],
                "figures": record["figures"],
            }
            for record in records
        ],
    }


HEAD = (
    "case",
    "cores",
    "unit",
    *ENGINES,
    "best peer / chainrule",
    "goal",
    "chainrule / limit",
    "goal",
)


def markdown(records: list[Record], machine: dict[str, str], rounds: int) -> str:
    """Return the page of the results."""
    rates = best_rates(records)
    lines = [
        "# Chainrule beside its peers",
        "",
        f"Medians of {rounds} rounds, in float32. The limit is what the operations of the products "
        "take at the rate of a large matrix product: "
        + ", ".join(f"{r / 1e9:,.0f} GFLOP/s on {cores_in_words(c)}" for c, r in rates.items())
        + ". Absolute times drift with the machine; the ratios count.",
        "",
        *(f"- {name}: {value}" for name, value in machine.items()),
        "",
        row(HEAD),
        row(["---"] * len(HEAD)),
    ]
    beside: list[str] = []
    for record in records:
        judged, found = verdicts(record, rates[record["cores"]]), medians(record)
        if "chainrule" in found:
            lines.append(table_row(record, judged, found))
            judged = judged[2:]
        beside += [f"- {heading(record)}: {verdict}" for verdict in judged]
        beside += [f"- {heading(record)}: {other}" for other in others(record, found)]
    return "\n".join([*lines, "", *beside]) + "\n"


def row(cells: Any) -> str:
    """Return a row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def table_row(record: Record, judged: list[Verdict], found: dict[str, float]) -> str:
    """Return the row of a record that has peers."""
    case, (peer, limit, *_) = case_of(record), judged
    return row(
        [
            case.title,
            str(record["cores"]),
            case.unit,
            *(number(found.get(name)) for name in ENGINES),
            f"{peer.figure:.2f}",
            peer.goal.removeprefix("goal "),
            number(limit.figure),
            limit.goal.removeprefix("goal "),
        ]
    )


def others(record: Record, found: dict[str, float]) -> list[str]:
    """Return the figures that are no peer's."""
    unit = case_of(record).unit
    return [f"{name} {number(m)} {unit}" for name, m in found.items() if name not in ENGINES]


def summary(records: list[Record]) -> str:
    """Return how many goals are met, and which are not."""
    rates = best_rates(records)
    judged = [(r, v) for r in records for v in verdicts(r, rates[r["cores"]]) if v.goal]
    missed = [f"    {heading(record)}: {v}" for record, v in judged if not v.met]
    lines = [f"Goals met: {len(judged) - len(missed)} of {len(judged)}"]
    return "\n".join([*lines, *(["Not met:"] if missed else []), *missed])
