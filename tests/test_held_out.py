"""Examples held out for validation: which they are, and that nothing is changed."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine, streams
from chainrule.batches import Examples, HeldOut, Subset, batches, split
from chainrule.engine.session import shuffled
from runs import bits, in_the_order_of
from strategies import problem

ENGINES = ["reference", *(["native"] if engine.native else [])]
NETS = {
    "quantities": cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], "huber", l2=0.1),
    "classes": cr.Network(3, [cr.Dense(4, "relu"), cr.Dropout(0.2), cr.Dense(3)], "cross_entropy"),
    "softmax": cr.Network(3, [cr.Dense(3, "softmax")], "squared_error", reduction="sum"),
    "yes or no": cr.Network(3, [cr.Dense(1)], "binary_cross_entropy"),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "in order": {"shuffle": False},
    "full batch": {"batch_size": None},
    "one by one": {"batch_size": 1, "epochs": 1},
    "early stopping": {"early_stopping": cr.EarlyStopping(1), "epochs": 9},
    "another seed": {"seed": 2**64 - 1, "validation": 0.5},
    "nearly all": {"validation": 0.95},
    "a scheduled rate": {"rate": cr.Cosine(0.3, steps=12)},
    "diverging": {"rate": 1e3},
}
LAYOUTS = {
    "float64": lambda X: X,
    "float32": lambda X: X.astype("f4"),
    "by columns": np.asfortranarray,
    "every other row": lambda X: np.repeat(X, 2, axis=0)[::2],
}


def apart(n: int, fraction: float, seed: int) -> tuple[Any, Any]:
    """The rows in training and those held out: the first of the order of epoch 0."""
    order = in_the_order_of(0, n, seed)
    held = max(1, round(fraction * n))
    return np.sort(order[held:]), np.sort(order[:held])


def both(p: Any, X: Any, weighted: bool, name: str, options: dict[str, Any]) -> list[Any]:
    """What a fraction gives, and what its two parts give as arrays of their own."""
    options = {"epochs": 4, "batch_size": 6, "validation": 0.25, "seed": 3, **options}
    rule = cr.Adam(options.pop("rate", 0.02))
    train, held = apart(len(X), options["validation"], options["seed"])
    w = p.w if weighted else None
    params = tuple(type(own)(*(leaf.astype(X.dtype) for leaf in own)) if own else own
                   for own in p.params)  # fmt: skip
    done = []
    for rows in (None, train):
        own = {} if rows is None else {
            "validation": (X[held], p.y[held], *([w[held]] if weighted else [])),
        }  # fmt: skip
        data = (X, p.y) if rows is None else (X[rows], p.y[rows])
        weights = w if w is None or rows is None else w[rows]
        try:
            after, history = cr.fit(
                p.net, params, *data, rule, sample_weight=weights, engine=name,
                **{**options, **own},
            )  # fmt: skip
        except cr.DivergenceError as error:
            after, history = error.params, error.history
        at = history.at
        done.append(
            (bits(after), bits((at.params, tuple(at.states))), history.loss,
             history.validation_loss, history.best_epoch, history.stopped)
        )  # fmt: skip
    return done


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("net", NETS.values(), ids=NETS)
def test_a_part_held_out_is_as_an_array_of_its_own(net, options, name):
    p = problem(net, n=21)
    fraction, own = both(p, p.X, True, name, dict(options))
    assert fraction == own


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_it_is_so_however_the_rows_lie(layout, weighted, name):
    p = problem(NETS["classes"], n=21)
    fraction, own = both(p, layout(p.X), weighted, name, {})
    assert fraction == own


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_part_is_told_by_its_rows(engine_name):
    p = problem(NETS["quantities"], n=21)
    options = {"epochs": 3, "batch_size": 4, "engine": engine_name}
    rows = apart(21, 0.25, 0)[1]
    one, first = cr.fit(
        p.net, p.params, p.X, p.y, cr.Adam(), validation=0.25, record=True, **options
    )
    two, second = cr.fit(
        p.net, p.params, p.X, p.y, cr.Adam(), validation=HeldOut(rows), record=True, **options
    )
    assert (bits(one), first.validation_loss) == (bits(two), second.validation_loss)
    assert (
        cr.explain_step(second, step=2, of="w1").text()
        == cr.explain_step(first, step=2, of="w1").text()
    )


def test_a_part_knows_its_rows_and_weights():
    X, w = np.arange(5.0)[:, None], np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    data = Examples(X, np.arange(5), w)
    kept, held = Subset(data, np.array([1, 4])), Subset(data, np.array([1, 4]), without=False)
    assert (kept.n, held.n, Subset(data).n) == (3, 2, 5)
    assert (kept.weight, held.weight, Subset(data).weight) == (13, 18, 31)
    assert kept.mean_weight == 13 / 3
    assert [part.whole().y.tolist() for part in (kept, held)] == [[0, 2, 3], [1, 4]]
    assert [part.first(2).y.tolist() for part in (kept, held)] == [[0, 2], [1, 4]]
    assert Subset(data).whole() is data
    made = batches(kept, 2, 0, 1, shuffle=False)
    assert [batch.y.tolist() for batch in made] == [[0, 2], [3]]
    order = np.concatenate([b.y for b in batches(kept, 2, 7, 1, shuffle=True)])
    assert order.tolist() == np.array([0, 2, 3])[in_the_order_of(1, 3, 7)].tolist()


@pytest.mark.parametrize(
    ("w", "rows"), [([0.0, 0.0, 1.0], [2]), ([1.0, 1.0, 0.0], [2])], ids=["training", "held out"]
)
def test_weights_on_one_side_only_are_refused(w, rows):
    net = NETS["quantities"]
    data = Examples(np.zeros((3, 3)), np.zeros((3, 2)), np.array(w))
    with pytest.raises(ValueError, match="validation puts all examples of weight > 0 on one side"):
        split(net, net.init(), data, HeldOut(np.array(rows)), 0)


@pytest.mark.parametrize("n", [1, 2, 63, 64, 65, 1000])
@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (5, 3), (2**64 - 1, 2**32 + 1)])
def test_the_order_is_the_same_in_the_engine(n, seed, epoch):
    assert shuffled(n, seed, epoch).tolist() == streams.shuffled(n, seed, epoch).tolist()


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (
            [0, 8],
            ValueError,
            "must be from 0 to 7, the last of the 8 examples; got 8",
        ),
        ([-1], ValueError, "HeldOut: rows must be from 0 to 7, the last of the 8 examples; got -1"),
        ([True, False], TypeError, "got an array of bool with shape (2,)"),
        ([0.5], TypeError, "got an array of float64 with shape (1,)"),
        ([[0, 1]], TypeError, "got an array of int64 with shape (1, 2)"),
        ([], TypeError, "HeldOut: rows must be numbers of rows, such as [0, 3], got an array of"),
    ],
)
def test_rows_that_there_are_not_are_refused(
    rows: Any, error: type[Exception], message: str
) -> None:
    p = problem(NETS["quantities"], n=8)
    with pytest.raises(error, match=re.escape(message)):
        cr.fit(p.net, p.params, p.X, p.y, cr.SGD(), epochs=1, validation=cr.HeldOut(rows))


@pytest.mark.parametrize("rows", [[1, 5], (1, 5), np.array([5, 1], "u1")], ids=repr)
def test_rows_may_come_as_a_list(rows: Any) -> None:
    p = problem(NETS["quantities"], n=8)
    options = {"epochs": 2, "batch_size": 3}
    made = cr.fit(p.net, p.params, p.X, p.y, cr.SGD(), validation=cr.HeldOut(rows), **options)
    numbers = HeldOut(np.array([1, 5]))
    same = cr.fit(p.net, p.params, p.X, p.y, cr.SGD(), validation=numbers, **options)
    assert bits(made[0]) == bits(same[0])
    assert made[1].validation_loss == pytest.approx(same[1].validation_loss)
