"""Which engine is chosen: by the processor, by CHAINRULE_ISA, and where none was built."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from joblib import Parallel, delayed

import chainrule as cr
from chainrule import engine
from chainrule.cli import main
from chainrule.engine import processor
from chainrule.engine.native_run import useful_threads
from chainrule.engine.processor import quota

SEEN = "from chainrule import engine; print(engine.isa, engine.native.isa(), engine.missing)"

built = pytest.mark.skipif(engine.native is None, reason=engine.missing)


def run(code: str, isa: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CHAINRULE_ISA": isa, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def lines_of_bits(isa: str) -> list[str]:
    program = Path(__file__).with_name("engine_bits.py")
    found = run(f"import runpy; runpy.run_path({str(program)!r}, run_name='__main__')", isa)
    assert not found.stderr
    return found.stdout.splitlines()


def without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no module of the engine be found."""
    for isa in {*engine.LEVELS, *engine.BASELINES}:
        monkeypatch.setitem(sys.modules, f"chainrule.engine._{isa}", None)


def runs_here() -> list[str]:
    """The instruction sets that this processor supports."""
    best = engine.choose()[0].best_isa()
    levels = engine.LEVELS
    return list(levels[: levels.index(best) + 1]) if best in levels else [best]


@built
def test_the_best_instruction_set_is_chosen():
    assert engine.choose() == (sys.modules[f"chainrule.engine._{runs_here()[-1]}"], "")


@built
def test_the_environment_chooses_any_that_the_processor_supports():
    for isa in runs_here():
        assert run(SEEN, isa).stdout.split() == [isa, isa]


@built
def test_the_instruction_sets_that_fuse_come_to_the_same_bits():
    """All but v2, which has no operation for a·b + c; `engine_bits.py` says what is compared."""
    fused = [isa for isa in runs_here() if isa != "v2"]
    if len(fused) < 2:
        pytest.skip("this processor has one of them at most")
    found = [lines_of_bits(isa) for isa in fused]
    assert len(found[0]) > 100
    for other in found[1:]:
        differ = [pair for pair in zip(found[0], other, strict=True) if pair[0] != pair[1]]
        assert not differ


@built
def test_an_unknown_instruction_set_is_named():
    found = run("from chainrule import engine; print(engine.native, engine.refused)", "v9").stdout
    assert found.startswith("None unknown instruction set in CHAINRULE_ISA: 'v9'")
    assert f"Known: {', '.join(engine.LEVELS if 'v2' in runs_here() else runs_here())}" in found


@pytest.mark.parametrize("best", [*engine.LEVELS, "neon", "generic"])
def test_every_module_says_what_it_was_built_for(best):
    isas = engine.LEVELS[: engine.LEVELS.index(best) + 1] if best in engine.LEVELS else [best]
    assert engine._pick(best, "") == best
    assert [engine._pick(best, isa) for isa in isas] == list(isas)


def test_more_than_the_processor_supports_is_refused():
    with pytest.raises(ValueError, match=r"'v3', which this processor does not support; take v2$"):
        engine._pick("v2", "v3")


def test_without_a_module_there_is_no_engine(monkeypatch):
    without(monkeypatch)
    assert engine.choose() == (None, engine.NOT_BUILT)
    assert "Install a C++20 compiler" in engine.NOT_BUILT


def test_a_module_that_was_built_for_this_processor_alone_is_taken(monkeypatch):
    best = engine.native.best_isa() if engine.native else ""
    load = engine.import_module

    def load_alone(name: str) -> object:
        if not name.endswith(f"_{best}"):
            raise ModuleNotFoundError(name)
        return load(name)

    monkeypatch.setattr(engine, "import_module", load_alone)
    assert best in ("", engine.choose()[0].isa())


def test_a_module_that_does_not_load_says_why(monkeypatch):
    def refuse(name: str) -> None:
        raise ImportError("libstdc++.so.6: cannot open shared object file")

    monkeypatch.setattr(engine, "import_module", refuse)
    native, missing = engine.choose()
    assert native is None
    assert missing.startswith("it cannot be loaded (libstdc++.so.6: cannot open")


