"""The command line: what it prints, what it refuses, and its exit codes."""

import dataclasses
import re
import subprocess
import sys
from importlib.metadata import entry_points

import click
import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule import activations, demo
from chainrule.cli import main
from chainrule.demo import checks
from chainrule.layers import LAYERS, Role
from chainrule.losses import LOSSES
from chainrule.trees import named_leaves

PLAIN = {"FORCE_COLOR": None, "NO_COLOR": None, "TTY_COMPATIBLE": None, "TTY_INTERACTIVE": None}


def run(*arguments):
    return CliRunner().invoke(main, arguments, env=PLAIN)


def words(text):
    """The text with its lines joined, however they were broken."""
    return " ".join(text.split())


@pytest.fixture
def wrong_tanh(monkeypatch):
    """Makes the derivative of tanh wrong by a thousandth."""
    right = activations.ACTIVATIONS["tanh"]
    wrong = dataclasses.replace(right, df=lambda z, a, xp: 1.001 * right.df(z, a, xp), check=False)
    monkeypatch.setitem(activations.ACTIVATIONS, "tanh", wrong)


def test_the_command_is_installed():
    (command,) = entry_points(group="console_scripts", name="chainrule")
    assert command.value == "chainrule_command:main"
    assert callable(command.load())


def test_version():
    result = run("--version")
    assert (result.exit_code, result.output) == (0, f"chainrule {cr.__version__}\n")


@pytest.mark.parametrize("arguments", [[], *([name] for name in main.commands)])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_fits_80_columns(arguments, flag):
    result = run(*arguments, flag)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    assert result.output.isascii()


@pytest.mark.parametrize("name", main.commands)
def test_the_summary_of_a_command_is_a_whole_sentence(name):
    whole = main.commands[name].help.partition("\n\n")[0]
    line = next(row for row in run("--help").output.splitlines() if row.split()[:1] == [name])
    assert line.split(maxsplit=1)[1] == " ".join(whole.split())
    assert line.endswith(".")
    assert not line.endswith("..")


@pytest.mark.parametrize(
    ("command", "option"),
    [
        pytest.param(command, option, id=f"{command.name} {option.opts[0]}")
        for command in (main, *main.commands.values())
        for option in command.params
        if isinstance(option, click.Option)
    ],
)
def test_the_help_of_an_option_is_a_sentence(command, option):
    sentence = re.sub(r" +\[default: .*\]", "", option.help or "")
    assert re.fullmatch(r"[A-Z].*[^.]\.", sentence)


