"""The decorator of values that never change: `attrs.frozen` for the type checker, a plain class while running.

That nothing sets a field of such a value is proven by mypy over everything here, once, instead of being guarded
whenever one is made: that guard makes a record of twelve fields four times as dear, and an order makes twenty records.
"""

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from attrs import frozen as frozen  # noqa: TID251 - everybody else takes it from here
else:
    frozen = attrs.define(unsafe_hash=True, on_setattr=attrs.setters.NO_OP)
