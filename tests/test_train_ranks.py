"""`cr.train` by several ranks: the same model and files on any number of them, written once."""

import errno
import functools
import hashlib
from pathlib import Path

import numpy as np
import pytest

import chainrule as cr
from chainrule.distributed import RankError
from chainrule.serialization import CheckpointError, checkpoint_store
from chainrule.tabular import budget, example_blocks
from commands import houses
from ranks_in_threads import in_threads

TABLE = houses(160)
SHORT = {"epochs": 3, "hidden": [4], "effort": "fast"}
SHARDS = 8


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a table, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    TABLE.write_csv("houses.csv")


def trained(ranks=None, target="price", **options):
    return cr.train("houses.csv", target, comm=ranks, **{**SHORT, **options})


def bits(model):
    """The SHA-256 of its file."""
    name = Path(f"{id(model)}.model")
    model.save(name)
    found = hashlib.sha256(name.read_bytes()).hexdigest()
    name.unlink()
    return found


def by_ranks(size, **options):
    """The SHA-256 of the model that each of so many ranks has."""
    return [bits(model) for model in in_threads(size, lambda ranks: trained(ranks, **options))]


# The model


ROWS = {
    "one network": {},
    "race and members": {"effort": "default"},
    "on the rows in training": {"effort": "default", "refit": False},
    "bounds": {"interval": 0.8},
    "sets of classes": {"target": "kind", "interval": 0.8},
    "a metric": {"target": "kind", "metric": "accuracy", "class_weight": "balanced"},
    "several targets": {"target": ["price", "kind"]},
    "counts": {"target": "id", "task": "regression", "loss": "poisson", "weight": "size"},
    "patience": {"epochs": 9, "patience": 1, "schedule": "constant", "learning_rate": 0.3},
    "a rate that diverges": {"learning_rate": (0.03, 1e38), "optimizer": "sgd"},
    "clipped": {"clip_norm": 0.1, "dropout": 0.2, "batch_size": 9},
    "a temperature": {"target": "kind", "validation": 0.9},
}


@pytest.mark.parametrize("name", ROWS)
def test_the_model_is_the_same_on_any_number_of_ranks(name):
    options = ROWS[name]
    if name == "a temperature":
        houses(400).write_csv("houses.csv")
    alone = bits(trained(shards=SHARDS, **options))
    assert by_ranks(3, shards=SHARDS, **options) == [alone] * 3


@pytest.mark.parametrize("options", [{}, {"effort": "default"}, {"interval": 0.8}])
def test_blocks_are_visited_by_shards(monkeypatch, options):
    monkeypatch.setattr(example_blocks, "BLOCK_BYTES", 2_000)
    alone = bits(trained(shards=4, **options))
    for size in (2, 4):
        assert by_ranks(size, shards=4, **options) == [alone] * size


def test_each_rank_may_give_a_part_of_a_frame():
    cr.train(TABLE, "price", shards=SHARDS, out="alone.model", report="alone.html", **SHORT)

    def run(ranks):
        own = TABLE[[0, 50, 50, 160][ranks.rank] : [50, 50, 160][ranks.rank]]
        how = {"comm": ranks, "shards": SHARDS, "out": "own.model", "report": "own.html"}
        return cr.train(own, "price", **how, **SHORT)

    models = in_threads(3, run)
    for kind in ("model", "html"):
        assert Path(f"own.{kind}").read_bytes() == Path(f"alone.{kind}").read_bytes()
    assert len({*map(bits, models)}) == 1


def test_the_batch_decides_of_the_shards_where_nobody_does():
    models = in_threads(2, lambda ranks: trained(ranks, batch_size=4))
    assert [model.about["options"]["shards"] for model in models] == [4, 4]
    assert "shards" not in trained().about["options"]
    assert bits(models[0]) == bits(trained(batch_size=4, shards=4))


def test_other_shards_sum_in_another_order():
    shards = [bits(trained(shards=shards)) for shards in (1, 2, 8)]
    assert len({*shards}) == 3


def test_more_ranks_than_shards_train_too():
    with pytest.warns(UserWarning, match="1 of 3 ranks has no part of the rows") as told:
        assert by_ranks(3, shards=2) == [bits(trained(shards=2))] * 3
    assert len(told) == 1


# What ends it early


def test_a_budget_goes_by_the_clock_of_the_first_rank(monkeypatch):
    clocks = {}

    class Clock:
        """A second passes each time that a rank but the first asks, and none else."""

        @staticmethod
        def monotonic():
            clocks["asked"] = clocks.get("asked", 0) + 1
            return float(clocks["asked"])

    monkeypatch.setattr(budget, "time", Clock)
    models = in_threads(3, lambda ranks: trained(ranks, budget=30, epochs=60))
    asked, clocks["asked"] = clocks["asked"], 0
    alone = trained(shards=8, budget=30, epochs=60)
    assert models[0].about["epochs"] < 60
    assert [bits(model) for model in models] == [bits(alone)] * 3
    assert clocks["asked"] == asked


@pytest.mark.parametrize("who", [0, 2])
def test_a_callback_of_any_rank_ends_it(who):
    def run(ranks):
        ends = [lambda it: it.epochs == 2] if ranks.rank == who else []
        return trained(ranks, epochs=9, callbacks=ends).about

    for about in in_threads(3, run):
        assert (about["epochs"], about["over"], about["epochs_with_all"]) == (2, "callback", 0)


class OwnError(Exception):
    pass


