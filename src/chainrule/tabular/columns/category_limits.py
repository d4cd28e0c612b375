"""Up to how many categories a column has features of its own, and what more of them become."""

MAX_CATEGORIES = 100
"""The most categories of a column that have a feature of their own."""

FEW = 20
"""Up to so many they have one each, whatever is made of many."""

MANY = ("means", "vectors", "both", "frequent")
"""What many categories may become."""

FEW_CLASSES = 20
"""The most different whole numbers that are taken for classes, unless asked."""

ROWS_EACH = 20
"""The rows that each of them must have on average, where there are more than two."""
