"""What the parameters of the estimators must be, and the network and rule that they ask for."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import RandomState

from chainrule import activations, engine, losses
from chainrule.activations import ACTIVATIONS, Activation
from chainrule.errors import check_number, check_whole, unknown_name
from chainrule.layers import Layer
from chainrule.layers.stacks import stack
from chainrule.network import Network, Parameters
from chainrule.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from chainrule.schedules import Schedule
from chainrule.trees import rebuild

INSTEAD_OF_LAYERS = ("hidden_layer_sizes", "activation", "dropout")

LEARNING_RATES = ("constant", "invscaling", "adaptive")
ENGINES = ("auto", "native", "reference")

Check = Callable[[str, Any], Any]


def _number(**bounds: float) -> Check:
    return lambda what, value: check_number(what, value, **bounds)


def _whole(least: int) -> Check:
    return lambda what, value: check_whole(what, value, least=least)


def _truth(what: str, value: Any) -> None:
    if value not in (True, False):
        raise TypeError(f"{what} must be True or False, got {value!r}")


def _or(known: Iterable[Any], check: Check) -> Check:
    """One of some values, or what passes a check."""
    return lambda what, value: None if value in known else check(what, value)


def _named(known: Iterable[str], kind: type = str) -> Check:
    """One of some names, or something of a kind."""

    def check(what: str, value: Any) -> None:
        if isinstance(value, str) and value not in known:
            estimator, _, parameter = what.partition(": ")
            raise unknown_name(f"{parameter} of {estimator}", value, known)
        if not isinstance(value, (str, kind)):
            own = "" if kind is str else f", or an {kind.__name__}"
            raise TypeError(f"{what} must be one of {', '.join(known)}{own}; got {value!r}")

    return check


def _threads(what: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value == 0:
        raise ValueError(f"{what} must be None, a number of threads, or -1 for all; got {value!r}")


def _metrics(what: str, value: Any) -> None:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise TypeError(f'{what} must be a mapping such as {{"auc": "roc_auc"}}, got {value!r}')


CONSTRAINTS: dict[str, Check] = {
    "solver": _named((*OPTIMIZERS, "lbfgs"), Optimizer),
    "alpha": _number(least=0),
    "l1": _number(least=0),
    "batch_size": _or(("auto",), _whole(1)),
    "learning_rate": _named(LEARNING_RATES, Schedule),
    "learning_rate_init": _number(above=0),
    "power_t": _number(least=0),
    "max_iter": _whole(1),
    "shuffle": _truth,
    "tol": _number(least=0),
    "verbose": _or((True, False), _whole(0)),
    "warm_start": _truth,
    "momentum": _number(least=0, below=1),
    "nesterovs_momentum": _truth,
    "early_stopping": _truth,
    "validation_fraction": _number(least=0, below=1),
    "beta_1": _number(least=0, below=1),
    "beta_2": _number(least=0, below=1),
    "epsilon": _number(above=0),
    "n_iter_no_change": _or((math.inf,), _whole(1)),
    "max_fun": _whole(1),
    "metrics": _or((None,), _metrics),
    "scale_target": _truth,
    "clip_value": _or((None,), _number(above=0)),
    "clip_norm": _or((None,), _number(above=0)),
    "n_jobs": _or((None,), _threads),
    "engine": _named(ENGINES),
}
"""What each parameter must be; those that are missing here are looked at where they are used."""


def check_parameters(estimator: Any) -> None:
    """Raise where a parameter of an estimator is not what it must be."""
    kind = type(estimator).__name__
    for name, value in vars(estimator).items():
        if name in CONSTRAINTS:
            CONSTRAINTS[name](f"{kind}: {name}", value)
    layers(estimator, 1)
    estimator._loss()


def activation(what: str, given: str | Activation) -> str | Activation:
    """Return an activation as the core knows it: scikit-learn says logistic for the sigmoid.

    >>> activation("MLPClassifier: activation", "logistic")
    'sigmoid'
    """
    given = "sigmoid" if isinstance(given, str) and given == "logistic" else given
    if isinstance(given, str) and given.partition("(")[0].strip() not in ACTIVATIONS:
        _named((*ACTIVATIONS, "logistic"))(what, given)
    activations.activation(given)
    return given


def _for_each(what: str, given: Any, count: int) -> list[Any]:
    """One value for each hidden layer, from one for all of them or a list."""
    if isinstance(given, (list, tuple)):
        if len(given) != count:
            raise ValueError(
                f"{what} must be one value, or one for each of the {count} hidden layers; "
                f"got {len(given)}"
            )
        return list(given)
    return [given] * count


def hidden_sizes(estimator: Any) -> list[int]:
    """Return the sizes of the hidden layers.

    >>> hidden_sizes(cr.MLPClassifier(8))
    [8]
    """
    given, kind = estimator.hidden_layer_sizes, type(estimator).__name__
    sizes = list(given) if isinstance(given, Iterable) else [given]
    return [check_whole(f"{kind}: hidden_layer_sizes", size, least=1) for size in sizes]


def given_layers(estimator: Any) -> list[Layer]:
    """Return the layers that are given in the place of sizes, activations and rates of dropout.

    >>> given_layers(cr.MLPClassifier(layers=[cr.Dense(8, "relu")], dropout=0.1))
    Traceback (most recent call last):
    ...
    ValueError: MLPClassifier: layers stands in the place of hidden_layer_sizes, activation and \
