"""Mismatches over REST: where targets differ from what their links want there."""

from typing import Final

from copier.web.dto.mismatches import Mismatch, mismatch_of
from copier.web.dto.words import Page
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.pages import page
from copier.web.rest.params import Param, Text
from copier.web.rest.status import sees_mismatch


async def _mismatches(call: Call) -> Page:
    link, account = call.query["link"], call.query["account"]
    found = [
        each
        for each in call.surface.mismatches
        if sees_mismatch(call.surface, call.principal, each)
        and link in (None, each.link_id)
        and account in (None, each.target)
    ]
    return page(call, found, lambda each: (each.link_id, each.symbol, each.kind.value), mismatch_of)


ENDPOINTS: Final = (
    Endpoint(
        "GET",
        "/mismatches",
        "Where targets differ from what their links want there",
        _mismatches,
        Mismatch,
        paged=True,
        query=(
            Param("link", Text(), "Only of that link."),
            Param("account", Text(), "Only of that target."),
        ),
    ),
)
