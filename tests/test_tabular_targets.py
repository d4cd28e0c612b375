"""Targets: the task that they set, and their values as numbers and back."""

import datetime
import json
import math
import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import LabelEncoder, StandardScaler

from chainrule.tabular.columns.category_limits import FEW_CLASSES, ROWS_EACH
from chainrule.tabular.columns.column_decisions import decide
from chainrule.tabular.columns.survey import MOST, survey
from chainrule.tabular.columns.task import decide_target
from chainrule.tabular.encoding.target_encoding import (
    LEAST,
    ClassEncoder,
    QuantityEncoder,
    fit_target,
    target_from_data,
)
from chainrule.tabular.table_error import TableError

# The task

TASKS = [
    # values, task given, task, reason and option
    (list("abba"), None, "classification", "2 classes: a 2, b 2"),
    (list("abbb"), None, "classification", "2 classes: a 1, b 3; a has a single example"),
    (
        [f"c{k % 7}" for k in range(70)],
        None,
        "classification",
        "7 classes: c0 10, c1 10, c2 10, c3 10, c4 10, …",
    ),
    ([True, False, True], None, "classification", "2 classes: false 1, true 2; false has a single"),
    (
        [0, 1, 1, 0],
        None,
        "classification",
        "2 classes: 0 2, 1 2 (change: `task='regression'`)",
    ),
    (
        [3, 1, 2] * ROWS_EACH,
        None,
        "classification",
        "3 classes: 1 20, 2 20, 3 20 (change: `task='regression'`)",
    ),
    (
        [3, 1, 2] * (ROWS_EACH - 1),
        None,
        "regression",
        "regression: 57 values, 1 to 3 (change: `task='classification'`)",
    ),
    ([3, 1, 2], "classification", "classification", "3 classes: 1 1, 2 1, 3 1; 1 has a single"),
    ([0, 1, 1, 0], "regression", "regression", "regression: 4 values, 0 to 1"),
    (
        [*range(FEW_CLASSES + 1)] * ROWS_EACH,
        None,
        "regression",
        "regression: 420 values, 0 to 20 (change: `task='classification'`)",
    ),
    ([1.0, 2.0, None, 1.0], None, "classification", "2 classes: 1 2, 2 1; 2 has a single"),
    ([0.5, 1.5, None, math.nan], None, "regression", "regression: 2 values, 0.5 to 1.5"),
]


@pytest.mark.parametrize(("values", "given", "task", "reason"), TASKS)
def test_the_task_is_found_or_given(values, given, task, reason):
    found = survey([pl.DataFrame({"y": values, "x": np.arange(len(values)) / 8})], target="y")
    decision = decide(found, task=given)[0]
    assert (decision.column, decision.role, decision.task) == ("y", "target", task)
    assert str(decision).startswith(f"y          target     {reason}")
    assert decision == decide_target(found, given)
    assert fit_target(found, [decision]).task == task


DAY = datetime.date(2024, 1, 1)
ERRORS = [
    ([1, 2], "classify", "unknown task 'classify'; did you mean 'classification'?"),
    ([DAY, DAY], None, "target 'y' holds Date; it must hold classes or numbers"),
    ([[1], [2]], None, "target 'y' holds List(Int64); it must hold classes or numbers"),
    ([1.5, math.inf, -math.inf], None, "target 'y' is infinite in 2 rows; leave such rows out"),
    ([3, 3], None, "target 'y' is always 3: there is nothing to learn"),
    (["a", None, "a"], None, "target 'y' is always 'a': there is nothing to learn"),
    (["a", "b"], "regression", "target 'y' holds text such as 'a', no numbers; use `task='cla"),
    (
        [0.5, 1.5],
        "classification",
        "target 'y' holds fractions, 0.5 to 1.5, which are no classes; use `task='regression'`",
    ),
    ([*range(30)], "classification", "different numbers for classes, 0 to 29; use `task="),
    (list("abcabd"), None, "target 'y' holds text, nearly all different, such as 'a': is it an id"),
    (list("abcd"), "classification", "text, nearly all different, such as 'a': is it an identif"),
    ([f"{k % (MOST + 1)}x" for k in range(4 * MOST)], None, "nearly all different, such as '0x'"),
    ([1e308, -1e308, 1e308], "regression", "target 'y' is as great as 1e+308; divide it"),
    ([1e-300, 3e-300, 5e-324], "regression", "target 'y' differs by 3e-300 at most; multiply it"),
]


@pytest.mark.parametrize(("values", "task", "message"), ERRORS, ids=[row[2][:40] for row in ERRORS])
def test_what_cannot_be_learnt_is_refused(values, task, message):
    frame = pl.DataFrame({"y": values, "x": np.arange(len(values)) / 8})
    found = survey([frame], target="y")
    with pytest.raises(TableError, match=re.escape(message)) as caught:
        fit_target(found, decide(found, task=task))
    assert "\n" not in str(caught.value)


# The numbers


def fitted(values, task=None):
    found = survey([pl.DataFrame({"y": values})], target="y")
    return fit_target(found, [decide_target(found, task)])


LABELS = [
    st.lists(st.sampled_from(["b", "a", "", "Ä", "1", "01"]), min_size=2),
    st.lists(st.integers(-3, 3), min_size=2),
    st.lists(st.booleans(), min_size=2),
]


