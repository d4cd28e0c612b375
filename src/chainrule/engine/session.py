r"""A run of `fit` in the compiled engine: what it can run, and the arrays' way in and out.

X   (n, inputs)   C-contiguous, in the dtype of the parameters: used where it lies
y   (n, outputs), or labels (n,)        rates   (steps,), or one for all
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chainrule import engine, losses, streams
from chainrule.batches import Examples, Rows, Subset
from chainrule.engine import bfloat16
from chainrule.engine.program import UnsupportedError, for_predictions, for_training
from chainrule.layers.parameter_shapes import aligned
from chainrule.network import Network, Parameters, divisor
from chainrule.optimizers import OPTIMIZERS, Optimizer, State
from chainrule.record import Plan
from chainrule.rows import is_own
from chainrule.schedules import Schedule
from chainrule.sparse_rows import Entries, as_entries, in_form, is_sparse, pays
from chainrule.streams import ORDER, SHARDS
from chainrule.trees import leaves, rebuild
from chainrule.value_types import AtLeastOne, OneOf, type_of

Engine = Annotated[str, OneOf(("auto", "native", "reference"))]

_ENGINE, _THREADS = type_of(Engine), type_of(AtLeastOne | None)

NAMES = {kind: name for name, kind in OPTIMIZERS.items()}


def check_choice(what: str, name: Any, threads: Any) -> None:
    """Raise unless an engine of that name and that number of threads can be asked for."""
    _ENGINE.read(name, f"{what}: engine")
    _THREADS.read(threads, f"{what}: threads")


def refusal(what: str, reason: str) -> ValueError:
    """Return the error for engine='native' where the engine cannot do what is asked."""
    return ValueError(
        f"{what}: engine='native' cannot run this: {reason}; take engine='auto' or 'reference'"
    )


def why_not(net: Network, params: Parameters, optimizer: Optimizer | None = None) -> str:
    """Return what the engine cannot run of a network, or "" where it can run all of it.

    Raises ValueError where CHAINRULE_ISA is not what it must be.

    >>> net = cr.Network(2, [cr.Dense(1, "tanh")], loss="huber")
    >>> reason = why_not(net, net.init(), cr.Adam())
    >>> bool(reason) == (engine.native is None)
    True
    """
    if engine.refused:
        raise ValueError(engine.refused)
    if engine.native is None:
        return f"there is no compiled engine: {engine.missing}"
    arrays = leaves(params)
    foreign = not all(isinstance(leaf, np.ndarray) for leaf in arrays)
    dtype = None if foreign or not arrays else arrays[0].dtype
    try:
        for_predictions(net)
    except UnsupportedError as error:
        return str(error)
    own = "of your own, in Python"
    reasons: tuple[tuple[Any, Callable[[], str]], ...] = (
        (is_own(losses.loss, net.loss), lambda: f"the loss {str(net.loss)!r} is one {own}"),
        (
            optimizer and type(optimizer) not in NAMES,
            lambda: f"{optimizer!r} is an optimizer {own}",
        ),
        (foreign, lambda: "the parameters are not NumPy arrays"),
        (dtype is None, lambda: "the network has no parameters"),
        (dtype not in (np.float32, np.float64), lambda: f"the parameters are of {dtype}"),
    )
    return next((reason() for fails, reason in reasons if fails), "")


@contextmanager
def at_work() -> Iterator[None]:
    """Share the cores with all other threads of this process that are at work with the engine.

    Each has as many as the others, at any moment; no bit depends on it.

    >>> with at_work():
    ...     pass
    """
    modules = bfloat16.modules_at_work()
    for module in modules:
        module.come_to_work()
    try:
        yield
    finally:
        for module in modules:
            module.go_from_work()


class Done(NamedTuple):
    """What a call of the engine did: whole steps, the cost of each whole epoch, what ended it."""

    outcome: str
    steps: int
    costs: list[float]
    raised: BaseException | None
    losses: list[float]
    """In shards, Σ w L of each epoch and, within it, each subtree held; `costs` have none of it."""


class Shards(NamedTuple):
    """The shards of a run: the examples in training of each, the subtrees that are held, the steps
    of an epoch."""

    sizes: list[int]
    held: list[tuple[int, int]]
    steps: int


class EngineExamples(NamedTuple):
    """Examples as the engine reads them: targets or, in their place, labels."""

    X: Any
    y: Any
    labels: Any
    weights: Any
    sparse: Entries | None = None
    """In the place of X."""


class Epochs(NamedTuple):
    """Which epochs a run makes, in which order its examples come, and when it ends."""

    shuffles: bool
    seed: int
    first_epoch: int
    epochs: int
    batch: int
    first_step: int
    mean_weight: float
    """0 where the cost is the sum over the examples."""
    rates: NDArray[np.float64]
    seconds: float
    left_out: Rows | None
    looks: bool = False
    """Whether X may hold what is not finite: then the first epoch ends there, as diverged."""
    most_steps: int = 2**62
    stream: int = ORDER


class Session:
    """Parameters and states within the engine, and the steps made on them.

    A step may also be made in parts: `losses` sums the gradient of some rows, `gradient` returns
    the sum, `update` makes a step of one. Sums of several blocks can so be added in an order of
    one's own, on several machines too. `keeps_gradient` makes room for that.

    In `shards` it is `run` that sums so, over those that are held; `batch` is then how many rows of
    a batch there are here at most. Where it is `sparse`, examples are taken by the entries of
    their rows.
    """

    plan: Plan
    params: Parameters
    batch: int
    shards: Shards | None

    def __init__(
        self,
        plan: Plan,
        params: Parameters,
        states: list[State],
        *,
        batch: int,
        threads: int,
        keeps_gradient: bool = False,
        shards: Shards | None = None,
        sparse: bool = False,
    ) -> None:
        self.plan, self.params, self.batch, self.shards = plan, params, batch, shards
        self.sparse = sparse
        self.kept: list[int] = list(
            map(len, states)
        )  # their arrays are not kept: the engine has its own
        self.dtype: Any = leaves(params)[0].dtype
        assert engine.native is not None
        module = bfloat16.module() if plan.precision else engine.native
        make = module.trainer32 if self.dtype == np.float32 else module.trainer64
        program = for_training(plan.net)
        self.trainer: Any = make(
            program=program.compiled_by(module),
            frozen=[program.numbers[name] for name in plan.frozen],
            seed=plan.seed,
            optimizer=NAMES[type(plan.optimizer)],
            numbers=numbers_of(plan),
            batch=batch,
            threads=threads,
            cores=engine.cores() if threads > 1 else 1,
            keeps_gradient=keeps_gradient,
            shards=shards,
            sparse=sparse,
        )
        self.load(params, states)

    def load(self, params: Parameters, states: list[State]) -> None:
        """Set parameters and states."""
        for k, (leaf, state) in enumerate(zip(leaves(params), states, strict=True)):
            whole = [np.ascontiguousarray(array) for array in (leaf, *state)]
            self.trainer.load(k, whole[0], whole[1:])
        self.trainer.ready()

    def read(self) -> tuple[Parameters, list[State]]:
        """Return copies of parameters and states."""
        new = [aligned(leaf.shape, self.dtype) for leaf in leaves(self.params)]
        states = [
            tuple(np.empty_like(leaf) for _ in range(count))
            for leaf, count in zip(new, self.kept, strict=True)
        ]
        for k, (leaf, state) in enumerate(zip(new, states, strict=True)):
            self.trainer.store(k, leaf, state)
        return rebuild(self.params, new), states

    def run(
        self,
        data: Examples,
        *,
        left_out: Rows | None = None,
        shuffles: bool,
        epochs: int,
        first_epoch: int,
        first_step: int,
        seconds: float,
        most_steps: int = 2**62,
        looks: bool = False,
    ) -> Done:
        """Make the steps of some epochs, or the first `most_steps` of them.

        Rows that are `left_out` are those of no step; their numbers come in their order. Where it
        `looks`, X may hold what is not finite: the first epoch ends there, as one that diverged.
        A run that has taken so many seconds ends with the epoch that it is in.
        """
        n = data.n - (0 if left_out is None else len(left_out))
        each = self.shards.steps if self.shards else -(-n // self.batch)
        asked = epochs_of(
            self.plan,
            steps=epochs * each,
            shuffles=shuffles,
            stream=SHARDS if self.shards else ORDER,
            first_epoch=first_epoch,
            epochs=epochs,
            batch=self.batch,
            first_step=first_step,
            seconds=seconds,
            most_steps=most_steps,
            left_out=left_out,
            looks=looks,
        )
        done = self.trainer.run(engine_examples(data, sparse=self.sparse), asked)
        return Done(done.outcome, done.steps, done.costs, done.raised, done.losses)

    def stop(self) -> None:
        """Have the run that is under way, or else the next, end before its next step."""
        self.trainer.stop()

    def losses(
        self,
        data: Examples,
        rows: NDArray[np.int64] | None = None,
        *,
        step: int = 0,
        scale: float = 1.0,
        keep_gradient: bool = False,
        norms: NDArray[Any] | None = None,
    ) -> float:
        """Return the sum of the losses of some rows, or all, each times its weight.

        Beside it, keep the sum of the gradient, each example's part times `scale`, or fill `norms`
        with the squared norms of these parts. `step` is what dropout's masks follow from; at 0
        there are none.
        """
        total: float = self.trainer.losses(
            engine_examples(data, sparse=self.sparse),
            rows=rows,
            step=step,
            scale=scale,
            keep_gradient=keep_gradient,
            norms=norms,
        )
        return total

    def gradient(self) -> Parameters:
        """Return the gradient that is kept, in the form of the parameters."""
        new = [np.empty(leaf.shape, self.dtype) for leaf in leaves(self.params)]
        for k, leaf in enumerate(new):
            self.trainer.store_gradient(k, leaf)
        kept: Parameters = rebuild(self.params, new)
        return kept

    def update(self, gradient: Parameters, step: int) -> bool:
        """Make step number `step` by a gradient; return whether all weights are still finite."""
        for k, leaf in enumerate(leaves(gradient)):
            self.trainer.load_gradient(k, np.ascontiguousarray(leaf))
        finite: bool = self.trainer.update(step, _rate(self.plan, step))
        return finite

    def between(self, change: Callable[[NDArray[Any]], None] | None) -> None:
        """Let a function change the gradient of each step that `run` makes, before its update.

        It gets the gradients of all parameters in one array, without the penalty's and as yet
        without bounds, and works in place: such as by a sum over processes. With padding, and in
        an order of the engine's own, which is the same for the same network and instruction set.
        The session must be one that `keeps_gradient`.

        In shards, the array has a row for each subtree held, one after another, and the first is to
        become the total; so do sums of batch statistics, before the gradient comes.
        """
        self.trainer.set_seam(change)

    def cost(self, part: Subset) -> float:
        """Return the cost of some of the examples."""
        whole = divisor(self.plan.net, part.weight)
        return self.losses(part.data, part.numbers) / whole + float(self.trainer.penalty())


def epochs_of(plan: Plan, *, steps: int, first_step: int, **asked: Any) -> Epochs:
    """Return which epochs a run makes, in all so many steps."""
    given = steps if isinstance(plan.optimizer.learning_rate, Schedule) else 1
    return Epochs(
        seed=plan.seed,
        first_step=first_step,
        mean_weight=0.0 if plan.net.reduction == "sum" else plan.mean_weight,
        rates=np.array([_rate(plan, first_step + k + 1) for k in range(given)]),
        **asked,
    )


def _rate(plan: Plan, step: int) -> float:
    rate = plan.optimizer.learning_rate
    return float(rate(step) if isinstance(rate, Schedule) else rate)


def engine_examples(data: Examples, *, sparse: bool = False) -> EngineExamples:
    """Return examples as the engine reads them, in records."""
    y, labels = (None, data.y) if data.y.ndim == 1 else (data.y, None)
    X = in_form(data.X, sparse=sparse)
    if sparse:
        return EngineExamples(None, y, labels, data.w, as_entries(X))
    return EngineExamples(X, y, labels, data.w)


def shuffled(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return what `streams.shuffled` returns, in the engine where there is one.

    >>> bool((shuffled(100, seed=3, epoch=1) == streams.shuffled(100, seed=3, epoch=1)).all())
    True
    """
    if engine.native is None:
        return streams.shuffled(n, seed, epoch)
    order = np.empty(n, np.int64)
    engine.native.shuffle(order, seed, ORDER, epoch)
    return order


def contiguous(data: Examples) -> Examples:
    """Return examples as the engine reads them, without a copy where they are so already."""
    if is_sparse(data.X) and not pays(data.X):
        data = data._replace(X=data.X.toarray())
    return Examples(
        *(part if part is None or is_sparse(part) else np.ascontiguousarray(part) for part in data)
    )


IN_ENGINE = {
    "eta_minus": "shrink",
    "eta_plus": "grow",
    "step_min": "smallest",
    "step_max": "largest",
}
"""Numbers that the engine calls otherwise."""


def numbers_of(plan: Plan) -> dict[str, float]:
    """Return the optimizer's numbers, the network's penalty and the bounds on the gradient."""
    fields = {
        IN_ENGINE.get(field.name, field.name): float(getattr(plan.optimizer, field.name))
        for field in dataclasses.fields(plan.optimizer)  # type: ignore[arg-type]
        if field.name != "learning_rate"
    }
    bounds = {"clip_value": plan.clip_value, "clip_norm": plan.clip_norm}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return fields | given | {"l1": plan.net.l1, "l2": plan.net.l2}
