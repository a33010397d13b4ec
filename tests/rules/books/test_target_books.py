"""What a target's books show of each copy, also where one net position stands for many."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.books.targets import Books, observed_lots, position_of, price_of
from rules.model.copies import Copy, LegStage
from rules.model.values import OmsType, PositionId, Side
from tests.rules.books.test_reconcile import copy, shows
from tests.rules.playbook import T0

NETTED = PositionId("net")


def lots(*copies: Copy, books: Books) -> dict[str, Decimal]:
    return {key[1]: lots for key, lots in observed_lots(copies, books).items()}


def net(volume: str, side: Side = Side.BUY) -> Books:
    return Books.of(OmsType.NETTING, [evolve(shows("x", volume, side), position_id=NETTED)])


def aged(name: str, volume: str, seconds: int, side: Side = Side.BUY) -> Copy:
    return evolve(copy(name, volume, side), first_seen_at=T0 + timedelta(seconds=seconds))


def test_a_hedging_account_shows_each_copys_own_positions_signed() -> None:
    books = Books.of(OmsType.HEDGING, [shows("a"), shows("b", "2", Side.SELL), shows("foreign", "9")])
    assert lots(copy("a"), copy("b"), copy("c"), books=books) == {"a": 1, "b": -2, "c": 0}


def test_an_order_that_was_executed_before_we_were_told_is_found_by_its_tag() -> None:
    unanswered = copy("a", stage=LegStage.OPENING, position_id=None)
    books = Books.of(OmsType.HEDGING, [evolve(shows("other"), tag="o-a")])
    assert lots(unanswered, books=books) == {"a": 1}


def test_what_a_net_position_lacks_is_taken_from_the_newest_copies() -> None:
    copies = (aged("old", "2", 0), aged("mid", "1", 1), aged("new", "1", 2))
    assert lots(*copies, books=net("2.5")) == {"old": 2, "mid": Decimal("0.5"), "new": 0}


def test_what_a_net_position_has_beyond_our_lots_is_not_ours() -> None:
    assert lots(copy("a"), books=net("5")) == {"a": 1}


def test_a_net_position_of_the_other_side_holds_nothing_of_ours() -> None:
    assert lots(copy("a"), books=net("5", Side.SELL)) == {"a": 0}


def test_copies_that_cancel_each_other_out_need_no_position() -> None:
    books = Books.of(OmsType.NETTING, [])
    assert lots(copy("a"), copy("b", side=Side.SELL), books=books) == {"a": 1, "b": -1}


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(Side)), min_size=1, max_size=6), st.integers(-30, 30))
def test_shares_of_a_net_position_never_pass_it_nor_what_we_recorded(held: list[tuple[int, Side]], found: int) -> None:
    copies = [aged(f"c{n}", str(volume), n, side) for n, (volume, side) in enumerate(held)]
    books = net(str(abs(found)), Side.BUY if found > 0 else Side.SELL) if found else Books.of(OmsType.NETTING, [])
    shares = observed_lots(copies, books)
    recorded = sum(volume * side.sign for volume, side in held)
    for each, (volume, side) in zip(copies, held, strict=True):
        assert 0 <= shares[each.key] * side.sign <= volume
    if recorded:
        sign = 1 if recorded > 0 else -1
        assert sum(shares.values()) * sign == min(abs(recorded), max(found * sign, 0))


def test_a_netted_leg_has_no_position_of_its_own() -> None:
    assert position_of(copy("a").legs[0], net("1")) is None


def test_lots_are_valued_at_the_market_else_at_their_entry() -> None:
    held = copy("a", open_price=Decimal("1.05"))
    books = Books.of(OmsType.HEDGING, [evolve(shows("a"), current_price=Decimal("1.2"))])
    assert price_of(held, books) == Decimal("1.2")
    assert price_of(held, Books.of(OmsType.HEDGING, [])) == Decimal("1.05")
    assert price_of(copy("a"), Books.of(OmsType.HEDGING, [])) is None
