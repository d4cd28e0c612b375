"""Text as moments: how each spelling is read, and what is asked or refused."""

import datetime
import itertools
import re

import pandas as pd
import polars as pl
import pytest

from chainrule.tabular.formats.date_formats import DATES as FORMATS
from chainrule.tabular.formats.date_formats import TIMES, WHOLE, ZONES, formats_of, order_of
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError
from test_tabular_forms import read

# Dates

DAY = datetime.datetime(2012, 12, 31)
NOON = datetime.datetime(2012, 12, 31, 13, 5)
DATES = [
    ("2012-12-31", DAY), ("2012/12/31", DAY), ("2012.12.31", DAY), ("20121231", DAY),
    ("31.12.2012", DAY), ("31/12/2012", DAY), ("12/31/2012", DAY), ("31-12-2012", DAY),
    ("31.12.12", DAY), ("12/31/12", DAY), ("31 Dec 2012", DAY), ("31-Dec-12", DAY),
    ("31-DEC-2012", DAY), ("31DEC2012", DAY), ("31 December 2012", DAY),
    ("31. December 2012", DAY),
    ("December 31, 2012", DAY), ("Dec 31, 2012", DAY), ("Dec. 31 2012", DAY),
    ("31st of December 2012", DAY), ("31.Dec.2012", DAY), ("Mon, 31 Dec 2012", DAY),
    ("Sun, 31 Dec 2012", DAY), ("Monday, December 31st, 2012", DAY),
    ("2012-12", datetime.datetime(2012, 12, 1)), ("12/2012", datetime.datetime(2012, 12, 1)),
    ("Dec-2012", datetime.datetime(2012, 12, 1)), ("December 2012", datetime.datetime(2012, 12, 1)),
    ("2012 Dec", datetime.datetime(2012, 12, 1)), ("01.2012", datetime.datetime(2012, 1, 1)),
    ("Sept 2012", datetime.datetime(2012, 9, 1)), ("Apr-12", datetime.datetime(2012, 4, 1)),
    ("2012-12-31T13:05", NOON), ("2012-12-31 13:05:00", NOON), ("12/31/2012 1:05 PM", NOON),
    ("31.12.2012 13:05", NOON), ("12/31/2012 1:05:00 p.m.", NOON), ("31/12/2012, 13:05", NOON),
    ("2012-12-31T13:05:00Z", NOON), ("2012-12-31 13:05:00 UTC", NOON), ("20121231T130500", NOON),
    ("2012-12-31T13:05:00+00:00", NOON), ("2012-12-31T15:05:00+02:00", NOON),
    ("2012-12-31 15:05:00 +0200", NOON), ("Mon Dec 31 13:05:00 2012", NOON),
    ("31/Dec/2012:13:05:00 +0000", NOON), ("Mon, 31 Dec 2012 13:05:00 GMT", NOON),
    ("2012-12-31 13:05:00.25", NOON.replace(microsecond=250_000)),
    ("2012-12-31 13:05:00,250", NOON.replace(microsecond=250_000)),
    ("12/31/2012 0:00:00", DAY), ("12/31/1969", datetime.datetime(1969, 12, 31)),
    ("2500-12-31", datetime.datetime(2500, 12, 31)),
    ("1500-12-31", datetime.datetime(1500, 12, 31)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "moment"), DATES)
def test_dates(text, moment):
    assert read([text, text], dates=["x"])[0] == [moment, moment]


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y %H:%M", "%d-%b-%Y", "%b %d, %Y %I:%M %p"])
def test_dates_are_those_of_pandas(form):
    moments = pd.Series(pd.date_range("1999-11-30", "2031-05-03", periods=400)).dt.floor("min")
    text = moments.dt.strftime(form)
    expected = pd.to_datetime(text, format=form).to_list()
    assert read(text.to_list())[0] == expected


FIRST = [
    (["9/30/1990", "1/2/1990"], (2, 1)),
    (["30/9/1990", "1/2/1990"], (1, 2)),
    (["30.9.90", "1.2.90"], (1, 2)),
    (["30-9-1990 10:00", "1-2-1990 11:00"], (1, 2)),
    (["3/3/1990", "2/2/1991"], (2, 2)),
]


@pytest.mark.parametrize(("values", "expected"), FIRST)
def test_the_column_decides_what_comes_first(values, expected):
    last = read(values)[0][-1]
    assert (last.day, last.month) == expected


def test_what_comes_first_is_asked_for():
    message = (
        "column 'x' can be read in two ways: '1/2/1990' is 1 February 1990 or 2 January 1990; say "
        "which by `date_format='x=%d/%m/%Y'` or `date_format='x=%m/%d/%Y'`"
    )
    values = ["1/2/1990", "9/9/1990"]
    for options in ({}, {"dates": ["x"]}, {"time": "x"}):
        with pytest.raises(TableError, match=re.escape(message)):
            read(values, **options)
    for asked in ("%m/%d/%Y", "x=%m/%d/%Y"):
        given = Reading(date_format=asked)
        assert read(values, reading=given)[0][0] == datetime.datetime(1990, 1, 2)
    assert read(values, categories=["x"])[0] == values


