"""Types as annotations declare them: what each makes of a value, and how each refuses."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from chainrule.value_types import Bounds, Must, OneOf, Takes, read, type_of

Percent = Annotated[int, Bounds(least=0, most=100)]
Even = Annotated[int, Must("an even number", lambda n: n % 2 == 0)]
Half = Annotated[float, Must("a half", lambda x: x == 0.5)]
Solver = Annotated[str, OneOf({"adam": 1, "sgd": 2})]
T, V = TypeError, ValueError

MADE = [
    (str, "a", "a"),
    (bool, True, True),
    (None, None, None),
    (Any, ..., ...),
    (int, np.int8(3), 3),
    (float, 3, 3.0),
    (float, np.float32(0.5), 0.5),
    (Path, "a/b", Path("a/b")),
    (Literal["auto", 1], 1, 1),
    (list[int], (1, np.int64(2)), [1, 2]),
    (tuple[float, ...], [1, 2.5], (1.0, 2.5)),
    (tuple[tuple[int, ...], ...], [[1], []], ((1,), ())),
    (dict[str, float], {"a": 1}, {"a": 1.0}),
    (Mapping[str, tuple[str, ...]], {"a": ["b"]}, {"a": ("b",)}),
    (int | str | None, "3", "3"),
    (bool | int, True, True),
    (Percent, 100, 100),
    (Percent | None, None, None),
    (Even, -2, -2),
    (Solver, "sgd", "sgd"),
    (Annotated[str, Takes(float)], "1e3", "1e3"),
    (Decimal, Decimal(2), Decimal(2)),
]


@pytest.mark.parametrize(("annotation", "given", "made"), MADE, ids=range(len(MADE)))
def test_a_value_becomes_what_its_type_has_it_as(annotation: Any, given: Any, made: Any) -> None:
    found = read(given, annotation, "it")
    assert found == made
    assert type(found) is type(made)


REFUSED = [
    (str, 3, T, "it must be a text, got 3 of type int"),
    (bool, 1, T, "it must be True or False, got 1 of type int"),
    (bool, np.True_, T, "it must be True or False"),
    (None, 0, T, "it must be None, got 0"),
    (int, True, T, "it must be a whole number, got True of type bool"),
    (int, 3.0, T, "it must be a whole number, got 3.0 of type float"),
    (float, np.nan, V, "it must be a finite number, got nan"),
    (float, 10**400, V, "it must be a finite number, got 1000"),
    (Path, 3, T, "it must be a text, got 3"),
    (Literal["a", 1], True, T, "it must be one of 'a', 1, got True"),
    (Literal["auto"] | int, "all", T, "it must be 'auto' or a whole number, got 'all' of type str"),
    (list[int], 3, T, "it must be a list, got 3"),
    (list[int], [1, "a"], T, "it[1] must be a whole number, got 'a'"),
    (dict[str, int], [], T, "it must be a mapping, got []"),
    (dict[str, int], {"a": None}, T, "it of 'a' must be a whole number, got None"),
    (int | str | None, 0.5, T, "it must be a whole number or a text, got 0.5"),
    (Percent, 101, V, "it must be a whole number >= 0 and <= 100, got 101"),
    (Percent | None, "a", T, "it must be a whole number >= 0 and <= 100, got 'a'"),
    (tuple[Percent, ...], [0, -1], V, "it[1] must be a whole number >= 0 and <= 100, got -1"),
    (Even, 3, V, "it must be an even number, got 3"),
    (Even, "a", T, "it must be an even number, got 'a' of type str"),
    (Half, np.nan, V, "it must be a half, got nan"),
    (Half | None, -np.inf, V, "it must be a half, got -inf"),
    (tuple[Half, ...], [0.5, np.inf], V, "it[1] must be a half, got inf"),
    (
        Annotated[float, Bounds(above=0), Must("x")],
        np.nan,
        V,
        "it must be a finite number > 0, got",
    ),
    (Solver, "sdg", V, "unknown it 'sdg'; did you mean 'sgd'"),
    (Solver | Decimal, 3, T, "it must be one of adam, sgd or a Decimal, got 3"),
    (Annotated[str, Takes(float)], "a", V, "could not convert string to float"),
    (Decimal, 3, T, "it must be a Decimal, got 3"),
]


@pytest.mark.parametrize(
    ("annotation", "given", "error", "message"), REFUSED, ids=range(len(REFUSED))
)
def test_what_is_of_no_type_is_refused(
    annotation: Any, given: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        read(given, annotation, "it")
    assert str(caught.value).startswith(message)


def test_a_name_is_of_its_owner() -> None:
    with pytest.raises(ValueError, match="unknown solver of MLPRegressor 'adm'; did you mean 'ad"):
        type_of(Solver).read("adm", "MLPRegressor: solver")
