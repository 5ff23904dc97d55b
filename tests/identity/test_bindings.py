"""Who is bound to which record, by an admin or a one-time code, and for how long."""

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest

from bot.errors import InputError
from bot.identity.tables import Account, Author
from tests.identity.conftest import BY, DAY_S, LI, NOW, SHANGHAI, WANG, Office

TWO = "record,valid_until\n1,2027-01-31\n2,2027-12-31\n"
END = datetime(2027, 2, 1, tzinfo=SHANGHAI).timestamp()


@pytest.fixture(autouse=True)
def _records(office: Office) -> None:
    office.load(TWO)


def refusal(office: Office, account: Account, code: str, *, tenant: str = "academy", now: float = NOW) -> str:
    with pytest.raises(InputError) as refused:
        office.bindings.redeem(tenant, account, code, now)
    return refused.value.text_key


def test_a_binding_holds_until_the_last_day_of_the_record_is_over(office: Office) -> None:
    office.bindings.bind("academy", WANG, "1", BY, NOW)
    assert office.record_of(WANG, now=END - 1) == "1"
    assert office.record_of(WANG, now=END) is None
    assert office.record_of(Account(bot="imaging", channel="kf", person="WMwang")) == "1", "ids tell no case apart"


def test_a_binding_is_one_of_a_channel_and_a_bot(office: Office) -> None:
    office.bindings.bind("academy", WANG, "1", BY, NOW)
    assert office.record_of(Account(bot="imaging", channel="app", person=WANG.person)) is None
    assert office.record_of(Account(bot="second", channel="kf", person=WANG.person)) is None
    assert office.record_of(WANG, tenant="rival") is None


def test_neither_a_person_nor_a_record_is_bound_twice(office: Office) -> None:
    office.bindings.bind("academy", WANG, "1", BY, NOW)
    written = len(office.entries())
    office.bindings.bind("academy", WANG, "1", BY, NOW)
    assert len(office.entries()) == written, "a turn that runs again changes nothing"
    for account, record, why in (
        (WANG, "2", "hcp_person_bound"),
        (LI, "1", "hcp_record_taken"),
        (LI, "9", "hcp_no_record"),
    ):
        with pytest.raises(InputError, match=why):
            office.bindings.bind("academy", account, record, BY, NOW)
    office.bindings.unbind("academy", WANG, BY)
    with pytest.raises(InputError, match="hcp_not_bound"):
        office.bindings.unbind("academy", WANG, BY)
    office.bindings.bind("academy", LI, "1", BY, NOW)
    assert office.record_of(LI) == "1"


def test_a_record_that_is_over_is_in_nobody_s_way_and_binds_nobody(office: Office) -> None:
    office.bindings.bind("academy", WANG, "1", BY, NOW)
    office.bindings.bind("academy", WANG, "2", BY, END)
    assert office.record_of(WANG, now=END) == "2"
    with pytest.raises(InputError, match="hcp_no_record"):
        office.bindings.bind("academy", LI, "1", BY, END)


def test_a_code_binds_whoever_sends_it_once(office: Office) -> None:
    code = office.bindings.issue("academy", "1", BY, NOW)
    assert office.bindings.redeem("academy", WANG, code.lower().replace("-", " "), NOW).record == "1"
    assert office.record_of(WANG) == "1"
    written = [(entry.actor, entry.details) for entry in office.entries()]
    assert office.bindings.redeem("academy", WANG, code, NOW).record == "1", "the same turn may run again"
    assert len(office.entries()) == len(written)
    assert refusal(office, LI, code) == "hcp_code_wrong"
    pseudonym = office.audit.key.pseudonym("academy", WANG.person)
    assert written[-1] == (pseudonym, f'{{"change":"bound_by_code","of":"{pseudonym}"}}')
    office.bindings.unbind("academy", WANG, BY)
    assert refusal(office, WANG, code) == "hcp_code_wrong", "a used code brings no binding back"


def test_a_code_that_is_wrong_over_or_another_tenant_s_is_refused_in_the_same_words(office: Office) -> None:
    code = office.bindings.issue("academy", "1", BY, NOW)
    office.load(TWO, tenant="rival")
    assert refusal(office, WANG, code, tenant="rival") == "hcp_code_wrong"
    assert refusal(office, WANG, code, now=NOW + 3 * DAY_S) == "hcp_code_wrong"
    for wrong in ("", "绑定", "AAAA-BBBB-CCCC-DDDD", code[:-1], code + "A"):
        assert refusal(office, WANG, wrong) == "hcp_code_wrong"
    assert office.bindings.redeem("academy", WANG, code, NOW + 3 * DAY_S - 1).record == "1", "none of that used it up"


