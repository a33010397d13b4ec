"""The id of an order, anew: 100 bits of a hash over what the order is for, in base 32 after `cp`."""

from datetime import datetime
from hashlib import blake2b


def order_id(link: str, position_id: str, opened_at: datetime, leg: int, step: int) -> str:
    """Return the id of step `step` of leg `leg` of a copy."""
    purpose = f"{link}\x1f{position_id}\x1f{opened_at.isoformat()}\x1f{leg}\x1f{step}"
    number = int.from_bytes(blake2b(purpose.encode(), digest_size=13).digest(), "big") // 16
    letters = ""
    for _ in range(20):
        number, digit = divmod(number, 32)
        letters = "abcdefghijklmnopqrstuvwxyz234567"[digit] + letters
    return "cp" + letters
