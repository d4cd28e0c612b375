"""Cases that people reported of other libraries, and what comes of them here.

Each row begins with the place where its kind was reported; what is given is made for these tests.
"""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.table_error import TableError
from commands import ran, refused, run

DRAW = np.random.default_rng(0)
N = 60
SIZE = DRAW.normal(size=N).round(3)
KIND = DRAW.choice(["flat", "house", "loft"], N)
TABLE = pl.DataFrame({"size": SIZE, "kind": KIND, "price": (2 * SIZE + (KIND == "loft")).round(3)})
QUICK = {"epochs": 1, "hidden": (4,), "refit": False}


def written(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# Texts that are tables: their columns and first rows

TEXTS = [
    ("pandas #14124", "a,b\n1,x,\n2,y,\n3,z,\n", ("a", "b"), [(1, "x"), (2, "y"), (3, "z")]),
    ("arrow #26743", "a|b|\n1|x|\n2|y|\n", ("a", "b"), [(1, "x"), (2, "y")]),
    ("data.table #763", '"a"\t"b"\n"1"\t5\tx\n"2"\t6\ty\n"3"\t7\tz\n', ("a", "b"), [(5, "x")]),
    ("data.table #1818", "a,b\nr1,5,x\nr2,6,y\nr3,7,z\n", ("a", "b"), [(5, "x"), (6, "y")]),
    ("data.table #2370", ",a,b\n1,2,3\n4,5,6\n", ("a", "b"), [(2, 3), (5, 6)]),
    ("s3-concat #3", "a,b\n1,x\na,b\n2,y\na,b\n3,z\n", ("a", "b"), [(1, "x"), (2, "y"), (3, "z")]),
    ("datapusher #74", "a\nx\na\ny\n", ("a",), [("x",), ("y",)]),
    ("csv-parser #140", "\ufeffa,b\n1,x\n", ("a", "b"), [(1, "x")]),
    ("postmangovsg #88", "a,b\n1,x\n\ufeffa,b\n2,y\n", ("a", "b"), [(1, "x"), (2, "y")]),
    ("duckdb #19578", 'a;b\n"35.8;104.1";7\n"1;2";8\n', ("a", "b"), [("35.8;104.1", 7)]),
    ("pandas #41304", '"a";"b"\n"1";"x"\n"2";""\n', ("a", "b"), [(1, "x"), (2, None)]),
    ("openzl #115", "a,b\n1,x\n2,y\n\x1a", ("a", "b"), [(1, "x"), (2, "y")]),
]


@pytest.mark.parametrize(("source", "text", "columns", "rows"), TEXTS, ids=[t[0] for t in TEXTS])
def test_texts_that_are_tables(tmp_path, source, text, columns, rows):
    found = open_source(written(tmp_path, text)).whole(columns)
    assert found.rows()[: len(rows)] == rows


BROKEN = [
    ("duckdb-wasm #1943", "a,b,note\n1,x\n2,y\n", "line 2 has 2 fields, the header has 3"),
    ("polars #16160", "a,b\n1,x\n2,y\nSource: a survey\n", "line 4 has 1 field, the header has 2"),
    ("pandas #13879", 'a,b\n1,x\n2,"y', "line 3 opens a quote that is never closed"),
    ("pandas #16682", 'a,b\n1,"x \\"y\\" z"\n', "line 2 .*; within quotes, a quote is written tw"),
]


@pytest.mark.parametrize(("source", "text", "message"), BROKEN, ids=[b[0] for b in BROKEN])
def test_texts_that_are_none(tmp_path, source, text, message):
    with pytest.raises(TableError, match=message):
        open_source(written(tmp_path, text)).whole()


# Names that other libraries cannot take

NAMES = [
    ("pycaret #2800", "price[EUR]"),
    ("pycaret #1106", "response, coronary heart disease"),
    ("FLAML #549", '{"price": 1}'),
    ("autogluon #1033", "price:net"),
    ("ludwig #1787", "price.net"),
    ("tabular_automl_NNI #5", "net_price"),
    ("csvkit #434", "Record #"),
    ("mlr #637", "price~net+tax"),
    ("a line break", "price\nnet"),
    ("an option", "--target"),
    ("a sign", "🏠"),
]


@pytest.mark.parametrize(("source", "name"), NAMES, ids=[n[0] for n in NAMES])
def test_any_name_is_a_columns_name(tmp_path, monkeypatch, source, name):
    monkeypatch.chdir(tmp_path)
    TABLE.rename({"price": name}).write_csv("target.csv")
    TABLE.rename({"size": name}).write_csv("feature.csv")
    quick = ("--epochs", 1, "--hidden", 4)
    ran("train", "target.csv", "--target", name, *quick)
    ran("train", "feature.csv", "--target", "price", *quick)
    assert cr.TableModel.load("target.model").target.column == name
    assert name in cr.TableModel.load("feature.model").preparation.columns
    assert ran("predict", "feature.model", "feature.csv").stdout.count("\n") == N + 1


def test_names_that_look_the_same_are_told_apart():  # DataFrames.jl #2904, gocsv #242
    model = cr.train(TABLE.rename({"size": "caf\u00e9"}), "price", **QUICK)
    for other, shown in {"cafe\u0301": r"'cafe\\u0301'", "caf\u00e9\u200b": r"\\u200b"}.items():
        with pytest.raises(TableError, match=f"did you mean .*{shown}"):
            model.predict(TABLE.rename({"size": other}))


# Classes


def classes(y, **options):
    return cr.train(TABLE.with_columns(price=pl.Series(y)), "price", **QUICK, **options)


def test_a_class_of_one_row_is_kept_and_named():  # autogluon #201
    model = classes(["rare", *("no", "yes") * 29, "no"])
    assert model.target.classes == ("no", "rare", "yes")
    (reason,) = (d["reason"] for d in model.about["decisions"] if d["role"] == "target")
    assert reason.endswith("rare has a single example")


def test_classes_that_are_numbers_keep_their_names():  # automlbenchmark #207
    model = classes([1, 2] * 30)
    assert model.predict(TABLE).columns == ["prediction", "probability_1", "probability_2"]


def test_a_single_class_is_refused():  # autogluon #2018, turicreate #1939
    with pytest.raises(
        TableError, match=r"target 'price' is always 'yes': there is nothing to lea"
    ):
        classes(["yes"] * N)


@pytest.mark.parametrize("values", [["a", "b"], [0, 1], [False, True]])
def test_two_classes_need_no_task(values):  # autogluon #1640
    assert classes(values * 30).target.task == "classification"


def test_a_class_that_training_did_not_see_is_named():  # scikit-learn #19830, pytorch_tabular #564
    model = classes(["no", "yes"] * 30)
    table = TABLE.with_columns(price=pl.Series(["no", "maybe"] * 30))
    with pytest.raises(TableError, match=r"one of the classes 'no', 'yes', got 'maybe' in row 2"):
        model.evaluate(table)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("No", "no"), "'No' and 'no' count as different"),  # OpenRefine's clusters
        (("caf\u00e9", "cafe\u0301"), r"'cafe\\u0301' and 'caf\\xe9' count as different"),
        (("5 kg", "5\u00a0kg"), r"'5 kg' and '5\\xa0kg' count as different"),
        (("tea", "tea\u200b"), r"'tea' and 'tea\\u200b' count as different"),
    ],
)
def test_words_that_look_alike_are_told_of(words, said):
    for column in ("kind", "price"):
        table = TABLE.with_columns(pl.Series(column, [*words, "other"] * 20))
        (reason,) = (
            each["reason"]
            for each in cr.train(table, "price", **QUICK).about["decisions"]
            if each["column"] == column
        )
        assert re.search(said, reason)


