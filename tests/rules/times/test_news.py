"""News windows: who is concerned, when, and what a missing calendar means."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.model.currencies import currencies_of
from rules.model.instruments import Instrument
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.model.values import Symbol
from rules.times.news import Calendar, Impact, News, NewsEvent, NewsPolicy, OnMissing, SymbolCurrencies, check_news
from tests.rules.playbook import EURUSD

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
POLICY = NewsPolicy("tight", before=2 * MINUTE, after=2 * MINUTE)


def event(
    at: datetime = NOON, currency: str | None = "USD", impact: Impact | None = Impact.HIGH, **more: object
) -> NewsEvent:
    return evolve(NewsEvent(at, at, "CPI", currency, impact), **more)


def news(*events: NewsEvent, policy: NewsPolicy = POLICY) -> News:
    return News(policy, Calendar(NOON, NOON + timedelta(days=2), events))


def instrument(symbol: str, profit_currency: str | None = None) -> Instrument:
    return evolve(EURUSD, symbol=Symbol(symbol), profit_currency=profit_currency)


def blocked(found: News, at: datetime, of: Instrument = EURUSD) -> bool:
    return isinstance(check_news(found.policy, found, of, at), Denied)


def test_the_window_is_half_open_on_both_sides_of_the_event():
    found = news(event())
    moments = (
        -2 * MINUTE - timedelta(seconds=1),
        -2 * MINUTE,
        timedelta(0),
        2 * MINUTE - timedelta(seconds=1),
        2 * MINUTE,
    )
    assert [blocked(found, NOON + moment) for moment in moments] == [False, True, True, True, False]


def test_the_denial_names_the_event_and_when_it_is_over():
    denied = news(event()).window(EURUSD, NOON)
    assert denied is not None
    assert denied.reason is Reason.NEWS_WINDOW
    assert denied.until == NOON + 2 * MINUTE
    assert denied.numbers == (
        ("news", "tight"),
        ("symbol", "EURUSD"),
        ("event", "USD CPI at 2026-11-20 12:00:00Z, high"),
        ("until", "2026-11-20 12:02:00Z"),
    )


def test_windows_that_meet_are_one():
    found = news(event(), event(NOON + 4 * MINUTE, title="PPI"))
    denied = found.window(EURUSD, NOON)
    assert denied is not None
    assert denied.until == NOON + 6 * MINUTE
    assert blocked(found, NOON + 2 * MINUTE)
    assert [text for name, text in denied.numbers if name == "event"] == [
        "USD CPI at 2026-11-20 12:00:00Z, high",
        "USD PPI at 2026-11-20 12:04:00Z, high",
    ]


def test_a_short_event_inside_a_long_one_does_not_end_it():
    day = event(until=NOON + timedelta(hours=5), title="meeting")
    found = news(day, event(NOON + MINUTE))
    assert blocked(found, NOON + timedelta(hours=4))


@pytest.mark.parametrize(
    ("symbol", "profit_currency", "currencies"),
    [
        ("EURUSD", None, {"EUR", "USD"}),
        ("EURUSD.m", "USD", {"EUR", "USD"}),
        ("USDJPYm", None, {"USD", "JPY"}),
        ("EUR/USD", None, {"EUR", "USD"}),
        ("frxGBPCHF", None, {"GBP", "CHF"}),
        ("XAUUSD", None, {"USD"}),
        ("BTCUSD", None, {"USD"}),
        ("GER40.cash", "EUR", {"EUR"}),
        ("GER40.cash", None, None),
        ("NATGAS", None, None),
        ("USOIL", None, None),
        ("EURUSDT", None, None),
        ("AAPL", "USD", {"USD"}),
    ],
)
def test_currencies_of_an_instrument(symbol: str, profit_currency: str | None, currencies: set[str] | None):
    assert currencies_of(instrument(symbol, profit_currency)) == currencies


def test_an_event_concerns_the_symbols_of_its_currency_and_those_of_unknown_ones():
    found = news(event(currency="JPY"))
    assert not blocked(found, NOON, EURUSD)
    assert blocked(found, NOON, instrument("USDJPY"))
    assert blocked(found, NOON, instrument("GER40")), "nobody told its currency"
    assert not blocked(found, NOON, instrument("GER40", "EUR"))
    assert blocked(news(event(currency=None)), NOON, EURUSD), "an event for all"


def test_a_person_s_map_of_currencies_comes_before_the_name():
    policy = evolve(
        POLICY, symbols=(SymbolCurrencies("GER40|XAU.*", frozenset({"EUR"})), SymbolCurrencies(".*C", frozenset()))
    )
    found = news(event(), policy=policy)
    assert not blocked(found, NOON, instrument("XAUUSD"))
    assert blocked(found, NOON, instrument("XAGUSD"))
    assert not blocked(found, NOON, instrument("ABC"))
    assert blocked(news(event(currency=None), policy=policy), NOON, instrument("ABC"))


@pytest.mark.parametrize(
    ("policy", "counted"),
    [
        (POLICY, {"high", "unknown"}),
        (evolve(POLICY, impact=frozenset({Impact.LOW, Impact.MEDIUM})), {"low", "unknown"}),
        (evolve(POLICY, currencies=frozenset({"EUR"})), set()),
        (evolve(POLICY, titles=("h.*", "l.*")), {"high"}),
        (evolve(POLICY, not_titles=("h.*",)), {"unknown"}),
    ],
)
def test_only_events_that_the_policy_is_about_count(policy: NewsPolicy, counted: set[str]):
    events = {
        "high": event(title="high"),
        "low": event(title="low", impact=Impact.LOW),
        "unknown": event(title="unknown", impact=None),
    }
    assert {name for name, each in events.items() if blocked(news(each, policy=policy), NOON)} == counted


@pytest.mark.parametrize(
    ("ages", "unknown"),
    [
        ((timedelta(0), timedelta(0)), False),
        ((timedelta(days=3), timedelta(0)), False),
        ((timedelta(days=3, seconds=1), timedelta(0)), True),
        ((timedelta(0), timedelta(days=3, seconds=1)), True),
        ((timedelta(0), timedelta(days=-5)), False),
    ],
)
def test_a_calendar_that_is_old_or_at_its_end_is_no_calendar(ages: tuple[timedelta, timedelta], unknown: bool):
    read, ended = ages
    found = News(POLICY, Calendar(NOON - read, NOON - ended, ()))
    said = check_news(POLICY, found, EURUSD, NOON)
    assert (said is not None) == unknown
    if unknown:
        assert isinstance(said, Denied)
        assert said.reason is Reason.NEWS_UNKNOWN
        assert said.reason.waits


def test_without_a_calendar_new_risk_is_denied_unless_allowed():
    denied = check_news(POLICY, None, EURUSD, NOON)
    assert isinstance(denied, Denied)
    assert denied.reason is Reason.NEWS_UNKNOWN
    empty = News(POLICY, Calendar(NOON, None, ()))
    assert isinstance(check_news(POLICY, empty, EURUSD, NOON), Denied), "a calendar without any event is none"
    relaxed = evolve(POLICY, on_missing=OnMissing.ALLOW)
    assert isinstance(check_news(relaxed, None, EURUSD, NOON), Note)


def test_a_stale_calendar_still_denies_what_it_knows():
    relaxed = evolve(POLICY, on_missing=OnMissing.ALLOW)
    stale = News(relaxed, Calendar(NOON - timedelta(days=9), NOON, (event(),)))
    assert isinstance(check_news(relaxed, stale, EURUSD, NOON), Denied)
    assert isinstance(check_news(relaxed, stale, EURUSD, NOON + timedelta(hours=1)), Note)


def test_what_was_copied_is_closed_once_before_an_event_that_concerns_it():
    found = news(event(), event(NOON + timedelta(hours=1), "JPY"), policy=evolve(POLICY, close_before=MINUTE))
    at = NOON - MINUTE
    assert found.next_closing(NOON - timedelta(hours=1)) == at
    assert found.next_closing(at) == NOON + timedelta(minutes=59)
    assert found.next_closing(NOON + timedelta(hours=1)) is None
    assert found.closes(EURUSD, at - MINUTE, at) == event()
    assert found.closes(EURUSD, at, at + MINUTE) is None
    assert found.closes(EURUSD, at - MINUTE, NOON + timedelta(hours=2)) == event(), "also one that was missed"
    assert found.closes(EURUSD, NOON, NOON + timedelta(hours=2)) is None, "yen are another's"
    assert found.closes(None, NOON, NOON + timedelta(hours=2)) is not None, (
        "of what is not known everything may concern"
    )
    assert news(event()).next_closing(NOON - timedelta(hours=1)) is None


events = st.builds(
    lambda minute, length, currency, impact: event(
        NOON + minute * MINUTE, currency, impact, until=NOON + (minute + length) * MINUTE
    ),
    st.integers(-60, 60),
    st.sampled_from((0, 0, 0, 30)),
    st.sampled_from(("USD", "EUR", "JPY", None)),
    st.sampled_from((Impact.HIGH, Impact.LOW, None)),
)


@pytest.mark.slow  # a hundred examples of calendars
@given(st.lists(events, max_size=8), st.integers(-90, 120), st.integers(0, 15), st.integers(0, 15))
def test_a_moment_is_blocked_when_any_event_says_so(found: list[NewsEvent], minute: int, before: int, after: int):
    policy = evolve(POLICY, before=before * MINUTE, after=after * MINUTE)
    at = NOON + minute * MINUTE
    expected = any(
        each.at - policy.before <= at < each.until + policy.after
        for each in found
        if each.impact is not Impact.LOW and each.currency in {"EUR", "USD", None}
    )
    built = news(*found, policy=policy)
    denied = built.window(EURUSD, at)
    assert (denied is not None) == expected
    if denied is not None:
        assert denied.until is not None
        assert built.window(EURUSD, denied.until - timedelta(microseconds=1)) is not None
