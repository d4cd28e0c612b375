r"""Pictures of a fit in scikit-learn's convention: the loss by epoch, the derivatives by layer.

dW      (o, i)   ∂C/∂W, without the penalty      delta   (n, o)   ∂C/∂z, for one example
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from chainrule import backprop
from chainrule.extras import library
from chainrule.html_page.colours import BLUE, GREY, ORANGE
from chainrule.layers import Role, Words
from chainrule.layers.layer_words import in_words
from chainrule.network import Network, Parameters
from chainrule.penalties import without_penalty
from chainrule.streams import Stream, generator
from chainrule.trees import leaves, named_leaves

Array = NDArray[Any]

ROWS = 2000
"""How many examples the derivatives are taken of, at most; the same are drawn each time."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

LONGEST = 24
"""The most characters of a line below a layer."""

STYLES = (":", "-.", (0, (4, 1, 1, 1, 1, 1)), (0, (1, 3)))
"""The lines of scores, beside the solid and the dashed one of the losses."""


class LossCurveDisplay:
    """The course of a fit: training loss, validation loss and validation score by epoch.

    Parameters
    ----------
    loss
        The training loss by epoch.
    validation_loss
        The loss of the validation data after each epoch; None without such data.
    scores
        The scores after each epoch by name, the one that decides first.
    loss_name
        What the loss is called on its axis.
    best_epoch
        The epoch that is marked, from 1; left out, that of the lowest validation loss.

    Attributes
    ----------
    ax_, figure_
        The axes of the losses, and their figure.
    score_ax_
        The axes of the scores, None without scores.
    lines_
        The lines, by what they show.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = cr.MLPRegressor(hidden_layer_sizes=(8,))
    >>> for _ in range(3):
    ...     model = model.partial_fit(X, X[:, 0] ** 2)
    >>> display = LossCurveDisplay.from_estimator(model)
    >>> display.ax_.get_xlabel(), len(display.loss)
    ('epoch', 3)
    """

    loss: Any
    validation_loss: Any
    scores: dict[str, Any]
    loss_name: str
    best_epoch: int | None

    def __init__(
        self,
        loss: Any,
        validation_loss: Any = None,
        scores: dict[str, Any] | None = None,
        *,
        loss_name: str = "loss",
        best_epoch: int | None = None,
    ) -> None:
        self.loss, self.validation_loss, self.scores = loss, validation_loss, scores or {}
        self.loss_name, self.best_epoch = loss_name, best_epoch

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> LossCurveDisplay:
        """Draw the course of an estimator's fit.

        Raises NotFittedError before it is fitted, and ValueError where its solver keeps no loss by
        epoch.

        Parameters
        ----------
        estimator
            A fitted estimator, or a pipeline that ends in one.
        ax
            The axes to draw on; left out, a new figure.
        **kwargs
            Those of `plot`.
        """
        estimator, _ = _unwrapped(estimator)
        if not hasattr(estimator, "loss_curve_"):
            raise ValueError(
                "LossCurveDisplay: the estimator has no loss_curve_: solver="
                f"{estimator.solver!r} makes no epochs; take another solver, such as 'adam'"
            )
        display = cls(
            list(estimator.loss_curve_),
            getattr(estimator, "validation_loss_curve_", None),
            _scores(estimator),
            loss_name=str(estimator.network_.loss),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> LossCurveDisplay:
        """Draw the losses, and the scores on an axis of their own.

        A point marks the best epoch of the validation data. Losses that fall by more than a factor
        of thirty have a logarithmic axis.

        Parameters
        ----------
        ax
            The axes to draw on; left out, a new figure.
        **kwargs
            What matplotlib's `plot` takes, for all lines.
        """
        self.ax_: Any = _axes(ax)
        self.figure_: Any = self.ax_.figure
        self.score_ax_: Any = None
        self.lines_: dict[str, Any] = {}
        self._plot_losses(kwargs)
        if self.scores:
            self._plot_scores(kwargs)
        handles = list(self.lines_.values())
        if len(handles) > 1:
            self.ax_.legend(handles=handles, frameon=False, loc="lower center", ncols=3,
                            bbox_to_anchor=(0.5, 1))  # fmt: skip
        return self

    def _plot_losses(self, kwargs: dict[str, Any]) -> None:
        self._curve(self.ax_, "training loss", self.loss, "-", BLUE, kwargs)
        if self.validation_loss:
            self._curve(self.ax_, "validation loss", self.validation_loss, "--", ORANGE, kwargs)
            best = self.best_epoch or 1 + int(np.argmin(self.validation_loss))
            _mark(self.ax_, self.validation_loss, best - 1, ORANGE)
        self.ax_.set(xlabel="epoch", ylabel=f"mean loss and penalty\n({self.loss_name})")
        known = np.concatenate([self.loss, self.validation_loss or []])
        if 0 < 30 * known.min() < known.max():
            self.ax_.set_yscale("log")
        self._tidy()

    def _plot_scores(self, kwargs: dict[str, Any]) -> None:
        self.score_ax_ = self.ax_.twinx()
        for (name, values), style in zip(self.scores.items(), itertools.cycle(STYLES)):
            self._curve(self.score_ax_, name, values, style, GREY, kwargs)
        name, values = next(iter(self.scores.items()))
        _mark(self.score_ax_, values, int(np.argmax(values)), GREY)
        self.score_ax_.set_ylabel(name if len(self.scores) == 1 else "score")
        self.score_ax_.spines["top"].set_visible(False)

    def _curve(
        self, ax: Any, name: str, values: Any, style: Any, colour: str, kwargs: dict[str, Any]
    ) -> None:
        drawn = {"linestyle": style, "color": colour, "linewidth": 2, "label": name, **kwargs}
        (self.lines_[name],) = ax.plot(np.arange(1, len(values) + 1), values, **drawn)

    def _tidy(self) -> None:
        from matplotlib.ticker import MaxNLocator

        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.grid(axis="y", alpha=0.25)


class Spread(NamedTuple):
    """How large the entries of an array are: quantiles of what is not 0, and the share that is.

    >>> spread(np.array([0.0, 1.0, -1.0, 1.0]))
    Spread(quantiles=array([1., 1., 1., 1., 1.]), zero=0.25)
    """

    quantiles: Array
    zero: float


def spread(values: Array) -> Spread:
    """Return how large the entries of an array are; NaN where all are 0.

    >>> spread(np.zeros(3)).zero
    1.0
    """
    sizes = np.abs(np.asarray(values, np.float64)).ravel()
    there = sizes[sizes > 0]
    quantiles = np.quantile(there, QUANTILES) if there.size else np.full(len(QUANTILES), np.nan)
    return Spread(quantiles, float(np.mean(sizes == 0)))


class GradientFlowDisplay:
    """The sizes of ∂C/∂W and of delta = ∂C/∂z by layer: where the gradient fades or grows.

    Each layer that has weights has a box of each: it holds the middle half of the entries, the thin
    line nine tenths of them, the point is the median. Entries that are 0 have no place on a
    logarithmic axis, and their share stands below the layer. The penalty is left out, as it passes
    through no layer.

    Parameters
    ----------
    layers
        What the layers are called, from the first to the last.
    gradients, deltas
        The `Spread` of |∂C/∂W| and of |delta| for each layer.

    Attributes
    ----------
    ax_, figure_
        The axes and their figure.

    Examples
    --------
    >>> X = np.linspace(-1, 1, 50)[:, None]
    >>> model = cr.MLPRegressor(hidden_layer_sizes=(8, 4)).partial_fit(X, X[:, 0] ** 2)
    >>> display = GradientFlowDisplay.from_estimator(model, X, X[:, 0] ** 2)
    >>> [name.split()[0] for name in display.layers]
    ['hidden', 'hidden', 'output']
    """

    layers: list[str]
    gradients: list[Spread]
    deltas: list[Spread]

    def __init__(self, layers: list[str], gradients: list[Spread], deltas: list[Spread]) -> None:
        self.layers, self.gradients, self.deltas = layers, gradients, deltas

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, y: Any, *, ax: Any = None, **kwargs: Any
    ) -> GradientFlowDisplay:
        """Draw the derivatives of a fitted estimator at some examples, as they are predicted.

        Raises NotFittedError before it is fitted, and ValueError where X or y do not fit.

        Parameters
        ----------
        estimator
            A fitted estimator, or a pipeline that ends in one, which transforms X first.
        X, y
            The examples and their targets; of many, some thousand are taken.
        ax
            The axes to draw on; left out, a new figure.
        **kwargs
            Those of `plot`.
        """
        estimator, transform = _unwrapped(estimator)
        X, target, _ = estimator._examples(transform(X), y, None)
        if X.shape[0] > ROWS:
            rows = generator(Stream.FLOW).choice(X.shape[0], ROWS, replace=False)
            X, target = X[rows], target[rows]
        net, params = without_penalty(estimator.network_), estimator.parameters_
        trace = backprop.forward(net, params, X)
        deltas = backprop.backward(trace, target)
        grads = backprop.gradient(trace, deltas)
        weights = _weights(net, grads)
        words = in_words(net.layers, net.inputs)
        display = cls(
            list(_names([words[k] for k in weights])),
            [spread(_flat(found)) for found in weights.values()],
            [spread(_flat(leaves(deltas[k]))) for k in weights],
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> GradientFlowDisplay:
        """Draw the boxes.

        Parameters
        ----------
        ax
            The axes to draw on; left out, a new figure.
        **kwargs
            What matplotlib's `plot` takes, for the medians.
        """
        width = 1.6 + 1.1 * len(self.layers)
        self.ax_: Any = _axes(ax, figsize=(max(6.4, width), 4.8))
        self.figure_: Any = self.ax_.figure
        self._series(self.gradients, -0.13, "|∂C/∂W|, each weight", BLUE, True, kwargs)
        self._series(self.deltas, 0.13, "|δ| = |∂C/∂z|, each unit and example", ORANGE, False,
                     kwargs)  # fmt: skip
        self.ax_.set_yscale("log")
        sizes = np.concatenate([s.quantiles for s in (*self.gradients, *self.deltas)])
        if np.isfinite(sizes).any():
            self.ax_.set_ylim(np.nanmin(sizes) / 2, np.nanmax(sizes) * 2)
        self.ax_.set_xticks(range(len(self.layers)), list(map(self._tick, range(len(self.layers)))))
        self.ax_.set_xlim(-0.5, len(self.layers) - 0.5)
        self.ax_.set(
            xlabel="layer, from the input to the output",
            ylabel="size of the derivative\n(units of C per unit of W, of z)",
        )
        self.ax_.spines[["top", "right"]].set_visible(False)
        self.ax_.grid(axis="y", alpha=0.25)
        self.ax_.legend(frameon=False, loc="lower center", ncols=2, bbox_to_anchor=(0.5, 1))
        return self

    def _series(
        self,
        spreads: list[Spread],
        shift: float,
        name: str,
        colour: str,
        filled: bool,
        kwargs: dict[str, Any],
    ) -> None:
        at = np.arange(len(spreads)) + shift
        low, lower, middle, upper, high = np.array([s.quantiles for s in spreads]).T
        self.ax_.vlines(at, low, high, color=colour, linewidth=1.2)
        self.ax_.bar(at, upper - lower, 0.16, lower, edgecolor=colour, zorder=2,
                     facecolor=colour if filled else "white")  # fmt: skip
        style = {"linestyle": "-" if filled else "--", "marker": "o" if filled else "s",
                 "markerfacecolor": "white" if filled else colour, "color": colour,
                 "linewidth": 1, "label": name, "zorder": 3}  # fmt: skip
        self.ax_.plot(at, middle, **{**style, **kwargs})

    def _tick(self, k: int) -> str:
        zeros = {"∂C/∂W": self.gradients[k].zero, "δ": self.deltas[k].zero}
        said = [f"{name}: {share:.0%} are 0" for name, share in zeros.items() if share >= 0.005]
        return "\n".join([self.layers[k], *said])


def _names(layers: list[Words]) -> Iterator[str]:
    for k, words in enumerate(layers, start=1):
        name = "output" if k == len(layers) else f"hidden {k}"
        yield f"{name}\n{textwrap.fill(words.short, LONGEST)}"


def _weights(net: Network, grads: Parameters) -> dict[int, list[Array]]:
    """The gradients of each layer's weights, by its place; of layers that have some."""
    found: dict[int, list[Array]] = {}
    for name, g in named_leaves(grads):
        if net.roles[name] is Role.WEIGHT:
            found.setdefault(int(name.partition(".")[0]), []).append(g)
    return found


def _flat(arrays: list[Array]) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])


