"""Models of tables as files of ONNX and of Python, which predict what the models do."""

import datetime
import functools
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.interop.table_columns import WRITERS
from chainrule.tabular.encoding.column_encoders import CategoryEncoder, Encoder, NumberEncoder
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.formats.column_values import as_moments, as_numbers, as_words
from chainrule.trees import tree_map
from commands import houses, ran, refused, run

try:
    import onnx
    import onnxruntime
    from onnx.reference import ReferenceEvaluator
except ImportError:
    onnx = None

needs_onnx = pytest.mark.skipif(onnx is None, reason="onnx or onnxruntime is not installed")
QUICK = {"epochs": 2, "hidden": (6,), "learning_rate": 0.01, "effort": "fast", "refit": False}


def table(rows=240, seed=0):
    """A table of every kind of column but text, with values missing."""
    rng = np.random.default_rng(seed)
    made = houses(rows, seed)
    agent, rooms = rng.integers(0, 60, rows), rng.integers(1, 5, rows)
    seen = datetime.datetime(1965, 3, 1) + np.array(
        [datetime.timedelta(minutes=int(m)) for m in rng.integers(0, 20_000_000, rows)]
    )
    lost = rng.random((4, rows)) < 0.1
    return made.drop("id").with_columns(
        size=pl.Series([None if no else v for v, no in zip(made["size"], lost[0], strict=True)]),
        kind=pl.Series([None if no else v for v, no in zip(made["kind"], lost[1], strict=True)]),
        agent=pl.Series([f"agent {k}" for k in agent]),
        rooms=pl.Series(rooms),
        state=pl.Series(rng.choice(["poor", "fair", "good"], rows)),
        seen=pl.Series([None if no else v for v, no in zip(seen, lost[2], strict=True)]),
        price=made["price"] + 100 * agent,
    )


TABLE = table()
CASES = {
    "quantity": ("price", {}),
    "members": ("price", {"members": 2}),
    "quantiles": ("price", {"quantiles": (0.1, 0.5, 0.9)}),
    "counts": ("rooms", {"loss": "poisson", "task": "regression"}),
    "classes": ("kind", {}),
    "two classes": ("garden", {}),
    "whole numbers as classes": ("rooms", {"task": "classification"}),
    "several targets": (["price", "kind"], {}),
    "order": ("price", {"order": {"state": ("poor", "fair", "good")}}),
    "means": ("price", {"many_categories": "means"}),
    "vectors": ("price", {"many_categories": "vectors"}),
    "frequent": ("price", {"many_categories": "frequent"}),
    "waves": ("price", {"embedding": "periodic"}),
    "categories": ("price", {"categories": ("rooms",)}),
    "bounds": ("price", {"interval": 0.9}),
    "bounds of members": ("price", {"interval": 0.8, "members": 2}),
    "bounds of counts": ("rooms", {"loss": "poisson", "task": "regression", "interval": 0.8}),
    "sets": ("kind", {"interval": 0.8}),
    "sets of whole numbers": ("rooms", {"task": "classification", "interval": 0.7}),
}


@functools.cache
def model_of(case):
    target, options = CASES[case]
    return cr.train(TABLE, target, **{**QUICK, **options})


def new_rows():
    """Rows like those in training, and some of values that it never had."""
    odd = {
        "size": [None, 1e300, -1e300, math.inf, 0.0],
        "kind": [None, "castle", "flat", "loft", "house"],
        "garden": [True, False, None, True, False],
        "built": ["0001-01-01", "9999-12-31", "1900-02-28", None, "2024-02-29"],
        "agent": [None, "agent 7", "nobody", "agent 59", "agent 1"],
        "rooms": [2, 7, None, 1, 0],
        "state": ["fair", None, "ruin", "poor", "good"],
        "seen": [
            datetime.datetime(1969, 12, 31, 23, 59),
            None,
            datetime.datetime(2000, 2, 29),
            datetime.datetime(1, 1, 1),
            datetime.datetime(9999, 12, 31, 23, 59, 59),
        ],
        "price": [1.0] * 5,
    }
    rows = pl.DataFrame(odd, schema_overrides=TABLE.schema)
    return pl.concat([table(40, seed=1), rows.select(TABLE.columns)])


ROWS = new_rows()


def taken(model, inputs):
    """The columns of the rows in the types that a file takes, by the readings of training."""
    read = model.forms.read_new(ROWS, None)
    made = {}
    for name, kind in inputs.items():
        series = read[name]
        if kind == "float64":
            made[name] = as_numbers(series).to_numpy().astype(np.float64)
        elif kind == "int64":
            moments = as_moments(series).to_physical().fill_null(np.iinfo(np.int64).min)
            made[name] = moments.to_numpy()
        else:
            made[name] = np.array(as_words(series).fill_null("").to_list(), object)
    return made


