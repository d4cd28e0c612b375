"""Model files changed and signed anew: their SHA-256 is right, and what they hold is not."""

import copy
import json
import re
import struct

import numpy as np
import polars as pl

import chainrule as cr
from model_files import sealed

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

VALUES = [
    *(None, True, False, 0, 1, -1, 2, 10**6, 2**62, 2**63 - 1, -(2**63), 10**19 - 1),
    *(0.5, -0.5, 1e308, -1e308, 5e-324, 1e-300, 3.5e38),
    *(
        "",
        "x",
        "a\nb",
        "\x1b[31m\x07",
        "\x9b2J",
        "\u202eab\u2066",
        "\u2028",
        "\x7f\r",
        "é" * 40_000,
    ),
    *(
        [],
        {},
        [1, "a", None],
        [[]],
        {"a": 1},
        [[[[1.5]]]],
        {"kind": "x"},
        [True, 2**62],
        ["a", "a"],
    ),
]


def table(rows=60, seed=3):
    """A table of numbers, categories, dates, Booleans, and words, some of them missing."""
    draw = np.random.default_rng(seed)
    size = draw.gamma(4, 30, rows).round(1)
    kind = draw.choice(["flat", "house", "loft"], rows)
    built = np.datetime64("1990-01-01") + draw.integers(0, 9_000, rows)
    return pl.DataFrame(
        {
            "size": [None if k == 5 else f"{x:.1f}".replace(".", ",") for k, x in enumerate(size)],
            "kind": kind,
            "garden": draw.random(rows) < 0.4,
            "built": [f"{x.astype(object):%d.%m.%Y}" for x in built],
            "grade": draw.choice(["low", "mid", "high"], rows),
            "w": draw.integers(1, 4, rows),
            "count": draw.poisson(3, rows),
            "price": (size * 40 + draw.normal(0, 50, rows)).round(2),
        }
    )


QUICK = {
    "epochs": 2,
    "hidden": (3,),
    "dates": ("built",),
    "order": {"grade": ("low", "mid", "high")},
}

MODELS = {
    "regression": {"target": "price", "weight": "w"},
    "classes": {"target": "kind", "metric": "roc_auc", "class_weight": "balanced"},
    "booleans": {"target": "garden", "refit": False},
    "whole numbers": {"target": "count", "task": "classification"},
    "counts": {"target": "count", "loss": "poisson"},
    "quantiles": {"target": "price", "quantiles": (0.1, 0.5, 0.9), "dropout": 0.1},
    "bounds": {"target": "price", "interval": 0.5},
    "refitted": {"target": "price", "loss": "huber(1)", "refit": True, "leave_out": ("w",)},
}


def tables(folder):
    """Files of models of tables, one of each kind, by name; beside `table.csv`."""
    table().write_csv(folder / "table.csv", separator=";")
    found = {}
    for name, options in MODELS.items():
        path = folder / f"{name}.model"
        cr.train(folder / "table.csv", **QUICK, **options).save(path)
        found[name] = path.read_bytes()
    return found


NET = cr.Network(2, [cr.Dense(3, "tanh"), cr.Dropout(0.1), cr.Dense(2)], loss="half_squared_error")
X = np.random.default_rng(0).normal(size=(12, 2))
OPTIONS = {
    "alone": {},
    "validated": {"validation": 0.25},
    "stopped early": {"validation": 0.25, "early_stopping": cr.EarlyStopping(1)},
}


def networks(folder):
    """Files of networks, with and without a history, and of a checkpoint."""
    net, params = NET, NET.init(0)
    cr.save(folder / "bare", net, params)
    found = {"bare": (folder / "bare").read_bytes()}
    for name, options in OPTIONS.items():
        params, history = cr.fit(net, net.init(0), X, X, cr.Adam(), epochs=3, **options)
        cr.save(folder / name, net, params, history)
        found[name] = (folder / name).read_bytes()
    return found


def parts(data):
    """What a file tells, and its header and body without it."""
    (length,) = struct.unpack("<Q", data[:8])
    entries = json.loads(data[8 : 8 + length])
    about = json.loads(entries["__metadata__"]["chainrule"])
    return about, entries, data[8 + length :]


def signed(about, entries, body):
    """A file that tells this, with a SHA-256 that is right."""
    told = about if isinstance(about, str) else json.dumps(about)
    metadata = {"chainrule": told, "sha256": "0" * 64}
    return sealed(json.dumps({**entries, "__metadata__": metadata}), body)


def places(value, path=()):
    """Where each value within a value of JSON stands."""
    yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, (*path, key))


def changed(about, path, change):
    """The same with one value put in place of another, or removed, or a key or an entry more."""
    new = copy.deepcopy(about)
    *way, last = path
    at = new
    for key in way:
        at = at[key]
    change(at, last)
    return new


def put(value):
    return lambda at, key: at.__setitem__(key, value)


def remove(at, key):
    del at[key]


def add(at, key):
    if isinstance(at[key], dict):
        at[key]["\x1b[1mmore"] = "x"
    elif isinstance(at[key], list):
        at[key] += at[key][:1] or [5]
    else:
        at[key] = [at[key]]


CHANGES = [*map(put, VALUES), remove, add]


def all_changes(about):
    """Each change of each place, with words for it: what `changed` takes beside what is changed."""
    for path in places(about):
        for k, change in enumerate(CHANGES):
            if path:
                yield f"{'.'.join(map(str, path))} by change {k}", path, change


def arrays_changed(about, entries, body):
    """Files whose arrays are of other values or other lengths."""
    for value in (3e38, -3e38, 1e-38, 0.0):
        new = bytearray(body)
        for entry in entries.values():
            if entry.get("dtype") in ("F32", "F64"):
                code = {"F32": "<f4", "F64": "<f8"}[entry["dtype"]]
                begin, end = entry["data_offsets"]
                filled = np.full((end - begin) // np.dtype(code).itemsize, value, code)
                new[begin:end] = filled.tobytes()
        yield f"arrays of {value}", signed(about, entries, bytes(new))
