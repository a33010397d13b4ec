"""Decoders under attack: a short campaign on each, and proof that a campaign finds what it looks for."""

import time
from decimal import Decimal
from random import Random

import pytest

from adapters.base import RemoteProtocolError
from tests.fuzz.campaign import attack
from tests.fuzz.decoders import DECODERS, Decoder, Stateless
from tests.fuzz.mutate import mutated

INPUTS = 3000


@pytest.mark.slow  # thousands of inputs; the sessions' transcripts are recorded at simulated venues first
@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)
def test_broken_inputs_crash_nothing_and_keep_nothing_busy(decoder: Decoder) -> None:
    result = attack(decoder, INPUTS, seed=1)
    assert not result.findings, "\n".join(map(str, result.findings))
    assert 0 < result.taken < INPUTS, "inputs should be near enough to good ones that some get through"


def _crash(text: str) -> object:
    return 1 / (len(text) % 50)


def _be_busy(text: str) -> object:
    until_s = time.thread_time() + 0.02
    while len(text) > 20 and time.thread_time() < until_s:
        pass
    return None


_kept: list[str] = []


def _grow(text: str) -> object:
    _kept.append(text * 500)
    return None


@pytest.mark.slow  # one of them is busy, one grows by some hundred megabytes
@pytest.mark.parametrize(
    ("decode", "words"),
    [
        (_crash, "ZeroDivisionError"),
        (_be_busy, "took"),
        (_grow, "grew by"),
        (lambda text: [Decimal("NaN")] if "0" in text else None, "must be a finite decimal number"),
        (lambda text: Decimal(text) if text.isdigit() else None, "at most 20 digits"),
    ],
)
def test_a_decoder_that_misbehaves_is_found(decode: object, words: str) -> None:
    decoder = Decoder("sick", lambda: Stateless(['{"volume":0.1,"id":"12345"}', "12345"], decode))  # type: ignore[arg-type]
    findings = attack(decoder, 4000, seed=1).findings
    _kept.clear()
    assert any(words in str(finding) for finding in findings), findings


def test_a_refusal_is_no_finding() -> None:
    def refuse(_: str) -> object:
        raise RemoteProtocolError("no")

    result = attack(Decoder("strict", lambda: Stateless(["{}"], refuse)), 100, seed=1)
    assert (result.taken, result.findings) == (0, ())


def test_the_same_generator_makes_the_same_inputs() -> None:
    one, other = Random(3), Random(3)
    assert [mutated("abc", "def", one) for _ in range(50)] == [mutated("abc", "def", other) for _ in range(50)]
