"""Files of the playground: Python reads what the page writes, and the page what Python writes."""

import base64
import json
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.engine.wasm.lowering_patterns import lowering_patterns
from chainrule.explanation.network_file import EXAMPLES, read_network_file
from chainrule.playground import start_state
from chainrule.playground.choices import choices
from chainrule.schedules import SCHEDULES
from chainrule.serialization import write_file
from chainrule.trees import leaves, tree_map
from strategies import problem
from test_playground_network import schedules
from test_wasm_lowering import as_told
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

SOURCES = Path(__file__).parents[1] / "src/chainrule"
SCRIPTS = [
    SOURCES / "engine/wasm/wasm_lowering.js",
    *(
        SOURCES / "playground" / name
        for name in (
            "state/checks.js",
            "state/streams.js",
            "state/state.js",
            "run/first_weights.js",
            "words/figures.js",
            "run/told_run.js",
            "network/suited_network.js",
            "state/state_check.js",
            "files/toml_text.js",
            "files/network_toml.js",
            "files/model_file_bytes.js",
            "files/file_state.js",
        )
    ),
]


def answers(asked):
    known = {"choices": choices(), "patterns": lowering_patterns()}
    done = subprocess.run(
        [NODE, Path(__file__).with_name("playground_files.js"), *SCRIPTS],
        input=json.dumps({"known": known, "asked": asked}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


NETS = {
    "dense": cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], "cross_entropy"),
    "every kind": cr.Network(
        2,
        [
            cr.Dense(3, "leaky_relu(0.2)"),
            cr.LayerNorm(),
            cr.Residual(cr.Dense(2, "relu", initialiser="he_uniform"), cr.RMSNorm(), cr.Dense(3)),
            cr.Scale(),
            cr.Dropout(0.25),
            cr.Activate("sigmoid"),
            cr.Dense(1),
        ],
        "huber",
        l1=0.001,
        l2=0.01,
    ),
    "one unit": cr.Network(1, [cr.Dense(1, "sigmoid")], "half_squared_error"),
}
SGD = cr.SGD(0.5, momentum=0.9)
ADAM = cr.Adam(0.01)


def in_float32(net):
    return tree_map(lambda leaf: leaf.astype("float32"), problem(net).params)


def told(net):
    """A network as the page has it."""
    return {
        "inputs": net.inputs,
        "layers": [*map(as_told, net.layers)],
        "loss": str(net.loss),
        "l1": net.l1,
        "l2": net.l2,
        "tensors": [
            {"array": leaf.ravel().tolist(), "shape": [*np.shape(leaf)]}
            for leaf in leaves(in_float32(net))
        ],
    }


def data_of(net):
    p = problem(net, n=4)
    labels = p.net.row.target == "class"
    y = np.argmax(p.y, axis=1) if labels and p.y.ndim == 2 else p.y
    return p.X, y


def examples(net):
    X, y = data_of(net)
    names = {
        "inputs": [f"in “{k}”" for k in range(net.inputs)],
        "outputs": [f"o\\{k}" for k in range(net.outputs)],
    }
    key = "labels" if y.ndim == 1 else "y"
    return {"X": X.ravel().tolist(), key: np.ravel(y).tolist(), **names}


@pytest.fixture(scope="module")
def written():
    """What the page writes of each network: its network file and its model file."""
    asked = []
    for net in NETS.values():
        trained = {
            "optimizer": "sgd",
            "numbers": {"learning_rate": 0.5, "momentum": 0.9},
            "frozen": ["0.b"],
        }
        more = {"trained": trained, "examples": examples(net), "comment": "a network"}
        asked += [
            ["writeToml", {"net": told(net), **more}],
            ["writeModel", {"net": told(net), "library": "0.1"}],
        ]
    made = answers(asked)
    return dict(
        zip(NETS, zip(made[::2], map(base64.b64decode, made[1::2]), strict=True), strict=True)
    )


def same(params, others):
    return all(map(np.array_equal, leaves(params), leaves(others)))


@pytest.mark.parametrize("name", NETS)
def test_python_reads_the_network_file_of_the_page(written, tmp_path, name):
    net, path = NETS[name], tmp_path / "network.toml"
    path.write_text(written[name][0], encoding="utf-8")
    file = read_network_file(path)
    X, y = data_of(net)
    assert (file.net, file.optimizer, file.freeze, file.notes) == (net, SGD, ("0.b",), ())
    assert same(file.params, in_float32(net))
    assert np.array_equal(file.X, X)
    assert np.array_equal(file.y, y)
    assert file.inputs == tuple(examples(net)["inputs"])
    explained = cr.explain(*file[:4], of="w1", **file.options())
    params = tree_map(lambda leaf: leaf.astype("float64"), in_float32(net))
    trace = cr.forward(net, params, X)
    slope = cr.gradient(trace, cr.backward(trace, y))[0].W[0, 0]
    assert pytest.approx(slope) in [step.value for step in explained.steps]


