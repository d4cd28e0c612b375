"""Columns as numbers: equal to scikit-learn's transformers, and to themselves when read back."""

import contextlib
import datetime
import json
import math
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler

from chainrule.tabular.columns.category_limits import MAX_CATEGORIES
from chainrule.tabular.columns.column_decisions import decide
from chainrule.tabular.columns.survey import survey
from chainrule.tabular.encoding import held_outliers
from chainrule.tabular.encoding.preparation import BLOCK, Preparation, fit_preparation
from chainrule.tabular.formats.column_formats import ColumnFormats
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.table_error import TableError
from frames import Prepared, frames


def prepared(frame, **options):
    return Prepared(frame, **options)


def column(prep, frame, name):
    """One feature of a frame, as a list."""
    return prep.transform(frame)[:, prep.feature_names.index(name)].tolist()


# Any table


@settings(max_examples=60)
@given(frames(), st.randoms(use_true_random=False))
def test_any_table(frame, random):
    texts = ["remark"] if "remark" in frame.columns else []
    try:
        prep = prepared(frame, texts=texts)
    except TableError:  # no column is left, or of the texts nothing comes again
        return
    X = prep.transform(frame)
    assert (X.dtype, X.shape) == (np.float32, (frame.height, len(prep.feature_names)))
    assert X.flags.c_contiguous
    assert np.isfinite(X).all()
    assert np.abs(X).max() <= held_outliers.SOFT
    assert set(prep.columns) <= set(frame.columns)
    # read back
    data = json.loads(json.dumps(prep.to_data(), allow_nan=False))
    again = Preparation.from_data(data, prep.arrays())
    forms = ColumnFormats.from_data(json.loads(json.dumps(prep.forms.to_data())))
    assert (again.to_data(), forms) == (data, prep.forms)
    assert again.transform(forms.read(frame)).tobytes() == X.tobytes()
    # other columns, in another order, in other pieces
    order = [*prep.columns, "more"]
    random.shuffle(order)
    other = frame.with_columns(pl.lit("x").alias("more")).select(order)
    parts = [prep.transform(part) for part in other.iter_slices(7)]
    assert np.concatenate(parts).tobytes() == X.tobytes()
    # nothing of the table in training is news
    notes = Notes()
    prep.transform(frame, notes)
    assert {what for _, what in notes.found} <= {"infinite", "no number", "no date", "strange"}


@settings(max_examples=60)
@given(frames(kinds=("fraction", "integer", "word", "flag", "when")), frames())
def test_any_other_table_is_prepared_or_refused(frame, other):
    with contextlib.suppress(TableError):
        X = prepared(frame).transform(other)
        assert np.isfinite(X).all()


def test_blocks_do_not_show():
    frame = pl.DataFrame({"x": np.linspace(0, 1, 2 * BLOCK + 5)}).with_columns(
        pl.when(pl.col("x") > 0.5).then(pl.lit("a")).otherwise(pl.lit("b")).alias("c")
    )
    prep = prepared(frame)
    rows = [0, BLOCK - 1, BLOCK, 2 * BLOCK, 2 * BLOCK + 4]
    assert prep.transform(frame)[rows].tolist() == prep.transform(frame[rows]).tolist()


# Numbers


def soft(z):
    return z / np.sqrt(1 + (z / 3) ** 2)


NUMBERS = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
GAPS = NUMBERS | st.sampled_from([None, math.nan, math.inf, -math.inf])


@given(st.lists(st.tuples(GAPS, NUMBERS), min_size=5, max_size=40))
def test_numbers_are_scikit_learns(rows):
    frame = pl.DataFrame(rows, schema={"a": pl.Float64, "b": pl.Float64}, orient="row")
    table = frame.to_numpy().copy()
    table[~np.isfinite(table)] = np.nan
    keep = [k for k in range(2) if _spread(table[:, k]) > 0]
    if not keep:
        return
    named = [frame.columns[k] for k in keep]
    X = prepared(frame.select(named), numbers=named).transform(frame)
    impute = SimpleImputer(strategy="constant", fill_value=0, add_indicator=True)
    Z = make_pipeline(RobustScaler(), impute).fit_transform(table[:, keep])
    expected = np.column_stack([soft(Z[:, : len(keep)]), Z[:, len(keep) :]])
    gaps = [k for k in keep if np.isnan(table[:, k]).any()]
    order = []  # scikit-learn has the indicators behind all numbers
    for place, k in enumerate(keep):
        order += [place] + ([len(keep) + gaps.index(k)] if k in gaps else [])
    assert np.allclose(X, expected[:, order], rtol=1e-5, atol=1e-5)


