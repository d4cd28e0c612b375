"""Files made to do harm: each is refused with little memory and little time."""

import json
import struct
import time

import pytest

import chainrule as cr
from alone import alone, forked
from model_files import ABOUT, header, sealed
from test_engine_memory import MIB, RESET, most_taken_by

pytestmark = pytest.mark.skipif(
    not RESET.exists(), reason="this system does not say what memory it takes"
)

NETWORK = {
    **ABOUT,
    "kind": "network",
    "history": None,
    "network": {"inputs": 1, "layers": [], "loss": "huber", "l1": 0.0, "l2": 0.0},
}
DENSE = {"kind": "dense", "units": 1, "activation": "relu", "initialiser": None}
DROPOUT = {"kind": "dropout", "rate": 0.0}
SCALE = {"kind": "scale"}
PERIODIC = {"kind": "periodic", "values": 3, "frequencies": 4, "sigma": 0.1, "features": None}


def within(depth):
    """A layer with so many around it."""
    layer = SCALE
    for _ in range(depth):
        layer = {"kind": "residual", "layers": [layer]}
    return layer


def members(k, layers):
    return {"kind": "members", "k": k, "layers": layers, "full": False}


def edges(of_an_input):
    return {"kind": "piecewise_linear", "edges": [of_an_input], "size": 2}


GREETING = header({}).removesuffix("}") + ',"a":'


def network(**changes):
    return sealed(header({}, {**NETWORK, "network": {**NETWORK["network"], **changes}}), b"")


