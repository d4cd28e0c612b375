r"""Training: forward, backward, update, until the network maps its inputs to its outputs.

    X   (n, inputs)   the examples      y   (n, outputs) or (n,)   their targets
    w   (n,)          their weights     t   the number of the step, from 1

Everything random follows from the seed: the order of epoch e from (seed, e), the split of a
validation fraction from (seed, 0), dropout's masks from (seed, t). A run can therefore be broken
off after any epoch and gone on with, to the same bits.

A run may be shared out between processes, the ranks of a job. Its examples are then in shards,
whose sums are taken each by itself and added in one tree: any number of ranks comes to the same
bits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Annotated, Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace

from chainrule.arguments import reads_arguments
from chainrule.batches import HeldOut
from chainrule.distributed import Alone, Ranks, agreed, as_ranks, by_each, is_agreed
from chainrule.engine.native_run import NativeRun, Over, cannot_run
from chainrule.engine.quick_checks import check_parameters
from chainrule.engine.session import Engine, at_work
from chainrule.engine.sharded_run import ShardedRun
from chainrule.errors import as_functions
from chainrule.given_examples import (
    GivenExamples,
    agree_on_run,
    check_shared,
    given_examples,
    shards_of_run,
)
from chainrule.history import EarlyStopping, History, TrainingInterrupted
from chainrule.network import Network, Parameters, frozen
from chainrule.optimizers import Optimizer, State, init_states
from chainrule.record import Plan, Run, TrainingState
from chainrule.reference import before_and_now, not_validated, run_epoch, validate
from chainrule.streams import Seed
from chainrule.ties import Ties, check_equal, check_ties
from chainrule.trees import Array, leaves, named_leaves
from chainrule.value_types import AtLeastOne, Flag, Must, Positive

ALONE = Alone()

Callback = Callable[[History], bool | None]
"""Called after each epoch with the history so far; returning True ends the run."""

AnOptimizer = Annotated[Optimizer, Must("one such as cr.Adam(1e-3)")]
AnEarlyStopping = Annotated[EarlyStopping, Must("an EarlyStopping or None")]


@reads_arguments
def fit(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    optimizer: AnOptimizer,
    *,
    epochs: AtLeastOne,
    batch_size: AtLeastOne | None = 32,
    seed: Seed = 0,
    shuffle: Flag = True,
    sample_weight: Any = None,
    validation: float | tuple[Any, ...] | HeldOut | None = None,
    early_stopping: AnEarlyStopping | None = None,
    clip_value: Positive | None = None,
    clip_norm: Positive | None = None,
    mean_weight: Positive | None = None,
    freeze: Iterable[str] = (),
    ties: Iterable[Iterable[str]] = (),
    callbacks: Iterable[Callback] = (),
    history: History | None = None,
    record: Flag = False,
    engine: Engine = "auto",
    threads: AtLeastOne | None = None,
    comm: Any = None,
    shards: AtLeastOne | None = None,
    reproducible: Flag = True,
) -> tuple[Parameters, History]:
    r"""Train a network and return its parameters and the course of the training.

    $$w \leftarrow w - dw\!\left(\frac{\partial C}{\partial w}\right),\qquad
      C \text{ over one batch}$$

    The parameters given are not changed.

    Parameters
    ----------
    net, params
        The network and the parameters to start from, in whose dtype all is computed.
    X, y
        The examples (n, inputs) and their targets: (n, outputs), or (n,) for one output or for
        integer labels. X may be a sparse array of SciPy, which comes to the bits of a dense one
        where the first layer has more than eight units.
    optimizer
        What makes a step of a gradient, `cr.Adam(1e-3)`.
    epochs, batch_size
        How many times to go through the examples, and how many of them make a step; None makes
        it all of them.
    seed, shuffle
        The seed of everything random; whether each epoch goes through the examples in an order of
        its own.
    sample_weight
        The weights (n,) of the examples in the mean. The gradient of a batch of m is
        Σ w g / (m w̄), with w̄ the mean weight of all examples in training: batches average to the
        whole, whatever weights fall together, and a weight of 2 is the example twice.
    validation
        Data to measure after each epoch, `(X, y)` or `(X, y, sample_weight)`, or the fraction of
        the examples to set aside for that, or their rows, `cr.HeldOut(rows)`. No
        copy is made of what is set aside.
    early_stopping
        When to end the run early; by the validation loss, to return the best parameters, not the
        last.
    clip_value, clip_norm
        Bounds on each entry of the gradient, then on the norm of the whole.
    mean_weight
        w̄, where the examples are a part of all that is trained with; left out, it is theirs.
    freeze
        Patterns of names of parameters that stay as they are: `["*.b"]`, `["0.*"]`.
    ties
        Places in the parameters that share one value: `[["0.b[0]", "0.b[1]"]]` is one bias for
        two units. Its gradient is the sum of those of its places. The reference trains such a run.
    callbacks
        Functions called with the history after each epoch; one that returns True ends the run.
    history
        The history of an earlier call that returned `params`, to go on from: `a` epochs and then
        `b` are the same as `a + b` at once, bit for bit.
    record
        Whether the history keeps what the call was given, the data too, so that `cr.explain_step`
        and `cr.contributions` can make its steps again. Without it no data is kept, those of
        earlier calls neither.
    engine
        `"native"` trains in the compiled engine, `"reference"` with the functions of
        `chainrule.backprop`; `"auto"` takes the compiled one wherever that can be, and says once
        why where it cannot.
    threads
        How many threads the compiled engine uses at most; left out, as many as there are cores.
        It never uses more than that, and fewer for a small network or on a machine that is busy.
        The result does not depend on it. The reference leaves threads to the array library.
    comm
        The processes that train together: a communicator of mpi4py, `MPI.COMM_WORLD`, or
        `cr.Ranks`. Each calls `fit` alike, with its own part of the rows: of X, y, sample_weight
        and validation data, of any size; rows that another is to have are sent there. Rows to hold
        out are numbered through all ranks in order. Each returns the same, and calls its callbacks;
        one that returns True on any of them ends the run for all.
    shards
        In how many parts, a power of two up to 4,096, each batch is summed; with `comm` and left
        out, as many as suit the batch. Shards are the rows cut in equal parts, and each batch takes
        its share of each. The result depends on this number and on none of the ranks: one process
        with the same `shards` comes to the same bits.
    reproducible
        Whether sums over ranks are taken in one order, whatever their number.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of its kind or does not fit; the message names it.
    DivergenceError
        Where a value stops being finite, with epoch, step and layer; its `params` are those
        before that step.
    TrainingInterrupted
        A KeyboardInterrupt at Ctrl-C; its `params` are those after the last whole step.
    RankError
        Where another rank has failed, or does not answer.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> X = np.array([[-1.0], [0.0], [1.0]])
    >>> params, history = fit(net, net.init(0), X, 2 * X + 1, cr.SGD(0.5), epochs=200)
    >>> params[0].W.round(3), params[0].b.round(3)
    (array([[2.]], dtype=float32), array([1.], dtype=float32))
    """
    shuffle, callbacks = bool(shuffle), as_functions("fit: callbacks", "a History", callbacks)
    ranks = ALONE if comm is None else as_ranks(comm)
    asked = locals() if ranks.size > 1 else {}
    with nullcontext() if comm is None else ranks.together(), at_work():
        stays, history = by_each(
            ranks,
            functools.partial(
                _begin, net, params, optimizer, freeze, history, early_stopping, validation
            ),
        )
        if comm is not None or shards is not None:
            shards = shards_of_run(ranks, shards, batch_size, X)
        if asked:
            agree_on_run(ranks, history, {**asked, "freeze": stays, "shards": shards})
        data = given_examples(
            ranks, shards, net, params, (X, y, sample_weight), validation, seed, mean_weight is None
        )
        tied, mean = _tied(net, history.at, ties, stays), mean_weight or data.mean_weight
        plan = Plan(net, optimizer, seed, stays, clip_value, clip_norm, mean, tied, shards)
        check_shared(plan, data, history, comm, batch_size, engine, record)
        native = _native(
            plan, history, data, batch_size, shuffle, engine, threads, bool(reproducible)
        )
        fraction = None if isinstance(validation, (tuple, list)) else validation
        given = X, y, sample_weight, fraction, batch_size, shuffle, native is not None
        history.net = net
        history.runs = (*history.runs, Run(plan, *given, *_begun(history))) if record else ()
        loop = _EpochLoop(plan, data, batch_size, shuffle, native, params)
        loop.make_all(epochs, history, early_stopping, callbacks)
        return history.returned, history


def _begin(
    net: Network,
    params: Parameters,
    optimizer: Optimizer,
    freeze: Iterable[str],
    history: History | None,
    early_stopping: EarlyStopping | None,
    validation: Any,
) -> tuple[frozenset[str], History]:
    """Return which parameters stay as they are, and a history to write on."""
    _check_validated(early_stopping, validation)
    check_parameters(net, params)
    return frozen(params, freeze), _start(optimizer, params, history)


def _on_any(ranks: Ranks, flag: bool) -> bool:
    return flag if ranks.size == 1 else any(ranks.values(flag))


class _EpochLoop(NamedTuple):
    """The epochs of a run: of which examples, and whether the engine makes them."""

    plan: Plan
    data: GivenExamples
    batch_size: int | None
    shuffle: bool
    native: NativeRun | None
    start: Parameters

    def make_all(
        self,
        epochs: int,
        history: History,
        early_stopping: EarlyStopping | None,
        callbacks: Sequence[Callback],
    ) -> None:
        """Make epochs, so many or until there is a reason to stop."""
        ranks, goal = self.data.ranks, history.epochs + epochs
        watched = _on_any(ranks, bool(callbacks))
        each = self.data.held_out is not None or watched
        over = early_stopping.is_over if early_stopping and early_stopping.of == "loss" else None
        history.stopped = _reason_to_stop(history, early_stopping)
        with self.native.signals if self.native else nullcontext():
            while history.epochs < goal and not history.stopped:
                self.make(1 if each else goal - history.epochs, history, over)
                said = watched and _on_any(ranks, _says_stop(callbacks, history))
                history.stopped = "callback" if said else _reason_to_stop(history, early_stopping)
        with self._interruptions(history):
            if self.native:
                self.native.conclude()
        history.restored = early_stopping is not None and early_stopping.of != "loss"

    def make(self, most: int, history: History, over: Over | None) -> None:
        """Make an epoch, or in the engine as many as so many, and measure the validation data."""
        with self._interruptions(history):
            if self.native is None:
                run_epoch(self.plan, self.data.training, self.batch_size, self.shuffle, history)
            else:
                self.native.run_epochs(most, history, over)
        try:
            self._validate(history)
        except FloatingPointError as error:
            before, now = self._before_and_now(history)
            failed = not_validated(history, before, now, error)
            raise agreed(failed, self.data.ranks) from None

    @contextmanager
    def _interruptions(self, history: History) -> Iterator[None]:
        """Raise with a Ctrl-C the parameters after the last whole step."""
        try:
            yield
        except KeyboardInterrupt as interrupt:
            raised = TrainingInterrupted(history.at.params, history)
            alike = is_agreed(interrupt)
            raise (agreed(raised, self.data.ranks) if alike else raised) from interrupt

    def _validate(self, history: History) -> None:
        held_out = self.data.held_out
        if held_out is None:
            return
        if self.native is None:
            validate(self.plan.net, held_out, history)
        else:
            self.native.validate(history)

    def _before_and_now(self, history: History) -> tuple[float, float]:
        """Return the costs of some examples in training, of each rank's."""
        own = before_and_now(self.plan.net, self.data.training, self.start, history.at.params)
        parts = self.data.ranks.values(own)
        n = sum(part[2] for part in parts)
        before, now = (sum(part[k] * part[2] for part in parts) / n for k in (0, 1))
        return before, now


