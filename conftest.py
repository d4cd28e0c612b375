"""What doctests may take for granted: `np` and `cr`."""

from typing import Any

import numpy as np
import pytest

import chainrule as cr


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace.update(np=np, cr=cr)
