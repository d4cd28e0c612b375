"""Tables in the playground are read and decided on as `chainrule train` reads the same bytes."""

import base64
import csv
import io
import math

import numpy as np
import pytest

from chainrule.playground.start_state import of_table
from chainrule.tabular.files.open_source import open_source
from chainrule.tabular.formats.missing_words import IN_NUMBERS
from chainrule.tabular.surveyed_table import row_reader, survey_table
from chainrule.tabular.table_error import TableError
from chainrule.tabular.training_options import Options
from playground_data import read
from wasm_cases import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="there is no Node")

ROLES = {"number": "x", "category": "x", "left out": "out", "date": "out"}
TASKS = {"classification": "classes", "regression": "quantity"}


def as_python_reads(path):
    """What training makes of a file whose last column is the target, or None where it refuses it.

    Whether each column enters, is a number, or is left out; its numbers; and what the target is.
    """
    options = Options()
    try:
        source = open_source(str(path))
        frames, _ = row_reader(source, options)
        target = source.columns[-1]
        found = survey_table(source, frames, target, options, ())
    except TableError:
        return None
    whole = found.forms.read(source.whole())
    uses, numbers = {}, {}
    for each in found.decisions:
        uses[each.column] = ROLES.get(each.role, "y")
        if each.role == "number" or each.task == "regression":
            values = whole[each.column].cast(float).to_numpy()
            numbers[each.column] = np.where(np.isfinite(values), values, math.nan)
    task = next(each.task for each in found.decisions if each.column == target)
    return len(whole), uses, numbers, TASKS[task]


def as_the_page_reads(found):
    uses = {
        own["name"]: "y" if own["name"] == found["y"] else found["uses"][own["name"]]
        for own in found["columns"]
    }
    numbers = {
        own["name"]: [float(x) for x in own["numbers"]]
        for own in found["columns"]
        if own["kind"] == "numbers"
    }
    return found["n"], uses, numbers, found["kind"]


def compare(tmp_path, tables):
    """Both readers of some tables; where Python refuses one, the page says something.

    Returns how many Python takes.
    """
    texts = [base64.b64encode(text).decode() for text in tables.values()]
    taken = 0
    for (name, text), found in zip(tables.items(), read("readings", texts), strict=True):
        path = tmp_path / "table.csv"
        path.write_bytes(text)
        expected = as_python_reads(path)
        if expected is None:
            said = "word" in found or found["said"] or any("why" in c for c in found["columns"])
            assert said, (name, found)
            continue
        taken += 1
        assert "word" not in found, (name, found)
        n, uses, numbers, kind = as_the_page_reads(found)
        assert (n, uses, kind) == (expected[0], expected[1], expected[3]), (name, found["columns"])
        for column, values in expected[2].items():
            np.testing.assert_allclose(
                numbers[column], values, rtol=1e-15, err_msg=f"{name} {column}"
            )
    return taken


X = np.random.default_rng(1).normal(size=60).round(3)
LABELS = ["p", "q", "r"]