def test_help_names_the_commands_and_their_options():
    assert all(command in run("--help").output for command in ("check", "demo"))
    assert "--part" in run("demo", "--help").output
    options = ["network", "activation", "output", "loss", "dropout", "l1", "l2", "seed"]
    options += ["examples", "tolerance", "all"]
    help_text = run("check", "--help").output
    assert all(f"--{option} " in help_text for option in options)


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from chainrule.cli import main; main(['train', '--help'], "
        "standalone_mode=False); from chainrule.extras import EXTRAS; "
        "sys.exit(any(name in sys.modules for names in EXTRAS.values() for name in names))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


# check


def test_check_of_a_right_gradient():
    result = run("check")
    assert result.exit_code == 0
    assert "The gradient is right." in result.output
    assert "4 inputs, Dense(8, 'tanh'), Dense(3, 'identity')" in result.output
    assert "67 parameters, 8 random examples" in result.output


def test_check_takes_every_option():
    result = run(
        *("check", "--network", "3-5-4-2", "--activation", "elu(0.5),tanh", "--output", "sigmoid"),
        *("--loss", "huber(0.5)", "--dropout", "0.2", "--l1", "0.01", "--l2", "0.1"),
        *("--seed", "3", "--examples", "6", "--tolerance", "1e-6"),
    )
    assert result.exit_code == 0
    text = words(result.output)
    assert (
        "3 inputs, Dense(5, 'elu(0.5)'), Dropout(0.2), Dense(4, 'tanh'), Dropout(0.2), "
        "Dense(2, 'sigmoid')" in text
    )
    assert "huber(0.5), l1 = 0.01, l2 = 0.1" in text
    assert "54 parameters, 6 random examples" in text
    assert "tolerance 1e-06" in text


def test_check_prints_what_check_gradient_finds():
    net = checks.network((4, 8, 3), ["tanh"], "identity", "half_squared_error")
    found = checks.check(net, examples=8, seed=5, tolerance=1e-7)
    text = words(run("check", "--seed", "5").output)
    assert f"relative error {found.relative_error:.1e}, tolerance 1e-07" in text
    assert f"absolute error {found.absolute_error:.1e}" in text
    assert f"largest at {found.worst}" in text


def test_check_of_a_large_network_is_in_random_directions():
    result = run("check", "--network", "100-30-10", "--loss", "cross_entropy")
    assert result.exit_code == 0
    assert "10 random directions, 8 random examples" in result.output


def test_check_without_hidden_layers():
    result = run("check", "--network", "4-3")
    assert result.exit_code == 0
    assert "4 inputs, Dense(3, 'identity')" in result.output


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_check_of_each_loss_has_targets_that_suit_it(loss):
    assert run("check", "--loss", loss, "--network", "3-4-2").exit_code == 0


def test_check_of_a_wrong_gradient(wrong_tanh):
    result = run("check")
    assert result.exit_code == 1
    assert "The gradient is WRONG." in result.output


def test_check_names_what_it_left_out(monkeypatch):
    net = checks.network((2, 2), ["tanh"], "identity", "half_squared_error")
    found = checks.check(net, examples=1, seed=0, tolerance=1e-7)
    kinks = tuple(f"w{k}" for k in range(1, 8))
    monkeypatch.setattr(checks, "check_problem", lambda *_: dataclasses.replace(found, kinks=kinks))
    text = words(run("check").output)
    assert "left out 7, where a kink lies within the step: w1, w2, w3, w4, w5, …" in text


def test_check_that_compares_nothing_fails(monkeypatch):
    net = checks.network((2, 2), ["tanh"], "identity", "half_squared_error")
    found = checks.check(net, examples=1, seed=0, tolerance=1e-7)
    nothing = dataclasses.replace(found, checked=0, worst="", kinks=("w1",))
    monkeypatch.setattr(checks, "check_problem", lambda *_: nothing)
    result = run("check")
    assert result.exit_code == 1
    assert "The gradient is not checked." in result.output


# check --all


WITH = dict(list(LOSSES.items())[::5])
"""Some of the losses: test_backprop.py checks the gradient of every cell of the tables."""


@pytest.fixture(scope="module")
def everything():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "SIZES", (2, 2, 2))
        patch.setattr(checks, "LOSSES", WITH)
        return run("check", "--all", "--examples", "4")


def test_check_all_is_right(everything):
    assert everything.exit_code == 0
    assert "All gradients are right (tolerance 1e-07)." in everything.output
    cells = (len(activations.ACTIVATIONS) * 2 + len(LAYERS)) * len(WITH) * 3
    assert f"That makes {cells} networks" in words(everything.output)


def test_check_all_has_a_row_for_each_activation_and_each_kind_of_layer(everything):
    lines = everything.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in everything.output
    rows = {line.split()[0]: line.split() for line in lines if "✓" in line}
    assert list(rows) == [*activations.ACTIVATIONS, *LAYERS]
    for name, error, sign, *where, compared, kinks in rows.values():
        assert float(error) <= 1e-7, name
        assert sign == "✓"
        assert where[0] in WITH
        networks = len(WITH) * 3 * (2 if name in activations.ACTIVATIONS else 1)
        parameters = 12 if name in activations.ACTIVATIONS else trained(name)
        assert int(compared.replace(",", "")) + int(kinks) == parameters * networks


def trained(kind):
    """How many parameters the network of a kind of layer has that a gradient moves."""
    case = checks.Case(checks.KIND, kind, "huber", "", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "SIZES", (2, 2, 2))
        net = case.network()
    leaves = dict(named_leaves(net.form))
    return sum(leaves[name].size for name, role in net.roles.items() if role is not Role.STATISTIC)


def test_check_all_names_the_worst(everything):
    rows = [line.split() for line in everything.output.splitlines() if "✓" in line]
    worst = max(float(row[1]) for row in rows)
    assert f"Worst relative error: {worst:.1e}, " in everything.output


