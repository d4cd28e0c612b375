"""How often a known mistake is named: made by hand on random networks, and looked for.

| column | is |
|---|---|
| figures | of how many networks the mistake moves a figure |
| named | in how many of them it is among the single mistakes that are named |
| others alone | in how many of them others are named without it |
| alike | how many mistakes are named on average: what the figures cannot tell apart |

    python benchmarks/find_mistake.py [networks]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # the mistakes made by hand are the tests' too

from chainrule.cli.checking import processor  # noqa: E402
from chainrule.diagnosis.mistake_search import MistakeSearch  # noqa: E402
from chainrule.diagnosis.mistakes import MISTAKES  # noqa: E402
from mistakes_by_hand import as_chainrule, claims_of, random_problem  # noqa: E402

RESULTS = ROOT / "benchmarks/results/find_mistake.md"
NETWORKS = 500


class Count(NamedTuple):
    """What was counted of one mistake."""

    figures: int = 0
    named: int = 0
    others: int = 0
    alike: int = 0

    def with_names(self, name: str, names: Any) -> Count:
        """The count after one more network."""
        found = (name,) in names
        return Count(
            self.figures + 1,
            self.named + found,
            self.others + bool(names and not found),
            self.alike + len(names),
        )


def counted(networks: int) -> tuple[dict[str, Count], int, int]:
    """Count, and return how many networks there were without a mistake, and right."""
    counts, right = {name: Count() for name in MISTAKES}, 0
    for seed in range(networks):
        p = random_problem(seed)
        what, options = as_chainrule(p)
        search = MistakeSearch(*what, **options)
        right += search.find(claims_of(p, "", seed)).right
        for name in MISTAKES:
            if search.worked((name,)) is None or not (claims := claims_of(p, name, seed)):
                continue
            found = search.find(claims, pairs=False)
            if not found.right:
                counts[name] = counts[name].with_names(name, found.names)
    return counts, networks, right


def report(counts: dict[str, Count], networks: int, right: int, seconds: float) -> str:
    """The table in Markdown."""
    total = Count(*(sum(column) for column in zip(*counts.values(), strict=True)))
    rows = [
        f"| {name} | {c.figures:,} | {c.named:,} | {c.named / max(c.figures, 1):.1%} | {c.others} "
        f"| {c.alike / max(c.figures, 1):.1f} |"
        for name, c in {"all": total, **counts}.items()
    ]
    return "\n".join(
        [
            "# Known mistakes, made by hand and looked for",
            "",
            f"On {networks} random dense networks of one to four examples: six figures with the "
            "mistake, printed to 7 to 10 significant digits, of gradients, deltas, outputs, the "
            "cost, and parameters after one to three steps. Left out are networks whose figures "
            f"the mistake does not move. Of {networks} without a mistake, {right} were called "
            f"right. It took {seconds:,.0f} seconds of one core of {processor()}. Written by "
            "`benchmarks/find_mistake.py`.",
            "",
            "| mistake | figures | named | share | others alone | alike |",
            "|---|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> None:
    networks = int(sys.argv[1]) if len(sys.argv) > 1 else NETWORKS
    start = time.process_time()
    text = report(*counted(networks), time.process_time() - start)
    print(text)
    if networks == NETWORKS:
        RESULTS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
