"""The commands `explain` and `worksheet`: what they print, write and refuse."""

import errno
import json
import os
import re
import sys

import pytest
from click.testing import CliRunner

import chainrule as cr
from chainrule.atomic_write import write_whole
from chainrule.cli import main
from chainrule.explanation import output_format
from chainrule.explanation.network_file import network_path, read_network_file
from chainrule.explanation.output_format import FORMATS
from chainrule.explanation.worksheet import worksheet

FORMS = {  # how each form begins and ends
    "text": ("∂E_total/∂w5 — network 2-2-2", "over the outputs (PyTorch)\n"),
    "markdown": ("# $", "\n"),
    "latex": ("\\documentclass", "\\end{document}\n"),
    "fragment": ("\\section*", "\n"),
    "notebook": ("{", "}\n"),
}


def run(*arguments, columns=80):
    return CliRunner().invoke(main, list(map(str, arguments)), env={"COLUMNS": str(columns)})


def explained(name="2-2-2", of="w5", **options):
    file = read_network_file(network_path(name))
    return cr.explain(*file[:4], **{**file.options(), **options}, of=of)


def refused(result, message, code=2):
    """The last line says what is wrong, and nothing else came of the command."""
    assert result.exit_code == code
    assert isinstance(result.exception, SystemExit)
    last = result.output.splitlines()[-1]
    assert last.startswith("Error: ")
    assert message in last
    assert "Traceback" not in result.output


# explain


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_printed_and_written(tmp_path, name):
    begin, end = FORMS[name]
    printed = run("explain", "2-2-2", "--of", "w5", "--format", name)
    assert printed.exit_code == 0
    assert printed.output.startswith(begin)
    assert printed.output.endswith(end)
    assert printed.output == FORMATS[name].write(explained(), 80)
    path = tmp_path / "w5.any"
    assert run("explain", "2-2-2", "--of", "w5", "--format", name, "-o", path).output == ""
    assert path.read_bytes().decode() == printed.output
    assert os.listdir(tmp_path) == ["w5.any"]


@pytest.mark.parametrize("name", [name for name in FORMS if FORMATS[name].suffix])
def test_the_name_of_the_file_says_the_form(tmp_path, name):
    path = tmp_path / f"w5{FORMATS[name].suffix}"
    shouted = tmp_path / f"w6{FORMATS[name].suffix.upper()}"
    for each in (path, shouted):
        assert run("explain", "2-2-2", "--of", "w5", "-o", each).exit_code == 0
        assert each.read_bytes().decode() == FORMATS[name].write(explained(), 80)


def test_the_notebook_is_json():
    assert json.loads(run("explain", "2-2-2", "--of", "b1", "--format", "notebook").output)["cells"]


def test_the_options_reach_the_explanation():
    options = {"notation": "nielsen", "digits": 5, "top": 1}
    flags = [text for name, value in options.items() for text in (f"--{name}", value)]
    result = run("explain", "chain", "--of", "w2", *flags)
    assert result.output == explained("chain", "w2", **options).text()
    assert result.output != explained("chain", "w2").text()


def test_a_file_with_all_that_an_explanation_takes(tmp_path):
    text = network_path("chain").read_text()
    more = 'sample_weight = [1, 2, 3]\nmomentum = 0.5\nnames.inputs = ["age"]\nfreeze = ["0.b"]\n'
    path = tmp_path / "network.toml"
    path.write_text(text + more)
    result = run("explain", path, "--of", "w3")
    file = read_network_file(path)
    net, params, X, y, w, optimizer, freeze = file[:7]
    inputs, outputs = file.inputs, file.outputs
    assert (w.tolist(), optimizer, freeze) == ([1, 2, 3], cr.SGD(0.5, momentum=0.5), ("0.b",))
    assert (inputs, outputs) == (("age",), ())
    options = {"sample_weight": w, "optimizer": optimizer, "freeze": freeze, "inputs": inputs}
    assert result.output == cr.explain(net, params, X, y, of="w3", **options).text()


SQUARE = """
layers = [2, 2, 1]
weights = [[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6]]]
inputs = [1, 2]
targets = 1
rate = 0.5
"""


