"""What is to be doubted of a training: said where it is so, and not of tables that are as usual."""

import json
import re

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular import example_blocks as blocks_module
from chainrule.tabular.doubts import (
    LEFT,
    Known,
    class_gain,
    from_others,
    keys,
    quantity_gain,
)
from chainrule.tabular.report import report
from commands import houses, ran
from reports import Page, trained

N = 400
DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((N, 3))
PRICE = 100 * np.exp(X[:, 0] + 0.5 * X[:, 1] + 0.3 * DRAW.standard_normal(N))
DEAR = np.where(PRICE > 100, "dear", "fair")
TABLE = pl.DataFrame({"a": X[:, 0], "b": X[:, 1], "c": X[:, 2]})


def warnings(table, target, **options):
    return cr.train(table, target, **{"epochs": 5, **options}).about["warnings"]


# --- a column that gives the target away


@pytest.mark.parametrize(
    "copy",
    [
        PRICE,
        0.92 * PRICE,  # in another currency
        1_000 - PRICE,
        np.round(0.92 * PRICE),
        0.92 * PRICE + 0.01 * PRICE.std() * DRAW.standard_normal(N),
        np.log(PRICE),
        1 / PRICE,
        [f"{price:.2f}" for price in PRICE],
    ],
    ids=["same", "linear", "falling", "rounded", "noisy", "log", "inverse", "text"],
)
def test_a_column_that_is_the_quantity_again_is_named(copy):
    table = TABLE.with_columns(price=PRICE, price_eur=pl.Series(copy))
    (said,) = warnings(table, "price")
    assert said.startswith("column 'price_eur' alone predicts 'price': it scores ")
    assert 0.998 <= float(said.partition("scores ")[2].partition(" ")[0]) <= 1
    assert said.endswith("was that meant? If not, leave it out: `leave_out=['price_eur']`")


@pytest.mark.parametrize(
    "copy",
    [
        DEAR,
        np.where(DEAR == "dear", "D", "F"),
        np.where(DEAR == "dear", 7, 3),
        DEAR == "dear",
        PRICE,
        np.where(np.arange(N) == 7, "D", np.where(DEAR == "dear", "D", "F")),  # but one
    ],
    ids=["same", "recoded", "numbers", "boolean", "cut", "nearly"],
)
def test_a_column_that_is_the_class_again_is_named(copy):
    table = TABLE.with_columns(cls=pl.Series(DEAR), code=pl.Series(copy))
    (said,) = warnings(table, "cls")
    assert said.startswith("column 'code' alone predicts 'cls': it scores ")
    assert "(accuracy)" in said
    assert warnings(table, "cls", leave_out=["code"]) == []


@pytest.mark.parametrize("target", ["price", "cls"])
@pytest.mark.parametrize("share", [0.1, 0.4])
def test_a_copy_that_is_missing_in_some_rows_is_named_too(target, share):
    given = np.arange(N) % 10 >= 10 * share
    table = TABLE.with_columns(pl.Series(target, PRICE if target == "price" else DEAR))
    table = table.with_columns(copy=pl.when(pl.Series(given)).then(target))
    (said,) = warnings(table, target)
    assert re.match(r"column 'copy' alone .* it scores 1\.0000 \(.*\) where it has a value; ", said)


def test_a_column_that_is_there_for_one_class_alone_is_named():
    boat = np.where(DEAR == "dear", DRAW.standard_normal(N), np.nan)
    table = TABLE.with_columns(pl.Series("boat", boat, nan_to_null=True), cls=pl.Series(DEAR))
    (said,) = warnings(table, "cls")
    assert re.match(r"column 'boat' alone .* scores (0.99|1)\S+ .accuracy.; ", said)


def test_of_many_such_columns_some_are_named_and_the_others_counted():
    copies = {f"x{k}": PRICE + k for k in range(5)}
    said = warnings(TABLE.with_columns(price=PRICE, **copies), "price")
    assert len(said) == 4
    assert said[-1] == "so do 2 more, such as 'x3'"


def test_a_column_with_blanks_in_its_name_is_left_out_too():
    table = TABLE.with_columns(pl.Series("price in €", PRICE), price=PRICE)
    assert warnings(table, "price")[0].endswith("`leave_out=['price in €']`")


def test_rare_classes_are_not_given_away_by_a_column_that_says_nothing():
    rare = np.where(np.arange(N) % 100 == 0, "yes", "no")
    said = warnings(TABLE.with_columns(cls=pl.Series(rare)), "cls")
    assert not any("alone predicts" in each for each in said)


def test_each_example_is_foretold_from_the_others_alone():
    draw = np.random.default_rng(1)
    x, y = draw.integers(0, 5, (300, 1)).astype(float), draw.standard_normal((300, 1))
    made = from_others(x, y)
    for k in range(300):
        others = (x[:, 0] == x[k, 0]) & (np.arange(300) != k)
        assert made[k, 0] == pytest.approx(y[others, 0].mean())
    assert quantity_gain(x, y)[0] < 0.1
    assert class_gain(x, draw.integers(0, 3, 300))[0] < 0.2


