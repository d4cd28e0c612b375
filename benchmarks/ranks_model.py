r"""When several machines pay: a model of the time of a step, fitted to what `ranks.py` measured.

    python benchmarks/ranks_model.py

The step of a batch on P ranks, of a network with n parameters in M shards, takes

    t = c + w/P · a + n · u + n · M/P · s + X(P, n)

| letter | what it is |
|---|---|
| c | what each step costs anyhow |
| w, a | operations of the products for the batch; seconds of one |
| u | the update of a parameter, made on every rank |
| s | a parameter's gradient in the sum of one shard |
| X | the exchange: 2 log₂ P rounds, in each of which a rank sends one message; of m = 4n bytes |

    X = 2 log₂ P · o + 2 m (P−1)/P / B        (X = 0 on one rank)

o is what a message costs and B the bytes a second, both fitted to sums by two ranks here.
Weights are such that relative errors count. For a network between machines, o has the latency of a
link added once a round, and B is the link's where that is less: assumed, not measured.
"""

from __future__ import annotations

import argparse
import math
import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from cases import Case
from chainrule.distributed import default_shards
from chainrule.distributed.shards import MOST
from ranks_cases import ALONE, CASES, SHARDS, SIZES, TOGETHER, parameters
from ranks_report import LINES, RESULTS, Lines, kept
from report import number, row

PAGE = RESULTS / "ranks_model.md"
RANKS = (1, 2, 8, 64, 1024)
BATCHES = (1_024, 16_384, 262_144)
NETWORKS = (
    (784, 128, 10),
    (784, 512, 512, 10),
    (256, 1024, 1024, 1024, 10),
    (1000, 4096, 4096, 1000),
)
HALF = 0.5
"""So much of the ranks is to be won at least before they are said to pay."""


class Link(NamedTuple):
    """What is assumed of a network between machines."""

    name: str
    bytes_a_second: float
    latency: float


LINKS = (Link("25 Gbit/s", 25e9 / 8, 20e-6), Link("200 Gbit/s", 200e9 / 8, 3e-6))


@dataclass(frozen=True)
class Exchange:
    """The seconds of a sum over ranks."""

    message: float
    bytes_a_second: float
    latency: float = 0.0

    def seconds(self, ranks: int, size: float) -> float:
        """Return X of so many bytes."""
        if ranks == 1:
            return 0.0
        volume = 2 * size * (ranks - 1) / ranks
        rounds = 2 * math.log2(ranks)
        return rounds * (self.message + self.latency) + volume / self.bytes_a_second

    def over(self, link: Link) -> Exchange:
        """Return the exchange by a network."""
        rate = min(self.bytes_a_second, link.bytes_a_second)
        return replace(self, bytes_a_second=rate, latency=link.latency)


@dataclass(frozen=True)
class Step:
    """The seconds of a step."""

    anyhow: float
    operation: float
    update: float
    shard: float
    exchange: Exchange

    def seconds(self, case: Case, ranks: int, shards: int, cores: int = 1) -> float:
        """Return t of a case, whose ranks have so many cores each."""
        n = parameters(case)
        own = case.operations / ranks * self.operation + n * shards / ranks * self.shard
        shared = self.anyhow + (own + n * self.update) / cores
        return shared + self.exchange.seconds(ranks, 4 * n)


def fitted(features: list[list[float]], times: list[float]) -> list[float]:
    """Return the factors, none negative, with the least sum of squared relative errors."""
    weighted = np.array(features) / np.array(times)[:, None]
    scale = np.abs(weighted).max(axis=0)
    return list(nnls(weighted / scale, np.ones(len(times)))[0] / scale)


def fitted_exchange(lines: Lines) -> tuple[Exchange, dict[str, tuple[float, float]]]:
    """Return the exchange by two ranks here; of each size what was measured, and the model's."""
    name = "fixed tree, 2 ranks"
    found = {
        size: statistics.median(lines["exchange", str(size)]["seconds"][name])
        for size in SIZES
        if ("exchange", str(size)) in lines
    }
    message, byte = fitted([[2.0, float(size)] for size in found], list(found.values()))
    exchange = Exchange(message, 1 / byte)
    return exchange, {
        f"exchange of {size // 1024:,} kB": (time, exchange.seconds(2, size))
        for size, time in found.items()
    }


def fitted_step(lines: Lines, exchange: Exchange) -> tuple[Step, dict[str, tuple[float, float]]]:
    """Return the step as one and two ranks made it; and what was measured, and the model's."""
    features, rest, found = [], [], []
    for case in CASES:
        for contestant in (ALONE, TOGETHER):
            if ("training", case.title) not in lines:
                continue
            each = lines["training", case.title]["seconds"][contestant.name]
            n, ranks = parameters(case), contestant.processes
            time = statistics.median(each)
            features.append([1.0, case.operations / ranks, float(n), n * SHARDS / ranks])
            found.append((case, contestant, time))
            rest.append(max(time - exchange.seconds(ranks, 4 * n), 0.1 * time))
    step = Step(*fitted(features, rest), exchange)
    return step, {
        f"{case.title}, {contestant.name}": (time, step.seconds(case, contestant.processes, SHARDS))
        for case, contestant, time in found
    }


