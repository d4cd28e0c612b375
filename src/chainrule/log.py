"""The logger of the library, `chainrule`, which shows nothing until somebody gives it a handler.

DEBUG   each call of `fit`, its epochs as far as it looks at each, checkpoints, the engine
INFO    what a training of a table or an estimator does, where a run goes on, what is saved

Nothing is logged above INFO: what somebody must know is a warning or an error.
"""

from __future__ import annotations

import logging

LOGGER: logging.Logger = logging.getLogger("chainrule")
LOGGER.addHandler(logging.NullHandler())
