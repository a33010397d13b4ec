"""The keys of a paper account in the config."""

from decimal import Decimal

from attrs import Attribute, field
from attrs.validators import optional

from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.values import OmsType, Symbol

BALANCE_MAX = Decimal(10**15)
"""More than any account holds; beyond, sums to the cent would not fit Decimal's 28 digits."""


def _check_balance(_: object, __: "Attribute[Decimal]", value: Decimal) -> None:
    if not value.is_finite() or not 0 <= value <= BALANCE_MAX or value != round(value, 2):
        raise ValueError(f"balance must be an amount >= 0 in whole cents, was {value}")


def _check_text(_: object, attribute: "Attribute[str]", value: str) -> None:
    if not value:
        raise ValueError(f"{attribute.name} must be a text of one character or more, was empty")


def _check_positive(_: object, attribute: "Attribute[Decimal]", value: Decimal) -> None:
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{attribute.name} must be > 0, was {value}")


@frozen
class InstrumentKeys:
    """One instrument of a paper account; it replaces the default one of the same symbol."""

    symbol: str = field(validator=_check_text, metadata={"doc": "The instrument's name."})
    volume_min: Decimal = field(validator=_check_positive, metadata={"doc": "Smallest order, lots."})
    volume_max: Decimal = field(validator=_check_positive, metadata={"doc": "Largest order, lots."})
    volume_step: Decimal = field(validator=_check_positive, metadata={"doc": "Grid of volumes, lots."})
    contract_size: Decimal = field(
        default=Decimal(1),
        validator=_check_positive,
        metadata={"doc": "Units per lot; 100000 for most currency pairs."},
    )
    tick_size: Decimal | None = field(
        default=None,
        validator=optional(_check_positive),
        metadata={"doc": "Smallest price change; left out: any."},
    )
    profit_currency: str | None = field(
        default=None, metadata={"doc": "Currency of its results; left out: the account's own."}
    )

    def __attrs_post_init__(self) -> None:
        if self.volume_min > self.volume_max:
            raise ValueError(f"volume_min must be at most volume_max ({self.volume_max}), was {self.volume_min}")

    def instrument(self) -> Instrument:
        """Return the specification in our words."""
        return Instrument(
            symbol=Symbol(self.symbol),
            volume_min=self.volume_min,
            volume_max=self.volume_max,
            volume_step=self.volume_step,
            tick_size=self.tick_size,
            contract_size=self.contract_size,
            profit_currency=self.profit_currency,
        )


@frozen
class Config:
    """One paper account."""

    state: str = field(
        validator=_check_text,
        metadata={
            "doc": "File of this account's positions and orders, made when missing; one file an account. "
            "A relative one lies beside the config file. "
            '":memory:" keeps nothing: after a restart the account is empty.',
            "path": True,  # a relative one starts from the config file's folder
            "identity": True,
        },
    )
    oms: OmsType = field(
        default=OmsType.HEDGING, metadata={"doc": 'How positions are kept: "hedging" or "netting" (one a symbol).'}
    )
    balance: Decimal = field(
        default=Decimal(10_000), validator=_check_balance, metadata={"doc": "Balance of a new account."}
    )
    currency: str = field(default="USD", validator=_check_text, metadata={"doc": "Currency of the account."})
    instruments: tuple[InstrumentKeys, ...] = field(
        default=(), metadata={"doc": "Instruments beyond, or in place of, the default ones."}
    )
