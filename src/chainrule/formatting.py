"""Numbers, sizes and times as people read them, on a terminal and on a page.

Formulas are another matter: `explanation.printed_digits` says how many digits make a line true.
"""

from __future__ import annotations

import math

import numpy as np

NONE = "–"
"""What stands for a number that there is not: None or NaN."""

MOST = 1e15
"""From here on doubles are too far apart for all digits to be written."""


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with so many digits, and separators between thousands.

    Whole numbers have all their digits, as has what stands before a point.

    >>> number(1234567), number(-1234.5), number(-1234.5, digits=6), number(12.3456)
    ('1,234,567', '−1,234', '−1,234.5', '12.35')
    >>> number(0.5), number(-0.00001234), number(1e15), number(-math.inf), number(None)
    ('0.5', '−1.234e−05', '1e+15', '−∞', '–')
    """
    if value is None or math.isnan(value):
        return NONE
    if isinstance(value, int | np.integer):
        text = f"{value:,}"
    elif math.isinf(value):
        text = "∞" if value > 0 else "-∞"
    elif 10 ** (digits - 1) <= abs(value) < MOST:
        text = f"{value:,.0f}"
    else:
        text = f"{value:z,.{digits}g}"
    return text.replace("-", "−")


def decimals(value: float | None, places: int) -> str:
    """Return a number with so many decimals.

    >>> decimals(-1234.5, 3), decimals(-0.00001, 4), decimals(math.nan, 4)
    ('−1,234.500', '0.0000', '–')
    """
    if value is None or math.isnan(value):
        return NONE
    return f"{value:z,.{places}f}".replace("-", "−")


def duration(seconds: float) -> str:
    """Return a time.

    >>> duration(0.0123), duration(9.96), duration(75), duration(7500)
    ('0.012 s', '10 s', '1 min 15 s', '2 h 05 min')
    """
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def roughly(seconds: float) -> str:
    """Return a time that nobody knows exactly.

    >>> roughly(0.2), roughly(12.3), roughly(200), roughly(9000)
    ('1 s', '13 s', '3 min', '2.5 h')
    """
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """Return a number of bytes.

    >>> size(512), size(85_300), size(2_000_000_000)
    ('512 bytes', '85.3 kB', '2 GB')
    """
    if count < 1000:
        return f"{count} bytes"
    power = min(4, (len(str(count)) - 1) // 3)
    return f"{count / 1000**power:.3g} {' kMGT'[power]}B"


def counted(count: int, noun: str) -> str:
    """Return a number of things.

    >>> counted(1, "row"), counted(20_640, "row")
    ('1 row', '20,640 rows')
    """
    return f"{count:,} {noun}" + "s" * (count != 1)
