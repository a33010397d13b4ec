"""The page of a report: one file that asks nothing of anybody, and obeys nothing that a broker wrote."""

import re
from base64 import b64encode
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from copier.ledger.codec import encode
from copier.ledger.ledger import Entry
from copier.ledger.records import KINDS, AlertRecord, LimitRecord
from copier.performance.gathering import gather
from copier.performance.scope import Scope
from copier.report.model import Report, report_of
from copier.report.page import STYLE, page
from copier.report.sections import TRADES_MAX
from copier.web.store import Store
from rules.model.events import InstrumentReported
from rules.model.values import Symbol
from rules.policy.links import LinkState
from tests.copier.desk import LINK, TARGET, Desk
from tests.copier.fakes import source_position
from tests.copier.performance.test_copied import DOLLARS, trade
from tests.copier.performance.test_gathering import LIMIT, state
from tests.rules.playbook import EURUSD, T0

UTC = ZoneInfo("UTC")
HOSTILE = '<img src=x onerror="alert(1)">'
DAY = Scope(T0 - timedelta(hours=12), T0 + timedelta(hours=12))
TOKENS = Path(__file__).parents[3] / "copier/dashboard/src/styles/tokens.css"


async def day(scope: Scope = DAY, now: datetime = T0 + timedelta(days=1)) -> Report:
    """Return the report of a day with a trade, a denial, a limit, an alert and a curve."""
    desk = await Desk().ready()
    await desk.takes(InstrumentReported(TARGET, desk.now, EURUSD.symbol, DOLLARS))
    await trade(desk)
    alert = AlertRecord("orphan", f"position of {HOSTILE}", TARGET)
    limit = LimitRecord(TARGET, state("920", 5), "warn")
    entries = [Entry(KINDS[type(record)], TARGET, encode(record)) for record in (alert, limit)]
    desk.ledger.append(entries, desk.now)
    paused = Desk(desk.ledger, links=[evolve(LINK, state=LinkState.PAUSED)], now=desk.now)
    await paused.ready()
    await paused.sees(source_position("p9", symbol=Symbol(HOSTILE)))
    store = Store(None)
    for minute, equity in enumerate((1000, 1100, 990, 1050)):
        store.sample({TARGET: (Decimal(1000), Decimal(equity))}, T0 + timedelta(minutes=minute))
    return report_of(gather(desk.ledger, scope, [LIMIT]), store, UTC, now)


class Reader(HTMLParser):
    """Checks that every element is closed where it must be, and notes what there is."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader


async def test_the_page_holds_no_script_asks_nobody_and_obeys_no_broker() -> None:
    text = page(await day())
    reader = read(text)
    assert not {"script", "img", "link", "iframe", "object", "form", "a", "base"} & set(reader.seen)
    assert not {name for name in reader.attributes if name.startswith("on") or name in ("href", "src", "style")}
    assert "://" not in text
    assert "url(" not in text
    assert HOSTILE not in text
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt;" in text


async def test_only_the_one_style_may_be_applied() -> None:
    text = page(await day())
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f'content="default-src &#x27;none&#x27;; style-src &#x27;sha256-{digest}&#x27;"' in text


async def test_the_figures_of_the_day_are_on_it() -> None:
    text = page(await day())
    for shown in (
        "Friday 20 November 2026",
        "+10,000.00 USD",
        "1 won",
        "100.0 %",
        "20.0 % left",
        "LINK_PAUSED",
        "The link is paused.",
        "largest fall <b>110.00 from 2026-11-20 12:01:00 to 2026-11-20 12:02:00</b>",
        "by prices, before costs",
        "commission and swap: the venue&#x27;s history was not asked",
    ):
        assert shown in text, shown


async def test_a_day_without_anything_is_a_page_as_well() -> None:
    report = await day(Scope(T0 + timedelta(days=3), T0 + timedelta(days=4), account=TARGET), T0 + timedelta(days=9))
    text = page(report)
    read(text)
    for shown in (
        "not known",
        "No trade was over.",
        "Nothing was denied.",
        "the equity of target: it is sampled while",
    ):
        assert shown in text, shown
    assert "curve" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)


async def test_a_page_has_the_last_trades_of_many_and_says_so() -> None:
    report = await day()
    many = evolve(report, trades=report.trades * (TRADES_MAX + 7))
    assert f"The last {TRADES_MAX} of {TRADES_MAX + 7}; all of them: copier ledger export copies" in page(many)


@pytest.mark.parametrize(
    ("scope", "now", "shown"),
    [
        (DAY, T0 + timedelta(hours=2), "Friday 20 November 2026, until 14:00"),
        (
            Scope(T0 - timedelta(hours=12), T0 + timedelta(hours=36)),
            T0 + timedelta(days=3),
            "to Saturday 21 November 2026",
        ),
        (Scope(T0, T0 + timedelta(hours=1)), T0 + timedelta(days=1), "2026-11-20 12:00:00 to 2026-11-20 13:00:00"),
        (Scope(), T0 + timedelta(days=1), "all that the ledger tells, until 2026-11-21 12:00:00"),
        (Scope(until=T0 + timedelta(hours=1)), T0 + timedelta(days=1), "until 2026-11-20 13:00:00"),
    ],
)
async def test_a_page_says_of_which_time_it_is(scope: Scope, now: datetime, shown: str) -> None:
    assert shown in page(await day(scope, now))


def test_the_colours_are_those_of_the_dashboard() -> None:
    def colours(text: str) -> list[dict[str, str]]:
        return [dict(re.findall(r"(--[\w-]+): (#\w+);", block)) for block in re.findall(r":root[^{]*\{([^}]*)\}", text)]

    ours, theirs = colours(STYLE), colours(TOKENS.read_text(encoding="utf-8"))
    for own, tokens in zip(ours, theirs, strict=False):
        assert len(own) > 15
        assert own.items() <= tokens.items()
    assert len(ours) == 2
