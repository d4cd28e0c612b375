"""Tables read from files and data frames, and written to them.

| file | what it is for |
|---|---|
| `open_source.py` | from what a person names to a source |
| `source.py` | what every table is read as |
| `delimited_text.py` | CSV and its kin |
| `dialect.py`, `heading.py` | their delimiter and header; what stands above the rows |
| `text_file.py`, `text_encodings.py` | text in a file, as UTF-8; in which encoding it is |
| `text_layout.py`, `quoting.py`, `bad_lines.py` | where fields lie; quotes; wrong lines |
| `odd_rows.py` | what is to be looked at before rows are read plainly |
| `text_fields.py`, `copied_columns.py` | from the bytes of rows to columns; those that are copied |
| `plain_numbers.py` | rows that are plainly made of numbers, read by the engine |
| `ahead.py` | what is made of parts of a table on threads |
| `compression.py`, `spool.py` | files that are packed; what can be read only once |
| `columnar_files.py`, `data_sets.py` | Parquet and Arrow; many Parquet files as one table |
| `arrow_buffers.py`, `arrow_types.py` | the sizes that Arrow tells of; its types in polars |
| `workbooks.py`, `workbook_extents.py` | Excel and OpenDocument; how far a sheet reaches |
| `json_records.py`, `array_files.py`, `sklearn_data.py` | JSON; arrays; scikit-learn's tables |
| `data_frames.py`, `pandas_frames.py` | data frames as sources |
| `decode_errors.py` | what libraries raise that decode a table, in a line |
| `row_parts.py`, `text_shards.py` | the rows that one of several ranks has; of a text |
| `table_writers.py` | tables into files |
"""
