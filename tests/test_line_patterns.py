"""Derivations that pages fill in by themselves, beside those of Python: line for line."""

import json
import re

import numpy as np
import pytest

import chainrule as cr
import explained_kinds
import reading
from chainrule.batches import Examples
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.forward_backward import Passes
from chainrule.explanation.line_patterns import pattern_data
from chainrule.explanation.line_patterns.recorded_tables import Place, Table, every_answer
from chainrule.explanation.line_patterns.recording_sheet import RecordingSheet
from chainrule.explanation.notation import NOTATIONS, Key
from chainrule.explanation.subjects import ALL, COST, parameters
from chainrule.explanation.unit_places import Places
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS
from pattern_cases import explained, filled, told
from strategies import last, problem
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

STATES = range(200)
PATTERNS = pattern_data()
LOSS_NAMES = [*LOSSES, "huber(0.5)", "quantile(0.1, 0.9)", "cross_entropy(0.1)"]
FORMATS = ("text", "mathml")
STATEFUL = {"sgd": {"momentum": 0.9}, "adamw": {"weight_decay": 0.2}, "lion": {"weight_decay": 0.1}}
VARIANTS = [*[(name, {}) for name in OPTIMIZERS], *STATEFUL.items()]
MORE = [("sgd", {"momentum": 0.9, "nesterov": True}), ("sgd", {"momentum": 0.9, "dampening": 0.1})]
ALTERNATIVES = [*VARIANTS, *MORE, None]


def layers(rng, width, depth=0):
    """Up to four layers of kinds that a page can build; now and then a wide one."""
    kinds = [kind for kind in PATTERNS["kinds"] if depth < 2 or kind != "residual"]
    found = []
    for _ in range(int(rng.integers(0 if depth == 0 else 1, 4 - depth))):
        kind = str(rng.choice(kinds))
        if kind == "residual":
            activation = str(rng.choice(explained_kinds.ELEMENTWISE))
            made = cr.Residual(*layers(rng, width, depth + 1), cr.Dense(width, activation))
        elif kind == "dense":
            units = 14 if rng.random() < 0.1 else int(rng.integers(1, 4))
            names = [*explained_kinds.ACTIVATIONS, "sigmoid(4)", "sigmoid(1)", "elu(0.5)"]
            made = cr.Dense(units, str(rng.choice(names)))
        else:
            made = explained_kinds.KINDS[kind](rng, width, depth)
        found.append(made)
        width = made.outputs(width)
    return found


def network(rng, state):
    loss = LOSS_NAMES[state % len(LOSS_NAMES)]
    inputs = 13 if rng.random() < 0.05 else int(rng.integers(1, 4))
    group = cr.losses.loss(loss).group
    end = last(str(rng.choice(explained_kinds.ELEMENTWISE)), loss)
    own = [*layers(rng, inputs), cr.Dense(group * int(rng.integers(1, 4)), end)]
    rates = {"l1": float(rng.choice([0.0, 0.01])), "l2": float(rng.choice([0.0, 0.1]))}
    if rng.random() < 0.2:
        own.append(cr.Dropout(0.25))
    reduction = "sum" if state % 11 == 5 else "mean"
    return cr.Network(inputs, own, loss, reduction=reduction, **rates)


def subject(rng, state, net):
    at = Places.of(net)
    every = parameters(at)
    k = int(rng.integers(len(at.layers)))
    unit = int(rng.integers(at.widths[k + 1]))
    weighted = hasattr(at.layers[k].layer, "units")
    return [
        every[int(rng.integers(len(every)))],
        every[int(rng.integers(len(every)))],
        Key("a", k, unit),
        Key("z" if weighted else "a", k, unit),
        Key("x", -1, int(rng.integers(net.inputs))),
        COST,
        ALL if net.size < 40 else every[-1],
    ][state % 7]


def update(rng, state, p):
    """A step somewhere in a training, whose states are what its steps before left."""
    chosen = ALTERNATIVES[state % len(ALTERNATIVES)]
    if chosen is None:
        return None
    name, options = chosen
    optimizer = OPTIMIZERS[name](0.05, **options)
    step = 1 + state % 4
    before = [optimizer.init(leaf) for _, leaf in cr.trees.named_leaves(p.params)]
    for t in range(1, step):
        before = [
            optimizer.step(rng.normal(size=own[0].shape), own, t)[1] if own else own
            for own in before
        ]
    names = [name for name, _ in cr.trees.named_leaves(p.params)]
    frozen = frozenset(names[:1]) if state % 13 == 0 else frozenset()
    return Update(optimizer, step, before, frozen)


