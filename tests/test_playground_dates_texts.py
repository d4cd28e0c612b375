"""Dates and texts of a model's table in the playground: encoded as Python encodes them."""

import base64

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.playground.data.table_rules import table_rules
from chainrule.serialization import file_parts
from chainrule.tabular import stored_model
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.table_diagnosis import prepared_rows
from test_playground_models import in_page
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

N = 72
DATES = {
    "2024-02-29": lambda d: d.strftime("%Y-%m-%d"),
    "29.2.2024": lambda d: f"{d.day}.{d.month}.{d.year}",
    "29/02/24": lambda d: d.strftime("%d/%m/%y"),
    "Feb 29, 2024": lambda d: d.strftime("%b %d, %Y"),
    "29th of February 2024": lambda d: d.strftime("%dth of %B %Y"),
    "2024-02-29T23:05:09.25+02:00": lambda d: d.strftime("%Y-%m-%dT%H:%M:%S.25+02:00"),
    "02/29/2024 11:05 pm": lambda d: d.strftime("%m/%d/%Y %I:%M %p"),
    "20240229": lambda d: d.strftime("%Y%m%d"),
    "2024-02": lambda d: d.strftime("%Y-%m"),
}


def moments(step=31):
    start = np.datetime64("1996-02-27T13:45:10")
    return [(start + np.timedelta64(step * 24 * k + 7 * k, "h")).item() for k in range(N)]


def encoded(model, frames):
    """X of each table in the page, or the word by which it is refused."""
    bytes_of = base64.b64encode(b"".join(file_parts(*stored_model.contents(model)))).decode()
    body = """tables.rules = rules;
      const { columns } = modelOfParts(partsOfFile(bytesOf(bytes)), known.choices);
      return texts.map((text) => { try {
        const made = modelExamples(columns, csvOf(text, rules));
        const { inputs } = made.names;
        return { X: [...made.X], inputs, same: same(inputs, inputNames(columns)) };
      } catch (error) {
        if (!error.word) throw error;
        return { word: error.word };
      } });"""
    texts = [frame.write_csv() for frame in frames]
    return in_page(body, rules=table_rules(), bytes=bytes_of, texts=texts)


def trained(frame, **options):
    return cr.train(frame, "y", epochs=1, members=1, hidden=(3,), **options)


def as_in_python(model, *frames):
    for frame, made in zip(frames, encoded(model, frames), strict=True):
        same_as_python(model, frame, made)


def same_as_python(model, frame, made):
    try:
        X, _ = prepared_rows(model, open_source(frame))
    except cr.TableError:
        assert made["word"] == "model.stray_date"
        return
    assert "X" in made, made
    assert made["inputs"] == [*model.preparation.feature_names]
    assert made["same"]
    np.testing.assert_allclose(np.reshape(made["X"], X.shape), X, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", DATES)
def test_dates_are_encoded_as_python_encodes_them(form):
    y = [k / 7 for k in range(N)]
    days = [DATES[form](each) for each in moments()]
    days[5] = days[40] = None
    frame = pl.DataFrame({"day": days, "y": y})
    model = trained(frame, date_format="%d/%m/%y" if form == "29/02/24" else None)
    assert [encoder.kind for encoder in model.preparation.encoders] == ["Date"]
    odd = ("1.5.2024", "2024-13-01", "31 April 2023", "12:30", "2024-02-30 25:00", "soon")
    columns = [[*days[:7], each, *days[8:]] for each in odd]
    columns += [days, [each.isoformat(" ") for each in moments(19)]]
    as_in_python(model, *(frame.with_columns(day=pl.Series(own)) for own in columns))


def test_texts_are_encoded_as_python_encodes_them():
    words = ["Größe", "gut", "SCHLECHT", "das", "Haus", "лес", "am", "See", "don't", "e-mail", "a"]
    rng = np.random.default_rng(3)
    texts = [
        None if k % 17 == 4 else "  ".join(rng.choice(words, rng.integers(3, 12))) + f" {k}"
        for k in range(N)
    ]
    frame = pl.DataFrame({"says": texts, "y": [k / 7 for k in range(N)]})
    model = trained(frame, texts=["says"])
    assert model.preparation.columns == ("says",)
    new = [f"{'haus ' * (k % 4)}{'x' * 80} gut{k}" for k in range(N)]
    as_in_python(model, frame, frame.with_columns(says=pl.Series(new)))
