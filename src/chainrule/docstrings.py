"""Docstrings that take the words for a parameter from another, where they are written once."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def documented_by(*others: Any) -> Callable[[T], T]:
    """Fill the lines in braces of a docstring with what stands under that heading in others.

    `{X, y}` is one entry, `{Parameters}` a whole section, of several others one after the other.
    Raises KeyError for a heading that none has. Without docstrings, as under `python -OO`, nothing
    is done.

    >>> def area(width, height):
    ...     '''Return the area.
    ...
    ...     Parameters
    ...     ----------
    ...     width, height
    ...         The lengths of the sides.
    ...     '''
    >>> @documented_by(area)
    ... def volume(width, height, depth):
    ...     '''Return the volume.
    ...
    ...     Parameters
    ...     ----------
    ...     {width, height}
    ...     depth
    ...         How deep it is.
    ...     '''
    >>> print(inspect.getdoc(volume))
    Return the volume.
    <BLANKLINE>
    Parameters
    ----------
    width, height
        The lengths of the sides.
    depth
        How deep it is.
    """

    def fill(thing: T) -> T:
        if thing.__doc__ is not None:
            headed = _headed(others)
            thing.__doc__ = re.sub(
                r"^( *)\{(.+)\}$",
                lambda place: textwrap.indent(headed[place[2]], place[1]),
                thing.__doc__,
                flags=re.MULTILINE,
            )
        return thing

    return fill


def _headed(others: tuple[Any, ...]) -> dict[str, str]:
    """Return sections by their titles, without these, and their entries by their first lines."""
    found: dict[str, str] = {}
    for other in others:
        parts = re.split(r"^(\w+)\n-+\n", inspect.getdoc(other) or "", flags=re.MULTILINE)
        for title, section in zip(parts[1::2], map(str.strip, parts[2::2]), strict=True):
            found[title] = f"{found[title]}\n{section}" if title in found else section
            for entry in re.split(r"^(?=\S)", section, flags=re.MULTILINE)[1:]:
                found.setdefault(entry.partition("\n")[0], entry.rstrip())
    return found