def test_that_it_is_missing_is_said_once(monkeypatch, recwarn):
    monkeypatch.setattr(engine, "missing", engine.NOT_BUILT)
    engine.say_once_that_it_is_missing.cache_clear()
    with pytest.warns(
        RuntimeWarning, match="engine, .* about 10 times more slowly: it was not"
    ) as seen:
        engine.say_once_that_it_is_missing()
    (warning,) = seen
    assert "C++20 compiler" in str(warning.message)
    engine.say_once_that_it_is_missing()
    assert not recwarn
    engine.say_once_that_it_is_missing.cache_clear()


def test_importing_chainrule_says_nothing_where_there_is_no_engine():
    names = [f"chainrule.engine._{isa}" for isa in (*engine.LEVELS, *engine.BASELINES)]
    code = f"import sys; sys.modules.update(dict.fromkeys({names})); import chainrule.engine as e"
    found = run(f"{code}; print(e.native, [e.isa])", "v9")
    assert (found.stdout, found.stderr) == ("None ['']\n", "")


def test_info_shows_the_versions_the_machine_and_the_engine():
    found = CliRunner().invoke(main, ["info"])
    assert found.exit_code == 0
    names = [line.split()[0] for line in found.output.splitlines() if line[0] != " "]
    assert names == [
        "Chainrule",
        "Python",
        "NumPy",
        "platform",
        "processor",
        "cores",
        "engine",
        "bfloat16",
        "bits",
        "MPI",
    ]
    assert f"Python     CPython {'.'.join(map(str, sys.version_info[:3]))}" in found.output
    assert max(map(len, found.output.splitlines())) <= 80
    if engine.native:
        assert f"engine     compiled, {engine.isa}\n" in found.output


def test_info_says_why_there_is_no_engine(monkeypatch):
    monkeypatch.setattr(engine, "native", None)
    monkeypatch.setattr(engine, "missing", engine.NOT_BUILT)
    output = CliRunner().invoke(main, ["info"]).output
    assert "engine     none: it was not built when Chainrule was installed." in output
    assert "GCC 12" in output
    assert max(map(len, output.splitlines())) <= 80


def test_an_unknown_value_is_one_line_for_a_command_and_an_error_for_the_library():
    code = "from chainrule.cli import main; main()"
    found = run(f"import sys; sys.argv = ['chainrule', 'info']; {code}", "zz")
    if engine.native:
        assert (found.returncode, found.stdout) == (2, "")
        assert found.stderr.startswith("Error: unknown instruction set in CHAINRULE_ISA: 'zz'. Kno")
        assert found.stderr.count("\n") == 1
    net = "import chainrule as cr; net = cr.Network(2, [cr.Dense(1)], loss='huber')"
    for use in (
        "cr.predict(net, net.init(), [[1.0, 2.0]])",
        "cr.fit(net, net.init(), [[1.0, 2.0]], [1.0], cr.Adam(), epochs=1)",
        "cr.cost_and_gradient(net, net.init(), [[1.0, 2.0]], [1.0])",
    ):
        if engine.native:
            assert "ValueError: unknown instruction set" in run(f"{net}; {use}", "zz").stderr


@pytest.mark.parametrize("isa", ["v2", "v3", "v4", "neon", "generic", ""])
def test_a_processor_goes_on_by_the_best_instruction_set_of_an_arithmetic(isa, monkeypatch):
    class Native:
        @staticmethod
        def best_isa():
            return isa

    monkeypatch.setattr(engine, "native", Native if isa else None)
    fused = {"v2": "", "generic": "", "": ""}.get(isa, isa)
    separate = {"neon": "", "generic": "generic", "": ""}.get(isa, "v2")
    assert (engine.choice_for("fused"), engine.choice_for("separate")) == (fused, separate)


# How many threads


@pytest.mark.parametrize(
    ("sizes", "batch", "asked", "cores", "threads"),
    [
        ((20, 32, 3), 32, 8, 2, 1),  # too little to share
        ((20, 32, 3), 32, None, 8, 1),
        ((784, 128, 10), 32, None, 4, 4),
        ((784, 128, 10), 32, 2, 4, 2),
        ((784, 128, 10), 32, 64, 4, 4),  # no more than there are cores
        ((784, 128, 10), 32, 10**9, 1, 1),
        ((784, 128, 10), 1, 8, 8, 1),
        ((30, 64, 64, 2), 32, 8, 8, 2),
    ],
)
def test_no_more_threads_than_cores_and_than_a_step_keeps_busy(
    sizes, batch, asked, cores, threads, monkeypatch
):
    monkeypatch.setattr(engine, "cores", lambda: cores)
    net = cr.Network(sizes[0], [cr.Dense(units) for units in sizes[1:]], "squared_error")
    assert useful_threads(net, batch, asked) == threads


