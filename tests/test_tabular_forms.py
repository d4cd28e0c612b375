"""Text as numbers and words: how each spelling is read, and what is asked or refused."""

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tabular.columns.column_decisions import decide
from chainrule.tabular.columns.task import decide_target
from chainrule.tabular.formats.missing_words import IN_NUMBERS, IN_TEXT
from chainrule.tabular.read_options import Reading
from chainrule.tabular.table_error import TableError
from frames import forms_of, surveyed


def read(values, **options):
    """A column of text as its own form reads it, and what is said of it."""
    frame = pl.DataFrame({"x": values})
    forms = forms_of(frame, **options)
    return forms.read(frame)["x"].to_list(), forms.said.get("x", "")


# Numbers

NUMBERS = {
    "thousands, by a second one": (["6,050", "574", "1,234,567"], [6050, 574, 1234567]),
    "thousands, by both separators": (["6,050.25", "574"], [6050.25, 574]),
    "a decimal comma, by its length": (["6,050", "574", "12,5"], [6.05, 574, 12.5]),
    "a decimal comma, by a nought": (["6,050", "0,574"], [6.05, 0.574]),
    "a decimal comma, by an exponent": (["6,050", "1,234e2"], [6.05, 123.4]),
    "a decimal comma, by four digits": (["6,050", "1234,567"], [6.05, 1234.567]),
    "German": (["1.234.567,89", "8.689", "997"], [1234567.89, 8689, 997]),
    "Swiss": (["1'234.5", "1\u2019234\u2019567", "7"], [1234.5, 1234567, 7]),
    "French": (["1 234,5", "1\u202f234", "1\u00a0234\u2009567,25"], [1234.5, 1234, 1234567.25]),
    "Indian": (["1,00,000", "12,34,567.5", "999"], [100000, 1234567.5, 999]),
    "dollars": (["$1,173", "$574", "-$5", "$-6"], [1173, 574, -5, -6]),
    "dollars and cents": (["$1,417.77", "US$ 12", "12 USD"], [1417.77, 12, 12]),
    "euros": (["5 €", "€ 5,50", "7 EUR", "1.234,00€"], [5, 5.5, 7, 1234]),
    "pounds": (["£1,000", "£20"], [1000, 20]),
    "percent": (["45%", "4.5 %", "-3%", "0"], [45, 4.5, -3, 0]),
    "in brackets": (["(12.5)", "3", "($4)", "$5"], [-12.5, 3, -4, 5]),
    "percent in brackets": (["(5%)", "(5)%", "6%"], [-5, -5, 6]),
    "signs": (["\u22123", "+5", "12.5-", "- 4", "\u20136"], [-3, 5, -12.5, -4, -6]),
    "as programs write": (["1e5", "1.5E-3", ".5", "5.", "-.25"], [1e5, 0.0015, 0.5, 5, -0.25]),
    "with words": (["1.5", "-", "n/a", "#DIV/0!", ".", "\\N"], [1.5, *[None] * 5]),
    "with blanks": ([" 1.5 ", "2", " ", "\t3"], [1.5, 2, None, 3]),
    "with no cents": (["CHF 1'000.-", "CHF 50.50", "CHF 5.\u2013"], [1000, 50.5, 5]),
    "with no cents, and a comma": (["5,-", "6,50"], [5, 6.5]),
    "infinite": (["inf", "1", "-Infinity"], [float("inf"), 1, float("-inf")]),
    "infinite, with decimal commas": (["1,5", "inf", "2,25"], [1.5, None, 2.25]),
    "infinite, in percent": (["1%", "inf", "2.5%"], [1, None, 2.5]),
    "a point where comma parts": (["8,111", "8.111"], [8111, 8.111]),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name):
    values, expected = NUMBERS[name]
    assert read(values)[0] == expected
    assert read(values[::-1])[0] == expected[::-1]


@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=2, max_size=30),
    st.sampled_from([(".", ","), (",", "."), (".", "'"), (",", " "), (",", "\u202f")]),
)
def test_numbers_with_two_separators_come_back(numbers, separators):
    decimal, thousands = separators
    table = str.maketrans(",.", f"{thousands}{decimal}")
    text = [f"{number:,.2f}".translate(table) for number in numbers]
    assert read(text)[0] == [float(number) for number in numbers]


