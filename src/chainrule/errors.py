"""How Chainrule refuses: messages that name the thing, what it must be, what came, and the fix."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable
from typing import Any


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ValueError:
    """Return the error for a name that no table holds, with the nearest known names.

    >>> print(unknown_name("activation", "sigmiod", ["sigmoid", "tanh"]))
    unknown activation 'sigmiod'; did you mean 'sigmoid'? Known: sigmoid, tanh
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=2)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    return ValueError(f"unknown {kind} {name!r}{hint} Known: {', '.join(known)}")


def check_number(
    what: str,
    value: Any,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    most: float = math.inf,
    below: float = math.inf,
) -> float:
    """Return `value` as a finite float that lies within the bounds, or say what is wrong with it.

    >>> check_number("Dropout: rate", 1.5, least=0, below=1)
    Traceback (most recent call last):
    ...
    ValueError: Dropout: rate must be a finite number >= 0 and < 1, got 1.5
    """
    bounds = [
        f"{sign} {bound:g}"
        for sign, bound in ((">", above), (">=", least), ("<=", most), ("<", below))
        if math.isfinite(bound)
    ]
    must = " ".join(["a finite number", " and ".join(bounds)]).rstrip()
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{what} must be {must}, got {value!r} of type {type(value).__name__}")
    number = float(value)
    inside = above < number < below and least <= number <= most
    if not (math.isfinite(number) and inside):
        raise ValueError(f"{what} must be {must}, got {value!r}")
    return number


def check_whole(what: str, value: Any, *, least: int, below: int | None = None) -> int:
    """Return `value` as an int that is at least `least`, or say what is wrong with it.

    >>> check_whole("fit: epochs", 0, least=1)
    Traceback (most recent call last):
    ...
    ValueError: fit: epochs must be a whole number >= 1, got 0
    """
    must = f"a whole number >= {least}" + (f" and < {below}" if below is not None else "")
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{what} must be {must}, got {value!r} of type {type(value).__name__}")
    number = int(value)
    if number < least or (below is not None and number >= below):
        raise ValueError(f"{what} must be {must}, got {value!r}")
    return number


def check_finite(what: str, array: Any, xp: Any) -> None:
    """Raise if an array holds NaN or infinity, and say where the first one stands."""
    finite = xp.isfinite(array)
    if bool(xp.all(finite)):
        return
    flat = int(xp.argmax(xp.astype(~xp.reshape(finite, (-1,)), xp.uint8)))
    where: list[int] = []
    rest = flat
    for size in reversed(array.shape):
        rest, index = divmod(rest, size)
        where.insert(0, index)
    value = float(xp.reshape(array, (-1,))[flat])
    raise ValueError(
        f"{what} must be finite, got {value} at {tuple(where)}; "
        "remove or impute such values before they reach the network"
    )


def check_weights(sample_weight: Any, n: int, dtype: Any, xp: Any) -> Any:
    """Return the weights of n examples as an array, or raise where they are not weights."""
    w = xp.astype(xp.asarray(sample_weight), dtype, copy=False)
    if w.shape != (n,):
        raise ValueError(
            f"sample_weight must hold one weight for each of the {n} examples, shape ({n},), "
            f"got {tuple(w.shape)}"
        )
    check_finite("sample_weight", w, xp)
    if bool(xp.any(w < 0)) or not bool(xp.any(w > 0)):
        raise ValueError(
            "sample_weight must hold weights >= 0, at least one of them > 0, got a smallest "
            f"of {float(xp.min(w)):g} and a largest of {float(xp.max(w)):g}"
        )
    return w
