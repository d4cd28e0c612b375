"""Arrays that write what is computed with them into a graph of operators, those of ONNX.

The functions of the core take the library of their arrays, xp: with these they make the graph of
what they compute, operator by operator, so that nothing of it is written twice. What is computed of
NumPy's arrays alone is a constant there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.trees import Array


@dataclass(frozen=True)
class Rows:
    """How many rows there are: so many times those of the input.

    >>> Rows(4) // 2 * 3
    Rows(times=6)
    """

    times: int = 1

    def __mul__(self, other: int) -> Rows:
        return Rows(self.times * other)

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> Rows:
        return Rows(self.times // other)


Shape = tuple[int | Rows, ...]


class Node(NamedTuple):
    """An operator: its name, the values that it takes and makes, what else it is told, a dtype."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    dtype: np.dtype[Any]


class Graph:
    """The operators of a graph and its constants, as they are made.

    `known` names arrays that are to be found under their names, such as parameters; nothing else is
    called as one of the names `taken`.
    """

    def __init__(
        self, known: Iterable[tuple[str, Array]] = (), taken: Collection[str] = ()
    ) -> None:
        self.nodes: list[Node] = []
        self.constants: dict[tuple[Any, ...], tuple[str, Array]] = {}
        self.known: dict[Any, str] = {_place(array): name for name, array in known}
        self.taken = taken

    def add(
        self,
        op: str,
        *given: Any,
        shape: Shape | None = None,
        dtype: Any = None,
        more: int = 0,
        **attributes: Any,
    ) -> Traced:
        """Return what an operator makes of arrays and constants.

        It has the shape and dtype of the first unless others are given. Where the operator makes
        `more` than one value, nothing takes the others.
        """
        inputs = tuple(self.named(each) for each in given)
        made = self.free(f"{op}_{len(self.nodes)}")
        others = tuple(self.free(f"{made}_{k}") for k in range(1, more + 1))
        kind = np.dtype(given[0].dtype if dtype is None else dtype)
        self.nodes.append(Node(op, inputs, (made, *others), attributes, kind))
        return Traced(self, made, tuple(given[0].shape if shape is None else shape), kind)

    def named(self, given: Any) -> str:
        """Return the name of an array in the graph; a constant gets one."""
        if isinstance(given, Parameter):
            given = given.array
        if isinstance(given, Traced):
            return given.name
        array, known = np.asarray(given, order="C"), self.known.get(_place(given), "")
        told = tuple(array.ravel()) if array.dtype == object else array.tobytes()
        key = (known, array.dtype.str, array.shape, told)
        if key not in self.constants:
            name = self.free(known or f"constant_{len(self.constants)}")
            self.constants[key] = (name, array)
        return self.constants[key][0]

    def free(self, name: str) -> str:
        """Return a name that is not taken, the one given where it is free."""
        while name in self.taken:
            name += "_"
        return name


def _place(array: Any) -> Any:
    """Where the numbers of an array lie, and in which shape and order."""
    if not isinstance(array, np.ndarray):
        return None
    return array.__array_interface__["data"][0], array.shape, array.strides


def _binary(op: str, *, swapped: bool = False, truth: bool = False) -> Callable[..., Traced]:
    def method(self: Traced, other: Any) -> Traced:
        pair = (other, self) if swapped else (self, other)
        return _of_two(op, self, pair, np.bool_ if truth else self.dtype)

    return method