dropout; leave out dropout=0.1, or write it as a layer
    """
    kind, given = type(estimator).__name__, estimator.layers
    if not isinstance(given, (list, tuple)) or not all(isinstance(k, Layer) for k in given):
        raise TypeError(
            f"{kind}: layers must be a list of layers such as [cr.Dense(32, 'relu')], got {given!r}"
        )
    for name in INSTEAD_OF_LAYERS:
        value = getattr(estimator, name)
        if not np.array_equal(value, type(estimator).__dataclass_fields__[name].default):
            raise ValueError(
                f"{kind}: layers stands in the place of hidden_layer_sizes, activation and "
                f"dropout; leave out {name}={value!r}, or write it as a layer"
            )
    return list(given)


def form(estimator: Any) -> dict[str, tuple[Any, Any]]:
    """Return what the number and shapes of the parameters follow from, beside the data.

    For each hyper-parameter, as it is given and what counts of it.

    >>> form(cr.MLPRegressor(hidden_layer_sizes=8, dropout=0.1))["dropout"]
    (0.1, [True])
    """
    kind, sizes = type(estimator).__name__, hidden_sizes(estimator)
    rates = _for_each(f"{kind}: dropout", estimator.dropout, len(sizes))
    row = losses.loss(estimator._loss())
    found: dict[str, tuple[Any, Any]] = {
        "hidden_layer_sizes": (estimator.hidden_layer_sizes, sizes),
        "dropout": (estimator.dropout, [rate > 0 for rate in rates]),
        "layers": (estimator.layers, None if estimator.layers is None else [*estimator.layers]),
        "loss": (estimator.loss, row.target == "class"),
    }
    if hasattr(estimator, "quantiles"):
        found["quantiles"] = estimator.quantiles, row.group
    return found


def check_same_form(estimator: Any, before: dict[str, tuple[Any, Any]]) -> None:
    """Raise where an earlier call's parameters are not of the form that is asked for now.

    >>> model = cr.MLPClassifier(8)
    >>> check_same_form(model.set_params(hidden_layer_sizes=9), form(cr.MLPClassifier(8)))
    Traceback (most recent call last):
    ...
    ValueError: MLPClassifier goes on from an earlier call: hidden_layer_sizes was 8 then and is 9 \
