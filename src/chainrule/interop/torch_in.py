r"""From modules of PyTorch, which its own tracer, torch.fx, takes apart."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.errors import shown
from chainrule.extras import library
from chainrule.interop.imported_layers import (
    Imported,
    assembled,
    check_alike,
    named,
    suggested,
    taken,
)
from chainrule.interop.torch_layers import read_layer
from chainrule.interop.value_graph import Made, layers_between
from chainrule.layers import Activate
from chainrule.loss_row import Loss
from chainrule.network import Network, Parameters
from chainrule.trees import Array

CALLED = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "hardtanh": "Hardtanh",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "dropout": "Dropout",
    "flatten": "Flatten",
}
"""The functions and methods that a model may call, with the modules that do the same."""

UNSAID = ("_stacklevel", "dtype", "inplace", "training")
"""Arguments of such functions that the modules do not take; those that matter are looked at."""


def from_torch(model: Any, *, loss: str | Loss | None = None) -> tuple[Network, Parameters]:
    r"""Return the network of a module of PyTorch, and a copy of its parameters.

    $$a = f(x W^\top + b),\qquad a = x + F(x)$$

    The model is a `torch.nn.Sequential`, or any module that torch.fx traces to layers one after the
    other: `Linear`, the activations of the table, as modules or as functions, `Dropout`,
    `LayerNorm`, `RMSNorm`, `BatchNorm1d` with its running statistics, sums x + F(x), and `Identity`
    and `Flatten`, which change nothing of rows. What came over is compared with the model on random
    rows, in evaluation mode, which is left again: both predict the same, or it is refused.

    - Whether the model is in training or in evaluation mode makes no difference.
    - Parameters are copies, on the CPU; float64 and float32 stay, half precision becomes float32,
      which has the same numbers.
    - Frozen parameters (`requires_grad=False`) come as any others: name them in `fit(freeze=…)`.
      So with gains, shifts and biases that a layer does without: they are 1 and 0 here, and `fit`
      would move them.
    - A `Softmax`, `LogSoftmax` or `Sigmoid` at the end is taken off where the loss applies it
      itself; `predict` gives the probabilities all the same.

    Parameters
    ----------
    model
        The module: an object, not the path of a file.
    loss
        The loss of the network, for a module has none. Left out, it is `"cross_entropy"` of a model
        that ends in a softmax or its logarithm, `"binary_cross_entropy"` of one that ends in a
        sigmoid, and of any other `"mean_squared_error"`, which is `torch.nn.MSELoss`.

    Raises
    ------
    ImportError
        Where PyTorch is missing.
    TypeError
        For what is no module, such as a path or a `state_dict`, and for parameters in integers.
    ValueError
        For a layer that Chainrule does not have, a parameter that two layers share or that is not
        finite, and for a model that cannot be traced; the message says where.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    >>> net, params = cr.from_torch(model, loss="cross_entropy")
    >>> net.layers, params[0].W.shape
    ((Dense(8, 'tanh'), Dense(3, 'identity')), (8, 4))
    """
    if isinstance(model, str | bytes | os.PathLike):
        raise TypeError(
            f"from_torch: model must be a module, got the path {os.fspath(model)!r}: a file of "
            "PyTorch's can run any code when it is loaded. Make the module, and load numbers "
            "alone: model.load_state_dict(torch.load(path, weights_only=True))"
        )
    torch = library("torch", "from_torch")
    if not isinstance(model, torch.nn.Module):
        of_numbers = isinstance(model, Mapping)
        fix = "; make the module, and load them by load_state_dict" if of_numbers else ""
        raise TypeError(
            "from_torch: model must be a module of PyTorch, such as torch.nn.Sequential, got "
            f"{type(model).__name__ if of_numbers else shown(model)}{fix}"
        )
    traced = _Traced(torch, model)
    with named("from_torch"):
        layers = traced.layers()
    loss = suggested(layers) if loss is None else loss
    if traced.ends_in_logarithm and str(loss).partition("(")[0] != "cross_entropy":
        raise ValueError(
            "from_torch: the model ends in a LogSoftmax, so that loss must be 'cross_entropy', "
            f"got {str(loss)!r}"
        )
    net, params = assembled("from_torch", layers, loss)
    check_alike("from_torch", layers, traced.predict, traced.eps)
    return net, params


class _Traced:
    """A module and the graph of its values."""

    def __init__(self, torch: Any, model: Any) -> None:
        self.torch, self.model = torch, model
        self.whole = torch.nn.Sequential(model)  # so that a single layer is traced as one too
        self.ends_in_logarithm = False
        self.owners: dict[int, str] = {}
        self.eps = 2.0**-52
        """The coarsest rounding of the parameters."""

    def layers(self) -> list[Imported]:
        fx = library("torch.fx", "from_torch")
        try:
            nodes = list(fx.symbolic_trace(self.whole).graph.nodes)
        except Exception as error:  # whatever the model's own code raises
            raise ValueError(
                f"model: {type(self.model).__name__} cannot be traced by torch.fx: {error}; it "
                "must compute its output from one input, without conditions on values"
            ) from None
        inputs = [node for node in nodes if node.op == "placeholder"]
        self.out = nodes[-1].args[0]
        if len(inputs) != 1 or not isinstance(self.out, fx.Node):
            raise ValueError(
                f"model: {type(self.model).__name__} must have one input and one output, a tensor"
            )
        made = {node: self.made(node, fx.Node) for node in nodes[:-1]}
        return layers_between(inputs[0], self.out, made.__getitem__)

    def made(self, node: Any, kind: type) -> Made:
        """How the value of a node is made."""
        if node.op == "placeholder":
            return Made("model")
        of = tuple(arg for arg in node.args if isinstance(arg, kind))
        if node.op == "call_module":
            place = f"model{node.target.removeprefix('0')}"
            module = self.whole.get_submodule(node.target)
            return Made(place, of[:1], lambda: self.read(place, module, node is self.out))
        place = f"model: {node.name} in its forward"
        name = node.target if node.op == "call_method" else getattr(node.target, "__name__", "")
        if name == "add" and len(of) == len(node.args) == 2 and not node.kwargs:
            return Made(place, of)
        return Made(place, of[:1], lambda: self.called(place, name, node, len(of)))

    def called(self, place: str, name: str, node: Any, values: int) -> list[Imported]:
        """The layers of a function or method: those of the module that does the same."""
        like, kwargs = CALLED.get(name), dict(node.kwargs)
        if like is None or values != 1 or kwargs.get("dtype") is not None:
            given = ", ".join(map(str, node.args))
            raise ValueError(f"{place}: {name or node.op}({given}) is nothing that Chainrule has")
        if like == "Dropout" and kwargs.get("training", True) and not self.model.training:
            raise ValueError(f"{place}: drops in evaluation mode too; write training=self.training")
        if like == "Flatten" and len(node.args) < 2:
            kwargs.setdefault("start_dim", 0)  # as the function has it, and the module has not
        more = {key: value for key, value in kwargs.items() if key not in UNSAID}
        with named(place):
            module = getattr(self.torch.nn, like)(*node.args[1:], **more)
        return self.read(place, module, node is self.out)

    def read(self, place: str, module: Any, last: bool) -> list[Imported]:
        """The layers of a module."""
        with named(place):
            if type(module) is self.torch.nn.LogSoftmax and last and module.dim != 0:
                self.ends_in_logarithm = True
                return [Imported(Activate("softmax"))]
            found = next(self.model.parameters(), None)
            half = found is None or found.dtype != self.torch.float64
            of = np.dtype(np.float32 if half else np.float64)
            return read_layer(
                self.torch, module, lambda name: self.numbers(place, module, name), of
            )

    def numbers(self, place: str, module: Any, name: str) -> Array | None:
        """A copy of a parameter, or None where the module does without."""
        tensor = getattr(module, name)
        if tensor is None:
            return None
        if tensor.is_meta:
            raise ValueError(f"{name} is on the device 'meta', which has no numbers: load them")
        if isinstance(tensor, self.torch.nn.Parameter):
            if tensor.data_ptr() in self.owners:
                raise ValueError(
                    f"its {name} is that of {self.owners[tensor.data_ptr()]} too, which it would "
                    "not stay here: give each layer numbers of its own, as copy.deepcopy makes them"
                )
            self.owners[tensor.data_ptr()] = place
        if tensor.is_floating_point():
            self.eps = max(self.eps, self.torch.finfo(tensor.dtype).eps)
            if tensor.dtype not in (self.torch.float32, self.torch.float64):
                tensor = tensor.float()
        return taken(name, tensor.detach().cpu().numpy())

    def predict(self, X: Array) -> Array:
        """What the model makes of rows, on its device, in its dtype and in evaluation mode."""
        torch = self.torch
        like = next(itertools.chain(self.model.parameters(), self.model.buffers()))
        modes = [(module, module.training) for module in self.model.modules()]
        try:
            self.model.eval()
            with torch.no_grad():
                made = self.model(torch.tensor(X, dtype=like.dtype, device=like.device))
        finally:
            for module, training in modes:
                module.training = training
        made = made.double().cpu().numpy()
        return np.exp(made) if self.ends_in_logarithm else made
