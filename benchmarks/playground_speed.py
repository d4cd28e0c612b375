"""The playground in headless Chromium, beside TensorFlow Playground's own network code.

Both train the same networks in one page in turns of a few milliseconds: the engine as the page has
it, in float32, and `nn.ts` as npm's TypeScript compiles it; by gradient descent on half the squared
error, as that code does, with the examples in their order. Of two outputs it trains one. Steps a
second are the most of any turn, since other processes only take from them.

Then the page itself: what it weighs; how long after the start of its loading it is ready; how many
frames a second it shows while it trains as fast as it can; and how long after a table of 100,000
rows and 20 columns is given to it, the first step is shown, with the costs of all rows.

    python benchmarks/playground_speed.py nn.ts

`nn.ts` is `src/nn.ts` of github.com/tensorflow/playground, of which nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from playwright.sync_api import sync_playwright

import chainrule as cr
from chainrule.cli.checking import processor
from chainrule.engine.program import for_training
from chainrule.engine.wasm import engine_data, engine_script
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.playground import playground
from chainrule.trees import leaves

RESULTS = Path(__file__).parent / "results" / "playground_speed.md"
TIMES, READY, KILOBYTES, FRAMES, TABLE = 20, 400, 600, 50, 3
"""The goals: how many times as many steps, milliseconds, size, frames a second, seconds."""


class Case(NamedTuple):
    """A network: the sizes of its layers, the activation of the hidden ones, and the batch."""

    sizes: tuple[int, ...]
    activation: str
    batch: int

    @property
    def name(self) -> str:
        return "-".join(map(str, self.sizes))


CASES = (
    Case((2, 8, 8, 2), "tanh", 16),
    Case((2, 8, 8, 1), "tanh", 16),
    Case((2, 4, 2, 1), "tanh", 10),
    Case((2, 8, 8, 1), "relu", 16),
    Case((2, 8, 8, 8, 8, 8, 8, 1), "tanh", 30),
)
"""The first has the goal; the third is that page's own, and the last its largest."""

ROWS = 256

TURNS = """
const unpacked = Engine.unpacked(WASM);
const theirs = ({ sizes, activation, batch, X, y }) => {
  const kind = Activations[activation.toUpperCase()];
  const names = Array.from({ length: sizes[0] }, (_, k) => `x${k}`);
  const network = buildNetwork(sizes, kind, Activations.LINEAR, null, names);
  let row = 0;
  return (count) => {
    for (let step = 0; step < count; step++) {
      for (let k = 0; k < batch; k++) {
        forwardProp(network, X[row]);
        backProp(network, y[row], Errors.SQUARE);
        row = (row + 1) % X.length;
      }
      updateWeights(network, 0.03, 0);
    }
  };
};
const ours = (engine, { program, tensors, batch, X, Y }) => {
  const session = engine.session(program, { optimizer: 'sgd', numbers: {}, batch });
  tensors.forEach((own, k) => session.load(k, own));
  session.ready();
  session.data({ X: X.flat(), y: Y.flat() });
  return (count) => session.train(count, { rates: [0.03], shuffles: false });
};
// Steps a second of turns of so many milliseconds, each way.
window.turns = async (given, rounds, ms) => {
  const ways = [ours(await unpacked, given), theirs(given)];
  const took = (train, count) => {
    const from = performance.now();
    train(count);
    return performance.now() - from;
  };
  const counts = ways.map((train) => {
    let count = 1;
    while (Math.min(...Array.from({ length: 4 }, () => took(train, count))) < ms) count *= 2;
    return count;
  });
  const rates = ways.map(() => []);
  for (let round = 0; round < rounds; round++) {
    ways.forEach((train, k) => rates[k].push(1000 * counts[k] / took(train, counts[k])));
  }
  return rates;
};
"""

WATCH = """
new MutationObserver((_, own) => {
  if (document.documentElement?.dataset.ready) {
    window.readyAfter = performance.now();
    own.disconnect();
  }
}).observe(document, { attributes: true, subtree: true, attributeFilter: ['data-ready'] });
"""

GIVEN = """
() => {
  const file = document.querySelector('#data input[type=file]');
  file.addEventListener('change', () => { window.givenAt = performance.now(); }, { capture: true });
  const step = document.querySelector('[name=at_step]');
  new MutationObserver(() => { window.shownAt = performance.now(); })
    .observe(step, { childList: true, characterData: true, subtree: true });
}
"""

SHOWN = """
(ms) => new Promise((resolve) => {
  const place = document.querySelector('[name=at_step]');
  let [frames, pictures, last] = [0, 0, ''];
  const from = performance.now();
  const step = () => Number(place.textContent.replaceAll(',', ''));
  const first = step();
  const look = () => {
    pictures++;
    if (place.textContent !== last) frames++;
    last = place.textContent;
    const took = performance.now() - from;
    if (took < ms) requestAnimationFrame(look);
    else resolve([frames, pictures, step() - first].map((count) => 1000 * count / took));
  };
  requestAnimationFrame(look);
})
"""


def compiled(source: Path, folder: Path) -> str:
    """Return a module of TypeScript as a script, by npm's compiler."""
    shutil.copy(source, folder / "nn.ts")
    npm = ["npm", "install", "--silent", "--no-fund", "--prefix", str(folder), "typescript@5"]
    subprocess.run(npm, check=True)
    tsc = folder / "node_modules/.bin/tsc"
    options = ["--target", "es2020", "--module", "es2020", "--outDir", str(folder / "made")]
    subprocess.run([tsc, *options, folder / "nn.ts"], check=False, stdout=subprocess.DEVNULL)
    return (folder / "made/nn.js").read_text(encoding="utf-8").replace("export ", "")


