"""The page: the network drawn and live beside its derivation, in one file that asks for nothing.

| file | what it is for |
|---|---|
| `drawn_units.py` | what is drawn: units, edges, bands and bows; of a large network the strongest |
| `embedded_numbers.py` | the core's numbers, until the page works them out or where it does not |
| `number_tables.py` | every number of what is drawn |
| `class_costs.py` | the lines of the cost for each class that an example can be given |
| `page_derivations.py` | the steps of every subject, each embedded once |
| `page_engine.py`, `page_engine.js` | what the engine is told; the numbers that it makes |
| `training_rounds.js` | rounds of training |
| `page_data.py` | everything that the page knows, as JSON |
| `page.html`, `page.css` | what it looks like |
| `quantity_values.js` | the number of every quantity that a formula names |
| `network_drawing.js`, `marks.js`, `cost_curve.js` | the views: what is drawn |
| `number_fields.js`, `derivation_view.js` | the views: what is written |
| `page.js` | the state, and what follows from it |
| `stepping.js`, `changes.js`, `controls.js` | what the keys, fields and buttons do |

The scripts are joined, in the order of `SCRIPTS` after those of formulas, when a page is made.
"""

from __future__ import annotations

import html
import string
from typing import TYPE_CHECKING, Any

from chainrule.engine.wasm import engine_data, engine_script
from chainrule.errors import check_whole
from chainrule.explanation.formula_scripts import formula_scripts
from chainrule.explanation.notation import COST
from chainrule.explanation.page.page_data import data, visible
from chainrule.explanation.text import Text
from chainrule.html_page.joined_scripts import file_of, inert_json, joined_scripts, policy
from chainrule.html_page.notebook_part import Page

if TYPE_CHECKING:
    from chainrule.explanation.result import Explanation

SCRIPTS = (
    "page_engine",
    "training_rounds",
    "quantity_values",
    "marks",
    "network_drawing",
    "cost_curve",
    "number_fields",
    "derivation_view",
    "page",
    "stepping",
    "changes",
    "controls",
)

EXAMPLES = "The {0} over {1} examples. The working is that of the one chosen, then the {0} of all."

LIVE = "Change a value, and everything follows. Choose a name to see its derivation."
STAY = "This page cannot work them out anew, since {0}, and so they cannot be changed."
FIXED = f"The numbers are those of the derivation above. {STAY}"
CHOSEN = f"The numbers are those of the core: choose a name to see its derivation. {STAY}"


def page(explanation: Explanation, rounds: int = 10_000) -> Page:
    """Return an explanation as one page of HTML: the network, its numbers, and their derivation.

    `rounds` is how far the slider over the training goes. Nothing is loaded from elsewhere, and a
    Content-Security-Policy forbids it.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5]], [0.25])])
    >>> page(cr.explain(net, params, [3.0], [1.0], of="w1")).splitlines()[0]
    '<!doctype html>'
    """
    rounds = check_whole("page: rounds", rounds, least=1)
    known = data(explanation, rounds)
    own = [*formula_scripts(), *(_file(f"{s}.js") for s in SCRIPTS)]
    script = joined_scripts([engine_script(), *own] if known["live"] else own)
    style = _file("page.css")
    filled = string.Template(_file("page.html")).substitute(
        policy=policy([script], style, compiles=known["live"]),
        symbol=html.escape(explanation.symbol(Text())),
        network=html.escape(visible(explanation.network)),
        examples=_examples(explanation),
        hint=_hint(known),
        style=style,
        script=script,
        data=inert_json(known),
        module=engine_data("float64") if known["live"] else "",
        text=html.escape(visible(explanation.text(), keep="\n")),
    )
    return Page(filled)


def _hint(known: dict[str, Any]) -> str:
    """What a reader can do."""
    if known["live"]:
        return LIVE
    said = CHOSEN if len(known["subjects"]) > 1 else FIXED
    return html.escape(visible(said.format(known["fixed"])))


def _examples(explanation: Explanation) -> str:
    d = explanation.derivation
    if d.of != COST or len(d.data.X) == 1:
        return explanation.examples
    return f"{explanation.about} {EXAMPLES.format(d.net.reduction, len(d.data.X))}".strip()


def _file(name: str) -> str:
    return file_of(__name__, name)
