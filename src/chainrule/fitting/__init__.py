"""What every training needs above `fit`, whatever its examples come from.

| file | what it is for |
|---|---|
| `trainer.py` | call after call of `fit`, over one block of examples or many, until it is over |
| `fit_many.py` | `cr.fit_many`: arguments for many networks, one for all or one for each |
| `many_runs.py` | runs of `fit` made together, and what one that ends leaves the others |
| `side_by_side.py` | several trainings at once, on the threads there are |
| `first_error.py` | waiting for trainings on other threads, so that Ctrl-C ends it |
| `hold_out.py` | which examples validation is made with |
| `patience.py` | scikit-learn's early stopping; the core's is `history.EarlyStopping` |
| `checkpoint.py` | a `fit` that survives its process, and the checkpoints of any training |
| `run_identity.py` | what makes a run of `fit` the same run |
| `progress.py` | how far a training is, in a bar or in lines |
| `layer_builder.py` | hidden layers by their sizes, and the outputs behind them |
| `sklearn_versions.py` | what of scikit-learn differs between its versions |
| `target_scaling.py` | targets of mean 0 and standard deviation 1 |
"""
