"""Networks of a file in training: later steps, online epochs, momentum that has begun."""

import math
import re

import numpy as np
import pytest

import chainrule as cr
from chainrule.explanation.network_file import network_path, read_network_file
from chainrule.explanation.notation import Key
from chainrule.explanation.subjects import parameters
from chainrule.optimizers import OPTIMIZERS
from chainrule.trees import leaves
from test_network_file import read, short

CHAIN = """
layers = [1, 1, 1]
w = [1.2, -0.8]
b = [0.1, 0.3]
inputs = [[0.2], [0.5], [0.9]]
targets = [[0.9], [0.6], [0.2]]
rate = 0.5
"""


def explained(file, of="all", **options):
    return cr.explain(*file[:4], **{**file.options(), **options}, of=of)


def values(explanation):
    return {step.symbol: step.value for step in explanation.steps}


def updated(explanation):
    return {s.key.of[0]: s.value for s in explanation.derivation.steps() if s.key.kind == "new"}


def test_a_rate_may_be_a_schedule(tmp_path):
    text = CHAIN.replace(
        "0.5\n", '{ kind = "warm_up", steps = 4, then = { kind = "constant", rate = 2 } }\n'
    )
    text = text.replace("w = [1.2, -0.8]", "w = [1.2, -0.8]\nstep = 3")
    file = read(tmp_path, text)
    assert file.optimizer == cr.SGD(cr.WarmUp(4, then=cr.Constant(2)))
    expected = START
    for t in (1, 2, 3):
        expected = by_hand(expected, [PAIRS], rate=2 * t / 4)
    assert [updated(explained(file))[key] for key in KEYS] == pytest.approx(expected)


# By hand: σ(w2 σ(w1 x + b1) + b2), without the library


def by_hand(start, batches, rate, momentum=0.0, v=(0.0,) * 4):
    """w1, w2, b1, b2 after each batch of pairs (x, y)."""
    w, v = list(start), list(v)
    for batch in batches:
        g = np.zeros(4)
        for x, y in batch:
            h = 1 / (1 + math.exp(-(w[0] * x + w[2])))
            o = 1 / (1 + math.exp(-(w[1] * h + w[3])))
            d = (o - y) * o * (1 - o)
            e = d * w[1] * h * (1 - h)
            g += np.array([e * x, d * h, e, d]) / len(batch)
        v = [momentum * own + rate * slope for own, slope in zip(v, g, strict=True)]
        w = [own - step for own, step in zip(w, v, strict=True)]
    return w


PAIRS = [(0.2, 0.9), (0.5, 0.6), (0.9, 0.2)]
KEYS = [Key("w", 0, 0, 0), Key("w", 1, 0, 0), Key("b", 0, 0), Key("b", 1, 0)]
START = [1.2, -0.8, 0.1, 0.3]


@pytest.mark.parametrize("step", [1, 2, 5])
@pytest.mark.parametrize("size", [None, 1, 2])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_step_of_the_training_is_that_made_by_hand(tmp_path, step, size, momentum):
    more = f"step = {step}\n" + (f"batch_size = {size}\n" if size else "")
    more += f"momentum = {momentum}\nvelocity = {{ w = [0.1, 0.2], b = [0, -0.1] }}\n" * (
        momentum > 0
    )
    v = (0.1, 0.2, 0.0, -0.1) if momentum else (0.0,) * 4
    each = [PAIRS[k : k + (size or 3)] for k in range(0, 3, size or 3)]
    batches = (each * step)[:step]
    new = updated(explained(read(tmp_path, CHAIN + more)))
    expected = by_hand(START, batches, 0.5, momentum, v)
    assert [new[key] for key in KEYS] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("size", "step", "said"),
    [
        (1, 5, "Step 5 of the training, with example 2 of the 3."),
        (2, 3, "Step 3 of the training, with examples 1 to 2 of the 3. The mean over 2 examples:"),
        (None, 2, "Step 2 of the training. The mean over 3 examples: each is worked out"),
    ],
)
def test_it_is_said_which_examples_make_the_step(tmp_path, size, step, said):
    more = f"step = {step}\n" + (f"batch_size = {size}\n" if size else "")
    text = explained(read(tmp_path, CHAIN + more), of="w1").text(200)
    assert text.splitlines()[1].startswith(said)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("size", [1, None])
def test_what_an_optimizer_has_gathered_counts(tmp_path, name, size):
    """The step is that of `fit`: 3 steps of it, and the fourth that is worked out."""
    file = read(tmp_path, CHAIN + f'optimizer = "{name}"\nstep = 4\n')
    new = updated(explained(file, batch_size=size))
    options = {"shuffle": False, "batch_size": size, "engine": "reference"}
    batches = [slice(k, k + 1) for k in range(3)] if size else [slice(0, 3)]
    params, history = file.params, None
    for k in range(4):  # an epoch of fit for each step
        rows = batches[k % len(batches)]
        params, history = cr.fit(
            file.net, params, file.X[rows], file.y[rows], file.optimizer, epochs=1,
            history=history, **options,
        )  # fmt: skip
    for key in KEYS:
        leaf = getattr(params[key.layer], "W" if key.kind == "w" else "b").ravel()[0]
        assert new[key] == pytest.approx(float(leaf), rel=1e-12)


def test_the_second_step_of_the_tutorials_network():
    file = read_network_file(network_path("2-2-2"))
    first, second = (values(explained(file, step=step)) for step in (1, 2))
    assert first["w5⁺"] == pytest.approx(0.358916479718, abs=5e-13)
    assert second["E_total"] == pytest.approx(0.291027773694, abs=5e-13)
    assert second["w5⁺"] == pytest.approx(first["w5⁺"] - 0.5 * second["∂E_total/∂w5"], rel=1e-14)


