"""The plots under Measured, each of a file in `benchmarks/results/`."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from chainrule.html_page.colours import BLUE, GREY, ORANGE
from measured_tables import RESULTS, Table, tables_of, value

OURS, GREEN = ORANGE, "#009E73"
MARKS = (("s", BLUE), ("D", GREEN), ("^", "#CC79A7"), ("v", "#56B4E9"), ("P", "#E69F00"),
         ("X", "black"), ("p", GREY))  # fmt: skip
STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "legend.frameon": False,
    "svg.hashsalt": "measured",
}

Plot = Callable[[], Figure]
PLOTS: dict[str, Plot] = {}
"""What makes each plot, by the name of its file."""


def plot(function: Plot) -> Plot:
    """Have a plot made, in one style."""

    @functools.wraps(function)
    def styled() -> Figure:
        with rc_context(STYLE):
            return function()

    PLOTS[function.__name__] = styled
    return styled


def panels(rows: int, columns: int = 2, width: float = 9.0, **more: Any) -> tuple[Figure, Any]:
    """Return a figure of panels side by side, which share the names of so many rows."""
    figure = Figure(figsize=(width, 1.1 + 0.26 * rows))
    return figure, figure.subplots(1, columns, sharey=True, squeeze=False, **more)[0]


def named_rows(ax: Any, names: Sequence[str]) -> np.ndarray:
    """Name the rows of a panel from the top, and return where they are."""
    at = np.arange(len(names))
    ax.set_yticks(at, names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(axis="y", alpha=0.3)
    return at


def plain_log(ax: Any, ticks: Iterable[float] = ()) -> None:
    """Have a logarithmic axis of plain numbers."""
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:g}")
    if ticks:
        ax.set_xticks(list(ticks))
        ax.xaxis.set_minor_locator(NullLocator())


def legend_below(figure: Figure, ax: Any, columns: int = 5) -> None:
    """Put the legend of a panel below all."""
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=columns)


def table_with(stem: str, head: str, section: str = "") -> Table:
    """Return the first table of a file, and of a section, that has a column."""
    return next(
        table
        for table in tables_of(stem)
        if head in table.head and table.section.startswith(section)
    )


def bound_of(goal: str) -> float:
    """Return the bound of a goal, NaN for none."""
    return value(goal)


@plot
def peers() -> Figure:
    """Each peer's time as a multiple of Chainrule's, with the limit and the goal."""
    cases = json.loads((RESULTS / "peers.json").read_text(encoding="utf-8"))["cases"]
    names = ("jax", "torch", "scikit-learn")
    by_cores = {n: [c for c in cases if c["cores"] == n and set(names) & set(c["medians"])]
                for n in (1, 2)}  # fmt: skip
    rows = list(dict.fromkeys(case["case"] for own in by_cores.values() for case in own))
    figure, axes = panels(len(rows))
    for ax, (cores, own) in zip(axes, by_cores.items(), strict=True):
        named_rows(ax, rows)
        for (marker, colour), name in zip(MARKS, names, strict=False):
            there = [case for case in own if name in case["medians"]]
            ratios = [c["medians"][name] / c["medians"]["chainrule"] for c in there]
            at = [rows.index(case["case"]) for case in there]
            ax.plot(ratios, at, marker, color=colour, label=name)
        for case in own:
            y, ours = rows.index(case["case"]), case["medians"]["chainrule"]
            if case["limit"]:
                ax.plot(case["limit"]["sum"] / ours, y, "|", color=OURS, markersize=11, mew=2)
            for verdict in case["verdicts"]:
                if verdict["what"].startswith("best peer") and verdict["met"] is not None:
                    ax.plot(bound_of(verdict["goal"]), y, "|", color="black", markersize=11)
        ax.axvline(1, color=OURS, linewidth=1.2)
        plain_log(ax, (0.1, 1, 10, 100, 1000))
        ax.set(xlabel="time, as a multiple of Chainrule's",
               title=f"{cores} core{'s' * (cores > 1)}")  # fmt: skip
    axes[0].plot([], [], "|", color=OURS, markersize=11, mew=2, label="the limit, on one core")
    axes[0].plot([], [], "|", color="black", markersize=11, label="goal for the best peer")
    legend_below(figure, axes[0])
    return figure


@plot
def phases() -> Figure:
    """Where the time of a step goes: the share of each phase."""
    tables = [table for table in tables_of("misses") if table.head[0] == "phase"]
    shares = [dict(zip(t.names(), t.column("share"), strict=True)) for t in tables]
    every = list(dict.fromkeys(name for share in shares for name in share))
    names = [t.section.partition(", ")[0] for t in tables]
    figure, (ax,) = panels(len(names) + 3, 1, 8.0)
    at, left = named_rows(ax, names), np.zeros(len(names))
    colours = (OURS, BLUE, GREEN, "#E69F00", "#56B4E9", "#CC79A7", GREY, "black", "#BBBBBB",
               "#8C510A", "#F0E442")  # fmt: skip
    for name, colour in zip(every, colours, strict=False):
        own = np.array([share.get(name, 0.0) for share in shares])
        ax.barh(at, own, left=left, color=colour, label=name)
        left += own
    ax.set(xlabel="share of a step's time, %", xlim=(0, 100))
    legend_below(figure, ax, 3)
    return figure


@plot
def busy_machine() -> Figure:
    """What a second thread gains or costs where two other processes keep the cores busy."""
    table = table_with("busy_machine", "busy")
    table = table._replace(rows=[row for row in table.rows if row[1] == "2"])
    figure, (ax,) = panels(len(table.rows) + 1, 1, 8.0)
    at = named_rows(ax, table.names())
    heads = ("JAX, 2 threads", "PyTorch", "scikit-learn")
    for (marker, colour), head in zip(MARKS, heads, strict=False):
        ax.plot(table.column(head), at, marker, color=colour, label=head.partition(",")[0])
    ax.plot(table.column("threads left out"), at, "o", color=OURS, label="Chainrule")
    ax.axvline(1, color=GREY, linestyle="--")
    plain_log(ax, (0.5, 1, 2, 5, 10))
    ax.set(xlabel="time on two threads / on one")
    legend_below(figure, ax)
    return figure


@plot
def estimators() -> Figure:
    """How many times as fast as scikit-learn's, with goals and limits."""
    table = table_with("estimators", "ratio at the limit")
    cores = table.column("cores")
    rows = list(dict.fromkeys(table.names()))
    figure, axes = panels(len(rows))
    for ax, n in zip(axes, (1, 2), strict=True):
        own = [k for k, each in enumerate(cores) if each == n]
        at = named_rows(ax, rows)
        ratio, limit, goal = (np.array(table.column(head))[own]
                              for head in ("ratio", "ratio at the limit", "goal"))  # fmt: skip
        ax.barh(at, ratio, 0.6, color=BLUE, label="scikit-learn's time / Chainrule's")
        ax.plot(limit, at, "|", color=OURS, markersize=11, mew=2, label="the most, at the limit")
        ax.plot(goal, at, "|", color="black", markersize=11, label="goal")
        plain_log(ax, (1, 2, 5, 10, 20))
        ax.set(xlabel="times as fast as scikit-learn's", title=f"{n} core{'s' * (n > 1)}",
               xlim=(1, None))  # fmt: skip
    legend_below(figure, axes[0])
    return figure


