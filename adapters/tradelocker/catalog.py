"""An account's instruments: names, specifications, and the routes over which orders and quotes go."""

from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import quote as escaped

from adapters.base import RemoteProtocolError
from adapters.tradelocker import values
from adapters.tradelocker.rest import Rest, VenueRefusal
from adapters.tradelocker.wire_rest import InstrumentDetails, InstrumentRow, Instruments, Quotes, converted


class Catalog:
    """What the venue says about instruments, asked once and kept for the life of the account."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._instruments: Mapping[str, InstrumentRow] | None = None
        self._names: Mapping[str, str] = {}
        self._info_routes: dict[str, str] = {}
        self._details: dict[str, InstrumentDetails] = {}

    async def instruments(self) -> Mapping[str, InstrumentRow]:
        """Return the account's instruments by name, read once; a name that two share is left out, being no name."""
        if self._instruments is None:
            where = "instruments"
            rows = converted(
                await self._rest.read(f"{self._rest.account_path}/instruments"), Instruments, where
            ).instruments
            named: dict[str, InstrumentRow] = {}
            shared = set()
            for row in rows:
                if row.name in named:
                    shared.add(row.name)
                named[row.name] = row
            self._names = {str(row.tradable_instrument_id): row.name for row in rows}
            self._instruments = {name: row for name, row in named.items() if name not in shared}
        return self._instruments

    async def name_of(self, tradable_instrument_id: str) -> str:
        """Return an instrument's name; an id that came after our list was read makes it be read again."""
        await self.instruments()
        if tradable_instrument_id not in self._names:
            self._instruments = None
            await self.instruments()
        name = self._names.get(tradable_instrument_id)
        if name is None:
            raise RemoteProtocolError(f"expected an instrument {tradable_instrument_id[:40]!r}, found none of that id")
        return name

    async def details(self, row: InstrumentRow) -> InstrumentDetails:
        """Return an instrument's specification, read once."""
        tid = str(row.tradable_instrument_id)
        if tid not in self._details:
            query = {"routeId": await self._info_route(row), "locale": "en"}
            data = await self._rest.read(f"/trade/instruments/{escaped(tid, safe='')}", query)
            self._details[tid] = converted(data, InstrumentDetails, f"instrument {row.name[:40]}")
        return self._details[tid]

    async def contract_size(self, name: str) -> Decimal | None:
        """Return the units of a lot, or None for a name that no single instrument has."""
        row = (await self.instruments()).get(name)
        if row is None:
            return None
        return values.positive((await self.details(row)).lot_size, f"lotSize of {name[:40]}")

    async def quotes(self, row: InstrumentRow, route: str | None = None) -> Quotes:
        """Return bid and ask over an INFO route; without one, over the route that works."""
        tid = str(row.tradable_instrument_id)
        query = {"tradableInstrumentId": tid, "routeId": route or await self._info_route(row)}
        return converted(await self._rest.read("/trade/quotes", query) or {}, Quotes, f"quotes of {row.name[:40]}")

    async def _info_route(self, row: InstrumentRow) -> str:
        """Return the instrument's INFO route that works: some accounts have dead ones, and these come first."""
        tid = str(row.tradable_instrument_id)
        known = self._info_routes.get(tid)
        if known is not None:
            return known
        routes = [str(route.id) for route in row.routes if route.type == "INFO"]
        for route in reversed(routes):
            if len(routes) > 1:
                try:
                    await self.quotes(row, route)
                except VenueRefusal:
                    continue
            self._info_routes[tid] = route
            return route
        raise RemoteProtocolError(f"instrument {row.name[:40]}: expected an INFO route that works, found none")
