"""How Chainrule refuses: messages that name the thing, what it must be, what came, and the fix."""

from __future__ import annotations

import difflib
import math
import numbers
import operator
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj

from chainrule.synonyms import meant

MOST_KNOWN = 50
"""The most known names that a message lists."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """Return the error for a name that no table holds, with the nearest known names, and some more.

    >>> print(unknown_name("activation", "sigmiod", ["sigmoid", "tanh"]))
    unknown activation 'sigmiod'; did you mean 'sigmoid'? Known: sigmoid, tanh
    """
    known = sorted(known)
    rest = f", … and {len(known) - MOST_KNOWN:,} more" if len(known) > MOST_KNOWN else ""
    asked = did_you_mean(name, known, most=2)
    return ValueError(f"unknown {kind} {asked} Known: {', '.join(known[:MOST_KNOWN])}{rest}")


def did_you_mean(name: str, known: Iterable[str], *, most: int) -> str:
    r"""Return a name and the nearest known ones, for a message; upper case tells nothing.

    Where names look the same, they are written so that one sees how they differ.

    >>> print(did_you_mean("ReLU", ["elu", "relu"], most=2))
    'ReLU'; did you mean 'relu'?
    >>> print(did_you_mean("swish", ["silu", "tanh"], most=2))
    'swish'; did you mean 'silu'?
    >>> print(did_you_mean("né", ["né"], most=1))
    'n\xe9'; did you mean 'ne\u0301'?
    """
    known = list(known)
    folded = {look(each).casefold(): each for each in reversed(known)}
    asked = look(name).casefold()
    keys = [asked] if asked in folded else difflib.get_close_matches(asked, folded, n=most)
    near = (asked not in folded and meant(name, known)[:most]) or [folded[key] for key in keys]
    write = ascii if look(name) in map(look, near) else repr
    hint = f"; did you mean {' or '.join(map(write, near))}?" if near else "."
    return write(name) + hint


def look(name: str) -> str:
    """Return what one sees of a name, whichever characters write it.

    >>> look(" 5\\u00a0kg\\u200b") == look("5 kg")
    True
    """
    seen = unicodedata.normalize("NFKC", name)
    return " ".join("".join(c for c in seen if unicodedata.category(c) != "Cf").split())


def argument(name: str, value: Any = ...) -> str:
    """Return an argument as messages name it, in backticks: the command reads it as its option.

    >>> print(argument("leave_out", ["id"]), argument("groups"))
    `leave_out=['id']` `groups=`
    """
    written = "" if value is ... else repr(value).replace("`", r"\x60")
    return f"`{name}={written}`"


STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""The characters that steer a terminal or its lines, or turn the direction of writing, and halves
of pairs, which no stream takes; not the end of a line and the tabulator."""


def escaped(text: str) -> str:
    r"""Return a text for a terminal: what steers is written out, as JSON and TOML write it.

    >>> print(escaped("a\x1b[31m\tb\u202e"))
    a\u001b[31m  b\u202e
    """
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def bare(text: str) -> str:
    r"""Return text without quotes, and without the characters that only steer a terminal.

    >>> bare("size\x1b[31m")
    'size\\x1b[31m'
    """
    return text if text.isprintable() else repr(text)[1:-1]


def on_one_line(text: str) -> str:
    r"""Return a text as `escaped` does, on one line.

    >>> print(on_one_line("a\nb"))
    a\nb
    """
    return escaped(text).replace("\n", r"\n").replace("\t", r"\t")


class FileContentError(ValueError):
    r"""An error made of what a file holds: whatever that is, it is told on one line.

    >>> print(FileContentError("unknown name 'a\x1b[2J\n'"))
    unknown name 'a\u001b[2J\n'
    """

    def __init__(self, message: str) -> None:
        super().__init__(_cut(on_one_line(message)))


def _cut(message: str) -> str:
    """Return a message with its middle left out where it is longer than anyone reads."""
    return message if len(message) <= 2_000 else f"{message[:1_400]} … {message[-400:]}"


def check_predicted(predicted: Any, *, first: int = 1) -> None:
    """Raise FloatingPointError where a prediction (n, …) is not finite, with its row.

    `first` is the number of the first row.

    >>> check_predicted(np.array([[0.5], [np.nan]]), first=100)
    Traceback (most recent call last):
    ...
    FloatingPointError: the prediction of row 101 is not finite, got nan: its inputs or the \
parameters are too large
    """
    xp = array_namespace(predicted)
    finite = xp.isfinite(predicted)
    if bool(xp.all(finite)):
        return
    flat, width = xp.reshape(predicted, (-1,)), math.prod(predicted.shape[1:])
    place = int(xp.argmax(xp.astype(~xp.reshape(finite, (-1,)), xp.uint8)))
    raise FloatingPointError(
        f"the prediction of row {first + place // width:,} is not finite, got "
        f"{float(flat[place])}: its inputs or the parameters are too large"
    )


