"""Settings of Hypothesis: no deadline (no test depends on timing), the same examples every time."""

from hypothesis import settings

settings.register_profile("chainrule", deadline=None, derandomize=True)
settings.load_profile("chainrule")
