"""The tutorials' 2-2-2 example, every figure: to 12 decimals, and as the tutorials print it.

The right-hand figures were computed independently of this library; the left-hand ones are printed
in the tutorials. Where the tutorials print nothing, there is None.
"""

import math
from decimal import ROUND_HALF_UP, Decimal

import pytest

from chainrule.demo import tutorial_figures, worked_example
from chainrule.demo.tutorial_figures import agrees

GOLDEN = {
    "net_h1": ("0.3775", 0.377500000000),
    "net_h2": (None, 0.392500000000),
    "out_h1": ("0.593269992", 0.593269992107),
    "out_h2": ("0.596884378", 0.596884378260),
    "net_o1": ("1.105905967", 1.105905967060),
    "net_o2": (None, 1.224921404096),
    "out_o1": ("0.75136507", 0.751365069552),
    "out_o2": ("0.772928465", 0.772928465321),
    "E_o1": ("0.274811083", 0.274811083176),
    "E_o2": ("0.023560026", 0.023560025584),
    "E_total": ("0.298371109", 0.298371108760),
    "∂E/∂out_o1": ("0.74136507", 0.741365069552),
    "∂out_o1/∂net_o1": ("0.186815602", 0.186815601809),
    "δ_o1": ("0.138498562", 0.138498561629),
    "δ_o2": (None, -0.038098236517),
    "∂E/∂w5": ("0.082167041", 0.082167040564),
    "∂E/∂w6": (None, 0.082667627848),
    "∂E/∂w7": (None, -0.022602540477),
    "∂E/∂w8": (None, -0.022740242216),
    "w5⁺": ("0.35891648", 0.358916479718),
    "w6⁺": ("0.408666186", 0.408666186076),
    "w7⁺": ("0.511301270", 0.511301270239),
    "w8⁺": ("0.561370121", 0.561370121108),
    "∂E_o1/∂out_h1": ("0.055399425", 0.055399424651),
    "∂E_o2/∂out_h1": ("-0.019049119", -0.019049118258),
    "∂E/∂out_h1": ("0.036350306", 0.036350306393),
    "∂out_h1/∂net_h1": ("0.241300709", 0.241300708572),
    "∂E/∂w1": ("0.000438568", 0.000438567734),
    "∂E/∂w2": (None, 0.000877135469),
    "∂E/∂w3": (None, 0.000497712735),
    "∂E/∂w4": (None, 0.000995425471),
    "w1⁺": ("0.149780716", 0.149780716133),
    "w2⁺": ("0.19956143", 0.199561432266),
    "w3⁺": ("0.24975114", 0.249751143632),
    "w4⁺": ("0.29950229", 0.299502287265),
    "∂E/∂b1": (None, 0.008771354689),
    "∂E/∂b2": (None, 0.009954254705),
    "∂E/∂b3": (None, 0.138498561629),
    "∂E/∂b4": (None, -0.038098236517),
    "E_total⁺": ("0.291027924", 0.291027773694),
}
SLIPS = {"∂E_o2/∂out_h1", "E_total⁺"}

AS_STATED = (0.291027773694, 3.51018778298e-5, (0.015913620444, 0.984064273515))
ONE_BEFORE = (0.291027773694, 3.51085481225e-5, (0.015914185035, 0.984063712303))
IN_SEQUENCE = (0.291027923905, 3.50847862963e-5, (0.015912196326, 0.984065734486))
WITH_BIASES = (0.280471446791, 2.44756223593e-6, (0.011587527391, 0.988458935026))

LAST = 5.1e-13
"""Half a unit of the twelfth decimal, and a little for the figure's own last bits."""


@pytest.fixture(scope="module")
def values():
    return worked_example.figures()


@pytest.fixture(scope="module")
def outcomes():
    almost, stated = worked_example.as_stated()
    return {
        "one before": (almost, ONE_BEFORE),
        "as stated": (stated, AS_STATED),
        "in sequence": (worked_example.in_sequence(), IN_SEQUENCE),
        "with biases": (worked_example.as_stated(freeze=())[1], WITH_BIASES),
    }


@pytest.mark.parametrize("name", GOLDEN)
def test_figure_to_twelve_decimals(name, values):
    assert values[name] == pytest.approx(GOLDEN[name][1], rel=0, abs=LAST)


@pytest.mark.parametrize("name", [name for name, (printed, _) in GOLDEN.items() if printed])
def test_figure_as_printed(name, values):
    printed = GOLDEN[name][0]
    assert agrees(values[name], printed) == (name not in SLIPS)


