import hashlib
from base64 import b32encode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.model.identity import CL_ORD_ID_LENGTH, cl_ord_id, is_ours
from rules.model.values import LinkId, PositionId

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
LINK, POSITION = LinkId("master->ftmo"), PositionId("46214692")


def test_same_purpose_gives_the_same_id_in_every_version():
    # Written out: an order of yesterday's version must be recognized by today's.
    assert cl_ord_id(LINK, POSITION, AT, 0, 0) == cl_ord_id(LINK, POSITION, AT, 0, 0)
    assert cl_ord_id(LINK, POSITION, AT, 0, 0) == "cpvvvpe4udsdatij2fqa7n"


@given(st.text(max_size=50), st.text(max_size=50), st.integers(0, 10**6), st.integers(0, 10**6))
def test_id_is_the_hash_of_its_purpose_in_base32(link, position, leg, step):
    purpose = "\x1f".join((link, position, "2026-11-20T12:00:00+00:00", str(leg), str(step)))
    digest = hashlib.blake2b(purpose.encode(), digest_size=13).digest()
    made = cl_ord_id(LinkId(link), PositionId(position), AT, leg, step)
    assert made == "cp" + b32encode(digest)[:20].decode().lower()


def test_each_part_of_the_purpose_makes_another_id():
    ids = {
        cl_ord_id(LINK, POSITION, AT, 0, 0),
        cl_ord_id(LinkId("master->other"), POSITION, AT, 0, 0),
        cl_ord_id(LINK, PositionId("46214693"), AT, 0, 0),
        cl_ord_id(LINK, POSITION, AT + timedelta(seconds=1), 0, 0),  # a reused position id is another life
        cl_ord_id(LINK, POSITION, AT, 1, 0),
        cl_ord_id(LINK, POSITION, AT, 0, 1),
    }
    assert len(ids) == 6


@given(st.text(max_size=50), st.text(max_size=50), st.integers(0, 10**6), st.integers(0, 10**6))
def test_id_has_the_shape_that_marks_it_as_ours(link, position, leg, step):
    made = cl_ord_id(LinkId(link), PositionId(position), AT, leg, step)
    assert len(made) == CL_ORD_ID_LENGTH
    assert is_ours(made)


@pytest.mark.parametrize("tag", [None, "", "cp", "cp" + "a" * 19, "cp" + "a" * 21, "cp" + "1" * 20, "cP" + "a" * 20])
def test_other_tags_are_not_ours(tag):
    assert not is_ours(tag)
