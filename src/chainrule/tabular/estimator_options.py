"""The options of `train` as the parameters of estimators, and its refusals in their words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from chainrule.tabular.table_error import HOLD_OUT_MORE, TableError
from chainrule.tabular.train_table import OPTIONS
from chainrule.tabular.training_options import Options

Kind = TypeVar("Kind", bound=type)

OF_FILES = ("delimiter", "encoding", "header", "skip_lines", "sheet", "number_duplicates")
OF_THE_CALL = ("task", "weight", "seed", "timeout")
"""The options of `train` that are no parameters: they are of files, or an estimator has its own."""

SOURCE = "The random seed, as `seed` of `cr.train`; None draws another in each fit."

WORDS = {
    "`seed=`": "`random_state=`",
    "`task='classification'`": "`TabularClassifier`",
    "`task='regression'`": "`TabularRegressor`",
    ", or let `number_duplicates=True` do it": "",
}
"""What refusals of `train` advise, and what that is for an estimator."""

WITH_GIVEN_ROWS = {
    f"{HOLD_OUT_MORE}, give more rows": HOLD_OUT_MORE,
    HOLD_OUT_MORE: "give `X_val=` more rows",
    ", or another `seed=`": "",
}
"""The same where the rows held out are given."""


def of_options(*without: str) -> Callable[[Kind], Kind]:
    """Make the options of `train` parameters of an estimator, by their names, defaults and help."""
    taken: dict[str, tuple[Any, str]] = {"random_state": (Options.seed, SOURCE)}
    for each in OPTIONS:
        if each.name not in (*OF_FILES, *OF_THE_CALL, *without):
            default = None if each.default is dataclasses.MISSING else each.default
            taken[each.name] = default, each.metadata["help"]

    def made(kind: Kind) -> Kind:
        for name, (default, _) in taken.items():
            kind.__annotations__[name] = "Any"
            setattr(kind, name, default)
        listed = "\n    ".join(f"{name}\n        {help}" for name, (_, help) in taken.items())
        kind.__doc__ = (kind.__doc__ or "").replace("{parameters}", listed)
        whole: Any = dataclasses.dataclass(eq=False, repr=False, kw_only=True)(kind)
        return cast(Kind, whole)

    return made


@contextmanager
def in_words_of_estimators(*, given_rows: bool = False) -> Iterator[None]:
    """Have refusals of a table advise what an estimator has; perhaps one with rows to hold out.

    >>> with in_words_of_estimators():
    ...     raise TableError("take another `seed=`")
    Traceback (most recent call last):
    ...
    chainrule.TableError: take another `random_state=`
    """
    try:
        yield
    except TableError as error:
        said = str(error)
        for ours, theirs in ((WITH_GIVEN_ROWS if given_rows else {}) | WORDS).items():
            said = said.replace(ours, theirs)
        raise TableError(said) from None
