"""Tables: read from files and written to them, what their columns are, how they become numbers."""

from chainrule.tables.errors import TableError
from chainrule.tables.source import CHUNK, Source
from chainrule.tables.sources import open_source
from chainrule.tables.writing import Sink, open_sink

__all__ = ["CHUNK", "Sink", "Source", "TableError", "open_sink", "open_source"]
