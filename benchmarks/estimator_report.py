"""What the figures of the estimators say: ratios, scores, goals, and the tables that show them.

A record is what `measure_estimators.py` prints of a case: its name, the number of cores, the
microseconds of an epoch in each round, and the scores by epoch from each seed, of each library; and
the limit, the microseconds of an epoch's products alone.
"""

from __future__ import annotations

import math
import statistics
from typing import Any, NamedTuple

from estimator_cases import CASES, Case
from report import Record, Verdict, cores_in_words, medians, number, row

OURS, THEIRS = "chainrule", "scikit-learn"


def case_of(record: Record) -> Case:
    """Return the case that a record is of."""
    return next(case for case in CASES if case.name == record["case"])


def heading(record: Record) -> str:
    """Return the case and the cores."""
    return f"{case_of(record).title}, {cores_in_words(record['cores'])}"


class Scores(NamedTuple):
    """The scores on the test data after the last epoch, one for each seed."""

    each: list[float]

    @property
    def mean(self) -> float:
        """Their mean."""
        return statistics.fmean(self.each)

    @property
    def deviation(self) -> float:
        """Their standard deviation, 0 for a single one."""
        return statistics.stdev(self.each) if len(self.each) > 1 else 0.0

    def __str__(self) -> str:
        return f"{self.mean:.4f} ± {self.deviation:.4f}"


def final(record: Record, library: str) -> Scores:
    """Return a library's scores after the last epoch."""
    return Scores([curve[-1] for curve in record["scores"][library]])


def ratio(record: Record) -> Verdict:
    """Return how many times Chainrule's time an epoch of scikit-learn's takes."""
    found = medians(record)
    return Verdict(
        f"{THEIRS} / {OURS}",
        round(found[THEIRS] / found[OURS], 2),
        "≥",
        case_of(record).ratio,
    )


def noise(record: Record) -> float:
    """Return twice the standard error of the difference of the mean scores."""
    variances = [final(record, name).deviation ** 2 for name in (OURS, THEIRS)]
    return 2 * math.sqrt(sum(variances) / len(record["scores"][OURS]))


def score_verdicts(record: Record) -> list[Verdict]:
    """Return the verdicts on the scores: what is asked, and no worse than scikit-learn's."""
    if not record["scores"]:
        return []
    case, ours, theirs = case_of(record), final(record, OURS), final(record, THEIRS)
    least = round(theirs.mean - noise(record), 4)
    judged = [
        Verdict(f"{case.measure}, beside {THEIRS}'s less noise", round(ours.mean, 4), "≥", least)
    ]
    if case.score is not None:
        judged.append(Verdict(case.measure, round(ours.mean, 4), "≥", case.score))
    return judged


def epochs_to(record: Record, library: str) -> float:
    """Return the median number of epochs to the lowest score that any of the fits ends with."""
    goal = min(min(final(record, name).each) for name in (OURS, THEIRS))
    return statistics.median(
        next(k for k, score in enumerate(curve, start=1) if score >= goal)
        for curve in record["scores"][library]
    )


def milliseconds_to(record: Record, library: str) -> float:
    """Return the time to that score."""
    return epochs_to(record, library) * medians(record)[library] / 1000


def said(verdict: Verdict) -> str:
    """Return a verdict on a score, with four digits."""
    return f"{verdict.what} {verdict.figure:.4f}, {verdict.goal}"


def progress(record: Record) -> str:
    """Return the lines that are shown while the benchmark runs."""
    figures = "   ".join(f"{name} {number(m)}" for name, m in medians(record).items())
    limit = f"limit {number(record['limit'])}"
    return (
        f"{heading(record)} (microseconds an epoch)\n    {figures}   {limit}\n    {ratio(record)}"
    )


def scores_in_words(record: Record) -> str:
    """Return the lines that are shown once the scores are known."""
    lines = [f"{case_of(record).title}, scores on the test data"]
    return "\n".join([*lines, *(f"    {said(verdict)}" for verdict in score_verdicts(record))])


