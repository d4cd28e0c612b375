"""Records as data and back; test_resigned.py and test_serialization_hostile.py let files lie."""

import json
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NotRequired, TypedDict

import pytest

from chainrule.codec import LONGEST, Different, Makes, from_json, named, read, to_data, to_json


@dataclass(frozen=True)
class Circle:
    radius: float


@dataclass(frozen=True)
class Box:
    kind: ClassVar[str] = "rectangle"

    sides: tuple[float, ...]
    named: str | None = None


Form = Circle | Box


class Drawing(TypedDict):
    forms: list[Form]
    scale: NotRequired[float]


FORMS = [Circle(0.5), Box((1.0, 2.0)), Box((), "empty")]


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_a_record_comes_back_through_text(form):
    assert read(from_json(to_json(to_data(form)).encode()), Form, "form") == form


def test_a_kind_is_what_a_class_says_or_its_name():
    assert to_data(FORMS[0]) == {"kind": "Circle", "radius": 0.5}
    assert to_data(FORMS[1]) == {"kind": "rectangle", "sides": [1.0, 2.0], "named": None}


CIRCLE = {"kind": "Circle", "radius": 1}
REFUSED = [
    (Drawing, [], "it must be an object, got []"),
    (Drawing, {}, "it must have the keys forms, scale: the key 'forms' is missing"),
    (Drawing, {"forms": [], "x": 1}, "it must have the keys forms, scale: the key 'x' is not"),
    (Drawing, {"forms": [CIRCLE, {**CIRCLE, "kind": "Square"}]}, "forms[1].kind must be one of Ci"),
    (Drawing, {"forms": [{"radius": 1}]}, "forms[0].kind must be one of Circle, rectangle, got N"),
    (Drawing, {"forms": [{"kind": "Circle"}]}, "forms[0] must have the keys radius: the key 'ra"),
    (Drawing, {"forms": [{**CIRCLE, "radius": "1"}]}, "forms[0].radius must be a finite number"),
    (Drawing, {"forms": [3]}, "forms[0] must be an object, got 3"),
    (Form | None, 3, "it must be null or an object, got 3"),
    (bool, 1, "it must be true or false, got 1"),
    (str, "a" * (LONGEST + 1), "it must be a text of at most 100,000 characters, got 'aaa"),
    (dict[str, int], {"a b": None}, "['a b'] must be a whole number, got None"),
    (Literal["a", "b"], "c", "it must be one of 'a', 'b', got 'c'"),
    (Annotated[list[int], Different], [1, 1], "it must be different values, got [1, 1]"),
    (Annotated[str, Makes(float)], "a", ": could not convert"),
]


@pytest.mark.parametrize(("annotation", "data", "message"), REFUSED, ids=range(len(REFUSED)))
def test_data_of_another_type_are_refused_by_their_place(annotation, data, message):
    with pytest.raises(ValueError, match=r"must|could not") as caught:
        read(data, annotation, "")
    assert str(caught.value).startswith(message)


def test_what_is_said_of_a_value_is_cut_where_it_is_long():
    with pytest.raises(ValueError, match=r"form: a+…a+$") as caught, named("form"):
        raise OverflowError("a" * 10**6)
    assert len(str(caught.value)) < 520


TEXTS = [
    ('{"a": 1, "a": 2}', "has the name 'a' twice"),
    ("[1e999]", "holds a number that is not finite"),
    ("[NaN]", "holds a number that is not finite"),
    (f"[{10**20}]", "holds a whole number of 21 digits"),
    ("[" * 60 + "]" * 60, "is nested more than 50 deep"),
    (json.dumps([0] * 250_002), "holds more than 250,000 values"),
    ('"\\ud800"', "is not UTF-8"),
    ("[1,]", "is not JSON"),
]


@pytest.mark.parametrize(("text", "message"), TEXTS, ids=[said for _, said in TEXTS])
def test_a_text_that_says_two_things_or_too_much_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        from_json(text.encode())
