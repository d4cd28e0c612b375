"""What `chainrule check` runs and prints: gradients compared with central differences."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

import chainrule as cr
from chainrule import losses
from chainrule.activations import ACTIVATIONS
from chainrule.demo.printing import block, open_table, paragraph, progress, show
from chainrule.diagnosis import GradientCheck
from chainrule.diagnosis.gradient_comparison import GradientComparison
from chainrule.explanation.network_file import network_path, read_network_file
from chainrule.fitting.layer_builder import dense_layers, with_outputs
from chainrule.formatting import counted
from chainrule.layers import LAYERS
from chainrule.layers.dense_stack import stack
from chainrule.losses import LOSSES
from chainrule.network import Parameters
from chainrule.streams import Stream, generator
from chainrule.targets import sample
from chainrule.trees import tree_map

SIZES = (3, 4, 2)
DROPOUT = {"": 0.0, "dropout": 0.3}
PENALTIES = {"": (0.0, 0.0), "L1": (0.01, 0.0), "L2": (0.0, 0.1)}

ALL = """
Backpropagation beside central differences in float64: every activation with every loss, without
and with dropout; and every kind of layer behind a dense one, with every loss; with no penalty, L1
and L2. That makes {number} networks {sizes}, with {n} random examples each. A row gives the worst
relative error, and where it occurs; parameters next to a kink have no derivative to compare and are
left out.
"""

VERDICTS = {True: ("right", "bold green"), False: ("WRONG", "bold red")}


def network(
    sizes: Sequence[int],
    hidden: Sequence[str],
    output: str,
    loss: str,
    dropout: float = 0.0,
    l1: float = 0.0,
    l2: float = 0.0,
    *,
    check: bool = True,
) -> cr.Network:
    """Return a network; `hidden` has one activation for each hidden layer, or one for all.

    Raises ValueError where names, numbers or sizes are not what they must be.
    """
    inputs, *units, outputs = sizes
    if len(hidden) not in (1, len(units)):
        raise ValueError(
            f"give one activation for all hidden layers or one for each: the sizes "
            f"{'-'.join(map(str, sizes))} have {len(units)} of them, got {','.join(hidden)}"
        )
    names = hidden[0] if len(hidden) == 1 else list(hidden)
    layers = with_outputs(dense_layers(units, names, dropout), outputs, output)
    return cr.Network(inputs, layers, loss=loss, l1=l1, l2=l2, check=check)


class Problem(NamedTuple):
    """A network, its parameters and examples, and which examples they are, in words."""

    net: cr.Network
    params: Parameters
    X: Any
    y: Any
    sample_weight: Any
    examples: str


def random_problem(net: cr.Network, examples: int, seed: int) -> Problem:
    """Return random parameters and examples of a network, with targets that suit the loss.

    Biases are random too: at 0 they would leave a unit at a kink whose inputs dropout silences.
    """
    drawn = net.init(seed, "float64")
    rng = generator(Stream.CHECKED, seed)
    params = tree_map(lambda leaf: leaf + rng.normal(scale=0.3, size=leaf.shape), drawn)
    X = rng.normal(size=(examples, net.inputs))
    y = sample(losses.loss(net.loss).target, rng, examples, net.outputs)
    return Problem(net, params, X, y, None, f"{examples} random examples")


def problem_of_file(name: str) -> Problem:
    """Return what a network file holds, or raise where it has no targets."""
    file = read_network_file(network_path(name))
    if file.y is None:
        raise ValueError(f"{name}: the cost needs targets: give them beside inputs")
    return Problem(*file[:5], f"{counted(len(file.X), 'example')} of {name}")


def check(net: cr.Network, examples: int, seed: int, tolerance: float) -> GradientCheck:
    """Check the gradient of a network with random parameters and examples."""
    return check_problem(random_problem(net, examples, seed), seed, tolerance)


def check_problem(problem: Problem, seed: int, tolerance: float) -> GradientCheck:
    """Check the gradient of a problem, with the dropout of a seed."""
    draw = cr.Draw(seed, step=1)
    return cr.check_gradient(*problem[:5], draw=draw, tolerance=tolerance, seed=seed)


def show_check(console: Console, net: cr.Network, examples: str, found: GradientCheck) -> None:
    """Print one check; `examples` says of which."""
    table = Table.grid(padding=(0, 3))
    for name, value in _described(net):
        table.add_row(name, value)
    table.add_row("compared", f"{found.checked:,} {found.by}s, {examples}")
    table.add_row("relative error", f"{found.relative_error:.1e}, tolerance {found.tolerance:.0e}")
    table.add_row("absolute error", f"{found.absolute_error:.1e}")
    if found.checked:
        table.add_row("largest at", found.worst.replace(", ", ",\n"))
    table.add_row("left out", _kinks(found.kinks))
    show(console, table)
    console.print()
    verdict = ("not checked", "bold red") if not found.checked else VERDICTS[found.passed]
    console.print(Text.assemble("  The gradient is ", verdict, "."))


def _described(net: cr.Network) -> list[tuple[str, str]]:
    """The rows that say of which network and cost a check is."""
    layers = ", ".join(map(repr, net.layers))
    penalties = "".join(
        f", {name} = {value:g}" for name, value in (("l1", net.l1), ("l2", net.l2)) if value
    )
    return [
        ("network", f"{net.inputs} inputs, {layers}"),
        ("cost", f"{losses.loss(net.loss)}{penalties}"),
    ]


def show_comparison(
    console: Console, problem: Problem, found: GradientComparison, why: str = ""
) -> None:
    """Print a comparison with the gradient of another library; `why` its tolerance is larger."""
    described = Table.grid(padding=(0, 3))
    for name, value in _described(problem.net):
        described.add_row(name, value)
    described.add_row("compared", f"{len(found.errors)} parameters, {problem.examples}")
    ours, theirs = found.costs
    described.add_row("value", f"{ours:.9g}, by {found.of} {theirs:.9g}")
    if why:
        described.add_row("tolerance", f"{found.tolerance:.0e}: {why}")
    if found.formulas:
        told = f"{found.of} has nothing like it, and finds the derivatives of Chainrule's formula"
        described.add_row("by formula", f"{'; '.join(found.formulas)}: {told}")
    show(console, described)
    console.print()
    table = open_table(["parameter", "relative error", ""], "lrl")
    for name, error in found.errors.items():
        right = error <= found.tolerance
        mark = Text("✓", "green") if right else Text("✗", "bold red")
        table.add_row(name, f"{error:.1e}", mark)
    show(console, table)
    console.print()
    if found.passed:
        verdict = ("that of " + found.of, "bold green"), "."
    else:
        place = "" if found.same_cost else " in the cost"
        place = f", first, on the way back, in {found.first}" if found.first else place
        verdict = ("another", "bold red"), f" than that of {found.of}{place}."
    console.print(Text.assemble("  The gradient is ", *verdict))
    if found.first_output:
        said = f"Something else leaves a layer there, first {found.first_output}."
        console.print(Text(f"  {said}"))


def _kinks(names: Sequence[str]) -> str:
    if not names:
        return "nothing"
    more = ", …" if len(names) > 5 else ""
    return f"{len(names)}, where a kink lies within the step: {', '.join(names[:5])}{more}"


ACTIVATION, KIND = "activation", "kind of layer"


class Case(NamedTuple):
    """One network of `check --all`, by the names of its rows; `of` is what its own row is of."""

    of: str
    name: str
    loss: str
    dropout: str
    penalty: str

    def __str__(self) -> str:
        return ", ".join(filter(None, self[2:]))

    def network(self) -> cr.Network:
        """The network, whatever the loss makes of its last layer."""
        l1, l2 = PENALTIES[self.penalty]
        if self.of == ACTIVATION:  # in both of its layers
            layers = [self.name], self.name
            return network(SIZES, *layers, self.loss, DROPOUT[self.dropout], l1, l2, check=False)
        inputs, hidden, outputs = SIZES
        layer = LAYERS[self.name].example(hidden)
        ends = [] if layer.members > 1 else stack([outputs], ["identity"])
        return cr.Network(
            inputs, [*stack([hidden], ["tanh"]), layer, *ends], self.loss, l1, l2, check=False
        )


def all_cases() -> list[Case]:
    """Return the networks of `check --all`."""
    rows = itertools.product([ACTIVATION], ACTIVATIONS, LOSSES, DROPOUT, PENALTIES)
    kinds = itertools.product([KIND], LAYERS, LOSSES, [""], PENALTIES)
    return [Case(*names) for names in (*rows, *kinds)]


def check_all(console: Console, examples: int, seed: int, tolerance: float) -> bool:
    """Check every combination and print a row for each activation and each kind of layer.

    Return whether all are right.
    """
    cases = all_cases()
    sizes = "-".join(map(str, SIZES))
    paragraph(console, ALL.format(number=len(cases), sizes=sizes, n=examples))
    found: dict[Case, GradientCheck] = {}
    with progress(console) as bar:
        for case in bar.track(cases, description="networks"):
            found[case] = check(case.network(), examples, seed, tolerance)
    for what in (ACTIVATION, KIND):
        console.print()
        _show_table(console, what, {case: own for case, own in found.items() if case.of == what})
    return _show_worst(console, found, tolerance)


def _show_table(console: Console, what: str, found: dict[Case, GradientCheck]) -> None:
    """Print a row for each activation or kind of layer, with its worst case."""
    table = open_table([what, "worst", "", "with", "compared", "kinks"], "lrllrr")
    for name in dict.fromkeys(case.name for case in found):
        own = {case: result for case, result in found.items() if case.name == name}
        worst, result = _worst(own)
        right = all(result.passed for result in own.values())
        table.add_row(
            name,
            f"{result.relative_error:.1e}",
            Text("✓", "green") if right else Text("✗", "bold red"),
            str(worst).replace(",", ""),  # so that the longest fits
            f"{sum(result.checked for result in own.values()):,}",
            f"{sum(len(result.kinks) for result in own.values())}",
        )
    show(console, table)


def _worst(found: dict[Case, GradientCheck]) -> tuple[Case, GradientCheck]:
    """Return the case with the largest relative error; one that compared nothing is worse still."""
    return max(found.items(), key=lambda item: (not item[1].checked, item[1].relative_error))


def _show_worst(console: Console, found: dict[Case, GradientCheck], tolerance: float) -> bool:
    """Print the worst of all cases and the wrong ones; return whether there is none of these."""
    wrong = [case for case, result in found.items() if not result.passed]
    worst, result = _worst(found)
    console.print()
    where = f"{worst.name} with {worst}"
    paragraph(console, f"Worst relative error: {result.relative_error:.1e}, {where}.")
    limit = f" (tolerance {tolerance:.0e})"
    if not wrong:
        console.print(Text.assemble("All gradients are ", VERDICTS[True], f"{limit}."))
        return True
    console.print(Text.assemble(f"{len(wrong)} of {len(found)} are ", VERDICTS[False], f"{limit}:"))
    block(console, "\n".join(f"{case.name} with {case}" for case in wrong[:10]))
    return False
