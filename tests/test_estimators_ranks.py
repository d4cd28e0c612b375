"""Estimators whose rows lie on several ranks: the same bits on any number, and as in one process.

The ranks are threads of one process; a few tests have real ones.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

from chainrule import MLPClassifier, MLPRegressor, engine
from chainrule.distributed import part_of
from mpi_jobs import needs_mpi
from mpi_jobs import on_ranks as on_ranks_of_mpi
from ranks_in_threads import in_threads
from runs import bits

pytestmark = [
    pytest.mark.skipif(engine.native is None, reason="there is no compiled engine"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

RNG = np.random.default_rng(0)
N = 83
X = RNG.normal(size=(N, 5)).astype(np.float32)
CLASSES = np.digitize(X[:, 0] + X[:, 1], [-1.0, 1.0])
WORDS = np.array(["a", "long", "word"])[CLASSES]
LABELS = (X[:, :3] > 0.3).astype(int)
TARGETS = np.stack([1e3 + 50 * X[:, 0], X[:, 1] * X[:, 2]], 1)
WEIGHTS = RNG.random(N) + 0.1
APART = RNG.random(N) < 0.3


def cut(size: int, evenly: bool = True) -> list[slice]:
    """The rows of each rank: as its shards lie, or all but a few on the last, and none on one."""
    if evenly:
        return [slice(p.start, p.stop) for p in (part_of(k, size, N) for k in range(size))]
    ends = [0, *(3 if k else 0 for k in range(size - 1)), N]
    return [slice(a, b) for a, b in itertools.pairwise(ends)]


def of(rows: slice, value: Any) -> Any:
    """The part of an argument."""
    return value[rows] if isinstance(value, np.ndarray) and len(value) == N else value


def fitted(model: Any, arguments: dict[str, Any], calls: tuple[str, ...] = ("fit",)) -> Any:
    """What it comes to in one process."""
    for call in calls:
        getattr(model, call)(**arguments)
    return outcome(model)


def outcome(model: Any) -> Any:
    found = [bits(model.parameters_), model.n_iter_, model.t_, model.loss_]
    found += [getattr(model, "loss_curve_", None), getattr(model, "validation_scores_", None)]
    found += [getattr(model, "validation_loss_curve_", None), model.predict(X).tolist()]
    return [*found, getattr(model, "metrics_curve_", None), getattr(model, "classes_", 0) is None]


def on_ranks(make, arguments, parts, calls=("fit",)):
    def run(ranks):
        model = make()
        given = {name: of(parts[ranks.rank], value) for name, value in arguments.items()}
        for call in calls:
            getattr(model, call)(**given, comm=ranks)
        return outcome(model)

    return in_threads(len(parts), run)


SMALL: dict[str, Any] = {"random_state": 0, "max_iter": 4, "shards": 4, "batch_size": 20}
SMALL |= {"hidden_layer_sizes": (6,)}


def classifier(**options: Any) -> Any:
    return lambda: MLPClassifier(**{**SMALL, **options})


def regressor(**options: Any) -> Any:
    return lambda: MLPRegressor(**{**SMALL, **options})


EARLY = {"early_stopping": True, "validation_fraction": 0.25}
VALIDATION = {"X_val": X[:N], "y_val": WORDS}

CASES: dict[str, tuple[Any, dict[str, Any], tuple[str, ...]]] = {
    "classes": (classifier(), {"X": X, "y": CLASSES}, ("fit",)),
    "words": (classifier(dropout=0.2), {"X": X, "y": WORDS}, ("fit",)),
    "objects": (classifier(), {"X": X, "y": WORDS.astype(object)}, ("fit",)),
    "two classes": (classifier(), {"X": X, "y": CLASSES > 1}, ("fit",)),
    "labels": (classifier(class_weight="balanced"), {"X": X, "y": LABELS}, ("fit",)),
    "in float64": (classifier(), {"X": X.astype(float), "y": WORDS}, ("fit",)),
    "weights": (classifier(), {"X": X, "y": WORDS, "sample_weight": WEIGHTS}, ("fit",)),
    "balanced": (
        classifier(class_weight="balanced"),
        {"X": X, "y": WORDS, "sample_weight": WEIGHTS},
        ("fit",),
    ),
    "weights of classes": (classifier(class_weight={"a": 2.5}), {"X": X, "y": WORDS}, ("fit",)),
    "early": (classifier(**EARLY, class_weight="balanced"), {"X": X, "y": WORDS}, ("fit",)),
    "early by the loss": (classifier(**EARLY, scoring="loss"), {"X": X, "y": WORDS}, ("fit",)),
    "early by a scorer": (
        classifier(**EARLY, scoring="f1_macro", metrics={"p": "balanced_accuracy"}),
        {"X": X, "y": WORDS, "sample_weight": WEIGHTS},
        ("fit",),
    ),
    "validation": (classifier(), {"X": X, "y": WORDS, **VALIDATION}, ("fit",)),
    "part by part": (
        classifier(),
        {"X": X, "y": WORDS},
        ("fit", "partial_fit", "partial_fit"),
    ),
    "warm": (classifier(warm_start=True), {"X": X, "y": WORDS}, ("fit", "fit")),
    "quantities": (regressor(), {"X": X, "y": TARGETS[:, 0]}, ("fit",)),
    "scaled": (
        regressor(scale_target=True),
        {"X": X.astype(float), "y": TARGETS, "sample_weight": WEIGHTS},
        ("fit",),
    ),
    "early quantities": (
        regressor(scale_target=True, **EARLY),
        {"X": X, "y": TARGETS, "sample_weight": WEIGHTS},
        ("fit",),
    ),
    "sgd": (
        regressor(solver="sgd", learning_rate="invscaling"),
        {"X": X, "y": TARGETS / 1e3},
        ("fit",),
    ),
    "adaptive": (
        regressor(solver="sgd", learning_rate="adaptive", tol=1.0, n_iter_no_change=1),
        {"X": X, "y": TARGETS / 1e3},
        ("fit",),
    ),
    "l-bfgs": (
        regressor(solver="lbfgs", alpha=0.1, l1=0.01, scale_target=True),
        {"X": X, "y": TARGETS, "sample_weight": WEIGHTS},
        ("fit",),
    ),
    "l-bfgs of classes": (
        classifier(solver="lbfgs", class_weight="balanced"),
        {"X": X, "y": WORDS},
        ("fit",),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_any_number_of_ranks_comes_to_the_same_bits(name):
    make, arguments, calls = CASES[name]
    expected = fitted(make(), arguments, calls)
    for parts in (cut(2), cut(3, evenly=False), cut(4)):
        for found in on_ranks(make, arguments, parts, calls):
            assert found == expected


def test_the_number_of_shards_follows_from_the_batch():
    """And one process is a rank of one, where it says so."""
    arguments = {"X": X, "y": WORDS}
    make = classifier(shards=None)
    expected = fitted(classifier(shards=8)(), arguments)
    for size in (1, 3):
        assert on_ranks(make, arguments, cut(size)) == [expected] * size
    assert fitted(make(), arguments) != expected


@pytest.mark.parametrize("kind", ["None", "RandomState"])
def test_ranks_draw_what_rank_0_draws(kind):
    def run(ranks):
        own = np.random.RandomState(ranks.rank)
        model = classifier(random_state=own if kind == "RandomState" else None)()
        model.fit(X[ranks.rank :: 2], WORDS[ranks.rank :: 2], comm=ranks)
        return outcome(model)[0]

    first, second = in_threads(2, run)
    assert first == second
    if kind == "RandomState":
        model = classifier(random_state=np.random.RandomState(0))()
        order = np.concatenate([np.arange(0, N, 2), np.arange(1, N, 2)])
        assert first == bits(model.fit(X[order], WORDS[order]).parameters_)


def test_a_split_is_of_the_rows_of_each_rank():
    expected = fitted(classifier(validation_split=APART)(), {"X": X, "y": WORDS})

    def run(ranks):
        rows = cut(3, evenly=False)[ranks.rank]
        model = classifier(validation_split=APART[rows])()
        return outcome(model.fit(X[rows], WORDS[rows], comm=ranks))

    assert in_threads(3, run) == [expected] * 3


def test_names_of_columns_go_to_a_rank_without_rows():
    frame = pd.DataFrame(X, columns=list("abcde"))

    def run(ranks):
        rows = slice(0, 0) if ranks.rank else slice(0, N)
        given = frame[rows] if ranks.rank == 0 else np.empty((0, 5))
        model = classifier()().fit(given, WORDS[rows] if ranks.rank == 0 else [], comm=ranks)
        return list(model.feature_names_in_), model.predict(frame).tolist()

    expected = classifier()().fit(frame, WORDS).predict(frame).tolist()
    assert in_threads(2, run) == [(list("abcde"), expected)] * 2


def test_what_is_held_out_has_the_shares_of_the_classes():
    model = classifier(early_stopping=True, validation_fraction=0.2)()
    seen = []
    model.set_params(metrics={"rows": lambda _, X, y: seen.append(y) or 0.0}).fit(X, WORDS)
    for word in np.unique(WORDS):
        assert abs((seen[0] == word).sum() - 0.2 * (word == WORDS).sum()) <= 1


REFUSED: dict[str, tuple[Any, Any, Any, str]] = {
    "columns": ({}, lambda X: X[:, :4], None, "rank 1 has columns of X 4, and rank 0 has .* 5"),
    "dtypes": (
        {},
        lambda X: X.astype(float),
        None,
        "rank 1 has dtype of X float64, and rank 0 has",
    ),
    "names": (
        {},
        pd.DataFrame,
        lambda X: pd.DataFrame(X, columns=list("abcde")),
        "names of columns",
    ),
    "parameters": ({"alpha": 0.5}, None, None, "rank 1 has alpha 0.5, and rank 0 has alpha 0.0001"),
    "seeds": ({"random_state": 1}, None, None, "rank 1 has random_state 1, and rank 0 has"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_ranks_that_are_not_alike_are_refused(name):
    options, second, first, message = REFUSED[name]

    def run(ranks):
        change = (first, second)[ranks.rank] or (lambda X: X)
        given = change(X[cut(2)[ranks.rank]])
        if isinstance(given, pd.DataFrame):
            given.columns = given.columns.map(str)
        model = classifier(**(options if ranks.rank else {}))()
        with pytest.raises(ValueError, match=message):
            model.fit(given, WORDS[cut(2)[ranks.rank]], comm=ranks)
        return not hasattr(model, "parameters_")

    assert in_threads(2, run) == [True, True]


def raised_by(change: Any) -> Any:
    """A call on two ranks, the second of which is given something else."""

    def run(ranks):
        rows = cut(2)[ranks.rank]
        given = {"X": X[rows], "y": WORDS[rows]}
        model = classifier()()
        return change(model, given, ranks)

    return in_threads(2, run)


WRONG: dict[str, tuple[Any, str]] = {
    "weights on one": (lambda given, rank: given.update(sample_weight=1.0) if rank else None,
                       "rank 1 has sample_weight given, and rank 0 has sample_weight left out"),
    "validation on one": (lambda given, rank: given.update(X_val=X, y_val=WORDS) if rank else None,
                          "rank 1 has X_val given"),
    "not finite on one": (lambda given, rank: given["X"].fill(np.nan) if rank else None,
                          "Input X contains NaN"),
    "no rows at all": (lambda given, rank: given.update(X=X[:0], y=[]), "no rank has any rows"),
    "one class": (lambda given, rank: given.update(y=["a"] * len(given["X"])),
                  "one class only, 'a'"),
    "words and numbers": (lambda given, rank: given.update(y=np.arange(len(given["y"])) % 2)
                          if rank else None, "rank 1 has y of numbers, and rank 0 has y of dtype"),
    "rows of y": (lambda given, rank: given.update(y=given["y"][:-1]) if rank else None,
                  "inconsistent numbers of samples"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_one_rank_is_given_wrongly_ends_all(name):
    change, message = WRONG[name]

    def call(model, given, ranks):
        given = {key: value.copy() if key == "X" else value for key, value in given.items()}
        change(given, ranks.rank)
        model.fit(**given, comm=ranks)

    with pytest.raises(ValueError, match=message):
        raised_by(call)


def test_metrics_on_ranks_want_validation_data():
    def call(model, given, ranks):
        model.set_params(metrics={"f1": "f1_macro"}).fit(**given, comm=ranks)

    message = "metrics on several ranks are taken of validation data, which rank 0 gathers; give"
    with pytest.raises(ValueError, match=message):
        raised_by(call)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_what_rank_0_alone_is_stopped_by_ends_all(kind):
    """Ctrl-C too, at which one process keeps what it has."""

    def stop(model, X, y):
        raise kind("here")

    def call(model, given, ranks):
        model.set_params(scoring=stop, early_stopping=True).fit(**given, comm=ranks)

    with pytest.raises(kind, match="here"):
        raised_by(call)


@pytest.mark.parametrize("value", [3, 0, 2.5, "8"])
def test_shards_are_a_power_of_two(value):
    with pytest.raises((ValueError, TypeError), match="shards must be"):
        MLPClassifier(shards=value).fit(X, CLASSES)


def test_what_is_no_communicator_is_refused():
    with pytest.raises(TypeError, match="comm must be"):
        MLPClassifier().fit(X, CLASSES, comm="all")


JOB = """
import warnings
from sklearn.model_selection import GridSearchCV
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X, y = rng.normal(size=(101, 4)), rng.integers(3, size=101)
rows = slice(25 * ranks.rank, 101 if ranks.rank == ranks.size - 1 else 25 * (ranks.rank + 1))
for options in {"early_stopping": True}, {"solver": "lbfgs"}:
    model = cr.MLPClassifier(8, shards=8, max_iter=5, random_state=0, **options)
    alone = [each.tobytes() for each in model.fit(X, y).coefs_]
    shared = [each.tobytes() for each in model.fit(X[rows], y[rows], comm=MPI.COMM_WORLD).coefs_]
    print(alone == shared)
grid = {"alpha": [0.1, 1.0][: 1 + ranks.rank % 2]}  # each rank its own
print(GridSearchCV(model, grid, cv=2).fit(X, y).best_score_ > 0)
"""


@needs_mpi
def test_ranks_of_mpi_come_to_the_same_bits():
    """And where they are not asked to share a training, each goes its own way."""
    done = on_ranks_of_mpi(3, JOB)
    assert (done.stdout.split(), done.returncode) == (["True"] * 9, 0), done.stderr
