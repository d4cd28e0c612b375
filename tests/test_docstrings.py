"""What numpydoc finds in the docstrings of the public; entries that are taken from others."""

import enum
import inspect
import re
import subprocess
import sys

import pytest
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import validate

import chainrule as cr
from chainrule.diagnosis import GradientCheck, RateRange
from chainrule.docstrings import documented_by
from chainrule.explanation.contributions import Contributions
from chainrule.explanation.path_sums import Paths
from chainrule.explanation.result import Explanation

CHECKS = {
    "GL06": "a section that there is not",
    "GL07": "sections in another order than numpydoc's",
    "GL08": "no docstring",
    "SS03": "a summary without a full stop",
    "SS05": "a summary in the third person",
    "SS06": "a summary of more than one line",
    "PR01": "a parameter that is not documented",
    "PR02": "one documented that there is not",
    "PR07": "a parameter without a description",
    "PR10": "no space before the colon of a type",
}
"""What is looked for, by numpydoc's codes; types stand in the signatures."""


def own(kind, name):
    """The method of a class if the class is the first to have it, without what wraps it."""
    found = inspect.getattr_static(kind, name)
    found = getattr(found, "__func__", getattr(found, "fn", found))
    inherited = any(name in vars(base) for base in kind.__mro__[1:])
    if inspect.isfunction(found) and found.__name__ == name and not inherited:
        yield f"{kind.__name__}.{name}", inspect.unwrap(found)


RETURNED = (Contributions, Explanation, GradientCheck, Paths, RateRange)
"""The classes of what public functions return, beside those that are public."""


def documented():
    """Every public callable, and the methods that it and its bases are the first to have."""
    for thing in (*(getattr(cr, name) for name in cr.__all__), *RETURNED):
        if inspect.isfunction(thing):
            yield thing.__name__, thing
        if inspect.isclass(thing) and not issubclass(thing, enum.Enum):  # whose call is Python's
            yield thing.__name__, thing
            for kind in thing.__mro__:
                if kind.__module__.startswith("chainrule."):
                    for name in vars(kind):
                        if not name.startswith("_") or name == "__call__":
                            yield from own(kind, name)


DOCUMENTED = dict(documented())
OF_LAYERS = {name: thing for name, thing in DOCUMENTED.items() if name.startswith("Layer.")}
"""What all kinds of layer are asked: the docstring of `Layer` says once what it takes."""


def wrong(thing):
    """What is wrong with a docstring, of what is looked for."""
    found = validate(get_doc_object(thing))["errors"]
    return [f"{code}: {message}" for code, message in found if code in CHECKS]


@pytest.mark.parametrize("name", [name for name in DOCUMENTED if name not in OF_LAYERS])
def test_a_public_callable_documents_its_parameters(name):
    assert not wrong(DOCUMENTED[name])


@pytest.mark.parametrize("name", OF_LAYERS)
def test_what_layers_are_asked_takes_arguments_that_are_explained_once(name):
    explained = re.findall(r"^\| (.*?) \|", inspect.getdoc(cr.Layer), re.MULTILINE)
    names = {"self", "cls", *", ".join(explained).replace("*", "").split(", ")}
    assert set(inspect.signature(OF_LAYERS[name]).parameters) <= names


def test_a_docstring_that_lacks_a_parameter_is_found():
    def scaled(x, by):
        """Return x times a factor.

        Parameters
        ----------
        x, factor
            Numbers.
        """
        return x * by

    assert [line.split(":")[0] for line in wrong(scaled)] == ["PR01", "PR02"]


# Entries that stand in another docstring


def speed(distance, time):
    """Return the speed.

    Parameters
    ----------
    distance
        How far, in metres,
        along the way.
    time
        How long.

    Examples
    --------
    >>> speed(6, 2)
    3.0
    """
    return distance / time


def price(amount):
    """Return the price.

    Parameters
    ----------
    amount
        How much.
    """


ALL = ["distance", "    How far, in metres,", "    along the way.", "time", "    How long."]


@pytest.mark.parametrize(
    ("place", "entries"),
    [
        ("{time}", ALL[3:]),
        ("    {distance}", ["    " + line for line in ALL[:3]]),
        ("{Parameters}", [*ALL, "amount", "    How much."]),
        ("set {time}", ["set {time}"]),
        ("{time} s", ["{time} s"]),
    ],
)
def test_a_line_in_braces_becomes_what_others_say_under_that_heading(place, entries):
    def thing():
        pass

    thing.__doc__ = f"Return it.\n{place}\nwhat follows"
    assert documented_by(speed, price)(thing) is thing
    assert thing.__doc__.splitlines() == ["Return it.", *entries, "what follows"]


def test_a_heading_that_no_other_has_is_an_error():
    with pytest.raises(KeyError, match="mass"):

        @documented_by(speed)
        def force():
            """{mass}"""


def test_without_docstrings_nothing_is_done():
    code = "import chainrule as cr; print(cr.train.__doc__, cr.MLPRegressor.fit.__doc__)"
    made = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, check=True)
    assert made.stdout.split() == [b"None", b"None"]