def _tied(net: Network, at: TrainingState, ties: Any, stays: frozenset[str]) -> Ties:
    """Return the ties of a run that stands somewhere, or raise where its tied places differ."""
    tied = check_ties(at.params, ties, net.roles, stays)
    if not tied:
        return ()
    names = [name for name, _ in named_leaves(at.params)]
    for arrays in zip(*at.states, strict=True):
        check_equal(dict(zip(names, arrays, strict=True)), tied, "states of the optimizer")
    return tied


def _begun(history: History) -> tuple[Parameters, list[State] | None, int, int]:
    """Where a run begins; new states are not kept, for they can be made again."""
    params, states, step, epoch, _ = history.at
    return params, states if step else None, step, epoch


def _native(
    plan: Plan,
    history: History,
    data: GivenExamples,
    batch_size: int | None,
    shuffle: bool,
    engine: str,
    threads: int | None,
    reproducible: bool,
) -> NativeRun | None:
    """Return the run in the compiled engine, or None for the reference loop."""
    if engine == "reference":
        return None
    reason = cannot_run(plan, history.at.params, insist=engine == "native")
    if reason:
        return None
    if data.in_shards is None:
        return NativeRun(
            plan, history, data.training, batch_size, shuffle, threads, held_out=data.held_out
        )
    return ShardedRun(
        plan, history, data.in_shards, batch_size, shuffle, threads, reproducible=reproducible
    )


