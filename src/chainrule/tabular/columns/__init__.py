"""What the columns of a table are, found from all their values.

| file | what it is for |
|---|---|
| `survey.py`, `row_sample.py` | one pass over all rows; a sample of them |
| `tallies.py` | what is written in columns of text, counted in bounded memory |
| `find_formats.py`, `find_numbers.py`, `find_dates.py` | the format of each column |
| `identifiers.py`, `row_counters.py` | columns that number or name the rows, or count them |
| `row_names.py` | what these are called |
| `task.py` | whether a target is of classes or a quantity |
| `text_parts.py`, `text_decisions.py` | what texts have in common; which columns are texts |
| `decision.py`, `column_decisions.py` | a decision on a column, in words; what becomes of each |
| `category_limits.py` | how many categories are many, and how many classes few |
"""
