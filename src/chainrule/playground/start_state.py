"""The first state of the page from a file: a network with its examples, a model, or a table.

| key | what it is |
|---|---|
| state | what of the page's state is not as it is by default |
| given | examples as they stand, where the page makes none itself |
| table | a table as CSV, which the page reads as one that a reader drops on it |
| working | the working of the first weight as text, for browsers that run no scripts |
| model | how a model encodes its columns, for other tables that a reader drops on the page |
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.explanation import explain
from chainrule.fields import fields_of
from chainrule.losses import LOSSES
from chainrule.network import Network, Parameters, frozen
from chainrule.optimizers import OPTIMIZERS, SGD, Optimizer
from chainrule.schedules import SCHEDULES, Schedule
from chainrule.serialization import network_to_data
from chainrule.trees import leaves, named_leaves

if TYPE_CHECKING:
    from chainrule.explanation.network_file import NetworkFile
    from chainrule.history import History
    from chainrule.tabular.files.source import Source
    from chainrule.tabular.table_model import TableModel

ROWS = 100_000
"""The most rows of a table that a page holds."""

MODEL_ROWS = 2_000
"""The most rows that a page trains a model of a table with."""

WORKING_SIGNS = 20_000
"""The most signs of a working that a page holds as text."""

GIVEN = "given"
"""The set of examples that came with the page."""

Start = dict[str, Any]
Array = NDArray[Any]


def of_network_file(file: NetworkFile) -> Start:
    """Return the start with a network file's network, parameters, examples and training.

    Raises ValueError for what the page cannot train.

    >>> from chainrule.explanation.network_file import network_path, read_network_file
    >>> start = of_network_file(read_network_file(network_path("2-2-2")))
    >>> start["state"]["net"]["loss"], start["given"]["outputs"]
    ('half_squared_error', 2)
    """
    if file.y is None:
        raise ValueError("the network file has no targets, and without them there is no training")
    if file.sample_weight is not None or file.ties:
        raise ValueError("the playground trains without sample_weight and ties")
    run = _run(file.optimizer or SGD(), len(file.X) if file.batch_size is None else file.batch_size)
    run["frozen"] = sorted(frozen(file.params, file.freeze))
    names = {"inputs": [*file.inputs], "outputs": [*file.outputs]}
    return {
        "state": {"net": _net(file.net, file.params), "run": run, **_data()},
        "given": {**_examples(file.net, file.X, file.y), "names": names},
        "working": _working(file),
    }


def _working(file: NetworkFile) -> str:
    """The lines of the first weight, or of the cost where there is none; not those far down."""
    weighs = any(name.endswith(".W") for name, _ in named_leaves(file.params))
    made = explain(*file[:4], of="w1" if weighs else "cost", **file.options()).text()
    shown = made[:WORKING_SIGNS].rpartition("\n")[0]
    return made if len(made) <= WORKING_SIGNS else f"{shown}\n…"


def of_model(net: Network, params: Parameters, history: History | None = None) -> Start:
    """Return the start with a network and its parameters; points of the plane are its examples.

    With a history that ends with the parameters, the training goes on from there.

    Raises ValueError for what the page cannot train, and where the network takes no points.

    >>> net = cr.Network(2, [cr.Dense(2)], loss="cross_entropy")
    >>> of_model(net, net.init())["state"]["net"]["layers"]
    [['dense', {'units': 2, 'activation': 'identity', 'initialiser': None}]]
    """
    if net.inputs != 2:
        raise ValueError(f"the model takes {net.inputs} inputs; name the table of its examples")
    run = _begun(history) if history is not None and not history.restored else None
    return {"state": {"net": _net(net, params), **({"run": run} if run else {})}}


def _begun(history: History) -> dict[str, Any] | None:
    """Where a training stands, and what its optimizer keeps; None of one of one's own."""
    at, names = history.at, {kind.__name__: name for name, kind in OPTIMIZERS.items()}
    if at.optimizer not in names:
        return None
    begun = {
        "step": at.step,
        "epoch": at.epoch,
        "optimizer": names[at.optimizer],
        "losses": [*map(float, history.loss)],
        "states": [[_numbers(kept) for kept in state] for state in at.states],
    }
    return {"optimizer": names[at.optimizer], "begun": begun}


def of_table_model(model: TableModel, source: Source, member: int = 1) -> Start:
    """Return the start with one of a model's networks, and rows of a table as it takes them.

    Raises ValueError for what the page cannot train, and where there are fewer networks.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> model = cr.train("sklearn:wine", "target", members=2, epochs=5)
    >>> start = of_table_model(model, open_source("sklearn:wine"), member=2)
    >>> start["given"]["n"], start["given"]["said"]
    (178, [['data.member', {'member': 2, 'of': 2}]])
    """
    from chainrule.tabular.encoding.several_targets import SeveralTargets
    from chainrule.tabular.table_diagnosis import prepared_rows

    count = len(model.members)
    if not 1 <= member <= count:
        raise ValueError(f"`member` must be 1 to {count}, the networks of the model, got {member}")
    if isinstance(model.target, SeveralTargets):
        names = ", ".join(map(repr, model.target.columns))
        raise ValueError(
            f"the playground trains one loss, and the model has one for each of {names}: "
            "train one for a single target"
        )
    X, y = (part[:MODEL_ROWS] for part in prepared_rows(model, source, rows=MODEL_ROWS))
    named = {"inputs": [*model.preparation.feature_names], "outputs": [*model.outputs_named]}
    net = _net(model.net, model.members[member - 1])
    state = {"net": net, "run": _going_on(model), "seen": _last_weight(model.net), **_data()}
    said = [["data.member", {"member": member, "of": count}]] if count > 1 else []
    given = {**_examples(model.net, X, y), "names": named, "said": said}
    return {"state": state, "given": given, "model": {**columns_of(model), "said": said}}


