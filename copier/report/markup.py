"""HTML that is safe by construction: whatever is put into a tag is text, and is escaped, unless a tag made it."""

from html import escape
from typing import Final, TypeAlias

from copier.telling.wording import printable


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = str | Markup | None

TEXT_MAX: Final = 1000
"""Characters of a text: more than any of ours has."""

_EMPTY = frozenset({"meta", "br", "rect", "line", "path", "circle"})


def tag(element: str, /, *children: Child, **attributes: str | int | float | None) -> Markup:
    """Return an element. Attributes that are None are left out; `class_` is `class`, `_` in a name is `-`."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_number(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if element in _EMPTY and not children:
        return Markup(f"<{element}{told}/>")
    return Markup(f"<{element}{told}>{join(*children)}</{element}>")


def join(*children: Child) -> Markup:
    """Return text and elements, one after the other."""
    return Markup("".join(_safe(child) for child in children if child is not None))


def _safe(child: str | Markup) -> str:
    return child if isinstance(child, Markup) else escape(printable(child, TEXT_MAX), quote=True)


def _number(value: str | float) -> str:
    """Return an attribute's text; coordinates to a tenth."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
