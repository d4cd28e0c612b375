"""Options that take one value: given twice with values that differ, every command refuses them."""

import click
import pytest

from chainrule.cli import main
from commands import run

TRAIN = ("train", "no.csv", "--target", "price")


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        ((*TRAIN, "--target", "carat"), "--target takes one value, and got 'price' and 'carat'"),
        ((*TRAIN, "--target=carat"), "--target takes one value"),
        ((*TRAIN, "--hidden", "8", "--hidden", "4,2"), "--hidden takes one value"),
        ((*TRAIN, "-o", "a.model", "--out", "b.model"), "--out takes one value"),
        ((*TRAIN, "--refit", "--no-refit"), "--refit and --no-refit exclude each other"),
        ((*TRAIN, "--order", "cut=A<B", "--order", "cut=B<A"), "--order cut takes one value"),
        (("predict", "m", "t", "-o", "a.csv", "-o", "b.csv"), "--output takes one value"),
        (("evaluate", "m", "t", "--delimiter", ";", "--delimiter", ","), "--delimiter takes one"),
        (("explain", "2-2-2", "--of", "w1", "--of", "w2"), "--of takes one value"),
        (("worksheet", "--network", "2-2-1", "--network", "2-3-1"), "--network takes one value"),
        (("check", "--seed", "1", "--seed", "2"), "--seed takes one value, and got '1' and '2'"),
    ],
)
def test_two_values_are_refused(arguments, option):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith(f"Error: {option}")


@pytest.mark.parametrize(
    "arguments",
    [
        (*TRAIN, "--target", "price"),
        (*TRAIN, "--quiet", "--quiet"),
        (*TRAIN, "--numbers", "a", "--numbers", "b"),
        (*TRAIN, "--order", "cut=A<B", "--order", "hue=A<B"),
        ("predict", "no.csv", "t", "--keep", "a", "--keep", "b"),
    ],
)
def test_the_same_twice_and_options_of_several_values_are_taken(arguments):
    assert "no.csv" in run(*arguments).stderr.splitlines()[-1]


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_refuses_them_for_each_of_its_options(name):
    for option in main.commands[name].params:
        if isinstance(option, click.Option) and not (option.multiple or option.is_flag):
            flag = max(option.opts, key=len)
            last = run(name, flag, "1", flag, "2").stderr.splitlines()[-1]
            assert last.startswith(f"Error: {flag} takes one value, and got '1' and '2'; ")
