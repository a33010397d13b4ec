"""Deterministic order ids: the same purpose always yields the same id, so a restart cannot mint a second one."""

import hashlib
import re
from datetime import datetime
from functools import lru_cache

from rules.model.values import ClOrdId, LinkId, PositionId

CL_ORD_ID_PREFIX = "cp"
"""Marks an order as ours at the venue. Looks decide nothing (the ledger does); it only points out orphans."""

CL_ORD_ID_LENGTH = 22
"""`cp` and 20 characters of base32, 100 bits: fits the shortest tag of our venues (23 usable characters of a
MetaCopier comment beside its own prefix; TradeLocker's strategyId takes 31)."""


_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_OURS = re.compile(f"{CL_ORD_ID_PREFIX}[{_BASE32}]{{{CL_ORD_ID_LENGTH - len(CL_ORD_ID_PREFIX)}}}")
_PAIRS = tuple(first + second for first in _BASE32 for second in _BASE32)


@lru_cache(maxsize=64)
def cl_ord_id(link: LinkId, position_id: PositionId, opened_at: datetime, leg: int, step: int) -> ClOrdId:
    """Return the id of the order that is step number `step` of leg number `leg` of this copy.

    `opened_at` keeps two lives of a venue's reused position id apart. Kept for a moment: who decides of an order asks
    for its id more than once.
    """
    purpose = f"{link}{_life(position_id, opened_at)}{leg}\x1f{step}"
    bits = int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=13).digest(), "big") >> 4  # 100 of 104
    return ClOrdId(f"{CL_ORD_ID_PREFIX}{_base32(bits >> 50)}{_base32(bits & _FIFTY)}")


@lru_cache(maxsize=64)
def _life(position_id: PositionId, opened_at: datetime) -> str:
    """Return the part of an id's purpose that all links of one source position share."""
    return f"\x1f{position_id}\x1f{opened_at.isoformat()}\x1f"


_FIFTY = (1 << 50) - 1


def _base32(bits: int) -> str:
    """Return 50 bits as ten characters; written out, since a loop over them costs as much as the hash."""
    pairs = _PAIRS
    return (
        f"{pairs[bits >> 40]}{pairs[bits >> 30 & 0x3FF]}{pairs[bits >> 20 & 0x3FF]}{pairs[bits >> 10 & 0x3FF]}"
        f"{pairs[bits & 0x3FF]}"
    )


def is_ours(tag: str | None) -> bool:
    """Tell whether a venue's order tag has the shape of our ids."""
    return tag is not None and _OURS.fullmatch(tag) is not None
