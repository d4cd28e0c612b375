"""Training on ranks over MPI: the bits of one process, and one end for all at Ctrl-C."""

from __future__ import annotations

import os

import numpy as np
import pytest

import chainrule as cr
from chainrule import engine
from mpi_jobs import needs_mpi, on_ranks
from sharded import digest, train
from strategies import problem

pytestmark = [needs_mpi, pytest.mark.skipif(engine.native is None, reason="no engine")]

HERE = os.path.dirname(__file__)

FITS = """
sys.path.insert(0, sys.argv[1])
from sharded import UNEVEN, digest, train
from test_shards_mpi import runs
for p, options in runs():
    print(digest(*train(p, cr.Adam(0.01), "float32", ranks, UNEVEN, **options)), flush=True)
"""


def runs():
    norms = [cr.Dense(9, "tanh"), cr.BatchNorm(), cr.Dropout(0.2), cr.Dense(3)]
    members = [cr.Members(3, cr.Dense(8, "relu"), cr.Dropout(0.1), cr.Dense(2))]
    for layers in (norms, members):
        p = problem(cr.Network(5, layers, "half_squared_error"), n=41)
        for options in ({}, {"clip_norm": 0.1, "validation": 0.2}):
            yield p, {"sample_weight": np.arange(41.0) % 4, **options}


@pytest.mark.parametrize("size", [2, 3, 4])
def test_runs_over_mpi_have_the_bits_of_one_process(size):
    done = on_ranks(size, FITS, HERE)
    assert (done.returncode, done.stderr) == (0, "")
    alone = [digest(*train(p, cr.Adam(0.01), "float32", **options)) for p, options in runs()]
    assert sorted(done.stdout.split()) == sorted(alone * size)


INTERRUPTED = """
sys.path.insert(0, sys.argv[1])
from sharded import digest, train
from test_shards_mpi import runs
from chainrule.distributed.waiting import Waiting

wait, seen = Waiting._wait, [0]

def pressing(self, *given):
    handler = signal.getsignal(signal.SIGINT)
    seen[0] += isinstance(getattr(handler, "__self__", None), cr.distributed.HeldSignals)
    if ranks.rank == 1 and seen[0] == 50:
        os.kill(os.getpid(), signal.SIGINT)
    wait(self, *given)

signal.signal(signal.SIGINT, signal.default_int_handler)
Waiting._wait = pressing
p, options = next(runs())
try:
    train(p, cr.Adam(0.01), "float32", ranks, **{**options, "epochs": 1000})
except cr.TrainingInterrupted as error:
    print(error.history.at.step, digest(error.params, error.history), flush=True)
"""


def test_ctrl_c_on_one_rank_while_it_waits_stops_all_at_the_same_step():
    done = on_ranks(3, INTERRUPTED, HERE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].split()[0] not in ("0", "6000")
    assert len(done.stdout.splitlines()) == 3
    assert len(set(done.stdout.splitlines())) == 1
