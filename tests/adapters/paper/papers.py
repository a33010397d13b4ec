"""Paper accounts and the actions that tests submit to them."""

from decimal import Decimal
from pathlib import Path
from typing import NoReturn

from adapters.paper.config import Config
from adapters.paper.driver import PaperAccount
from adapters.simulation.market import Market
from rules.model.actions import ClosePosition, OpenPosition, ReducePosition, ReplaceStops
from rules.model.values import AccountId, ClOrdId, OmsType, PositionId, Side
from tests.adapters.simulation.worlds import EURUSD, START, Clock

PAPER = AccountId("paper")


async def nowhere(host: str, port: int, tls: bool) -> NoReturn:
    """A Connect that a paper account must never use."""
    raise AssertionError(f"a paper account connected to {host}:{port}")


def make_account(path: Path | str, *, market: Market | None = None, name: str = PAPER, **keys) -> PaperAccount:
    config = Config(state=str(path), **keys)
    return PaperAccount(AccountId(name), config, connect=nowhere, now=Clock(), market=market)


def quoted() -> Market:
    return Market.default(START)


def opening(tag: str, side: Side = Side.BUY, volume: str = "0.10", price: str | None = "1.16000", **changes):
    expected = None if price is None else Decimal(price)
    return OpenPosition(ClOrdId(tag), PAPER, EURUSD, side, Decimal(volume), expected_price=expected, **changes)


def closing(
    tag: str, position_id: PositionId, volume: str = "0.10", price: str | None = "1.16000", side: Side = Side.BUY
):
    expected = None if price is None else Decimal(price)
    return ClosePosition(ClOrdId(tag), PAPER, position_id, EURUSD, side, Decimal(volume), expected)


def reducing(tag: str, position_id: PositionId, volume: str, remaining: str, price: str = "1.16000"):
    return ReducePosition(
        ClOrdId(tag), PAPER, position_id, EURUSD, Side.BUY, Decimal(volume), Decimal(remaining), Decimal(price)
    )


def replacing(tag: str, position_id: PositionId, stop_loss: str | None, take_profit: str | None = None):
    prices = (None if stop is None else Decimal(stop) for stop in (stop_loss, take_profit))
    return ReplaceStops(ClOrdId(tag), PAPER, position_id, EURUSD, *prices)


NETTING = {"oms": OmsType.NETTING}
