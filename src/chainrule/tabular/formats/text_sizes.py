"""How much of a text is looked at, and in parts of which sizes."""

CHARACTERS = 10_000
"""The characters of a text that are looked at, from its beginning."""

OF_A_WORD = 50
"""The characters of a word that are looked at."""

SIZES = (3, 4)
"""The characters of a part; the blanks around a word are some."""