# Numbers near the ends of what numbers are


def reason(column, values, **options):
    table = TABLE.with_columns(pl.Series(column, values))
    decisions = cr.train(table, "price", **QUICK, **options).about["decisions"]
    return next(each["reason"] for each in decisions if each["column"] == column)


def test_bounds_are_told_apart():
    assert "1,000,000,000 to 1,000,000,000.5" in reason("size", [1e9, 1e9 + 0.5] * 30)
    assert ", 0 to 1,000,000,000" in reason("size", [0.0, 1e9] * 30)


def test_numbers_that_floats_cannot_tell_apart_are_not_called_constant(tmp_path):
    text = "order,size,price\n" + "".join(
        f"{10**20 + k},{size},{price}\n" for k, (size, _, price) in enumerate(TABLE.rows())
    )
    decisions = cr.train(written(tmp_path, text), "price", **QUICK).about["decisions"]
    assert decisions[0]["reason"] == "text, all different"


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 1e300], r"weight 'size' must .* in reach of 1, got 1 to 1e\+300; multiply all"),
        ([1e-310, 1e-309], "weight 'size' must .* in reach of 1, got 1e−310 to 1e−309"),
        ([0.0, 0.0], "weight 'size' must hold a number >= 0 in each row, and one above 0, got 0"),
        ([1.0, -1.0], "weight 'size' must hold a number >= 0 in each row, and one above 0, got −1"),
    ],
)
def test_weights_out_of_reach_are_refused(weights, message):
    with pytest.raises(TableError, match=message):
        reason("size", weights * 30, weight="size")


