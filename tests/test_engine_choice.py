"""Which engine is chosen: by the processor, by CHAINRULE_ISA, and where none was built."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainrule import engine
from chainrule.cli import main

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
    found = run("import chainrule.engine", "v9")
    assert found.returncode != 0
    assert "unknown instruction set in CHAINRULE_ISA: 'v9'" in found.stderr
    assert f"Known: {', '.join(engine.LEVELS if 'v2' in runs_here() else runs_here())}" in (
        found.stderr
    )


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
    text = warnings.formatwarning(
        warning.message, warning.category, warning.filename, warning.lineno
    )
    assert text.count("\n") == 1  # no line of source
    assert "C++20 compiler" in text
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
    assert names == ["Chainrule", "Python", "NumPy", "platform", "processor", "cores", "engine"]
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
