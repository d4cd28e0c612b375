"""The first state of the page from a file: a network with its examples, a model, or a table.

| key | what it is |
|---|---|
| state | what of the page's state is not as it is by default |
| given | examples as they stand, where the page makes none itself |
| table | a table as CSV, which the page reads as one that a reader drops on it |
| working | the working of the first weight as text, for browsers that run no scripts |
| file | of a model of a table `{"bytes", "member", "weighs"}`: its file, of which the page takes \
how columns are encoded and, where it `weighs`, the weights of one network, and which it writes |

Arrays stand as such where they belong; `page_arrays.py` brings them into the page.
"""

from __future__ import annotations

import base64
import dataclasses
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.explanation import explain
from chainrule.fields import fields_of
from chainrule.formatting import counted
from chainrule.network import Network, Parameters, frozen
from chainrule.optimizers import OPTIMIZERS, SGD, Optimizer
from chainrule.playground.choices import MOST_WEIGHTS
from chainrule.playground.network_rows import network_rows
from chainrule.schedules import SCHEDULES, Schedule
from chainrule.serialization import file_parts, network_to_data
from chainrule.trees import leaves, named_leaves

if TYPE_CHECKING:
    from chainrule.explanation.network_file import NetworkFile
    from chainrule.history import History
    from chainrule.layers import Layer
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


def of_model(
    net: Network,
    params: Parameters,
    history: History | None = None,
    *,
    source: Source | None = None,
    member: int | None = None,
) -> Start:
    """Return the start with a network, its parameters and a table's rows, or points of the plane.

    With a history that ends with the parameters, the training goes on from there. Of several
    members within the last layer it is one alone, which begins anew: what an optimizer keeps is of
    all of them.

    Raises ValueError for what the page cannot train, and without a table where the network takes
    no points of two classes.

    >>> net = cr.Network(2, [cr.Dense(2)], loss="cross_entropy")
    >>> of_model(net, net.init())["state"]["net"]["layers"]
    [['dense', {'units': 2, 'activation': 'identity', 'initialiser': None}]]
    """
    count = net.members
    _check_member(member, count)
    _check_size(net)
    net, params = member_alone(net, params, member or 1)
    made = _net(net, params)
    goes_on = history is not None and not history.restored and count == 1
    run = _begun(history) if goes_on and history is not None else None
    state = {"net": made, **({"run": run} if run else {})}
    said = _said_of_member(member or 1, count)
    if source is None:
        if not _takes_points(net):
            raise ValueError(
                f"the model takes {counted(net.inputs, 'input')} and has "
                f"{counted(net.outputs, 'output')}; name the table of its examples by --data"
            )
        return {"state": state}
    X, y, names = network_rows(net, source, ROWS)
    given = {**_examples(net, X, y), "names": names, "said": said}
    return {"state": {**state, **_data()}, "given": given}


def _takes_points(net: Network) -> bool:
    """Whether points of two classes, of which the page draws sets, are examples of a network."""
    outputs = 2 if net.row.target == "class" else net.row.group
    return (net.inputs, net.outputs) == (2, outputs) and not net.row.parts


def member_alone(net: Network, params: Parameters, member: int) -> tuple[Network, Parameters]:
    """Return one of the members within a network's last layer as a network, from 1; of one, itself.

    >>> net = cr.Network(3, [cr.Members(4, cr.Dense(8, "relu"), cr.Dense(1))], loss="huber")
    >>> alone, params = member_alone(net, net.init(), 2)
    >>> alone.layers, np.shape(params[1].W)
    ((Scale(), Dense(8, 'relu'), Dense(1, 'identity')), (8, 3))
    """
    alone = net.layers[-1].alone(params[-1], member - 1)
    layers: tuple[Layer, ...] = (*net.layers[:-1], *(layer for layer, _ in alone))
    return dataclasses.replace(net, layers=layers), (*params[:-1], *(own for _, own in alone))


