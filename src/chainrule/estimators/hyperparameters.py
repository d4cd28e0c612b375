"""What the parameters of the estimators must be, and the rule that they ask for."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from chainrule import engine
from chainrule.distributed import check_shards
from chainrule.estimators import hidden_layers
from chainrule.fields import checked_values
from chainrule.optimizers import OPTIMIZERS, SGD, Adam, Optimizer
from chainrule.schedules import Schedule
from chainrule.value_types import AtLeastOne, Count, Must, NotNegative, OneOf, Takes

LEARNING_RATES = ("constant", "invscaling", "adaptive")


def check_threads(value: Any) -> None:
    """Raise ValueError for what is no number of threads."""
    is_number = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if value is not None and not (is_number and value):
        raise ValueError(f"n_jobs must be None, a number of threads, or -1 for all; got {value!r}")


def check_number_of_shards(value: Any) -> None:
    """Raise TypeError or ValueError for what is no number of shards."""
    if value is not None:
        check_shards("shards", value)


def is_named(given: Mapping[Any, Any]) -> bool:
    """Whether all names of a mapping are texts.

    >>> is_named({"auc": "roc_auc"}), is_named({1: "roc_auc"})
    (True, False)
    """
    return all(isinstance(name, str) for name in given)


Solver = Annotated[str, OneOf((*OPTIMIZERS, "lbfgs"))] | Optimizer
LearningRate = Annotated[str, OneOf(LEARNING_RATES)] | Schedule
BatchSize = Literal["auto"] | AtLeastOne
Truth = Annotated[Any, Must("True or False", lambda value: value in (True, False), TypeError)]
Verbosity = Count | Truth
Endless = Annotated[Any, Must("a whole number >= 1", lambda n: n == math.inf, TypeError)]
Epochs = AtLeastOne | Endless
Metrics = Annotated[
    dict[str, Any], Must('a mapping such as {"auc": "roc_auc"}', is_named, TypeError)
]
Shards = Annotated[Any, Takes(check_number_of_shards)]
Threads = Annotated[Any, Takes(check_threads)]


def check_parameters(estimator: Any) -> None:
    """Raise where a parameter of an estimator is not what its type says."""
    checked_values(estimator, f"{type(estimator).__name__}: ")
    hidden_layers.layers(estimator, 1)
    estimator._loss()


@dataclass(frozen=True)
class InverseScalingByEpoch(Schedule):
    r"""scikit-learn's "invscaling": the rate falls with the examples seen, once an epoch.

    $$\eta_t = \eta / (1 + N\,e)^p,\qquad e = \lfloor (t - 1) / \mathrm{every} \rfloor$$

    >>> InverseScalingByEpoch(0.5, examples=3, every=2, power=0.5)(3)
    0.25
    """

    rate: NotNegative
    examples: NotNegative
    every: AtLeastOne
    power: NotNegative

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
