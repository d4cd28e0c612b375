"""What every training needs above `fit`, whatever its examples come from.

| file | what it is for |
|---|---|
| `trainer.py` | call after call of `fit`, over one block of examples or many, until it is over |
| `hold_out.py` | which examples validation is made with |
| `checkpoint.py` | a `fit` that survives its process, and the checkpoints of any training |
"""
