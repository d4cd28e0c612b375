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


def philox(counter, key):
    """A block of Philox 4×32-10 in whole numbers, as the paper has it."""
    a, b, c, d = counter
    low, high = key
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b = (second >> 32) ^ b ^ low, second % 2**32
        c, d = (first >> 32) ^ d ^ high, first % 2**32
        low, high = (low + 0x9E3779B9) % 2**32, (high + 0xBB67AE85) % 2**32
    return a, b, c, d


def word(k, seed, number, step):
    """Word k of a stream: groups of 64 from 16 blocks, the first word of each, then the second …"""
    group, place = divmod(k, 64)
    counter = (group * 16 + place % 16, number, step % 2**32, step >> 32)
    return philox(counter, (seed % 2**32, seed >> 32))[place // 16]


def in_the_order_of(epoch, n, seed, number=1):
    """The examples as an epoch goes through them: the shuffle as its docstring says it."""
    order = list(range(n))
    for count, k in enumerate(range(n - 1, 0, -1)):
        j = word(count, seed, number, epoch) * (k + 1) // 2**32
        order[k], order[j] = order[j], order[k]
    return np.array(order)


def fit(p, optimizer=None, params=None, **options):
    options = {"epochs": 1, **options}
    start = p.params if params is None else params
    return cr.fit(p.net, start, p.X, p.y, optimizer or cr.SGD(0.1), **options)
