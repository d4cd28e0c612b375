"""The modules of pages: what they ask of a page, and what a page holds of them."""

import base64
import gzip
import json
import subprocess

import pytest

from chainrule.engine.wasm import DTYPES, engine_bytes, engine_data, engine_script
from wasm_cases import NODE

MOST = {"float32": 80_000, "float64": 75_000}
"""Bytes that a module takes, gzipped."""


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_page_holds_the_module_and_no_more_than_it_may(dtype):
    packed = base64.b64decode(engine_data(dtype))
    assert gzip.decompress(packed) == engine_bytes(dtype)
    assert engine_data(dtype) == engine_data(dtype)
    assert len(packed) < MOST[dtype]


@pytest.mark.skipif(NODE is None, reason="there is no Node")
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_module_asks_for_nothing_that_a_page_does_not_give(dtype):
    code = f"""
        {engine_script()}
        const module = new WebAssembly.Module(Buffer.from('{engine_bytes(dtype).hex()}', 'hex'));
        const given = Engine.imports();
        const asked = WebAssembly.Module.imports(module);
        const lacks = asked.filter(({{ module: own, name }}) => !given[own]?.[name]);
        process.stdout.write(JSON.stringify(lacks));
    """
    done = subprocess.run([NODE], input=code, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


@pytest.mark.skipif(NODE is None, reason="there is no Node")
@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float64", 8)])
def test_a_page_unpacks_it(dtype, size):
    code = f"""
        {engine_script()}
        Engine.unpacked('{engine_data(dtype)}').then((engine) =>
          process.stdout.write(String(engine.Numbers.BYTES_PER_ELEMENT)));
    """
    done = subprocess.run([NODE], input=code, capture_output=True, text=True, check=True)
    assert int(done.stdout) == size


def test_no_path_of_a_machine_is_in_a_module():
    for dtype in DTYPES:
        assert b"/src/chainrule" not in engine_bytes(dtype)
        assert b"/home/" not in engine_bytes(dtype)
