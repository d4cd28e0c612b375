"""What Chainrule takes of scikit-learn that is not promised to stay, with the version installed."""

import ast
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from alone import alone
from chainrule.estimators.estimator_html import html_repr
from chainrule.fitting import sklearn_versions
from chainrule.fitting.hold_out import as_scikit_learn

SOURCES = Path(__file__).parents[1] / "src"
X = np.random.default_rng(0).normal(size=(60, 2))
Y = np.repeat([0, 1, 2], [12, 20, 28])


def private(path):
    """The names of scikit-learn that a file imports and that begin with an underscore."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sklearn":
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            yield from (name for name in names if name.startswith("_"))


def test_one_file_alone_has_private_names():
    found = {path.name for path in SOURCES.rglob("*.py") if any(private(path))}
    assert found == {"sklearn_versions.py"}


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_what_is_held_out_is_what_train_test_split_would(fraction):
    held = train_test_split(np.arange(60), test_size=fraction, stratify=Y, random_state=3)[1]
    assert as_scikit_learn(60, fraction, 3, Y).tolist() == sorted(held)


def test_rows_of_what_a_user_has_are_taken():
    rows = np.array([4, 1])
    assert sklearn_versions.part_of(list("abcde"), rows) == ["e", "b"]
    assert sklearn_versions.part_of(pl.DataFrame({"a": [1, 2, 3, 4, 5]}), rows)["a"].to_list() == [
        5,
        2,
    ]


def test_the_picture_of_a_pipeline_has_the_layers():
    model = make_pipeline(StandardScaler(), cr.MLPClassifier(hidden_layer_sizes=(8, 4)))
    assert "? → 8 relu → 4 relu → ?" in model._repr_html_()
    assert html_repr(model[-1]).count('<ol aria-label="layers">') == 1


def test_arrays_of_another_library_become_numpys():
    strict = pytest.importorskip("array_api_strict")
    model = cr.MLPRegressor(max_iter=2, random_state=0)
    with pytest.warns(Warning, match="Maximum iterations"):
        model.fit(strict.asarray(X), strict.asarray(X[:, 0]))
    with pytest.warns(Warning, match="Maximum iterations"):
        same = cr.MLPRegressor(max_iter=2, random_state=0).fit(X, X[:, 0])
    np.testing.assert_array_equal(model.coefs_[0], same.coefs_[0])


@pytest.mark.skipif(not sklearn_versions.FROM_1_9, reason="scikit-learn 1.9 brings callbacks")
def test_callbacks_are_taken():
    from sklearn.callback import ScoringMonitor

    assert cr.MLPRegressor().set_callbacks(ScoringMonitor(scoring="r2"))


def checked():
    """The checks of scikit-learn that fail, with what they say."""
    import warnings

    from sklearn.utils.estimator_checks import check_estimator

    warnings.simplefilter("ignore")
    found = check_estimator(cr.MLPClassifier(max_iter=50), on_fail=None, on_skip=None)
    return [
        [row["check_name"], str(row["exception"])] for row in found if row["status"] == "failed"
    ]


def test_its_checks_pass():
    assert alone(checked, SCIPY_ARRAY_API="1", OPENBLAS_NUM_THREADS="1") == []
