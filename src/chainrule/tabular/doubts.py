r"""What is to be doubted of a training: columns that give the target away, repeated rows, no gain.

X   (n, features)   prepared examples      y   (n,) labels, or (n, outputs)      k   (n,) keys
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.batches import Examples
from chainrule.errors import argument
from chainrule.formatting import decimals, number
from chainrule.streams import Stream, generator
from chainrule.tabular.columns.row_sample import hashes
from chainrule.tabular.encoding.held_outliers import SOFT
from chainrule.tabular.encoding.preparation import Preparation
from chainrule.tabular.encoding.several_targets import SeveralTargets, each_target
from chainrule.tabular.encoding.target_encoding import TargetEncoder
from chainrule.tabular.example_blocks import ExampleBlocks
from chainrule.tabular.scores import MAIN, SCORES
from chainrule.tabular.table_shards import UNPARTED, TableShards

if TYPE_CHECKING:
    from chainrule.tabular.table_model import TableModel

Array = NDArray[Any]
Keys = tuple[NDArray[np.uint64], NDArray[np.uint64]]
"""Of each example a hash of its inputs, and of all of it: equal for equal ones."""

BothKeys = tuple[Iterable[Keys], Keys]
"""Those of the examples in training, in parts, and of those held out."""

GIVES_AWAY = {"classification": 0.98, "regression": 0.998}
"""How much of the baseline's error a column alone takes away where it gives the target away."""

GIVEN = 0.5
"""The least share of the rows in which such a column has a value."""

NAMED = 3
"""The most columns that are named as such."""

CELLS, FEWEST, MOST = 2_000_000, 500, 5_000
"""The values that are looked at, and the least and most examples, to find such columns."""

REPEATED, LEAST = 0.02, 5
"""The share of the rows held out, and how many, that must stand in training to be told."""

AGREEING = 0.9
"""How often, beyond chance, equal inputs have equal targets where rows are repeated."""

ROWS = 2_000
"""The examples that are hashed at a time."""

LEFT = np.uint64(42)
"""The bits of a hash that are left out where only its beginning is looked at."""


def of_a_table(
    target: TargetEncoder,
    preparation: Preparation,
    blocks: ExampleBlocks,
    held_out: Examples,
    alike: BothKeys | None = None,
) -> list[str]:
    """Return what is to be doubted of examples before any training, in words.

    `alike` are the keys of those in training and of those held out, if not those of their inputs.
    Of several ranks each has its own examples in training, and those held out of all.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> from chainrule.tabular.table_training import Options, prepared_training
    >>> with prepared_training(open_source("sklearn:wine"), "target", Options()) as training:
    ...     training.prepared.doubts
    []
    """
    training: Iterable[Keys] = (
        keys(part.X, part.y) for part in map(blocks.__getitem__, range(blocks.count))
    )
    given = keys(held_out.X, held_out.y) if alike is None else alike[1]
    training = training if alike is None else alike[0]
    some = _some(blocks, held_out)
    return [
        *blocks.shards.by_first(lambda: list(_leaks_of_each(target, preparation, some))),
        *repeated(training, given, held_out.y, blocks.shards),
    ]


def of_a_model(
    model: TableModel, held_out: Examples, scores: dict[str, Any], *, alone: bool = True
) -> list[str]:
    """Return what is to be doubted of a model with such scores in the rows held out, in words.

    Not `alone` is the part of a model of several targets.

    >>> model = cr.train("sklearn:wine", "target", epochs=9)
    >>> model.about["warnings"]
    []
    """
    if isinstance(model.target, SeveralTargets):
        parts = zip(model.parts, model.target.targets(held_out.y), strict=True)
        return [
            f"target {part.target.column!r}: {doubt}"
            for part, y in parts
            for doubt in of_a_model(
                part, Examples(held_out.X, y, None), scores[part.target.column], alone=False
            )
        ]
    remedy = "; `class_weight='balanced'` makes the others count more" * alone
    classes = scores.get("classes")
    found = _one_class(model, held_out, classes, remedy) if classes else []
    return [*found, *idle(model, scores)]


