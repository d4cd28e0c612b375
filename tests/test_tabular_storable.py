"""What no model file can hold is refused before a training, and named with what helps."""

import polars as pl
import pytest

import chainrule as cr
from chainrule import codec
from chainrule.serialization import file_header
from chainrule.tabular import stored_model
from chainrule.tabular.table_error import TableError

LONG = "x" * 100_001
START = "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'… has 100,001 characters, and a model can tell of 100,000"
N = 60
X = [float(k * 7 % 13) for k in range(N)]
Y = [float(k * 5 % 11) for k in range(N)]
WORDS = ["a", "b", LONG] * 20


def table(**columns):
    return pl.DataFrame({"x": X, **columns, "y": columns.get("y", Y)})


def untrained(*given, **options):
    """The refusal of a training before its first step."""

    def watch(run):
        raise AssertionError("it has begun")

    with pytest.raises(TableError) as caught:
        cr.train(*given, epochs=1, callbacks=watch, **{"hidden": (2,), **options})
    return str(caught.value)


TEXTS = {
    "a category": (table(c=WORDS), {}, f"column 'c': the value {START}"),
    "in an order": (
        table(c=WORDS),
        {"order": {"c": ("a", "b", LONG)}},
        f"column 'c': the value {START}",
    ),
    "a class": (table(y=WORDS), {}, f"target 'y': the class {START}"),
    "a name": (table(**{LONG: Y}), {}, f"the name of column {START}"),
    "a name left out": (table(**{LONG: Y}), {"leave_out": (LONG,)}, f"the name of column {START}"),
    "a missing word": (table(c=["a", "b", "c"] * 20), {"missing": (LONG,)}, f"the word {START}"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_is_too_long(name):
    frame, options, message = TEXTS[name]
    assert message in untrained(frame, "y", **options)


def test_what_helps_is_an_option_that_helps():
    assert untrained(table(c=WORDS), "y").endswith("; shorten it, or `leave_out=['c']`")
    cr.train(table(c=WORDS), "y", epochs=1, hidden=(2,), leave_out=("c",))


def test_the_longest_text_is_saved(tmp_path):
    frame = table(c=["a", "b", LONG[1:]] * 20)
    model = cr.train(frame, "y", epochs=1, hidden=(2,))
    model.save(tmp_path / "t.model")
    again = cr.TableModel.load(tmp_path / "t.model")
    assert again.predict(frame).equals(model.predict(frame))


def test_a_model_replaces_what_is_no_model_file_only_by_force(tmp_path):
    model = cr.train(table(), "y", epochs=1, hidden=(2,))
    path = tmp_path / "houses.csv"
    path.write_text("size,price\n100,3\n")
    for options in ({}, {"replace": False}, {"replace": False, "force": True}):
        with pytest.raises(FileExistsError, match=r"houses\.csv"):
            model.save(path, **options)
    assert path.read_text() == "size,price\n100,3\n"
    model.save(path, force=True)
    model.save(path)
    assert cr.TableModel.load(path).net == model.net


def test_many_long_texts_together():
    words = [f"{k % 20}" + "é" * 50_000 for k in range(N)]
    said = untrained(table(c=words, d=["a", "b"] * 30), "y", categories=("c",))
    assert "a model of 4 columns must have a header of at most 4,194,304 bytes" in said
    assert "in the largest, column 'c', of" in said


@pytest.mark.parametrize(("hidden", "layers"), [((1,) * 500, "1,001"), ((1,) * 999, "1,999")])
def test_too_many_layers(hidden, layers):
    said = untrained(table(), "y", embedding="none", hidden=hidden, dropout=0.1)
    assert said == (
        "a model has at most 1,000 layers, those of `dropout=` among them, got "
        f"{layers}; ask for fewer by `hidden=`"
    )


def test_the_most_layers_are_saved(tmp_path):
    asked = {"embedding": "none", "dropout": 0.0}
    model = cr.train(table(), "y", epochs=1, hidden=(1,) * 999, **asked)
    model.save(tmp_path / "t.model")
    assert len(cr.TableModel.load(tmp_path / "t.model").net.layers) == 1000


CLASSES = [f"class {k % 20}" for k in range(N)]


@pytest.mark.parametrize(
    ("module", "name", "message"),
    [
        (codec, "MOST_VALUES", "holds more than"),
        (file_header, "MOST_BYTES", "must have a header"),
    ],
)
def test_what_is_told_at_the_end_is_foreseen(tmp_path, monkeypatch, module, name, message):
    """Whatever the bound, what it lets through is saved in the end."""
    monkeypatch.setattr(module, name, 10**7)
    told = cr.train(table(y=CLASSES), "y", epochs=1, hidden=(2,))
    told.save(tmp_path / "t.model")
    arrays, data = stored_model.contents(told)
    text = file_header.make_header(arrays, data, file_header.NO_DIGEST)
    needed = text.count(b",") + text.count(b"{") if name == "MOST_VALUES" else len(text)
    monkeypatch.setattr(module, name, needed * 9 // 10)
    assert message in untrained(table(y=CLASSES), "y")
