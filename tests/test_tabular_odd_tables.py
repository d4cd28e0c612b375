"""Odd tables and odd options: each ends in finite numbers, or in one line, and changes nothing."""

import functools
import math

import numpy as np
import polars as pl
import pytest

import chainrule as cr

N = 60
QUICK = {"epochs": 2, "hidden": (4,), "threads": 1}
HALF = N // 2


def table(y, rows=N, **columns):
    """Two columns that tell y, and others beside them; None in their place leaves one out."""
    rng = np.random.default_rng(0)
    x, kind = rng.normal(size=rows), rng.choice(["a", "b", "c"], rows)
    if isinstance(y, str):
        y = 2 * x + rng.normal(size=rows) if y == "number" else np.where(x > 0, "yes", "no")
    made = {"x": x, "kind": kind, **columns, "y": y}
    return pl.DataFrame({name: values for name, values in made.items() if values is not None})


def first(value, others):
    return [value, *[others] * (N - 1)]


ONE = [1.0] + [0.0] * (N - 1)
TIMES = np.arange(N)
LATE = [0] * (N - 9) + [1] * 9  # what is held out by TIMES

COLUMNS = {
    "one row apart": (ONE, {}),
    "one row apart, a text": (first("b", "a"), {}),
    "one row apart, a truth": (first(True, False), {}),
    "no values": ([None] * N, {}),
    "one value": (first(1.5, None), {}),
    "one text": (first("u", None), {}),
    "one date": (first("2020-01-01", None), {}),
    "one distinct value": ([1.5, None] * HALF, {}),
    "one distinct truth": ([True, None] * HALF, {}),
    "two values": ([1.0, 2.0] * HALF, {}),
    "two values, waves": ([1.0, 2.0] * HALF, {"embedding": "periodic"}),
    "two dates": (["2020-01-01", "2021-01-01"] * HALF, {}),
    "the largest numbers": ([1.7e308, -1.7e308] * HALF, {}),
    "the largest numbers, waves": ([1.7e308, -1.7e308, 0.0] * (N // 3), {"embedding": "periodic"}),
    "one outlier": (first(1e300, 1.0), {}),
    "the smallest numbers": ([5e-324, 1e-310, 0.0] * (N // 3), {}),
    "noughts of both signs": ([-0.0, 0.0] * HALF, {}),
    "infinity among numbers": ([np.inf, -np.inf, 1.0] * (N // 3), {}),
    "infinity but for one": (first(1.0, np.inf), {}),
    "infinity alone": ([np.inf] * N, {}),
    "numbers close to each other": (1e15 + np.arange(N) % 3, {}),
    "constant": ([7] * N, {}),
    "constant text": (["a"] * N, {}),
    "empty text": ([""] * N, {}),
    "blank text": (["  "] * N, {}),
    "a date": (["2020-01-01"] * N, {}),
    "texts that differ": ([f"id {k}x" for k in range(N)], {}),
    "categories seen once": ([f"id{k}x" for k in range(N)], {"categories": ["z"]}),
    "one text again and again": (["the same"] * N, {"texts": ["z"]}),
    "texts of no words": (["."] * N, {"texts": ["z"]}),
    "texts of few words": (["one two", "two three"] * HALF, {"texts": ["z"]}),
    "one group": (["a"] * N, {"groups": "z"}),
    "a group of one row": (first("b", "a"), {"groups": "z"}),
    "groups of one row each": (TIMES, {"groups": "z"}),
    "one time": ([0] * N, {"time": "z"}),
    "one row at the last time": ([0] * (N - 1) + [1], {"time": "z"}),
    "all rows but one at the last time": ([0] + [1] * (N - 1), {"time": "z"}),
    "one row that weighs": (ONE, {"weight": "z"}),
    "weights nearly 0": (first(1.0, 1e-30), {"weight": "z"}),
    "tiny weights": ([1e-29] * N, {"weight": "z"}),
    "weights that no float32 holds": ([1e-300] * N, {"weight": "z"}),
    "weights far apart": ([1e-29, 1e29] * HALF, {"weight": "z"}),
    "constant in training": (LATE, {"time": "t"}),
    "missing in training": ([None if k < N - 9 else k % 2 for k in range(N)], {"time": "t"}),
    "constant among rows held out": (TIMES * (1 - np.array(LATE)), {"time": "t"}),
    "a category of rows held out": (np.where(LATE, "new", "old"), {"time": "t"}),
}

OPTIONS = {
    **{f"{rows} rows": {"rows": rows} for rows in (1, 2, 3, 4, 5, 10)},
    "fewer rows than members": {"rows": 10, "members": 50, "epochs": 1},
    "few rows, refitted": {"rows": 3, "refit": True},
    "few rows, not refitted": {"rows": 3, "refit": False},
    "few rows, the best": {"rows": 5, "effort": "best", "epochs": 1},
    "hardly a row held out": {"validation": 1e-9},
    "hardly a row left": {"validation": 0.999},
    "a rate that diverges": {"learning_rate": 1e30},
    "rates that all diverge": {"learning_rate": (1e38, 1e37)},
    "rates that diverge but for one": {"learning_rate": (1e38, 1e37, 0.01)},
    "hardly any time": {"budget": 1e-9},
    "a batch of more than all": {"batch_size": 10**9},
    "no memory of gradients": {"beta2": 0.0},
    "nearly all dropped": {"dropout": 0.999},
    "decay that diverges": {"weight_decay": 1e30},
    "a tiny norm": {"clip_norm": 1e-30},
}

TARGETS = {
    "constant": (np.ones(N), {}),
    "constant, quantiles": (np.ones(N), {"quantiles": (0.1, 0.9)}),
    "constant, counts": (np.zeros(N, int), {"loss": "poisson"}),
    "constant, a class": (["a"] * N, {}),
    "one value": (first(1.5, None), {}),
    "two values": ([1.5, 2.5] + [None] * (N - 2), {}),
    "one row apart": (ONE, {"task": "regression"}),
    "one row apart, quantiles": (ONE, {"task": "regression", "quantiles": (0.1, 0.9)}),
    "one row apart, counts": ([*map(int, ONE)], {"loss": "poisson"}),
    "one outlier": (first(1e9, 0.0), {"task": "regression"}),
    "the largest numbers": ([1.7e308, -1.7e308, 1.0] * (N // 3), {"task": "regression"}),
    "numbers too large": ([1e200, -1e200, 1.0] * (N // 3), {"task": "regression"}),
    "large numbers": ([1e100, -1e100, 1.0] * (N // 3), {"task": "regression"}),
    "small numbers": ([1e-100, -1e-100, 0.0] * (N // 3), {"task": "regression"}),
    "numbers too small": ([1e-300, -1e-300, 0.0] * (N // 3), {"task": "regression"}),
    "the smallest numbers": ([5e-324, 1e-310, 0.0] * (N // 3), {"task": "regression"}),
    "numbers close to each other": (1e6 + 1e-9 * TIMES, {}),
    "infinity": (first(np.inf, 1.0), {}),
    "extreme quantiles": ("number", {"quantiles": (0.001, 0.999)}),
    "quantiles at the ends": ("number", {"quantiles": (1e-12, 1 - 1e-12)}),
    "counts below 0": ([-1, 0, 2] * (N // 3), {"loss": "poisson"}),
    "huge counts": ([0, 1, 10**15] * (N // 3), {"loss": "poisson"}),
    "a class of one row": (first("a", "b"), {}),
    "a class of one row, balanced": (first("a", "b"), {"class_weight": "balanced"}),
    "a class of one row, by its curve": (first("a", "b"), {"metric": "roc_auc"}),
    "a class of rows held out": (np.where(LATE, "new", "old"), {"time": "t"}),
    "a class of rows in training": (np.where(LATE, "old", [*"no"] * HALF), {"time": "t"}),
    "constant in training": (TIMES * np.array(LATE) * 1.0, {"time": "t"}),
    "constant among rows held out": (TIMES * (1.0 - np.array(LATE)), {"time": "t"}),
    "no spread to explain": (TIMES * (1.0 - np.array(LATE)), {"time": "t", "metric": "r2"}),
    "classes of one row each": ([f"c{k}" for k in range(N)], {"task": "classification"}),
    "classes of two rows each": ([f"c{k // 2}" for k in range(N)], {}),
    "a weight of no class": ("class", {"class_weight": {"maybe": 2.0}}),
    "a huge weight": ("class", {"class_weight": {"yes": 1e39}}),
    "nearly all shared": ("class", {"label_smoothing": 1 - 1e-12}),
}

CASES = {
    **{
        f"{y}, {name}": lambda y=y, z=z, o=o: (
            table(y, z=z, **({"t": TIMES} if o.get("time") == "t" else {})),
            o,
        )
        for name, (z, o) in COLUMNS.items()
        for y in ("number", "class")
    },
    **{
        f"{y}, {name}": lambda y=y, o=o: (
            table(y, o.get("rows", N)),
            {k: v for k, v in o.items() if k != "rows"},
        )
        for name, o in OPTIONS.items()
        for y in ("number", "class")
    },
    **{
        f"target: {name}": lambda y=y, o=o: (
            table(y, **({"t": TIMES} if o.get("time") == "t" else {})),
            o,
        )
        for name, (y, o) in TARGETS.items()
    },
}


REFUSED = {
    "one text again and again": "holds no text of which parts come again, in three rows or more; ",
    "texts of no words": "holds no text of which parts come again, in three rows or more; leave it",
    "one group": "`groups=` holds one value only, so that all 60 rows stay together; name another",
    "one time": "`time=` holds one value only, so that all 60 rows stay together; name another",
    "one row that weighs": "weight 'z' is 0 in all of the 9 rows held out; leave the rows",
    "weights that no float32 holds": "and in reach of 1, got 1e.300 to 1e.300; multiply all",
    "1 rows": "target 'y' is always .*: there is nothing to learn",
    "hardly a row left": "leaves no examples to train with; the table has 60: give more examples",
    "a rate that diverges": "training diverged at epoch 1, .*; lower `learning_rate=`, or set",
    "rates that all diverge": "training diverged at epoch 1, .*; lower `learning_rate=`, or set",
    "decay that diverges": "training diverged at epoch 1, .*; lower `learning_rate=`, or set",
    "target: constant": "target 'y' is always 1: there is nothing to learn",
    "target: constant, quantiles": "target 'y' is always 1: there is nothing to learn",
    "target: constant, counts": "target 'y' is always 0: there is nothing to learn",
    "target: constant, a class": "target 'y' is always 'a': there is nothing to learn",
    "target: one value": "target 'y' is always 1.5: there is nothing to learn",
    "target: the largest numbers": "target 'y' is as great as 1.7e.308; divide it",
    "target: numbers too large": "target 'y' is as great as 1e.200; divide it",
    "target: numbers too small": "target 'y' differs by 2e-300 at most; multiply it",
    "target: the smallest numbers": "target 'y' differs by 1e-310 at most; multiply it",
    "target: infinity": "target 'y' is infinite in 1 row; leave such rows out",
    "target: counts below 0": "is for counts >= 0, and target 'y' is -1 in row 1; use another",
    "target: a class of one row, by its curve": "`metric='roc_auc'` has no meaning for the rows",
    "target: no spread to explain": "`metric='r2'` has no meaning for the rows held out, which",
    "target: classes of one row each": "holds text, nearly all different, such as .c0.: is it",
    "target: a weight of no class": "names 'maybe', which is no class of 'y'; the classes are",
    "target: a huge weight": "has a row count as much as 1e.39, which must be in reach of 1; div",
}
"""What is refused, with what is said; all the rest is taken."""


def message(name):
    return REFUSED.get(name) or REFUSED.get(name.partition(", ")[2])


def infinite(value, place=""):
    """Where numbers are not finite in plain data."""
    if isinstance(value, dict):
        return [at for key, each in value.items() for at in infinite(each, f"{place}.{key}")]
    if isinstance(value, list | tuple):
        return [at for k, each in enumerate(value) for at in infinite(each, f"{place}[{k}]")]
    return [place] if isinstance(value, float) and not math.isfinite(value) else []


@pytest.mark.parametrize("name", [name for name in CASES if message(name)])
def test_what_teaches_nothing_is_refused_in_one_line(tmp_path, name):
    frame, options = CASES[name]()
    with pytest.raises((cr.TableError, cr.DivergenceError), match=message(name)) as caught:
        cr.train(frame, "y", out=tmp_path / "y.model", **QUICK | options)
    assert "\n" not in str(caught.value)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("name", [name for name in CASES if not message(name)])
def test_an_odd_table_ends_in_finite_numbers(tmp_path, name):
    frame, options = CASES[name]()
    out = tmp_path / "y.model"
    model = cr.train(frame, "y", out=out, **QUICK | options)
    predicted = model.predict(frame)
    assert all(predicted.select(pl.selectors.float().is_finite().all()).row(0))
    assert not any(predicted.null_count().row(0))
    told = [model.about, model.evaluate(frame), {k: v.tolist() for k, v in model.curves.items()}]
    assert infinite(told) == []
    assert [*tmp_path.iterdir()] == [out]
    assert cr.TableModel.load(out).predict(frame).equals(predicted)


@pytest.mark.parametrize("name", ["number, rates that all diverge", "number, one group"])
def test_what_is_refused_leaves_the_files_there_are(tmp_path, name):
    frame, options = CASES[name]()
    places = {key: tmp_path / key for key in ("out", "report")}
    for path in places.values():
        path.write_text("of another")
    with pytest.raises((cr.TableError, cr.DivergenceError)):
        cr.train(frame, "y", **places, force=True, **QUICK | options)
    left = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert left == dict.fromkeys(places, "of another")


@functools.cache
def of_weighed(y):
    """Return a table with weights, and a model of it."""
    weighed = table(y, w=1 + np.arange(N) % 3)
    return weighed, cr.train(weighed, "y", weight="w", **QUICK)


NO_WEIGHTS = {
    "below 0": (-1.0, "got -1 in row 1;"),
    "none": (None, "got none in row 1;"),
    "not a number": (math.nan, "got nan"),
    "infinite": (math.inf, "got inf"),
    "a text": ("much", "got 'much'"),
    "nothing counts": (0.0, "weight 'w' is 0 in all rows with a target"),
}


@pytest.mark.parametrize("y", ["number", "word"])
@pytest.mark.parametrize("name", NO_WEIGHTS)
def test_weights_that_are_none_are_refused_in_an_evaluation(y, name):
    value, message = NO_WEIGHTS[name]
    weighed, model = of_weighed(y)
    with pytest.raises(cr.TableError, match=message) as refused:
        model.evaluate(weighed.with_columns(w=pl.lit(value)))
    assert "\n" not in str(refused.value)
    assert model.evaluate(weighed)["model"] != model.evaluate(weighed.drop("w"))["model"]


WRONG = {
    "a class": ("y", "strange", "must be one of the classes 'no', 'yes', got 'strange' in row 18"),
    "a number": ("x", "strange", "held numbers in training, holds text here: 'strange' in row 18"),
    "a weight": ("w", -2, "must hold a number >= 0 in each row, got -2 in row 18;"),
}


@pytest.mark.parametrize("without", [[], [0], [3, 4, 5, 40], [*range(17)], [*range(0, 16, 2), 18]])
@pytest.mark.parametrize("name", WRONG)
def test_refusals_of_an_evaluation_count_the_rows_without_a_target_too(without, name):
    column, value, message = WRONG[name]
    weighed, model = of_weighed("word")
    row = pl.int_range(N)
    odd = weighed.with_columns(
        pl.when(row == 17).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    )
    odd = odd.with_columns(y=pl.when(row.is_in(without)).then(None).otherwise("y"))
    with pytest.raises(cr.TableError, match=message):
        model.evaluate(odd)
