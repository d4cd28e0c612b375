"""The first state of the page from a file: a network with its examples, a model, or a table.

| key | what it is |
|---|---|
| state | what of the page's state is not as it is by default |
| given | examples as they stand, where the page makes none itself |
| table | a table as CSV, which the page reads as one that a reader drops on it |
"""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.losses import LOSSES
from chainrule.network import Network, Parameters, frozen
from chainrule.optimizers import OPTIMIZERS, SGD, Optimizer
from chainrule.schedules import Schedule
from chainrule.serialization import network_to_data
from chainrule.trees import leaves

if TYPE_CHECKING:
    from chainrule.explanation.network_file import NetworkFile
    from chainrule.tabular.files.source import Source
    from chainrule.tabular.table_model import TableModel

ROWS = 100_000
"""The most rows of a table that a page holds."""

MODEL_ROWS = 2_000
"""The most rows that a page trains a model of a table with."""

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
    }


def of_model(net: Network, params: Parameters) -> Start:
    """Return the start with a network and its parameters; points of the plane are its examples.

    Raises ValueError for what the page cannot train, and where the network takes no points.

    >>> net = cr.Network(2, [cr.Dense(2)], loss="cross_entropy")
    >>> of_model(net, net.init())["state"]["net"]["layers"]
    [['dense', {'units': 2, 'activation': 'identity', 'initialiser': None}]]
    """
    if net.inputs != 2:
        raise ValueError(f"the model takes {net.inputs} inputs; name the table of its examples")
    return {"state": {"net": _net(net, params)}}


def of_table_model(model: TableModel, source: Source) -> Start:
    """Return the start with a model's first network, and rows of a table as it takes them.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> model = cr.train("sklearn:wine", "target", embedding="none", members=1, epochs=5)
    >>> of_table_model(model, open_source("sklearn:wine"))["given"]["n"]
    178
    """
    from chainrule.tabular.table_diagnosis import prepared_rows

    X, y = (part[:MODEL_ROWS] for part in prepared_rows(model, source, rows=MODEL_ROWS))
    names = {"inputs": [*model.preparation.feature_names], "outputs": [*model.outputs_named]}
    state = {"net": _net(model.net, model.params), **_data()}
    return {"state": state, "given": {**_examples(model.net, X, y), "names": names}}


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


def _data() -> dict[str, Any]:
    return {"data": {"set": GIVEN, "test": 0}}


def _net(net: Network, params: Parameters) -> dict[str, Any]:
    data = network_to_data(net)
    if data["loss"] not in LOSSES or net.reduction != "mean":
        raise ValueError(f"the playground has no loss {data['loss']!r} of the {net.reduction}")
    layers = [_layer(layer) for layer in data["layers"]]
    weights = [np.ravel(leaf).astype(float).tolist() for leaf in leaves(params)]
    return {
        "layers": layers, "loss": data["loss"], "l1": net.l1, "l2": net.l2, "weights": weights
    }  # fmt: skip


def _layer(data: dict[str, Any]) -> list[Any]:
    """A layer as the page has it: its kind, and its options."""
    options = dict(data)
    kind = options.pop("kind")
    if kind not in lowering_patterns():
        raise ValueError(
            f"the playground has no layers of the kind {kind!r}: begin it with a network without"
        )
    if "layers" in options:
        options["layers"] = [_layer(each) for each in options["layers"]]
    return [kind, options]


def _run(optimizer: Optimizer, batch: int) -> dict[str, Any]:
    rate = optimizer.learning_rate
    if isinstance(rate, Schedule):
        raise ValueError(f"the playground begins with a learning rate that stays, got {rate!r}")
    (name,) = (name for name, kind in OPTIMIZERS.items() if type(optimizer) is kind)
    return {"optimizer": name, "numbers": dataclasses.asdict(optimizer), "batch": batch}  # type: ignore[call-overload]


def _examples(net: Network, X: Array, y: Array) -> dict[str, Any]:
    labels = y.ndim == 1 and np.issubdtype(y.dtype, np.integer)
    return {
        "n": len(X),
        "inputs": net.inputs,
        "outputs": net.outputs,
        "X": np.ravel(X).tolist(),
        ("labels" if labels else "y"): np.ravel(y).tolist(),
    }
