"""Attacks decoders with broken inputs, and says which input crashed one, kept one busy, or made one grow."""

import resource
import time
import traceback
from random import Random

from rules.model.frozen import frozen
from tests.fuzz.decoders import DECODERS, Decoder, Fuzzed

BUSY_S_MAX = 0.01
"""CPU time that one input may take."""

GROWTH_KB_MAX = 16 * 1024
"""Beyond the first fifth of the inputs, which fill caches and the allocator's pools."""

TRACEBACK_LINES = 8


@frozen
class Finding:
    """What an input did."""

    decoder: str
    number: int
    text: str
    what: str

    def __str__(self) -> str:
        return f"{self.decoder}, input {self.number}: {self.what}\n    {self.text[:300]!r}"


@frozen
class Result:
    """One decoder's campaign; `taken` inputs were not refused, `slowest_s` is CPU time, `grown_kb` of the process."""

    decoder: str
    inputs: int
    taken: int
    seconds: float
    slowest_s: float
    grown_kb: int
    findings: tuple[Finding, ...]


def attack(decoder: Decoder, inputs: int, seed: int) -> Result:
    """Give a decoder that many broken inputs; the first finding of each kind ends it."""
    fuzzed, random = decoder.make(), Random(f"{seed}/{decoder.name}")
    began, taken, slowest_s, findings = time.monotonic(), 0, 0.0, list[Finding]()
    settled_kb = peak_kb()
    for number in range(inputs):
        if number == inputs // 5:
            settled_kb = peak_kb()
        text = fuzzed.next_input(random)
        started_s = time.thread_time()
        try:
            taken += fuzzed.take(text)
        except Exception:  # noqa: BLE001 - any is a finding, and the input must be named with it
            last = "".join(traceback.format_exc().splitlines(keepends=True)[-TRACEBACK_LINES:])
            findings.append(Finding(decoder.name, number, text, f"crashed:\n{last}"))
            break
        taken_s = time.thread_time() - started_s
        if taken_s > BUSY_S_MAX:
            taken_s = min(taken_s, *(_taken_s(fuzzed, text) for _ in range(3)))  # a collection of garbage is none of it
        slowest_s = max(slowest_s, taken_s)
        if taken_s > BUSY_S_MAX:
            findings.append(Finding(decoder.name, number, text, f"took {taken_s * 1000:.1f} ms"))
            break
    grown_kb = peak_kb() - settled_kb
    if grown_kb > GROWTH_KB_MAX:
        findings.append(Finding(decoder.name, inputs, "", f"grew by {grown_kb} kB"))
    return Result(decoder.name, inputs, taken, time.monotonic() - began, slowest_s, grown_kb, tuple(findings))


def _taken_s(fuzzed: Fuzzed, text: str) -> float:
    started_s = time.thread_time()
    fuzzed.take(text)
    return time.thread_time() - started_s


def peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def attack_named(name: str, inputs: int, seed: int) -> Result:
    """Do the same by the decoder's name, which another process can be told."""
    return attack(next(decoder for decoder in DECODERS if decoder.name == name), inputs, seed)
