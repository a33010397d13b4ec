"""Short words for the tests of limits: limits, reports, and a day in Prague."""

from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from rules.limits.limits import (
    Cash,
    Judgement,
    Limit,
    LimitAmount,
    LimitKind,
    LimitState,
    Past,
    Percent,
    ResetTime,
    judge,
)
from rules.model.observed import AccountStatus, Booked, CashFlow, Fill
from rules.model.values import AccountId, Price, Side, Symbol, Volume

PRAGUE_MIDNIGHT = ResetTime(time(0), ZoneInfo("Europe/Prague"))


def amount(text: str) -> LimitAmount:
    """Return "4 %" or "4000 USD" or "4000" as an amount."""
    number, _, unit = text.partition(" ")
    return Percent(Decimal(number).scaleb(-2)) if unit == "%" else Cash(Decimal(number), unit or None)


def daily(size: str = "4000", **parts: object) -> Limit:
    given = {"initial_balance": Decimal(100_000), "reset": PRAGUE_MIDNIGHT, "warn_at": None} | parts
    return Limit("day", AccountId("a"), LimitKind.DAILY_LOSS, amount(size), **given)  # type: ignore[arg-type]


def total(size: str = "10 %", **parts: object) -> Limit:
    given = {"initial_balance": Decimal(100_000), "warn_at": None} | parts
    return Limit("all", AccountId("a"), LimitKind.MAX_LOSS, amount(size), **given)  # type: ignore[arg-type]


def status(balance: str, equity: str | None = None, currency: str | None = "USD") -> AccountStatus:
    """Return figures; equity is the balance unless given, and either is unknown for "?"."""
    known = None if equity == "?" else Decimal(equity or balance)
    return AccountStatus(None if balance == "?" else Decimal(balance), known, currency)


def at(text: str) -> datetime:
    """Return "15 23:59:58" as an instant of January 2026 in UTC; Prague's midnight is at 23:00."""
    day, _, clock = text.partition(" ")
    return datetime.fromisoformat(f"2026-01-{day}T{clock}").replace(tzinfo=UTC)


class Watch:
    """A limit and its last judgement, told one thing after another."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.state: LimitState | None = None

    def report(self, when: str, balance: str, equity: str | None = None, currency: str | None = "USD") -> Judgement:
        return self._judge(status(balance, equity, currency), when)

    def clock(self, when: str, current: bool = True) -> Judgement:
        return self._judge(None, when, current)

    def _judge(self, figures: AccountStatus | None, when: str, current: bool = True) -> Judgement:
        judgement = judge(self.limit, self.state, figures, at(when), current=current)
        self.state = judgement.state
        return judgement

    def remember(self, when: str, past: Past, balance: str, equity: str | None = None) -> Judgement:
        """Let the venue's history come, and the report that was asked for after it."""
        judgement = judge(self.limit, self.state, status(balance, equity), at(when), past=past)
        self.state = judgement.state
        return judgement


def target(size: str = "5 %", **parts: object) -> Limit:
    given = {"initial_balance": Decimal(100_000)} | parts
    return Limit("goal", AccountId("a"), LimitKind.PROFIT_TARGET, amount(size), **given)  # type: ignore[arg-type]


def flow(when: str, cash: str, exec_id: str = "f1") -> CashFlow:
    return CashFlow(exec_id, at(when), Decimal(cash), "deposit" if Decimal(cash) > 0 else "withdrawal")


def closing(when: str, profit: str, exec_id: str = "d1", **costs: str) -> Fill:
    """Return a deal that closed something."""
    charged = {name: Decimal(value) for name, value in costs.items()}
    one = Decimal(1)
    return Fill(
        exec_id,
        at(when),
        Symbol("EURUSD"),
        Side.SELL,
        Volume(one),
        Price(one),
        opens=False,
        realized_pnl=Decimal(profit),
        **charged,  # type: ignore[arg-type]
    )


def past(since: str, asked: str, *entries: Booked) -> Past:
    return Past(at(since), at(asked), entries)