ASKED = [
    (["6,050", "574"], "'6,050' is 6.05 or 6050; say which by `decimal=','` or `thousands=','`"),
    (["6,050", "1,234"], "'1,234' is 1.234 or 1234, '6,050' is 6.05 or 6050; say which by"),
    (["5 €", "€ 1,234"], "'€ 1,234' is 1.234 or 1234; say which by"),
]
OPEN = [
    (["8.689", "997"], "'8.689' is 8.689 or 8689; say which by `decimal='.'` or `thousands='.'`")
]


@pytest.mark.parametrize(("values", "message"), [*ASKED, *OPEN])
@pytest.mark.parametrize("target", [False, True])
def test_what_two_forms_fit_is_asked_for(values, message, target):
    frame = pl.DataFrame({"x": [*values, "7", "8", "9"]})
    what = "target 'x'" if target else "column 'x'"
    with pytest.raises(TableError, match=re.escape(f"{what} can be read in two ways: {message}")):
        forms_of(frame, "x" if target else None, pointed=False)


DECIDED = [
    ({"thousands": ","}, [6050, 574]),
    ({"decimal": "."}, [6050, 574]),
    ({"decimal": ","}, [6.05, 574]),
    ({"decimal": ",", "thousands": "."}, [6.05, 574]),
]


@pytest.mark.parametrize(("options", "expected"), DECIDED)
def test_an_option_decides(options, expected):
    assert read(["6,050", "574"], reading=Reading(**options))[0] == expected


@pytest.mark.parametrize(
    ("other", "expected"), [(["2,5", "3"], 6.05), (["1.234,5", "3"], 6.05), (["2.5", "3"], 6050)]
)
def test_the_other_columns_decide(other, expected):
    frame = pl.DataFrame({"x": ["6,050", "574"], "y": other})
    forms = forms_of(frame, typed=False)
    assert forms.read(frame)["x"].to_list() == [expected, 574]
    assert forms.said["x"].endswith(", as in y")
    with pytest.raises(TableError, match="can be read in two ways"):  # two others that disagree
        forms_of(frame.with_columns(z=pl.Series(["2,5", "7"]), w=pl.Series(["2.5", "7"])))


def test_a_point_is_decimal_where_commas_part_the_fields():
    values = ["8.689", "997"]
    assert read(values)[0] == [8.689, 997]
    assert read(values, pointed=False, reading=Reading(thousands="."))[0] == [8689, 997]


WORDS = [
    (["01234", "10115"], ""),
    (["1.2.3", "4.5.6"], ""),
    (["192.168.0.1", "10.0.0.1"], ""),
    (["1.5", "1,5"], "no numbers, as '1.5' and '1,5' contradict each other"),
    (["1,5", "1,234,567"], "no numbers, as '1,5' and '1,234,567' contradict each other"),
    (["5 Main", "6 Oak", "7 Elm", "8 Ash"], ""),
    (["4WD", "2WD"], ""),
    (["1st", "2nd", "3rd"], ""),
    (["1st"] * 19 + ["2nd"], ""),
    (["1. Industrial", "2. Information"], ""),
    (["1. floor", "2. floor", "12. floor"], ""),
    (["1 low", "2 mid", "3 high"] * 9, ""),
    (["5.0 Good", "3.0 Bad"], ""),
    (["10 kg", "10 kg"], ""),
    (["2020 Q1", "2020 Q2"], ""),
    (["Q1 2020", "Q2 2020"], ""),
    (["< 2 km", "2-5 km", "> 5 km"], ""),
    (["1", "2", "3+"] * 20, ""),
    (["No. 5", "No. 7"], ""),
    (["10:30", "9:15"], ""),
    (["5-9", "10-14"], ""),
    (["9 AM", "10 PM"], ""),
    (["1 234", "12 3"], ""),
    (["1,2,3", "3,4"], ""),
]


