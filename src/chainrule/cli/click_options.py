"""The options of a training, made from the fields that hold them, and the forms of their values."""

from __future__ import annotations

import csv
import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, get_origin

import click

from chainrule.cli.exits import refused_by_option
from chainrule.cli.option_names import option_name
from chainrule.cli.training_files import Files
from chainrule.fields import Field, fields_of, made_of
from chainrule.tabular.read_options import Reading
from chainrule.tabular.training_options import Options

PARTS = {
    "target": "The table and its model",
    "delimiter": "How the table is read",
    "task": "The columns",
    "validation": "The rows held out",
    "embedding": "The network",
    "effort": "The training",
    "threads": "The machine (the model does not depend on it)",
    "resume": "This call",
}
"""The headings of the options, by the first of those below each."""

UNITS: dict[str, dict[str, int]] = {
    "bytes": {"": 1, "b": 1}
    | {f"{prefix}{end}": 1000**k for k, prefix in enumerate("kmgt", 1) for end in ("", "b")}
    | {f"{prefix}ib": 1024**k for k, prefix in enumerate("kmgt", 1)},
    "seconds": {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600},
}
SUCH_AS = {"bytes": "300MB or 2GiB", "seconds": "30s or 5min"}


def in_unit(text: str, unit: str) -> float:
    """Return a quantity such as 300MB or 5min in its unit, or raise ValueError.

    >>> in_unit("300MB", "bytes"), in_unit("5min", "seconds")
    (300000000, 300)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    if found is None or found[2] not in UNITS[unit]:
        raise ValueError(f"must be {unit}, such as {SUCH_AS[unit]}, got {text!r}")
    value = float(found[1]) * UNITS[unit][found[2]]
    return int(value) if value.is_integer() else value


class OptionType(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """A form of values: what it is called in the help, and how a text is read."""

    read: Callable[[str], Any]

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name, self.read = name, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self.read(value)
        except ValueError as error:
            return self.fail(str(error), param, ctx)


def names(text: str, between: str = ",") -> list[str]:
    """Return names between commas; one that has a comma itself stands in quotes.

    >>> names('size,"price, EUR"')
    ['size', 'price, EUR']
    """
    reader = csv.reader([text], delimiter=between, skipinitialspace=True)
    try:
        return [name.strip() for name in next(reader, [])]
    except csv.Error:
        raise ValueError(f"a name that holds a line break stands in quotes, got {text!r}") from None


def sizes(text: str) -> list[int]:
    """Return whole numbers between commas; `0` alone is none at all.

    >>> sizes("128, 64"), sizes("0")
    ([128, 64], [])
    """
    if not re.fullmatch(r"\d+(, *\d+)*", text):
        raise ValueError(f"must be whole numbers such as 128,64, got {text!r}")
    return [] if text == "0" else [int(size) for size in text.split(",")]


def number(text: str, kind: type = float) -> Any:
    """Return a number: a float, or one that is whole.

    >>> number("0.9"), number("12", int)
    (0.9, 12)
    """
    try:
        return kind(text)
    except ValueError:
        must = "whole number such as 10" if kind is int else "number such as 0.5"
        raise ValueError(f"must be a {must}, got {text!r}") from None


def rates(text: str) -> float | list[float]:
    """Return a number, or several between commas.

    >>> rates("0.01"), rates("0.003,0.01")
    (0.01, [0.003, 0.01])
    """
    found = numbers(text, "0.003,0.01")
    return found[0] if len(found) == 1 else found


def numbers(text: str, such_as: str = "0.1,0.5,0.9") -> list[float]:
    """Return numbers between commas.

    >>> numbers("0.1, 0.5,0.9")
    [0.1, 0.5, 0.9]
    """
    try:
        return [float(each) for each in text.split(",")]
    except ValueError:
        raise ValueError(f"must be numbers such as {such_as}, got {text!r}") from None


_ORDER = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^=]*?))\s*=(.*)', re.DOTALL)


def order(text: str) -> tuple[str, list[str]]:
    """Return a column with its categories; what has a = or a < itself stands in quotes.

    >>> order("cut=Fair<Good<Ideal"), order('wait="<1 h"<1-2 h')
    (('cut', ['Fair', 'Good', 'Ideal']), ('wait', ['<1 h', '1-2 h']))
    """
    found = _ORDER.fullmatch(text)
    categories = names(found[3], "<") if found else []
    if found is None or len(categories) < 2:
        raise ValueError(f"must be such as cut=Fair<Good<Ideal, got {text!r}")
    column = found[2] if found[1] is None else found[1].replace('""', '"')
    return column, categories


def _option(field: Field) -> Callable[[Any], Any]:
    """Return the option of a field; its default stays with the field."""
    flag = option_name(field.name)
    if field.bare is bool:
        flags = [f"{flag}/--no-{flag[2:]}"]
    else:
        flags = ["-o", flag] if field.name == "out" else [flag]
    form = _form(field)
    return click.option(
        *flags,
        field.name,
        type=form,
        default=None,
        multiple=form in (NAMES, ORDER, WHOLE),
        metavar=field.metadata.get("form", "NAME") if form is str else None,
        help=_help(field),
    )


NAMES, SIZES, ORDER = (
    OptionType("NAMES", names),
    OptionType("UNITS", sizes),
    OptionType("COLUMN=A<B<C", order),
)
WHOLE = OptionType("TEXT", lambda text: [text])
"""The form of texts that are not cut at commas."""

QUANTITIES = {
    "bytes": OptionType("SIZE", lambda text: in_unit(text, "bytes")),
    "seconds": OptionType("TIME", lambda text: in_unit(text, "seconds")),
}
BY_TYPE: dict[Any, Any] = {
    tuple[str, ...]: NAMES,
    tuple[int, ...]: SIZES,
    tuple[float, ...]: OptionType("LEVELS", numbers),
    float | tuple[float, ...]: OptionType("RATES", rates),
    Mapping: ORDER,
    Path: click.Path(path_type=Path),
    UnionType: str,
    float: OptionType("FLOAT", number),
    int: OptionType("INTEGER", lambda text: number(text, int)),
    **{kind: kind for kind in (bool, str)},
}
"""The forms by the types of fields; those of several types are texts."""


def _form(field: Field) -> Any:
    """Return the form of an option's value."""
    if unit := field.metadata.get("unit"):
        return QUANTITIES[unit]
    if field.metadata.get("whole"):
        return WHOLE
    if field.names:
        return click.Choice(field.names, case_sensitive=False)
    return BY_TYPE.get(field.bare) or BY_TYPE[get_origin(field.bare)]


