r"""What a kind of layer must be able to do; each kind is one file beside this one.

    x       (n, i)   what enters the layer
    a       (n, o)   what leaves it
    da      (n, o)   ∂C/∂a, for one example
    delta   (n, o)   ∂C/∂z, for one example: the gradient at the layer's own place
    dx      (n, i)   ∂C/∂x, for one example: what the layer below gets as its da

A layer is a frozen specification: names and sizes, never arrays. Its parameters are a named tuple
of arrays (or of such tuples), its record a named tuple of what it saw, with the fields x and a at
least. All its functions are pure. A layer made of layers keeps their records and deltas in its own,
and gives each inner layer `draw.within(k)`.

What others need to know of a layer it says itself: to the engine its operations (`lower`), to
explanations its formulas, to summaries its words, to optimizers the roles of its parameters.
"""

from __future__ import annotations

import abc
import enum
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.layers.layout import Layout
from chainrule.trees import Array, named_leaves


class Draw(NamedTuple):
    """A step of training, which every random draw of a layer follows from.

    Layers get a draw while the network trains, and None when it predicts.

    Parameters
    ----------
    seed
        The seed of the training.
    step
        The number of the step, from 1.
    layer
        Which layer's stream it is.
    """

    seed: int
    step: int
    layer: int = 0

    def within(self, k: int) -> Draw:
        """Return the draw of layer k inside of this one, a stream of its own.

        Parameters
        ----------
        k
            The number of the inner layer, from 0.

        Examples
        --------
        >>> Draw(seed=0, step=1, layer=2).within(0) != Draw(seed=0, step=1, layer=2).within(1)
        True
        """
        return self._replace(layer=((self.layer + 1) << 16) + k)


class Role(enum.Enum):
    """What a parameter is to an optimizer and to a penalty.

    >>> cr.Dense(1).role("W"), cr.Dense(1).role("b")
    (<Role.WEIGHT: 'weight'>, <Role.BIAS: 'bias'>)
    """

    WEIGHT = "weight"
    """Penalised, and decayed."""
    BIAS = "bias"
    """Moved by its gradient alone: biases, gains, scales."""
    STATISTIC = "statistic"
    """Moved by no gradient: what a layer has seen of the data."""


class Words(NamedTuple):
    """What summaries say of a layer.

    Parameters
    ----------
    kind
        What the layer is called.
    size
        How large it is, "" where that goes without saying.
    function
        Its activation, "" where it has none.
    inside
        The words of the layers within.

    Examples
    --------
    >>> Words("dense", "8", "relu").short, Words("dropout", "0.1").short
    ('8 relu', 'dropout 0.1')
    >>> Words("residual", inside=(Words("dense", "4", "tanh"), Words("layer norm"))).short
    'residual (4 tanh, layer norm)'
    """

    kind: str
    size: str = ""
    function: str = ""
    inside: tuple[Words, ...] = ()

    @property
    def are_units(self) -> bool:
        """Whether a function has a size: the kind then goes without saying."""
        return bool(self.size and self.function) and not self.inside

    @property
    def short(self) -> str:
        """All of it on one line."""
        named = "" if self.are_units else self.kind
        inside = ", ".join(words.short for words in self.inside)
        parts = (named, self.size, self.function, f"({inside})" if inside else "")
        return " ".join(part for part in parts if part)