def contestants(ax: Any, table: Table) -> None:
    """Draw each contestant's figure on each table; ours are the bars from 1."""
    at = named_rows(ax, table.names())
    others = [name for name in table.head[2:] if name not in ("chainrule", "before")]
    for (marker, colour), name in zip(MARKS, others, strict=False):
        ax.plot(table.column(name), at, marker, color=colour, label=name, markersize=5)
    ax.plot(table.column("chainrule"), at, "o", color=OURS, label="Chainrule", markersize=7,
            fillstyle="none", mew=2)  # fmt: skip


@plot
def table_errors() -> Figure:
    """Errors and log losses as multiples of the least of all, on each table."""
    found = [t for t in tables_of("table_peers") if t.above.startswith(("Errors", "Log losses"))]
    errors, losses = found[:2]
    figure = Figure(figsize=(9, 5.6))
    left, right = figure.subplots(1, 2)
    for ax, table, what in ((left, errors, "error"), (right, losses, "log loss, classes")):
        contestants(ax, table)
        plain_log(ax, (1, 1.2, 1.5, 2))
        ax.set(xlabel=f"{what}, as a multiple of the least")
    legend_below(figure, left)
    return figure


@plot
def table_times() -> Figure:
    """The mean error beside the seconds of training."""
    found = [table for table in tables_of("table_peers") if "worst" in table.head]
    figure = Figure(figsize=(9, 3.9))
    titles = ("16 tables, up to 20,000 rows", "8 tables, up to 5,000 rows")
    for ax, table, title in zip(figure.subplots(1, 2), found, titles, strict=True):
        for name, s, error in zip(table.names(), table.column("s"), table.column("error"),
                                  strict=True):  # fmt: skip
            ours = name.startswith("chainrule")
            ax.plot(s, error, "o", color=OURS if ours else BLUE)
            below = name == "HGB"  # LightGBM is near it
            ax.annotate(name, (s, error), (5, -11 if below else 4), textcoords="offset points",
                        fontsize=8)  # fmt: skip
        plain_log(ax, (0.1, 1, 10, 100))
        ax.margins(0.25, 0.15)
        ax.set(xlabel="seconds of training, median", title=title,
               ylabel="mean of the errors / the least")  # fmt: skip
    return figure


