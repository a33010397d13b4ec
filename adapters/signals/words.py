"""The words of a signal: the JSON that senders send, read strictly, in our types. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec
from attrs import field

from adapters.base import SignalFault
from rules.model.frozen import frozen
from rules.model.values import PositionId, Price, Side, Symbol, Volume, exact

TEXT_MAX: Final = 200
"""Characters of an id, a symbol, a comment: venues' own are a tenth of it."""

KEYS: Final = (
    *("secret", "id", "time", "action", "position", "symbol", "side", "volume", "price"),
    *("stop_loss", "take_profit", "contract_size", "comment", "magic"),
)

_DECODE: Final = msgspec.json.Decoder(float_hook=exact).decode


@frozen
class Open:
    """A position is opened; under the signal's own id where it names none."""

    position_id: PositionId
    symbol: Symbol
    side: Side
    volume: Volume
    price: Price
    stop_loss: Price | None = None
    take_profit: Price | None = None
    comment: str | None = None
    magic: str | None = None
    contract_size: Decimal | None = None


@frozen
class Which:
    """The positions that are meant: one by its id, or those of a symbol, perhaps of one side; neither: all."""

    position_id: PositionId | None = None
    symbol: Symbol | None = None
    side: Side | None = None


@frozen
class Modify:
    """A position is to be as told: what `changes` lacks stays, a stop of None is taken away."""

    which: Which
    changes: Mapping[str, Any] = field(factory=dict)


@frozen
class Close:
    """Positions are closed: whole, or one of them by so many lots."""

    which: Which
    volume: Volume | None = None
    price: Price | None = None


Instruction: TypeAlias = Open | Modify | Close


@frozen
class Signal:
    """What one message says. `secret` is what it shows in place of a signature."""

    signal_id: str
    at: datetime
    instruction: Instruction
    secret: str | None = field(default=None, repr=False)


def decoded(body: bytes) -> dict[str, Any]:
    """Return a message's keys and values.

    Raises:
        SignalFault: it is no JSON object.
    """
    try:
        raw = _DECODE(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SignalFault(".", "JSON, with numbers of at most 20 digits", "something else") from None
    if not isinstance(raw, dict):
        raise SignalFault(".", "a JSON object", type(raw).__name__)
    return raw


def read_signal(raw: Mapping[str, Any], signal_id: str | None = None, at: datetime | None = None) -> Signal:
    """Return what a message says.

    Args:
        signal_id, at: of its signature, which then stand for its own `id` and `time`.
    Raises:
        SignalFault: a key is missing or means nothing, or its value makes no sense.
    """
    for key in raw:
        if key not in KEYS:
            raise SignalFault(str(key)[:TEXT_MAX], f"one of the keys {', '.join(KEYS)}", str(key)[:TEXT_MAX])
    own_id = signal_id or _text(raw, "id")
    return Signal(own_id, at or _time(raw), _instruction(raw, own_id), _maybe_text(raw, "secret"))


def _instruction(raw: Mapping[str, Any], own_id: str) -> Instruction:
    action = _text(raw, "action")
    match action:
        case "open" | "buy" | "sell":
            side = _side(raw, action)
            return Open(
                PositionId(_maybe_text(raw, "position") or own_id),
                Symbol(_text(raw, "symbol")),
                side,
                _positive(raw, "volume"),
                _positive(raw, "price"),
                _stop(raw, "stop_loss"),
                _stop(raw, "take_profit"),
                _maybe_text(raw, "comment"),
                _maybe_text(raw, "magic"),
                None if raw.get("contract_size") is None else _positive(raw, "contract_size"),
            )
        case "modify":
            which = _which(raw, needed=True)
            changes: dict[str, Decimal | None] = {
                key: _stop(raw, key) for key in ("stop_loss", "take_profit") if key in raw
            }
            if "volume" in raw:
                changes["volume"] = _positive(raw, "volume")
            if not changes:
                raise SignalFault("stop_loss", "a change: volume, stop_loss or take_profit", "none of them")
            return Modify(which, changes)
        case "close":
            volume = _positive(raw, "volume") if raw.get("volume") is not None else None
            return Close(_which(raw, needed=True), volume, _stop(raw, "price"))
        case "close_all":
            return Close(_which(raw, needed=False), None, _stop(raw, "price"))
    raise SignalFault("action", "open, buy, sell, modify, close or close_all", action)


def _which(raw: Mapping[str, Any], *, needed: bool) -> Which:
    position, symbol = _maybe_text(raw, "position"), _maybe_text(raw, "symbol")
    if needed and position is None and symbol is None:
        raise SignalFault("position", "the id of a position, or a symbol", "neither")
    side = None if raw.get("side") is None else _side(raw, "open")
    if position is not None:
        return Which(PositionId(position))
    return Which(None, None if symbol is None else Symbol(symbol), side)


def _side(raw: Mapping[str, Any], action: str) -> Side:
    said = _maybe_text(raw, "side")
    word = (action if said is None and action != "open" else said or "").lower()
    if word in ("buy", "long"):
        side = Side.BUY
    elif word in ("sell", "short"):
        side = Side.SELL
    else:
        raise SignalFault("side", "buy, sell, long or short", said or "nothing")
    if action in ("buy", "sell") and side.value != action:
        raise SignalFault("side", f"the side of the action, {action}", word)
    return side


def _text(raw: Mapping[str, Any], key: str) -> str:
    found = _maybe_text(raw, key)
    if found is None:
        raise SignalFault(key, f"1 to {TEXT_MAX} characters", "nothing")
    return found


def _maybe_text(raw: Mapping[str, Any], key: str) -> str | None:
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and key in ("id", "position", "magic"):
        value = str(value) if abs(value) < 10**18 else ""
    if not isinstance(value, str) or not 1 <= len(value) <= TEXT_MAX:
        raise SignalFault(key, f"1 to {TEXT_MAX} characters", _shown(value))
    return value


def _positive(raw: Mapping[str, Any], key: str) -> Decimal:
    number = _number(raw, key)
    if number is None or number <= 0:
        raise SignalFault(key, "an exact decimal number > 0", _shown(raw.get(key)))
    return number


def _stop(raw: Mapping[str, Any], key: str) -> Decimal | None:
    """Return a price; 0 and null are none, as senders' templates have it."""
    number = _number(raw, key)
    if number is not None and number < 0:
        raise SignalFault(key, "a price, or null for none", _shown(raw[key]))
    return number or None


def _number(raw: Mapping[str, Any], key: str) -> Decimal | None:
    value = raw.get(key)
    if value is None:
        return None
    try:
        return exact(value, key)
    except ValueError:
        raise SignalFault(key, "an exact decimal number of at most 20 digits", _shown(value)) from None


def _time(raw: Mapping[str, Any]) -> datetime:
    value = raw.get("time")
    expected = "an instant such as 2026-11-21T15:00:00Z, or seconds since 1970"
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            if at.tzinfo is None:
                raise ValueError(value)
            return at.astimezone(UTC)
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise SignalFault("time", expected, _shown(value))


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)[:80] or "an empty text"
