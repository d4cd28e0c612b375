"""Check an installed Chainrule: does it have the engine that it should, and does it learn?

python smoke.py native        the compiled engine must be there
python smoke.py reference     it must not
"""

import sys
import warnings

import numpy as np

import chainrule as cr
from chainrule import engine

expected = sys.argv[1]
found = "native" if engine.native else "reference"
if found != expected:
    sys.exit(f"expected the {expected} engine, found {found} {engine.isa or engine.missing}")

X = np.asarray([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
y = X.sum(axis=1, keepdims=True)
net = cr.Network(2, [cr.Dense(4, "tanh"), cr.Dense(1)], loss="half_squared_error")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        _, history = cr.fit(net, net.init(seed=0), X, y, cr.SGD(0.1), epochs=50, batch_size=None)
if not history.loss[-1] < history.loss[0] / 10:
    sys.exit(f"fit does not learn: the cost goes from {history.loss[0]} to {history.loss[-1]}")
if len(caught) > (expected == "reference"):
    sys.exit(f"fit warns too often: {[str(each.message) for each in caught]}")
print(f"{cr.__version__} learns, {found} {engine.isa}".rstrip())