class Layer(abc.ABC):
    """A kind of layer. One without parameters inherits all but the first three functions.

    | what its functions take | is |
    |---|---|
    | inputs | how many numbers enter for each example, i |
    | params | the parameters: a named tuple of arrays, or of such tuples; () of none |
    | m | the number of a member, from 0 |
    | x, da | what enters, (n, i), and ∂C by what leaves, (n, o), for each example |
    | draw | the step of training that random draws follow from; None in prediction |
    | record, delta | what `forward` and `delta` returned |
    | name, entry | a parameter by its name within the layer's, and the place of an entry in it |
    | xp | the library of the arrays, such as NumPy |
    | rng | the source of new parameters |
    | **fields | the fields of its dataclass |
    | before | the activation that what enters comes from |
    | layer | what is to stand behind it |
    | program, flow, sheet | what the engine or an explanation gives, to be asked or added to |
    """

    kind: ClassVar[str] = ""
    """Its name in files and tables; one of the user's own has none."""

    training_only: ClassVar[bool] = False
    """Whether it acts in training alone: in prediction, what enters leaves as it is."""

    numbers_levels: ClassVar[bool] = False
    """Whether inputs that it embeds number levels: between two of them there is nothing."""

    @classmethod
    def of_fields(cls, **fields: Any) -> Layer:
        """Return the layer with the fields of its dataclass, inner layers as a tuple.

        >>> cr.Dense.of_fields(units=3, activation="tanh", initialiser=None)
        Dense(3, 'tanh')
        """
        return cls(**fields)

    @classmethod
    def example(cls, inputs: int) -> Layer:
        """Return a small layer of the kind for so many inputs, for checks of all kinds."""
        return cls()

    @abc.abstractmethod
    def forward(self, params: Any, x: Array, draw: Draw | None, xp: Any) -> tuple[Array, Any]:
        """Return a and the record."""

    @abc.abstractmethod
    def delta(self, params: Any, record: Any, da: Array, xp: Any) -> Any:
        """Return delta from da; a composite of layers returns a tuple of theirs."""

    @abc.abstractmethod
    def dx(self, params: Any, record: Any, delta: Any, xp: Any) -> Array:
        """Return dx from delta."""

    def outputs(self, inputs: int) -> int:
        """Return the number of outputs o from the number of inputs i."""
        return inputs

    def layout(self, inputs: int) -> Layout | None:
        """Return where the outputs of each input stand, None unless each is of one input alone."""
        return None

    def form(self, inputs: int) -> Any:
        """Return zeros in the form of the parameters, float64 and without memory of their own."""
        return ()

    def init(self, inputs: int, rng: np.random.Generator) -> Any:
        """Return new parameters as float64 NumPy arrays."""
        return self.form(inputs)

    def gradient(self, record: Any, delta: Any, xp: Any) -> Any:
        """Return the sum over the examples of the gradient, in the form of the parameters."""
        return ()

    def per_example_gradients(self, record: Any, delta: Any, xp: Any) -> Any:
        """Return the gradient of each example, with the examples as first axis."""
        return ()

    def squared_norms(self, record: Any, delta: Any, xp: Any) -> Array:
        """Return the squared norm of each example's gradient, (n,)."""
        return 0.0

    def entry(self, record: Any, delta: Any, name: str, entry: tuple[int, ...], xp: Any) -> Array:
        """Return each example's part in the gradient of one entry of a parameter, (n,)."""
        each = dict(named_leaves(self.per_example_gradients(record, delta, xp)))[name]
        return each[(slice(None), *entry)]

    def kinks(self, record: Any) -> list[Array]:
        """Return arrays that change sign where the layer has no derivative."""
        return []

    def after_step(self, params: Any, record: Any) -> Any:
        """Return the parameters after a step of training.

        A kind that keeps running statistics gives them gradients of 0, and brings them up to date
        here.
        """
        return params

    def role(self, name: str) -> Role:
        """Return the role of a parameter by its name within the layer's own.

        Unless a kind says otherwise, `W` is a weight and `running_…` a statistic.
        """
        last = name.rpartition(".")[2]
        if last.startswith("running_"):
            return Role.STATISTIC
        return Role.WEIGHT if last == "W" else Role.BIAS

    @property
    def members(self) -> int:
        """How many predictions stand side by side in the output; the network's is their mean."""
        return 1

    def alone(self, params: Any, m: int) -> list[tuple[Layer, Any]]:
        """Return the layers of one member, m from 0, each with its parameters; of one, itself.

        >>> cr.Dropout(0.1).alone((), 0)
        [(Dropout(0.1), ())]
        """
        return [(self, params)]

    @property
    def takes_sparse(self) -> bool:
        """Whether what enters may be sparse rows of SciPy; else they are made dense before."""
        return False

    @property
    def over_batch(self) -> bool:
        """Whether in training what leaves for an example depends on the others of its batch."""
        return False

    def ends_in(self, before: str) -> str:
        """Return the activation of the table that the output comes from, "identity" if from none.

        `before` is that of what enters.
        """
        return "identity"

    def without_end(self) -> str:
        """Return how the layer is written without that activation, "" where nothing is left."""
        return ""

    def then(self, layer: Layer) -> tuple[Layer, ...]:
        """Return the layers that take this one's place where another is to stand behind it.

        >>> cr.Dropout(0.1).then(cr.Dense(1))
        (Dropout(0.1), Dense(1, 'identity'))
        """
        return self, layer

    def words(self, inputs: int) -> Words:
        """Return what summaries say of the layer."""
        return Words(repr(self))

    def lower(self, program: Any, x: int) -> int:
        """Add the layer's operations on value x to the engine's program; return what they make."""
        raise program.unsupported(f"{self!r} is of a kind that the engine does not have")

    def unfold(self, flow: Any, x: int) -> int:
        """Tell an explanation which places the layer falls into; return that of its outputs.

        What enters are the units of place x. A layer made of layers says what these fall into too.
        """
        made: int = flow.place(self, x)
        return made

    def matrices(self) -> tuple[tuple[str, str, str], ...]:
        """Return its steps for all examples at once: a matrix, what it is made of, and its name.

        The names are those of records, of da, delta and dx, and of parameters, for ∂C by them.
        """
        return ("A", "", "a"), ("∂C/∂A", "", "da")

    def formula_bounds(self, x: Array) -> tuple[Array, Array] | None:
        """Return from where and to below where each number that enters has the same formulas.

        None says that they are the same for all numbers.
        """
        return None

    def work(self, sheet: Any) -> Any:
        """Return the layer's formulas for one example, of the quantities that the sheet gives.

        They are `sheet.formulas(...)`; arithmetic on quantities makes formulas.
        """
        raise NotImplementedError(f"{self!r} is of a kind that has no formulas")
