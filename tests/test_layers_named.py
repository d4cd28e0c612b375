"""Layers speak for themselves: hardly a file but theirs, the engine's, interop's names a kind."""

import ast
from pathlib import Path

import pytest

from chainrule.layers import LAYERS

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src" / "chainrule"
APART = ("layers", "engine", "interop")
"""They are for the kinds: what they are, how they are lowered, and which other libraries have."""

HYPERPARAMETERS = {"dropout", "embedding"}
"""What kinds share their names with: options of the command and of the estimators."""

CLASSES = {kind.__name__ for kind in LAYERS.values()}


OF_TABLES = {"members"}
"""What is a kind's name and another thing in the wing of tables: the networks of a model."""

MOST = 2
"""How many files may name a kind: the one that makes the network of a table, and a mistake."""


def classes(node):
    """The classes of layers that a piece of a source imports, or takes from a module."""
    match node:
        case ast.ImportFrom(module=str() as module, names=aliases):
            found = [alias.name for alias in aliases]
            inside = module == "chainrule" or module.startswith("chainrule.layers")
        case ast.Attribute(attr=name):
            found, inside = [name], True
        case _:
            return set()
    return CLASSES.intersection(found) if inside else set()


def asked_for(node):
    """The strings that a piece of a source compares with, looks up, or keeps a table by."""
    match node:
        case ast.Compare(left=left, comparators=others):
            inside = [each for part in (left, *others) for each in ast.walk(part)]
        case ast.MatchValue(value=value) | ast.Subscript(slice=value):
            inside = [value]
        case ast.Dict(keys=keys):
            inside = [key for key in keys if getattr(key, "value", "") not in HYPERPARAMETERS]
        case _:
            inside = []
    return [each.value for each in inside if isinstance(each, ast.Constant)]


def named(source):
    """The kinds of layer that a source names: by their classes, or by strings it asks for."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        found |= classes(node) | set(LAYERS).intersection(map(str, asked_for(node)))
    return sorted(found)


def files_that_name_a_kind():
    sources = {path.relative_to(SOURCES): path for path in sorted(SOURCES.rglob("*.py"))}
    for inside, path in sources.items():
        found = set(named(path.read_text(encoding="utf-8")))
        found -= OF_TABLES if inside.parts[0] == "tabular" else set()
        if found and inside.parts[0] not in APART:
            yield inside.as_posix(), found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from chainrule.layers import Layer, Dense as D", ["Dense"]),
        ("from chainrule.layers.dense import Dense", ["Dense"]),
        ("import chainrule as cr\nnet = cr.Network(1, [cr.Dense(1)], 'huber')", ["Dense"]),
        ("from chainrule import layers\nisinstance(layer, layers.Residual)", ["Residual"]),
        ("import chainrule.layers\nchainrule.layers.Scale()", ["Scale"]),
        ("layer.kind == 'layer_norm'", ["layer_norm"]),
        ("if kind in ('members', 'dense'): pass", ["dense", "members"]),
        ("LAYERS['dropout']", ["dropout"]),
        ("{'batch_norm': write_norm}", ["batch_norm"]),
        ("match kind:\n  case 'scale': pass", ["scale"]),
        ("from chainrule.fitting.target_scaling import TargetScale\nTargetScale.of(y)", []),
        ("{'dropout': estimator.dropout}\ncheck_number('dropout', rate)", []),
        ('"""A doctest of cr.Dense(1)."""\nlayer.dense', []),
    ],
)
def test_names_are_seen(source, found):
    assert named(source) == found


def test_hardly_a_file_names_a_kind():
    found = dict(files_that_name_a_kind())
    assert len(found) <= MOST, found