def check_same(made, model):
    """Each column of predictions is that of the model."""
    expected = model.predict(ROWS)
    assert list(made) == expected.columns
    for name, values in made.items():
        column = expected[name]
        if column.dtype.is_float():
            largest = max(1.0, float(column.abs().max()))
            np.testing.assert_allclose(values, column.to_numpy(), rtol=1e-6, atol=1e-6 * largest)
        else:
            assert list(values) == column.to_list()


@needs_onnx
@pytest.mark.parametrize("case", CASES)
def test_onnx_predicts_what_the_model_does(case, tmp_path):
    model, path = model_of(case), tmp_path / "houses.onnx"
    cr.to_onnx(model, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    kinds = {"tensor(double)": "float64", "tensor(int64)": "int64", "tensor(string)": "text"}
    given = taken(model, {each.name: kinds[each.type] for each in session.get_inputs()})
    names = [each.name for each in session.get_outputs()]
    check_same(dict(zip(names, session.run(None, given), strict=True)), model)
    evaluator = ReferenceEvaluator(onnx.load(path))
    with np.errstate(all="ignore"):
        check_same(dict(zip(names, evaluator.run(None, given), strict=True)), model)


def loaded(path):
    """What a file of Python has; it takes nothing but NumPy and what comes with Python."""
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"^import (\w+)", text, re.MULTILINE)) == {"base64", "math", "numpy"}
    made = {}
    exec(text, made)
    return made["predict"]


@pytest.mark.parametrize("case", CASES)
def test_python_predicts_what_the_model_does(case, tmp_path):
    model, path = model_of(case), tmp_path / "houses.py"
    cr.to_python(model, path)
    predict = loaded(path)
    with np.errstate(all="ignore"):
        made = predict(ROWS.to_dict(as_series=False))
        check_same(made, model)
        for other in (ROWS, ROWS.to_dicts(), ROWS.to_dict()):
            for name, values in predict(other).items():
                np.testing.assert_array_equal(values, made[name])


SAYS = ["a fine house", "a flat in town", "no garden at all", "good view of the SEA", "Öl heating"]
ODD = [
    None, "", " ", "\t\n", "GOOD\u2003view", "İstanbul ΟΔΟΣ ẞ", "a\x1cb", "house" * 100, "ab",
    "none of these", "a fine house " * 2_000,
]  # fmt: skip


@pytest.mark.parametrize("lost", [0.0, 0.1])
def test_python_takes_texts_apart_as_the_model_does(lost, tmp_path):
    rng = np.random.default_rng(0)
    texts = [None if rng.random() < lost else " ".join(rng.choice(SAYS, 3)) for _ in range(200)]
    long = pl.Series([len(text or "") for text in texts])
    frame = pl.DataFrame({"says": texts, "x": rng.normal(size=200), "price": long})
    model = cr.train(frame, "price", texts=("says",), **QUICK)
    cr.to_python(model, tmp_path / "houses.py")
    predict = loaded(tmp_path / "houses.py")
    rows = pl.concat(
        [frame, pl.DataFrame({"says": ODD, "x": [0.5] * len(ODD), "price": [0] * len(ODD)})],
        how="vertical_relaxed",
    )
    made = predict(rows.to_dict(as_series=False))["prediction"]
    np.testing.assert_allclose(made, model.predict(rows)["prediction"].to_numpy(), rtol=1e-6)
    np.testing.assert_array_equal(predict(rows.to_dicts())["prediction"], made)


def test_python_takes_one_row_and_structured_arrays(tmp_path):
    model = cr.train(TABLE.select("rooms", "state", "price"), "price", **QUICK)
    cr.to_python(model, tmp_path / "houses.py")
    predict = loaded(tmp_path / "houses.py")
    (one,) = predict({"rooms": 2, "state": "good"})["prediction"]
    rows = np.array([(2.0, "good"), (3.0, "bad")], [("rooms", "f8"), ("state", "U4")])
    assert predict(rows)["prediction"][0] == one
    assert one == pytest.approx(
        model.predict(pl.DataFrame({"rooms": [2], "state": ["good"]}))[0, 0]
    )
    with pytest.raises(ValueError, match="the table lacks the column 'state'"):
        predict({"rooms": 2})


def test_a_file_of_python_runs_where_chainrule_is_not(tmp_path):
    net = cr.Network(2, [cr.Dense(3, "gelu"), cr.Dense(1)], loss="huber")
    params = net.init(1)
    cr.to_python(net, params, tmp_path / "net.py")
    code = "import sys; sys.modules['chainrule'] = None; import net; print(net.predict([[1, 2]]))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert float(done.stdout.strip("[] \n")) == pytest.approx(
        cr.predict(net, params, [[1.0, 2.0]])[0, 0]
    )


# What cannot be


@needs_onnx
def test_a_column_of_text_is_refused_and_nothing_is_written(tmp_path):
    says = ["a fine house", "a flat in town", "no garden at all", "good view of the sea"]
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(says, 2)) for _ in range(120)]
    frame = pl.DataFrame({"says": texts, "price": rng.normal(size=120)})
    model = cr.train(frame, "price", texts=("says",), **QUICK)
    with pytest.raises(ValueError, match=r"^to_onnx: column 'says' is text, .* file of Python"):
        cr.to_onnx(model, tmp_path / "houses.onnx")
    assert not list(tmp_path.iterdir())


