"""Columns of many categories: means that no row has a part in for itself, and vectors."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule as cr
from chainrule.tabular.columns.category_limits import MANY
from chainrule.tabular.columns.column_decisions import FOLDS, decide
from chainrule.tabular.columns.survey import survey
from chainrule.tabular.encoding import preparation as preparation_module
from chainrule.tabular.encoding.many_categories import ManyEncoder
from chainrule.tabular.encoding.preparation import Preparation, fit_preparation
from chainrule.tabular.encoding.target_means import (
    NEW,
    MeansOf,
    TargetMeans,
    dealt_to_folds,
    means_of,
)
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.formats.notes import Notes
from chainrule.tabular.prepare import prepare
from chainrule.tabular.table_error import TableError
from chainrule.tabular.training_options import Options

N = 900
DRAW = np.random.default_rng(7)
SHOP = DRAW.integers(0, 150, N)
TABLE = pl.DataFrame(
    {
        "shop": [None if k % 50 == 3 else f"shop {SHOP[k]}" for k in range(N)],
        "size": DRAW.normal(size=N),
        "n": DRAW.integers(1, 4, N),
        "town": SHOP // 5,
        "price": 3.0 * np.sin(SHOP) + DRAW.normal(size=N),
    }
).with_columns(
    dear=pl.when(pl.col("price") > 0).then(pl.lit("yes")).otherwise(pl.lit("no")),
    grade=(pl.col("price") + 9).floor().clip(6, 11).cast(pl.Int64).cast(pl.String),
)
TARGETS = ("price", "dear", "grade")
QUICK: dict[str, Any] = {"epochs": 2, "hidden": (8,), "threads": 1}


def table(target: str, frame: pl.DataFrame = TABLE) -> pl.DataFrame:
    return frame.select("shop", "size", "n", "town", target)


def prepared(target: str, frame: pl.DataFrame = TABLE, **options: Any) -> Any:
    asked = Options(leave_out=("town",), **options)
    return prepare(open_source(table(target, frame)), target, asked)


def numbers_of(target: str, frame: pl.DataFrame = TABLE) -> Any:
    """The numbers whose means are taken, by hand."""
    column = frame[target]
    if target == "price":
        return ((column - column.mean()) / column.std(ddof=0)).to_numpy()[:, None]  # type: ignore[operator]
    classes = ["yes"] if target == "dear" else sorted(set(column), key=int)
    return np.array([[float(value == each) for each in classes] for value in column])


class ByHand:
    """The means of shops by some rows, by loops alone."""

    def __init__(self, y: Any, w: Any, shops: list[Any], trained: list[int]) -> None:
        self.y, self.w, self.shops = y, w / np.mean(w[trained]), shops
        known = [k for k in trained if shops[k] is not None]
        of = {shop: [k for k in known if shops[k] == shop] for shop in {shops[k] for k in known}}
        n = {shop: self.sum(rows, 0) for shop, rows in of.items()}
        every = sum(n.values())
        self.m = self.sum(known, 1) / every
        within = sum(
            self.sum(rows, 2) - self.sum(rows, 1) ** 2 / n[shop] for shop, rows in of.items()
        ) / (every - len(of))
        apart = sum(
            n[shop] * (self.sum(rows, 1) / n[shop] - self.m) ** 2 for shop, rows in of.items()
        )
        between = (apart - (len(of) - 1) * within) / (every - sum(v**2 for v in n.values()) / every)
        self.k = np.maximum(within / between, 1)
        self.scale = 1.0
        off = {shop: self.of(shop, rows) for shop, rows in of.items()}
        self.scale = np.sqrt(sum(n[shop] * off[shop] ** 2 for shop in of) / every)

    def sum(self, rows: list[int], power: int) -> Any:
        return sum(self.w[k] * self.y[k] ** power for k in rows)

    def of(self, shop: Any, rows: list[int]) -> Any:
        own = [] if shop is None else [k for k in rows if self.shops[k] == shop]
        return (
            (self.sum(own, 1) - self.sum(own, 0) * self.m)
            / (self.sum(own, 0) + self.k)
            / self.scale
        )


def drawn_in(z: Any) -> Any:
    return z / np.sqrt(1 + (z / 3) ** 2)


# Means


@pytest.mark.parametrize("weight", [None, "n"])
@pytest.mark.parametrize("target", TARGETS)
def test_means_by_hand(target: str, weight: str | None) -> None:
    p = prepared(target, weight=weight, many_categories="means")
    held, shops = p.is_held_out, TABLE["shop"].to_list()
    folds = dealt_to_folds(held, None, 0)
    trained = np.flatnonzero(~held).tolist()
    w = np.ones(N) if weight is None else TABLE["n"].to_numpy().astype(float)
    hand = ByHand(numbers_of(target), w, shops, trained)
    places = p.preparation.crossed
    assert len(places) == numbers_of(target).shape[1]
    got = {"held out": p.held_out.X[:, places], "training": p.blocks[0].X[:, places]}
    others = {f: [k for k in trained if folds[k] != f] for f in range(FOLDS)}
    expected = {
        "held out": [hand.of(shops[k], trained) for k in np.flatnonzero(held)],
        "training": [hand.of(shops[k], others[int(folds[k])]) for k in trained],
    }
    for part, values in expected.items():
        np.testing.assert_allclose(got[part], drawn_in(np.array(values)), rtol=2e-5, atol=2e-5)


def test_no_target_is_in_its_own_inputs() -> None:
    """Of a target that is chance, the means in training tell nothing, as they do of new rows."""
    told, told_by_all = [], []
    for seed in range(12):
        chance = TABLE.with_columns(price=np.random.default_rng(seed).normal(size=N))
        p = prepared("price", chance, many_categories="means")
        X, place = p.blocks[0].X, p.preparation.crossed[0]
        if X[:, place].any():  # else the shops seem to differ in nothing
            every = p.preparation.transform(chance)[~p.is_held_out, place]
            y = p.blocks[0].y[:, 0]
            told.append(np.corrcoef(X[:, place], y)[0, 1])
            told_by_all.append(np.corrcoef(every, y)[0, 1])
    assert len(told) >= 3
    assert max(told) < 0.2
    assert min(told_by_all) > 0.3  # means with a row's own target


def test_rows_held_out_have_no_part_in_any_input() -> None:
    one = prepared("price", many_categories="means")
    other = TABLE.with_columns(price=pl.Series(np.where(one.is_held_out, 5.0, TABLE["price"])))
    means = [
        dealt_means(frame, one.is_held_out, np.asarray(frame["price"])[:, None])
        for frame in (TABLE, other)
    ]
    assert means[0] == means[1]


def dealt_means(frame: pl.DataFrame, held: Any, y: Any) -> tuple[float, ...]:
    found = survey([table("price", frame)], "price")
    prep = fit_preparation(found, decide(found, leave_out=["town"], many="means"), ("mean",))
    sums = TargetMeans(prep, dealt_to_folds(held, None, 0), None)
    sums.add(slice(0, N), frame, y)
    fitted, crossed = sums.fitted()
    X = np.zeros((N, len(fitted.feature_names)), np.float32)
    crossed.write(slice(0, N), frame, X)
    return (*fitted.encoders[0].means, *X[:, fitted.crossed[0]].tolist())  # type: ignore[attr-defined]


def test_rows_are_added_up_the_same_however_they_come() -> None:
    held, y = np.zeros(N, bool), np.asarray(TABLE["price"])[:, None] * 1e-3 + 1e6
    found = survey([table("price")], "price")
    prep = fit_preparation(found, decide(found, leave_out=["town"], many="means"), ("mean",))
    made = []
    for size in (N, 1, 77):
        sums = TargetMeans(prep, dealt_to_folds(held, None, 0), np.asarray(TABLE["n"]))
        for start in range(0, N, size):
            rows = slice(start, start + size)
            sums.add(rows, TABLE[rows], y[rows])
        made.append(sums.sums[0].total().tobytes())
    assert made[0] == made[1] == made[2]


def test_groups_stay_in_one_fold() -> None:
    groups, held = TABLE["town"].to_numpy(), np.arange(N) % 7 == 0
    folds = dealt_to_folds(held, groups, 3)
    assert set(folds[held].tolist()) == {NEW}
    assert set(folds[~held].tolist()) == set(range(FOLDS))
    for town in set(groups.tolist()):
        assert len(set(folds[~held & (groups == town)].tolist())) == 1
    assert (dealt_to_folds(held, groups, 4) != folds).any()


@pytest.mark.parametrize(
    ("counts", "labels"),
    [([5, 3], (1,)), ([5, 3, 1], (0, 1, 2)), ([*range(1, 13)], tuple(range(2, 12))), ([4], (0,))],
)
def test_of_many_classes_the_most_frequent_have_shares(counts: Any, labels: Any) -> None:
    names = tuple(f"c{k}" for k in range(len(counts)))
    target: Any = SimpleNamespace(task="classification", outputs=len(counts), names=names)
    found = means_of(target, np.repeat(np.arange(len(counts)), counts))
    assert found == MeansOf(tuple(f"share of c{k}" for k in labels), labels)


# What becomes of a column


@pytest.mark.parametrize("many", MANY)
def test_what_many_categories_become_is_said_and_done(many: str) -> None:
    p = prepared("dear", many_categories=many)
    (decision,) = (each for each in p.decisions if each.column == "shop")
    features = [name for name in p.preparation.feature_names if name.startswith("shop ")]
    more = {"means": ["share of yes"], "vectors": ["level"], "both": ["share of yes", "level"]}
    if many == "frequent":
        assert features == ["shop other", "shop missing"]
        assert "the 100 most frequent, and the others as one" in decision.reason
        return
    assert features == [f"shop {name}" for name in (*more[many], "missing")]
    said = {"means": "means of the target by category, cross-fitted in 5 folds", "vectors": "of 8"}
    for name, words in said.items():
        assert (words in decision.reason) == (many in (name, "both"))
    assert decision.reason.startswith("150 categories: ")
    assert decision.option == "change: `leave_out=['shop']`"


@pytest.mark.parametrize("count", [20, 21, 100, 101])
@pytest.mark.parametrize("many", MANY)
def test_from_how_many_on_categories_are_many(many: str, count: int) -> None:
    frame = pl.DataFrame(
        {"shop": [f"shop {k}" for k in range(count)] * 9, "y": [1.0, 2.0, 4.0] * 3 * count}
    )
    (encoder,) = prepare(
        open_source(frame), "y", Options(many_categories=many)
    ).preparation.encoders
    assert isinstance(encoder, ManyEncoder) == (count > 20 and many != "frequent")
    if not isinstance(encoder, ManyEncoder):
        assert len(encoder.features) == count


SHOPS = ManyEncoder(
    "shop", ("1", "2"), ("mean",), (0.5, -1.0), vectors=2, other=False, missing=False
)


def test_what_training_has_not_seen_is_noted_and_has_no_mean() -> None:
    notes = Notes()
    X = np.full((5, 2), np.nan, np.float32)
    SHOPS.write(pl.Series(["2", "1.0", "7", None, "9"]), X, notes)
    assert X.tolist() == [[-1, 1], [0.5, 0], [0, -1], [0, -1], [0, -1]]
    assert {key: found[0] for key, found in notes.found.items()} == {
        ("shop", "missing"): 1,
        ("shop", "unseen"): 2,
    }


@pytest.mark.parametrize(
    "values", [[1, 2], [1.0, 2.0], ["1", "2"], pl.Series([1, 2], dtype=pl.UInt8)]
)
def test_categories_match_in_any_type(values: Any) -> None:
    assert SHOPS.codes(pl.Series(values)).tolist() == [0, 1]


def test_a_list_has_no_words() -> None:
    with pytest.raises(TableError, match="column 'shop' held categories in training, holds List"):
        SHOPS.check(pl.Series([[1]]), 1)


def test_more_categories_than_a_file_holds_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation_module, "MOST_STORED", 240)
    encoder: Any = prepared("price").preparation.encoders[0]
    counts = TABLE["shop"].drop_nulls().value_counts().rows()
    kept = {count for word, count in counts if word in encoder.categories}
    left = {count for word, count in counts if word not in encoder.categories}
    assert (len(encoder.categories), encoder.other) == (120, True)
    assert max(left) <= min(kept)
    notes = Notes()
    encoder.write(pl.Series(["never seen"]), np.zeros((1, 3), np.float32), notes)
    assert not notes.found


def test_long_words_of_many_columns_fit_into_a_file(tmp_path: Any) -> None:
    """Each letter takes seven characters of a file's header, which has four million."""
    n = 4_000
    words = {f"c{k}": [f"{'ж' * 60} {row % (n // 2)}" for row in range(n)] for k in range(6)}
    frame = pl.DataFrame({**words, "y": DRAW.normal(size=n)})
    model = cr.train(frame, "y", **{**QUICK, "epochs": 1}, categories=[*words])
    model.save(tmp_path / "a.model")
    assert cr.TableModel.load(tmp_path / "a.model").preparation == model.preparation
    many: Any = model.preparation.encoders
    assert {(each.other, 500 < len(each.categories) < n // 2) for each in many} == {(True, True)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"means": []}, "the means must be 1 for each of the categories"),
        ({"means": [1.0]}, "the means must be 1 for each of the categories"),
        ({"means": [1.0, 2.0, 3.0]}, "the means must be 1 for each of the categories"),
        ({"means": [1.0, None]}, "means"),
        ({"vectors": 3}, "the vectors must be at most those of 2 categories"),
        ({"vectors": -1}, "vectors must be a whole number >= 0, got -1"),
        ({"categories": ["1", "1"]}, "categories"),
        ({"names": ["mean", "mean"]}, "names"),
    ],
)
def test_what_does_not_fit_together_in_a_file_is_refused(changes: Any, message: str) -> None:
    data = Preparation((SHOPS,)).to_data()
    data["encoders"][0] |= changes
    with pytest.raises(ValueError, match=message):
        Preparation.from_data(json.loads(json.dumps(data)))


