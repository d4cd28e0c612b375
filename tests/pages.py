"""The page of an explanation in a browser, and its lines as Python writes them."""

import shutil

import pytest

import chainrule as cr
from chainrule.demo import worked_example
from chainrule.explain.writing import Writer

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


class Opened:
    """A page in the browser, what it has written to the console, and what it has asked for."""

    def __init__(self, browser, path, width, height):
        self.messages, self.requests = [], []
        self.page = browser.new_page()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.url, self.size = path.as_uri(), path.stat().st_size
        self.page.goto(self.url)
        self.page.wait_for_selector("html[data-ready]", state="attached")

    def lines(self):
        """Each line of the derivation: symbol, formula, numbers, result, sign before the result."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll('#derivation .step')].map((step) => [
              ...['symbol', 'formula', 'numbers', 'result'].map((kind) =>
                [...step.querySelectorAll(`.${kind} math`)].filter((m) => !m.closest('.remark'))
                  .map((m) => m.textContent).join('')),
              step.querySelector('.result .equals')?.textContent ?? ''])"""
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

    def close(self):
        self.page.close()
        assert self.messages == []
        assert self.requests == [self.url]


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


class Flat(Writer):
    """Formulas as the text of their MathML, one sign after the other."""

    fractions = True

    def number(self, text):
        return text

    def tens(self, mantissa, exponent):
        return f"{mantissa}·10{str(exponent).replace('-', '−')}"

    def minus(self, text):
        return f"−{text}"

    def name(self, name):
        return name.base + "^" * name.hat + name.sub + name.sup

    def ratio(self, above, below):
        return f"∂{above}∂{below}"

    def sum(self, terms):
        text = "".join(f"{'−' if off else '+'}{term}" for off, term in terms)
        return text.removeprefix("+")

    def product(self, factors):
        return "·".join(factors)

    def quotient(self, above, below):
        return above + below

    def power(self, base, exponent):
        return base + exponent

    def call(self, name, arguments):
        given = ",".join(arguments)
        return {"sqrt": given, "abs": f"|{given}|"}.get(name, f"{name}({given})")

    def cases(self, rows):
        return "{" + "".join(f"{r.value}if{r.left}{r.sign}{r.right}" for r in rows)

    def brackets(self, text):
        return f"({text})"


def expected(explanation):
    """What the page must write, but for spaces."""
    lines = []
    for _, own in explanation.written(Flat()):
        for line in own:
            sign = ("≈" if line.rounded else "=") if line.result else ""
            lines.append([*(part.replace(" ", "") for part in line[:4]), sign])
    return lines


def shown_lines(opened):
    return [[part.replace(" ", "") for part in line] for line in opened.lines()]
