"""Files that the playground cannot open: a sentence each, on the page and of the command."""

import base64
import hashlib
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.explanation.network_file import read_network_file
from chainrule.serialization.file_header import NO_DIGEST, make_header
from commands import run
from test_playground_models import in_page
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

NET = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dense(2)], "cross_entropy")


def model(net=NET, change=None, **arrays):
    """The bytes of a model: other arrays, or what is said of it changed, with its SHA-256."""
    about = {"kind": "network", "history": None}
    about["network"] = cr.serialization.network_to_data(net)
    made = {**cr.serialization.arrays_of(net.init(seed=1)), **arrays}
    if change:
        change(about)
    ready = {name: np.ascontiguousarray(own, np.float32) for name, own in made.items()}
    body = b"".join(own.tobytes() for own in ready.values())
    digest = hashlib.sha256(make_header(ready, about, NO_DIGEST) + body).hexdigest()
    return make_header(ready, about, digest) + body


def put(**values):
    return lambda about: about["network"].update(values)


def put_kind(about):
    about["kind"] = "ticks"


def wide_model():
    net = cr.Network(2, [cr.Dense(1000), cr.Dense(1000), cr.Dense(2)], "cross_entropy")
    return model(net)


WHOLE = model()
UNITS = [{"kind": "dense", "units": -3, "activation": "tanh", "initialiser": None}]
SEVERAL = cr.Network(2, [cr.Members(2, cr.Dense(2))], "cross_entropy")
TOML = "layers = [2, 3, 2]\ninputs = [[1, 2]]\ntargets = [1]\nloss = 'cross_entropy'\n"
W = "w = [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]\n"
TABLES = "inputs = [[1, 2]]\ntargets = [[1]]\n[[layers]]\nkind = 'dense'\nunits = 1\n"
THREE = "inputs = [[1, 2]]\ntargets = [[1, 2, 3]]\n[[layers]]\nkind = 'dense'\nunits = 3\n"

HOSTILE = {
    "cut.model": (WHOLE[:-7], "files.cut"),
    "short.model": (WHOLE[:40], "files.cut"),
    "damaged.model": (WHOLE[:-1] + b"\x01", "files.damaged"),
    "newer.model": (WHOLE.replace(b'\\"format\\":1', b'\\"format\\":9'), "files.newer"),
    "table.model": (b"x1,x2,y\n1,2,a\n2,3,b\n", "files.no_model"),
    "kind.model": (model(change=put_kind), "files.other_kind"),
    "shape.model": (model(**{"0.W": np.ones((2, 3))}), "files.key"),
    "size.model": (model(**{"0.W": np.ones((3, 3))}), "files.key"),
    "nan.model": (model(**{"0.W": [[1, np.nan], [2, 3], [4, 5]]}), "files.key"),
    "inf.model": (model(**{"1.b": [1, np.inf]}), "files.key"),
    "loss.model": (model(change=put(loss="magic")), "files.name"),
    "number.model": (model(change=put(loss="cross_entropy(2)")), "check.number"),
    "units.model": (model(change=put(layers=UNITS)), "check.number"),
    "sum.model": (model(change=put(reduction="sum")), "files.name"),
    "l2.model": (model(change=put(l2=-1)), "check.number"),
    "large.model": (wide_model(), "files.too_many"),
    "empty.model": (b"", "files.no_model"),
    "empty.toml": (b"", "files.key_missing"),
    "text.toml": (b"not a network\n", "files.toml"),
    "weights.toml": (f"{TOML}w = [1, 2]\n".encode(), "files.key"),
    "type.toml": (f"{TOML}w = 'abc'\n".encode(), "files.key"),
    "nan.toml": (f"{TOML}{W.replace('5', 'nan', 1)}".encode(), "files.toml"),
    "turned.toml": (f"{TABLES}W = [[1], [2]]\n".encode(), "files.key"),
    "ragged.toml": (f"{THREE}W = [[1, 2], [3, 4, 5], [6]]\n".encode(), "files.key"),
    "number.toml": (f"{TABLES}W = 3\n".encode(), "files.key"),
    "label.toml": (f"{TOML}{W}".replace("[1]", "[2]").encode(), "files.key"),
    "large.toml": (TOML.replace("3", "3000, 3000").encode() + b"seed = 1\n", "files.too_many"),
    "names.toml": (f"{TOML}{W}names = {{ inputs = ['a'] }}\n".encode(), "files.key"),
    "units.toml": (TABLES.replace("units = 1", "units = 0").encode(), "check.number"),
    "link.toml": (f"{TOML}{W}activation = ['tanh', 'tanh']\n".encode(), None),
}  # fmt: skip


def asked(files):
    pairs = [(name, base64.b64encode(own).decode()) for name, own in files]
    return in_page("return refusedFiles(known, files);", files=pairs)


def test_the_page_refuses_each_and_nothing_has_changed():
    words = asked([(name, own) for name, (own, _) in HOSTILE.items()])
    expected = [word for _, word in HOSTILE.values()]
    assert dict(zip(HOSTILE, words, strict=True)) == dict(zip(HOSTILE, expected, strict=True))
    several = model(SEVERAL)
    assert asked([("several.model", several), ("whole.model", WHOLE)]) == [
        "files.kind",
        None,
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_the_command_refuses_each_by_its_name(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(HOSTILE[name][0])
    done = run("playground", name, "-o", "page.html")
    assert done.exit_code == 2, done.output
    assert done.stderr.startswith("Error: ") or name in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("page.html").exists()


GIVEN = {
    "layers": "[2, 3, 2]",
    "inputs": "[[1.0, 2.0], [0.5, 1.5]]",
    "targets": "[1, 0]",
    "loss": '"cross_entropy"',
    "activation": '"tanh"',
    "w": "[1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]",
    "b": "[0.5, 0.5, 0.5, 1, 2]",
    "l1": "0.0",
    "l2": "0.1",
    "dropout": "0.25",
    "optimizer": '"adam"',
    "rate": "0.1",
    "beta1": "0.5",
    "epsilon": "1e-6",
    "freeze": '["*.b"]',
    "batch_size": "2",
    "names": '{ inputs = ["a", "b"] }',
}
WRONG = [
    *("true", "-1", "0", "2.5", "1e30", '"text"', "[]", "[1]", "[-1, 2]", '["a", 3]', "[[1]]"),
    *("[[[1, 2]]]", "{}", "{ kind = 3 }", "{ inputs = 3 }", '[{ kind = "dense", units = "a" }]'),
]


def test_whatever_stands_under_a_key_the_page_refuses_what_python_does(tmp_path):
    """Each key with each kind of value: nothing breaks, and what it opens is what Python reads."""
    files, python = [], []
    for key in GIVEN:
        for value in WRONG:
            text = "\n".join(f"{name} = {own}" for name, own in {**GIVEN, key: value}.items())
            path = tmp_path / "network.toml"
            path.write_text(text, encoding="utf-8")
            try:
                read_network_file(path)
                python.append(None)
            except ValueError as error:
                python.append(str(error))
            files.append((f"{key} = {value}.toml", text.encode()))
    page = asked(files)
    opened = [
        (name, refused)
        for (name, _), word, refused in zip(files, page, python, strict=True)
        if word is None and refused is not None
    ]
    assert opened == []
    assert sum(word is None for word in page) < len(page) / 4