# A column that gives the target away


def _leaks_of_each(
    target: TargetEncoder, preparation: Preparation, data: Examples
) -> Iterator[str]:
    for own, y in each_target(target, data.y):
        yield from leaks(own, preparation, Examples(data.X, y, None))


def leaks(target: TargetEncoder, preparation: Preparation, data: Examples) -> Iterator[str]:
    """Yield each column that predicts the target by itself, nearly without an error, in examples.

    Of a column that has no value in some rows, the others tell.

    >>> import polars as pl
    >>> height = 170 + 20 * np.sin(np.arange(99))
    >>> model = cr.train(pl.DataFrame({"cm": height, "inches": height / 2.54}), "inches", epochs=1)
    >>> print(model.about["warnings"][0])
    column 'cm' alone predicts 'inches': it scores 1.0000 (R²); was that meant? If not...
    """
    name = "accuracy" if target.task == "classification" else "R²"
    found = []
    for column, features in preparation.places.items():
        for rows, where in _rows(data.X, preparation.lacking.get(column)):
            gain, score = _gain_function(target)(data.X[rows][:, features], data.y[rows])
            if gain >= GIVES_AWAY[target.task]:
                found.append((column, f"{decimals(score, 4)} ({name}){where}"))
                break
    for column, figure in found[:NAMED]:
        yield (
            f"column {column!r} alone predicts {target.column!r}: it scores {figure}; was that "
            f"meant? If not, leave it out: {argument('leave_out', [column])}"
        )
    if len(found) > NAMED:
        yield f"so do {len(found) - NAMED:,} more, such as {found[NAMED][0]!r}"


def _rows(X: Array, lacking: int | None) -> Iterator[tuple[Any, str]]:
    """Yield all rows, and those in which a column has a value, if most: what is lacking hides."""
    yield slice(None), ""
    if lacking is not None and (given := X[:, lacking] == 0).mean() >= GIVEN:
        yield given, " where it has a value"


def _gain_function(target: TargetEncoder) -> Callable[[Array, Array], tuple[float, float]]:
    return class_gain if target.task == "classification" else quantity_gain


