"""What goes in as text comes out as text: kept columns, labels, and categories as they stand."""

import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_error import TableError
from commands import ran, refused, run

N = 60
QUICK = {"epochs": 1, "refit": False, "hidden": [4], "effort": "fast"}
SIZE = np.random.default_rng(0).normal(size=N).round(2)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(path, **columns):
    """Write columns of text as they stand."""
    with Path(path).open("w", newline="") as file:
        delimiter = "\t" if path.endswith(".tsv") else ","
        blanks = any(value != str(value).strip() for each in columns.values() for value in each)
        quoting = csv.QUOTE_ALL if blanks else csv.QUOTE_MINIMAL
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


# Columns to keep

KEPT = {
    "zip": ["00001", "02134", "10115", "99999"],
    "version": ["1.10", "1.1", "1.0", "2"],
    "plate": ["001E1", "1e5", "0x10", "1_000"],
    "phone": ["+49170", "+49171", "0049", "+1"],
    "flag": ["TRUE", "true", "False", "T"],
    "country": ["NA", "DE", "null", "NaN"],
    "account": ["12345678901234567890", "12345678901234567891", "1", "-0"],
    "when": ["01/02/2020", "2020-01-02", "1.2.", "12:30"],
    "said": ["a, b", 'she "said"', " blanks ", "two\nlines"],
    "size": ["1.50", "2", ".5", "1e1"],  # a feature too
    "kind": ["a", "b", "a", "c"],  # and another
    "y": ["01", "1", "", "2"],  # the target
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "table.csv"
    write(str(path), size=SIZE, kind=["a", "b"] * (N // 2), y=np.round(SIZE * 2, 1))
    return cr.train(path, "y", **QUICK)


READ = {
    ".csv": lambda path: _fields(path, ","),
    ".tsv": lambda path: _fields(path, "\t"),
    ".parquet": lambda path: _rows(pl.read_parquet(path)),
    ".arrow": lambda path: _rows(pl.read_ipc(path)),
}


def _fields(path, delimiter):
    text = path.read_bytes().decode()
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _rows(frame):
    assert set(frame.schema.values()) == {pl.String(), pl.Float64()}
    return [frame.columns, *map(list, frame.fill_null("").rows())]


@pytest.mark.parametrize("ending", READ)
@pytest.mark.parametrize("new", ["new.csv", "new.tsv"])
def test_kept_columns_are_copied_as_text(model, new, ending):
    model.save("m.model")
    write(new, **KEPT)
    names = list(KEPT)[::-1]
    ran("predict", "m.model", new, "--keep", ",".join(names), "-o", f"made{ending}")
    header, *rows = READ[ending](Path(f"made{ending}"))
    assert header == [*names, "prediction"]
    for name, *values in zip(header, *rows, strict=True):
        assert name == "prediction" or values == KEPT[name]


def test_what_is_kept_reads_back_the_same_and_the_predictions_do_not_change(model):
    write("new.csv", **KEPT)
    kept = model.predict("new.csv", keep=["size", "said", "zip"])
    assert kept["prediction"].equals(model.predict("new.csv")["prediction"])
    model.save("m.model")
    printed = ran("predict", "m.model", "new.csv", "--keep", "said,zip").stdout
    rows = list(csv.reader(io.StringIO(printed)))[1:]
    kept = zip(KEPT["said"], KEPT["zip"], strict=True)
    assert [row[:2] for row in rows] == list(map(list, kept))
    ran("predict", "m.model", "new.csv", "--keep", "said,zip", "-o", "made.csv")
    again = open_source("made.csv").as_text(["said", "zip"]).whole()
    assert again["said"].to_list() == KEPT["said"]


def test_kept_columns_of_a_frame_keep_their_types(model):
    frame = pl.DataFrame({"size": [1.5], "kind": ["a"], "n": [7], "when": [None], "flag": [True]})
    kept = model.predict(frame, keep=["n", "when", "flag", "n"])
    assert kept.select("n", "when", "flag").equals(frame.select("n", "when", "flag"))


def test_a_kept_column_called_like_a_prediction_is_refused(model):
    with pytest.raises(
        TableError, match="'prediction' to keep is called as one of the predictions"
    ):
        model.predict(write("new.csv", **KEPT, prediction="abcd"), keep=["prediction"])


# Labels: those of a text, the classes in their order

LABELS = [
    (["01", "02", "10"], ["01", "02", "10"]),
    (["1", "2", "10"], [1, 2, 10]),
    (["1.0", "2.0", "10.0"], ["1.0", "2.0", "10.0"]),
    (["-1", "1"], [-1, 1]),
    (["TRUE", "FALSE"], ["FALSE", "TRUE"]),
    (["true", "false"], [False, True]),
    (["True", "False"], ["False", "True"]),
    (["+1", "-1"], ["-1", "+1"]),
    (["b", "a", "B"], ["B", "a", "b"]),
    (["10", "9", "x"], ["10", "9", "x"]),
    (["007", "7"], ["007", "7"]),
    (["12345678901234567890", "12345678901234567891"], None),
]


@pytest.mark.parametrize(("labels", "classes"), LABELS, ids=[",".join(row[0]) for row in LABELS])
def test_labels_come_out_as_they_stood(labels, classes):
    labels, classes = [labels[k % len(labels)] for k in range(N)], classes or labels
    model = cr.train(write("table.csv", size=SIZE, y=labels), "y", **QUICK)
    assert model.target.classes == tuple(classes)
    again = cr.TableModel.load(model.save("m.model") or "m.model")
    made = again.predict("table.csv")
    assert set(made["prediction"]) <= set(classes)
    assert made.columns[1:] == [f"probability_{_written(name)}" for name in classes]
    printed = ran("predict", "m.model", "table.csv").stdout.splitlines()
    assert {line.split(",")[0] for line in printed[1:]} <= set(labels)
    y = [list(map(_written, classes)).index(label) for label in labels]
    p = made.select(pl.exclude("prediction")).to_numpy()
    expected = (p.argmax(axis=1) == y).mean()
    assert again.evaluate("table.csv")["model"]["accuracy"] == pytest.approx(expected)


def test_labels_of_a_table_larger_than_the_memory():
    labels = ["01", "02", "10"] * (N // 3)
    model = cr.train(write("table.csv", size=SIZE, y=labels), "y", memory=1000, **QUICK)
    assert model.target.classes == ("01", "02", "10")


def _written(label):
    return str(label).lower() if isinstance(label, bool) else str(label)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([3, 10], pl.Int64),
        ([3.0, 10.0], pl.Int64),
        (["03", "3"], pl.String),
        ([True, False], pl.Boolean),
    ],
)
def test_labels_of_a_typed_table_keep_their_type(values, dtype):
    frame = pl.DataFrame({"size": SIZE, "y": values * (N // 2)})
    frame.write_parquet("table.parquet")
    for table in (frame, "table.parquet"):
        made = cr.train(table, "y", **QUICK).predict(table)["prediction"]
        assert (made.dtype, set(made) <= set(values)) == (dtype, True)


def test_more_is_said_of_labels_as_they_stand():
    write("table.csv", size=SIZE, y=["02", "01", "10"] * (N // 3))
    result = ran("train", "table.csv", "--target", "y", "--epochs", 1)
    assert re.search(r"y +target +3 classes: 01 20, 02 20, 10 20", result.stderr)
    assert "change: --task regression" in result.stderr


# Labels written in another way, elsewhere

SAME = [
    (["1", "2"], ["1.0", "2.0"]),
    (["1.0", "2.0"], ["1", "2"]),
    (["1", "2"], ["+1", "+2"]),
    (["True", "False"], ["true", "FALSE"]),
    (["true", "false"], ["TRUE", "False"]),
]


@pytest.mark.parametrize(("before", "now"), SAME, ids=[f"{a[0]} {b[0]}" for a, b in SAME])
def test_labels_that_can_mean_no_other_are_the_same(before, now):
    model = cr.train(write("table.csv", size=SIZE, y=before * (N // 2)), "y", **QUICK)
    write("test.csv", size=SIZE, y=now * (N // 2))
    assert model.evaluate("test.csv") == model.evaluate("table.csv")


TYPED = [
    (["01", "02"], [1, 2]),
    (["1", "2"], [1.0, 2.0]),
    (["TRUE", "FALSE"], [True, False]),
    (["1", "2"], ["1", "2"]),
]


@pytest.mark.parametrize(("before", "now"), TYPED)
def test_labels_of_a_frame_that_can_mean_no_other_are_the_same(before, now):
    model = cr.train(write("table.csv", size=SIZE, y=before * (N // 2)), "y", **QUICK)
    frame = pd.DataFrame({"size": SIZE, "y": now * (N // 2)})
    assert model.evaluate(frame) == model.evaluate("table.csv")


OTHERS = [
    (["01", "02"], "1", "got '1' in row 2; the class '01' is written another way"),
    (["1", "2"], "01", "got '01' in row 2; the class 1 is written another way"),
    (["a", "b"], "A", "got 'A' in row 2; the class 'a' is written another way"),
    (
        ["TRUE", "true", "no"],
        "True",
        "got 'True' in row 2; the class 'TRUE' is written another way",
    ),
    (["1", "2"], "3", "got '3' in row 2"),
]


@pytest.mark.parametrize(("classes", "label", "message"), OTHERS)
def test_a_label_that_may_mean_another_is_refused_with_both(classes, label, message):
    labels = classes * (N // len(classes))
    model = cr.train(write("table.csv", size=SIZE, y=labels), "y", **QUICK)
    write("test.csv", size=SIZE[:2], y=[classes[0], label])
    with pytest.raises(TableError, match=re.escape(message) + "$"):
        model.evaluate("test.csv")


def test_a_model_saved_before_knows_the_labels_of_a_text():
    model = cr.train(pl.DataFrame({"size": SIZE, "y": [0, 1] * (N // 2)}), "y", **QUICK)
    write("ints.csv", size=SIZE, y=["0", "1"] * (N // 2))
    write("floats.csv", size=SIZE, y=["0.0", "1.0"] * (N // 2))
    assert model.evaluate("ints.csv") == model.evaluate("floats.csv")


# Categories

ZIPS = ["01234", "1234", "10115"]


@pytest.mark.parametrize("options", [{}, {"categories": ["zip"]}, {"memory": 1000}])
def test_different_texts_are_different_categories(options):
    write("table.csv", zip=ZIPS * (N // 3), size=SIZE, y=SIZE)
    model = cr.train("table.csv", "y", **QUICK, **options)
    named = [f"zip={name}" for name in ("01234", "10115", "1234")]
    assert list(model.preparation.feature_names) == [*named, "size"]
    X = model.preparation.transform(pl.DataFrame({"zip": ["1234", "01234"], "size": [0.0, 0.0]}))
    assert X[:, :3].tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize("memory", [None, 1000])
def test_noughts_far_behind_the_first_rows_are_seen(memory, monkeypatch):
    monkeypatch.setattr("chainrule.tabular.files.text_file.PIECE", 64)
    codes = ["10115", "98101"] * (N // 2 - 2) + ZIPS + ["98101"]
    plain = [str(k * k) for k in range(N)]
    write("table.csv", zip=codes, plain=plain, day=["03/25/2020"] * N, size=SIZE, y=SIZE)
    model = cr.train("table.csv", "y", memory=memory, **QUICK)
    assert {"zip=01234", "zip=1234", "plain"} <= set(model.preparation.feature_names)
    number = cr.train("table.csv", "y", memory=memory, numbers=["zip"], **QUICK)
    assert "zip" in number.preparation.feature_names


@pytest.mark.parametrize("names", [["12345678901234567890", "12345678901234567891"], ["7", "007"]])
def test_names_of_many_digits_are_not_one(names):
    write("table.csv", shop_id=names * (N // 2), size=SIZE, y=SIZE)
    model = cr.train("table.csv", "y", **QUICK)
    assert {f"shop_id={name}" for name in names} <= set(model.preparation.feature_names)
    write("two.csv", shop_id=names, size=["0", "0"])
    assert model.predict("two.csv")["prediction"].n_unique() == 2


def test_identifiers_of_many_digits_are_left_out():
    write("table.csv", account=[f"9{k * 7919:019}" for k in range(N)], size=SIZE, y=SIZE)
    decision = cr.train("table.csv", "y", **QUICK).about["decisions"][0]
    assert (decision["role"], decision["reason"]) == ("left out", "text, all different")


@pytest.mark.parametrize(
    "now", [["1", "2", "x"], ["1.0", "2.0", "x"], ["+1", "2.", "x"], ["1", "2", "TRUE"]]
)
def test_categories_that_can_mean_no_other_are_the_same(now):
    write("table.csv", kind=["1", "2", "x", "true"] * (N // 4), size=SIZE, y=SIZE)
    model = cr.train("table.csv", "y", **QUICK)
    expected = ["1", "2", now[2].lower()]
    sizes = ["0"] * 3
    frame = pl.DataFrame({"kind": expected, "size": [0.0] * 3})
    assert model.predict(write("new.csv", kind=now, size=sizes)).equals(model.predict(frame))
    numbers = pl.DataFrame({"kind": [1, 2], "size": [0.0] * 2})
    assert model.predict(numbers).equals(model.predict(frame[:2]))


def test_a_category_that_may_be_another_is_not_taken_for_it():
    write("table.csv", zip=ZIPS * (N // 3), size=SIZE, y=SIZE)
    cr.train("table.csv", "y", **QUICK).save("m.model")
    write("new.csv", zip=["0010115", "1234"], size=["0", "0"])
    result = run("predict", "m.model", "new.csv")
    assert "zip: 1 not seen in training, such as '0010115'" in result.stderr
    write("bad.csv", zip=["1"], size=["x"])
    refused(run("predict", "m.model", "bad.csv"), "size")


# Categories that are asked for

WAYS = {
    "zip": ["01234", "1234", "99999", "00501"],
    "account": ["12345678901234567890", "12345678901234567891", "1", "2"],
    "version": ["1.0", "1", "1.00", "2"],
    "flag": ["TRUE", "true", "True", "false"],
}


def frames_of(table):
    """The same table as files of all kinds, and as frames."""
    table.write_csv("table.csv")
    table.write_csv("table.tsv", separator="\t")
    table.write_parquet("table.parquet")
    table.write_ipc("table.arrow")
    table.write_ndjson("table.jsonl")
    names = [f"table.{ending}" for ending in ("csv", "tsv", "parquet", "arrow", "jsonl")]
    return [*names, table, table.to_pandas()]


@pytest.mark.parametrize("way", WAYS)
def test_what_is_asked_to_be_a_category_is_compared_as_it_stands(way):
    words = WAYS[way] * (N // 4)
    for table in frames_of(pl.DataFrame({"size": SIZE, way: words, "y": SIZE * 2})):
        made = cr.train(table, "y", categories=[way], **QUICK)
        (encoder,) = (each for each in made.preparation.encoders if each.column == way)
        assert encoder.categories == tuple(sorted(WAYS[way]))
        (kept,) = made.predict(table, keep=[way]).select(way)
        assert kept.to_list() == words


@pytest.mark.parametrize("way", WAYS)
def test_labels_are_compared_as_they_stand(way):
    words = WAYS[way] * (N // 4)
    for table in frames_of(pl.DataFrame({"size": SIZE, way: words, "y": SIZE * 2})):
        made = cr.train(table, way, task="classification", **QUICK)
        assert set(made.outputs_named) == set(WAYS[way])
