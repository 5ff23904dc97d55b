"""Which cases an alert is about: urgent ones that nobody at the desk has confirmed."""

from tests.safety.cases.conftest import REPORT, Clinic


def test_only_an_urgent_case_that_nobody_confirmed_is_unseen(any_clinic: Clinic) -> None:
    mild = any_clinic.tell(REPORT, person="a").case
    serious = any_clinic.tell("病人用示影灵后呼吸困难，抢救无效死亡", person="b").case
    assert (mild.urgent, serious.urgent) == (False, True)
    unseen = any_clinic.cases.unseen
    assert [case.number for case in unseen(any_clinic.now + 1)] == [serious.number]
    assert unseen(any_clinic.now) == [], "it has just come"
    any_clinic.cases.acknowledge(serious.number, "desk:pv.chen")
    assert unseen(any_clinic.now + 1) == []
