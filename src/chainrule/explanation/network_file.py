"""A network with its data as a person writes it down: `network.toml`.

| key | value |
|---|---|
| layers | sizes, from the inputs to the outputs: `[2, 2, 2]`; or a table for each layer, of any \
kind, `[[layers]]`, which holds what `network_layers` says, its activation and weights too |
| activation | one for all layers or one for each behind the inputs; left out, `"sigmoid"`. \
A loss that applies a sigmoid, a softmax or exp itself has a linear last layer: there, one \
activation is that of the hidden layers, and `["tanh", "sigmoid"]` says the same |
| loss | left out, `"half_squared_error"` |
| reduction | what the cost is of the examples' losses: `"mean"`, or `"sum"` |
| l1, l2 | the penalties on the weights |
| dropout | one rate for all hidden layers, or one for each |
| weights, biases | one matrix, one list for each layer: `[[[0.15, 0.2], …], …]` |
| weights_are | `"units_by_inputs"`, a row for each unit; or `"inputs_by_units"` |
| w, b | instead, all of them in the order of their numbers: `[0.15, 0.2, …]` |
| seed | instead of weights: they are drawn |
| ties | groups of weights or biases that are one number: `[["h1.b", "h2.b"]]`, `[["w1", "w4"]]`; \
it is counted once, so that the biases of two layers, each tied, are b1 and b2 |
| inputs | one example, `[0.05, 0.1]`, or one row for each |
| targets | as many: one row for each example, or one label or number for each; left out, there is \
no cost, and a unit's derivative can be asked for |
| sample_weight | the weights of the examples in the mean |
| rate | the learning rate, or a schedule, `{ kind = "cosine", rate = 0.1, steps = 100 }`; left \
out along with `optimizer`, no update is worked out |
| optimizer | `"sgd"`, …; its own settings are keys too: `momentum = 0.9`, and with \
`dampening = 0.9` beside it v⁺ = 0.9 v + (1 − 0.9) g |
| freeze | patterns of parameters that stay: `["*.b"]` |
| velocity | of momentum, before the first step: like `weights` or `w`, or `{ w = …, b = … }`; \
w⁺ = w − v⁺, with dampening w − ηv⁺; texts in which w⁺ = w + v have the other sign |
| step | the step of the training that is worked out, after those before it; left out, the first |
| batch_size | how many examples make a step, in their order; left out, all; online training has 1 |
| names | names of inputs and outputs: `{ inputs = ["age"], outputs = ["yes", "no"] }` |

Biases that are left out are 0.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np

from chainrule.activations import activation
from chainrule.errors import check_weights, check_whole, unknown_name
from chainrule.explanation.network_parameters import PARAMETER_KEYS
from chainrule.explanation.network_training import SETTINGS, TRAINING_KEYS, TrainingKeys
from chainrule.explanation.toml_file import shape_of
from chainrule.layers import Layer
from chainrule.layers.dense_stack import stack
from chainrule.losses import loss
from chainrule.network import REDUCTIONS, Network, Parameters
from chainrule.optimizers import Optimizer
from chainrule.serialization.specifications import check_depth
from chainrule.targets import check_targets
from chainrule.trees import Array
from chainrule.value_types import AtLeastOne, Bounds, Fraction, NotNegative, OneOf, read

EXAMPLES = Path(__file__).with_name("examples")
"""The folder of the files that come with the package."""

MOST = 10_000_000
"""The most parameters of a network that is read."""

Size = Annotated[int, Bounds(least=1, below=MOST)]

KEYS = [
    *("layers", "activation", "loss", "reduction", "l1", "l2", "dropout", *PARAMETER_KEYS),
    *("inputs", "targets", "sample_weight", *TRAINING_KEYS, "names"),
]


class NetworkFile(NamedTuple):
    """What a network file holds: what `explain` takes, in its order and under its names."""

    net: Network
    params: Parameters
    X: Array
    y: Array | None
    sample_weight: Array | None
    optimizer: Optimizer | None
    freeze: tuple[str, ...]
    velocity: Parameters | None
    step: int | None
    batch_size: int | None
    ties: tuple[tuple[str, ...], ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    notes: tuple[str, ...]
    """What was decided where the file can be read in two ways."""

    def options(self) -> dict[str, Any]:
        """Return what `explain` takes by name, besides net, params, X and y."""
        return dict(zip(self._fields[4:-1], self[4:-1], strict=True))


def network_path(name: str) -> Path:
    """Return the path of a file, or of the example that is called so.

    >>> network_path("2-2-2").name
    '2-2-2.toml'
    """
    known = sorted(path.stem for path in EXAMPLES.glob("*.toml"))
    if name in known:
        return EXAMPLES / f"{name}.toml"
    if not Path(name).exists():
        raise unknown_name("file or example", name, known)
    return Path(name)


def read_network_file(path: str | Path) -> NetworkFile:
    """Return what a network file holds.

    Raises OSError where the file cannot be read, and ValueError for what is wrong in it: the
    message begins with file and line, and names the key and what was expected.

    >>> file = read_network_file(network_path("2-2-2"))
    >>> print(cr.explain(*file[:4], of="w5"))
    ∂E_total/∂w5 — network 2-2-2, sigmoid, half_squared_error
    ...
    """
    return _Reader.read(path, Path(path).name).network_file()


class _Reader(TrainingKeys):
    """The keys of a network file, read one after the other."""

    def check_keys(self) -> None:
        known = [*KEYS, *dict.fromkeys(itertools.chain(*SETTINGS.values()))]
        for key in self.given:
            if key not in known:
                raise self.error(key, unknown_name("key", key, known))
        for key in ("layers", "inputs"):
            if key not in self.given:
                raise ValueError(f"{self.name}: the key {key!r} is missing")

    # The whole

    def network_file(self) -> NetworkFile:
        self.check_keys()
        net = self.network()
        params = self.given_parameters(net) if self.has_tables else self.parameters(net)
        X = self.inputs(net)
        return NetworkFile(
            net=net,
            params=params,
            X=X,
            y=self.targets(net, len(X)),
            sample_weight=self.sample_weight(len(X)),
            optimizer=self.optimizer(),
            freeze=self.freeze(params),
            velocity=self.velocity(net),
            step=self.value("step", AtLeastOne),
            batch_size=self.value("batch_size", AtLeastOne),
            ties=self.ties(net, params),
            inputs=self.names("inputs", net.inputs),
            outputs=self.names("outputs", net.outputs),
            notes=tuple(self.notes),
        )

    # The network

    def network(self) -> Network:
        cost = self.given.get("loss", "half_squared_error")
        with self.at("loss"):
            link = loss(cost).link_name
        inputs, layers = self.layered_by_tables() if self.has_tables else self.stacked(cost, link)
        reduction = self.value("reduction", Annotated[str, OneOf(REDUCTIONS)], "mean")
        l1, l2 = (self.value(key, NotNegative, 0.0) for key in ("l1", "l2"))
        with self.at("layers" if self.has_tables else "loss"):
            net = Network(inputs, layers, cost, l1, l2, reduction)
        self.check_size(net.size)
        return net

    def check_size(self, count: int) -> None:
        if count > MOST:
            message = f"layers must have at most {MOST:,} weights and biases, got {count:,}"
            raise self.error("layers", message)

    def layered_by_tables(self) -> tuple[int, list[Layer]]:
        """Return how many inputs the examples have, and the layers."""
        rows = self.given["inputs"]
        row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], list) else rows
        if not isinstance(row, list) or not row:
            must = "must be numbers, a row for each example"
            raise self.error("inputs", f"inputs {must}, got {rows!r}")
        return len(row), self.layers()

    def stacked(self, cost: Any, link: str) -> tuple[int, list[Layer]]:
        """Return the number of inputs and the layers of a network given by its sizes."""
        inputs, *sizes = self.sizes()
        kinds = self.activations(len(sizes), str(cost), link)
        rates = self.each("dropout", 0, len(sizes) - 1, "hidden layers")
        with self.at("activation"):
            for kind in kinds:
                activation(kind)
        with self.at("dropout"):
            rates = [read(rate, Fraction, "dropout") for rate in rates]
        return inputs, stack(sizes, kinds, [*rates, 0])

    def sizes(self) -> list[int]:
        given = self.given["layers"]
        if not isinstance(given, list) or len(given) < 2:
            must = "must be sizes, from the inputs to the outputs, such as [2, 2, 2], or tables"
            raise self.error("layers", f"layers {must}, got {given!r}")
        with self.at("layers"):
            check_depth(len(given) - 1)
            sizes: list[int] = read(given, list[Size], "layers")
        self.check_size(sum((i + 1) * o for i, o in itertools.pairwise(sizes)))
        return sizes

    def activations(self, count: int, cost: str, link: str) -> list[Any]:
        """Return each layer's activation; the last is linear where the loss applies its link."""
        key, given = "activation", self.given.get("activation", "sigmoid")
        kinds = self.each(key, "sigmoid", count, "layers behind the inputs")
        if given == "softmax" and count > 1:
            must = 'is of the last layer: give one for each, such as ["sigmoid", "softmax"]'
            raise self.error(key, f"{key}: softmax {must}")
        if not link:
            return kinds
        told = isinstance(given, list) or (key in self.given and count == 1)
        with self.at(key):  # exp is a link, and no activation
            last = link if kinds[-1] == link else activation(kinds[-1]).name
        if told and last not in ("identity", link):
            must = f'that of the last layer must be "identity" or "{link}", which {cost} applies'
            raise self.error(key, f"{key}: {must} itself, got {kinds[-1]!r}")
        if not told and count > 1:
            self.notes.append(
                f"{given} is the activation of the hidden layers; the last layer is linear, and "
                f"{cost} applies {link} to it"
            )
        return [*kinds[:-1], "identity"]

    def each(self, key: str, default: Any, count: int, what: str) -> list[Any]:
        """Return a value for each of some layers; one that is not a list stands for all."""
        given = self.given.get(key, default)
        if not isinstance(given, list):
            return [given] * count
        if len(given) != count:
            message = f"{key} must be one for all, or one for each of the {count} {what}"
            raise self.error(key, f"{message}, got {len(given)}")
        return given

    # The data

    def inputs(self, net: Network) -> Array:
        given = self.given["inputs"]
        if isinstance(given, list) and given and not isinstance(given[0], list):
            given = [given]
        n = max(len(given), 1) if isinstance(given, list) else 1
        of = "a row for each example, with a number for each input"
        return self.array("inputs", "inputs", given, (n, net.inputs), of)

    def targets(self, net: Network, n: int) -> Array | None:
        """Return labels (n,) or numbers (n, outputs); None where no cost is asked for."""
        if "targets" not in self.given:
            return None
        given, kind = self.given["targets"], loss(net.loss).target
        given = given if isinstance(given, list) else [given]
        shape = shape_of(given)
        if kind == "class" and shape == (n,) and (n, net.outputs) != (1, 1):
            with self.at("targets"):
                below = net.outputs
                return np.array(
                    [
                        check_whole(f"targets[{k}]", label, least=0, below=below)
                        for k, label in enumerate(given)
                    ]
                )
        if shape == (net.outputs,) and n == 1:
            given = [given]
        elif shape == (n,) and net.outputs == 1:
            given = [[number] for number in given]
        of = "a row for each example, with a number for each output"
        labels = ", or one label for each" if kind == "class" else ""
        y = self.array("targets", "targets", given, (n, net.outputs), of + labels)
        with self.at("targets"):
            return check_targets(kind, y, n, net.outputs, np.float64, np, what="targets")

    def sample_weight(self, n: int) -> Array | None:
        key = "sample_weight"
        if key not in self.given:
            return None
        w = self.array(key, key, self.given[key], (n,), "a weight for each example")
        with self.at(key):
            return check_weights(w, n, np.float64, np)

    # The names

    def names(self, of: str, count: int) -> tuple[str, ...]:
        """Return the names of the inputs or of the outputs."""
        table = self.given.get("names", {})
        if not isinstance(table, dict) or not set(table) <= {"inputs", "outputs"}:
            must = 'names must be { inputs = ["…"], outputs = ["…"] }'
            raise self.error("names", f"{must}, got {table!r}")
        key, given = f"names.{of}", self.strings(f"names.{of}", table.get(of, []))
        if given and len(given) != count:
            message = f"{key} must hold a name for each of the {count} {of}, got {len(given)}"
            raise self.error(key, message)
        return given
