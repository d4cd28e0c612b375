"""From prepared examples to runs on them, and how the network of each is trained."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.batches import Examples
from chainrule.distributed import Alone, Ranks, shards_of, warn_of_idle
from chainrule.errors import argument
from chainrule.fitting.trainer import Measure, Trainer, TrainingPlan
from chainrule.history import REMEDY, DivergenceError, EarlyStopping
from chainrule.log import LOGGER
from chainrule.network import Network, Parameters
from chainrule.optimizers import OPTIMIZERS
from chainrule.schedules import SCHEDULES
from chainrule.tabular.bounds_examples import check_interval, for_bounds, options_for_bounds
from chainrule.tabular.columns.survey import Targets
from chainrule.tabular.effort import EFFORTS
from chainrule.tabular.example_blocks import ExampleBlocks
from chainrule.tabular.files.row_parts import parted
from chainrule.tabular.files.source import Source
from chainrule.tabular.intervals import Interval
from chainrule.tabular.memory import plainly_too_little
from chainrule.tabular.prepare import Prepared, prepare
from chainrule.tabular.scores import SCORES
from chainrule.tabular.storable import check_storable, check_width
from chainrule.tabular.table_error import HOLD_OUT_MORE, TableError
from chainrule.tabular.table_model import TableModel
from chainrule.tabular.table_network import network
from chainrule.tabular.target_decisions import check_several
from chainrule.tabular.target_names import doubts_of
from chainrule.tabular.temperature import thermometer
from chainrule.tabular.training_options import (
    OF_OPTIMIZERS,
    Options,
    at_rate,
    completed,
    shards_for,
)
from chainrule.tabular.training_runs import Run, Stage

AS_GOOD = 0.1
"""A rate whose loss on the rows held out is above the best by no more than this is as good."""


@dataclass
class TableTraining:
    """A training on a table: the examples of its source, what they decided, and how far it is.

    The options are complete; of the `stages`, the last is under way or comes next.
    """

    source: Source
    prepared: Prepared
    options: Options
    stages: list[Stage]

    @property
    def ranks(self) -> Ranks:
        """Who trains."""
        return self.prepared.ranks

    @property
    def stage(self) -> Stage:
        """The stage that is under way."""
        return self.stages[-1]

    @property
    def last(self) -> Stage:
        """The last stage of networks whose mean is predicted: those of bounds come after them."""
        return next(each for each in reversed(self.stages) if each.name != "bounds")

    @property
    def first(self) -> Run:
        """The run of the first network, to which the rows held out are new: the best so far."""
        of_others = "members", "bounds"
        return next(each for each in reversed(self.stages) if each.name not in of_others).best

    @property
    def has_bounds(self) -> bool:
        """Whether bounds of a quantity are asked for, which have networks of their own."""
        asked = self.options.interval is not None
        return asked and self.prepared.target.task == "regression"

    @property
    def trainer(self) -> Trainer:
        """What trains it."""
        return self.first.trainer

    @property
    def chosen(self) -> list[Run]:
        """The runs that the members are like, in turn: the first, and of a race one as good."""
        first, race = self.first, self.stages[0]
        others = sorted(
            (run for run in race.standing if run is not first), key=lambda run: run.distance
        )
        raced = race.name == "race" and first in race.runs and self.options.members != 1
        bound = first.distance + AS_GOOD * abs(first.distance)
        return [first, *(run for run in others[:1] if raced and run.distance <= bound)]


def plan(prepared: Prepared, options: Options, blocks: ExampleBlocks, epochs: Any) -> TrainingPlan:
    """Return what is to be done with blocks, by options that are complete."""
    batch: Any = options.batch_size
    steps = epochs * sum(math.ceil(size / batch) for size in blocks.sizes.tolist())
    rate: Any = options.learning_rate
    if options.schedule != "constant":
        changing: Any = SCHEDULES[options.schedule.replace("-", "_")]
        rate = changing(rate, steps)
    kind: Any = OPTIMIZERS[options.optimizer]
    own = {n: v for n in OF_OPTIMIZERS if (v := getattr(options, n)) is not None}
    return TrainingPlan(
        network(prepared, options),
        kind(rate, **own),
        epochs,
        batch,
        options.seed,
        EarlyStopping(options.patience or epochs),
        clip_norm=options.clip_norm,
        threads=options.threads,
        precision=options.precision,
        comm=None if isinstance(prepared.ranks, Alone) else prepared.ranks,
        shards=options.shards,
    )


def first_stage(prepared: Prepared, options: Options) -> Stage:
    """Return the race of the rates, or of one rate the run of the first network."""
    rates = options.rates
    if len(rates) == 1:
        return Stage("first", [run_in_training(prepared, options, rates[0])])
    epochs = math.ceil(EFFORTS[options.effort].race * options.epochs)  # type: ignore[operator]
    raced = dataclasses.replace(options, epochs=epochs)
    runs = [
        run_in_training(prepared, raced, rate, name=f"race-{k}") for k, rate in enumerate(rates, 1)
    ]
    return Stage("race", runs)


def run_in_training(
    prepared: Prepared, options: Options, rate: float, *, name: str = "", seed: int | None = None
) -> Run:
    """Return a run on the examples in training, before its first visit."""
    own = of_a_run(prepared, options, rate, seed)
    what = plan(prepared, own, prepared.blocks, own.epochs)
    measure = measured_by(prepared, what.net, own.metric) if own.metric else None
    validation = None if measure else _own(prepared.validation, what)
    params = _initial_parameters(what, prepared)
    trainer = Trainer(what, prepared.blocks, params, validation=validation, measure=measure)
    heat = None if measure else thermometer(what.net, prepared.validation)
    return Run(name, rate, trainer, heat.distance if heat else None)


def _own(examples: Examples, what: TrainingPlan) -> Examples:
    """Return those of examples that all ranks have which are in the shards of this one."""
    if what.comm is None or what.shards is None:
        return examples
    n, own = len(examples.X), shards_of(what.comm.rank, what.comm.size, what.shards)
    return examples.take(slice(own.start * n // what.shards, own.stop * n // what.shards))


def run_unwatched(
    prepared: Prepared, own: Options, blocks: ExampleBlocks, name: str, epochs: int, of: int
) -> Run:
    """Return a run by its own options on the examples of some blocks, without validation.

    It makes so many epochs `of` those that its schedule has.
    """
    what = dataclasses.replace(plan(prepared, own, blocks, of), epochs=epochs)
    trainer = Trainer(what, blocks, _initial_parameters(what, prepared))
    return Run(name, own.rates[0], trainer)


def of_a_run(prepared: Prepared, options: Options, rate: float, seed: int | None) -> Options:
    """Return the options of one run."""
    own = at_rate(options, rate, prepared.target.task, prepared.training_rows)
    return own if seed is None else dataclasses.replace(own, seed=seed)


def measured_by(prepared: Prepared, net: Network, metric: str) -> Measure:
    """Return what finds how far parameters are from the best of a metric, in the rows held out.

    Raises TableError where it has no meaning for them.
    """
    model, held_out = model_of(prepared, net, net.init(0, dtype="float32")), prepared.held_out
    y, score = model.in_units(held_out.y), SCORES[metric]

    def distance(params: Parameters) -> float:
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                p = dataclasses.replace(model, params=params).outputs_of(held_out.X)
            except FloatingPointError:  # the outputs are not finite
                return math.inf
        value = score.value(y, p, held_out.w, model.quantiles)
        if value is None:
            counting = "" if held_out.w is None or held_out.w.all() else " where they have a weight"
            raise TableError(
                f"{argument('metric', metric)} has no meaning for the rows held out, which have a "
                f"single value{counting}; {HOLD_OUT_MORE}, or take another `metric=`"
            )
        return score.distance(value)

    distance(model.params)
    return Measure(distance, score.distance)


def _initial_parameters(what: TrainingPlan, prepared: Prepared) -> Parameters:
    """Return the parameters to begin with; rates e^a begin at the mean, for every row."""
    params = what.net.init(seed=what.seed, dtype="float32")
    if str(what.net.loss) != "poisson":
        return params
    *hidden, last = params
    if not prepared.baseline[0] > 0:
        raise TableError(
            f"`loss='poisson'` needs a count above 0, and target {prepared.target.column!r} is 0 "
            "in all rows in training; use another `loss=`, or another `seed=`"
        )
    b = last.b + np.float32(np.log(prepared.baseline[0]))
    return (*hidden, last._replace(W=0 * last.W, b=b))


@contextmanager
def prepared_training(
    source: Source, target: Targets, asked: Options, ranks: Ranks | None = None
) -> Iterator[TableTraining]:
    """Yield the training on a table before its first step, by several ranks where there are some.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> with prepared_training(open_source("sklearn:wine"), "target", Options()) as training:
    ...     len(training.prepared.rows), training.options.batch_size, training.trainer.epochs
    (178, 32, 0)
    """
    check_width(source)
    check_several(target, asked)
    with _mended_by_options(), plainly_too_little("; set `memory=300_000_000`, or less"):
        source = parted(source, ranks or Alone(), functools.partial(shards_for, asked, ranks))
        prepared = prepare(source, target, asked)
        prepared.doubts += doubts_of(target, source.columns)
        with prepared.blocks:
            check_interval(prepared, asked.interval)
            to, rows = prepared.target, prepared.training_rows
            chosen = completed(asked, to.task, rows, to.outputs)
            chosen = dataclasses.replace(chosen, shards=prepared.examples.shards)
            if chosen.shards:
                warn_of_idle(prepared.ranks, chosen.shards, int(chosen.batch_size or rows))
            training = TableTraining(source, prepared, chosen, [first_stage(prepared, chosen)])
            check_storable(_untrained(training))
            held = prepared.validation_rows
            LOGGER.info("%s: %d rows in training, %d held out", source.name, rows, held)
            yield training


@contextmanager
def _mended_by_options() -> Iterator[None]:
    """Say of a training that diverged which options help."""
    try:
        yield
    except DivergenceError as error:
        error.args = (str(error).replace(REMEDY, "lower `learning_rate=`, or set `clip_norm=`"),)
        raise


def decided(prepared: Prepared) -> list[dict[str, str]]:
    """Return the decisions on the columns as JSON has them.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> with prepared_training(open_source("sklearn:wine"), "target", Options()) as training:
    ...     decided(training.prepared)[0]["role"]
    'number'
    """
    return [{"column": d.column, "role": d.role, "reason": d.reason} for d in prepared.decisions]


def known_before(training: TableTraining) -> dict[str, Any]:
    """Return what a model tells of its training that is known before the first step."""
    prepared = training.prepared
    return {
        "rows": {
            "training": prepared.training_rows,
            "validation": prepared.validation_rows,
            "without_target": prepared.without_target,
        },
        "decisions": decided(prepared),
        "options": training.options.of_the_model(),
        **({"reading": prepared.reading} if prepared.reading else {}),
    }


def is_model_of(model: TableModel, training: TableTraining) -> bool:
    """Whether a model is of this training: of its options, and of columns with its statistics.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> model, wine = cr.train("sklearn:wine", "target", epochs=1), open_source("sklearn:wine")
    >>> with prepared_training(wine, "target", Options(epochs=1)) as training:
    ...     is_model_of(model, training)
    True
    """
    known, prepared = {"reading": None} | known_before(training), training.prepared
    there, here = (
        [about, preparation.to_data(), target.to_data()]
        for about, preparation, target in (
            ({name: model.about.get(name) for name in known}, model.preparation, model.target),
            (known, prepared.preparation, prepared.target),
        )
    )
    return json.dumps(there, sort_keys=True) == json.dumps(here, sort_keys=True)


def model_of(
    prepared: Prepared, net: Network, params: Parameters, curves: Mapping[str, Any] | None = None
) -> TableModel:
    """Return the model of some parameters, of which nothing is told yet."""
    own = prepared.preparation, prepared.target, prepared.baseline
    return TableModel(
        net, params, *own, curves or {}, about={}, forms=prepared.forms, means=prepared.means
    )


def _untrained(training: TableTraining) -> TableModel:
    """Return the model before a training, with all that is told of it until then."""
    about = {**known_before(training), "warnings": training.prepared.doubts}
    trainer = training.trainer
    model = model_of(training.prepared, trainer.plan.net, trainer.params)
    members: Any = training.options.members
    model = dataclasses.replace(model.with_members([model.params] * members), about=about)
    if (share := training.options.interval) is None:
        return model
    interval = Interval(share, 0.0, len(training.prepared.held_out.X), 0.0, 1.0)
    if not training.has_bounds:
        return dataclasses.replace(model, interval=interval)
    of = for_bounds(training.prepared, share)
    net = network(of, options_for_bounds(training.options, share))
    bounds = model_of(of, net, net.init(0, dtype="float32"))
    return dataclasses.replace(model, bounds=bounds, interval=interval)
