"""The page of a training on a table: one file of HTML that asks for nothing and runs nothing.

| file | what it is for |
|---|---|
| `findings.py` | all that the page tells, found once |
| `calibration.py` | calibration, quantiles and residuals of the examples held out |
| `importance.py` | how much each column matters |
| `column_curves.py` | what the model makes of the columns that matter most |
| `example_gradients.py` | the examples with the largest gradients, and their rows in the table |
| `plots.py` | the plots, as SVG in the colours of the page |
| `training_cards.py` | the cards of what was trained, and how it went |
| `race_cards.py` | the race of their rates, and the model's members |
| `diagnosis_cards.py` | whether its network learns |
| `quality_cards.py`, `quantile_cards.py` | how good the model is; its quantiles |
| `interval_cards.py` | how sure predictions are |
| `curve_cards.py` | the learnt curves of columns |
| `influence_cards.py`, `option_cards.py` | which columns and rows matter; what was decided |
| `target_sections.py` | of several targets, what is told of each by itself |
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path

from chainrule.atomic_write import write_whole
from chainrule.html_page import page_of_cards
from chainrule.html_page.markup import Html
from chainrule.html_page.notebook_part import Page
from chainrule.tabular.files.source import Source
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.report import (
    curve_cards,
    diagnosis_cards,
    influence_cards,
    interval_cards,
    option_cards,
    quality_cards,
    quantile_cards,
    race_cards,
    training_cards,
)
from chainrule.tabular.report.diagnosis_cards import training_diagnosis
from chainrule.tabular.report.findings import Findings, find
from chainrule.tabular.report.target_sections import by_target, section
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.trained_model import Judged


def report(prepared: Prepared, judged: Judged, model: TableModel, source: Source) -> Page:
    """Return the page of a training: how it went, how good the model is, and what it is made of.

    `judged` has the networks that the examples held out are new to. Examples must still lie in
    `prepared.blocks`; the source is read once more, for the rows that are shown. The same training
    makes the same page.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> from chainrule.tabular.table_training import Options, prepared_training
    >>> from chainrule.tabular.trained_model import judged, trained_model
    >>> source = open_source("sklearn:wine")
    >>> with prepared_training(source, "target", Options(epochs=2)) as training:
    ...     training.trainer.train()
    ...     model = trained_model(training)
    ...     page = report(training.prepared, judged(training), model, source)
    >>> page.splitlines()[0]
    '<!doctype html>'
    """
    return page(*all_findings(prepared, judged, model, source))


def all_findings(
    prepared: Prepared, judged: Judged, model: TableModel, source: Source
) -> tuple[Findings, list[Findings]]:
    """Return what the page tells, of all targets and of each: ranks find it out together."""
    each = [find(*own, source) for own in by_target(prepared, judged, model)]
    learnt = training_diagnosis(prepared, dataclasses.replace(judged.model, about=model.about))
    each[0] = dataclasses.replace(each[0], diagnosis=learnt)
    return dataclasses.replace(each[0], prepared=prepared, model=model), each


def page(whole: Findings, each: list[Findings]) -> Page:
    """Return the page that tells what was found."""
    return page_of_cards(
        *training_cards.heading(whole),
        _cards(each[0]) if len(each) == 1 else _sections(whole, each),
    )


def write_report(path: str | Path, page: str, *, replace: bool = True) -> None:
    """Write the page of a training to a file, whole or not at all.

    Raises OSError where it cannot be written, of which FileExistsError where one is there and is
    not to be replaced, and ValueError where something that is no file has its name.
    """
    write_whole(Path(path), [page.encode()], replace=replace)


def _cards(found: Findings) -> Iterator[Html]:
    yield training_cards.summary(found)
    yield from _training(found)
    yield from _quality(found)
    yield from _options(found)


def _sections(whole: Findings, each: list[Findings]) -> Iterator[Html]:
    """Yield the cards of several targets: of all of them together, then of each by itself."""
    yield training_cards.of_all(whole)
    yield from _training(whole)
    for k, found in enumerate(each, 1):
        cards = itertools.chain([training_cards.scores(found)], _quality(found))
        yield section(k, found.model.target.column, cards)
    yield Html('<h2 class="target wide" id="all-targets">All targets</h2>')
    yield from _options(whole)


def _training(found: Findings) -> Iterator[Html]:
    yield from race_cards.runs(found)
    yield training_cards.losses(found)
    yield from diagnosis_cards.learning(found)


def _quality(found: Findings) -> Iterator[Html]:
    if found.model.target.task == "classification":
        yield from quality_cards.classification(found)
    elif found.model.quantiles:
        yield from quantile_cards.quantiles(found)
    else:
        yield from quality_cards.regression(found)
    yield from interval_cards.interval(found)
    yield influence_cards.columns(found)
    yield curve_cards.curves(found)
    yield influence_cards.rows(found)


def _options(found: Findings) -> Iterator[Html]:
    yield option_cards.decisions(found)
    yield option_cards.options(found)
