"""`Checkpoint.fit` by several ranks: one folder, and the same bits on any number of them."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.serialization import CheckpointError
from chainrule.trees import named_leaves
from ranks_in_threads import in_threads

NET = cr.Network(3, [cr.Dense(4, "tanh"), cr.Dense(1)], loss="half_squared_error")
DRAW = np.random.default_rng(0)
X, Y = DRAW.normal(size=(40, 3)).astype("f4"), DRAW.normal(size=(40, 1)).astype("f4")
CUTS = {1: (0, 40), 2: (0, 13, 40), 3: (0, 0, 30, 40)}


def run(ranks, directory, epochs=6, parts=True, **options):
    """The bits of a run whose rows the ranks give in unequal parts."""
    cuts = CUTS[ranks.size if ranks else 1]
    own = slice(*cuts[ranks.rank : ranks.rank + 2]) if ranks else slice(None)
    how = {"batch_size": 8, "shards": 4, "validation": (X[own], Y[own]), **options}
    checkpoint = cr.Checkpoint(directory, every=0)
    fitted = checkpoint.fit(
        NET, NET.init(0), X[own], Y[own], cr.Adam(), epochs=epochs, comm=ranks, **how
    )
    return [leaf.tobytes() for _, leaf in named_leaves(fitted[0])], fitted[1].validation_loss


@pytest.mark.parametrize(("before", "then"), [(1, 3), (3, 2), (2, 1)])
def test_a_run_goes_on_on_another_number_of_ranks(tmp_path, before, then):
    alone = run(None, tmp_path / "alone")
    first = in_threads(before, run, tmp_path / "run", 3)
    assert all(each == first[0] for each in first)
    assert in_threads(then, run, tmp_path / "run") == [alone] * then
    assert run(None, tmp_path / "run") == alone


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shards": 2}, "shards is 4 there, 2 here; go on by `shards=4`"),
        ({"seed": 1}, "seed is 0 there, 1 here"),
        ({"validation": cr.HeldOut(np.arange(5))}, "validation is float32"),
    ],
)
@pytest.mark.filterwarnings("ignore:.* no part of the rows")
def test_another_run_is_refused(tmp_path, options, message):
    in_threads(2, run, tmp_path, 3)
    with pytest.raises(CheckpointError, match=message):
        in_threads(3, lambda ranks: run(ranks, tmp_path, **options))
