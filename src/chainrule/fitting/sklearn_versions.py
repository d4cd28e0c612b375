"""What of scikit-learn differs between its versions from 1.6 on, or is not promised to stay.

Before 1.9 it has no callbacks, and knows no names of the columns of polars' frames; before 1.7 a
notebook shows no layers. No other file imports a name of its that begins with an underscore.
"""

from __future__ import annotations

from typing import Any

from sklearn.utils import _safe_indexing as part_of
from sklearn.utils import estimator_html_repr
from sklearn.utils._array_api import _convert_to_numpy as to_numpy
from sklearn.utils.extmath import _approximate_mode as approximate_mode

try:
    from sklearn.utils._repr_html.estimator import _VisualBlock as VisualBlock
except ModuleNotFoundError:  # before 1.7
    from sklearn.utils._estimator_html_repr import _VisualBlock as VisualBlock

FROM_1_9 = True

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ModuleNotFoundError:  # which 1.9 brings
    FROM_1_9 = False

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing to support.

        >>> issubclass(cr.MLPClassifier, CallbackSupportMixin)
        True
        """

    def with_callbacks(fit: Any) -> Any:
        """Return the method as it is.

        >>> with_callbacks(print) is print
        True
        """
        return fit


__all__ = [
    "FROM_1_9",
    "CallbackSupportMixin",
    "VisualBlock",
    "approximate_mode",
    "estimator_html_repr",
    "part_of",
    "to_numpy",
    "with_callbacks",
]