SIGNS: dict[str, tuple[str, Callable[[Any, Any], bool]]] = {
    "above": (">", operator.gt),
    "least": (">=", operator.ge),
    "most": ("<=", operator.le),
    "below": ("<", operator.lt),
}
"""The bounds of a number: how they are written, and whether a number is within."""


def number_in_words(kind: type, bounds: Mapping[str, Any]) -> str:
    """Return what a number must be: an int, or a float, within bounds.

    >>> number_in_words(float, {"least": 0, "below": 1}), number_in_words(int, {"least": 1})
    ('a finite number >= 0 and < 1', 'a whole number >= 1')
    """
    noun, form = ("a whole number", "") if kind is int else ("a finite number", "g")
    said = [f"{sign} {bounds[name]:{form}}" for name, (sign, _) in SIGNS.items() if name in bounds]
    return " ".join([noun, " and ".join(said)]).rstrip()


def is_number(value: Any, kind: type) -> bool:
    """Whether a value is a number, an int or a float of any library; True is none.

    >>> is_number(np.float32(2), float), is_number(2.0, int), is_number(True, int)
    (True, False, False)
    """
    if type(value) is kind:  # as nearly all are, and the question below takes long
        return True
    of = numbers.Integral if kind is int else numbers.Real
    return isinstance(value, of) and not isinstance(value, bool)


def _checked_number(what: str, value: Any, kind: type, bounds: Mapping[str, Any]) -> Any:
    if not is_number(value, kind):
        must = number_in_words(kind, bounds)
        raise TypeError(f"{what} must be {must}, got {value!r} of type {type(value).__name__}")
    return number_within(what, value, kind, bounds)


def number_within(what: str, value: Any, kind: type, bounds: Mapping[str, Any]) -> Any:
    """Return a number as an int or a finite float; raise ValueError where it is out of its bounds.

    >>> number_within("rate", np.float32(0.5), float, {"least": 0})
    0.5
    """
    try:
        number = kind(value)
    except OverflowError:
        number = math.inf
    inside = all(SIGNS[name][1](number, bound) for name, bound in bounds.items())
    if not inside or (kind is float and not math.isfinite(number)):
        raise ValueError(f"{what} must be {number_in_words(kind, bounds)}, got {value!r}")
    return number


def check_number(what: str, value: Any, **bounds: float) -> float:
    """Return `value` as a finite float that lies within the bounds, or say what is wrong with it.

    The bounds are `above`, `least`, `most` and `below`.

    >>> check_number("Dropout: rate", 1.5, least=0, below=1)
    Traceback (most recent call last):
    ...
    ValueError: Dropout: rate must be a finite number >= 0 and < 1, got 1.5
    """
    number: float = _checked_number(what, value, float, bounds)
    return number


def check_whole(what: str, value: Any, **bounds: int | None) -> int:
    """Return `value` as an int that lies within the bounds, or say what is wrong with it.

    >>> check_whole("fit: epochs", 0, least=1)
    Traceback (most recent call last):
    ...
    ValueError: fit: epochs must be a whole number >= 1, got 0
    """
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    number: int = _checked_number(what, value, int, given)
    return number


def as_numbers(what: str, given: Any) -> Any:
    """Return an array of numbers: one of any library as it is, anything else as NumPy's.

    >>> as_numbers("X", [[1, 2], [3]])
    Traceback (most recent call last):
    ...
    ValueError: X must be an array of numbers, got rows of different lengths
    """
    if is_array_api_obj(given) and not isinstance(given, np.ndarray):
        return given
    if hasattr(given, "toarray"):
        raise TypeError(
            f"{what} must be an array of numbers, got a sparse array; write its zeros out by "
            ".toarray()"
        )
    try:
        array = np.asarray(given)
    except ValueError:
        raise ValueError(
            f"{what} must be an array of numbers, got rows of different lengths"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{what} must be an array of numbers, got dtype {array.dtype}{_objects(array)}, and "
            "keep integers within 64 bits"
        )
    check_unmasked(what, given)
    return array