@plot
def intervals() -> Figure:
    """What share of new rows bounds hold, and how wide they are beside those of boosted trees."""
    table = table_with("table_intervals", "coverage", "At most 20,000")
    table = table._replace(rows=[row for row in table.rows if row[0] != "mean"])
    figure, (left, right) = panels(len(table.rows))
    at = named_rows(left, table.names())
    left.plot(table.column("coverage"), at, "o", color=OURS, label="Chainrule")
    left.plot(table.column("of HGB"), at, "s", color=BLUE, label="boosted trees")
    left.axvline(0.9, color=GREY, linestyle="--", label="asked for")
    left.set(xlabel="share of the test's rows within the bounds", xlim=(0.85, 0.95))
    right.barh(at, table.column("ratio"), 0.6, color=OURS)
    right.axvline(1, color=BLUE)
    right.grid(axis="y", alpha=0.3)
    right.set(xlabel="width, as a multiple of boosted trees'")
    legend_below(figure, left)
    return figure


@plot
def ranks() -> Figure:
    """Two ranks beside one, and beside PyTorch's DistributedDataParallel."""
    table = table_with("ranks", "efficiency of 2 ranks")
    figure, (left, right) = panels(len(table.rows))
    at = named_rows(left, table.names())
    left.barh(at, table.column("efficiency of 2 ranks"), 0.6, color=BLUE)
    left.axvline(1, color=GREY, linestyle="--")
    left.set(xlabel="efficiency of 2 ranks: t₁ / 2 t₂")
    right.barh(at, table.column("DistributedDataParallel / 2 ranks"), 0.6, color=BLUE)
    right.axvline(1, color=GREY, linestyle="--")
    plain_log(right, (1, 2, 5, 10, 20))
    right.set(xlabel="DistributedDataParallel's time / ours")
    right.grid(axis="y", alpha=0.3)
    return figure


@plot
def exchange() -> Figure:
    """How long a sum over two ranks takes."""
    table = table_with("ranks", "kB")
    figure = Figure(figsize=(6.5, 3.6))
    ax = figure.subplots()
    named = {"fixed tree": ("fixed tree, as in training", "-o", OURS),
             "Allreduce": ("MPI's Allreduce", "--s", BLUE),
             "gloo": ("gloo, as PyTorch's", ":D", GREEN)}  # fmt: skip
    for name, (label, style, colour) in named.items():
        ax.loglog(table.column("kB"), table.column(f"{name}, 2 ranks"), style, color=colour,
                  label=label)  # fmt: skip
    ax.set(xlabel="kB summed", ylabel="microseconds")
    ax.grid(alpha=0.3)
    ax.legend()
    return figure


