"""`find_mistake`: mistakes made by hand are found, by their kind."""

import functools
import json
import re

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.activations import activation
from chainrule.cli import main
from chainrule.diagnosis.mistake_search import MistakeSearch
from chainrule.diagnosis.mistakes import MISTAKES
from chainrule.diagnosis.slopes import OF_OUTPUT
from chainrule.diagnosis.worked_rules import Worked
from chainrule.explanation.network_file import network_path, read_network_file
from chainrule.optimizers import init_states
from chainrule.trees import leaves, tree_map
from chainrule.update import apply
from mistakes_by_hand import as_chainrule, by_hand, claims_of, random_problem
from strategies import problems, problems_of_any_kind

TAKEN = ("optimizer", "freeze", "velocity", "step", "batch_size", "ties", "sample_weight")


def of_file(name, claimed, **options):
    file = read_network_file(network_path(name))
    given = {key: value for key, value in file.options().items() if key in TAKEN}
    return cr.find_mistake(*file[:4], claimed, **{**given, **options})


# The rules


@settings(max_examples=20)
@given(
    st.one_of(problems(), problems_of_any_kind()),
    st.sampled_from([cr.SGD(0.1, 0.9), cr.Adam(0.01)]),
)
def test_unchanged_rules_give_the_numbers_of_the_core(p, optimizer):
    search = MistakeSearch(p.net, p.params, p.X, p.y, sample_weight=p.w, optimizer=optimizer)
    worked = Worked(search.right, search.task)
    trace = cr.forward(p.net, p.params, p.X)
    deltas = cr.backward(trace, p.y, p.w)
    grads = cr.gradient(trace, deltas)
    states = init_states(optimizer, p.params)
    new, _ = apply(optimizer, p.params, grads, states, 1, p.net.roles)
    new = tuple(
        layer.after_step(*pair) for layer, *pair in zip(p.net.layers, new, trace, strict=True)
    )
    for got, expected in (
        (worked.base.grads, grads), (worked.base.deltas, deltas), (worked.new, new),
        (worked.base.cost, cr.cost(p.net, p.params, p.X, p.y, p.w)),
    ):  # fmt: skip
        for one, other in zip(leaves(got), leaves(expected), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", OF_OUTPUT)
def test_slopes_by_the_output_are_those_of_the_table(name):
    z, row = np.linspace(-4, 4, 33), activation(name)
    a = row.f(z, np)
    np.testing.assert_allclose(OF_OUTPUT[name](a), row.df(z, a, np), rtol=1e-10)


# The mistakes

SEEDS = range(2)
MOST = 60


@functools.cache
def network(seed):
    p = random_problem(seed)
    what, options = as_chainrule(p)
    return p, MistakeSearch(*what, **options)


def first_moved(name):
    """The first random network to which a mistake applies and whose figures it moves."""
    for seed in range(MOST):
        p, search = network(seed)
        if search.worked((name,)) is not None and (claims := claims_of(p, name, seed)):
            return search, claims
    raise AssertionError("there is one")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_made_by_hand_is_named(name):
    search, claims = first_moved(name)
    assert (name,) in search.find(claims, pairs=False).names


@pytest.mark.parametrize("seed", SEEDS)
def test_figures_without_a_mistake_are_right(seed):
    p, search = network(seed)
    found = search.find(claims_of(p, "", seed))
    assert found.right
    assert found.findings == ()


def test_an_oracle_that_differs_is_seen():
    """A mistake that the catalogue does not have is not called by another's name."""
    p = random_problem(1)
    what, options = as_chainrule(p)
    figures = by_hand(p._replace(W=[1.1 * W for W in p.W]))
    claims = {name: f"{figures[name]:.9e}" for name in ("w1", "w2", "b1", "cost")}
    found = cr.find_mistake(*what, claims, **options)
    assert not found.right
    assert found.names == ()


PAIRS = [
    ({"w5": 2 * 0.082167040564, "w5+": 0.4 + 0.5 * 2 * 0.082167040564},
     {"gradient doubled", "update uphill"}),
    ({"w1+": 0.15 - 0.25 * 0.000438567734 / 1, "w1": 0.000438567734}, {"rate twice"}),
]  # fmt: skip


@pytest.mark.parametrize(("values", "expected"), PAIRS)
def test_pairs_are_found_where_no_single_one_fits(values, expected):
    found = of_file("2-2-2", {name: f"{value:.9f}" for name, value in values.items()})
    assert any(expected <= set(names) for names in found.names)
    sizes = {len(names) for names in found.names}
    assert sizes == {len(expected)}


# The tutorials' slips


SLIPS = {
    "updated weights in the hidden deltas": {"cost+": ".291027924"},
    "last digit": {"out_o1": ".751365071"},
    "stray square, negative": {"dE/dout_o1": "−.549622"},
    "stray minus at the slope": {"dout_o1/dnet_o1": "−.186815602"},
    "weights transposed": {"net_h1": "0.3825"},
    "sign of the error": {"dE/dout_o1": "−.74136507"},
    "results rounded to 8 significant digits": {"dE_o2/dout_h1": "−.019049119"},
    "sum of the squares": {"cost": ".596742218"},
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_of_the_tutorials_is_found(name):
    assert (name,) in of_file("2-2-2", SLIPS[name]).names


def test_the_tutorials_right_figures_are_right():
    figures = {
        "net_h1": ".3775", "out_h1": ".593269992", "out_h2": ".596884378", "net_o1": "1.105905967",
        "out_o1": ".75136507", "E_o1": ".274811083", "E_o2": ".023560026", "cost": ".298371109",
        "dE/dout_o1": ".74136507", "dout_o1/dnet_o1": ".186815602", "delta_o1": ".138498562",
        "w5": ".082167041", "w5+": ".35891648", "w8+": ".561370121", "dE_o1/dout_h1": ".055399425",
        "dE/dout_h1": ".036350306", "dout_h1/dnet_h1": ".241300709", "w1": ".000438568",
        "∂E_total/∂w1": ".000438568", "w1+": ".149780716", "w2+": ".19956143",
    }  # fmt: skip
    assert of_file("2-2-2", figures).right


def test_figures_of_different_procedures_are_told_apart_one_by_one():
    found = of_file(
        "2-2-2", {"cost+": ".291027924", "dout_o1/dnet_o1": "-.186815602", "w5": ".0822"}
    )
    assert found.names == ()
    assert [len(figure.findings) for figure in found.figures] == [1, 1, 0]
    assert "By itself, cost+ = .291027924:" in found.text()


# What is said


def test_the_text_says_what_is_right_and_what_is_not():
    text = of_file("2-2-2", {"w5": "0.0821670", "w1+": "0.1497807", "cost+": ".291027924"}).text()
    assert "w5 = 0.0821670 is right.\n" in text
    assert "cost+ = .291027924 is not right: it is 0.291027773694.\n" in text
    assert "after the update" in text.replace("\n", " ")
    assert max(map(len, text.splitlines())) <= 80
    none = str(of_file("2-2-2", {"w5": "0.123456789"}))
    assert "No known mistake, alone or with another" in none
    alike = str(of_file("2-2-2", {"w5": "0.164334081"}))
    assert "cannot tell them apart" in alike.replace("\n", " ")


def test_a_dictionary_holds_all_of_it():
    found = of_file("2-2-2", {"cost+": ".291027924"})
    given = json.loads(json.dumps(found.as_dict()))
    assert given["findings"][0][0]["mistake"] == found.findings[0].names[0]
    assert given["figures"][0]["printed"] == ".291027924"


@pytest.mark.parametrize(
    ("claimed", "message"),
    [
        ({"w9": "1"}, "find_mistake: the network has no quantity 'w9'"),
        ({"w5": "a"}, "figure of w5 must be a number such as"),
        ({"w5": "nan"}, "figure of w5 must be a number such as"),
        ({"w5": "1e999"}, "figure of w5 must be"),
        ({"w5": "0,08"}, "decimal point, got '0,08'; write 0.08"),
        ({"w5": True}, "figure of w5 must be a number, as text"),
        ({}, "claimed must be figures by their names"),
        ({"all": "1"}, "a figure is of one quantity"),
        ({3: "1"}, "claimed must have names such as 'w5', got 3"),
        ({"dw5/dw1": "1"}, "above must stand the cost"),
        ({"dout_h1/dw5": "1"}, "w5 does not lead to out_h1"),
        ({"out_h1,2": "1"}, "there are 1 examples"),
        ({"dE/dcost": "1"}, "name a weight, a bias, an input or a unit below"),
    ],
)
def test_figures_that_are_none_are_refused(claimed, message):
    with pytest.raises((TypeError, ValueError), match="find_mistake: ") as refused:
        of_file("2-2-2", claimed)
    assert message in str(refused.value)


def test_what_cannot_be_worked_out_is_refused():
    net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    params = net.parameters([([[0.5]], [0.25])])
    nan = tree_map(lambda leaf: leaf * np.nan, params)
    with pytest.raises(ValueError, match="nan"):
        cr.find_mistake(net, nan, [3.0], [1.0], {"w1": "1"})
    with pytest.raises(ValueError, match="needs its rate"):
        cr.find_mistake(net, params, [3.0], [1.0], {"w1+": "1"})
    with pytest.raises(ValueError, match="name one, such as out_o1,1 to out_o1,2"):
        cr.find_mistake(net, params, [[3.0], [1.0]], [1.0, 2.0], {"out_o1": "1"})
    with pytest.raises(ValueError, match="find_mistake: y is missing"):
        cr.find_mistake(net, params, [3.0], None, {"w1": "1"})


# The command


def run(*arguments):
    return CliRunner().invoke(main, ["find-mistake", *arguments], env={"COLUMNS": "80"})


def test_the_command_prints_what_the_function_finds():
    done = run("2-2-2", "--claimed", "w5=0.0821670", "--claimed", "cost+=.291027924")
    assert done.exit_code == 1
    expected = of_file("2-2-2", {"w5": "0.0821670", "cost+": ".291027924"})
    assert done.output == expected.text()
    assert run("2-2-2", "--claimed", "w5=0.0821670").exit_code == 0
    done = run("2-2-2", "--claimed", "w5=0.0821670", "--json")
    assert json.loads(done.output)["right"] is True
    done = run("2-2-2", "--claimed", "cost=0.2910278", "--step", "2")
    assert done.exit_code == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "--claimed"),
        (("--claimed", "w5"), "write NAME=FIGURE"),
        (("--claimed", "w5=1", "--claimed", "w5=2"), "w5 is claimed twice"),
        (("--claimed", "w99=1"), "no quantity 'w99'"),
    ],
)
def test_the_command_refuses_in_one_line(given, message):
    done = run("2-2-2", *given)
    assert done.exit_code == 2
    assert message in done.output.splitlines()[-1]


