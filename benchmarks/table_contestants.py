"""Who is compared on public tables: each at its defaults, with columns as it wants them.

Whoever knows categories gets them as such, whoever knows missing values gets those; the others get
what a careful hand makes of them: numbers imputed and standardised, categories one-hot, the target
of a regression standardised. Dates become year, month, day and day of the week for all, but for
Chainrule, which reads dates itself.

    train      makes of a problem what predicts
    predict    makes of a frame numbers (n,), or probabilities (n, classes)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn import ensemble
from sklearn.compose import (
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from public_table_rows import Task

Predict = Callable[[Any], np.ndarray]


class Problem(NamedTuple):
    """Rows to train with."""

    X: Any
    y: Any
    target: str
    task: Task
    seed: int
    threads: int

    @property
    def classifies(self) -> bool:
        """Whether the target is a class."""
        return self.task == "classification"

    @property
    def classes(self) -> np.ndarray:
        """The classes, sorted."""
        return np.unique(self.y)

    @property
    def numbers(self) -> np.ndarray:
        """The target as numbers: of classes, their places."""
        return np.unique(self.y, return_inverse=True)[1] if self.classifies else self.y.to_numpy()


class Contestant(NamedTuple):
    """A way to train, and the module that it is of."""

    train: Callable[[Problem], Predict]
    module: str
    slow: bool = False
    """Whether a fit takes minutes."""


MISSING = "(missing)"
RARE = "(rare)"
"""Levels of categories."""

MOST_LEVELS = 254
"""That HistGradientBoosting takes, besides the rare ones."""


def text_columns(X: Any) -> list[str]:
    """Return the columns that are no numbers."""
    return list(X.select_dtypes(exclude="number").columns)


def with_dates(X: Any) -> Any:
    """Return a frame in which dates are numbers, and columns have plain names."""
    parts = []
    for name in X.columns:
        dates = _dates(X[name])
        if dates is None:
            parts.append(X[name])
        else:
            parts += [getattr(dates, part) for part in ("year", "month", "day", "dayofweek")]
    return pd.concat(parts, axis=1, keys=[f"x{k}" for k in range(len(parts))])


def _dates(column: Any) -> Any:
    """Return a column as dates, or None where it holds others."""
    if column.dtype != object or not column.str.match(r"\d{4}-\d\d-\d\d").all():
        return None
    return pd.to_datetime(column, format="ISO8601").dt


def in_categories(X: Any, most: int | None = None) -> Callable[[Any], Any]:
    """Return what makes categories of text: the levels of these rows, or the most frequent."""
    levels = {name: X[name].dropna().value_counts().index[:most] for name in text_columns(X)}
    crowded = [name for name in levels if most and X[name].nunique() > most]
    all_ = {name: [*known, *([RARE] if name in crowded else [])] for name, known in levels.items()}

    def make(rows: Any) -> Any:
        rows = rows.copy()
        for name in crowded:
            rows[name] = rows[name].where(rows[name].isin(levels[name]) | rows[name].isna(), RARE)
        return rows.astype({name: pd.CategoricalDtype(known) for name, known in all_.items()})

    return make


def without_gaps(X: Any) -> Callable[[Any], Any]:
    """Return what fills gaps: numbers by the median, and a column that says so; text by a word."""
    text = text_columns(X)
    numbers = X.drop(columns=text)
    medians, gaps = numbers.median().fillna(0), numbers.columns[numbers.isna().any()]

    def make(rows: Any) -> Any:
        told = rows[gaps].isna().astype(float).add_suffix("_missing")
        filled = rows.drop(columns=text).fillna(medians)
        words = rows[text].fillna(MISSING).astype(str).astype("category")
        return pd.concat([filled, told, words], axis=1)

    return make


def fitted(problem: Problem, X: Any, prepare: Callable[[Any], Any], model: Any) -> Predict:
    """Return what predicts, of a model of scikit-learn's kind and what prepares its rows."""
    model.fit(prepare(X), problem.numbers)
    predict = model.predict_proba if problem.classifies else model.predict
    return lambda rows: np.asarray(predict(prepare(with_dates(rows))), dtype=float)


def hist_gradient_boosting(problem: Problem) -> Predict:
    """Train scikit-learn's HistGradientBoosting."""
    kind = "Classifier" if problem.classifies else "Regressor"
    model = getattr(ensemble, f"HistGradientBoosting{kind}")(random_state=problem.seed)
    X = with_dates(problem.X)
    return fitted(problem, X, in_categories(X, MOST_LEVELS), model)


