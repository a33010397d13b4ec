from rules.model.reasons import Reason


def test_code_is_its_name_and_the_meaning_a_sentence():
    for reason in Reason:
        assert reason.value == reason.name
        assert Reason(reason.value) is reason
        assert reason.meaning[0].isupper()
        assert reason.meaning.endswith(".")


def test_no_two_codes_are_one():
    # An Enum makes aliases of equal values without a word.
    assert len(Reason.__members__) == len(list(Reason))


def test_what_a_person_decided_does_not_wait():
    waiting = {reason for reason in Reason if reason.waits}
    assert {Reason.FILTER_STOPS, Reason.TARGET_NOT_READY, Reason.QUOTE_UNKNOWN} <= waiting
    assert not {Reason.FILTER_SYMBOL, Reason.TOO_OLD, Reason.MAX_POSITIONS, Reason.REJECTED} & waiting
