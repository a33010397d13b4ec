"""The kinds of venue that a simulation can be about: how each is served, how an account of it is configured."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from attrs import evolve, field

from adapters.base import UtcNow
from adapters.clearstreet.simulator import Simulator as ClearStreetSimulator
from adapters.clearstreet.translate import CENT, VOLUME_MAX
from adapters.metaapi.simulator import Simulator as MetaApiSimulator
from adapters.metacopier.config import Config as MetaCopierConfig
from adapters.metacopier.simulator import Simulator as MetaCopierSimulator
from adapters.metacopier.simulator_words import account_id as metacopier_id
from adapters.secret import Secret
from adapters.simulation.broker import Book, Broker
from adapters.simulation.faults import Faults
from adapters.tradelocker.simulator import Simulator as TradeLockerSimulator
from adapters.transport.serving import HttpService
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.values import OmsType, Volume

BOTH = (OmsType.HEDGING, OmsType.NETTING)
HEDGING = (OmsType.HEDGING,)
NETTING = (OmsType.NETTING,)
KEY = "simulated-key"

Settings = Callable[[Book, float], Any]
"""Returns an account's settings in the config, from its book and from how late the venue's history is said to be."""


@frozen
class Kind:
    """A venue, its accounts' ways of keeping positions, and what its instruments are like."""

    source_oms: tuple[OmsType, ...]
    target_oms: tuple[OmsType, ...]
    serve: Callable[[Broker, UtcNow, Faults, str], tuple[HttpService, Settings]]
    """Makes the venue over a broker, to be served at the origin given."""
    account_names: str
    """How the broker calls account number {}."""
    shape: Callable[[Instrument], Instrument] = lambda instrument: instrument
    """Makes the venue's instrument of a usual one."""
    orders_expire: bool = True
    """A pending order may have a time when it ends."""
    marks_sales: bool = False
    """A sale says whether it is short; the venue itself ends a waiting one that its position no longer fits."""
    shows_stops: bool = True
    """A position shows the stops that a person sets; where not, they are orders of that person."""
    rests_stops: bool = False
    """A copy's stop-loss is an order of its own there, which must never sell what is not held."""
    settle_s: float = 0.0
    """How long an order without an answer must have been looked for, on its netting accounts."""
    by_symbol: bool = False
    """Positions have no ids there: each goes by its symbol, and one that is opened again is the same one."""
    unit: Volume = field(default=Volume(1))
    """What a person trades instead of one of the usual venues' lots."""


def _tradelocker(broker: Broker, now: UtcNow, faults: Faults, origin: str) -> tuple[HttpService, Settings]:
    simulator = TradeLockerSimulator(broker, now=now, faults=faults)
    return simulator.service, lambda book, _: simulator.config(book.name, origin)


def _metacopier(broker: Broker, now: UtcNow, faults: Faults, origin: str) -> tuple[HttpService, Settings]:
    def settings(book: Book, books_late_s: float) -> MetaCopierConfig:
        return MetaCopierConfig(
            account_id=metacopier_id(book.name),
            api_key=Secret(KEY),
            rest_url=origin,
            socket_url=origin.replace("http", "ws", 1) + "/ws/api/v1",
            oms=book.oms,
            books_late=timedelta(seconds=books_late_s),
        )

    return MetaCopierSimulator(broker, now=now, faults=faults, api_keys={KEY: None}).service, settings


def _metaapi(broker: Broker, now: UtcNow, faults: Faults, origin: str) -> tuple[HttpService, Settings]:
    simulator = MetaApiSimulator(broker, now=now, faults=faults)
    return simulator.service, lambda book, _: simulator.config(book.name, origin)


def _clearstreet(broker: Broker, now: UtcNow, faults: Faults, origin: str) -> tuple[HttpService, Settings]:
    simulator = ClearStreetSimulator(broker, now=now, faults=faults, rate_limits={})
    return simulator.service, lambda book, _: simulator.config(book.name, origin)


def _in_shares(instrument: Instrument) -> Instrument:
    """Return the instrument in whole shares and cents. The venue tells neither a tick nor the most of an order, so that
    what everyone takes for them holds: nobody could know others, and a policy must not be judged by them."""
    return evolve(
        instrument,
        volume_min=Volume(1),
        volume_step=Volume(1),
        volume_max=VOLUME_MAX,
        tick_size=CENT,
        contract_size=Decimal(1),
        profit_currency="USD",
    )


TRADELOCKER, METACOPIER = "tradelocker", "metacopier"

KINDS: Mapping[str, Kind] = {
    TRADELOCKER: Kind(HEDGING, HEDGING, _tradelocker, "L#70000{}"),
    METACOPIER: Kind(BOTH, HEDGING, _metacopier, "simulated-{}"),
    "metaapi": Kind(BOTH, BOTH, _metaapi, "simulated-{}", settle_s=60.0),
    "clearstreet": Kind(
        NETTING,
        NETTING,
        _clearstreet,
        "10000{}",
        shape=_in_shares,
        orders_expire=False,
        marks_sales=True,
        shows_stops=False,
        rests_stops=True,
        settle_s=20.0,
        by_symbol=True,
        unit=Volume(1000),
    ),
}
