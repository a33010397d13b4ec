"""The keys of an account: what is refused, where requests go, and that the API key never shows."""

from datetime import timedelta

import attrs
import pytest

from adapters.metacopier.capabilities import capabilities
from adapters.metacopier.config import Config
from adapters.secret import Secret
from rules.model.values import OmsType

UUID = "11111111-1111-1111-1111-111111111111"


def config(**changes: object) -> Config:
    return Config(**({"account_id": UUID, "api_key": Secret("s3cret")} | changes))  # type: ignore[arg-type]


def test_requests_go_to_the_global_host_or_to_a_region_or_where_the_person_says() -> None:
    assert config().rest_origin == "https://api.metacopier.io"
    assert config(region="london").rest_origin == "https://api-london.metacopier.io"
    assert config(region="london", rest_url="http://127.0.0.1:8080/").rest_origin == "http://127.0.0.1:8080"
    assert config(region="london").socket_address == "wss://api.metacopier.io/ws/api/v1"
    assert config(socket_url="ws://127.0.0.1/x").socket_address == "ws://127.0.0.1/x"


@pytest.mark.parametrize(
    "changes",
    [
        {"account_id": "12345"},
        {"account_id": UUID + "/../x"},
        {"api_key": Secret("")},
        {"api_key": Secret("two words")},
        {"api_key": Secret("line\nend")},
        {"api_key": Secret("schlüssel")},
        {"region": "london.evil.test/"},
        {"region": "-london"},
        {"books_late": timedelta(seconds=-1)},
    ],
)
def test_impossible_values_are_refused_without_showing_the_key(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        config(**changes)
    assert "words" not in str(caught.value)
    assert "schl" not in str(caught.value)


def test_the_key_is_not_in_the_repr_and_every_key_is_documented() -> None:
    assert "s3cret" not in repr(config())
    assert all(field.metadata["doc"].endswith(".") for field in attrs.fields(Config))


def test_an_unanswered_order_waits_for_the_latest_books() -> None:
    assert capabilities(OmsType.HEDGING, config().books_late).settle_s == 190
    assert capabilities(OmsType.HEDGING, config(books_late=timedelta(seconds=2)).books_late).settle_s == 2
