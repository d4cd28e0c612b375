"""Preparations as data: what a file may hold, and what is refused."""

import re

import polars as pl
import pytest

from chainrule.tabular.encoding import column_encoders
from chainrule.tabular.encoding.column_encoders import DateEncoder
from chainrule.tabular.encoding.preparation import Preparation
from frames import COLUMNS

# Data

NUMBER = {"kind": "Number", "column": "a", "centre": 0, "scale": 1, "missing": True, "text": False}
CATEGORY = {"kind": "Category", "column": "a", "categories": ["x", "y"], "base": None}
CATEGORY |= {"other": False, "missing": False}
DATE = DateEncoder("d", 0.0, 1.0, ("month",), True, True).__dict__ | {"kind": "Date"}
DATA = [
    ([], "preparation must be an object, got []"),
    ({"encoders": 3}, "preparation.encoders must be a list, got 3"),
    ({"encoders": [], "more": 1}, "preparation must have the keys encoders: the key 'more' is not"),
    ({"encoders": [NUMBER, 3]}, "preparation.encoders[1] must be an object, got 3"),
    (
        {"encoders": [{"kind": 3}]},
        "encoders[0].kind must be one of Number, Date, Category, Many, Rank",
    ),
    ({"encoders": [{"kind": "Number"}]}, "encoders[0] must have the keys column, centre, scale"),
    ({"encoders": [{**NUMBER, "missing": 1}]}, "encoders[0].missing must be true or false, got 1"),
    ({"encoders": [{**NUMBER, "more": 1}]}, "missing, text: the key 'more' is not known"),
    ({"encoders": [{**NUMBER, "scale": 5e-324}]}, "must be a finite number >= 2.23e-308, got 5e-3"),
    ({"encoders": [{**NUMBER, "column": "a" * 100_001}]}, "must be a text of at most 100,000 char"),
    ({"encoders": [{**CATEGORY, "categories": ["x", "x"]}]}, "must be different values, got ['x'"),
    ({"encoders": [{**CATEGORY, "base": "x"}]}, "[0]: the base 'x' must be none of the categories"),
    ({"encoders": [CATEGORY, DATE, NUMBER]}, None),
    (
        {"encoders": [{**DATE, "cycles": ("tide",)}]},
        "encoders[0].cycles[0] must be one of 'month', 'weekday', 'hour', got 'tide'",
    ),
]


@pytest.mark.parametrize(("data", "message"), DATA)
def test_what_is_no_preparation_is_refused(data, message):
    if message is None:
        assert Preparation.from_data(data).encoders
        return
    with pytest.raises(ValueError, match=re.escape(message)):
        Preparation.from_data(data)


def test_every_kind_of_column_is_among_the_random_ones():
    frame = pl.DataFrame(
        {name: [] for name in COLUMNS}, schema={n: t for n, (t, _) in COLUMNS.items()}
    )
    assert {column_encoders.kind(dtype) for dtype in frame.dtypes} == {
        *("integer", "float", "boolean", "text", "date", "other")
    }