@pytest.mark.parametrize(("values", "said"), WORDS)
def test_words_are_no_numbers(values, said):
    found, told = read(values)
    assert found == values
    assert told.strip(", ") == said


REFUSED = [
    (["3.2e-4 kg", "5 kg"], "numbers with the unit 'kg', such as '3.2e-4 kg'; write the numbers"),
    (["5 km", "12 km"], "holds numbers with the unit 'km', such as '12 km'"),
    (["12 in", "7.5in"], "holds numbers with the unit 'in', such as '12 in'"),
    (["5 m2", "7 m2"], "holds numbers with the unit 'm2', such as '5 m2'"),
    (["1 year", "2 years", "3 years"], "holds numbers with units 'years' and 'year', such as"),
    (["5 kg", "7 lb"], "holds numbers with units 'kg' and 'lb', such as '5 kg'"),
    (["5 kg", "300 g", "400 g"], "holds numbers with units 'g' and 'kg', such as '300 g'"),
    (["36 months", "60 months"], "holds numbers with the unit 'months'"),
    (["$1.2M", "$3M"], "holds numbers with the unit 'M', such as '$1.2M'"),
    (["1.5M", "3M"], "holds numbers with the unit 'M', such as '1.5M'"),
    (["$5", "€6"], "holds numbers in $ and in €, such as '$5' and '€6'; write all of them in one"),
    (["5%", "0.3"], "holds numbers with % and without, such as '5%' and '0.3'"),
    (["5%", "$3"], "holds numbers in $ and in %, such as '$3' and '5%'"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED)
def test_units_are_refused_and_named(values, message):
    frame = pl.DataFrame({"x": values * 3})
    for what, options in (("column", {}), ("column", {"numbers": ["x"]})):
        with pytest.raises(TableError, match=re.escape(message)) as caught:
            forms_of(frame, **options)
        assert str(caught.value).startswith(f"{what} 'x' ")
        assert str(caught.value).endswith("or use `categories=['x']` or `leave_out=['x']`")
    with pytest.raises(TableError, match=re.escape(message)) as caught:
        forms_of(frame, "x", task="regression")
    assert str(caught.value).startswith("target 'x' ")
    for options in ({"categories": ["x"]}, {"leave_out": ["x"]}):
        assert forms_of(frame, **options).read(frame)["x"].to_list() == values * 3


def test_some_others_are_taken_as_missing_and_counted():
    frame = pl.DataFrame({"x": ["1,234.5"] * 18 + ["unknown", "3 kg"]})
    column = surveyed(frame).columns["x"]
    assert (column.values, column.unread) == (18, (2, ("3 kg", "unknown")))


WRONG = [
    ({"decimal": ","}, ["1.5", "2.25"], "holds '1.5', which is no number with `decimal=','`"),
    ({"thousands": "."}, ["1.5", "2.25"], "which is no number with `thousands='.'`"),
    ({"thousands": ","}, ["1,5", "2,25"], "which is no number with `thousands=','`"),
    ({"decimal": "."}, ["1,5", "1.5"], "holds '1,5', which is no number with `decimal='.'`"),
]


@pytest.mark.parametrize(("options", "values", "message"), WRONG)
def test_an_option_that_fits_nothing_is_refused(options, values, message):
    with pytest.raises(TableError, match=re.escape(message)):
        read(values, reading=Reading(**options))


# Targets

TARGETS = [
    ([f"${k:,}" for k in range(900, 1500, 7)], None, 900),
    ([f"{k}%" for k in range(45, 99)], None, 45),
    ([f"{k},5" for k in range(45, 99)], None, 45.5),
    (["1,5", "2,5"] * 9, "regression", 1.5),
    (["1,5", "2,5"] * 9, None, "1,5"),
    (["1", "2", "3"] * 30, None, "1"),
    ([str(k) for k in range(45, 99)], None, 45),
    ([f"{k:02}" for k in range(3)] * 30, None, "00"),
]


@pytest.mark.parametrize(("values", "task", "first"), TARGETS)
def test_a_target_in_text(values, task, first):
    frame = pl.DataFrame({"y": values})
    assert forms_of(frame, "y", task=task).read(frame)["y"][0] == first


def test_a_target_with_others_is_refused():
    frame = pl.DataFrame({"y": [f"{k}.5" for k in range(50)] + ["unknown"]})
    message = "target 'y' holds numbers, and others such as 'unknown'; leave those rows out, or say"
    with pytest.raises(TableError, match=re.escape(message)):
        forms_of(frame, "y")
    given = Reading(missing=("unknown",))
    found = surveyed(frame, "y", reading=given)
    assert (found.rows, found.without_target) == (50, 1)
    assert decide_target(found).reason.endswith("; 1 without one (1 'unknown')")


# Words that mean no value


@pytest.mark.parametrize("word", IN_NUMBERS)
def test_words_in_a_column_of_numbers(word):
    column = surveyed(pl.DataFrame({"x": ["1.5", word, "2.5", word]})).columns["x"]
    assert (column.kind, column.nulls) == ("float", 2)
    assert column.words == {word: 2} or word.lower() in ("nan", "-nan")


@pytest.mark.parametrize("word", IN_TEXT)
def test_words_in_a_column_of_words(word):
    frame = pl.DataFrame({"x": ["a", word]})
    for options, nulls in (
        ({"typed": False}, 1),
        ({"typed": True}, 0),
        ({"typed": True, "reading": Reading(missing=(word,))}, 1),
        ({"typed": False, "reading": Reading(missing=())}, 0),
        ({"typed": False, "reading": Reading(missing=("b",))}, 0),
    ):
        column = surveyed(frame, **options).columns["x"]
        assert (column.nulls, column.words) == (nulls, {word: 1} if nulls else {})


@pytest.mark.parametrize("values", [[-999, 1, 2], [-999.0, 1.5, 2], ["-999", "1.5", "-"]])
def test_numbers_that_mean_no_value_are_named(values):
    frame = pl.DataFrame({"x": values})
    assert frame.height == surveyed(frame).columns["x"].values + (values[2] == "-")
    column = surveyed(frame, reading=Reading(missing=("NA", "-999"))).columns["x"]
    assert column.least in (1, 1.5)


def test_booleans_with_a_word():
    frame = pl.DataFrame({"x": ["TRUE", "False", "?", "true"] * 2})
    (decision,) = decide(surveyed(frame, typed=False))
    assert decision.reason == "2 categories: false, true, 2 missing (2 '?')"


def test_what_is_lost_is_said():
    values = ["1.5", "NA", "NA", "-", ".", "n/a", "soon", *["2.5"] * 20]
    (decision,) = decide(surveyed(pl.DataFrame({"x": values}), typed=False))
    assert decision.reason == (
        "21 values, 1.5 to 2.5, 5 missing (2 'NA', 1 '-', 1 '.', …), "
        "1 other such as 'soon' taken as missing"
    )
    words = pl.DataFrame({"x": ["DE", "NA", "DE", "FR", "FR"]})
    (decision,) = decide(surveyed(words, typed=False))
    assert str(decision).endswith("DE, FR, 1 missing (1 'NA') (change: `missing=''`)")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("x", "`categories=['x']` or `leave_out=['x']`"),
        ("net weight", "`categories=['net weight']` or `leave_out=['net weight']`"),
        ("a,b", "`categories=['a,b']` or `leave_out=['a,b']`"),
    ],
)
def test_a_unit_names_the_options(name, options):
    with pytest.raises(TableError, match=re.escape(f"or use {options}")):
        forms_of(pl.DataFrame({name: ["5 kg", "7 kg", "12 kg"]}))


def test_many_numbers_in_text_are_said():
    values = [*(f"{k}.5" for k in range(40)), *["closed"] * 10]
    (decision,) = decide(surveyed(pl.DataFrame({"x": values})), categories=["x"])
    said = "with 40 numbers; say by `missing=` what means none, such as 'closed'"
    assert said in decision.reason


@pytest.mark.parametrize("word", ["#WERT!", "#NV", "#BEZUG!", "#VALEUR!", "k.A.", "(blank)"])
def test_words_of_spreadsheets_mean_none(word):
    assert read([word, "1", "2"])[0] == [None, 1, 2]
