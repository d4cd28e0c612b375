"""The pages under Measured: plots and a list of what stands in `benchmarks/results/`.

Both are made before the site is read, in `measured/generated/`, and pages take them from there. No
figure is typed: where a file changes, so does the page, and a file that no page shows is an error.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from measured_plots import PLOTS
from measured_tables import RESULTS, tables_of, value

BENCHMARKS = RESULTS.parent
LONGEST = 100
"""The most characters in a cell of a table of figures."""

PROCESSOR = re.compile(r"AMD \w+(?: \(Zen \d\))?|Intel \w+")


class Goals(NamedTuple):
    """How many goals a file tells of, and how many of them are met."""

    met: int
    all: int


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx make the files before it reads the pages."""
    app.connect("builder-inited", lambda app: make(Path(app.srcdir) / "measured"))
    app.connect("doctree-read", mark_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def make(folder: Path) -> None:
    """Make all plots and the list, for the pages of a folder."""
    generated = folder / "generated"
    generated.mkdir(exist_ok=True)
    for name, plot in PLOTS.items():
        buffer = io.StringIO()
        plot().savefig(buffer, format="svg", metadata={"Date": None})
        _write(generated / f"{name}.svg", buffer.getvalue())
    _write(generated / "results.inc", results(folder))


def mark_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Mark plots, and tables whose rows are one line each, to scroll where they are wide."""
    if app.env.docname.startswith("measured/"):
        for table in doctree.findall(nodes.table):
            if all(len(cell.astext()) <= LONGEST for cell in table.findall(nodes.entry)):
                table["classes"].append("figures")
        for plot in doctree.findall(nodes.figure):
            plot["classes"].append("figures")


def _write(path: Path, text: str) -> None:
    """Write a file, unless that is what stands there: then nothing that shows it is made again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def results(folder: Path) -> str:
    """Return the list of all files of results as a table, for the pages of a folder."""
    lines = ["| what | made by | processor | goals met |", "|---|---|---|---|"]
    for path in files():
        text = path.read_text(encoding="utf-8")
        title = text.partition("\n")[0].removeprefix("# ")
        script = BENCHMARKS / f"{path.stem}.py"
        command = f"`python benchmarks/{script.name}`" if script.exists() else "step by step"
        found = PROCESSOR.search(text)
        met, every = goals(path.stem)
        cells = (
            f"[{title}]({page_of(path, folder)})",
            command,
            found[0] if found else "–",
            f"{met} of {every}" if every else "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def files() -> list[Path]:
    """Return the files of results; of a part of the cases alone, there is no page."""
    return [path for path in sorted(RESULTS.glob("*.md")) if "-selection" not in path.stem]


def page_of(path: Path, folder: Path) -> str:
    """Return the page that shows a file of results; raise ExtensionError where none does."""
    for page in sorted(folder.glob("*.md")):
        if f"results/{path.name}\n" in page.read_text(encoding="utf-8"):
            return page.name
    raise ExtensionError(f"benchmarks/results/{path.name} is shown by no page in docs/measured")


def goals(stem: str) -> Goals:
    """Return how many goals of a file are met: those judged there, and columns of goals alone."""
    text = (RESULTS / f"{stem}.md").read_text(encoding="utf-8")
    judged = [said == "met" for said in re.findall(r"[:|] (not met|met)\b", text)]
    for table in tables_of(stem):
        if "goal" in table.head:
            at = table.head.index("goal")
            for row in table.rows:
                if re.fullmatch(r"≤ [\d.,]+", row[at]):
                    judged.append(value(row[at - 1]) <= value(row[at]))
    return Goals(sum(judged), len(judged))
