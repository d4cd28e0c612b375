"""The page of a training on a table: one file of HTML that asks for nothing and runs nothing.

| file | what it is for |
|---|---|
| `findings.py` | all that the page tells, found once |
| `figures.py` | calibration, quantiles and residuals of the examples held out |
| `importance.py` | how much each column matters |
| `pulling.py` | the examples with the largest gradients, and their rows in the table |
| `plots.py` | the plots, as SVG in the colours of the page |
| `course.py`, `quality.py`, `intervals.py`, `influence.py`, `choices.py` | the cards of the page |
| `markup.py` | text, numbers and tables as HTML |
| `template.html`, `page.css` | what it looks like |
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from chainrule.serialization.whole import write_whole
from chainrule.tables import Source
from chainrule.tabular.model import TableModel
from chainrule.tabular.preparing import Prepared
from chainrule.tabular.report import choices, course, influence, intervals, quality
from chainrule.tabular.report.findings import Findings, find
from chainrule.tabular.report.markup import Html, text
from chainrule.tabular.running import Run


def report(prepared: Prepared, run: Run, model: TableModel, source: Source) -> str:
    """Return the page of a training: how it went, how good the model is, and what it is made of.

    `run` is the one that held out examples. They must still lie in `prepared.blocks`; the source is
    read once more, for the rows that are shown. The same training makes the same page.

    >>> from chainrule.tables import open_source
    >>> from chainrule.tabular.training import Options, conclude, set_out
    >>> source = open_source("sklearn:wine")
    >>> with set_out(source, "target", Options(epochs=2)) as (prepared, options, run):
    ...     run.go_on(lambda run: None)
    ...     page = report(prepared, run, conclude(prepared, options, run), source)
    >>> page.splitlines()[0]
    '<!doctype html>'
    """
    found = find(prepared, run, model, source)
    title, under = course.heading(found)
    return string.Template(_file("template.html")).substitute(
        title=text(title),
        under=text(under),
        style=_file("page.css"),
        cards="\n".join(_cards(found)),
    )


def write_report(
    path: str | Path,
    prepared: Prepared,
    run: Run,
    model: TableModel,
    source: Source,
    *,
    replace: bool = True,
) -> None:
    """Write the page of a training to a file, whole or not at all.

    Raises OSError where it cannot be written, of which FileExistsError where one is there and is
    not to be replaced, and ValueError where something that is no file has its name.
    """
    write_whole(Path(path), [report(prepared, run, model, source).encode()], replace=replace)


def _cards(found: Findings) -> Iterator[Html]:
    yield course.summary(found)
    yield course.losses(found)
    if found.model.target.task == "classification":
        yield from quality.classification(found)
    elif found.model.quantiles:
        yield from intervals.quantiles(found)
    else:
        yield from quality.regression(found)
    yield influence.columns(found)
    yield influence.rows(found)
    yield choices.decisions(found)
    yield choices.options(found)


def _file(name: str) -> str:
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8").strip()