def test_what_was_decided_is_said_beside_the_working(tmp_path):
    path = tmp_path / "network.toml"
    path.write_text(SQUARE)
    result = run("explain", path, "--of", "w1")
    assert result.stdout.startswith("∂E_total/∂w1 — ")
    assert result.stderr.startswith(f"{path}: weights[0] is square, and is read with a row for ")
    path.write_text(SQUARE + 'weights_are = "units_by_inputs"\n')
    assert run("explain", path, "--of", "w1").stderr == ""
    assert run("explain", path, "--of", "w1").stdout == result.stdout


@pytest.mark.parametrize("of", ["w5", "all"])
def test_a_later_step_of_the_training(of):
    result = run("explain", "2-2-2", "--of", of, "--step", 3)
    assert result.output == explained("2-2-2", of, step=3).text()
    assert result.output.splitlines()[1] == "Step 3 of the training."


@pytest.mark.parametrize(("columns", "width"), [(100, 100), (60, 60), (20, 60)])
def test_text_is_as_wide_as_the_terminal_and_at_least_60(columns, width, tmp_path):
    result = run("explain", "chain", "--of", "w1", columns=columns)
    assert result.output == explained("chain", "w1").text(width)
    run("explain", "chain", "--of", "w1", "-o", tmp_path / "w1.txt", columns=columns)
    assert (tmp_path / "w1.txt").read_text("utf-8") == explained("chain", "w1").text(80)


def test_the_file_in_the_help_is_the_example(tmp_path):
    text = run("explain", "--help").output
    path = tmp_path / "network.toml"
    path.write_text("\n".join(re.findall(r"^  (\w+ = .*)$", text, re.MULTILINE)))
    assert str(read_network_file(path)) == str(read_network_file(network_path("2-2-2")))


