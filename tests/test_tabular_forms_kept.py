"""Text read by the forms of a model, in tables that training did not know, and by chunks."""

import datetime
import itertools
import json
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tabular.columns.find_formats import Wanted, find_formats
from chainrule.tabular.columns.survey import survey
from chainrule.tabular.columns.tallies import MOST_SHAPES, Tally
from chainrule.tabular.formats.column_formats import ColumnFormats, WordFormat
from chainrule.tabular.formats.date_formats import DateFormat
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.formats.number_formats import NumberFormat, evidence, parts_of
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError
from frames import forms_of


@pytest.mark.parametrize(
    ("form", "values", "message"),
    [
        (
            NumberFormat(),
            ["1", "soon"],
            "column 'x' held numbers in training, holds 'soon' here, in row 12, which is no num",
        ),
        (
            NumberFormat(","),
            ["1,5", "1.5"],
            "holds '1.5' here, in row 12, which is no number (decimal comma); say how",
        ),
        (
            DateFormat(("%d.%m.%Y",)),
            ["1/2/1990"],
            "'1/2/1990' here, in row 11, which is no date (written as %d.%m.%Y); say how dates are",
        ),
    ],
)
def test_what_training_had_none_of_is_refused(form, values, message):
    with pytest.raises(TableError, match=re.escape(message)) as caught:
        ColumnFormats({"x": form}).read_new(pl.DataFrame({"x": values}), first=11)
    assert str(caught.value).endswith("or by `missing=` what means none")
    notes = Notes()
    others = ColumnFormats({"x": type(form)(**{**vars(form), "others": True})})
    assert others.read_new(pl.DataFrame({"x": values}), notes)["x"][-1] is None
    assert f"taken as missing, such as {values[-1]!r}" in notes.lines()[0]


def test_forms_are_data():
    forms = ColumnFormats(
        {
            "a": NumberFormat(",", ".", "€", whole=True, missing=("-9",), others=True),
            "b": DateFormat(("%d.%m.%Y",)),
            "c": WordFormat(()),
        }
    )
    data = json.loads(json.dumps(forms.to_data()))
    assert ColumnFormats.from_data(data) == forms


A = {"kind": "NumberForm"}
WRONG = [
    ([], "forms must be an object, got []"),
    ({"a b": 3}, "forms['a b'] must be an object, got 3"),
    ({"a": {"kind": "Number"}}, "forms.a.kind must be one of NumberForm, DateForm, WordForm, got"),
    ({"a": {**A, "decimal": 3}}, "forms.a.decimal must be '.' or ',', got 3"),
    ({"a": {**A, "thousands": "("}}, "forms.a.thousands must be a separator of thousands, got '('"),
    (
        {"a": {**A, "thousands": "."}},
        "forms.a: decimal and thousands must differ, got '.' for both",
    ),
    ({"a": {**A, "unit": "\x1b"}}, "forms.a.unit must be a currency or %, got '\\x1b'"),
    ({"a": {"kind": "DateForm", "formats": ["%H"]}}, "forms.a: '%H' is no format of dates, such"),
    (
        {"a": {"kind": "DateForm", "formats": ["%d" * 99]}},
        "is no format of dates, such as %d/%m/%Y",
    ),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_what_is_no_form_is_refused(data, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ColumnFormats.from_data(data)


def test_a_table_may_be_read_otherwise_than_in_training():
    frame = pl.DataFrame({"x": ["1,5"], "d": ["1/2/1990"], "w": ["b"]})
    forms = ColumnFormats({"x": NumberFormat(), "d": DateFormat(("%d/%m/%Y",))})
    given = Reading(decimal=",", date_format="%m/%d/%Y", missing="b")
    moment = datetime.datetime(1990, 1, 2)
    assert forms.asked(given, ["x"]).read(frame).row(0) == (1.5, moment, None)


# However the rows are cut


@given(
    st.lists(st.sampled_from(["1,5", "2", "NA", "1.234,5", "7.000", "x", None]), min_size=1),
    st.integers(1, 9),
)
def test_forms_do_not_depend_on_the_chunks(values, size):
    frame = pl.DataFrame({"x": values}, schema={"x": pl.String})
    found = forms_of(frame)
    cut = find_formats(frame.schema, lambda names: frame.iter_slices(size), Wanted())
    assert (cut.columns, cut.said) == (found.columns, found.said)
    assert survey(frame.iter_slices(size), None, cut) == survey([frame], None, found)


def test_shapes_are_bounded():
    tally = Tally(())
    letters = ["".join(pair) for pair in itertools.product(map(chr, range(97, 123)), repeat=3)]
    tally.add(pl.Series(letters[: MOST_SHAPES + 500]))
    assert (len(tally.shapes), tally.rest, tally.values) == (MOST_SHAPES, 500, MOST_SHAPES + 500)


def test_the_parts_of_a_number_are_told_from_its_shape():
    assert parts_of("9,999.99 kg/m").unit == "kg/m"
    assert parts_of("(9") is parts_of("9)") is parts_of("") is None
    assert evidence({"9 kg": (1, "5 kg")}).units == {"kg": 1}


@pytest.mark.parametrize(
    ("form", "value", "expected"),
    [
        (DateFormat(("%m/%d/%Y",)), "2012-03-31", datetime.datetime(2012, 3, 31)),
        (DateFormat(("%d.%m.%y",)), "2012-03-31 10:30", datetime.datetime(2012, 3, 31, 10, 30)),
        (DateFormat(("%B-%Y",)), "2012-03-31T10:30:00Z", datetime.datetime(2012, 3, 31, 10, 30)),
    ],
)
def test_iso_dates_are_read_whatever_form_training_had(form, value, expected):
    assert ColumnFormats({"x": form}).read_new(pl.DataFrame({"x": [value]})).item() == expected


def test_a_form_that_begins_with_the_year_reads_no_other_order():
    with pytest.raises(TableError, match="which is no date"):
        ColumnFormats({"x": DateFormat(("%Y-%d-%m",))}).read_new(
            pl.DataFrame({"x": ["2012-03-31"]})
        )


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ([0.45, None], ["rate: 1 without %, taken as percent, such as 0.45"]),
        ([3, 4], ["rate: 2 without %, taken as percent, such as 3"]),
        (["45%", "3 %"], []),
        ([None], []),
    ],
)
def test_numbers_of_a_type_say_that_they_are_taken_as_percent(values, lines):
    notes = Notes()
    ColumnFormats({"rate": NumberFormat(unit="%")}).read_new(pl.DataFrame({"rate": values}), notes)
    assert notes.lines() == lines
