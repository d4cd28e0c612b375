r"""A loss of several heads: the sum of losses, each of some of the outputs.

a, y   (n, o)   activation and target; head h has columns of its own, side by side with others'
xp              the array library of a
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from chainrule.errors import check_whole, shown
from chainrule.loss_row import Head, Loss
from chainrule.targets import HeadTarget
from chainrule.trees import Array

EXAMPLE = "heads(half_squared_error: 1, cross_entropy: 3)"
_NAME = re.compile(r"\s*heads\s*(?:\((.*)\)\s*)?", re.DOTALL)
_BETWEEN_PARTS = re.compile(r",(?![^()]*\))")


def parts_of(text: str) -> list[tuple[str, int]] | None:
    """Return the losses and numbers of outputs that a full name tells; None where it has no heads.

    >>> parts_of("heads(quantile(0.1, 0.9): 2, cross_entropy: 3)")
    [('quantile(0.1, 0.9)', 2), ('cross_entropy', 3)]
    """
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    found = []
    for part in _BETWEEN_PARTS.split(match[1] or ""):
        name, colon, outputs = part.rpartition(":")
        if not (colon and name.strip() and outputs.strip().isdecimal()):
            raise ValueError(
                f"loss {text!r} must name each head's loss and the number of its outputs, as in "
                f"{EXAMPLE!r}"
            )
        found.append((name.strip(), int(outputs)))
    return found


def checked(part: Any, find: Callable[[Any], Loss]) -> tuple[Loss, int]:
    """Return a head's loss, as `find` finds it, and the number of its outputs, or raise.

    >>> checked(("huber", 2), cr.losses.loss)[1]
    2
    """
    if not (isinstance(part, tuple) and len(part) == 2):
        raise TypeError(
            "heads: each must be a loss and the number of its outputs, such as "
            f"('half_squared_error', 1), got {shown(part)}"
        )
    loss, outputs = find(part[0]), check_whole(f"heads: outputs of {part[0]}", part[1], least=1)
    if loss.parts:
        raise ValueError(f"heads: {str(loss)!r} has heads itself: put them beside the others")
    if outputs % loss.group:
        raise ValueError(
            f"heads: loss {str(loss)!r} expects a multiple of {loss.group} outputs, got {outputs}"
        )
    return loss, outputs


@functools.cache
def joined(parts: tuple[tuple[Loss, int], ...]) -> Loss:
    """Return the loss of heads that are checked; the table has one of each name.

    >>> joined(((cr.losses.loss("huber"), 1), (cr.losses.loss("huber"), 1))).group
    2
    """
    if not parts:
        raise ValueError(f"heads: give each head's loss and outputs, such as {EXAMPLE!r}")
    heads: list[Head] = []
    for loss, outputs in parts:
        heads.append(Head(loss, heads[-1].end if heads else 0, outputs))
    links = dict.fromkeys(loss.link_name for loss, _ in parts if loss.link_name)
    return Loss(
        f"heads({', '.join(f'{loss}: {outputs}' for loss, outputs in parts)})",
        value=lambda a, y, xp: _beside([h.loss.value(h.of(a), h.of(y), xp) for h in heads], xp),
        grad=lambda a, y, xp: _beside([h.loss.grad(h.of(a), h.of(y), xp) for h in heads], xp),
        link=lambda a, xp: _beside([h.loss.link(h.of(a), xp) for h in heads], xp),
        link_name=" and ".join(links),
        latex=_latex(heads),
        dlatex=_dlatex(heads),
        target=tuple(HeadTarget(str(h.loss), str(h.loss.target), h.outputs) for h in heads),
        kink=_kink(heads),
        group=heads[-1].end,
        parts=tuple(heads),
        check=False,
    )


def _beside(each: list[Array], xp: Any) -> Array:
    return xp.concat(each, axis=1)


def _kink(heads: list[Head]) -> Callable[[Array, Array, Any], Array] | None:
    if not any(head.loss.kink for head in heads):
        return None

    def of(head: Head, a: Array, y: Array, xp: Any) -> Array:
        own = head.loss.kink
        return own(head.of(a), head.of(y), xp) if own else xp.ones_like(head.of(a))

    return lambda a, y, xp: _beside([of(head, a, y, xp) for head in heads], xp)


def _latex(heads: list[Head]) -> str:
    """The sum of the heads' losses, each with the outputs over which its own sum goes."""
    whole = " + ".join(f"L_{{{k}}}" for k in range(1, len(heads) + 1))
    each = (rf"L_{{{k}}} = {h.loss.latex},\ {_range(h)}" for k, h in enumerate(heads, start=1))
    return r",\quad ".join([whole, *each])


def _dlatex(heads: list[Head]) -> str:
    rows = r" \\ ".join(rf"{h.loss.dlatex} & {_range(h)}" for h in heads)
    return rf"\begin{{cases}} {rows} \end{{cases}}"


def _range(head: Head) -> str:
    """The numbers of a head's outputs, from 1, in LaTeX."""
    first, last = head.first + 1, head.end
    return f"j = {first}" if first == last else rf"{first} \le j \le {last}"
