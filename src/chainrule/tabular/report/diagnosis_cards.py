"""The card of whether the network learns, by the examples in training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.batches import Examples
from chainrule.diagnosis.rules import NAMING_ROWS
from chainrule.diagnosis.verdict import Diagnosis, diagnose
from chainrule.diagnosis.verdict_html import verdict
from chainrule.distributed import by_first
from chainrule.formatting import number
from chainrule.history import History
from chainrule.html_page.markup import Html, card, facts, paragraph, prose
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.report.findings import Findings
from chainrule.tabular.table_model import TableModel

PAGE = "chainrule diagnose MODEL TABLE -o diagnosis.html"
"""What makes the page of the diagnosis, with its pictures."""


def training_diagnosis(prepared: Prepared, model: TableModel) -> Diagnosis:
    """Return the diagnosis of a model by its examples in training, of the first block.

    Of several ranks all call it, and the first finds it.
    """
    every = prepared.examples
    X, y, w = prepared.blocks[0]
    data = Examples(every.at_first(X), every.at_first(y), None if w is None else every.at_first(w))
    history = History(loss=[float(loss) for loss in model.curves["loss"]])
    return by_first(
        prepared.ranks,
        lambda: diagnose(
            model.net, model.params, data.X, data.y, sample_weight=data.w, history=history
        ),
    )


def learning(found: Findings) -> Iterator[Html]:
    """Yield the card of the diagnosis, where there is one."""
    if found.diagnosis is None:
        return
    known = found.diagnosis
    parts = [verdict(known)]
    if not NAMING_ROWS.isdisjoint(known.names):
        said = "Rows are numbered from 0 among the prepared examples in training."
        parts.append(paragraph(said))
    batch = known.critical_batch
    figures = {
        "cost in training": number(known.cost),
        "of the best constant": number(known.chance),
        "critical batch size": number(np.ceil(batch)) if np.isfinite(batch) else "infinite",
    }
    way = prose(f"Pictures of the gradient by layer, units and examples: `{PAGE}`.")
    yield card("Does it learn?", *parts, facts(figures), Html(f'<p class="note">{way}</p>'))