@pytest.mark.parametrize(
    ("mistake", "of_each"),
    [
        ("stray square, negative", lambda error: -2 * error**2),
        ("sign of the error", lambda error: -2 * error),
    ],
)
def test_the_derivative_of_each_member_is_changed_by_itself(mistake, of_each):
    """Two members a = w x + b, whose cost is the mean of their (a − y)²."""
    net = cr.Network(1, [cr.Members(2, cr.Dense(1))], loss="squared_error")
    params = tree_map(np.float64, net.init(0, dtype="float64"))
    x, y = 0.7, 1.3
    errors = np.ravel(cr.forward(net, params, [[x]]).output) - y
    claims = {f"w{m + 1}": f"{of_each(error) / 2 * x:.9f}" for m, error in enumerate(errors)}
    assert (mistake,) in cr.find_mistake(net, params, [[x]], [y], claims).names


@pytest.mark.parametrize("loss", ["cross_entropy", "huber", "binary_cross_entropy"])
def test_every_mistake_can_be_made_in_a_network_of_members(loss):
    net = cr.Network(2, [cr.Members(2, cr.Dense(3, "tanh"), cr.Dense(2))], loss=loss)
    y = [1] if loss == "cross_entropy" else [[0.0, 1.0]]
    found = cr.find_mistake(net, net.init(0, dtype="float64"), [[0.5, 0.2]], y, {"w1": "0.1234567"})
    assert not found.right


