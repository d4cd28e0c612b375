"""Tables and files at random: what cannot be used is refused in one line, and nothing else comes.

Each seed stands for a table, what is asked of it, and the file that it is written in.
"""

import random

import pytest

import chainrule as cr
from chainrule.history import DivergenceError
from chainrule.tabular.table_error import TableError
from fuzzing import FORMATS, changed, options, table

FEW = {"epochs": 1, "hidden": (2,), "batch_size": 8, "effort": "fast"}


def done(call):
    """What a call returns; None where it refuses, which it must do in one short line."""
    try:
        return call()
    except (TableError, DivergenceError) as error:
        said = str(error)
    assert said.isprintable(), repr(said)
    assert len(said) < 2000
    return None


class Case:
    """A file that was made at random, and what is asked of a training with it."""

    def __init__(self, folder, ending, seed):
        self.draw, self.ending = random.Random(f"{ending} {seed}"), ending
        self.made = table(self.draw)
        self.path = folder / (f"{seed}-idx3-ubyte" if ending == "idx" else f"{seed}.{ending}")
        self.path.write_bytes(FORMATS[ending](self.made, self.draw))
        self.target = "pixel0" if ending == "idx" else "y"

    def change(self):
        self.path.write_bytes(changed(self.path.read_bytes(), self.draw))

    def train(self):
        asked = options(self.draw, self.made)
        return done(lambda: cr.train(self.path, self.target, **FEW, **asked))


def used(model, path):
    """All that a model does with a table."""
    done(lambda: model.predict(path))
    done(lambda: model.evaluate(path))
    done(lambda: model.example(path, 1))


@pytest.mark.parametrize("batch", range(4))
@pytest.mark.parametrize("ending", FORMATS)
def test_a_table_at_random_is_learnt_or_refused(tmp_path, ending, batch):
    model = None
    for seed in range(6 * batch, 6 * batch + 6):
        case = Case(tmp_path, ending, seed)
        model = case.train() or model
        if model is not None:  # of this table, or of another
            used(model, case.path)


@pytest.mark.parametrize("batch", range(4))
@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_that_is_damaged_is_learnt_or_refused(tmp_path, ending, batch):
    for seed in range(10 * batch, 10 * batch + 10):
        case = Case(tmp_path, ending, seed)
        case.change()
        if (model := case.train()) is not None:
            case.change()
            used(model, case.path)


class TwoLinesError(TableError):
    def __str__(self):
        return "two\nlines"


def fails(error):
    raise error


@pytest.mark.parametrize("error", [TwoLinesError("two"), KeyError("y"), OverflowError("too large")])
def test_what_is_not_refused_in_one_line_is_found(error):
    with pytest.raises((AssertionError, LookupError, ArithmeticError)):
        done(lambda: fails(error))
