"""A callback that watches a training, and says at its end what is wrong with it, if anything is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule import backprop
from chainrule.batches import Examples
from chainrule.begun_run import BegunRun
from chainrule.blas_threads import one_blas_thread
from chainrule.diagnosis.course_measures import Options
from chainrule.diagnosis.evidence import Evidence
from chainrule.diagnosis.layer_measures import LayerMeasures, measure_layers, update_ratios
from chainrule.diagnosis.looked_at import Part
from chainrule.diagnosis.not_finite import first_not_finite
from chainrule.diagnosis.rules import FEW_ROWS_RULES
from chainrule.diagnosis.verdict import Diagnosis, diagnosis_of
from chainrule.errors import check_number
from chainrule.extras import check_installed
from chainrule.history import DivergenceError, History
from chainrule.network import Network, Parameters
from chainrule.record import Plan, TrainingState
from chainrule.reference import treated
from chainrule.sparse_rows import dense
from chainrule.trees import leaves, tree_map
from chainrule.update import apply
from chainrule.warn import only_warned

PART = Part(256, together=64)
"""The part of many examples that is looked at."""


class Look(NamedTuple):
    """What was seen of a training at one time.

    Parameters
    ----------
    epoch, step
        How many of them were made by then.
    layers
        What is measured of each layer.
    updates
        How far a step moves each layer, over its size; None of one without parameters.
    """

    epoch: int
    step: int
    layers: tuple[LayerMeasures, ...]
    updates: tuple[float | None, ...]


class Watch:
    r"""A callback that watches a training by layer, and says what is wrong at its end.

    It looks at a few hundred examples: the norms of activations, deltas and gradients, the ratio of
    step to weights, dead, saturated and duplicate units. At the end, or where a value stops being
    finite, it says what `cr.diagnose` finds of what a few hundred examples can show; `cr.diagnose`
    itself looks at more of them, and makes other trainings to compare. Nothing of the training
    changes, not a bit. It is for `cr.fit(..., callbacks=[watch])` and for
    `set_callbacks(watch)` of the estimators, whose solvers make epochs.

    Parameters
    ----------
    say
        What is called with the verdict at the end, such as `print`; None says nothing.
    share
        Which share of the time of a training it may take to look after epochs, from 0 to 1, besides
        the first look and the last. So which epochs it looks after depends on the machine; with 1
        it looks after each.

    Attributes
    ----------
    looks
        What was seen, each time: a list of epoch, step, layers and updates.
    verdict
        The `Diagnosis`; None before the end of a training. `watch.verdict.html()` is its page.

    Raises
    ------
    TypeError, ValueError
        Where `say` cannot be called, or `share` is no number from 0 to 1.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(4, "tanh"), cr.Dense(1)], loss="squared_error")
    >>> X, watch = np.linspace(-1, 1, 40)[:, None], cr.Watch()
    >>> _ = cr.fit(net, net.init(0), X, X, cr.SGD(0.05), epochs=20, callbacks=[watch])
    Nothing found. The cost is ...; that of the best constant, 0.3...
    >>> watch.looks[0].epoch, watch.looks[-1].epoch
    (0, 20)
    """

    say: Callable[[str], Any] | None
    share: float

    def __init__(self, say: Callable[[str], Any] | None = print, *, share: float = 0.01) -> None:
        if say is not None and not callable(say):
            raise TypeError(f"Watch: say must be a function of a text, or None, got {say!r}")
        self.say, self.share = say, check_number("Watch: share", share, least=0, most=1)
        self.looks: list[Look] = []
        self.verdict: Diagnosis | None = None
        self._waits = False
        self._forget()

    def _forget(self) -> None:
        self._data: Examples | None = None
        self._rows: Any = None
        self._plan: Plan | None = None
        self._initial: Parameters | None = None
        self._ended: tuple[Network, TrainingState] | None = None
        self._began = self._spent = 0.0

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the data and the parameters of a training under way."""
        kept = Watch(self.say, share=self.share)
        kept.looks, kept.verdict = list(self.looks), self.verdict
        return vars(kept)

    def __repr__(self) -> str:
        return f"Watch({getattr(self.say, '__name__', self.say)}, share={self.share:g})"

    def __str__(self) -> str:
        if self.verdict is None:
            return "No training has been watched to its end."
        return str(self.verdict)

    # ---- what `fit` calls ------------------------------------------------------------------------

    def begin(self, run: BegunRun) -> None:
        """Take a first look, before the first epoch.

        Parameters
        ----------
        run
            The run of `fit`.

        Raises
        ------
        MissingLibraryError
            Where a library is not installed that its verdict needs.
        """
        check_installed("estimators", "Watch")  # before the training, which its end would lose
        goes_on = self._ended is not None and _is_at(run, *self._ended)
        initial = (
            self._initial if goes_on else None if run.history.epochs else run.history.at.params
        )
        if not goes_on:
            self.looks, self.verdict = [], None
        self._forget()
        training = run.data.training
        self._plan, self._initial, self._began = run.plan, initial, time.perf_counter()
        if training.n:
            places = PART.of(training.n)
            numbers = training.numbers
            self._rows = places if numbers is None else np.asarray(numbers)[places]
            self._data = _in_numpy(training.data.take(training.array(self._rows)))
            if not goes_on:
                self._look(run.history)

    def __call__(self, history: History) -> None:
        """Look at the training after an epoch, if there is time for it.

        Parameters
        ----------
        history
            The course of the training so far.
        """
        if self._spent <= self.share * (time.perf_counter() - self._began):
            with only_warned("Watch, looking after an epoch,"):
                self._look(history)

    def end(self, run: BegunRun, error: BaseException | None) -> None:
        """Take a last look, and say what is wrong.

        Parameters
        ----------
        run
            The run of `fit`.
        error
            What has broken it off; None where it is over.
        """
        try:
            self._judge(run, error)
        finally:
            initial = self._initial
            self._forget()
            self._initial = initial
            self._ended = run.plan.net, run.history.at._replace(states=[])

    def _judge(self, run: BegunRun, error: BaseException | None) -> None:
        """Take a last look, where something has been made or has broken it off, and say a verdict.

        It says nothing of a run that was refused before its first epoch.
        """
        diverged = isinstance(error, DivergenceError)
        if self._data is not None and (error is None or diverged or run.history.epochs):
            if not diverged and self.looks[-1].step < run.history.at.step:
                self._look(run.history)
            with one_blas_thread, np.errstate(all="ignore"):
                self.verdict = diagnosis_of(self._evidence(run, diverged=diverged), FEW_ROWS_RULES)
            if not self._waits and not run.data.ranks.rank:
                self._tell()

    def _look(self, history: History) -> None:
        """Look at the training as it stands; after a look that fails, at no more of it."""
        began, data, self._data = time.perf_counter(), self._data, None
        if data is not None and self._plan is not None:
            with one_blas_thread:
                self.looks.append(_look(self._plan, history.at, data))
            self._data = data
        self._spent += time.perf_counter() - began

    def _evidence(self, run: BegunRun, *, diverged: bool) -> Evidence:
        """Return what is known of a run, by the examples looked at."""
        assert self._data is not None
        plan, history, training = run.plan, run.history, run.data.training
        options = Options(
            plan.optimizer, run.goal if diverged else max(history.epochs, 1), run.batch_size,
            plan.seed, run.shuffle, self._data.w, plan.clip_value, plan.clip_norm,
            tuple(plan.frozen),
        )  # fmt: skip
        initial = None if self._initial is None else _arrays(self._initial)
        broke = None
        if diverged and initial is not None and run.data.in_shards is None:
            broke = first_not_finite(plan.net, initial, history, training, options)
        now = _arrays(history.at.params if diverged else history.returned)
        return Evidence(
            plan.net, now, initial, self._data, options, history, diverged, self._rows, training.n,
            broke, tries=False,
        )  # fmt: skip

    def _tell(self) -> None:
        if self.say is not None and self.verdict is not None:
            with only_warned("Watch, saying its verdict,"):
                self.say(str(self.verdict))

    # ---- what the estimators call ----------------------------------------------------------------

    def setup(self, estimator: Any, context: Any) -> None:
        """Let the verdict wait for the end of the estimator's fit, which may call `fit` often.

        Parameters
        ----------
        estimator, context
            As scikit-learn's callbacks take them.
        """
        self.looks, self.verdict, self._waits = [], None, True
        self._forget()

    def teardown(self, estimator: Any, context: Any) -> None:
        """Say the verdict.

        Parameters
        ----------
        estimator, context
            As scikit-learn's callbacks take them.
        """
        self._waits = False
        self._tell()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Do nothing: `fit` tells of its epochs.

        Parameters
        ----------
        estimator, context
            As scikit-learn's callbacks take them.
        """

    def on_fit_task_end(self, estimator: Any, context: Any) -> bool:
        """Do nothing, and let the fit go on.

        Parameters
        ----------
        estimator, context
            As scikit-learn's callbacks take them.
        """
        return False


def _is_at(run: BegunRun, net: Network, at: TrainingState) -> bool:
    """Whether a run goes on from where another of the same network has ended."""
    now = run.history.at
    if run.plan.net != net or (now.epoch, now.step) != (at.epoch, at.step) or not at.step:
        return False
    pairs = zip(leaves(_arrays(now.params)), leaves(_arrays(at.params)), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def _in_numpy(data: Examples) -> Examples:
    w = None if data.w is None else np.asarray(data.w)
    return Examples(np.asarray(dense(data.X)), np.asarray(data.y), w)


def _arrays(params: Parameters) -> Parameters:
    made: Parameters = tree_map(np.asarray, params)
    return made


def _look(plan: Plan, at: TrainingState, data: Examples) -> Look:
    """Return what is seen of a training where it stands; the step is that of these examples."""
    net: Network = plan.net
    params = _arrays(at.params)
    with np.errstate(all="ignore"):
        trace = backprop.forward(net, params, data.X, check=False)
        deltas = backprop.backward(trace, data.y, data.w, check=False)
        grads = treated(plan, backprop.gradient(trace, deltas), np)
        states = [tuple(map(np.asarray, state)) for state in at.states]
        after, _ = apply(
            plan.optimizer, params, grads, states, at.step + 1, net.roles, plan.frozen
        )  # fmt: skip
        return Look(
            at.epoch, at.step, measure_layers(trace, deltas), update_ratios(params, after)
        )  # fmt: skip
