"""The actions on pending orders that the tests submit, what a reader of a stream knows of them, and the truth."""

from datetime import timedelta
from decimal import Decimal
from random import Random

from adapters.simulation.records import OrderRefused
from rules.model.actions import CancelOrder, PlaceOrder, ReplaceOrder
from rules.model.events import OrderEnded, OrderReported, PositionClosed, PositionReported, SnapshotReceived
from rules.model.observed import Position, Quote, WorkingOrder
from rules.model.reports import Placed
from rules.model.state import AccountView
from rules.model.values import OrderType, Price, Side, Symbol
from tests.conformance.actions import EURUSD, settled, tag
from tests.conformance.mirror import Mirror
from tests.conformance.venues import ALIAS, World, has

LIMIT, STOP = OrderType.LIMIT, OrderType.STOP
AWAY = {
    (Side.BUY, LIMIT): Decimal("1.15"),
    (Side.SELL, LIMIT): Decimal("1.17"),
    (Side.BUY, STOP): Decimal("1.17"),
    (Side.SELL, STOP): Decimal("1.15"),
}
"""A price of EURUSD, which is quoted at 1.16000/1.16008, that each kind of order waits at."""


def stops(world: World, stop_loss: str | None, take_profit: str | None) -> dict[str, Price | None]:
    """Return both stops of an order, none where the venue keeps none."""
    wanted = {"stop_loss": stop_loss, "take_profit": take_profit}
    kept = has(world, "stops")
    return {name: Decimal(price) if price is not None and kept else None for name, price in wanted.items()}


def placing(number: int = 1, side: Side = Side.BUY, order_type: OrderType = LIMIT, **words: object) -> PlaceOrder:
    known = {"symbol": EURUSD, "volume": Decimal("0.30"), "price": AWAY[side, order_type]}
    return PlaceOrder(tag(number), ALIAS, side=side, order_type=order_type, **{**known, **words})  # type: ignore[arg-type]


def moving(order: WorkingOrder, price: str, number: int = 2, **prices: Price | None) -> ReplaceOrder:
    """Return what moves an order to another price; its stops stay unless `prices` names them."""
    kept = {"stop_loss": order.stop_loss, "take_profit": order.take_profit, **prices}
    what = (order.order_id, order.symbol, order.side, order.order_type)
    return ReplaceOrder(tag(number), ALIAS, *what, Decimal(price), None, **kept)


def canceling(order: WorkingOrder, number: int = 2) -> CancelOrder:
    return CancelOrder(tag(number), ALIAS, order.order_id, order.symbol)


def by_hand(world: World, side: Side = Side.BUY, order_type: OrderType = LIMIT, **words: object) -> WorkingOrder:
    """Place an order as somebody else would."""
    known = {"symbol": EURUSD, "volume": Decimal("0.30"), "price": AWAY[side, order_type]}
    return world.book.place_order(side=side, order_type=order_type, **{**known, **words})  # type: ignore[arg-type]


async def placed(world: World, action: PlaceOrder) -> WorkingOrder:
    """Submit a placing, check what is said of it against the books, and return the order."""
    report = await settled(world, action, await world.account.submit(action))
    [order] = world.book.working_with_tag(action.cl_ord_id)
    assert report == Placed(action.cl_ord_id, order.order_id)
    return order


def quote(world: World, bid: str) -> None:
    """Let EURUSD be quoted at `bid`, with its usual spread."""
    price = Decimal(bid)
    world.market.set_quote(Quote(EURUSD, price, price + Decimal("0.00008"), world.now()))


def known(mirror: Mirror) -> AccountView:
    """Return what the engine would know of the account after all that the stream has told."""
    view = AccountView(ALIAS, volumes_grow=True)
    for event in mirror.events:
        match event:
            case SnapshotReceived():
                view.sync(event)
            case PositionReported():
                view.report(event)
            case PositionClosed():
                view.close(event)
            case OrderReported():
                view.waiting.report(event)
            case OrderEnded():
                view.waiting.end(event)
    return view


async def until_orders(mirror: Mirror) -> None:
    """Wait until the stream has told of exactly the pending orders that the books hold."""
    await mirror.until(lambda: mirror.synchronized and same_orders(known(mirror).orders.values(), mirror.world))


def same_orders(shown: object, world: World) -> bool:
    """Tell whether pending orders are those of the books, in every field that all venues must give."""
    found = {order.order_id: order for order in shown}  # type: ignore[attr-defined]
    working = world.book.working
    return found.keys() == working.keys() and all(_same(found[key], working[key]) for key in working)


def _same(shown: WorkingOrder, working: WorkingOrder) -> bool:
    exact = ("symbol", "side", "order_type", "volume", "price", "limit_price", "stop_loss", "take_profit")
    same = all(getattr(shown, name) == getattr(working, name) for name in exact)
    for name in ("placed_at", "expires_at"):  # venues tell times to the millisecond at least
        told, true = getattr(shown, name), getattr(working, name)
        same = same and (told is None or (true is not None and abs(told - true) <= timedelta(milliseconds=1)))
    return same and all(getattr(shown, name) in (None, getattr(working, name)) for name in ("magic", "comment", "tag"))


def opened_by(world: World, order: WorkingOrder) -> Position:
    """Return the position that a filled pending order opened."""
    [record] = [each for each in world.book.orders if each.order_id == order.order_id]
    assert record.position_id is not None
    return world.book.positions[record.position_id]


def trade_pending(world: World, random: Random) -> None:
    """Let a hand do one thing with pending orders: place, replace, cancel, or move the market so that some fill."""
    book, working = world.book, list(world.book.working.values())
    step = random.randrange(4) if working else 0
    order = random.choice(working) if working else None
    price = (Decimal("1.16") + Decimal(random.randint(-60, 60)) / 10_000).quantize(Decimal("0.0001"))
    try:
        match step:
            case 0:
                side, order_type = random.choice(list(AWAY))
                book.place_order(EURUSD, side, order_type, Decimal(random.randint(2, 30)) / 100, price)
            case 1 if order is not None:
                book.replace_order(order.order_id, price, stop_loss=None, take_profit=None)
            case 2 if order is not None:
                book.cancel_order(order.order_id)
            case _:
                world.market.set_quote(Quote(Symbol(EURUSD), price, price + Decimal("0.00008"), world.now()))
    except OrderRefused:
        assert step in (0, 1)  # on the wrong side of the market
