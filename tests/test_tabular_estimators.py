"""`TabularClassifier` and `TabularRegressor`: scikit-learn's checks, and the model of `train`."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import chainrule as cr
from chainrule.tabular.estimator_options import OF_FILES, OF_THE_CALL
from chainrule.tabular.train_table import OPTIONS

KINDS = {"classifier": cr.TabularClassifier, "regressor": cr.TabularRegressor}
QUICK = {"epochs": 20, "effort": "fast"}

AS_THE_TREES = "check_sample_weight_equivalence_on_dense_data"
"""What HistGradientBoosting does not pass either: repeated rows would stand on both sides."""


def made(kind, **options):
    return KINDS[kind](**QUICK | options)


def checked(estimator):
    """The names of scikit-learn's checks by their outcome."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row in check_estimator(estimator, on_fail=None, on_skip=None):
            found.setdefault(row["status"], set()).add(row["check_name"])
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_check_passes_that_histogram_gradient_boosting_passes(kind):
    found = checked(made(kind))
    assert len(found["passed"]) > 50
    assert found.keys() - {"passed"} == {"failed", "skipped"}
    assert found["failed"] == {AS_THE_TREES}
    assert found["skipped"] == {"check_array_api_input"}  # as for those trees


def test_checks_are_seen_to_fail(monkeypatch):
    """A break on purpose: one prediction too few."""
    predict = cr.TabularRegressor.predict
    monkeypatch.setattr(cr.TabularRegressor, "predict", lambda self, X: predict(self, X)[1:])
    assert len(checked(cr.TabularRegressor(epochs=1, effort="fast"))["failed"]) > 5


# What they are handed

N = 120
rng = np.random.default_rng(0)
FRAME = pl.DataFrame(
    {
        "size": np.where(np.arange(N) % 17, rng.normal(size=N), np.nan),
        "rooms": rng.integers(1, 6, N),
        "kind": rng.choice(["flat", "house", "loft"], N),
        "garden": rng.random(N) > 0.5,
        "built": np.datetime64("2000-01-01") + rng.integers(0, 5000, N),
    }
)
PRICE = FRAME["rooms"].to_numpy() * 10.0 + (FRAME["kind"] == "loft").to_numpy() * 50
WEIGHT = rng.random(N) + 0.1

FRAMES = {
    "polars": lambda frame: frame,
    "pandas": lambda frame: frame.to_pandas(),
    "arrow": lambda frame: frame.to_arrow(),
    "narwhals": lambda frame: __import__("narwhals").from_native(frame),
}

TARGETS = {
    "words": ("classifier", np.where(PRICE > 40, "dear", "cheap"), {}),
    "words of digits": ("classifier", np.array(["9", "10", "100"])[np.arange(N) % 3], {}),
    "words for no value": ("classifier", np.array(["NA", "", "null"])[np.arange(N) % 3], {}),
    "Booleans": ("classifier", PRICE > 40, {}),
    "whole numbers": ("classifier", np.array([-1, 7], np.int8)[np.arange(N) % 2], {}),
    "floats": ("classifier", np.array([1.0, 2.0, 3.0])[np.arange(N) % 3], {}),
    "objects": ("classifier", np.array(["u", "v"], object)[np.arange(N) % 2], {}),
    "classes that weigh": ("classifier", PRICE > 40, {"class_weight": {True: 3}}),
    "a quantity": ("regressor", PRICE, {}),
    "a count": ("regressor", PRICE.astype(np.int32), {"loss": "poisson"}),
    "quantiles": ("regressor", PRICE, {"quantiles": (0.1, 0.5, 0.9), "hidden": (8,)}),
}


def as_a_table_has_it(label):
    """The name of a class in a table of predictions."""
    if isinstance(label, bool):
        return str(label).lower()
    return str(label) if isinstance(label, str) else str(int(label))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["all alike", "weighted"])