@given(st.one_of(LABELS).filter(lambda labels: len(set(labels)) > 1))
def test_classes_are_scikit_learns_and_come_back_in_their_type(labels):
    target = ClassEncoder("y", tuple(sorted(set(labels))))
    frame = pl.DataFrame({"y": labels})
    y = target.encode(frame)
    assert (y.dtype, y.tolist()) == (np.int64, LabelEncoder().fit_transform(labels).tolist())
    assert target.decode(np.eye(target.outputs)[y]).equals(frame["y"], check_dtypes=True)
    assert _again(target) == target
    assert [type(label) for label in _again(target).classes] == [type(k) for k in target.classes]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2).filter(lambda x: max(x) - min(x) > LEAST))
def test_a_quantity_is_scikit_learns_and_comes_back(values):
    column = np.array(values).reshape(-1, 1)
    found = survey([pl.DataFrame({"y": values})], target="y")
    target = fit_target(found, [decide_target(found, "regression")])
    scaler = StandardScaler().fit(column)
    y = target.encode(pl.DataFrame({"y": values}))
    assert (y.dtype, y.shape) == (np.float32, column.shape)
    spread = max(abs(column)).item() / target.scale
    assert target.centre == pytest.approx(scaler.mean_[0], abs=1e-9 * max(abs(column)).item())
    assert np.allclose(y * target.scale, column - target.centre, rtol=1e-6)
    if spread < 1e6:  # else scikit-learn's own scale is rounding
        assert np.allclose(y, scaler.transform(column), rtol=1e-5, atol=1e-6)
    back = target.decode(y)
    assert (back.name, back.dtype) == ("y", pl.Float64)
    assert np.allclose(back, values, rtol=1e-6, atol=1e-6 * target.scale)
    assert _again(target) == target


def _again(target):
    return target_from_data(json.loads(json.dumps(target.to_data())))


def test_whole_floats_are_integers_as_classes():
    target = fitted([1.0, 2.0, None, 1.0])
    assert target == ClassEncoder("y", (1, 2))
    assert target.encode(pl.DataFrame({"y": [2.0, 1.0]})).tolist() == [1, 0]
    assert target.encode(pl.DataFrame({"y": ["2", "1"]})).tolist() == [1, 0]


def test_numbers_in_text_are_a_quantity_too():
    target = QuantityEncoder("y", 1.0, 2.0)
    assert target.encode(pl.DataFrame({"y": ["3", " 1 "]})).tolist() == [[1], [0]]


REFUSED = [
    (ClassEncoder("y", ("a", "b")), {"x": ["a"]}, "the target 'y' is no column of the table"),
    (
        ClassEncoder("y", ("a", "b")),
        {"y": ["a", "c"]},
        "target 'y' must be one of the classes 'a', 'b', got 'c' in row 12",
    ),
    (ClassEncoder("y", (1, 2)), {"y": [None, 1]}, "one of the classes 1, 2, got None in row 11"),
    (QuantityEncoder("y", 0.0, 1.0), {"y": [1.5, math.inf]}, "a finite number, got inf in row 12"),
    (
        QuantityEncoder("y", 0.0, 1.0),
        {"y": ["1.5", "high"]},
        "a finite number, got 'high' in row 12",
    ),
    (QuantityEncoder("y", 0.0, 1.0), {"y": [math.nan]}, "a finite number, got nan in row 11"),
    (QuantityEncoder("y", 0.0, 1.0), {"y": [DAY]}, "target 'y' must be a finite number, got Date"),
]


@pytest.mark.parametrize(("target", "columns", "message"), REFUSED)
def test_a_row_without_its_target_is_refused(target, columns, message):
    with pytest.raises(TableError, match=re.escape(message)):
        target.encode(pl.DataFrame(columns), first=11)


LABELS = "target.classes must be one or more different texts, whole numbers of 64 bits or Booleans"
CLASSES = {"kind": "Classes", "column": "y"}
QUANTITY = {"kind": "Quantity", "column": "y", "centre": 0, "scale": 1, "quantiles": []}
DATA = [
    (None, "target must be an object, got None"),
    ({"kind": "Quantities"}, "target.kind must be one of Classes, Quantity, got 'Quantities'"),
    (CLASSES, "target must have the keys column, classes: the key 'classes' is missing"),
    ({**CLASSES, "classes": ["a"], "x": 1}, "the key 'x' is not known"),
    (
        {**CLASSES, "classes": [1.5]},
        "target.classes[0] must be a text or a whole number or true",
    ),
    ({**CLASSES, "classes": []}, f"{LABELS}, got []"),
    ({**CLASSES, "classes": ["a", 1]}, f"{LABELS}, got ['a', 1]"),
    ({**CLASSES, "classes": [True, 1]}, f"{LABELS}, got [True, 1]"),
    ({**CLASSES, "classes": [-1, 2**63]}, f"{LABELS}, got"),
    ({**CLASSES, "classes": [0, 2**64]}, f"{LABELS}, got"),
    ({**CLASSES, "classes": ["a", "a"]}, f"{LABELS}, got ['a', 'a']"),
    ({**CLASSES, "column": 3, "classes": ["a"]}, "target.column must be a text, got 3"),
    ({**QUANTITY, "scale": 0}, "target.scale must be a finite number > 0, got 0"),
    ({**QUANTITY, "centre": math.nan}, "target.centre must be a finite number, got nan"),
    ({**QUANTITY, "centre": True}, "target.centre must be a finite number, got True"),
    ({**QUANTITY, "quantiles": [0.5, 0.1]}, "target.quantiles must be rising numbers between 0"),
]


@pytest.mark.parametrize(("data", "message"), DATA)
def test_what_is_no_target_is_refused(data, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        target_from_data(data)
