"""What the file of a table's model tells beside its arrays: the types of all of it, declared once.

`read` holds a file to them, and to what its parts say of each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from chainrule import codec, losses
from chainrule.codec import Makes
from chainrule.layers.dense_stack import has_parts
from chainrule.loss_row import Loss
from chainrule.network import Network
from chainrule.tabular.bounds import levels
from chainrule.tabular.columns.decision import FEATURES, ColumnRole
from chainrule.tabular.encoding.preparation import Preparation, PreparationData
from chainrule.tabular.encoding.several_targets import SeveralTargets
from chainrule.tabular.encoding.target_encoding import ClassEncoder, QuantityEncoder, TargetEncoder
from chainrule.tabular.formats.column_formats import ColumnFormat
from chainrule.tabular.intervals import Interval
from chainrule.tabular.objectives import TASKS, kind_of, task_of
from chainrule.tabular.read_options import Reading
from chainrule.tabular.scores import METRICS, SCORES
from chainrule.tabular.training_options import Options
from chainrule.value_types import AtLeastOne, Count, Must, NotNegative, OneOf, Positive, Share

Array = NDArray[Any]

Scores = Annotated[
    dict[str, float],
    Must(f"scores by their names, {', '.join(SCORES)}", lambda scores: set(scores) <= set(SCORES)),
]
_OfClass = TypedDict(
    "_OfClass",
    {
        "class": str,
        "precision": Share | None,
        "recall": Share | None,
        "f1": Share | None,
        "support": Annotated[float, Must("a number >= 0", lambda x: x >= 0)],
    },
)


class RowCounts(TypedDict):
    """How many rows a table had."""

    training: Count
    validation: Count
    without_target: Count


class Decided(TypedDict):
    """What became of a column."""

    column: str
    role: ColumnRole
    reason: str


class _Both(TypedDict):
    model: Scores
    baseline: Scores


class _OfBaseline(TypedDict):
    baseline: NotNegative


class Widths(_OfBaseline, total=False):
    """The mean in the rows held out, and what the baseline has.

    It is of the width of bounds, or of the size of sets of classes.
    """

    width: NotNegative
    size: NotNegative


class Validation(_Both, total=False):
    """The scores in the rows held out; of classes, of each; of an interval, how wide it is."""

    classes: list[_OfClass]
    interval: Widths


class _Rate(TypedDict):
    rate: Positive
    found: float | None


class Raced(_Rate, total=False):
    """A rate of a race, and the best that was found of it in the rows held out, if it was finite.

    It is what validation goes by, the loss or a metric, after an epoch.
    """

    epoch: AtLeastOne


class Brought(TypedDict):
    """A score of one member in the rows held out, and of the mean of all."""

    score: Annotated[str, OneOf(SCORES)]
    one: float
    members: float


class _Members(TypedDict):
    members: AtLeastOne


class Runs(_Members, total=False):
    """How many networks are members, and at which rate; every second one, where another is told.

    Of members that were trained with all rows, `epochs` tells how many epochs each made.
    """

    rate: Positive
    also: Positive
    epochs: list[AtLeastOne]
    race: list[Raced]
    brought: Brought
    left_out: list[str]


class Calibrated(TypedDict):
    """The temperature of classes; the log loss of the rows held out without it, and with it."""

    temperature: Positive
    before: NotNegative
    after: NotNegative


class About(TypedDict, total=False):
    """How a model was trained; what a file does not tell was not known."""

    rows: RowCounts
    decisions: list[Decided]
    options: Annotated[dict[str, Any], Makes(Options.from_mapping)]
    reading: Annotated[dict[str, Any], Makes(Reading.from_mapping)]
    epochs: Count
    best_epoch: Count
    over: Literal["", "epochs", "early stopping", "callback"]
    epochs_with_all: Count
    refit: str
    runs: Runs
    validation: Validation
    targets: dict[str, Validation]
    calibration: Calibrated
    calibrations: dict[str, Calibrated]
    warnings: list[str]


class _Parts(TypedDict):
    kind: str
    network: Any  # `network_from_data` reads it
    preparation: PreparationData
    target: ClassEncoder | QuantityEncoder | SeveralTargets


class Networks(TypedDict):
    """The networks of the quantiles that bounds are made of."""

    network: Any
    target: QuantityEncoder


class TableFile(_Parts, About, total=False):
    """All that a file tells."""

    format: int
    library: str
    forms: dict[str, ColumnFormat]
    interval: Interval
    bounds: Networks


def read(data: dict[str, Any]) -> TableFile:
    """Return what a file tells; raise ValueError, with the place, for what is not as declared.

    >>> read({"kind": "table"})
    Traceback (most recent call last):
    ...
    ValueError: it must have the keys kind, network, ...: the key 'network' is missing
    """
    file: TableFile = codec.read(data, TableFile, "")
    return file


def check(
    file: TableFile,
    net: Network,
    preparation: Preparation,
    target: TargetEncoder,
    arrays: ArraysByName,
    *,
    members: int,
) -> None:
    """Raise ValueError where the parts of a file do not fit together; `arrays` without parameters.

    They are the inputs and outputs of network and table, the loss and the target, the decisions and
    the columns, the scores and the classes, the epochs and the curves, the members and their runs,
    the interval and its bounds.
    """
    check_networks(net, preparation, target, arrays["baseline"])
    check_means(arrays.get("means"), preparation)
    _check_interval(file, target)
    _check_curves(file, arrays)
    _check_training(file)
    _check_calibrations(file, target)
    if "runs" in file:
        _agree("the members of runs", members, file["runs"]["members"])
    if "decisions" in file:
        _check_decisions(file["decisions"], preparation, target)
    _check_targets(file, target)
    if "validation" in file:
        _check_scores(file["validation"], kind_of(target, net.loss), getattr(target, "names", ()))


def check_networks(
    net: Network, preparation: Preparation, target: TargetEncoder, baseline: Array
) -> None:
    """Raise ValueError where networks and a baseline do not fit a table and its target."""
    _check_network(net, preparation, target)
    _check_baseline(baseline, target)


def check_means(means: Array | None, preparation: Preparation) -> None:
    """Raise ValueError where the means of prepared rows are not one for each feature."""
    features = len(preparation.feature_names)
    if means is not None and (means.shape != (features,) or means.dtype.kind != "f"):
        raise ValueError(f"its means must be those of {features} features")


ArraysByName = Mapping[str, Array]


def _agree(what: str, must: Any, got: Any) -> None:
    if must != got:
        raise ValueError(f"{what} must be {must!r}, got {got!r:.100}")


def _check_network(net: Network, preparation: Preparation, target: TargetEncoder) -> None:
    sizes = {"inputs": len(preparation.feature_names), "outputs": target.outputs}
    for name, size in sizes.items():
        if getattr(net, name) != size:
            raise ValueError(
                f"its network has {getattr(net, name)} {name}, and its table needs {size}"
            )
    heads = losses.loss(net.loss).heads(net.outputs)
    _agree("the heads of network.loss", len(target.each), len(heads))
    for each, head in zip(target.each, heads, strict=True):
        _agree("the outputs of network.loss", each.outputs, head.outputs)
        _check_loss(head.loss, each)
    if len(heads) > 1 and not has_parts(net.layers[-1]):
        raise ValueError("the last layer of network must be Dense for several targets")


def _check_loss(row: Loss, target: TargetEncoder) -> None:
    _agree(
        "the task of network.loss", target.task, task_of(str(row)) if row.target in TASKS else ""
    )
    levels = row.parameters if row.name == "quantile" else ()
    _agree("the quantiles of network.loss", getattr(target, "quantiles", ()), levels)


def _check_targets(file: TableFile, target: TargetEncoder) -> None:
    """Check that several targets have scores of each, and that one has none of such."""
    several = len(target.each) > 1
    if ("targets" if not several else "validation") in file:
        raise ValueError("scores of validation must be those of its targets")
    if "targets" in file:
        _agree("the targets with scores", sorted(target.columns), sorted(file["targets"]))
        for each in target.each:
            found = file["targets"][each.column]
            _check_scores(found, kind_of(each, None), getattr(each, "names", ()))


def _check_calibrations(file: TableFile, target: TargetEncoder) -> None:
    """Check that what has a temperature has classes: of several targets each by its name."""
    if "calibration" in file:
        _agree("the task of what has a temperature", "classification", target.task)
    known = [each.column for each in target.each if each.task == "classification"]
    for name in file.get("calibrations", ()):
        if len(target.each) == 1 or name not in known:
            raise ValueError(f"calibrations must be of targets with classes, got {name!r:.100}")


def _check_baseline(baseline: Array, target: TargetEncoder) -> None:
    if baseline.shape != (target.outputs,) or baseline.dtype.kind != "f":
        raise ValueError(f"its baseline must have {target.outputs} values")
    first = 0
    for each in target.each:
        own = baseline[first : (first := first + each.outputs)]
        if each.task == "classification" and not _are_shares(own):
            raise ValueError("its baseline must be the shares of the classes")


def _are_shares(values: Array) -> bool:
    return bool(
        (values >= 0).all() and (values <= 1).all() and np.isclose(values.sum(), 1, atol=1e-3)
    )


def _check_interval(file: TableFile, target: TargetEncoder) -> None:
    """Check that an interval of a quantity has its bounds, and that they are of its target."""
    needed = "interval" in file and target.task == "regression"
    if ("bounds" in file) != needed:
        raise ValueError("an interval of a quantity and its bounds must be told together")
    if "bounds" in file:
        own = file["bounds"]["target"]
        _agree("the target of bounds", target.column, own.column)
        _agree("the quantiles of bounds", levels(file["interval"].share), own.quantiles)


OF_ROWS = ("baseline", "means")
"""The arrays that are no curves."""


def _check_curves(file: TableFile, arrays: ArraysByName) -> None:
    known = ["loss", "validation_loss", *(f"validation_{name}" for name in METRICS)]
    raced = [f"race.{k}" for k, _ in enumerate(file.get("runs", {}).get("race", ()), 1)]
    for name, curve in arrays.items():
        of = name.removeprefix("curves.")
        if name not in OF_ROWS and of not in (*known, *raced):
            raise ValueError(f"the array {name!r:.100} belongs to nothing in it")
        epochs = file.get("epochs", len(curve)) if of in known else len(curve)
        if name not in OF_ROWS and curve.shape != (epochs,):
            raise ValueError(f"the array {name!r} must hold one number an epoch")


def _check_training(file: TableFile) -> None:
    """Check what is said of the epochs, and that the options are there which it goes with."""
    epochs, options = file.get("epochs", 0), file.get("options", {})
    if ("epochs" in file) != ("best_epoch" in file):
        raise ValueError("epochs and best_epoch must be told together")
    if file.get("best_epoch", 0) > epochs:
        raise ValueError(f"best_epoch must be one of the {epochs} epochs, got {file['best_epoch']}")
    needed = [
        *["epochs"] * ("epochs" in file),
        *["patience"] * (file.get("over") == "early stopping"),
    ]
    for name in needed:
        if options.get(name) is None:
            raise ValueError(f"options must have the key {name!r}")


def _check_decisions(
    decided: list[Decided], preparation: Preparation, target: TargetEncoder
) -> None:
    columns = [each["column"] for each in decided]
    _agree("the columns of decisions", sorted(set(columns)), sorted(columns))
    told = sorted(_with_role(decided, ["target"]))
    _agree("the target of decisions", sorted(target.columns), told)
    _agree(
        "the columns of decisions that become inputs",
        sorted(preparation.columns),
        sorted(_with_role(decided, FEATURES)),
    )


def _with_role(decided: list[Decided], roles: Iterable[str]) -> list[str]:
    return [each["column"] for each in decided if each["role"] in roles]


def _check_scores(found: Validation, kind: str, names: tuple[str, ...]) -> None:
    fitting = {name for name, score in SCORES.items() if kind in score.of}
    _agree("the scores of validation.baseline", sorted(found["model"]), sorted(found["baseline"]))
    if wrong := set(found["model"]) - fitting:
        raise ValueError(f"validation.model must hold scores of {kind}, got {min(wrong)!r}")
    if "classes" in found:
        _agree(
            "the classes of validation", list(names), [each["class"] for each in found["classes"]]
        )