# --- rows on both sides of the hold-out


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("target", ["price", "cls"])
def test_repeated_rows_are_counted(monkeypatch, tmp_path, target, streamed):
    own = PRICE if target == "price" else DEAR
    table = TABLE.with_columns(pl.Series(target, own))
    path = tmp_path / "twice.csv"
    pl.concat([table, table[: N // 4]]).write_csv(path)
    if streamed:
        monkeypatch.setattr(blocks_module, "BLOCK_BYTES", 1_000)
    model = cr.train(path, target, epochs=5, **({"memory": 10} if streamed else {}))
    (said,) = model.about["warnings"]
    share = float(said.partition("%")[0])  # 200 of the 500 rows have a twin, in training 17 of 20
    assert 20 < share < 50
    assert said.partition("%")[2].startswith(" of the rows held out stand in training too")


def test_the_share_is_that_of_rows_counted_one_by_one():
    table = pl.concat([TABLE, TABLE[:100]]).with_columns(price=np.r_[PRICE, PRICE[:100]])
    prepared, *_ = trained(table, "price", epochs=1, refit=False)
    rows = table.rows()
    training = {row for row, held in zip(rows, prepared.is_held_out, strict=True) if not held}
    held = [row for row, held in zip(rows, prepared.is_held_out, strict=True) if held]
    share = np.mean([row in training for row in held])
    assert prepared.doubts[0].startswith(f"{share:.1%} of the rows held out")


def test_rows_of_few_categories_that_are_equal_by_chance_are_not_told():
    draw = np.random.default_rng(2)
    table = pl.DataFrame(
        {
            "class": draw.choice(["1st", "2nd", "3rd"], 1_000),
            "sex": draw.choice(["f", "m"], 1_000),
            "child": draw.random(1_000) < 0.1,
        }
    ).with_columns(survived=(pl.col("sex") == "f") & (pl.Series(draw.random(1_000)) < 0.8))
    assert warnings(table, "survived", epochs=20) == []


def test_the_keys_of_equal_rows_are_equal_and_of_others_differ():
    draw = np.random.default_rng(3)
    X = draw.integers(0, 12, (5_000, 4)).astype("f4")
    y = draw.integers(0, 2, 5_000)
    rows = {(*row, label) for row, label in zip(X.tolist(), y.tolist(), strict=True)}
    inputs, whole = keys(X, y)
    assert len(np.unique(whole)) == len(rows)
    assert len(np.unique(inputs)) == len(np.unique(X, axis=0))
    zeros = np.array([[0.0], [-0.0]], "f4")
    assert len(np.unique(keys(zeros, np.zeros(2))[1])) == 1


# --- a model that tells nothing


def test_a_model_of_one_class_is_told():
    rare = np.where(np.arange(N) % 10 == 0, "yes", "no")
    said = warnings(TABLE.with_columns(cls=pl.Series(rare)), "cls", epochs=1)
    assert said[0].startswith("the model predicts one class only, 'no', which 90.0% of the rows")


@pytest.mark.parametrize("options", [{}, {"metric": "mae"}, {"quantiles": (0.5,)}])
def test_a_model_no_better_than_the_baseline_is_told_with_its_score(options):
    table = TABLE.with_columns(noise=np.random.default_rng(4).standard_normal(N))
    model = cr.train(table, "noise", epochs=1, learning_rate=0.5, **options)
    (said,) = model.about["warnings"]
    assert said.startswith("the model is no better than the baseline, which looks at no column: ")
    scores = model.about["validation"]
    name = options.get("metric", "pinball" if "quantiles" in options else "rmse")
    assert said.endswith(f" {scores['model'][name]:.4g} against {scores['baseline'][name]:.4g}")


# --- tables that are as usual


@pytest.mark.parametrize("name", ["iris", "wine", "digits", "diabetes", "breast_cancer"])
def test_data_sets_of_scikit_learn_raise_no_doubt(name):
    epochs = 5 if name == "digits" else 20
    assert warnings(f"sklearn:{name}", "target", epochs=epochs, hidden=(32,), refit=False) == []


def test_houses_raise_no_doubt():
    assert warnings(houses(2_000), "price", epochs=10, refit=False) == []


def test_a_line_of_chance_and_one_that_is_nearly_straight_raise_no_doubt():
    draw = np.random.default_rng(5)
    x = draw.uniform(0.2, 3, 1_000)  # as carats and prices of diamonds
    price = 4_000 * x**1.6 * np.exp(0.25 * draw.standard_normal(1_000))
    table = pl.DataFrame(
        {"carat": x.round(2), "depth": draw.normal(62, 1.4, 1_000), "price": price}
    )
    assert warnings(table, "price", epochs=20) == []


# --- where they are said


def test_doubts_are_in_the_report_the_file_and_the_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = TABLE.with_columns(price=PRICE, price_eur=0.92 * PRICE)
    table.write_csv("t.csv")
    arguments = ("train", "t.csv", "--target", "price", "--epochs", 2)
    printed = ran(*arguments).stdout
    begin = "Warning: column 'price_eur' alone predicts 'price': it scores 1.0000 (R²);"
    assert f"\n{begin}" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert begin in ran("inspect", "t.model").stdout
    data = json.loads(ran(*arguments, "--json", "--force").stdout)
    assert [each[:8] for each in data["warnings"]] == ["column '"]
    made = trained(table, "price", epochs=2)
    page = Page(report(*made))
    assert "Warning: column 'price_eur' alone predicts 'price'" in page.text


def test_hashes_are_found_among_those_that_are_known():
    """Also those that begin alike, and where all others lie before or behind."""
    draw = np.random.default_rng(0)
    some = draw.integers(0, 2**64, 500, np.uint64)
    alike = (some[:50] >> LEFT << LEFT) + draw.integers(0, 9, 50, np.uint64)
    rising = np.unique(np.concatenate([some[:200], alike[:25]]))
    among = np.concatenate([some, alike, np.array([0, 2**64 - 1], np.uint64)])
    known, at = Known(rising).among(among)
    assert known.tolist() == np.flatnonzero(np.isin(among, rising)).tolist()
    assert (rising[at] == among[known]).all()
