"""The command `train`: from a table to a model."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli import config, scoring, summary
from chainrule.cli.click_options import given, parted, training_options
from chainrule.cli.command_ranks import command_ranks
from chainrule.cli.exits import refusals
from chainrule.cli.narrator import Narrator
from chainrule.cli.option_names import about_in_options
from chainrule.cli.terminal import say, say_as_json
from chainrule.cli.training_files import Files
from chainrule.codec import to_data
from chainrule.distributed import Alone, RankError, Ranks, agreed
from chainrule.formatting import size
from chainrule.regular_files import sha256_of

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule.tabular import TableModel
    from chainrule.tabular.training_outputs import TrainingOutputs

LINE = "chainrule.line"
"""Where the context keeps the words that a training was called by."""


class Train(click.Command):
    """A command that remembers how it was called."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[LINE] = [word for word in args if word not in ("--restart", "--force", "--resume")]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = {p.name: p for p in self.get_params(ctx) if isinstance(p, click.Option)}
        for heading, names in parted(map(str, options)).items():
            with formatter.section(heading):
                records = (options[name].get_help_record(ctx) for name in names)
                formatter.write_dl([record for record in records if record])


@click.command(cls=Train)
@click.argument("table", required=False)
@training_options
@click.option("--resume", is_flag=True, help="Continue from the last checkpoint.")
@click.option("--restart", is_flag=True, help="Discard the checkpoints and start over.")
@click.option("--force", is_flag=True, help="Replace an existing model, or what --report names.")
@click.option(
    "--config", "file", type=click.Path(path_type=Path), help="Read options from this TOML file."
)
@click.option("--print-config", is_flag=True, help="Print the options in force as TOML and exit.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def train(
    ctx: click.Context,
    /,
    table: str | None,
    resume: bool,
    restart: bool,
    force: bool,
    file: Path | None,
    print_config: bool,
    quiet: bool,
    as_json: bool,
    **values: Any,
) -> None:
    """Train a network on a table, and save it as a model.

    TABLE is a CSV, Excel, JSON lines, Parquet, Arrow, NPZ or idx file, a folder of Parquet files,
    - for the standard input, or a data set such as sklearn:digits. The kind of each column is
    inferred and reported; options left out are chosen from the data.

    \b
    chainrule train houses.parquet --target price --out houses.model
    chainrule train houses.parquet --target price --out houses.model --resume

    A checkpoint is written beside the model every 30 seconds. After Ctrl-C, SIGTERM or a crash,
    the same command with --resume continues from it and ends in the same model, bit for bit.

    Under mpiexec, several processes train one model together, each with a part of the rows. It is
    the same on any number of them, and in one process with as many --shards.

    \b
    mpiexec -n 2 chainrule train houses.parquet --target price --out houses.model

    \b
    Exit codes: 0 done; 1 failed on the way (a full disk, a diverging loss);
    2 wrong usage or input; 130 after Ctrl-C and 143 after SIGTERM, with a
    checkpoint to continue from.
    """
    with refusals():
        asked = (config.read(file) if file else {}) | given({**values, "table": table})
        files, reading, options = config.asked_for(asked)
        if print_config:
            say(config.to_toml(files, reading, options), nl=False)
            return
        check_usage(files, resume=resume, restart=restart)
        with command_ranks(options.timeout) as ranks, _resumable(ctx, files, ranks):
            if file:
                _outputs(files).of(ranks).check_apart(file)
            how = {"resume": resume, "restart": restart, "force": force}
            with Narrator(None if quiet or ranks.rank else _console()) as narrator:
                model = _trained(files, asked, narrator, comm=ranks, **how)
        if ranks.rank:
            return
    report = TrainingReport(model, files, narrator)
    if as_json:
        say_as_json(report.data())
    elif not quiet:
        report.show()


def check_usage(files: Files, *, resume: bool, restart: bool) -> None:
    """Raise for what is missing, and for what excludes each other."""
    for name, option in {"table": "TABLE", "target": "--target"}.items():
        if getattr(files, name) is None:
            raise click.UsageError(f"Missing {option}: it must be given here or by --config.")
    if resume and restart:
        raise click.UsageError("--resume and --restart exclude each other.")


