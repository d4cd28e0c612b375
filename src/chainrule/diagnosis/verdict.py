"""`diagnose` and what it returns: what is wrong with a training, in sentences."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.arguments import reads_arguments
from chainrule.batches import Examples, check_examples, split
from chainrule.blas_threads import one_blas_thread
from chainrule.diagnosis.course_measures import Options, course
from chainrule.diagnosis.evidence import Evidence
from chainrule.diagnosis.layer_measures import LayerMeasures
from chainrule.diagnosis.looked_at import LookedAt, Part, looked_at
from chainrule.diagnosis.not_finite import NotFinite, first_not_finite
from chainrule.diagnosis.rule import Rule
from chainrule.diagnosis.rules import RULES
from chainrule.extras import needed_by
from chainrule.formatting import counted
from chainrule.history import DivergenceError, History
from chainrule.html_page.notebook_part import Page
from chainrule.layers.layer_words import in_a_row
from chainrule.network import Network, Parameters, check_parameters
from chainrule.sparse_rows import dense
from chainrule.streams import Seed
from chainrule.training import AnOptimizer
from chainrule.value_types import AtLeastOne, Flag, Positive

PART = Part(5000, together=500)
"""The part of many examples that is looked at."""

ENTRIES = 10_000_000
"""How many entries X has then at most."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Parameters
    ----------
    name
        Its key word.
    weight
        How much it explains, from 0 to 100.
    evidence
        What says so, with figures.
    change
        What to change.
    """

    name: str
    weight: int
    evidence: str
    change: str

    @property
    def title(self) -> str:
        """The key word as people write it."""
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Diagnosis:
    """What `diagnose` found; `print` writes it in sentences.

    Parameters
    ----------
    findings
        What is wrong, the weightiest first.
    cost, chance
        C of the examples, with the parameters as they are, and that of the best constant.
    critical_batch
        How many examples make a batch whose noise is as large as its gradient, squared; larger
        ones gain little.
    signal_to_noise
        How many times its noise the gradient of a batch is, squared.
    layers, start
        What is measured of each layer, with the parameters as they are, and at the start.
    updates
        How far the first step moves each layer, over its size; empty where no optimizer is known.
    examples
        What is measured of the examples.
    losses, validation_losses
        The loss by epoch, as far as it is known.
    not_finite
        What stopped being finite in the training, if that is known.
    network
        The network, in words.
    """

    findings: tuple[Finding, ...]
    cost: float
    chance: float
    critical_batch: float
    signal_to_noise: float
    layers: tuple[LayerMeasures, ...]
    start: tuple[LayerMeasures, ...] = field(repr=False)
    updates: tuple[float | None, ...]
    examples: LookedAt = field(repr=False)
    losses: tuple[float, ...] = field(repr=False)
    validation_losses: tuple[float, ...] = field(repr=False)
    not_finite: NotFinite | None
    network: str

    @property
    def names(self) -> tuple[str, ...]:
        """The key words of the findings, the weightiest first."""
        return tuple(finding.name for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return it as dictionaries, lists, text and numbers, None for not finite, for JSON."""
        made: dict[str, Any] = _plain({**vars(self), "examples": self.examples.as_dict()})
        return made

    def text(self, width: int = 80) -> str:
        """Return it in sentences.

        Parameters
        ----------
        width
            How many columns a line has at most.
        """
        if not self.findings:
            return textwrap.fill(self.nothing_found, width) + "\n"
        rows = []
        for k, finding in enumerate(self.findings, start=1):
            said = f"{k}. {finding.title}: {finding.evidence}. To mend it: {finding.change}."
            rows.append(textwrap.fill(said, width, subsequent_indent="   "))
        return "\n".join(rows) + "\n"

    @property
    def nothing_found(self) -> str:
        """What is said where nothing is found."""
        return (
            f"Nothing found. The cost is {self.cost:.4g}; that of the best constant, "
            f"{self.chance:.4g}."
        )

    def html(self) -> Page:
        """Return it as a page of its own, with pictures and a table beside each.

        It asks for nothing and runs nothing; `matplotlib` draws its pictures.
        """
        with needed_by("Diagnosis.html", "plots"):
            from chainrule.diagnosis.diagnosis_page import page

        return page(self)

    def _repr_html_(self) -> str:
        from chainrule.diagnosis.verdict_html import verdict

        return verdict(self)

    def __str__(self) -> str:
        return self.text().rstrip("\n")


