"""Whatever the rules can say comes back from a ledger body exactly as it was."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copier.ledger.codec import CodecError, decode, encode
from rules.model.actions import Action, ClosePosition, ReplaceStops
from rules.model.events import Event
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position, Quote
from rules.model.reasons import Reason
from rules.model.reports import Filled, NotSent, Rejected, Report
from rules.model.trace import Denied, Note, Trace
from rules.model.values import AccountId, ClOrdId, PositionId, Side, Symbol

AT = datetime(2026, 3, 9, 14, 30, 0, 123456, tzinfo=UTC)


@frozen
class Decision:
    """Holds every kind of value that the service writes, nested and optional."""

    link: AccountId
    ratio: Fraction
    trace: Trace
    action: Action | None
    actions: tuple[Action, ...]
    position: Position | None
    stop: Decimal | None
    reason: Reason
    day: date
    reset: time
    age: timedelta
    leg: int
    final: bool
    anchors: Mapping[Symbol, Decimal]
    seen: frozenset[PositionId]
    pair: tuple[int, str]


_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    Fraction: st.fractions(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    time: st.times(),
    timedelta: st.timedeltas(timedelta(days=-1000), timedelta(days=1000)),
    NoneType: st.none(),
}


def values_of(type_: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a type as the rules declare it, optional fields included."""
    if isinstance(type_, NewType):
        return values_of(type_.__supertype__)
    if type_ in _SCALARS:
        return _SCALARS[type_]
    if attrs.has(type_):
        hints = get_type_hints(type_)
        return st.builds(type_, **{field.alias: values_of(hints[field.name]) for field in attrs.fields(type_)})
    if isinstance(type_, type) and issubclass(type_, Enum):
        return st.sampled_from(type_)
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in (Union, UnionType):
        return st.one_of([values_of(each) for each in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*[values_of(each) for each in arguments])
    if origin is frozenset:
        return st.frozensets(values_of(arguments[0]), max_size=5)
    assert origin is Mapping, type_
    return st.dictionaries(values_of(arguments[0]), values_of(arguments[1]), max_size=3)


@pytest.mark.slow  # hundreds of generated values per type
@pytest.mark.parametrize("type_", [Event, Action, Report, Note | Denied, Instrument, Decision, AccountStatus, Quote])
@settings(max_examples=60)
@given(data=st.data())
def test_everything_that_the_rules_say_comes_back_exactly(type_: Any, data: st.DataObject) -> None:
    value = data.draw(values_of(type_))
    body = encode(value)
    again = decode(type_, body)
    assert again == value
    assert type(again) is type(value)
    assert encode(again) == body  # equal Decimals may differ in their zeros; their text may not


def test_body_is_json_that_a_person_can_read() -> None:
    body = encode(Filled(ClOrdId("cp1"), PositionId("77"), Decimal("0.30"), None))
    assert body == (
        b'{"@kind":"Filled","cl_ord_id":"cp1","position_id":"77","volume":"0.30","price":null,"venue_order_id":null,'
        b'"opened":"0"}'
    )


def test_a_fill_that_was_kept_before_it_could_say_what_a_close_opened_still_loads() -> None:
    older = (
        b'{"@kind":"Filled","cl_ord_id":"cp1","position_id":"77","volume":"0.30","price":null,"venue_order_id":null}'
    )
    assert decode(Filled, older) == Filled(ClOrdId("cp1"), PositionId("77"), Decimal("0.30"))


def test_number_keeps_its_zeros_and_its_exponent() -> None:
    for text in ("1.10", "0.00", "-0.0", "1E+3", "1E-20", "12345678901234567890.12345678901234567890"):
        quote = Quote(Symbol("EURUSD"), Decimal(text), Decimal(1), AT)
        assert str(decode(Quote, encode(quote)).bid) == text


def test_reason_comes_back_as_the_very_member() -> None:
    denied = decode(Denied, encode(Denied("guard", Reason.SPREAD, (("spread", "0.2"),), AT)))
    assert denied.reason is Reason.SPREAD
    assert denied.until == AT


def test_instant_of_another_zone_comes_back_as_the_same_instant() -> None:
    there = AT.astimezone(timezone(timedelta(hours=-5)))
    assert decode(NotSent, encode(NotSent(ClOrdId("cp1"), "busy", there))).retry_at == AT


@frozen
class Names:
    symbols: frozenset[Symbol]


def test_equal_sets_make_equal_bodies() -> None:
    names = [Symbol(f"S{number}") for number in range(50)]
    bodies = {encode(Names(frozenset(order))) for order in (names, names[::-1], names[25:] + names)}
    assert len(bodies) == 1
    [body] = bodies
    assert msgspec.json.decode(body)["symbols"] == sorted(names)


def test_class_of_a_value_is_chosen_by_its_name_alone() -> None:
    close = ClosePosition(ClOrdId("cp1"), AccountId("a"), PositionId("7"), Symbol("X"), Side.BUY, Decimal(1))
    assert decode(Action, encode(close)) == close
    assert decode(ClosePosition, encode(close)) == close
    assert decode(ClosePosition | None, encode(close)) == close


def test_field_added_later_takes_its_default_in_an_old_body() -> None:
    body = b'{"@kind":"Filled","cl_ord_id":"cp1","position_id":"77","volume":"0.30"}'
    assert decode(Filled, body).price is None


def test_an_order_of_an_older_version_says_neither_its_side_nor_its_opening() -> None:
    place = b'"cl_ord_id":"cp1","account":"a","position_id":"7","symbol":"X"'
    stops = decode(ReplaceStops, b'{"@kind":"ReplaceStops",' + place + b',"stop_loss":"1.05","take_profit":null}')
    assert (stops.stop_loss, stops.side) == (Decimal("1.05"), None)
    close = decode(ClosePosition, b'{"@kind":"ClosePosition",' + place + b',"side":"buy","volume":"1"}')
    assert close.opening is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"1",
        b"null",
        b'"Rejected"',
        b"\xff",
        b"[" * 100_000,
        b'{"cl_ord_id":"cp1","text":"no"}',
        b'{"@kind":"Filled","cl_ord_id":"cp1","text":"no"}',
        b'{"@kind":["Rejected"],"cl_ord_id":"cp1","text":"no"}',
        b'{"@kind":"Rejected","cl_ord_id":"cp1"}',
        b'{"@kind":"Rejected","cl_ord_id":1,"text":"no"}',
        b'{"@kind":"Rejected","cl_ord_id":null,"text":"no"}',
        b'{"@kind":"Rejected","cl_ord_id":"cp1","text":"no","more":1}',
        b'{"@kind":"Rejected","cl_ord_id":"cp1","text":"no"',
    ],
)
def test_body_that_does_not_fit_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(CodecError, match="expected a body of Rejected"):
        decode(Rejected, body)