def columns_of(model: TableModel) -> dict[str, Any]:
    """Return how a model encodes its columns, as its file has it.

    >>> model = cr.train("sklearn:wine", "target", epochs=1)
    >>> columns_of(model)["target"]["kind"]
    'Classes'
    """
    return {
        "preparation": model.preparation.to_data(),
        "target": model.target.to_data(),
        "forms": model.forms.to_data(),
    }


def of_table(source: Source) -> Start:
    """Return the start with a table, as CSV: its first rows, where it has more than a page holds.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> of_table(open_source("sklearn:wine"))["table"]["rows"]
    178
    """
    text, rows = io.StringIO(), 0
    for chunk in source.chunks():
        part = chunk.head(ROWS - rows)
        part.write_csv(text, include_header=not rows)
        rows += part.height
        if rows >= ROWS:
            break
    name = Path(source.name).name
    return {"state": {}, "table": {"name": name, "rows": rows, "text": text.getvalue()}}


RATE = 0.1
"""What share of the rate of its training a model goes on with: at its end, that was near 0."""


def _going_on(model: TableModel) -> dict[str, Any]:
    """The optimizer and the batches of a model's training."""
    from chainrule.tabular.training_options import OF_OPTIMIZERS

    options = model.about["options"]
    rate = model.about["runs"].get("rate") or np.min(options["learning_rate"])
    own = {name: options[name] for name in OF_OPTIMIZERS if options.get(name) is not None}
    kind: Any = OPTIMIZERS[options["optimizer"]]
    return _run(kind(RATE * rate, **own), options["batch_size"])


def _last_weight(net: Network) -> dict[str, Any]:
    """The subject of the first weight of the last layer that has some."""
    sizes = [leaf.size for name, leaf in named_leaves(net.form) if name.endswith(".W")]
    return {"subject": f"w{sum(sizes[:-1]) + 1}"}


def _data() -> dict[str, Any]:
    return {"data": {"set": GIVEN, "test": 0}}


def _net(net: Network, params: Parameters) -> dict[str, Any]:
    data = network_to_data(net)
    if data["loss"].partition("(")[0] not in LOSSES or net.reduction != "mean":
        raise ValueError(f"the playground has no loss {data['loss']!r} of the {net.reduction}")
    layers = [_layer(layer) for layer in data["layers"]]
    weights = [_numbers(leaf) for leaf in leaves(params)]
    return {
        "layers": layers, "loss": data["loss"], "l1": net.l1, "l2": net.l2, "weights": weights
    }  # fmt: skip


def _layer(data: dict[str, Any]) -> list[Any]:
    """A layer as the page has it: its kind, and its options."""
    options = dict(data)
    kind = options.pop("kind")
    if kind not in lowering_patterns():
        raise ValueError(
            f"the playground has no layers of the kind {kind!r}, several networks in one: "
            "begin it with a network without"
        )
    if "layers" in options:
        options["layers"] = [_layer(each) for each in options["layers"]]
    return [kind, options]


def _numbers(array: Array) -> list[float]:
    """Numbers as they are written the shortest: single ones of float32 have 9 digits at most.

    >>> _numbers(np.array([[0.1, 2]], np.float32))
    [0.1, 2.0]
    """
    return [float(str(number)) for number in np.ravel(array)]


def _run(optimizer: Optimizer, batch: int) -> dict[str, Any]:
    (name,) = (name for name, kind in OPTIMIZERS.items() if type(optimizer) is kind)
    numbers = {field: getattr(optimizer, field) for field in fields_of(type(optimizer))}
    if not isinstance(numbers["learning_rate"], Schedule):
        return {"optimizer": name, "numbers": numbers, "batch": batch}
    schedule = _schedule(numbers.pop("learning_rate"))
    return {"optimizer": name, "numbers": numbers, "schedule": schedule, "batch": batch}


def _schedule(rate: Any) -> Any:
    """A schedule as the page has it: its kind, and its fields; a number as it is.

    >>> _schedule(cr.WarmUp(10, then=cr.Constant(0.1)))
    ['warm_up', {'steps': 10, 'then': ['constant', {'rate': 0.1}]}]
    """
    if not isinstance(rate, Schedule):
        return rate
    (name,) = (name for name, kind in SCHEDULES.items() if type(rate) is kind)
    return [name, {field: _schedule(getattr(rate, field)) for field in fields_of(type(rate))}]


def _examples(net: Network, X: Array, y: Array) -> dict[str, Any]:
    labels = y.ndim == 1 and np.issubdtype(y.dtype, np.integer)
    return {
        "n": len(X),
        "inputs": net.inputs,
        "outputs": net.outputs,
        "X": _numbers(X),
        ("labels" if labels else "y"): np.ravel(y).tolist(),
    }