FORMATTED = [
    ("x=%d|%m|%Y", ["31|12|2012", "01|02|2012"], [DAY, datetime.datetime(2012, 2, 1)]),
    ("x=%Y", ["2012", "2013"], [datetime.datetime(2012, 1, 1), datetime.datetime(2013, 1, 1)]),
    ("x=%Y", [2012, 2013], [datetime.datetime(2012, 1, 1), datetime.datetime(2013, 1, 1)]),
    ("x=%s", [1356912000], [DAY]),
    ("x=%d%m%Y", [31122012, 28022012], [DAY, datetime.datetime(2012, 2, 28)]),
]


@pytest.mark.parametrize(("form", "values", "expected"), FORMATTED)
def test_a_format_that_is_given(form, values, expected):
    assert read(values, reading=Reading(date_format=(form,)))[0] == expected


@pytest.mark.parametrize("value", ["1/2/1990", 19900102])
def test_a_format_that_fits_nothing_is_refused(value):
    message = (
        f"no value of column 'x' is written as `date_format='%m.%d.%Y'` says, such as '{value}"
    )
    with pytest.raises(TableError, match=re.escape(message)):
        read([value], reading=Reading(date_format=("x=%m.%d.%Y",)))


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("sold=%d/%m/%Y", "unknown column in `date_format=` 'sold'"),
        ("dd/mm/yyyy", "as `date_format='dd/mm/yyyy'` says; column 'x' has %d/%m/%Y"),
        ("%m/%d/%Y", "as `date_format='%m/%d/%Y'` says; column 'x' has %d/%m/%Y"),
    ],
)
def test_a_format_of_no_column_is_refused(form, message):
    with pytest.raises(TableError, match=re.escape(message)):
        read(["31/1/1990"], reading=Reading(date_format=form))


DIGITS = [
    ([20240528, 20240529, 20240530, 20240531, 20240601], {}, True),
    ([20240528, 20240529, 20240530, 20240531, 20240532], {}, False),
    ([20240528, 20240529], {}, False),
    ([20240528, 20240529], {"dates": ["x"]}, True),
    ([2024, 2025], {}, False),
    ([2024, 2025], {"dates": ["x"]}, True),
    ([202405, 202412], {"dates": ["x"]}, True),
    (["20240528", "20240529", "20240530", "20240531", "20240601", "NA"], {}, True),
    (["20240528", "20240529", "20240530", "20240531", "20240532"], {}, False),
    (["2024", "2025"], {"dates": ["x"]}, True),
]


@pytest.mark.parametrize(("values", "options", "dates"), DIGITS)
def test_whole_numbers_that_are_dates(values, options, dates):
    found, said = read(values, **options)
    assert isinstance(found[0], datetime.datetime) == dates
    assert ("written as" in said) == dates
    if dates:
        assert (found[0].year, str(values[0])[:4]) == (2024, "2024")


NO_DATES = [
    (["soon", "2012-13"], {"dates": ["x"]}, "holds text such as '2012-13', no dates such as"),
    (
        ["2012-01-01 10:00 EST"],
        {"dates": ["x"]},
        "times in the zone 'EST', whose offset is not kno",
    ),
    ([5, 7], {"dates": ["x"]}, "column 'x' holds Int64 such as 5, no dates such as 2024-05-31"),
    (["soon", "later"], {"time": "x"}, "`time='x'` must hold dates or numbers, got text such as"),
    (["2012-01-01", "later"], {"time": "x"}, "numbers, got text such as 'later'; say how dates"),
    (["31.12.2012", "?!"], {"time": "x"}, "numbers, got text such as '?!'; say how dates are"),
]


@pytest.mark.parametrize(("values", "options", "message"), NO_DATES)
def test_what_must_be_dates_and_is_none_is_refused(values, options, message):
    with pytest.raises(TableError, match=re.escape(message)):
        read(values, **options)


UNDATED = [
    (["1/2/2020", "13/14/2020"], "no dates, as neither day nor month comes first in all of them"),
    (["2012-01-01 10:00 EST"], "no dates, as the offset of the zone 'EST' is not known"),
    (["May 12", "March 31"], ""),
    (["2012-13", "2013-14"], ""),
    (["12-Apr", "13-Apr"], ""),
    (["1/2", "3/4"], ""),
    (["1 Jan", "2 Feb"], ""),
]


@pytest.mark.parametrize(("values", "said"), UNDATED)
def test_words_are_no_dates(values, said):
    found, told = read(values)
    assert found == values
    assert told.strip(", ") == said


def test_formats_are_told_apart_by_their_shapes():
    """Of the formats that one shape has, day and month alone are to be told apart."""
    moment = datetime.datetime(2012, 10, 23, 14, 35, 45)
    timed = ("".join(parts) for parts in itertools.product(FORMATS, TIMES, ZONES))
    for form in (*FORMATS, *WHOLE, *timed):
        shape = re.sub(r"\d", "9", pl.Series([moment]).dt.strftime(form.replace("%#z", "+0000"))[0])
        found = formats_of([shape])[shape]
        assert form in found
        assert len({order_of(other) for other in found}) == len(found), shape
