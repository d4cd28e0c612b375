"""The survey of a table, whatever its chunks, and the decisions on its columns."""

import datetime
import math
import re
import unittest.mock

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.tabular.columns.category_limits import MAX_CATEGORIES
from chainrule.tabular.columns.column_decisions import decide
from chainrule.tabular.columns.row_sample import FEWEST, Sample, hashes
from chainrule.tabular.columns.survey import MOST, survey
from chainrule.tabular.encoding.preparation import fit_preparation
from chainrule.tabular.table_error import TableError
from frames import frames, surveyed

# The survey


@given(frames(), st.lists(st.integers(0, 40), max_size=4))
def test_a_survey_is_the_same_however_the_rows_are_cut(frame, cuts):
    ends = sorted(min(cut, frame.height) for cut in cuts)
    chunks = [frame[a:b] for a, b in zip([0, *ends], [*ends, frame.height], strict=True)]
    whole, cut = survey([frame]), survey(chunks)
    assert whole == cut
    assert repr(whole) == repr(cut)  # in which -0 is not 0
    assert whole.sample.equals(cut.sample)
    assert _prepared(whole) == _prepared(cut)


def _prepared(found):
    try:
        return fit_preparation(found, decide(found)).to_data()
    except TableError as error:
        return str(error)


@given(frames())
def test_a_survey_holds_what_python_finds(frame):
    found = survey([frame])
    assert list(found.columns) == frame.columns
    for name, column in found.columns.items():
        values = frame[name].drop_nulls().to_list()
        values = [value for value in values if not _is(math.isnan, value)]
        finite = [value for value in values if not _is(math.isinf, value)]
        assert (column.rows, column.values) == (frame.height, len(finite))
        assert column.infinite == len(values) - len(finite)
        if column.kind == "other":
            continue
        assert column.least == min(finite, default=None)
        assert column.greatest == max(finite, default=None)
        numbers = column.kind in ("integer", "float")
        assert column.whole == (numbers and finite != [] and all(v % 1 == 0 for v in finite))
        if column.counts is not None:
            assert column.counts == {value: finite.count(value) for value in finite}
            assert list(column.counts) == sorted(column.counts)


def _is(holds, value):
    return isinstance(value, float) and holds(value)


def test_values_are_counted_up_to_a_bound():
    for count in (MOST, MOST + 1):
        frame = pl.DataFrame({"x": range(count)})
        for size in (count, 777):
            counts = survey(frame.iter_slices(size)).columns["x"].counts
            assert counts == (dict.fromkeys(range(count), 1) if count == MOST else None)


def test_a_number_with_a_fraction_behind_whole_ones():
    column = survey([pl.DataFrame({"x": [1.0, 2.0]}), pl.DataFrame({"x": [0.5]})]).columns["x"]
    assert (column.whole, column.counts) == (False, None)


@pytest.mark.parametrize("values", [[0.0, -0.0], [-0.0, 0.0]])
def test_nought_has_no_sign(values):
    column = survey([pl.DataFrame({"x": [value]}) for value in values]).columns["x"]
    assert (str(column.least), str(column.greatest)) == ("0.0", "0.0")


def test_rows_without_a_target_are_left_out():
    frame = pl.DataFrame({"x": [1, 2, 3, 4], "y": [0.5, math.nan, None, 1.5]})
    found = survey([frame], target="y")
    assert (found.rows, found.without_target) == (2, 2)
    assert found.columns["x"].counts == {1: 1, 4: 1}
    assert found.sample.rows() == [(1, 0.5), (4, 1.5)]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_sample_is_of_the_rows_with_the_smallest_hashes(size):
    frame = pl.DataFrame({"x": range(500)})
    expected = sorted(sorted(range(500), key=_splitmix64)[:100])
    sample = Sample(100)
    for piece in frame.iter_slices(size):
        sample.add(piece)
    assert sample.rows()["x"].to_list() == expected


