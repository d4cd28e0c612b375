"""What is said of a table's columns, of a training and of a model, in 80 columns."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chainrule.cli.option_names import as_options
from chainrule.errors import bare
from chainrule.formatting import counted, duration, number

if TYPE_CHECKING:
    from chainrule.network import Network, Parameters
    from chainrule.tabular import TableModel
    from chainrule.tabular.columns.decision import Decision
    from chainrule.tabular.files.source import Source
    from chainrule.tabular.prepare import Prepared

LINES = 20
"""The most lines about columns."""

LONGEST = 24
"""The most columns of a terminal that a name takes in the first of several columns of text."""


def aligned(rows: Iterable[tuple[str, ...]], indent: int = 2) -> Iterator[str]:
    """Yield rows of text whose last column is broken to the width, all columns below each other.

    >>> for line in aligned([("size", "number", "2 values"), ("cut", "category", "Fair, Good")]):
    ...     print(line)
      size  number    2 values
      cut   category  Fair, Good
    """
    from rich.cells import cell_len, set_cell_size

    from chainrule.demo.printing import WIDTH

    rows = [(*(short(cell) for cell in row[:-1]), row[-1]) for row in rows]
    widths = [max(map(cell_len, cells)) for cells in list(zip(*rows, strict=True))[:-1]]
    for *cells, last in rows:
        padded = (set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True))
        head = " " * indent + "".join(f"{cell}  " for cell in padded)
        below = " " * (indent + sum(widths) + 2 * len(widths))
        yield textwrap.fill(
            last, WIDTH, initial_indent=head, subsequent_indent=below, break_on_hyphens=False
        ).rstrip()


def short(text: str, ending: str = "") -> str:
    """Return a text with an ending, the text cut so that both fit in a column.

    >>> short("the average number of rooms", " and 2 more")
    'the average… and 2 more'
    """
    from rich.cells import cell_len, set_cell_size

    room = LONGEST - cell_len(ending)
    if cell_len(text) > room:
        text = f"{set_cell_size(text, room - 1).rstrip()}…"
    return text + ending


# A table and its columns


def of_table(source: Source, prepared: Prepared) -> list[str]:
    """Return what a table is, and what becomes of its columns."""
    examples = prepared.training_rows + prepared.validation_rows
    rows = counted(examples + prepared.without_target, "row")
    return [
        f"{source.name}: {rows}, {counted(len(source.columns), 'column')}",
        *(f"  {note}" for note in source.notes),
        "",
        *decided(prepared.decisions),
        "",
    ]


def decided(decisions: Iterable[Decision]) -> list[str]:
    """Return what becomes of each column; of many columns, those that are alike share a line."""
    decisions = list(decisions)
    if len(decisions) <= LINES:
        return list(aligned(_decision([each]) for each in decisions))
    groups: dict[tuple[str, ...], list[Decision]] = {}
    for each in sorted(decisions, key=_rank):
        option = each.option.partition("=")[0]
        groups.setdefault((each.role, each.reason, option), []).append(each)
    shown = list(groups.values())[: LINES - 1]
    lines = list(aligned(map(_decision, shown)))
    rest = [each for group in list(groups.values())[LINES - 1 :] for each in group]
    if rest:
        roles = Counter(each.role for each in rest)
        found = next(iter(roles)) if len(roles) == 1 else ", ".join(
            f"{count:,} {role}" for role, count in roles.items()
        )  # fmt: skip
        lines.append(f"  … and {counted(len(rest), 'more column')}: {found}")
    return lines


def _rank(decision: Decision) -> int:
    """Put first what a person must know of many columns: the target, then what can be changed."""
    return 0 if decision.role in ("target", "weight") else 1 if decision.option else 2


def _decision(alike: list[Decision]) -> tuple[str, str, str]:
    first = alike[0]
    name, option = bare(first.column), f" ({first.option})" if first.option else ""
    if len(alike) > 1:
        name = short(name, f" and {len(alike) - 1:,} more")
    return name, first.role, as_options(f"{first.reason}{option}")


# A network, a training, its scores


def architecture(net: Network, params: Parameters) -> str:
    """Return the layers of a network and the number of its parameters.

    >>> net = cr.Network(
    ...     3, [cr.Dense(8, "relu"), cr.Dropout(0.1), cr.Dense(2)], loss="cross_entropy"
    ... )
    >>> architecture(net, net.init())
    '3 inputs, 8 relu, dropout 0.1, 2 outputs: 50 parameters'
    """
    from chainrule.layers.layer_words import before_outputs

    said, function = before_outputs(net.layers, net.inputs)
    parts = [counted(net.inputs, "input"), *said, counted(net.outputs, "output")]
    parts[-1] += "" if function == "identity" else f" {function}"
    return f"{', '.join(parts)}: {counted(parameters(params), 'parameter')}"


def parameters(params: Parameters) -> int:
    """Return how many numbers parameters are."""
    from chainrule.trees import leaves

    return sum(leaf.size for leaf in leaves(params))


def ending(about: Mapping[str, Any]) -> str:
    """Return how many epochs a training made, which was best, and why it ended."""
    from chainrule.tabular.scores import SCORES

    options = about["options"]
    made = f"{about['epochs']:,} of at most {counted(options['epochs'], 'epoch')}"
    metric = options.get("metric")
    by = f" by {SCORES[metric].word}" if metric else ""
    best = f"the best{by} was epoch {about['best_epoch']:,}"
    if about.get("over") == "early stopping":
        best += f", and {counted(options['patience'], 'epoch')} brought no gain"
    if about.get("epochs_with_all"):
        each = about.get("runs", {}).get("epochs", [about["epochs_with_all"]])
        *some, last = dict.fromkeys(each)
        said = ", ".join(map(str, some)) + " and " * bool(some) + counted(last, "epoch")
        best += f"; then {said} anew with all rows"
    elif about.get("refit"):  # which models of before do not have
        best += f"; {about['refit']}"
    return f"{made}: {best}"


def speed(examples: float, seconds: float, stages: Mapping[str, float]) -> str:
    """Return how long a training took, and each of its stages if it had several, and how fast.

    >>> speed(2_000, 2.0, {"race": 0.5, "members": 1.5})
    '2 s (race 0.5 s, members 1.5 s), 1,000 examples a second'
    """
    parts = ", ".join(f"{name} {duration(each)}" for name, each in stages.items())
    of_each = f" ({parts})" if len(stages) > 1 else ""
    return (
        f"{duration(seconds)}{of_each}, {number(examples / max(seconds, 1e-9))} examples a second"
    )


def facts(rows: Mapping[str, str]) -> list[str]:
    """Return what is known, each under its name."""
    return list(aligned(rows.items(), indent=0))


def of_training(model: TableModel) -> dict[str, str]:
    """Return what is known of the training that made a model; a file may hold only some of it."""
    about = model.about
    known = {
        "Target" if len(model.target.each) == 1 else "Targets": target(model),
        "Data": _data(about["rows"]) if "rows" in about else "",
        "Network": architecture(model.net, model.params),
        "Training": ending(about) if "epochs" in about else "",
        "Race": race(about["runs"]) if "race" in about.get("runs", {}) else "",
        "Members": members(model),
        "Calibrated": calibrated(model),
        "Interval": interval.in_words(about.get("options")) if (interval := model.interval) else "",
        "Left out": "; ".join(about.get("runs", {}).get("left_out", ())),
    }
    return {name: fact for name, fact in known.items() if fact}


def race(runs: Mapping[str, Any]) -> str:
    """Return which learning rate won, and what was found of each in the rows held out.

    >>> race({"rate": 0.01, "race": [{"rate": 0.5, "found": None}, {"rate": 0.01, "found": 0.25}]})
    'rate 0.01 won: held out 0.25, diverged at 0.5'
    """
    found = {each["rate"]: each["found"] for each in runs["race"]}
    also = f", and {runs['also']:g} is as good" if "also" in runs else ""
    said = [f"rate {runs['rate']:g} won{also}: held out {number(found.pop(runs['rate']))}"]
    said += [f"{'diverged' if x is None else number(x)} at {rate:g}" for rate, x in found.items()]
    return ", ".join(said)


def members(model: TableModel) -> str:
    """Return of how many networks a model predicts the mean, and what that brought; "" of one."""
    from chainrule.tabular.scores import SCORES

    if not model.others:
        return ""
    mean = f"the mean of {len(model.members)} networks{_by_rate(model)}"
    if (brought := model.about.get("runs", {}).get("brought")) is None:
        return f"{mean} is predicted"
    score = SCORES[brought["score"]]
    one, all_of_them = (score.text(brought[name]) for name in ("one", "members"))
    return f"{mean} is predicted: {score.word} held out {all_of_them}, of the first {one}"


def _by_rate(model: TableModel) -> str:
    """Return how many members are of each rate, where there are two."""
    told, count = model.about.get("runs", {}), len(model.members)
    if "also" not in told:
        return ""
    return f" ({(count + 1) // 2} at rate {told['rate']:g}, {count // 2} at {told['also']:g})"


def calibrated(model: TableModel) -> str:
    """Return by which temperature probabilities are calibrated, and what that brings; "" of none.

    Of several targets that of each.
    """
    if len(model.target.each) > 1:
        each = ((part.target.column, calibrated(part)) for part in model.parts)
        return "; ".join(f"{name}: {said}" for name, said in each if said)
    return _by_temperature(model.about.get("calibration"))


def _by_temperature(found: Mapping[str, float] | None) -> str:
    """Return by which temperature probabilities are calibrated.

    >>> _by_temperature({"temperature": 1.3, "before": 0.412, "after": 0.398})
    'probabilities by the temperature 1.3: log loss held out 0.398, 0.412 without'
    """
    if found is None:
        return ""
    after, before = number(found["after"]), number(found["before"])
    at = f"{found['temperature']:g}"
    return f"probabilities by the temperature {at}: log loss held out {after}, {before} without"


def _data(rows: Mapping[str, int]) -> str:
    data = f"{rows['training']:,} rows in training, {rows['validation']:,} held out"
    if rows["without_target"]:
        data += f", {rows['without_target']:,} without a target left out"
    return data


def target(model: TableModel) -> str:
    """Return what a model predicts."""
    from chainrule.tabular.columns.decision import listed

    if len(model.target.each) > 1:
        return "; ".join(map(target, model.parts))
    found = model.target
    if found.task == "regression":
        levels = ", ".join(f"{q:g}" for q in model.quantiles)
        return f"{found.column}: {f'quantiles {levels}' if levels else 'regression'}"
    classes = found.names  # type: ignore[attr-defined]
    return f"{found.column}: {len(classes)} classes, {listed(classes)}"
