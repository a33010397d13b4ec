"""A MetaCopier account: its stream, and its REST requests as looks and orders; an order is sent once."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeVar

from adapters.base import Capabilities, Emit, RemoteProtocolError, SessionLost, SignInRefused, Throttled, UtcNow
from adapters.history import oldest_first
from adapters.metacopier import history, translate
from adapters.metacopier.capabilities import capabilities
from adapters.metacopier.config import Config
from adapters.metacopier.orders import CLOCK_SLACK, SentOrders, changed, filled, opening, placing, replaced, takes
from adapters.metacopier.rest import Refusal, Rest, segment
from adapters.metacopier.session import Session
from adapters.metacopier.stream import Stream
from adapters.metacopier.translator import Translator
from adapters.metacopier.wire import (
    AccountInformationDTO,
    MarketQuoteDTO,
    PositionDTO,
    SymbolDTO,
    encode_position_request,
)
from adapters.transport.network import Connect
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.events import Origin, SnapshotReceived
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Booked, Quote
from rules.model.reports import (
    Accepted,
    Canceled,
    Filled,
    NotFound,
    NotSent,
    Placed,
    Rejected,
    Replaced,
    Report,
    StopsReplaced,
)
from rules.model.values import AccountId, ClOrdId, Symbol, VenueOrderId

T = TypeVar("T")

_POSITIONS = tuple[PositionDTO, ...]
_POSITIONS_TEXT = "a list of PositionDTO"


class MetaCopierAccount:
    """One account at MetaCopier (`adapters.base.Account`)."""

    def __init__(self, account: AccountId, config: Config, *, connect: Connect, now: UtcNow) -> None:
        self._account = account
        self._config = config
        self._connect = connect
        self._now = now
        self._capabilities = capabilities(config.oms, config.books_late)
        # One connection beyond the orders under way, so that a snapshot never waits behind a slow order.
        self._rest = Rest(config, connect=connect, connections=self._capabilities.parallel_requests + 1)
        self._sent = SentOrders()

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def stream(self, emit: Emit) -> None:
        """Run one session of the Socket API; see `adapters.base.Account.stream`.

        A first list with positions is the snapshot. An empty one, or none within 5 s, is confirmed over REST.
        """
        session = Session(self._config.account_id, self._config.api_key)
        translator = Translator(self._account, self._config.oms)
        stream = Stream(self._config.socket_address, session, translator, self.snapshot, self._now)
        try:
            await stream.run(emit, self._connect)
        except SessionLost:
            if stream.refused:
                await self._check_key()
            raise

    async def symbols(self) -> Iterable[Symbol]:
        rows = await self._look("/symbols", tuple[SymbolDTO, ...], "a list of SymbolDTO")
        return [Symbol(row.name) for row in rows]

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        try:
            row = await self._rest.get(f"/symbols/{segment(symbol)}", SymbolDTO, "a SymbolDTO")
        except Refusal as refusal:
            if refusal.status == 404 or "UNKNOWN_SYMBOL" in refusal.text:
                return None
            raise _unexpected("a SymbolDTO", refusal) from None
        except Throttled as throttled:
            raise _busy(throttled) from None
        return translate.instrument(row)

    async def quote(self, symbol: Symbol) -> Quote | None:
        try:
            dto = await self._rest.get(f"/quote/{segment(symbol)}", MarketQuoteDTO, "a MarketQuoteDTO")
        except Refusal:
            return None  # an unknown symbol, or a platform that has no quotes
        except Throttled as throttled:
            raise _busy(throttled) from None
        return translate.quote(dto, symbol, self._now())

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        requested_at = self._now()
        rows = await self._look("/positions", _POSITIONS, _POSITIONS_TEXT)
        info = await self._look("/information", AccountInformationDTO, "an AccountInformationDTO")
        translate.check_account(info, self._config.oms)
        status = translate.account_status(info)
        if status is None:
            raise RemoteProtocolError("expected balance in AccountInformationDTO, found none: does the key hide it?")
        held, waiting = translate.listed(rows)
        snapshot = SnapshotReceived(self._account, self._now(), held, Origin.RECONCILED, requested_at, orders=waiting)
        return snapshot, status

    async def submit(self, action: Action) -> Report:
        """Send one action, once; see `adapters.base.Account.submit`. What opens is answered without an id: Accepted."""
        if not self._capabilities.trades:
            return Rejected(action.cl_ord_id, "netting accounts at MetaCopier take no orders from us")
        try:
            if isinstance(action, OpenPosition):
                return await self._open(action)
            if isinstance(action, ClosePosition):
                await self._rest.send("DELETE", f"/positions/{segment(action.position_id)}")
                return Filled(action.cl_ord_id, action.position_id, action.volume)
            if isinstance(action, PlaceOrder):
                return await self._place(action)
            if isinstance(action, ReplaceOrder | CancelOrder):
                return await self._change_order(action)
            return await self._modify(action)
        except Refusal as refusal:
            return Rejected(action.cl_ord_id, refusal.text)

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        """Look for an order that opens by our tag in the comments of open positions, pending orders and the history.

        Where a broker has dropped the comment, the request's number, symbol and side of an order that this process
        sent will do, within the minutes around `submitted_at`. The history may be three minutes late.
        """
        rows = await self._look("/positions", _POSITIONS, _POSITIONS_TEXT)
        found = self._sent.matches(rows, cl_ord_id, submitted_at)
        waits = next((row for row in found if translate.is_pending(row)), None)
        if waits is not None:
            return Placed(cl_ord_id, VenueOrderId(str(waits.id)))
        if not found:  # or it was opened and has gone again
            rows = await self._closed_since(submitted_at)
            found = self._sent.matches(rows, cl_ord_id, submitted_at)
        return filled(cl_ord_id, found) if found else NotFound(cl_ord_id)

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        # In this order, so that nothing closed in between counts twice.
        closed = await self._closed_since(since)
        held = await self._look("/positions", _POSITIONS, _POSITIONS_TEXT)
        return oldest_first(history.booked(closed, held), since)

    async def aclose(self) -> None:
        await self._rest.aclose()

    async def _closed_since(self, since: datetime) -> tuple[PositionDTO, ...]:
        """Ask for what was closed since about then, cash operations included."""
        window = (since - CLOCK_SLACK, self._now() + CLOCK_SLACK)
        start, stop = (segment(at.astimezone(UTC).isoformat().replace("+00:00", "Z")) for at in window)
        return await self._look(f"/history/positions?start={start}&stop={stop}", _POSITIONS, _POSITIONS_TEXT)

    async def _open(self, action: OpenPosition) -> Report:
        request = opening(action, self._sent.remember(action))
        await self._rest.send("POST", "/positions", encode_position_request(request))
        return Accepted(action.cl_ord_id)

    async def _place(self, action: PlaceOrder) -> Report:
        if not takes(action.order_type) or action.expires_at is not None:
            what = f"{action.order_type.value} orders" if action.expires_at is None else "orders that expire"
            return Rejected(action.cl_ord_id, f"MetaCopier takes no {what} from us")
        request = placing(action, self._sent.remember(action))
        await self._rest.send("POST", "/positions", encode_position_request(request))
        return Accepted(action.cl_ord_id)

    async def _change_order(self, action: ReplaceOrder | CancelOrder) -> Report:
        """Replace or cancel a pending order that we look at first.

        The venue has one path for orders and positions: a DELETE of an order that has become the position of the same
        id would close it.
        """
        try:
            rows = await self._rest.get("/positions", _POSITIONS, _POSITIONS_TEXT)
            waiting = next((order for order in translate.orders(rows) if order.order_id == action.order_id), None)
        except SessionLost as lost:
            return NotSent(action.cl_ord_id, f"the pending order could not be looked at: {lost}")
        if waiting is None:
            return Rejected(action.cl_ord_id, f"pending order {action.order_id} works no more")
        path = f"/positions/{segment(waiting.order_id)}"
        if isinstance(action, CancelOrder):
            await self._rest.send("DELETE", path)
            return Canceled(action.cl_ord_id)
        request = replaced(action, waiting, self._sent.take_request_id(action.cl_ord_id))
        await self._rest.send("PUT", path, encode_position_request(request))
        return Replaced(action.cl_ord_id)

    async def _modify(self, action: ReducePosition | ReplaceStops) -> Report:
        """Reduce a position or replace its stops: a PUT wants all its fields, so we look at it first."""
        try:
            rows = await self._rest.get("/positions", _POSITIONS, _POSITIONS_TEXT)
            row = next((row for row in rows if str(row.id) == action.position_id), None)
            held = None if row is None else translate.position(row)
        except SessionLost as lost:
            return NotSent(action.cl_ord_id, f"the position could not be looked at: {lost}")
        if held is None:
            return Rejected(action.cl_ord_id, f"position {action.position_id} is not open")
        if isinstance(action, ReducePosition) and held.volume <= action.remaining:
            return Rejected(action.cl_ord_id, f"position {held.position_id} holds {held.volume} lots already")
        request = changed(action, held, self._sent.take_request_id(action.cl_ord_id))
        await self._rest.send("PUT", f"/positions/{segment(held.position_id)}", encode_position_request(request))
        if isinstance(action, ReplaceStops):
            return StopsReplaced(action.cl_ord_id)
        return Filled(action.cl_ord_id, held.position_id, held.volume - action.remaining)

    async def _look(self, path: str, kind: type[T], what: str) -> T:
        """Ask for something that every account has: 404 means that there is no account, other refusals are weather."""
        try:
            return await self._rest.get(path, kind, what)
        except Refusal as refusal:
            if refusal.status == 404:
                raise SignInRefused(f"the API key has no account {self._config.account_id}: {refusal.text}") from None
            raise _unexpected(what, refusal) from None
        except Throttled as throttled:
            raise _busy(throttled) from None

    async def _check_key(self) -> None:
        """Ask REST about the key, since an ERROR frame does not say whether trying again makes sense.

        Raises:
            SignInRefused: the key is refused, or has no such account.
        """
        try:
            await self._look("/information", AccountInformationDTO, "an AccountInformationDTO")
        except SessionLost:
            return  # the stream's own loss says more


def _unexpected(what: str, refusal: Refusal) -> RemoteProtocolError:
    return RemoteProtocolError(f"expected {what}, found {refusal}")


def _busy(throttled: Throttled) -> SessionLost:
    """A look that was refused by rate limit is weather; only orders have a use for the time to wait."""
    return SessionLost(f"{throttled}; retry after {throttled.retry_after_s:g} s")
