"""The fixtures of `pages`; the settings of Hypothesis: no deadline, the same examples each time.

At the end of a run stands how many of scikit-learn's checks were made, and how many runs survived
being killed.
"""

import gc

import pytest
from hypothesis import settings

from chainrule import engine
from pages import browser, opened  # noqa: F401
from playground_pages import opened_playground, playground_file  # noqa: F401
from teams import teams_of_all_sizes_in_turn

settings.register_profile("chainrule", deadline=None, derandomize=True)
settings.load_profile("chainrule")


@pytest.fixture(scope="module")
def as_many_threads_as_asked():
    """Small networks on teams of up to 8 threads, as no machine would choose them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "cores", lambda: 8)
        patch.setattr("chainrule.engine.native_run.WORK_PER_THREAD", 1)
        with teams_of_all_sizes_in_turn():
            yield


def pytest_collection():
    """Search for no garbage while tests are collected: there is little, and all of them stay."""
    gc.disable()


def pytest_collection_finish():
    """Leave what was collected out of what is searched for garbage: it stays to the end."""
    gc.collect()
    gc.freeze()
    gc.enable()


SECTIONS = {"checks": "scikit-learn's checks", "kills": "runs that were killed"}
"""What tests record, by name, and what it is called."""


def pytest_terminal_summary(terminalreporter):
    """Print what tests recorded, by way of the reports: they come from each process."""
    recorded = [
        each for report in terminalreporter.getreports("passed") for each in report.user_properties
    ]
    for name, title in SECTIONS.items():
        lines = sorted(said for of, said in recorded if of == name)
        if lines:
            terminalreporter.section(title)
        for line in lines:
            terminalreporter.line(line)