def _spread(x):
    x = x[~np.isnan(x)]
    return np.subtract(*np.percentile(x, [75, 25])) if len(x) else 0


def test_numbers_without_quartiles_apart_are_divided_by_their_deviation():
    values = [0.0] * 9 + [8.0]
    frame = pl.DataFrame({"x": values})
    z = (np.array(values) - 0) / np.std(values)
    assert np.allclose(column(prepared(frame), frame, "x"), soft(z))


@pytest.mark.parametrize(
    "values",
    [
        [1e300, -1e300, 1.7e308, -1.7e308],
        [1.7e308, -1.7e308],
        [5e-324, 0.0, 1e-320],
        [1e16 + 2, 1e16 + 4, 1e16 + 8],
        [2**63 - 1, -(2**63), 0],
    ],
)
def test_numbers_at_the_ends_of_their_type(values):
    frame = pl.DataFrame({"x": values})
    found = np.array(column(prepared(frame), frame, "x"))[np.argsort(values)]
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    assert found[0] < found[-1] or values[0] == 5e-324  # too small for a scale


def test_numbers_are_centred_in_double():
    base = 1.7e9  # where floats of 32 bits are 128 apart
    frame = pl.DataFrame({"x": base + np.arange(5)})
    assert np.allclose(column(prepared(frame), frame, "x"), soft(np.arange(-2, 3) / 2))


def test_numbers_that_the_sample_has_not_seen():
    n = 150_000
    x = np.full(n, np.nan)
    found = survey([pl.DataFrame({"x": x, "k": np.arange(n)})])
    row = next(k for k in range(n) if k not in set(found.sample["k"]))
    x[[row]] = 7.0
    found = survey([pl.DataFrame({"x": x, "k": np.arange(n)})])
    prep = fit_preparation(found, decide(found))
    assert column(prep, pl.DataFrame({"x": [7.0, None], "k": [0, 0]}), "x") == [0, 0]


def test_text_of_numbers():
    frame = pl.DataFrame({"x": [*map(str, range(19)), "unknown"]})
    prep = prepared(frame)
    assert prep.feature_names == ("x", "x missing")
    notes = Notes()
    X = prep.transform(pl.DataFrame({"x": ["9", " 9 ", "soon"]}), notes)
    assert X.tolist() == [[0, 0], [0, 0], [0, 1]]
    assert notes.lines() == ["x: 1 not a number, taken as missing, such as 'soon'"]
    assert prep.transform(pl.DataFrame({"x": [9.0, None]})).tolist() == [[0, 0], [0, 1]]


# Categories


WORDS = st.sampled_from(["a", "b", "c", "d", "Ä", ""])


@given(
    st.lists(WORDS | st.none(), min_size=3, max_size=40),
    st.lists(st.sampled_from(["a", "b", "c", "x", None]), max_size=9),
)
def test_categories_are_scikit_learns(train, new):
    words = sorted({word for word in train if word is not None})
    if not words:
        return
    frame = pl.DataFrame({"c": train, "x": range(len(train))})
    prep = prepared(frame, categories=["c"], leave_out=["x"])
    theirs = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    theirs.fit(np.array(train, object).reshape(-1, 1))
    last = None in train
    named = [f"c={word}" for word in words]
    assert prep.feature_names == (*named, *(["c missing"] if last else []))
    for rows in (train, new):
        if rows:
            X = prep.transform(pl.DataFrame({"c": rows}, schema={"c": pl.String}))
            assert np.array_equal(X, theirs.transform(np.array(rows, object).reshape(-1, 1)))


