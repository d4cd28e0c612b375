"""What columns that number or name the rows are called, and from how many values on they do."""

from __future__ import annotations

import re

IDENTIFIER = 0.5
"""Where a larger share of the values is different, they name rows, and tell nothing of others."""

AGAIN = 0.05
"""The share that is different in an index of tables put below each other: it begins again."""

ROWS = 12
"""The rows from which numbers that fit the rows one by one are no chance."""

SOME = 10
"""How many times as many rows there may have been as there are."""

ID = re.compile(r"(?:^|[\W_]|^[fgopru]u?|^object)id$", re.IGNORECASE)
CAMEL_ID = re.compile(r"[a-z](?:Id|ID)$")
OF_R = {"X": {"Y", "Z"}, "X1": {"X2"}, "V1": {"V2"}}
"""What R calls the numbers of the rows, and the names beside which it is a quantity."""

INDEX = re.compile(r"|unnamed: \d+[\d.]*|__index_level_\d+__|\.\.\.\d+", re.IGNORECASE)
COUNTER = re.compile(
    r"index|level_\d+|rows?|row[ _.]?names?|rn|x\.\d+|idx|pk|seq|sequence|obs|serial"
    r"|(?:row|sl|sr|s|seq|sequence|obs|observation|record|serial)"
    r"[ _.]*(?:number|num|nummer|nr|no)\.?"
    r"|(?:.*[\W_])?(?:no|nr|key)\.?|num|nummer|n[°º]|№|#",
    re.IGNORECASE,
)
NAMELESS = re.compile(r"column_\d+")
RANK = re.compile(r"rank|position|place", re.IGNORECASE)
"""Names of columns that name or number the rows, and of ranks; pages read these patterns too."""
