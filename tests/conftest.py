"""The fixtures of `pages`; the settings of Hypothesis: no deadline, the same examples each time.

At the end of a run stands how many of scikit-learn's checks were made.
"""

from hypothesis import settings

from pages import browser, opened  # noqa: F401

settings.register_profile("chainrule", deadline=None, derandomize=True)
settings.load_profile("chainrule")


def pytest_terminal_summary(terminalreporter):
    """Print what tests recorded as `checks`, by way of the reports: they come from each process."""
    recorded = [
        said
        for report in terminalreporter.getreports("passed")
        for name, said in report.user_properties
        if name == "checks"
    ]
    if recorded:
        terminalreporter.section("scikit-learn's checks")
    for said in sorted(recorded):
        terminalreporter.line(said)
