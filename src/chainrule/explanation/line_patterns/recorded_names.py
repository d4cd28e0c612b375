"""Names in each convention, as text and as MathML, with holes for numbers.

A convention is asked for the name of a key whose numbers are marks, no two alike: where one comes
out, plain, raised or lowered, its hole goes, `{unit}`, `{unit^}` or `{unit_}`. Numbers count from 1
as people do: `unit` is the place of a unit in its layer plus 1, `unit0` as a program counts it.

Names are found by what the quantity is: its kind, where it is (inputs, hidden, outputs), and so on;
`pattern_names.js` makes the same word of a key.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from chainrule.explanation.mathml import MathML
from chainrule.explanation.notation import (
    NOTATIONS,
    OF_OTHERS,
    Key,
    Name,
    Notation,
    name_of,
)
from chainrule.explanation.text import LOWER, UPPER, Text
from chainrule.explanation.writer import Precedence

UNIT, SOURCE, NUMBER, HIDDEN, PLACE, LAST, EXAMPLE = 5013, 5023, 5033, 5043, 5053, 5163, 5073
FIRST, SECOND = 5203, 5213
OUTER, PATH = "5083", "5083.5093"
"""The marks: of a layer of the network, and of one within another."""

SMALL = 7, 3
"""A unit and a source of one digit: their numbers may stand beside each other."""

HOLES = {
    UNIT + 1: "unit",
    UNIT: "unit0",
    SOURCE + 1: "source",
    SOURCE: "source0",
    NUMBER: "number",
    HIDDEN: "hidden",
    PLACE + 2: "layer",
    LAST + 2: "layer",
    LAST - PLACE: "back",
    LAST + 1: "depth",
    FIRST: "first0",
    SECOND: "second0",
    EXAMPLE: "example",
    EXAMPLE - 1: "example0",
}
PATHS = {"5083][5093": "path]", "5083_5093": "path_", PATH: "path", OUTER: "path"}


class _AnyPlaces:
    """Where the units of any network stand: its answers are marks."""

    last, ends = LAST, (LAST,)

    def __init__(
        self, leaf: str = "", entry: tuple[int, ...] = (), path: str = PATH, source: int = PLACE
    ) -> None:
        self._leaf, self.path = (leaf, entry), path
        self.layers, self.sources = self, (source,)

    def __getitem__(self, layer: int) -> Any:
        return self

    def twin(self, layer: int) -> int:
        return layer

    def shared_by(self, key: Key) -> int:
        return 0

    def number(self, key: Key) -> int:
        return NUMBER

    def leaf(self, key: Key) -> tuple[str, tuple[int, ...]]:
        return self._leaf

    def unit(self, layer: int, j: int) -> str:
        if layer < 0:
            return f"i{j + 1}"
        return f"o{j + 1}" if layer == LAST else f"h{HIDDEN}"


WHERE = {"inputs": -1, "hidden": PLACE, "outputs": LAST}


def name_patterns(
    parameters: Collection[tuple[str, int]],
    letters: Collection[str],
    own: Collection[tuple[str, str]],
) -> dict[str, Any]:
    """Return each convention's names of keys of every kind, by a word for what the key is.

    `parameters` have so many axes. `own` are the letters of layers, each with what it is of: a
    `unit`, an `input`, or the whole `layer`.
    Where a word has no name of its own, that of the outputs is as that of hidden units, of a weight
    far along as of one before, and a letter as in the first convention. How tightly a name holds
    together stands last where that is not as a letter does; code has no MathML of its own.

    >>> name_patterns([], [], [])["mazur"]["w hidden"]
    ['w{number}', '<msub><mi>w</mi><mn>{number}</mn></msub>']
    """
    found: dict[str, Any] = {}
    for title, notation in NOTATIONS.items():
        made: dict[str, Any] = {}
        for word, key, at in _asked(parameters, letters, own):
            if "mixed" in word and notation.title != "PyTorch":
                continue  # their names have no entry
            pattern = _pattern(key, at, notation)
            first = found.get(next(iter(NOTATIONS)), {})
            if pattern != _known(word, first if key.kind == "letter" else made):
                made[word] = pattern
        found[title] = made
    return found


def _known(word: str, names: dict[str, Any]) -> list[Any] | None:
    """What is found by a word that has no name of its own."""
    near = re.sub(" far| within", "", word)
    for other in (word.replace("outputs", "hidden"), near, near.replace("outputs", "hidden")):
        if other in names:
            parts = (
                re.sub(BACK, "", part) if isinstance(part, str) else part for part in names[other]
            )
            return [*parts] if "outputs" in word else names[other]
    return names.get(word)


BACK = "⟦.*?⟧"
"""What is written only where a layer is not the last one."""


def _asked(
    parameters: Collection[tuple[str, int]],
    letters: Collection[str],
    own: Collection[tuple[str, str]],
) -> Iterator[tuple[str, Key, Any]]:
    """Every kind of key: the word that it is found by, the key, and where its units stand."""
    for where, layer in WHERE.items():
        for kind in KINDS[where]:
            key = Key(kind, layer, UNIT)
            yield f"{kind} {where}", key, _AnyPlaces()
            if kind in (*OF_OTHERS, "loss"):
                yield f"{kind} {where} of", key._replace(example=EXAMPLE), _AnyPlaces()
        for text, of in own if layer >= 0 else ():
            yield from _of_layer(where, layer, text, of)
        if layer >= 0:
            yield from _parameters(where, layer, parameters)
    for kind in ("C", "L"):
        yield kind, Key(kind), _AnyPlaces()
    for kind in ("C", "S"):
        yield f"{kind} of", Key(kind, example=EXAMPLE), _AnyPlaces()
    for letter in letters:
        yield f"letter {letter}", Key("letter", text=letter), _AnyPlaces()
    yield "letter t of", Key("letter", 1, UNIT, text="t"), _AnyPlaces()


def _of_layer(where: str, layer: int, text: str, of: str) -> Iterator[tuple[str, Key, Any]]:
    """A letter of a layer."""
    key = Key("own", layer, UNIT if of == "unit" else -1, text=text)
    word = f"own {text} {where}"
    if of == "parameter":
        for entry, far in ((SMALL, ""), ((UNIT, SOURCE), " far")):
            owner = Key("parameter", layer, *entry, text="frequency")
            of_it = key._replace(of=(owner,))
            yield f"{word} of parameter{far}", of_it, _AnyPlaces("", entry)
    elif of == "input":
        key = key._replace(source=SOURCE + 1)
        yield f"{word} of one before", key, _AnyPlaces()
        yield f"{word} of input", key, _AnyPlaces(source=-1)
    elif of == "layer":
        yield f"{word} all", key, _AnyPlaces(path=OUTER)
        yield f"{word} all within", key, _AnyPlaces()
    else:
        yield word, key, _AnyPlaces()
        yield f"{word} of", key._replace(example=EXAMPLE), _AnyPlaces()


KINDS: dict[str, tuple[str, ...]] = {
    "inputs": ("x", "kept"),
    "hidden": ("z", "a", "kept", "delta"),
    "outputs": ("z", "a", "kept", "delta", "y", "p", "loss"),
}


def _parameters(
    where: str, layer: int, others: Collection[tuple[str, int]]
) -> Iterator[tuple[str, Key, Any]]:
    found = [
        (f"w {where}", Key("w", layer, *SMALL), "W"),
        (f"w {where} far", Key("w", layer, UNIT, SOURCE), "W"),
        (f"b {where}", Key("b", layer, UNIT), "b"),
    ]
    for text, axes in others:
        kind, named = ("b", "") if text == "b" else ("parameter", text)
        if axes == 1:
            found.append((f"{text} {where}", Key(kind, layer, UNIT, text=named), text))
        else:
            near, far = (Key(kind, layer, *at, text=named) for at in (SMALL, (UNIT, SOURCE)))
            word = f"{text} pair {where}"
            found += [(word, near, text), (f"{word} far", far, text)]
    for word, key, leaf in found:
        entry = (key.unit, key.source) if key.source else (key.unit,)
        at = _AnyPlaces(f"{PATH}.{leaf}", entry)
        yield word, key, at
        if leaf == "W" and key.unit == UNIT:
            mixed = _AnyPlaces(f"{PATH}.W", (FIRST, SECOND, SOURCE))
            yield f"w {where} mixed", key, mixed
            yield f"w {where} mixed new", Key("new", of=(key,)), mixed
        if not leaf.startswith("running_"):
            yield f"{word} new", Key("new", of=(key,)), at


def _pattern(key: Key, at: Any, notation: Notation) -> list[Any]:
    name = name_of(key, at, notation)
    assert isinstance(name, Name)
    math, level = MathML().named(name)
    text = [_with_holes(each) for each in (Text().name(name), math)]
    own = text[:1] if name.code else text
    return own if level == Precedence.ATOM else [*own, int(level)]


def _with_holes(text: str) -> str:
    for mark, hole in PATHS.items():
        text = text.replace(mark, f"{{{hole}}}")
    few, programs = "".join(str(k + 1) for k in SMALL), ", ".join(map(str, SMALL))
    text = text.replace(f"[{programs}]", "[{unit0}, {source0}]")
    marks = {str(mark): hole for mark, hole in HOLES.items()} | {few: "unit}{source"}
    for mark, hole in marks.items():
        for raised, style in (
            (mark, ""),
            (mark.translate(UPPER), "^"),
            (mark.translate(LOWER), "_"),
        ):
            text = text.replace(raised, f"{{{hole}}}".replace("}", f"{style}}}"))
    return re.sub("⁻{back.}|<mo>−</mo><mn>{back}</mn>", r"⟦\g<0>⟧", text)
