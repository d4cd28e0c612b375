"""What the lines of `ranks.py` say: medians, ratios within rounds, goals, and the page."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

from ranks_cases import (
    ALONE,
    CASES,
    DDP,
    EFFICIENCY,
    EXCHANGING,
    SIZES,
    TIMES_DDP,
    TOGETHER,
    TRAINING,
)
from report import Verdict, number, row

RESULTS = Path(__file__).parent / "results"
LINES = RESULTS / "ranks.jsonl"

Line = dict[str, Any]
Lines = dict[tuple[str, str], Line]


def kept(path: Path) -> Lines:
    """Return the last line of each case."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = map(json.loads, text.splitlines())
    return {(line["kind"], line["case"]): line for line in lines}


def medians(line: Line) -> dict[str, float]:
    """Return the median of each contestant, in microseconds."""
    return {name: 1e6 * statistics.median(each) for name, each in line["seconds"].items()}


def ratio(line: Line, one: str, other: str) -> float:
    """Return the median of a ratio of times that were measured in the same round."""
    pairs = zip(line["seconds"][one], line["seconds"][other], strict=True)
    return statistics.median(a / b for a, b in pairs)


def verdicts(line: Line) -> list[Verdict]:
    """Return what is asked of two ranks in training."""
    case, us = line["case"], TOGETHER.name
    efficiency = round(ratio(line, ALONE.name, us) / TOGETHER.processes, 3)
    times = round(ratio(line, DDP.name, us), 2)
    return [
        Verdict("efficiency of 2 ranks", efficiency, "≥", EFFICIENCY.get(case)),
        Verdict("DistributedDataParallel / 2 ranks", times, "≥", TIMES_DDP.get(case)),
        Verdict("2 ranks / 2 threads", round(ratio(line, us, "2 threads"), 2), "≤", None),
        Verdict("1 rank / 1 thread", round(ratio(line, ALONE.name, "1 thread"), 3), "≤", None),
    ]


def shown(line: Line) -> str:
    """Return the lines that are shown while the benchmark runs."""
    figures = "   ".join(f"{name} {number(each)}" for name, each in medians(line).items())
    judged = verdicts(line) if line["kind"] == "training" else []
    return "\n    ".join([f"{line['case']} (µs)", figures, *map(str, judged)])


def markdown(lines: Lines) -> str:
    """Return the page."""
    if not lines:
        return "Nothing has been measured.\n"
    machine = list(lines.values())[-1]["machine"]
    return "\n".join(
        [
            "# Training on several processes",
            "",
            "Medians, in float32; a ratio is the median of those within a round, in which all take "
            "their turns. A rank is a process on a core of its own, of one thread; 1 rank and 2 "
            "ranks have the same shards, and their losses are the same to the bit.",
            "",
            *(f"- {name}: {value}" for name, value in machine.items()),
            "",
            *training(lines),
            "",
            *exchange(lines),
            "",
        ]
    )


def training(lines: Lines) -> list[str]:
    """Return the table of training."""
    found = [lines["training", c.title] for c in CASES if ("training", c.title) in lines]
    if not found:
        return []
    names = [each.name for each in TRAINING]
    table = [row(["case", *names]), row(["---"] * (len(names) + 1))]
    for line in found:
        each = medians(line)
        table.append(row([line["case"], *(number(each[name]) for name in names)]))
    ways = {way for line in found for way in line["ways"].values()}
    note = f"DistributedDataParallel at its best of three ways: {'; '.join(sorted(ways))}."
    return ["## Microseconds a step", "", *table, "", note, "", *ratios(found)]


def ratios(found: list[Line]) -> list[str]:
    """Return the table of what is asked."""
    head = ["case", *(verdict.what for verdict in verdicts(found[0])), "goal"]
    table = [row(head), row(["---"] * len(head))]
    for line in found:
        judged = verdicts(line)
        goals = "; ".join(v.goal.removeprefix("goal ") for v in judged if v.goal)
        table.append(row([line["case"], *(f"{v.figure:.2f}" for v in judged), goals]))
    return table


def exchange(lines: Lines) -> list[str]:
    """Return the table of the exchange alone."""
    found = [lines["exchange", str(s)] for s in SIZES if ("exchange", str(s)) in lines]
    if not found:
        return []
    names = [each.name for each in EXCHANGING]
    table = [row(["kB", *names]), row(["---"] * (len(names) + 1))]
    for line in found:
        each, kilobytes = medians(line), int(line["case"]) // 1024
        table.append(row([f"{kilobytes:,}", *(number(each[name]) for name in names)]))
    heading = "## The exchange alone, microseconds a sum"
    note = "Four ranks on two cores wait for one another: those columns show that it works."
    return [heading, "", *table, "", note]
