"""The collection of sick networks: what each knows of held-out rows, and what its twin knows.

| column | is |
|---|---|
| sickness, severity | what it is named in `tests/sickness/vocabulary.py`; mild or strong |
| skill, twin's | R² of numbers, or balanced accuracy beyond chance: the mean of three seeds |
| mark, twin's | what is measured of the sickness, with the first seed |

A skill of "-" is of a network that diverged with each seed. Below stand the healthy ones.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from sickness import seen, unseen
from sickness.evidence import Outcome, train
from sickness.marks import MARKS
from sickness.setting import Setting
from sickness.vocabulary import Case

SEEDS = range(3)


def skill(outcomes: list[Outcome]) -> str:
    finite = [outcome.skill for outcome in outcomes if not outcome.diverged]
    return f"{np.mean(finite):.2f}" if finite else "-"


def trained(setting: Setting) -> list[Outcome]:
    return [train(setting, seed) for seed in SEEDS]


def row(case: Case) -> str:
    sick, twin = trained(dataclasses.replace(case.twin, **case.change)), trained(case.twin)
    mark = MARKS.get(case.sickness)
    marks = [f"{mark(outcomes[0]):.3g}" if mark else "" for outcomes in (sick, twin)]
    return (
        f"{case.name:68} {case.sickness:20} {case.severity:8} {skill(sick):>5} {skill(twin):>6} "
        f"{marks[0]:>9} {marks[1]:>9}\n"
    )


def main() -> None:
    write = sys.stdout.write
    for half in (seen, unseen):
        title = half.__name__.rpartition(".")[2]
        write(f"\n{len(half.CASES)} sick networks, {title}\n")
        write(
            f"{'name':68} {'sickness':20} {'severity':8} {'skill':>5} {'twin’s':>6} {'mark':>9} "
            f"{'twin’s':>9}\n"
        )
        for case in sorted(half.CASES, key=lambda case: case.sickness):
            write(row(case))
        write(f"\n{len(half.HEALTHY)} healthy networks, {title}\n")
        for healthy in half.HEALTHY:
            write(f"{healthy.name:98} {skill(trained(healthy.setting)):>5}\n")


if __name__ == "__main__":
    main()