@pytest.mark.parametrize("name", NETS)
def test_python_loads_the_model_of_the_page(written, tmp_path, name):
    net, path = NETS[name], tmp_path / "network.model"
    path.write_bytes(written[name][1])
    loaded, params, history = cr.load(path)
    assert (loaded, history) == (net, None)
    assert same(params, in_float32(net))
    assert {leaf.dtype for leaf in leaves(params)} == {np.dtype("float32")}


@pytest.mark.parametrize("name", NETS)
def test_the_page_reads_what_python_and_it_have_written(written, tmp_path, name):
    net, path = NETS[name], tmp_path / "network.model"
    cr.save(path, net, in_float32(net))
    wide = tmp_path / "wide.model"
    cr.save(wide, net, tree_map(lambda leaf: leaf.astype("float64"), in_float32(net)))
    models = [
        base64.b64encode(data).decode()
        for data in (path.read_bytes(), wide.read_bytes(), written[name][1])
    ]
    own, *others = answers(
        [
            ["readToml", {"text": written[name][0]}],
            *(["readModel", {"bytes": each}] for each in models),
        ]
    )
    expected = [leaf.ravel().tolist() for leaf in leaves(in_float32(net))]
    for got in (own["net"], *others):
        assert [np.float32(each).tolist() for each in got["weights"]] == expected
        assert (got["loss"], got["l1"], got["l2"]) == (str(net.loss), net.l1, net.l2)
        assert [kind for kind, _ in got["layers"]] == [layer.kind for layer in net.layers]
    assert own["examples"]["X"] == examples(net)["X"]
    assert own["trained"] == {
        "optimizer": "sgd",
        "numbers": {"learning_rate": 0.5, "momentum": 0.9},
        "schedule": None,
        "freeze": ["0.b"],
        "batch": None,
    }


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_page_reads_the_files_of_the_package(path):
    """Those that it cannot hold are refused by the name of the kind."""
    file = read_network_file(path)
    (got,) = answers([["readToml", {"text": path.read_text(encoding="utf-8")}]])
    kinds = {layer.kind for layer in file.net.layers}
    if not kinds <= {*lowering_patterns()}:
        assert got["refused"] == "run.kind"
        return
    assert (
        got["net"]["weights"] == [leaf.ravel().tolist() for leaf in leaves(file.params)]
        or "seed" in path.read_text()
    )
    assert np.array_equal(got["examples"]["X"], np.ravel(file.X))
    assert got["net"]["loss"] == str(file.net.loss)


def test_schedules_go_to_python_and_back(tmp_path):
    """The page's file is read by `explain`, Python's state is written by the page as it was."""
    net, made = NETS["one unit"], schedules()
    told_as = [start_state._run(cr.SGD(each, momentum=0.5), 4) for each in made]
    more = {"net": told(net), "examples": examples(net), "comment": "a network"}
    trained = [{**own, "frozen": []} for own in told_as]
    texts = answers([["writeToml", {**more, "trained": own}] for own in trained])
    got = answers([["readToml", {"text": text}] for text in texts])
    path = tmp_path / "network.toml"
    for schedule, text, own, back in zip(made, texts, told_as, got, strict=True):
        path.write_text(text, encoding="utf-8")
        file = read_network_file(path)
        assert file.optimizer == cr.SGD(schedule, momentum=0.5)
        assert back["trained"]["schedule"] == json.loads(json.dumps(own["schedule"]))
        assert back["trained"]["numbers"] == own["numbers"]
        assert start_state.of_network_file(file)["state"]["run"]["schedule"] == own["schedule"]
        lines = cr.explain(*file[:4], of="w1", **file.options()).derivation.steps()
        (new,) = (step for step in lines if step.key.kind == "new")
        slope = cr.gradient(
            trace := cr.forward(net, file.params, file.X), cr.backward(trace, file.y)
        )
        assert new.value == pytest.approx(file.params[0].W[0, 0] - schedule(1) * slope[0].W[0, 0])


def test_a_schedule_goes_on_behind_a_step():
    """Written at step 3, read, and written again at step 4 of what was read."""
    made = schedules()
    asked = [
        {"schedule": start_state._schedule(each), "steps": steps}
        for each in made
        for steps in ([], [0], [3], [3, 4])
    ]
    got = iter(answers([["resumed", each] for each in asked]))
    for each in made:
        for after in (0, 0, 3, 7):
            kind, fields = next(got)
            own = _schedule_of([kind, fields])
            assert [own(t) for t in range(1, 9)] == [each(t + after) for t in range(1, 9)]
            assert not isinstance(getattr(own, "then", 0), cr.Resumed)


def _schedule_of(given):
    if not isinstance(given, list):
        return given
    kind, fields = given
    return SCHEDULES[kind](**{name: _schedule_of(own) for name, own in fields.items()})


TEXTS = [
    'a = 1\nb = [1, 2.5, -3e-2,\n  4_000, # four thousand\n]\n"c d" = "x\\n\\u00e4 \\"y\\""\n',
    "p = { x = 1, y.z = 'a#b' }\nt.u = true\nt.v = false\n[s]\nk = 'literal'\n[s.u]\nv = +0.5\n",
    "[[l]]\nk = 1\n[[l.i]]\nv = [[1], []]\n[[l.i]]\nv = []\n[[l]]\n\n  [[l.i]] # one more\n",
    "\ufeff# nothing but a comment\r\n\r\nx = 1e3\r\n",
]


