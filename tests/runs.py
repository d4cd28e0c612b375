"""What the tests of training share: small networks, problems that nothing may write to, and fit."""

import array_api_strict
import numpy as np

import chainrule as cr
from chainrule.trees import named_leaves, tree_map
from strategies import problem

XP = array_api_strict
NET = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(2)], loss="half_squared_error")
LINE = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
LOGITS = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dropout(0.25), cr.Dense(2)], loss="cross_entropy")


def readonly(tree):
    """Copies that raise where anything writes to them."""

    def locked(array):
        array = array.copy()
        array.flags.writeable = False
        return array

    return tree_map(locked, tree)


def bits(tree):
    return [(name, leaf.dtype, leaf.tobytes()) for name, leaf in named_leaves(tree)]


def example(net=NET, n=11, seed=0):
    """A problem that nothing may write to."""
    p = problem(net, n, seed)
    params, X, y, w = readonly((p.params, p.X, p.y, p.w))
    return p._replace(params=params, X=X, y=y, w=w)


def line(w=0.0, b=0.0, dtype="float64"):
    return LINE.parameters([(np.array([[w]], dtype), np.array([b], dtype))])


def in_the_order_of(epoch, n, seed):
    """The examples as an epoch goes through them: the shuffle as its docstring says it."""
    stream = np.random.Philox(key=np.array([seed, 0], np.uint64), counter=[0, 1, epoch, 0])
    halves = [half for raw in stream.random_raw(n).tolist() for half in (raw % 2**32, raw >> 32)]
    order = list(range(n))
    for k, word in zip(range(n - 1, 0, -1), halves, strict=False):
        j = word * (k + 1) // 2**32
        order[k], order[j] = order[j], order[k]
    return np.array(order)


def fit(p, optimizer=None, params=None, **options):
    options = {"epochs": 1, **options}
    start = p.params if params is None else params
    return cr.fit(p.net, start, p.X, p.y, optimizer or cr.SGD(0.1), **options)
