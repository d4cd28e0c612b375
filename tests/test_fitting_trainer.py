"""The trainer: `fit` again and again, over one block or several, until it is over."""

from __future__ import annotations

import dataclasses
import itertools
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine
from chainrule.batches import Examples
from chainrule.fitting.side_by_side import train_all
from chainrule.fitting.trainer import Measure, OneBlock, Trainer, TrainingPlan
from runs import bits

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = (X[:, :1] > 0).astype(float)
HELD = (X[:9] + 0.1, Y[:9])
NET = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(1)], loss="half_squared_error")
START = NET.init(0, dtype="float64")
PLAN = TrainingPlan(NET, cr.Adam(0.05), epochs=6, batch_size=8, seed=1)


class Halves:
    """Two blocks, of 30 examples and of 10."""

    count, mean_weight, sizes = 2, 1.0, np.array([30, 10])

    def __getitem__(self, k: int) -> Examples:
        rows = slice(0, 30) if k == 0 else slice(30, 40)
        return Examples(X[rows], Y[rows], None)

    def close(self) -> None:
        """Nothing is held."""


BLOCKS: dict[str, Any] = {"one block": OneBlock(Examples(X, Y, None)), "two": Halves()}
several = pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)


def trainer(blocks: Any, plan: TrainingPlan = PLAN, **options: Any) -> Trainer:
    return Trainer(plan, blocks, START, **options)


def at_once(epochs: int, **options: Any) -> Any:
    """What one call of fit gives."""
    given = {"epochs": epochs, "batch_size": 8, "seed": 1, **options}
    return cr.fit(NET, given.pop("params", START), X, Y, PLAN.optimizer, **given)


@pytest.mark.parametrize("hooks", [(), (lambda training: None,)], ids=["alone", "with a hook"])
@pytest.mark.parametrize("validation", [None, HELD, 0.25], ids=["none", "own", "fraction"])
def test_over_one_block_it_is_fit(hooks, validation):
    made = trainer(BLOCKS["one block"], validation=validation)
    made.train(*hooks)
    params, history = at_once(6, validation=validation)
    assert bits(made.params) == bits(params)
    assert made.losses == history.loss
    assert made.validation_losses == history.validation_loss
    assert (made.epochs, made.over, made.stopped) == (6, "epochs", "")