def test_many_categories_are_scikit_learns():
    rng = np.random.default_rng(0)
    train = [f"w{k:04}" for k in rng.zipf(1.3, 3000) % 500]
    found = survey([pl.DataFrame({"c": train})])
    prep = fit_preparation(found, decide(found))
    theirs = OneHotEncoder(
        max_categories=MAX_CATEGORIES + 1,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
    )
    theirs.fit(np.array(train).reshape(-1, 1))
    new = [*train, "never seen"]
    X = prep.transform(pl.DataFrame({"c": new}))
    assert X.shape[1] == MAX_CATEGORIES + 1
    assert prep.feature_names[-1] == "c other"
    assert np.array_equal(X, theirs.transform(np.array(new).reshape(-1, 1)))


def test_a_boolean_is_one_feature():
    frame = pl.DataFrame({"b": [True, False, None, True]})
    prep = prepared(frame)
    assert prep.feature_names == ("b=true", "b missing")
    assert prep.transform(frame).tolist() == [[1, 0], [0, 0], [0, 1], [1, 0]]


def test_numbers_as_categories_stand_in_their_order_and_match_in_any_type():
    frame = pl.DataFrame({"c": [10, 9, 10, 9]})
    prep = prepared(frame, categories=["c"])
    assert prep.feature_names == ("c=9", "c=10")
    for same in ([10, 9], [10.0, 9.0], ["10", "9"]):
        assert prep.transform(pl.DataFrame({"c": same})).tolist() == [[0, 1], [1, 0]]


def test_categories_in_order_have_their_rank_beside():
    frame = pl.DataFrame({"c": ["low", "mid", "high", "mid", None]})
    prep = prepared(frame, order={"c": ["low", "mid", "high"]})
    assert prep.feature_names == ("c=high", "c=low", "c=mid", "c missing", "c rank")
    scale = 0.5  # between the quartiles of 0, 1, 1, 2
    expected = soft(np.array([-1, 0, 1, 0, 0, 0]) / scale)
    new = pl.DataFrame({"c": [*frame["c"], "huge"]})
    assert np.allclose(column(prep, new, "c rank"), expected)


# Dates


def dates(start, step, count):
    start = datetime.datetime.fromisoformat(start)
    return [start + step * k for k in range(count)]


HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
CYCLES = [
    ("2024-01-01", DAY, 6, []),
    ("2024-01-01", DAY, 8, ["weekday"]),
    ("2023-01-01", DAY, 366, ["month", "weekday"]),
    ("2024-01-01", HOUR, 24, []),
    ("2024-01-01", HOUR, 25, ["hour"]),
    ("2020-02-28T12:30", 8 * DAY, 99, ["month", "weekday", "hour"]),
]


@pytest.mark.parametrize(("start", "step", "count", "cycles"), CYCLES)
@pytest.mark.parametrize("form", ["datetime", "zoned", "text", "text, zoned", "text, UTC"])
def test_dates_and_their_cycles(start, step, count, cycles, form):
    moments = dates(start, step, count)
    series = pl.Series("d", moments, dtype=pl.Datetime("us"))
    if form == "zoned":
        series = series.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    elif form == "text":
        series = pl.Series("d", [moment.isoformat() for moment in moments])
    elif form == "text, UTC":
        series = pl.Series("d", [f"{moment.isoformat()}Z" for moment in moments])
    elif form == "text, zoned":
        shift = datetime.timezone(2 * HOUR)
        series = pl.Series(
            "d", [m.replace(tzinfo=datetime.UTC).astimezone(shift).isoformat() for m in moments]
        )
    frame = series.to_frame()
    prep = prepared(frame)
    waves = [f"d {cycle} {wave}" for cycle in cycles for wave in ("sin", "cos")]
    assert prep.feature_names == ("d", *waves)
    seconds = np.array([(moment - moments[0]).total_seconds() for moment in moments])
    z = RobustScaler().fit_transform(seconds.reshape(-1, 1)).ravel()
    assert np.allclose(column(prep, frame, "d"), soft(z), atol=1e-6)
    parts = {
        "month": [2 * math.pi * (moment.month - 1) / 12 for moment in moments],
        "weekday": [2 * math.pi * moment.weekday() / 7 for moment in moments],
        "hour": [2 * math.pi * (moment.hour + moment.minute / 60) / 24 for moment in moments],
    }
    for cycle in cycles:
        assert np.allclose(column(prep, frame, f"d {cycle} sin"), np.sin(parts[cycle]), atol=1e-6)
        assert np.allclose(column(prep, frame, f"d {cycle} cos"), np.cos(parts[cycle]), atol=1e-6)


