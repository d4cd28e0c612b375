"""The program that layers lower themselves into: operations in order over numbered values.

Value 0 is what enters the network. A tensor has the number of its leaf among the leaves of the
parameters. All of it is plain data; what follows from it, `program.hpp` decides.
"""

from __future__ import annotations

import functools
import math
import weakref
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from chainrule import losses
from chainrule.activation_row import Activation
from chainrule.activations import activation
from chainrule.layers import Draw, Layer, Role
from chainrule.network import Network
from chainrule.rows import is_own
from chainrule.streams import of_layer
from chainrule.trees import named_leaves

if TYPE_CHECKING:
    from chainrule.network import Parameters

T = TypeVar("T")


class UnsupportedError(ValueError):
    """What the engine cannot run of a network."""


class Value(NamedTuple):
    """So many numbers for each example, once or in copies, one for each of a network's members."""

    width: int
    copies: int = 1


class Tensor(NamedTuple):
    """A parameter: its last axis, and all others in one; what an update may do to it."""

    rows: int
    columns: int
    weight: bool
    statistic: bool


class Mask(NamedTuple):
    """What decides which values dropout keeps: `streams.words` of a run's seed and the stream."""

    rate: float
    stream: int


class Operation(NamedTuple):
    """What is made of some values: a kind of the engine's, with the fields that it reads."""

    kind: str
    inputs: tuple[int, ...]
    output: int
    tensors: tuple[int, ...] = ()
    first: int = 0
    """The first of the copies of its values that it works on."""
    copies: int = 1
    activation: str = "identity"
    parameter: float = 1.0
    dropouts: tuple[Mask, ...] = ()
    epsilon: float = 0.0
    momentum: float = 0.0
    features: tuple[int, ...] = ()
    """The inputs that are embedded, in order."""
    edges: tuple[tuple[float, ...], ...] = ()
    """Of each of them."""
    levels: tuple[int, ...] = ()
    """How many each of them has."""


class HeadLoss(NamedTuple):
    """The loss of some outputs, those that follow the head's before."""

    loss: str
    parameters: tuple[float, ...]
    """One for all of its outputs, several in turn, or none."""
    outputs: int


class LayerValues(NamedTuple):
    """The numbers of the values that a layer reads and makes.

    >>> Program(cr.Network(2, [cr.Dense(1, "tanh")], "huber")).layers["0"]
    LayerValues(x=0, z=1, a=2)
    """

    x: int
    z: int | None
    """The weighted inputs, where it has some: what its activation reads, or else what it makes."""
    a: int


class _At(NamedTuple):
    """Which layer is being lowered: the path of its parameters, the draws that it makes."""

    path: str
    draw: Draw
    layer: Layer


