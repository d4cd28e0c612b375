"""How often `cr.diagnose` names what is wrong: each half of the collection of sick networks.

| column | is |
|---|---|
| networks | how many sick ones there are |
| first | of how many the sickness is the first finding |
| first or second | of how many it is among the first two |
| none | of how many nothing is found |
| healthy | how many there are that learn as they should |
| nothing found | of how many of these that is said |

    python benchmarks/diagnose.py

The rules were written with the seen half at hand, and the other half unseen. Each network is
trained as its user would, and then asked why it does not learn.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the collection is the tests' too

from chainrule.cli.checking import processor  # noqa: E402
from sickness import seen, unseen  # noqa: E402
from test_diagnose import diagnosed  # noqa: E402

RESULTS = ROOT / "benchmarks/results/diagnose.md"
HEAD = ("half", "networks", "first", "first or second", "none", "healthy", "nothing found")


def counted(half: ModuleType) -> list[int]:
    """Return the figures of a half."""
    names = [diagnosed(dataclasses.replace(c.twin, **c.change)).names for c in half.CASES]
    pairs = list(zip((case.sickness for case in half.CASES), names, strict=True))
    healthy = [diagnosed(each.setting).names for each in half.HEALTHY]
    return [
        len(pairs),
        sum(found[:1] == (sickness,) for sickness, found in pairs),
        sum(sickness in found[:2] for sickness, found in pairs),
        sum(found == () for found in names),
        len(healthy),
        sum(found == () for found in healthy),
    ]


def row(cells: list[str]) -> str:
    """Return a row of a table in Markdown."""
    return f"| {' | '.join(cells)} |"


def main() -> None:
    began = time.process_time()
    halves = {"seen": counted(seen), "unseen": counted(unseen)}
    lines = [row([name, *map(str, figures)]) for name, figures in halves.items()]
    page = [
        "# What is wrong, named",
        "",
        "Sick networks, each trained as its user would and then diagnosed; the rules were written "
        f"with one half unseen. It took {time.process_time() - began:.0f} seconds of one core "
        f"of {processor()}. Written by `benchmarks/diagnose.py`.",
        "",
        row(list(HEAD)),
        row(["---"] * len(HEAD)),
        *lines,
    ]
    RESULTS.write_text("\n".join(page) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