def text_of(cell, head="own", y=lambda k: LABELS[k % 3], n=60):
    """A table with a column of numbers, one of one's own, and the target."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["x", head, "y"])
    writer.writerows([X[k], cell(k), y(k)] for k in range(n))
    return file.getvalue()


def of(*cells, **more):
    return text_of(lambda k: cells[k % len(cells)], **more)


PLAIN = text_of(lambda k: k % 7 + 0.5)
BODY = PLAIN.partition("\n")[2]
BROAD = "\n".join(f"{row}," for row in PLAIN.splitlines())
NUMBERED = "\n".join(f"{k or ''},{row}"[not k :] for k, row in enumerate(PLAIN.splitlines()))
GERMAN = PLAIN.replace(",", ";").replace(".", ",")
LAYOUTS = {
    "plain": PLAIN,
    "returns": PLAIN.replace("\n", "\r\n"),
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "decimal commas": GERMAN,
    "blank lines": PLAIN.replace("\n", "\n\n"),
    "blank head": f"\n \n{PLAIN}",
    "title": f"Sales of 2024\n\n{PLAIN}",
    "broad title": f"Sales of 2024,,\n{PLAIN}",
    "comment": f"# by hand\n{PLAIN}",
    "comment with names": f"# {PLAIN}",
    "sep": f"sep=;\n{GERMAN}",
    "no names": BODY,
    "blank names": f",,\n{BODY}",
    "years": PLAIN.replace("x,own", "2019,2020"),
    "names of R": NUMBERED,
    "cells of more": BROAD,
    "names again": PLAIN + PLAIN,
    "marks again": f"{PLAIN}\ufeff{PLAIN}",
    "two of a name": PLAIN.replace("own", "x"),
    "a number as name": PLAIN.replace("own", "1"),
    "odd rows": PLAIN.replace("0.5,", "0.5,,"),
    "quotes": "\n".join(",".join(f'"{c}"' for c in row.split(",")) for row in PLAIN.splitlines()),
    "one column": "x\n1\n2\n",
    "names alone": "x,y\n",
    "nothing": "",
    "no text": "a,b\n1,\0\n2,3\n",
}
COLUMNS = {
    "constant": of(5),
    "constant, written in two ways": of("5", "5.0"),
    "empty": of(""),
    "constant or missing": of(5, "", 5),
    "numbered": text_of(lambda k: k, "foo"),
    "id": text_of(lambda k: k * k, "user_id"),
    "shop": of(1, 2, 3, head="shopId"),
    "shuffled": text_of(lambda k: k * 7 % 60),
    "nr": text_of(lambda k: k * k, "Nr."),
    "rank": text_of(lambda k: k * 7 % 60, "rank"),
    "names": text_of(lambda k: f"n {k}"),
    "index": text_of(lambda k: k // 2, "Unnamed: 0"),
    "R": text_of(lambda k: k + k // 9, "X"),
    "21 words": text_of(lambda k: f"c{k % 21}"),
    "codes": of("007", "012", "123"),
    "long": of("1234567890123456789", "2234567890123456789"),
    "dates": of("2024-01-31", "2024-12-01"),
    "days first": of("31.12.2024", "1.2.2024"),
    "months": of("Jan 5, 2024", "Feb 17, 2023"),
    "moments": of("2024-01-31T12:30:00", "2024-02-29 01:00:00"),
    "truth": of("true", "false"),
    "digits": text_of(lambda k: 20240101 + k % 28),
    "times": text_of(lambda k: f"{k % 24}:{k:02d}"),
    "versions": of("1.2.3", "1.2.4", "2.0.0"),
    "hex": of("0x10", "0xff"),
    "under": of("1_000", "2_000"),
    "infinite": of("inf", "-Infinity", "1.5", "2"),
    "too large": of("1e400", "1e300", "2"),
    "a typo": text_of(lambda k: "12x" if k == 7 else k + 0.5),
    "names and HTML": of("<b>", "<i>"),
    "typos": text_of(lambda k: "foo" if k % 6 == 0 else k + 0.5),
    "lone commas": of("1,234", "2,345", "3,450"),
    "powers": of("1e3", "2,5", "3"),
    "powers and commas": of("1,5e3", "2,5", "3"),
    "zero": of("-0", "0", "1"),
    "a name of JavaScript": text_of(lambda k: k * k, "constructor"),
}
TARGETS = {
    **{
        f"{n} of {most}": text_of(lambda k: X[k % 60], y=lambda k, most=most: k % most, n=n)
        for n, most in ((60, 2), (60, 3), (60, 4))
    },
    "one": of(1, 2, y=lambda k: "p"),
    "one number": of(1, 2, y=lambda k: 3.5),
    "single": of(1.5, 2, y=lambda k: "pq"[k == 3]),
    "fractions": of(1.5, 2, y=lambda k: k / 4),
    "two fractions": of(1.5, 2, y=lambda k: k % 2 / 2),
    "missing": of(1.5, 2, y=lambda k: ("NA", "p", "q")[k % 3]),
    "missing numbers": of(1.5, 2, y=lambda k: "-" if k % 5 == 0 else k / 4),
    "$": of(1.5, 2, y=lambda k: f"${k}.50"),
    "words and numbers": of(1.5, 2, y=lambda k: ("p", "q", "7")[k % 3]),
    "codes": of(1.5, 2, y=lambda k: ("01", "02")[k % 2]),
    "an input": of(1.5, 2, y=lambda k: X[k]),
    "truths": of(1.5, 2, y=lambda k: ("true", "false")[k % 2]),
}
ENCODED = {
    **{name: PLAIN.encode(name) for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig")},
    "latin-1": of("grün", "weiß").encode("latin-1"),
    "a workbook": b"PK\3\4\0\0" + bytes(range(256)),
}


@pytest.mark.parametrize(
    "tables", [LAYOUTS, COLUMNS, TARGETS], ids=["layouts", "columns", "targets"]
)
def test_tables_are_read_as_in_training(tmp_path, tables):
    taken = compare(tmp_path, {name: text.encode() for name, text in tables.items()})
    assert taken > len(tables) / 2


def test_encodings_are_those_of_training(tmp_path):
    assert compare(tmp_path, ENCODED) == 4


def test_words_that_mean_no_value_are_those_of_training(tmp_path):
    words = {
        f"{word} {rest[0]}": of(word, *rest).encode()
        for word in IN_NUMBERS
        for rest in ((1.5, 2, 3.5), ("red", "blue", "green"))
    }
    assert compare(tmp_path, words) == len(words)


# Numbers in any dress, drawn

DECIMALS = {".": ("", ",", "'", " ", "\u202f"), ",": ("", ".", "’", " ")}


def written(rng, number, decimal, thousands, unit, digits):
    """A number as people write it."""
    text = (
        f"{abs(number):,.{digits}f}".replace(",", "t").replace(".", decimal).replace("t", thousands)
    )
    dress = {"": "{}", "%": "{}%", "€": "{} €"}.get(unit, unit + "{}")
    signs = ("-{}", "({})", "−{}") if unit != "€" else ("-{}",)
    return (signs[rng.integers(len(signs))] if number < 0 else "{}").format(dress.format(text))


def drawn_table(rng):
    """A table of columns in a dress each, with the same decimal sign for most."""
    delimiter, n = rng.choice([",", ";", "\t", "|"]), 40
    usual = rng.choice([*DECIMALS])
    columns = []
    for _ in range(rng.integers(1, 5)):
        decimal = usual if rng.random() < 0.8 else rng.choice([*DECIMALS])
        thousands = rng.choice(DECIMALS[decimal])
        unit = rng.choice(["", "", "", "$", "€", "%", "CHF "])
        digits, size = rng.integers(0, 4), 10.0 ** rng.integers(0, 6)
        numbers = rng.normal(0 if rng.random() < 0.3 else 3, 1, n) * size
        cells = [written(rng, x, decimal, thousands, unit, digits) for x in numbers]
        for word in rng.choice(["", "NA", "-", "n.d.", "oops", "inf"], rng.integers(0, 3)):
            cells[rng.integers(n)] = str(word)
        columns.append(cells)
    file = io.StringIO()
    writer = csv.writer(file, delimiter=str(delimiter), lineterminator="\n")
    writer.writerow([*(f"c{k}" for k in range(len(columns))), "y"])
    writer.writerows([*row, LABELS[k % 2]] for k, row in enumerate(zip(*columns, strict=True)))
    return file.getvalue().encode()


def test_numbers_in_any_dress_are_those_of_training(tmp_path):
    rng = np.random.default_rng(7)
    assert compare(tmp_path, {f"table {k}": drawn_table(rng) for k in range(60)}) > 20


def test_a_command_keeps_what_a_point_means(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("x;y\n1.234;p\n2.345;q\n", encoding="utf-8")
    assert as_python_reads(path) is None
    text = of_table(open_source(str(path)))["table"]["text"]
    [found] = read("readings", [base64.b64encode(text.encode()).decode()])
    assert found["columns"][0]["why"][0] == "column.two_ways"