def cases():
    for state in STATES:
        rng = np.random.default_rng(state)
        net = network(rng, state)
        p = problem(net, n=1 if state % 2 else int(rng.integers(2, 5)), seed=state)
        draw = p.draw if state % 3 == 0 else None
        key, made = subject(rng, state, net), update(rng, state, p)
        passes = Passes(net, p.params, Examples(p.X, p.y, None), draw)
        options = {
            "made": made,
            "notation": [*NOTATIONS][state // 3 % 4],
            "digits": 5 if state % 17 == 0 else None,
            "top": 2 if state % 5 == 0 else 10,
            "formats": FORMATS if state % 4 == 0 else FORMATS[:1],
        }
        yield (passes, key), options


@pytest.fixture(scope="module")
def derivations():
    """What Python explains, and what a page makes of the same numbers."""
    every = [*cases()]
    own = [explained(*of, **options) for of, options in every]
    return own, filled([told(*of, **options) for of, options in every])


def test_lines_are_those_of_python(derivations):
    for state, (own, got) in enumerate(zip(*derivations, strict=True)):
        assert got == own, state


def test_every_kind_activation_loss_and_optimizer_comes_up():
    every = [(of[0], options) for of, options in cases()]
    told_ = [json.dumps(told(*of, **options), ensure_ascii=False) for of, options in cases()]
    words = [*PATTERNS["kinds"], *explained_kinds.ACTIVATIONS, *LOSS_NAMES, *OPTIMIZERS]
    assert [word for word in words if not any(f'"{word}"' in text for text in told_)] == []
    assert len(every) == len(STATES)


def test_lines_recompute_from_what_they_print(derivations):
    count = 0
    for own in derivations[1][::3]:
        for line in (line for part in own[0] for line in part["lines"]):
            if line["numbers"] and not line["rounded"]:
                digits = max(4, reading.digits(line["result"]))
                assert reading.agrees(line["numbers"], line["result"], digits), line
                count += 1
            if line["holds"]:
                assert reading.holds(line["holds"]), line
    assert count > 1000


def test_a_change_of_a_formula_is_seen(derivations):
    changed = json.loads(json.dumps(PATTERNS))
    name = json.dumps(["delta", "@u"], separators=(",", ":"))
    changed["kinds"]["dense"]["predicts"]["alone"]["defined"][name][0][0] = "+"
    (of, options), *_ = cases()
    assert filled([told(*of, **options)], changed) != [derivations[0][0]]


def test_patterns_are_small():
    text = json.dumps(PATTERNS, ensure_ascii=False, separators=(",", ":"))
    assert len(text.encode()) <= 75_000


def test_scripts_hold_no_formula():
    """Only the signs of arithmetic that patterns bring come up in what is written."""
    from chainrule.explanation.line_patterns import SCRIPTS, _script

    for name in SCRIPTS:
        calls = re.findall(r"'(tanh|exp|sgn|abs|max|min|ln)'", _script(f"{name}.js"))
        assert {*calls} <= {"exp"}, name  # a writer raises e


# What is written down


def test_both_answers_are_written_down():
    j, k = Place("j"), Place("k")
    made = every_answer(lambda: ["n", "1"] if j == k else ["n", "0"])
    assert made == ["if", ["same", "j", "k"], ["n", "1"], ["n", "0"]]
    assert (j == Place("j")) is not True
    assert j == j  # noqa: PLR0124


def test_tables_of_fewer_axes_have_the_last_ones():
    wide = Table(lambda row, j: Key("a", row, j), 7, 3)
    narrow = Table(lambda j: Key("b", 0, j), 3)
    joined = wide._with(narrow, lambda a, b: (a, b))
    assert joined[1, 2] == (Key("a", 1, 2), Key("b", 0, 2))
    assert len(joined[:, 1]) == 7


def test_a_letter_of_an_input_is_refused():
    sheet = RecordingSheet({}, 3, 3, None)
    with pytest.raises(NotImplementedError, match="the letter s is of an input or of a parameter"):
        sheet.let("s", lambda: 1, 0.5, source=0)
