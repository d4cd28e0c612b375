"""The command `chainrule`: options in, text out, nothing computed.

| file | what it is for |
|---|---|
| `train.py` | the command `train`, from its options to its report |
| `predict.py`, `evaluate.py`, `inspect.py` | what can be done with a model |
| `exporting.py` | the command `export` |
| `explaining.py` | the commands `explain` and `worksheet` |
| `diagnosing.py` | the command `diagnose` |
| `finding.py` | the command `find-mistake` |
| `linting.py` | the command `lint` |
| `playing.py` | the command `playground` |
| `reasons.py` | what `explain` tells of predictions |
| `checking.py` | the commands `demo`, `info` and `check` |
| `click_options.py` | the options of a training, made from the fields that hold them |
| `option_names.py` | arguments, as the library names them, turned into options |
| `training_files.py` | what a training reads and writes; models as the commands read them |
| `config.py` | the same in a TOML file |
| `narrator.py` | what is said while a training goes on, and how far it is |
| `summary.py` | what is said of columns, trainings and models |
| `scoring.py` | what is said of scores and of what is to be doubted in them |
| `command_ranks.py` | the commands under `mpiexec`: which are shared, and who says what |
| `signals.py`, `standard_streams.py` | Ctrl-C and SIGTERM; streams that are closed or full |
| `repeated_options.py` | options that take one value, given twice |
| `terminal.py` | what is printed, and which characters never are |
| `exits.py`, `sizes.py` | what several commands share |
"""

from __future__ import annotations

from typing import Any

import click

from chainrule import engine
from chainrule.cli import (
    checking,
    diagnosing,
    evaluate,
    explaining,
    exporting,
    finding,
    inspect,
    linting,
    playing,
    predict,
    train,
)
from chainrule.cli.command_ranks import ended_together, take_part
from chainrule.cli.exits import Refusal, failures, missing_libraries, misuses, warnings_in_a_line
from chainrule.cli.repeated_options import check_once
from chainrule.cli.signals import Signals
from chainrule.cli.standard_streams import open_closed
from chainrule.cli.terminal import say
from chainrule.errors import escaped
from chainrule.rust_panics import in_a_process_of_our_own


class Commands(click.Group):
    """Commands that end quietly at an interruption, and in one line where the system fails.

    None takes the last of several values of an option that has one.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            check_once(command, ctx, rest)
        return name, command, rest

    def make_context(
        self, info_name: str | None, args: list[str], *rest: Any, **extra: Any
    ) -> click.Context:
        open_closed()
        take_part(args)
        with ended_together(), failures(), misuses():  # of printing the help
            return super().make_context(info_name, args, *rest, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with Signals() as signals:
            try:
                with (
                    ended_together(),
                    failures(),
                    misuses(),
                    missing_libraries(ctx),
                    warnings_in_a_line(),
                    in_a_process_of_our_own(),
                ):
                    return super().invoke(ctx)
            except click.ClickException as error:
                error.message = escaped(error.message)  # type: ignore[misc]
                raise
            except KeyboardInterrupt as interrupt:
                say(f"\n{interrupt}" if str(interrupt) else "", err=True)
                ctx.exit(signals.exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    package_name="chainrule", prog_name="chainrule", message="%(prog)s %(version)s"
)
def main() -> None:
    """Feedforward neural networks by backpropagation, with every step of the calculation shown."""
    if engine.refused:
        raise Refusal(engine.refused)


for _command in (
    train.train,
    predict.predict,
    evaluate.evaluate,
    inspect.inspect,
    exporting.export,
    explaining.explain,
    explaining.worksheet,
    finding.find_mistake,
    diagnosing.diagnose,
    linting.lint,
    playing.playground,
    checking.check,
    checking.demo,
    checking.info,
):
    main.add_command(_command)