def filled(begin, part, end, size=4_000_000):
    return (begin + part * ((size - len(begin) - len(end)) // len(part)) + end).encode()


N = 50 * MIB
LARGE = header({"a": {"dtype": "F32", "shape": [N], "data_offsets": [0, 4 * N]}})

HOSTILE = {
    # name: (the file's first bytes, its size if it has a hole at its end, what is said of it)
    "a header of 2⁶³ bytes": (
        struct.pack("<Q", 2**63),
        10**10,
        "is no model file: it does not begin",
    ),
    "a header of 15 MB": (struct.pack("<Q", 15 * MIB) + b"[" * 15 * MIB, 0, "at most 4,194,304"),
    "a header of zeros": (struct.pack("<Q", 4 * MIB) + b"{", 10**10, "is not JSON"),
    "an absurd place": (
        sealed(header({"a": {"dtype": "F32", "shape": [2**62], "data_offsets": [0, 2**64]}})),
        10**10,
        "holds a whole number of 20 digits",
    ),
    "brackets": (sealed(filled(GREETING, "[", "")), 0, "holds more than 250,000 values"),
    "few brackets": (sealed(filled(GREETING, "[", "", 99_000)), 0, "is nested more than 50 deep"),
    "objects": (sealed(filled(GREETING, '{"":', "", 390_000)), 0, "is nested more than 50 deep"),
    "empty lists": (sealed(filled(GREETING + "[", "[],", "[]]}", 149_000)), 0, "'a' must have"),
    "small objects": (sealed(filled(GREETING + "[", '{"":0},', "0]}", 340_000)), 0, "'a' must"),
    "lists of one": (sealed(filled(GREETING + "[", "[0],", "0]}", 199_000)), 0, "'a' must"),
    "wide text": (
        sealed(header({}, json.dumps({**ABOUT, "x": "\U0001f600" + "x" * 3_900_000}))),
        0,
        "bytes behind its arrays",
    ),
    "wide text in UTF-8": (
        sealed(
            header({}, json.dumps({**ABOUT, "x": "x" * 3_900_000})).replace("xx", "\U0001f600x", 1)
        ),
        0,
        "bytes behind its arrays",
    ),
    "wide text with values": (
        sealed(header({}, json.dumps({**ABOUT, "x": [["\U0001f600" + "x" * 90]] * 24_000}))),
        0,
        "bytes behind its arrays",
    ),
    "digits": (sealed(filled(GREETING, "1", "}")), 0, "holds a whole number of"),
    "digits of a fraction": (sealed(filled(GREETING + "1.", "1", "}")), 0, "'a' must have dtype"),
    "digits of an exponent": (sealed(filled(GREETING + "1e", "9", "}")), 0, "not finite, '1e9"),
    "a name twice": (
        sealed(
            GREETING
            + "["
            + ",".join(["0"] * 99)
            + "],"
            + ",".join(f'"{k}":0' for k in [*range(90_000), 7])
            + "}"
        ),
        0,
        "has the name '7' twice",
    ),
    "many arrays": (
        sealed(
            header(
                {
                    f"{k}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
                    for k in range(14_000)
                }
            ),
            b"\0",
        ),
        0,
        "bytes behind its arrays",
    ),
    "many axes": (
        sealed(header({"a": {"dtype": "F32", "shape": [2**62] * 90_000, "data_offsets": [0, 0]}})),
        0,
        "a shape of at most 32",
    ),
    "a long name": (
        sealed(header({"a" * 3_900_000: {"dtype": "F32", "shape": [0], "data_offsets": [0, 1]}})),
        0,
        "must lie at [0, 0]",
    ),
    "a long dtype": (
        sealed(header({"a": {"dtype": "F" * 3_900_000, "shape": [0], "data_offsets": [0, 0]}})),
        0,
        "must be of F64, I64, F32, got dtype 'FFF",
    ),
    "many layers": (network(layers=[DENSE] * 15_000), 0, "layers must be at most 1,000, got 15,0"),
    "layers of nothing": (network(layers=[DROPOUT] * 80_000), 0, "at most 1,000, got 80,000"),
    "a layer too many": (network(layers=[DROPOUT] * 1_001), 0, "at most 1,000, got 1,001"),
    "an array of 200 MB that is not what it was": (
        sealed(LARGE, b""),
        4 * N + len(LARGE) + 8,
        "is damaged: its SHA-256 is not the one that it was written with",
    ),
    "wide layers": (network(layers=[{**DENSE, "units": 2**62}] * 2), 0, "layer 0, Dense("),
    "very wide layers": (network(inputs=2**62, layers=[DENSE]), 0, "layer 0, Dense("),
    "a loss of spaces": (
        network(loss="a" + " " * 3_900_000 + "!", layers=[DENSE]),
        0,
        "at most 10,000 characters",
    ),
    "layers within layers": (network(layers=[within(15)]), 0, "at most 10 one within the other"),
    "layers in many layers": (
        network(layers=[{"kind": "residual", "layers": [DROPOUT] * 1_000}]),
        0,
        "layers must be at most 1,000, got 1,001",
    ),
    "many arrays of many members": (
        network(layers=[members(999, [{"kind": "residual", "layers": [SCALE] * 997}])]),
        0,
        "the array '0.scales' is missing",
    ),
    "very many members": (
        network(layers=[members(10**15, [DENSE])]),
        0,
        "k must be a whole number",
    ),
    "many edges": (network(layers=[edges([0.5] * 99_999)]), 0, "or more numbers that ascend"),
    "too many edges": (
        network(layers=[edges([*range(200_000)])]),
        0,
        "edges must hold at most 100,000 values, got 200,000",
    ),
    "edges of edges": (network(layers=[edges([[0]] * 99_000)]), 0, "must hold layers or numbers"),
    "edges of text": (network(layers=[edges("x" * 3_900_000)]), 0, "must hold layers or numbers"),
    "edges of many inputs": (
        network(layers=[{**edges([]), "edges": [[]] * 40_000}]),
        0,
        "at least one, got none",
    ),
    "many features": (
        network(layers=[{**PERIODIC, "features": [7] * 99_000}]),
        0,
        "each once, got (7, 7, 7",
    ),
    "many waves": (
        network(inputs=2**40, layers=[{**PERIODIC, "frequencies": 2**40}]),
        0,
        "layer 0, Periodic(",
    ),
    "many inputs of waves": (network(inputs=2**62, layers=[PERIODIC]), 0, "must have at most 1,15"),
    "many inputs of members": (
        network(inputs=2**62, layers=[members(2, [DENSE])]),
        0,
        "must have at most 1,15",
    ),
    "wide scales": (network(inputs=2**62, layers=[SCALE]), 0, "must have at most 1,15"),
    "a kind of 4 MB": (network(layers=[{**DENSE, "kind": "d" * 3_900_000}]), 0, "unknown kind of"),
}


def written(name, folder):
    """The path of a hostile file: its first bytes, and a hole up to its size."""
    begin, size, _ = HOSTILE[name]
    path = folder / f"{list(HOSTILE).index(name)}.model"
    with path.open("wb") as file:
        file.write(begin)
        file.truncate(max(size, len(begin)))
    return str(path)


def refused(path):
    """What is said of a file, the most memory that it takes, and the seconds of the processor."""
    said, seconds = [], []

    def load():
        began = time.process_time()
        try:
            cr.load(path)
        except cr.ModelFileError as error:
            said.append(str(error))
        seconds.append(time.process_time() - began)

    taken = most_taken_by(load)
    load()
    return said, taken, min(seconds)


def each_refused(paths):
    """The same of several files, each in a new process, in which no memory is free from another."""
    refused(paths[0])  # what is loaded when it is first needed is no part of the measure
    return [forked(refused, path) for path in paths]


def test_a_hostile_file_takes_little(tmp_path):
    outcomes = alone(each_refused, [written(name, tmp_path) for name in HOSTILE])
    for (name, (*_, says)), (said, taken, seconds) in zip(HOSTILE.items(), outcomes, strict=True):
        assert len(said) == 2, name
        assert says in said[0], name
        assert "\n" not in said[0], name
        assert len(said[0]) < 1000, name
        assert taken < 64 * MIB, name
        assert seconds < 1, name
