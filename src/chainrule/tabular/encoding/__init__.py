"""How columns and targets become the numbers that a network takes, and back.

| file | what it is for |
|---|---|
| `column_encoders.py` | a kind of column, as it was fitted: one encoder each |
| `held_outliers.py` | where outliers of numbers are held |
| `many_categories.py` | a column of many categories: means of the target, the number of a vector |
| `target_means.py` | those means, cross-fitted |
| `several_targets.py` | several targets side by side |
| `target_encoding.py` | classes or a quantity, and back |
| `text_encoder.py` | texts as a few numbers: TF-IDF, in the directions of most spread |
| `preparation.py` | all the columns of a table, with an encoder for each |
| `number_bins.py` | the bins of numbers, where they are embedded |
"""