def test_a_part_without_weight_is_named():  # keras #7917
    weights = [1.0] + [0.0] * (N - 1)
    with pytest.raises(
        TableError, match=r"weight 'size' is 0 in all of the .* rows held out; leave"
    ):
        reason("size", weights, weight="size")


# Predictions


@pytest.fixture(scope="module")
def model():
    return cr.train(TABLE, "price", **QUICK)


def test_a_row_alone_is_predicted_as_among_others(model):  # EvoTrees.jl #368
    together = model.predict(TABLE)["prediction"]
    for row in (0, 7, 59):
        alone = model.predict(TABLE[row : row + 1])["prediction"]
        assert alone.item() == pytest.approx(together[row], rel=1e-5, abs=1e-5)


def test_columns_are_taken_by_their_names(model):  # pycaret #2195
    other = TABLE.select("price", "kind", "size").with_columns(more=pl.lit("x"))
    assert model.predict(other).equals(model.predict(TABLE))


def test_a_name_to_keep_is_a_name_and_no_list_of_letters(model):
    assert model.predict(TABLE, keep="size").equals(model.predict(TABLE, keep=["size"]))


def test_a_category_that_training_did_not_see_is_noted(model):  # h2o-3 #37
    notes = Notes()
    table = TABLE.with_columns(kind=pl.Series(["castle", *KIND[1:]]))
    assert model.predict(table, notes)["prediction"].is_finite().all()
    assert notes.lines() == ["kind: 1 not seen in training, such as 'castle'"]


def test_a_target_of_any_size_is_learnt_alike():  # stackoverflow 52800582
    scaled = {
        size: cr.train(TABLE.with_columns(pl.col("price") * size), "price", **QUICK)
        for size in (1.0, 2.0**40, 2.0**-40)
    }
    expected = scaled[1.0].predict(TABLE)["prediction"].to_numpy()
    for size, each in scaled.items():
        found = each.predict(TABLE)["prediction"].to_numpy() / size
        assert found == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": "kind"}, "`groups=` holds one value only"),  # pycaret #3006
        ({"time": "year"}, "`time=` holds one value only"),
        ({"groups": "price"}, "'price' is the target; take it out of `groups=`"),
        ({"time": "price"}, "'price' is the target; take it out of `time=`"),
    ],
)
def test_what_parts_no_rows_is_refused(options, message):
    table = TABLE.with_columns(kind=pl.lit("flat"), year=2024)
    with pytest.raises(TableError, match=message):
        cr.train(table, "price", **QUICK, **options)


# Arrays

X = DRAW.normal(size=(12, 2))
LABELS = np.arange(12) % 3


def fitted(outputs, loss, y, inputs=X, **options):
    net = cr.Network(2, [cr.Dense(outputs)], loss=loss)
    return cr.fit(net, net.init(seed=0), inputs, y, cr.SGD(0.1), epochs=2, **options)[1].loss


def test_a_column_and_a_row_of_targets_are_the_same_targets():  # pytorch #16045, tensorflow #37770
    y = DRAW.normal(size=12)
    assert fitted(1, "squared_error", y) == fitted(1, "squared_error", y[:, None])
    with pytest.raises(ValueError, match=r"shape \(12, 1\); got shape \(1, 12\)"):
        fitted(1, "squared_error", y[None])


