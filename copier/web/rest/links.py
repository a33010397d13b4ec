"""Links and copies over REST: what each link may do now, and what it made of each source position."""

from collections.abc import Iterator
from typing import Final

from copier.ledger.records import LeverRecord
from copier.web.dto.copies import Copy, copy_of
from copier.web.dto.links import Link, SideBySide, link_of
from copier.web.dto.words import Page
from copier.web.principal import Principal
from copier.web.rest.endpoints import Call, Endpoint
from copier.web.rest.pages import page
from copier.web.rest.params import OneOf, Param, Text
from copier.web.rest.refusals import not_found
from copier.web.rest.show_accounts import show_position
from copier.web.surface import Surface
from rules.model import copies
from rules.model.copies import CopyStatus
from rules.model.levers import SetLink
from rules.model.observed import Position as Held
from rules.model.reasons import Reason
from rules.model.values import LinkId, PositionId
from rules.policy.links import CopyLink


def visible(call: Call) -> CopyLink:
    """Return the link that a request names.

    Raises:
        Refused: there is none, or it is not for who asks.
    """
    link = call.surface.links.get(LinkId(call.path["link"]))
    if link is None or not call.principal.sees_link(link):
        raise not_found("link")
    return link


def sees_copy(principal: Principal, copy: copies.Copy) -> bool:
    """Tell whether a copy may be shown: both of its ends may."""
    return principal.sees(copy.source) and principal.sees(copy.target)


def visible_copies(surface: Surface, principal: Principal) -> Iterator[copies.Copy]:
    """Yield the copies that a principal may see."""
    return (copy for copy in surface.book.all() if sees_copy(principal, copy))


def waits_for_approval(copy: copies.Copy) -> bool:
    """Tell whether a person must approve of a copy."""
    return copy.wait_until is not None and copy.reason is Reason.APPROVAL_NEEDED


def show_link(surface: Surface, link: CopyLink) -> Link:
    """Return a link as it is shown."""
    return link_of(
        link,
        surface.link_state(link.link_id),
        held_back=surface.is_held_back(link.link_id),
        lever=_lever(surface, link),
        own=[copy for copy in surface.book.of_source(link.source) if copy.link_id == link.link_id],
        mismatches=sum(each.link_id == link.link_id for each in surface.mismatches),
        now=surface.utc_now(),
    )


def show_side_by_side(surface: Surface, link: CopyLink, position_id: PositionId) -> SideBySide:
    """Return a source position beside what a link made of it."""
    source, target = surface.views[link.source], surface.views[link.target]
    held, copy = source.positions.get(position_id), surface.book.get((link.link_id, position_id))
    mine: list[Held] = []
    if copy is not None:
        mine = [each for each in target.positions.values() if copy.owns(each.position_id, each.symbol, target.oms)]
    return SideBySide(
        source=None if held is None else show_position(link.source, held, None),
        copy=None if copy is None else copy_of(copy),
        target=[show_position(link.target, each, copy) for each in mine],
    )


async def _links(call: Call) -> Page:
    links = [link for link in call.surface.links.values() if call.principal.sees_link(link)]
    return page(call, links, lambda link: (link.link_id,), lambda link: show_link(call.surface, link))


async def _link(call: Call) -> Link:
    return show_link(call.surface, visible(call))


async def _link_copies(call: Call) -> Page:
    surface, link = call.surface, visible(call)
    ids = set(surface.views[link.source].positions)
    ids |= {copy.source_position_id for copy in surface.book.of_source(link.source) if copy.link_id == link.link_id}
    return page(call, ids, lambda each: (each,), lambda each: show_side_by_side(surface, link, each))


async def _copies(call: Call) -> Page:
    link, account, status = call.query["link"], call.query["account"], call.query["status"]
    found = [
        copy
        for copy in visible_copies(call.surface, call.principal)
        if link in (None, copy.link_id)
        and account in (None, copy.source, copy.target)
        and status in (None, copy.status.value)
    ]
    return page(call, found, lambda copy: copy.key, copy_of)


async def _approvals(call: Call) -> Page:
    waiting = [copy for copy in visible_copies(call.surface, call.principal) if waits_for_approval(copy)]
    return page(call, waiting, lambda copy: copy.key, copy_of)


def _lever(surface: Surface, link: CopyLink) -> LeverRecord | None:
    for record in surface.levers:
        if isinstance(record.lever, SetLink) and record.lever.link_id == link.link_id:
            return record
    return None


ENDPOINTS: Final = (
    Endpoint("GET", "/links", "All links", _links, Link, paged=True),
    Endpoint("GET", "/links/{link}", "One link", _link, Link),
    Endpoint(
        "GET",
        "/links/{link}/copies",
        "Its source positions, each beside what became of it",
        _link_copies,
        SideBySide,
        paged=True,
    ),
    Endpoint(
        "GET",
        "/copies",
        "Copies that can still matter",
        _copies,
        Copy,
        paged=True,
        query=(
            Param("link", Text(), "Only of that link."),
            Param("account", Text(), "Only those from or to that account."),
            Param("status", OneOf(tuple(status.value for status in CopyStatus)), "Only those of that status."),
        ),
    ),
    Endpoint("GET", "/approvals", "Copies that wait for somebody to approve of them", _approvals, Copy, paged=True),
)