def _help(field: Field) -> str:
    said: str = field.metadata["help"]
    if field.default in (None, (), dataclasses.MISSING) or field.default is False:
        return said
    unit = "s" if field.metadata.get("unit") == "seconds" else ""
    value = f"{field.default:g}" if isinstance(field.default, float) else field.default
    return f"{said}  [default: {value}{unit}]"


def training_options(command: Any) -> Any:
    """Add an option for each field of a training but its table, which is an argument."""
    kinds = (Files, Reading, Options)
    fields = [field for kind in kinds for field in fields_of(kind).values()]
    for field in reversed([field for field in fields if field.name != "table"]):
        command = _option(field)(command)
    return command


def parted(names: Iterable[str]) -> dict[str, list[str]]:
    """Return names of options under their headings.

    >>> parted(["embedding", "hidden", "effort"])
    {'The network': ['embedding', 'hidden'], 'The training': ['effort']}
    """
    parts: dict[str, list[str]] = {}
    heading = PARTS["target"]
    for name in names:
        heading = PARTS.get(name, heading)
        parts.setdefault(heading, []).append(name)
    return parts


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Return the options that stand on the command line, those of several texts as one value."""
    found = {name: value for name, value in values.items() if value not in (None, ())}
    for name, value in found.items():
        if name == "order":
            found[name] = _orders(value)
        elif isinstance(value, tuple):
            found[name] = joined(value)
    return found


def _orders(pairs: Iterable[tuple[str, list[str]]]) -> dict[str, list[str]]:
    """Return the categories of each column, given once."""
    found: dict[str, list[str]] = {}
    for column, categories in pairs:
        if found.setdefault(column, categories) != categories:
            both = " and ".join("<".join(each) for each in (found[column], categories))
            raise click.UsageError(f"--order {column} takes one value, and got {both}.")
    return found


def joined(lists: Iterable[list[str]]) -> list[str]:
    """Return one list of several, each name once."""
    return list(dict.fromkeys(name for each in lists for name in each))


def forced(command: Any) -> Any:
    """Add the option that replaces what is not quickly made again."""
    return click.option(
        "--force", is_flag=True, help="Replace also a model, a network file or another table."
    )(command)


def reads_tables(command: Any) -> Any:
    """Add the options that say how a table is to be read."""
    for field in reversed(fields_of(Reading).values()):
        command = _option(field)(command)
    return command


def asked_reading(values: dict[str, Any]) -> dict[str, Any]:
    """Return what is asked of the reading of a table, refused by the option where it is wrong."""
    asked = given(values)
    with refused_by_option(Reading.names()):
        made_of(asked, Reading)
    return asked