now; ...
    """
    for name, (given, counted) in form(estimator).items():
        then, earlier = before.get(name, (given, counted))
        if counted != earlier:
            raise ValueError(
                f"{type(estimator).__name__} goes on from an earlier call: {name} was {then!r} "
                f"then and is {given!r} now; set it back, or begin anew: fit with warm_start=False"
            )


def layers(estimator: Any, outputs: int) -> list[Layer]:
    """Return the layers of the network: those before the outputs, and a linear one for them.

    >>> layers(cr.MLPClassifier((8, 4), ("relu", "tanh"), dropout=(0.1, 0)), outputs=1)
    [Dense(8, 'relu'), Dropout(0.1), Dense(4, 'tanh'), Dense(1, 'identity')]
    """
    before, (output,) = hidden_layers(estimator), stack([outputs], ["identity"])
    return [*before[:-1], *before[-1].then(output)] if before else [output]


def hidden_layers(estimator: Any) -> list[Layer]:
    """Return the layers before the outputs.

    >>> hidden_layers(cr.MLPClassifier(layers=[cr.Dense(8, "relu"), cr.Dropout(0.1)]))
    [Dense(8, 'relu'), Dropout(0.1)]
    """
    if estimator.layers is not None:
        return given_layers(estimator)
    kind, sizes = type(estimator).__name__, hidden_sizes(estimator)
    names = _for_each(f"{kind}: activation", estimator.activation, len(sizes))
    rates = _for_each(f"{kind}: dropout", estimator.dropout, len(sizes))
    names = [activation(f"{kind}: activation", name) for name in names]
    rates = [check_number(f"{kind}: dropout", rate, least=0, below=1) for rate in rates]
    return stack(sizes, names, rates)


def initial(estimator: Any, net: Network, rng: RandomState, dtype: Any) -> Parameters:
    """Draw parameters: dense layers as scikit-learn draws them, those that are given by their own.

    >>> model = cr.MLPRegressor(hidden_layer_sizes=3)
    >>> net = cr.Network(2, layers(model, 1), loss="huber")
    >>> initial(model, net, np.random.RandomState(0), "float64")[0].W.shape
    (3, 2)
    """
    if estimator.layers is not None:
        return net.init(int(rng.randint(2**31)), dtype)
    factor, drawn = 2.0 if is_logistic(estimator.activation) else 6.0, []
    for part in filter(None, net.form):
        bound = math.sqrt(factor / sum(part.W.shape))
        drawn += [rng.uniform(-bound, bound, leaf.shape[::-1]).T for leaf in part]
    made: Parameters = rebuild(net.form, [np.ascontiguousarray(leaf, dtype) for leaf in drawn])
    return made


@dataclass(frozen=True)
class InverseScalingByEpoch(Schedule):
    r"""scikit-learn's "invscaling": the rate falls with the examples seen, once an epoch.

    $$\eta_t = \eta / (1 + N\,e)^p,\qquad e = \lfloor (t - 1) / \mathrm{every} \rfloor$$

    >>> InverseScalingByEpoch(0.5, examples=3, every=2, power=0.5)(3)
    0.25
    """

    rate: float
    examples: float
    every: int
    power: float

    def __call__(self, t: int) -> float:
        seen = self.examples * ((t - 1) // self.every)
        return self.rate / math.pow(1 + seen, self.power)


def optimizer(estimator: Any, n: int, batch: int, slowdown: float = 1.0) -> Optimizer:
    """Return the rule of a run over n examples in batches; "adaptive" has slowed it down.

    >>> optimizer(cr.MLPClassifier(solver="sgd"), n=100, batch=10)
    SGD(learning_rate=0.001, momentum=0.9, nesterov=True)
    """
    if isinstance(estimator.solver, Optimizer):
        return estimator.solver
    rate = estimator.learning_rate_init * slowdown
    if isinstance(estimator.learning_rate, Schedule):
        rate = estimator.learning_rate
    elif estimator.solver == "sgd" and estimator.learning_rate == "invscaling":
        rate = InverseScalingByEpoch(rate, n, math.ceil(n / batch), estimator.power_t)
    kind: Any = OPTIMIZERS[estimator.solver]
    if kind is SGD:
        return SGD(rate, estimator.momentum, bool(estimator.nesterovs_momentum))
    adam = issubclass(kind, Adam)
    numbers = (estimator.beta_1, estimator.beta_2, estimator.epsilon) if adam else ()
    made: Optimizer = kind(rate, *numbers)
    return made


def slows_down(estimator: Any) -> bool:
    """Whether the rate of learning falls where the run stands still, rather than the run ending.

    >>> slows_down(cr.MLPClassifier(solver="sgd", learning_rate="adaptive"))
    True
    """
    return isinstance(estimator.solver, str) and (estimator.solver, estimator.learning_rate) == (
        "sgd",
        "adaptive",
    )


def is_logistic(given: Any) -> bool:
    """Whether the hidden layers are logistic, which has weights drawn smaller.

    >>> is_logistic("logistic")
    True
    """
    return isinstance(given, str) and given in ("logistic", "sigmoid")


def threads(estimator: Any) -> int | None:
    """Return the threads that n_jobs asks for; -1 is all cores, None as many as are worth it.

    >>> threads(cr.MLPClassifier(n_jobs=2))
    2
    """
    n: int | None = estimator.n_jobs
    return n if n is None or n > 0 else max(1, engine.cores() + 1 + n)


def is_descent(estimator: Any) -> bool:
    """Whether the solver makes epochs, as all but L-BFGS do.

    >>> is_descent(cr.MLPClassifier(solver="lbfgs"))
    False
    """
    return not (isinstance(estimator.solver, str) and estimator.solver == "lbfgs")


def descends(estimator: Any) -> bool:
    """Whether partial_fit can be: True where the solver makes epochs, else AttributeError.

    >>> descends(cr.MLPClassifier())
    True
    """
    if not is_descent(estimator):
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
        )
    return True