@pytest.mark.parametrize("kind", [bool, int, "uint8", ">f8", "float16"])
def test_labels_are_one_hot_rows_of_any_dtype(kind):
    assert fitted(3, "cross_entropy", LABELS) == fitted(
        3, "cross_entropy", np.eye(3)[LABELS].astype(kind)
    )


ARRAYS = [
    ("pytorch #15666", lambda: fitted(3, "cross_entropy", LABELS + 1), "0 to 2, .* 3 at row 2"),
    ("pytorch #39769", lambda: fitted(2, "cross_entropy", LABELS), "labels 0 to 1, .* 2 at row 2"),
    ("keras #126", lambda: fitted(1, "cross_entropy", LABELS % 2), "softmax is always 1: give two"),
    ("keras #4784", lambda: fitted(1, "binary_cross_entropy", LABELS), "0 and 1, .* 2 at row 2"),
    ("keras #7917", lambda: fitted(1, "huber", LABELS, validation=(X, LABELS, 0 * LABELS)), "valida"
     "tion sample_weight must hold at least one weight above zero"),
    ("jax #13795", lambda: fitted(1, "huber", LABELS, np.ma.masked_less(X, 0)), "no masked values"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "call", "message"), ARRAYS, ids=[a[0] for a in ARRAYS])
def test_arrays_that_do_not_fit(source, call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_number_is_named():  # course22 #99
    table = pd.DataFrame(X, columns=["a", "b"]).astype(object)
    table.iloc[3, 1] = "x"
    with pytest.raises(TypeError, match=r"dtype object with 'x' at \(3, 1\); encode text as numb"):
        fitted(1, "huber", LABELS, table)


VIEWS = {
    "reversed twice": X[::-1][::-1],
    "in columns": np.asfortranarray(X),
    "every second": np.repeat(X, 2, axis=1)[:, ::2],
    "the other order of bytes": X.astype(">f8"),
    "a list": X.tolist(),
    "a data frame": pd.DataFrame(X),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_any_view_of_the_inputs_is_the_same(view):
    assert fitted(1, "huber", LABELS, view) == fitted(1, "huber", LABELS)


# Estimators

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
WORDS = np.array(["high", "low", "mid"])[LABELS]


def test_words_as_labels_with_early_stopping():  # scikit-learn #33760
    model = cr.MLPClassifier(max_iter=3, early_stopping=True, validation_fraction=0.5)
    assert set(model.fit(X, WORDS).predict(X)) <= {"high", "low", "mid"}


def test_an_explosion_with_early_stopping_is_named():  # scikit-learn #29504
    model = cr.MLPRegressor(
        activation="identity",
        solver="sgd",
        learning_rate_init=1e6,
        early_stopping=True,
        max_iter=50,
    )
    with pytest.raises(cr.DivergenceError, match="diverged at epoch"):
        model.fit(np.repeat(X, 5, axis=0) * 1e6, np.repeat(LABELS, 5) * 1e6)


def test_moments_are_no_numbers():  # scikit-learn #10590, FLAML #66, TabPFN #1225
    days = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=12)})
    with pytest.raises(TypeError, match=r"X must hold numbers, got datetime64.* in column 'day'"):
        cr.MLPRegressor(max_iter=2).fit(days, LABELS)


def test_a_missing_label_is_no_class():  # mlframework #7
    with pytest.raises(ValueError, match=r"contains NaN .*, nan in row 1"):
        cr.MLPClassifier(max_iter=2).fit(X, ["a", np.nan, "b"] * 4)


# Files that people write


def test_a_configuration_may_begin_with_a_mark(tmp_path, monkeypatch):  # tomli #304, toml #233
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("table.csv")
    text = 'table = "table.csv"\ntarget = "price"\nepochs = 1\nhidden = [4]\n'
    written(tmp_path, b"\xef\xbb\xbf" + text.encode(), "train.toml")
    ran("train", "--config", "train.toml")


def test_a_table_and_a_model_that_stand_in_turn_are_told_apart(tmp_path, monkeypatch, model):
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("table.csv")
    model.save("price.model")
    refused(run("predict", "table.csv", "price.model"), "price.model is the model; name it before")