class Program:
    """The operations of a network. Layers call it; each call returns the number of a value.

    One for predictions has no dropout. What differs from run to run is no part of it: the seed, and
    what is frozen.

    >>> program = Program(cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(1)], "huber"))
    >>> [op.kind for op in program.operations], program.values[program.output]
    (['affine', 'activate', 'affine'], Value(width=1, copies=1))
    """

    def __init__(self, net: Network, *, trains: bool = False) -> None:
        self.form: Parameters = net.form
        self._compiled: dict[str, Any] = {}
        self.heads: list[HeadLoss] = [
            HeadLoss(head.loss.name, head.loss.parameters, head.outputs)
            for head in losses.loss(net.loss).heads(net.outputs)
        ]
        self.values: list[Value] = [Value(net.inputs)]
        self.operations: list[Operation] = []
        self.work: int = 0
        """How many multiplications and additions a step of training takes for one example."""
        self.has_dropout: bool = False
        """Whether a training draws, which one for predictions leaves out."""
        leaves, roles = dict(named_leaves(net.form)), net.roles
        self.tensors: list[Tensor] = [
            Tensor(
                math.prod(leaf.shape[:-1]),
                leaf.shape[-1],
                roles[name] is Role.WEIGHT,
                roles[name] is Role.STATISTIC,
            )
            for name, leaf in leaves.items()
        ]
        self.numbers: dict[str, int] = {name: k for k, name in enumerate(leaves)}
        """Of the tensors, by their names."""
        self.layers: dict[str, LayerValues] = {}
        """Of each layer, by the path of its parameters; those within others too."""
        self._trains = trains
        self._member: int | None = None
        self._common: list[int] = []
        """The values that one member's operations have made, for those of the others."""
        self._left: Iterator[int] = iter(())
        self.output: int = 0
        for k, layer in enumerate(net.layers):
            self._at = _At(str(k), Draw(0, 0, layer=k), layer)
            self.output = self._lowered(self._at, self.output)

    def compiled_by(self, module: ModuleType) -> Any:
        """Return the same as a module of the engine has it, which is made once."""
        if module.__name__ not in self._compiled:
            self._compiled[module.__name__] = module.program(program=self, form=self.form)
        return self._compiled[module.__name__]

    # What layers call

    def affine(self, x: int, units: int, W: str, b: str = "") -> int:
        """Return z = x Wᵀ + b, or x Wᵀ."""
        self._count(6 * self.values[x].width * units, x)
        return self._add("affine", (x,), units, (W, b) if b else (W,))

    def activate(self, x: int, row: Activation) -> int:
        """Return f(x), by a row of the table."""
        if is_own(activation, row):
            raise self.unsupported(f"{self._at.layer!r} has an activation of your own, in Python")
        if row.name == "identity":
            return x
        width, parameter = self.values[x].width, (*row.parameters, 1.0)[0]
        return self._add("activate", (x,), width, activation=row.name, parameter=parameter)

    def dropout(self, x: int, rate: float) -> int:
        """Return x with some of its numbers silenced in training, as the layer draws them."""
        self.has_dropout = self.has_dropout or rate > 0
        if rate == 0 or not self._trains:
            return x
        mask = Mask(rate, of_layer(self._at.draw.layer))
        return self._add("dropout", (x,), self.values[x].width, dropouts=(mask,))

    def scale(self, x: int, s: str, b: str = "", copies: int | None = None) -> int:
        """Return x ⊙ s, or x ⊙ s + b; in copies, where x is to be spread to members."""
        self._count(8 * self.width(x) * (copies or 1), x)
        return self._add("scale", (x,), self.width(x), (s, b) if b else (s,), copies)

    def layer_norm(self, x: int, gamma: str, beta: str, epsilon: float) -> int:
        """Return γ x̂ + β, x̂ being x freed of each example's mean and variance."""
        self._count(20 * self.width(x), x)
        return self._add("layer_norm", (x,), self.width(x), (gamma, beta), epsilon=epsilon)

    def rms(self, x: int, epsilon: float) -> int:
        """Return x, each example divided by the root of its mean square."""
        self._count(12 * self.width(x), x)
        return self._add("rms", (x,), self.width(x), epsilon=epsilon)

    def batch_norm(
        self,
        x: int,
        gamma: str,
        beta: str,
        mean: str,
        variance: str,
        epsilon: float,
        momentum: float,
    ) -> int:
        """Return γ x̂ + β, x̂ being x freed of mean and variance, the batch's or the running ones."""
        self._count(20 * self.width(x), x)
        tensors = (gamma, beta, mean, variance)
        return self._add(
            "batch_norm", (x,), self.width(x), tensors, epsilon=epsilon, momentum=momentum
        )

    def add(self, x: int, y: int) -> int:
        """Return x + y."""
        self._count(3 * self.width(x), x)
        return self._add("add", (x, y), self.width(x))

    def periodic(
        self, x: int, features: tuple[int, ...], frequency: str, phase: str, W: str, b: str
    ) -> int:
        """Return x, each of the features followed by W cos(2π frequency x + phase) + b."""
        values, frequencies = self._columns(b), self._columns(phase)
        self._count(len(features) * frequencies * (60 + 6 * values), x)
        width = self.width(x) + len(features) * values
        return self._add("periodic", (x,), width, (frequency, phase, W, b), features=features)

    def piecewise(
        self, x: int, edges: tuple[tuple[float, ...], ...], w: str, b: str, W: str
    ) -> int:
        """Return x, each number that has edges in the place of its piecewise-linear embedding."""
        features = tuple(k for k, own in enumerate(edges) if own)
        size = self._columns(b)
        self._count(len(features) * (60 + 12 * size), x)
        width = self.width(x) + len(features) * (size - 1)
        own = tuple(edges[k] for k in features)
        return self._add("piecewise", (x,), width, (w, b, W), features=features, edges=own)

    def embedding(self, x: int, levels: tuple[int, ...], W: str) -> int:
        """Return x, each number that has levels in the place of the vector of its level."""
        features = tuple(k for k, own in enumerate(levels) if own)
        size = self._columns(W)
        self._count(len(features) * (8 + 2 * size), x)
        width = self.width(x) + len(features) * (size - 1)
        own = tuple(levels[k] for k in features)
        return self._add("embedding", (x,), width, (W,), features=features, levels=own)

    def width(self, x: int) -> int:
        """Return how many numbers a value has."""
        return self.values[x].width

    def inner(self, k: int, layer: Layer, x: int, path: str = "") -> int:
        """Return what a layer within this one makes of x; its draws are those of `within(k)`.

        Its parameters are entry k of this one's, or what the path says.
        """
        at = self._at
        return self._lowered(_At(f"{at.path}.{path or k}", at.draw.within(k), layer), x)

    def each_member(self, members: int, lower: Callable[[int], int]) -> int:
        """Return the value in whose copy m stands what `lower(m)` makes, by operations alike."""
        self._common = []
        for m in range(members):
            self._member, self._left = m, iter(self._common)
            y = lower(m)
        self._member = None
        return y

    def unsupported(self, reason: str) -> UnsupportedError:
        """Return the error for the layer that is being lowered."""
        return UnsupportedError(f"layer {self._at.path}, {reason}")

    # What these are made of

    def _lowered(self, at: _At, x: int) -> int:
        """Lower a layer.

        One whose forward is its own, beside an inherited `lower`, is of a kind of its own.
        """
        outer, self._at = self._at, at
        kind, before = type(at.layer), len(self.operations)
        its_own = issubclass(_owner(kind, "lower"), _owner(kind, "forward"))
        y = (kind if its_own else Layer).lower(at.layer, self, x)
        self._at = outer
        made = self.operations[before:]
        weighs = any(op.kind == "affine" for op in made)
        z = made[-1].inputs[0] if weighs and made[-1].kind == "activate" else y
        within = any(path.startswith(f"{at.path}.") for path in self.layers)
        self.layers[at.path] = LayerValues(x, z if weighs and not within else None, y)
        return y

    def _add(
        self,
        kind: str,
        inputs: tuple[int, ...],
        width: int,
        tensors: tuple[str, ...] = (),
        copies: int | None = None,
        **fields: Any,
    ) -> int:
        """Add an operation; what it makes has the copies of its inputs, unless told otherwise."""
        copies = copies or max(self.values[x].copies for x in inputs)
        numbers = tuple(self.numbers[f"{self._at.path}.{name}"] for name in tensors)
        y = self._value(Value(width, copies))
        first, copies = (0, copies) if self._member is None else (self._member, 1)
        self.operations.append(Operation(kind, inputs, y, numbers, first, copies, **fields))
        return y

    def _columns(self, name: str) -> int:
        """How many columns a tensor of the layer has that is being lowered."""
        return self.tensors[self.numbers[f"{self._at.path}.{name}"]].columns

    def _value(self, made: Value) -> int:
        """Return the number of a new value, or of that which the first member made in its place."""
        if self._member:
            return next(self._left)
        self.values.append(made)
        self._common.append(len(self.values) - 1)
        return len(self.values) - 1

    def _count(self, work: int, x: int) -> None:
        """Count the work of an operation on x."""
        self.work += work * (self.values[x].copies if self._member is None else 1)