def _check_member(member: int | None, count: int) -> None:
    if member is not None and not 1 <= member <= count:
        raise ValueError(f"`member` must be 1 to {count}, the networks of the model, got {member}")


def _said_of_member(member: int, count: int) -> list[Any]:
    return [["data.member", {"member": member, "of": count}]] if count > 1 else []


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
        "states": [[np.ravel(kept) for kept in state] for state in at.states],
    }
    own = _run(history.optimizer) if history.optimizer else {"optimizer": names[at.optimizer]}
    return {**own, "begun": begun}


def of_table_model(model: TableModel, source: Source, member: int = 1) -> Start:
    """Return the start with one of a model's networks, and rows of a table as it takes them.

    Raises ValueError for what the page cannot train, and where there are fewer networks.

    >>> from chainrule.tabular.files.open_source import open_source
    >>> model = cr.train("sklearn:wine", "target", members=2, epochs=5)
    >>> start = of_table_model(model, open_source("sklearn:wine"), member=2)
    >>> start["given"]["n"], start["given"]["said"]
    (178, [['data.member', {'member': 2, 'of': 2}]])
    """
    from chainrule.tabular import stored_model
    from chainrule.tabular.table_diagnosis import prepared_rows

    count = len(model.members)
    _check_member(member, count)
    net = _net(model.net, model.members[member - 1])
    del net["weights"]  # which are those of the file
    X, y = (part[:MODEL_ROWS] for part in prepared_rows(model, source, rows=MODEL_ROWS))
    named = {"inputs": [*model.preparation.feature_names], "outputs": [*model.outputs_named]}
    state = {"net": net, "run": _going_on(model), "seen": _last_weight(model.net), **_data()}
    said = _said_of_member(member, count)
    given = {**_examples(model.net, X, y), "names": named, "said": said}
    bytes_of = base64.b64encode(b"".join(file_parts(*stored_model.contents(model)))).decode()
    return {
        "state": state,
        "given": given,
        "file": {"bytes": bytes_of, "member": member, "weighs": True},
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
        part.write_csv(text, include_header=not rows, separator="," if source.pointed else ";")
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
    if net.reduction != "mean":
        raise ValueError(
            f"the playground trains with the mean of the examples' losses, and the network has the "
            f"{net.reduction}; open one with reduction='mean'"
        )
    _check_size(net)
    layers = [_layer(layer) for layer in data["layers"]]
    weights = [np.ravel(leaf) for leaf in leaves(params)]
    return {
        "layers": layers, "loss": data["loss"], "l1": net.l1, "l2": net.l2, "weights": weights
    }  # fmt: skip


def _check_size(net: Network) -> None:
    if net.size > MOST_WEIGHTS:
        raise ValueError(
            f"the playground trains at most {MOST_WEIGHTS:,} weights and biases, and the network "
            f"has {net.size:,}; train it with `cr.fit`"
        )


def _layer(data: dict[str, Any]) -> list[Any]:
    """A layer as the page has it: its kind, and its options."""
    options = dict(data)
    kind = options.pop("kind")
    if kind not in lowering_patterns():
        raise ValueError(
            f"the playground has no layers of the kind {kind!r} there; begin it with a network "
            "without"
        )
    if "layers" in options:
        options["layers"] = [_layer(each) for each in options["layers"]]
    return [kind, options]


def _run(optimizer: Optimizer, batch: int | None = None) -> dict[str, Any]:
    (name,) = (name for name, kind in OPTIMIZERS.items() if type(optimizer) is kind)
    numbers = {field: getattr(optimizer, field) for field in fields_of(type(optimizer))}
    made = {"optimizer": name, "numbers": numbers, **({"batch": batch} if batch else {})}
    if isinstance(numbers["learning_rate"], Schedule):
        made["schedule"] = _schedule(numbers.pop("learning_rate"))
    return made


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
        "X": np.ravel(X),
        ("labels" if labels else "y"): np.ravel(y),
    }
