"""
A PyTorch network checked
=========================

A layer written by hand has its own backward function, and a slip there raises no error: the network
trains, only worse. Here its gradient is compared with Chainrule's, for the same network and data.
The layers after the slip agree and those before it do not, which shows where it is.

This example needs PyTorch. A site built without it has this page without its output.
"""

try:
    import torch
except ImportError:
    raise SystemExit("This example needs PyTorch: pip install 'chainrule[torch]'") from None

import matplotlib.pyplot as plt
import numpy as np
from torch import nn

import chainrule as cr

# %%
# The network
# -----------

torch.manual_seed(0)
model = nn.Sequential(
    nn.Linear(8, 16), nn.Tanh(),
    nn.Linear(16, 16), nn.SiLU(),
    nn.Linear(16, 16), nn.Tanh(),
    nn.Linear(16, 3),
)  # fmt: skip
rng = np.random.default_rng(0)
X = rng.normal(size=(64, 8)).astype(np.float32)
y = rng.integers(0, 3, 64)

net, params = cr.from_torch(model, loss="cross_entropy")
net

# %%
# Its gradient, twice
# -------------------
# In float32, two right gradients differ only by rounding, a few parts in ten million.


def by_torch(model: nn.Module) -> list[np.ndarray]:
    """∂C/∂W of each dense layer, by PyTorch."""
    model.zero_grad()
    nn.functional.cross_entropy(model(torch.tensor(X)), torch.tensor(y)).backward()
    return [part.weight.grad.numpy().copy() for part in model if isinstance(part, nn.Linear)]


trace = cr.forward(net, params, X)
right = [g.W for g in cr.gradient(trace, cr.backward(trace, y)) if hasattr(g, "W")]


def apart(found: list[np.ndarray]) -> list[float]:
    """How far gradients are from the right ones, as a share of their size."""
    pairs = zip(found, right, strict=True)
    return [float(np.linalg.norm(g - h) / np.linalg.norm(h)) for g, h in pairs]


rounding = apart(by_torch(model))
print("relative differences:", *(f"{each:.0e}" for each in rounding))

# %%
# A slip
# ------
# A SiLU, z σ(z), is written by hand for speed. The forward function is right. The backward function
# forgets the product rule: the slope is σ(z) + z σ(z)(1 − σ(z)), not σ(z).


class FastSiLU(torch.autograd.Function):
    """z σ(z), with a wrong derivative."""

    @staticmethod
    def forward(context: object, z: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(z)
        return z * torch.sigmoid(z)

    @staticmethod
    def backward(context: object, da: torch.Tensor) -> torch.Tensor:
        (z,) = context.saved_tensors
        return da * torch.sigmoid(z)


class Fast(nn.Module):
    """The same as a module."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return FastSiLU.apply(z)


model[3] = Fast()
slip = apart(by_torch(model))
print("relative differences:", *(f"{each:.0e}" for each in slip))

# %%
# Where it is
# -----------
# In the pass backward, the last two dense layers come before the slip, and agree. The first two
# come after it, and do not. So the slip is between the second and the third dense layer, in the
# activation there.

places = np.arange(1, len(right) + 1)
figure, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
ax.bar(places - 0.2, rounding, 0.4, color="#0072B2", label="the SiLU of PyTorch")
ax.bar(places + 0.2, slip, 0.4, color="#D55E00", label="the SiLU by hand")
ax.axvline(2.5, color="#666666", linestyle=":")
ax.annotate("the SiLU", (2.5, 1), (5, -2), textcoords="offset points", va="top")
ax.set(yscale="log", ylim=(1e-9, 1.5), xticks=places, xlabel="dense layer, from the input",
       ylabel="relative difference of ∂C/∂W")  # fmt: skip
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)

assert max(rounding) < 1e-5
assert max(slip[2:]) < 1e-5
assert min(slip[:2]) > 1e-2