class TrainingReport:
    """A model that was trained, with what its file does not hold."""

    model: TableModel
    files: Files
    resumed_at: int
    examples: float
    stages: dict[str, float]

    def __init__(self, model: TableModel, files: Files, narrator: Narrator) -> None:
        self.model, self.files = model, files
        self.seconds, self.resumed_at = narrator.seconds or 0, narrator.resumed_at
        self.examples, self.stages = narrator.examples, narrator.stages

    def data(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        sha256, length = sha256_of(self.files.model)
        return {
            "model": str(self.files.model),
            "report": self.files.report and str(self.files.report),
            "bytes": length,
            "sha256": sha256,
            "target": self.model.target.to_data(),
            "parameters": summary.parameters(self.model.params) * len(self.model.members),
            **about_in_options(self.model.about),
            **({"interval": to_data(self.model.interval)} if self.model.interval else {}),
            "seconds": self.seconds,
            "seconds_by_stage": self.stages,
            "examples_per_second": self.examples / self.seconds if self.seconds else None,
            "resumed_at_epoch": self.resumed_at,
        }

    def show(self) -> None:
        """Print the report."""
        rows = summary.of_training(self.model)
        again = f" since it was resumed after epoch {self.resumed_at}" if self.resumed_at else ""
        if self.seconds:
            of_each = self.stages if rows.keys() & {"Race", "Members", "Interval"} else {}
            rows["Time"] = summary.speed(self.examples, self.seconds, of_each) + again
        place = self.files.model
        ending = Path(str(self.files.table)).suffix or ".csv"
        say("\n".join(summary.facts(rows)))
        about = self.model.about
        say(f"\n{scoring.heading(about)}")
        say("\n".join([*scoring.validated(self.model), *scoring.warned(about)]))
        saved = f"{place}, {size(place.stat().st_size)}"
        follow = f"chainrule predict {shlex.quote(str(place))} new{ending} -o predictions{ending}"
        ends = {"Saved": saved, "Report": str(self.files.report or ""), "Next": follow}
        ends = {name: value for name, value in ends.items() if value}
        say("\n" + "\n".join(summary.facts(ends)))


def _outputs(files: Files) -> TrainingOutputs:
    from chainrule.tabular.training_outputs import TrainingOutputs  # loads polars

    return TrainingOutputs(files.model, files.report, files.checkpoints)


def _console() -> Console:
    from chainrule.demo.printing import open_console

    return open_console(stderr=True)


def _trained(
    files: Files, asked: Mapping[str, Any], narrator: Narrator, *, resume: bool, **how: Any
) -> TableModel:
    import chainrule as cr
    from chainrule.tabular.block_checkpoints import waiting

    if resume and not (waiting(files.checkpoints) or files.model.exists()):
        narrator.say(f"No checkpoints in {files.checkpoints}: starting anew.")
    model: TableModel = cr.train(
        files.table,
        list(files.target) if isinstance(files.target, tuple) else files.target,
        out=files.model,
        report=files.report,
        checkpoint=files.checkpoints,
        checkpoint_every=files.checkpoint_every,
        resume=resume,
        callbacks=narrator,
        **{name: value for name, value in asked.items() if name not in Files.names()},
        **how,
    )
    if narrator.seconds is None:
        narrator.say(f"{files.model} is of this training: nothing is left to do.")
    return model


@contextmanager
def _resumable(ctx: click.Context, files: Files, ranks: Ranks) -> Iterator[None]:
    """Say how to go on after a signal, and leave nothing where there is nothing to go on from.

    Of several ranks the first does so, which has the checkpoints, after a signal to any of them.
    """
    from chainrule.history import DivergenceError
    from chainrule.tabular.block_checkpoints import discard

    try:
        yield
    except DivergenceError:
        if not ranks.rank:
            discard(files.checkpoints)  # from them it would diverge again
        raise
    except (KeyboardInterrupt, RankError) as error:
        line = "" if ranks.rank else _line_to_go_on(ctx, files, ranks)
        if isinstance(getattr(error, "error", error), KeyboardInterrupt):
            end = f"; to go on: {line}" if line else " before there was anything to keep."
            raise agreed(KeyboardInterrupt(f"Interrupted{end}"), ranks) from None
        if line:
            say(f"To go on: {line}", err=True)
        raise


def _line_to_go_on(ctx: click.Context, files: Files, ranks: Ranks) -> str:
    """Return the command that goes on from checkpoints, or "" where there are none to leave."""
    from chainrule.tabular.block_checkpoints import discard, waiting

    if not waiting(files.checkpoints):
        discard(files.checkpoints)
        return ""
    line = shlex.join([*ctx.command_path.split(), *ctx.meta[LINE], "--resume"])
    return line if isinstance(ranks, Alone) else f"mpiexec -n {ranks.size} {line}"