def test_dates_that_are_missing():
    frame = pl.DataFrame({"d": [*dates("2024-01-01", DAY, 8), None]})
    prep = prepared(frame)
    assert prep.feature_names == ("d", "d weekday sin", "d weekday cos", "d missing")
    assert prep.transform(frame)[-1].tolist() == [0, 0, 0, 1]


def test_dates_in_text_match_dates():
    days = dates("2024-01-01", DAY, 8)
    frame = pl.DataFrame({"d": days})
    prep = prepared(frame)
    text = pl.DataFrame({"d": [str(day.date()) for day in days]})
    assert prep.transform(text).tolist() == prep.transform(frame).tolist()


# What training did not know

TRAINED = pl.DataFrame(
    {
        "age": [30, 40, 50, 60],
        "cut": ["Fair", "Good", "Fair", "Good"],
        "day": dates("2024-01-01", DAY, 4),
        "flag": [True, False, True, False],
    }
)


def test_notes_count_over_frames():
    prep, notes = prepared(TRAINED), Notes()
    new = pl.DataFrame(
        {
            "age": [None, math.inf, math.nan, 30.0],
            "cut": ["Superb", None, "Odd", "Good"],
            "day": [None, None, *dates("2024-01-01", DAY, 2)],
            "flag": [None, True, False, True],
        }
    )
    for part in new.iter_slices(3):
        prep.transform(part, notes)
    assert sorted(notes.lines()) == [
        "age: 1 infinite, taken as missing",
        "age: 2 missing, unlike in training",
        "cut: 1 missing, unlike in training",
        "cut: 2 not seen in training, such as 'Superb'",
        "day: 2 missing, unlike in training",
        "flag: 1 missing, unlike in training",
    ]


REFUSED = [
    (TRAINED.rename({"age": "Age"}), "column 'age'; did you mean 'Age'? The table has Age, cut,"),
    (
        TRAINED.drop("cut", "day"),
        "unknown column 'cut'. The table has age, flag; missing too: 'day'",
    ),
    (
        TRAINED.with_columns(pl.Series("age", ["1", " 2", "abc", "x"])),
        "column 'age' held numbers in training, holds text here: 'abc' in row 13",
    ),
    (
        TRAINED.with_columns(pl.Series("age", TRAINED["day"])),
        "column 'age' held numbers in training, holds Datetime",
    ),
    (
        TRAINED.with_columns(pl.Series("day", ["2024-01-01", "soon", "", ""])),
        "column 'day' held dates in training, holds text here: 'soon' in row 12",
    ),
    (
        TRAINED.with_columns(pl.Series("day", [1, 2, 3, 4])),
        "column 'day' held dates in training, holds Int64 here",
    ),
]


@pytest.mark.parametrize(("frame", "message"), REFUSED)
def test_another_table_than_in_training_is_refused(frame, message):
    with pytest.raises(TableError, match=re.escape(message)) as caught:
        prepared(TRAINED).transform(frame, first=11)
    assert "\n" not in str(caught.value)


def test_columns_without_values_may_have_any_type():
    new = pl.DataFrame({name: [None] for name in TRAINED.columns})
    text = new.select(pl.all().cast(pl.String))
    prep = prepared(TRAINED)
    assert prep.transform(new).tolist() == prep.transform(text).tolist() == [[0, 0, 0, 0, 0]]
