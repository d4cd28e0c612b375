"""The script and the manifest of the page on several machines, which its commands do not run.

In place of what no test has, Slurm and other hosts, stand scripts that start the ranks here.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml

from chainrule import engine
from mpi_jobs import ENVIRONMENT, ended, job, needs_mpi
from other_hosts import with_other_hosts
from written_pages import BIN, DOCS, ROOT, blocks

PAGE = DOCS / "guide/several-machines.md"
FILES = {block.name: block.text for block in blocks(PAGE) if block.name}
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


@pytest.fixture
def folder(tmp_path):
    """What a clone has and the page names, and what stands for other hosts and for Slurm."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with_other_hosts(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def run(command, folder, **more):
    """What a command printed, which succeeds; as root or not, and with few cores too."""
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "PATH": os.pathsep.join([str(folder / "bin"), str(BIN), os.environ["PATH"]]),
        "PRTE_MCA_plm_ssh_agent": str(folder / "bin/ssh"),
    }
    done = subprocess.run(
        command, shell=isinstance(command, str), cwd=folder, text=True, check=False, timeout=300,
        env=environment | more, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


@needs_mpi
@pytest.mark.skipif(engine.isa != "v4", reason="needs a processor with several instruction sets")
def test_ranks_have_the_same_instruction_set_or_are_refused(folder):
    program = [sys.executable, "fit.py"]
    done = ended(job(1, "env", "CHAINRULE_ISA=v3", *program, ":", "-n", 1, *program, cwd=folder))
    expected = (
        "rank 1 has instruction set v4, and rank 0 has instruction set v3: set CHAINRULE_ISA to "
        "the lowest of them for all ranks"
    )
    assert expected in done.stderr
    assert run("CHAINRULE_ISA=v3 mpiexec -n 2 python fit.py", folder) == "3 epochs, loss 0.226\n"


@needs_mpi
def test_the_script_for_slurm_runs(folder):
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/activate").touch()
    script = FILES["train.sbatch"].replace("--quiet", "--quiet --epochs 2 --effort fast")
    (folder / "train.sbatch").write_text(script, encoding="utf-8")
    run(["bash", "train.sbatch"], folder, SLURM_CPUS_PER_TASK="1")
    assert (folder / "price.model").stat().st_size > 0


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_the_script_for_slurm_is_one_of_bash(folder):
    run(["bash", "-n", "train.sbatch"], folder)
    (words,) = [
        line.split() for line in FILES["train.sbatch"].splitlines() if line.startswith("srun ")
    ]
    options = [word.partition("=")[0] for word in words[1:] if word.startswith("--")]
    assert options == ["--mpi", "--cpus-per-task", "--cpu-bind", "--kill-on-bad-exit"]


def launcher():
    """The container that starts the ranks."""
    spec = yaml.safe_load(FILES["train.yaml"])["spec"]["mpiReplicaSpecs"]["Launcher"]
    return spec["template"]["spec"]["containers"][0]


@needs_mpi
def test_the_launcher_of_the_manifest_runs(folder):
    """On the hosts of a file as the operator writes it."""
    hosts = [f"chainrule-worker-{k}.chainrule.default.svc slots=1\n" for k in range(4)]
    (folder / "hostfile").write_text("".join(hosts), encoding="utf-8")
    words = [*launcher()["command"], *launcher()["args"], "--epochs", "2", "--effort", "fast"]
    assert "/etc/mpi/hostfile" in words
    run([w.replace("/etc/mpi", str(folder)) for w in words], folder)
    assert (folder / "price.model").stat().st_size > 0


WHOLE, TEXT, FLAG = int, str, bool
RESTART = {"Never", "OnFailure"}
RUN_POLICY = {
    "activeDeadlineSeconds": WHOLE, "backoffLimit": WHOLE, "managedBy": TEXT, "suspend": FLAG,
    "cleanPodPolicy": {"None", "Running", "All"}, "schedulingPolicy": dict,
    "ttlSecondsAfterFinished": WHOLE,
}  # fmt: skip
REPLICA = {"replicas": WHOLE, "restartPolicy": RESTART, "template": {"spec": dict}}
MPI_JOB = {
    "apiVersion": {"kubeflow.org/v2beta1"},
    "kind": {"MPIJob"},
    "metadata": {"name": TEXT},
    "spec": {
        "launcherCreationPolicy": {"AtStartup", "WaitForWorkersReady"},
        "mpiImplementation": {"OpenMPI", "Intel", "MPICH"},
        "mpiReplicaSpecs": {"Launcher": REPLICA, "Worker": REPLICA},
        "runLauncherAsWorker": FLAG,
        "runPolicy": RUN_POLICY,
        "slotsPerWorker": WHOLE,
        "sshAuthMountPath": TEXT,
    },
}
"""The fields of an MPIJob, version v2beta1, by the schema that the operator publishes."""


def misfits(value, schema, where="MPIJob"):
    """Where a value does not fit: fields that are unknown, values that are of another kind."""
    if isinstance(schema, set):
        return [] if value in schema else [f"{where} is {value!r}, not one of {sorted(schema)}"]
    if isinstance(schema, type):
        fits = type(value) is schema
        return [] if fits else [f"{where} is {value!r}, not of {schema.__name__}"]
    unknown = [f"{where}.{name} is unknown" for name in value if name not in schema]
    known = [name for name in value if name in schema]
    return unknown + [m for k in known for m in misfits(value[k], schema[k], f"{where}.{k}")]


def test_the_manifest_has_the_fields_of_an_mpi_job():
    job = yaml.safe_load(FILES["train.yaml"])
    assert misfits(job, MPI_JOB) == []
    replicas = job["spec"]["mpiReplicaSpecs"]
    assert replicas["Launcher"]["replicas"] == 1
    mounts = {"name", "mountPath"}
    for each in replicas.values():
        pod = each["template"]["spec"]
        assert set(pod) == {"containers", "volumes"}
        (container,) = pod["containers"]
        assert set(container) <= {
            "args", "command", "image", "name", "readinessProbe", "resources", "volumeMounts",
            "workingDir",
        }  # fmt: skip
        assert all(isinstance(word, str) for word in container["command"])
        assert all(set(mount) == mounts for mount in container["volumeMounts"])
        assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    words = launcher()["command"]
    assert words[words.index("-n") + 1] == str(replicas["Worker"]["replicas"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "Job"}, ["MPIJob.kind is 'Job', not one of ['MPIJob']"]),
        ({"spec": {"slots": 1}}, ["MPIJob.spec.slots is unknown"]),
        ({"spec": {"slotsPerWorker": "1"}}, ["MPIJob.spec.slotsPerWorker is '1', not of int"]),
    ],
)
def test_what_does_not_fit_is_seen(change, said):
    assert misfits(change, MPI_JOB) == said


def test_the_extra_has_what_the_docs_say():
    assert {re.split(r"[>=]", each)[0] for each in EXTRAS["mpi"]} == {"mpi4py", "openmpi"}