@pytest.mark.parametrize("command", ["explain", "worksheet"])
def test_help_fits_80_columns(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    assert result.output.isascii()


# What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["2-2-2"], "say what is derived by --of, or name the table of a model by --data"),
        (["--of", "w1"], "Missing argument 'NETWORK'"),
        (["2-2-2", "--of", "w9"], "w1 to w8"),
        (["2-2-2", "--of", "weight"], "quantity 'weight'"),
        (["2-2", "--of", "w1"], "unknown file or example '2-2'; did you mean '2-2-2'"),
        (["2-2-2", "--of", "w1", "--notation", "mazer"], "Invalid value for '--notation'"),
        (["2-2-2", "--of", "w1", "--digits", "0"], "explain: digits must be a whole number >= 1"),
        (["2-2-2", "--of", "w1", "--top", "0"], "explain: top must be a whole number >= 1"),
        (["2-2-2", "--of", "w1", "--format", "pdf"], "Invalid value for '--format'"),
        (["2-2-2", "--of", "w1", "-o", "w1.pdf"], "w1.pdf: give a format, or a name that ends in"),
        (["2-2-2", "--of", "w1", "-o", "w1"], "ends in .html, .ipynb, .md, .tex, .txt"),
        (["2-2-2", "--of", "w1", "-o", "no/w1.md"], "no/w1.md: there is no folder no"),
        (["2-2-2", "--of", "w1", "-o", "."], "is not a file that could be replaced"),
        ([".", "--of", "w1"], ".: "),
        (["bad.toml", "--of", "w1"], "bad.toml:2: unknown key 'rat'; did you mean 'rate'"),
        (["large.toml", "--of", "w1"], "unit 0 of layer 0, Dense(1"),
    ],
)
def test_bad_options_are_refused(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    bad = {"bad.toml": "layers = [1, 1]\nrat = 1\n", "large.toml": LARGE}
    for name, text in bad.items():
        (tmp_path / name).write_text(text)
    refused(run("explain", *arguments), message)
    assert sorted(os.listdir(tmp_path)) == sorted(bad)


LARGE = "layers = [2, 1]\nw = [1e308, 1e308]\ninputs = [1e308, 1e308]\ntargets = 1\n"


def test_a_missing_folder_is_found_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr(cr, "explain", None)
    refused(run("explain", "2-2-2", "--of", "w1", "-o", "no/w1.md"), "there is no folder no")


@pytest.mark.skipif(sys.platform == "win32", reason="devices are files on POSIX only")
def test_a_device_is_not_replaced():
    refused(
        run("explain", "2-2-2", "--of", "w1", "--format", "text", "-o", os.devnull), "not a file"
    )


# Files are written whole or not at all


def fails(*_):
    raise OSError(28, "No space left on device")


def test_an_existing_file_is_replaced(tmp_path):
    path = tmp_path / "w5.md"
    path.write_text("old" * 100_000)
    assert run("explain", "2-2-2", "--of", "w5", "-o", path).exit_code == 0
    assert path.read_text("utf-8") == explained().markdown()


@pytest.mark.parametrize("old", [None, "old"])
@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.replace"])
def test_an_error_while_writing_leaves_what_was(tmp_path, monkeypatch, place, old):
    path = tmp_path / "w5.md"
    if old:
        path.write_text(old)
    monkeypatch.setattr(place, fails)
    result = run("explain", "2-2-2", "--of", "w5", "-o", path)
    refused(result, f"{path}: No space left on device", code=1)
    assert os.listdir(tmp_path) == (["w5.md"] if old else [])
    assert not old or path.read_text() == old


def test_an_error_in_the_form_leaves_what_was(tmp_path, monkeypatch):
    def write(explanation, width):
        raise ValueError("no form")

    monkeypatch.setitem(output_format.FORMATS, "markdown", output_format.OutputFormat(".md", write))
    path = tmp_path / "w5.md"
    path.write_text("old")
    refused(run("explain", "2-2-2", "--of", "w5", "-o", path), "no form")
    assert path.read_text() == "old"


def test_an_interruption_while_writing_leaves_what_was(tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    path = tmp_path / "w5.md"
    path.write_text("old")
    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, [b"new"])
    assert os.listdir(tmp_path) == ["w5.md"]
    assert path.read_text() == "old"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_stays_a_link(tmp_path):
    path, link = tmp_path / "real.txt", tmp_path / "w5.md"
    path.write_text("old")
    link.symlink_to(path)
    assert run("explain", "2-2-2", "--of", "w5", "-o", link).exit_code == 0
    assert link.is_symlink()
    assert path.read_text("utf-8") == explained().markdown()


@pytest.mark.parametrize("command", [["explain", "2-2-2", "--of", "w1"], ["worksheet"]])
def test_a_reader_that_goes_away_is_no_error(monkeypatch, command):
    def closed(*_, **__):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr("click.echo", closed)
    result = run(*command)
    assert (result.exit_code, result.output) == (1, "")


# worksheet


@pytest.mark.parametrize("key", [False, True])
def test_each_form_of_a_worksheet(tmp_path, key):
    sheet = worksheet([2, 3, 1], 4, "tanh")
    options = ["--network", "2-3-1", "--seed", "4", "--activation", "tanh", *["--key"][:key]]
    for name, suffix in (("text", ".txt"), ("html", ".html"), ("latex", ".tex")):
        expected = getattr(sheet, name)(key=key)
        assert run("worksheet", *options, "--format", name).output == expected
        path = tmp_path / f"sheet{suffix}"
        assert run("worksheet", *options, "-o", path).output == ""
        assert path.read_bytes().decode() == expected


def test_a_worksheet_of_the_defaults():
    assert run("worksheet").output == worksheet([2, 2, 2], 0, "sigmoid").text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--network", "2"], "'2' must be the sizes from the inputs to the outputs"),
        (["--network", "0-1"], "Network: inputs must be a whole number >= 1"),
        (["--network", "8-8-8"], "worksheet: 8-8-8 has 128 weights; by hand, 36 are the most"),
        (["--activation", "sigmiod"], "did you mean 'sigmoid'"),
        (["--seed", "-1"], "worksheet: seed must be a whole number >= 0"),
        (["--format", "markdown"], "Invalid value for '--format'"),
        (["-o", "sheet.md"], "sheet.md: give a format, or a name that ends in .html, .tex, .txt"),
        (["-o", "no/sheet.tex"], "there is no folder no"),
    ],
)
def test_bad_options_of_a_worksheet_are_refused(arguments, message):
    refused(run("worksheet", *arguments), message)
