"""The sections of a page of several targets: what is told of each by itself."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.html_page.markup import Html, text
from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.prepare import Prepared
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.trained_model import Judged

OF_A_CARD = re.compile(r' aria-labelledby="([^"]*)"><h2 id="\1">')
"""By what a card is called: its place in the page."""

OF_A_PLOT = re.compile(r'((?: id="|href="#|url\(#)[a-z][0-9a-f]{10})')
"""What a part of a plot is called, and where it is named."""


class _FirstBlock(NamedTuple):
    """The first block of the examples in training, with the values of one target."""

    of: NDArray[Any]
    first: Examples

    def __getitem__(self, k: Any) -> Any:
        """Return it, as blocks do."""
        assert k == 0
        return self.first


def by_target(
    prepared: Prepared, judged: Judged, model: TableModel
) -> Iterator[tuple[Prepared, Judged, TableModel]]:
    """Yield what `find` takes: of a training on several targets, as of each by itself.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> from chainrule.tabular.table_training import Options, prepared_training
    >>> from chainrule.tabular.trained_model import judged, trained_model
    >>> with prepared_training(open_source("sklearn:wine"), "target", Options(epochs=1)) as it:
    ...     it.trainer.train()
    ...     found = it.prepared, judged(it), trained_model(it)
    ...     [len(each) for each in by_target(*found)]
    [3]
    """
    target = model.target
    if not isinstance(target, SeveralTargets):
        yield prepared, judged, model
        return
    first, held_out = prepared.blocks[0], prepared.held_out
    y, of_first, of_held_out = map(target.targets, (prepared.y, first.y, held_out.y))
    p = target.of_each(judged.p)
    for k, (part, own) in enumerate(zip(model.parts, judged.model.parts, strict=True)):
        blocks: Any = _FirstBlock(prepared.blocks.of, first._replace(y=of_first[k]))
        its = dataclasses.replace(
            prepared,
            target=part.target,
            y=y[k],
            held_out=held_out._replace(y=of_held_out[k]),
            blocks=blocks,
        )
        yield its, Judged(own, p[k], judged.calibrations[k : k + 1]), part


def section(number: int, name: str, cards: Iterable[Html]) -> Html:
    """Return the heading of a target and its cards, whose places are no other target's.

    >>> cards = [Html('<section aria-labelledby="rows"><h2 id="rows">Rows</h2></section>')]
    >>> print(section(2, "price", cards))
    <h2 class="target wide" id="target-2">price</h2>
    <div class="grid wide">
    <section aria-labelledby="rows-2"><h2 id="rows-2">Rows</h2></section>
    </div>
    """
    within = OF_A_CARD.sub(
        rf' aria-labelledby="\1-{number}"><h2 id="\1-{number}">', "\n".join(cards)
    )
    within = OF_A_PLOT.sub(rf"\1-{number}", within)
    heading = f'<h2 class="target wide" id="target-{number}">{text(name)}</h2>'
    return Html(f'{heading}\n<div class="grid wide">\n{within}\n</div>')
