"""Every result code that is documented has its class, and none is called safe that is not."""

import pytest

from adapters.base import RemoteProtocolError
from adapters.metaapi.outcomes import Outcome, is_partial, outcome_of, outcome_of_result, text_of_result
from adapters.metaapi.wire import TradeResult

SUCCESS = {0, 10008, 10009, 10010, 10025}
UNKNOWN = {-11, -7, -1, 1, 10012, 128, 142, 143}
RETRIED_BY_OTHERS = {
    *(-10, -6, -5, 10004, 10020, 10021, 10023, 10024, 10028, 10031),
    *(4, 6, 8, 129, 135, 136, 137, 138, 141, 146),
}
LATER = {10018, 10017, 10029, 132, 133, 145}
FATAL = {
    *(-9, -8, -4, 10006, 10007, 10011, 10013, 10014, 10015, 10016, 10019, 10022, 10026, 10027, 10030, 10032, 10033),
    *(10034, 10035, 10038, 10039, 10040, 10041, 10042, 10043, 10044, 10045, 3, 5, 64, 65, 130, 131, 134, 139, 140, 147),
    148,
}
REACHED = {4753, 4754, 10036}


def classes(codes):
    return {outcome_of(code, None) for code in codes}


def test_success_is_done_or_placed():
    assert {code for code in SUCCESS if outcome_of(code, None) is Outcome.DONE} == SUCCESS - {10008}
    assert outcome_of(10008, None) is Outcome.PLACED


def test_what_may_have_been_executed_is_unknown():
    assert classes(UNKNOWN) == {Outcome.UNKNOWN}


def test_only_what_never_reached_the_broker_is_safe_to_send_again():
    safe = {code for code in RETRIED_BY_OTHERS if outcome_of(code, None) is Outcome.NOT_DELIVERED}
    assert safe == {-10, -6, -5}
    assert {code for code in RETRIED_BY_OTHERS if outcome_of(code, None) is Outcome.BUSY} == {10024, 8, 141}
    assert classes(RETRIED_BY_OTHERS - safe - {10024, 8, 141}) == {Outcome.UNKNOWN}


def test_what_would_be_refused_again_is_refused():
    assert classes(LATER | FATAL) == {Outcome.REFUSED}


def test_what_is_not_there_any_more_is_gone():
    assert classes(REACHED) == {Outcome.GONE}


@pytest.mark.parametrize("code", [None, 99, 10046, -12, (0.0).hex(), 12345678901234567890])
def test_a_code_that_nobody_documents_is_unknown(code):
    if isinstance(code, str):
        with pytest.raises(RemoteProtocolError, match="numericCode"):
            outcome_of(code, None)
    else:
        assert outcome_of(code, "NEW_CODE") is Outcome.UNKNOWN


def test_a_name_counts_where_there_is_no_number():
    assert outcome_of(None, "TRADE_RETCODE_DONE") is Outcome.DONE
    assert outcome_of(None, "TRADE_RETCODE_PLACED") is Outcome.PLACED
    assert outcome_of(None, "ERR_TRADE_POSITION_NOT_FOUND") is Outcome.GONE
    assert outcome_of(10013, "TRADE_RETCODE_DONE") is Outcome.REFUSED
    assert outcome_of(None, "TRADE_RETCODE_PRICE_OFF") is Outcome.UNKNOWN


def test_the_older_words_are_read_too():
    old = TradeResult(error=10009, description="Request completed")
    assert outcome_of_result(old) is Outcome.DONE
    assert text_of_result(old) == "Request completed (None, 10009)"
    new = TradeResult(numeric_code=10016, string_code="TRADE_RETCODE_INVALID_STOPS", message="Invalid stops")
    assert outcome_of_result(new) is Outcome.REFUSED
    assert text_of_result(new) == "Invalid stops (TRADE_RETCODE_INVALID_STOPS, 10016)"


def test_a_part_is_told_from_the_whole():
    assert is_partial(TradeResult(numeric_code=10010))
    assert is_partial(TradeResult(string_code="TRADE_RETCODE_DONE_PARTIAL"))
    assert not is_partial(TradeResult(numeric_code=10009))


def test_the_venues_words_are_bounded():
    assert len(text_of_result(TradeResult(numeric_code=1, string_code="S" * 999, message="x" * 10_000))) < 500