def test_columns_of_no_use_have_no_vectors_and_others_keep_their_places() -> None:
    draw = np.random.default_rng(3)
    codes = {name: draw.integers(0, 150, N) for name in ("one", "two", "three")}
    words = {name: [f"{name} {k}" for k in own] for name, own in codes.items()}
    price = 5 * np.sin(codes["two"]) + draw.normal(size=N)
    p = prepare(
        open_source(pl.DataFrame({**words, "price": price})),
        "price",
        Options(many_categories="both"),
    )
    kept = dict(zip(p.preparation.feature_names, p.preparation.levels, strict=True))
    assert "one level" not in kept
    assert 120 < kept["two level"] < 150  # some have one row in training
    X, y = p.blocks[0].X, p.blocks[0].y[:, 0]
    place = p.preparation.feature_names.index("two mean")
    assert np.corrcoef(X[:, place], y)[0, 1] > 0.9
    level = X[:, p.preparation.feature_names.index("two level")]
    assert {int(k) for k in level} == {-1, *range(kept["two level"])}


def test_categories_of_enough_rows_have_a_vector_beside_their_means() -> None:
    """Some shops come often; of the others two rows tell little, with so much noise."""
    draw = np.random.default_rng(3)
    shop = np.concatenate([draw.integers(0, 60, 6000), np.arange(60, 180).repeat(2)])
    price = (shop % 3) / 3 + draw.normal(size=len(shop))
    frame = pl.DataFrame({"shop": [f"s{k}" for k in shop], "x": draw.normal(size=len(shop))})
    p = prepare(
        open_source(frame.with_columns(price=price)), "price", Options(many_categories="both")
    )
    encoder: Any = p.preparation.encoders[0]
    often = {f"s{k}" for k in range(60)}
    assert set(encoder.categories[: encoder.vectors]) == often
    assert p.preparation.levels == (0, 60, 0)
    X = np.zeros((2, 2), np.float32)
    encoder.write(pl.Series(["s179", encoder.categories[7]]), X, Notes())
    assert X[:, 1].tolist() == [-1, 7]