def test_check_all_of_a_wrong_gradient(wrong_tanh, monkeypatch):
    table = {name: activations.ACTIVATIONS[name] for name in ("sigmoid", "tanh")}
    monkeypatch.setattr(checks, "ACTIVATIONS", table)
    monkeypatch.setattr(checks, "LAYERS", {})
    result = run("check", "--all", "--examples", "2")
    assert result.exit_code == 1
    assert "66 of 132 are WRONG (tolerance 1e-07):" in result.output
    assert "tanh with half_squared_error, dropout, L1" in result.output
    assert "sigmoid with" not in result.output.partition("WRONG")[2]
    (row,) = [line for line in result.output.splitlines() if line.startswith("  tanh  ")]
    assert "✗" in row


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--network", "4"], "Invalid value for '--network': '4' must be the sizes from"),
        (["--network", "4-x-3"], "'4-x-3' must be the sizes"),
        (["--network", "4--3"], "'4--3' must be the sizes"),
        (["--network", "4-0-3"], "Dense: units must be a whole number >= 1, got 0"),
        (["--network", "0-3"], "Network: inputs must be a whole number >= 1, got 0"),
        (["--activation", "sigmiod"], "unknown activation 'sigmiod'; did you mean 'sigmoid'?"),
        (["--activation", "tanh,relu"], "one activation for all hidden layers or one for each"),
        (["--activation", "tanh(2)"], "activation 'tanh' takes no parameter, got 'tanh(2)'"),
        (["--output", "softmix"], "unknown activation 'softmix'; did you mean 'softmax'"),
        (["--loss", "mse"], "unknown loss 'mse'"),
        (["--loss", "huber(-1)"], "huber: delta must be a finite number > 0, got -1.0"),
        (["--dropout", "1.5"], "Dropout: rate must be a finite number >= 0 and < 1, got 1.5"),
        (["--dropout", "high"], "Invalid value for '--dropout': 'high' is not a valid float"),
        (["--l1", "-1"], "Network: l1 must be a finite number >= 0, got -1.0"),
        (["--l2", "nan"], "Network: l2 must be a finite number >= 0, got nan"),
        (["--seed", "-1"], "init: seed must be a whole number >= 0"),
        (["--examples", "0"], "Invalid value for '--examples': 0 is not in the range x>=1"),
        (["--tolerance", "0"], "check_gradient: tolerance must be a finite number > 0, got 0.0"),
        (["--all", "--loss", "hinge", "--l1", "0"], "leave out --loss, --l1"),
        (["2-2-2", "--all", "--l2", "1"], "a network file brings its own; leave out --l2, --all"),
        (["2-2"], "unknown file or example '2-2'; did you mean '2-2-2'"),
        (["--all", "--tolerance", "-1"], "check_gradient: tolerance must be a finite number > 0"),
        (["--unknown"], "No such option"),
    ],
)
def test_bad_options_are_refused_with_the_librarys_words(arguments, message):
    result = run("check", *arguments)
    assert result.exit_code == 2
    assert message in words(result.output)
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("part", ["0", "4", "two"])
def test_demo_refuses_a_part_that_does_not_exist(part):
    result = run("demo", "--part", part)
    assert result.exit_code == 2
    assert "Invalid value for '--part'" in result.output


def test_unknown_command():
    result = run("trian")
    assert result.exit_code == 2
    assert "No such command 'trian'" in result.output


# Interruption


@pytest.mark.parametrize(
    ("module", "function", "arguments"),
    [
        (demo, "run", ["demo"]),
        (checks, "check_problem", ["check"]),
        (checks, "check_problem", ["check", "--all"]),
    ],
)
def test_an_interruption_ends_quietly(module, function, arguments, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, function, interrupted)
    result = run(*arguments)
    assert result.exit_code == 130
    assert "Abort" not in result.output
    assert "Traceback" not in result.output


def test_demo_runs_the_parts_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(demo, "run", lambda parts: asked.append(list(parts)))
    for arguments in ([], ["--part", "2"], ["--part", "3", "--part", "1"]):
        assert run("demo", *arguments).exit_code == 0
    assert asked == [[1, 2, 3], [2], [3, 1]]