@plot
def bfloat16() -> Figure:
    """How many times as fast products in bfloat16 are, and what they cost in accuracy."""
    speed, errors = table_with("bfloat16", "× float32"), table_with("bfloat16_accuracy", "error by")
    figure = Figure(figsize=(9, 3.6))
    left, right = figure.subplots(1, 2)
    at = named_rows(left, [name.partition(",")[0] for name in speed.names()])
    left.barh(at, speed.column("× float32"), 0.6, color=BLUE)
    left.axvline(1, color=GREY, linestyle="--")
    left.set(xlabel="times as fast as float32")
    at, spread = named_rows(right, errors.names()), np.array(errors.column("spread of seeds"))
    right.barh(at, 2 * spread, 0.6, left=-spread, color="#CCCCCC", label="± spread of seeds")
    right.plot(errors.column("error by"), at, "o", color=OURS, label="change of the error")
    right.set(xlabel="%")
    right.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return figure


@plot
def sparse_rows() -> Figure:
    """Time and memory of sparse rows beside dense ones."""
    table = table_with("sparse_rows", "sparse")
    figure, axes = panels(len(table.rows) + 1)
    for ax, nth, what in zip(axes, (0, 1), ("milliseconds a step", "megabytes"), strict=True):
        at = named_rows(ax, [name.replace(", batch", "\nbatch") for name in table.names()])
        marks = {"dense": ("s", BLUE), "sparse": ("o", OURS), "scikit-learn": ("D", GREEN)}
        for name, (marker, colour) in marks.items():
            ax.plot(table.column(name, nth), at, marker, color=colour, label=name)
        plain_log(ax)
        ax.set(xlabel=what)
    legend_below(figure, axes[0])
    return figure


@plot
def many_networks() -> Figure:
    """How long 100 networks take."""
    table = table_with("many_networks", "fit_many")
    cores = table.column("cores")
    figure, axes = panels(len(table.rows) // 2 + 1)
    marks = {"fit_many": ("o", OURS), "one by one": ("s", BLUE), "JAX, vmap": ("D", GREEN),
             "scikit-learn, joblib": ("^", "#CC79A7")}  # fmt: skip
    for ax, n in zip(axes, (1, 2), strict=True):
        own = table._replace(rows=[r for r, c in zip(table.rows, cores, strict=True) if c == n])
        at = named_rows(ax, own.names())
        for name, (marker, colour) in marks.items():
            ax.plot(own.column(name), at, marker, color=colour, label=name)
        plain_log(ax, (10, 100, 1000, 10000))
        ax.set(xlabel="milliseconds", title=f"{n} core{'s' * (n > 1)}")
    legend_below(figure, axes[0])
    return figure


@plot
def contributions() -> Figure:
    """How long contributions to a prediction take, and how far they are from adding up."""
    table = table_with("contributions", "residue, at most")
    figure, (left, right) = panels(len(table.rows))
    at = named_rows(left, table.names())
    colours = [OURS if name.startswith("cr.") else BLUE for name in table.names()]
    left.barh(at, table.column("µs a row"), 0.6, color=colours)
    left.set(xlabel="microseconds a row")
    right.scatter(table.column("residue, at most"), at, color=colours)
    right.set(xscale="log", xlabel="residue, as a share of the contributions")
    right.grid(axis="y", alpha=0.3)
    return figure


@plot
def mistakes() -> Figure:
    """Which mistakes have figures that others give too."""
    table = table_with("find_mistake", "alike")
    each = zip(table.names(), table.column("alike"), strict=True)
    shown = sorted(((k, a) for k, a in each if k != "all" and a >= 1.3), key=lambda pair: -pair[1])
    figure, (ax,) = panels(len(shown), 1, 7.0)
    at = named_rows(ax, [name for name, _ in shown])
    ax.barh(at, [alike for _, alike in shown], 0.6, color=BLUE)
    ax.axvline(1, color=GREY, linestyle="--")
    ax.set(xlabel="mistakes named, on average")
    return figure