@pytest.mark.parametrize("name", TARGETS)
def test_it_is_the_model_of_train(name, weight):
    kind, y, options = TARGETS[name]
    own = made(kind, random_state=3, **options).fit(FRAME, y, weight)
    table = FRAME if weight is None else FRAME.with_columns(w=pl.Series(weight))
    table = table.with_columns(y=pl.Series(y.tolist() if y.dtype == object else y))
    task = "classification" if kind == "classifier" else "regression"
    given = QUICK | options | ({} if weight is None else {"weight": "w"})
    predicted = cr.train(table, "y", seed=3, task=task, **given).predict(FRAME)
    if kind == "classifier":
        words = {str(label): as_a_table_has_it(label) for label in np.unique(y).tolist()}
        p = predicted[[f"probability_{word}" for word in words.values()]]
        assert (own.predict_proba(FRAME) == p.to_numpy()).all()
        labels = [words[str(label)] for label in own.predict(FRAME).tolist()]
        assert labels == list(map(as_a_table_has_it, predicted["prediction"]))
    elif "quantiles" in options:
        assert (own.predict_quantiles(FRAME) == predicted.to_numpy()).all()
        assert (own.predict(FRAME) == predicted["quantile_0.5"].to_numpy()).all()
    else:
        assert (own.predict(FRAME) == predicted["prediction"].to_numpy()).all()


@pytest.mark.parametrize("name", [name for name in TARGETS if TARGETS[name][0] == "classifier"])
def test_classes_keep_their_type(name):
    _, y, options = TARGETS[name]
    model = made("classifier", **options).fit(FRAME, y)
    assert model.classes_.tolist() == sorted(set(y.tolist()))
    assert model.classes_.dtype == model.predict(FRAME).dtype == y.dtype


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (pd.Series([1, 2] * 60, dtype="Int64"), int),
        (pd.Series([True, False] * 60, dtype="boolean"), bool),
        (pd.Categorical(["a", "b"] * 60), object),
        (pl.Series(["a", "b"] * 60, dtype=pl.Enum(["b", "a"])), object),
        (pa.array(["a", "b"] * 60), "<U1"),
        (["a", "b"] * 60, "<U1"),
    ],
)
def test_classes_of_columns_keep_their_type(y, dtype):
    model = made("classifier", epochs=1).fit(FRAME, y)
    assert model.classes_.dtype == model.predict(FRAME).dtype == dtype


@pytest.mark.parametrize("fitted", FRAMES)
def test_a_frame_of_any_library_gives_the_same_bits(fitted):
    model = made("regressor", epochs=2).fit(FRAMES[fitted](FRAME), PRICE)
    expected = made("regressor", epochs=2).fit(FRAME, PRICE).predict(FRAME)
    assert model.feature_names_in_.tolist() == FRAME.columns
    for library in FRAMES.values():
        assert (model.predict(library(FRAME)) == expected).all()


def test_the_target_is_called_as_its_column_where_no_input_is():
    y = pd.Series(PRICE, name="price")
    model = made("regressor", epochs=1).fit(FRAME, y)
    assert model.model_.target.column == "price"
    model.fit(FRAME.rename({"size": "price", "rooms": "sample_weight"}), y, WEIGHT)
    assert model.model_.target.column == "price_"
    assert model.model_.preparation.columns[:2] == ("price", "sample_weight")


def roles(model):
    return {each["column"]: each["role"] for each in model.model_.about["decisions"]}


