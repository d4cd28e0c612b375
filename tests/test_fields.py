"""Fields of records: held to their types, documented, and made of names and values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

import chainrule as cr
from chainrule.fields import Names, Record, documented, fields_of, hold, made_of, option, required
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import SCHEDULES
from chainrule.tabular.read_options import Reading
from chainrule.tabular.training_options import Options
from chainrule.value_types import AtLeastOne, Fraction, OneOf


@documented
@dataclass
class Trip:
    """A trip.

    Examples
    --------
    >>> Trip("Rome").days
    7
    """

    to: str = required("Where it goes.")
    days: AtLeastOne = option(7, "How long it is.")
    by: Annotated[str, OneOf(["train", "ship"])] | None = option(None, "What one goes by.", unit="")
    stops: Mapping[str, Names] = option(dict, "Where it stops.")
    shares: tuple[Fraction, ...] | None = option(None, "Who pays.")

    def __post_init__(self) -> None:
        hold(self, "Trip: ")


def test_fields_become_what_their_types_make_of_them() -> None:
    trip = Trip("Rome", stops={"Bern": ["noon"]}, shares=[0.5, 0])
    assert (trip.stops, trip.shares) == ({"Bern": ("noon",)}, (0.5, 0.0))
    with pytest.raises(ValueError, match="Trip: days must be a whole number >= 1, got 0"):
        Trip("Rome", 0)
    with pytest.raises(ValueError, match="unknown by of Trip 'trian'; did you mean 'train'"):
        Trip("Rome", by="trian")


def test_a_field_says_all_that_others_need() -> None:
    fields = fields_of(Trip)
    assert [each.bare for each in fields.values()] == [
        str, int, str, Mapping[str, Names], tuple[float, ...]
    ]  # fmt: skip
    assert [each.names for each in fields.values()] == [(), (), ("train", "ship"), (), ()]
    assert fields["by"].metadata == {"help": "What one goes by.", "unit": ""}


def test_parameters_stand_above_the_examples() -> None:
    text = Trip.__doc__ or ""
    assert text.index("Parameters\n----------\nto\n    Where it goes.") < text.index("\nExamples\n")


KINDS = [*OPTIMIZERS.values(), *SCHEDULES.values(), Reading, Options]


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_says_what_it_is_for(kind: Any) -> None:
    assert all(each.metadata["help"].endswith(".") for each in fields_of(kind).values())


def test_names_of_ones_own_that_cannot_be_found_are_no_error() -> None:
    class Own:
        pass

    @dataclass(frozen=True)
    class Mine(cr.Schedule):
        own: "Own"

        def __call__(self, t: int) -> float:
            return 0.5

    assert cr.SGD(Mine(Own())).rate(1) == 0.5


@dataclass(frozen=True, kw_only=True)
class Some(Record):
    a: tuple[str, ...] = option((), "Some.")


@dataclass(frozen=True, kw_only=True)
class Others(Record):
    b: int | None = option(None, "Others.")


def test_records_are_made_of_names_and_values() -> None:
    assert made_of({"b": 3, "a": ["x"]}, Some, Others) == [Some(a=("x",)), Others(b=3)]
    assert (Some(a=("x",)).given(), Others().given()) == ({"a": ["x"]}, {})
    with pytest.raises(ValueError, match=r"unknown option 'c'\. Known: a, b"):
        made_of({"c": 3}, Some, Others)
