"""Trains small networks in every combination, on the ranks there are, and prints SHA-256 as JSON.

    python ranks_bits_fits.py
    mpiexec -n 3 python ranks_bits_fits.py

Each hash is of all parameters, then of all states of the optimizer.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.distributed import part_of
from chainrule.trees import leaves

ROWS, SHARDS, EPOCHS, BATCH = 1_013, 8, 3, 96
"""Rows and batches that come out even nowhere."""

Layers = Callable[..., list[cr.Layer]]


def plain(*dropout: cr.Layer) -> list[cr.Layer]:
    """Dense layers."""
    return [cr.Dense(48, "relu"), *dropout, cr.Dense(24, "tanh"), cr.Dense(3)]


def normalised(*dropout: cr.Layer) -> list[cr.Layer]:
    """Statistics of the batch, which lies on all ranks."""
    return [cr.Dense(48), cr.BatchNorm(), cr.Activate("relu"), *dropout, cr.Dense(3)]


def members(*dropout: cr.Layer) -> list[cr.Layer]:
    """Several networks in one."""
    return [cr.Members(4, cr.Dense(32, "relu"), *dropout, cr.Dense(3))]


NETWORKS: dict[str, Layers] = {"plain": plain, "BatchNorm": normalised, "Members": members}
OPTIMIZERS: dict[str, Any] = {
    "SGD": cr.SGD(0.05, momentum=0.9),
    "AdamW": cr.AdamW(0.01, weight_decay=0.01),
    "RMSprop": cr.RMSprop(0.003),
}
DROPOUT = {"without": (), "with": (cr.Dropout(0.2),)}


def world() -> Any:
    """Return the communicator under mpiexec, and else None."""
    if "OMPI_COMM_WORLD_RANK" not in os.environ:
        return None
    from mpi4py import MPI

    return MPI.COMM_WORLD


def hashed(layers: list[cr.Layer], optimizer: Any, comm: Any) -> str:
    """Return the SHA-256 of a training, of which each rank is given other rows."""
    draw = np.random.default_rng(0)
    X = draw.standard_normal((ROWS, 20), dtype=np.float32)
    y = (X @ draw.standard_normal((20, 3))).argmax(axis=1)
    rank, size = (comm.rank, comm.size) if comm else (0, 1)
    own = part_of(rank, size, ROWS)
    net = cr.Network(20, layers, loss="cross_entropy")
    _, history = cr.fit(
        net, net.init(0), X[own], y[own], optimizer, epochs=EPOCHS, batch_size=BATCH, seed=1,
        clip_norm=1.0, engine="native", comm=comm, shards=SHARDS,
    )  # fmt: skip
    digest = hashlib.sha256()
    for array in itertools.chain(leaves(history.at.params), *history.at.states):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def main() -> None:
    """Print what rank 0 found, where the others found the same."""
    comm, found = world(), {}
    for (network, layers), (name, optimizer), (how, dropout) in itertools.product(
        NETWORKS.items(), OPTIMIZERS.items(), DROPOUT.items()
    ):
        sha256 = hashed(layers(*dropout), optimizer, comm)
        if comm and len({*comm.allgather(sha256)}) > 1:
            sha256 = "the ranks have different ones"
        found[f"{network}, {name}, {how} dropout"] = sha256
    if not comm or comm.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
