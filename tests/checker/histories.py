"""What the history of a simulated account tells: positions of the last days, opened and closed with a result."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from attrs import evolve

from rules.limits.past import Past
from rules.model.observed import Fill
from rules.model.values import PositionId, Side, Symbol

BACK = timedelta(days=8)


class History:
    """One account's, drawn with the day: entries come to be known when their time has come."""

    def __init__(self, random: Random, begin: datetime, length: timedelta) -> None:
        self._entries: list[Fill] = []
        times = [begin - random.random() * BACK for _ in range(random.choice((0, 6, 12)))]
        times += [begin + random.random() * length for _ in range(4)]
        for number, closed_at in enumerate(sorted(times)):
            won = Decimal(random.choice((-30_000, -5_000, 8_000, 20_000, 60_000)) + random.randrange(999)) / 100
            position_id = PositionId(f"h-{number}")
            opened = Fill(
                f"o-{number}",
                closed_at - timedelta(hours=random.choice((0, 2, 20))),
                Symbol("GOLD"),
                Side.BUY,
                Decimal(1),
                Decimal(2600),
                position_id,
                opens=True,
                commission=random.choice((None, Decimal("-3.5"))),
            )
            closing = {"side": Side.SELL, "opens": False, "realized_pnl": won}
            self._entries += [opened, evolve(opened, exec_id=f"c-{number}", at=closed_at, **closing)]
        self._entries.sort(key=lambda entry: entry.at)

    def since(self, since: datetime, now: datetime) -> Past:
        return Past(since, now, tuple(entry for entry in self._entries if since <= entry.at <= now))
