r"""Members: several networks in one, which share all but their scales in front and last layers.

x        (n, i)      k members           scales   (k, i)   of each member its own
scaled   (k·n, i)    member by member    a        (n, k·o) the members' outputs side by side
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.errors import check_whole
from chainrule.layers import chain
from chainrule.layers.dense import Dense
from chainrule.layers.ensemble import EnsembleDense, MemberScale, in_rows, of_members
from chainrule.layers.layer import Draw, Layer, Role, Words
from chainrule.layers.parameter_shapes import zeros
from chainrule.layers.scale import Scale, ScaleParameters
from chainrule.trees import Array, leaves, tree_map


class MembersParameters(NamedTuple):
    """Scales (k, i); the parameters of each shared layer; of each member's own last layer."""

    scales: Array
    shared: tuple[Any, ...]
    own: tuple[Any, ...]


class MembersRecord(NamedTuple):
    """What the layer saw: x, what enters the shared layers, their records, the last ones', a."""

    x: Array
    scaled: Array
    shared: tuple[Any, ...]
    own: tuple[Any, ...]
    a: Array


class MembersDelta(NamedTuple):
    """∂C by what enters the shared layers (k·n, i), and the deltas of shared and last layers."""

    scaled: Array
    shared: tuple[Any, ...]
    own: tuple[Any, ...]


MOST = 1_000
"""What a number of members is less than: each has a last layer of its own."""


