"""Arithmetic that a person writes: parsed here, bounded, exact. Nothing of it is ever run as code."""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import Final, TypeAlias

from attrs import field

from rules.model.frozen import frozen

TEXT_MAX = 500
"""Characters: a formula longer than this cannot be checked by reading it. It bounds the digits of a result too."""

DEPTH_MAX = 32
"""Brackets and signs within each other: far more than a formula needs, far less than the interpreter's stack."""

_TOKEN: Final = re.compile(r"\s*(?:(?P<number>[0-9]{1,20}(?:\.[0-9]{1,20})?)|(?P<name>[a-z_]+)|(?P<sign>[-+*/(),]))")

Ratio: TypeAlias = tuple[int, int]
"""Numerator and denominator (> 0), not reduced: whole numbers cost a tenth of what fractions do."""

Exact: TypeAlias = Decimal | Fraction

Operation: TypeAlias = Callable[[Ratio, Ratio], Ratio]


def _add(left: Ratio, right: Ratio) -> Ratio:
    return left[0] * right[1] + right[0] * left[1], left[1] * right[1]


def _subtract(left: Ratio, right: Ratio) -> Ratio:
    return left[0] * right[1] - right[0] * left[1], left[1] * right[1]


def _least(left: Ratio, right: Ratio) -> Ratio:
    return left if left[0] * right[1] <= right[0] * left[1] else right


def _most(left: Ratio, right: Ratio) -> Ratio:
    return right if left[0] * right[1] <= right[0] * left[1] else left


_SUMS: Final[Mapping[str, Operation]] = {"+": _add, "-": _subtract}
_CHOICES: Final[Mapping[str, Operation]] = {"min": _least, "max": _most}


class ExpressionError(ValueError):
    """A text is no expression; the message says what was expected, what was found, and where."""


@frozen
class _Number:
    ratio: Ratio

    def value(self, values: Mapping[str, Ratio]) -> Ratio:
        return self.ratio


@frozen
class _Variable:
    name: str

    def value(self, values: Mapping[str, Ratio]) -> Ratio:
        return values[self.name]


@frozen
class _Operation:
    """`+` and `-`, or `min` and `max`, of two values."""

    do: Operation
    left: "_Node"
    right: "_Node"

    def value(self, values: Mapping[str, Ratio]) -> Ratio:
        return self.do(self.left.value(values), self.right.value(values))


@frozen
class _Product:
    """What stands between signs of `*` and `/`: sizes are little else, and are reckoned for each order."""

    times: tuple["_Node", ...]
    over: tuple["_Node", ...]

    def value(self, values: Mapping[str, Ratio]) -> Ratio:
        whole, parts = 1, 1
        for node in self.times:
            above, below = node.value(values)
            whole *= above
            parts *= below
        for node in self.over:
            above, below = node.value(values)
            if above == 0:
                raise ZeroDivisionError
            whole *= below
            parts *= above
        return (whole, parts) if parts > 0 else (-whole, -parts)


_Node: TypeAlias = _Number | _Variable | _Operation | _Product


@frozen
class Expression:
    """Numbers, the variables of `known`, `+ - * /`, brackets, `min(a, b, ...)` and `max(a, b, ...)`.

    Raises:
        ExpressionError: the text is none, is too long or too deep, or names a variable that is not known.
    """

    text: str
    known: frozenset[str] = field(eq=False, repr=False)
    variables: tuple[str, ...] = field(init=False, eq=False, repr=False)
    """Those that it names, each once, in the order of the text."""
    _root: _Node = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        parser = _Parser(self.text, self.known)
        object.__setattr__(self, "_root", parser.whole())
        object.__setattr__(self, "variables", tuple(dict.fromkeys(parser.names)))

    def __str__(self) -> str:
        return self.text

    def value(self, values: Mapping[str, Ratio]) -> Ratio | None:
        """Return the result, exactly; None where something is divided by zero.

        Args:
            values: of all its `variables`.
        """
        try:
            return self._root.value(values)
        except ZeroDivisionError:
            return None


class _Parser:
    """Reads one text from left to right; each method takes what its name says."""

    def __init__(self, text: str, known: frozenset[str]) -> None:
        if len(text) > TEXT_MAX:
            raise ExpressionError(f"expression must have at most {TEXT_MAX} characters, had {len(text)}")
        self.names: list[str] = []
        self._known = known
        self._tokens = list(_tokens(text))
        self._next = 0
        self._depth = 0

    def whole(self) -> _Node:
        node = self._sum()
        if self._next < len(self._tokens):
            raise self._error("an operator or the end")
        return node

    def _sum(self) -> _Node:
        node = self._product()
        while (sign := self._seen(*_SUMS)) is not None:
            node = _Operation(_SUMS[sign], node, self._product())
        return node

    def _product(self) -> _Node:
        times, over = [self._factor()], list[_Node]()
        while (sign := self._seen("*", "/")) is not None:
            (times if sign == "*" else over).append(self._factor())
        return _Product(tuple(times), tuple(over)) if over or len(times) > 1 else times[0]

    def _factor(self) -> _Node:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExpressionError(f"expression must have at most {DEPTH_MAX} brackets in each other, had more")
        try:
            if self._seen("-") is not None:
                return _Operation(_subtract, _Number((0, 1)), self._factor())
            if self._seen("(") is not None:
                node = self._sum()
                self._must(")")
                return node
            return self._value()
        finally:
            self._depth -= 1

    def _value(self) -> _Node:
        token = self._tokens[self._next] if self._next < len(self._tokens) else ""
        if token[:1].isdigit():
            self._next += 1
            return _Number(Decimal(token).as_integer_ratio())
        if token in _CHOICES:
            self._next += 1
            return reduce(lambda left, right: _Operation(_CHOICES[token], left, right), self._arguments())
        if token not in self._known:
            raise self._error(f"a number, a bracket or one of {', '.join(sorted(self._known))}")
        self._next += 1
        self.names.append(token)
        return _Variable(token)

    def _arguments(self) -> tuple[_Node, ...]:
        self._must("(")
        values = [self._sum()]
        while self._seen(",") is not None:
            values.append(self._sum())
        self._must(")")
        return tuple(values)

    def _seen(self, *signs: str) -> str | None:
        if self._next < len(self._tokens) and self._tokens[self._next] in signs:
            self._next += 1
            return self._tokens[self._next - 1]
        return None

    def _must(self, sign: str) -> None:
        if self._seen(sign) is None:
            raise self._error(f"`{sign}`")

    def _error(self, expected: str) -> ExpressionError:
        found = f"`{self._tokens[self._next]}`" if self._next < len(self._tokens) else "its end"
        return ExpressionError(f"expression must have {expected} as part {self._next + 1}, was {found}")


def _tokens(text: str) -> Iterator[str]:
    end, text = 0, text.rstrip()
    while end < len(text):
        token = _TOKEN.match(text, end)
        if token is None:
            raise ExpressionError(
                f"expression must hold numbers, names and + - * / ( ) alone, was `{text[end : end + 20].lstrip()}`"
            )
        end = token.end()
        yield token[token.lastgroup or 0]
