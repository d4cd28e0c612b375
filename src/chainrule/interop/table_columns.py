"""A table's columns as the inputs of a graph, which prepares them as training did.

x       (n,)      a column: numbers, microseconds since 1970, words, or texts
parts   (n, k)    its features, float32

`transform` of a preparation is the truth: tests hold the two together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from chainrule.interop.onnx_arrays import XP, Graph, Rows, Traced
from chainrule.tabular.encoding.column_encoders import (
    CYCLES,
    CategoryEncoder,
    DateEncoder,
    NumberEncoder,
    RankEncoder,
)
from chainrule.tabular.encoding.held_outliers import LIMIT, SOFT
from chainrule.tabular.encoding.many_categories import ManyEncoder
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.encoding.text_encoder import TextEncoder
from chainrule.tabular.formats.column_values import DAYS, PARTS

UNSEEN, MISSING, BASE = -1, -2, -3
"""The codes of what is no category with a feature: no known one, none at all, and the base."""

DAY, MINUTE = PARTS["us"], PARTS["us"] // 1_440
"""Of how many microseconds they are."""


def prepared(
    what: str, graph: Graph, preparation: Preparation, *, whole: bool
) -> tuple[dict[str, Traced], Traced]:
    """Return the columns that a graph takes, by their names, and the features made of them.

    Raises ValueError for a column of text where operators are `whole`, those of ONNX.

    >>> age = NumberEncoder("age", centre=40.0, scale=10.0, missing=True, text=False)
    >>> inputs, X = prepared("to_onnx", Graph(), Preparation((age,)), whole=True)
    >>> inputs["age"].dtype, X.shape
    (dtype('float64'), (Rows(times=1), 2))
    """
    inputs: dict[str, Traced] = {}
    parts: list[Any] = []
    for encoder in preparation.encoders:
        if whole and isinstance(encoder, TextEncoder):
            raise ValueError(
                f"{what}: column {encoder.column!r} is text, which no operator of ONNX takes apart "
                "as training did; write a file of Python, which does, train with `leave_out=`, or "
                "predict by the model itself"
            )
        dtype, write = WRITERS[type(encoder)]
        x = Traced(graph, encoder.column, (Rows(),), np.dtype(dtype))
        parts += write(encoder, inputs.setdefault(encoder.column, x))
    if not parts:
        raise ValueError(f"{what}: the model takes no column of a table")
    return inputs, XP.concat(parts, axis=1)


def _standardised(x: Traced, centre: float, scale: float) -> Traced:
    """Numbers of some centre and scale, drawn in, (n, 1)."""
    return _drawn_in((x - centre) * (1 / scale))[:, None]


def _drawn_in(x: Traced) -> Traced:
    """Numbers about 0 in float32, with outliers drawn in, in the same shape."""
    z = XP.astype(XP.minimum(XP.maximum(x, -LIMIT), LIMIT), np.float32)
    root = z * (1 / SOFT)
    made: Traced = z / XP.sqrt(root * root + 1)
    return made


def _flag(is_so: Traced) -> Traced:
    """1 where something is so, and 0 elsewhere, (n, 1)."""
    made: Traced = XP.astype(is_so, np.float32)[:, None]
    return made


def _number(encoder: NumberEncoder, x: Traced) -> list[Traced]:
    finite = XP.abs(x) <= float(np.finfo(np.float64).max)  # NaN is not
    number = _standardised(XP.where(finite, x, encoder.centre), encoder.centre, encoder.scale)
    return [number, *([_flag(~finite)] if encoder.missing else [])]


def _date(encoder: DateEncoder, x: Traced) -> list[Traced]:
    first, last = DAYS[0] * DAY, (DAYS[1] + 1) * DAY
    known = (x >= first) & (x < last)
    moment = XP.where(known, x, np.int64(0))
    number = XP.where(known, XP.astype(moment, np.float64), encoder.centre)
    parts = [_standardised(number, encoder.centre, encoder.scale)]
    for cycle in encoder.cycles:
        place = XP.astype(PLACES[cycle](moment), np.float64) / UNITS.get(cycle, 1)
        angle = place * (2 * math.pi / CYCLES[cycle][0])
        waves = (XP.where(known, wave(angle), 0.0) for wave in (XP.sin, XP.cos))
        parts += [XP.astype(wave, np.float32)[:, None] for wave in waves]
    return [*parts, *([_flag(~known)] if encoder.missing else [])]


def _days(moment: Traced) -> Traced:
    """Days since 1970, also before it: a quotient is rounded towards 0."""
    return (moment - moment % DAY) / DAY


def _month(moment: Traced) -> Traced:
    """The month, from 0 for January.

    Source: Hinnant (2013), chrono-Compatible Low-Level Date Algorithms: eras of 146,097 days, and
    years that begin in March.
    """
    day = (_days(moment) + 719_468) % 146_097
    year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365
    of_year = day - (365 * year + year / 4 - year / 100)
    return ((5 * of_year + 2) / 153 + 2) % 12


PLACES: dict[str, Callable[[Traced], Traced]] = {
    "month": _month,
    "weekday": lambda moment: (_days(moment) + 3) % 7,
    "hour": lambda moment: moment % DAY / MINUTE,
}
"""Where in its cycle a moment stands, a whole number; of those of a day, minutes."""

UNITS = {"hour": 60}
"""By how much such a number is divided, where it is not 1."""


def _codes(x: Traced, known: Iterable[tuple[str, int]]) -> Traced:
    """The code of each word; what is missing is "", unless that is a word that is known."""
    codes = dict(known)
    for word, code in list(codes.items()):
        for way in _ways(word):
            codes.setdefault(way, code)
    codes.setdefault("", MISSING)
    return x.graph.add(
        "LabelEncoder",
        x,
        dtype=np.int64,
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=UNSEEN,
    )


def _ways(word: str) -> Iterator[str]:
    """In which other ways a word is written: Booleans as Python has them, whole numbers as floats.

    >>> list(_ways("true")), list(_ways("3"))
    (['True'], ['3.0'])
    """
    if word in ("true", "false"):
        yield word.capitalize()
    if re.fullmatch(r"-?(0|[1-9]\d*)", word):
        yield f"{word}.0"


def _among(codes: Traced, of: list[int]) -> Traced:
    """1 for the code that it is of some, (n, codes)."""
    made: Traced = XP.astype(XP.equal(codes[:, None], np.array([of])), np.float32)
    return made


def _category(encoder: CategoryEncoder, x: Traced) -> list[Traced]:
    known = [(word, k) for k, word in enumerate(encoder.categories)]
    base = [] if encoder.base is None else [(encoder.base, BASE)]
    of = [*range(len(known)), *[UNSEEN] * encoder.other, *[MISSING] * encoder.missing]
    return [_among(_codes(x, [*known, *base]), of)]


def _many(encoder: ManyEncoder, x: Traced) -> list[Traced]:
    count, names = len(encoder.categories), len(encoder.names)
    codes = _codes(x, ((word, k) for k, word in enumerate(encoder.categories)))
    parts = []
    if names:
        means = np.array(encoder.means, np.float32).reshape(names, count).T
        table = np.concatenate([means, np.zeros((1, names), np.float32)])
        parts.append(XP.take(table, XP.where(codes >= 0, codes, np.int64(count)), axis=0))
    if encoder.vectors:
        has_one = (codes >= 0) & (codes < encoder.vectors)
        level = XP.where(has_one, codes, np.int64(UNSEEN))
        parts.append(XP.astype(level, np.float32)[:, None])
    return [*parts, *([_among(codes, [MISSING])] if encoder.missing else [])]


def _rank(encoder: RankEncoder, x: Traced) -> list[Traced]:
    codes = _codes(x, ((word, k) for k, word in enumerate(encoder.order)))
    rank = XP.where(codes >= 0, XP.astype(codes, np.float64), encoder.centre)
    return [_standardised(rank, encoder.centre, encoder.scale)]


def _text(encoder: TextEncoder, texts: Traced) -> list[Traced]:
    """Counts of the parts of words become weights (n, parts), and these x (n, components)."""
    parts, data = encoder.data.parts, encoder.data
    shape = (*texts.shape, len(parts))
    counts = texts.graph.add("TextParts", texts, shape=shape, dtype=np.float64, parts=parts)
    weights = (1 + XP.log(XP.maximum(counts, 1.0))) * encoder.idf
    w = XP.where(counts > 0, weights, 0.0)
    squares = XP.sum(w * w, axis=1, keepdims=True)
    x = (w @ encoder.V) / XP.sqrt(XP.where(squares > 0, squares, 1.0))
    none = texts.graph.add("IsNone", texts, dtype=np.bool_)
    apart = XP.where(none[:, None], 0.0, x - np.array(data.centres))
    return [_drawn_in(apart * (1 / data.scale)), *([_flag(none)] if data.missing else [])]


TEXTS = np.dtype("U1")
"""The type of a column of texts, of which some may be None, as no word may."""

WRITERS: dict[type, tuple[Any, Callable[[Any, Traced], list[Traced]]]] = {
    NumberEncoder: (np.float64, _number),
    DateEncoder: (np.int64, _date),
    CategoryEncoder: (object, _category),
    ManyEncoder: (object, _many),
    RankEncoder: (object, _rank),
    TextEncoder: (TEXTS, _text),
}
"""The kinds of column, with the type of what enters and what is made of it."""
