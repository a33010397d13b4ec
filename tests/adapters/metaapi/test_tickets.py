"""Ids of MetaTrader 4 positions, over one partial close after the other."""

from decimal import Decimal

from adapters.metaapi.tickets import Tickets
from adapters.metaapi.wire import Position, converted
from tests.adapters.metaapi.frames import row


def rows(*made):
    return tuple(converted(each, Position, "row") for each in made)


def rest(ticket, old, **fields):
    return row(ticket, "0.1", platform="mt4", comment=f"from #{old}", **fields)


def learned(tickets, *made, platform="mt4"):
    tickets.learn(rows(*made), platform)
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
    assert learned(learned(Tickets(), row("1", platform="mt4")), rest("2", "1")).first("2") == "1"
    assert learned(learned(Tickets(), row("1", platform="mt4")), rest("2", "1", symbol="GBPUSD")).first("2") == "2"


def test_a_rest_of_a_rest_that_nobody_told_of_is_known_by_its_opening():
    tickets = learned(Tickets(), row("1", platform="mt4"), row("9", platform="mt4", openPrice=Decimal("1.5")))
    assert learned(tickets, rest("4", "3")).first("4") == "1"
    assert learned(tickets, rest("6", "5")).first("6") == "1"
    assert tickets.now("1") == "6"


def test_two_positions_with_one_opening_are_told_apart_by_the_comment_or_not_at_all():
    twins = learned(Tickets(), row("1", platform="mt4"), row("2", platform="mt4"))
    assert learned(twins, rest("3", "2"), row("1", platform="mt4")).first("3") == "2"
    assert learned(twins, rest("6", "5")).first("6") == "5"
    assert learned(twins, rest("8", "7"), row("1", platform="mt4")).first("8") == "2"


def test_a_rest_of_what_nobody_told_of_is_not_taken_for_part_of_another_that_is_open():
    tickets = learned(Tickets(), row("1", platform="mt4"))
    tickets.learn(rows(rest("4", "3")), "mt4", also_open={"1"})
    assert tickets.first("4") == "3"
    assert tickets.now("1") == "1"


def test_the_comment_may_stand_in_the_brokers_field():
    made = row("2", platform="mt4", comment="mine", brokerComment="x from #1")
    assert learned(Tickets(), made).first("2") == "1"


def test_what_is_remembered_is_bounded():
    tickets = Tickets()
    for number in range(1, 12_000):
        plain = row(str(number), platform="mt4", time=f"2026-11-20T10:{number}")
        learned(tickets, plain, rest(f"9{number}", f"8{number}", time=f"2026-11-21T10:{number}"))
    assert tickets.first("91") == "91"
    assert tickets.now("81") == "81"
    assert tickets.first("911999") == "811999"
    sizes = (tickets._first, tickets._now, tickets._openings, tickets._opened)
    assert {len(kept) for kept in sizes} == {10_000}
