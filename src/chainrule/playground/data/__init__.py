"""The data that a page trains with: drawn, known, or one's own.

| file | what it is for |
|---|---|
| `plane_sets.js`, `added_features.js` | points of the plane, and what is made of them |
| `known_sets.py` | sets that the page brings along |
| `table_rules.py` | how tables are read and decided on, as Python does |
| `csv_text.js`, `csv_column.js` | tables of one's own in text: rows and columns |
| `table_heading.js`, `cell_numbers.js` | titles and names above them; numbers in cells |
| `column_kinds.js`, `own_table.js` | what columns can be, and the examples that they become |
| `examples.js` | the examples of a state, in training and held out |
| `model_columns.js`, `date_text_columns.js` | a table's columns as a model of it encodes them |
| `data_panel.js`, `data.css` | where they are chosen |
"""