TIMES = ("case", "cores", OURS, THEIRS, "ratio", "goal", "limit", "ratio at the limit")
SCORES = (
    "case", "epochs", "score", OURS, THEIRS, "no worse, within noise", "goal",
    f"ms to the same score: {OURS}", THEIRS,
)  # fmt: skip


def times_row(record: Record) -> str:
    """Return the row of the times of a record."""
    found, judged = medians(record), ratio(record)
    return row(
        [
            case_of(record).title,
            str(record["cores"]),
            number(found[OURS]),
            number(found[THEIRS]),
            f"{judged.figure:.2f}",
            judged.goal.removeprefix("goal "),
            number(record["limit"]),
            f"{found[THEIRS] / record['limit']:.2f}",
        ]
    )


def scores_row(record: Record) -> str:
    """Return the row of the scores of a record."""
    case = case_of(record)
    beside, *asked = score_verdicts(record)
    times = [milliseconds_to(record, name) for name in (OURS, THEIRS)]
    return row(
        [
            case.title,
            str(case.epochs),
            case.measure,
            str(final(record, OURS)),
            str(final(record, THEIRS)),
            "met" if beside.met else "not met",
            asked[0].goal.removeprefix("goal ") if asked else "",
            *map(number, times),
        ]
    )


def markdown(records: list[Record], machine: dict[str, str], rounds: int, seeds: int) -> str:
    """Return the page of the results."""
    scored = [record for record in records if record["scores"]]
    lines = [
        "# The estimators beside scikit-learn's own",
        "",
        f"Microseconds an epoch: medians of {rounds} whole fits of each, which take turns in one "
        "process and make the same number of epochs with the same parameters. Absolute times drift "
        "with the machine; the ratios count. The limit is the time of an epoch's matrix products "
        "alone, at the rate at which NumPy multiplies large matrices of that dtype: a ratio above "
        "that at the limit cannot be reached.",
        "",
        *(f"- {name}: {value}" for name, value in machine.items()),
        "",
        row(TIMES),
        row(["---"] * len(TIMES)),
        *map(times_row, records),
    ]
    if scored:
        lines += [
            "",
            f"Scores on the test data: mean ± standard deviation over {seeds} seeds. No worse "
            "within noise: Chainrule's mean is higher, or lower by at most two standard errors. "
            "The same score is the lowest that any of these fits ends with; the time to it is that "
            "of an epoch times the median of the epochs that first reach it.",
            "",
            row(SCORES),
            row(["---"] * len(SCORES)),
            *map(scores_row, scored),
            "",
            "For 256-128-64, Chainrule's fit uses what scikit-learn's lacks: AdamW, a cosine "
            "schedule and dropout. All other parameters are the same for both.",
        ]
    return "\n".join(lines) + "\n"


def results(
    records: list[Record], machine: dict[str, str], rounds: int, seeds: int
) -> dict[str, Any]:
    """Return everything, for JSON."""
    return {
        "machine": machine,
        "rounds": rounds,
        "seeds": seeds,
        "cases": [
            {
                **record,
                "title": case_of(record).title,
                "epochs": case_of(record).epochs,
                "medians": medians(record),
                "verdicts": [
                    {"what": v.what, "figure": v.figure, "goal": v.goal, "met": v.met}
                    for v in (ratio(record), *score_verdicts(record))
                ],
            }
            for record in records
        ],
    }


def summary(records: list[Record]) -> str:
    """Return how many goals are met, and which are not."""
    speeds = [(record, v, str(v)) for record in records if (v := ratio(record)).goal]
    others = [(record, v, said(v)) for record in records for v in score_verdicts(record)]
    judged = speeds + others
    missed = [f"    {heading(record)}: {text}" for record, v, text in judged if not v.met]
    lines = [f"Goals met: {len(judged) - len(missed)} of {len(judged)}"]
    return "\n".join([*lines, *(["Not met:"] if missed else []), *missed])