class Traced:
    """An array of a graph that is being made: its shape and dtype, and no numbers."""

    __add__: Callable[..., Traced]
    __radd__: Callable[..., Traced]
    __sub__: Callable[..., Traced]
    __rsub__: Callable[..., Traced]
    __mul__: Callable[..., Traced]
    __rmul__: Callable[..., Traced]
    __truediv__: Callable[..., Traced]
    __rtruediv__: Callable[..., Traced]
    __gt__: Callable[..., Traced]
    __lt__: Callable[..., Traced]
    __ge__: Callable[..., Traced]
    __le__: Callable[..., Traced]
    __and__: Callable[..., Traced]
    __or__: Callable[..., Traced]
    __pow__: Callable[..., Traced]
    __mod__: Callable[..., Traced]
    graph: Graph
    name: str
    shape: Shape
    dtype: np.dtype[Any]

    __array_ufunc__ = None  # so that NumPy's arrays leave arithmetic with it to it
    device = None

    def __init__(self, graph: Graph, name: str, shape: Shape, dtype: np.dtype[Any]) -> None:
        self.graph, self.name, self.shape, self.dtype = graph, name, shape, dtype
        self.ndim: int = len(shape)

    def apply(self, op: str, **attributes: Any) -> Traced:
        """What an operator makes of each entry."""
        return self.graph.add(op, self, **attributes)

    __add__, __radd__ = _binary("Add"), _binary("Add", swapped=True)
    __sub__, __rsub__ = _binary("Sub"), _binary("Sub", swapped=True)
    __mul__, __rmul__ = _binary("Mul"), _binary("Mul", swapped=True)
    __truediv__, __rtruediv__ = _binary("Div"), _binary("Div", swapped=True)
    __gt__, __lt__ = _binary("Greater", truth=True), _binary("Less", truth=True)
    __ge__, __le__ = _binary("GreaterOrEqual", truth=True), _binary("LessOrEqual", truth=True)
    __and__, __or__ = _binary("And"), _binary("Or")
    __pow__, __mod__ = _binary("Pow"), _binary("Mod")

    def __matmul__(self, W: Any) -> Traced:
        W = as_array(W, self.dtype)
        if self.ndim > 2 and W.ndim > 2:  # each matrix of a stack by its own
            shape = (*broadcast(self.shape[:-2], W.shape[:-2]), self.shape[-2], W.shape[-1])
        else:
            shape = (*self.shape[:-1], W.shape[-1])
        return self.graph.add("MatMul", self, W, shape=shape)

    def __neg__(self) -> Traced:
        return self.apply("Neg")

    def __invert__(self) -> Traced:
        return self.apply("Not")

    def __getitem__(self, key: Any) -> Traced:
        """Slices, whole numbers and None; rows by whole multiples of how many there are."""
        key = key if isinstance(key, tuple) else (key,)
        made, axis = self, 0
        for each in key:
            if each is None:
                made = made.reshaped((*made.shape[:axis], 1, *made.shape[axis:]))
                axis += 1
            elif isinstance(each, int):
                shape = (*made.shape[:axis], *made.shape[axis + 1 :])
                made = made.graph.add("Gather", made, np.int64(each), shape=shape, axis=axis)
            elif each is not Ellipsis:
                made = made._sliced(each, axis)
                axis += 1
        return made

    def _sliced(self, part: slice, axis: int) -> Traced:
        size = self.shape[axis]
        if part == slice(None):
            return self
        if isinstance(size, Rows):  # of which the first is m times those of the input
            apart = self.reshaped((size.times, Rows(), *self.shape[1:]))
            return apart[part.start.times]
        start, stop, _ = part.indices(size)
        ends = (np.array([k], np.int64) for k in (start, stop, axis))
        shape = (*self.shape[:axis], max(0, stop - start), *self.shape[axis + 1 :])
        return self.graph.add("Slice", self, *ends, shape=shape)

    def reshaped(self, shape: Shape) -> Traced:
        """Return the same numbers in another shape."""
        whole = np.array([-1 if isinstance(k, Rows) else k for k in shape], np.int64)
        return self.graph.add("Reshape", self, whole, shape=shape)


class Parameter(Traced):
    """A parameter, whose numbers are known: it stands in the graph where an operator takes it.

    >>> Parameter(Graph(), np.ones((2, 3))).mT.shape
    (3, 2)
    """

    def __init__(self, graph: Graph, array: Array) -> None:
        super().__init__(graph, "", array.shape, array.dtype)
        self.array = array

    @property
    def mT(self) -> Array:
        """Its numbers, turned."""
        return self.array.mT


def _of_two(op: str, like: Traced, pair: tuple[Any, ...], dtype: Any) -> Traced:
    """What an operator makes of two arrays, numbers among them in the dtype of the one."""
    left, right = (as_array(each, like.dtype) for each in pair)
    shape = broadcast(left.shape, right.shape)
    return like.graph.add(op, left, right, shape=shape, dtype=dtype)


def as_array(given: Any, dtype: Any) -> Any:
    """Return an array of a graph as it is, and anything else as NumPy's array of a dtype."""
    return given if isinstance(given, Traced) else np.asarray(given, dtype)


def broadcast(one: Shape, other: Shape) -> Shape:
    """Return the shape that two become.

    >>> broadcast((Rows(), 1), (3,))
    (Rows(times=1), 3)
    """
    longest = max(len(one), len(other))
    padded = ((1,) * (longest - len(shape)) + tuple(shape) for shape in (one, other))
    return tuple(b if a == 1 else a for a, b in zip(*padded, strict=True))


def _traced(*given: Any) -> Traced | None:
    """The first array of a graph among some."""
    return next((each for each in given if isinstance(each, Traced)), None)


