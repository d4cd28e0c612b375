"""The parameters of both estimators, with what each is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chainrule.engine.bfloat16 import Precision
from chainrule.engine.session import Engine
from chainrule.estimators.fitted import FittedMLP
from chainrule.estimators.hyperparameters import (
    BatchSize,
    Epochs,
    LearningRate,
    Metrics,
    Shards,
    Solver,
    Threads,
    Truth,
    Verbosity,
)
from chainrule.value_types import AtLeastOne, Fraction, NotNegative, Positive


@dataclass(eq=False, repr=False, kw_only=True)
class MLPParameters(FittedMLP):
    """The parameters of both estimators, and what is known after a fit.

    Parameters
    ----------
    solver
        How the network is trained: "adam", "sgd", "adamw", "nadam", "rmsprop", "adagrad", "lion",
        "rprop"; "lbfgs", which goes through SciPy; or an optimizer such as `cr.Adam(1e-3)`, which
        then brings its own learning rate and numbers.
    alpha, l1
        The strength of the penalties ½α‖W‖² and l₁‖W‖₁ on the weights. As in scikit-learn they
        are divided by the weight of the batch.
    batch_size
        How many examples make a step; "auto" is 200, or all where there are fewer. Weights of
        examples and classes act alike in batches of any size: they count beside the mean weight of
        all examples of the call, where scikit-learn's perceptron takes that of the batch.
    learning_rate
        "constant"; "invscaling" or "adaptive" for the solver "sgd"; or a schedule such as
        `cr.Cosine(1e-2, steps=1000)`, for every solver but "lbfgs".
    learning_rate_init, power_t
        The learning rate at the start, and the power by which "invscaling" lowers it.
    max_iter, max_fun
        The most epochs (for "lbfgs" the most steps), and the most costs that "lbfgs" computes.
    shuffle, random_state
        Whether each epoch has an order of its own; the source of everything random. One
        `random_state` gives one model on any number of threads.
    tol, n_iter_no_change
        The run ends when for more than `n_iter_no_change` epochs one after the other the loss, or
        under early stopping the score, has not gained by `tol`.
    verbose
        Whether to show how far a fit has come: a bar in a terminal, and in a notebook where
        `ipywidgets` is installed; lines elsewhere.
    warm_start
        Whether `fit` goes on from where the last call ended. a epochs and then b are a + b at
        once, bit for bit, through pickle too.
    momentum, nesterovs_momentum
        For the solver "sgd".
    early_stopping
        Whether validation data decide when the run ends. The parameters of the best score are
        kept then. `partial_fit` counts over its calls, where it is given `X_val` and `y_val`; at
        the end it keeps the best, says so once, and trains no more.
    validation_fraction, validation_split
        What `fit` sets aside for validation unless it is given `X_val` and `y_val`: under early
        stopping a fraction; or a split, which is a mask, the rows to hold out, or a splitter of
        one split such as `PredefinedSplit`.
    scoring
        What scores the validation data: None for the accuracy or R², "loss" for the loss of the
        network, the name of a scorer, or a function of (model, X, y).
    metrics
        Scorers to take after each epoch, by name: `{"auc": "roc_auc"}`; of the validation data
        where there are any, else of the training data.
    beta_1, beta_2, epsilon
        For the solvers of Adam's family; ε is added to √v̂, as in the paper, not to √v.
    dropout
        The rate at which activations are silenced in training, for all hidden layers or a list.
    layers
        The layers before the outputs in the place of hidden_layer_sizes, activation and dropout:
        a list of layers of any kind, `[cr.LayerNorm(), cr.Dense(32, "relu")]`. A linear layer for
        the outputs comes after them; where the last is `cr.Members`, within it, so that each
        member has outputs of its own. Each layer draws its initial parameters itself. A later call
        that goes on must be given the same layers. The statistics of a batch norm count each
        example once, whatever its weight; "lbfgs" makes no batches and refuses it.
    clip_value, clip_norm
        Bounds on each entry of the gradient, then on the norm of the whole.
    n_jobs
        How many threads to use: None for as many as are worth it, -1 for all.
    engine
        "auto", "native" to insist on the compiled engine, "reference" for the core.
    shards
        In how many parts, a power of two, each batch is summed; None leaves it whole, or on several
        ranks, `fit(X, y, comm=comm)`, takes as many as suit the batch. The result depends on this
        number and not on that of the ranks.
    precision
        "bfloat16" makes the products of training in bfloat16, faster where layers are wide, on
        processors that have them and for X of float32; predictions stay in float32. "lbfgs" refuses
        it.

    Attributes
    ----------
    network_, parameters_, history_
        The network, its parameters and the course of the training, for the functions of the core.
    coefs_, intercepts_
        The weights (inputs, outputs) and the biases of each dense layer, of those within other
        layers too; `parameters_` has those of all kinds.
    loss_, loss_curve_, best_loss_
        The loss of the last epoch, of each, and the lowest; None under early stopping.
    validation_scores_, best_validation_score_, validation_loss_curve_
        The scores of the validation data by epoch, the best, and their loss by epoch.
    metrics_curve_
        What `metrics` gave, by name and epoch.
    n_iter_, t_
        The epochs of the last call, and the examples seen in all calls.
    n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        The layers that have parameters, and the inputs, counted; the outputs; what turns the last
        into predictions; the columns.
    """

    solver: Solver = "adam"
    alpha: NotNegative = 0.0001
    batch_size: BatchSize = "auto"
    learning_rate: LearningRate = "constant"
    learning_rate_init: Positive = 0.001
    power_t: NotNegative = 0.5
    max_iter: AtLeastOne = 200
    shuffle: Truth = True
    random_state: Any = None
    tol: NotNegative = 1e-4
    verbose: Verbosity = False
    warm_start: Truth = False
    momentum: Fraction = 0.9
    nesterovs_momentum: Truth = True
    early_stopping: Truth = False
    validation_fraction: Fraction = 0.1
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: Positive = 1e-8
    n_iter_no_change: Epochs = 10
    max_fun: AtLeastOne = 15000
    l1: NotNegative = 0.0
    dropout: Any = 0.0
    layers: Any = None
    clip_value: Positive | None = None
    clip_norm: Positive | None = None
    validation_split: Any = None
    scoring: Any = None
    metrics: Metrics | None = None
    n_jobs: Threads = None
    engine: Engine = "auto"
    shards: Shards = None
    precision: Precision = None