EACH = np.arange(60)
ARRAYS = {
    "numbers of rows": (EACH[:, None], ["number"]),
    "whole numbers": (EACH[:, None].astype(np.uint8) % 3, ["number"]),
    "a constant": (np.column_stack([EACH, np.ones(60)]), ["number", "number"]),
    "no value": (np.column_stack([EACH, np.full(60, np.nan)]), ["number", "left out"]),
    "half floats": (EACH[:, None].astype(np.float16), ["number"]),
    "of another machine": (EACH[:, None].astype(">f4"), ["number"]),
    "Booleans": (EACH[:, None] > 30, ["category"]),
    "days": (np.datetime64("2024-01-01") + EACH[:, None] * 9, ["date"]),
    "lists": ([[k, "ab"[k % 2], None if k % 3 else 2.5] for k in EACH], ["number", "category",
                                                                         "number"]),
    "objects": (np.array([[k % 2 == 0, pd.Timestamp("2024-01-01")] for k in EACH], object),
                ["category", "left out"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_a_column_of_an_array_is_what_it_holds(name):
    X, expected = ARRAYS[name]
    model = made("regressor", epochs=1).fit(X, EACH % 7)
    assert list(roles(model).values()) == [*expected, "target"]
    assert np.isfinite(model.predict(X)).all()
    assert not hasattr(model, "feature_names_in_")


def test_an_array_is_the_frame_whose_columns_are_numbers():
    X = np.column_stack([EACH, rng.normal(size=60)])
    frame = pl.DataFrame(X, schema=["x0", "x1"])
    table = frame.with_columns(y=pl.Series(EACH % 7))
    model = cr.train(table, "y", task="regression", numbers=["x0", "x1"], **QUICK)
    expected = model.predict(frame)["prediction"].to_numpy()
    assert (made("regressor").fit(X, EACH % 7).predict(X) == expected).all()


def test_columns_of_an_array_can_be_said_to_be_something_else():
    X = np.column_stack([EACH % 3, EACH % 4, EACH, EACH])
    options = {"categories": ["x0"], "order": {"x1": [0, 1, 2, 3]}, "leave_out": ["x2"]}
    model = made("regressor", epochs=1, **options).fit(X, EACH % 7)
    assert list(roles(model).values()) == ["category", "category", "left out", "number", "target"]


def test_words_of_an_array_can_be_said_to_be_texts():
    X = np.array([[f"{k} rooms and a {'garden' if k % 2 else 'view'}", k] for k in EACH], object)
    model = made("regressor", texts=["x0"]).fit(X, EACH % 7)
    assert list(roles(model).values()) == ["text", "number", "target"]
    assert np.isfinite(model.predict(X)).all()


def test_rows_of_weight_0_are_left_out():
    whole = made("classifier").fit(FRAME, PRICE > 40, np.arange(N) < 100)
    part = made("classifier").fit(FRAME[:100], PRICE[:100] > 40, np.ones(100))
    assert (whole.predict_proba(FRAME) == part.predict_proba(FRAME)).all()


REFUSED = {
    "infinity": (FRAME.with_columns(size=pl.lit(np.inf)), PRICE, {}, "infinity in column 'size'"),
    "two kinds in a column": ([["a"], [1]] * 9, [1, 2] * 9, {}, r"int \(1\) and str \('a'\)"),
    "bytes": (np.array([[b"a"]] * 9), np.arange(9), {}, "numbers, words, dates or objects"),
    "a hidden value": (np.ma.masked_equal([[1.0], [2]], 2), [1, 2], {}, "no masked values"),
    "a lazy frame": (FRAME.lazy(), PRICE, {}, r"write table.collect\(\)"),
    "a dictionary": ({"a": [1, 2]}, [1, 2], {}, r"write polars.DataFrame\(table\)"),
    "names that come twice": (pd.DataFrame([[1, 2]] * 9, columns=["a", "a"]), np.arange(9), {},
                              "2 columns are called 'a'; rename them$"),
    "one row": (FRAME[:1], PRICE[:1], {}, "two examples or more, got n_samples = 1"),
    "a target without a value": (FRAME, [None, *PRICE[1:]], {}, "None in row 0"),
    "a word of y that is to mean none": (FRAME, EACH.repeat(2) % 3, {"missing": ["2"]},
                                         "`missing=\\['2'\\]` says that y has no value in 40"),
    "a parameter": (FRAME, PRICE, {"epochs": 0}, "epochs must be a whole number >= 1, got 0"),
    "no list of names": ([[1.0]] * 9, np.arange(9), {"numbers": "x0"}, "numbers must be a list"),
    "a seed": (FRAME, PRICE, {"random_state": -1}, "random_state must be a whole number >= 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_learnt_is_refused_and_changes_nothing(name):
    X, y, options, said = REFUSED[name]
    model = made("regressor", **options)
    before = dict(vars(model))
    with pytest.raises((TypeError, ValueError), match=said):
        model.fit(X, y)
    assert vars(model) == before


def test_a_classifier_sends_a_quantity_to_the_regressor():
    with (
        pytest.warns(UserWarning, match="number of unique classes"),
        pytest.raises(cr.TableError, match=r"different numbers for classes.*`TabularRegressor`"),
    ):
        made("classifier").fit(EACH[:, None], EACH)


def test_quantiles_are_of_a_regressor_that_has_them():
    with pytest.raises(ValueError, match="made with quantiles="):
        made("regressor", epochs=1).fit(FRAME, PRICE).predict_quantiles(FRAME)
    model = made("regressor", epochs=1, quantiles=[0.9, 0.1]).fit(FRAME, PRICE)
    assert (np.diff(model.predict_quantiles(FRAME)) >= 0).all()
    with pytest.raises(ValueError, match=r"add 0.5, or take predict_quantiles"):
        model.predict(FRAME)
    single = made("regressor", epochs=1, quantiles=[0.9]).fit(FRAME, PRICE)
    assert (single.predict(FRAME) == single.predict_quantiles(FRAME)[:, 0]).all()


# Their parameters


@pytest.mark.parametrize("kind", KINDS)
def test_the_parameters_are_the_options_of_train(kind):
    without = {"quantiles"} if kind == "classifier" else {"class_weight"}
    expected = {each.name for each in OPTIONS} - {*OF_FILES, *OF_THE_CALL} - without
    model = KINDS[kind]()
    assert set(model.get_params()) == expected | {"random_state"}
    assert model.get_params()["random_state"] == 0
    for each in OPTIONS:
        if each.name in expected:
            assert each.metadata["help"] in KINDS[kind].__doc__
    assert repr(KINDS[kind](hidden=[8], dropout=0.5)) == (
        f"{KINDS[kind].__name__}(dropout=0.5, hidden=[8])"
    )


def test_another_seed_is_drawn_where_none_is_given():
    seeds = {
        made("regressor", epochs=1, random_state=None)
        .fit(FRAME, PRICE)
        .model_.about["options"]["seed"]
        for _ in range(2)
    }
    assert len(seeds) == 2
    drawn = made("regressor", epochs=1, random_state=np.random.RandomState(0)).fit(FRAME, PRICE)
    assert drawn.model_.about["options"]["seed"] == np.random.RandomState(0).randint(2**31)


# With the rest of scikit-learn

CLASSES = np.where(PRICE > 40, "dear", "cheap")


@pytest.mark.parametrize("copied", [clone, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_is_the_same(copied):
    model = made("classifier", hidden=[8]).fit(FRAME, CLASSES)
    other = copied(model)
    assert other.get_params() == model.get_params()
    if copied is clone:
        other.fit(FRAME, CLASSES)
    assert (other.predict_proba(FRAME) == model.predict_proba(FRAME)).all()


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_it_stands_at_the_end_of_a_pipeline(output):
    scaled = make_column_transformer(
        (StandardScaler(), ["size", "rooms"]), remainder="passthrough"
    ).set_output(transform=output)
    frame = FRAME if output == "polars" else FRAME.to_pandas()
    model = make_pipeline(scaled, made("classifier", epochs=60)).fit(frame, CLASSES)
    assert list(roles(model[-1]).values()) == ["number"] * 2 + ["category"] * 2 + ["date", "target"]
    assert model.score(frame, CLASSES) > 0.9


def test_it_is_searched():
    asked = {"hidden": [[8], None], "learning_rate": np.array([1e-3, 1e-2])}
    search = GridSearchCV(made("classifier"), asked, cv=2, scoring="roc_auc").fit(FRAME, CLASSES)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = made("classifier", **search.best_params_).fit(FRAME, CLASSES)
    assert (search.predict_proba(FRAME) == best.predict_proba(FRAME)).all()


def test_it_is_cross_validated():
    parts = list(KFold(3).split(FRAME))
    expected = [
        made("regressor").fit(FRAME[seen], PRICE[seen]).score(FRAME[new], PRICE[new])
        for seen, new in parts
    ]
    assert cross_val_score(made("regressor"), FRAME, PRICE, cv=parts).tolist() == expected


def test_weights_are_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        asking = made("regressor").set_fit_request(sample_weight=True)
        asking.set_score_request(sample_weight=False)
        weight = (np.arange(N) < 100) * 1.0
        found = cross_validate(
            asking, FRAME, PRICE, params={"sample_weight": weight}, cv=2, return_estimator=True
        )
    rows = [each.model_.about["rows"] for each in found["estimator"]]
    assert [each["training"] + each["validation"] for each in rows] == [40, 60]