def test_a_new_code_takes_the_place_of_an_unused_one_of_the_same_record(office: Office) -> None:
    first, other = (office.bindings.issue("academy", record, BY, NOW) for record in ("1", "2"))
    second = office.bindings.issue("academy", "1", BY, NOW)
    assert refusal(office, WANG, first) == "hcp_code_wrong"
    assert office.bindings.redeem("academy", WANG, second, NOW).record == "1"
    assert office.bindings.redeem("academy", LI, other, NOW).record == "2"


def test_a_code_that_cannot_bind_is_not_used_up(office: Office) -> None:
    code = office.bindings.issue("academy", "1", BY, NOW)
    office.bindings.bind("academy", WANG, "2", BY, NOW)
    assert refusal(office, WANG, code) == "hcp_person_bound"
    assert office.bindings.redeem("academy", LI, code, NOW).record == "1"


def test_a_code_for_no_valid_record_is_not_made_and_does_not_outlive_it(office: Office) -> None:
    for record, now in (("9", NOW), ("1", END)):
        with pytest.raises(InputError, match="hcp_no_record"):
            office.bindings.issue("academy", record, BY, now)
    code = office.bindings.issue("academy", "1", BY, END - 1)
    assert refusal(office, WANG, code, now=END) == "hcp_code_wrong"


def test_whoever_holds_a_code_does_not_learn_the_number_of_its_record(office: Office) -> None:
    code = office.bindings.issue("academy", "1", BY, NOW)
    office.bindings.bind("academy", LI, "1", BY, NOW)
    with pytest.raises(InputError) as refused:
        office.bindings.redeem("academy", WANG, code, NOW)
    assert (refused.value.text_key, refused.value.values) == ("hcp_code_taken", {})


def test_a_code_that_others_have_read_is_worth_nothing(office: Office) -> None:
    code, other = (office.bindings.issue("academy", record, BY, NOW) for record in ("1", "2"))
    assert office.bindings.void("rival", code, Author(person="wmWANG")) is False
    assert office.bindings.void("academy", code.lower(), Author(person="wmWANG")) is True
    assert office.bindings.void("academy", code, Author(person="wmWANG")) is False
    assert refusal(office, LI, code) == "hcp_code_wrong"
    assert office.bindings.redeem("academy", LI, other, NOW).record == "2"
    office.bindings.unbind("academy", LI, BY)
    assert [entry.details for entry in office.entries()].count('{"change":"code_voided"}') == 1
    assert office.bindings.void("academy", other, Author(person="wmWANG")) is False, "a used one opens nothing"


def at_once(*doings: Callable[[], object]) -> list[str]:
    """What became of ``doings`` that begin together: ``done``, or why not."""
    start, outcomes = threading.Barrier(len(doings)), []

    def run(doing: Callable[[], object]) -> None:
        start.wait()
        try:
            doing()
        except InputError as error:
            outcomes.append(error.text_key)
        else:
            outcomes.append("done")

    threads = [threading.Thread(target=run, args=(doing,)) for doing in doings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_of_bindings_that_exclude_each_other_one_is_made_and_the_other_refused(office: Office) -> None:
    bind = office.bindings.bind
    for _ in range(5):
        one_record = at_once(*(partial(bind, "academy", account, "1", BY, NOW) for account in (WANG, LI)))
        assert one_record == ["done", "hcp_record_taken"]
        office.register.remove("academy", "1", BY)
        office.load(TWO)
        one_person = at_once(*(partial(bind, "academy", WANG, record, BY, NOW) for record in ("1", "2")))
        assert one_person == ["done", "hcp_person_bound"]
        office.bindings.unbind("academy", WANG, BY)


def test_a_record_that_goes_while_its_code_is_sent_leaves_no_binding_behind(office: Office) -> None:
    for _ in range(10):
        code = office.bindings.issue("academy", "1", BY, NOW)
        at_once(
            partial(office.bindings.redeem, "academy", WANG, code, NOW),
            partial(office.register.remove, "academy", "1", BY),
        )
        office.load(TWO)
        assert office.record_of(WANG) is None, "whoever gets the number next is somebody else"


def test_of_two_who_send_a_code_at_once_one_is_bound(office: Office) -> None:
    code = office.bindings.issue("academy", "1", Author(person="zhang.wei"), NOW)
    start, outcomes = threading.Barrier(8), []

    def send(number: int) -> None:
        account = Account(bot="imaging", channel="kf" if number % 2 else "app", person=f"wm{number}")
        start.wait()
        try:
            outcomes.append(office.bindings.redeem("academy", account, code, NOW).record)
        except InputError as error:
            outcomes.append(error.text_key)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["1"] + ["hcp_code_wrong"] * 7
    (listed, _) = office.register.newest("academy", 9)
    assert listed.bound == 1
