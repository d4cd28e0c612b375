"""What a method returned is kept by its object, and goes with it."""

import gc
import weakref

import numpy as np
import pytest

import chainrule as cr
from chainrule.explanation.cached_method import cached_method
from strategies import problem

NET = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dropout(0.1), cr.Dense(2)], "half_squared_error")


class Counted:
    def __init__(self, start):
        self.start, self.calls = start, 0

    @cached_method
    def plus(self, x, more=0):
        self.calls += 1
        return self.start + x + more


def test_a_method_is_called_once_for_the_same_arguments():
    one, two = Counted(10), Counted(20)
    assert [one.plus(1), one.plus(1), two.plus(1), one.plus(2), one.plus(1, more=5)] == [
        11, 11, 21, 12, 16,
    ]  # fmt: skip
    assert (one.calls, two.calls) == (3, 1)


def test_an_object_goes_with_what_it_has_kept():
    one = Counted(10)
    watched = weakref.ref(one)
    one.plus(1)
    del one
    gc.collect()
    assert watched() is None


def explain(p):
    return cr.explain(NET, p.params, p.X, p.y, of="w1", optimizer=cr.SGD(0.1)).text()


def explain_a_unit(p):
    return cr.explain(NET, p.params, p.X, of="o1", by="w1").text()


def page(p):
    return cr.explain(NET, p.params, p.X, p.y, of="all").html(rounds=2)


def add_up_paths(p):
    return str(cr.paths(NET, p.params, p.X, p.y, of="w1"))


@pytest.mark.parametrize("made", [explain, explain_a_unit, page, add_up_paths])
def test_an_explanation_lets_go_of_the_examples(made):
    p = problem(NET, n=3)
    p = p._replace(X=np.array(p.X), y=np.array(p.y))
    watched = [weakref.ref(p.X), weakref.ref(p.y), weakref.ref(p.params[0].W)]
    assert made(p)
    del p
    gc.collect()
    assert [ref() is None for ref in watched] == [True] * 3