def _says_stop(callbacks: Sequence[Callback], history: History) -> bool:
    answers = [callback(history) for callback in callbacks]
    # What is no Boolean, such as a loss, is no answer.
    return any(isinstance(answer, bool | np.bool_) and answer for answer in answers)


def _reason_to_stop(history: History, early_stopping: EarlyStopping | None) -> str:
    if early_stopping is not None and early_stopping.is_over(getattr(history, early_stopping.of)):
        return "early stopping"
    return ""


def _start(optimizer: Optimizer, params: Parameters, history: History | None) -> History:
    """Return a history to write on, new or a copy of the one to go on from."""
    if history is None:
        states = init_states(optimizer, params)
        return History(last=TrainingState(params, states, 0, 0, type(optimizer).__name__))
    if not isinstance(history, History):
        raise TypeError(f"fit: history must be what an earlier fit returned, got {history!r}")
    before = leaves(history.returned)
    if len(before) != len(leaves(params)) or not all(map(_same, leaves(params), before)):
        raise ValueError(
            "fit: params must be those that the call returned which made the history; to start "
            "anew from other parameters, leave history out"
        )
    kind, lengths = history.at.optimizer, list(map(len, history.at.states))
    needed = list(map(len, init_states(optimizer, params)))
    if (kind, lengths) != (type(optimizer).__name__, needed):
        raise ValueError(
            f"fit: history was made by another kind of optimizer, {kind}, whose state does not fit "
            f"{optimizer!r}; go on with the same, or leave history out to start anew"
        )
    return history.copy()


def _same(a: Array, b: Array) -> bool:
    if a is b:
        return True
    xp = array_namespace(a, b)
    return a.dtype == b.dtype and a.shape == b.shape and bool(xp.all(a == b))


def _check_validated(early_stopping: EarlyStopping | None, validation: Any) -> None:
    if early_stopping is not None and early_stopping.of != "loss" and validation is None:
        raise ValueError(
            "fit: early_stopping needs validation data; give validation=(X, y) or a fraction"
        )
