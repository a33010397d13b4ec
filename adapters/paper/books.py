"""A paper account's books: the simulated broker's, with every answer on disk before anybody hears of it."""

from decimal import Decimal

from adapters.base import LocalProtocolError, SessionLost, SignInRefused, UtcNow
from adapters.paper.config import Config
from adapters.paper.store import Answer, Figures, Store, StoreFailed, What
from adapters.simulation.broker import Broker
from adapters.simulation.instruments import DEFAULT_INSTRUMENTS
from adapters.simulation.market import Market
from adapters.simulation.records import (
    BookOrder,
    Change,
    OrderChanged,
    OrderGone,
    OrderRefused,
    PositionChanged,
    PositionGone,
    Result,
    StatusChanged,
)
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
    closable,
)
from rules.model.observed import Position, WorkingOrder
from rules.model.reports import Canceled, Filled, Placed, Rejected, Replaced, Report, StopsReplaced
from rules.model.values import AccountId, ClOrdId, OmsType, PositionId, Price, Symbol, VenueOrderId, Volume

_CHANGES = {ReplaceStops: What.STOPS, ReplaceOrder: What.REPLACE, CancelOrder: What.CANCEL}


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
        self._answers: dict[ClOrdId, Answer] = {}
        try:
            self._restore()
        except BaseException:
            self.close()
            raise
        self._orders_saved = len(self.book.orders)
        self._changed: dict[PositionId, Position | None] = {}
        self._working: dict[VenueOrderId, WorkingOrder | None] = {}
        self._unsaved: dict[ClOrdId, Answer] = {}
        self._answering = False
        # The first listener: whoever else listens hears of nothing that is not on disk.
        self.book.listen(self._on_change)

    def report(self, cl_ord_id: ClOrdId) -> Report | None:
        """Return what became of the action with this id; None when there never was one."""
        orders = self.book.orders_with_tag(cl_ord_id)
        if orders:
            return _report(cl_ord_id, orders[0])
        working = self.book.working_with_tag(cl_ord_id)
        if working:
            return Placed(cl_ord_id, working[0].order_id)
        answer = self._answers.get(cl_ord_id)
        return None if answer is None else _answered(cl_ord_id, answer)

    def execute(self, action: Action) -> Report:
        """Execute an action, once: of one that was executed before, return what became of it then.

        Raises:
            SessionLost: it could not be written down; whether it counts is for the file to say (open new books).
        """
        if self.report(action.cl_ord_id) is None:
            what = _CHANGES.get(type(action))
            refusal = ""
            self._answering = what is not None  # a change and the answer to it are written together
            try:
                self._execute(action)
            except OrderRefused as refused:
                refusal = str(refused)
            self._answering = False
            if what is not None:
                self._unsaved[action.cl_ord_id] = Answer(what, refusal)
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
        book = self.book
        if isinstance(action, PlaceOrder):
            book.place_order(
                action.symbol,
                action.side,
                action.order_type,
                action.volume,
                action.price,
                limit_price=action.limit_price,
                stop_loss=action.stop_loss,
                take_profit=action.take_profit,
                expires_at=action.expires_at,
                tag=action.cl_ord_id,
            )
        elif isinstance(action, ReplaceOrder):
            stops = {"stop_loss": action.stop_loss, "take_profit": action.take_profit}
            book.replace_order(action.order_id, action.price, limit_price=action.limit_price, **stops)
        elif isinstance(action, CancelOrder):
            book.cancel_order(action.order_id)
        elif isinstance(action, ReplaceStops):
            book.replace_stops(action.position_id, action.stop_loss, action.take_profit)
        else:
            self._deal(action)

    def _deal(self, action: OpenPosition | ReducePosition | ClosePosition) -> None:
        quoted = action.symbol in self._market.quotes
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
        net = Volume(0) if held is None else held.volume * held.side.sign * action.side.sign
        volume = closable(action, net)
        if held is not None and 0 < volume <= net:
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
        elif isinstance(change, OrderChanged):
            self._working[change.order.order_id] = change.order
        elif isinstance(change, OrderGone):
            self._working[change.order.order_id] = None
        elif isinstance(change, StatusChanged) and not self._answering:
            self._save()  # it ends everything that belongs together, what a quote triggers included

    def _save(self) -> None:
        """Write what is new. Raises nothing: it may be under a quote's way through the market; see `failed`."""
        orders = self.book.orders[self._orders_saved :]
        if self.failed is not None or not (orders or self._changed or self._working or self._unsaved):
            return
        try:
            self._store.save(self._figures(), self._changed, self._working, orders, self._unsaved)
        except StoreFailed as error:
            self.failed = str(error)
            return
        self._orders_saved += len(orders)
        self._changed.clear()
        self._working.clear()
        self._answers.update(self._unsaved)
        self._unsaved.clear()

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
            self.book.restore(Decimal(saved.figures.balance), saved.positions, saved.orders, saved.working)
        except ValueError as error:
            raise SignInRefused(f"{self._config.state}: {error}") from error
        self._answers = saved.answers
        self._broker.next_id = saved.figures.next_id


def _report(cl_ord_id: ClOrdId, order: BookOrder) -> Report:
    if order.status in (Result.CANCELED, Result.EXPIRED):
        return Canceled(cl_ord_id)
    if order.status is Result.REJECTED or order.position_id is None:
        return Rejected(cl_ord_id, order.text)
    return Filled(cl_ord_id, order.position_id, order.volume, order.price, order.order_id)


def _answered(cl_ord_id: ClOrdId, answer: Answer) -> Report:
    if answer.refusal:
        return Rejected(cl_ord_id, answer.refusal)
    match answer.what:
        case What.STOPS:
            return StopsReplaced(cl_ord_id)
        case What.REPLACE:
            return Replaced(cl_ord_id)
        case What.CANCEL:
            return Canceled(cl_ord_id)


def _last_price(position: Position) -> Price:
    """Return the last price that the position was dealt or quoted at: a close must not fail for want of a price."""
    return position.current_price or position.open_price
