r"""Many networks in one call, such as of a grid or of cross-validation: the bits of one by one.

$$(\theta_k, h_k) = \mathrm{fit}(\text{net}_k, \theta^0_k, X_k, y_k, \ldots),\qquad
  k = 0, 1, \ldots$$
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule import losses
from chainrule.arguments import arguments_as_read
from chainrule.batches import Examples, check_examples
from chainrule.begun_run import BegunRun, begun
from chainrule.distributed import Alone
from chainrule.errors import unknown_name
from chainrule.fitting.many_runs import Outcome, make_all
from chainrule.network import Network, Parameters
from chainrule.training import fit
from chainrule.trees import leaves
from chainrule.value_types import AtLeastOne, read

OF_RANKS = ("comm", "shards", "reproducible")
"""Options of `fit` that share one training out."""

LISTS = {"freeze": 1, "callbacks": 1, "ties": 2}
"""What `fit` itself takes as a list, or as lists in a list."""


def fit_many(
    nets: Any,
    params: Any,
    X: Any,
    y: Any,
    optimizer: Any,
    *,
    threads: int | None = None,
    **options: Any,
) -> list[Outcome]:
    r"""Train many networks at once, each to the bits of `cr.fit`, and return what that does.

    $$(\theta_k, h_k) = \mathrm{fit}(\text{net}_k, \theta^0_k, X_k, y_k, \ldots)$$

    Each argument is one for all networks, or a list (or range) with one for each. What `fit` itself
    takes as a list (`freeze`, `ties`, `callbacks`) is then a list of such lists; data that all
    share are arrays, not lists.

    Networks that are tiny, such as 2-2-2 or 4-16-3, and alike in their shape, kind of optimizer,
    number of examples and batch size run side by side, as many as a vector of the processor has
    numbers; the others run one on each thread. No bit depends on either.

    Parameters
    ----------
    nets, params, X, y, optimizer
        As in `cr.fit`. `params=None` starts a network from `net.init(seed)`, with its `seed`.
    threads
        How many threads train at most; left out, as many as there are cores.
    **options
        Those of `cr.fit`, `epochs` among them, but `comm`, `shards` and `reproducible`. Callbacks
        are called on the thread that trains their network.

    Returns
    -------
    list
        For each network `(params, history)`, as `cr.fit` returns them; of one that diverged the
        DivergenceError in their place, whose `params` and `history` are those before its last
        step. It ends no other.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of its kind or does not fit, or lists differ in length, before
        anything is trained; the message names the network.
    TrainingInterrupted
        A KeyboardInterrupt at Ctrl-C; its `params` and `history` are lists, with what each network
        has come to: its end, its last whole step, or where it was to start.

    Examples
    --------
    >>> net = cr.Network(2, [cr.Dense(2, "tanh"), cr.Dense(1)], "half_squared_error")
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> rates = [0.001, 0.1, 0.2]
    >>> found = fit_many(net, None, X, X[:, 0] ^ X[:, 1], [cr.Adam(r) for r in rates], epochs=500)
    >>> [history.loss[-1] < 0.001 for params, history in found]
    [False, True, True]
    >>> alone = cr.fit(net, net.init(), X, X[:, 0] ^ X[:, 1], cr.Adam(0.1), epochs=500)
    >>> np.array_equal(found[1][0][0].W, alone[0][0].W)
    True
    """
    threads = read(threads, AtLeastOne | None, "fit_many: threads")
    _check_options(options)
    given = {"nets": nets, "params": params, "X": X, "y": y, "optimizer": optimizer, **options}
    lists = [name for name, value in given.items() if _is_for_each(value, LISTS.get(name, 0))]
    with _errors_of("fit_many"):
        common = DEFAULTS | arguments_as_read(fit, {n: given[n] for n in given if n not in lists})
    check, runs = _CheckedOnce(), []
    for k in range(_count({name: len(given[name]) for name in lists})):
        with _errors_of(f"fit_many: network {k}"):
            own = arguments_as_read(fit, {name: given[name][k] for name in lists})
            runs.append(_begun({**common, **own}, check))
    return make_all(runs, threads)


DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(fit).parameters.items()
    if parameter.default is not parameter.empty
}


def _check_options(options: dict[str, Any]) -> None:
    """Raise for what `fit` does not take, or not of many."""
    known = [*DEFAULTS.keys() - OF_RANKS, "epochs"]
    for name in options:
        if name in OF_RANKS:
            raise TypeError(
                f"fit_many: {name} shares out the training of one network; call cr.fit for each"
            )
        if name not in known:
            raise TypeError(str(unknown_name("argument of fit_many:", name, known)))
    if "epochs" not in options:
        raise TypeError("fit_many: epochs is missing: how many times to go through the examples")


def _is_for_each(value: Any, lists: int) -> bool:
    """Whether a value is a list of what is itself so many lists in one another."""
    if isinstance(value, range):
        return True
    return isinstance(value, list) and (
        lists == 0 or any(_is_for_each(entry, lists - 1) for entry in value)
    )


def _count(lengths: dict[str, int]) -> int:
    """Return how many networks there are, by the lists that are given, or raise."""
    if not lengths:
        raise ValueError(
            "fit_many: nothing says how many networks there are; give a list of nets, or of what "
            "they differ in, such as seed=[0, 1, 2]"
        )
    name, count = next(iter(lengths.items()))
    for other, length in lengths.items():
        if length != count:
            raise ValueError(
                f"fit_many: {other} is a list of {length} and {name} one of {count}; each list has "
                "one for each network, and what is one for all is no list"
            )
    return count


@contextmanager
def _errors_of(what: str) -> Iterator[None]:
    """Let errors of arguments say of which network they are."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{what}: {str(error).removeprefix('fit: ')}") from None


def _begun(given: dict[str, Any], check: _CheckedOnce) -> BegunRun:
    """Return the run of a network, whose parameters are new where there are none."""
    net = given.pop("nets")
    if given["params"] is None and isinstance(net, Network):
        given["params"] = net.init(given["seed"])
    return begun(Alone(), net, **given, check=check)


class _CheckedOnce:
    """Checks examples as `check_examples` does, once where several networks share them."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Any, Examples]] = {}

    def __call__(
        self, net: Network, params: Parameters, X: Any, y: Any, w: Any, **options: Any
    ) -> Examples:
        dtype = next((leaf.dtype for leaf in leaves(params)), None)
        target = losses.loss(net.loss).target
        key = (id(X), id(y), id(w), net.inputs, net.outputs, target, dtype, *options.items())
        if key not in self._known:  # what is known is kept, lest its identity be another's
            self._known[key] = (X, y, w), check_examples(net, params, X, y, w, **options)
        return self._known[key][1]
