"""Everything that a page knows, as JSON: the network, its numbers, its derivations, their names."""

from __future__ import annotations

import itertools
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule import losses
from chainrule.explanation.derivation import derive_from
from chainrule.explanation.derivation_steps import Derivation
from chainrule.explanation.formula_scripts.writer_shapes import shapes
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.mathml import MathML
from chainrule.explanation.notation import COST, Key, derivative
from chainrule.explanation.page.class_costs import ClassCosts
from chainrule.explanation.page.drawn_units import DrawnUnits, NetworkNumbers, drawn_units
from chainrule.explanation.page.embedded_numbers import (
    known_numbers,
    other_parameters,
    updated_numbers,
)
from chainrule.explanation.page.number_tables import tables
from chainrule.explanation.page.page_derivations import Library, name_list
from chainrule.explanation.page.page_engine import (
    input_bounds,
    numbers,
    page_engine,
    why_fixed,
    why_unknown,
)
from chainrule.explanation.subjects import ALL
from chainrule.explanation.text import Text
from chainrule.loss_row import Head
from chainrule.targets import encode

if TYPE_CHECKING:
    from chainrule.explanation.result import Explanation

TOP = 10
"""How many terms of a sum are written."""

ALL_AT_ONCE = 60
"""The parameters up to which the page also explains all of them together."""


