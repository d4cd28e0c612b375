"""The words that mean that there is no value."""

from __future__ import annotations

ERRORS = (
    "#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#ERROR!", "#NA",
    "#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#VALEUR!", "#NOM?", "#NOMBRE!", "#SPILL!", "#CALC!",
)  # fmt: skip
"""What spreadsheets put where a formula has failed, in English, German and French."""

IN_TEXT = (
    *ERRORS,
    *("NA", "N/A", "n/a", "<NA>", "NaN", "nan", "-NaN", "-nan", "NaT", "\\N"),
    *("null", "NULL", "Null", "(null)", "[NULL]", "None", "?"),
)
"""Those that mean it in a column of words too, unless `missing=` says otherwise."""

IN_NUMBERS = (
    *IN_TEXT,
    *("-", "--", "---", "–", "—", "−", ".", "..", "...", "…", "*", "**", ":", "/", "//"),
    *("na", "n.a.", "N.A.", "n/k", "none", "NONE", "nil", "Nil", "NIL", "NAN", "(null)", "??"),
    *("#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN", "<na>", "not available"),
    *("Na", "n.d.", "k.A.", "k. A.", "missing", "Missing", "MISSING", "(blank)", "(empty)"),
)
"""Those that mean it in a column of numbers or dates, which could not have them as values."""