def test_frozen_parameters_stay_through_the_steps(tmp_path):
    file = read(tmp_path, CHAIN + 'freeze = ["*.b"]\nstep = 3\n')
    new = updated(explained(file))
    assert [new[key] for key in KEYS[2:]] == [0.1, 0.3]


def test_dropout_draws_in_a_step_as_fit_does(tmp_path):
    file = read(
        tmp_path,
        CHAIN.replace("[1, 1, 1]", "[1, 2, 1]").replace(
            "w = [1.2, -0.8]\nb = [0.1, 0.3]", "seed = 1"
        )
        + "dropout = 0.5\nstep = 3\n",
    )
    new = updated(explained(file))
    params, _ = cr.fit(
        file.net, file.params, file.X, file.y, file.optimizer, epochs=3, batch_size=None,
        engine="reference",
    )  # fmt: skip
    found = [new[key] for key in parameters(explained(file, "w1").derivation.at)]
    W, b = np.concatenate([p.W.ravel() for p in params if p]), [p.b for p in params if p]
    assert found == pytest.approx([*W, *np.concatenate(b)], rel=1e-12)


# The velocity

FORMS = {
    "[[[0.1], [0.2]], [[0.3, 0.4]]]": ([0.1, 0.2, 0.3, 0.4], [0, 0, 0]),
    "[0.1, 0.2, 0.3, 0.4]": ([0.1, 0.2, 0.3, 0.4], [0, 0, 0]),
    "{ weights = [[[0.1], [0.2]], [[0.3, 0.4]]] }": ([0.1, 0.2, 0.3, 0.4], [0, 0, 0]),
    "{ b = [1, 2, 3] }": ([0, 0, 0, 0], [1, 2, 3]),
    "{ biases = [[1, 2], [3]], w = [4, 5, 6, 7] }": ([4, 5, 6, 7], [1, 2, 3]),
}
TWO = "layers = [1, 2, 1]\nseed = 1\ninputs = [1]\ntargets = 1\nmomentum = 0.5\n"


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_velocity(tmp_path, form):
    velocity = read(tmp_path, f"{TWO}velocity = {form}\n").velocity
    W, b = FORMS[form]
    assert np.concatenate([p.W.ravel() for p in velocity]).tolist() == W
    assert np.concatenate([p.b for p in velocity]).tolist() == b


def test_momentum_as_a_running_mean(tmp_path):
    text = "momentum = 0.9\ndampening = 0.9\nrate = 0.5\nvelocity = [0.25, -0.5]"
    shown = values(explained(short(tmp_path, text), of="w2"))
    v = 0.9 * -0.5 + 0.1 * shown["∂E_total/∂w2"]
    assert shown["v⁺"] == pytest.approx(v, rel=1e-14)
    assert shown["w2⁺"] == pytest.approx(2 - 0.5 * v, rel=1e-14)


def test_the_velocity_is_a_line_of_the_update(tmp_path):
    text = "momentum = 0.9\nrate = 0.5\nvelocity = [0.25, -0.5]"
    shown = values(explained(short(tmp_path, text), of="w2"))
    v = 0.9 * -0.5 + 0.5 * shown["∂E_total/∂w2"]
    assert shown["v⁺"] == pytest.approx(v, rel=1e-14)
    assert shown["w2⁺"] == pytest.approx(2 - v, rel=1e-14)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("velocity = 3", "must be numbers in the form of weights or of w, or { w = …, b = … }"),
        ("velocity = {}", "velocity must be numbers in the form of weights"),
        ("velocity = { v = [1] }", "velocity must be numbers in the form of weights"),
        ("velocity = [1, 2, 3]", "velocity.w must have shape (4,), of the numbers w1 to w4"),
        ("velocity = { w = [1], weights = [[1]] }", "velocity: w and weights exclude each other"),
        ("step = 0", "step must be a whole number >= 1, got 0"),
        ("batch_size = 1.5", "batch_size must be a whole number >= 1, got 1.5"),
    ],
)
def test_what_is_refused(tmp_path, more, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read(tmp_path, TWO + more)
    assert str(caught.value).startswith("network.toml:6: ")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": None, "step": 2}, "step is of a training, which needs its rate"),
        ({"optimizer": None, "batch_size": 1}, "batch_size is of a training, which needs its rate"),
        ({"step": 0}, "explain: step must be a whole number >= 1"),
        ({"batch_size": 0}, "explain: batch_size must be a whole number >= 1"),
        ({"optimizer": cr.Adam(), "velocity": "start"}, "velocity is of SGD with momentum"),
        ({"velocity": "start"}, "such as momentum = 0.9, got SGD"),
        (
            {"optimizer": cr.SGD(1e200), "step": 4},
            "the training fails before step 4: the activation of layer 1",
        ),
    ],
)
def test_what_explain_refuses_of_a_training(tmp_path, options, message):
    file = read(
        tmp_path,
        CHAIN.replace("targets", 'loss = "squared_error"\nactivation = "identity"\ntargets'),
    )
    if options.get("velocity"):
        options = {**options, "velocity": file.params}
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        explained(file, **options)


def test_no_step_leaves_everything_as_it_was(tmp_path):
    file = read(tmp_path, CHAIN)
    assert (file.step, file.batch_size, file.velocity) == (None, None, None)
    plain, first = explained(file).text(200), explained(file, step=1).text(200)
    assert first.replace("Step 1 of the training. ", "") == plain
    assert leaves(file.params)[0].tolist() == [[1.2]]