@dataclass(frozen=True, init=False, repr=False)
class Members(Layer):
    r"""A layer of k members that share weights: a batch ensemble.

    $$a_m = f_m(F(r_m \odot x)),\qquad
      C = \frac1k \sum_m C_m,\qquad \hat y = \frac1k \sum_m \hat y_m$$

    $$\frac{\partial C}{\partial r_m} =
      \frac1k \sum_n x \odot \frac{\partial C_m}{\partial (r_m \odot x)},\qquad
      \frac{\partial C}{\partial W} =
      \frac1k \sum_m \frac{\partial C_m}{\partial W}\ \text{of each shared } W$$

    Each member scales the inputs by factors r of its own, passes them through the layers F that all
    share, and then through a last layer f of its own. It stands last in a network, whose cost is
    the mean of the members' costs, and whose prediction is the mean of their predictions.

    The shared layers see the examples of all members as one batch: a batch norm within is over all
    of them. The scales start as random signs; penalties and decay leave them alone.

    Where `full`, the members share of each dense layer but the last only W, and have scales of
    their own in front of it and behind, and biases:

    $$z = (r_m \odot x) W^\top \odot s_m + b_m$$

    Parameters
    ----------
    k
        The number of members.
    *layers
        The layers of a member. All but the last are shared.
    full
        Whether each dense layer has the members' own scales around it, which start at 1.

    Raises
    ------
    TypeError, ValueError
        For what is no layer, for none, and for members within members.

    Notes
    -----
    Source: Wen, Tran and Ba (2020), BatchEnsemble, arXiv:2002.06715; in this form Gorishniy,
    Kotelnikov and Babenko (2024), TabM, arXiv:2410.24210.

    Examples
    --------
    >>> net = cr.Network(3, [cr.Members(4, cr.Dense(16, "relu"), cr.Dense(1))], loss="huber")
    >>> net.members, net.outputs, net.widths
    (4, 1, (3, 4))
    """

    kind: ClassVar[str] = "members"

    k: int
    layers: tuple[Layer, ...]
    full: bool = False

    def __init__(self, k: int, *layers: Layer, full: bool = False) -> None:
        object.__setattr__(self, "k", check_whole("Members: k", k, least=1, below=MOST))
        chain.check_layers("Members", layers)
        if not isinstance(full, bool):
            raise TypeError(f"Members: full must be True or False, got {full!r}")
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "full", full)

    def __repr__(self) -> str:
        return self._written(*map(repr, self.layers))

    def _written(self, *layers: str) -> str:
        full = ["full=True"] if self.full else []
        return f"Members({', '.join([str(self.k), *layers, *full])})"

    @classmethod
    def of_fields(cls, **fields: Any) -> Members:
        return cls(fields["k"], *fields["layers"], full=fields["full"])

    @classmethod
    def example(cls, inputs: int) -> Members:
        return cls(2, Dense(inputs + 1, "tanh"), Dense(inputs))

    @property
    def members(self) -> int:
        return self.k

    @property
    def shared(self) -> tuple[Layer, ...]:
        """The layers that all members share, with the members' own scales around them."""
        shared = self.layers[:-1]
        return tuple(self._with_scales(shared)) if self.full else shared

    def _with_scales(self, shared: tuple[Layer, ...]) -> Iterator[Layer]:
        for j, layer in enumerate(shared):
            if not isinstance(layer, Dense):
                yield layer
                continue
            if j:  # in front of the first, there are scales already
                yield MemberScale(self.k)
            yield EnsembleDense(self.k, layer)

    @property
    def last(self) -> Layer:
        """The layer that each member has its own of."""
        return self.layers[-1]

    def outputs(self, inputs: int) -> int:
        return self.k * chain.widths(self.layers, inputs)[-1]

    def form(self, inputs: int) -> MembersParameters:
        *shared, last = self._within(inputs)
        return MembersParameters(
            zeros(self.k, inputs),
            tuple(layer.form(i) for layer, i in shared),
            (last[0].form(last[1]),) * self.k,
        )

    def init(self, inputs: int, rng: np.random.Generator) -> MembersParameters:
        *shared, (last, width) = self._within(inputs)
        return MembersParameters(
            rng.choice([-1.0, 1.0], (self.k, inputs)),
            tuple(layer.init(i, rng) for layer, i in shared),
            tuple(last.init(width, rng) for _ in range(self.k)),
        )

    def _within(self, inputs: int) -> list[tuple[Layer, int]]:
        """The layers, each with how many values enter it."""
        layers = *self.shared, self.last
        return list(zip(layers, chain.widths(layers, inputs), strict=False))

    def forward(
        self, params: MembersParameters, x: Array, draw: Draw | None, xp: Any
    ) -> tuple[Array, MembersRecord]:
        def drawn(j: int) -> Draw | None:
            return draw and draw.within(j)

        n = x.shape[0]
        scaled = in_rows(x[None, :, :] * params.scales[:, None, :], xp)
        a, shared = chain.forward(self.shared, params.shared, scaled, drawn, xp)
        ends = [
            self.last.forward(own, a[m * n : (m + 1) * n, :], drawn(len(self.shared) + m), xp)
            for m, own in enumerate(params.own)
        ]
        a = xp.concat([end for end, _ in ends], axis=1)
        return a, MembersRecord(x, scaled, shared, tuple(record for _, record in ends), a)

    def delta(
        self, params: MembersParameters, record: MembersRecord, da: Array, xp: Any
    ) -> MembersDelta:
        o = da.shape[1] // self.k
        own = tuple(
            self.last.delta(params.own[m], record.own[m], da[:, m * o : (m + 1) * o], xp)
            for m in range(self.k)
        )
        g = xp.concat(
            [self.last.dx(*each, xp) for each in zip(params.own, record.own, own, strict=True)],
            axis=0,
        )
        shared = chain.deltas(self.shared, params.shared, record.shared, g, xp)
        if shared:
            g = self.shared[0].dx(params.shared[0], record.shared[0], shared[0], xp)
        return MembersDelta(g, shared, own)

    def dx(
        self, params: MembersParameters, record: MembersRecord, delta: MembersDelta, xp: Any
    ) -> Array:
        return xp.sum(of_members(delta.scaled, self.k, xp) * params.scales[:, None, :], axis=0)

    def gradient(self, record: MembersRecord, delta: MembersDelta, xp: Any) -> MembersParameters:
        of_scales = xp.sum(of_members(delta.scaled, self.k, xp) * record.x[None, :, :], axis=1)
        return MembersParameters(of_scales, *self._each("gradient", record, delta, xp))

    def per_example_gradients(
        self, record: MembersRecord, delta: MembersDelta, xp: Any
    ) -> MembersParameters:
        shared, own = self._each("per_example_gradients", record, delta, xp)
        of_scales = of_members(delta.scaled, self.k, xp) * record.x[None, :, :]
        return MembersParameters(
            xp.permute_dims(of_scales, (1, 0, 2)),
            tree_map(lambda g: xp.sum(of_members(g, self.k, xp), axis=0), shared),
            own,
        )

    def squared_norms(self, record: MembersRecord, delta: MembersDelta, xp: Any) -> Array:
        """An example's share of a shared gradient is a sum over the members, and so is built."""
        shares = self.per_example_gradients(record, delta, xp)
        own = self._each("squared_norms", record, delta, xp)[1]
        built = leaves((shares.scales, shares.shared))
        return sum(own) + sum(xp.sum(g**2, axis=tuple(range(1, g.ndim))) for g in built)

    def _each(
        self, name: str, record: MembersRecord, delta: MembersDelta, xp: Any
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """What a function of each shared layer says, and of each member's last one."""
        shared = zip(self.shared, record.shared, delta.shared, strict=True)
        own = zip(record.own, delta.own, strict=True)
        return (
            tuple(getattr(layer, name)(seen, part, xp) for layer, seen, part in shared),
            tuple(getattr(self.last, name)(seen, part, xp) for seen, part in own),
        )

    def kinks(self, record: MembersRecord) -> list[Array]:
        shared = zip(self.shared, record.shared, strict=True)
        own = [(self.last, seen) for seen in record.own]
        return [kink for layer, seen in (*shared, *own) for kink in layer.kinks(seen)]

    def after_step(self, params: MembersParameters, record: MembersRecord) -> MembersParameters:
        shared = zip(self.shared, params.shared, record.shared, strict=True)
        own = zip(params.own, record.own, strict=True)
        return params._replace(
            shared=tuple(layer.after_step(old, seen) for layer, old, seen in shared),
            own=tuple(self.last.after_step(old, seen) for old, seen in own),
        )

    def role(self, name: str) -> Role:
        part, _, inner = name.partition(".")
        if part == "scales":
            return Role.BIAS
        k, _, own = inner.partition(".")
        return (self.last if part == "own" else self.shared[int(k)]).role(own)

    def ends_in(self, before: str) -> str:
        return chain.ends_in(self.layers, before)

    def without_end(self) -> str:
        plain = self.last.without_end()
        return self._written(*map(repr, self.layers[:-1]), *([plain] if plain else []))

    def then(self, layer: Layer) -> tuple[Layer, ...]:
        return (Members(self.k, *self.layers, layer, full=self.full),)

    def alone(self, params: MembersParameters, m: int) -> list[tuple[Layer, Any]]:
        """Return the layers of one member, m from 0, each with its parameters.

        >>> net = cr.Network(3, [cr.Members(4, cr.Dense(16, "relu"), cr.Dense(1))], loss="huber")
        >>> [layer for layer, _ in net.layers[0].alone(net.init()[0], 2)]
        [Scale(), Dense(16, 'relu'), Dense(1, 'identity')]
        """
        shared = zip(self.shared, params.shared, strict=True)
        return [
            (Scale(), ScaleParameters(params.scales[m])),
            *(each for layer, own in shared for each in layer.alone(own, m)),
            (self.last, params.own[m]),
        ]

    @property
    def over_batch(self) -> bool:
        return any(layer.over_batch for layer in self.layers)

    def words(self, inputs: int) -> Words:
        within = zip(self.layers, chain.widths(self.layers, inputs), strict=False)
        return Words(f"{self.k:,} members", inside=tuple(layer.words(i) for layer, i in within))

    def lower(self, program: Any, x: int) -> int:
        y, shared = program.scale(x, "scales", copies=self.k), len(self.shared)
        for j, layer in enumerate(self.shared):
            y = program.inner(j, layer, y, path=f"shared.{j}")

        def own(m: int) -> int:
            made: int = program.inner(shared + m, self.last, y, path=f"own.{m}")
            return made

        made: int = program.each_member(self.k, own)
        return made

    def entry(
        self, record: MembersRecord, delta: MembersDelta, name: str, entry: tuple[int, ...], xp: Any
    ) -> Array:
        part, _, inner = name.partition(".")
        k, _, own = inner.partition(".")
        if part == "scales":
            member, i = entry
            return of_members(delta.scaled, self.k, xp)[member, :, i] * record.x[:, i]
        if part == "own":
            return self.last.entry(record.own[int(k)], delta.own[int(k)], own, entry, xp)
        seen = record.shared[int(k)], delta.shared[int(k)]
        each = self.shared[int(k)].entry(*seen, own, entry, xp)
        return xp.sum(of_members(each, self.k, xp), axis=0)

    def unfold(self, flow: Any, x: int) -> int:
        y = x
        for m in range(self.k):
            own = flow.member(m)
            y = own.place(self, x, outputs=flow.width(x))
            y = own.through(self.shared, y, "shared.{}")
            y = own.through((self.last,), y, f"own.{m}")
        return y

    def work(self, sheet: Any) -> Any:
        """The scales of a member; the layers of its own and those that all share follow."""
        m = sheet.member - 1

        def scale(j: int) -> Any:
            return sheet.parameter("scales", m, j)

        def by_scale(member: int, j: int) -> Any:
            return [(sheet.a(j), sheet.x(j))] if member == m else []

        return sheet.formulas(
            a=lambda j: sheet.x(j) * scale(j),
            dx=lambda j: sheet.da(j) * scale(j),
            by={"scales": by_scale},
            values=sheet.record.scaled[0],
        )