class _Namespace:
    """The functions of the array API that the core computes with, as operators of ONNX."""

    int64 = np.int64

    def __getattr__(self, name: str) -> Any:
        """Functions of one array, or of two; those of NumPy's arrays alone are NumPy's."""
        if name not in (*ONE, *TWO):
            raise ValueError(f"xp.{name} is nothing that is written in ONNX")

        def function(*given: Any) -> Any:
            like = _traced(*given)
            if like is None:
                return getattr(np, name)(*given)
            if name in ONE:
                return like.apply(ONE[name])
            return _of_two(TWO[name], like, given, np.bool_ if name == "equal" else like.dtype)

        return function

    def expm1(self, z: Any) -> Any:
        return self.exp(z) - 1

    def log1p(self, z: Any) -> Any:
        return self.log(1 + z)

    def erfc(self, z: Any) -> Any:
        return 1 - z.apply("Erf")

    def astype(self, x: Any, dtype: Any) -> Any:
        like = _traced(x)
        if like is None:
            return np.asarray(x, dtype)
        return like.graph.add("Cast", x, dtype=dtype, to=np.dtype(dtype))

    def asarray(self, x: Any, dtype: Any = None, device: Any = None) -> Any:
        return as_array(x, dtype)

    def where(self, condition: Any, yes: Any, no: Any) -> Any:
        like = _traced(yes, no, condition)
        if like is None:
            return np.where(condition, yes, no)
        dtype = next((e.dtype for e in (yes, no) if hasattr(e, "dtype")), np.dtype(np.float64))
        yes, no = as_array(yes, dtype), as_array(no, dtype)
        shape = broadcast(condition.shape, broadcast(yes.shape, no.shape))
        return like.graph.add("Where", condition, yes, no, shape=shape, dtype=dtype)

    def take(self, x: Any, indices: Any, axis: int = 0) -> Any:
        like = _traced(x, indices)
        if like is None:
            return np.take(x, indices, axis)
        shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
        return like.graph.add("Gather", x, indices, shape=shape, axis=axis)

    def reshape(self, x: Any, shape: Any) -> Any:
        like = _traced(x)
        if like is None:
            return np.reshape(x, shape)
        rows = next((k for k in x.shape if isinstance(k, Rows)), None)
        others = math.prod(k for k in x.shape if not isinstance(k, Rows))
        known = math.prod(k for k in shape if k != -1 and not isinstance(k, Rows))
        rest = others // known if rows is None else Rows(rows.times * others // known)
        return like.reshaped(tuple(rest if k == -1 else k for k in shape))

    def concat(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        like, axis = _traced(*arrays), axis % arrays[0].ndim
        if like is None:
            return np.concat(arrays, axis=axis)
        sizes = [each.shape[axis] for each in arrays]
        of_rows = isinstance(sizes[0], Rows)
        whole = Rows(sum(size.times for size in sizes)) if of_rows else sum(sizes)
        shape = (*arrays[0].shape[:axis], whole, *arrays[0].shape[axis + 1 :])
        return like.graph.add("Concat", *arrays, shape=shape, axis=axis)

    def stack(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        if _traced(*arrays) is None:
            return np.stack(arrays, axis)
        apart = [self.reshape(e, (*e.shape[:axis], 1, *e.shape[axis:])) for e in arrays]
        return self.concat(apart, axis=axis)

    def sum(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self._over("sum", "ReduceSum", x, axis, keepdims)

    def mean(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self._over("mean", "ReduceMean", x, axis, keepdims)

    def max(self, x: Any, axis: int, keepdims: bool = False) -> Any:
        return self._over("max", "ReduceMax", x, axis, keepdims)

    def _over(self, name: str, op: str, x: Any, axis: int, keepdims: bool) -> Any:
        if _traced(x) is None:
            return getattr(np, name)(x, axis=axis, keepdims=keepdims)
        axis %= x.ndim
        shape = (*x.shape[:axis], *((1,) if keepdims else ()), *x.shape[axis + 1 :])
        axes = np.array([axis], np.int64)
        return x.graph.add(op, x, axes, shape=shape, keepdims=int(keepdims))


ONE = {
    "abs": "Abs",
    "cos": "Cos",
    "exp": "Exp",
    "floor": "Floor",
    "log": "Log",
    "round": "Round",
    "sign": "Sign",
    "sin": "Sin",
    "sqrt": "Sqrt",
    "tanh": "Tanh",
}
TWO = {"equal": "Equal", "maximum": "Max", "minimum": "Min"}
"""Functions of the array API with the operators that compute the same."""

XP = _Namespace()
"""The library of these arrays."""
