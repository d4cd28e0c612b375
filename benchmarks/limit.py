"""The arithmetic limit: floating-point operations at the rate of a large matrix product.

The rate is that of NumPy's product or PyTorch's, the better of the two, of matrices that are 2048
wide in float32. It drifts with the machine, so it is measured again between the cases, and the best
is kept.
"""

from __future__ import annotations

import time

import numpy as np
import torch

WIDTH, PRODUCTS = 2048, 4


def product_rate(cores: int) -> float:
    """Return the operations a second of the better product."""
    torch.set_num_threads(cores)
    a = np.random.default_rng(0).normal(size=(WIDTH, WIDTH)).astype(np.float32)
    times = []
    for matrix in (a, torch.from_numpy(a)):
        for _ in range(PRODUCTS):
            began = time.perf_counter()
            matrix @ matrix
            times.append(time.perf_counter() - began)
    return 2 * WIDTH**3 / min(times)
