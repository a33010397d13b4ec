from decimal import Decimal

import pytest

from adapters.paper.books import own_market
from adapters.paper.config import Config, InstrumentKeys
from rules.model.values import OmsType, Symbol


def test_only_the_file_must_be_named():
    config = Config(state="paper.state")
    assert (config.oms, config.balance, config.currency) == (OmsType.HEDGING, Decimal(10_000), "USD")
    assert own_market(config).quotes == {}


@pytest.mark.parametrize("balance", ["-1", "0.001", "1E+16", "NaN", "Infinity"])
def test_a_senseless_balance_is_refused(balance: str):
    with pytest.raises(ValueError, match="balance"):
        Config(state="s", balance=Decimal(balance))


def test_an_empty_file_name_is_refused():
    # SQLite would take it for a database that vanishes.
    with pytest.raises(ValueError, match="state"):
        Config(state="")


@pytest.mark.parametrize("key", ["volume_min", "volume_max", "volume_step", "contract_size", "tick_size"])
@pytest.mark.parametrize("value", ["0", "-1", "NaN", "Infinity"])
def test_an_instrument_without_positive_numbers_is_refused(key: str, value: str):
    keys = {"volume_min": Decimal(1), "volume_max": Decimal(2), "volume_step": Decimal(1), key: Decimal(value)}
    with pytest.raises(ValueError, match=key):
        InstrumentKeys("OIL", **keys)


def test_an_instrument_whose_smallest_order_is_above_its_largest_is_refused():
    with pytest.raises(ValueError, match="volume_min"):
        InstrumentKeys("OIL", Decimal(3), Decimal(2), Decimal(1))


def test_an_instrument_becomes_ours():
    instrument = InstrumentKeys("OIL", Decimal(1), Decimal(2), Decimal(1), Decimal(1000), Decimal("0.01")).instrument()
    assert instrument.symbol == Symbol("OIL")
    assert (instrument.contract_size, instrument.tick_size) == (Decimal(1000), Decimal("0.01"))


def test_every_key_says_what_it_is():
    for cls in (Config, InstrumentKeys):
        assert all(attribute.metadata["doc"] for attribute in cls.__attrs_attrs__)
