"""
Sheets for a class
==================

A step of backpropagation to work by hand, with different numbers for everyone in a class, and a
key. Wrong answers are compared with a catalogue of mistakes: which mistake gives every digit?

On the command line these are ``chainrule worksheet`` and ``chainrule find-mistake``.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.explanation.worksheet import draw, worksheet

# %%
# A sheet
# -------
# The network is that of the tutorials: two inputs, two hidden units, two outputs. The numbers
# follow from the seed, are short, and give gradients that are not too small.

sheet = worksheet([2, 2, 2], seed=1)
sheet

# %%
# The end of its key:

print(*sheet.text(key=True).splitlines()[-24:], sep="\n")

# %%
# What comes back
# ---------------
# Here the class is a program. Each member computes ∂E/∂w1 and ∂E/∂w5 of their own sheet, to six
# digits; some make a slip.


def worked(seed: int, slip: str) -> dict[str, str]:
    """∂E/∂w1 and ∂E/∂w5 of a sheet, by hand, with a slip."""
    _, params, X, y, rate = draw([2, 2, 2], seed, "sigmoid")
    (first, last), x, target = params, X[0], y[0]
    h = 1 / (1 + np.exp(-(first.W @ x + first.b)))
    o = 1 / (1 + np.exp(-(last.W @ h + last.b)))
    error = target - o if slip == "sign" else o - target
    delta = error * (1 if slip == "slope" else o * (1 - o))
    dlast = np.outer(delta, h)
    back = last.W - rate * dlast if slip == "order" else last.W
    dh = delta @ (back.T if slip == "transposed" else back)
    dfirst = np.outer(dh * h * (1 - h), x)
    return {"w1": f"{dfirst[0, 0]:.6g}", "w5": f"{dlast[0, 0]:.6g}"}


SLIPS = ("", "", "sign", "", "slope", "order", "", "transposed")
answers = {seed: worked(seed, slip) for seed, slip in enumerate(SLIPS, start=1)}

# %%
# Marked
# ------
# For each wrong sheet, the mistakes that give both figures to the last digit are named.

marks = {}
for seed, figures in answers.items():
    net, params, X, y, rate = draw([2, 2, 2], seed, "sigmoid")
    marks[seed] = cr.find_mistake(net, params, X, y, figures, optimizer=cr.SGD(rate))
    told = "right" if marks[seed].right else "; or ".join(map(" and ".join, marks[seed].names))
    print(f"sheet {seed}: {told}")

# %%
# The full answer for one pupil:

print(marks[6].text())

# %%
# Eight sheets, eight problems
# ----------------------------
# The right figures differ from sheet to sheet, so nobody can copy. Crosses are the answers given.

figure, ax = plt.subplots(figsize=(8.5, 4.2), layout="constrained")
for name, colour, shift in (("w1", "#0072B2", -0.12), ("w5", "#D55E00", 0.12)):
    for k, (seed, mark) in enumerate(marks.items()):
        found = next(each for each in mark.figures if each.name == name)
        ax.plot(seed + shift, found.right, "o", color=colour, markersize=9, fillstyle="none",
                label=f"∂E/∂{name}, the key" if k == 0 else None)  # fmt: skip
        ax.plot(seed + shift, float(found.printed), "x", color=colour,
                label=f"∂E/∂{name}, what came back" if k == 0 else None)  # fmt: skip
ax.axhline(0, color="#999999", linewidth=0.8)
ax.set_xticks([*marks], [f"sheet {k}\n{'right' if m.right else 'wrong'}" for k, m in marks.items()])
ax.set_ylabel("derivative")
ax.legend(frameon=False, ncols=2, loc="lower center", bbox_to_anchor=(0.5, 1))
ax.spines[["top", "right"]].set_visible(False)

assert [mark.right for mark in marks.values()] == [slip == "" for slip in SLIPS]
assert all(mark.right or mark.findings for mark in marks.values())