def test_a_column_that_is_called_as_a_prediction_is_refused(tmp_path):
    frame = TABLE.select(pl.col("size").alias("prediction"), "price")
    model = cr.train(frame, "price", **QUICK)
    with pytest.raises(ValueError, match="column 'prediction' is called as one of the predictions"):
        cr.to_python(model, tmp_path / "houses.py")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((3, "a.py"), "net must be a Network or the model of a table, .* got 3"),
        ((cr.Network(1, [cr.Dense(1)], "huber"), ()), r"to_python\(net, params, path\), got None"),
    ],
)
def test_what_is_no_model_or_has_no_path_is_refused(given, message):
    with pytest.raises(TypeError, match=f"^to_python: .*{message}"):
        cr.to_python(*given)


def test_a_model_has_its_parameters(tmp_path):
    model = model_of("quantity")
    with pytest.raises(TypeError, match=r"write to_python\(model, path\)"):
        cr.to_python(model, model.params, tmp_path / "a.py")
    with pytest.raises(TypeError, match=r"path must be .* to_python\(model, path\), got 3"):
        cr.to_python(model, 3)


def test_names_of_columns_are_no_code(tmp_path):
    name = "a'''\"); print(1) #\n{x}"
    frame = TABLE.select(pl.col("size").alias(name), "price")
    model = cr.train(frame, "price", **QUICK)
    cr.to_python(model, tmp_path / "a.py")
    made = loaded(tmp_path / "a.py")({name: [90.0]})["prediction"]
    assert made == pytest.approx(
        model.predict(pl.DataFrame({name: [90.0]}))["prediction"].to_numpy()
    )


def test_words_in_other_ways(tmp_path):
    """Whole numbers as floats, Booleans as Python has them: the same categories."""
    base = model_of("quantity")
    encoders = (
        CategoryEncoder("big", ("true",), base="false", other=False, missing=True),
        CategoryEncoder("code", ("1", "2"), base=None, other=True, missing=False),
        NumberEncoder("size", 0.0, 1.0, missing=False, text=False),
    )
    net = cr.Network(6, [cr.Dense(1)], base.net.loss)
    params = tree_map(lambda leaf: leaf + np.float32(0.25), net.init(2))
    fields = {**vars(base), "net": net, "params": params, "preparation": Preparation(encoders)}
    fields = {k: v for k, v in fields.items() if k in type(base).__dataclass_fields__}
    fields |= {"others": (), "forms": type(base.forms)(), "means": None}
    model = type(base)(**fields)
    cr.to_python(model, tmp_path / "a.py")
    predict = loaded(tmp_path / "a.py")
    ways = {
        "big": [True, "True", "true", np.True_],
        "code": [1, 1.0, "1.0", "1"],
        "size": [0.5] * 4,
    }
    made = predict(ways)["prediction"]
    assert len(set(made.tolist())) == 1
    plain = pl.DataFrame({"big": [True], "code": [1], "size": [0.5]})
    assert made[0] == pytest.approx(model.predict(plain)["prediction"][0], rel=1e-6)


# The command


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model_of("quantity").save("houses.model")
    net = cr.Network(2, [cr.Dense(1)], "huber")
    cr.save("net.model", net, net.init())


def test_the_command_writes_both_kinds(saved):
    assert ran("export", "houses.model", "-o", "houses.py").output == ""
    check_same(loaded(Path("houses.py"))(ROWS.to_dict()), model_of("quantity"))
    ran("export", "net.model", "-o", "net.py")
    assert loaded(Path("net.py"))([[1.0, 2.0]]).shape == (1, 1)
    if onnx:
        ran("export", "houses.model", "-o", "houses.onnx")
        assert onnx.load("houses.onnx").graph.output[0].name == "prediction"


def test_the_command_refuses(saved):
    refused(
        run("export", "houses.model", "-o", "houses.txt"), r"must end in \.onnx or \.py, got 'ho"
    )
    refused(run("export", "none.model", "-o", "houses.py"), "none.model")
    Path("table.py").write_bytes(Path("net.model").read_bytes())
    refused(run("export", "houses.model", "-o", "table.py"), "is a model; replace it by --force")
    ran("export", "houses.model", "-o", "table.py", "--force")
    Path("own.py").write_text("import os\n")
    refused(
        run("export", "houses.model", "-o", "own.py"),
        "own.py: is there, and is not a file of `to_python`; replace it by --force",
    )
    ran("export", "houses.model", "-o", "own.py", "--force")
    assert sorted(each.name for each in Path().iterdir() if "tmp" in each.name) == []


def test_every_kind_of_column_is_written():
    ours = {kind for kind in Encoder.__subclasses__() if kind.__module__.startswith("chainrule.")}
    assert ours == set(WRITERS)