def given(case: Case) -> dict[str, Any]:
    """What both are given: the network, and the same rows."""
    *hidden, outputs = case.sizes[1:]
    layers = [*(cr.Dense(width, case.activation) for width in hidden), cr.Dense(outputs)]
    net = cr.Network(case.sizes[0], layers, loss="half_squared_error")
    rng = np.random.default_rng(0)
    X = rng.uniform(-6, 6, (ROWS, case.sizes[0]))
    y = np.sign(X[:, 0] * X[:, 1])
    return {
        "sizes": case.sizes,
        "activation": case.activation,
        "batch": case.batch,
        "X": X.tolist(),
        "y": y.tolist(),
        "Y": np.repeat(y[:, None], outputs, axis=1).tolist(),
        "program": plain_program(for_training(net)),
        "tensors": [np.ravel(leaf).tolist() for leaf in leaves(net.init(0))],
    }


@contextmanager
def chromium() -> Iterator[Any]:
    """Open a browser, and close it."""
    with sync_playwright() as playwright:
        own = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield own
        own.close()


def steps_a_second(browser: Any, script: str, rounds: int) -> list[tuple[float, float]]:
    """Return those of the engine and of the other code, for each case."""
    page = browser.new_page()
    wasm = f"const WASM = {json.dumps(engine_data('float32'))};"
    page.add_script_tag(content="\n".join([wasm, engine_script(), script, TURNS]))
    found = []
    for case in CASES:
        rates = page.evaluate("([own, rounds]) => turns(own, rounds, 5)", [given(case), rounds])
        found.append((max(rates[0]), max(rates[1])))
    page.close()
    return found


def of_the_page(browser: Any, path: Path, loads: int) -> tuple[float, list[float]]:
    """Return after how many milliseconds it is ready, and what it shows and trains in a second."""
    ready = []
    for _ in range(loads):
        page = browser.new_page()
        page.add_init_script(WATCH)
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        ready.append(page.evaluate("window.readyAfter"))
        page.close()
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    page.select_option("#training [name=speed]", "")
    page.click("#training [name=play]")
    shown = max((page.evaluate(SHOWN, 2000) for _ in range(3)), key=lambda own: own[0])
    page.close()
    return min(ready), shown


def table(path: Path) -> Path:
    """Write a table of 20 columns of numbers and one of classes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 20))
    rows = [",".join(f"{x:.6g}" for x in row) + f",{'ab'[int(row[0] * row[1] > 0)]}" for row in X]
    names = ",".join([*(f"x{k}" for k in range(20)), "y"])
    path.write_text("\n".join([names, *rows]) + "\n", encoding="utf-8")
    return path


def first_step(browser: Any, path: Path, given: Path, times: int) -> float:
    """Return how many seconds after a table is given the first step is shown, at best."""
    took = []
    for _ in range(times):
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        page.evaluate(GIVEN)
        page.set_input_files("#data input[type=file]", given)
        page.locator("#data caption").filter(has_text=given.name).wait_for()
        page.click("#training [name=step]")
        page.locator("#training [name=at_step]").filter(has_text="1").wait_for()
        took.append(page.evaluate("(window.shownAt - window.givenAt) / 1000"))
        page.close()
    return min(took)


def met(holds: bool) -> str:
    return "met" if holds else "not met"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path, metavar="nn.ts")
    parser.add_argument("--rounds", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, chromium() as browser:
        folder = Path(name)
        script = compiled(asked.source, folder)
        path = folder / "playground.html"
        path.write_text(playground(), encoding="utf-8")
        rates = steps_a_second(browser, script, asked.rounds)
        ready, (frames, pictures, steps) = of_the_page(browser, path, loads=15)
        seconds = first_step(browser, path, table(folder / "table.csv"), times=3)
        kilobytes = path.stat().st_size / 1000
        version = browser.version
    lines = [
        "# The playground in the browser",
        "",
        f"{processor()}, Chromium {version}, headless.",
        "",
        "| network | activation | batch | steps a second | theirs | times as many | goal |",
        "|---|---|---|---|---|---|---|",
    ]
    for k, (case, (own, other)) in enumerate(zip(CASES, rates, strict=True)):
        goal = f"≥ {TIMES}: {met(own >= TIMES * other)}" if k == 0 else ""
        times = f"{own / other:.1f}"
        cells = (
            case.name,
            case.activation,
            case.batch,
            f"{own:,.0f}",
            f"{other:,.0f}",
            times,
            goal,
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    rows = [
        ("kilobytes", f"{kilobytes:,.0f}", f"≤ {KILOBYTES}: {met(kilobytes <= KILOBYTES)}"),
        ("ready after, ms", f"{ready:,.0f}", f"≤ {READY}: {met(ready <= READY)}"),
        (
            "frames a second while it trains",
            f"{frames:,.0f}",
            f"≥ {FRAMES}: {met(frames >= FRAMES)}",
        ),
        (
            "seconds from a large table to its first step",
            f"{seconds:.1f}",
            f"≤ {TABLE}: {met(seconds <= TABLE)}",
        ),
        ("pictures a second of the browser meanwhile", f"{pictures:,.0f}", ""),
        ("steps a second meanwhile", f"{steps:,.0f}", ""),
    ]
    lines += ["", "| of the page | | goal |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
