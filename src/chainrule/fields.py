"""Fields of dataclasses, each with its type, its bounds and what it is for, in one place.

    momentum: Fraction = option(0.0, "How much of the velocity each step keeps.")

`hold` holds a record to the types of its fields; `documented` puts what they are for into its
documentation, and the command makes its options of them.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator
import textwrap
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Self, TypeVar, get_args, get_origin

from chainrule.errors import unknown_name
from chainrule.value_types import Must, OneOf, Type, type_of

Class = TypeVar("Class", bound=type)

Names = Annotated[tuple[str, ...], Must("a list of texts, such as ['a', 'b']")]


def option(default: Any, help: str, **more: Any) -> Any:
    """Return a field with a default and what it is for.

    >>> option(0.5, "The share.").metadata["help"]
    'The share.'
    """
    make = {"default_factory": default} if default is dict else {"default": default}
    return dataclasses.field(metadata={"help": help, **more}, **make)


def required(help: str) -> Any:
    """Return a field without a default, with what it is for.

    >>> required("The units.").metadata["help"]
    'The units.'
    """
    return dataclasses.field(metadata={"help": help})


class Field(NamedTuple):
    """A field: its name, its type, and what `option` was given."""

    name: str
    annotation: Any
    type: Type
    default: Any
    metadata: Mapping[str, Any]

    @property
    def bare(self) -> Any:
        """The annotation without bounds, and without None."""
        return _bare(self.annotation)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that a text may be; none where it may be any."""
        parts = get_args(self.annotation)
        parts = (*parts, *(each for part in parts for each in get_args(part)))
        return next((tuple(each.names) for each in parts if isinstance(each, OneOf)), ())


def _bare(annotation: Any) -> Any:
    kinds = [each for each in get_args(annotation) if each is not types.NoneType]
    if get_origin(annotation) is Annotated:
        return _bare(kinds[0])
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return functools.reduce(operator.or_, map(_bare, kinds))
    if get_origin(annotation) is tuple:
        return types.GenericAlias(tuple, (_bare(kinds[0]), ...))
    return annotation


@functools.cache
def fields_of(kind: Any) -> dict[str, Field]:
    """Return the fields of a dataclass by their names.

    >>> fields_of(cr.SGD)["momentum"].type.words
    'a finite number >= 0 and < 1'
    """
    annotations = _annotations(kind)
    return {
        each.name: Field(
            each.name,
            annotations[each.name],
            type_of(annotations[each.name]),
            each.default,
            each.metadata,
        )
        for each in dataclasses.fields(kind)
    }


def _annotations(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind, include_extras=True)
    except NameError:  # in a class of one's own, of names that its module does not have
        return dict.fromkeys((each.name for each in dataclasses.fields(kind)), Any)


def checked_values(record: Any, what: str = "") -> dict[str, Any]:
    """Return the values of a dataclass's fields, each as its type has it.

    Raises TypeError or ValueError where one is none, with its name behind `what`.

    >>> checked_values(cr.Constant(0.5))
    {'rate': 0.5}
    """
    kind: Any = type(record)
    return {
        name: field.type.read(getattr(record, name), f"{what}{name}")
        for name, field in fields_of(kind).items()
    }


def hold(record: Any, what: str = "") -> None:
    """Hold a frozen record to the types of its fields: each becomes what its type makes of it.

    >>> cr.SGD(momentum=1)
    Traceback (most recent call last):
    ...
    ValueError: SGD: momentum must be a finite number >= 0 and < 1, got 1
    """
    for name, value in checked_values(record, what).items():
        object.__setattr__(record, name, value)


def documented(kind: Class) -> Class:
    """Put what its fields are for into the documentation of a class, above its examples.

    >>> print(cr.Constant.__doc__)
    The same rate at every step: η_t = η.
    <BLANKLINE>
    Parameters
    ----------
    rate
        The learning rate.
    ...
    """
    rows = [(each.name, each.metadata["help"]) for each in fields_of(kind).values()]
    listed = [f"{name}\n{textwrap.indent(textwrap.fill(said, 92), '    ')}" for name, said in rows]
    section = "\n".join(["Parameters", "-" * 10, *listed])
    text, heading, examples = inspect.cleandoc(kind.__doc__ or "").partition("\nExamples\n")
    kind.__doc__ = f"{text.rstrip()}\n\n{section}\n{heading}{examples}"
    return kind


# Records of options


@dataclass(frozen=True, kw_only=True)
class Record:
    """Options of one kind, held to the types of their fields.

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Trip(Record):
    ...     days: int = option(7, "How long it is.")
    >>> Trip.names(), Trip().given()
    (('days',), {'days': 7})
    """

    def __post_init__(self) -> None:
        hold(self)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the options."""
        return tuple(each.name for each in dataclasses.fields(cls))

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Self:
        """Return options from names and values."""
        (made,) = made_of(given, cls)
        return made  # type: ignore[no-any-return]

    def given(self) -> dict[str, Any]:
        """Return the options that are not None, as JSON and TOML have them."""
        return {name: _thawed(value) for name, value in vars(self).items() if value is not None}


def made_of(given: Mapping[str, Any], *kinds: type[Record]) -> list[Any]:
    """Return a record of each kind from names and values.

    Raises ValueError for a name that is a field of none.

    >>> from chainrule.tabular.read_options import Reading
    >>> made_of({"missing": ["-"]}, Reading)[0].missing
    ('-',)
    """
    known = [name for kind in kinds for name in kind.names()]
    for name in given:
        if name not in known:
            raise unknown_name("option", name, known)
    return [kind(**{k: v for k, v in given.items() if k in kind.names()}) for kind in kinds]


def _thawed(value: Any) -> Any:
    """Return a value of options as JSON and TOML have it."""
    if isinstance(value, Mapping):
        return {name: _thawed(each) for name, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
