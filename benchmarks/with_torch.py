"""PyTorch: eager training with the fused optimizers; torch.func for gradients of single examples.

Compiling (torch.compile) dense layers is left out: at these sizes it was slower than eager mode.
Layers of other kinds are tried compiled too. On several cores, a single thread is tried too, which
suits small networks.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from cases import RATE, Problem
from interleaved import Start, Turn, in_one_call, one_by_one
from torch_layers import modules

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU}

LOSSES: dict[str, Callable[..., Any]] = {
    "cross_entropy": functional.cross_entropy,
    "mean_squared_error": functional.mse_loss,
    "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
}

NORMS_AT_A_TIME = (32, 64)
"""Each example's gradient is built, in 0.4 MB for 784-128-10. More examples at a time leave the
caches, and all 10,000 would take 4 GB; they are slower."""


def network(problem: Problem, *last: nn.Module) -> nn.Sequential:
    """Return the network of a problem, with its weights, and other modules after it."""
    case = problem.case
    modules: list[nn.Module] = []
    for i, o in itertools.pairwise(case.sizes):
        modules += [nn.Linear(i, o), ACTIVATIONS[case.activation]()]
        if case.dropout:
            modules.append(nn.Dropout(case.dropout))
    net = nn.Sequential(*modules[: -2 if case.dropout else -1], *last)
    given = itertools.chain.from_iterable(problem.weights)
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), given, strict=True):
            parameter.copy_(torch.from_numpy(value))
    return net


def train(problem: Problem, cores: int) -> dict[str, Start]:
    """The examples are put into their order once an epoch, and cut into batches."""
    return {
        f"eager, threads: {threads}": in_one_call(
            functools.partial(begin, problem, threads, network)
        )
        for threads in sorted({1, cores})
    }


def train_layers(problem: Problem, cores: int) -> dict[str, Start]:
    """As `train`, and compiled."""

    def plain(problem: Problem) -> nn.Module:
        return modules(problem.net, problem.params)

    def compiled(problem: Problem) -> nn.Module:
        return torch.compile(plain(problem))  # type: ignore[return-value]

    return {
        f"{how.__name__}, threads: {threads}": in_one_call(
            functools.partial(begin, problem, threads, how)
        )
        for how in (plain, compiled)
        for threads in sorted({1, cores})
    }


def begin(
    problem: Problem, threads: int, made: Callable[[Problem], nn.Module]
) -> Callable[[int], float]:
    """Return what trains for some epochs and returns the mean loss of the last."""
    case = problem.case
    torch.set_num_threads(threads)
    X, y, loss = torch.from_numpy(problem.X), torch.from_numpy(problem.y), LOSSES[case.loss]
    net = made(problem)
    weights = net.parameters()
    optimizer = (
        torch.optim.AdamW(weights, lr=RATE, weight_decay=case.decay, fused=True)
        if case.decay
        else torch.optim.Adam(weights, lr=RATE, fused=True)
    )

    def run(epochs: int) -> float:
        total = 0.0
        for _ in range(epochs):
            total = 0.0
            for x, t in batches(X, y, case.batch):
                optimizer.zero_grad(set_to_none=True)
                a = net(x)
                cost = loss(a, t if t.ndim in (a.ndim, 1) else t[:, None].expand_as(a))
                cost.backward()
                optimizer.step()
                total += cost.item()
        return total / case.steps

    return run


def batches(X: Any, y: Any, batch: int | None) -> Any:
    """Return the batches of an epoch in an order of its own; a full batch needs none."""
    if batch is None:
        return [(X, y)]
    order = torch.randperm(len(X))
    return zip(X[order].split(batch), y[order].split(batch), strict=True)


def predict_row(problem: Problem, cores: int) -> dict[str, Start]:
    """Modules, the bare functions, and a frozen trace of the modules."""
    torch.set_num_threads(cores)
    x = torch.from_numpy(problem.X)
    (W1, b1), (W2, b2) = ((torch.from_numpy(W), torch.from_numpy(b)) for W, b in problem.weights)
    net = network(problem, nn.Softmax(dim=1)).eval().requires_grad_(False)
    jit: Any = torch.jit
    frozen = jit.freeze(jit.trace(net, x))
    tuned = jit.optimize_for_inference(jit.trace(net, x))

    def functions() -> torch.Tensor:
        a = torch.relu(functional.linear(x, W1, b1))
        return torch.softmax(functional.linear(a, W2, b2), 1)

    return {
        "modules": for_inference(lambda: net(x)),
        "functions": for_inference(functions),
        "trace, frozen": for_inference(lambda: frozen(x)),
        "trace, optimized for inference": for_inference(lambda: tuned(x)),
    }


def predict_rows(problem: Problem, cores: int) -> dict[str, Start]:
    """All rows at once, or some at a time, whose hidden layer stays in the caches."""
    torch.set_num_threads(cores)
    X: Any = torch.from_numpy(problem.X)
    net = network(problem, nn.Softmax(dim=1)).eval().requires_grad_(False)
    return {
        "all at once": for_inference(lambda: net(X)),
        "4,000 at a time": for_inference(lambda: torch.cat([net(x) for x in X.split(4_000)])),
    }


def for_inference(call: Callable[[], Any]) -> Start:
    """Return the start of calls made without a record for the gradient."""
    turn = one_by_one(call)()

    def within(count: int) -> tuple[float, Any]:
        with torch.inference_mode():
            return turn(count)

    result: Turn = within
    return lambda: result


def squared_norms(problem: Problem, cores: int) -> dict[str, Start]:
    """vmap(grad), with the norm taken within it, so that few gradients exist at a time."""
    torch.set_num_threads(cores)
    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)
    weights = [(torch.from_numpy(W), torch.from_numpy(b)) for W, b in problem.weights]

    def loss(weights: Any, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        (W1, b1), (W2, b2) = weights
        z = functional.linear(torch.relu(functional.linear(x, W1, b1)), W2, b2)
        return functional.cross_entropy(z[None], label[None])

    def norm(weights: Any, x: torch.Tensor, label: torch.Tensor) -> Any:
        gradient = torch.func.grad(loss)(weights, x, label)
        return sum((g * g).sum() for g in itertools.chain.from_iterable(gradient))

    def norms_by(count: int) -> Start:
        norms = torch.func.vmap(norm, in_dims=(None, 0, 0), chunk_size=count)
        return one_by_one(lambda: norms(weights, X, y))

    return {f"{count} at a time": norms_by(count) for count in NORMS_AT_A_TIME}
