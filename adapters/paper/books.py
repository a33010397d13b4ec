"""A paper account's books: the simulated broker's, with every answer on disk before anybody hears of it."""

from decimal import Decimal

from adapters.base import LocalProtocolError, SessionLost, SignInRefused, UtcNow
from adapters.paper.config import Config
from adapters.paper.store import Figures, Store, StoreFailed
from adapters.simulation.broker import Broker
from adapters.simulation.instruments import DEFAULT_INSTRUMENTS
from adapters.simulation.market import Market
from adapters.simulation.records import (
    BookOrder,
    Change,
    OrderRefused,
    PositionChanged,
    PositionGone,
    Result,
    StatusChanged,
)
from rules.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.observed import Position
from rules.reports import Filled, Rejected, Report, StopsReplaced
from rules.values import AccountId, ClOrdId, OmsType, PositionId, Price, Symbol, Volume


def own_market(config: Config) -> Market:
    """Return a market of the default instruments and the config's, with no quote yet."""
    instruments = {instrument.symbol: instrument for instrument in DEFAULT_INSTRUMENTS}
    instruments.update({Symbol(keys.symbol): keys.instrument() for keys in config.instruments})
    return Market(instruments.values())


class PaperBooks:
    """One open account. The file is the truth: when writing fails, these books are over and the next ones read it."""

    def __init__(self, account: AccountId, config: Config, market: Market, now: UtcNow) -> None:
        """Open the account's file and take over what it holds.

        Raises:
            SessionLost: another process has the file. SignInRefused: it does not fit this account.
        """
        self._store = Store(config.state, account)
        self._config = config
        self._market = market
        self._broker = Broker(market, now)
        self.book = self._broker.add_account(account, config.oms, config.balance, config.currency)
        self.failed: str | None = None
        self._replacements: dict[ClOrdId, str] = {}
        try:
            self._restore()
        except BaseException:
            self.close()
            raise
        self._orders_saved = len(self.book.orders)
        self._changed: dict[PositionId, Position | None] = {}
        self._unsaved_replacement: tuple[ClOrdId, str] | None = None
        # The first listener: whoever else listens hears of nothing that is not on disk.
        self.book.listen(self._on_change)

    def report(self, cl_ord_id: ClOrdId) -> Report | None:
        """Return what became of the action with this id; None when there never was one."""
        orders = self.book.orders_with_tag(cl_ord_id)
        if orders:
            return _report(cl_ord_id, orders[0])
        refusal = self._replacements.get(cl_ord_id)
        if refusal is None:
            return None
        return Rejected(cl_ord_id, refusal) if refusal else StopsReplaced(cl_ord_id)

    def execute(self, action: Action) -> Report:
        """Execute an action, once: of one that was executed before, return what became of it then.

        Raises:
            SessionLost: it could not be written down; whether it counts is for the file to say (open new books).
        """
        if self.report(action.cl_ord_id) is None:
            try:
                self._execute(action)
            except OrderRefused as refused:
                if isinstance(action, ReplaceStops | PlaceOrder | ReplaceOrder | CancelOrder):
                    self._unsaved_replacement = (action.cl_ord_id, str(refused))
            self._save()
        if self.failed is not None:
            raise SessionLost(self.failed)
        report = self.report(action.cl_ord_id)
        if report is None:
            raise LocalProtocolError(f"expected {action.cl_ord_id} in the books after it was executed, found nothing")
        return report

    def close(self) -> None:
        """Let go of the file and the market; the books are of no more use."""
        self._broker.detach()
        self._store.close()

    def _execute(self, action: Action) -> None:
        if isinstance(action, PlaceOrder | ReplaceOrder | CancelOrder):
            raise OrderRefused("a paper account has no pending orders")
        quoted = action.symbol in self._market.quotes
        if isinstance(action, ReplaceStops):
            self.book.replace_stops(action.position_id, action.stop_loss, action.take_profit)
            self._unsaved_replacement = (action.cl_ord_id, "")
            return
        price = None if quoted else action.expected_price
        if isinstance(action, OpenPosition):
            self.book.open(
                action.symbol,
                action.side,
                action.volume,
                stop_loss=action.stop_loss,
                take_profit=action.take_profit,
                tag=action.cl_ord_id,
                price=price,
            )
            return
        if self.book.oms is OmsType.NETTING:
            self._close_netted(action, price)
            return
        held = self.book.positions.get(action.position_id)
        if held is not None and not quoted and price is None:
            price = _last_price(held)
        volume = None if isinstance(action, ClosePosition) else action.volume
        self.book.close(action.position_id, volume, tag=action.cl_ord_id, price=price)

    def _close_netted(self, action: ClosePosition | ReducePosition, price: Price | None) -> None:
        """Close our part of the symbol's one position, of which a hand may have taken, or what copies offset there."""
        held = next((each for each in self.book.positions.values() if each.symbol == action.symbol), None)
        if held is not None and price is None and action.symbol not in self._market.quotes:
            price = _last_price(held)
        shown = held.volume if held is not None and held.side is action.side else Volume(0)
        volume = min(action.volume, shown + action.locked)
        if held is not None and 0 < volume <= shown:
            self.book.close(held.position_id, volume, tag=action.cl_ord_id, price=price)
        elif volume:
            self.book.open(action.symbol, action.side.opposite, volume, tag=action.cl_ord_id, price=price)
        else:
            self.book.close(action.position_id, action.volume, tag=action.cl_ord_id, price=price)  # refused: it is gone

    def _on_change(self, change: Change) -> None:
        if isinstance(change, PositionChanged):
            self._changed[change.position.position_id] = change.position
        elif isinstance(change, PositionGone):
            self._changed[change.closed.position.position_id] = None
        elif isinstance(change, StatusChanged):
            self._save()  # it ends every trade, those that a quote triggers included

    def _save(self) -> None:
        """Write what is new. Raises nothing: it may be under a quote's way through the market; see `failed`."""
        orders = self.book.orders[self._orders_saved :]
        replacements = [] if self._unsaved_replacement is None else [self._unsaved_replacement]
        if self.failed is not None or not (orders or self._changed or replacements):
            return
        changed = [position for position in self._changed.values() if position is not None]
        gone = [position_id for position_id, position in self._changed.items() if position is None]
        try:
            self._store.save(self._figures(), changed, gone, orders, replacements)
        except StoreFailed as error:
            self.failed = str(error)
            return
        self._orders_saved += len(orders)
        self._changed.clear()
        self._replacements.update(replacements)
        self._unsaved_replacement = None

    def _figures(self) -> Figures:
        config = self._config
        return Figures(str(self.book.balance), config.oms.value, config.currency, self._broker.next_id)

    def _restore(self) -> None:
        saved = self._store.load()
        if saved is None:
            return
        for key, found, wanted in (
            ("oms", saved.figures.oms, self._config.oms.value),
            ("currency", saved.figures.currency, self._config.currency),
        ):
            if found != wanted:
                raise SignInRefused(f"{key} must be {found!r} as in the file {self._config.state}, was {wanted!r}")
        try:
            self.book.restore(Decimal(saved.figures.balance), saved.positions, saved.orders)
        except ValueError as error:
            raise SignInRefused(f"{self._config.state}: {error}") from error
        self._replacements = saved.replacements
        self._broker.next_id = saved.figures.next_id


def _report(cl_ord_id: ClOrdId, order: BookOrder) -> Report:
    if order.status is Result.REJECTED or order.position_id is None:
        return Rejected(cl_ord_id, order.text)
    return Filled(cl_ord_id, order.position_id, order.volume, order.price, order.order_id)


def _last_price(position: Position) -> Price:
    """Return the last price that the position was dealt or quoted at: a close must not fail for want of a price."""
    return position.current_price or position.open_price
