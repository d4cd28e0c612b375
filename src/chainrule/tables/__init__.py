"""Tables: read from files and written to them, what their columns are, how they become numbers."""

from chainrule.reading import Reading
from chainrule.tables.columns import decide
from chainrule.tables.decisions import Decision
from chainrule.tables.errors import TableError
from chainrule.tables.finding import Wanted, find_forms
from chainrule.tables.forms import Forms
from chainrule.tables.notes import Notes
from chainrule.tables.preparing import Preparation, fit_preparation
from chainrule.tables.source import CHUNK, Source
from chainrule.tables.sources import open_source
from chainrule.tables.survey import Survey, survey, with_target
from chainrule.tables.targets import Target, fit_target, target_from_data
from chainrule.tables.writing import Sink, open_sink

__all__ = [
    "CHUNK",
    "Decision",
    "Forms",
    "Notes",
    "Preparation",
    "Reading",
    "Sink",
    "Source",
    "Survey",
    "TableError",
    "Target",
    "Wanted",
    "decide",
    "find_forms",
    "fit_preparation",
    "fit_target",
    "open_sink",
    "open_source",
    "survey",
    "target_from_data",
    "with_target",
]
