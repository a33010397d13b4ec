"""The gates of new risk: each denies by its code, in their order, and the trace tells what they saw."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve

from rules.gates.filters import Filter
from rules.gates.judge import judge_new_risk
from rules.gates.market import QUOTE_AGE_MAX
from rules.gates.question import Grant, Question
from rules.model.events import Origin
from rules.model.look_ups import LookUp
from rules.model.observed import AccountStatus, Quote
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied, Note
from rules.model.values import AccountId, LinkId, OmsType, Side, Symbol
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.guard import Guard, StartOpen, StartPolicy
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyLink, CopyPolicy, LinkState
from rules.policy.pacing import Delay, SkipFirst, Span, Throttle
from rules.policy.size import Size, SizeMode, VolumePolicy
from rules.policy.stops import FixedStops, Stops, StopsMode
from rules.policy.symbols import SymbolMap, SymbolRow
from rules.times.news import NewsPolicy
from rules.times.schedule import Schedule, Window
from tests.rules.playbook import EURUSD, T0, position

POINTS = Distance(Decimal(20), DistanceUnit.POINTS)
CLOSED = Schedule("night", "UTC", closed=(Window("0 * * * *", timedelta(minutes=5), "rollover"),))


NEWS = NewsPolicy("tight", before=timedelta(minutes=2), after=timedelta(minutes=2))


def question(policy: CopyPolicy | None = None, **changes: object) -> Question:
    """Return a question that every gate lets pass: EURUSD, bought a moment ago, at a ready target."""
    link = CopyLink(LinkId("l"), AccountId("source"), AccountId("target"), policy or CopyPolicy("test"))
    target = AccountView(AccountId("target"), known=True, ready=True, instruments={EURUSD.symbol: EURUSD})
    target.quotes[EURUSD.symbol] = Quote(EURUSD.symbol, Decimal("1.1000"), Decimal("1.1001"), T0)
    asked = Question(T0, link, AccountView(AccountId("source")), target, position(), Origin.LIVE, T0)
    return evolve(asked, **changes)


def with_policy(asked: Question, **changes: object) -> Question:
    return evolve(asked, link=evolve(asked.link, policy=evolve(asked.link.policy, **changes)))


def with_guard(asked: Question, **changes: object) -> Question:
    return with_policy(asked, guard=evolve(asked.link.policy.guard, **changes))


def with_target(asked: Question, **changes: object) -> Question:
    return evolve(asked, target=evolve(asked.target, **changes))


def with_quote(asked: Question, bid: str, ask: str, age_s: float = 0) -> Question:
    quote = Quote(EURUSD.symbol, Decimal(bid), Decimal(ask), asked.now - timedelta(seconds=age_s))
    return with_target(asked, quotes={EURUSD.symbol: quote})


def code(asked: Question) -> str:
    answer, trace, _ = judge_new_risk(asked)
    assert isinstance(answer, Denied)
    assert trace[-1] == answer, "the last step of the trace is the denial"
    return answer.reason.value


def granted(asked: Question) -> Grant:
    answer, _, _ = judge_new_risk(asked)
    assert isinstance(answer, Grant), answer
    return answer


LIMITED = Denied("limits", Reason.LIMIT_DAILY_LOSS)

GATES: tuple[tuple[str, Callable[[Question], Question]], ...] = (
    ("LINK_PAUSED", lambda asked: evolve(asked, link=evolve(asked.link, state=LinkState.PAUSED))),
    ("ACCOUNT_HALTED", lambda asked: with_target(asked, halted="anna: storm")),
    ("TARGET_NOT_READY", lambda asked: with_target(asked, ready=False)),
    ("TARGET_LAGGING", lambda asked: with_target(asked, lagging=True)),
    ("FILTER_SYMBOL", lambda asked: with_policy(asked, filter=Filter(symbols=("XAU.*",)))),
    (
        "SYMBOL_NOT_TRADABLE",
        lambda asked: with_target(asked, instruments={EURUSD.symbol: evolve(EURUSD, tradable=False)}),
    ),
    ("SYMBOL_WRONG_PRICE", lambda asked: with_quote(asked, "2.0", "2.0001")),
    ("SCHEDULE_CLOSED", lambda asked: with_policy(asked, schedule=CLOSED)),
    ("NEWS_UNKNOWN", lambda asked: with_policy(asked, news=NEWS)),
    ("MAINTENANCE", lambda asked: with_target(asked, maintenance=(CLOSED,))),
    ("TOO_OLD", lambda asked: evolve(with_guard(asked, max_age=timedelta(seconds=3)), now=T0 + timedelta(seconds=4))),
    ("SKIPPED_FIRST", lambda asked: with_policy(asked, skip_first=SkipFirst(1))),
    ("THROTTLED", lambda asked: with_policy(asked, throttle=Throttle(0, timedelta(seconds=1)))),
    ("APPROVAL_NEEDED", lambda asked: with_policy(asked, approval=True)),
    ("LIMIT_DAILY_LOSS", lambda asked: with_target(asked, denied=LIMITED)),
    ("MAX_POSITIONS", lambda asked: with_policy(asked, limits=PolicyLimits(max_positions=0))),
    ("VOLUME_BELOW_MIN", lambda asked: with_policy(asked, size=Size(multiplier=Decimal("0.001")))),
    ("DELAYED", lambda asked: with_policy(asked, delay=Delay(Span(timedelta(hours=1), timedelta(hours=1))))),
)
"""In the order in which a denial is reported."""


def test_nothing_against_it_is_a_grant_of_the_whole_volume() -> None:
    grant = granted(question())
    assert (grant.symbol, grant.side, grant.sized.volume) == ("EURUSD", Side.BUY, 1)
    assert grant.expected_price == Decimal("1.1001"), "a buy meets the ask"


@pytest.mark.parametrize(("expected", "close"), GATES, ids=[name for name, _ in GATES])
def test_each_gate_denies_by_its_code(expected: str, close: Callable[[Question], Question]) -> None:
    assert code(close(question())) == expected


@pytest.mark.parametrize("first", range(len(GATES) - 1))
def test_the_first_closed_gate_is_the_one_that_is_reported(first: int) -> None:
    for _, close in GATES[first + 1 :]:
        assert code(close(GATES[first][1](question()))) == GATES[first][0]


def test_close_only_is_told_apart_from_paused() -> None:
    asked = question()
    assert code(evolve(asked, link=evolve(asked.link, state=LinkState.CLOSE_ONLY))) == "LINK_CLOSE_ONLY"


@pytest.mark.parametrize("oms", list(OmsType))
def test_a_netted_position_gets_stops_only_where_it_stands_for_one_source_position(oms: OmsType) -> None:
    held = position(stop_loss=Decimal("1.0900"))
    asked = with_target(question(position=held), oms=OmsType.NETTING)
    asked = evolve(asked, source=evolve(asked.source, oms=oms))
    wanted = held.stop_loss if oms is OmsType.NETTING else None
    assert granted(asked).stops.stop_loss == wanted


# Instruments and maps


def test_an_instrument_that_was_not_looked_up_is_asked_for_with_its_quote() -> None:
    answer, _, look_ups = judge_new_risk(with_target(question(), instruments={}))
    assert isinstance(answer, Denied)
    assert answer.reason.waits
    assert look_ups == (LookUp(AccountId("target"), EURUSD.symbol, quote=True),)


def test_the_trace_names_the_row_of_the_map_that_gave_the_name() -> None:
    rows = (SymbolRow("XAUUSD"), SymbolRow("EUR.*", to="EURUSD"))
    _, trace, _ = judge_new_risk(question(CopyPolicy("mapped", symbols=SymbolMap(rows))))
    assert trace[0] == Note("symbol", "row 2 of the map", (("from", "EURUSD"), ("to", "EURUSD")))


def test_a_mapped_name_that_the_target_lacks_is_told_apart_from_an_unmapped_one() -> None:
    mapped = question(CopyPolicy("mapped", symbols=SymbolMap((SymbolRow("EUR.*", to="EURX"),))))
    assert code(with_target(mapped, instruments={Symbol("EURX"): None})) == "SYMBOL_ABSENT"
    assert code(with_target(question(), instruments={EURUSD.symbol: None})) == "SYMBOL_UNMAPPED"
    assert code(question(CopyPolicy("no", symbols=SymbolMap((SymbolRow(".*", deny=True),))))) == "SYMBOL_DENIED"


def test_a_row_of_the_map_may_allow_a_larger_price_ratio() -> None:
    far = with_quote(question(), "1.5", "1.5001")
    assert code(far) == "SYMBOL_WRONG_PRICE"
    rows = SymbolMap((SymbolRow("EURUSD", max_price_ratio=Decimal("0.5")),))
    granted(with_policy(far, symbols=rows))


def test_without_a_quote_the_ratio_cannot_judge_unless_quotes_are_required() -> None:
    blind = with_target(question(), quotes={})
    granted(blind)
    assert code(with_guard(blind, require_quotes=True)) == "QUOTE_UNKNOWN"


# Age and price


def test_age_is_counted_from_the_opening_and_of_an_increase_from_when_it_was_seen() -> None:
    old = evolve(question(CopyPolicy("young", guard=Guard(max_age=timedelta(seconds=3)))), now=T0 + timedelta(hours=1))
    assert code(old) == "TOO_OLD"
    increase = evolve(old, increase_of=(Fraction(1), Decimal("0.5")), seen_at=old.now)
    assert granted(increase).sized.volume == Decimal("0.5")


@pytest.mark.parametrize(
    ("start", "age_s", "expected"),
    [
        (StartPolicy(StartOpen.COPY), 10**6, None),
        (StartPolicy(StartOpen.IF_YOUNG, timedelta(seconds=60)), 60, None),
        (StartPolicy(StartOpen.IF_YOUNG, timedelta(seconds=60)), 61, "DENIED_STALE"),
        (StartPolicy(StartOpen.SKIP), 0, "DENIED_STALE"),
    ],
)
def test_the_start_policy_stands_in_for_the_guard_where_a_position_was_found(
    start: StartPolicy, age_s: int, expected: str | None
) -> None:
    policy = CopyPolicy("start", guard=Guard(max_age=timedelta(seconds=1)), on_start=start)
    asked = evolve(question(policy), origin=Origin.RECONCILED, now=T0 + timedelta(seconds=age_s))
    asked = with_quote(asked, "1.1000", "1.1001")
    if expected is None:
        granted(asked)
    else:
        assert code(asked) == expected


def test_an_increase_made_while_we_were_away_falls_under_the_start_policy() -> None:
    asked = evolve(question(), origin=Origin.RECONCILED, increase_of=(Fraction(1), Decimal("0.5")))
    assert code(asked) == "DENIED_STALE"
    granted(with_policy(asked, on_start=StartPolicy(StartOpen.COPY)))


def test_a_price_that_ran_away_is_denied_and_found_later_it_is_stale() -> None:
    worse = with_quote(question(), "1.1099", "1.1100")
    assert code(with_guard(worse, max_deviation=POINTS)) == "PRICE_DEVIATION"
    found = evolve(worse, origin=Origin.RECONCILED)
    start = StartPolicy(StartOpen.COPY, max_deviation=POINTS)
    assert code(with_policy(found, on_start=start)) == "DENIED_STALE"
    granted(with_guard(found, max_deviation=POINTS))  # the guard's deviation is for what was seen live


def test_a_deviation_is_told_before_a_spread() -> None:
    worse = with_quote(question(), "1.1050", "1.1090")
    assert code(with_guard(worse, max_deviation=POINTS, max_spread=POINTS)) == "PRICE_DEVIATION"


def test_a_wide_spread_is_denied() -> None:
    assert code(with_guard(with_quote(question(), "1.0990", "1.1010"), max_spread=POINTS)) == "SPREAD"


def test_an_old_quote_judges_nothing_and_a_fresh_one_is_asked_for() -> None:
    old = with_guard(with_quote(question(), "1.1", "1.1001", QUOTE_AGE_MAX.total_seconds() + 0.1), max_spread=POINTS)
    answer, _, look_ups = judge_new_risk(old)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.QUOTE_UNKNOWN
    assert look_ups == (LookUp(AccountId("target"), EURUSD.symbol, quote=True),)
    assert granted(with_guard(old, max_spread=None)).expected_price == Decimal("1.1"), "the source's own fill"


def test_reverse_looks_at_what_the_target_would_trade() -> None:
    reverse = question(CopyPolicy("reverse", reverse=True))
    grant = granted(reverse)
    assert (grant.side, grant.expected_price) == (Side.SELL, Decimal("1.1000"))
    lower = with_quote(with_guard(reverse, max_deviation=POINTS), "1.0950", "1.0951")
    assert code(lower) == "PRICE_DEVIATION", "a seller meets a lower bid"


# Limits, sizes and totals


def test_an_increase_is_no_further_position() -> None:
    full = with_policy(with_target(question(), copies=3), limits=PolicyLimits(max_positions=3))
    assert code(full) == "MAX_POSITIONS"
    granted(evolve(full, increase_of=(Fraction(1), Decimal("0.5"))))


@pytest.mark.parametrize(("held", "passes"), [("1.5", True), ("1.51", False)])
def test_the_total_may_be_reached_and_not_passed(held: str, passes: bool) -> None:
    asked = with_target(question(), volume=Decimal(held))
    asked = with_policy(asked, limits=PolicyLimits(max_total_volume=Decimal("2.5")))
    if passes:
        granted(asked)
    else:
        assert code(asked) == "MAX_TOTAL_VOLUME"


def test_a_schedule_that_is_closed_tells_until_when_and_why() -> None:
    answer, _, _ = judge_new_risk(with_policy(question(), schedule=CLOSED))
    assert isinstance(answer, Denied)
    assert answer.until == T0 + timedelta(minutes=5)
    assert ("why", "rollover") in answer.numbers


def test_a_ratio_needs_both_accounts_figures() -> None:
    asked = question(CopyPolicy("ratio", size=Size(SizeMode.EQUITY_RATIO)))
    assert code(asked) == "REFERENCE_UNKNOWN"
    status = AccountStatus(Decimal(100), Decimal(100), "USD")
    asked.source.status = status
    asked.target.status = evolve(status, equity=Decimal(50))
    assert granted(asked).sized.volume == Decimal("0.5")


def test_a_contract_size_that_the_position_does_not_tell_is_looked_up_at_the_source() -> None:
    asked = evolve(question(), position=position(contract_size=None))
    answer, _, look_ups = judge_new_risk(asked)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.INSTRUMENT_UNKNOWN
    assert look_ups == (LookUp(AccountId("source"), EURUSD.symbol),)
    asked.source.instruments[EURUSD.symbol] = evolve(EURUSD, contract_size=Decimal(10_000))
    assert granted(asked).sized.volume == Decimal("0.1")
    granted(with_policy(evolve(asked, source=AccountView(AccountId("s"))), size=Size(ignore_contract_size=True)))


def test_an_increase_is_what_the_entrys_ratio_asks_for_less_what_the_copy_has() -> None:
    asked = evolve(question(), position=position("3"), increase_of=(Fraction(1, 2), Decimal("0.5")))
    assert granted(asked).sized.volume == 1
    capped = with_policy(asked, volume=VolumePolicy(max=Decimal("1.2")))
    assert granted(capped).sized.volume == Decimal("0.7")
    nothing = evolve(asked, increase_of=(Fraction(1, 2), Decimal("1.5")))
    assert code(nothing) == "VOLUME_BELOW_MIN"
    huge = evolve(asked, position=position("1000"), increase_of=(Fraction(1), Decimal(0)))
    assert granted(huge).sized.volume == EURUSD.volume_max


# Stops by the gap between two quotes

OFFSET = CopyPolicy("offset", stops=Stops(StopsMode.OFFSET))


def stopped(**changes: object) -> Question:
    held = position(stop_loss=Decimal("1.0900"), current_price=Decimal("1.0990"))
    return evolve(question(OFFSET), position=held, **changes)


def test_the_gap_is_that_of_the_two_closing_prices_and_is_kept() -> None:
    grant = granted(stopped())
    assert (grant.gap, grant.stops.stop_loss) == (Decimal("0.0010"), Decimal("1.0910"))
    asked = stopped()
    asked.source.quotes[EURUSD.symbol] = Quote(EURUSD.symbol, Decimal("1.0980"), Decimal("1.0981"), T0)
    assert granted(asked).gap == Decimal("0.0020"), "a quote of the source tells it better than its position"


def test_quotes_for_the_gap_are_looked_up_for_a_moment_and_then_the_distance_serves() -> None:
    blind = with_target(stopped(), quotes={})
    answer, _, look_ups = judge_new_risk(blind)
    assert isinstance(answer, Denied)
    assert (answer.reason, answer.until) == (Reason.QUOTE_UNKNOWN, T0 + timedelta(seconds=1))
    assert look_ups == (LookUp(AccountId("target"), EURUSD.symbol, quote=True),)
    grant = granted(evolve(blind, now=T0 + timedelta(seconds=1)))
    assert (grant.gap, grant.stops.stop_loss) == (None, Decimal("1.0900"))


def test_an_increase_keeps_the_gap_of_the_entry() -> None:
    more = stopped(increase_of=(Fraction(1), Decimal("0.5")), gap=Decimal("0.0050"))
    assert granted(more).stops.stop_loss == Decimal("1.0950")


def test_a_venue_without_stops_refuses_fixed_ones_too() -> None:
    fixed = FixedStops(Distance(Decimal(50), DistanceUnit.PIPS))
    asked = with_policy(question(), stops=Stops(StopsMode.NONE, fixed=fixed))
    assert granted(asked).stops.stop_loss == Decimal("1.0951")
    assert granted(with_target(asked, stop_loss_lasts=False)).stops.stop_loss is None


def test_where_no_take_profits_are_kept_a_copy_gets_the_stop_loss_and_is_told_why() -> None:
    held = position(stop_loss=Decimal("1.0900"), take_profit=Decimal("1.1200"))
    stops = granted(with_target(question(position=held), keeps_take_profit=False)).stops
    assert (stops.stop_loss, stops.take_profit) == (Decimal("1.0900"), None)
    assert [note.outcome for note in stops.notes if isinstance(note, Note)] == [
        "no take-profit: the venue keeps none, the source's own closes the copy"
    ]
    without = granted(with_target(question(position=evolve(held, take_profit=None)), keeps_take_profit=False)).stops
    assert without.notes == ()


def test_where_a_stop_loss_is_an_order_of_its_own_a_copy_is_opened_without_it() -> None:
    held = position(stop_loss=Decimal("1.0900"), take_profit=Decimal("1.1200"))
    stops = granted(with_target(question(position=held), stop_loss_lasts=False)).stops
    assert (stops.stop_loss, stops.take_profit) == (None, Decimal("1.1200"))
    assert "entered as an order of its own after the opening" in str(stops.notes)


def test_a_stop_loss_that_is_required_is_so_where_it_is_an_order_of_its_own_too() -> None:
    asked = with_policy(question(), filter=Filter(require_stop_loss=True))
    assert code(with_target(asked, stop_loss_lasts=False)) == "FILTER_STOPS"
