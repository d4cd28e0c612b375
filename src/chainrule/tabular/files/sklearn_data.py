"""The tables that scikit-learn ships: `sklearn:iris` and its like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from sklearn import datasets

from chainrule.errors import unknown_name
from chainrule.tabular.files.data_frames import Frame
from chainrule.tabular.table_error import TableError

LOADERS: dict[str, Callable[[], Any]] = {
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
    "digits": datasets.load_digits,
    "iris": datasets.load_iris,
    "wine": datasets.load_wine,
}


def shipped(name: str) -> Frame:
    """Return a table that scikit-learn ships, classes by their names, as the column `target`.

    Raises TableError for a name that is none of them.

    >>> shipped("sklearn:iris").columns[-1]
    'target'
    """
    short = name.partition(":")[2]
    if short not in LOADERS:
        raise TableError(str(unknown_name("table of scikit-learn", short, LOADERS)))
    bunch = LOADERS[short]()
    classes = getattr(bunch, "target_names", None)
    target = bunch.target if classes is None else np.asarray(classes)[bunch.target]
    frame = pl.DataFrame(bunch.data, schema=list(bunch.feature_names))
    return Frame(name, frame.with_columns(pl.Series("target", target)))
