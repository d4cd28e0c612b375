"""Random tables of all kinds of column."""

import datetime

import polars as pl
from hypothesis import strategies as st

from chainrule.tabular.columns.column_decisions import decide
from chainrule.tabular.columns.find_formats import Wanted, find_formats, roles_of
from chainrule.tabular.columns.survey import survey
from chainrule.tabular.encoding.preparation import fit_preparation

FLOATS = st.floats(width=64) | st.sampled_from([0.0, -0.0, 1.0, 2.0, 1e300, -1e300, 5e-324])
MOMENTS = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1))
SAID = (
    "an",
    "old",
    "dark",
    "hall",
    "with",
    "two",
    "quite",
    "small",
    "rooms",
    "and",
    "three",
    "lofts",
)
COLUMNS = {
    "fraction": (pl.Float64, FLOATS),
    "single": (pl.Float32, st.floats(width=32)),
    "integer": (pl.Int64, st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)),
    "byte": (pl.UInt8, st.integers(0, 255)),
    "flag": (pl.Boolean, st.booleans()),
    "word": (pl.String, st.sampled_from(["low", "mid", "high", ""]) | st.text(max_size=3)),
    "remark": (pl.String, st.lists(st.sampled_from(SAID), max_size=8).map(" ".join)),
    "figure": (pl.String, st.integers(0, 99).map(str) | st.just("none")),
    "shop_id": (pl.Int32, st.integers(0, 3)),
    "kind": (pl.Categorical, st.sampled_from("abc")),
    "day": (pl.Date, MOMENTS.map(datetime.datetime.date)),
    "moment": (pl.Datetime("us"), MOMENTS),
    "when": (pl.String, MOMENTS.map(datetime.datetime.isoformat)),
    "list": (pl.List(pl.Int64), st.lists(st.integers(0, 3), max_size=2)),
}
"""Names of columns, with their types and values."""


@st.composite
def frames(draw, kinds=tuple(COLUMNS), least=1):
    """A table of some of these columns, with nulls here and there."""
    names = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=5, unique=True))
    height = draw(st.integers(least, 40))
    series = []
    for name in names:
        dtype, values = COLUMNS[name]
        values = draw(st.sampled_from([values, values | st.none()]))
        drawn = draw(st.lists(values, min_size=height, max_size=height))
        series.append(pl.Series(name, drawn, dtype=dtype))
    return pl.DataFrame(series)


def forms_of(frame, target=None, reading=None, *, typed=True, pointed=True, time=None, **options):
    """How a frame's columns are read."""
    roles = roles_of(target, **options)
    more = {} if reading is None else {"reading": reading}
    wanted = Wanted(roles, time, typed=typed, pointed=pointed, **more)
    return find_formats(frame.schema, lambda names: iter([frame.select(names)]), wanted)


def surveyed(frame, target=None, **options):
    """The survey of a frame, its text read by its forms."""
    return survey([frame], target, forms_of(frame, target, **options))


class Prepared:
    """A preparation, and the forms by which columns come to it."""

    def __init__(self, frame, **options):
        self.forms = forms_of(frame, **options)
        found = survey([frame], None, self.forms)
        self.preparation = fit_preparation(found, decide(found, **options))

    def transform(self, frame, notes=None, *, first=1):
        return self.preparation.transform(
            self.forms.read_new(frame, notes, first=first), notes, first=first
        )

    def __getattr__(self, name):
        return getattr(self.preparation, name)
