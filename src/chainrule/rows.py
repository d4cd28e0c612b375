"""What the tables of activations and losses share: names with parameters, and a check of new rows.

A row's full name carries its parameters, `huber(0.5)`, so that a string specifies it whole.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import unknown_name

Row = TypeVar("Row")
_FULL_NAME = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*")


def full_name(name: str, parameters: tuple[float, ...]) -> str:
    """Return the string that specifies a row: its name, and its parameters if it has any.

    >>> full_name("huber", (0.5,))
    'huber(0.5)'
    """
    if not parameters:
        return name
    return f"{name}({', '.join(repr(p).removesuffix('.0') for p in parameters)})"


def latex_number(number: float) -> str:
    r"""Return a number in LaTeX, whole and without an e.

    >>> print(latex_number(0.2), latex_number(1.0), latex_number(1e-5))
    0.2 1 10^{-5}
    """
    text = repr(number).removesuffix(".0")
    digits, _, power = text.partition("e")
    if not power:
        return text
    times = "" if digits == "1" else digits + r" \cdot "
    return f"{times}10^{{{int(power)}}}"


def find_row(
    kind: str, text: str, rows: Mapping[str, Row], families: Mapping[str, Callable[..., Row]]
) -> Row:
    """Return the row that a full name specifies, making it where the name carries parameters."""
    match = _FULL_NAME.fullmatch(text)
    name, arguments = match.groups() if match else (text, None)
    if name not in rows:
        raise unknown_name(kind, name, rows)
    if arguments is None:
        return rows[name]
    if name not in families:
        raise ValueError(f"{kind} {name!r} takes no parameter, got {text!r}; write {name!r}")
    try:
        values = [float(argument) for argument in arguments.split(",")]
    except ValueError:
        raise ValueError(
            f"{kind} {text!r}: each parameter is a number such as 0.5, and a comma parts them"
        ) from None
    try:
        inspect.signature(families[name]).bind(*values)
    except TypeError:
        takes = ", ".join(inspect.signature(families[name]).parameters)
        raise ValueError(
            f"{kind} {text!r}: {name} takes {takes}, got {len(values)} numbers; the decimals of a "
            "number stand behind a point, and a comma parts numbers"
        ) from None
    try:
        return families[name](*values)
    except ValueError as error:
        raise ValueError(f"{kind} {text!r}: {error}") from None


def check_derivative(
    what: str,
    f: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    df: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    points: NDArray[np.float64],
) -> None:
    r"""Compare a derivative with central differences of its function, and raise where they differ.

    $$f'(z) \approx \frac{f(z + h) - f(z - h)}{2h},\qquad h = 10^{-5}$$

    `f` and `df` act on each element alone. Raises ValueError where they differ by more than 1e-6
    of the larger of 1 and the derivative.

    >>> check_derivative("square", lambda z: z * z, lambda z: 2 * z, np.array([1.0, 2.0]))
    """
    h = 1e-5
    values, given = _same_form(what, f, points), _same_form(what, df, points)
    if not (np.all(np.isfinite(values)) and np.all(np.isfinite(given))):
        bad = points[~(np.isfinite(values) & np.isfinite(given))][0]
        raise ValueError(f"{what}: value and derivative must be finite, they are not at {bad:g}")
    measured = (f(points + h) - f(points - h)) / (2 * h)
    if not np.all(np.isfinite(measured)):
        bad = points[~np.isfinite(measured)][0]
        raise ValueError(f"{what}: the value must be finite everywhere, it is not near {bad:g}")
    error = np.abs(measured - given) / np.maximum(1, np.abs(measured))
    k = int(np.argmax(error))
    if error.flat[k] > 1e-6:
        raise ValueError(
            f"{what}: the derivative at {points.flat[k]:.6g} must be {measured.flat[k]:.9g} by "
            f"central differences, got {given.flat[k]:.9g}; correct the derivative, or declare "
            "the kink if the function has one there"
        )


def check_columns(
    what: str,
    f: Callable[[NDArray[Any]], NDArray[Any]],
    df: Callable[[NDArray[Any]], NDArray[Any]],
    points: NDArray[np.float64],
) -> None:
    """Do the same where each row (o,) of the points has one value: vary an entry, the others held.

    `f` returns the values (n,) of rows (n, o), `df` their derivatives (n, o).

    >>> X = np.array([[1.0, 2.0], [3.0, 0.5]])
    >>> check_columns("entry", lambda x: x[:, 0] * x[:, 1], lambda x: x[:, ::-1], X)
    """

    def varied(t: NDArray[Any], k: int) -> NDArray[Any]:
        """The rows with t as entry k, in the dtype of t."""
        rows = points.astype(t.dtype)
        rows[:, k] = t
        return rows

    for k in range(points.shape[1]):
        check_derivative(
            f"{what} {k}",
            functools.partial(lambda k, t: f(varied(t, k)), k),
            functools.partial(lambda k, t: df(varied(t, k))[:, k], k),
            points[:, k],
        )


def _same_form(what: str, f: Callable[[Any], Any], points: NDArray[np.float64]) -> Any:
    for dtype in (np.float32, np.float64):
        value = f(points.astype(dtype))
        shape, got = getattr(value, "shape", ()), getattr(value, "dtype", type(value).__name__)
        if shape != points.shape or got != dtype:
            raise ValueError(
                f"{what}: must return an array of the shape and dtype that it gets, "
                f"{points.shape} of {np.dtype(dtype)}, got {shape} of {got}"
            )
    return value


def is_own(find: Callable[[str], Any], given: Any) -> bool:
    """Whether a row was made by the user and is not the table's, in which `find` looks.

    >>> from chainrule.activations import activation
    >>> is_own(activation, "tanh"), is_own(activation, activation("tanh"))
    (False, False)
    """
    if isinstance(given, str):
        return False
    try:
        return find(str(given)) is not given
    except ValueError:
        return True
