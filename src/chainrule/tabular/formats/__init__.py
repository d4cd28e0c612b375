"""How the text of a column becomes numbers, moments and words.

| file | what it is for |
|---|---|
| `column_formats.py` | how the columns of a table are read |
| `column_values.py` | the values of a column, read in its format |
| `number_formats.py`, `date_formats.py` | how numbers and moments are written |
| `number_signs.py` | the signs in numbers: separators and currencies |
| `date_parts.py` | what each part of the format of a date stands for |
| `missing_words.py`, `spelling.py` | words that mean no value, and that mean a known one |
| `text_words.py`, `text_sizes.py` | the words of texts, and the parts of words; how large |
| `notes.py` | what was met that training did not know |
"""