def test_toml_is_read_as_python_reads_it():
    got = answers([["toml", {"text": text}] for text in TEXTS])
    assert got == [tomllib.loads(text.removeprefix("\ufeff")) for text in TEXTS]


BAD = {
    "a = 1\nb = .5\n": ("files.toml", 2),
    "a = 1\na = 2\n": ("files.toml_twice", 2),
    "a = [1, 2": ("files.toml", 1),
    "a = 'x\n": ("files.toml", 1),
    "a b = 1": ("files.toml", 1),
    "x = 1\n\n<html>": ("files.toml", 3),
    "a = 1 b = 2": ("files.toml", 1),
    "a = None": ("files.toml", 1),
}


def test_what_is_no_toml_is_refused_by_its_line():
    got = answers([["toml", {"text": text}] for text in BAD])
    assert [(own["refused"], own["holes"]["line"]) for own in got] == [*BAD.values()]


START = "layers = [2, 1]\nw = [1, 2]\ninputs = [1, 2]\ntargets = 1\n"
TABLE = "inputs = [1, 2]\ntargets = 1\n[[layers]]\n"
WRONG = {
    "inputs = [1]": "files.key_missing",
    START + "colour = 1": "files.key_unknown",
    START.replace("w = [1, 2]", "w = [1, 2, 3]"): "files.key",
    START.replace("w = [1, 2]", 'w = [1, "2"]'): "files.key",
    START.replace("inputs = [1, 2]", "inputs = [1]"): "files.key",
    START.replace("targets = 1", "targets = [[1], [2]]"): "files.key",
    START.replace("[2, 1]", "[2, 0]"): "files.key",
    START + 'loss = "absolute"': "files.name",
    START + 'optimizer = "magic"': "files.name",
    START + 'rate = { kind = "magic" }': "files.name",
    START + 'rate = { kind = "cosine", rate = 0.1 }': "files.key_missing",
    START + 'rate = { kind = "cosine", rate = 0.1, steps = 0 }': "files.key",
    START + 'rate = { kind = "cosine", rate = 0.1, stops = 9 }': "files.key_unknown",
    START
    + 'rate = { kind = "warm_up", steps = 2, then = { kind = "constant" } }': "files.key_missing",
    START + 'rate = "fast"': "files.key",
    '[[layers]]\nkind = "convolution"\n'
    + START.replace("layers = [2, 1]\n", ""): "files.toml_twice",
    TABLE + 'kind = "convolution"': "run.kind",
    TABLE + 'kind = "dense"\nunits = 1\nW = [[1]]': "files.key",
    TABLE + 'kind = "dense"\nunits = 1\nV = [[1]]': "files.key_unknown",
}


def test_what_a_network_file_must_not_hold_is_refused_by_its_key():
    got = answers([["readToml", {"text": text}] for text in WRONG])
    for text, own in zip(WRONG, got, strict=True):
        assert own.get("refused") == WRONG[text] or "twice" in WRONG[text], text


def test_what_the_page_has_not_is_left_out_and_said():
    (got,) = answers([["readToml", {"text": START + "velocity = [1, 2]\nstep = 3"}]])
    assert got["left"] == ["velocity", "step"]


def test_models_that_are_cut_short_or_changed_are_refused(written):
    whole = written["dense"][1]
    changed = bytearray(whole)
    changed[-1] ^= 1
    asked = [
        *(whole[:end] for end in range(0, len(whole), 97)),
        whole[:-1],
        bytes(changed),
        b"x1,x2\n" * 9,
        whole.replace(b'\\"format\\":1', b'\\"format\\":9'),
    ]
    got = answers([["readModel", {"bytes": base64.b64encode(data).decode()}] for data in asked])
    words = [own["refused"] for own in got]
    assert set(words[:-4]) <= {"files.no_model", "files.cut"}
    assert words[-4:] == ["files.cut", "files.damaged", "files.no_model", "files.newer"]


def test_a_model_of_another_kind_or_with_arrays_missing_is_refused(tmp_path):
    net = NETS["one unit"]
    about = {"kind": "network", "history": None, "network": cr.serialization.network_to_data(net)}
    write_file(tmp_path / "other.model", {"w": np.ones(2)}, {"kind": "ticks"})
    write_file(tmp_path / "less.model", {"0.W": np.ones((1, 1))}, about)
    names = ("other.model", "less.model")
    asked = [
        ["readModel", {"bytes": base64.b64encode((tmp_path / name).read_bytes()).decode()}]
        for name in names
    ]
    other, less = answers(asked)
    assert other == {"refused": "files.other_kind", "holes": {"kind": "ticks"}}
    assert less == {"refused": "files.no_array", "holes": {"name": "0.b"}}


def test_patterns_mean_the_names_that_they_mean_in_python():
    names = ["0.W", "0.b", "1.W", "1.b", "12.gamma"]
    (got,) = answers([["meant", {"patterns": ["*.b", "1.?", "12.*"], "names": names}]])
    assert got == ["0.b", "1.W", "1.b", "12.gamma"]
