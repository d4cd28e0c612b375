"""Records of options: what each field says of itself, and what its type asks of a value."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from chainrule.errors import unknown_name


def told(default: Any, help: str, **more: Any) -> Any:
    """Return a field with what the command line and its files say of it.

    >>> told(0.5, "The share.").metadata["help"]
    'The share.'
    """
    make = {"default_factory": default} if default is dict else {"default": default}
    return field(metadata={"help": help, **more}, **make)


@dataclass(frozen=True, kw_only=True)
class Record:
    """Options of one kind; the help of each field is in its metadata.

    Raises TypeError or ValueError where a text, names or a Boolean are none.

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Trip(Record):
    ...     days: int = told(7, "How long it is.")
    >>> Trip.names(), Trip().given()
    (('days',), {'days': 7})
    """

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if str(each.type).startswith("tuple[str") and value is not None:
                check_names(each.name, value)
            elif str(each.type) in ("str", "str | None") and value is not None:
                _check_text(each.name, value, each.metadata.get("choices"))
            elif str(each.type).startswith("bool") and not isinstance(value, bool | None):
                raise TypeError(f"{each.name} must be true or false, got {value!r}")

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the options."""
        return tuple(each.name for each in dataclasses.fields(cls))

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Self:
        """Return options from names and values as TOML has them, lists among them."""
        (made,) = made_of(given, cls)
        return made  # type: ignore[no-any-return]

    def given(self) -> dict[str, Any]:
        """Return the options that are not None, as JSON and TOML have them."""
        return {name: _thawed(value) for name, value in vars(self).items() if value is not None}


def made_of(given: Mapping[str, Any], *kinds: type[Record]) -> list[Any]:
    """Return a record of each kind from names and values as TOML has them, lists among them.

    Raises ValueError for a name that is a field of none.

    >>> from chainrule.tabular.read_options import Reading
    >>> made_of({"missing": ["-"]}, Reading)[0].missing
    ('-',)
    """
    known = [name for kind in kinds for name in kind.names()]
    for name in given:
        if name not in known:
            raise unknown_name("option", name, known)
    frozen = {name: _frozen(value) for name, value in given.items()}
    return [kind(**{k: v for k, v in frozen.items() if k in kind.names()}) for kind in kinds]


def _frozen(value: Any) -> Any:
    """Return a value of TOML as options have it."""
    if isinstance(value, Mapping):
        return {name: _frozen(each) for name, each in value.items()}
    return tuple(value) if isinstance(value, list) else value


def _thawed(value: Any) -> Any:
    """Return a value of options as JSON and TOML have it."""
    if isinstance(value, Mapping):
        return {name: _thawed(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value


def check_names(name: str, value: Any) -> None:
    """Raise TypeError where a value is no list of texts.

    >>> check_names("numbers", ["size", "price"])
    """
    if not isinstance(value, tuple | list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{name} must be a list of texts, such as ['a', 'b'], got {value!r}")


def _check_text(name: str, value: Any, choices: tuple[str, ...] | None) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, got {value!r} of type {type(value).__name__}")
    if choices and value not in choices:
        raise unknown_name(name, value, choices)


def column_name(name: Any) -> str:
    """Return the text by which a column is known, of a name as data frames have it.

    >>> column_name("size"), column_name(3), column_name(("size", "mean")), column_name(None)
    ('size', '3', 'size.mean', '')
    """
    if isinstance(name, tuple):
        return ".".join(filter(None, map(column_name, name)))
    missing = name is None or name != name  # noqa: PLR0124
    return "" if missing else str(name)
