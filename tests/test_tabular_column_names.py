"""Names of columns that mean something elsewhere: in patterns, to polars, in predictions."""

import functools

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.files.open_source import open_source
from commands import ran

N = 40
QUICK = {"epochs": 1, "hidden": (4,), "members": 1, "learning_rate": 0.01, "refit": False}
ROLES = ["x", "kind", "day", "w", "y"]
ODD = [
    ["^", "$", "^a", "a$", "$^"],
    ["a*", "**", "a.b", "a b", "{x}"],
    ["[0]", "(x|y", r"\d", "%s", "é"],
    ["row", "value", "count", "times", "word"],
    ["probability_u", "prediction", "piece", "part", "y"],
]


@functools.cache
def table() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    x, kind = draw.normal(size=N).round(3), draw.choice(["u", "v"], N)
    day = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 2, 9), eager=True)
    y = (x + (kind == "u")).round(3)
    w = draw.integers(1, 3, N)
    return pl.DataFrame({"x": x, "kind": kind, "day": day.dt.to_string(), "w": w, "y": y})


@functools.cache
def plain() -> cr.TableModel:
    return cr.train(table(), "y", **QUICK, weight="w")


@pytest.mark.parametrize("names", ODD, ids=" ".join)
def test_any_other_name_goes_through_everything(tmp_path, monkeypatch, names):
    """As a number, a text, a date, the weight, the target: all else is as by other names."""
    monkeypatch.chdir(tmp_path)
    given = table().rename(dict(zip(ROLES, names, strict=True)))
    given.write_csv("t.csv")
    x, kind, day, w, y = given.columns
    model = cr.train("t.csv", y, weight=w, out="t.model", report="t.html", **QUICK)
    made = model.predict("t.csv")
    np.testing.assert_array_equal(made.to_numpy(), plain().predict(table()).to_numpy())
    assert model.evaluate("t.csv")["model"] == plain().evaluate(table())["model"]
    if not {"prediction", "probability_u"} & {*names}:
        kept = model.predict("t.csv", keep=given.columns)[x, kind, day, w, y]
        assert kept.write_csv() == given.write_csv()
    shown = ran("inspect", "t.model").stdout
    assert all(f" {name} " in shown for name in (x, kind, day, w, y))
    ran("explain", "t.model", "--data", "t.csv", "--of", "out_o1")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "jsonl", "parquet", "arrow", "polars", "pandas"])
@pytest.mark.parametrize("name", ["*", "^$", "^a$", "^.*$", "^(x$"])
def test_a_pattern_of_polars_is_no_name(tmp_path, kind, name):
    given = pl.DataFrame({"a": ["1", "2", "3"], name: ["2.5", "u", None], "y": [1, 2, 3]})
    path = tmp_path / f"t.{kind}"
    write = {
        "csv": given.write_csv,
        "xlsx": given.write_excel,
        "jsonl": given.write_ndjson,
        "parquet": given.write_parquet,
        "arrow": given.write_ipc,
    }
    if kind in write:
        write[kind](path)
    where = {"polars": given, "pandas": given.to_pandas()}.get(kind, path)
    with pytest.raises(cr.TableError, match=r"no column can be called '.*': polars, .*; rename it"):
        open_source(where)