def _some(blocks: ExampleBlocks, held_out: Examples) -> Examples:
    """Return examples of all parts of the table, none of which is another one's twin."""
    most = min(MOST, max(FEWEST, CELLS // held_out.X.shape[1]))
    X, y = (blocks.shards.at_each(part[:most]) for part in blocks[0][:2])
    parts = held_out, Examples(X, y, None)
    X = np.concatenate([part.X[:most] for part in parts])
    y = np.concatenate([part.y[:most] for part in parts])
    _, first = np.unique(keys(X, y)[1], return_index=True)
    draw = generator(Stream.DOUBTS).permutation(np.sort(first))[:most]
    return Examples(X[draw], y[draw], None)


def class_gain(X: Array, y: Array) -> tuple[float, float]:
    """Return how much of the baseline's errors some features take away, and their accuracy.

    >>> class_gain(np.array([[0.0], [0.0], [5.0], [5.0]]), np.array([0, 0, 1, 1]))
    (1.0, 1.0)
    """
    one_hot = np.eye(int(y.max()) + 1)[y]
    right = float((from_others(X, one_hot).argmax(axis=1) == y).mean())
    most = float(one_hot.mean(axis=0).max())
    return (right - most) / (1 - most) if most < 1 else 0.0, right


def quantity_gain(X: Array, y: Array) -> tuple[float, float]:
    """Return R² of a quantity by a straight line, or from the others by ranks, twice.

    The line is for the first feature before outliers were drawn in. In ranks, the few that lie far
    out are no more than the others.

    >>> x = np.linspace(0, 1, 101)[:, None]
    >>> quantity_gain(x, np.exp(9 * x))[0] > 0.999, quantity_gain(0 * x, x)[0] < 0.1
    (True, True)
    """
    v = np.clip(X[:, 0].astype(float) / SOFT, -1 + 1e-7, 1 - 1e-7)
    values, ranks = y[:, 0].astype(float), _ranks(y[:, 0])
    best = max(_line(v / np.sqrt(1 - v**2), values), _r2(ranks, from_others(X, ranks[:, None])))
    return best, best


def _line(x: Array, y: Array) -> float:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def _r2(y: Array, made: Array) -> float:
    spread = float(((y - y.mean()) ** 2).sum())
    return 1 - float(((y - made[:, 0]) ** 2).sum()) / spread if spread else 0.0


def _ranks(y: Array) -> Array:
    """Return the ranks of values; equal ones share theirs."""
    _, of, counts = np.unique(y, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[of])


def from_others(X: Array, y: Array) -> Array:
    """Return the target of each example as the others have it.

    >>> from_others(np.array([[0.0], [0.0], [1.0], [2.0]]), np.array([[1.0], [3.0], [0.0], [4.0]]))
    array([[3.],
           [1.],
           [3.],
           [0.]])
    """
    order = np.lexsort(X.T[::-1])
    sorted_X, sorted_y = X[order], y[order]
    new = np.ones(len(X), bool)
    new[1:] = (sorted_X[1:] != sorted_X[:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    sizes = np.diff(starts, append=len(X))[:, None]
    totals = np.add.reduceat(sorted_y, starts, axis=0)
    means = _between(sorted_X[starts, 0].astype(float), totals / sizes)
    others = np.maximum(sizes[group] - 1, 1)
    made = np.where(sizes[group] > 1, (totals[group] - sorted_y) / others, means[group])
    result: Array = np.empty_like(made)
    result[order] = made
    return result


def _between(x: Array, means: Array) -> Array:
    """Return for each group the value of the line between its neighbours; at the ends, theirs."""
    if len(x) == 1:
        return np.zeros_like(means)
    before, after = np.arange(len(x)) - 1, np.arange(len(x)) + 1
    before[0], after[-1] = 1, len(x) - 2
    gap = x[after] - x[before]
    share = np.divide(x - x[before], gap, out=np.full(len(x), 0.5), where=gap > 0)[:, None]
    share = np.clip(share, 0, 1)
    return np.asarray((1 - share) * means[before] + share * means[after])


# Rows on both sides


def keys(X: Array, y: Array) -> Keys:
    """Return a hash of each example's inputs, and of all of it: equal for equal ones.

    >>> X = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]], "f4")
    >>> [len(set(made.tolist())) for made in keys(X, np.array([0, 0, 1]))]
    [2, 3]
    """
    inputs, targets = _sums(X, 0), _sums(y.reshape(len(y), math.prod(y.shape[1:])), X.shape[1])
    with np.errstate(over="ignore"):
        return hashes(inputs), hashes(inputs + targets)


def _sums(X: Array, first: int) -> NDArray[np.uint64]:
    """Return for each row the sum of the bits of its numbers, each times a factor of its place."""
    found = np.empty(len(X), np.uint64)
    factors = hashes(np.arange(first, first + X.shape[1], dtype=np.uint64)) | np.uint64(1)
    for start in range(0, len(X), ROWS):
        rows = slice(start, start + ROWS)
        values = np.ascontiguousarray(X[rows], np.float32) + np.float32(0)  # −0 becomes 0
        with np.errstate(over="ignore"):
            found[rows] = values.view(np.uint32).astype(np.uint64) @ factors
    return found


def repeated(
    training: Iterable[Keys], held_out: Keys, y: Array, shards: TableShards = UNPARTED
) -> Iterator[str]:
    """Yield how many of the rows held out stand in training too, unless few or by chance.

    Rows of few categories have equal inputs by chance, and then not all of them have one target.

    >>> import polars as pl
    >>> table = pl.DataFrame({"x": np.arange(50) % 25, "y": np.sin(np.arange(50) % 25)})
    >>> print(cr.train(table, "y", epochs=1, numbers=["x"]).about["warnings"][0])
    100.0% of the rows held out stand in training too, inputs and target: scores of...
    """
    given, rows = held_out
    inputs, of = np.unique(given, return_inverse=True)
    whole, row = np.unique(rows, return_inverse=True)
    least, greatest = np.full(len(inputs), 2**64 - 1, np.uint64), np.zeros(len(inputs), np.uint64)
    repeats = np.zeros(len(whole), bool)
    of_inputs, of_rows = Known(inputs), Known(whole)
    for there, own in training:  # the rows of equal inputs are all one where both ends are
        known, at = of_inputs.among(there)
        np.minimum.at(least, at, own[known])
        np.maximum.at(greatest, at, own[known])
        _, at = of_rows.among(own)
        repeats[at] = True
    least = np.minimum.reduce(shards.values(least))
    greatest = np.maximum.reduce(shards.values(greatest))
    repeats = np.logical_or.reduce(shards.values(repeats))
    twins = repeats[row]
    share = float(twins.mean())
    if share < REPEATED or twins.sum() < LEAST:
        return
    alone = twins & (least == greatest)[of]
    if alone.sum() < beyond_chance(y) * (least <= greatest)[of].sum():
        return
    yield (
        f"{share:.1%} of the rows held out stand in training too, inputs and target: scores of "
        "new rows will be worse; leave repeated rows out, or keep them together by `groups=`"
    )


class Known:
    """Hashes that rise, to be found among others, which mostly tell by how they begin.

    >>> Known(np.array([3, 8, 2**63], np.uint64)).among(np.array([8, 4, 2**63], np.uint64))
    (array([0, 2]), array([1, 2]))
    """

    rising: NDArray[np.uint64]
    begins: NDArray[Any]

    def __init__(self, rising: NDArray[np.uint64]) -> None:
        self.rising, self.begins = rising, np.zeros(2 ** (64 - int(LEFT)), bool)
        self.begins[rising >> LEFT] = True

    def among(self, hashes: Array) -> tuple[Array, Array]:
        """Return which of some hashes are known, and where each of these stands."""
        likely = np.flatnonzero(self.begins[hashes >> LEFT])
        at = np.minimum(np.searchsorted(self.rising, hashes[likely]), len(self.rising) - 1)
        known = self.rising[at] == hashes[likely]
        return likely[known], at[known]


def beyond_chance(y: Array) -> float:
    """Return how many rows of equal inputs must have equal targets, if that is not by chance.

    >>> beyond_chance(np.array([0, 1])), beyond_chance(np.array([0, 0]))
    (0.95, 1.0)
    """
    counts = np.unique(_sums(y.reshape(len(y), -1), 0), return_counts=True)[1]
    chance = float(((counts / len(y)) ** 2).sum())
    return chance + AGREEING * (1 - chance)


# A model that tells nothing


def idle(model: TableModel, scores: dict[str, Any]) -> Iterator[str]:
    """Yield that a model is no better than the baseline, by what its training went by.

    >>> same = {"rmse": 2.0}
    >>> model = cr.train("sklearn:diabetes", "target", epochs=1)
    >>> print(*idle(model, {"model": same, "baseline": same}))
    the model is no better than the baseline, which looks at no column: RMSE 2 against 2
    """
    options = model.about["options"]
    metric = options.get("metric") or (
        "balanced_accuracy" if options.get("class_weight") else MAIN[model.kind]
    )
    row, values = SCORES[metric], [scores[part].get(metric) for part in ("model", "baseline")]
    if None in values:
        return
    own, trivial = values
    if row.distance(own) >= row.distance(trivial):
        yield (
            f"the model is no better than the baseline, which looks at no column: {row.word} "
            f"{number(own)} against {number(trivial)}"
        )


def _one_class(
    model: TableModel, held_out: Examples, classes: list[dict[str, Any]], remedy: str
) -> Iterator[str]:
    guess = model.outputs_of(held_out.X).argmax(axis=1)
    if len(guess) > 1 and guess.min() == guess.max() and np.ptp(held_out.y) > 0:
        only = classes[int(guess[0])]
        yield (
            f"the model predicts one class only, {only['class']!r}, which {only['precision']:.1%} "
            f"of the rows held out have{remedy}"
        )