def test_data_of_the_demonstration_is_what_the_tutorials_print():
    printed = {name: figure for name, (figure, _) in GOLDEN.items() if figure}
    assert printed == tutorial_figures.PRINTED
    assert tutorial_figures.ELSEWHERE == {"out_o1": "0.751365071"}
    assert list(tutorial_figures.CLOSING.values()) == [
        "0.291027924",
        "0.0000351085",
        "0.015912196",
        "0.984065734",
    ]
    assert set(tutorial_figures.REASONS) == SLIPS | set(tutorial_figures.ELSEWHERE)


def test_network_and_example():
    assert worked_example.NET.loss == "half_squared_error"
    assert worked_example.START[0].W.ravel().tolist() == [0.15, 0.20, 0.25, 0.30]
    assert worked_example.START[1].W.ravel().tolist() == [0.40, 0.45, 0.50, 0.55]
    assert worked_example.START[0].b.tolist() == [0.35, 0.35]
    assert worked_example.START[1].b.tolist() == [0.60, 0.60]
    assert worked_example.X.tolist() == [[0.05, 0.10]]
    assert worked_example.Y.tolist() == [[0.01, 0.99]]
    assert worked_example.RATE == 0.5
    assert {leaf.dtype.name for layer in worked_example.START for leaf in layer} == {"float64"}


def test_biases_stay_in_the_first_update(values):
    assert [values[f"b{k}⁺"] for k in (1, 2, 3, 4)] == [0.35, 0.35, 0.60, 0.60]


@pytest.mark.parametrize("name", ["one before", "as stated", "in sequence", "with biases"])
def test_ten_thousand_rounds(name, outcomes):
    got, (after_one, after_all, outputs) = outcomes[name]
    assert got.after_one == pytest.approx(after_one, rel=0, abs=LAST)
    assert got.after_all == pytest.approx(after_all, rel=2e-12)
    assert got.outputs == pytest.approx(outputs, rel=0, abs=LAST)


def test_each_closing_figure_comes_from_one_procedure_alone(outcomes):
    printed = tutorial_figures.CLOSING.values()
    yields = {}
    for name, (got, _) in outcomes.items():
        row = (got.after_one, got.after_all, *got.outputs)
        yields[name] = [agrees(*pair) for pair in zip(row, printed, strict=True)]
    assert yields == {
        "one before": [False, True, False, False],
        "as stated": [False, False, False, False],
        "in sequence": [True, False, True, True],
        "with biases": [False, False, False, False],
    }


def test_agreement_is_by_rounding_in_every_printed_digit():
    assert agrees(0.299502287265, "0.29950229")
    assert agrees(0.358916479718, "0.35891648")
    assert agrees(3.51085481225e-5, "0.0000351085")
    assert agrees(0.511301270239, "0.511301270")
    assert not agrees(0.511301271239, "0.511301270")
    assert not agrees(0.299502287265, "0.29950228")  # cut off, not rounded
    assert not agrees(0.019049118258, "-0.019049118")


def test_slip_in_the_last_digit_of_out_o1(values):
    assert not agrees(values["out_o1"], tutorial_figures.ELSEWHERE["out_o1"])
    sigmoid = 1 / (1 + math.exp(-float(tutorial_figures.PRINTED["net_o1"])))
    assert agrees(sigmoid, "0.751365070")
    assert "1.105905967, is 0.751365070" in tutorial_figures.REASONS["out_o1"]


def test_slip_by_a_product_of_rounded_factors(values):
    assert agrees(values["δ_o2"], "-0.038098237")
    product = Decimal("-0.038098237") * Decimal("0.50")
    assert str(product.normalize()) == "-0.0190491185"
    assert (
        str(product.quantize(Decimal("1e-9"), ROUND_HALF_UP))
        == tutorial_figures.PRINTED["∂E_o2/∂out_h1"]
    )
    assert agrees(values["∂E_o2/∂out_h1"], "-0.019049118")
    assert "−0.038098237 × 0.50 = −0.0190491185" in tutorial_figures.REASONS["∂E_o2/∂out_h1"]


def test_slip_in_the_error_after_the_first_round(values):
    assert agrees(values["E_total⁺"], "0.291027774")
    assert "0.291027774" in tutorial_figures.REASONS["E_total⁺"]


def test_slips_in_formulas(values):
    square, slope, net, _ = tutorial_figures.SLIPS
    residual = 0.01 - values["out_o1"]
    assert agrees(-(residual**2), "-0.549622")
    assert agrees(-residual, "0.741365070")
    assert "that is −0.549622. Right is −(target−out) = 0.741365070" in square
    out = values["out_o1"]
    assert out * (1 - out) == pytest.approx(values["∂out_o1/∂net_o1"], rel=1e-12)
    assert "Right is ∂out/∂net = out(1−out)" in slope
    (w1, _), (w3, _) = worked_example.START[0].W.tolist()
    assert w1 * 0.05 + w3 * 0.10 + 0.35 == pytest.approx(0.3825, rel=1e-12)
    assert "that makes it 0.3825" in net
