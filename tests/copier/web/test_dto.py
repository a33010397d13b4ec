"""The shown classes: every example of the page is exactly such a thing, and numbers never leave as floats."""

import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from copier.web.dto.accounts import Account, Booking, EquityCurve, Order, Position
from copier.web.dto.copies import Copy
from copier.web.dto.decisions import Decision, Story
from copier.web.dto.levers import Done, Lever
from copier.web.dto.limits import Limit
from copier.web.dto.links import Link, SideBySide
from copier.web.dto.mismatches import Mismatch
from copier.web.dto.performance import Performance
from copier.web.dto.problems import Problem
from copier.web.dto.status import Status
from copier.web.dto.words import amount, as_builtins, to_json, utc

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^### (\w+)\n\n```json\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
SHOWN = (
    *(Account, Booking, Copy, Decision, Done, EquityCurve, Lever, Limit, Link),
    *(Mismatch, Order, Performance, Position, Problem, SideBySide, Status, Story),
)
CLASSES = {each.__name__: each for each in SHOWN}


def test_the_page_has_an_example_of_every_thing() -> None:
    assert {name for name, _ in EXAMPLES} | {"Copy"} == set(CLASSES)  # copies are shown side by side


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_of_the_page_is_what_is_shown(name: str, text: str) -> None:
    shown = msgspec.json.decode(text, type=CLASSES[name])
    assert as_builtins(shown) == json.loads(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [("0.30", "0.3"), ("1E+3", "1000"), ("1E-8", "0.00000001"), ("-0", "0"), ("100000000.123456789", None)],
)
def test_an_amount_is_plain_text_without_an_exponent(number: str, text: str | None) -> None:
    assert amount(Decimal(number)) == (text or number)


def test_an_unknown_amount_stays_unknown() -> None:
    assert amount(None) is None


def test_an_instant_is_shown_in_utc_whatever_its_zone() -> None:
    at = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Prague"))
    assert to_json(utc(at)) == b'"2026-07-01T10:00:00Z"'
