"""A row's hash depends on every column and on the row before."""

from datetime import UTC, datetime, timedelta

import pytest

from copier.ledger.rows import GENESIS, at_ns_of, chained

ROW = (GENESIS, 1, 1_000, "event", "main", "key", b"body")


@pytest.mark.parametrize(
    "other",
    [
        (b"\x01" * 32, 1, 1_000, "event", "main", "key", b"body"),
        (GENESIS, 2, 1_000, "event", "main", "key", b"body"),
        (GENESIS, 1, 1_001, "event", "main", "key", b"body"),
        (GENESIS, 1, 1_000, "even", "tmain", "key", b"body"),
        (GENESIS, 1, 1_000, "event", "mai", "nkey", b"body"),
        (GENESIS, 1, 1_000, "event", "main", "keyb", b"ody"),
        (GENESIS, 1, 1_000, "event", "main", None, b"keybody"),
    ],
)
def test_rows_that_differ_anywhere_have_different_hashes(
    other: tuple[bytes, int, int, str, str, str | None, bytes],
) -> None:
    assert chained(*ROW) != chained(*other)


def test_absent_and_empty_key_have_different_hashes() -> None:
    assert chained(GENESIS, 1, 0, "", "", None, b"") != chained(GENESIS, 1, 0, "", "", "", b"")


def test_hash_of_a_row_is_the_same_for_ever() -> None:
    # Pinned: another value here would declare every ledger that was ever written to be forged.
    assert chained(*ROW).hex() == "285de5f1801453f53ada84c452241825bdaec7d30ced19a6dff9abbb266c4772"


def test_instants_before_and_after_1970_are_exact_to_the_microsecond() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert at_ns_of(epoch + timedelta(microseconds=1)) == 1_000
    assert at_ns_of(epoch - timedelta(microseconds=1)) == -1_000
    assert at_ns_of(datetime(2026, 3, 9, 14, 30, 0, 123456, tzinfo=UTC)) == 1773066600123456000
