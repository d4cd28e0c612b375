"""The page of an explanation in a browser, and its lines as Python writes them."""

import html
import re
import shutil

import pytest

import chainrule as cr
from chainrule.demo import worked_example
from chainrule.explanation.mathml import MathML

NET, START, X, Y = (
    worked_example.NET,
    worked_example.START,
    worked_example.X[0],
    worked_example.Y[0],
)
FROZEN = ["*.b"]
SGD = cr.SGD(0.5)
CHROMIUM = shutil.which("chromium")


def explained(of="w1", params=START, x=X, y=Y, optimizer=SGD, **options):
    """The worked example, explained."""
    return cr.explain(NET, params, x, y, of=of, optimizer=optimizer, freeze=FROZEN, **options)


@pytest.fixture(scope="session")
def browser():
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no browser: Debian's package is chromium")
    with sync.sync_playwright() as playwright:
        own = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield own.new_context(reduced_motion="reduce")
        own.close()


class Visit:
    """A file in the browser, what it has written to the console, and what it has asked for.

    A page of the browser serves one visit after the other: to open one takes as long as most of
    them.
    """

    free = []  # noqa: RUF012

    def __init__(self, browser, path, width, height=800, address=""):
        self.messages, self.requests = [], []
        self.page = self.free.pop() if self.free else browser.new_page()
        if address:  # what differs behind # alone is the same document
            self.page.goto("about:blank")
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(media="null", color_scheme="null")
        self.page.mouse.move(0, 0)
        self.page.set_default_timeout(60_000)
        self.listeners = {
            "console": lambda message: self.messages.append(message.text),
            "pageerror": lambda error: self.messages.append(str(error)),
            "request": self.note_request,
        }
        for event, listener in self.listeners.items():
            self.page.on(event, listener)
        self.url, self.size = path.as_uri(), path.stat().st_size
        self.page.goto(self.url + address)

    def note_request(self, request):
        """Note what is asked for; what a page has made itself, such as its worker, is not."""
        if not request.url.startswith("blob:"):
            self.requests.append(request.url)

    def close(self):
        """Leave the page to others; nothing may stand in the console, nor have been asked for."""
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)
        self.free.append(self.page)
        assert self.messages == []
        assert self.requests == [self.url]


class Opened(Visit):
    """The page of an explanation in the browser."""

    def __init__(self, browser, path, width, height):
        super().__init__(browser, path, width, height)
        self.page.wait_for_selector("html[data-ready]:not([data-engine=waits])", state="attached")

    def lines(self):
        """Each line: symbol, formula, numbers, result, the case that holds, sign of the result."""
        return self.page.evaluate(
            """() => {
              const written = (all) => [...all].map((m) => m.outerHTML).join('');
              return [...document.querySelectorAll('#derivation .step')].map((step) => [
                ...['symbol', 'formula', 'numbers', 'result'].map((kind) =>
                  written(step.querySelectorAll(`.${kind} :is(math):not(.remark *)`))),
                written(step.querySelectorAll('.remark math')),
                step.querySelector('.result .equals')?.textContent ?? '']);
            }"""
        )

    def numbers(self):
        """Every number of the tables, by what it is and the key that it is of."""
        rows = self.page.evaluate(
            """() => {
              const { keys } = JSON.parse(document.getElementById('data').textContent);
              const all = [...document.querySelectorAll('#tables [data-kind]')];
              return all.map((cell) => [cell.dataset.kind, ...keys[cell.dataset.of].slice(0, 4),
                cell.dataset.full ?? cell.value]);
            }"""
        )
        return {tuple(row[:-1]): float(row[-1]) for row in rows}

    def change(self, name, text):
        field = self.page.get_by_label(name, exact=True)
        field.fill(text)
        field.press("Enter")
        return field

    def round(self, number):
        self.change("round", str(number))
        self.page.wait_for_selector(f"html[data-round='{number}']", state="attached")

    def choose(self, name):
        self.page.get_by_label("explain", exact=True).select_option(label=name)

    def elements(self, selector):
        """What parts of the drawing a selector finds."""
        found = self.page.locator(f"#drawing {selector}")
        return set(found.evaluate_all("all => all.map((e) => e.dataset.el)"))

    def pressed(self):
        """What is selected in the drawing."""
        return list(self.elements("[aria-pressed=true]"))

    def lit(self, kind):
        """What is on the path, or under the pointer."""
        return self.elements(f".{kind}")


@pytest.fixture
def opened(browser, tmp_path):
    """Open an explanation's page; at the end nothing may stand in the console, nor be asked for."""
    own = []

    def open_page(explanation, width=1280, height=800, rounds=1):
        path = tmp_path / f"{len(own)}.html"
        path.write_text(explanation.html(rounds), encoding="utf-8")
        own.append(Opened(browser, path, width, height))
        return own[-1]

    yield open_page
    for each in own:
        each.close()


def tokens(markup):
    """The tokens of MathML, but for the rows that hold several together."""
    bare = re.sub(r"</?(?:mrow|math|wbr)\b[^>]*>", "", markup)
    return "".join(html.unescape(bare).split())


def expected(explanation, row=None):
    """What the page must write: what Python writes as MathML, token by token.

    Of several examples these are the lines of all, or of the one in a row.
    """
    lines = []
    for part, own in explanation.written(MathML()):
        of = re.search(r" of example (\d+)$", part.title)
        for line in () if of and row not in (None, int(of[1]) - 1) else own:
            sign = ("≈" if line.rounded else "=") if line.result else ""
            lines.append([*map(tokens, [*line[:4], line.holds]), sign])
    return lines


def shown_lines(opened):
    return [[*map(tokens, line[:-1]), line[-1]] for line in opened.lines()]
