from decimal import Decimal

import pytest

from adapters.simulation.broker import Broker
from rules.model.values import OmsType, Side
from tests.adapters.simulation.worlds import EURUSD, make_broker, quote

LOT = Decimal("0.10")


def test_a_quote_tells_only_those_who_hold_its_symbol():
    broker = make_broker()
    holder = broker.add_account("holder", OmsType.HEDGING, Decimal(10000))
    idle = broker.add_account("idle", OmsType.HEDGING, Decimal(10000))
    heard: list[str] = []
    holder.listen(lambda _change: heard.append("holder"))
    idle.listen(lambda _change: heard.append("idle"))
    opened = holder.open(EURUSD, Side.BUY, LOT)
    heard.clear()
    broker.market.set_quote(quote(EURUSD, "1.17000", "1.17008"))
    assert heard == ["holder"]
    holder.close(opened.position_id)
    heard.clear()
    broker.market.set_quote(quote(EURUSD, "1.18000", "1.18008"))
    assert heard == []


def test_same_calls_give_the_same_ids_and_no_id_twice():
    def ids() -> list[str]:
        broker: Broker = make_broker()
        for name in ("a", "b"):
            book = broker.add_account(name, OmsType.HEDGING, Decimal(10000))
            book.close(book.open(EURUSD, Side.BUY, LOT).position_id)
        orders = [order for book in broker.books.values() for order in book.orders]
        return [order.order_id for order in orders] + sorted({str(order.position_id) for order in orders})

    assert ids() == ids()
    assert len(set(ids())) == 6
    assert all(text.isdigit() for text in ids())


def test_an_account_name_is_taken_once():
    broker = make_broker()
    broker.add_account("a", OmsType.HEDGING, Decimal(0))
    with pytest.raises(ValueError, match="'a'"):
        broker.add_account("a", OmsType.HEDGING, Decimal(0))


def test_a_detached_broker_hears_of_no_quote():
    broker = make_broker()
    book = broker.add_account("a", OmsType.HEDGING, Decimal(10000))
    opened = book.open(EURUSD, Side.BUY, LOT)
    broker.detach()
    broker.market.set_quote(quote(EURUSD, "1.17000", "1.17008"))
    assert book.status().equity == Decimal("9999.20")
    broker.on_quote(broker.market.quotes[EURUSD])
    broker.on_quote(broker.market.quotes[EURUSD])
    assert book.floating_pnl(opened.position_id) == Decimal("99.20")
