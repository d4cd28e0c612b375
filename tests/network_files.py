"""Network files to read and to change."""

import re

from chainrule.explanation.network_file import read_network_file

BASE = """\
# A network.
layers = [2, 3, 1]
activation = ["tanh", "identity"]
loss = "squared_error"

weights = [
    [[0.1, -0.2], [0.3, 0.4], [0.5, 0.6]],
    [[0.7, 0.8, -0.9]],
]
biases = [[0.1, 0.2, 0.3], [0.4]]
inputs = [[0.5, -0.5], [1, 0]]
targets = [[0.1], [0.2]]
rate = 0.5
"""
SHORT = """
layers = [2, 1]
w = [1, 2]
inputs = [3, 4]
targets = {targets}
{more}
"""


def read(tmp_path, text):
    path = tmp_path / "network.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_network_file(path)


def changed(key, value):
    """The base with another value for a key that is on one line, or without it."""
    new = "" if value is None else f"{key} = {value}\n"
    text, count = re.subn(rf"(?m)^{key} = .*\n", lambda _: new, BASE)
    return text if count else BASE + new
