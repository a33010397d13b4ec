"""Signals as they are sent: what a program tells an account of signals to hold."""

from typing import Annotated, Literal

from msgspec import Meta

from copier.web.dto.words import about
from rules.model.frozen import frozen

Number = Annotated[int | float | str, about("An exact decimal number, as text or as a JSON number.")]
Text = Annotated[str, Meta(min_length=1, max_length=200)]


@frozen
class Signal:
    """One instruction. Which keys an action needs stands in `docs/signals.md`; null is like leaving a key out."""

    action: Literal["open", "buy", "sell", "modify", "close", "close_all"]
    id: Annotated[Text | int | None, about("Unique; taken once. Not needed beside a signature.")] = None
    time: Annotated[Text | int | None, about("When it was made: RFC 3339, or seconds since 1970.")] = None
    secret: Annotated[str | None, about("The account's secret, where the signal is not signed.")] = None
    position: Annotated[Text | int | None, about("Of an opening, the signal's own id by default.")] = None
    symbol: Text | None = None
    side: Annotated[Text | None, about("buy, sell, long or short.")] = None
    volume: Annotated[Number | None, about("Lots, > 0.")] = None
    price: Number | None = None
    stop_loss: Annotated[Number | None, about("0 and null: none.")] = None
    take_profit: Annotated[Number | None, about("0 and null: none.")] = None
    contract_size: Annotated[Number | None, about("Units per lot, where sizes are to reckon with it.")] = None
    comment: Text | None = None
    magic: Annotated[Text | int | None, about("A number or a word that filters can match.")] = None


@frozen
class SignalTaken:
    """What a signal did; it is durable."""

    says: str
    repeated: Annotated[bool, about("It was taken before, and did nothing now.")]
