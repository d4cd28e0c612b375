"""The table of rules: when a finding holds, its evidence as figures, and what to change.

Thresholds are round numbers with a reason: none is fitted to a case.
"""

from __future__ import annotations

from chainrule.diagnosis import course_rules, data_rules, network_rules, training_rules

RULES = tuple(
    sorted(
        course_rules.RULES + data_rules.RULES + network_rules.RULES + training_rules.RULES,
        key=lambda rule: -rule.weight,
    )
)
"""The rows, by weight."""

FEW_ROWS_RULES = tuple(rule for rule in RULES if rule.few_rows)
"""Those that a few hundred examples are enough for."""

NAMING_ROWS = frozenset(rule.name for rule in RULES if rule.names_rows)
"""The key words of findings whose sentence may name rows."""