def lightgbm(problem: Problem) -> Predict:
    """Train LightGBM."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if problem.classifies else LGBMRegressor
    model = kind(n_jobs=problem.threads, random_state=problem.seed, verbose=-1)
    X = with_dates(problem.X)
    return fitted(problem, X, in_categories(X), model)


def xgboost(problem: Problem) -> Predict:
    """Train XGBoost."""
    from xgboost import XGBClassifier, XGBRegressor

    kind = XGBClassifier if problem.classifies else XGBRegressor
    model = kind(n_jobs=problem.threads, random_state=problem.seed, enable_categorical=True)
    X = with_dates(problem.X)
    return fitted(problem, X, in_categories(X), model)


def catboost(problem: Problem) -> Predict:
    """Train CatBoost, which fills gaps of numbers itself, and takes text as categories."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    X = with_dates(problem.X)
    text = text_columns(X)
    kind = CatBoostClassifier if problem.classifies else CatBoostRegressor
    model = kind(
        thread_count=problem.threads,
        random_seed=problem.seed,
        cat_features=text,
        verbose=False,
        allow_writing_files=False,
    )

    def prepare(rows: Any) -> Any:
        return rows.assign(**{name: rows[name].fillna(MISSING).astype(str) for name in text})

    return fitted(problem, X, prepare, model)


def perceptron_by_hand(problem: Problem) -> Predict:
    """Train scikit-learn's perceptron behind what a careful hand prepares."""
    X = with_dates(problem.X)
    return fitted(problem, X, lambda rows: rows, by_hand(problem.task, problem.seed))


def by_hand(task: Task, seed: int) -> Any:
    """Return scikit-learn's perceptron behind what a careful hand prepares."""
    columns = make_column_transformer(
        (
            make_pipeline(SimpleImputer(), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    if task == "classification":
        return make_pipeline(columns, MLPClassifier(random_state=seed))
    perceptron = make_pipeline(columns, MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(perceptron, transformer=StandardScaler())


def realmlp(problem: Problem) -> Predict:
    """Train RealMLP-TD."""
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    return _of_pytabkit(problem, RealMLP_TD_Classifier, RealMLP_TD_Regressor)


def tabm(problem: Problem) -> Predict:
    """Train TabM with piecewise-linear embeddings, and the weight decay that its authors advise."""
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    advised = {"num_emb_type": "pwl", "weight_decay": 3e-4}
    return _of_pytabkit(problem, TabM_D_Classifier, TabM_D_Regressor, **advised)


def _of_pytabkit(problem: Problem, classifier: Any, regressor: Any, **options: Any) -> Predict:
    """Train an estimator of pytabkit."""
    model = (classifier if problem.classifies else regressor)(
        device="cpu", random_state=problem.seed, n_threads=problem.threads, **options
    )
    X = with_dates(problem.X)
    return fitted(problem, X, without_gaps(X), model)


def chainrule(problem: Problem, **options: Any) -> Predict:
    """Train Chainrule, which is given the target, and nothing else as a contestant."""
    import chainrule as cr

    table = problem.X.assign(**{problem.target: problem.y})
    how = {"seed": problem.seed, "threads": problem.threads, **options}
    model = cr.train(table, problem.target, **how)
    if not problem.classifies:
        return lambda rows: model.predict(rows)["prediction"].to_numpy()
    columns = [f"probability_{_named(each)}" for each in problem.classes]
    return lambda rows: model.predict(rows)[columns].to_numpy()


def _named(label: Any) -> str:
    """Return a class as Chainrule names it: of a whole number, without a point."""
    return f"{label:g}" if isinstance(label, float) else str(label)


CONTESTANTS = {
    "HGB": Contestant(hist_gradient_boosting, "sklearn"),
    "LightGBM": Contestant(lightgbm, "lightgbm"),
    "XGBoost": Contestant(xgboost, "xgboost"),
    "CatBoost": Contestant(catboost, "catboost"),
    "perceptron": Contestant(perceptron_by_hand, "sklearn"),
    "RealMLP-TD": Contestant(realmlp, "pytabkit", slow=True),
    "TabM": Contestant(tabm, "pytabkit", slow=True),
    "chainrule": Contestant(chainrule, "chainrule"),
}
"""By name. TabM is with piecewise-linear embeddings, the perceptron is scikit-learn's by hand."""