def _splitmix64(k):
    """The k-th output of SplitMix64 with seed 0, in Python's integers."""
    mask = 2**64 - 1
    z = (k + 1) * 0x9E3779B97F4A7C15 & mask
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
    z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
    return z ^ z >> 31


def test_hashes_are_the_published_ones():
    # https://prng.di.unimi.it/splitmix64.c with seed 0
    expected = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC]
    assert hashes(np.arange(4, dtype=np.uint64)).tolist() == expected


def test_wide_tables_have_smaller_samples():
    rows = 2 * FEWEST
    wide = pl.DataFrame({f"c{k}": np.zeros(rows) for k in range(10)})
    with unittest.mock.patch("chainrule.tabular.columns.survey.CELLS", 9 * FEWEST):
        assert survey([wide]).sample.height == FEWEST
    with unittest.mock.patch("chainrule.tabular.columns.survey.CELLS", 15 * FEWEST):
        assert survey([wide]).sample.height == 1.5 * FEWEST


# Decisions

N = 200
NAMES = [f"name {k}" for k in range(N)]
DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(days=k) for k in range(N)]
DECISIONS = {
    # name: (values, options, role, reason and option)
    "size": ([0.5 * k for k in range(N)], {}, "number", "200 values, 0 to 99.5"),
    "few": ([1, 2, 3, 4] * 50, {}, "number", "200 values, 1 to 4"),
    "gaps": (
        [None, math.nan, math.inf, -math.inf, 0.1] * 40,
        {},
        "number",
        "40 values, 0.1 to 0.1, 80 missing, 80 infinite taken as missing",
    ),
    "flag": ([True, False] * 100, {}, "category", "2 categories: false, true"),
    "cut": (["Good", "Fair"] * 100, {}, "category", "2 categories: Fair, Good"),
    "sold": (["a", None] * 100, {}, "category", "1 category: a, 100 missing"),
    "many": (
        [f"{k % 25:02}x" for k in range(N)],
        {},
        "category",
        "25 categories: 00x, 01x, 02x, 03x, 04x, …",
    ),
    "label": (
        NAMES,
        {},
        "left out",
        "text, all different (keep: `categories=['label']` or `texts=['label']`)",
    ),
    "label, kept": (
        NAMES,
        {"categories": ["label, kept"]},
        "category",
        "200 categories: the 100 most frequent, and the others as one "
        "(change: `leave_out=['label, kept']`)",
    ),
    "most": (
        [*NAMES[:150], *["x"] * 50],
        {},
        "left out",
        "text, most of it different (keep: `categories=['most']` or `texts=['most']`)",
    ),
    "prose": (
        [f"{k % 101} {'word ' * 30}" for k in range(202)],
        {},
        "left out",
        "long text (keep: `categories=['prose']` or `texts=['prose']`)",
    ),
    "id": (range(100, 300), {}, "left out", "identifies the rows (keep: `numbers=['id']`)"),
    "PassengerId": (
        range(N),
        {},
        "left out",
        "identifies the rows (keep: `numbers=['PassengerId']`)",
    ),
    "paid": (range(0, 2 * N, 2), {}, "number", "200 values, 0 to 398"),
    "shop_id": (
        [1, 2, 3, 4] * 50,
        {},
        "category",
        "numbers that are names, 4 categories: 1, 2, 3, 4 (change: `numbers=['shop_id']`)",
    ),
    "user ID": (range(N), {"numbers": ["user ID"]}, "number", "200 values, 0 to 199"),
    "Index": (
        [*range(1, N), 500],
        {},
        "left out",
        "numbers the rows, going by its name (keep: `numbers=['Index']`)",
    ),
    "row": ([1, 2, 3, 4] * 50, {}, "number", "200 values, 1 to 4"),
    "price_index": (range(0, 2 * N, 2), {}, "number", "200 values, 0 to 398"),
    "always": ([7] * N, {}, "left out", "always 7"),
    "once": (["x"] * N, {}, "left out", "always 'x'"),
    "none": ([None] * N, {}, "left out", "no values"),
    "no number": ([math.nan, math.inf] * 100, {}, "left out", "no values"),
    "list": ([[1]] * N, {}, "left out", "List(Int64): not a number, text or date"),
    "text of numbers": (
        [str(k / 4) for k in range(N)],
        {},
        "number",
        "200 values, 0 to 49.75, in text (change: `categories=['text of numbers']`)",
    ),
    "mixed": (
        ["unknown", *map(str, range(N - 1))],
        {},
        "number",
        "199 values, 0 to 198, in text, 1 other such as 'unknown' taken as missing "
        "(change: `categories=['mixed']`)",
    ),
    "too mixed": (
        ["a", "b", "1", "2"] * 50,
        {},
        "category",
        "4 categories: 1, 2, a, b",
    ),
    "too mixed, asked": (
        ["a", "b", "1", "2"] * 50,
        {"numbers": ["too mixed, asked"]},
        "number",
        "100 values, 1 to 2, in text, 100 others such as 'a', 'b' taken as missing "
        "(change: `categories=['too mixed, asked']`)",
    ),
    "postcode": (["01234", "10115"] * 100, {}, "category", "2 categories: 01234, 10115"),
    "day": (DAYS, {}, "date", "200 values, 2024-01-01 to 2024-07-18"),
    "day in text": (
        [*map(str, DAYS[1:]), "soon"],
        {},
        "date",
        "199 values, 2024-01-02 to 2024-07-18, in text, 1 other such as 'soon' taken as missing "
        "(change: `categories=['day in text']`)",
    ),
    "year": ([2020, 2021] * 100, {"categories": ["year"]}, "category", "2 categories: 2020, 2021"),
    "dropped": (range(N), {"leave_out": ["dropped"]}, "left out", "as asked"),
    "grade": (
        ["low", "high"] * 100,
        {"order": {"grade": ["low", "mid", "high"]}},
        "category",
        "3 categories in order: low < mid < high",
    ),
    "w": ([0, 1, 2, 0.5] * 50, {"weight": "w"}, "weight", "0 to 2"),
    "seen": ([0.25, 0.5] * 100, {"categories": ["seen"]}, "category", "2 categories: 0.25, 0.5"),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_and_its_reason(name):
    values, options, role, reason = DECISIONS[name]
    frame = pl.DataFrame({name: values, "other": np.arange(len(values)) / 8}, strict=False)
    decision = decide(surveyed(frame, **options), **options)[0]
    assert (decision.column, decision.role) == (name, role)
    assert str(decision) == f"{name:<10} {role:<10} {reason}"


def test_more_categories_than_are_counted():
    words = [f"w{k % (MOST + 1)}" for k in range(3 * MOST)]
    found = survey([pl.DataFrame({"word": words})])
    (decision,) = decide(found)
    assert decision.reason.startswith(
        f"more than 10,001 categories: the {MAX_CATEGORIES} most frequent"
    )


def test_decisions_stand_in_the_order_of_the_table_and_do_not_depend_on_it():
    frame = pl.DataFrame({name: list(row[0])[:N] for name, row in DECISIONS.items()}, strict=False)
    back = frame.select(frame.columns[::-1])
    assert decide(survey([frame]))[::-1] == decide(survey([back]))


def test_the_whole_of_a_table():
    frame = pl.DataFrame({"x": [1.5, 2.5, None, 4.0], "id": [1, 2, 3, 4], "y": list("abab")})
    lines = [str(decision) for decision in decide(survey([frame], target="y"))]
    assert lines == [
        "x          number     3 values, 1.5 to 4, 1 missing",
        "id         left out   identifies the rows (keep: `numbers=['id']`)",
        "y          target     2 classes: a 2, b 2",
    ]


# What is refused

TABLE = pl.DataFrame(
    {
        "x": [0.5, 1.5, 2.5],
        "text": ["a", "b", "a"],
        "day": DAYS[:3],
        "list": [[1], [2], [3]],
        "empty": [None, None, None],
        "w": [0.0, -1.0, 2.0],
        "noughts": [0, 0, 0],
        "gap": [1, None, 2],
        "y": [1, 2, 1],
    }
)
ERRORS = [
    ({"numbers": ["X"]}, "unknown column in `numbers=` 'X'; did you mean 'x'?"),
    ({"leave_out": ["y"]}, "column 'y' is the target; take it out of `leave_out=`"),
    (
        {"numbers": ["x"], "categories": ["x"]},
        "column 'x' stands in `numbers=` and in `categories=`; name it once",
    ),
    ({"numbers": ["text"]}, "column 'text' holds text such as 'a', no numbers; use `categories=`"),
    ({"numbers": ["day"]}, "column 'day' holds dates, not numbers; use `dates=`"),
    ({"dates": ["text"]}, "column 'text' holds text such as 'a', no dates such as 2024-05-31"),
    ({"dates": ["x"]}, "column 'x' holds Float64 such as 0.5, no dates"),
    ({"numbers": ["empty"]}, "column 'empty' has no values; take it out of `numbers=`"),
    ({"categories": ["list"]}, "column 'list' holds List(Int64), which `categories=` cannot take"),
    ({"order": {"text": ["a"]}}, "order of 'text' leaves out 'b'; name each of its categories"),
    ({"order": {"text": ["a", "b", "a"]}}, "order of 'text' names a category twice"),
    ({"weight": "text"}, "weight 'text' must hold a number >= 0 in each row, got text such as 'a'"),
    ({"weight": "gap"}, "must hold a number >= 0 in each row, got 1 missing or infinite"),
    ({"weight": "w"}, "must hold a number >= 0 in each row, and one above 0, got −1 to 2"),
    ({"weight": "noughts"}, "and one above 0, got 0 to 0"),
    (
        {"leave_out": TABLE.columns[:-1]},
        "no column is left to predict from; keep one by `numbers=`",
    ),
]


@pytest.mark.parametrize(("options", "message"), ERRORS, ids=[row[1][:40] for row in ERRORS])
def test_what_a_column_cannot_be_is_refused(options, message):
    with pytest.raises(TableError, match=re.escape(message)) as caught:
        decide(surveyed(TABLE, "y", **options), **options)
    assert "\n" not in str(caught.value)


NOTHING_LEFT = {
    "x: always 1": {"x": [1, 1, 1]},
    "x: always 'a'; gone: no values": {"x": ["a"] * 3, "gone": [None] * 3},
    "id: identifies the rows (keep: `numbers=['id']`); x: always True": {
        "x": [True] * 3,
        "id": [1, 2, 3],
    },
    "; x4: always 4; and 3 others": {f"x{k}": [k] * 3 for k in range(8)},
}


@pytest.mark.parametrize("reasons", NOTHING_LEFT)
def test_where_no_column_is_left_those_left_out_are_named(reasons):
    frame = pl.DataFrame({**NOTHING_LEFT[reasons], "y": [0.5, 1.5, 2.5]})
    message = "`texts=`: .*" * reasons.startswith(";") + re.escape(reasons) + "$"
    with pytest.raises(TableError, match=message):
        decide(surveyed(frame, "y"))


@pytest.mark.parametrize(
    ("chunks", "target", "message"),
    [
        ([], None, "the table has no rows"),
        ([TABLE[:0]], "y", "the table has no rows"),
        ([TABLE], "Y", "unknown target 'Y'; did you mean 'y'?"),
        ([TABLE], "empty", "target 'empty' has no value in any of 3 rows"),
    ],
)
def test_a_table_without_rows_or_target_is_refused(chunks, target, message):
    with pytest.raises(TableError, match=re.escape(message)):
        survey(chunks, target)
