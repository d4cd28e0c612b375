"""How tables are read and decided on, as the page is told: the rules of `chainrule.tabular`."""

from __future__ import annotations

import re
from typing import Any

from chainrule.tabular.columns import row_names
from chainrule.tabular.columns.category_limits import FEW_CLASSES, MAX_CATEGORIES, ROWS_EACH
from chainrule.tabular.encoding.held_outliers import LIMIT, SOFT
from chainrule.tabular.formats.date_parts import COMPACT, ISO, TIDIED, TOKENS
from chainrule.tabular.formats.missing_words import IN_NUMBERS, IN_TEXT
from chainrule.tabular.formats.number_signs import CURRENCIES, PAIRS, POINTED, SPELLED, YEARS
from chainrule.tabular.formats.text_sizes import CHARACTERS, OF_A_WORD, SIZES


def table_rules() -> dict[str, Any]:
    """Return which words mean no value, how numbers and dates are written, what columns become.

    >>> rules = table_rules()
    >>> "NA" in rules["text"], "-" in rules["numbers"], rules["most_words"]
    (True, True, 100)
    """
    tidied = [(pattern, re.sub(r"\$\{(\d)\}", r"$\1", put)) for pattern, put in TIDIED]
    return {
        "dates": {"tokens": TOKENS, "compact": COMPACT, "tidied": tidied, "iso": [*ISO]},
        "texts": {"characters": CHARACTERS, "of_a_word": OF_A_WORD, "sizes": [*SIZES]},
        "held": {"soft": SOFT, "limit": LIMIT},
        "text": [*IN_TEXT],
        "numbers": [*IN_NUMBERS],
        "pairs": [*PAIRS],
        "spelled": SPELLED,
        "currencies": CURRENCIES,
        "pointed": [*POINTED],
        "years": [YEARS.start, YEARS.stop],
        "few": FEW_CLASSES,
        "rows_each": ROWS_EACH,
        "most_words": MAX_CATEGORIES,
        "different": row_names.IDENTIFIER,
        "again": row_names.AGAIN,
        "some_rows": row_names.ROWS,
        "row_names": {
            "id": _pattern(row_names.ID),
            "camel_id": _pattern(row_names.CAMEL_ID),
            "rank": _pattern(row_names.RANK),
            "index": _pattern(row_names.INDEX, whole=True),
            "counter": _pattern(row_names.COUNTER, whole=True),
            "nameless": _pattern(row_names.NAMELESS, whole=True),
            "of_r": {name: sorted(others) for name, others in row_names.OF_R.items()},
        },
    }


def _pattern(pattern: re.Pattern[str], *, whole: bool = False) -> list[str]:
    """A pattern and its flags, as JavaScript has them.

    >>> _pattern(re.compile("a|b", re.IGNORECASE), whole=True)
    ['^(?:a|b)$', 'i']
    """
    source = f"^(?:{pattern.pattern})$" if whole else pattern.pattern
    return [source, "i" * bool(pattern.flags & re.IGNORECASE)]
