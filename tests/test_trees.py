"""Walking through nested parameters."""

from __future__ import annotations

import gc
import weakref
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.trees import (
    leaf_names,
    leaves,
    named_leaves,
    number,
    rebuild,
    tree_map,
)
from strategies import Problem, problems


class Pair(NamedTuple):
    W: Any
    b: Any


TREE = (Pair(1, 2), (), Pair(Pair(3, 4), (5,)))
NAMES = ["0.W", "0.b", "2.W.W", "2.W.b", "2.b.0"]

trees = st.recursive(
    st.integers(),
    lambda inner: st.lists(inner, max_size=4).map(tuple) | st.builds(Pair, inner, inner),
    max_leaves=12,
)


def test_leaves_are_named_by_their_path() -> None:
    assert list(named_leaves(TREE)) == list(zip(NAMES, [1, 2, 3, 4, 5], strict=True))
    assert leaves(TREE) == [1, 2, 3, 4, 5]
    assert leaf_names(TREE) == (
        Pair("0.W", "0.b"),
        (),
        Pair(Pair("2.W.W", "2.W.b"), ("2.b.0",)),
    )


@pytest.mark.parametrize("tree", [(), ((), ()), ((), ((),))], ids=repr)
def test_a_tree_may_have_no_leaves(tree: Any) -> None:
    assert leaves(tree) == []
    assert rebuild(tree, []) == tree
    assert tree_map(abs, tree) == tree


def test_a_leaf_is_a_tree() -> None:
    assert list(named_leaves(7)) == [("", 7)]
    assert rebuild(7, [8]) == 8


@given(trees)
def test_rebuilding_from_its_own_leaves_gives_the_tree(tree: Any) -> None:
    assert rebuild(tree, leaves(tree)) == tree
    assert repr(rebuild(tree, leaves(tree))) == repr(tree)  # named tuples stay such
    assert leaves(leaf_names(tree)) == [name for name, _ in named_leaves(tree)]
    assert len(set(leaves(leaf_names(tree)))) == len(leaves(tree))


@given(trees)
def test_tree_map_goes_leaf_by_leaf(tree: Any) -> None:
    doubled = tree_map(lambda a, b: a + b, tree, tree)
    assert leaves(doubled) == [2 * leaf for leaf in leaves(tree)]
    assert leaves(leaf_names(doubled)) == leaves(leaf_names(tree))


def test_tree_map_refuses_trees_of_other_forms() -> None:
    with pytest.raises(ValueError, match="shorter"):
        tree_map(lambda a, b: a + b, ((1, 2), 3), ((1, 2),))


def test_arrays_are_leaves_and_are_not_copied() -> None:
    params = cr.Network(2, [cr.Dense(3), cr.Dropout(), cr.Dense(1)], "squared_error").init()
    assert [name for name, _ in named_leaves(params)] == ["0.W", "0.b", "2.W", "2.b"]
    again = rebuild(params, leaves(params))
    assert all(a is b for a, b in zip(leaves(again), leaves(params), strict=True))
    assert [type(entry) for entry in again] == [type(entry) for entry in params]
    assert leaves(tree_map(np.sum, params))[1] == 0


def test_rebuilt_trees_wait_for_no_collector():
    """A cycle would keep the arrays of every step until Python looks for cycles."""
    leaf = np.ones(3)
    gone = weakref.ref(leaf)
    gc.disable()
    try:
        tree = tree_map(lambda leaf: leaf, ((leaf,), ()))
        del leaf, tree
        assert gone() is None
    finally:
        gc.enable()


# Numbers of weights and biases

TUTORIAL = cr.Network(
    2, [cr.Dense(2, "sigmoid"), cr.Dense(2, "sigmoid")], loss="half_squared_error"
)

PLACES = {  # how the tutorials number the weights of 2-2-2: "from: to" and the entry of W
    "w1": ("0.W", (0, 0)),  # i1 → h1
    "w2": ("0.W", (0, 1)),  # i2 → h1
    "w3": ("0.W", (1, 0)),  # i1 → h2
    "w4": ("0.W", (1, 1)),  # i2 → h2
    "w5": ("1.W", (0, 0)),  # h1 → o1
    "w6": ("1.W", (0, 1)),  # h2 → o1
    "w7": ("1.W", (1, 0)),  # h1 → o2
    "w8": ("1.W", (1, 1)),  # h2 → o2
    "b1": ("0.b", (0,)),
    "b2": ("0.b", (1,)),
    "b3": ("1.b", (0,)),
    "b4": ("1.b", (1,)),
}


@pytest.mark.parametrize(("label", "place"), PLACES.items())
def test_weights_are_numbered_as_in_the_tutorials(label: str, place: Any) -> None:
    params = TUTORIAL.init()
    name, index = place
    leaf = dict(named_leaves(params))[name]
    assert number(params, name, int(np.ravel_multi_index(index, leaf.shape))) == label


@given(problems())
def test_numbers_count_through_any_network(p: Problem) -> None:
    labels = [
        number(p.params, name, k) for name, a in named_leaves(p.params) for k in range(a.size)
    ]
    for letter in "wb":
        own = [label for label in labels if label.startswith(letter)]
        assert own == [f"{letter}{k + 1}" for k in range(len(own))]


def test_a_parameter_that_there_is_not_has_no_number() -> None:
    with pytest.raises(ValueError, match=r"unknown parameter '9\.W'"):
        number(TUTORIAL.init(), "9.W", 0)
