"""Numbers, sizes and times as people read them."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """Return a number with the digits that tell, and separators.

    >>> number(0.123456), number(1234567.8), number(12.3456), number(-0.00001234), number(0)
    ('0.1235', '1,234,568', '12.35', '−1.234e−05', '0')
    """
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        text = f"{value:.3e}"
    elif size >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.4f}" if size < 1 else f"{value:.4g}"
    return ("0" if value == 0 else text).replace("-", "−")


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