def residuals(found: dict[str, tuple[float, float]]) -> list[str]:
    """Return the table of what was measured and what the model says."""
    head = ["", "measured, µs", "model, µs", "error"]
    lines = [row(head), row(["---"] * len(head))]
    for name, (time, model) in found.items():
        figures = [number(1e6 * time), number(1e6 * model), f"{100 * (model / time - 1):+.0f} %"]
        lines.append(row([name, *figures]))
    errors = [abs(model / time - 1) for time, model in found.values()]
    said = f"Errors: {100 * statistics.median(errors):.0f} % in the middle, "
    return [*lines, "", f"{said}{100 * max(errors):.0f} % at most."]


def shards_for(batch: int, ranks: int) -> int:
    """Return the shards of a batch, at least one for each rank."""
    return min(MOST, max(default_shards(batch), 1 << math.ceil(math.log2(ranks))))


class Outlook(NamedTuple):
    """What the model says of ranks with so many cores each."""

    step: Step
    cores: int

    def over(self, link: Link) -> Outlook:
        """Return the same by a network."""
        return self._replace(step=replace(self.step, exchange=self.step.exchange.over(link)))

    def seconds(self, sizes: tuple[int, ...], batch: int, ranks: int) -> float:
        """Return t of a batch."""
        case = Case("", sizes, batch, batch)
        return self.step.seconds(case, ranks, shards_for(batch, ranks), self.cores)

    def gain(self, sizes: tuple[int, ...], batch: int, ranks: int) -> float:
        """Return how many times as fast so many ranks are as one."""
        return self.seconds(sizes, batch, 1) / self.seconds(sizes, batch, ranks)

    def pays_from(self, sizes: tuple[int, ...], ranks: int) -> str:
        """Return the least batch, a power of two, with which half of the ranks or more are won."""
        batches = (2**k for k in range(5, 25))
        found = (batch for batch in batches if self.gain(sizes, batch, ranks) >= HALF * ranks)
        return next((f"{batch:,}" for batch in found), "–")


def named(sizes: tuple[int, ...]) -> list[str]:
    """Return the cells that name a network."""
    return ["-".join(map(str, sizes)), f"{parameters(Case('', sizes, 1)):,}"]


def steps(outlook: Outlook, link: Link) -> list[str]:
    """Return the table of the steps of some batches by a network between machines."""
    head = ["network", "parameters", "batch", *(f"{ranks:,} ranks" for ranks in RANKS)]
    lines, over = [row(head), row(["---"] * len(head))], outlook.over(link)
    for sizes in NETWORKS:
        for batch in BATCHES:
            cells = [*named(sizes), f"{batch:,}"]
            for ranks in RANKS:
                milliseconds = number(1e3 * over.seconds(sizes, batch, ranks))
                cells.append(f"{milliseconds} ({over.gain(sizes, batch, ranks):,.1f})")
            lines.append(row(cells))
    return [f"Milliseconds a step by {link.name}, and × one rank:", "", *lines]


def pays(outlook: Outlook) -> list[str]:
    """Return the table of the least batches that pay."""
    several = [(link, ranks) for link in LINKS for ranks in RANKS[1:]]
    head = ["network", "parameters", *(f"{ranks:,} ranks, {link.name}" for link, ranks in several)]
    lines = [row(head), row(["---"] * len(head))]
    for sizes in NETWORKS:
        least = (outlook.over(link).pays_from(sizes, ranks) for link, ranks in several)
        lines.append(row([*named(sizes), *least]))
    said = (
        "The least batch by which P ranks are P/2 times as fast as one; “–” beyond 16 million rows:"
    )
    return [said, "", *lines]


def prediction(outlook: Outlook) -> list[str]:
    """Return the section on ranks with so many cores."""
    cores = outlook.cores
    links = "; ".join(f"{link.name} with {1e6 * link.latency:.0f} µs" for link in LINKS)
    as_if = "as if its cores took equal parts, " if cores > 1 else ""
    return [
        f"## Prediction: ranks on machines of {cores} core{'s' * (cores > 1)} each",
        "",
        "**Predicted by the model, not measured**, with a machine for each rank, "
        f"{as_if}and links of {links}.",
        *(text for link in LINKS for text in ("", *steps(outlook, link))),
        "",
        *pays(outlook),
    ]


def page(lines: Lines, cores: list[int]) -> str:
    """Return the page: the factors, their errors, and the predictions."""
    exchange, of_exchange = fitted_exchange(lines)
    step, of_steps = fitted_step(lines, exchange)
    text = [
        "# When several machines pay",
        "",
        *(__doc__ or "").split("\n\n", 2)[2].strip().splitlines(),
        "",
        f"Fitted here: c = {1e6 * step.anyhow:.2f} µs; 1/a = {1e-9 / step.operation:.0f} GFLOP/s; "
        f"u = {1e9 * step.update:.3f} ns; s = {1e9 * step.shard:.3f} ns; "
        f"o = {1e6 * exchange.message:.1f} µs; B = {exchange.bytes_a_second / 1e9:.1f} GB/s.",
        "",
        *residuals(of_steps),
        "",
        *residuals(of_exchange),
    ]
    for count in cores:
        text += ["", *prediction(Outlook(step, count))]
    return "\n".join([*text, ""])


def main() -> None:
    """Fit the model to the lines there are, print the page, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cores", nargs="+", type=int, default=[1, 16], help="of a rank (1 16)")
    parser.add_argument("--lines", type=Path, default=LINES, help="what ranks.py measured")
    options = parser.parse_args()
    text = page(kept(options.lines), options.cores)
    print(text)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