MOST_LINES = 6_000
"""After how many lines a page that cannot work out its numbers has no more derivations."""

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""The kinds of signs that change the text around them, or cannot be written."""


def data(explanation: Explanation, rounds: int) -> dict[str, Any]:
    """Return what is embedded in a page.

    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> data(cr.explain(net, net.init(), [1.0], [1.0], of="w1"), 100)["network"]
    'network 1-1, identity, half_squared_error'
    """
    d = explanation.derivation
    seen = NetworkNumbers(d)
    drawn = drawn_units(d, seen)
    passes = _passes(d) if d.of == COST else None
    fixed, derivations = _all_derivations(d, passes, drawn)
    library = Library(explanation, values=bool(fixed))
    costs = None if fixed or passes is None else ClassCosts(passes, drawn.units[drawn.last + 1])
    subjects = [
        [library.key(derived.subject), library.derivation(derived, costs)]
        for derived in derivations
    ]
    return {
        "network": visible(explanation.network),
        "notation": explanation.notation,
        "digits": explanation.digits or 0,
        "live": not fixed,
        "fixed": fixed,
        "engine": None if fixed else page_engine(d),
        "ties": [[library.key(key) for key in group] for group in d.at.ties],
        "bounds": {} if fixed else input_bounds(d),
        **_training(d, fixed=bool(fixed)),
        "data": _examples(d),
        "update": _update(d, 0 if fixed or explanation.about else rounds),
        "shown": _shown(library, drawn, d),
        **_numbers(d, drawn, seen, library, passes, derivations),
        "labels": [[library.key(key), visible(text)] for key, text in d.labels.items()],
        "letters": _letters(explanation, library, drawn),
        "of": library.key(d.of),
        "subjects": subjects,
        "first": library.first_numbers(),
        "keys": library.keys,
        "titles": library.titles,
        "steps": library.steps,
        "forms": library.forms,
        "costs": library.costs,
        "shapes": {"text": {"ratio": Text().ratio("$1", "$2")}, "mathml": shapes(MathML())},
        "names": library.names_by_row(),
        "units": [[d.at.unit(layer - 1, j) for j in u] for layer, u in enumerate(drawn.units)],
        "closing": explanation.closing,
    }


def _training(d: Derivation, *, fixed: bool) -> dict[str, Any]:
    """What the page knows of the cost."""
    return {
        "widths": d.at.widths,
        "heads": [_head(part, fixed=fixed) for part in _heads(d)],
        "l1": d.net.l1,
        "l2": d.net.l2,
        "weight": _weight(d),
    }


def _heads(d: Derivation) -> tuple[Head, ...]:
    """The losses of the outputs."""
    return losses.loss(d.net.loss).heads(d.net.outputs)


def _head(head: Head, *, fixed: bool) -> dict[str, Any]:
    """Which outputs a loss is of, and what their targets may be; how a softmax smooths them."""
    of = {"first": head.first, "end": head.end, "target": head.loss.target}
    softmax = not fixed and head.loss.name == "cross_entropy"
    smoothing = head.loss.parameters[0] if softmax and head.loss.parameters else 0
    return of | {"softmax": softmax, "smoothing": smoothing}


def visible(text: str, keep: str = "") -> str:
    """Return text without what changes the text around it: control signs, marks of direction.

    >>> visible("a\\u202eb")
    'a\ufffdb'
    """
    return "".join(
        "\ufffd" if unicodedata.category(sign) in UNSEEN and sign not in keep else sign
        for sign in text
    )


def _all_derivations(
    d: Derivation, passes: Passes | None, drawn: DrawnUnits
) -> tuple[str, list[Derivation]]:
    """Why the page works nothing out, if so; the derivations of all that it can be asked for."""
    fixed = why_fixed(d)
    if not fixed:
        derivations = _derivations(d, passes, drawn, fixed=False)
        fixed = why_unknown(derivations)
        if not fixed:
            return "", derivations
    return fixed, _derivations(d, passes, drawn, fixed=True)


def _passes(d: Derivation) -> Passes:
    """The passes that all that a page can be asked for is derived from."""
    return Passes(d.net, d.params, d.data, d.draw, d.made.mean_weight if d.made else None, d.at)


def _derivations(
    d: Derivation, passes: Passes | None, drawn: DrawnUnits, *, fixed: bool
) -> list[Derivation]:
    """The derivation itself, and where there are passes those of all else that is drawn."""
    if passes is None:
        return [d]
    whole = [ALL] if d.net.size <= ALL_AT_ONCE else []
    others = [key for key in [*drawn.subjects(), COST, *whole] if key != d.subject]
    if not fixed:
        every = (_derived(passes, key, d, every_form=True) for key in (d.subject, *others))
        return [made for made in every if made]
    found = [d]
    lines = 0
    for key in _in_turns(others):
        made = _derived(passes, key, d)
        found += [made] if made else []
        lines += sum(1 for _ in made.steps()) if made else 0
        if lines > MOST_LINES:  # each with its numbers
            break
    return found


def _in_turns(keys: list[Key]) -> list[Key]:
    """Keys in such an order that each kind of each place has its turn."""
    groups: dict[tuple[str, int], list[Key]] = {}
    for key in keys:
        groups.setdefault(key[:2], []).append(key)
    turns = itertools.zip_longest(*groups.values())
    return [key for turn in turns for key in turn if key is not None]


def _derived(
    passes: Passes, of: Key, d: Derivation, *, every_form: bool = False
) -> Derivation | None:
    """What the page can be asked for; None where a number on the way to it is not finite."""
    top = d.top if of == d.subject else TOP
    try:
        return derive_from(passes, of, top=top, made=d.made, every_form=every_form)
    except ValueError:
        return None


def _examples(d: Derivation) -> dict[str, Any]:
    y = encode(d.data.y, d.net.outputs, d.data.X.dtype, np)
    w = None if d.data.w is None else numbers(d.data.w)
    return {"n": len(d.data.X), "X": numbers(d.data.X), "y": numbers(y), "w": w}


def _weight(d: Derivation) -> float | None:
    """What the sum over the examples is divided by; None where it is the sum of their weights."""
    if d.net.reduction == "sum":
        return 1.0
    if d.made is None or d.made.mean_weight is None:
        return None
    return len(d.data.X) * d.made.mean_weight


def _update(d: Derivation, rounds: int) -> dict[str, Any] | None:
    """The rate, and how many rounds of training the page can go through: each is such an update."""
    made = d.made
    if made is None:
        return None
    o = made.optimizer
    constant = isinstance(o.learning_rate, int | float)
    alike = not (d.at.ties or any(place.layer.over_batch for place in d.at.layers))
    return {
        "rate": o.rate(made.step),
        "rounds": rounds if constant and alike else 0,
        "by": repr(o),
        "step": made.step,
        "clip": [made.clip_value, made.clip_norm],
    }


def _shown(library: Library, drawn: DrawnUnits, d: Derivation) -> dict[str, Any]:
    """What is drawn, with the numbers of its keys."""

    def of_output(j: int) -> list[int]:
        return [library.key(Key("y", d.at.last, j)), library.key(Key("loss", drawn.last, j))]

    return {
        "units": drawn.units,
        "edges": [[*edge[:4], library.key(edge.key) if edge.key else -1] for edge in drawn.edges],
        "biases": [[*at, library.key(key)] for at, key in drawn.biases.items()],
        "outputs": [[j, *of_output(j)] for j in drawn.units[drawn.last + 1]],
        "last": drawn.last,
        "titles": drawn.titles,
        "bands": drawn.bands,
        "bows": drawn.bows,
    }


def _numbers(
    d: Derivation,
    drawn: DrawnUnits,
    seen: NetworkNumbers,
    library: Library,
    passes: Passes | None,
    derivations: list[Derivation],
) -> dict[str, Any]:
    """The tables, and the numbers that are known before the page works out any."""
    others = [] if drawn.is_chain else other_parameters(drawn, seen)
    made = tables(drawn, others, d.at, library, updates=d.made is not None)
    known = known_numbers(library, drawn, others, seen, passes)
    return {"tables": made, "held": [*known, *updated_numbers(library, derivations)]}


def _letters(explanation: Explanation, library: Library, drawn: DrawnUnits) -> dict[str, Any]:
    """The names of rate and cost; the keys of all that the drawing and the tables show."""
    units = [(layer, j) for layer, own in enumerate(drawn.units[1:]) for j in own]
    places = {"y": explanation.derivation.at.last, "loss": drawn.last, "p": drawn.last}
    kinds = [Key(kind, *at) for kind in ("z", "a", "delta") for at in units]
    ends = [Key(*at, j) for at in places.items() for j in drawn.units[drawn.last + 1]]
    for key in [*kinds, *ends, *drawn.subjects(), COST]:
        library.key(key)
    for key in drawn.subjects():
        library.key(derivative(COST, key))
    return {"rate": name_list(explanation.convention.rate), "C": library.key(COST)}
