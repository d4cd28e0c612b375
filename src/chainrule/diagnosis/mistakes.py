"""The catalogue of mistakes and conventions: each is one row, and changes the rules at one seam.

The commonest come first, for so they are named. A row whose change returns None does not apply to
the network. What several rows give alike, such as ½ and the mean over two outputs, no figure can
tell apart: all of them are named.
"""

from __future__ import annotations

from chainrule.diagnosis.mistake import Mistake
from chainrule.diagnosis.pass_mistakes import PASS_MISTAKES
from chainrule.diagnosis.procedure_mistakes import PROCEDURE_MISTAKES

MISTAKES: dict[str, Mistake] = {row.name: row for row in (*PASS_MISTAKES, *PROCEDURE_MISTAKES)}
"""The rows by their names, the commonest first."""