def _plain(value: Any) -> Any:
    """Return a value for JSON."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, Finding):
        return vars(value)
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return float(value) if np.isfinite(value) else None


@reads_arguments
def diagnose(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    optimizer: AnOptimizer | None = None,
    *,
    initial: Any = None,
    history: Any = None,
    epochs: AtLeastOne | None = None,
    batch_size: AtLeastOne | None = 32,
    seed: Seed = 0,
    shuffle: Flag = True,
    sample_weight: Any = None,
    validation: Any = None,
    clip_value: Positive | None = None,
    clip_norm: Positive | None = None,
    freeze: Iterable[str] = (),
) -> Diagnosis:
    r"""Return why a network does not learn: what is wrong, what says so, and what to change.

    The network alone shows what it is built of and begins with; the optimizer and the options of
    `fit`, how it is trained; the history, what came of it. What is not given is not judged. Where
    a training is small and its start is given, it is made again with one thing changed, such as a
    tenth of the rate, to compare.

    Parameters
    ----------
    net, params
        The network, and its parameters as they are: before, during or after training.
    X, y
        The examples and their targets, as `fit` takes them. Where there are more than 5000, some
        parts of 500 rows are drawn at random.
    optimizer
        What makes its steps.
    initial
        The parameters that training began with, where `params` are others.
    history
        The history that `fit` returned, or the `DivergenceError` that it raised.
    epochs, batch_size, seed, shuffle
        As `fit` takes them.
    sample_weight, validation, clip_value, clip_norm, freeze
        As `fit` takes them.

    Returns
    -------
    Diagnosis
        The findings, the weightiest first, each with its evidence.

    Raises
    ------
    TypeError, ValueError
        Where an argument does not fit, as `fit` raises them, or a parameter is not finite.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(4, "relu"), cr.Dense(1)], loss="squared_error")
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(50, 2))
    >>> print(diagnose(net, net.init(0), X, 1000 * X[:, 0]))
    1. Unscaled target: the targets have a root mean square of ... and a deviation
       of ... To mend it: standardise y, and undo it in predictions.
    """
    if history is not None and not isinstance(history, (History, DivergenceError)):
        raise TypeError(
            "diagnose: history must be what fit returned or the DivergenceError that it raised, "
            f"got {type(history).__name__}"
        )
    check_parameters(net, params)
    if initial is not None:
        check_parameters(net, initial)
    data = check_examples(net, params, X, y, sample_weight)
    training = split(net, params, data, validation, seed)[0]
    given = training.numbers
    numbers = np.arange(data.n) if given is None else np.asarray(given, np.intp)
    most = max(min(PART.rows, ENTRIES // net.inputs), PART.together)
    rows = numbers[PART._replace(rows=most).of(len(numbers))]
    data = data.take(rows)
    data = Examples(np.asarray(dense(data.X)), data.y, data.w)
    left, diverged = course(history)
    options = Options(
        optimizer, epochs, batch_size, seed, bool(shuffle), data.w, clip_value, clip_norm,
        tuple(freeze),
    )  # fmt: skip
    with one_blas_thread:
        broke = None
        if diverged and left is not None and optimizer is not None:
            begun = net.init(seed) if initial is None else initial
            broke = first_not_finite(net, begun, left, training, options)
        evidence = Evidence(
            net, params, initial, data, options, left, diverged, rows, len(numbers), broke
        )  # fmt: skip
        return diagnosis_of(evidence)


def diagnosis_of(e: Evidence, rules: Iterable[Rule] = RULES) -> Diagnosis:
    """Return what rules find.

    Parameters
    ----------
    e
        What is known.
    rules
        The rules, the weightiest first.
    """
    with np.errstate(all="ignore"):
        findings = [
            Finding(rule.name, rule.weight, rule.evidence(e), rule.change)
            for rule in rules
            if rule.holds(e)
        ]
        now, history = e.now, e.history or History()
        return Diagnosis(
            tuple(findings), now.cost, e.chance, now.examples.critical_batch,
            now.examples.signal_to_noise(e.batch), now.layers, e.start.layers,
            () if e.first is None else e.first.layers, looked_at(e),
            tuple(map(float, history.loss)), tuple(map(float, history.validation_loss)),
            e.broke, _in_words(e.net),
        )  # fmt: skip


def _in_words(net: Network) -> str:
    layers = in_a_row(net.layers, net.inputs, net.outputs)
    return f"{layers}, {counted(net.size, 'parameter')}, {net.row}"
