"""The playground in a browser, and its scripts in Node."""

import base64
import json
import re
import zlib

import pytest

from chainrule.playground import playground
from pages import Visit


def address_of(state, version=1):
    """The end of an address that holds a state."""
    deflate = zlib.compressobj(wbits=-15)
    packed = deflate.compress(json.dumps(state).encode()) + deflate.flush()
    text = f"{version}.{url_safe(packed)}"
    total = 0x811C9DC5
    for byte in text.encode():
        total = (total ^ byte) * 0x01000193 % 2**32
    return f"#{text}.{url_safe(total.to_bytes(4, 'little'))}"


def state_of(address):
    """The state that such an end of an address holds; None of another one."""
    try:
        body = address.split(".")[1]
        packed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        return json.loads(zlib.decompress(packed, wbits=-15))
    except (IndexError, ValueError, zlib.error):
        return None


def url_safe(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


START = address_of({})
"""The state that others are told apart from: 200 points, half of them for the test."""


class Playground(Visit):
    """The playground in the browser."""

    def __init__(self, browser, path, address="", width=1280, height=800):
        super().__init__(browser, path, width, height, address)
        self.page.wait_for_selector("html[data-ready]", state="attached")

    def goto(self, address):
        """Open the page anew at another address."""
        self.page.goto("about:blank")
        self.page.goto(self.url + address)
        self.page.wait_for_selector("html[data-ready]", state="attached")

    def close(self):
        self.requests = [own for own in self.requests if own != "about:blank"]
        self.requests = [*dict.fromkeys(own.partition("#")[0] for own in self.requests)]
        super().close()

    def press(self, name):
        self.page.click(f"#training [name={name}]")

    def step(self):
        """Which step the page says that it is at."""
        return int(self.stands("at_step").replace(",", ""))

    def stands(self, name):
        return self.page.inner_text(f"#training [name={name}]")

    def shown(self, name, pattern):
        """Wait until what stands under a name is as a pattern has it."""
        place = self.page.locator(f"#training [name={name}]")
        place.filter(has_text=re.compile(pattern)).wait_for()

    def wait_for_step(self, step):
        self.shown("at_step", f"^{step:,}$")

    def wait_for_address(self, state):
        """Wait until the address holds a state."""
        while state_of(self.page.evaluate("location.hash")) != state:
            self.page.wait_for_timeout(20)

    def trains(self):
        """Make a step of a run that has just begun."""
        self.wait_for_step(0)
        self.press("step")
        self.wait_for_step(1)
        assert self.page.inner_text("#wrong") == ""


@pytest.fixture(scope="session")
def playground_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("playground") / "playground.html"
    path.write_text(playground(), encoding="utf-8")
    return path


@pytest.fixture
def opened_playground(browser, playground_file):
    """Open the playground; at the end nothing may stand in the console, nor be asked for."""
    own = []

    def open_page(address=START, **size):
        own.append(Playground(browser, playground_file, address, **size))
        return own[-1]

    yield open_page
    for each in own:
        each.close()