def test_the_units_of_each_member_are_quantities_of_their_own():
    """Worked out by hand: each member scales x, and has an output layer of its own."""
    net = cr.Network(2, [cr.Members(2, cr.Dense(2, "tanh"), cr.Dense(1))], "squared_error")
    params = tree_map(lambda leaf: leaf + 0.25, net.init(3, dtype="float64"))
    x, y = np.array([0.5, -0.2]), 0.3
    ((scales, (hidden,), own),) = params
    figures, outputs = {}, []
    for m in range(2):
        scaled = x * scales[m]
        z = hidden.W @ scaled + hidden.b
        out = float((own[m].W @ np.tanh(z) + own[m].b)[0])
        outputs.append(out)
        by_out = 2 * (out - y) / 2
        delta = by_out * own[m].W[0] * (1 - np.tanh(z) ** 2)
        by_scaled = hidden.W.T @ delta
        figures |= {
            f"out_h1({m + 1})": scaled[0], f"net_h3({m + 1})": z[0], f"out_o1({m + 1})": out,
            f"dE/dout_o1({m + 1})": by_out, f"delta_h4({m + 1})": delta[1],
            f"dE/dout_h2({m + 1})": by_scaled[1], f"dE_o1/dout_h1({m + 1})": by_scaled[0],
            f"dout_o1({m + 1})/dnet_o1({m + 1})": 1.0,
            f"dout_o1({m + 1})/dout_h4({m + 1})": own[m].W[0, 1],
            f"dout_o1({m + 1})/dw1": own[m].W[0, 0] * (1 - np.tanh(z[0]) ** 2) * scaled[0],
        }  # fmt: skip
    figures["E_o1"] = np.mean([(out - y) ** 2 for out in outputs])
    found = cr.find_mistake(net, params, x, [y], {k: f"{v:.12f}" for k, v in figures.items()})
    assert [figure.sentence for figure in found.figures if not figure.is_right] == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out_o1", "each member has one; name 'o1(1)' to 'o1(2)'"),
        ("out_o1(3)", "each member has one"),
        ("dout_o1(2)/dnet_o1(1)", "net_o1(1) is another member's than out_o1(2)"),
        ("dout_o1(1)/dnet_o1(2)", "net_o1(2) does not lead to out_o1(1)"),
        ("dout_h1(1)/dx1", "above must stand the cost"),
        ("dnet_o1(1)/dw1", "above must stand the cost"),
    ],
)
def test_what_is_of_another_member_is_refused(name, message):
    net = cr.Network(2, [cr.Members(2, cr.Dense(2, "tanh"), cr.Dense(1))], "squared_error")
    with pytest.raises(ValueError, match=re.escape(message)):
        cr.find_mistake(net, net.init(dtype="float64"), [0.5, 0.2], [0.3], {name: "1.0"})