@pytest.mark.parametrize("volume", ["1.5", "true", "null", '"NaN"', '"Infinity"', '"x"', "1", "[]"])
def test_number_that_is_not_finite_exact_text_is_refused(volume: str) -> None:
    with pytest.raises(CodecError):
        decode(Filled, b'{"@kind":"Filled","cl_ord_id":"c","position_id":"7","volume":%s}' % volume.encode())


@pytest.mark.parametrize("at", ['"2026-03-09T14:30:00"', '"yesterday"', "1773066600", "null"])
def test_instant_that_is_not_aware_text_is_refused(at: str) -> None:
    with pytest.raises(CodecError):
        decode(Quote, b'{"@kind":"Quote","symbol":"X","bid":"1","ask":"1","at":%s}' % at.encode())


@frozen
class Share:
    """A field of each kind that needs a hook of its own."""

    part: Fraction
    side: Side | None = None


@pytest.mark.parametrize("rest", ['"1/0"', '"1"', '"x/y"', "0.5", "null", '"1/2","side":"up"', '"1/2","side":1'])
def test_fraction_or_enum_that_is_none_is_refused(rest: str) -> None:
    with pytest.raises(CodecError):
        decode(Share, b'{"@kind":"Share","part":%s}' % rest.encode())


@frozen
class Rough:
    """What nobody should write."""

    rate: float


def test_float_is_neither_written_nor_read() -> None:
    with pytest.raises(TypeError, match=r"float 0\.1"):
        encode(Rough(0.1))
    with pytest.raises(CodecError, match="float"):
        decode(Rough, b'{"@kind":"Rough","rate":0.1}')


def test_value_that_is_no_attrs_object_is_not_written() -> None:
    with pytest.raises(TypeError):
        encode("text")
    with pytest.raises(TypeError, match="attrs object, found dict"):
        encode({"a": 1})


def test_choice_between_classes_of_one_name_is_refused() -> None:
    other = attrs.make_class("Filled", ["a"])
    with pytest.raises(TypeError, match="different names"):
        decode(Filled | other, b"{}")