def _owner(kind: type, name: str) -> type:
    """Return the class that a class has a function from."""
    return next(base for base in kind.__mro__ if name in vars(base))


class MadeOnce(Generic[T]):
    """What is made of each network once, and kept as long as the network.

    It is known by its identity: comparing networks takes longer.

    >>> width, net = MadeOnce(lambda net: [net.inputs]), cr.Network(2, [cr.Dense(1)], "huber")
    >>> width(net), width(net) is width(net)
    ([2], True)
    """

    def __init__(self, make: Callable[[Network], T]) -> None:
        self._make = make
        self._made: dict[int, tuple[weakref.ref[Network], T]] = {}

    def __call__(self, net: Network) -> T:
        key, forget = id(net), self._made.pop
        found = self._made.get(key)
        if found is None or found[0]() is not net:
            # At the interpreter's end there is no module any more to look a name up in.
            found = weakref.ref(net, lambda _: forget(key, None)), self._make(net)
            self._made[key] = found
        return found[1]


# Of networks that are equal, as a search makes them, the first one's serves all.
_for_predictions = MadeOnce(functools.lru_cache(Program))
_with_dropout = MadeOnce(functools.lru_cache(functools.partial(Program, trains=True)))


def for_predictions(net: Network) -> Program:
    """Return the program of a network that draws nothing, which is made once.

    Raises UnsupportedError where the engine has no operation for a layer.

    >>> net = cr.Network(2, [cr.Dense(1)], "huber")
    >>> for_predictions(net) is for_predictions(net)
    True
    """
    return _for_predictions(net)


def for_training(net: Network) -> Program:
    """Return the program of a network with its dropout: without any, that for predictions.

    >>> net = cr.Network(2, [cr.Dense(1)], "huber")
    >>> for_training(net) is for_predictions(net)
    True
    """
    program = for_predictions(net)
    return _with_dropout(net) if program.has_dropout else program
