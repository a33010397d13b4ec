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
_SHIFTS = range(90, -10, -10)
_PAIRS = tuple(first + second for first in _BASE32 for second in _BASE32)


@lru_cache(maxsize=64)
def cl_ord_id(link: LinkId, position_id: PositionId, opened_at: datetime, leg: int, step: int) -> ClOrdId:
    """Return the id of the order that is step number `step` of leg number `leg` of this copy.

    `opened_at` keeps two lives of a venue's reused position id apart. Kept for a moment: who decides of an order asks
    for its id more than once.
    """
    purpose = "\x1f".join((link, position_id, opened_at.isoformat(), str(leg), str(step)))
    bits = int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=13).digest(), "big") >> 4  # 100 of 104
    return ClOrdId(CL_ORD_ID_PREFIX + "".join([_PAIRS[bits >> shift & 0x3FF] for shift in _SHIFTS]))


def is_ours(tag: str | None) -> bool:
    """Tell whether a venue's order tag has the shape of our ids."""
    return tag is not None and _OURS.fullmatch(tag) is not None