@several
def test_hooks_are_called_after_each_visit(blocks):
    seen: list[Any] = []
    trainer(blocks).train(lambda training: seen.append((training.visits, training.epochs)))
    assert seen == [(k, k // blocks.count) for k in range(1, 6 * blocks.count + 1)]


@several
@pytest.mark.parametrize("ends", [True, np.True_])
def test_a_hook_calls_it_off_at_the_end_of_an_epoch(blocks, ends):
    seen: list[int] = []
    made = trainer(blocks)
    made.train(lambda training: training.epochs == 2 and ends, lambda t: seen.append(t.visits))
    assert (made.epochs, made.over, seen[-1]) == (2, "callback", 2 * blocks.count)


@several
def test_what_is_no_truth_value_ends_nothing(blocks):
    made = trainer(blocks)
    made.train(lambda training: training.params)
    assert made.over == "epochs"


def test_a_plan_that_is_changed_holds_from_the_next_epoch():
    slower = dataclasses.replace(PLAN, optimizer=cr.Adam(0.001))

    def slow_down(training: Trainer) -> None:
        if training.epochs == 2:
            training.plan = slower

    made = trainer(BLOCKS["one block"])
    made.train(slow_down)
    params, history = at_once(2)
    options = {"epochs": 4, "batch_size": 8, "seed": 1, "history": history}
    params, history = cr.fit(NET, params, X, Y, slower.optimizer, **options)
    assert bits(made.params) == bits(params)
    assert made.losses == history.loss


@several
@pytest.mark.parametrize(
    ("of", "validation"), [("loss", None), ("loss", HELD), ("validation_loss", HELD)]
)
def test_early_stopping_goes_by_what_it_is_of(blocks, of, validation):
    stopping = cr.EarlyStopping(2, tolerance=1e9, of=of)
    plan = dataclasses.replace(PLAN, stopping=stopping)
    made = trainer(blocks, plan, validation=validation)
    made.train()
    assert (made.epochs, made.over) == (3, "early stopping")


def test_the_loss_of_an_epoch_counts_each_example_alike():
    made, visits = trainer(Halves()), []
    made.train(lambda training: visits.append(int(training.blocks.sizes[order(training)])))
    losses = made.history.loss
    expected = [np.average(losses[k : k + 2], weights=visits[k : k + 2]) for k in range(0, 12, 2)]
    np.testing.assert_allclose(made.losses, expected)


def order(training: Trainer) -> int:
    """The block of the last visit."""
    epoch, place = divmod(training.visits - 1, 2)
    return int(training._order(epoch)[place])


@several
def test_what_breaks_off_leaves_the_last_whole_visit(blocks):
    """Ctrl-C in the midst of a step."""
    passes = itertools.count(-1000)

    def tanh(z, xp):
        if next(passes) == 33:
            raise KeyboardInterrupt
        return xp.tanh(z)

    row = cr.Activation("pressing", f=tanh, df=lambda z, a, xp: 1 - a * a, check=False)
    net = cr.Network(3, [cr.Dense(4, row), cr.Dense(1)], loss="half_squared_error")
    plan = dataclasses.replace(PLAN, net=net, engine="reference", epochs=9)
    whole = trainer(blocks, plan)
    whole.train()
    passes, made = itertools.count(), trainer(blocks, plan)
    with pytest.raises(KeyboardInterrupt):
        made.train(lambda training: None)
    assert 0 < made.visits < 9 * blocks.count
    assert made.losses == whole.losses[: made.epochs]
    again = Trainer(plan, blocks, made.params, made.history)
    again.train()
    assert bits(again.params) == bits(whole.params)
    assert again.losses == whole.losses


@several
def test_a_measure_stands_in_the_place_of_the_validation_loss(blocks):
    distances = iter([3.0, 1.0, 2.0, 5.0, 4.0, 6.0])
    measure = Measure(lambda params: next(distances), lambda distance: -distance)
    made = trainer(blocks, measure=measure)
    made.train()
    assert made.validation_losses == [3.0, 1.0, 2.0, 5.0, 4.0, 6.0]
    assert (made.best_epoch, made.validated(2)) == (2, -1.0)


@several
def test_which_epoch_is_the_best_may_be_said_by_others(blocks):
    """Until they name one, it is that of validation."""
    plain = trainer(blocks, validation=HELD)
    plain.train()
    asked, best, after = [], [], {}

    def is_best(before: Trainer, history: Any) -> bool:
        asked.append((before.epochs, history.epochs, len(history.validation_loss)))
        return before.epochs + 1 in (2, 4)

    def look(it: Trainer) -> None:
        best.append(it.best_epoch)
        after.setdefault(it.epochs, it.params)

    made = trainer(blocks, validation=HELD, is_best=is_best)
    made.train(look)
    assert best[blocks.count - 1 :: blocks.count] == [1, 2, 2, 4, 4, 4]
    assert asked == [(k, (k + 1) * blocks.count, k + 1) for k in range(6)]
    assert bits(made.best) == bits(after[4])
    assert (made.validation_losses, bits(made.params)) == (
        plain.validation_losses,
        bits(plain.params),
    )


def test_outputs_that_are_not_finite_end_it():
    made = trainer(BLOCKS["one block"], measure=Measure(lambda params: math.inf, abs))
    with pytest.raises(cr.DivergenceError, match=r"diverged at epoch 1, .* are not finite; lower"):
        made.train()


def test_the_history_of_another_training_is_refused():
    made = trainer(Halves())
    made.train()
    validated = trainer(Halves(), validation=HELD)
    with pytest.raises(ValueError, match="history is not one of this run"):
        validated.take(made.params, made.history)
    assert validated.visits == 0
    made.take(made.params, made.history)


def test_ctrl_c_amid_the_beginning_of_several_ends_those_that_have_begun(monkeypatch):
    begun, submit = threading.Event(), ThreadPoolExecutor.submit

    def first_alone(pool, *given):
        if not pool._threads:
            return submit(pool, *given)
        assert begun.wait(60)
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadPoolExecutor, "submit", first_alone)
    monkeypatch.setattr(engine, "cores", lambda: 2)
    plan = dataclasses.replace(PLAN, epochs=2_000)
    both = [trainer(BLOCKS["one block"], plan) for _ in range(2)]
    with pytest.raises(KeyboardInterrupt):
        train_all(both, lambda _: begun.set())
    assert both[0].epochs < 2_000
    assert both[1].epochs == 0
