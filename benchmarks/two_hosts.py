"""Two hosts on one machine: network namespaces joined by a link, over which alone ranks meet.

    sudo .venv/bin/python benchmarks/two_hosts.py [--cut-after S] -- COMMAND…

runs the command on two ranks of Open MPI, one on each host, and says how much went over the link.
`--cut-after` cuts the link so many seconds after the first line that the command prints. It needs
Linux, root, and `ip` with its network namespaces. The exit code is mpiexec's.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

HOSTS = {"10.213.17.1": "host-a", "10.213.17.2": "host-b"}
"""The address of each host, and its name, which is that of its namespace too, with a number."""

AGENT = """#!/bin/sh
# What mpiexec calls in place of ssh: the host, and the command for its shell.
while [ "${1#-}" != "$1" ]; do shift; done
host=$1; shift
exec ip netns exec "$(cat {folder}/$host)" unshare --uts sh -c \
    'hostname "$0" && exec sh -c "$1"' "name-of-$host" "$*"
"""


def run(*words):
    """Run a command that must succeed."""
    subprocess.run(words, check=True, capture_output=True, text=True)


def names():
    """The namespace of each host: others may run this at the same time."""
    return {address: f"{name}-{os.getpid()}" for address, name in HOSTS.items()}


@contextmanager
def two_hosts():
    """Two namespaces, joined by a link: gives the command that does something to its one end."""
    spaces = list(names().values())
    ends = [f"crl{k}p{os.getpid()}"[:15] for k in range(2)]
    try:
        for space in spaces:
            run("ip", "netns", "add", space)
        run(
            "ip",
            "link",
            "add",
            ends[0],
            "netns",
            spaces[0],
            "type",
            "veth",
            "peer",
            "name",
            ends[1],
            "netns",
            spaces[1],
        )
        for space, end, address in zip(spaces, ends, HOSTS, strict=True):
            run("ip", "-n", space, "addr", "add", f"{address}/24", "dev", end)
            run("ip", "-n", space, "link", "set", "lo", "up")
            run("ip", "-n", space, "link", "set", end, "up")
        yield spaces[0], ends[0]
    finally:
        for space in spaces:
            end_all(space)
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


def end_all(space):
    """End what is left in a namespace."""
    done = subprocess.run(
        ["ip", "netns", "pids", space], check=False, capture_output=True, text=True
    )
    for pid in done.stdout.split():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def bytes_over(space, end):
    """How many bytes have gone over the link, both ways."""
    counts = [f"/sys/class/net/{end}/statistics/{way}_bytes" for way in ("rx", "tx")]
    done = subprocess.run(
        ["ip", "netns", "exec", space, "cat", *counts], check=True, capture_output=True, text=True
    )
    return sum(map(int, done.stdout.split()))


def started(space, command, folder):
    """A process of mpiexec on the first host, that starts one rank on each."""
    agent = Path(folder, "agent")
    agent.write_text(AGENT.replace("{folder}", folder))
    agent.chmod(0o755)
    for address, of in names().items():
        Path(folder, address).write_text(of)
    mpiexec = shutil.which("mpiexec", path=Path(sys.executable).parent) or "mpiexec"
    words = [
        "ip",
        "netns",
        "exec",
        space,
        "unshare",
        "--uts",
        "sh",
        "-c",
        'hostname host-a && exec "$@"',
        "-",
        mpiexec,
        "--allow-run-as-root",
        "--host",
        ",".join(f"{address}:1" for address in HOSTS),
        "--prtemca",
        "plm_ssh_agent",
        str(agent),
        "--map-by",
        "ppr:1:node",
        "-n",
        "2",
        *command,
    ]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cut-after", type=float, metavar="S")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    with two_hosts() as (space, end), tempfile.TemporaryDirectory() as folder:
        before = bytes_over(space, end)
        process = started(space, asked.command, folder)
        for number, line in enumerate(process.stdout):
            print(line, end="", flush=True)
            if number == 0 and asked.cut_after is not None:
                cut = ("ip", "-n", space, "link", "set", end, "down")
                threading.Timer(asked.cut_after, run, cut).start()
        code = process.wait()
        print(f"{bytes_over(space, end) - before:,} bytes over the link", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
