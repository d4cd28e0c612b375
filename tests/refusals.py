"""What the tests of bad input share: a user with data, and a call that must be refused."""

import copy

import array_api_strict
import numpy as np
import pytest

import chainrule as cr
from chainrule.trees import named_leaves

XP = array_api_strict
NAN, INF = np.nan, np.inf
T, V = TypeError, ValueError

DENSE = cr.Dense(3, "tanh")
REGRESSION = cr.Network(4, [DENSE, cr.Dropout(0.1), cr.Dense(2)], loss="half_squared_error")
CLASSES = cr.Network(4, [DENSE, cr.Dense(3)], loss="cross_entropy")
ONE = cr.Network(4, [DENSE, cr.Dense(1)], loss="half_squared_error")


def put(array, place, value, dtype=None):
    """A copy with one other value."""
    array = np.array(array, dtype)
    array[place] = value
    return array


class User:
    """What a user has in hand: data for seven examples, networks, and a run already made."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.X, self.y = rng.normal(size=(7, 4)), rng.normal(size=(7, 2))
        self.w, self.labels = np.ones(7), np.arange(7) % 3
        self.held = rng.normal(size=(5, 4)), rng.normal(size=(5, 2))
        self.params, self.start = REGRESSION.init(0), CLASSES.init(0)
        self.trained, self.history = self.fit(epochs=2)
        self.trace = cr.forward(REGRESSION, self.params, self.X)

    def fit(self, net=REGRESSION, optimizer=cr.SGD(0.1), **given):  # noqa: B008 - frozen
        start = {REGRESSION: self.params, CLASSES: self.start}.get(net)
        params = given.pop("params", net.init(0) if start is None else start)
        X, y = given.pop("X", self.X), given.pop("y", self.labels if net == CLASSES else self.y)
        return cr.fit(net, params, X, y, optimizer, **{"epochs": 1, **given})

    def weights(self, name, place, value):
        """The parameters with one other value."""
        layer, field = name.split(".")
        params = list(self.params)
        own = params[int(layer)]
        params[int(layer)] = own._replace(**{field: put(getattr(own, field), place, value)})
        return tuple(params)


def holdings(user):
    arrays = (user.X, user.y, user.w, user.labels, user.held, user.params, user.start, user.trained)
    figures = (list(user.history.loss), user.history.epochs, user.history.stopped)
    states = (user.history.last.params, tuple(user.history.last.states))
    return [(n, a.dtype, a.tobytes()) for n, a in named_leaves((arrays, states))], figures


def refuses(call, error, parts):
    """A user makes the call: it fails, says all the parts, and leaves all as it was."""
    user = User()
    before = copy.deepcopy(holdings(user))
    with pytest.raises(error) as caught:
        call(user)
    assert caught.type is error
    for part in parts if isinstance(parts, tuple) else (parts,):
        assert part in str(caught.value)
    assert holdings(user) == before


def table(rows):
    """Each row is (name, call, type of the error, parts of the message)."""
    return pytest.mark.parametrize(
        ("call", "error", "parts"), [pytest.param(*row[1:], id=row[0]) for row in rows]
    )
