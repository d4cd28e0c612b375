"""The data that a page trains with: drawn, known, or one's own.

| file | what it is for |
|---|---|
| `plane_sets.js`, `added_features.js` | points of the plane, and what is made of them |
| `known_sets.py` | sets that the page brings along |
| `csv_text.js`, `own_table.js` | tables of one's own: read, and made into numbers |
| `examples.js` | the examples of a state, in training and held out |
| `model_columns.js` | a table's columns as a model of it encodes them |
| `data_panel.js`, `data.css` | where they are chosen |
"""
