"""What formulas are made of in each format, with $1, $2 for what is put in."""

from __future__ import annotations

import re
from typing import Any

from chainrule.explanation.notation import Name
from chainrule.explanation.writer import Writer, WrittenCase


def shapes(writer: Writer) -> dict[str, Any]:
    """Return the shapes of a format.

    >>> from chainrule.explanation.text import Text
    >>> shapes(Text())["minus"]
    '−$1'
    """
    one, two, three = "$1", "$2", "$3"
    case = WrittenCase(one, two, "$4", three)
    return {
        "number": writer.number(one),
        "letter": writer.number("∞").replace("∞", one),
        "minus": writer.minus(one),
        "plus": writer.further(one, taken=False),
        "less": writer.further(one, taken=True),
        "product": writer.product([one, two]),
        "quotient": writer.quotient(one, two),
        "half": writer.quotient("1", "2"),
        "power": writer.power(one, two),
        "call": writer.call("f", [one]),
        "calls": writer.call("f", [one, two]),
        "abs": writer.call("abs", [one]),
        "sqrt": writer.call("sqrt", [one]),
        "exp": writer.power("e", one),
        "brackets": writer.brackets(one),
        "ratio": writer.ratio(one, two),
        "cases": _cases(writer, case),
        "condition": writer.cases([WrittenCase("", two, "$4", three)]),
        "code": writer.name(Name(one, code=True)),
        "words": writer.name(Name("$1 $2")).replace("$1 $2", one),
    }


def _cases(writer: Writer, case: WrittenCase) -> list[str]:
    """What stands before rows of cases, a row, what stands between rows and behind them."""
    one, two = (writer.cases([case] * count) for count in (1, 2))
    found = re.search("<mtr>.*</mtr>", one)
    row = found[0] if found else one
    before, _, after = one.partition(row)
    between = two[len(before + row) : len(two) - len(row + after)]
    return [before, row, between, after]