@pytest.mark.parametrize(
    ("sizes", "batch", "rows", "threads"),
    [
        ((30, 64, 64, 2), 32, 1_000, 1),
        ((30, 64, 64, 2), 32, 10_000, 2),
        ((784, 128, 10), 64, 64, 8),  # a long step is worth it by itself
        ((4, 32, 16, 4), 10_000, 10_000, 8),
    ],
)
def test_no_threads_are_started_for_short_epochs_of_small_steps(
    sizes, batch, rows, threads, monkeypatch
):
    monkeypatch.setattr(engine, "cores", lambda: 8)
    net = cr.Network(sizes[0], [cr.Dense(units) for units in sizes[1:]], "squared_error")
    assert useful_threads(net, batch, None, rows) == threads


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "150000 100000"}, 1.5),  # a container sees itself as the root
        ("0::/\n", {"cpu.max": "max 100000"}, math.inf),
        ("0::/a/b\n", {"a/cpu.max": "50000 100000", "a/b/cpu.max": "max 100000"}, 0.5),
        ("0::/a/b\n", {"a/b/cpu.max": "400000 100000", "cpu.max": "300000 100000"}, 3.0),
        ("0::/away\n", {"cpu.max": "200000 100000"}, 2.0),
        (
            "9:memory:/x\n4:cpu,cpuacct:/x\n",
            {"cpu/x/cpu.cfs_quota_us": "250000", "cpu/x/cpu.cfs_period_us": "100000"},
            2.5,
        ),
        (
            "4:cpu,cpuacct:/x\n",
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            math.inf,
        ),
        ("0::/\n", {"cpu.max": "nonsense"}, math.inf),
        ("0::/\n", {}, math.inf),
    ],
)
def test_the_quota_of_a_control_group(own, files, expected, tmp_path):
    (tmp_path / "own").write_text(own)
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    assert quota(tmp_path / "own", tmp_path / "groups") == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [("1", 1), ("3,2", 3), ("99", 8), ("", 8), ("0", 8), ("many", 8), (None, 8)],
)
def test_the_environment_leaves_so_many_cores(said, expected, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if said is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", said)
    monkeypatch.setattr(processor, "_bound_to", lambda: 8)
    monkeypatch.setattr(processor, "quota", lambda: math.inf)
    assert processor.cores() == expected


def test_joblib_s_number_of_cores_counts_too(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "3")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(processor, "_bound_to", lambda: 8)
    monkeypatch.setattr(processor, "quota", lambda: math.inf)
    assert processor.cores() == 3


def test_workers_are_the_children_of_a_process_that_were_started_alike(tmp_path):
    started = {  # process, its parent, the end of its command line
        "self": (7, "--fork"), "11": (7, "--fork"), "12": (7, "--fork"), "13": (7, "tracker"),
        "14": (8, "--fork"), "15": (7, ""),
    }  # fmt: skip
    for name, (parent, words) in started.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "stat").write_text(f"1 (a) b (c)) S {parent} 0 0")
        (tmp_path / name / "cmdline").write_bytes(f"python\0-c\0{words}\0".encode())
    (tmp_path / "16").mkdir()  # one that ends just now
    assert processor._workers(7, when=0, root=tmp_path) == 2
    assert processor._workers(7, when=1, root=tmp_path / "missing") == 1


def test_processes_side_by_side_share_the_cores():
    """As `GridSearchCV(n_jobs=2)` makes them."""
    found = Parallel(n_jobs=2)(delayed(engine.cores)() for _ in range(2))
    assert max(found) <= max(1, engine.cores() // 2)


@pytest.mark.skipif(engine.isa != "v4", reason="the processor has one instruction set alone")
@pytest.mark.parametrize("built", [{"v2"}, {"v2", "v3"}, {"v4"}])
def test_the_best_of_those_that_are_built_is_taken(monkeypatch, built):
    load = engine._load

    def some(isa):
        if isa in built:
            return load(isa)
        raise ModuleNotFoundError(isa)

    monkeypatch.setattr(engine, "_load", some)
    module, reason = engine.choose()
    assert (module.isa(), reason) == (max(built), "")
