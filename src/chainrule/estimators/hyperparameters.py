"""What the parameters of the estimators must be, and the rule that they ask for."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chainrule import engine
from chainrule.errors import check_number, check_whole, unknown_name
from chainrule.estimators import hidden_layers
from chainrule.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from chainrule.schedules import Schedule

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
    hidden_layers.layers(estimator, 1)
    estimator._loss()


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