def _unwrapped(estimator: Any) -> tuple[Any, Any]:
    """Return a fitted estimator, and what its pipeline does to X before it."""
    check_is_fitted(estimator)
    if isinstance(estimator, Pipeline):
        return estimator[-1], estimator[:-1].transform
    return estimator, lambda X: X


def _scores(estimator: Any) -> dict[str, Any]:
    """The scores of validation data, and the metrics asked for."""
    found = {}
    if getattr(estimator, "validation_scores_", None):
        found[f"validation {_score_name(estimator)}"] = estimator.validation_scores_
    return {**found, **getattr(estimator, "metrics_curve_", {})}


def _score_name(estimator: Any) -> str:
    if estimator.scoring is None and hasattr(estimator, "classes_"):
        return "accuracy"
    if estimator.scoring is None:
        return "R²" if estimator.quantiles is None else "D²"
    if estimator.scoring == "loss":
        return "loss, negated"
    return estimator.scoring if isinstance(estimator.scoring, str) else "score"


def _mark(ax: Any, values: Any, k: int, colour: str) -> None:
    """Mark the best epoch."""
    ax.plot([k + 1], [values[k]], "o", color=colour, markersize=6, zorder=4)


def _axes(ax: Any, **kwargs: Any) -> Any:
    if ax is None:
        _, ax = library("matplotlib.pyplot", "plot").subplots(layout="constrained", **kwargs)
    return ax
