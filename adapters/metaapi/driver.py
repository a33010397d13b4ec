"""A MetaApi account: its stream, and looks and orders over a connection of their own; an order is sent once."""

from collections.abc import Iterable
from datetime import datetime

from adapters.base import Capabilities, Emit, UtcNow
from adapters.history import oldest_first
from adapters.metaapi import history, translate, wire
from adapters.metaapi.capabilities import capabilities
from adapters.metaapi.config import Config
from adapters.metaapi.looks import Looks
from adapters.metaapi.names import socket_name
from adapters.metaapi.requests import Requests
from adapters.metaapi.rest import Provisioning
from adapters.metaapi.session import StreamSession
from adapters.metaapi.stream import Stream
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.trading import Trading
from adapters.transport.network import Connect
from adapters.transport.socketio_transport import Passage
from rules.model.actions import Action
from rules.model.events import Origin, SnapshotReceived
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Booked, Quote
from rules.model.reports import Report
from rules.model.values import AccountId, ClOrdId, Symbol


class MetaApiAccount:
    """One account at MetaApi (`adapters.base.Account`)."""

    def __init__(self, account: AccountId, config: Config, *, connect: Connect, now: UtcNow) -> None:
        self._account = account
        self._config = config
        self._connect = connect
        self._now = now
        self._capabilities = capabilities(config.oms, config.books_late)
        self._provisioning = Provisioning(config, connect)
        self._passage = Passage()
        self._requests = Requests(config, self._provisioning.place, self._passage, connect, now)
        self._looks = Looks(self._requests, now)
        self._tickets = Tickets()
        self._trading = Trading(config, self._requests, self._looks, self._tickets, now)
        self._streams = 0

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def stream(self, emit: Emit) -> None:
        """Run one socket of the stream; see `adapters.base.Account.stream`."""
        config = self._config
        origin = await self._provisioning.place(anew=True)
        self._streams += 1
        name = socket_name(config.account_id, self._now(), f"stream {self._streams}")

        def make(now_s: float) -> StreamSession:
            return StreamSession(
                self._account,
                config.account_id,
                config.oms,
                config.token,
                session_id=name.session_id,
                tickets=self._tickets,
                gap_s=config.gap.total_seconds(),
                now_s=now_s,
            )

        stream = Stream(origin, name, config, self._passage, make, self._now)
        await stream.run(emit, self._connect)

    async def symbols(self) -> Iterable[Symbol]:
        answer = await self._looks.at("getSymbols")
        return [Symbol(name) for name in wire.listed(answer.get("symbols"), str, "symbols")]

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        answer = await self._looks.for_one("getSymbolSpecification", symbol=symbol)
        if answer is None:
            return None
        row = wire.converted(answer.get("specification"), wire.SymbolSpecification, "specification")
        return translate.instrument(row)

    async def quote(self, symbol: Symbol) -> Quote | None:
        answer = await self._looks.for_one("getSymbolPrice", symbol=symbol, keepSubscription=False)
        if answer is None:
            return None
        return translate.quote(wire.converted(answer.get("price"), wire.SymbolPrice, "price"))

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        requested_at = self._now()
        rows = await self._looks.positions()
        orders = translate.working_orders(await self._looks.working_orders())
        info = await self._looks.account_information()
        translate.check_account(info, self._config.oms)
        held = translate.positions(rows, self._tickets, info.platform)
        snapshot = SnapshotReceived(self._account, self._now(), held, Origin.RECONCILED, requested_at, orders=orders)
        return snapshot, translate.account_status(info)

    async def submit(self, action: Action) -> Report:
        return await self._trading.submit(action)

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        return await self._trading.find(cl_ord_id, submitted_at)

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        deals = await self._looks.all_deals(since)
        return oldest_first(history.booked(deals, self._tickets), since)

    async def aclose(self) -> None:
        await self._requests.aclose()
        await self._provisioning.aclose()
