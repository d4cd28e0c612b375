"""Tables in a text, of Markdown or of LaTeX: which figures stand below or beside which names.

A header, or the first cell of a row, that is a name gives its quantity to the figures below or
beside it; beside names, only columns are read whose header says that they hold values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chainrule.diagnosis.text_marks import EDGE, END, PARAGRAPH, ROW, TABLE
from chainrule.diagnosis.text_names import Symbol, ratio
from chainrule.diagnosis.text_scopes import Scope
from chainrule.diagnosis.text_statements import Statement, Statements
from chainrule.diagnosis.text_tokens import Token, after
from chainrule.explanation.notation import COST, Key

VALUES = re.compile(
    r"(?:the )?(?:printed|values?|figures?|numbers?|results?|recomputed|computed|right|exact|"
    r"before|old|initial|start|forward)?(?: (?:values?|figures?|pass|update|numbers?))?"
    r"(?: in the \w+)?",
    re.IGNORECASE,
)
"""The headers of columns that hold the values of what stands before."""

NEW = re.compile(r"(?:after|new|updated)(?: (?:the )?(?:update|values?|weights?|step))?", re.I)
SLOPES = re.compile(r"(?:gradients?|derivatives?)(?: (?:of|by) \w+)?", re.IGNORECASE)

_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$", re.MULTILINE)


class Cell(NamedTuple):
    """A cell: its tokens but for what stands around, and where it begins."""

    tokens: tuple[Token, ...]
    text: str
    start: int

    @property
    def symbol(self) -> Symbol | None:
        """The name that it is, if it is one."""
        lone = len(self.tokens) == 1 and self.tokens[0].kind == "name"
        return self.tokens[0].symbol if lone else None


Rows = list[list[Cell]]


def tables(statements: Statements) -> Iterator[tuple[int, int, list[Statement]]]:
    """Yield where each table begins and ends, and what it states.

    Parameters
    ----------
    statements
        What finds the statements of the text.
    """
    text = statements.text
    for start, end, rows in (*_of_latex(text), *_of_markdown(text)):
        cells = [[_cell(statements, a, b) for a, b in row] for row in rows]
        yield start, end, list(_stated(statements, cells))


def _of_latex(text: str) -> Iterator[tuple[int, int, list[list[tuple[int, int]]]]]:
    for found in re.finditer(f"{TABLE}([^{TABLE}{END}]*){END}", text):
        rows = _parts(text, found.start(1), found.end(1), ROW)
        yield found.start(), found.end(), [list(_parts(text, *row, "&")) for row in rows]


def _of_markdown(text: str) -> Iterator[tuple[int, int, list[list[tuple[int, int]]]]]:
    lines = list(_parts(text, 0, len(text), "\n"))
    k = 1
    while k < len(lines):
        if "|" not in text[slice(*lines[k])] or not _RULE.fullmatch(text[slice(*lines[k])]):
            k += 1
            continue
        last = k
        while last + 1 < len(lines) and "|" in text[slice(*lines[last + 1])]:
            last += 1
        rows = [_row(text, *line) for line in (lines[k - 1], *lines[k + 1 : last + 1])]
        yield lines[k - 1][0], lines[last][1], rows
        k = last + 1


def _row(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The cells of a line, without the bars at its ends."""
    while start < end and text[start] in " \t" + PARAGRAPH:
        start += 1
    while end > start and text[end - 1] in " \t" + PARAGRAPH:
        end -= 1
    start += text[start : start + 1] == "|"
    end -= end > start and text[end - 1] == "|"
    return list(_parts(text, start, end, "|"))


def _parts(text: str, start: int, end: int, mark: str) -> Iterator[tuple[int, int]]:
    while (stop := text.find(mark, start, end)) >= 0:
        yield start, stop
        start = stop + 1
    yield start, end


def _cell(statements: Statements, start: int, end: int) -> Cell:
    tokens = [t for t in statements.tokens.of(statements.text, start, end) if t.kind != "soft"]
    inner = statements.text[start:end].strip(" \n\t" + EDGE + PARAGRAPH)
    return Cell(tuple(tokens), re.sub(rf"[{EDGE}\n ]+", " ", inner), start)


class Column(NamedTuple):
    """What a header says: a quantity, that it holds values of those beside, or neither."""

    symbol: Symbol | None
    kind: str
    scope: Scope


def _stated(statements: Statements, rows: Rows) -> Iterator[Statement]:
    if not rows:
        return
    head = [_column(statements, cell) for cell in rows[0]]
    for cells in rows[1:]:
        named = next((k for k, cell in enumerate(cells) if cell.symbol), None)
        example = _numbered_example(rows[0], cells)
        for k, (cell, column) in enumerate(zip(cells, head, strict=False)):
            if any(t.kind == "=" for t in cell.tokens):
                yield from statements.of_run(cell.tokens, column.scope)
                continue
            figure, sign = _figure_of(cell)
            if figure is None or k == named or (k == 0 and example is not None):
                continue
            beside = cells[named].symbol if named is not None else None
            scope = column.scope if example is None else column.scope._replace(example=example)
            symbol = _meant(column, beside)
            symbols = (symbol,) if symbol else ()
            yield Statement(symbols, (), figure, sign, cell.start, scope)


def _column(statements: Statements, cell: Cell) -> Column:
    scope = statements.scopes.at(cell.start, cell.text)
    names = [t.symbol for t in cell.tokens if t.kind == "name"]
    words = cell.text.strip(" .:*")
    if len(names) == 1 and names[0] and (len(cell.tokens) == 1 or scope.after is not None):
        return Column(names[0], "name", scope)
    if names:
        return Column(None, "other", scope)
    for kind, pattern in (("value", VALUES), ("new", NEW), ("slope", SLOPES)):
        if pattern.fullmatch(words):
            return Column(None, kind, scope)
    return Column(
        None, {"net": "z", "z": "z", "out": "a", "a": "a", "δ": "delta"}.get(words, "other"), scope
    )


def _meant(column: Column, beside: Symbol | None) -> Symbol | None:
    """The quantity of a cell, by the name above it or beside it."""
    if column.symbol or beside is None:
        return column.symbol if beside is None else None
    key = beside.keys[0]
    match column.kind:
        case "value":
            return beside
        case "new":
            return beside if beside.after else after(beside)
        case "slope" if key.kind not in "dC":
            return ratio(Symbol("E", (COST,)), beside)
    if key.kind != "a" or column.kind not in ("z", "a", "delta"):
        return None
    words = {"z": "net", "a": "out", "delta": "δ"}
    return Symbol(f"{words[column.kind]}_{beside.shown}", (Key(column.kind, key.layer, key.unit),))


def _numbered_example(head: Sequence[Cell], cells: Sequence[Cell]) -> int | None:
    """The example of a row whose first cell, below "example", is its number."""
    if not (head and cells and re.fullmatch(r"examples?|row", head[0].text, re.IGNORECASE)):
        return None
    number = cells[0].text
    return int(number) if number.isdecimal() and len(number) < 10 else None


def _figure_of(cell: Cell) -> tuple[Token | None, str]:
    tokens = list(cell.tokens)
    sign = ""
    if len(tokens) == 2 and tokens[0].text in "+-":
        sign = "-" if tokens.pop(0).text == "-" else ""
    return (tokens[0], sign) if len(tokens) == 1 and tokens[0].kind == "number" else (None, "")
