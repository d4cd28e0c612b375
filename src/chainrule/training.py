r"""Training: forward, backward, update, until the network maps its inputs to its outputs.

    X   (n, inputs)   the examples      y   (n, outputs) or (n,)   their targets
    w   (n,)          their weights     t   the number of the step, from 1

Everything random follows from the seed: the order of epoch e from (seed, e), the split of a
validation fraction from (seed, 0), dropout's masks from (seed, t). A run can therefore be broken
off after any epoch and gone on with, to the same bits.

A run may be shared out between processes, the ranks of a job. Its examples are then in shards,
whose sums are taken each by itself and added in one tree: any number of ranks comes to the same
bits.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Annotated, Any

from chainrule.arguments import reads_arguments
from chainrule.batches import HeldOut
from chainrule.begun_run import Callback, begun
from chainrule.distributed import Alone, as_ranks
from chainrule.engine.bfloat16 import Precision
from chainrule.engine.quick_checks import LaterLook
from chainrule.engine.session import Engine, at_work
from chainrule.history import EarlyStopping, History
from chainrule.network import Network, Parameters
from chainrule.optimizers import Optimizer
from chainrule.streams import Seed
from chainrule.value_types import AtLeastOne, Flag, Must, Positive

ALONE = Alone()

AnOptimizer = Annotated[Optimizer, Must("one such as cr.Adam(1e-3)")]
AnEarlyStopping = Annotated[EarlyStopping, Must("an EarlyStopping or None")]


@reads_arguments
def fit(
    net: Network,
    params: Parameters,
    X: Any,
    y: Any,
    optimizer: AnOptimizer,
    *,
    epochs: AtLeastOne,
    batch_size: AtLeastOne | None = 32,
    seed: Seed = 0,
    shuffle: Flag = True,
    sample_weight: Any = None,
    validation: float | tuple[Any, ...] | HeldOut | None = None,
    early_stopping: AnEarlyStopping | None = None,
    clip_value: Positive | None = None,
    clip_norm: Positive | None = None,
    mean_weight: Positive | None = None,
    freeze: Iterable[str] = (),
    ties: Iterable[Iterable[str]] = (),
    callbacks: Iterable[Callback] = (),
    history: History | None = None,
    record: Flag = False,
    engine: Engine = "auto",
    threads: AtLeastOne | None = None,
    precision: Precision = None,
    comm: Any = None,
    shards: AtLeastOne | None = None,
    reproducible: Flag = True,
) -> tuple[Parameters, History]:
    r"""Train a network and return its parameters and the course of the training.

    $$w \leftarrow w - dw\!\left(\frac{\partial C}{\partial w}\right),\qquad
      C \text{ over one batch}$$

    The parameters given are not changed.

    Parameters
    ----------
    net, params
        The network and the parameters to start from, in whose dtype all is computed.
    X, y
        The examples (n, inputs) and their targets: (n, outputs), or (n,) for one output or for
        integer labels. X may be a sparse array of SciPy, which comes to the bits of a dense one
        where the first layer has more than eight units.
    optimizer
        What makes a step of a gradient, `cr.Adam(1e-3)`.
    epochs, batch_size
        How many times to go through the examples, and how many of them make a step; None makes
        it all of them.
    seed, shuffle
        The seed of everything random; whether each epoch goes through the examples in an order of
        its own.
    sample_weight
        The weights (n,) of the examples in the mean. The gradient of a batch of m is
        Σ w g / (m w̄), with w̄ the mean weight of all examples in training: batches average to the
        whole, whatever weights fall together, and a weight of 2 is the example twice.
    validation
        Data to measure after each epoch, `(X, y)` or `(X, y, sample_weight)`, or the fraction of
        the examples to set aside for that, or their rows, `cr.HeldOut(rows)`. No
        copy is made of what is set aside.
    early_stopping
        When to end the run early; by the validation loss, to return the best parameters, not the
        last.
    clip_value, clip_norm
        Bounds on each entry of the gradient, then on the norm of the whole.
    mean_weight
        w̄, where the examples are a part of all that is trained with; left out, it is theirs.
    freeze
        Patterns of names of parameters that stay as they are: `["*.b"]`, `["0.*"]`.
    ties
        Places in the parameters that share one value: `[["0.b[0]", "0.b[1]"]]` is one bias for
        two units. Its gradient is the sum of those of its places. The reference trains such a run.
    callbacks
        Functions called with the history after each epoch; one that returns True ends the run.
        What has methods `begin(run)` and `end(run, error)` too, as `cr.Watch`, is told of both.
    history
        The history of an earlier call that returned `params`, to go on from: `a` epochs and then
        `b` are the same as `a + b` at once, bit for bit.
    record
        Whether the history keeps what the call was given, the data too, so that `cr.explain_step`
        and `cr.contributions` can make its steps again. Without it no data is kept, those of
        earlier calls neither.
    engine
        `"native"` trains in the compiled engine, `"reference"` with the functions of
        `chainrule.backprop`; `"auto"` takes the compiled one wherever that can be, and says once
        why where it cannot.
    threads
        How many threads the compiled engine uses at most; left out, as many as there are cores.
        It never uses more than that, and from step to step as many as have paid lately.
        The result does not depend on it. The reference leaves threads to the array library.
    precision
        `"bfloat16"` makes the products of a step in bfloat16 with sums in float32, which is faster
        where layers are wide, on processors that have them. Parameters must be of float32; they,
        the optimizer, layers of up to 8 outputs and all that is no product stay in it, as do
        validation and predictions. The result does not depend on threads, but may on the processor.
    comm
        The processes that train together: a communicator of mpi4py, `MPI.COMM_WORLD`, or
        `cr.Ranks`. Each calls `fit` alike, with its own part of the rows: of X, y, sample_weight
        and validation data, of any size; rows that another is to have are sent there. Rows to hold
        out are numbered through all ranks in order. Each returns the same, and calls its callbacks;
        one that returns True on any of them ends the run for all.
    shards
        In how many parts, a power of two up to 4,096, each batch is summed; with `comm` and left
        out, as many as suit the batch. Shards are the rows cut in equal parts, and each batch takes
        its share of each. The result depends on this number and on none of the ranks: one process
        with the same `shards` comes to the same bits.
    reproducible
        Whether sums over ranks are taken in one order, whatever their number.

    Raises
    ------
    TypeError, ValueError
        Where an argument is not of its kind or does not fit; the message names it.
    DivergenceError
        Where a value stops being finite, with epoch, step and layer; its `params` are those
        before that step.
    TrainingInterrupted
        A KeyboardInterrupt at Ctrl-C; its `params` are those after the last whole step.
    RankError
        Where another rank has failed, or does not answer.

    Examples
    --------
    >>> net = cr.Network(1, [cr.Dense(1)], loss="half_squared_error")
    >>> X = np.array([[-1.0], [0.0], [1.0]])
    >>> params, history = fit(net, net.init(0), X, 2 * X + 1, cr.SGD(0.5), epochs=200)
    >>> params[0].W.round(3), params[0].b.round(3)
    (array([[2.]], dtype=float32), array([1.], dtype=float32))
    """
    given = locals()
    ranks = ALONE if comm is None else as_ranks(comm)
    with nullcontext() if comm is None else ranks.together(), at_work(), LaterLook() as look:
        return begun(ranks, **given, look=look).made()
