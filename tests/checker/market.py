"""Prices, instruments and figures of a simulated day."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Quote
from rules.model.values import Symbol
from rules.times.news import Impact, NewsEvent

MIDS = {"XAUUSD": "2600", "GER40": "20000", "NAS100": "18000", "AUDCAD": "0.91", "GOLD": "2600"}
TICKS = {"XAUUSD": "0.01", "GER40": "0.1", "NAS100": "0.25", "AUDCAD": "0.00001", "GOLD": "0.01"}
PRICED_IN = {"XAUUSD": "USD", "GER40": "EUR", "NAS100": "USD", "AUDCAD": "CAD", "GOLD": "USD"}
CONTRACTS = {"XAUUSD": "100", "GER40": "25", "NAS100": "20", "AUDCAD": "100000", "GOLD": "100"}
RATES = {"EURUSD": "1.08", "GBPUSD": "1.27", "USDCAD": "1.37"}
"""Pairs that are only quoted, for conversions."""


class Market:
    """One day's prices, the same at every account but for a little.

    A `still` one keeps them for a day: a ledger tells other symbols' quotes now and then only, and what is held is
    valued by them.
    """

    def __init__(self, random: Random, *, still: bool) -> None:
        self._random = random
        self._still = still
        self._mids = {name: Decimal(mid) for name, mid in (MIDS | RATES).items()}

    def mid(self, symbol: str) -> Decimal:
        """Return a price that has moved a little since it was last asked for, on the tick."""
        base = symbol.removesuffix(".m")
        base = "XAUUSD" if base == "GOLD" else base
        if base in RATES:
            return self._mids[base]
        if self._still:
            return self._mids[base]
        step = Decimal(self._random.randrange(-20, 21)) / 100_000
        start = Decimal(MIDS[base])
        self._mids[base] = max(min(self._mids[base] * (1 + step), start * Decimal("1.01")), start * Decimal("0.99"))
        return round(self._mids[base] / Decimal(TICKS[base])) * Decimal(TICKS[base])

    def last(self, symbol: str) -> Decimal:
        """Return the price as it is, on the tick."""
        base = "XAUUSD" if symbol.removesuffix(".m") == "GOLD" else symbol.removesuffix(".m")
        return round(self._mids[base] / Decimal(TICKS[base])) * Decimal(TICKS[base])

    def move_rates(self) -> None:
        """Move what is only quoted for conversions."""
        for name in RATES:
            self._mids[name] = Decimal(RATES[name]) + Decimal(self._random.randrange(-300, 300)) / 10_000

    def quote(self, symbol: str, at: datetime) -> Quote:
        mid = self.mid(symbol)
        if symbol in RATES or self._still:
            return Quote(Symbol(symbol), mid, mid, at)
        tick = Decimal(TICKS.get(symbol, "0.0001"))
        spread = tick * self._random.choice((1, 2, 3, 8))
        return Quote(Symbol(symbol), mid, mid + spread, at)

    def instrument(self, symbol: str, *, source: bool) -> Instrument | None:
        """Return what an account says of a symbol; sources and targets name gold differently."""
        if symbol in RATES:
            return None if self._random.random() < 0.1 else _pair(symbol)
        base = symbol.removesuffix(".m") if source else symbol
        if base not in MIDS or base == ("GOLD" if source else "XAUUSD"):
            return None
        pick = self._random.choice
        usual = self._random.random() < 0.5
        least = "0.01" if usual else pick(("0.05", "0.1", "1"))
        contract, tick = Decimal(CONTRACTS[base]), Decimal(TICKS[base])
        return Instrument(
            Symbol(symbol),
            volume_min=Decimal(least),
            volume_max=Decimal(pick(("2", "7.55", "50", "50"))),
            volume_step=Decimal("0.01" if usual else pick(("0.01", "0.1", least))),
            tick_size=None if self._random.random() < 0.05 else tick,
            contract_size=None if self._random.random() < 0.05 else pick((contract, contract, contract / 10)),
            profit_currency=None if self._random.random() < 0.05 else PRICED_IN[base],
            stop_distance_min=pick((None, None, tick * 10, tick * 2000)),
            tradable=self._random.random() > 0.03,
        )

    def figures(self, currency: str) -> AccountStatus:
        """Return an account's figures, now and then those of a bad day."""
        random = self._random
        balance = Decimal(random.randrange(9_600_000, 10_400_000)) / 100
        equity = (
            balance - Decimal(random.choice((0, 100, 900, 2500, 3900, -800))) - Decimal(random.randrange(500)) / 100
        )
        if random.random() < 0.02:
            equity = balance * Decimal(random.choice(("0.89", "0.89", "0")))
        free = None if random.random() < 0.05 else equity - 2000
        told = None if random.random() < 0.03 else currency
        seen = (None if random.random() < 0.02 else figure for figure in (balance, equity))
        return AccountStatus(*seen, told, margin_free=free)


def _pair(symbol: str) -> Instrument:
    tick = Decimal("0.00001")
    lots = (Decimal("0.01"), Decimal(50), Decimal("0.01"))
    return Instrument(Symbol(symbol), *lots, tick, Decimal(100_000), profit_currency=symbol[3:])


def draw_news(random: Random, begin: datetime, length: timedelta) -> tuple[NewsEvent, ...]:
    """Return the events of a day, in their order."""
    times = sorted(begin + random.random() * length for _ in range(random.choice((0, 3, 8))))
    return tuple(
        NewsEvent(
            at,
            at + timedelta(minutes=random.choice((0, 0, 15))),
            random.choice(("payrolls", "rate decision", "a talk")),
            random.choice((None, "USD", "USD", "EUR", "CAD", "JPY")),
            random.choice((None, *Impact)),
        )
        for at in times
    )
