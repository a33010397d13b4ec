"""Makes broken and hostile inputs of good ones: always the same ones of the same generator."""

from random import Random

HOSTILE = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "1e-400",
    "-1e999999999",
    "1" * 60,
    "0." + "1" * 60,
    "9" * 5000,
    "-0",
    "0x10",
    "1_000",
    "null",
    "true",
    "[]",
    "{}",
    '""',
    "[" * 200,
    "]" * 200,
    '{"a":' * 200,
    "\\ud800",
    "\\u0000",
    "\u202e",
    "\x00",
    "\x1e",
    "\n\n",
    "\r\n",
    "🪙",
    "￿",
    "ЕURUSD",
    "a" * 10_000,
    "999999999999999999999999:4x",
    '"type":"unknown"',
    "-1",
    "18446744073709551616",
    "+202620-01-01T00:00:00.000Z",
    "2026-13-45T99:99:99Z",
)
"""Numbers, texts and pieces of syntax that careless readers fall for."""

INPUT_CHARS_MAX = 60_000
"""Inputs made of inputs must not grow without end; beyond our own corpus each piece of hostility still fits."""


def mutated(good: str, other: str, random: Random) -> str:
    """Return `good` with one to three things wrong with it; `other` is what may be mixed into it."""
    text = good
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        text = random.choice(_WAYS)(text, other, random)
    return text[:INPUT_CHARS_MAX]


def _cut(text: str, _: str, random: Random) -> str:
    return text[: random.randrange(len(text) + 1)]


def _drop(text: str, _: str, random: Random) -> str:
    start = random.randrange(len(text) + 1)
    return text[:start] + text[start + random.randint(1, 8) :]


def _double(text: str, _: str, random: Random) -> str:
    start = random.randrange(len(text) + 1)
    end = start + random.randint(1, 40)
    return text[:end] + text[start:]


def _flip(text: str, _: str, random: Random) -> str:
    if not text:
        return text
    at = random.randrange(len(text))
    return text[:at] + chr(ord(text[at]) ^ 1 << random.randrange(7)) + text[at + 1 :]


def _insert(text: str, _: str, random: Random) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(HOSTILE) + text[at:]


def _replace_value(text: str, _: str, random: Random) -> str:
    """Put something hostile in the place of a JSON value, or of a header's."""
    starts = [at + 1 for at, character in enumerate(text) if character == ":"]
    if not starts:
        return _insert(text, "", random)
    start = random.choice(starts)
    ends = [at for at in (text.find(stop, start) for stop in (",", "}", "]", "\n")) if at > 0]
    return text[:start] + random.choice(HOSTILE) + text[min(ends, default=len(text)) :]


def _rename_key(text: str, _: str, random: Random) -> str:
    quotes = [at for at, character in enumerate(text) if character == '"']
    if not quotes:
        return text
    at = random.choice(quotes)
    return text[: at + 1] + random.choice(("x", "", "type", "id", "data")) + text[at + 1 :]


def _splice(text: str, other: str, random: Random) -> str:
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other) + 1) :]


def _digits(text: str, _: str, random: Random) -> str:
    """Change a digit, so that a number, a length or a date is another one."""
    places = [at for at, character in enumerate(text) if character.isdigit()]
    if not places:
        return text
    at = random.choice(places)
    return text[:at] + random.choice("0123456789.e-") + text[at + 1 :]


def _garbage(_: str, __: str, random: Random) -> str:
    return "".join(
        chr(random.choice((random.randrange(128), random.randrange(0xD800)))) for _ in range(random.randrange(60))
    )


_WAYS = (
    _cut,
    _drop,
    _double,
    _flip,
    _insert,
    _insert,
    _replace_value,
    _replace_value,
    _replace_value,
    _rename_key,
    _splice,
    _digits,
    _digits,
    _garbage,
)
