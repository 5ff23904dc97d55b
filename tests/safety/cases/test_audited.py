"""What the audit log keeps of cases: who did what, and nobody's name."""

from tests.safety.cases.conftest import REPORT, Clinic


def test_who_acknowledges_in_a_chat_stands_under_a_pseudonym(clinic: Clinic) -> None:
    clinic.tell(REPORT)
    clinic.cases.acknowledge(1, "desk:PV.Chen")
    (newest,) = clinic.audit.newest(1)
    assert newest.actor == clinic.audit.key.pseudonym("academy", "pv.chen")
    assert "chen" not in "".join(entry.to_line().lower() for entry in clinic.audit.entries())
    assert clinic.cases.history(1)[-1]["actor"] == "desk:PV.Chen", "the case itself says who it was"
