"""A folder of checkpoints: numbered files, the last few of them, and one writer at a time.

They are called `checkpoint-00000001.model`; those of a run among several that share a folder have
its name too, `checkpoint-race-2-00000001.model`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from chainrule.atomic_write import remove_unfinished
from chainrule.errors import FileContentError, check_whole
from chainrule.log import LOGGER
from chainrule.serialization.locks import HeldError, Lock
from chainrule.serialization.model_file import ModelFileError, read_file, write_file
from chainrule.trees import Array
from chainrule.warn import warn

CHECKPOINTS = "checkpoint-*.model"
"""What checkpoints are called in a folder."""

_NAME = re.compile(r"checkpoint-(?P<run>[a-z]+-\d+-)?(?P<number>\d+)\.model")
LOCK = ".lock"
REMEDY = "make room or take another directory, and run the same again"


def is_own(name: str) -> bool:
    """Whether a file of a folder of checkpoints is called as those that a `Store` writes there.

    >>> is_own("checkpoint-00000012.model"), is_own("houses.model")
    (True, False)
    """
    return name == LOCK or _NAME.fullmatch(name) is not None


class CheckpointError(FileContentError):
    """A checkpoint that cannot be written, read, or gone on from; the message says what to do.

    Parameters
    ----------
    message
        What is wrong, in one line.
    """


class Series:
    """The numbered checkpoints of one run in a folder, of which the last `keep` stay."""

    directory: Path
    keep: int
    run: str

    def __init__(self, directory: Path, keep: int, run: str = "") -> None:
        self.directory, self.keep, self.run = directory, keep, run and f"{run}-"

    def save(self, arrays: Mapping[str, Array], about: dict[str, Any]) -> Path:
        """Write a checkpoint, and remove those that are too old once it stands.

        Raises CheckpointError where it cannot be written: the one before stays.
        """
        with self._named("takes no checkpoint", "make room for it"):
            before = self._numbered()
            number = before[-1][0] + 1 if before else 1
            path = self.directory / f"checkpoint-{self.run}{number:08}.model"
            try:
                write_file(path, arrays, about)
            except ValueError as error:
                raise CheckpointError(f"{error}; the checkpoint before it stays") from None
            for _, old in before[: len(before) + 1 - self.keep]:
                old.unlink()
        LOGGER.debug("checkpoint %s written", path)
        return path

    def save_or_warn(self, arrays: Mapping[str, Array], about: dict[str, Any]) -> bool:
        """Return whether a checkpoint was written, and warn where not: a run is worth more."""
        try:
            self.save(arrays, about)
        except CheckpointError as error:
            warn(f"{error}; the training goes on without this checkpoint", RuntimeWarning)
            return False
        return True

    def latest(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """Return the newest checkpoint that can be read, or None where there is no file of one.

        One that cannot be read is passed over with a warning. Raises CheckpointError where there
        are some and none can be read.
        """
        with self._named("cannot be used for checkpoints"):
            paths = [path for _, path in self._numbered()]
        for path in reversed(paths):
            try:
                found = read_file(path)
            except (OSError, ModelFileError) as error:
                reason = error
                warn(f"a checkpoint is passed over: {error}", RuntimeWarning)
            else:
                LOGGER.info("going on from the checkpoint %s", path)
                return found
        if not paths:
            return None
        raise CheckpointError(
            f"{self.directory}: none of its {len(paths)} checkpoints can be read, the oldest "
            f"because of: {reason}; to start anew, remove them or take another directory"
        )

    @property
    def holds_some(self) -> bool:
        """Whether there is a checkpoint."""
        return bool(self._numbered())

    @property
    def newest(self) -> Path:
        """The newest checkpoint; FileNotFoundError where there is none."""
        for _, path in reversed(self._numbered()):
            return path
        raise FileNotFoundError(f"{self.directory}: holds no checkpoint")

    def _numbered(self) -> list[tuple[int, Path]]:
        """The checkpoints with their numbers, from the oldest to the newest."""
        return [(number, path) for number, path, run in _all(self.directory) if run == self.run]

    @contextmanager
    def _named(self, what: str, remedy: str = REMEDY) -> Iterator[None]:
        """Make a CheckpointError that says what to do of an error of the system."""
        try:
            yield
        except OSError as error:
            raise CheckpointError(
                f"{error.filename or self.directory}: {what}: {error.strerror}; {remedy}"
            ) from None


class Store(Series):
    """A folder that holds the last `keep` checkpoints of a run, or of each of several.

    Opening it makes the folder where it is missing, keeps every other process out until `close`,
    and removes what a process that was killed left half written. Raises CheckpointError where
    another process has it open, and for all that goes wrong with the folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, cr.serialization.Store(folder) as store:
    ...     store.latest() is None
    ...     store.save({"w": np.ones(2)}, {"kind": "sketch"}).name
    ...     store.latest()[0]
    True
    'checkpoint-00000001.model'
    {'w': array([1., 1.])}
    """

    def __init__(self, directory: str | Path, keep: int = 3) -> None:
        super().__init__(Path(directory), check_whole("Store: keep", keep, least=1))
        with self._named("cannot be used for checkpoints"):
            self.directory.mkdir(parents=True, exist_ok=True)
            self._lock = self._taken()
            try:
                remove_unfinished(self.directory, CHECKPOINTS)
            except BaseException:
                self.close()
                raise

    def of(self, run: str) -> Series:
        """Return the checkpoints of a run among several, whose name is a word and a number.

        >>> with Store(getfixture("tmp_path")) as store:
        ...     store.of("race-2").save({}, {"kind": "sketch"}).name
        'checkpoint-race-2-00000001.model'
        """
        return Series(self.directory, self.keep, run)

    def clear(self) -> None:
        """Remove the checkpoints, the newest last, and the folder if nothing else is in it.

        Raises CheckpointError where one cannot be removed.
        """
        with self._named("cannot be cleared of its checkpoints"):
            for _, path, _ in _all(self.directory):
                path.unlink()
            self._lock.remove()
        with suppress(OSError):  # it holds what is not of this store
            self.directory.rmdir()

    def close(self) -> None:
        """Let others in."""
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _taken(self) -> Lock:
        try:
            return Lock(self.directory / LOCK)
        except HeldError as held:
            raise CheckpointError(
                f"{self.directory}: process {held.holder} writes its checkpoints there; give each "
                "run a directory of its own, or end the other first"
            ) from None


def _all(directory: Path) -> list[tuple[int, Path, str]]:
    """Return all checkpoints with their numbers and runs, from the lowest number to the highest."""
    return sorted(
        (int(match["number"]), path, match["run"] or "")
        for path in directory.iterdir()
        if (match := _NAME.fullmatch(path.name))
    )
