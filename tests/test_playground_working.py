"""The working of any number in the playground: its numbers beside Python's, and its panel."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.activations import ACTIVATIONS
from chainrule.batches import Examples
from chainrule.engine.program import Program
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.engine.wasm.plain_program import plain_program
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.line_patterns import pattern_data, pattern_script
from chainrule.explanation.subjects import subject
from chainrule.explanation.unit_places import Places
from chainrule.trees import leaves
from pattern_cases import as_told, numbers
from strategies import problem
from test_line_patterns import network
from wasm_cases import NODE

ROOT = Path(__file__).parents[1] / "src/chainrule"
SCRIPTS = [
    *("engine/wasm/wasm_engine.js", "engine/wasm/wasm_lowering.js"),
    *("playground/state/streams.js", "playground/working/look_numbers.js"),
    *("playground/working/subject_fields.js", "engine/wasm/engine64.wasm"),
]
STATES = [state for state in range(40) if state % 13 not in (11,)]  # heads' outputs take turns


def cases():
    for state in STATES:
        net = network(np.random.default_rng(state), state)
        yield problem(net, n=1 if state % 2 else 3, seed=state)
    for first in (
        cr.Dropout(0.0),
        cr.Activate("identity"),
    ):  # the engine has no value of its own for these
        within = cr.Residual(first, cr.Residual(first, cr.Dense(3, "tanh")), cr.Dense(3))
        yield problem(
            cr.Network(2, [cr.Dense(3, "tanh"), within, cr.Dense(1)], "squared_error"), n=3
        )


def asked(p):
    is_class = p.net.row.target == "class"
    y = np.asarray(p.y, float)
    whole = y if y.ndim == 2 else np.eye(p.net.outputs)[np.asarray(p.y, int)] if is_class else y
    return {
        "net": {"inputs": p.net.inputs, "layers": [*map(as_told, p.net.layers)]},
        "heads": plain_program(Program(p.net, trains=True))["heads"],
        "tensors": [[float(v) for v in np.ravel(leaf)] for leaf in leaves(p.params)],
        "X": [float(v) for v in np.ravel(p.X)],
        "y": [float(v) for v in np.ravel(whole)],
        "labels": None,
        "rows": [*range(len(p.X))],
        "draw": {"seed": p.draw.seed, "step": p.draw.step},
    }


@pytest.fixture(scope="module")
def looked():
    """What the page makes of the engine's look at each case."""
    given = {
        "patterns": pattern_data(),
        "lowering": lowering_patterns(),
        "activations": {name: (*row.parameters, None)[0] for name, row in ACTIVATIONS.items()},
        "lines": pattern_script(),
        "cases": [asked(p) for p in cases()],
    }
    files = [str(ROOT / name) for name in SCRIPTS]
    command = [NODE, Path(__file__).with_name("playground_working.js"), *files]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def is_near(own, got, path=""):
    """Compare numbers that the page has with Python's, all of them."""
    if isinstance(own, dict):
        for name, part in own.items():
            if name == "mask":  # of which only what is 0 counts
                assert [*map(bool, part)] == [*map(bool, got[name])], path
            elif name != "delta" or "z" in own:  # of layers without weighted inputs it is da
                is_near(part, got[str(name)], f"{path}.{name}")
    elif isinstance(own, list) and own and isinstance(own[0], dict):
        for k, part in enumerate(own):
            is_near(part, got[k], f"{path}[{k}]")
    else:
        assert got == pytest.approx(own, rel=1e-9, abs=1e-11), path


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_numbers_are_those_of_python(looked):
    for k, (p, made) in enumerate(zip(cases(), looked, strict=True)):
        passes = Passes(p.net, p.params, Examples(p.X, p.y, None), p.draw)
        is_near(numbers(passes), made["numbers"], f"case {k}")
    assert k > 30


@pytest.mark.skipif(NODE is None, reason="there is no Node")
def test_subjects_are_those_of_python(looked):
    for p, made in zip(cases(), looked, strict=True):
        at = Places.of(p.net)
        for text, key in made["subjects"]:
            if key is not None:
                found = subject(text, at)
                assert key == [*found[:4], found.text], text


def test_reading_the_working(opened_playground):
    own = opened_playground()
    page, panel = own.page, own.page.locator("#working")
    page.wait_for_selector("#working .lines[data-step='1'] li")
    titles = panel.locator("h3").all_inner_texts()
    assert titles[0] == "The chain rule of example " + titles[0].rpartition(" ")[2]
    assert panel.locator("details[open]").count() < len(titles)  # the forward part is long
    page.click("#working summary:has-text('Forward')")
    parts = [title.partition(" of ")[0] for title in titles[1:4]]
    assert parts == ["Forward", "The cost", "Backward"]
    assert titles[-1] == "The update"
    for _ in range(3):
        own.press("step")
    page.wait_for_selector("#working .lines[data-step='4'] li")
    for notation in ("nielsen", "3blue1brown", "pytorch", "mazur"):
        page.select_option("#working [name=notation]", notation)
    page.select_option("#working [name=kind]", "b")
    page.fill("#working [name=number]", "3")
    page.press("#working [name=number]", "Enter")
    assert panel.locator("details:has-text('Forward of') li").first.is_visible()
    assert updated(panel)[0] == "b3+"
    after = updated(panel)[-1]
    own.press("step")
    page.wait_for_selector("#working .lines[data-step='5'] li")
    assert updated(panel)[2].startswith(after[:8])  # what was to come has come
    page.check("#working [name=matrix]")
    sizes = [text.split()[-3:] for text in panel.locator("caption").all_text_contents()]
    assert sizes[0] == ["16", "×", "8"]
    assert (
        len(panel.locator("table").first.locator("tr").all()) == 9
    )  # eight, and that there are more


def updated(panel):
    """The last line of the update: what it is of, what that equals, its figures and its result."""
    line = panel.locator("details").last.locator("li").last
    parts = [line.locator(".symbol"), *line.locator(".equals > div").all()]
    return [part.text_content().removeprefix("=") for part in parts]


MATRICES = {
    "X Wᵀ + b": lambda m: m["X"] @ m["W"].T + m["b"],
    "f(Z)": lambda m: np.tanh(m["Z"]),
    "∂C/∂A ⊙ f′(Z)": lambda m: m["da"] / np.cosh(m["Z"]) ** 2,
    "Δ W": lambda m: m["Δ"] @ m["W"],
    "Δᵀ X / n": lambda m: m["Δ"].T @ m["X"] / len(m["X"]),
    "1ᵀ Δ / n": lambda m: m["Δ"].sum(axis=0) / len(m["X"]),
}


def test_matrices_are_the_cores():
    net = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2, "tanh")], "squared_error")
    p = problem(net, n=5)
    trace = cr.forward(net, p.params, p.X)
    deltas = cr.backward(trace, p.y)
    grads = cr.gradient(trace, deltas)
    da = deltas[1] @ p.params[1].W
    known = {"X": p.X, "W": p.params[0].W, "b": p.params[0].b, "da": da}
    known |= {"Z": trace[0].z, "Δ": deltas[0]}
    core = {"z": trace[0].z, "a": trace[0].a, "delta": deltas[0]}
    dx = cr.input_gradient(trace, deltas) * len(p.X)  # of one example each
    core |= {"dx": dx, "W": grads[0].W, "b": grads[0].b}
    found = net.layers[0].matrices()
    assert [name for *_, name in found] == [*core]
    for _, of, name in found:
        assert MATRICES[of](known) == pytest.approx(core[name]), of
