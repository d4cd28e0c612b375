"""Rows that estimators of tables are handed to hold out, and rows that have nothing to teach."""

import pickle
import re

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_score

import chainrule as cr
from chainrule.tabular.estimator_options import in_words_of_estimators
from chainrule.tabular.table_error import HOLD_OUT_MORE

N = 90
rng = np.random.default_rng(0)
X = pl.DataFrame({"size": rng.normal(size=N), "kind": rng.choice(["flat", "loft"], N)})
PRICE = X["size"].to_numpy() * 3 + (X["kind"] == "loft").to_numpy() + rng.normal(size=N) / 9
DEAR = np.where(PRICE > 1, "dear", "cheap")
WEIGHT = rng.random(N) + 0.1
IN, OUT = slice(0, 60), slice(60, N)
QUICK = {"epochs": 4, "hidden": (8,)}

KINDS = {
    "classifier": (cr.TabularClassifier, DEAR, accuracy_score, "accuracy"),
    "regressor": (cr.TabularRegressor, PRICE, root_mean_squared_error, "rmse"),
}

# Rows that are held out


@pytest.mark.parametrize("form", [pl.DataFrame, pl.DataFrame.to_pandas, "array"])
@pytest.mark.parametrize("weighted", [(), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_are_given_are_held_out_and_no_others(kind, weighted, form):
    made, y, score, name = KINDS[kind]
    table = X.to_numpy() if form == "array" else form(X)
    w = [WEIGHT if k in weighted else np.ones(N) for k in (0, 1)]
    own = {"sample_weight_val": w[1][OUT]} if 1 in weighted else {}
    model = made(**QUICK, validation=0.5).fit(
        table[IN], y[IN], w[0][IN] if 0 in weighted else None, X_val=table[OUT], y_val=y[OUT], **own
    )
    about = model.model_.about
    assert about["rows"] == {"training": 60, "validation": 30, "without_target": 0}
    assert about["epochs_with_all"] == 0
    expected = score(y[OUT], model.predict(table[OUT]), sample_weight=w[1][OUT])
    assert about["validation"]["model"][name] == pytest.approx(expected, rel=1e-5)


def test_rows_that_are_given_teach_where_that_is_asked_for():
    given = {"X_val": X[OUT], "y_val": PRICE[OUT]}
    model = cr.TabularRegressor(**QUICK, refit=True).fit(X[IN], PRICE[IN], **given)
    assert model.model_.about["epochs_with_all"] > 0


def test_rows_that_are_given_may_have_other_types_of_numbers():
    given = X[OUT].with_columns(size=pl.col("size").round().cast(pl.Int8))
    model = cr.TabularRegressor(**QUICK, leave_out=["kind"])
    model.fit(X[IN], PRICE[IN], X_val=given, y_val=PRICE[OUT])
    assert model.model_.about["rows"]["validation"] == 30
    roles = {each["column"]: each["role"] for each in model.model_.about["decisions"]}
    assert roles["kind"] == roles["held_out"] == "left out"


REFUSED = {
    "X alone": ({"X_val": X[OUT]}, {}, "X_val was given without y_val"),
    "y alone": ({"y_val": DEAR[OUT]}, {}, "y_val was given without X_val"),
    "weights alone": ({"sample_weight_val": 1}, {}, "sample_weight_val was given without X_val"),
    "no row that counts": (
        {"X_val": X[OUT], "y_val": DEAR[OUT], "sample_weight_val": 0},
        {},
        "sample_weight_val must hold at least one weight above zero, got only zeros",
    ),
    "other lengths": ({"X_val": X[OUT], "y_val": DEAR[IN]}, {}, "inconsistent numbers of samples"),
    "other columns": ({"X_val": X[OUT][["size"]], "y_val": DEAR[OUT]}, {}, "Feature names"),
    "another type": (
        {"X_val": X[OUT].with_columns(size=pl.lit("a")), "y_val": DEAR[OUT]},
        {},
        "column 'size' of X_val holds String, and of X Float64; make them alike",
    ),
    "another class": (
        {"X_val": X[OUT], "y_val": np.full(30, "fair")},
        {},
        "y_val holds the class 'fair', which y has not; it has 'cheap', 'dear'",
    ),
    "no value": ({"X_val": X[OUT], "y_val": [None] * 30}, {}, "None in row 0"),
    "a weight below 0": (
        {"X_val": X[OUT], "y_val": DEAR[OUT], "sample_weight_val": -WEIGHT[OUT]},
        {},
        "sample_weight_val",
    ),
    "groups besides": (
        {"X_val": X[OUT], "y_val": DEAR[OUT]},
        {"groups": "kind"},
        re.escape("X_val and `groups='kind'` both say which rows are held out; give one of them"),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_held_out_is_refused_and_changes_nothing(name):
    given, options, said = REFUSED[name]
    model = cr.TabularClassifier(**QUICK, **options)
    before = dict(vars(model))
    with pytest.raises((TypeError, ValueError), match=said):
        model.fit(X[IN], DEAR[IN], **given)
    assert vars(model) == before


def test_too_few_rows_for_an_interval_are_refused_with_what_helps():
    given = {"X_val": X[60:64], "y_val": PRICE[60:64]}
    with pytest.raises(cr.TableError) as caught:
        cr.TabularRegressor(**QUICK, interval=0.9).fit(X[IN], PRICE[IN], **given)
    assert str(caught.value) == (
        "`interval=0.9` needs 9 rows held out or more, got 4; give `X_val=` more rows, or take a "
        "lower `interval=`"
    )
    with pytest.raises(cr.TableError, match="hold out more by `validation=`, give more rows, or t"):
        cr.TabularRegressor(**QUICK, interval=0.9).fit(X[:30], PRICE[:30])


def test_what_does_not_help_where_rows_are_given_is_not_advised():
    words = {
        "seed": "0 in all rows; use another `loss=`, or another `seed=`",
        "more": HOLD_OUT_MORE,
    }
    fixes = {"seed": "0 in all rows; use another `loss=`", "more": "give `X_val=` more rows"}
    for name, said in words.items():
        with pytest.raises(cr.TableError) as caught, in_words_of_estimators(given_rows=True):
            raise cr.TableError(said)
        assert str(caught.value) == fixes[name]


# A target that is always the same

CONSTANTS = {
    "a word": ("classifier", np.full(N, "dear")),
    "a Boolean": ("classifier", np.full(N, False)),
    "a whole number": ("classifier", np.full(N, -7, np.int16)),
    "a float": ("classifier", np.full(N, 2.0)),
    "an object": ("classifier", np.full(N, "dear", object)),
    "a quantity": ("regressor", np.full(N, 0.1)),
    "a count": ("regressor", np.zeros(N, int)),
    "a large quantity": ("regressor", np.full(N, 1e300)),
}
TREES = {"classifier": HistGradientBoostingClassifier, "regressor": HistGradientBoostingRegressor}
ALWAYS = "y is always .*: there is nothing to learn, and every prediction is the same"


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_target_that_is_always_the_same_is_predicted_as_trees_do(name):
    kind, y = CONSTANTS[name]
    numbers = X[["size"]].to_numpy()
    with pytest.warns(UserWarning, match=ALWAYS):
        model = KINDS[kind][0]().fit(numbers, y)
    found = pickle.loads(pickle.dumps(model)).predict(numbers[OUT])
    expected = TREES[kind]().fit(numbers, y).predict(numbers[OUT])
    if kind == "classifier":
        assert found.tolist() == expected.tolist()
        assert found.dtype == y.dtype
        assert model.classes_.tolist() == y[:1].tolist()
        assert (model.predict_proba(numbers) == np.ones((N, 1))).all()
    else:
        assert found == pytest.approx(expected)
    with pytest.raises(ValueError, match="2 features"):
        model.predict(np.ones((3, 2)))


def test_so_are_its_quantiles():
    with pytest.warns(UserWarning, match=ALWAYS):
        model = cr.TabularRegressor(quantiles=(0.9, 0.5)).fit(X, PRICE * 0 + 3)
    assert (model.predict_quantiles(X) == np.full((N, 2), 3.0)).all()
    assert (model.predict(X) == np.full(N, 3.0)).all()


def test_a_fold_without_a_class_ends_no_cross_validation():
    y = np.repeat(["cheap", "dear"], [N // 2, N - N // 2])
    with pytest.warns(UserWarning, match=ALWAYS):
        scores = cross_val_score(cr.TabularClassifier(**QUICK), X, y, cv=KFold(2))
    assert scores.tolist() == [0, 0]  # each fold has the class that the other lacks


def test_a_column_that_is_constant_in_a_fold_is_left_out_there():
    frame = X.with_columns(new=np.arange(N) < N // 3)
    scores = cross_val_score(cr.TabularRegressor(**QUICK), frame, PRICE, cv=KFold(3))
    assert np.isfinite(scores).all()


# Columns that are always the same

NOTHING = "no column of X tells its rows apart: there is nothing to learn, and every prediction is"
ALIKE = pl.DataFrame(
    {"size": [2.5] * N, "kind": ["flat"] * N, "none": [None] * N, "nan": [np.nan] * N}
)
COUNTS = np.arange(N) % 4


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", [pl.DataFrame, pl.DataFrame.to_pandas, "array"])
@pytest.mark.parametrize("kind", KINDS)
def test_columns_that_are_always_the_same_give_the_prior_or_the_mean_as_trees_do(
    kind, form, weighted
):
    made, y, *_ = KINDS[kind]
    w = WEIGHT if weighted else None
    table = np.full((N, 2), 3.5) if form == "array" else form(ALIKE)
    with pytest.warns(UserWarning, match=NOTHING):
        model = made(**QUICK).fit(table, y, w)
    trees = TREES[kind]().fit(np.ones((N, 1)), y, w)
    found = pickle.loads(pickle.dumps(model)).predict(table)
    if kind == "regressor":
        assert found == pytest.approx(trees.predict(np.ones((N, 1))))
    else:
        assert found.tolist() == trees.predict(np.ones((N, 1))).tolist()
        shares = np.bincount(np.equal(y, "dear"), weights=w) / (N if w is None else w.sum())
        assert model.predict_proba(table) == pytest.approx(np.tile(shares, (N, 1)))


def test_a_fold_whose_columns_are_all_the_same_ends_no_cross_validation():
    frame = pl.DataFrame({"new": np.arange(N) < N // 2})
    for kind, (made, y, *_) in KINDS.items():
        with pytest.warns(UserWarning, match=NOTHING):
            own = cross_val_score(made(**QUICK), frame.to_pandas(), y, cv=KFold(2))
        trees = cross_val_score(TREES[kind](), frame.to_numpy(), y, cv=KFold(2))
        assert own == pytest.approx(trees, abs=1e-6)


OF_ALIKE = {
    "quantiles": ({"quantiles": (0.1, 0.9)}, PRICE, [9 / N, 81 / N]),
    "a quantile by its loss": ({"loss": "quantile(0.3)"}, PRICE, [27 / N]),
    "the median": ({"loss": "absolute_error"}, PRICE, [45 / N]),
}


@pytest.mark.parametrize("name", OF_ALIKE)
def test_they_give_the_quantiles_that_are_asked_for(name):
    options, y, shares = OF_ALIKE[name]
    with pytest.warns(UserWarning, match=NOTHING):
        model = cr.TabularRegressor(**QUICK, **options).fit(ALIKE, y)
    outputs = model.model_.predict(ALIKE).to_numpy()
    assert [np.mean(y <= each) for each in outputs[0]] == pytest.approx(shares)
    assert (outputs == outputs[0]).all()


def test_they_give_the_mean_of_each_of_several_targets():
    both = np.stack([PRICE, PRICE**2], axis=1)
    with pytest.warns(UserWarning, match=NOTHING):
        model = cr.TabularRegressor(**QUICK).fit(ALIKE, both)
    assert model.predict(ALIKE[:2]) == pytest.approx(np.tile(both.mean(axis=0), (2, 1)))


def test_they_give_the_mean_of_counts():
    with pytest.warns(UserWarning, match=NOTHING):
        model = cr.TabularRegressor(**QUICK, loss="poisson", interval=0.5).fit(ALIKE, COUNTS)
    assert model.predict(ALIKE[:1]) == pytest.approx(COUNTS.mean())
    low, high = model.predict_interval(ALIKE[:1])[0]
    assert 0 <= low <= COUNTS.mean() <= high


@pytest.mark.parametrize("given", [False, True])
def test_their_interval_holds_the_share_that_is_asked_for(given):
    held = {"X_val": ALIKE[:40], "y_val": PRICE[:40] + 100} if given else {}
    with pytest.warns(UserWarning, match=NOTHING):
        model = cr.TabularRegressor(**QUICK, interval=0.8).fit(ALIKE, PRICE, **held)
    assert model.predict(ALIKE[:1]) == pytest.approx(PRICE.mean())
    low, high = model.predict_interval(ALIKE[:1])[0]
    judged = PRICE[:40] + 100 if given else PRICE
    assert 0.8 <= np.mean((low <= judged) & (judged <= high)) < 0.95


def test_their_sets_hold_the_share_that_is_asked_for():
    y = np.repeat(["a", "b", "c"], [45, 36, 9])
    with pytest.warns(UserWarning, match=NOTHING):
        model = cr.TabularClassifier(**QUICK, interval=0.8).fit(ALIKE, y)
    assert model.predict_set(ALIKE[:1]).tolist() == [[True, True, False]]
    assert model.model_.predict(ALIKE[:1])["set"].to_list() == ["a|b"]


def test_they_weigh_classes_as_asked():
    with pytest.warns(UserWarning, match=NOTHING):
        model = cr.TabularClassifier(**QUICK, class_weight="balanced").fit(ALIKE, DEAR)
    assert model.predict_proba(ALIKE[:1]) == pytest.approx(0.5)


def test_options_are_held_to_what_they_must_be_there_too():
    for y in (PRICE, np.ones(N)):
        with pytest.raises(ValueError, match="interval must be a share"):
            cr.TabularRegressor(interval=90).fit(ALIKE, y)
    with pytest.raises(cr.TableError, match="needs 9 rows held out"):
        cr.TabularRegressor(interval=0.9).fit(ALIKE[:5], PRICE[:5])


def test_a_column_that_only_lacks_values_tells_rows_apart():
    frame = pl.DataFrame({"size": [2.5, None] * (N // 2)})
    assert isinstance(cr.TabularRegressor(**QUICK).fit(frame, PRICE).model_, cr.TableModel)
