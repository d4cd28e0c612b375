"""Chainrule: feedforward networks trained by backpropagation, with the working shown."""

import importlib
import typing

from chainrule import activations, initialisers, layers, losses, optimizers, schedules
from chainrule.activation_row import Activation
from chainrule.backprop import (
    backward,
    cost,
    forward,
    gradient,
    input_gradient,
    per_example_gradients,
    squared_norms,
)
from chainrule.batches import HeldOut
from chainrule.distributed import RankError, Ranks
from chainrule.evaluation import cost_and_gradient, example_squared_norms, predict
from chainrule.explanation import explain, paths
from chainrule.extras import is_installed as _is_installed
from chainrule.extras import needed_by as _needed_by
from chainrule.history import DivergenceError, EarlyStopping, History, TrainingInterrupted
from chainrule.layers import *  # a new kind is named there alone
from chainrule.loss_row import Loss
from chainrule.network import Network
from chainrule.optimizers import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    Optimizer,
    RMSprop,
    Rprop,
)
from chainrule.schedules import (
    Constant,
    Cosine,
    CosLog4,
    Exponential,
    InverseScaling,
    OneCycle,
    Resumed,
    Schedule,
    StepDecay,
    WarmUp,
)
from chainrule.training import fit

if typing.TYPE_CHECKING:
    from chainrule.diagnosis import (
        check_gradient,
        integrated_gradients,
        rate_range,
        shapley_values,
    )
    from chainrule.diagnosis.mistake_search import find_mistake
    from chainrule.diagnosis.verdict import diagnose
    from chainrule.diagnosis.watch import Watch
    from chainrule.estimators import (
        GradientFlowDisplay,
        LossCurveDisplay,
        MLPClassifier,
        MLPRegressor,
    )
    from chainrule.explanation.contributions import contributions
    from chainrule.explanation.replay import explain_step
    from chainrule.fitting.checkpoint import Checkpoint
    from chainrule.fitting.fit_many import fit_many
    from chainrule.interop.keras_in import from_keras
    from chainrule.interop.onnx_in import from_onnx
    from chainrule.interop.onnx_out import to_onnx
    from chainrule.interop.python_out import to_python
    from chainrule.interop.sklearn_in import from_sklearn
    from chainrule.interop.torch_in import from_torch
    from chainrule.interop.torch_out import to_torch
    from chainrule.serialization import CheckpointError, ModelFileError, load, save

    __version__: str

__all__ = [
    "SGD",
    "Activation",
    "Adagrad",
    "Adam",
    "AdamW",
    "Checkpoint",
    "CheckpointError",
    "Constant",
    "CosLog4",
    "Cosine",
    "DependenceDisplay",
    "DivergenceError",
    "EarlyStopping",
    "Exponential",
    "GradientFlowDisplay",
    "HeldOut",
    "History",
    "InverseScaling",
    "Lion",
    "Loss",
    "LossCurveDisplay",
    "MLPClassifier",
    "MLPRegressor",
    "ModelFileError",
    "NAdam",
    "Network",
    "OneCycle",
    "Optimizer",
    "RMSprop",
    "RankError",
    "Ranks",
    "Resumed",
    "Rprop",
    "Schedule",
    "StepDecay",
    "TableError",
    "TableModel",
    "TabularClassifier",
    "TabularRegressor",
    "TrainingInterrupted",
    "WarmUp",
    "Watch",
    "activations",
    "backward",
    "check_gradient",
    "contributions",
    "cost",
    "cost_and_gradient",
    "diagnose",
    "example_squared_norms",
    "explain",
    "explain_step",
    "find_mistake",
    "fit",
    "fit_many",
    "forward",
    "from_keras",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "gradient",
    "initialisers",
    "input_gradient",
    "integrated_gradients",
    "load",
    "losses",
    "optimizers",
    "partial_dependence",
    "paths",
    "per_example_gradients",
    "predict",
    "rate_range",
    "save",
    "schedules",
    "shapley_values",
    "squared_norms",
    "to_onnx",
    "to_python",
    "to_torch",
    "train",
]
__all__ += layers.__all__

_LAZY = {
    **dict.fromkeys(
        ("check_gradient", "integrated_gradients", "rate_range", "shapley_values"),
        "chainrule.diagnosis",
    ),
    **dict.fromkeys(
        ("GradientFlowDisplay", "LossCurveDisplay", "MLPClassifier", "MLPRegressor"),
        "chainrule.estimators",
    ),
    **dict.fromkeys(
        ("CheckpointError", "ModelFileError", "load", "save"),
        "chainrule.serialization",
    ),
    **dict.fromkeys(
        (
            "DependenceDisplay",
            "TableModel",
            "TabularClassifier",
            "TabularRegressor",
            "partial_dependence",
            "train",
        ),
        "chainrule.tabular",
    ),
    "contributions": "chainrule.explanation.contributions",
    "Watch": "chainrule.diagnosis.watch",
    "diagnose": "chainrule.diagnosis.verdict",
    "find_mistake": "chainrule.diagnosis.mistake_search",
    "explain_step": "chainrule.explanation.replay",
    "Checkpoint": "chainrule.fitting.checkpoint",
    "fit_many": "chainrule.fitting.fit_many",
    "from_keras": "chainrule.interop.keras_in",
    "from_onnx": "chainrule.interop.onnx_in",
    "from_sklearn": "chainrule.interop.sklearn_in",
    "from_torch": "chainrule.interop.torch_in",
    "to_onnx": "chainrule.interop.onnx_out",
    "to_python": "chainrule.interop.python_out",
    "to_torch": "chainrule.interop.torch_out",
    "TableError": "chainrule.tabular.table_error",
}
"""Names whose module waits until one of them is asked for."""

_EXTRAS = {
    "chainrule.diagnosis.mistake_search": ("explain",),
    "chainrule.estimators": ("estimators",),
    "chainrule.explanation.contributions": ("explain",),
    "chainrule.explanation.replay": ("explain",),
    "chainrule.tabular": ("tables", "estimators"),
}
"""The extras whose modules such a module imports; the first brings all of them."""

_missing = {
    module for module, extras in _EXTRAS.items() if not all(map(_is_installed, extras))
}  # asked for by its name, each says what to install
__all__[:] = [name for name in __all__ if _LAZY.get(name) not in _missing]


def __getattr__(name: str) -> typing.Any:
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("chainrule")
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _LAZY[name]
    with _needed_by(name, next(iter(_EXTRAS.get(module, ())), "")):
        return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return sorted(__all__)
