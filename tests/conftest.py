"""The fixtures of `pages`. Settings of Hypothesis: no deadline, the same examples every time."""

from hypothesis import settings

from pages import browser, opened  # noqa: F401

settings.register_profile("chainrule", deadline=None, derandomize=True)
settings.load_profile("chainrule")