def test_an_exception_of_one_rank_ends_all():
    ends = []

    def fails(trainer):
        if trainer.visits == 2:
            raise OwnError("no")

    def run(ranks):
        try:
            trained(ranks, callbacks=[fails] * (ranks.rank == 1), out="own.model")
        except Exception as error:
            ends.append((ranks.rank, type(error)))
            raise

    with pytest.raises(OwnError):
        in_threads(3, run)
    assert sorted(ends) == [(0, RankError), (1, OwnError), (2, RankError)]
    assert not Path("own.model").exists()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"optimizer": "sgd", "learning_rate": 1e38}, cr.DivergenceError),
        ({"groups": "no"}, ValueError),
    ],
)
def test_what_ends_one_ends_all_alike(options, error):
    said = []

    def run(ranks):
        try:
            trained(ranks, **options)
        except error as raised:
            said.append(str(raised))
            raise

    with pytest.raises(error) as alone:
        trained(shards=8, **options)
    with pytest.raises(error):
        in_threads(2, run)
    assert said[:1] == [str(alone.value)]


@pytest.mark.parametrize(
    ("name", "own", "first"), [("epochs", 4, 3), ("seed", 1, 0), ("decimal", ".", None)]
)
def test_ranks_with_other_options_are_refused(name, own, first):
    words = f"no {name}" if first is None else f"{name} {first}"

    def run(ranks):
        return trained(ranks, **({name: own} if ranks.rank == 2 else {}))

    with pytest.raises(ValueError, match=rf"^rank 2 has {name} {own}, and rank 0 has {words}: "):
        in_threads(3, run)
    with pytest.raises(ValueError, match="rank 1 has report True, and rank 0 has report False"):
        in_threads(2, lambda ranks: trained(ranks, report="page.html" if ranks.rank else None))


def test_what_comes_to_one_process_only_is_refused():
    with pytest.raises(ValueError, match=r"^-: comes to one process only"):
        in_threads(2, lambda ranks: cr.train("-", "price", comm=ranks))


# What it writes


def test_files_are_written_once_and_are_the_same():
    asked = {"shards": SHARDS, "interval": 0.8, "refit": False}

    def files(ranks, name, **more):
        trained(ranks, **asked, out=f"{name}.model", report=f"{name}.html", **more)
        return [Path(f"{name}.{kind}") for kind in ("model", "html")]

    alone = [path.read_bytes() for path in files(None, "alone")]
    for size in (1, 3):
        how = {"name": str(size), "checkpoint": "run", "checkpoint_every": 0}
        made, *_ = in_threads(size, functools.partial(files, **how))
        assert [path.read_bytes() for path in made] == alone
    assert {path.suffix for path in Path().iterdir()} == {".csv", ".model", ".html"}


def broken_off(size, after, who=0, error=KeyboardInterrupt, **options):
    """A training that ends with an error of one rank after some visits of all runs."""

    def run(ranks):
        visits = []

        def ends(trainer):
            visits.append(trainer)
            if len(visits) == after and ranks.rank == who:
                raise error

        trained(ranks, callbacks=[ends], checkpoint="run", out="own.model", **options)

    with pytest.raises(error):
        in_threads(size, run)
    assert [*Path("run").glob("checkpoint-*")]


@pytest.mark.parametrize(
    ("size", "after", "who", "then"), [(3, 2, 1, 2), (2, 5, 0, 1), (1, 7, 0, 3)]
)
def test_it_goes_on_on_another_number_of_ranks_to_the_same_bits(size, after, who, then):
    options = {"effort": "default", "shards": SHARDS}
    alone = bits(trained(**options))
    broken_off(size, after, who, **options)
    assert by_ranks(then, checkpoint="run", out="own.model", **options) == [alone] * then
    assert not Path("run").exists()


def test_one_process_goes_on_with_as_many_shards():
    broken_off(2, 2)
    with pytest.raises(CheckpointError, match=r"shards is 8 there, missing here; .*`shards=8`"):
        trained(checkpoint="run")
    alone = trained(shards=8)
    assert bits(trained(shards=8, checkpoint="run", out="own.model")) == bits(alone)


def test_a_checkpoint_of_another_training_is_refused_on_all_ranks():
    broken_off(2, 2)
    said = []

    def run(ranks):
        try:
            trained(ranks, checkpoint="run", seed=5)
        except (CheckpointError, RankError) as error:
            said.append((ranks.rank, type(error), str(error)))
            raise

    with pytest.raises(CheckpointError, match="seed is 0 there, 5 here"):
        in_threads(3, run)
    (_, first, _), *others = sorted(said)
    assert first is CheckpointError
    assert {kind for _, kind, _ in others} == {RankError}
    assert all("seed is 0 there, 5 here" in text for *_, text in others)


def test_a_disk_that_is_full_is_a_warning_of_the_first_rank(monkeypatch):
    def full(path, *_):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(checkpoint_store, "write_file", full)
    alone = bits(trained(shards=SHARDS))
    with pytest.warns(RuntimeWarning, match="goes on without this checkpoint") as warned:
        assert by_ranks(2, shards=SHARDS, checkpoint="run", checkpoint_every=0) == [alone] * 2
    assert len(warned) == 9  # after three epochs of the first network, and after three of both


def test_a_training_that_has_its_model_returns_it_on_all_ranks():
    options = {"shards": SHARDS, "out": "own.model"}
    made = trained(**options)
    seen = []
    again = by_ranks(2, callbacks=[seen.append], **options)
    assert again == [bits(made)] * 2
    assert seen == []


def test_a_model_there_is_kept_by_all():
    trained(out="own.model", seed=1)
    before = Path("own.model").read_bytes()
    with pytest.raises(FileExistsError, match="of another training"):
        in_threads(2, lambda ranks: trained(ranks, out="own.model"))
    assert Path("own.model").read_bytes() == before


def test_predictions_of_all_ranks_are_the_same():
    models = in_threads(2, trained)
    one, other = (model.predict(TABLE)["prediction"].to_numpy() for model in models)
    assert np.array_equal(one, other)
