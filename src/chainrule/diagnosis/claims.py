"""Figures that somebody computed: which quantity of a network each is of, and what it prints.

| name | the quantity |
|---|---|
| `w5`, `b3`, `1.gamma[0]`, `x2` | the cost's derivative by it, as in `explain` |
| `dC/dw5`, `dE/dout_h1`, `∂E_total/∂net_o1` | the same, of units too |
| `dE_o1/dout_h1` | the derivative of what output o1 gives to the cost |
| `dout_o1/dnet_o1`, `dout_o1/dw5` | that of a unit |
| `h1`, `out_h1`, `net_h1` | what leaves a unit, and its weighted input |
| `delta_h1` | δ, the cost's derivative by its weighted input |
| `cost`, `C`, `E_total`, `E_o1` | the cost, and what output o1 gives to it |
| any of them and `+` | the same after the update: `w1+`, `cost+`, `out_o1+` |
| a unit's and `,2` | that of example 2: `out_h1,2` |

All names of parameters, units and inputs are read by `subjects.subject`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from chainrule.diagnosis.worked_rules import Pass, Seed, Worked
from chainrule.errors import shown
from chainrule.explanation.core_numbers import PlaceNumbers, at_path
from chainrule.explanation.notation import Key
from chainrule.explanation.subjects import ALL, COST, subject
from chainrule.explanation.unit_places import Places, is_parameter

SLACK = 1e-12
"""What the order of sums may change, as a share of a number."""

SINGLE = 2.0**-24
"""The share of a number that float32 rounds away, at most."""

_NUMBER = re.compile(
    r"[+\-\u2212]?(?:\d+(?:\.(\d*))?|\.(\d+))(?:[eE]([+\-\u2212]?\d{1,4}))?", re.ASCII
)
_COMMA = re.compile(r"[+\-\u2212]?\d*,\d+(?:[eE][+\-\u2212]?\d+)?", re.ASCII)
_COST = re.compile(r"(?:cost|[CE](?:_total)?)", re.ASCII)
_SHARE = re.compile(r"[CE]_(o[1-9]\d{0,17})", re.ASCII)
_RATIO = re.compile(r"[d∂](.+?)/[d∂](.+)")
_EXAMPLE = re.compile(r"(.*[ho]\d+(?:\(\d+\))?),([1-9]\d{0,17})", re.ASCII)


class Printed(NamedTuple):
    """A figure as it was printed: its text, its number, and what its last digit counts.

    >>> Printed.read("w5", "8.20e-2")
    Printed(text='8.20e-2', number=0.082, unit=0.0001)
    >>> Printed.read("w5", "0,082")
    Traceback (most recent call last):
    ...
    ValueError: find_mistake: the figure of w5 must have a decimal point, got '0,082'; write 0.082
    """

    text: str
    number: float
    unit: float

    @classmethod
    def read(cls, name: str, given: Any) -> Printed:
        """Return what is printed; raises TypeError or ValueError for what is no number."""
        what = f"find_mistake: the figure of {name} must"
        if isinstance(given, (bool, np.bool_)) or not isinstance(
            given, (str, int, float, np.integer, np.floating)
        ):
            raise TypeError(f"{what} be a number, as text with its digits, got {shown(given)}")
        text = given.strip() if isinstance(given, str) else str(given)
        if _COMMA.fullmatch(text):
            point = text.replace(",", ".")
            raise ValueError(f"{what} have a decimal point, got {text!r}; write {point}")
        found = _NUMBER.fullmatch(text)
        if not found:
            raise ValueError(f"{what} be a number such as 0.0821670 or 8.2e-2, got {text!r}")
        plain = text.replace("\u2212", "-")
        power = int((found[3] or "0").replace("\u2212", "-"))
        unit = Fraction(10) ** (power - len(found[1] or found[2] or ""))
        number = float(plain)
        if not (math.isfinite(number) and math.isfinite(float(unit)) and float(unit) > 0):
            raise ValueError(f"{what} be within the range of double precision, got {text!r}")
        return cls(text, number, float(unit))

    @property
    def digits(self) -> int:
        """How many significant digits are printed.

        >>> Printed.read("w5", "0.0821670").digits
        6
        """
        mantissa = re.split("[eE]", self.text)[0]
        return len(re.sub(r"\D", "", mantissa).lstrip("0")) or 1

    def rounds(self, value: float) -> bool:
        """Return whether a value is rounded to it; of a half, both ways are."""
        return abs(value - self.number) <= self.unit / 2 + SLACK * abs(value)

    def truncates(self, value: float) -> bool:
        """Return whether a value is cut off to it, and not rounded."""
        short = (abs(value) - abs(self.number)) * (1 if value * self.number >= 0 else math.nan)
        return -SLACK * abs(value) <= short < self.unit

    def is_next_to(self, value: float) -> bool:
        """Return whether it is off by one in the last digit, of four or more."""
        return self.digits >= 4 and abs(value - self.number) <= 1.5 * self.unit

    def is_single(self, value: float) -> bool:
        """Return whether it may be a float32 near a value: with 9 digits and more, one to the last.

        The order of a sum changes the last digits, more where its terms cancel.
        """
        size, gap = abs(value), abs(value - self.number)
        if self.digits < 9:
            return gap <= self.unit / 2 + 8 * SINGLE * size
        single = abs(float(np.float32(self.number)) - self.number) <= self.unit / 2
        return single and gap <= self.unit / 2 + 64 * SINGLE * max(size, 1.0)


class Quantity(NamedTuple):
    """A quantity of a network by its name, and what reads it of what was worked out."""

    name: str
    read: Callable[[Worked], float]
    updates: bool
    """Whether it is one after the update."""

    def value(self, worked: Worked) -> float:
        """Return its value; NaN where the rules leave none."""
        with np.errstate(all="ignore"):
            return float(self.read(worked))


def quantity(name: Any, at: Places, n: int) -> Quantity:
    """Return the quantity that a name is of, in a network and n examples.

    Raises TypeError or ValueError for what the network does not have.
    """
    if not isinstance(name, str):
        raise TypeError(f"find_mistake: claimed must have names such as 'w5', got {name!r}")
    try:
        return _Names(name, at, n).quantity()
    except ValueError as error:
        said = str(error).removeprefix("find_mistake: ").removeprefix("explain: ")
        raise ValueError(f"find_mistake: {said}") from None


class _Names:
    """How a name is read."""

    def __init__(self, name: str, at: Places, n: int) -> None:
        self.given, self.at, self.n, self.row = name.strip(), at, n, 0
        self.asked_row = self.seeded = False

    def quantity(self) -> Quantity:
        name = self.given.removesuffix("+").rstrip()
        after = self.given.endswith("+")
        if found := _EXAMPLE.fullmatch(name):
            name, self.row, self.asked_row = found[1], int(found[2]) - 1, True
            if self.row >= self.n:
                raise ValueError(f"{self.given!r}: there are {self.n} examples, counted from 1")
        if after and not _RATIO.fullmatch(name) and is_parameter(key := self._key_or_cost(name)):
            leaf, entry = self.at.leaf(key)
            return Quantity(self.given, lambda worked: _entry(worked.new, leaf, entry), True)
        read = self._read(name)
        if after and self.seeded:
            raise ValueError(f"{self.given!r}: a derivative after the update must be the cost's")
        if after:
            return Quantity(self.given, lambda worked: read(worked, worked.after), True)
        return Quantity(self.given, lambda worked: read(worked, None), False)

    def _key_or_cost(self, name: str) -> Key:
        if _COST.fullmatch(name) or _SHARE.fullmatch(name):
            return COST
        key = subject(name, self.at)
        if key == ALL:
            raise ValueError(f"{name!r}: a figure is of one quantity, such as 'w5' or 'cost'")
        return key

    def _read(self, name: str) -> Any:
        """What reads a quantity of a pass, the base or the one that is given."""
        if ratio := _RATIO.fullmatch(name):
            return self._derivative(ratio[1], ratio[2])
        if _COST.fullmatch(name):
            return lambda worked, made: (made or worked.base).cost
        if share := _SHARE.fullmatch(name):
            j = self._output(share[1])
            return lambda worked, made: (made or worked.base).shares[j]
        key = self._key_or_cost(name)
        if is_parameter(key) or key.kind == "x" or name.startswith(("delta", "δ")):
            return self._by(key, None)
        return self._value(key)

    def _output(self, name: str) -> int:
        """The number of an output from 0; of several members, the same of each."""
        if len(self.at.ends) > 1 and name[1:].isdecimal() and int(name[1:]) <= self.at.widths[-1]:
            return int(name[1:]) - 1
        return subject(name, self.at).unit

    def _one_row(self) -> None:
        if self.n > 1 and not self.asked_row:
            raise ValueError(
                f"{self.given!r}: there are {self.n} examples; name one, such as {self.given}"
                f",1 to {self.given},{self.n}"
            )

    def _value(self, key: Key) -> Any:
        """a or z of a unit."""
        self._one_row()
        place, j, row = self.at.layers[key.layer], key.unit, self.row
        if key.kind == "z" and not _has_z(place):
            raise ValueError(f"{self.given!r}: the layer {place.layer!r} has no weighted input")

        def read(worked: Worked, made: Pass | None) -> float:
            numbers = _numbers(made or worked.base, self.at)
            record = numbers.record(place)
            part = numbers.left(key.layer) if key.kind == "a" else getattr(record, "z", record.x)
            found = float(numbers.rows(part, key.layer)[row, j])
            return float(worked.rules.between(np.asarray(found)))

        return read

    def _derivative(self, top: str, bottom: str) -> Any:
        """∂top/∂bottom."""
        key = self._key_or_cost(bottom)
        if key == COST:
            raise ValueError(f"{self.given!r}: name a weight, a bias, an input or a unit below")
        if _COST.fullmatch(top):
            return self._by(key, None)
        if share := _SHARE.fullmatch(top):
            return self._by(key, Seed("E", self._output(share[1])))
        above = self._key_or_cost(top)
        place = self.at.layers[above.layer]
        member_end = bool(place.member) and above.layer in self.at.ends and above.kind == "a"
        alone = place.path.isdecimal() and not place.member
        if is_parameter(above) or above.kind == "x" or not (alone or member_end):
            raise ValueError(
                f"{self.given!r}: above must stand the cost, an output's share in it such as E_o1, "
                "or a unit of a layer by itself"
            )
        if key.layer > above.layer or (key.layer == above.layer and key.kind == "a"):
            raise ValueError(f"{self.given!r}: {bottom} does not lead to {top}")
        self._one_row()
        other = key.kind in "az" and self.at.layers[key.layer].member not in (0, place.member)
        if member_end and other:
            raise ValueError(f"{self.given!r}: {bottom} is another member's than {top}")
        first = max(place.member - 1, 0) * place.outputs
        layer = int(place.path.partition(".")[0])
        return self._by(key, Seed(above.kind, first + above.unit, layer, self.row))

    def _by(self, key: Key, seed: Seed | None) -> Any:
        """The derivative by something."""
        self.seeded = seed is not None
        if is_parameter(key):
            entries = [self.at.leaf(each) for each in self.at.places(key)]

            def of_parameter(worked: Worked, made: Pass | None) -> float:
                grads = _pass(worked, made, seed).grads
                return sum(_entry(grads, *each) for each in entries)

            return of_parameter
        self._one_row()
        row = 0 if seed is not None and seed.kind != "E" else self.row
        if key.kind == "x":
            return lambda worked, made: _pass(worked, made, seed).dx[row, key.unit]
        place = self.at.layers[key.layer]
        if key.kind == "z" and not _has_z(place):
            raise ValueError(f"{self.given!r}: the layer {place.layer!r} has no weighted input")

        def of_unit(worked: Worked, made: Pass | None) -> float:
            found = _pass(worked, made, seed)
            if key.kind == "a" and place.path.isdecimal() and not place.member:
                part = found.da[int(place.path)]
            else:
                numbers = _numbers(found, self.at)
                part = numbers.delta(place) if key.kind == "z" else numbers.da(key.layer)
            return float(_numbers(found, self.at).rows(part, key.layer)[row, key.unit])

        return of_unit


def _has_z(place: Any) -> bool:
    """Whether a place has weighted inputs."""
    return hasattr(place.layer, "activation")


def _numbers(made: Pass, at: Places) -> PlaceNumbers:
    return PlaceNumbers(made.trace, made.deltas, at, made.dout)


def _pass(worked: Worked, made: Pass | None, seed: Seed | None) -> Pass:
    if seed is None:
        return made or worked.base
    return worked.seeded(seed)


def _entry(tree: Any, leaf: str, entry: tuple[int, ...]) -> float:
    return float(at_path(tree, leaf)[entry])


def figures(
    claimed: Any, at: Places, n: int, *, trains: bool
) -> tuple[tuple[Quantity, Printed], ...]:
    """Return what is claimed, by quantities; raise where one is none, or needs an update."""
    if not isinstance(claimed, Mapping) or not claimed:
        must = "claimed must be figures by their names, such as {'w5': '0.0821670'}"
        raise TypeError(f"find_mistake: {must}, got {shown(claimed)}")
    found = tuple(
        (quantity(name, at, n), Printed.read(str(name), f)) for name, f in claimed.items()
    )
    for each, _ in found:
        if each.updates and not trains:
            raise ValueError(
                f"find_mistake: {each.name} is a quantity after an update, which needs its rate: "
                "give optimizer, such as cr.SGD(0.5), or in a file rate = 0.5"
            )
    return found
