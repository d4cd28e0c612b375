"""Jobs that take turns: processes that work together, started once and told when to work.

A process that has nothing to do waits for a line from its socket, and so takes no core from the
others, as it would within a call of MPI.
"""

from __future__ import annotations

import functools
import json
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

from interleaved import Start
from peers import available, environment
from ranks_cases import Contestant

HERE = Path(__file__).parent
PATIENCE = 300.0
"""Seconds that a process may take to start, or for a turn."""

AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def mpiexec(ranks: int) -> list[str]:
    """Return the beginning of a command that starts so many ranks, bound to no core."""
    beside = Path(sys.executable).with_name("mpiexec")
    found = str(beside) if beside.exists() else shutil.which("mpiexec")
    if found is None:
        raise SystemExit("There is no mpiexec here: pip install 'chainrule[mpi]'")
    return [found, "-n", str(ranks), "--oversubscribe", "--bind-to", "none"]


class Job:
    """Processes that take their turns together."""

    def __init__(self, contestant: Contestant, case: str, python: str = sys.executable) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._cores = available()[-contestant.cores :]
        with socket.socket(socket.AF_UNIX) as server:
            address = f"{self._folder.name}/socket"
            server.bind(address)
            server.listen()
            server.settimeout(PATIENCE)
            self._started = list(self._start(contestant, python, address, case))
            self._lines = [self._accept(server) for _ in range(contestant.processes)]
        self.ways: list[str] = self._answers()[0]

    def _start(self, contestant: Contestant, python: str, *words: str) -> Any:
        address, case = words
        script = [python, str(HERE / "ranks_process.py"), address, contestant.name, case]
        cores = ",".join(map(str, self._cores))
        threads = max(1, contestant.cores // contestant.processes)
        given = environment(threads) | AS_ROOT | {"BENCHMARK_CORES": cores}
        given |= {"BENCHMARK_STORE": f"{self._folder.name}/store"}
        if contestant.mpi:
            command = [*mpiexec(contestant.processes), *script]
            yield subprocess.Popen(command, env=given, stdin=subprocess.DEVNULL)
        else:
            for rank in range(contestant.processes):
                yield subprocess.Popen(script, env=given | {"RANK": str(rank)})

    @staticmethod
    def _accept(server: socket.socket) -> Any:
        connection = server.accept()[0]
        connection.settimeout(PATIENCE)
        return connection.makefile("rw", encoding="utf-8")

    def _answers(self) -> list[Any]:
        texts = [lines.readline() for lines in self._lines]
        if not all(texts):
            raise RuntimeError("a process of a job has ended")
        return list(map(json.loads, texts))

    def _asked(self, order: Any) -> list[Any]:
        for lines in self._lines:
            print(json.dumps(order), file=lines, flush=True)
        return self._answers()

    def starts(self) -> dict[str, Start]:
        """Return each way to do the work."""
        return {way: functools.partial(self._begun, way) for way in self.ways}

    def _begun(self, way: str) -> Any:
        self._asked(way)
        return self._turn

    def _turn(self, count: int) -> tuple[float, Any]:
        answers = self._asked(count)
        return max(seconds for seconds, _ in answers), answers[0][1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes: their sockets have no more lines."""
        for lines in self._lines:
            lines.close()
        for process in self._started:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
        self._folder.cleanup()
