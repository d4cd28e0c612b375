"""A TOML file as it is read key by key, with errors that name file and line."""

from __future__ import annotations

import functools
import operator
import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np

from chainrule.errors import check_number
from chainrule.regular_files import read_regular
from chainrule.trees import Array
from chainrule.value_types import read

MOST = 64 * 2**20
"""The most bytes of a file."""

HINTS = {
    r"(?<![\w.])\.\d": "a number needs a digit before its point, such as 0.5",
    r"\d\.(?!\d)": "a number needs a digit behind its point, such as 1.0",
    r"[\u2012-\u2015\u2212] *[\d.]": "a minus is written -",
    r"[\u2018-\u201f\u00ab\u00bb]": 'quotes are written "',
    r"\d */ *\d": "a fraction is written as a number, such as 0.5",
    r"\b(True|False)\b": "true and false are in lower case",
    r"\b(None|null)\b": "a key without a value is left out",
    r"^ *[\w.-]+ *:": "between a key and its value stands =",
    r"[^\S \t\r]": "a blank here is another space than that of the keyboard",
    r"= *(?!(true|false|inf|nan)\b)[A-Za-z]": "a word stands in quotes",
}
"""What is often meant by what is no TOML: patterns of a line, and what to write."""


_ENTRY = re.compile(r"(\w+)\[(\d+)\]\.?")


class TomlFile:
    """The keys of a text in TOML, `given`, and what checks them.

    Every error is a ValueError whose message begins with the file and, where the key stands in it,
    the line: `network.toml:12: …`.

    >>> TomlFile("network.toml", "# sizes\\nlayers = [2, 2]").error("layers", "too few")
    ValueError('network.toml:2: too few')
    """

    name: str
    text: str

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        try:
            self.given: dict[str, Any] = tomllib.loads(text)
        except RecursionError:
            raise ValueError(f"{name}: nested too deeply") from None
        except ValueError as error:
            raise self._not_toml(str(error)) from None

    @classmethod
    def read(cls, path: str | Path, name: str) -> Self:
        """Return what is in a file, which errors call so.

        Raises OSError where it cannot be read, and ValueError for what is no text of that size.
        """
        try:
            return cls(name, read_regular(path, MOST).decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise ValueError(f"{name}: is not UTF-8: it must be text in UTF-8") from None

    def _not_toml(self, message: str) -> ValueError:
        lines = self.text.splitlines() or [""]
        found = re.search(r" \(at line (\d+), column \d+\)", message)
        number = int(found[1]) if found else len(lines)
        reason = message[: found.start()] if found else message
        line = lines[min(number, len(lines)) - 1].partition("#")[0]
        if reason.startswith("Cannot overwrite a value"):
            reason = (
                f"cannot overwrite a value: the key {line.partition('=')[0].strip()!r} stands twice"
            )
        hints = [hint for pattern, hint in HINTS.items() if re.search(pattern, line)]
        reason = "; ".join([reason, *hints[:1]])
        return ValueError(f"{self.name}:{number}: {reason[:1].lower()}{reason[1:]}")

    def line(self, key: str) -> str:
        """Return ":12" where a key stands in line 12 of the text.

        >>> TomlFile("network.toml", "[[layers]]\\n[[layers]]\\nunits = 0").line("layers[1].units")
        ':3'
        """
        start, text, key = self._section(key)
        first, _, inner = key.partition(".")
        pattern = rf"^[ \t]*\[*[ \t]*[\"']?{re.escape(first)}[\"']?[ \t]*[=.\]]"
        found = re.search(pattern, text, re.MULTILINE) if first else None
        if found is None:
            return f":{self.text.count(chr(10), 0, start) + 1}" if start else ""
        start += found.end() - 1
        if inner and (nested := re.search(rf"\b{re.escape(inner)}\b", self.text[start:])):
            start += nested.start()
        return f":{self.text.count(chr(10), 0, start) + 1}"

    def _section(self, key: str) -> tuple[int, str, str]:
        """Where the table `[[layers]]` of a key such as `layers[1].units` begins, its text, and the
        rest of the key; the whole text for any other, and where the tables stand in one line."""
        start, end, name = 0, len(self.text), ""
        while found := _ENTRY.match(key):
            name += (r"[ \t]*\.[ \t]*" if name else "") + re.escape(found[1])
            heads = re.compile(rf"^[ \t]*\[\[[ \t]*{name}[ \t]*\]\]", re.MULTILINE)
            places = [head.end() for head in heads.finditer(self.text, start, end)]
            if int(found[2]) >= len(places):
                return start, self.text[start:end], found[1]
            end = [*places, end][int(found[2]) + 1]
            start, key = places[int(found[2])], key[found.end() :]
        return start, self.text[start:end], key

    def error(self, key: str, message: object) -> ValueError:
        """Return the error of what stands under a key."""
        return ValueError(f"{self.name}{self.line(key)}: {message}")

    @contextmanager
    def at(self, key: str) -> Iterator[None]:
        """Put file and line before the message of an error."""
        try:
            yield
        except (TypeError, ValueError) as error:
            raise self.error(key, str(error).removeprefix("explain: ")) from None

    def value(self, key: str, annotation: Any, default: Any = None) -> Any:
        """Return what stands under a key, as its type has it; the default where it is left out."""
        if key not in self.given:
            return default
        with self.at(key):
            return read(self.given[key], annotation, key)

    def one_of(self, *keys: str) -> str | None:
        """Return the one key of several that is given, if any is."""
        given = [key for key in keys if key in self.given]
        if len(given) > 1:
            raise self.error(given[1], f"{given[0]} and {given[1]} exclude each other")
        return given[0] if given else None

    def array(self, key: str, what: str, given: Any, shape: tuple[int, ...], of: str) -> Array:
        """Return nested lists of finite numbers as an array of a shape; `of` says what they are."""
        got = shape_of(given)
        if got != shape:
            found = "lists of different lengths" if got is None else f"shape {got}"
            found = found if isinstance(given, list) else repr(given)
            raise self.error(key, f"{what} must have shape {shape}, {of}; got {found}")
        numbers = np.empty(shape)
        with self.at(key):
            for index in np.ndindex(*shape):
                place = what + "".join(f"[{k}]" for k in index)
                entry = functools.reduce(operator.getitem, index, given)
                numbers[index] = check_number(place, entry)
        return numbers

    def strings(self, key: str, given: Any) -> tuple[str, ...]:
        """Return a list of strings."""
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise self.error(key, f"{key} must be a list of words in quotes, got {given!r}")
        return tuple(given)


def shape_of(given: Any) -> tuple[int, ...] | None:
    """Return the shape of nested lists; None where they differ in length.

    >>> shape_of([[1, 2], [3, 4]]), shape_of([[1], []])
    ((2, 2), None)
    """
    if not isinstance(given, list):
        return ()
    shapes = {shape_of(part) for part in given}
    if not shapes:
        return (0,)
    (shape, *others) = shapes
    return None if others or shape is None else (len(given), *shape)
