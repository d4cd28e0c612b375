"""The page before its engine is there, and after any round of training by any optimizer."""

import pytest

import chainrule as cr
from chainrule.batches import Examples
from chainrule.explanation.derivation import derive
from chainrule.explanation.derivation_steps import Update
from chainrule.explanation.notation import Key
from chainrule.explanation.result import Explanation
from chainrule.explanation.subjects import subject
from chainrule.explanation.unit_places import Places
from chainrule.network import frozen
from chainrule.optimizers import OPTIMIZERS, init_states
from chainrule.trees import named_leaves
from chainrule.update import apply
from pages import FROZEN, NET, START, Opened, X, Y, expected, explained, shown_lines
from strategies import problem
from test_explain_page_kinds import LIVE, NETWORKS, assert_numbers

RULES = [
    *(kind(0.05) for kind in OPTIMIZERS.values()),
    cr.SGD(0.5, momentum=0.9),
    cr.SGD(0.5, momentum=0.9, nesterov=True),
    cr.SGD(0.5, momentum=0.9, dampening=0.1),
    cr.AdamW(0.05, weight_decay=0.2),
]


@pytest.mark.parametrize("optimizer", RULES, ids=repr)
def test_the_update_of_any_optimizer_at_any_round(opened, optimizer):
    """Forth and back: what is kept now and then has the optimizer's state with it."""
    own = opened(explained("w5", optimizer=optimizer), rounds=30)
    stays = frozen(START, FROZEN)
    params, states = START, init_states(optimizer, START)
    for step in range(1, 22):
        grads = cr.gradient(trace := cr.forward(NET, params, [X]), cr.backward(trace, [Y]))
        params, states = apply(optimizer, params, grads, states, step, NET.roles, stays)
    for rounds in (30, 21):
        own.round(rounds)
    made = Update(optimizer, 22, states, stays)
    key, data = subject("w5", Places.of(NET)), Examples(X[None], Y[None], None)
    explanation = Explanation(derive(NET, params, data, key, top=10, made=made))
    assert shown_lines(own) == expected(explanation)
    own.change("w5", "0.5")
    params[1].W[0, 0] = 0.5
    began = Explanation(
        derive(NET, params, data, key, top=10, made=Update(optimizer, frozen=stays))
    )
    assert shown_lines(own) == expected(began)


@pytest.mark.parametrize("layer", ["layer_norm", "residual", "periodic", "columns", "full members"])
def test_other_layers_are_trained_too(opened, layer):
    net = cr.Network(2, NETWORKS[layer], "squared_error")
    p, optimizer = problem(net, n=2, seed=3), cr.Adam(0.01)
    own = opened(cr.explain(net, p.params, p.X, p.y, of="w1", optimizer=optimizer), rounds=20)
    own.round(20)
    params, _ = cr.fit(
        net, p.params, p.X, p.y, optimizer, epochs=20, engine="reference", batch_size=None
    )
    at, leaves, found = Places.of(net), dict(named_leaves(params)), own.numbers()
    weights = [key[2:] for key in found if key[:2] == ("w", "w")]
    assert weights
    for place in weights:
        name, entry = at.leaf(Key("w", *place))
        assert found["w", "w", *place] == pytest.approx(leaves[name][entry], rel=1e-9)


LATE = """
const Own = DecompressionStream;
const waits = new Promise((release) => { window.release = release; });
DecompressionStream = class {
  constructor(kind) {
    const own = new Own(kind);
    const late = { transform: async (chunk, to) => { await waits; to.enqueue(chunk); } };
    this.writable = own.writable;
    this.readable = own.readable.pipeThrough(new TransformStream(late));
  }
};
"""


class Late(Opened):
    """Pages whose engine comes when it is told to."""

    def __init__(self, page):
        self.page = page

    def show(self, explanation, path):
        path.write_text(explanation.html(10), encoding="utf-8")
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-engine=waits][data-ready]", state="attached")
        return expected(
            explanation, int(self.page.evaluate("document.getElementById('row').value || 0"))
        )


@pytest.fixture(scope="module")
def late(browser):
    page = browser.new_page()
    page.add_init_script(LATE)
    yield Late(page)
    page.close()


def made(name, of="w1", n=1):
    net = cr.Network(2, NETWORKS[name], "squared_error")
    p = problem(net, n=n, seed=3)
    return cr.explain(net, p.params, p.X, p.y, of=of, optimizer=cr.Adam(0.1))


@pytest.mark.parametrize("name", LIVE)
def test_the_first_view_waits_for_no_engine(late, tmp_path, name):
    explanation = made(name, n=1 + 2 * (name == "dense"))
    assert late.show(explanation, tmp_path / "page.html") == shown_lines(late)
    if name != "dense":
        assert_numbers(late.numbers(), explanation.derivation)


def test_what_is_asked_for_early_is_done_when_the_engine_is_there(late, tmp_path):
    late.show(made("residual"), tmp_path / "page.html")
    before = late.lines()
    late.choose("h2")
    late.change("w1", "0.25")
    assert late.lines() == before
    late.page.evaluate("window.release()")
    late.page.wait_for_selector("html:not([data-engine=waits])", state="attached")
    explanation = made("residual")
    d = explanation.derivation
    d.params[0].W[0, 0] = 0.25
    assert shown_lines(late) == expected(cr.explain(d.net, d.params, d.data.X, d.data.y, of="h2"))
