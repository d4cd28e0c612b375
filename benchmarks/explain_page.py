"""The page of `chainrule explain 2-2-2` in headless Chromium: its size, and when it is ready.

Ready is when all that is seen first stands there and answers; the engine comes after that. Of each
page the median of some loads, in turns where there are several: another commit may have made one.

    python benchmarks/explain_page.py [other.html ...]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import chainrule as cr
from chainrule.cli.checking import processor
from chainrule.demo import worked_example
from playground_speed import chromium, met

READY, KILOBYTES = 200, 250
"""The goals: milliseconds, size."""

TIMES = """
(async () => {
  const { dataset } = document.documentElement;
  while (!dataset.ready || dataset.engine === 'waits') await new Promise((go) => setTimeout(go, 5));
  return [Number(dataset.ready), Number(dataset.engine)];
})()
"""


def page_of_2_2_2(path: Path) -> Path:
    """Write the page of the worked example."""
    own = worked_example
    explanation = cr.explain(
        own.NET, own.START, own.X[0], own.Y[0], of="w1", optimizer=cr.SGD(0.5), freeze=["*.b"]
    )
    path.write_text(explanation.html(), encoding="utf-8")
    return path


def times_of(browser: Any, path: Path) -> list[float]:
    """Return after how many milliseconds a page is ready, and its engine there."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(path.absolute().as_uri())
    found: list[float] = page.evaluate(TIMES)
    page.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("others", type=Path, nargs="*", metavar="other.html")
    parser.add_argument("--loads", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        pages = [page_of_2_2_2(Path(folder) / "2-2-2.html"), *asked.others]
        turns = [[times_of(browser, path) for path in pages] for _ in range(asked.loads)]
        print(f"{processor()}, Chromium {browser.version}, load {os.getloadavg()[0]:.1f}")
        for path, own in zip(pages, zip(*turns, strict=True), strict=True):
            ready, engine = (statistics.median(each) for each in zip(*own, strict=True))
            kilobytes = path.stat().st_size / 1000
            print(
                f"{path.name}: {kilobytes:.0f} kB (≤ {KILOBYTES}: {met(kilobytes <= KILOBYTES)}), "
                f"ready after {ready:.0f} ms (≤ {READY}: {met(ready <= READY)}), "
                f"its engine after {engine:.0f} ms"
            )


if __name__ == "__main__":
    main()
