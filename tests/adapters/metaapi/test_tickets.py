"""Ids of MetaTrader 4 positions, over one partial close after the other."""

from adapters.metaapi.tickets import Tickets
from adapters.metaapi.wire import Position, converted
from tests.adapters.metaapi.frames import row


def rows(*made):
    return tuple(converted(each, Position, "row") for each in made)


def rest(ticket, old, **fields):
    return row(ticket, "0.1", platform="mt4", comment=f"from #{old}", **fields)


def learned(tickets, *made, known=(), platform="mt4"):
    tickets.learn(rows(*made), {str(each.id): each for each in rows(*known)}, platform)
    return tickets


def test_a_chain_of_rests_keeps_the_first_id():
    tickets = Tickets()
    for ticket, old in (("2", "1"), ("3", "2"), ("4", "3")):
        learned(tickets, rest(ticket, old))
    assert {tickets.first(ticket) for ticket in "1234"} == {"1"}
    assert tickets.now("1") == "4"
    assert tickets.is_superseded("2", {"4"})
    assert not tickets.is_superseded("4", {"4"})
    assert not tickets.is_superseded("2", {"3"})


def test_a_ticket_that_nobody_linked_is_its_own():
    tickets = Tickets()
    assert (tickets.first("7"), tickets.now("7")) == ("7", "7")


def test_the_other_platform_keeps_its_tickets():
    assert learned(Tickets(), {**rest("2", "1"), "platform": "mt5"}).first("2") == "2"
    plain = rest("2", "1")
    del plain["platform"]
    assert learned(Tickets(), plain, platform="mt5").first("2") == "2"
    assert learned(Tickets(), plain, platform=None).first("2") == "2"
    assert learned(Tickets(), plain).first("2") == "1"


def test_a_position_that_is_still_open_has_left_no_rest():
    assert learned(Tickets(), rest("2", "1"), row("1", platform="mt4")).first("2") == "2"


def test_a_rest_has_the_opening_of_what_it_is_left_of():
    known = [row("1", platform="mt4")]
    assert learned(Tickets(), rest("2", "1"), known=known).first("2") == "1"
    assert learned(Tickets(), rest("2", "1", symbol="GBPUSD"), known=known).first("2") == "2"


def test_the_comment_may_stand_in_the_brokers_field():
    made = row("2", platform="mt4", comment="mine", brokerComment="x from #1")
    assert learned(Tickets(), made).first("2") == "1"


def test_what_is_remembered_is_bounded():
    tickets = Tickets()
    for number in range(1, 12_000):
        learned(tickets, rest(str(number * 2), str(number * 2 + 1)))
    assert tickets.first("2") == "2"
    assert tickets.now("3") == "3"
    assert tickets.first("22000") == "22001"
    assert len(tickets._first) == len(tickets._now) == 10_000
