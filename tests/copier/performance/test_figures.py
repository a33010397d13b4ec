"""Figures by worked numbers: each can be checked with a pencil."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from copier.ledger.records import AlertRecord
from copier.performance.copied import Result
from copier.performance.figures import Samples, performance_of
from copier.performance.gathering import Entry, Gathering, Lasting
from copier.performance.scope import Scope
from copier.performance.trades import Trade
from copier.web.dto.performance import Performance
from copier.web.store import Sample
from rules.books.mismatch import Mismatch, MismatchKind
from rules.limits.terms import LimitKind
from rules.model.copies import Copy, CopyStatus, Ending
from rules.model.events import Origin
from rules.model.reasons import Reason
from rules.model.severity import Severity
from rules.model.values import AccountId, LinkId, PositionId, Price, Side, Symbol, Volume
from tests.copier.performance.test_gathering import LIMIT, state
from tests.rules.playbook import T0

PROP, EURUSD = AccountId("prop"), Symbol("EURUSD")
COPY = Copy(
    LinkId("master->prop"),
    AccountId("master"),
    PROP,
    PositionId("1"),
    T0,
    EURUSD,
    Side.BUY,
    T0,
    Origin.LIVE,
    CopyStatus.ENDED,
    ending=Ending.SOURCE_CLOSED,
)


def trade(
    amount: str | None, currency: str | None = "USD", *, minutes: int | None = 10, booked: str | None = None
) -> Trade:
    made = None if amount is None else Decimal(amount)
    price = Price("1.1")
    result = Result(Volume(1), Volume(1), price, price, made, None if currency is None else made, currency)
    begun_at = None if minutes is None else T0
    over_at = T0 + timedelta(minutes=minutes or 0)
    costs = None if booked is None else Decimal(-1)
    return Trade(COPY, (), EURUSD, begun_at, over_at, result, None if booked is None else Decimal(booked), costs)


class Told(Gathering):
    """A gathering of trades that a test makes up."""

    made_up: tuple[Trade, ...] = ()

    def trades(self) -> list[Trade]:
        return list(self.made_up)


def figures(*trades: Trade, samples: dict[AccountId, Samples] | None = None, **told: object) -> Performance:
    gathering = Told(Scope(T0, T0 + timedelta(days=1)), currencies={PROP: "USD"})
    gathering.made_up = trades
    for name, value in told.items():
        setattr(gathering, name, value)
    return performance_of(gathering, samples or {}, T0 + timedelta(hours=12))


def test_results_of_a_day_by_hand() -> None:
    found = figures(trade("100"), trade("50.50"), trade("-30"), trade("-20.25"), trade("0"))
    [money] = found.money
    # Won 150.50, lost 50.25: a net of 100.25 over five trades.
    assert (money.net, money.won, money.lost, money.trades) == ("100.25", "150.5", "-50.25", 5)
    assert money.profit_factor == "3"  # 150.50 / 50.25 = 2.995, to the cent
    assert money.expectancy == "20.05"
    assert (money.average_win, money.average_loss) == ("75.25", "-25.12")
    assert (money.best, money.worst, money.basis, money.costs) == ("100", "-30", "prices", None)
    trades = found.trades
    assert (trades.over, trades.won, trades.lost, trades.even, trades.unknown) == (5, 2, 2, 1, 0)
    assert trades.win_rate == "40.00"
    assert trades.holding_s == 600


def test_without_a_loss_there_is_no_profit_factor_and_without_trades_there_is_no_rate() -> None:
    [money] = figures(trade("1")).money
    assert (money.profit_factor, money.average_loss, money.lost) == (None, None, "0")
    empty = figures()
    assert (empty.money, empty.trades.win_rate, empty.trades.holding_s) == ([], None, None)
    assert (empty.slippage, empty.answers, empty.missing) == (None, None, [])


def test_currencies_are_never_added_up_and_most_trades_come_first() -> None:
    found = figures(trade("1", "JPY"), trade("2"), trade("3"))
    assert [(row.currency, row.net) for row in found.money] == [("USD", "5"), ("JPY", "1")]
    assert (found.symbols[0].net, found.symbols[0].currency) == (None, None), "one symbol in two currencies"


def test_a_result_whose_worth_is_not_known_still_won_or_lost_but_is_in_no_sum() -> None:
    found = figures(trade("5"), trade("7", None), trade(None, None))
    assert (found.trades.won, found.trades.unknown, found.trades.win_rate) == (2, 1, "100.00")
    assert found.money[0].net == "5"
    assert found.missing[0].startswith("the result of 2 trades: a price, the contract size or the profit currency")


def test_what_was_booked_counts_only_where_all_of_the_account_was() -> None:
    [both] = figures(trade("10", booked="9"), trade("-4", booked="-5")).money
    assert (both.basis, both.net, both.costs) == ("booked", "4", "-2")
    [mixed] = figures(trade("10", booked="9"), trade("-4")).money
    assert (mixed.basis, mixed.net, mixed.costs) == ("prices", "6", None)
    assert any("before costs" in each for each in figures(trade("10", booked="9"), trade("-4")).missing)


def test_how_long_trades_lasted_is_of_those_that_are_known() -> None:
    found = figures(trade("1", minutes=10), trade("1", minutes=20), trade("1", minutes=None))
    assert found.trades.holding_s == 900
    assert "how long 1 trade lasted: they began before what was read" in found.missing


def test_slippage_and_volumes_are_of_what_was_opened() -> None:
    entries = [
        Entry(PROP, EURUSD, Decimal("0.5"), True, Decimal(points)) for points in ("-2", "0", "1", "3", "4", "5.5")
    ]
    entries += [Entry(PROP, EURUSD, Decimal("0.25"), False, None), Entry(PROP, Symbol("X"), Decimal(2), True, None)]
    found = figures(trade("1"), entries=entries)
    slippage = found.slippage
    assert slippage is not None
    assert (slippage.count, slippage.unknown, slippage.mean, slippage.median) == (6, 1, "1.92", "1")
    assert (slippage.p90, slippage.best, slippage.worst) == ("5.5", "-2", "5.5")
    assert [(bar.low, bar.count) for bar in slippage.bars] == [
        (str(low), count) for low, count in zip(range(-2, 6), (1, 0, 1, 1, 0, 1, 1, 1), strict=True)
    ]
    assert [(row.symbol, row.opened, row.trades, row.closed, row.net) for row in found.symbols] == [
        ("EURUSD", "3.25", 1, "1", "1"),
        ("X", "2", 0, "0", None),
    ]
    assert found.trades.opened == 7
    assert "the slippage of 1 trade: " in " ".join(found.missing)


def test_answers_denials_and_alerts_are_counted() -> None:
    found = figures(
        answers_ms=[Decimal(each) for each in ("10.5", "20", "30", "1000")],
        denials={Reason.SPREAD: 2, Reason.LINK_PAUSED: 5},
        alerts=[(T0, AlertRecord("orphan", "a", PROP)), (T0, AlertRecord("orphan", "b", PROP))],
    )
    answers = found.answers
    assert answers is not None
    assert (answers.count, answers.p50_ms, answers.p90_ms, answers.worst_ms) == (4, "20", "1000", "1000")
    assert [(row.code, row.count) for row in found.denials] == [("LINK_PAUSED", 5), ("SPREAD", 2)]
    assert found.denials[0].meaning == "The link is paused."
    [alerts] = found.alerts
    assert (alerts.kind, alerts.count, bool(alerts.meaning)) == ("orphan", 2, True)


def curve(*values: int) -> list[Sample]:
    return [Sample(T0 + timedelta(minutes=minute), None, Decimal(value)) for minute, value in enumerate(values)]


def test_the_equity_of_a_day_by_hand() -> None:
    [equity] = figures(samples={PROP: curve(1000, 1100, 990, 1050)}).equity
    assert (equity.first, equity.last, equity.change) == ("1000", "1050", "50")
    assert (equity.highest, equity.lowest, equity.currency) == ("1100", "990", "USD")
    assert (equity.drawdown, equity.drawdown_percent) == ("110", "10.00")
    assert (equity.fell_from, equity.fell_to) == (T0 + timedelta(minutes=1), T0 + timedelta(minutes=2))


def test_an_equity_that_is_not_known_is_absent_and_the_reason_is_told() -> None:
    found = figures(samples={PROP: None, AccountId("other"): []})
    assert found.equity == []
    assert found.missing == [
        "the equity of prop: there is no file of equity curves beside the ledger, or it cannot be read",
        "the equity of other: it is sampled while the service serves its surfaces, and was not then",
    ]


def test_limits_come_by_their_nearness() -> None:
    gathering = Gathering(Scope(), {LIMIT.limit_id: LIMIT})
    gathering.judged(PROP, state("925", 0), "ok", T0)
    gathering.judged(PROP, evolve(state("1", 0), limit_id="prop/other"), "warn", T0)
    first, second = performance_of(gathering, {}, T0).limits
    assert (first.limit, first.headroom, first.headroom_percent, first.floor) == (
        "target/max_loss",
        "25",
        "25.00",
        "900",
    )
    assert (second.limit, second.stage, second.headroom, second.kind) == ("prop/other", "warn", None, None)


def test_to_be_near_to_a_profit_target_is_no_danger() -> None:
    target = evolve(LIMIT, limit_id="prop/target", kind=LimitKind.PROFIT_TARGET)
    gathering = Gathering(Scope(), {LIMIT.limit_id: LIMIT, "prop/target": target})
    gathering.judged(PROP, state("999", 0), "ok", T0)
    gathering.judged(PROP, evolve(state("1099", 0), limit_id="prop/target"), "ok", T0)
    first, second = performance_of(gathering, {}, T0).limits
    assert (first.limit, first.headroom) == ("target/max_loss", "99")
    assert (second.limit, second.kind, second.headroom) == ("prop/target", "profit_target", "1")


def test_the_headroom_is_missing_without_the_config() -> None:
    gathering = Gathering(Scope())
    gathering.judged(PROP, state("925", 0), "ok", T0)
    assert performance_of(gathering, {}, T0).missing == [
        "the headroom to limits: what they allow stands in the config, and none was given"
    ]


def test_a_mismatch_counts_for_as_long_as_it_lasted_within_the_time() -> None:
    lots = Volume(1)
    mismatch = Mismatch(
        COPY.link_id, PROP, EURUSD, MismatchKind.MISSING, lots, Volume(0), lots, Severity.INFO, (), "why"
    )
    ended = Lasting(mismatch, T0 + timedelta(hours=1), Severity.CRITICAL, T0 + timedelta(hours=3))
    lasts = Lasting(mismatch, None, Severity.INFO)
    first, second = figures(mismatches=[ended, lasts]).mismatches
    assert (first.lasted_s, first.severity, first.says) == (
        7200,
        "critical",
        "EURUSD should be long 1 and is not there (why)",
    )
    assert (second.lasted_s, second.began, second.ended) == (43_200, None, None), "until noon, when it was asked"
