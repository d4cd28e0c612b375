"""How the two halves were drawn: the seen one, for whoever writes rules, and the unseen one.

Of each sickness one half of its cases, in a random order, is seen; of an odd number, the odd one is
now and then. The files hold what was drawn; a test draws again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np

SEED = 2026


def drawn(cases: Iterable[tuple[str, str]]) -> set[str]:
    """Return the names that are seen, of pairs of a name and its sickness.

    >>> len(drawn([("a", "x"), ("b", "x"), ("c", "y"), ("d", "y")]))
    2
    """
    rng, kinds, seen = np.random.default_rng(SEED), defaultdict(list), set()
    for name, sickness in sorted(cases):
        kinds[sickness].append(name)
    for _, names in sorted(kinds.items()):
        half = (len(names) + int(rng.integers(2))) // 2
        seen.update(names[k] for k in rng.permutation(len(names))[:half])
    return seen