def _objects(array: Any) -> str:
    """Return which entry of an array is no number, where it holds objects, and what to do."""
    if array.dtype == object:
        for place, entry in np.ndenumerate(array):
            if not isinstance(entry, numbers.Real):
                return f" with {on_one_line(repr(entry)):.60} at {place}; encode text as numbers"
        return "; convert it by .astype(float) or .astype(int)"
    return "; encode text as numbers"


def check_unmasked(what: str, given: Any) -> None:
    """Raise ValueError for a masked array that hides values: what is behind a mask is no number.

    >>> check_unmasked("X", np.ma.masked_equal([[1.0], [-999.0]], -999.0))
    Traceback (most recent call last):
    ...
    ValueError: X must have no masked values, got one at (1, 0); remove or impute such values
    """
    if isinstance(given, np.ma.MaskedArray) and given.mask.any():
        place = tuple(map(int, np.argwhere(np.ma.getmaskarray(given))[0]))
        raise ValueError(
            f"{what} must have no masked values, got one at {place}; remove or impute such values"
        )


def finite(
    what: str,
    array: Any,
    dtype: Any,
    xp: Any,
    *,
    fix: str = "remove or impute such values",
    place: Callable[[int], tuple[int, ...]] | None = None,
) -> Any:
    """Return an array in a floating dtype, or say where the first value that is not finite stands.

    Value k stands where `place` says, or in the array.

    >>> finite("X", np.array([1.0, np.nan]), np.float32, np)
    Traceback (most recent call last):
    ...
    ValueError: X must be finite, got nan at (1,); remove or impute such values
    """
    with np.errstate(over="ignore", invalid="ignore"):
        new = xp.astype(array, dtype, copy=False)
        total = xp.sum(new)  # finite only if all of it is, and it takes no array of its own
    if bool(xp.isfinite(total)) or bool(xp.all(xp.isfinite(new))):
        return new
    first = int(xp.argmax(xp.astype(~xp.isfinite(xp.reshape(new, (-1,))), xp.uint8)))
    where = place(first) if place else tuple(map(int, np.unravel_index(first, tuple(new.shape))))
    value = float(xp.reshape(array, (-1,))[first])
    if math.isfinite(value):
        raise ValueError(
            f"{what} must fit into {dtype}, got {value:g} at {where}; scale it, or take parameters "
            "in float64"
        )
    raise ValueError(f"{what} must be finite, got {value} at {where}; {fix}")


def shown(value: Any) -> str:
    """Return a value on one short line, or its type where that takes more.

    >>> shown(0.5), shown("x" * 100)
    ('0.5', 'str')
    """
    text = repr(value)
    return text if len(text) <= 60 and "\n" not in text else type(value).__name__


def as_list(where: str, of: str, given: Any) -> list[Any]:
    """Return what was given as a list; raise TypeError where it is none, or a text.

    >>> as_list("fit: freeze", "patterns of names", "*.b")
    Traceback (most recent call last):
    ...
    TypeError: fit: freeze must be a list of patterns of names, got '*.b'
    """
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"{where} must be a list of {of}, got {given!r}")
    return list(given)


def as_functions(where: str, of: str, given: Any) -> list[Any]:
    """Return the functions that were given as a list; raise TypeError for what is none.

    >>> as_functions("fit: callbacks", "a History", [print, 3])
    Traceback (most recent call last):
    ...
    TypeError: fit: callbacks must hold functions of a History, got 3
    """
    found = as_list(where, f"functions of {of}", given)
    for each in found:
        if not callable(each):
            raise TypeError(f"{where} must hold functions of {of}, got {each!r}")
    return found


def check_weights(
    sample_weight: Any,
    n: int,
    dtype: Any,
    xp: Any,
    *,
    what: str = "sample_weight",
    whole: bool = True,
) -> Any:
    """Return the weights of n examples as an array, or raise where they are not weights.

    A part of the examples may have weights of 0 only, the whole may not.
    """
    w = xp.asarray(as_numbers(what, sample_weight))
    if w.shape != (n,):
        raise ValueError(
            f"{what} must hold one weight for each of the {n} examples, shape ({n},), "
            f"got {tuple(w.shape)}"
        )
    w = finite(what, w, dtype, xp)
    lowest = int(xp.argmin(w))
    if float(w[lowest]) < 0:
        raise ValueError(f"{what} must hold weights >= 0, got {float(w[lowest]):g} at ({lowest},)")
    if whole and not bool(xp.any(w > 0)):
        raise ValueError(f"{what} must hold at least one weight above zero, got only zeros")
    return w
