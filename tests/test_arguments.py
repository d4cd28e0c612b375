"""Arguments of functions, held to their annotations."""

import inspect
import re
import typing
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.arguments import reads_arguments
from chainrule.value_types import AtLeastOne, Flag, Fraction


@reads_arguments
def trip(
    to: str, days: AtLeastOne | None, *stops: Any, share: Fraction = 2.0, back: Flag = True
) -> Any:
    """Make a trip."""
    return to, days, stops, share, back


def test_what_is_given_is_made_what_its_annotation_says() -> None:
    made = trip(3, np.int64(2), share=0, back=np.False_)  # type: ignore[arg-type]
    assert made == (3, 2, (), 0.0, False)
    assert list(map(type, made)) == [int, int, tuple, float, np.bool_]
    assert trip("Rome", days=None) == ("Rome", None, (), 2.0, True)  # a default is not read


REFUSED: list[tuple[list[Any], dict[str, Any], type[Exception], str]] = [
    (["Rome", 0], {}, ValueError, "trip: days must be a whole number >= 1, got 0"),
    (["Rome"], {"days": "2"}, TypeError, "trip: days must be a whole number >= 1, got '2' of"),
    (["Rome", 1], {"share": 1}, ValueError, "trip: share must be a finite number >= 0 and < 1"),
    (["Rome", 1], {"back": 1}, TypeError, "trip: back must be True or False, got 1 of type int"),
    (["Rome"], {}, TypeError, "trip() missing 1 required positional argument: 'days'"),
    (["Rome", 1], {"day": 0}, TypeError, "trip() got an unexpected keyword argument 'day'"),
]


@pytest.mark.parametrize(("args", "options", "error", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_none_is_refused(
    args: list[Any], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        trip(*args, **options)


def test_what_is_too_much_is_passed_on() -> None:
    assert trip("Rome", 1, 2, 3)[2] == (2, 3)
    with pytest.raises(TypeError, match="takes 5 positional arguments but 6"):
        cr.fit(None, None, None, None, cr.SGD(0.1), 3)  # type: ignore[call-arg, arg-type, misc]


def test_the_function_looks_as_before() -> None:
    assert trip.__doc__ == "Make a trip."
    assert list(inspect.signature(trip).parameters) == ["to", "days", "stops", "share", "back"]


CONSTRAINED = [
    name
    for name, annotation in typing.get_type_hints(cr.fit, include_extras=True).items()
    if "Annotated" in str(annotation) and name != "return"
]


@pytest.mark.parametrize("name", CONSTRAINED)
def test_fit_refuses_what_an_annotation_does(name: str) -> None:
    net = cr.Network(1, [cr.Dense(1)], "half_squared_error")
    given = {"optimizer": cr.SGD(0.1), "epochs": 1, name: b"?"}
    with pytest.raises(TypeError, match=f"^fit: {name} must be .*, got b'\\?'"):
        cr.fit(net, net.init(), [[1.0]], [[1.0]], **given)  # type: ignore[arg-type]


def test_all_options_of_fit_but_data_and_names_have_a_constraint() -> None:
    data = {"sample_weight", "validation", "history", "comm"}
    options = inspect.signature(cr.fit).parameters.values()
    named = {each.name for each in options if each.kind is each.KEYWORD_ONLY}
    assert named - set(CONSTRAINED) == {*data, "freeze", "ties", "callbacks"}
