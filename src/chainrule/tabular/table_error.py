"""How tables are refused."""

from __future__ import annotations

from chainrule.errors import FileContentError


class TableError(FileContentError):
    """A table, or what is asked of it, is not fit for use: one line that says why, and the fix.

    Parameters
    ----------
    message
        That line.

    Examples
    --------
    >>> raise TableError("column 'price' has no values")
    Traceback (most recent call last):
    ...
    chainrule.TableError: column 'price' has no values
    """

    __module__ = "chainrule"  # where users find it


WRITTEN = {
    "number": "; say how numbers are written by `decimal=` or `thousands=`, or by `missing=` "
    "what means none",
    "date": "; say how dates are written by `date_format=`, or by `missing=` what means none",
}
"""What helps where a new table has text that is no number, or no date, as in training."""

HOLD_OUT_MORE = "hold out more by `validation=`"
"""What helps where the rows held out are too few, or all alike."""
