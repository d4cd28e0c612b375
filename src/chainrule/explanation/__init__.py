"""The working shown: the chain rule of any weight, with its numbers.

| file | what it is for |
|---|---|
| `unit_places.py` | where the units of a network stand, and how all is counted |
| `notation.py` | which quantity is meant, and what each convention calls it |
| `expressions.py` | formulas as trees |
| `form_choice.py` | which way of writing a number is chosen, where a formula has several |
| `formulas.py` | the tables of activations and losses as formulas |
| `derivation_steps.py`, `subjects.py` | a derivation as data; what it can be of |
| `forward_backward.py`, `core_numbers.py` | the core's numbers: of all, by place |
| `example_numbers.py` | the core's numbers of one example |
| `layer_working.py`, `activation_formulas.py` | what a layer gets and gives for formulas |
| `working.py`, `working_loss.py` | the lines of one example; among them those of its loss |
| `reached_units.py` | the units of each place that have lines |
| `sums.py`, `softmax.py` | sums of many terms, and the softmax, as formulas |
| `mean_and_penalty.py`, `updates.py` | the lines of the mean and the penalty, of an update |
| `derivation.py` | the lines in order: the whole |
| `tied_names.py` | weights and biases that are one number |
| `unit_derivative.py` | the derivative of a unit, without a loss |
| `enclosing.py` | numbers that are exact, or known to lie between two others |
| `printed_digits.py` | how many digits a line prints, so that it is true as it stands |
| `writer.py` | where brackets stand, for every format |
| `text.py`, `latex.py`, `markdown.py` | formats to be read as they are, or set |
| `notebook.py`, `mathml.py`, `html_snippet.py` | formats for Jupyter and for browsers |
| `typeset.py`, `escaping.py` | what LaTeX and MathML share; a format's own signs, escaped |
| `formula_scripts/` | formulas in pages: filled, worked out, written |
| `page/` | the page with the network drawn and live |
| `line_patterns/` | the lines of any network, for pages that build networks |
| `result.py` | what `explain` returns |
| `network_file.py`, `toml_file.py` | a network with its data, as a person writes it down |
| `network_layers.py`, `network_parameters.py`, `network_training.py` | what stands in such a file |
| `examples/` | the files that come with the package |
| `training_step.py`, `replay.py` | which step is explained; steps of a run made again |
| `path_sums.py`, `unit_to_unit.py` | sums over paths; how units lead to each other |
| `contributions.py`, `step_shares.py` | a weight's change shared out; how a step is, rule by rule |
| `output_format.py` | the formats by the ends of files' names; files written whole or not at all |
| `worksheet.py`, `worksheet_html.py`, `worksheet_latex.py` | problems with blanks, and their keys |
| `drawing.py` | where the units and names of a small network stand |
| `cached_method.py` | methods whose results live as long as their object |
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from chainrule.docstrings import documented_by
from chainrule.extras import needed_by
from chainrule.network import Network, Parameters, check_parameters
from chainrule.optimizers import Optimizer

if TYPE_CHECKING:  # the rest is loaded when something is explained
    from chainrule.explanation.path_sums import Paths
    from chainrule.explanation.result import Explanation


def explain(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any = None,
    *,
    of: str,
    by: str | None = None,
    notation: str = "mazur",
    digits: int | None = None,
    top: int = 10,
    sample_weight: Any = None,
    optimizer: Optimizer | None = None,
    freeze: Collection[str] = (),
    velocity: Parameters | None = None,
    step: int | None = None,
    batch_size: int | None = None,
    ties: Collection[Collection[str]] = (),
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
) -> Explanation:
    r"""Return the chain rule of one derivative of the cost, worked out with its numbers.

    $$\frac{\partial C}{\partial w} = \frac{\partial C}{\partial a}\,
      \frac{\partial a}{\partial z}\,\frac{\partial z}{\partial w}$$

    Every number is the core's, in double precision; every printed line gives, worked out from its
    printed figures, its printed result, or says that it is rounded.

    Parameters
    ----------
    net, params
        The network and its parameters.
    X, y
        One example, (inputs,) and its target, or a data set, (n, inputs) and its targets: then the
        mean is explained, and its parts by example.
    of
        A weight `"w5"` or `"layers[1].W[0, 1]"`, a bias `"b3"`, an entry of any parameter by its
        name, `"1.gamma[0]"`, an input `"x2"`, a unit's activation `"h1"` or `"out_h1"`, its
        weighted input `"net_o2"` or `"delta_o2"`, `"cost"`, or `"all"`. Weights are numbered
        through the network, as are the hidden units, which each layer has but one that acts in
        training alone. Of several members, `"h1(2)"` is the second one's.
    by
        What the derivative is by, where it is not the cost's: of="out_o1", by="w5" is ∂out_o1/∂w5,
        without a loss, so that y may be left out. `of` is a unit, by what leads to it.
    notation
        `"mazur"`, `"nielsen"`, `"3blue1brown"` or `"pytorch"`.
    digits
        The significant digits of every figure; left out, as many as each line needs.
    top
        How many terms of a sum, units of a layer and examples are written; the rest is one term.
    sample_weight
        The weights (n,) of the examples in the mean.
    optimizer, freeze
        The rule of an update to work out beside the gradient, and patterns of names of parameters
        that stay as they are.
    velocity
        What momentum starts from, in the form of the parameters: w⁺ = w − v⁺.
    step, batch_size
        The step of the training that is worked out, after those before it, and how many examples
        make a step, in their order: 1 trains online. Left out, it is the first step, of all of
        them. Dropout draws its masks where one of the two is given, as `fit` does with seed 0.
    ties
        Groups of weights or biases that are one number, such as [["h1.b", "h2.b"]]: its derivative
        is the sum over its places, and it is counted once.
    inputs, outputs
        Names of the inputs and of the outputs, for the legend.

    Raises
    ------
    TypeError, ValueError
        Where something does not fit, `of` names nothing of the network, or a value on the way is
        not finite; the message says which.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5]], [0.25])])
    >>> print(explain(net, params, [3.0], [1.0], of="w1"))
    ∂E_total/∂w1 — network 1-1, identity, half_squared_error
    ...
    """
    with needed_by("explain"):
        from chainrule.explanation import derivation, result, subjects
        from chainrule.explanation.tied_names import tied_places
        from chainrule.explanation.training_step import TrainingStep
        from chainrule.explanation.unit_derivative import derive_unit
        from chainrule.explanation.unit_places import Places

    check_parameters(net, params)
    top, digits = derivation.check_asked("explain", net, notation, top, digits)
    at = tied_places(ties, Places.of(net))
    numerator, subject = subjects.fraction(of, by, at)
    of_cost = numerator == subjects.COST
    if ties and not of_cost:
        raise ValueError("explain: by and ties exclude each other; leave one of them out")
    shown: dict[str, Any] = {"top": top, "labels": derivation.labels(at, inputs, outputs)}
    training = TrainingStep(optimizer, freeze, velocity, step, batch_size, at)
    params, data, made, draw, about = training.start(
        net, params, X, y, sample_weight, of_cost=of_cost
    )
    if of_cost:
        derived = derivation.derive(
            net, params, data, subject, draw=draw, made=made, at=at, **shown
        )
    else:
        derived = derive_unit(net, params, data.X, numerator, subject, called=(of, by), **shown)
    return result.Explanation(derived, notation, digits, about)


@documented_by(explain)
def paths(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    *,
    of: str,
    top: int = 10,
    notation: str = "mazur",
    sample_weight: Any = None,
) -> Paths:
    r"""Return a derivative of the cost as a sum over the paths to each output, for each example.

    $$\frac{\partial C}{\partial w} = \sum_{\text{paths}} \frac{\partial z}{\partial w}
      \prod f'(z)\,w^{+} \cdots \frac{\partial C}{\partial a^{\text{last}}}$$

    With the exact sum of those that are not named and the penalty's share, they sum to the
    gradient. Raises as `explain` does.

    Parameters
    ----------
    {net, params}
    X, y
        One example, (inputs,) and its target, or a data set, (n, inputs) and its targets.
    of
        A weight, a bias, an input or a unit, by its name in `explain`.
    top
        How many paths are named; the rest is one term.
    {notation}
    {sample_weight}

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(2, "tanh"), cr.Dense(1)], loss="half_squared_error")
    >>> params = net.parameters([([[0.5], [1.0]], [0.0, 0.0]), ([[0.5, -0.5]], [0.0])])
    >>> [path.units for path in paths(net, params, [2.0], [1.0], of="x1").paths]
    [('h1', 'o1'), ('h2', 'o1')]
    """
    with needed_by("paths"):
        from chainrule.explanation.derivation import check_asked
        from chainrule.explanation.path_sums import paths_of

    check_parameters(net, params)
    top, _ = check_asked("paths", net, notation, top)
    return paths_of(net, params, X, y, of, top, sample_weight, notation)
